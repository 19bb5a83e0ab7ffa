"""Lay the learner's own copies of the lessons into my-course/, and open them.

A copy that was worked on is never overwritten: when its lesson has a newer version, that
is laid beside it as NAME.new.ipynb and said so. A copy in which nothing was changed or run
is brought up to date. A copy that was deleted is laid afresh.
`.origins.json` remembers from which version each copy came.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import shutil
import subprocess
import sys
from pathlib import Path

from tools.layout import MY_COURSE, NOTEBOOKS, ROOT, lesson_notebooks

ORIGINS = ".origins.json"
Origin = dict[str, str]


def file_digest(path: Path) -> str:
    """Return the SHA-256 of a file: which version was shipped."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def work_digest(path: Path) -> str:
    """Return the SHA-256 of a notebook's cells and outputs: whether someone worked in it.

    Opening a notebook may change its metadata; that is not work. What is not a notebook
    any more counts by its bytes.
    """
    try:
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        kept = [
            [c["cell_type"], "".join(c["source"]), c.get("outputs", []), c.get("attachments", {})]
            for c in cells
        ]
    except (ValueError, KeyError, TypeError):
        return file_digest(path)
    return hashlib.sha256(json.dumps(kept, sort_keys=True).encode()).hexdigest()


def origin_of(path: Path) -> Origin:
    """Return what is remembered of a copy just made of `path`."""
    return {"shipped": file_digest(path), "work": work_digest(path)}


def read_origins(course: Path) -> dict[str, Origin]:
    """Return the remembered origins; nothing when the file is missing or damaged."""
    try:
        found = json.loads((course / ORIGINS).read_text(encoding="utf-8"))
        return found if isinstance(found, dict) else {}
    except (OSError, ValueError):
        return {}


def write_origins(course: Path, origins: dict[str, Origin]) -> None:
    """Write the origins in one step, so that an interruption leaves the old file."""
    fresh = course / f"{ORIGINS}.part"
    fresh.write_text(json.dumps(origins, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    fresh.replace(course / ORIGINS)


def free_name(copy: Path) -> Path:
    """Return a name beside the copy that no file has: NAME.new.ipynb, NAME.new-2.ipynb, …."""
    number = 1
    while True:
        suffix = "" if number == 1 else f"-{number}"
        path = copy.with_name(f"{copy.stem}.new{suffix}.ipynb")
        if not path.exists():
            return path
        number += 1


def lay_beside(lesson: Path, copy: Path, origin: Origin) -> str:
    """Lay a newer lesson beside a copy that was worked on, once for each version."""
    shipped = file_digest(lesson)
    if origin.get("offered") == shipped:
        return ""
    last = copy.with_name(origin.get("offer_name") or copy.name)
    replaceable = last != copy and last.exists() and work_digest(last) == origin.get("offer_work")
    target = last if replaceable else free_name(copy)
    shutil.copyfile(lesson, target)
    origin |= {"offered": shipped, "offer_name": target.name, "offer_work": work_digest(target)}
    return f"{copy.name} is yours and stays as it is; its newer version is {target.name}"


def lay_one(lesson: Path, copy: Path, origin: Origin | None) -> tuple[Origin, str]:
    """Bring one copy up to date; return what to remember and what to say ("" for nothing)."""
    if not copy.exists():
        shutil.copyfile(lesson, copy)
        return origin_of(lesson), f"{copy.name} laid"
    if work_digest(copy) == work_digest(lesson):
        if origin is None or origin.get("shipped") != file_digest(lesson):
            shutil.copyfile(lesson, copy)
        return origin_of(lesson), ""
    origin = dict(origin or {})
    if origin.get("shipped") == file_digest(lesson):
        return origin, ""
    if origin.get("work") == work_digest(copy):
        shutil.copyfile(lesson, copy)
        return origin_of(lesson), f"{copy.name} brought up to date (you had not worked in it)"
    message = lay_beside(lesson, copy, origin)
    return origin, message


def lay(notebooks: Path = NOTEBOOKS, course: Path = MY_COURSE) -> list[str]:
    """Lay or update every copy and return what there is to say, one line each."""
    course.mkdir(parents=True, exist_ok=True)
    origins, messages = read_origins(course), []
    for lesson in lesson_notebooks(notebooks):
        origin, message = lay_one(lesson, course / lesson.name, origins.get(lesson.name))
        origins[lesson.name] = origin
        if message:
            messages.append(message)
    write_origins(course, origins)
    return messages


def open_lab(course: Path, first: str, flags: list[str]) -> int:
    """Open JupyterLab on the first lesson and stay until it ends."""
    command = [sys.executable, "-m", "jupyterlab", first, *flags]
    print("opening JupyterLab; Ctrl-C here ends it", flush=True)
    try:
        return subprocess.call(command, cwd=course)
    except KeyboardInterrupt:
        return 0


def shown(path: Path) -> str:
    """Return a path as a learner would type it."""
    return str(path.relative_to(ROOT)) if path.is_relative_to(ROOT) else str(path)


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; what it does not know goes to JupyterLab."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--notebooks", type=Path, default=NOTEBOOKS, help="folder of the lessons")
    parser.add_argument("--course", type=Path, default=MY_COURSE, help="folder of the copies")
    parser.add_argument("--open", action="store_true", help="open JupyterLab; its flags may follow")
    options, flags = parser.parse_known_args(arguments)
    if flags and not options.open:
        parser.error(f"unknown: {' '.join(flags)} (flags for JupyterLab need --open)")
    lessons = lesson_notebooks(options.notebooks)
    if not lessons:
        print(f"{shown(options.notebooks)}/ has no lessons; run `make notebooks`", file=sys.stderr)
        return 1
    for message in lay(options.notebooks, options.course):
        print(f"  {message}")
    print(f"your lessons are in {shown(options.course)}/", flush=True)
    return open_lab(options.course, lessons[0].name, flags) if options.open else 0


if __name__ == "__main__":
    sys.exit(main())
