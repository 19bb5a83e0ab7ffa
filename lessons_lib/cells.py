"""Recurrent cells written out from their equations, equal to torch's own given the same weights.

One step each, as pure functions; ``unroll`` carries a step along a sequence. Weights have torch's
layout: the gates' rows stand one under the other, and the two biases of torch are one sum here.
Shapes: T time, B batch, I inputs, C units.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor, nn

from lessons_lib.checks import expect


class Weights(NamedTuple):
    """The weights of one cell; G is 1 for Elman, 4 for the LSTM (i f c̃ o), 3 for the GRU (r z h̃).

    ``input``: W, (G·C, I); ``hidden``: U, (G·C, C); ``bias``: b, (G·C,);
    ``hidden_bias``: (G·C,), kept apart because the GRU's reset gate multiplies it.
    """

    input: Tensor
    hidden: Tensor
    bias: Tensor
    hidden_bias: Tensor


def weights_of(module: nn.Module, suffix: str = "") -> Weights:
    """Return the weights of a torch cell, or of a layer with suffix ``_l0`` or ``_l0_reverse``."""
    names = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
    return Weights(*(getattr(module, name + suffix) for name in names))


class ElmanStep(NamedTuple):
    """What one Elman step makes: ``hidden`` h_t, (B, C)."""

    hidden: Tensor


class LSTMStep(NamedTuple):
    """What one LSTM step makes, each (B, C), with its gates visible."""

    hidden: Tensor
    cell: Tensor
    input_gate: Tensor
    forget_gate: Tensor
    candidate: Tensor
    output_gate: Tensor


class GRUStep(NamedTuple):
    """What one GRU step makes, each (B, C), with its gates visible."""

    hidden: Tensor
    reset_gate: Tensor
    update_gate: Tensor
    candidate: Tensor


def elman_step(inputs: Tensor, hidden: Tensor, weights: Weights) -> ElmanStep:
    """Mix the input with the previous state (Elman 1990).

    h_t = tanh(W x_t + U h_{t−1} + b)

    Args:
        inputs: x_t, (B, I).
        hidden: h_{t−1}, (B, C).
        weights: G = 1.

    Raises:
        ValueError: a shape, dtype or device does not fit.
    """
    return ElmanStep(torch.tanh(_mixed(1, inputs, hidden, weights)))


def lstm_step(inputs: Tensor, hidden: Tensor, cell: Tensor, weights: Weights) -> LSTMStep:
    """Keep, take in and show through three gates (Hochreiter & Schmidhuber 1997; Gers 2000).

    i, f, o = σ(W x_t + U h_{t−1} + b), each gate with its own rows
    c̃_t = tanh(W x_t + U h_{t−1} + b)
    c_t = f c_{t−1} + i c̃_t
    h_t = o tanh(c_t)

    Args:
        inputs: x_t, (B, I).
        hidden: h_{t−1}, (B, C).
        cell: c_{t−1}, (B, C).
        weights: G = 4, rows in torch's order i, f, c̃, o.

    Raises:
        ValueError: a shape, dtype or device does not fit.
    """
    expect({}, hidden=(hidden, "batch units"), cell=(cell, "batch units"))
    i, f, candidate, o = _mixed(4, inputs, hidden, weights).chunk(4, dim=-1)
    i, f, o, candidate = i.sigmoid(), f.sigmoid(), o.sigmoid(), candidate.tanh()
    cell = f * cell + i * candidate
    return LSTMStep(o * cell.tanh(), cell, i, f, candidate, o)


def gru_step(inputs: Tensor, hidden: Tensor, weights: Weights) -> GRUStep:
    """Blend the past with a candidate through one gate (Cho et al. 2014).

    r, z = σ(W x_t + U h_{t−1} + b)
    h̃_t = tanh(W x_t + b + r (U h_{t−1} + b_U))
    h_t = z h_{t−1} + (1 − z) h̃_t

    Args:
        inputs: x_t, (B, I).
        hidden: h_{t−1}, (B, C).
        weights: G = 3, rows in torch's order r, z, h̃.

    Raises:
        ValueError: a shape, dtype or device does not fit.
    """
    _expect_cell(3, inputs, hidden, weights)
    from_input = inputs @ weights.input.T + weights.bias
    from_hidden = hidden @ weights.hidden.T + weights.hidden_bias
    (r_x, z_x, h_x), (r_h, z_h, h_h) = from_input.chunk(3, -1), from_hidden.chunk(3, -1)
    r, z = torch.sigmoid(r_x + r_h), torch.sigmoid(z_x + z_h)
    candidate = torch.tanh(h_x + r * h_h)
    return GRUStep(z * hidden + (1 - z) * candidate, r, z, candidate)


def unroll(step: Callable, inputs: Tensor, state: tuple[Tensor, ...], weights: Weights) -> list:
    """Carry a cell along a sequence; the returned list has one step record for each t.

    Args:
        step: ``elman_step``, ``lstm_step`` or ``gru_step``.
        inputs: (T, B, I).
        state: (hidden,) or, for the LSTM, (hidden, cell), each (B, C).
        weights: those of the cell.
    """
    records = []
    for x in inputs:
        records.append(step(x, *state, weights))
        state = tuple(records[-1][: len(state)])
    return records


def bidirectional(
    step: Callable,
    inputs: Tensor,
    state: tuple[Tensor, ...],
    forward: Weights,
    backward: Weights,
) -> Tensor:
    """Read a sequence from both ends and join the states (survey §3.2).

    h_t = [h→_t ; h←_t]: every step knows what comes before it and what comes after.

    Args:
        step, inputs, state: as in ``unroll``; both directions start from ``state``.
        forward: weights of the reading from the left.
        backward: weights of the reading from the right.

    Returns:
        (T, B, 2C).
    """
    left = unroll(step, inputs, state, forward)
    right = unroll(step, inputs.flip(0), state, backward)[::-1]
    both = zip(left, right, strict=True)
    return torch.stack([torch.cat([a.hidden, b.hidden], dim=-1) for a, b in both])


def _mixed(gates: int, inputs: Tensor, hidden: Tensor, weights: Weights) -> Tensor:
    _expect_cell(gates, inputs, hidden, weights)
    bias = weights.bias + weights.hidden_bias
    return inputs @ weights.input.T + hidden @ weights.hidden.T + bias


def _expect_cell(gates: int, inputs: Tensor, hidden: Tensor, weights: Weights) -> None:
    units = hidden.shape[-1]
    expect(
        {"rows": gates * units},
        inputs=(inputs, "batch inputs"),
        hidden=(hidden, "batch units"),
        weights_input=(weights.input, "rows inputs"),
        weights_hidden=(weights.hidden, "rows units"),
        weights_bias=(weights.bias, "rows"),
        weights_hidden_bias=(weights.hidden_bias, "rows"),
    )
