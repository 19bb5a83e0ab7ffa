"""From the cells of one submission to its marks."""

from __future__ import annotations

import json
import re
import secrets
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, NamedTuple

from course.grading.declare import Problem, Property, Trial
from course.grading.workers import Heard, Workers

MOST_WORDS = 200
NO_WORDS = re.compile(r"[^\x20-\x7e\u00a0-\uffff]+")


class Cell(NamedTuple):
    """A cell to run: its id and its source."""

    id: str
    source: str


@dataclass
class Mark:
    """The marks of one problem.

    Attributes:
        points, out_of: what was earned and what could be.
        lines: the feedback, one line a property, after a note where something went wrong.
        lost: the names of the properties that were lost.
    """

    points: float
    out_of: float
    lines: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        """Write the feedback as the student reads it."""
        return "\n".join([f"{self.points:g} of {self.out_of:g} points", *self.lines])


class Outcome(NamedTuple):
    """The marks of one submission, by the problem's id, and the run's seed, to repeat it."""

    marks: dict[str, Mark]
    seed: int

    def as_json(self) -> str:
        """Write it as the text of a file."""
        marks = {name: asdict(mark) for name, mark in self.marks.items()}
        return json.dumps({"seed": self.seed, "marks": marks}, indent=1, ensure_ascii=False)

    @classmethod
    def of_json(cls, text: str) -> Outcome:
        """Read it back."""
        told = json.loads(text)
        return cls({name: Mark(**mark) for name, mark in told["marks"].items()}, told["seed"])


class Grader:
    """Grades submissions of one problem set, each in processes of its own.

    Args:
        problems: what is tried.
        workers: where submissions run.
        seed: of the random cases; None draws one that nobody knows beforehand. All submissions
            that one grader grades meet the same cases.
    """

    def __init__(
        self, problems: Sequence[Problem], workers: Workers, seed: int | None = None
    ) -> None:
        self.problems = list(problems)
        self.workers = workers
        self.seed = secrets.randbits(48) if seed is None else seed
        self._trials: dict[tuple[str, str], list[Trial]] = {}

    def grade(self, cells: Sequence[Cell]) -> Outcome:
        """Run the cells and return the marks of every problem."""
        told: dict[str, Told] = {}
        skipped: dict[str, str] = {}
        present = {cell.id for cell in cells}
        waiting = [problem for problem in self.problems if problem.cell in present]
        end = time.monotonic() + self.workers.limits.total_seconds
        while waiting and time.monotonic() < end:
            kept = [cell for cell in cells if cell.id not in skipped]
            heard = self.workers.run(self._job(kept, waiting))
            if not heard.held:
                raise RuntimeError(f"the submission's process did not start: {heard.why}")
            ended_in = next((c.id for c in kept if c.id not in heard.cells), None)
            if not heard.finished and ended_in is not None:
                skipped[ended_in] = heard.why  # once more, without the cell that ended it
                waiting = [problem for problem in waiting if problem.cell != ended_in]
                continue
            done = self._take(heard, waiting, told)
            waiting = waiting[done:]
        marks = {
            problem.id: self._mark(problem, told.get(problem.id), skipped, present)
            for problem in self.problems
        }
        return Outcome(marks, self.seed)

    def trials(self, problem: Problem, wanted: Property) -> list[Trial]:
        """Return the trials of a property in this run."""
        key = (problem.id, wanted.name)
        if key not in self._trials:
            self._trials[key] = wanted.trials(problem, self.seed)
        return self._trials[key]

    def _calls(self, problem: Problem) -> list[dict[str, Any]]:
        return [
            {
                "cell": problem.cell,
                "function": problem.function,
                "arguments": list(trial.arguments),
                "mix": trial.mix,
                "after": wanted.watch == "arguments",
            }
            for wanted in problem.properties
            for trial in self.trials(problem, wanted)
        ]

    def _job(self, cells: list[Cell], problems: list[Problem]) -> dict[str, Any]:
        return {
            "cells": [{"id": cell.id, "source": cell.source} for cell in cells],
            "calls": [call for problem in problems for call in self._calls(problem)],
        }

    def _take(self, heard: Heard, waiting: list[Problem], told: dict[str, Told]) -> int:
        """Sort what was heard by problem; return how many problems are done with."""
        first = 0
        for number, problem in enumerate(waiting):
            calls = range(first, first + len(self._calls(problem)))
            first = calls.stop
            reports = [heard.calls.get(index) for index in calls]
            told[problem.id] = Told(reports, heard.cells.get(problem.cell), heard.why)
            if None in reports:
                return number + 1  # it ended in this problem; the next begin afresh
        return len(waiting)

    def _mark(
        self, problem: Problem, told: Told | None, skipped: dict[str, str], present: set[str]
    ) -> Mark:
        if problem.cell not in present:
            return nothing(problem, "the cell for this answer is missing, or its id was changed")
        if told is None:
            why = skipped.get(problem.cell, "the time of the whole submission was used up")
            return nothing(problem, f"the cell could not be run to its end: {why}")
        if all_of_kind(told, "NotImplementedError"):  # the untouched stub
            return nothing(problem, "not written yet")
        if all_of_kind(told, "missing"):
            mark = nothing(problem, f"there is no function {problem.function}")
        else:
            mark = self._judged(problem, told)
        if told.error:
            mark.lines.insert(0, f"the cell {error_words(told.error)}")
        if skipped:
            mark.lines.insert(0, f"left out, since they did not end: {', '.join(skipped)}")
        return mark

    def _judged(self, problem: Problem, told: Told) -> Mark:
        reports = iter(told.reports)
        faults = {}
        for wanted in problem.properties:
            trials = self.trials(problem, wanted)
            found = [fault(trial, wanted, next(reports), told.why) for trial in trials]
            wrong = [(number, text) for number, text in enumerate(found, 1) if text is not None]
            faults[wanted.name] = (
                f"case {wrong[0][0]} of {len(found)}: {wrong[0][1]}" if wrong else None
            )
        main = any(faults[each.name] is None for each in problem.properties if not each.side)
        mark = Mark(0.0, problem.points)
        for wanted in problem.properties:
            found = faults[wanted.name]
            if wanted.side and not main and found is None:
                found = "this counts once something else here is right"
            if found is None:
                mark.points += wanted.points
                mark.lines.append(f"  kept  {wanted.name} ({wanted.points:g})")
            else:
                mark.lost.append(wanted.name)
                mark.lines.append(
                    f"  lost  {wanted.name} ({wanted.points:g}): {wanted.lost} [{found}]"
                )
        return mark


class Told(NamedTuple):
    """What was heard of one problem: the report of each call, the cell's error, why it ended."""

    reports: list[dict[str, Any] | None]
    error: dict[str, Any] | None
    why: str


def nothing(problem: Problem, note: str) -> Mark:
    """Return marks of zero, with a reason."""
    names = [each.name for each in problem.properties]
    return Mark(0.0, problem.points, [words(note)], names)


def fault(trial: Trial, wanted: Property, report: dict[str, Any] | None, why: str) -> str | None:
    """Say what is wrong with one report, in a few words; None if the property holds."""
    if report is None:
        return words(why or "no answer came")
    if report.get("error"):
        return error_words(report["error"])
    gradients, after = report.get("gradients"), report.get("after")
    answered = replace(
        trial,
        value=report.get("value"),
        gradients=gradients if isinstance(gradients, list) else None,
        after=after if isinstance(after, list) else None,
    )
    try:
        found = wanted.judge(answered)
    except Exception as problem:  # a value that no judge foresaw is wrong, and harms nobody else
        found = f"the value could not be judged ({type(problem).__name__})"
    return None if found is None else words(found)


def all_of_kind(told: Told, kind: str) -> bool:
    """Whether every call ended in an error of this kind."""
    errors = [report.get("error") for report in told.reports if report]
    kinds = [error.get("kind") if isinstance(error, dict) else None for error in errors]
    return bool(kinds) and all(each == kind for each in kinds)


def error_words(error: Any) -> str:
    """Write what a student's code raised."""
    if not isinstance(error, dict):
        return words(str(error))
    line = error.get("line")
    where = f" at line {line} of its cell" if isinstance(line, int) and line > 0 else ""
    text = f": {error['text']}" if error.get("text") else ""
    return words(f"raised {error.get('kind')}{where}{text}")


def words(text: Any) -> str:
    """Return text that came from a submission as one short line without control characters."""
    line = NO_WORDS.sub(" ", str(text)).strip()
    return line if len(line) <= MOST_WORDS else f"{line[:MOST_WORDS]} …"
