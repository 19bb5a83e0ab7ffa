"""Reading what was handed in, and laying its answers into the notebook that was released.

A submission is only ever a supplier of texts: the release says which cells there are, in which
order, with which ids, tests and points. So it does not matter what was deleted, duplicated,
renamed or edited, and no file, however broken, can stop a run.
"""

from __future__ import annotations

import copy
import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import nbformat
from nbformat import NotebookNode

from course.grading.grader import Cell, words

MOST_BYTES = 20_000_000
MOST_TEXT = 200_000
MOST_EXTRAS = 100
NOTES = "course_notes"
WRITE_HERE = "*Your answer:*"  # stands in a release in the place of a written answer


class Given(NamedTuple):
    """A cell of a submission: its nbgrader id ("" for none), its own id, kind and text."""

    name: str
    id: str
    kind: str
    source: str


def read_submission(path: Path) -> tuple[list[Given], str]:
    """Return the cells of a file, and what is wrong with it as a whole ("" for nothing)."""
    try:
        if path.stat().st_size > MOST_BYTES:
            return [], f"the notebook is larger than {MOST_BYTES // 1_000_000} MB"
        told = json.loads(path.read_bytes().decode("utf-8", errors="replace"))
        cells = told["cells"] if "cells" in told else told["worksheets"][0]["cells"]
        return [given for given in map(_given, cells) if given], ""
    except Exception:  # a broken file, in whichever way
        return [], "the notebook could not be read: it is not a Jupyter notebook any more"


def rebuild(release: NotebookNode, given: Sequence[Given], fault: str = "") -> NotebookNode:
    """Return the released notebook with the submission's answers, and with its own extra cells.

    Its metadata holds notes: "" for the whole notebook, and one for each answer that is missing
    or was found more than once.
    """
    notebook = copy.deepcopy(release)
    notes = {"": fault} if fault else {}
    for cell in notebook.cells:
        told = cell.metadata.get("nbgrader", {})
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
        if not told.get("solution"):
            continue
        name = told["grade_id"]
        written = [one for one in given if one.name == name]
        if not written:
            notes[name] = "the cell for this answer is missing, or its id was changed"
            continue
        changed = [one for one in written if one.source != cell.source]
        answer = (changed or written)[0].source
        cell.source = _with_question(cell.source, answer) if told.get("grade") else answer
        if len(written) > 1:
            notes[name] = "this cell is there more than once; the first that was written counts"
    _lay_extras(notebook, release, given)
    notebook.metadata[NOTES] = notes
    return notebook


def cells_to_run(notebook: NotebookNode) -> list[Cell]:
    """Return what the grader runs: the release's setup and the answers that are there."""
    notes, found = notebook.metadata.get(NOTES, {}), []
    for cell in notebook.cells:
        told = cell.metadata.get("nbgrader", {})
        setup = "setup" in cell.metadata.get("tags", [])
        answer = told.get("solution") and not told.get("grade")
        missing = "missing" in notes.get(told.get("grade_id"), "")
        if cell.cell_type == "code" and "grade_id" in told and (setup or answer) and not missing:
            found.append(Cell(told["grade_id"], cell.source))
    return found


def digest(cells: Sequence[Cell], *more: str) -> str:
    """Return a number for these cells, the same for the same texts."""
    return hashlib.sha256(json.dumps([cells, more]).encode()).hexdigest()


def _with_question(released: str, written: str) -> str:
    """Return a written answer under its question and rubric, even where a student deleted them."""
    question = released.partition(WRITE_HERE)[0].strip()
    return written if question in written else f"{question}\n\n{WRITE_HERE}\n\n{written}"


def _given(cell: Any) -> Given | None:
    if not isinstance(cell, dict) or cell.get("cell_type") not in ("code", "markdown"):
        return None
    source = cell.get("source", cell.get("input", ""))
    source = "".join(map(str, source)) if isinstance(source, list) else str(source)
    metadata = cell.get("metadata")
    told = metadata.get("nbgrader") if isinstance(metadata, dict) else None
    name = told.get("grade_id") if isinstance(told, dict) else ""
    source = source.encode("utf-8", errors="replace").decode("utf-8")[:MOST_TEXT]
    return Given(str(name or ""), str(cell.get("id", "")), cell["cell_type"], source)


def _lay_extras(notebook: NotebookNode, release: NotebookNode, given: Sequence[Given]) -> None:
    """Put the cells that a student added after the released cell that they followed."""
    places = {cell.id: number for number, cell in enumerate(release.cells)}
    places |= {
        cell.metadata.nbgrader.grade_id: places[cell.id]
        for cell in release.cells
        if "nbgrader" in cell.metadata
    }
    texts = {cell.source for cell in release.cells}
    last, extras = -1, []
    for one in given:
        place = places.get(one.name, places.get(one.id))
        if place is not None:
            last = place
        elif one.source.strip() and one.source not in texts and len(extras) < MOST_EXTRAS:
            extras.append((last, one))
    for number, (last, one) in reversed(list(enumerate(extras))):
        new = nbformat.v4.new_code_cell if one.kind == "code" else nbformat.v4.new_markdown_cell
        notebook.cells.insert(last + 1, new(one.source, id=f"extra-{number}"))


def show_marks(cell: NotebookNode, points: float, text: str) -> None:
    """Write marks into a cell as its output; nbgrader reads the points from there."""
    shown = [nbformat.v4.new_output("stream", name="stdout", text=text + "\n")]
    told = {"text/plain": f"{float(points)}"}
    shown.append(nbformat.v4.new_output("execute_result", told, execution_count=1))
    cell.outputs, cell.execution_count = shown, 1


def note_text(notes: dict[str, str], name: str, said: Sequence[str]) -> str:
    """Return the lines that go above the marks of an answer, without those already said."""
    wanted = [words(notes[key]) for key in ("", name) if notes.get(key)]
    return "".join(f"{note}\n" for note in wanted if note not in said)
