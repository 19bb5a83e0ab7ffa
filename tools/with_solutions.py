"""Put a lesson's solutions in place of its stubs, as a learner who solved everything has it.

`python -m tools.with_solutions notebooks/03_*.ipynb --out build/solved` writes such copies.
Run them with LESSONS_STRICT=1: then a `check()` that does not pass raises.
"""

from __future__ import annotations

import argparse
import copy
import sys
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from tools.lesson_rules import pair_solutions, place, solution_code


def with_solutions(notebook: NotebookNode, lesson: str) -> NotebookNode:
    """Return a copy of the notebook with each exercise's stub replaced by its solution."""
    solved = copy.deepcopy(notebook)
    for stub, _, solution in pair_solutions(solved.cells, lesson):
        where = place(lesson, solution, solved.cells[solution])
        solved.cells[stub].source = solution_code(solved.cells[solution], where)
    return solved


def exercises_in(notebook: NotebookNode, lesson: str) -> int:
    """Return how many exercises a notebook has."""
    return len(pair_solutions(notebook.cells, lesson))


def main(arguments: list[str] | None = None) -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("notebooks", nargs="+", type=Path)
    parser.add_argument("--out", type=Path, required=True, help="folder of the solved copies")
    options = parser.parse_args(arguments)
    options.out.mkdir(parents=True, exist_ok=True)
    for path in options.notebooks:
        notebook = nbformat.read(path, as_version=4)
        nbformat.write(with_solutions(notebook, path.stem), options.out / path.name)
        print(f"{path.name}: {exercises_in(notebook, path.stem)} exercises solved")
    return 0


if __name__ == "__main__":
    sys.exit(main())
