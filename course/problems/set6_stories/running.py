"""From run records to the table of a report."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Generator

from course.grading.declare import Arguments, Judge, Problem, Property, Trial
from course.grading.judges import told
from course.problems.making import repeated
from course.problems.set6_stories.telling import says, some

Record = dict[str, Any]


def runs_table(records: list[Record]) -> dict[str, dict[str, Any]]:
    """Return a row for each recipe: seeds, shares right, median, spread, runs not finished."""
    table = {}
    for name in {record["recipe"]["name"] for record in records}:
        mine = [record for record in records if record["recipe"]["name"] == name]
        done = sorted((r for r in mine if r["finished"]), key=lambda r: r["seed"])
        right = [record["curve"][-1]["accuracy"] for record in done]
        ordered, middle = sorted(right), len(right) // 2
        table[name] = {
            "seeds": [record["seed"] for record in done],
            "right": right,
            "median": (ordered[middle] + ordered[~middle]) / 2 if right else None,
            "lowest": ordered[0] if right else None,
            "highest": ordered[-1] if right else None,
            "unfinished": len(mine) - len(done),
        }
    return table


def record(
    g: Generator, name: str, seed: int, *, finished: bool = True, rising: bool = False
) -> Record:
    """Return a run record with the entries that a table needs; the last point is the lowest."""
    shares = torch.rand(5, generator=g, dtype=torch.float64).sort(descending=not rising).values
    curve = [{"step": 100 * n, "accuracy": share, "examples": 300}
             for n, share in enumerate(shares.tolist(), 1)]  # fmt: skip
    return {"recipe": {"name": name, "steps": 500}, "seed": seed, "finished": finished,
            "curve": curve if finished else curve[:3]}  # fmt: skip


def runs(g: Generator, counts: tuple[int, ...], rising: bool = False) -> list[Record]:
    """Return finished runs of some recipes, in any order, with seeds in no order."""
    names = some(g, ("plain", "deep", "wide", "slow"), len(counts))
    made = [
        record(g, name, seed, rising=rising)
        for name, count in zip(names, counts, strict=True)
        for seed in some(g, range(20), count)
    ]
    return some(g, made, len(made))


def odd(g: Generator) -> Iterator[Arguments]:
    yield (runs(g, (3, 5), rising=True),)


def falling(g: Generator) -> Iterator[Arguments]:
    yield (runs(g, (3, 3)),)


def even(g: Generator) -> Iterator[Arguments]:
    yield (runs(g, (4, 2), rising=True),)


def broken_off(g: Generator) -> Iterator[Arguments]:
    """Runs that were broken off in one recipe; another has no run that was finished."""
    made = runs(g, (3,), rising=True)
    name = made[0]["recipe"]["name"]
    made += [record(g, name, seed, finished=False, rising=True) for seed in (30, 31)]
    made.append(record(g, "hasty", 0, finished=False, rising=True))
    yield (some(g, made, len(made)),)


def row_says(*entries: str, in_order: bool = False) -> Judge:
    """Ask for these entries of every row, and for no row less or more.

    Whether lists are in the right order is asked where `in_order`.
    """
    judge = says(*entries)

    def rows(trial: Trial) -> str | None:
        if not isinstance(trial.value, dict):
            return f"expected a dict, got {told(trial.value)}"
        if set(trial.value) != set(trial.expected):
            return f"expected a row for each of {len(trial.expected)} recipes"
        for name, expected in trial.expected.items():
            value = trial.value[name]
            if not in_order:
                expected, value = sorted_lists(expected), sorted_lists(value)
            found = judge(Trial((), expected=expected, value=value))
            if found:
                return f"row {name!r}: {found}"
        return None

    return rows


def sorted_lists(row: Any) -> Any:
    """Return a row with its lists in rising order; anything else as it is."""
    if not isinstance(row, dict):
        return row
    return {key: sorted(item) if isinstance(item, list | tuple) else item
            for key, item in row.items()}  # fmt: skip


run_table = Problem(
    "runs-table",
    "answer-runs-table",
    "runs_table",
    runs_table,
    (
        Property(
            "rows",
            1,
            "Every recipe has one row, with the seeds of its own runs.",
            repeated(odd),
            row_says("seeds"),
        ),
        Property(
            "runs",
            1,
            "The shares right are not those of the recipe's runs.",
            repeated(odd),
            row_says("right"),
        ),
        Property(
            "order",
            1,
            "Seeds rise, and each share stands where its seed does.",
            repeated(odd),
            row_says("seeds", "right", in_order=True),
        ),
        Property(
            "last",
            1,
            "What a run reached is its last measure. The best of a curve is chosen with the "
            "questions that it is measured on.",
            repeated(falling),
            row_says("right"),
        ),
        Property(
            "spread",
            1,
            "Median, lowest or highest are wrong for an odd number of runs.",
            repeated(odd),
            row_says("median", "lowest", "highest"),
        ),
        Property(
            "even",
            1,
            "The median of an even number of runs is the mean of the two in the middle.",
            repeated(even),
            row_says("median"),
        ),
        Property(
            "unfinished",
            1,
            "A run that was broken off is counted in its recipe's row, and is in no figure; a "
            "recipe without any finished run has empty lists and None.",
            repeated(broken_off),
            row_says("seeds", "right", "median", "lowest", "highest", "unfinished"),
        ),
    ),
)
