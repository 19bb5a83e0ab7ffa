"""Where things are: one place for the paths that the tools share."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
NOTEBOOKS = ROOT / "notebooks"
SOURCES = NOTEBOOKS / "source"
COMPUTE_MINUTES = NOTEBOOKS / "compute_minutes.json"
MY_COURSE = ROOT / "my-course"
BUILD = ROOT / "build"


def lesson_notebooks(folder: Path = NOTEBOOKS) -> list[Path]:
    """Return the notebooks that a learner opens, in reading order."""
    return sorted(folder.glob("*.ipynb"))
