"""At which position of the answer lists fail."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Generator, Tensor

from course.grading.declare import Arguments, Problem, Property
from course.grading.judges import agrees
from course.problems.making import repeated, uniform
from course.problems.set4_training.lists import BITS, steady


def wrong_by_position(outputs: Tensor, targets: Tensor, lengths: Tensor) -> Tensor:
    """At each position of the answer: the share of lists so long with a wrong bit there."""
    wrong = (outputs > 0) != (targets > 0.5)
    wrong = (wrong | outputs.isnan()).any(-1)  # (T, B)
    longest = int(lengths.max())
    shares = []
    for position in range(longest):
        there = lengths > position
        rows = (lengths + 1 + position)[there]
        shares.append(wrong[rows, there.nonzero().flatten()].double().mean())
    return torch.stack(shares)


def said(
    g: Generator, lengths: list[int], chance: float, *, whole: bool = False,
    low: float = 0.6, high: float = 1.4,
) -> Iterator[Arguments]:  # fmt: skip
    """Outputs whose bits are wrong by chance; `whole`: all bits of a vector or none."""
    told = torch.tensor(lengths)
    steps, size = 2 * max(lengths) + 1, len(lengths)
    targets = torch.randint(0, 2, (steps, size, BITS), generator=g).double()
    wrong = torch.rand(steps, size, 1 if whole else BITS, generator=g) < chance
    sign = (2 * targets - 1) * torch.where(wrong, -1.0, 1.0)
    yield sign * uniform(g, steps, size, BITS, low=low, high=high), targets, told


def whole_vectors(g: Generator) -> Iterator[Arguments]:
    yield from said(g, [5] * 21, 0.4, whole=True)


def single_bits(g: Generator) -> Iterator[Arguments]:
    yield from (steady(*case) for case in said(g, [5] * 21, 0.15))


def near_zero(g: Generator) -> Iterator[Arguments]:
    """Outputs between −½ and ½: what counts is their sign."""
    yield from (steady(*case) for case in said(g, [4] * 21, 0.4, whole=True, low=0.05, high=0.45))


def far_out(g: Generator) -> Iterator[Arguments]:
    yield from (steady(*case) for case in said(g, [4] * 21, 0.4, whole=True, low=2.0, high=30.0))


def by_length(g: Generator) -> Iterator[Arguments]:
    lengths = [1, 2, 2, 3, 5, 5, 6, 6, 6, 6, 4, 1]
    yield from (steady(*case) for case in said(g, lengths, 0.5, whole=True))


def with_nan(g: Generator) -> Iterator[Arguments]:
    """Three lists are no numbers at all, the rest say all 1 or all 0."""
    outputs, targets, told = next(said(g, [4] * 8, 0.3))
    outputs = outputs.abs() * torch.where(torch.rand(9, 8, 1, generator=g) < 0.5, -1.0, 1.0)
    outputs[:, :3] = torch.nan
    yield steady(outputs, torch.zeros_like(targets), told)
    yield steady(outputs, torch.ones_like(targets), told)


positions = Problem(
    "wrong-by-position",
    "answer-wrong-by-position",
    "wrong_by_position",
    wrong_by_position,
    (
        Property(
            "positions",
            3,
            "Lists of one length, whole vectors right or wrong: position 0 is the first step after "
            "the marker, and each position has the share of lists that fail there.",
            repeated(whole_vectors),
            agrees(),
        ),
        Property(
            "threshold",
            2,
            "An output is a logit: above 0 it says 1, however far from it.",
            lambda g: (case for make in (near_zero, far_out) for case in make(g)),
            agrees(),
        ),
        Property(
            "any bit",
            2,
            "One wrong bit makes a vector wrong: the share is of vectors, not of bits.",
            repeated(single_bits),
            agrees(),
        ),
        Property(
            "lengths",
            2,
            "With several lengths each list's answer begins elsewhere, and a position is averaged "
            "over the lists that reach it.",
            repeated(by_length),
            agrees(),
        ),
        Property("nan", 1, "An output that is no number is wrong, whatever the bit.", with_nan,
                 agrees()),
    ),
)  # fmt: skip
