"""Along the tape: a shift over five offsets, and a tape that ends.

The cases read the same backwards where the direction is not asked for, and stay away from the ends
where the ends are not.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Generator, Tensor

from course.grading.declare import Arguments, Problem, Property
from course.grading.judges import agrees, keeps_sum, same_kind
from course.problems.making import (
    ANY_SIZE,
    KIND,
    Cases,
    even_shares,
    in_float32,
    inner,
    own_copy,
    repeated,
    shares,
    slopes,
)
from course.problems.set3_addressing.sizes import SIZES, B, H, S


def shift_five(weights: Tensor, shift: Tensor) -> Tensor:
    """w̃(i) = Σ_o s(o) w(i − o), o = −2 … 2, indices modulo S."""
    moved = [weights.roll(offset, dims=-1) for offset in range(-2, 3)]
    return (torch.stack(moved, dim=-1) * shift.unsqueeze(-2)).sum(-1)


def inside(offsets: int) -> Cases:
    """Return cases in which a shift over so many offsets does not reach the ends."""
    return lambda g: iter([(inner(g, B, H, S, margin=offsets // 2), shares(g, B, H, offsets))])


def at_ends(offsets: int) -> Cases:
    """Return cases all over the tape, with shifts that read the same backwards."""
    return lambda g: iter([(shares(g, B, H, S), even_shares(g, B, H, offsets))])


def anyhow(offsets: int) -> Cases:
    """Return cases in which nothing is special."""
    return lambda g: iter([(shares(g, B, H, S), shares(g, B, H, offsets))])


def of_sizes(offsets: int) -> Cases:
    """Return cases of other sizes, away from the ends."""

    def cases(g: Generator) -> Iterator[Arguments]:
        for b, h, s, _ in SIZES:
            yield inner(g, b, h, s, margin=offsets // 2), even_shares(g, b, h, offsets)

    return cases


def shift_short(g: Generator) -> Iterator[Arguments]:
    for slots in (1, 2, 3, 4):
        yield shares(g, B, H, slots), even_shares(g, B, H, 5)


five = Problem(
    "shift-five",
    "answer-shift-five",
    "shift_five",
    shift_five,
    (
        Property(
            "direction",
            4,
            "Away from the ends the weighting moves wrongly: s is given for −2, −1, 0, +1, +2, "
            "and +1 moves it to the next higher slot.",
            repeated(inside(5)),
            agrees(),
        ),
        Property(
            "ends",
            3,
            "What leaves the tape at one end must come in at the other.",
            repeated(at_ends(5)),
            agrees(),
        ),
        Property("sizes", 1, ANY_SIZE, of_sizes(5), agrees()),
        Property(
            "short tapes",
            1,
            "On a tape of fewer than five slots an offset can go round more than once.",
            shift_short,
            agrees(),
        ),
        slopes(anyhow(5)),
        own_copy(at_ends(5)),
        Property("dtype", 1, KIND, in_float32(at_ends(5)), same_kind, side=True),
    ),
)


def bounded_shift(weights: Tensor, shift: Tensor) -> Tensor:
    """Move over −1, 0, +1; what would leave the tape stays at its last slot."""
    back, stay, forward = shift.unsqueeze(-2).unbind(-1)  # each (B, H, 1)
    slots = weights.shape[-1]
    here = torch.arange(slots)
    to_left = torch.nn.functional.one_hot((here - 1).clamp_min(0), slots).to(weights)
    to_right = torch.nn.functional.one_hot((here + 1).clamp_max(slots - 1), slots).to(weights)
    return back * (weights @ to_left) + stay * weights + forward * (weights @ to_right)


bounded = Problem(
    "bounded-shift",
    "answer-bounded-shift",
    "bounded_shift",
    bounded_shift,
    (
        Property(
            "direction",
            3,
            "Away from the ends the weighting moves wrongly: s is given for −1, 0, +1, and +1 "
            "moves it to the next higher slot.",
            repeated(inside(3)),
            agrees(),
        ),
        Property(
            "ends",
            3,
            "This tape does not wrap: what would leave it stays at its last slot.",
            repeated(at_ends(3)),
            agrees(),
        ),
        Property(
            "sum",
            2,
            "Nothing may get lost: the weighting sums to 1 before and after.",
            repeated(anyhow(3)),
            keeps_sum,
        ),
        Property("sizes", 1, ANY_SIZE, of_sizes(3), agrees()),
        slopes(anyhow(3)),
    ),
)
