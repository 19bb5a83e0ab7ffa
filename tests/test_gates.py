"""The gate explorer without a browser: its gradient is autograd's, its belt the survey's eq. 6."""

from __future__ import annotations

import matplotlib.figure
import pytest
import torch
from torch.nn import functional as F

from lessons_lib.gradient_flow import clip_factor, gradient_flow, norms
from lessons_lib.ntm import NTM
from lessons_lib.recurrent import GRU, LSTM, RNN
from lessons_lib.widgets import GateExplorer
from lessons_lib.words import WordModel
from tests.test_widgets import sent

KINDS = [RNN, LSTM, GRU]
STEPS, LAST = 7, 5


def network(kind: type, units: int = 6, outputs: int = 4) -> torch.nn.Module:
    torch.manual_seed(4)
    return kind(5, outputs, hidden_size=units).double()


def sequence(steps: int = STEPS, batch: int = 2) -> torch.Tensor:
    generator = torch.Generator().manual_seed(9)
    return torch.randn(steps, batch, 5, generator=generator, dtype=torch.double)


def explorer(**options) -> GateExplorer:
    models = {"RNN": network(RNN), "LSTM": network(LSTM, 8), "GRU": network(GRU)}
    return GateExplorer(models, sequence(), **options)


def cut_run(model, inputs, states: tuple, step: int, target: int) -> torch.Tensor:
    """The loss when the run is cut after a step and these states are put in, by torch's layer."""
    outputs, _ = model(inputs[step + 1 : LAST + 1], type(model).state_class(*states))
    return F.cross_entropy(outputs[-1], torch.tensor([target]))


# --- The gradient --------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_the_gradient_of_a_state_is_that_of_a_run_that_starts_there(kind):
    """∂L/∂h_t, and for the LSTM ∂L/∂c_t along the belt and through h_t (survey eqs. 6 and 8)."""
    model, inputs = network(kind), sequence()
    flow = gradient_flow(model, inputs, LAST, target=2, sequence=1)
    for step in range(LAST):
        names = ("hidden", "cell") if kind is LSTM else ("hidden",)
        states = [getattr(flow.trace, name)[step].clone().requires_grad_() for name in names]
        loss = cut_run(model, inputs[:, 1:2], states, step, 2)
        found = torch.autograd.grad(loss, states)
        assert loss.item() == pytest.approx(flow.loss, abs=1e-9)
        torch.testing.assert_close(flow.hidden[step], found[0][0], rtol=1e-6, atol=1e-12)
        if kind is LSTM:
            slope = flow.trace.output_gate[step, 0] * (1 - states[1].detach()[0].tanh() ** 2)
            whole = found[1][0] + found[0][0] * slope
            torch.testing.assert_close(flow.cell[step], whole, rtol=1e-6, atol=1e-12)


@pytest.mark.parametrize("kind", KINDS)
def test_no_gradient_reaches_a_step_after_the_loss(kind):
    flow = gradient_flow(network(kind), sequence(), 3)
    assert flow.loss_at == 3
    assert (flow.hidden[4:] == 0).all()
    assert (flow.by_step[4:] == 0).all()
    assert (norms(flow.hidden)[:4] > 0).all()


def test_along_the_belt_alone_the_factor_is_the_forget_gate():
    """With U = 0 there are no side paths: ∂L/∂c_{t−1} = f_t ∂L/∂c_t (survey eq. 6)."""
    model = network(LSTM)
    with torch.no_grad():
        model.layer.weight_hh_l0.zero_()
    flow = gradient_flow(model, sequence())
    kept = flow.trace.forget_gate[1:, 0] * flow.cell[1:]
    torch.testing.assert_close(flow.cell[:-1], kept, rtol=1e-9, atol=0)


def test_what_a_step_adds_to_the_gradient_is_the_outer_product_of_bptt():
    """RNN: δ_t = ∂L/∂h_t (1 − h_t²); the step adds δ xᵀ to W, δ h_{t−1}ᵀ to U, δ to each bias."""
    inputs = sequence()
    flow = gradient_flow(network(RNN), inputs, LAST)
    hidden = flow.trace.hidden[:, 0]
    before = torch.cat([torch.zeros_like(hidden[:1]), hidden[:-1]])
    delta = flow.hidden * (1 - hidden**2)
    sizes = inputs[:, 0].square().sum(-1) + before.square().sum(-1) + 2
    expected = (delta.square().sum(-1) * sizes).sqrt()
    torch.testing.assert_close(flow.by_step, expected, rtol=1e-9, atol=1e-15)


@pytest.mark.parametrize("kind", KINDS)
def test_the_total_is_what_clip_grad_norm_sees_survey_eq_44(kind):
    model, inputs = network(kind), sequence()
    flow = gradient_flow(model, inputs, LAST, target=1)
    outputs, _ = model(inputs[:, :1])
    F.cross_entropy(outputs[LAST], torch.tensor([1])).backward()
    bound = flow.total / 3
    torchs = torch.nn.utils.clip_grad_norm_(model.parameters(), bound)
    assert torchs.item() == pytest.approx(flow.total, rel=1e-9)
    after = torch.cat([one.grad.flatten() for one in model.parameters()]).norm().item()
    assert clip_factor(flow.total, bound) * flow.total == pytest.approx(after, rel=1e-5)
    assert clip_factor(flow.total, 2 * flow.total) == 1


def test_the_model_is_left_as_it_is_frozen_or_under_no_grad():
    model = network(LSTM).requires_grad_(False)
    with torch.no_grad():
        flow = gradient_flow(model, sequence())
    assert (norms(flow.hidden) > 0).all()
    assert all(one.grad is None and not one.requires_grad for one in model.parameters())
    assert not flow.hidden.requires_grad


def test_words_are_read_through_their_embedding():
    torch.manual_seed(0)
    model = WordModel(network(GRU), 9).double()
    tokens = torch.tensor([[1, 2], [8, 0], [3, 3]])
    flow = gradient_flow(model, tokens, sequence=1)
    loss = F.cross_entropy(model(tokens[:, 1:])[0][-1], model(tokens[:, 1:])[0][-1].argmin(-1))
    loss.backward()
    total = torch.cat([one.grad.flatten() for one in model.parameters()]).norm().item()
    assert flow.total == pytest.approx(total, rel=1e-9)
    with pytest.raises(ValueError, match="word numbers"):
        gradient_flow(model, sequence())


def test_the_target_is_a_class_bits_or_the_least_likely_answer():
    model, inputs = network(RNN), sequence()
    output = model(inputs[:, :1])[0][-1, 0]
    losses = [gradient_flow(model, inputs, target=target).loss for target in range(4)]
    assert gradient_flow(model, inputs).loss == pytest.approx(max(losses))
    bits = torch.tensor([0, 1, 1, 0])
    expected = F.binary_cross_entropy_with_logits(output, bits.double()).item()
    assert gradient_flow(model, inputs, target=bits).loss == pytest.approx(expected)
    one = network(RNN, outputs=1)
    assert gradient_flow(one, inputs).loss > 0.69  # the bit that it does not say


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"inputs": torch.zeros(0, 1, 5)}, r"at least one step, got \(0, 1, 5\)"),
        ({"inputs": [1, 2]}, "at least one step, got list"),
        ({"inputs": sequence().float()}, "expected inputs in torch.float64"),
        ({"inputs": sequence()[..., :3]}, "input_size = 5"),
        ({"loss_at": STEPS}, "step from 0 to 6, got 7"),
        ({"loss_at": -1}, "step from 0 to 6, got -1"),
        ({"target": 4}, "class from 0 to 3, got 4"),
        ({"target": torch.zeros(3)}, r"target \(4,\), got \(3,\)"),
        ({"sequence": 2}, "sequence from 0 to 1, got 2"),
        ({"model": NTM(5, 4, slots=4, width=3, hidden_size=4)}, "RNN, LSTM or GRU, got NTM"),
    ],
)
def test_a_run_that_cannot_be_is_refused(given, message):
    with pytest.raises(ValueError, match=message):
        gradient_flow(**{"model": network(RNN), "inputs": sequence(), **given})


# --- The widget ----------------------------------------------------------------------------------


def test_what_is_kept_and_added_makes_the_belt_survey_eq_6():
    values = explorer().values
    for name in ("LSTM", "GRU"):
        belt = values[name]
        torch.testing.assert_close(belt["kept"] + belt["added"], belt["carried"])
        torch.testing.assert_close(belt["before"][1:], belt["carried"][:-1])
        assert (belt["before"][0] == 0).all()
    shown = values["LSTM"]["output_gate"] * values["LSTM"]["squashed"]
    torch.testing.assert_close(shown, values["LSTM"]["hidden"])  # survey eq. 8
    assert "kept" not in values["RNN"]


def test_it_sends_the_librarys_numbers():
    play = explorer(loss_at=LAST)
    numbers = sent(play)
    for name, flow in play.flows.items():
        torch.testing.assert_close(numbers[f"{name} hidden"], flow.trace.hidden[:, 0].float())
        torch.testing.assert_close(numbers[f"{name} hidden gradient"], flow.hidden.float())
        torch.testing.assert_close(numbers[f"{name} hidden norm"], norms(flow.hidden).float())
        assert numbers[f"{name} hidden log"][LAST + 1].item() == float("-inf")
    flow = play.flows["LSTM"]
    ratio = norms(flow.cell)[:LAST] / norms(flow.cell)[1 : LAST + 1]
    torch.testing.assert_close(numbers["LSTM cell ratio"][:LAST], ratio.float())
    middle = flow.trace.forget_gate[:, 0].quantile(0.5, dim=-1)
    torch.testing.assert_close(numbers["LSTM forget_gate median"], middle.float())


def test_clipping_changes_the_update_and_not_the_flow():
    play = explorer()
    before = {name: flow.hidden.clone() for name, flow in play.flows.items()}
    play.clip = 0.0123  # not among the slider's bounds
    place = play.bounds.index(0.0123)
    assert play.bounds == sorted(play.bounds)
    numbers = sent(play)
    for name, flow in play.flows.items():
        assert numbers[f"{name} clipped"][place].item() == pytest.approx(0.0123, rel=1e-6)
        assert numbers[f"{name} clipped"][-1].item() == pytest.approx(flow.total, rel=1e-6)
        torch.testing.assert_close(flow.hidden, before[name], rtol=0, atol=0)
    sizes = len(play.numbers)
    play.clip = 0.5
    assert len(play.numbers) == sizes  # nothing is sent anew


def test_steps_and_units_stay_in_the_run_and_the_loss_can_move():
    play = explorer(loss_at=4, labels=list("abcdefg"))
    assert (play.step, play.loss_at) == (4, 4)
    play.step, play.unit = 99, 99
    assert (play.step, play.unit) == (6, 7)
    play.step, play.unit = -1, -1
    assert (play.step, play.unit) == (0, 0)
    play.loss_at = 2
    expected = gradient_flow(network(LSTM, 8), sequence(), 2)
    torch.testing.assert_close(play.flows["LSTM"].cell, expected.cell)
    torch.testing.assert_close(sent(play)["LSTM cell gradient"], expected.cell.float())
    play.shown = "GRU"
    with pytest.raises(ValueError, match="RNN, LSTM, GRU to be shown, got 'NTM'"):
        play.shown = "NTM"


@pytest.mark.parametrize(
    ("models", "options", "message"),
    [
        ({}, {}, "expected models by name"),
        ({"all": network(RNN)}, {}, "another name than 'all'"),
        (None, {"labels": ["a", "b"]}, "expected 7 labels, got 2"),
        (None, {"clip": 0.0}, "bound above 0 as clip, got 0"),
        (None, {"clip": float("nan")}, "bound above 0 as clip, got nan"),
        (None, {"loss_at": 9}, "step from 0 to 6, got 9"),
    ],
)
def test_an_explorer_that_cannot_be_is_refused(models, options, message):
    models = {"RNN": network(RNN)} if models is None else models
    with pytest.raises(ValueError, match=message):
        GateExplorer(models, sequence(), **options)


def test_no_steps_are_refused_and_one_step_of_one_unit_is_drawn():
    with pytest.raises(ValueError, match="at least one step"):
        GateExplorer({"RNN": network(RNN)}, sequence(0))
    play = GateExplorer({kind.__name__: network(kind, 1) for kind in KINDS}, sequence(1))
    assert repr(play) == "GateExplorer(RNN and LSTM and GRU, 1 step)"
    assert sent(play)["LSTM cell"].shape == (1, 1)
    assert play.problems == []
    play.still().canvas.draw()


def test_a_nan_is_named_and_sent_as_it_is():
    model, inputs = network(LSTM), sequence()
    inputs[3] = float("nan")
    play = GateExplorer(model, inputs)
    assert play.problems == [
        "LSTM: inputs is not finite from step 3 on, and with it 7 more",
        "LSTM: the gradient of hidden is not finite from step 6 back",
        "LSTM: the gradient of cell is not finite from step 6 back",
    ]
    assert sent(play)["LSTM cell"][3:].isnan().all()
    play.still().canvas.draw()


def test_what_comes_after_the_loss_cannot_spoil_its_gradient():
    inputs = sequence()
    inputs[LAST + 1 :] = float("nan")
    flow = gradient_flow(network(LSTM), inputs, LAST)
    torch.testing.assert_close(flow.cell, gradient_flow(network(LSTM), sequence(), LAST).cell)
    assert flow.problems() == ["inputs is not finite from step 6 on, and with it 7 more"]


def test_the_repr_and_the_still():
    play = explorer(labels=list("abcdefg"))
    assert repr(play) == "GateExplorer(RNN and LSTM and GRU, 7 steps)"
    assert repr(GateExplorer(network(GRU), sequence())) == "GateExplorer(GRU, 7 steps)"
    play.unit = 7
    figure = play.still()
    assert isinstance(figure, matplotlib.figure.Figure)
    figure.canvas.draw()
    assert len(figure.axes) == 6  # three belts, two with gates, one of gradients
    assert "LSTM\nunit 7" in [axis.get_ylabel() for axis in figure.axes]


def test_a_long_run_of_many_units_stays_small():
    torch.manual_seed(0)
    models = {"RNN": RNN(8, 4, hidden_size=64), "LSTM": LSTM(8, 4, hidden_size=64)}
    play = GateExplorer(models, torch.randn(120, 1, 8))
    assert len(play.numbers) * 4 / 3 < 2e6  # base64 in a notebook
