"""Two machines on the same questions, and two handfuls of seeds."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import combinations

import torch
from torch import Generator, Tensor

from course.grading.declare import Arguments, Problem, Property
from course.grading.judges import agrees
from course.problems.making import repeated
from course.problems.set6_stories.telling import says

SLACK = 1e-9


def same_questions_right(right_a: Tensor, right_b: Tensor) -> dict[str, float]:
    """Return how many only A and only B gets right, and the exact sign test's two-sided p."""
    only_a, only_b = int((right_a & ~right_b).sum()), int((right_b & ~right_a).sum())
    differ = only_a + only_b
    tail = sum(math.comb(differ, k) for k in range(min(only_a, only_b) + 1))
    return {"only a": only_a, "only b": only_b, "p": min(1.0, 2 * tail / 2**differ)}


def pair(g: Generator, only_a: int, only_b: int, both: int = 20, none: int = 9) -> Arguments:
    """Return two tensors of true and false with so many questions of each kind, in any order."""
    kinds = ((True, True), (True, False), (False, True), (False, False))
    rows = [kind for kind, count in zip(kinds, (both, only_a, only_b, none), strict=True)
            for _ in range(count)]  # fmt: skip
    table = torch.tensor(rows)[torch.randperm(len(rows), generator=g)]
    return table[:, 0].clone(), table[:, 1].clone()


def whole(g: Generator, low: int, high: int) -> int:
    return int(torch.randint(low, high, (1,), generator=g))


def unlike(g: Generator) -> Iterator[Arguments]:
    fewer = whole(g, 2, 6)
    more = fewer + whole(g, 2, 5)
    yield pair(g, fewer, more)
    yield pair(g, more, fewer)


def level(g: Generator) -> Iterator[Arguments]:
    yield pair(g, 5, 5)
    yield pair(g, 0, 0)


def many(g: Generator) -> Iterator[Arguments]:
    yield pair(g, whole(g, 545, 570), 600)


same_questions = Problem(
    "same-questions",
    "answer-same-questions",
    "same_questions",
    same_questions_right,
    (
        Property(
            "counts",
            1,
            "The questions that only one of the two gets right are not counted right.",
            repeated(unlike),
            says("only a", "only b"),
        ),
        Property(
            "p",
            2,
            "p is wrong where the two counts differ. It is a sum of all tails, on both sides, and "
            "questions on which the machines agree are not in it.",
            repeated(unlike),
            says("p"),
        ),
        Property(
            "level",
            1,
            "Where nothing speaks for either machine, p is 1: never more, and never a NaN.",
            level,
            says("p"),
        ),
        Property(
            "many",
            1,
            "With thousands of questions 2 to the power of n leaves the range of floats: divide "
            "whole numbers, or work with logarithms.",
            many,
            says("p"),
        ),
    ),
)


def few_seeds(a: list[float], b: list[float]) -> float:
    """Return the share of all splits whose means lie at least as far apart as the observed one."""
    pooled = [*a, *b]

    def apart(chosen: tuple[int, ...]) -> float:
        first = [pooled[i] for i in chosen]
        rest = [value for i, value in enumerate(pooled) if i not in chosen]
        return abs(math.fsum(first) / len(first) - math.fsum(rest) / len(rest))

    seen = apart(tuple(range(len(a))))
    splits = [apart(split) for split in combinations(range(len(pooled)), len(a))]
    return sum(each >= seen - SLACK for each in splits) / len(splits)


def values(g: Generator, count: int, low: float, high: float) -> list[float]:
    return (low + (high - low) * torch.rand(count, generator=g, dtype=torch.float64)).tolist()


def a_better(g: Generator) -> Iterator[Arguments]:
    yield values(g, 4, 0.5, 0.9), values(g, 4, 0.4, 0.8)
    yield values(g, 3, 0.9, 1.0), values(g, 3, 0.1, 0.2)


def b_better(g: Generator) -> Iterator[Arguments]:
    yield values(g, 4, 0.3, 0.7), values(g, 4, 0.6, 0.9)
    yield values(g, 3, 0.1, 0.2), values(g, 3, 0.9, 1.0)


def sizes(g: Generator) -> Iterator[Arguments]:
    """Sizes at which a mirror image of the observed split is none of the splits."""
    yield values(g, 2, 0.3, 0.9), values(g, 5, 0.5, 1.0)
    yield values(g, 5, 0.3, 0.9), values(g, 3, 0.4, 0.8)


def hundredths(g: Generator) -> Iterator[Arguments]:
    """Shares of few values, so that many splits are exactly as far apart as the observed one."""
    for _ in range(4):
        chosen = torch.randint(0, 3, (8,), generator=g).tolist()
        shares = [(0.1, 0.3, 0.7)[i] for i in chosen]
        yield shares[:4], shares[4:]
    yield [0.1, 0.7, 0.3], [0.3, 0.1, 0.7]
    yield [0.9, 0.9, 0.9], [0.9, 0.9, 0.9]


few_seeds_p = Problem(
    "few-seeds",
    "answer-few-seeds",
    "few_seeds",
    few_seeds,
    (
        Property(
            "a above b",
            1,
            "Where A is better the share is wrong: go through all splits of the pooled values, "
            "the observed one among them.",
            repeated(a_better),
            agrees(),
        ),
        Property(
            "b above a",
            1,
            "Where B is better the share is wrong: a difference counts whatever its sign.",
            repeated(b_better),
            agrees(),
        ),
        Property(
            "sizes",
            1,
            "A and B may have different numbers of seeds: a split has A's number on one side.",
            repeated(sizes),
            agrees(),
        ),
        Property(
            "equal values",
            1,
            "Splits exactly as far apart as the observed one count, also where the last digit of a "
            "float says otherwise.",
            repeated(hundredths),
            agrees(),
        ),
    ),
)
