"""Attacks on the grader: cells that try to do harm, and notebooks that were tampered with."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable
from dataclasses import dataclass

import nbformat
from nbformat import NotebookNode

from course.layout import BANK, HERE

ENTRY = re.compile(r"^## attack: (.+?)\nsays: (.+?)\n\n```python\n(.*?)^```$", re.M | re.S)
PROBLEM = "recent-read"  # of set 3; no other answer needs it


@dataclass(frozen=True)
class Attack:
    """An answer that must earn nothing, and the words that its feedback must hold."""

    title: str
    says: str
    code: str


def attacks() -> list[Attack]:
    """Return the attacks of the bank. Raises ValueError where one is not written as it should."""
    text = (BANK / "tampering.md").read_text(encoding="utf-8")
    found = [
        Attack(title, says, code.replace("{course}", str(HERE)))
        for title, says, code in ENTRY.findall(text)
    ]
    if len(found) != text.count("\n## "):
        raise ValueError(f"expected {text.count(chr(10) + '## ')} attacks, got {len(found)}")
    return found


Change = Callable[[NotebookNode], None]


def _each(notebook: NotebookNode, kind: str) -> list[NotebookNode]:
    wanted = {"marks": (True, False), "answer": (False, True)}[kind]
    return [
        cell
        for cell in notebook.cells
        if (cell.metadata.get("nbgrader", {}).get("grade"),
            cell.metadata.get("nbgrader", {}).get("solution")) == wanted
    ]  # fmt: skip


def edited_tests(notebook: NotebookNode) -> None:
    """Replace every test by one that passes."""
    for cell in _each(notebook, "marks"):
        cell.source = "assert True"


def deleted_tests(notebook: NotebookNode) -> None:
    """Take every test away."""
    gone = {cell.id for cell in _each(notebook, "marks")}
    notebook.cells = [cell for cell in notebook.cells if cell.id not in gone]


def duplicated_tests(notebook: NotebookNode) -> None:
    """Put every test in twice, with the same ids."""
    notebook.cells += [copy.deepcopy(cell) for cell in _each(notebook, "marks")]


def renamed_tests(notebook: NotebookNode) -> None:
    """Give every test another id."""
    for cell in _each(notebook, "marks"):
        cell.metadata.nbgrader.grade_id += "-mine"


def raised_points(notebook: NotebookNode) -> None:
    """Make every test worth a thousand points."""
    for cell in _each(notebook, "marks"):
        cell.metadata.nbgrader.points = 1000


def unlocked_tests(notebook: NotebookNode) -> None:
    """Say that tests are answers."""
    for cell in _each(notebook, "marks"):
        cell.metadata.nbgrader.update(solution=True, grade=False, locked=False)


def outputs_with_marks(notebook: NotebookNode) -> None:
    """Write full marks into the outputs of the tests."""
    for cell in _each(notebook, "marks"):
        points = {"text/plain": str(float(cell.metadata.nbgrader.points))}
        cell.outputs = [nbformat.v4.new_output("execute_result", points, execution_count=1)]


def wrong_metadata(notebook: NotebookNode) -> None:
    """Break the metadata of every cell."""
    for number, cell in enumerate(notebook.cells):
        if "nbgrader" in cell.metadata and number % 2:
            cell.metadata.nbgrader = {"grade_id": ["a", "list"], "schema_version": 99}
        cell.metadata.tags = "setup"


CHANGES: tuple[Change, ...] = (
    edited_tests,
    deleted_tests,
    duplicated_tests,
    renamed_tests,
    raised_points,
    unlocked_tests,
    outputs_with_marks,
)
