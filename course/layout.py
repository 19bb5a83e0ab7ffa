"""Where the course's own files are, and where an instructor's class folder goes."""

from __future__ import annotations

from pathlib import Path

HERE = Path(__file__).resolve().parent
SOURCES = HERE / "sources"
BANK = HERE / "bank"
RULES = SOURCES / "_rules.md"
CLASS_FOLDER = HERE.parent / "my-class"


def assignments() -> list[str]:
    """Return the names of the problem sets, in order."""
    return sorted(path.stem for path in SOURCES.glob("set*.md"))
