"""Simulate a class: `python -m course.grading.simulate set3_addressing --students 200`.

Every student mixes answers of the bank, right and wrong; some tamper, some hand in a broken file or
nothing. What each must get is known, so that a whole run of nbgrader can be held against it.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import nbformat
from nbgrader.apps import NbGraderAPI
from traitlets.config import PyFileConfigLoader

from course.grading.bank import Answer, read_bank
from course.grading.build_course import write_course
from course.grading.declare import Problem, problems_of
from course.grading.grade_class import grade_class
from course.grading.submissions import solutions, submission, text_of
from course.grading.tampering import CHANGES

DONE_BY_STUDENTS = 0.8  # the share of problems that an ordinary student answers
BROKEN = ("", "{", "null", '{"cells": 3}', '{"cells": [{"cell_type": "code"}], "nbformat": 4}')
HARM = (
    "import os\nos._exit(0)",
    "raise SystemExit",
    "while True: pass",
    "x = bytearray(10_000_000_000)",
    "import torch\ntorch.allclose = lambda *a, **k: True\n1 / 0",
    "def (",
)


@dataclass
class Student:
    """What a simulated student hands in, and what it must get, by problem."""

    name: str
    text: str
    expected: dict[str, float]
    kind: str


def make_class(folder: Path, assignment: str, count: int, seed: int = 0) -> list[Student]:
    """Build a class folder with a release and `count` submissions."""
    write_course(folder, [assignment])
    config = PyFileConfigLoader("nbgrader_config.py", str(folder)).load_config()
    result = NbGraderAPI(config=config).generate_assignment(assignment)
    if not result["success"]:
        raise RuntimeError(f"nbgrader could not release {assignment}: {result}")
    problems = problems_of(assignment)
    source, release = (
        nbformat.read(folder / kind / assignment / f"{assignment}.ipynb", as_version=4)
        for kind in ("source", "release")
    )
    bank, chance = read_bank(assignment, problems), random.Random(seed)
    known = solutions(source)
    made = []
    for number in range(count):
        student = _student(f"s{number:04}", release, known, problems, bank, chance)
        path = folder / "submitted" / student.name / assignment / f"{assignment}.ipynb"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(student.text, encoding="utf-8")
        made.append(student)
    return made


def differences(made: list[Student], outcomes: dict) -> list[str]:
    """Say of each student whose marks are not what they must be what differs."""
    wrong = []
    for student in made:
        outcome = outcomes.get(student.name)
        if outcome is None:
            wrong.append(f"{student.name} ({student.kind}): not graded")
            continue
        got = {name: mark.points for name, mark in outcome.marks.items()}
        odd = {name: (got[name], want) for name, want in student.expected.items()
               if abs(got[name] - want) > 1e-9}  # fmt: skip
        if odd:
            wrong.append(f"{student.name} ({student.kind}): (got, must get) {odd}")
    return wrong


def _student(
    name: str,
    release: nbformat.NotebookNode,
    known: dict[str, str],
    problems: tuple[Problem, ...],
    bank: list[Answer],
    chance: random.Random,
) -> Student:
    kind = chance.choices(("ordinary", "tampering", "harm", "broken"), (80, 8, 8, 4))[0]
    if kind == "broken":
        return Student(name, chance.choice(BROKEN), {each.id: 0.0 for each in problems}, kind)
    needed = {name for problem in problems for name in problem.calls}
    answers, expected = {}, {}
    for problem in problems:
        if problem.id in needed:  # a mistake in what others call would cost there too
            code, points = known[problem.cell], problem.points
        else:
            code, points = _answer(problem, bank, chance)
        answers[problem.cell], expected[problem.id] = code, points
    if kind == "harm":
        victim = chance.choice([each for each in problems if each.id not in needed])
        answers[victim.cell] = chance.choice(HARM)
        expected[victim.id] = 0.0
    notebook = submission(release, answers)
    if kind == "tampering":
        change = chance.choice(CHANGES)
        change(notebook)
        kind = change.__name__
    return Student(name, text_of(notebook), expected, kind)


def _answer(problem: Problem, bank: list[Answer], chance: random.Random) -> tuple[str, float]:
    """Return an answer's code and points."""
    if chance.random() > DONE_BY_STUDENTS:
        return "raise NotImplementedError", 0.0
    answer = chance.choice([each for each in bank if each.problem == problem.id])
    return answer.code, answer.points(problem)


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; return 0 when every mark is what it must be."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("assignment")
    parser.add_argument("--students", type=int, default=200)
    parser.add_argument("--workers", type=int, default=2, help="submissions at once")
    parser.add_argument("--step-seconds", type=float, default=5.0)
    parser.add_argument("--engine", default="", help="docker or podman: a container each")
    parser.add_argument("--seed", type=int, default=0, help="of the class")
    parser.add_argument("--folder", type=Path, help="where; a folder that is removed if not given")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as temporary:
        folder = (options.folder or Path(temporary) / "class").resolve()
        made = make_class(folder, options.assignment, options.students, options.seed)
        report = grade_class(
            folder,
            options.assignment,
            workers=options.workers,
            step_seconds=options.step_seconds,
            engine=options.engine,
        )
    wrong = differences(made, report.outcomes)
    print(report)
    print("\n".join([*wrong, f"{len(made) - len(wrong)} of {len(made)} marked as they must be"]))
    return 1 if wrong or report.faults else 0


if __name__ == "__main__":
    sys.exit(main())
