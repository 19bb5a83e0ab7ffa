"""When the runs of a study arrived, with the runs that never did kept in."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import torch
from torch import Generator

from course.grading.declare import Arguments, Judge, Problem, Property, Trial
from course.grading.judges import difference, told
from course.problems.making import repeated

Curve = list[list[float]]
LIMIT = 1.0


def summary(curves: Sequence[Curve], threshold: float) -> dict:
    """Say when each run came under the threshold to stay, and what that says of all of them."""
    updates = [_arrival(curve, threshold) for curve in curves]
    there = sorted(update for update in updates if update is not None)
    half = math.ceil(len(updates) / 2)
    return {
        "updates": updates,
        "solved": len(there),
        "median": there[half - 1] if len(there) >= half else None,
        "slowest": there[-1] if len(there) == len(updates) else None,
    }


def _arrival(curve: Curve, threshold: float) -> int | None:
    found = None
    for update, wrong in reversed(curve):
        if not wrong <= threshold:
            break
        found = update
    return found


def falling(g: Generator, arrive: int | None, every: int, points: int = 9) -> Curve:
    """A curve that falls, is first below the limit at point `arrive`, and stays there."""
    arrive = points if arrive is None else arrive
    noise = torch.rand(points, generator=g).sort(descending=True).values.tolist()
    levels = [0.8 * n if p >= arrive else 2 + 20 * n for p, n in enumerate(noise)]
    return [[(p + 1) * every, level] for p, level in enumerate(levels)]


def runs(g: Generator, *arrivals: int | None) -> list[Curve]:
    every = int(torch.randint(10, 60, (1,), generator=g))
    return [falling(g, arrive, every) for arrive in arrivals]


def falls(g: Generator) -> Iterator[Arguments]:
    yield runs(g, 3, 0, 6), LIMIT
    yield runs(g, 5), LIMIT


def comes_back_up(g: Generator) -> Iterator[Arguments]:
    curves = runs(g, 2, 1, 3, 2)
    curves[0][5][1] = 7.5
    curves[1][2][1], curves[1][6][1] = 3.0, 1.5
    yield curves, LIMIT


def never(g: Generator) -> Iterator[Arguments]:
    yield runs(g, 4, None, 2), LIMIT
    yield runs(g, None), LIMIT


def last_point(g: Generator) -> Iterator[Arguments]:
    yield runs(g, 8, 3), LIMIT


def just_there(g: Generator) -> Iterator[Arguments]:
    curves = runs(g, 4, 5)
    curves[0][3][1] = curves[1][6][1] = 0.5
    for curve in curves:
        curve[:] = [[update, 0.5 if wrong <= LIMIT else wrong] for update, wrong in curve]
    yield curves, 0.5


def with_nan(g: Generator) -> Iterator[Arguments]:
    """Measures that are no number, before the run arrives."""
    curves = runs(g, 4, 3, 5)
    curves[0][3][1] = curves[1][1][1] = curves[1][2][1] = math.nan
    yield curves, LIMIT


def odd(g: Generator) -> Iterator[Arguments]:
    yield runs(g, 7, 1, 3, 5, 2), LIMIT
    yield runs(g, 2, 6, 1), LIMIT


def even(g: Generator) -> Iterator[Arguments]:
    yield runs(g, 7, 1, 3, 5), LIMIT


def failures(g: Generator) -> Iterator[Arguments]:
    yield runs(g, 1, None, 5, None, 2), LIMIT
    yield runs(g, None, 4, None), LIMIT
    yield runs(g, None, 2, None, 6), LIMIT
    yield runs(g, None, None), LIMIT


def entries(*names: str) -> Judge:
    """Ask for the reference's entries of these names."""

    def judge(trial: Trial) -> str | None:
        if not isinstance(trial.value, dict):
            return f"expected a dict, got {told(trial.value)}"
        for name in names:
            if name not in trial.value:
                return f"there is no entry {name!r}"
            wanted = trial.expected[name]
            fault = difference(trial.value[name], wanted, 0.0)
            if fault:
                return f"{name}: {fault}"
        return None

    return judge


arrivals = Problem(
    "when-it-arrived",
    "answer-when-it-arrived",
    "summary",
    summary,
    (
        Property(
            "first",
            1,
            "Curves that fall and stay: the update is the first measured one at which the run is "
            "at the threshold or below, as it stands in the curve.",
            lambda g: (case for make in (falls, last_point) for case in make(g)),
            entries("updates"),
        ),
        Property(
            "stays",
            3,
            "A run that comes up again has not arrived yet: from its update on, every measure to "
            "the end must be low.",
            repeated(comes_back_up),
            entries("updates"),
        ),
        Property(
            "never", 1, "A run that does not arrive has None, in its place.", never,
            entries("updates"),
        ),
        Property("equal", 1, "A measure equal to the threshold is low enough.", just_there,
                 entries("updates")),
        Property("nan", 1, "A measure that is no number is not low.", with_nan, entries("updates")),
        Property(
            "median",
            2,
            "The median is the update by which at least half of the runs have arrived, and is one "
            "of the updates.",
            lambda g: (case for make in (odd, even) for case in make(g)),
            entries("median", "solved"),
        ),
        Property(
            "failures",
            2,
            "Runs that never arrive belong to the study: they are slower than all others, in the "
            "median and as the slowest.",
            failures,
            entries("median", "slowest"),
        ),
    ),
)  # fmt: skip
