"""The surprise of a focused pointer, for a focus of any size."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Generator, Tensor

from course.grading.declare import Arguments, Problem, Property
from course.grading.judges import agrees
from course.problems.making import ANY_SIZE, normal, repeated, slopes, uniform
from course.problems.set5_global.kinds import SIZES, B, P, S, in_some_unit


def surprise(scores: Tensor, focus: Tensor, slot: Tensor) -> Tensor:
    """Return −ln w(slot), w ∝ softmax(scores)^γ (L-NTM eqs. 7-8), (B, P)."""
    logs = torch.log_softmax(focus.unsqueeze(-1) * scores, dim=-1)
    return -logs.gather(-1, slot.unsqueeze(-1)).squeeze(-1)


def ask(
    g: Generator, b: int = B, p: int = P, s: int = S, low: float = 1.0, high: float = 1.0
) -> Iterator[Arguments]:
    slot = torch.randint(0, s, (b, p), generator=g)
    yield normal(g, b, p, s), uniform(g, b, p, low=low, high=high), slot


def ask_focused(g: Generator) -> Iterator[Arguments]:
    yield from ask(g, low=2.0, high=6.0)


def ask_far(g: Generator) -> Iterator[Arguments]:
    yield from ask(g, low=900.0, high=1100.0)


def ask_high(g: Generator) -> Iterator[Arguments]:
    scores, focus, slot = next(ask(g))
    yield scores + 1e3, focus, slot
    yield scores - 1e3, focus, slot


def ask_sizes(g: Generator) -> Iterator[Arguments]:
    for b, p, s, _ in SIZES:
        yield from ask(g, b, p, s)


surprised = Problem(
    "surprise",
    "answer-surprise",
    "surprise",
    surprise,
    (
        Property(
            "pointer",
            2,
            "Already with γ = 1 the surprise is wrong. It is a natural logarithm, never negative, "
            "and there is one number for each pointer.",
            repeated(ask),
            agrees(),
        ),
        Property(
            "focus",
            3,
            "With γ from 2 to 6 the surprise is wrong: after the power the weights must sum to 1.",
            repeated(ask_focused),
            in_some_unit,
        ),
        Property(
            "far",
            2,
            "With γ near 1000 the weight itself is smaller than any number that a computer knows, "
            "its logarithm is not.",
            repeated(ask_far),
            in_some_unit,
        ),
        Property(
            "level",
            1,
            "Scores may all be near 1000, or near −1000: only their differences count.",
            ask_high,
            in_some_unit,
        ),
        Property("sizes", 1, ANY_SIZE, ask_sizes, in_some_unit),
        slopes(ask_focused),
    ),
)
