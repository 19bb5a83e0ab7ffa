"""Coupled gates, and peepholes that look at the belt."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import Generator, Tensor

from course.grading.declare import Arguments, Case, Judge, Problem, Property, Trial
from course.grading.judges import difference
from course.problems.making import normal, repeated, slopes
from course.problems.set2_lstm.parts import (
    ANY_SIZE,
    SIZES,
    B,
    C,
    I,
    cell_arguments,
    has_shape,
    misshaped,
    rows_of,
    shaped,
)


def peephole_step(
    inputs: Tensor, hidden: Tensor, cell: Tensor, input_weights: Tensor, hidden_weights: Tensor,
    bias: Tensor, peepholes: Tensor,
) -> Tensor:  # fmt: skip
    """i = 1 − f; f sees c_{t−1}, o sees c_t. Rows f, c̃, o; returns h_t and c_t, (2, B, C)."""
    forget, candidate, output = rows_of(3, inputs, hidden, input_weights, hidden_weights, bias)
    forget = torch.sigmoid(forget + peepholes[0] * cell)
    cell = forget * cell + (1 - forget) * candidate.tanh()
    output = torch.sigmoid(output + peepholes[1] * cell)
    return torch.stack([output * cell.tanh(), cell])


def peep(
    g: Generator, b: int = B, i: int = I, c: int = C, *, old: bool = False, new: bool = False
) -> Iterator[Arguments]:
    yield (*cell_arguments(g, b, i, c, rows=3), normal(g, 2, c) * torch.tensor([[old], [new]]))


def peep_sizes(g: Generator) -> Iterator[Arguments]:
    for size in SIZES:
        yield from peep(g, *size)


def peep_old(g: Generator) -> Iterator[Case]:
    """With other blends and candidates as secrets: the first property asks for those."""
    for arguments in peep(g, old=True):
        inputs, hidden, cell, *weights, peepholes = arguments
        forget, candidate, _ = rows_of(3, inputs, hidden, *weights)
        forget = torch.sigmoid(forget + peepholes[0] * cell)
        news = (candidate, candidate.tanh(), candidate.sigmoid())
        shares = (forget, 1 - forget)
        yield Case(arguments, [f * cell + (1 - f) * new for f in shares for new in news])


def cell_agrees(trial: Trial) -> str | None:
    """Ask for c_t alone; a case may name other cells that are taken, too."""
    found = shaped(trial)
    if found is None:
        return misshaped(trial)
    taken = [trial.expected[1], *(trial.secret or [])]
    right = any(difference(found[1], cell, 1e-4) is None for cell in taken)
    return None if right else "wrong values of c"


def shown_agrees(*looks: Callable[[Tensor], Tensor]) -> Judge:
    """Ask for the h_t that belongs to the student's own c_t, seen through one of the looks."""

    def judge(trial: Trial) -> str | None:
        found = shaped(trial)
        if found is None:
            return misshaped(trial)
        inputs, hidden, _, *weights, peepholes = trial.arguments
        cell = found[1]
        output = torch.sigmoid(rows_of(3, inputs, hidden, *weights)[2] + peepholes[1] * cell)
        right = any(difference(found[0], output * look(cell), 1e-4) is None for look in looks)
        return None if right else "wrong values of h"

    return judge


peeping = Problem(
    "peephole-step",
    "answer-peephole-step",
    "peephole_step",
    peephole_step,
    (
        Property(
            "belt",
            3,
            "Already without peepholes the cell is wrong: what is not kept, 1 − f, is taken in.",
            repeated(peep),
            cell_agrees,
        ),
        Property(
            "shown",
            2,
            "Without peepholes, h is not o tanh(c) of the cell that you return.",
            repeated(peep),
            shown_agrees(torch.tanh),
        ),
        Property(
            "old peephole",
            2,
            "With a peephole of the forget gate the cell is wrong: at which cell does it look?",
            repeated(peep_old),
            cell_agrees,
        ),
        Property(
            "new peephole",
            3,
            "With a peephole of the output gate h is wrong: at which cell does it look?",
            repeated(lambda g: peep(g, new=True)),
            shown_agrees(torch.tanh, torch.sigmoid, lambda cell: cell),
        ),
        Property("sizes", 1, ANY_SIZE, peep_sizes, has_shape, side=True),
        slopes(lambda g: peep(g, old=True, new=True)),
    ),
)
