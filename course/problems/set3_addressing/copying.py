"""By hand: a program that makes a machine copy twice."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import Generator

from course.grading.declare import Case, Problem, Property, Trial
from course.problems.making import Cases
from course.problems.set3_addressing import machine


def programs(*lengths: int) -> Cases:
    def cases(generator: Generator) -> Iterator[Case]:
        for length in lengths:
            items, mark, dirt, start = machine.surroundings(generator, length)
            yield Case((length, mark), (items, mark, dirt, start))

    return cases


def writes_items(trial: Trial) -> str | None:
    """Ask that after the run each item stands in a slot of its own."""
    items, *_ = trial.secret
    try:
        _, tape = machine.run(trial.value, *trial.secret)
    except machine.RefusedError as refused:
        return f"the machine refuses the program: {refused}"
    near = torch.cdist(items, tape).min(-1)
    if bool((near.values > 0.2).any()) or len(set(near.indices.tolist())) < len(items):
        return "after the run an item is missing on the tape"
    return None


def gives_back(first: int, last: int) -> Callable[[Trial], str | None]:
    """Ask for the right bits in the copies `first` to `last` (1 or 2)."""

    def judge(trial: Trial) -> str | None:
        items, *_ = trial.secret
        length = len(items)
        try:
            reads, _ = machine.run(trial.value, *trial.secret)
        except machine.RefusedError as refused:
            return f"the machine refuses the program: {refused}"
        wrong = 0
        for number in range(first, last + 1):
            read = reads[number * length : (number + 1) * length]
            wrong += int(((read > 0.5) != (items > 0.5)).sum())
        return f"{wrong} wrong bits" if wrong else None

    return judge


copying = Problem(
    "copy-twice",
    "answer-copy-twice",
    "copy_twice",
    None,
    (
        Property(
            "written",
            3,
            "At the end each item must stand clean in a slot of its own: was the dirt erased, "
            "and did the head stay sharp?",
            programs(4, 4, 4),
            writes_items,
        ),
        Property(
            "first copy",
            4,
            "The first copy has wrong bits. Where does the read head stand when the first "
            "answer is due?",
            programs(4, 4, 4),
            gives_back(1, 1),
        ),
        Property(
            "second copy",
            3,
            "The second copy has wrong bits. How does the read head find the beginning again?",
            programs(4, 4, 4),
            gives_back(2, 2),
        ),
        Property(
            "lengths",
            2,
            "It works for one length only: other lengths, from 1 to 12, have wrong bits.",
            programs(1, 2, 7, 12),
            gives_back(1, 2),
        ),
    ),
)
