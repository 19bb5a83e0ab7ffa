"""The minimal gated unit."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Generator, Tensor

from course.grading.declare import Arguments, Case, Problem, Property
from course.problems.making import repeated, slopes
from course.problems.set2_lstm.parts import (
    ANY_SIZE,
    SIZES,
    B,
    C,
    I,
    cell_arguments,
    has_shape,
    one_of,
    rows_of,
)


def minimal_step(
    inputs: Tensor, hidden: Tensor, input_weights: Tensor, hidden_weights: Tensor, bias: Tensor
) -> Tensor:
    """f = σ(W x + U h + b), h̃ = tanh(W x + U (f h) + b), h = (1 − f) h + f h̃. Returns (B, C)."""
    gate, _ = rows_of(2, inputs, hidden, input_weights, hidden_weights, bias)
    gate = gate.sigmoid()
    _, candidate = rows_of(2, inputs, gate * hidden, input_weights, hidden_weights, bias)
    return (1 - gate) * hidden + gate * candidate.tanh()


def unit(g: Generator, b: int = B, i: int = I, c: int = C) -> Iterator[Arguments]:
    inputs, hidden, _, *weights = cell_arguments(g, b, i, c, rows=2)
    yield inputs, hidden, *weights


def unit_past(g: Generator) -> Iterator[Case]:
    """Only the gate has weights: the candidate is tanh(0), or σ(0) for who took the sigmoid."""
    for inputs, hidden, *weights in unit(g):
        cut = [_first_rows(weight, C) for weight in weights]
        gate = rows_of(2, inputs, hidden, *cut)[0].sigmoid()
        yield Case((inputs, hidden, *cut), [(1 - gate) * hidden + gate / 2])


def unit_inside(g: Generator) -> Iterator[Case]:
    """With other blends as secrets: `unit_past` asks for those."""
    for arguments in unit(g):
        inputs, hidden, *weights = arguments
        gate = rows_of(2, inputs, hidden, *weights)[0].sigmoid()
        new = rows_of(2, inputs, gate * hidden, *weights)[1].tanh()
        yield Case(arguments, [gate * hidden + (1 - gate) * new, hidden + gate * new])


def unit_sizes(g: Generator) -> Iterator[Arguments]:
    for size in SIZES:
        yield from unit(g, *size)


minimal = Problem(
    "minimal-step",
    "answer-minimal-step",
    "minimal_step",
    minimal_step,
    (
        Property(
            "blend",
            3,
            "With a candidate of 0 the state is wrong: how much of the past stays when f is 1?",
            repeated(unit_past),
            one_of,
        ),
        Property(
            "inside",
            4,
            "The candidate is wrong: its hidden part sees f h, multiplied before the matrix.",
            repeated(unit_inside),
            one_of,
        ),
        Property("sizes", 1, ANY_SIZE, unit_sizes, has_shape, side=True),
        slopes(unit),
    ),
)


def _first_rows(weight: Tensor, rows: int) -> Tensor:
    return torch.cat([weight[:rows], torch.zeros_like(weight[rows:])])
