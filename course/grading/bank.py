"""The bank of answers: right ones and wrong ones, each with what it must lose.

One file a problem, `course/bank/<set>/<problem>.md`. A heading `## right: …` or `## wrong: …`, for
a wrong one a line `loses: …` with the names of properties, then one Python block.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from course.grading.declare import Problem
from course.layout import BANK

ENTRY = re.compile(
    r"^## (right|wrong): (.+?)\n(?:loses: (.+?)\n)?\n```python\n(.*?)^```$", re.M | re.S
)


@dataclass(frozen=True)
class Answer:
    """One answer of the bank.

    Attributes:
        problem: the problem's id.
        title: what is done in it.
        code: the whole answer cell.
        loses: the names of the properties that it must lose; none for a right answer.
    """

    problem: str
    title: str
    code: str
    loses: frozenset[str] = frozenset()

    @property
    def right(self) -> bool:
        """Whether it must get full marks."""
        return not self.loses

    def points(self, problem: Problem) -> float:
        """Return what it must get."""
        return sum(each.points for each in problem.properties if each.name not in self.loses)


def read_bank(name: str, problems: Sequence[Problem], folder: Path = BANK) -> list[Answer]:
    """Return the answers to a set. Raises ValueError for an entry that does not fit."""
    answers = []
    for problem in problems:
        path = folder / name / f"{problem.id}.md"
        answers += parse(path.read_text(encoding="utf-8"), problem, f"{name}/{path.name}")
    return answers


def parse(text: str, problem: Problem, where: str) -> list[Answer]:
    """Return the answers in one file's text."""
    found = []
    for kind, title, loses, code in ENTRY.findall(text):
        names = frozenset(name.strip() for name in loses.split(",") if name.strip())
        unknown = names - {each.name for each in problem.properties}
        if unknown or (kind == "wrong") != bool(names):
            raise ValueError(
                f"{where}, {title!r}: expected properties that it loses, got {loses!r}"
            )
        found.append(Answer(problem.id, title, code, names))
    if len(found) != text.count("\n## "):
        raise ValueError(
            f"{where}: expected {text.count(chr(10) + '## ')} entries, got {len(found)}"
        )
    return found
