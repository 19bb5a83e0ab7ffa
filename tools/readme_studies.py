"""README's tables of the studies: every seed of every recipe, from data/studies."""

from __future__ import annotations

import statistics

from lessons_lib import checkpoints

TASKS = (
    "copy-live",
    "copy-live-fresh",
    "tasks-copy",
    "tasks-recall",
    "recall-heads",
    "tasks-repeat",
    "clip-outputs",
)
SIZES = ("length", "items", "repeats", "slots")


def tasks() -> str:
    """Return the tasks of the NTM paper: wrong bits of every seed, as trained and beyond."""
    lines = [
        "| training | updates, CPU time | wrong bits a sequence, each seed | command |",
        "|---|---|---|---|",
    ]
    for study in TASKS:
        for name, entries in checkpoints.study(study).items():
            seconds = statistics.median(entry["cpu_seconds"] for entry in entries)
            spent = f"{entries[0]['steps']:,}, {seconds:.0f} s"
            command = f"`{entries[0]['command']}`"
            lines.append(f"| `{name}` | {spent} | {_wrong_bits(entries)} | {command} |")
    return "\n".join(lines)


def _wrong_bits(entries: list[dict]) -> str:
    """Say for each test what every seed got wrong, and how many seeds nothing."""
    tests = []
    for of_seeds in zip(*(entry["measured"] for entry in entries), strict=True):
        size = ", ".join(f"{key} {of_seeds[0][key]}" for key in SIZES if key in of_seeds[0])
        wrong = [found["wrong_bits_per_sequence"] for found in of_seeds]
        solved = sum(found["perfect_sequences"] == found["examples"] for found in of_seeds)
        shown = ", ".join(_short(value) for value in wrong)
        tests.append(
            f"{size or 'as trained'}: {shown} ({solved} of {len(wrong)} seeds without any)"
        )
    return "<br>".join(tests)


def _short(value: float) -> str:
    if value == 0:
        return "0"
    return f"{value:.2f}" if value < 10 else f"{value:.0f}"


def starts() -> str:
    """Return how many updates each start of the memory took to one wrong bit a sequence."""
    lines = [
        "| task and start | updates to at most 1 wrong bit, each seed | median | command |",
        "|---|---|---|---|",
    ]
    for name, entries in checkpoints.study("memory-start").items():
        reached = [reached_at(entry["curve"]) for entry in entries]
        counted = sorted(step if step is not None else float("inf") for step in reached)
        middle = statistics.median(counted)
        shown = ", ".join("–" if step is None else f"{step:,}" for step in reached)
        median = "not reached" if middle == float("inf") else f"{middle:,.0f}"
        command = entries[0]["command"]
        lines.append(f"| {name.replace('-', ', ')} | {shown} | {median} | `{command}` |")
    return "\n".join(lines)


def lntm_starts() -> str:
    """Return how many questions an L-NTM got right after each start of its memory."""
    lines = [
        "| L-NTM's start | generated qa1, held out, each seed | median | command |",
        "|---|---|---|---|",
    ]
    for name, entries in checkpoints.study("lntm-start").items():
        right = [entry["measured"][0]["accuracy"] for entry in entries]
        shown = ", ".join(f"{value:.1%}" for value in right)
        median = f"{statistics.median(right):.1%}"
        command = entries[0]["command"]
        lines.append(f"| {name.removeprefix('lntm-')} | {shown} | {median} | `{command}` |")
    return "\n".join(lines)


def reached_at(curve: list[dict], bits: float = 1.0) -> int | None:
    """Return the first measured update with so few wrong bits a sequence, or None."""
    return next((p["step"] for p in curve if p["wrong_bits_per_sequence"] <= bits), None)
