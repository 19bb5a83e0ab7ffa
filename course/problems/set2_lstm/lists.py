"""How long a list a state of fixed size can hold."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Generator

from course.grading.declare import Arguments, Problem, Property
from course.grading.judges import agrees


def longest_list(cells: int, levels: int, bits: int, told: bool) -> int:
    """Largest n with Σ 2^(b k) ≤ levels^cells, over k = n alone, or over k = 0 … n if not told."""
    states, lists, count = levels**cells, 1, 0
    while True:
        more = 2 ** (bits * (count + 1))
        lists = more if told else lists + more
        if lists > states:
            return count
        count += 1


def pick(g: Generator, low: int, high: int) -> int:
    return int(torch.randint(low, high + 1, (), generator=g))


def lists_told(g: Generator) -> Iterator[Arguments]:
    yield 1, 2, 3, True  # not even one item
    for _ in range(6):
        yield pick(g, 2, 9), 2 * pick(g, 1, 20) + 1, pick(g, 1, 4), True


def lists_untold(g: Generator) -> Iterator[Arguments]:
    yield 3, 2, 1, False  # eight states: seven lists of up to two bits, fifteen of up to three
    yield 1, 6, 1, False  # six states: the empty list is one too many
    yield 6, 4, 2, False
    for _ in range(6):
        yield pick(g, 2, 9), 2 * pick(g, 1, 20) + 1, pick(g, 1, 4), False


def lists_tight(g: Generator) -> Iterator[Arguments]:
    """As many states as lists, or one too few for 60 bits: floating point cannot tell."""
    yield 8, 2, 2, True
    for bits in (5, 6, 10, 12):
        yield 1, 2**60 - 1, bits, True
        yield 1, 2**60, bits, True


longest = Problem(
    "longest-list",
    "answer-longest-list",
    "longest_list",
    longest_list,
    (
        Property(
            "told",
            2,
            "With a length that is told: is there a state for every list of this length?",
            lists_told,
            agrees(),
        ),
        Property(
            "not told",
            2,
            "With a length that is not told, shorter lists need states of their own, the empty "
            "list too.",
            lists_untold,
            agrees(),
        ),
        Property(
            "exact",
            1,
            "Near the bound a logarithm in floating point is off by one: whole numbers are not.",
            lists_tight,
            agrees(),
        ),
    ),
)
