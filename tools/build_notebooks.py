"""Build notebooks/*.ipynb from notebooks/source/*.md, the same bytes every time.

`python -m tools.build_notebooks` writes them; with `--check` it writes nothing and
fails when a notebook and its source differ.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import sys
from collections import Counter
from pathlib import Path

import jupytext
import nbformat
from nbformat import NotebookNode

from tools.layout import COMPUTE_MINUTES, NOTEBOOKS, SOURCES
from tools.lesson_rules import LessonError, check_lesson, tags

METADATA = {
    "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}
MINUTES = re.compile(r"\{\{\s*compute_minutes\s*\}\}")
NAME = re.compile(r"[a-z0-9-]{1,60}")
NOT_MEASURED = "not measured yet"
# Cells whose code would give an answer away are folded, and those tagged hide-input.
GIVES_AWAY = re.compile(r"^(predict|reveal|quiz)\(", re.MULTILINE)


def recorded_minutes(lesson: str, record: Path = COMPUTE_MINUTES) -> str:
    """Return a lesson's recorded computing time in minutes, as text."""
    if not record.exists():
        return NOT_MEASURED
    minutes = json.loads(record.read_text(encoding="utf-8"))["minutes"]
    return f"{minutes[lesson]:.1f}" if lesson in minutes else NOT_MEASURED


def cell_id(lesson: str, cell: NotebookNode, seen: Counter[str]) -> str:
    """Return an id that stays the same when cells are put in or taken out elsewhere."""
    prefix = lesson.split("_")[0]
    name = cell.metadata.get("name")
    if name is not None:
        if not NAME.fullmatch(name):
            raise LessonError(f"{lesson}: expected a name of a-z, 0-9 and '-', got {name!r}")
        candidate = f"{prefix}-{name}"
    else:
        text = f"{lesson}\n{cell.cell_type}\n{cell.source}"
        candidate = f"{prefix}-{hashlib.sha256(text.encode()).hexdigest()[:10]}"
    seen[candidate] += 1
    if seen[candidate] == 1:
        return candidate
    if name is not None:
        raise LessonError(f"{lesson}: two cells are named {name!r}")
    return f"{candidate}-{seen[candidate]}"


def clean_cell(lesson: str, cell: NotebookNode, seen: Counter[str], minutes: str) -> NotebookNode:
    """Return a cell without outputs, with its text filled in and its id assigned."""
    metadata = dict(sorted(cell.metadata.items()))
    if cell.cell_type == "code" and (GIVES_AWAY.search(cell.source) or "hide-input" in tags(cell)):
        metadata["jupyter"] = {"source_hidden": True}
    fresh = {"metadata": metadata, "id": cell_id(lesson, cell, seen)}
    if cell.cell_type == "markdown":
        return nbformat.v4.new_markdown_cell(MINUTES.sub(minutes, cell.source), **fresh)
    if cell.cell_type == "code":
        return nbformat.v4.new_code_cell(cell.source, **fresh)
    raise LessonError(f"{lesson}: expected Markdown and code cells, got {cell.cell_type!r}")


def build(lesson: str, text: str, minutes: str = NOT_MEASURED) -> NotebookNode:
    """Return the notebook of one lesson's MyST Markdown."""
    source = jupytext.reads(text, fmt="md:myst")
    check_lesson(source.cells, lesson)
    seen: Counter[str] = Counter()
    cells = [clean_cell(lesson, cell, seen, minutes) for cell in source.cells]
    notebook = nbformat.v4.new_notebook(cells=cells, metadata=METADATA)
    notebook.nbformat_minor = 5
    nbformat.validate(notebook)
    return notebook


def as_text(notebook: NotebookNode) -> str:
    """Return the notebook as the text of its file: sorted keys, one final newline."""
    return nbformat.writes(notebook, version=nbformat.NO_CONVERT).rstrip("\n") + "\n"


def build_all(
    sources: Path = SOURCES, record: Path = COMPUTE_MINUTES, only: str = ""
) -> dict[str, str]:
    """Return file name -> file text of every lesson's notebook whose name holds `only`."""
    built = {}
    for path in sorted(path for path in sources.glob("*.md") if only in path.stem):
        text = path.read_text(encoding="utf-8")
        notebook = build(path.stem, text, recorded_minutes(path.stem, record))
        built[f"{path.stem}.ipynb"] = as_text(notebook)
    return built


def differences(built: dict[str, str], folder: Path = NOTEBOOKS, only: str = "") -> list[str]:
    """Say of each notebook that is missing, stale or without a source what is wrong."""
    problems = []
    for name, text in built.items():
        path = folder / name
        if not path.exists():
            problems.append(f"{name} is missing")
        elif path.read_text(encoding="utf-8") != text:
            problems.append(f"{name} differs from source/{path.stem}.md")
    present = {path.name for path in folder.glob("*.ipynb") if only in path.stem}
    return problems + [f"{name} has no source" for name in sorted(present - set(built))]


def write_all(built: dict[str, str], folder: Path = NOTEBOOKS) -> list[str]:
    """Write the notebooks that changed and return their names."""
    changed = []
    for name, text in built.items():
        path = folder / name
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8", newline="\n")
            changed.append(name)
    return changed


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; return 0 when the notebooks stand as their sources say."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="write nothing, fail on a difference")
    parser.add_argument("-k", default="", metavar="TEXT", help="only lessons with TEXT in the name")
    options = parser.parse_args(arguments)
    try:
        built = build_all(only=options.k)
    except LessonError as error:
        print(error, file=sys.stderr)
        return 1
    if not options.check:
        changed = write_all(built)
        print("\n  ".join([f"{len(built)} notebooks, {len(changed)} written", *changed]))
    problems = differences(built, only=options.k)
    for problem in problems:
        print(f"notebooks/{problem}", file=sys.stderr)
    if problems and options.check:
        print("run `make notebooks`", file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
