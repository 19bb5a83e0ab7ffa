"""Measure every shipped checkpoint and write data/results.json, the figures of README.

    python -m tools.results tasks_1-20_v1-2.tar.gz

Needs the bAbI archive. Each entry holds the command that repeats it.
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

STORIES = [("lntm-qa1", "qa1"), ("ntm-qa1", "qa1"), ("lstm-qa1", "qa1"), ("lntm-qa2", "qa2")]
COPIES = [
    ("ntm-copy", 20, 500),
    ("ntm-copy", 120, 50),
    ("lstm-copy", 20, 500),
    ("lstm-copy", 120, 50),
]


def commands() -> list[list[str]]:
    """Return the arguments of every measurement."""
    found = []
    for name, task in STORIES:
        evidence = [] if name.startswith("lstm") else ["--evidence"]
        found.append([name, ARCHIVE, "--task", task, "--split", "valid", *evidence])
        found.append([name, task, "--count", "10000"])
    for name, length, count in COPIES:
        found.append([name, "copy", "--length", str(length), "--count", str(count)])
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
    shown = shlex.join(["python", "-m", "lessons_lib", "evaluate", *arguments])
    return {"command": shown, "cpu_seconds": round(time.process_time() - begun, 1), **found}


def main() -> None:
    """Measure all and write the file."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("archive", type=Path)
    archive = parser.parse_args().archive
    torch.set_num_threads(1)
    entries = [measure(arguments, archive) for arguments in commands()]
    content = {
        "command": f"python -m tools.results {ARCHIVE}",
        "date": datetime.now(UTC).date().isoformat(),
        "versions": records.versions(),
        "hardware": records.hardware(),
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
