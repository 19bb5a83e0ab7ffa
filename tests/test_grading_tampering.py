"""Attacks on the grader earn nothing, are named in the feedback, and harm nobody else."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator

import nbformat
import pytest

from course.grading.assignment import build
from course.grading.declare import problems_of
from course.grading.grader import Cell, Grader, Outcome
from course.grading.notebooks import (
    MOST_BYTES,
    cells_to_run,
    read_submission,
    rebuild,
)
from course.grading.sandbox import Limits
from course.grading.submissions import solutions, submission, text_of
from course.grading.tampering import CHANGES, PROBLEM, attacks, wrong_metadata
from course.grading.workers import Workers

pytestmark = pytest.mark.xdist_group("grading-tampering")
SET = "set3_addressing"
PROBLEMS = problems_of(SET)
FULL = {problem.id: problem.points for problem in PROBLEMS}
NOTHING = dict.fromkeys(FULL, 0.0)
SOURCE = build(SET, PROBLEMS)
STUB = "def {}(*arguments):\n    raise NotImplementedError"


@pytest.fixture(scope="module")
def grader() -> Iterator[Grader]:
    with Workers(Limits(step_seconds=60, total_seconds=300)) as workers:
        started = Grader(PROBLEMS, workers, seed=0)
        started.grade(cells_to_run(SOURCE))  # the first start takes its time
        yield started


@pytest.fixture(scope="module")
def release() -> nbformat.NotebookNode:
    """The notebook with stubs in the place of answers."""
    stubs = {problem.cell: STUB.format(problem.function) for problem in PROBLEMS}
    return submission(SOURCE, stubs)


def points(outcome: Outcome) -> dict[str, float]:
    return {name: mark.points for name, mark in outcome.marks.items()}


def graded(notebook, release, grader, tmp_path) -> dict[str, float]:
    """Hand a notebook in, as a file, and return its points."""
    path = tmp_path / "handed_in.ipynb"
    text = notebook if isinstance(notebook, str) else text_of(notebook)
    path.write_text(text, encoding="utf-8")
    return points(grader.grade(cells_to_run(rebuild(release, *read_submission(path)))))


@pytest.mark.parametrize("attack", attacks(), ids=lambda attack: attack.title)
def test_an_attack_earns_nothing_and_harms_nobody(attack, grader, monkeypatch):
    if attack.says.startswith("ran longer"):
        monkeypatch.setattr(grader.workers, "limits", Limits(step_seconds=3))
    cells = cells_to_run(SOURCE)
    name = next(problem.cell for problem in PROBLEMS if problem.id == PROBLEM)
    attacked = [Cell(name, attack.code) if cell.id == name else cell for cell in cells]
    outcome = grader.grade(attacked)
    assert points(outcome) == FULL | {PROBLEM: 0.0}, outcome.marks
    assert attack.says in str(outcome.marks[PROBLEM])
    assert points(grader.grade(cells)) == FULL  # the next student


@pytest.mark.parametrize("change", [*CHANGES, wrong_metadata], ids=lambda change: change.__name__)
def test_tests_that_were_tampered_with_change_no_marks(change, release, grader, tmp_path):
    unsolved, solved = copy.deepcopy(release), submission(release, solutions(SOURCE))
    change(unsolved)
    assert graded(unsolved, release, grader, tmp_path) == NOTHING
    if change is not wrong_metadata:  # that one loses its own answers
        change(solved)
        assert graded(solved, release, grader, tmp_path) == FULL


def test_an_answer_that_was_duplicated_counts_once_where_it_was_written(release, grader, tmp_path):
    solved = submission(release, solutions(SOURCE))
    for cell in list(solved.cells):
        if cell.metadata.get("nbgrader", {}).get("solution"):
            again = copy.deepcopy(cell)
            again.source += "\n# once more"
            solved.cells.append(again)
    assert graded(solved, release, grader, tmp_path) == FULL
    stubs_first = copy.deepcopy(release)
    stubs_first.cells += copy.deepcopy(solved.cells)
    assert graded(stubs_first, release, grader, tmp_path) == FULL


def test_what_is_missing_earns_nothing_and_the_rest_earns_all(release, grader, tmp_path):
    solved = submission(release, solutions(SOURCE))
    gone, renamed = PROBLEMS[1], PROBLEMS[3]
    solved.cells = [
        cell
        for cell in solved.cells
        if cell.metadata.get("nbgrader", {}).get("grade_id") != gone.cell
    ]
    for cell in solved.cells:
        if cell.metadata.get("nbgrader", {}).get("grade_id") == renamed.cell:
            cell.metadata.nbgrader.grade_id = "mine"
    assert graded(solved, release, grader, tmp_path) == FULL | {gone.id: 0.0, renamed.id: 0.0}


def test_a_question_that_was_deleted_stands_above_the_answer_again(tmp_path):
    question = "## 9. Why?\n\n| points | for |\n|---|---|\n| 9 | all |"
    told = {"grade_id": "why", "grade": True, "solution": True, "points": 9}
    cell = nbformat.v4.new_markdown_cell(
        f"{question}\n\n*Your answer:*", metadata={"nbgrader": told}
    )
    released = nbformat.v4.new_notebook(cells=[cell])
    path = tmp_path / "handed_in.ipynb"
    for written, shown in {
        "Because.": f"{question}\n\n*Your answer:*\n\nBecause.",
        f"{question}\n\nBecause.": f"{question}\n\nBecause.",
        cell.source: cell.source,
    }.items():
        mine = copy.deepcopy(released)
        mine.cells[0].source = written
        path.write_text(text_of(mine), encoding="utf-8")
        assert rebuild(released, *read_submission(path)).cells[0].source == shown


def test_a_notebook_of_an_older_release_is_graded_by_its_ids(release, grader, tmp_path):
    older = submission(release, solutions(SOURCE))
    known = {problem.cell for problem in PROBLEMS[:5]}
    older.cells = [
        cell for cell in older.cells if cell.metadata.get("nbgrader", {}).get("grade_id") in known
    ]
    older.nbformat_minor = 4
    for cell in older.cells:
        del cell["id"]
    earned = {problem.id: problem.points * (problem.cell in known) for problem in PROBLEMS}
    assert graded(json.dumps(older), release, grader, tmp_path) == earned


@pytest.mark.parametrize(
    "text", ["", "{", "null", "[]", '{"cells": 3}', '{"cells": [1, {}]}', "\x00\xff", "{" * 10_000]
)
def test_a_broken_file_earns_nothing_and_stops_nothing(text, release, grader, tmp_path):
    assert graded(text, release, grader, tmp_path) == NOTHING


def test_a_file_without_end_is_not_read(release, tmp_path):
    path = tmp_path / "large.ipynb"
    with path.open("wb") as file:
        file.truncate(MOST_BYTES + 1)
    assert read_submission(path) == ([], "the notebook is larger than 20 MB")


def test_a_syntax_error_costs_its_own_cell_alone(release, grader, tmp_path):
    wrong = solutions(SOURCE) | {PROBLEMS[5].cell: "def locked_write(:\n    pass"}
    solved = submission(release, wrong)
    assert graded(solved, release, grader, tmp_path) == FULL | {PROBLEMS[5].id: 0.0}


def test_what_is_printed_costs_nothing(release, grader, tmp_path):
    known = solutions(SOURCE)
    first = PROBLEMS[0].cell
    loud = (
        "%matplotlib inline\n!pip list\nimport sys, warnings, tqdm\nwarnings.warn('careful')\n"
        "print('x' * 100_000, file=sys.stderr)\nlist(tqdm.tqdm(range(10)))\n"
    )
    solved = submission(release, known | {first: loud + known[first]})
    assert graded(solved, release, grader, tmp_path) == FULL


def test_cells_that_do_not_end_use_up_a_submissions_time_and_no_more(release, grader, monkeypatch):
    monkeypatch.setattr(grader.workers, "limits", Limits(step_seconds=1, total_seconds=2))
    endless = {problem.cell: "while True: pass" for problem in PROBLEMS}
    outcome = grader.grade(cells_to_run(submission(release, endless)))
    assert points(outcome) == NOTHING
    said = " ".join(map(str, outcome.marks.values()))
    assert "endless loop" in said
    assert "used up" in said
