"""Grade a class: `make grade SET=set3_addressing`, or `python -m course.grading.grade_class`.

Submissions are run and judged several at a time, each in processes of its own; the outcome of each
is a file in `marks/`. Meanwhile nbgrader enters those that are done, one by one, with its own
`autograde` and our preprocessors. A submission that cannot be graded is named at the end and stops
nothing.
"""

from __future__ import annotations

import argparse
import csv
import json
import logging
import multiprocessing
import secrets
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import (
    Executor,
    ProcessPoolExecutor,
    ThreadPoolExecutor,
    as_completed,
)
from dataclasses import dataclass, field
from pathlib import Path

import nbformat
from tqdm import tqdm

from course.grading.containers import try_out, workers_for
from course.grading.declare import problems_of
from course.grading.grader import Grader, Outcome
from course.grading.nbgrader_parts import marks_path, rubric
from course.grading.notebooks import cells_to_run, digest, read_submission, rebuild
from course.grading.sandbox import Limits
from course.layout import CLASS_FOLDER

_GRADER: Grader | None = None  # of this process, which grades one submission after the other


@dataclass
class Report:
    """What came of a class: outcomes by student, and what went wrong, by student."""

    outcomes: dict[str, Outcome] = field(default_factory=dict)
    faults: dict[str, str] = field(default_factory=dict)
    seconds: float = 0.0

    def __str__(self) -> str:
        """Say it in a few lines."""
        lines = [f"{student}: {fault}" for student, fault in sorted(self.faults.items())]
        lines.append(
            f"{len(self.outcomes)} submissions graded in {self.seconds:.0f} s; "
            f"{len(self.faults)} could not be graded"
        )
        return "\n".join(lines)


def students(folder: Path, assignment: str) -> list[str]:
    """Return who handed something in."""
    return sorted(path.parent.name for path in (folder / "submitted").glob(f"*/{assignment}"))


def grade_class(
    folder: Path,
    assignment: str,
    *,
    workers: int = 2,
    step_seconds: float = Limits.step_seconds,
    engine: str = "",
    only: Sequence[str] = (),
    enter: bool = True,
    bar: bool = True,
) -> Report:
    """Grade the submissions of an assignment; return what came of them.

    Args:
        folder: the class folder.
        assignment: the name of the assignment, which is also its notebook's.
        workers: how many submissions run at once; 0 judges in this process, one by one.
        step_seconds: wall time of one cell or one call.
        engine: `docker` or `podman` for a container each; none runs them on this system itself.
        only: students; none means all.
        enter: whether nbgrader takes the marks into the gradebook.
        bar: whether progress is shown.
    """
    report = Report()
    began = time.perf_counter()
    jobs = []
    for name in students(folder, assignment):
        if only and name not in only:
            continue
        if _notebook(folder / "submitted" / name, assignment).is_file():
            jobs.append((folder, assignment, name))
        else:
            report.faults[name] = f"handed in no {assignment}.ipynb: was it renamed?"
    gradebook = Gradebook(folder, assignment) if enter else None
    judged = _judge_all(jobs, workers, step_seconds, engine)
    for student, text, fault in tqdm(judged, total=len(jobs), desc="graded", disable=not bar):
        if not fault:
            report.outcomes[student] = Outcome.of_json(text)
            fault = gradebook.enter(student) if gradebook else ""  # while others are judged
        if fault:
            report.faults[student] = fault
    report.seconds = time.perf_counter() - began
    write_table(folder / f"marks-{assignment}.csv", assignment, report)
    return report


def write_table(path: Path, assignment: str, report: Report) -> None:
    """Write a table of the autograded points, a row a student and a column a problem."""
    names = [problem.id for problem in problems_of(assignment)]
    with path.open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(["student", *names, "autograded", "note"])
        for student in sorted({*report.outcomes, *report.faults}):
            outcome = report.outcomes.get(student)
            points = (
                [outcome.marks[name].points for name in names] if outcome else [""] * len(names)
            )
            total = sum(points) if outcome else ""
            table.writerow([student, *points, total, report.faults.get(student, "")])


def _judge_all(
    jobs: Sequence[tuple[Path, str, str]], workers: int, step_seconds: float, engine: str
) -> Iterator[tuple[str, str, str]]:
    """Yield (student, outcome as JSON, fault), in the order in which they end."""
    seed = secrets.randbits(48)  # one for all, so that all meet the same cases
    left, lost = list(jobs), []
    for size in (workers, min(workers, 1)):  # what failed is tried once more, by itself
        lost = []
        if left:
            with _pool(size, left[0][1], step_seconds, engine, seed) as pool:
                waiting = {pool.submit(_judge, *job): job for job in left}
                for done in as_completed(waiting):
                    try:
                        yield waiting[done][2], done.result(), ""
                    except Exception as problem:
                        lost.append((waiting[done], f"{type(problem).__name__}: {problem}"))
        left = [job for job, _ in lost]
    for job, fault in lost:
        yield job[2], "", fault


def _pool(size: int, assignment: str, step_seconds: float, engine: str, seed: int) -> Executor:
    wanted = (assignment, step_seconds, engine, seed)
    if size == 0:
        return ThreadPoolExecutor(1, initializer=_prepare, initargs=wanted)
    context = multiprocessing.get_context("spawn")
    return ProcessPoolExecutor(size, mp_context=context, initializer=_prepare, initargs=wanted)


def _prepare(assignment: str, step_seconds: float, engine: str, seed: int) -> None:
    global _GRADER
    workers = workers_for(engine, step_seconds)
    _GRADER = Grader(problems_of(assignment), workers, seed)


def _judge(folder: Path, assignment: str, student: str) -> str:
    """Judge one submission and keep its outcome; return it as JSON."""
    release = nbformat.read(_notebook(folder / "release", assignment), as_version=4)
    handed_in = _notebook(folder / "submitted" / student, assignment)
    notebook = rebuild(release, *read_submission(handed_in))
    cells = cells_to_run(notebook)
    told = json.loads(_GRADER.grade(cells).as_json())
    told["digest"] = digest(cells, rubric(assignment))
    text = json.dumps(told, indent=1, ensure_ascii=False)
    path = marks_path(folder, assignment, student, assignment)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return text


class Gradebook:
    """nbgrader's gradebook of a class, which takes the outcomes in `marks/` one by one."""

    def __init__(self, folder: Path, assignment: str) -> None:
        from nbgrader.apps import NbGraderAPI
        from traitlets.config import PyFileConfigLoader

        logging.getLogger("traitlets").setLevel(logging.ERROR)
        config = PyFileConfigLoader("nbgrader_config.py", str(folder)).load_config()
        self._api, self._assignment = NbGraderAPI(config=config), assignment

    def enter(self, student: str) -> str:
        """Enter a submission; return what went wrong."""
        result = self._api.autograde(self._assignment, student, force=True, create=True)
        if result["success"]:
            return ""
        last = (result.get("error") or result.get("log") or "").strip().splitlines()
        return f"nbgrader could not enter it: {last[-1] if last else ''}"


def _notebook(folder: Path, assignment: str) -> Path:
    return folder / assignment / f"{assignment}.ipynb"


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; return 0 when every submission was graded."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("assignment")
    parser.add_argument("--folder", type=Path, default=CLASS_FOLDER, help="the class folder")
    parser.add_argument("--workers", type=int, default=2, help="submissions at once")
    parser.add_argument("--step-seconds", type=float, default=Limits.step_seconds)
    parser.add_argument("--engine", default="", help="docker or podman: a container each")
    parser.add_argument("--student", action="append", default=[], help="only this one; repeatable")
    options = parser.parse_args(arguments)
    folder = options.folder.resolve()
    if not _notebook(folder / "release", options.assignment).exists():
        print(f"{folder} has no release of {options.assignment}: run nbgrader "
              f"generate_assignment {options.assignment} there", file=sys.stderr)  # fmt: skip
        return 1
    if options.engine and (problem := try_out(options.engine)):
        print(problem, file=sys.stderr)
        return 1
    report = grade_class(
        folder,
        options.assignment,
        workers=options.workers,
        step_seconds=options.step_seconds,
        engine=options.engine,
        only=options.student,
    )
    print(report)
    return 1 if report.faults else 0


if __name__ == "__main__":
    sys.exit(main())
