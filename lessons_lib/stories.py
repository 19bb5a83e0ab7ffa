"""Our own stories in the bAbI format, so that everything runs with no download.

``generate("qa1")`` gives 10,000 questions. Splits never share a story: every story belongs to one
split, told by a fixed hash of its opening (half of the openings train, a quarter each valid and
test), whatever the seed and the number of questions. For qa1, 2, 3, 6, 9 and 15 it follows that no
question with its story is in two splits. qa20 is too small for that: its stories begin with one of
16 sentences. There whole stories are kept apart, and ``overlap`` names the questions that repeat.
"""

from __future__ import annotations

import hashlib
import random
from collections import Counter
from collections.abc import Iterable, Sequence

from lessons_lib.babi import SPLITS, Question, Words, task_name, write
from lessons_lib.story_worlds import ANIMALS, MOTIVES, PLACES, SINGULAR, WORLDS

__all__ = [
    "TASKS",
    "generate",
    "last_statement_place",
    "majority_answer",
    "overlap",
    "write",
]

#: The tasks that can be generated.
TASKS = tuple(WORLDS)

_QUARTERS = ("train", "train", "valid", "test")
#: bAbI's rooms, with the three that only its tasks 10 and 14 have.
_PLACES = frozenset({*PLACES, "cinema", "park", "school"})


def generate(
    task: str | int, questions: int = 10_000, seed: int = 0, split: str = "train"
) -> list[Question]:
    """Tell stories of one task until there are enough questions.

    Args:
        task: one of ``TASKS``.
        questions: how many; the last story is cut short where it has more.
        seed: the same seed gives the same questions on every machine.
        split: "train", "valid" or "test"; each has its own stories and its own random stream.

    Raises:
        ValueError: an unknown task or split, or a number of questions below 1.
    """
    name = task_name(task)
    if name not in WORLDS:
        raise ValueError(f"expected a task of {', '.join(TASKS)}, got {name}")
    if split not in SPLITS:
        raise ValueError(f"expected split {', '.join(SPLITS)}, got {split!r}")
    if questions < 1:
        raise ValueError(f"expected at least 1 question, got {questions}")
    rng = random.Random(f"{name} {split} {int(seed)}")
    found: list[Question] = []
    while len(found) < questions:
        found += WORLDS[name](rng, lambda opening: _split_of(opening) == split)
    return found[:questions]


def _split_of(opening: Sequence[Words]) -> str:
    text = "\n".join(" ".join(words) for words in opening)
    return _QUARTERS[hashlib.blake2b(text.encode(), digest_size=1).digest()[0] % 4]


def overlap(first: Iterable[Question], second: Iterable[Question]) -> list[int]:
    """Return the positions in ``second`` whose story and question also occur in ``first``.

    Of real bAbI, 195 of the 998 valid questions of qa20 are in its train set too.
    """
    seen = {(item.story, item.question) for item in first}
    return [at for at, item in enumerate(second) if (item.story, item.question) in seen]


def majority_answer(train: Iterable[Question]) -> str:
    """Return the commonest answer: what a model reaches that reads nothing."""
    counts = Counter(item.answer for item in train)
    if not counts:
        raise ValueError("expected at least one question, got none")
    return counts.most_common(1)[0][0]


def last_statement_place(question: Question) -> str:
    """Return the place that the story names last: what a model reaches with no memory to speak of.

    An empty string where the story names no place.
    """
    for words in reversed(question.story):
        for word in reversed(words):
            if word in _PLACES:
                return word
    return ""


def last_touch_place(question: Question) -> str:
    """Return where the thing asked for was last taken or put down: all of qa2 but the carrying.

    It is where the person of the last sentence about the thing had gone to by then. An empty
    string where the story does not say so.
    """
    place, touched = {}, ""
    for person, *words in question.story:
        if words[-1] in _PLACES:
            place[person] = words[-1]
        elif question.question[-1] in words:
            touched = place.get(person, "")
    return touched


def place_named_lately(question: Question, statements: int) -> str:
    """Return whether the place asked for was named lately, whoever it was said of: "yes" or "no".

    Of the last so many statements that name a place, the last one that names the place asked for
    decides; one that says "no longer" or "not" denies it. It is what qa6 and qa9 leave to a model
    that keeps the places and forgets whose they are.
    """
    places = [words for words in question.story if _PLACES & set(words)]
    said = "no"
    for words in places[-statements:]:
        if question.question[-1] in words:
            said = "no" if {"no", "not"} & set(words) else "yes"
    return said


def feared_by_most(question: Question) -> str:
    """Return what most people of the story fear, whoever is asked for; of two, what is told last.

    It is what qa15 leaves to a model that does not keep who is which animal. An empty string where
    nobody is one whose fear is told.
    """
    told = {line[0]: line[-1] for line in question.story if line[1] == "are"}  # mice: wolves
    kinds = [ANIMALS.get(line[-1]) for line in question.story if line[1] == "is"]
    feared = Counter(told[kind] for kind in kinds if kind in told)
    if not feared:
        return ""
    return SINGULAR[max(reversed(told.values()), key=lambda fear: feared[fear])]


def last_motive(question: Question) -> str:
    """Return the motive told last, or of those that lead to the place or thing asked for the last.

    It is what qa20 leaves to a model that does not keep whose motive is whose; "where" is answered
    by the place to which it leads. An empty string where no motive fits.
    """
    motives = [line[-1] for line in question.story if line[-1] in MOTIVES]
    asked = question.question[-1]
    if question.question[0] == "where":
        return MOTIVES[motives[-1]][0] if motives else ""
    fitting = [motive for motive in motives if asked in MOTIVES[motive]]
    return fitting[-1] if fitting else ""
