"""The tables of bAbI: the paper beside every seed of ours, and what settings change."""

from __future__ import annotations

import json
import statistics

from lessons_lib import checkpoints
from lessons_lib.claims import LNTM_PAPER
from tools import babi_rules

MODELS = {  # the end of a recipe's name: what it is, and the paper's column
    "lstm-brief": ("LSTM, 10 passes", "lstm"),
    "lstm": ("LSTM", "lstm"),
    "ntm": ("NTM", "ntm"),
    "lntm8": ("L-NTM, R = 8", "lntm"),
    "lntm16": ("L-NTM, R = 16", "lntm"),
    "lntm32": ("L-NTM, R = 32", "lntm"),
}


def table() -> str:
    """Return a line for each rule and each model of each task."""
    lines = [
        "| task | model | paper | median (each seed) | passes | CPU time of a seed | command |",
        "|---|---|---|---|---|---|---|",
    ]
    rules = json.loads(babi_rules.RESULTS.read_text(encoding="utf-8"))
    for entry in rules["entries"]:
        lines += _rules(entry, rules["command"])
        for which in ("-no-decay", "", "-with-qa1"):
            trainings = _recorded(f"babi-{entry['task']}{which}")
            lines += [_model(name, entries) for name, entries in trainings.items()]
    return "\n".join(lines)


def _recorded(study: str) -> dict[str, list[dict]]:
    """Return a study's records, none where it has not been run."""
    try:
        return checkpoints.study(study)
    except FileNotFoundError:
        return {}


def _rules(entry: dict, command: str) -> list[str]:
    named = {
        "commonest answer": "commonest_answer",
        "place named last": "last_place",
        "place of the last touch": "last_touch",
    }
    statements = entry["named_lately_statements"]
    named[f"place named in the last {statements} sentences with one"] = "named_lately"
    return [
        f"| {entry['task']} | rule: {rule} | | {entry[key]:.1%} | | | `{command}` |"
        for rule, key in named.items()
        if entry[key] > 0
    ]


def _model(name: str, entries: list[dict]) -> str:
    task, _, kind = name.partition("-")
    words, column = MODELS[kind]
    claim = getattr(LNTM_PAPER[task], column)
    right = [accuracy(entry) for entry in entries]
    first = entries[0]
    minutes = statistics.median(entry["cpu_seconds"] for entry in entries) / 60
    each = ", ".join(f"{value:.1%}" for value in right)
    decay, beside = first["recipe"]["weight_decay"], first["recipe"]["data"].get("beside", ())
    words += f", weight decay {decay:g}" if decay else ""
    cells = [
        task,
        ", ".join([words, *(f"{other} first" for other in beside)]),
        "" if claim is None else f"{claim:g}%",
        f"**{statistics.median(right):.1%}** ({each})",
        f"{_passes(first):.0f}",
        f"{minutes:.1f} min",
        f"`{first['command']}`",
    ]
    return f"| {' | '.join(cells)} |"


def accuracy(entry: dict) -> float:
    """Return the share right of the real valid questions."""
    return entry["measured"][0]["accuracy"]


def _passes(entry: dict) -> float:
    """Return how often a training saw each question of its task."""
    updates = entry["steps"] - entry["recipe"]["data"].get("beside_first", 0)
    return updates * entry["recipe"]["batch_size"] / entry["examples"]


def choice() -> str:
    """Return what was tried, on held-out training questions."""
    lines = ["| L-NTM, R = 8, or LSTM | on | held out | CPU time |", "|---|---|---|---|"]
    for which in ("", "-qa2", "-qa2-lstm", "-qa6", "-qa9", "-qa15"):
        for name, (entry,) in _recorded(f"babi-choice{which}").items():
            right, minutes = entry["curve"][-1]["accuracy"], entry["cpu_seconds"] / 60
            words = name
            if name == "chosen":
                decay = entry["recipe"]["weight_decay"]
                words = "the settings that the other lines change"
                words += f", weight decay {decay:g}" if decay else ""
            if entry["recipe"]["model"]["kind"] == "LSTM":
                words = f"LSTM: {words}"
            task = entry["recipe"]["data"]["task"]
            lines.append(f"| {words} | {task} | {right:.1%} | {minutes:.1f} min |")
    return "\n".join(lines)


def data() -> str:
    """Return what ten times the data does to each model at the same number of updates."""
    lines = [
        "| model | questions, passes | generated, held out, each seed | real valid, each seed |",
        "|---|---|---|---|",
    ]
    for name, entries in checkpoints.study("babi-data").items():
        kind, _, questions = name.partition("-")
        tests = zip(*(entry["measured"] for entry in entries), strict=True)
        shown = [", ".join(f"{found['accuracy']:.1%}" for found in test) for test in tests]
        size = f"{int(questions):,}, {_passes(entries[0]):.3g}"
        lines.append(f"| {MODELS[kind][0]} | {size} | {' | '.join(shown)} |")
    return "\n".join(lines)
