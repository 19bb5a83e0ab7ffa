"""Every lesson, from top to bottom, twice over: untouched, and with its solutions in place.

Each is executed with an empty answer folder and without a network; then strict nbval runs
the executed copy once more and compares every output.
"""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest

from tools.layout import BUILD, SOURCES, lesson_notebooks
from tools.run_notebooks import QUICK_CELL_SECONDS, compare_again, execute, lesson_environment
from tools.with_solutions import exercises_in, with_solutions

pytestmark = pytest.mark.notebook
LESSONS = lesson_notebooks()


def run_twice(notebook: Path, out: Path, tmp_path: Path, *, strict: bool) -> None:
    """Execute a lesson, then let nbval compare a second run, each on a first day."""
    environments = []
    for day in ("first", "second"):
        (tmp_path / day).mkdir()
        environment = lesson_environment("quick", tmp_path / day, offline=True, strict=strict)
        environments.append(environment)
    run = execute(notebook, out, environments[0], QUICK_CELL_SECONDS)
    assert not run.error, run.error
    report = compare_again(out, environments[1], QUICK_CELL_SECONDS)
    assert not report, report
    for cell in nbformat.read(out, as_version=4).cells:
        for output in cell.get("outputs", []):
            if "image/png" in output.get("data", {}):  # for those who do not see the figure
                assert output.metadata.get("image/png", {}).get("alt"), cell.source


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda path: path.stem)
def test_untouched_it_runs_the_same_twice(lesson, tmp_path):
    out = BUILD / "notebooks" / "untouched" / lesson.name
    run_twice(lesson, out, tmp_path, strict=False)


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda path: path.stem)
def test_with_its_solutions_every_check_passes(lesson, tmp_path):
    shipped = nbformat.read(lesson, as_version=4)
    if not exercises_in(shipped, lesson.stem):
        return  # nothing to solve: the untouched run has said all
    solved = tmp_path / lesson.name
    nbformat.write(with_solutions(shipped, lesson.stem), solved)
    run_twice(solved, BUILD / "notebooks" / "solved" / lesson.name, tmp_path, strict=True)


def test_there_are_lessons():
    assert LESSONS, "notebooks/ has no lesson: run `make notebooks`"
    assert len(LESSONS) == len(list(SOURCES.glob("*.md")))
