"""An assignment from its source to exported marks, through nbgrader itself."""

from __future__ import annotations

import csv
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbgrader.api import Gradebook
from nbgrader.apps import NbGraderAPI
from nbgrader.plugins.export import CsvExportPlugin
from traitlets.config import PyFileConfigLoader

from course.grading.assignment import build, build_text, check, kind, solution_lines
from course.grading.build_course import write_course
from course.grading.declare import problems_of
from course.grading.grade_class import grade_class
from course.grading.nbgrader_parts import marks_path
from course.grading.simulate import differences, make_class
from course.grading.submissions import solutions, submission, text_of
from course.layout import HERE, SOURCES, assignments
from tools.lesson_rules import LessonError

pytestmark = pytest.mark.xdist_group("grading-course")
SET = "set3_addressing"
SETS = assignments()
EVIL = "import torch, sys\ntorch.allclose = lambda *a, **k: True\nsys.exit()"


def api_of(folder: Path) -> NbGraderAPI:
    return NbGraderAPI(config=PyFileConfigLoader("nbgrader_config.py", str(folder)).load_config())


def read(folder: Path, where: str, name: str = SET) -> nbformat.NotebookNode:
    return nbformat.read(folder / where / name / f"{name}.ipynb", as_version=4)


def hand_in(folder: Path, student: str, text: str) -> None:
    path = folder / "submitted" / student / SET / f"{SET}.ipynb"
    path.parent.mkdir(parents=True)
    path.write_text(text, encoding="utf-8")


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """A class folder in which every set is released."""
    folder = tmp_path_factory.mktemp("course") / "class"
    write_course(folder, SETS)
    for name in SETS:
        result = api_of(folder).generate_assignment(name)
        assert result["success"], result
    return folder


@pytest.fixture(scope="module")
def graded(folder) -> dict[str, float]:
    """Points in the gradebook of those who handed set 3 in; two of them cannot be graded."""
    release, known = read(folder, "release"), solutions(read(folder, "source"))
    hand_in(folder, "right", text_of(submission(release, known)))
    hand_in(folder, "empty", text_of(release))
    hand_in(folder, "broken", "{")
    evil = known | {"answer-shared-key": EVIL, "answer-copy-twice": "while True: pass"}
    hand_in(folder, "evil", text_of(submission(release, evil)))
    script = known | {"answer-shift-five": "raise ValueError('<script>alert(1)</script>')"}
    hand_in(folder, "script", text_of(submission(release, script)))
    hand_in(folder, "unlucky", text_of(release))
    (folder / "marks" / SET).mkdir(parents=True)
    (folder / "marks" / SET / "unlucky").touch()  # where a folder is wanted
    hand_in(folder, "absent", "")
    (folder / "submitted" / "absent" / SET / f"{SET}.ipynb").unlink()
    report = grade_class(folder, SET, workers=0, step_seconds=5, bar=False)
    assert set(report.faults) == {"unlucky", "absent"}
    assert "FileExistsError" in report.faults["unlucky"]
    assert "was it renamed?" in report.faults["absent"]
    assert "2 could not be graded" in str(report)
    return in_gradebook(folder)


def in_gradebook(folder: Path) -> dict[str, float]:
    with Gradebook(f"sqlite:///{folder / 'gradebook.db'}") as book:
        return {s.student.id: s.score for s in book.assignment_submissions(SET)}


@pytest.mark.parametrize("name", SETS)
def test_the_same_source_gives_the_same_bytes(name, folder):
    problems = problems_of(name)
    assert build_text(name, problems) == build_text(name, problems)
    assert (folder / "source" / name / f"{name}.ipynb").read_text() == build_text(name, problems)
    ids = [cell.id for cell in build(name, problems).cells]
    assert len(set(ids)) == len(ids)
    assert write_course(folder, [name]) == []


@pytest.mark.parametrize("name", SETS)
def test_a_release_keeps_ids_and_points_and_has_no_outputs(name, folder):
    source, release = read(folder, "source", name), read(folder, "release", name)
    assert [cell.id for cell in source.cells] == [cell.id for cell in release.cells]
    given = {cell.metadata.nbgrader.grade_id: cell.metadata.nbgrader.get("points")
             for cell in release.cells if "nbgrader" in cell.metadata}  # fmt: skip
    for problem in problems_of(name):
        assert given[problem.id] == problem.points
    assert any(cell.metadata.get("nbgrader", {}).get("grade") and cell.cell_type == "markdown"
               for cell in release.cells), "no question is graded by hand"  # fmt: skip
    assert not any(cell.get("outputs") for cell in release.cells)


@pytest.mark.parametrize("name", SETS)
def test_no_line_of_a_solution_survives_in_a_release(name, folder):
    files = [path for path in (folder / "release" / name).rglob("*") if path.is_file()]
    released = "\n".join(path.read_text(encoding="utf-8") for path in files)
    told = "\n".join(cell.source for cell in read(folder, "release", name).cells)
    lines = [
        line.strip()
        for cell in read(folder, "source", name).cells
        for line in solution_lines(cell)
        if len(line.strip()) > 8
    ]
    assert len(lines) > 10
    assert [line for line in lines if line in told] == []
    hidden = [each.lost for problem in problems_of(name) for each in problem.properties]
    assert [sentence for sentence in hidden if sentence in told] == []
    for word in ("BEGIN SOLUTION", "END SOLUTION", "course.problems"):
        assert word not in released


@pytest.mark.parametrize("name", SETS)
def test_a_students_copy_runs_to_the_first_stub_and_stops_there(name, folder):
    names: dict = {}
    stopped = None
    first = problems_of(name)[0].id
    for cell in read(folder, "release", name).cells:
        if cell.cell_type == "code" and stopped is None:
            try:
                exec(cell.source, names)
            except NotImplementedError:
                stopped = cell.metadata.nbgrader.grade_id
    assert stopped == first


@pytest.mark.parametrize("name", SETS)
def test_the_visible_tests_pass_with_the_solutions(name, folder):
    names: dict = {}
    for cell in read(folder, "source", name).cells:
        if cell.cell_type == "code":
            exec(cell.source, names)


def test_marks_in_the_gradebook_are_the_graders(graded):
    evil, script = 86 - 10 - 10 - 12, 86 - 12 - 10  # problem 7 calls what these two broke
    assert graded == {"right": 86, "empty": 0, "broken": 0, "evil": evil, "script": script}


def test_written_questions_wait_for_a_person(graded, folder):
    with Gradebook(f"sqlite:///{folder / 'gradebook.db'}") as book:
        waiting = {s.student.id: s.needs_manual_grade for s in book.assignment_submissions(SET)}
        notebook = book.find_submission_notebook(SET, SET, "right")
        assert notebook.max_score == 100
    assert {name for name, wanted in waiting.items() if wanted} == {"right", "evil", "script"}


def test_the_feedback_says_what_was_lost_and_why(graded, folder):
    for student, said in {
        "right": "kept  direction",
        "evil": "SystemExit",
        "broken": "could not be read",
        "empty": "not written yet",
    }.items():
        result = api_of(folder).generate_feedback(SET, student)
        assert result["success"], result
        page = (folder / "feedback" / student / SET / f"{SET}.html").read_text(encoding="utf-8")
        assert said in page, student


def test_a_students_words_stay_words_in_the_feedback(graded, folder):
    assert api_of(folder).generate_feedback(SET, "script")["success"]
    page = (folder / "feedback" / "script" / SET / f"{SET}.html").read_text(encoding="utf-8")
    assert "&lt;script&gt;alert(1)" in page
    assert "<script>alert(1)" not in page


def test_nbgraders_own_command_gives_the_same_marks(graded, folder):
    """`nbgrader autograde` without marks of ours: the preprocessors grade then and there."""
    marks_path(folder, SET, "right", SET).unlink()
    shutil.rmtree(folder / "autograded" / "right")
    command = [sys.executable, "-m", "nbgrader", "autograde", SET, "--student", "right"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert in_gradebook(folder)["right"] == 86


def test_exported_marks_are_the_gradebooks(graded, folder):
    with Gradebook(f"sqlite:///{folder / 'gradebook.db'}") as book:
        CsvExportPlugin(to=str(folder / "all.csv")).export(book)
    with (folder / "all.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    exported = {row["student_id"]: float(row["score"]) for row in rows if row["assignment"] == SET}
    assert exported == graded


def test_marks_of_other_answers_or_other_tests_are_not_taken(graded, folder):
    kept = marks_path(folder, SET, "empty", SET)
    told = json.loads(kept.read_text())
    told["marks"]["shift-five"]["points"] = 12.0
    told["digest"] = "of other answers"
    kept.write_text(json.dumps(told))
    assert api_of(folder).autograde(SET, "empty", force=True)["success"]
    assert in_gradebook(folder)["empty"] == 0


def test_a_made_up_class_gets_the_marks_that_it_must(tmp_path):
    made = make_class(tmp_path / "class", SET, count=6, seed=3)
    report = grade_class(tmp_path / "class", SET, workers=1, step_seconds=6, enter=False, bar=False)
    assert differences(made, report.outcomes) == []
    assert report.faults == {}
    table = (tmp_path / "class" / f"marks-{SET}.csv").read_text().splitlines()
    assert len(table) == 1 + len(made)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (":name: shift-five\n", ":name: shift-fife\n", "cells and problems differ"),
        (":tags: [marks]\n:name: shift-five\n", ":tags: [marks]\n", "needs a name"),
        (":tags: [setup]", ":tags: [seutp]", "expected one tag"),
        ("    ### END SOLUTION\n```\n\n```{code-cell} python\n:tags: [marks]\n:name: shift-five",
         "```\n\n```{code-cell} python\n:tags: [marks]\n:name: shift-five", "solution in answers"),
        ("{{ worth shift-five }}", "{{ worth shift-fife }}", "nothing fills"),
        ('"points": 9', '"point": 9', "needs points"),
    ],
)  # fmt: skip
def test_a_source_that_does_not_fit_its_problems_is_refused(old, new, said, tmp_path):
    text = (SOURCES / f"{SET}.md").read_text(encoding="utf-8")
    assert old in text
    (tmp_path / f"{SET}.md").write_text(text.replace(old, new), encoding="utf-8")
    with pytest.raises(LessonError, match=said):
        build(SET, problems_of(SET), tmp_path)


def test_the_guide_lists_every_set_with_its_points(folder):
    text = (HERE.parent / "docs" / "instructor.md").read_text(encoding="utf-8")
    rows = re.findall(r"\| `(set\w+)` \|.*\| (\d+) \+ (\d+) \|", text)
    assert sorted(rows) == [
        (name, *(str(points) for points in points_of(folder, name))) for name in sorted(SETS)
    ]


def points_of(folder: Path, name: str) -> tuple[int, int]:
    """The points marked by machine and by hand."""
    marked = [cell.metadata.get("nbgrader", {}) for cell in read(folder, "source", name).cells]
    total = sum(int(each.get("points", 0)) for each in marked)
    machine = sum(problem.points for problem in problems_of(name))
    return machine, total - machine


def test_every_source_has_its_problems():
    assert SETS
    for name in SETS:
        problems = problems_of(name)
        assert problems
        assert all(each.lost.endswith((".", "?")) for p in problems for each in p.properties)
    with pytest.raises(ValueError, match="expected a module"):
        problems_of("set99_nothing")
    assert kind(nbformat.v4.new_markdown_cell("text")) == "text"
    with pytest.raises(LessonError, match="differ"):
        check([], "none", problems_of(SET))
