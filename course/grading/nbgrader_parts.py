"""How the grader takes the place of nbgrader's: `nbgrader autograde` and the formgrader use it.

A class's `nbgrader_config.py` calls `configure(c, folder)`.
"""

from __future__ import annotations

import functools
import hashlib
import json
import os
import sys
import warnings
from pathlib import Path
from typing import Any

import nbformat
from nbconvert.exporters import NotebookExporter
from nbformat import NotebookNode
from nbgrader.preprocessors import (
    AssignLatePenalties,
    CheckCellMetadata,
    NbGraderPreprocessor,
    SaveAutoGrades,
)
from sqlalchemy.exc import SAWarning
from traitlets import Bool, Float, Unicode

from course.grading.containers import workers_for
from course.grading.declare import problems_of
from course.grading.grader import Grader, Outcome
from course.grading.notebooks import (
    NOTES,
    WRITE_HERE,
    cells_to_run,
    digest,
    note_text,
    read_submission,
    rebuild,
    show_marks,
)

MARKS = "marks"  # beside autograded/: the outcome of each submission, as the grader wrote it


class SubmissionExporter(NotebookExporter):
    """Reads what was handed in, whatever it is, and lays it into the released notebook."""

    def from_filename(
        self, filename: str, resources: dict | None = None, **more: Any
    ) -> tuple[str, dict]:
        """Return the notebook to grade; a file that cannot be read becomes an empty one."""
        if not self.parent._sanitizing:  # the second pass reads what the first one wrote
            return super().from_filename(filename, resources=resources, **more)
        told = resources["nbgrader"]
        folder = self.parent.coursedir
        released = folder.format_path(folder.release_directory, ".", told["assignment"])
        release = nbformat.read(Path(released) / f"{told['notebook']}.ipynb", as_version=4)
        notebook = rebuild(release, *read_submission(Path(filename)))
        return self.from_notebook_node(notebook, resources=resources, **more)


class GradeInWorker(NbGraderPreprocessor):
    """Writes the grader's marks into the cells of marks, in the place of running the notebook."""

    problems = Unicode("course.problems", help="the package of problem sets").tag(config=True)
    folder = Unicode(".", help="the class folder").tag(config=True)
    step_seconds = Float(20.0, help="wall time of one cell or one call").tag(config=True)
    engine = Unicode("", help="docker or podman: run each submission in a container").tag(
        config=True
    )
    use_marks = Bool(True, help="take marks that make grade has written, if they fit").tag(
        config=True
    )

    def preprocess(self, notebook: NotebookNode, resources: dict) -> tuple[NotebookNode, dict]:
        """Grade one submission."""
        told = resources["nbgrader"]
        outcome = self._kept(notebook, told) or self._graded(notebook, told)
        notes = notebook.metadata.pop(NOTES, {})
        cells = {
            problem.id: problem.cell for problem in problems_of(told["notebook"], self.problems)
        }
        for cell in notebook.cells:
            name = cell.metadata.get("nbgrader", {}).get("grade_id")
            if name in outcome.marks:
                mark = outcome.marks[name]
                notes_here = note_text(notes, cells[name], mark.lines)
                show_marks(cell, mark.points, notes_here + str(mark))
        return notebook, resources

    def _kept(self, notebook: NotebookNode, told: dict[str, str]) -> Outcome | None:
        path = marks_path(Path(self.folder), told["assignment"], told["student"], told["notebook"])
        if not self.use_marks or not path.exists():
            return None
        text = path.read_text(encoding="utf-8")
        wanted = digest(cells_to_run(notebook), rubric(told["notebook"], self.problems))
        return Outcome.of_json(text) if json.loads(text).get("digest") == wanted else None

    def _graded(self, notebook: NotebookNode, told: dict[str, str]) -> Outcome:
        grader = grader_for(told["notebook"], self.problems, self.step_seconds, self.engine)
        return grader.grade(cells_to_run(notebook))


@functools.cache
def grader_for(notebook: str, package: str, step_seconds: float, engine: str) -> Grader:
    """Return this process's grader of a problem set."""
    return Grader(problems_of(notebook, package), workers_for(engine, step_seconds))


def rubric(notebook: str, package: str = "course.problems") -> str:
    """Return a number for what the marks of a set depend on besides the answers."""
    problems_of(notebook, package)
    files = [sys.modules[f"{package}.{notebook}"].__file__, sys.modules[package].__file__, __file__]
    folders = [Path(file).parent for file in files]
    paths = sorted({path for folder in folders for path in folder.glob("*.py")})
    return hashlib.sha256(b"".join(path.read_bytes() for path in paths)).hexdigest()


def marks_path(folder: Path, assignment: str, student: str, notebook: str) -> Path:
    """Return where the outcome of one submission is kept."""
    return folder / MARKS / assignment / student / f"{notebook}.json"


def configure(c: Any, folder: str | Path, course_id: str = "neural-memory") -> None:
    """Fill in a class's nbgrader configuration."""
    here = str(Path(sys.executable).parent)  # nbgrader calls the command `alembic`
    os.environ["PATH"] = os.pathsep.join([here, os.environ.get("PATH", "")])
    warnings.filterwarnings("ignore", category=SAWarning, module="nbgrader")
    c.CourseDirectory.root = str(folder)
    c.CourseDirectory.course_id = course_id
    c.GradeInWorker.folder = str(folder)
    c.ClearSolutions.code_stub = {"python": "raise NotImplementedError"}
    c.ClearSolutions.text_stub = WRITE_HERE
    c.Autograde.exporter_class = SubmissionExporter
    c.Autograde.sanitize_preprocessors = [CheckCellMetadata]
    c.Autograde.autograde_preprocessors = [
        GradeInWorker,
        SaveAutoGrades,
        AssignLatePenalties,
        CheckCellMetadata,
    ]
