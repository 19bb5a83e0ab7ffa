"""The studies behind the lessons' tables: recipes, seeds chosen beforehand, and what is measured.

    python -m tools.studies copy-live --jobs 2
    python -m tools.studies --list

A study writes data/studies/NAME.json: an entry a recipe and seed, each with its run record, its
curve and what was measured afterwards with the weights fixed. What is finished is not run again,
so a study that was interrupted goes on; ``--again`` starts anew.
"""

from __future__ import annotations

import argparse
import functools
import json
from collections.abc import Sequence
from dataclasses import dataclass

from lessons_lib import checkpoints, records
from lessons_lib.evaluate import evaluate_task
from lessons_lib.recipes import Recipe, find
from lessons_lib.sweeps import sweep
from lessons_lib.training import Training

FOLDER = checkpoints.DATA / "studies"
FIRST_TEST_SEED = 1000  # a training's own held-out sequences have the seeds 0 to 9
FEEDFORWARD = {"kind": "NTM", "controller": "feedforward"}


@dataclass(frozen=True)
class Study:
    """What is trained, with which seeds, and what is measured on every finished machine.

    ``tests`` are the options of ``evaluate_task``, one measurement each.
    """

    about: str
    recipes: Sequence[Recipe]
    seeds: Sequence[int]
    tests: Sequence[dict]


def _starts(task: str, **changes) -> list[Recipe]:
    """Return the recipes of one task from a constant, a learned and a random memory."""
    live = find("copy-live")
    return [
        live.changed(
            name=f"{task}-from-{start}",
            model={**live.model, "slots": 24, "memory_init": start},
            **changes,
        )
        for start in ("constant", "learned", "random")
    ]


def studies() -> dict[str, Study]:
    """Return the studies by name."""
    live = find("copy-live")
    solved = [{"count": 500}, {"count": 50, "length": 120}]
    return {
        "copy-live": Study(
            "copy in half a minute, and the same with Adam's usual memory of past gradients",
            [live, live.changed(name="copy-live-beta2-999", beta2=0.999)],
            range(10),
            solved,
        ),
    }


def measure(tests: Sequence[dict], training: Training) -> list[dict]:
    """Measure a finished training: its options and its result, for each test."""
    model, task = training.finished_model(), training.problem.task
    seed = FIRST_TEST_SEED + training.seed
    return [{**test, **evaluate_task(model, task, seed=seed, **test)} for test in tests]


def run(name: str, study: Study, jobs: int, again: bool) -> None:
    """Train and measure what is missing, and write the file after each recipe."""
    path = FOLDER / f"{name}.json"
    old = [] if again or not path.exists() else json.loads(path.read_text())["entries"]
    entries = {(entry["recipe"]["name"], entry["seed"]): entry for entry in old}
    for recipe in study.recipes:
        wanted = recipe.as_dict()
        missing = [
            seed
            for seed in study.seeds
            if entries.get((recipe.name, seed), {}).get("recipe") != wanted
        ]
        if missing:
            tests = functools.partial(measure, study.tests)
            for record in sweep(recipe, missing, jobs=jobs, measure=tests):
                record["command"] = f"python -m tools.studies {name}"
                entries[recipe.name, record["seed"]] = record
        order = [(recipe.name, seed) for recipe in study.recipes for seed in study.seeds]
        done = [entries[key] for key in order if key in entries]
        about = {"command": f"python -m tools.studies {name}", "about": study.about}
        records.write_json(path, {**about, "entries": done})


def report(name: str) -> str:
    """Return a line for every recipe and seed of a study."""
    lines = []
    for entry in json.loads((FOLDER / f"{name}.json").read_text())["entries"]:
        found = entry.get("stopped") or "; ".join(
            f"{test.get('length', test.get('items', ''))!s:>4} "
            f"{test['wrong_bits_per_sequence']:8.3f} wrong bits, "
            f"{test['examples'] - test['perfect_sequences']} of {test['examples']} fail"
            for test in entry["measured"]
        )
        seconds = entry["cpu_seconds"]
        lines.append(f"{entry['recipe']['name']:<28} {entry['seed']}  {seconds:6.1f} s  {found}")
    return "\n".join(lines)


def main() -> None:
    """Run the studies named on the command line."""
    known = studies()
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", choices=[[], *known], metavar="NAME")
    parser.add_argument("--list", action="store_true", help="show the studies and leave")
    parser.add_argument("--jobs", type=int, default=1, help="trainings at once (default: 1)")
    parser.add_argument("--again", action="store_true", help="forget what is on record")
    options = parser.parse_args()
    for name, study in known.items():
        if options.list:
            runs = len(study.recipes) * len(study.seeds)
            print(f"{name:<20} {runs:>3} trainings: {study.about}")
        elif name in options.names:
            run(name, study, options.jobs, options.again)
            print(report(name))


if __name__ == "__main__":
    main()
