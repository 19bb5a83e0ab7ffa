"""From one assignment's MyST Markdown to the notebook that nbgrader releases.

Tags of a cell say what it is (course/README.md): `setup`, `kernel-only`, `answer`, `marks` and
`written`. The same source gives the same bytes, ids included.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import jupytext
import nbformat
from nbformat import NotebookNode

from course.grading.declare import Problem
from course.layout import RULES, SOURCES
from tools.build_notebooks import METADATA, as_text, cell_id
from tools.lesson_rules import LessonError, check_commonmark, place, tags

KINDS = {"setup", "kernel-only", "answer", "marks", "written"}
BEGIN, END = "### BEGIN SOLUTION", "### END SOLUTION"
WORTH = re.compile(r"\{\{ worth ([a-z0-9-]+) \}\}")


def build(name: str, problems: Sequence[Problem], sources: Path = SOURCES) -> NotebookNode:
    """Return the instructor's notebook, solutions included. Raises LessonError."""
    text = (sources / f"{name}.md").read_text(encoding="utf-8")
    source = jupytext.reads(text, fmt="md:myst")
    check(source.cells, name, problems)
    words = _words(source.cells, problems)
    seen: Counter[str] = Counter()
    cells = [_cell(name, cell, words, problems, seen) for cell in source.cells]
    notebook = nbformat.v4.new_notebook(cells=cells, metadata=METADATA)
    notebook.nbformat_minor = 5
    nbformat.validate(notebook)
    return notebook


def build_text(name: str, problems: Sequence[Problem]) -> str:
    """Return the text of the instructor's notebook."""
    return as_text(build(name, problems))


def kind(cell: NotebookNode) -> str:
    """Return what a source cell is: one of KINDS, or "text" for an ordinary one."""
    return next((tag for tag in tags(cell) if tag in KINDS), "text")


def check(cells: Sequence[NotebookNode], name: str, problems: Sequence[Problem]) -> None:
    """Refuse an assignment whose cells and problems do not fit, with where and why."""
    named: dict[str, str] = {}
    for number, cell in enumerate(cells):
        where, its = place(name, number, cell), kind(cell)
        if set(tags(cell)) - KINDS or len(tags(cell)) > 1:
            raise LessonError(f"{where}: expected one tag of {sorted(KINDS)}, got {tags(cell)}")
        if cell.cell_type == "markdown":
            check_commonmark(cell, where)
        _check_kind(cell, its, where)
        if its != "text":
            if cell.metadata["name"] in named:
                raise LessonError(f"{where}: two cells are named {cell.metadata['name']!r}")
            named[cell.metadata["name"]] = its
    wanted = {problem.cell: "answer" for problem in problems}
    wanted |= {problem.id: "marks" for problem in problems}
    found = {key: its for key, its in named.items() if its in ("answer", "marks")}
    if found != wanted:
        odd = sorted(set(found.items()) ^ set(wanted.items()))
        raise LessonError(f"{name}: cells and problems differ in {odd}")


def solution_lines(cell: NotebookNode) -> list[str]:
    """Return the lines of a cell between the marks of a solution."""
    inside, lines = False, []
    for line in cell.source.splitlines():
        if BEGIN in line or END in line:
            inside = BEGIN in line
        elif inside:
            lines.append(line)
    return lines


def _check_kind(cell: NotebookNode, its: str, where: str) -> None:
    if its != "text" and "name" not in cell.metadata:
        raise LessonError(f"{where}: a cell tagged {its!r} needs a name")
    if (cell.cell_type == "code") != (its not in ("text", "written")):
        raise LessonError(f"{where}: a {cell.cell_type} cell cannot be {its!r}")
    marked = cell.source.count(BEGIN), cell.source.count(END)
    if marked != ((1, 1) if its in ("answer", "written") else (0, 0)):
        raise LessonError(f"{where}: expected a solution in answers alone, got {marked} marks")
    if its == "written" and not isinstance(cell.metadata.get("points"), int | float):
        raise LessonError(f"{where}: a written question needs points")


def _words(cells: Sequence[NotebookNode], problems: Sequence[Problem]) -> dict[str, str]:
    """Return what is filled into the text: points are written once, beside the tests."""
    total = sum(problem.points for problem in problems)
    total += sum(cell.metadata["points"] for cell in cells if kind(cell) == "written")
    words = {"total": f"{total:g}", "rules": RULES.read_text(encoding="utf-8").strip()}
    for problem in problems:
        parts = ", ".join(f"{each.name} {each.points:g}" for each in problem.properties)
        words[f"worth {problem.id}"] = f"**{problem.points:g} points**: {parts}."
    return words


def _cell(
    name: str,
    cell: NotebookNode,
    words: dict[str, str],
    problems: Sequence[Problem],
    seen: Counter[str],
) -> NotebookNode:
    its = kind(cell)
    source = cell.source
    if cell.cell_type == "markdown":
        words = words | {"points": f"{cell.metadata.get('points', 0):g}"}
        for key, text in words.items():
            source = source.replace("{{ " + key + " }}", text)
        if "{{" in source:
            raise LessonError(f"{name}: nothing fills {re.findall(r'{{.*?}}', source)}")
    elif its == "answer":
        source = f"# Your answer\n{source}"
    metadata = {"nbgrader": _nbgrader(cell, its, problems)} if its != "text" else {}
    if its in ("setup", "kernel-only"):
        metadata["tags"] = [its]
    new = nbformat.v4.new_markdown_cell if cell.cell_type == "markdown" else None
    new = new or nbformat.v4.new_code_cell
    return new(source, metadata=metadata, id=cell_id(name, cell, seen))


def _nbgrader(cell: NotebookNode, its: str, problems: Sequence[Problem]) -> dict:
    name = cell.metadata["name"]
    told = {
        "grade": its in ("marks", "written"),
        "grade_id": name,
        "locked": its in ("setup", "kernel-only", "marks"),
        "schema_version": 3,
        "solution": its in ("answer", "written"),
        "task": False,
    }
    if its == "marks":
        told["points"] = next(problem.points for problem in problems if problem.id == name)
    if its == "written":
        told["points"] = cell.metadata["points"]
    return told
