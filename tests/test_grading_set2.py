"""Set 2's machine: what a student tries weights on is what the grader tries them on."""

from __future__ import annotations

import pytest
import torch

from course.problems.set2_lstm import machine
from tests.problem_sets import given

SET = "set2_lstm"


def weights(seed: int, inputs: int) -> dict[str, torch.Tensor]:
    """Weights that the machine takes, and that do nothing sensible."""
    generator = torch.Generator().manual_seed(seed)
    shapes = {"input_weights": (4, inputs), "hidden_weights": (4, 1), "bias": (4,)}
    return {name: torch.randn(shape, generator=generator) for name, shape in shapes.items()}


@pytest.fixture(scope="module")
def run_machine():
    return given(SET)["run_machine"]


@pytest.mark.parametrize("inputs", [3, 4])
def test_the_students_machine_is_the_graders(inputs, run_machine):
    told = weights(inputs, inputs)
    fed = torch.randn(20, 5, inputs, generator=torch.Generator().manual_seed(0))
    shown, kept = run_machine(told, fed)
    wanted = machine.run(told, fed.double())
    torch.testing.assert_close(shown, wanted[0][..., 0])
    torch.testing.assert_close(kept, wanted[1][..., 0])


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"bias": None}, "expected a tensor 'bias'"),
        ({"bias": torch.zeros(3)}, r"of shape \(4,\), got \(3,\)"),
        ({"bias": torch.full((4,), 21.0)}, "not between -20 and 20"),
        ({"bias": torch.full((4,), torch.nan)}, "not between -20 and 20"),
    ],
)
def test_weights_that_the_machine_refuses_are_told_why(change, said):
    with pytest.raises(machine.RefusedError, match=said):
        machine.checked(weights(0, 3) | change, 3)
    with pytest.raises(machine.RefusedError, match="expected a dict"):
        machine.checked([1, 2], 3)
