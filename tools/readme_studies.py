"""README's tables of the studies: every seed of every recipe, from data/studies."""

from __future__ import annotations

import statistics
from collections.abc import Callable

from lessons_lib import checkpoints

TASKS = {
    "copy-live": "Copy, live in lesson 5",
    "copy-live-fresh": "The same, with seeds that nobody had looked at",
    "tasks-copy": "Copy, an LSTM controller and an LSTM alone",
    "tasks-recall": "Associative recall",
    "recall-heads": "Associative recall, other starts of the heads",
    "tasks-repeat": "Repeat copy",
    "repeat-reads": "Repeat copy, without the stronger reads",
    "tasks-sort": "Priority sort",
    "sort-reads": "Priority sort, without one of the two starts of the reads",
    "clip-outputs": "Copy without clipping of the controller's outputs",
    "clip-recall": "Associative recall without it",
}
NGRAMS = ("tasks-ngrams", "ngrams-heads")
SIZES = ("length", "items", "repeats", "slots")


def tasks() -> str:
    """Return the tasks of the NTM paper: wrong bits of every seed, as trained and beyond."""
    return "\n\n".join(f"**{title}**\n\n{_wrong_bits(study)}" for study, title in TASKS.items())


def _wrong_bits(study: str) -> str:
    """Return a study's table: a row each training, a column each test, in it all seeds."""
    trainings = checkpoints.study(study)
    heads = [_size(test) for test in next(iter(trainings.values()))[0]["measured"]]
    lines = [
        f"| training | updates, CPU time | {' | '.join(heads)} |",
        "|---|---|" + "---|" * len(heads),
    ]
    for name, entries in trainings.items():
        tests = zip(*(entry["measured"] for entry in entries), strict=True)
        cells = [" ".join(_short(one["wrong_bits_per_sequence"]) for one in test) for test in tests]
        lines.append(f"| `{name}` | {_spent(entries)} | {' | '.join(cells)} |")
    return "\n".join([*lines, "", f"`python -m tools.studies {study}`"])


def _size(test: dict) -> str:
    shown = [f"{key} {test[key]}" for key in SIZES if key in test]
    return ", ".join(shown) or "as trained"


def _spent(entries: list[dict]) -> str:
    seconds = statistics.median(entry["cpu_seconds"] for entry in entries)
    return f"{entries[0]['steps']:,}, {seconds:.0f} s"


def ngrams() -> str:
    """Return the cost of dynamic n-grams for every seed, and how far it is above the best."""
    lines = [
        "| training | updates, CPU time | bits a sequence, each seed | above the best possible |",
        "|---|---|---|---|",
    ]
    for study in NGRAMS:
        for name, entries in checkpoints.study(study).items():
            costs = [entry["measured"][0]["bits_per_sequence"] for entry in entries]
            above = map(bits_above, entries)
            shown = (", ".join(f"{bits:.1f}" for bits in numbers) for numbers in (costs, above))
            lines.append(f"| `{name}` | {_spent(entries)} | {' | '.join(shown)} |")
    return "\n".join([*lines, "", f"`python -m tools.studies {' '.join(NGRAMS)}`"])


def medians(study: str, value: Callable[[dict], float]) -> dict[str, float]:
    """Return by training the median, over the seeds of a study, of a value of its entries."""
    trainings = checkpoints.study(study)
    return {name: statistics.median(map(value, entries)) for name, entries in trainings.items()}


def bits_above(entry: dict) -> float:
    """Return how far n-grams cost above the best possible."""
    found = entry["measured"][0]
    return found["bits_per_sequence"] - found["optimal_bits_per_sequence"]


def wrong_bits(entry: dict) -> float:
    """Return the wrong bits of a sequence as trained."""
    return entry["measured"][0]["wrong_bits_per_sequence"]


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
