"""Build a class folder for nbgrader: `make course`, or `python -m course.grading.build_course`.

Writes `source/` and, where there is none yet, `nbgrader_config.py`. What nbgrader keeps there
(releases, submissions, the gradebook) is left alone.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from course.grading.assignment import build_text
from course.grading.declare import problems_of
from course.layout import CLASS_FOLDER, assignments
from tools.lesson_rules import LessonError

CONFIG = '''"""nbgrader's configuration of this class. Yours: `make course` writes it once."""

from pathlib import Path

from course.grading.nbgrader_parts import configure

c = get_config()  # noqa: F821
configure(c, Path(__file__).resolve().parent)
'''
IGNORE = "# A class's submissions and marks belong into no public repository.\n*\n"


def write_course(folder: Path, names: list[str]) -> list[str]:
    """Write the sources of these assignments into a class folder; return what changed."""
    texts = {f"source/{name}/{name}.ipynb": build_text(name, problems_of(name)) for name in names}
    once = {"nbgrader_config.py": CONFIG, ".gitignore": IGNORE}
    texts |= {name: text for name, text in once.items() if not (folder / name).exists()}
    changed = []
    for name, text in texts.items():
        path = folder / name
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8", newline="\n")
            changed.append(name)
    return changed


def main(arguments: list[str] | None = None) -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--folder", type=Path, default=CLASS_FOLDER, help="the class folder")
    parser.add_argument("-k", default="", metavar="TEXT", help="only sets with TEXT in the name")
    options = parser.parse_args(arguments)
    names = [name for name in assignments() if options.k in name]
    try:
        changed = write_course(options.folder, names)
    except (LessonError, ValueError) as error:
        print(error, file=sys.stderr)
        return 1
    said = [f"{len(names)} assignments in {options.folder}, {len(changed)} files written", *changed]
    print("\n  ".join(said))
    return 0


if __name__ == "__main__":
    sys.exit(main())
