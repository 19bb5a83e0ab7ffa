"""Measure every shipped checkpoint and write data/results.json, the figures of README.

    python -m tools.results tasks_1-20_v1-2.tar.gz
    python -m tools.results tasks_1-20_v1-2.tar.gz --missing

Needs the bAbI archive. Each entry holds the command that repeats it. ``--missing`` measures only
what the file lacks, and keeps the rest as it is.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import shlex
import time
from datetime import UTC, datetime
from pathlib import Path

import torch

from lessons_lib import checkpoints, records
from lessons_lib.__main__ import main as command_line

RESULTS = checkpoints.DATA / "results.json"
ARCHIVE = "ARCHIVE"  # stands for the path of the bAbI archive in a recorded command

STORIES = [
    ("lntm-qa1", "qa1"),
    ("ntm-qa1", "qa1"),
    ("lstm-qa1", "qa1"),
    ("lntm-qa2", "qa2"),
    ("lntm-qa6", "qa6"),
    ("lntm-qa6-qa1", "qa6"),
    ("lntm-qa6-qa1", "qa1"),
    ("lntm-qa15", "qa15"),
]
COPY, RECALL, REPEAT = "copy", "associative-recall", "repeat-copy"
NGRAMS, SORT = "dynamic-ngrams", "priority-sort"
SEQUENCES = [  # checkpoint, task, length or items, how many, and the slots if not the usual ones
    ("ntm-copy", COPY, 20, 500),
    ("ntm-copy", COPY, 120, 50),
    ("lstm-copy", COPY, 20, 500),
    ("lstm-copy", COPY, 120, 50),
    ("rnn-copy", COPY, 20, 500),
    ("rnn-copy", COPY, 120, 50),
    ("lntm-copy", COPY, 20, 500),
    ("lntm-copy", COPY, 120, 50),
    ("ntm-ff-recall", RECALL, 6, 500),
    ("ntm-ff-recall", RECALL, 20, 100),
    ("ntm-ff-repeat", REPEAT, 10, 500),
    ("ntm-ff-ngrams", NGRAMS, 200, 500),
    ("ntm-ff-ngrams", NGRAMS, 400, 100),
    ("ntm-ff-sort", SORT, 20, 500),
    ("ntm-ff-sort", SORT, 40, 100),
    ("ntm-ff-sort-pick", SORT, 20, 500),
    ("ntm-ff-sort-pick", SORT, 40, 100, 52),
    ("ntm-lstm-sort", SORT, 20, 500),
    ("ntm-lstm-sort", SORT, 40, 100, 52),
]


def commands() -> list[list[str]]:
    """Return the arguments of every measurement."""
    found = []
    for name, task in STORIES:
        evidence = [] if name.startswith("lstm") else ["--evidence"]
        found.append([name, ARCHIVE, "--task", task, "--split", "valid", *evidence])
        found.append([name, task, "--count", "10000"])
    for name, task, length, count, *slots in SEQUENCES:
        tape = ["--slots", str(*slots)] if slots else []
        found.append([name, task, "--length", str(length), "--count", str(count), *tape])
    return found


def measure(arguments: list[str], archive: Path) -> dict:
    """Run one ``evaluate`` and return what it measured, with the command and the seconds."""
    filled = [str(archive) if item == ARCHIVE else item for item in arguments]
    told, begun = io.StringIO(), time.process_time()
    with contextlib.redirect_stdout(told):
        code = command_line(["evaluate", *filled, "--json"])
    if code:
        raise SystemExit(f"evaluate {shlex.join(filled)} ended with {code}")
    found = json.loads(told.getvalue())
    if ARCHIVE in arguments:
        found["source"] = ARCHIVE
    seconds = round(time.process_time() - begun, 1)
    return {"command": shown(arguments), "cpu_seconds": seconds, **found}


def shown(arguments: list[str]) -> str:
    """Return the command that repeats a measurement."""
    return shlex.join(["python", "-m", "lessons_lib", "evaluate", *arguments])


def known(here: dict) -> dict[str, dict]:
    """Return the file's entries by command, if they were measured with these versions, as here."""
    found = json.loads(RESULTS.read_text(encoding="utf-8"))
    for name, value in here.items():
        if found[name] != value:
            raise SystemExit(f"{RESULTS} has {name} {found[name]}, here are {value}: measure all")
    return {entry["command"]: entry for entry in found["entries"]}


def main() -> None:
    """Measure all, or what is missing, and write the file."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("archive", type=Path)
    parser.add_argument("--missing", action="store_true", help="keep what the file has")
    options = parser.parse_args()
    torch.set_num_threads(1)
    here = {"versions": records.versions(), "hardware": records.hardware()}
    kept = known(here) if options.missing else {}
    entries = [
        kept.get(shown(arguments)) or measure(arguments, options.archive)
        for arguments in commands()
    ]
    content = {
        "command": f"python -m tools.results {ARCHIVE}",
        "date": datetime.now(UTC).date().isoformat(),
        **here,
        "entries": entries,
    }
    records.write_json(RESULTS, content)
    for entry in entries:
        print(
            entry["command"],
            {
                k: entry[k]
                for k in entry
                if k in ("accuracy", "wrong_bits_per_sequence", "perfect_sequences")
            },
        )


if __name__ == "__main__":
    main()
