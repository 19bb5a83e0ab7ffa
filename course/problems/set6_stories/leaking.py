"""Which test questions stand in training, in three senses."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Generator

from course.grading.declare import Arguments, Problem, Property
from course.problems.making import repeated
from course.problems.set6_stories.telling import (
    PEOPLE,
    PLACES,
    Asked,
    move,
    pick,
    says,
    some,
    where,
)

NAMES = [*PEOPLE, *PLACES]


def leaks(train: list[Asked], test: list[Asked], names: list[str]) -> dict[str, list[int]]:
    """Return the positions of test questions that training has whole, renamed, or in its facts."""

    def whole(item: Asked) -> Any:
        return item["story"], item["question"]

    def facts(item: Asked) -> Any:
        return [item["story"][number] for number in item["supporting"]], item["question"]

    def renamed(item: Asked) -> Any:
        order: dict[str, int] = {}
        lines = [*item["story"], item["question"]]
        return [[order.setdefault(w, len(order)) if w in names else w for w in line]
                for line in lines]  # fmt: skip

    found = {}
    for name, key in (("whole", whole), ("renamed", renamed), ("facts", facts)):
        seen = {repr(key(item)) for item in train}
        found[name] = [number for number, item in enumerate(test) if repr(key(item)) in seen]
    return found


def exchange(item: Asked, new: dict[str, str]) -> Asked:
    """Return the question with names exchanged."""

    def words(line: list[str]) -> list[str]:
        return [new.get(word, word) for word in line]

    answer = new.get(item["answer"], item["answer"])
    story = [words(line) for line in item["story"]]
    return {**item, "story": story, "question": words(item["question"]), "answer": answer}


def turned(g: Generator) -> dict[str, str]:
    """Return another name for each name: its group's, moved on by one or more."""
    new = {}
    for group in (PEOPLE, PLACES):
        by = int(torch.randint(1, len(group), (1,), generator=g))
        new |= dict(zip(group, group[by:] + group[:by], strict=True))
    return new


def other_question(item: Asked) -> Asked:
    """Return it with somebody asked for who is not in the story: no such question was trained."""
    return {**item, "question": ["where", "is", "zoe"]}


def shuffled(g: Generator, items: list[Asked]) -> list[Asked]:
    return some(g, items, len(items))


def wholes(g: Generator) -> Iterator[Arguments]:
    train = [where(g, 7) for _ in range(8)]
    longer = [{**q, "story": [*q["story"], move(g)]} for q in train[:2]]
    swapped = [{**q, "story": q["story"][::-1]} for q in train[2:4]]
    other = [other_question(q) for q in train[4:6]]
    test = [*train[3:7], *longer, *swapped, *other, where(g, 7)]
    yield train, shuffled(g, test), NAMES


def renames(g: Generator) -> Iterator[Arguments]:
    train = [where(g, 7) for _ in range(8)]
    new = turned(g)
    consistent = [exchange(q, new) for q in train[:4]]
    yield train, shuffled(g, [*consistent, *(where(g, 8) for _ in range(3))]), NAMES


def merges(g: Generator) -> Iterator[Arguments]:
    """Not one to one: two names have become one, or a name has become two."""
    train = [two_people(g) for _ in range(6)]
    merged = [exchange(q, {q["story"][1][0]: q["story"][0][0]}) for q in train[:2]]
    split = []
    for item in train[2:4]:
        story = [list(line) for line in item["story"]]
        fresh = next(p for p in PEOPLE if all(line[0] != p for line in story))
        story[2][0] = fresh
        split.append({**item, "story": story})
    crossed = [{**q, "question": ["where", "is", q["story"][1][0]]} for q in train[4:]]
    new = [exchange(q, turned(g)) for q in train]
    yield train, shuffled(g, [*merged, *split, *crossed, *new]), NAMES


def two_people(g: Generator) -> Asked:
    """Tell where two people went, one and the other and the first again; ask for the first."""
    one, other = some(g, PEOPLE, 2)
    places = some(g, PLACES, 4)
    order = (one, other, one, other)
    story = [move(g, who, place) for who, place in zip(order, places, strict=True)]
    question = ["where", "is", one]
    return {"story": story, "question": question, "answer": places[2], "supporting": [2]}


def rests(g: Generator) -> Iterator[Arguments]:
    """Other stories around the same facts, the same facts under another question."""
    train = [where(g, 6) for _ in range(8)]
    around, moved = [], []
    for item in train[:4]:
        (fact,) = item["supporting"]
        story = [move(g), item["story"][fact], move(g)]
        around.append({**item, "story": story, "supporting": [1]})
    for item in train[4:6]:
        moved.append(other_question(item))
    far = [{**where(g, 3), "question": ["where", "was", pick(g, PEOPLE)]} for _ in range(2)]
    yield train, shuffled(g, [*around, *moved, *far]), NAMES


def two_facts(g: Generator) -> Iterator[Arguments]:
    """Two facts each; where only one of them is the same it is no leak."""
    train = []
    for _ in range(6):
        first, second = move(g), move(g)
        train.append({"story": [move(g), first, second], "question": ["where", "is", "it"],
                      "answer": second[-1], "supporting": [1, 2]})  # fmt: skip
    same = [{**q, "story": [move(g), *q["story"]], "supporting": [2, 3]} for q in train[:3]]
    half = []
    for item in train[3:]:
        story = [list(line) for line in item["story"]]
        story[1] = [story[1][0], "crept", "to", "the", story[1][-1]]
        half.append({**item, "story": story})
    yield train, shuffled(g, [*same, *half]), NAMES


leaking = Problem(
    "leaks",
    "answer-leaks",
    "leaks",
    leaks,
    (
        Property(
            "whole",
            1,
            "The questions that stand in training word for word are not the right ones: story and "
            "question must both be the same, in the same order.",
            repeated(wholes),
            says("whole"),
        ),
        Property(
            "renamed",
            2,
            "Stories that become each other when names are exchanged are not all found.",
            repeated(renames),
            says("renamed"),
        ),
        Property(
            "one to one",
            1,
            "Renaming is one to one over story and question together: two names never become one, "
            "and one never two.",
            repeated(merges),
            says("renamed"),
        ),
        Property(
            "facts",
            1,
            "The same question on the same supporting sentences is a leak of facts, whatever else "
            "is told around them.",
            repeated(rests),
            says("facts"),
        ),
        Property(
            "all facts",
            1,
            "Where an answer rests on several sentences, all of them must be the same.",
            repeated(two_facts),
            says("facts"),
        ),
    ),
)
