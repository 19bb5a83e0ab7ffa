"""What rules without a network score on the real questions, beside every trained model.

    python -m tools.babi_rules tasks_1-20_v1-2.tar.gz

One rule always gives the commonest answer of the training questions; one names the place of the
last statement; one the place where the thing asked for was last taken or put down. Writes
data/babi_rules.json.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

from lessons_lib import babi, checkpoints, records, stories
from lessons_lib.babi import Question

RESULTS = checkpoints.DATA / "babi_rules.json"
TASKS = ("qa1", "qa2", "qa6", "qa9", "qa15", "qa20")


def share(answers: Iterable[str], questions: Sequence[Question]) -> float:
    """Return the share of the questions with these answers."""
    right = [said == item.answer for said, item in zip(answers, questions, strict=True)]
    return sum(right) / len(right)


def score(archive: Path, task: str) -> dict:
    """Return what the rules score on the valid questions of a task."""
    train, valid = babi.load(archive, task, "train"), babi.load(archive, task, "valid")
    commonest = stories.majority_answer(train)
    return {
        "task": task,
        "questions": len(valid),
        "commonest_answer": share([commonest] * len(valid), valid),
        "last_place": share(map(stories.last_statement_place, valid), valid),
        "last_touch": share(map(stories.last_touch_place, valid), valid),
    }


def main() -> None:
    """Score the rules and write the record."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("archive", type=Path, help="bAbI: a .tar.gz, a folder or a file")
    begun = time.perf_counter()
    archive = parser.parse_args().archive
    entries = [score(archive, task) for task in TASKS]
    for entry in entries:
        print(
            "{task:<6}{commonest_answer:>8.1%}{last_place:>8.1%}{last_touch:>8.1%}".format(**entry)
        )
    about = {
        "command": "python -m tools.babi_rules ARCHIVE",
        "versions": records.versions(),
        "hardware": records.hardware(),
        "seconds": round(time.perf_counter() - begun, 1),
    }
    records.write_json(RESULTS, {**about, "entries": entries})


if __name__ == "__main__":
    main()
