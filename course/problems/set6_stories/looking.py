"""What an answer loses with a sentence, and where a machine's evidence lies."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Generator, Tensor

from course.grading.declare import Arguments, Problem, Property
from course.problems.making import normal, repeated
from course.problems.set6_stories.telling import says, some


def falls(
    whole: Tensor, without: list[Tensor], answers: Tensor, supporting: list[list[int]]
) -> dict[str, float]:
    """Return how far p(answer) falls without a fact, without another sentence, and who is first."""
    chances = whole.softmax(-1)
    facts, others, most = [], [], []
    for row, left, answer, told in zip(chances, without, answers, supporting, strict=True):
        lost = row[answer] - left.softmax(-1)[:, answer]  # (sentences,)
        is_fact = torch.zeros(len(lost), dtype=torch.bool)
        is_fact[told] = True
        facts.append(lost[is_fact].mean())
        if not is_fact.all():
            others.append(lost[~is_fact].mean())
        most.append(is_fact[lost.argmax()].double())
    return {name: float(torch.stack(found).mean())
            for name, found in (("facts", facts), ("others", others), ("most", most))}  # fmt: skip


def question(g: Generator, sentences: int, facts: int, answers: int = 5) -> tuple[Any, ...]:
    """Return logits told whole and without each sentence, the answer, and where the facts are."""
    return (
        normal(g, answers) * 2,
        normal(g, sentences, answers) * 2,
        int(torch.randint(0, answers, (1,), generator=g)),
        sorted(some(g, range(sentences), facts)),
    )


def together(made: list[tuple[Any, ...]]) -> Arguments:
    whole, without, answers, supporting = zip(*made, strict=True)
    return torch.stack(whole), list(without), torch.tensor(answers), list(supporting)


def one_fact(g: Generator) -> Iterator[Arguments]:
    yield together([question(g, 4, 1) for _ in range(8)])


def two_facts(g: Generator) -> Iterator[Arguments]:
    """Stories of several sizes and numbers of facts: the mean of questions is not of sentences."""
    kinds = ((3, 1), (5, 2), (9, 4), (7, 1), (4, 3))
    yield together([question(g, *kind) for kind in kinds])


def only_facts(g: Generator) -> Iterator[Arguments]:
    """Some stories have no sentence but their facts."""
    yield together([question(g, n, n) for n in (1, 2)] + [question(g, 4, 1) for _ in range(4)])


facts_missed = Problem(
    "falls",
    "answer-falls",
    "falls",
    falls,
    (
        Property(
            "facts",
            2,
            "How far the right answer's probability falls without its fact is wrong, for stories "
            "of four sentences with one fact.",
            repeated(one_fact),
            says("facts"),
        ),
        Property(
            "others",
            1,
            "The fall without a sentence that is no fact is wrong, for stories of four sentences "
            "with one fact.",
            repeated(one_fact),
            says("others"),
        ),
        Property(
            "most",
            1,
            "In which questions is the sentence that is missed most a fact? Missed most is where "
            "the probability falls farthest, not where it rises.",
            repeated(one_fact),
            says("most"),
        ),
        Property(
            "questions",
            1,
            "Each question counts once, however many sentences and facts it has: first a mean for "
            "each question.",
            repeated(two_facts),
            says("facts", "others"),
        ),
        Property(
            "only facts",
            1,
            "Where all sentences of a story are facts, the question has nothing to say about the "
            "others, and is left out there.",
            repeated(only_facts),
            says("others"),
        ),
    ),
)


def pointing(
    amounts: Tensor, sentence: Tensor, supporting: list[list[int]]
) -> dict[str, float | None]:
    """Return how often the heaviest story word stands in a fact, chance, and what is late."""
    hit, chance, late = [], [], []
    for amount, place, told in zip(amounts, sentence, supporting, strict=True):
        in_story, in_fact = place >= 0, torch.isin(place, torch.tensor(told))
        heaviest = amount.masked_fill(~in_story, -torch.inf).argmax()
        hit.append(float(in_fact[heaviest] and amount[heaviest] > 0))
        chance.append(float(in_fact.sum() / in_story.sum()))
        speaks = amount.clamp_min(0) * (place > -2)
        if speaks.sum() > 0:
            late.append(float(speaks[place == -1].sum() / speaks.sum()))
    return {name: sum(found) / len(found) if found else None
            for name, found in (("hit", hit), ("chance", chance), ("late", late))}  # fmt: skip


def layout(g: Generator, sizes: list[int], after: int, steps: int) -> Tensor:
    """Return the sentence of each step: −1 after the story, −2 in the padding."""
    told = [number for number, size in enumerate(sizes) for _ in range(size)]
    return torch.tensor(told + [-1] * after + [-2] * (steps - len(told) - after))


def batch(g: Generator, count: int = 30, padded: bool = False, facts: int = 1) -> Arguments:
    """Return amounts of both signs; the padding holds large ones where there is some."""
    steps = 30 if padded else 24
    places, told = [], []
    for number in range(count):
        sizes = some(g, (4, 5, 6, 3), 4)
        if padded and number % 2:
            sizes = sizes[:2]
        places.append(layout(g, sizes, 24 - sum(sizes) if not padded else 5, steps))
        told.append(sorted(some(g, range(len(sizes)), facts)))
    sentence = torch.stack(places)
    amounts = normal(g, count, steps) + (sentence == -2) * 9.0
    amounts[:, 0] = amounts[:, 0].abs()  # some word of the story speaks for the answer
    return amounts, sentence, told


def silent(g: Generator) -> Iterator[Arguments]:
    """In some questions no word of the story speaks for the answer, in one no word at all."""
    amounts, sentence, told = batch(g, count=8)
    amounts[:4] = torch.where(sentence[:4] >= 0, -amounts[:4].abs(), amounts[:4].abs())
    amounts[0] = -amounts[0].abs()
    amounts[4:] = torch.where(sentence[4:] >= 0, amounts[4:], 0.1 * amounts[4:].tanh())
    yield amounts, sentence, [[0, 1, 2, 3] for _ in told]
    nothing = -amounts.abs()
    yield nothing, sentence, told


pointed_at = Problem(
    "pointing",
    "answer-pointing",
    "pointing",
    pointing,
    (
        Property(
            "hit",
            2,
            "How often the heaviest word of the story stands in a fact is wrong. What comes after "
            "the story is not asked here, and an amount below 0 speaks against the answer.",
            repeated(lambda g: iter([batch(g)]), 5),
            says("hit"),
        ),
        Property(
            "chance",
            1,
            "A word drawn from the story stands in a fact with the probability words in facts / "
            "words of the story, a mean over questions.",
            repeated(lambda g: iter([batch(g, facts=2)])),
            says("chance"),
        ),
        Property(
            "late",
            1,
            "Of what speaks for the answer, the part after the story is wrong: amounts below 0 do "
            "not speak for it, and each question counts once.",
            repeated(lambda g: iter([batch(g)]), 5),
            says("late"),
        ),
        Property(
            "padding",
            1,
            "What stands in the padding (-2) is no word, whatever its amount.",
            repeated(lambda g: iter([batch(g, padded=True)]), 5),
            says("hit", "chance", "late"),
        ),
        Property(
            "nothing",
            1,
            "Where no word of the story speaks for the answer it is no hit; where nothing speaks "
            "for it at all, the question has no late part, and with no such question late is None.",
            repeated(silent),
            says("hit", "late"),
        ),
    ),
)
