"""Cells along a sequence: a leak, and padded sequences read from their end.

The leak is a half where it is not asked for, and which way round U stands is asked for once. Where
the direction of reading is not asked for, the valid part of a sequence reads the same backwards.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Generator, Tensor

from course.grading.declare import Arguments, Problem, Property
from course.grading.judges import agrees, slopes_flow
from course.problems.making import normal, own_copy, repeated, slopes, uniform
from course.problems.set1_recurrence.sizes import ANY_SIZE, SIZES, B, C, I, T


def leaky_states(
    inputs: Tensor, start: Tensor, input_weights: Tensor, hidden_weights: Tensor, bias: Tensor,
    leak: Tensor,
) -> Tensor:  # fmt: skip
    """h_t = (1 − a) h_{t−1} + a tanh(W x_t + U h_{t−1} + b). Returns (T, B, C)."""
    hidden, kept = start, []
    for x in inputs:
        new = torch.tanh(x @ input_weights.T + hidden @ hidden_weights.T + bias)
        hidden = (1 - leak) * hidden + leak * new
        kept.append(hidden)
    return torch.stack(kept)


def weights(g: Generator, i: int, c: int) -> tuple[Tensor, Tensor, Tensor]:
    return normal(g, c, i) * 0.6, normal(g, c, c) * 0.6, normal(g, c) * 0.6


def run(
    g: Generator, steps: int, b: int = B, i: int = I, c: int = C, *, leak: bool = False
) -> Iterator[Arguments]:
    yield (
        normal(g, steps, b, i),
        normal(g, b, c) * 0.5,
        *weights(g, i, c),
        uniform(g, c, low=0.1, high=0.9) if leak else torch.full((c,), 0.5).double(),
    )


def run_from_zero(g: Generator, *sizes: int, leak: bool = False) -> Iterator[Arguments]:
    """One step from zeros: the hidden weights have no say."""
    inputs, start, *rest = next(run(g, 1, *sizes, leak=leak))
    yield inputs, torch.zeros_like(start), *rest


def run_on(g: Generator) -> Iterator[Arguments]:
    """Several steps with symmetric hidden weights."""
    inputs, start, input_weights, hidden_weights, *rest = next(run(g, T))
    yield inputs, start, input_weights, (hidden_weights + hidden_weights.T) / 2, *rest


def run_sizes(g: Generator) -> Iterator[Arguments]:
    for sizes in SIZES:
        yield from run_from_zero(g, *sizes)


leaky = Problem(
    "leaky-states",
    "answer-leaky-states",
    "leaky_states",
    leaky_states,
    (
        Property(
            "step",
            3,
            "One step with a leak of one half is wrong: what is inside the tanh, which way round "
            "do the weights stand, and where does the previous state come in?",
            repeated(lambda g: run(g, 1)),
            agrees(),
        ),
        Property(
            "leak",
            2,
            "With leaks other than one half the step is wrong: each unit has its own share of "
            "what is new, and keeps the rest of what was.",
            repeated(lambda g: run_from_zero(g, leak=True)),
            agrees(),
        ),
        Property(
            "carry",
            2,
            "Each step goes on from the state of the step before, and every state is returned.",
            repeated(run_on),
            agrees(),
        ),
        Property("sizes", 1, ANY_SIZE, run_sizes, agrees()),
        slopes(lambda g: run(g, T, leak=True)),
        own_copy(lambda g: run(g, T, leak=True)),
    ),
)


def read_backwards(
    inputs: Tensor, lengths: Tensor, input_weights: Tensor, hidden_weights: Tensor, bias: Tensor
) -> Tensor:
    """Read each sequence from its own last valid step to its first, from zeros. Returns (B, C)."""
    valid = (torch.arange(len(inputs))[:, None] < lengths).unsqueeze(-1)  # (T, B, 1)
    clean = inputs.masked_fill(~valid, 0.0)
    hidden = inputs.new_zeros(inputs.shape[1], len(bias))
    for x, here in zip(clean.flip(0), valid.flip(0), strict=True):
        new = torch.tanh(x @ input_weights.T + hidden @ hidden_weights.T + bias)
        hidden = torch.where(here, new, hidden)
    return hidden


def padded(
    g: Generator,
    b: int = 4,
    i: int = I,
    c: int = C,
    *,
    full: bool = False,
    mirrored: bool = True,
    rubbish: float | None = None,
) -> Iterator[Arguments]:
    """Sequences of T steps; `mirrored`: what is valid reads the same from both ends."""
    inputs = normal(g, T, b, i)
    lengths = 1 + torch.randperm(T, generator=g)[:b]  # no two alike
    if full:
        lengths = torch.full((b,), T)
    for number, length in enumerate(lengths.tolist()):
        part = inputs[:length, number]
        if mirrored:
            inputs[:length, number] = (part + part.flip(0)) / 2
        if rubbish is not None:
            inputs[length:, number] = rubbish
    yield inputs, lengths, *weights(g, i, c)


def padded_sizes(g: Generator) -> Iterator[Arguments]:
    for b, i, c in SIZES:
        yield from padded(g, b, i, c, full=True)


backwards = Problem(
    "read-backwards",
    "answer-read-backwards",
    "read_backwards",
    read_backwards,
    (
        Property(
            "direction",
            3,
            "Sequences without padding come out wrong: the last step is read first, the first "
            "step last.",
            repeated(lambda g: padded(g, full=True, mirrored=False)),
            agrees(),
        ),
        Property(
            "lengths",
            3,
            "Sequences of different lengths come out wrong. A sequence begins at its own last "
            "valid step, and until then its state is zero.",
            repeated(padded),
            agrees(),
        ),
        Property(
            "padding",
            1,
            "There may be anything in the padding. What is 0 times a NaN?",
            repeated(lambda g: padded(g, rubbish=torch.nan)),
            agrees(),
        ),
        Property("sizes", 1, ANY_SIZE, padded_sizes, agrees()),
        slopes(lambda g: padded(g, mirrored=False)),
        Property(
            "clean slopes",
            1,
            "The value is one thing, its gradient another: a NaN that was computed and not chosen "
            "still spoils the way back. Keep it out before the step.",
            repeated(lambda g: padded(g, mirrored=False, rubbish=torch.nan)),
            slopes_flow,
            "slopes",
            side=True,
        ),
    ),
)
