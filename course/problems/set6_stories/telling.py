"""Questions about made-up stories, as plain dicts, and a judge of results that are dicts.

A question is {"story": sentences, each a list of words; "question": words; "answer": a word;
"supporting": the positions of the facts, from 0}. The people and places are not those of bAbI.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Generator

from course.grading.declare import Judge, Trial
from course.grading.judges import TOLERANCE, difference, told

PEOPLE = ("ada", "ben", "cleo", "dan", "eve", "finn")
PLACES = ("attic", "barn", "cellar", "dock", "forge", "grove")
THINGS = ("bell", "cup", "drum")
VERBS = ("walked", "ran", "hurried")

Asked = dict[str, Any]


def pick(g: Generator, items: Sequence[Any]) -> Any:
    """Return one of the items."""
    return items[int(torch.randint(0, len(items), (1,), generator=g))]


def some(g: Generator, items: Sequence[Any], count: int) -> list[Any]:
    """Return so many different items, in any order."""
    return [items[i] for i in torch.randperm(len(items), generator=g)[:count].tolist()]


def move(g: Generator, person: str | None = None, place: str | None = None) -> list[str]:
    """Return a sentence that says where somebody went."""
    return [person or pick(g, PEOPLE), pick(g, VERBS), "to", "the", place or pick(g, PLACES)]


def handle(g: Generator, person: str | None = None) -> list[str]:
    """Return a sentence that names no place."""
    return [person or pick(g, PEOPLE), "took", "the", pick(g, THINGS), "there"]


def where(g: Generator, sentences: int = 6, things: bool = False) -> Asked:
    """Ask where somebody is of whom the story tells."""
    story = [move(g) for _ in range(sentences)]
    person = pick(g, story)[0]
    fact = max(number for number, words in enumerate(story) if words[0] == person)
    asked = {
        "story": story,
        "question": ["where", "is", person],
        "answer": story[fact][-1],
        "supporting": [fact],
    }
    return with_things(g, asked) if things else asked


def with_things(g: Generator, asked: Asked) -> Asked:
    """Put in sentences without a place, the last about the person, and a word behind a place."""
    person, (fact,) = asked["question"][-1], asked["supporting"]
    told = [[*words, "again"] for words in asked["story"]]
    story = [*told[: fact + 1], handle(g), *told[fact + 1 :], handle(g, person)]
    return {**asked, "story": story}


def says(*names: str) -> Judge:
    """Ask for the reference's entries of these names, to a tolerance; others are left aside."""

    def judge(trial: Trial) -> str | None:
        if not isinstance(trial.value, dict):
            return f"expected a dict, got {told(trial.value)}"
        for name in names:
            if name not in trial.value:
                return f"there is no {name!r} in the dict"
            found = difference(trial.value[name], trial.expected[name], TOLERANCE)
            if found:
                return f"{name!r}: {found}"
        return None

    return judge
