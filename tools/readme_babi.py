"""The tables of bAbI: the paper beside every seed of ours, and what settings change."""

from __future__ import annotations

import json
import statistics

from lessons_lib import checkpoints
from lessons_lib.claims import LNTM_PAPER
from lessons_lib.lookups import LOOKUPS
from tools import babi_rules

MODELS = {  # the end of a recipe's name: what it is, and the paper's column
    "lstm-brief": ("LSTM, 10 passes", "lstm"),
    "lstm": ("LSTM", "lstm"),
    "ntm": ("NTM", "ntm"),
    "lntm8": ("L-NTM, R = 8", "lntm"),
    "lntm16": ("L-NTM, R = 16", "lntm"),
    "lntm32": ("L-NTM, R = 32", "lntm"),
}


TAUGHT = {  # what brought an L-NTM nearest to the paper's, where it did not get there alone
    "qa2": "babi-qa2-retold",
    "qa6": "babi-qa6-with-qa1",
    "qa9": "babi-qa9-with-qa1",
    "qa15": "babi-qa15-longer",
    "qa20": "babi-qa20-lookups",
}


def headline() -> tuple[str, str, str]:
    """Return the line of all tasks: what it is, medians of the L-NTM, command."""
    found, ran = [], []
    for task, claim in LNTM_PAPER.items():
        studies = [f"babi-{task}", *([TAUGHT[task]] if task in TAUGHT else [])]
        ran += studies
        each = [checkpoints.study(study)[f"{task}-lntm8"] for study in studies]
        medians = [f"{statistics.median(map(accuracy, entries)):.1%}" for entries in each]
        found.append(f"{task} {' → '.join(medians)} ({claim.lntm:g}%)")
    what = (
        "real bAbI, L-NTM, median of 3 seeds: alone → with other questions first, stories told of "
        "other names, or both (paper)"
    )
    return what, ", ".join(found), f"python -m tools.studies {' '.join(ran)}"


def table() -> str:
    """Return a line for each rule and each model of each task."""
    lines = [
        "| task | model | paper | median (each seed) | passes | CPU time of a seed | command |",
        "|---|---|---|---|---|---|---|",
    ]
    rules = json.loads(babi_rules.RESULTS.read_text(encoding="utf-8"))
    for entry in rules["entries"]:
        lines += _rules(entry, rules["command"])
        for which in ("-no-decay", "", "-with-qa1", "-retold", "-lookups", "-longer"):
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
        "what most people of the story fear": "feared_by_most",
        "the last motive that fits": "last_motive",
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
    decay = first["recipe"]["weight_decay"]
    words += f", weight decay {decay:g}" if decay else ""
    cells = [
        task,
        ", ".join([words, *_taught(first)]),
        "" if claim is None else f"{claim:g}%",
        f"**{statistics.median(right):.1%}** ({each})",
        f"{_passes(first):.0f}",
        f"{minutes:.1f} min",
        f"`{first['command']}`",
    ]
    return f"| {' | '.join(cells)} |"


def _taught(entry: dict) -> list[str]:
    """Say what a training was given beside the task's own questions, and how long it took then."""
    data = entry["recipe"]["data"]
    first = [one for one in data.get("beside", ()) if one not in LOOKUPS]
    if len(first) < len(data.get("beside", ())):
        first.append("look-ups")
    words = [f"{one} first" for one in first] + ["retold"] * bool(data.get("retold"))
    return [*words, f"{entry['steps']:,} updates"] if words and entry["steps"] > 4000 else words


def accuracy(entry: dict) -> float:
    """Return the share right of the real valid questions."""
    return entry["measured"][0]["accuracy"]


def _passes(entry: dict) -> float:
    """Return how often a training saw each question of its task, retold or not."""
    data = entry["recipe"]["data"]
    updates = entry["steps"] - data.get("beside_first", 0)
    told = 1 + data.get("retold", 0)
    return told * updates * entry["recipe"]["batch_size"] / entry["examples"]


def choice() -> str:
    """Return what was tried, on held-out training questions."""
    lines = ["| L-NTM, R = 8, or LSTM | on | held out | CPU time |", "|---|---|---|---|"]
    for which in ("", "-qa2", "-qa2-lstm", "-qa6", "-qa9", "-qa15", "-qa20"):
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
