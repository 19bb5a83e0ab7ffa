"""The grader against the bank: right answers get all, wrong ones lose what they must, no more.

`LESSONS_BANK=full` (make grade-bank) tries every answer on ten sets of random cases, else one.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import cache

import pytest

from course.grading.assignment import build
from course.grading.bank import Answer, parse, read_bank
from course.grading.declare import Problem, problems_of
from course.grading.grader import Cell, Grader
from course.grading.notebooks import cells_to_run
from course.grading.sandbox import Limits
from course.grading.workers import Workers
from course.layout import assignments

pytestmark = pytest.mark.xdist_group("grading-bank")
SEEDS = range(10) if os.environ.get("LESSONS_BANK") == "full" else range(1)
SETS = {name: problems_of(name) for name in assignments()}
ANSWERS = [(name, answer) for name in SETS for answer in read_bank(name, SETS[name])]


@pytest.fixture(scope="module")
def workers() -> Iterator[Workers]:
    with Workers(Limits(step_seconds=30)) as started:
        yield started


@cache
def solved(name: str) -> list[Cell]:
    """The cells that run when every answer is the solution."""
    return cells_to_run(build(name, SETS[name]))


@cache
def grader(name: str, problem: Problem, workers: Workers, seed: int) -> Grader:
    return Grader([problem], workers, seed)


@pytest.mark.parametrize("name", SETS)
def test_the_solutions_of_a_notebook_get_full_marks(name, workers):
    for seed in SEEDS:
        marks = Grader(SETS[name], workers, seed).grade(solved(name)).marks
        assert {key: mark.lost for key, mark in marks.items() if mark.lost} == {}
        assert sum(mark.points for mark in marks.values()) == sum(p.points for p in SETS[name])


@pytest.mark.parametrize(
    ("name", "answer"), ANSWERS, ids=[f"{a.problem}: {a.title}" for _, a in ANSWERS]
)
def test_an_answer_loses_what_it_must_and_only_that(name: str, answer: Answer, workers):
    problem = next(each for each in SETS[name] if each.id == answer.problem)
    cells = [
        Cell(cell.id, answer.code) if cell.id == problem.cell else cell for cell in solved(name)
    ]
    for seed in SEEDS:
        mark = grader(name, problem, workers, seed).grade(cells).marks[problem.id]
        assert set(mark.lost) == answer.loses, f"seed {seed}\n{mark}"
        assert mark.points == answer.points(problem)


@pytest.mark.parametrize("name", SETS)
def test_every_property_is_lost_by_some_wrong_answer(name):
    for problem in SETS[name]:
        of_it = [answer for number, answer in ANSWERS if answer.problem == problem.id]
        lost = frozenset().union(*(answer.loses for answer in of_it))
        assert lost == {each.name for each in problem.properties}, problem.id
        assert any(answer.right for answer in of_it), f"{problem.id} has no right answer"


def test_a_bank_entry_that_does_not_fit_is_refused():
    problem = next(iter(SETS.values()))[0]
    entry = "# x\n\n## {}: a\n{}\n```python\npass\n```\n"
    with pytest.raises(ValueError, match="properties that it loses"):
        parse(entry.format("wrong", "loses: nothing of the kind\n"), problem, "here")
    with pytest.raises(ValueError, match="properties that it loses"):
        parse(entry.format("wrong", ""), problem, "here")
    with pytest.raises(ValueError, match="entries"):
        parse("# x\n\n## wrong: no code\n", problem, "here")
