"""What rules without a network score on the real questions, beside every trained model.

    python -m tools.babi_rules tasks_1-20_v1-2.tar.gz

One rule always gives the commonest answer of the training questions; one names the place of the
last statement; one the place where the thing asked for was last taken or put down; one answers
whether the place asked for was named lately, whoever went there, where how lately is chosen on the
training questions. Two more forget whose animal or motive is whose: one says what most people of
the story fear, one the last motive that fits. Writes data/babi_rules.json.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

from lessons_lib import babi, checkpoints, records, stories
from lessons_lib.babi import Question

LATELY = range(1, 9)  # statements
RESULTS = checkpoints.DATA / "babi_rules.json"
RULES = (
    "commonest_answer",
    "last_place",
    "last_touch",
    "named_lately",
    "feared_by_most",
    "last_motive",
)
TASKS = ("qa1", "qa2", "qa6", "qa9", "qa15", "qa20")


def share(answers: Iterable[str], questions: Sequence[Question]) -> float:
    """Return the share of the questions with these answers."""
    right = [said == item.answer for said, item in zip(answers, questions, strict=True)]
    return sum(right) / len(right)


def score(archive: Path, task: str) -> dict:
    """Return what the rules score on the valid questions of a task."""
    train, valid = babi.load(archive, task, "train"), babi.load(archive, task, "valid")
    commonest = stories.majority_answer(train)
    named, statements = max((_named_lately(train, count), count) for count in LATELY)
    return {
        "task": task,
        "questions": len(valid),
        "commonest_answer": share([commonest] * len(valid), valid),
        "last_place": share(map(stories.last_statement_place, valid), valid),
        "last_touch": share(map(stories.last_touch_place, valid), valid),
        "named_lately": _named_lately(valid, statements),
        "named_lately_statements": statements if named else None,
        "feared_by_most": share(map(stories.feared_by_most, valid), valid),
        "last_motive": share(map(stories.last_motive, valid), valid),
    }


def _named_lately(questions: Sequence[Question], statements: int) -> float:
    return share((stories.place_named_lately(item, statements) for item in questions), questions)


def main() -> None:
    """Score the rules and write the record."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("archive", type=Path, help="bAbI: a .tar.gz, a folder or a file")
    begun = time.perf_counter()
    archive = parser.parse_args().archive
    entries = [score(archive, task) for task in TASKS]
    for entry in entries:
        print(entry["task"], *(f"{entry[rule]:8.1%}" for rule in RULES))
    about = {
        "command": "python -m tools.babi_rules ARCHIVE",
        "versions": records.versions(),
        "hardware": records.hardware(),
        "seconds": round(time.perf_counter() - begun, 1),
    }
    records.write_json(RESULTS, {**about, "entries": entries})


if __name__ == "__main__":
    main()
