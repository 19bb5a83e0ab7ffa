"""What every lesson source must obey; the build refuses a lesson that does not."""

from __future__ import annotations

import re

from nbformat import NotebookNode

MAX_CELLS = 60
KNOWN_TAGS = {
    "exercise",
    "check",
    "hint",
    "solution",
    "hide-input",
    "nbval-ignore-output",
    "nbval-skip",
    "raises-exception",
}
FENCED = re.compile(r"^(?P<fence>`{3,}|~{3,}).*?^(?P=fence)[ \t]*$", re.DOTALL | re.MULTILINE)
# A plain code span, but not one that the braces of a role touch.
CODE_SPAN = re.compile(r"(?<![`}])(`+)(?!`).+?(?<!`)\1(?!`)", re.DOTALL)
PYTHON_BLOCK = re.compile(r"^```python[ \t]*\n(.*?)^```[ \t]*$", re.DOTALL | re.MULTILINE)
MYST = [
    (re.compile(r"^(`{3,}|~{3,})\s*\{[\w:-]+\}", re.MULTILINE), "a MyST directive"),
    (re.compile(r"^:{3,}", re.MULTILINE), "a MyST colon fence"),
    (re.compile(r"\{[a-z][\w:-]*\}`"), "a MyST role"),
    (re.compile(r"^\([\w-]+\)=\s*$", re.MULTILINE), "a MyST target"),
    (re.compile(r"^%[^\n]*$", re.MULTILINE), "a MyST comment"),
]


class LessonError(ValueError):
    """A lesson source that breaks a rule; the message names the lesson and the cell."""


def tags(cell: NotebookNode) -> list[str]:
    """Return the tags of a cell."""
    return cell.metadata.get("tags", [])


def solution_code(cell: NotebookNode, where: str) -> str:
    """Return the code of a solution cell: its single fenced Python block."""
    blocks = PYTHON_BLOCK.findall(cell.source)
    if len(blocks) != 1:
        raise LessonError(f"{where}: expected one ```python block in a solution, got {len(blocks)}")
    return blocks[0].rstrip("\n")


def place(lesson: str, number: int, cell: NotebookNode) -> str:
    """Say where a cell is: lesson, number and its first words."""
    first = cell.source.strip().splitlines()[0] if cell.source.strip() else "empty"
    return f"{lesson}, cell {number} ({first[:50]!r})"


def pair_solutions(cells: list[NotebookNode], lesson: str) -> list[tuple[int, int, int]]:
    """Return (exercise, check, solution) cell numbers, in order; refuse what does not pair up."""
    triples, waiting = [], []
    wanted = ["exercise", "check", "solution"]
    for number, cell in enumerate(cells):
        for tag in [tag for tag in tags(cell) if tag in wanted]:
            if tag != wanted[len(waiting)]:
                where = place(lesson, number, cell)
                raise LessonError(f"{where}: expected a cell tagged {wanted[len(waiting)]!r} "
                                  f"before this one tagged {tag!r}")  # fmt: skip
            waiting.append(number)
        if len(waiting) == len(wanted):
            triples.append(tuple(waiting))
            waiting = []
    if waiting:
        where = place(lesson, waiting[-1], cells[waiting[-1]])
        raise LessonError(f"{where}: no cell tagged {wanted[len(waiting)]!r} follows")
    return triples


def check_commonmark(cell: NotebookNode, where: str) -> None:
    """Refuse MyST syntax, which JupyterLab would show raw."""
    directive, name = MYST[0]
    if directive.search(cell.source):
        raise LessonError(f"{where}: {name}; write CommonMark, JupyterLab shows MyST raw")
    prose = CODE_SPAN.sub("", FENCED.sub("", cell.source))
    for pattern, name in MYST[1:]:
        if pattern.search(prose):
            raise LessonError(f"{where}: {name}; write CommonMark, JupyterLab shows MyST raw")


def check_exercises(cells: list[NotebookNode], lesson: str) -> None:
    """Hold every exercise to its shape: a stub that raises, a check, one solution."""
    for stub, check, solution in pair_solutions(cells, lesson):
        if "raise NotImplementedError" not in cells[stub].source:
            where = place(lesson, stub, cells[stub])
            raise LessonError(f"{where}: expected a stub that has `raise NotImplementedError`")
        if "check(" not in cells[check].source:
            where = place(lesson, check, cells[check])
            raise LessonError(f"{where}: expected a call of check(...) in a cell tagged 'check'")
        solution_code(cells[solution], place(lesson, solution, cells[solution]))


def check_lesson(cells: list[NotebookNode], lesson: str) -> None:
    """Refuse a lesson that breaks a rule, with a sentence that says which and where."""
    if len(cells) > MAX_CELLS:
        raise LessonError(f"{lesson}: expected at most {MAX_CELLS} cells, got {len(cells)}")
    for number, cell in enumerate(cells):
        where = place(lesson, number, cell)
        unknown = set(tags(cell)) - KNOWN_TAGS
        if unknown:
            raise LessonError(f"{where}: unknown tags {sorted(unknown)}")
        if cell.cell_type == "markdown":
            check_commonmark(cell, where)
    check_exercises(cells, lesson)
