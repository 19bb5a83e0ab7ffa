"""More training questions from the same stories: names exchanged, and one look-up at a time.

"What is Gertrude afraid of?" (qa15) takes two look-ups, "Gertrude is a mouse" and "Mice are afraid
of wolves". A machine that gets the whole question at once learns what it can say without either.
``lookup`` asks for one statement alone, in a story that may end early; ``exchanged`` tells a story
of other people, places and things, in which the same must follow.
"""

from __future__ import annotations

import random
import re
from itertools import pairwise

from lessons_lib.babi import Question, Words, task_name
from lessons_lib.story_worlds import (
    ANIMAL_NAMES,
    ANIMALS,
    MOTIVE_NAMES,
    OBJECTS,
    PEOPLE,
    PLACES,
    SINGULAR,
)

#: Look-ups: what a statement must be, whom or what it tells of, its answer, and how one asks.
LOOKUPS = {
    "property": (r"(?P<asked>\w+) is (a )?(?P<answer>\w+)", "what is {}"),
    "fear": (r"(?P<asked>\w+) are afraid of (?P<answer>\w+)", "what are {} afraid of"),
}

#: For each task, the groups of names that may stand for one another within all its stories.
#: In qa20 that is so of people alone: who is hungry always goes to the kitchen.
EXCHANGEABLE = {
    **{task: (PEOPLE, PLACES, OBJECTS) for task in ("qa1", "qa2", "qa3", "qa6", "qa9")},
    "qa15": (ANIMAL_NAMES, tuple(ANIMALS)),
    "qa20": (MOTIVE_NAMES,),
}


def exchanged(question: Question, rng: random.Random) -> Question:
    """Return the question and its story with names exchanged at random, each group in itself.

    Raises:
        ValueError: names of this task that are not known.
    """
    name = task_name(question.task)
    if name not in EXCHANGEABLE:
        raise ValueError(f"expected a task of {', '.join(EXCHANGEABLE)}, got {name}")
    names: dict[str, str] = {}
    for group in EXCHANGEABLE[name]:
        names.update(zip(group, rng.sample(group, len(group)), strict=True))

    def told(words: Words) -> Words:
        return tuple(_renamed(before, word, names) for before, word in pairwise(("", *words)))

    return Question(
        tuple(map(told, question.story)),
        told(question.question),
        _renamed("a", question.answer, names),
        question.supporting,
        question.task,
    )


def _renamed(before: str, word: str, names: dict[str, str]) -> str:
    """Return what stands for a word; of an animal in the plural, that plural (one sheep is "a")."""
    one = SINGULAR.get(word)
    if one in names and before != "a":
        return ANIMALS[names[one]]
    return names.get(word, word)


def lookup(kind: str, question: Question, rng: random.Random) -> Question | None:
    """Return a question about one statement of the story, which is cut after a random one.

    An animal is the answer in the singular, as in qa15. None where no statement before the cut is
    of this kind.

    Args:
        kind: one of ``LOOKUPS``.
        question: whose story is taken.
        rng: chooses the cut, and what is asked for.

    Raises:
        ValueError: an unknown kind.
    """
    if kind not in LOOKUPS:
        raise ValueError(f"expected a look-up of {', '.join(LOOKUPS)}, got {kind!r}")
    pattern, asking = LOOKUPS[kind]
    story = question.story[: rng.randint(1, len(question.story))]
    found = [re.fullmatch(pattern, " ".join(words)) for words in story]
    answers = {match["asked"]: match["answer"] for match in found if match}
    if not answers:
        return None
    asked = rng.choice(list(answers))
    answer = SINGULAR.get(answers[asked], answers[asked])
    return Question(story, tuple(asking.format(asked).split()), answer, task=question.task)
