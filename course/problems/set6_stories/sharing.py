"""An interval for a share right where several questions are asked of one story."""

from __future__ import annotations

import math
from collections.abc import Iterator

import torch
from torch import Generator, Tensor

from course.grading.declare import Arguments, Problem, Property, Trial
from course.grading.judges import TOLERANCE, difference, numbers
from course.problems.making import repeated


def interval_by_story(right: Tensor, story: Tensor) -> tuple[float, float]:
    """Return Wilson's interval for the effective number of questions, p (1 − p) / se²."""
    n, share = len(right), float(right.double().mean())
    stories = story.unique()
    if share in (0.0, 1.0):
        effective = float(len(stories))
    else:
        gaps = [(right[story == one].double() - share).sum() for one in stories]
        square = float(sum(gap**2 for gap in gaps)) / n**2
        effective = min(n, share * (1 - share) / square) if square > 0 else float(n)
    z2 = 1.96**2 / effective
    half = math.sqrt(z2 * share * (1 - share) + z2**2 / 4)
    return (share + z2 / 2 - half) / (1 + z2), (share + z2 / 2 + half) / (1 + z2)


def two_numbers(trial: Trial) -> str | None:
    """Ask for the reference's two ends, be they a tuple, a list or a tensor."""
    got = numbers(trial.value)
    value = tuple(got.tolist()) if got is not None and got.shape == (2,) else trial.value
    return difference(value, trial.expected, TOLERANCE)


def coins(g: Generator, count: int, share: float) -> Tensor:
    """Return a tensor of so many true and false, with some of both."""
    found = torch.rand(count, generator=g) < share
    found[:2] = torch.tensor([True, False])
    return found[torch.randperm(count, generator=g)]


def alone(g: Generator) -> Iterator[Arguments]:
    for count, share in ((40, 0.8), (75, 0.4), (12, 0.5)):
        yield coins(g, count, share), torch.randperm(count, generator=g)


def together(g: Generator) -> Iterator[Arguments]:
    """Stories of one size that are mostly all right or all wrong: more alike than chance."""
    for stories, each in ((30, 5), (12, 4)):
        right = coins(g, stories, 0.6).repeat_interleave(each)
        right[0] = ~right[0]
        order = torch.randperm(len(right), generator=g)
        label = torch.arange(stories).repeat_interleave(each) * 3 + 7
        yield right[order], label[order]


def uneven(g: Generator) -> Iterator[Arguments]:
    sizes = torch.randint(1, 8, (25,), generator=g)
    right = coins(g, 25, 0.7).repeat_interleave(sizes)
    yield right, torch.arange(25).repeat_interleave(sizes)


def all_alike(g: Generator) -> Iterator[Arguments]:
    label = torch.arange(20).repeat_interleave(5)
    yield torch.ones(100, dtype=torch.bool), label
    yield torch.zeros(100, dtype=torch.bool), label


def opposed(g: Generator) -> Iterator[Arguments]:
    """Each story is half right: less alike than chance, or exactly level."""
    right = torch.tensor([True, False]).repeat(20)
    yield right, torch.arange(20).repeat_interleave(2)
    right = right.clone()
    right[:4] = torch.tensor([True, True, True, False])
    yield right, torch.arange(20).repeat_interleave(2)


by_story = Problem(
    "interval-by-story",
    "answer-interval-by-story",
    "interval_by_story",
    interval_by_story,
    (
        Property(
            "alone",
            2,
            "With one question a story the interval is Wilson's for n questions.",
            alone,
            two_numbers,
        ),
        Property(
            "together",
            2,
            "Questions of one story are right or wrong together: sum r − p within each story "
            "first, and square the sums.",
            repeated(together),
            two_numbers,
        ),
        Property(
            "uneven",
            1,
            "Stories of different sizes: p is the share of all questions, not a mean of stories.",
            repeated(uneven),
            two_numbers,
        ),
        Property(
            "all alike",
            1,
            "All right or all wrong: se is 0, and the effective number is that of the stories.",
            all_alike,
            two_numbers,
        ),
        Property(
            "no more",
            1,
            "The effective number is never above the number of questions, also where se is 0.",
            opposed,
            two_numbers,
        ),
    ),
)
