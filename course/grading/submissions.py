"""Making a submission from answers, as a student's notebook would hold them."""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping

from nbformat import NotebookNode


def submission(release: NotebookNode, answers: Mapping[str, str]) -> NotebookNode:
    """Return a copy of a released notebook with these answers, by the id of their cell.

    Raises ValueError for an id that no answer cell has.
    """
    notebook = copy.deepcopy(release)
    left = dict(answers)
    for cell in notebook.cells:
        told = cell.metadata.get("nbgrader", {})
        if told.get("solution") and told["grade_id"] in left:
            cell.source = left.pop(told["grade_id"])
    if left:
        raise ValueError(f"expected ids of answer cells, got {sorted(left)}")
    return notebook


def solutions(source: NotebookNode) -> dict[str, str]:
    """Return the answers of an instructor's notebook, by the id of their cell."""
    return {
        cell.metadata.nbgrader.grade_id: cell.source
        for cell in source.cells
        if cell.metadata.get("nbgrader", {}).get("solution")
    }


def text_of(notebook: NotebookNode) -> str:
    """Return the text of a notebook's file, as it stands, be it valid or not."""
    return json.dumps(notebook, indent=1, ensure_ascii=False) + "\n"
