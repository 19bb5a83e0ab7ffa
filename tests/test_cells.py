"""The written-out cells equal torch's own, values and gradients, given the same weights."""

import pytest
import torch
from torch import nn

from lessons_lib import cells

T, B, I, C = 5, 3, 4, 6  # noqa: E741  the shapes of the docstrings

LAYERS = {
    "Elman": (nn.RNN, nn.RNNCell, cells.elman_step, 1),
    "LSTM": (nn.LSTM, nn.LSTMCell, cells.lstm_step, 2),
    "GRU": (nn.GRU, nn.GRUCell, cells.gru_step, 1),
}
each_cell = pytest.mark.parametrize(("layer", "cell", "step", "parts"), LAYERS.values(), ids=LAYERS)
each_dtype = pytest.mark.parametrize("dtype", [torch.float32, torch.float64])


def close(got, wanted):
    torch.testing.assert_close(got, wanted, atol=1e-6, rtol=1e-6)


def leaves(parts, dtype=torch.float64):
    torch.manual_seed(1)
    inputs = torch.randn(T, B, I, dtype=dtype, requires_grad=True)
    return inputs, [torch.randn(B, C, dtype=dtype, requires_grad=True) for _ in range(parts)]


def slopes(outputs, of):
    torch.manual_seed(2)
    return torch.autograd.grad((outputs * torch.randn_like(outputs)).sum(), of)


def torch_state(state, copies=1):
    stacked = [part.expand(copies, -1, -1) for part in state]
    return tuple(stacked) if len(stacked) > 1 else stacked[0]


@each_cell
@each_dtype
def test_unrolled_steps_equal_torchs_layer(layer, cell, step, parts, dtype):
    torch.manual_seed(0)
    fused = layer(I, C).to(dtype)
    inputs, state = leaves(parts, dtype)
    records = cells.unroll(step, inputs, state, cells.weights_of(fused, "_l0"))
    hidden = torch.stack([record.hidden for record in records])
    wanted, last = fused(inputs, torch_state(state))
    close(hidden, wanted)
    for ours, theirs in zip(records[-1], last if parts == 2 else [last], strict=False):
        close(ours, theirs[0])
    of = [inputs, *state, *fused.parameters()]
    for ours, theirs in zip(slopes(hidden, of), slopes(wanted, of), strict=True):
        close(ours, theirs)


@each_cell
@each_dtype
def test_one_step_equals_torchs_cell(layer, cell, step, parts, dtype):
    torch.manual_seed(0)
    one = cell(I, C).to(dtype)
    inputs, state = leaves(parts, dtype)
    made = step(inputs[0], *state, cells.weights_of(one))
    wanted = one(inputs[0], tuple(state) if parts == 2 else state[0])
    for ours, theirs in zip(made, wanted if parts == 2 else [wanted], strict=False):
        close(ours, theirs)
    of = [*state, *one.parameters()]
    theirs = slopes(wanted[0] if parts == 2 else wanted, of)
    for ours, wanted_slope in zip(slopes(made.hidden, of), theirs, strict=True):
        close(ours, wanted_slope)


@each_cell
@each_dtype
def test_bidirectional_equals_torchs(layer, cell, step, parts, dtype):
    torch.manual_seed(0)
    fused = layer(I, C, bidirectional=True).to(dtype)
    inputs, state = leaves(parts, dtype)
    both = [cells.weights_of(fused, suffix) for suffix in ("_l0", "_l0_reverse")]
    found = cells.bidirectional(step, inputs, state, *both)
    wanted, _ = fused(inputs, torch_state(state, 2))
    close(found, wanted)
    of = [inputs, *state, *fused.parameters()]
    for ours, theirs in zip(slopes(found, of), slopes(wanted, of), strict=True):
        close(ours, theirs)


def random_weights(gates):
    torch.manual_seed(0)
    rows = gates * C
    return cells.Weights(*map(torch.randn, [(rows, I), (rows, C), (rows,), (rows,)]))


def test_the_gates_of_the_lstm_make_its_cell_and_its_state():
    """c_t = f c_{t−1} + i c̃_t and h_t = o tanh(c_t), from the gates that the step shows."""
    torch.manual_seed(1)
    hidden, cell = torch.randn(B, C), torch.randn(B, C)
    made = cells.lstm_step(torch.randn(B, I), hidden, cell, random_weights(4))
    close(made.cell, made.forget_gate * cell + made.input_gate * made.candidate)
    close(made.hidden, made.output_gate * made.cell.tanh())
    for gate in (made.input_gate, made.forget_gate, made.output_gate):
        assert ((gate > 0) & (gate < 1)).all()
    assert (made.candidate.abs() <= 1).all()


def test_the_update_gate_of_the_gru_blends_the_past_with_the_candidate():
    """h_t = z h_{t−1} + (1 − z) h̃_t, from the gates that the step shows."""
    torch.manual_seed(1)
    hidden = torch.randn(B, C)
    made = cells.gru_step(torch.randn(B, I), hidden, random_weights(3))
    kept = made.update_gate * hidden + (1 - made.update_gate) * made.candidate
    close(made.hidden, kept)


WRONG = [
    (cells.elman_step, 1, (torch.zeros(B, I, 1), torch.zeros(B, C)),
     r"expected inputs \(batch, inputs\), got \(3, 4, 1\)"),
    (cells.elman_step, 1, (torch.zeros(B, I), torch.zeros(1, C)),
     r"expected hidden \(batch, units\) with batch = 3, got \(1, 6\)"),
    (cells.elman_step, 3, (torch.zeros(B, I), torch.zeros(B, C)),
     r"expected weights_input \(rows, inputs\) with rows = 6, got \(18, 4\)"),
    (cells.gru_step, 3, (torch.zeros(B, I + 1), torch.zeros(B, C)),
     r"expected weights_input \(rows, inputs\) with inputs = 5, got \(18, 4\)"),
    (cells.lstm_step, 4, (torch.zeros(B, I), torch.zeros(B, C), torch.zeros(1, C)),
     r"expected cell \(batch, units\) with batch = 3, got \(1, 6\)"),
    (cells.lstm_step, 4, (torch.zeros(B, I).double(), torch.zeros(B, C), torch.zeros(B, C)),
     r"expected hidden in torch.float64 like inputs, got torch.float32"),
    (cells.gru_step, 3, (torch.zeros(B, I), torch.zeros(B, C, device="meta")),
     r"expected hidden on cpu like inputs, got meta"),
]  # fmt: skip


@pytest.mark.parametrize(("step", "gates", "arguments", "message"), WRONG)
def test_a_wrong_shape_dtype_or_device_is_named(step, gates, arguments, message):
    with pytest.raises(ValueError, match=message):
        step(*arguments, random_weights(gates))
