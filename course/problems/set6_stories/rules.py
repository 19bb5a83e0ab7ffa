"""What three rules score that learn nothing, or next to nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from torch import Generator

from course.grading.declare import Arguments, Problem, Property
from course.problems.making import repeated
from course.problems.set6_stories.telling import (
    PEOPLE,
    PLACES,
    Asked,
    handle,
    pick,
    says,
    some,
    where,
)


def dull_rules(train: list[Asked], asked: list[Asked], places: list[str]) -> dict[str, float]:
    """Return the share right of the commonest answer, the last place, and the asked one's place."""
    counts = Counter(item["answer"] for item in train)
    commonest = counts.most_common(1)[0][0]  # of equals the first that was met
    right = {"commonest": 0, "last place": 0, "last about": 0}
    for item in asked:
        named = [(words, word) for words in item["story"] for word in words if word in places]
        about = [word for words, word in named if item["question"][-1] in words]
        right["commonest"] += item["answer"] == commonest
        right["last place"] += bool(named) and named[-1][1] == item["answer"]
        right["last about"] += bool(about) and about[-1] == item["answer"]
    return {name: count / len(asked) for name, count in right.items()}


def plain(g: Generator) -> Iterator[Arguments]:
    """Every sentence names a place; train and asked have other commonest answers."""
    rare, often = some(g, PLACES, 2)
    train = [{**where(g), "answer": often if n < 7 else pick(g, PLACES)} for n in range(12)]
    asked = [{**where(g), "answer": rare if n < 8 else often} for n in range(11)]
    yield train, asked, list(PLACES)


def told(g: Generator) -> Iterator[Arguments]:
    train = [where(g) for _ in range(6)]
    yield train, [where(g, 5) for _ in range(20)], list(PLACES)


def told_with_things(g: Generator) -> Iterator[Arguments]:
    train = [where(g) for _ in range(6)]
    asked = [where(g, 5, things=True) for _ in range(19)]
    nowhere = {**asked[0], "story": [handle(g, asked[0]["question"][-1])]}
    yield train, [*asked, nowhere], list(PLACES)


def told_wrongly(g: Generator) -> Iterator[Arguments]:
    """The rule about the asked one is right in some questions only: they are asked of another."""
    asked = [where(g, 5) for _ in range(20)]
    asked = [{**q, "question": ["where", "is", pick(g, PEOPLE)]} for q in asked]
    yield [where(g) for _ in range(6)], asked, list(PLACES)


def level(g: Generator) -> Iterator[Arguments]:
    """Two answers are equally common; the one that is met first is the later of the alphabet."""
    late, early = sorted(some(g, PLACES, 2), reverse=True)
    train = [{**where(g), "answer": answer} for answer in (late, early, early, late)]
    yield train, [{**where(g), "answer": late if n < 4 else early} for n in range(5)], list(PLACES)


dull = Problem(
    "dull-rules",
    "answer-dull-rules",
    "dull_rules",
    dull_rules,
    (
        Property(
            "commonest",
            1,
            "The commonest answer is wrong: it is counted on the training questions, and scored on "
            "the others.",
            repeated(plain),
            says("commonest"),
        ),
        Property(
            "equals",
            1,
            "Two answers were equally common: then the one that the training questions have first "
            "is meant.",
            level,
            says("commonest"),
        ),
        Property(
            "last place",
            1,
            "The place that the story names last is wrong where every sentence ends with a place.",
            repeated(told, 5),
            says("last place"),
        ),
        Property(
            "last about",
            2,
            "The last place that is named together with the question's last word is wrong where "
            "every sentence ends with a place.",
            repeated(told_wrongly, 5),
            says("last about"),
        ),
        Property(
            "no place",
            1,
            "Some sentences name no place, and some words after a place are no place: go on to "
            "the last one that does. Without any, the rule is wrong.",
            repeated(told_with_things, 5),
            says("last place", "last about"),
        ),
    ),
)
