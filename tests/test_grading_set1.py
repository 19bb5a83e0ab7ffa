"""Set 1: what its hidden cases take for granted."""

from __future__ import annotations

import pytest
import torch

from course.problems.set1_recurrence import cutting, holding, measuring, reading
from tests.problem_sets import given

SET = "set1_recurrence"
LATCH = (
    torch.tensor([[0.0, 0.0], [10.0, 10.0], [-10.0, 10.0]]),
    torch.tensor([[2.0, 4.0, -4.0], [0.0, 0.0, 0.0], [0.0, 0.0, 0.0]]),
    torch.tensor([0.0, -15.0, -15.0]),
)


@pytest.fixture
def g() -> torch.Generator:
    return torch.Generator().manual_seed(0)


def test_the_students_network_is_the_graders(g):
    weights = [torch.randn(*shape, generator=g) for shape in ((4, 2), (4, 4), (4,))]
    inputs = torch.rand(20, 2, generator=g).double()
    shown = given(SET)["run_network"](weights, inputs)
    torch.testing.assert_close(shown, holding.run(weights, inputs))


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (None, "three tensors"),
        (LATCH[:2], "three tensors"),
        ((*LATCH[:2], [0.0, 0.0, 0.0]), "three tensors"),
        ((*LATCH[:2], torch.zeros(9)), "1 to 8 units, got 9"),
        ((LATCH[0].T, *LATCH[1:]), r"expected W of shape \(3, 2\), got \(2, 3\)"),
        ((LATCH[0] * torch.nan, *LATCH[1:]), "W holds a number beyond 20, or none"),
        ((LATCH[0], LATCH[1] * 6, LATCH[2]), "U holds a number beyond 20"),
    ],
)
def test_weights_that_make_no_network_are_told_why(value, said):
    with pytest.raises(holding.RefusedError, match=said):
        holding.checked(value)


@pytest.mark.parametrize(("steps", "window"), [(6, 3), (12, 4), (7, 3), (9, 4)])
def test_the_state_is_zero_at_the_end_of_a_window(g, steps, window):
    inputs, targets, weights, hidden_weights, bias, _ = next(cutting.back_at_zero(g, steps, window))
    start = torch.zeros_like(targets[0])
    leak = torch.ones_like(bias)
    states = reading.leaky_states(inputs, start, weights, hidden_weights, bias, leak)
    assert states[window - 1 :: window].abs().max() < 1e-12
    assert states[0].abs().min() > 1e-6


def test_the_jacobian_by_hand_is_autograds(g):
    states, hidden_weights, leak = next(measuring.journey(g, 4, leak=True))
    new = (states[1:] - (1 - leak) * states[:-1]) / leak
    rest = torch.atanh(new) - states[:-1] @ hidden_weights.T  # W x_t + b that leads there

    def run(start):
        for each in rest:
            start = (1 - leak) * start + leak * torch.tanh(hidden_weights @ start + each)
        return start

    torch.testing.assert_close(run(states[0]), states[-1])
    found = torch.autograd.functional.jacobian(run, states[0])
    torch.testing.assert_close(found, measuring.leaky_jacobian(states, hidden_weights, leak))


def test_valid_parts_read_the_same_backwards_where_direction_is_not_asked_for(g):
    inputs, lengths, *_ = next(reading.padded(g, rubbish=torch.nan))
    assert len(set(lengths.tolist())) == len(lengths)
    for number, length in enumerate(lengths.tolist()):
        torch.testing.assert_close(inputs[:length, number], inputs[:length, number].flip(0))
        assert inputs[length:, number].isnan().all()
