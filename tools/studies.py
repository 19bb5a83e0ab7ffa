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

from lessons_lib import checkpoints, records, stories
from lessons_lib.evaluate import evaluate_stories, evaluate_task
from lessons_lib.problems import TaskProblem
from lessons_lib.recipes import Recipe, find
from lessons_lib.sweeps import sweep
from lessons_lib.training import Training

FOLDER = checkpoints.DATA / "studies"
FIRST_TEST_SEED = 1000  # a training's own held-out sequences have the seeds 0 to 9


@dataclass(frozen=True)
class Study:
    """What is trained, with which seeds, and what is measured on every finished machine.

    ``tests`` are one measurement each: the options of ``evaluate_task``; for stories ``count`` of
    generated questions, or ``source`` and ``split`` of real ones.
    """

    about: str
    recipes: Sequence[Recipe]
    seeds: Sequence[int]
    tests: Sequence[dict]


def _starts(recipe: Recipe, choices: Sequence[str], name: str) -> list[Recipe]:
    """Return a recipe with each of the memory's starts."""
    return [
        recipe.changed(name=f"{name}-{start}", model={**recipe.model, "memory_init": start})
        for start in choices
    ]


def studies() -> dict[str, Study]:
    """Return the studies by name."""
    live, ten, five = find("copy-live"), range(10), range(5)
    alone = {"model": find("lstm-recall").model, "learning_rate": 3e-3, "beta2": 0.999}
    alone["run_slots"] = None
    longer = [{"length": a, "repeats": b} for a, b in ((10, 10), (20, 10), (10, 20))]
    solved = [{"count": 500}, {"count": 50, "length": 120}]
    lstm = {**live.model, "controller": "lstm"}
    copy = live.changed(model=lstm, steps=1500, measure_every=50, run_slots=None)
    recall = find("ntm-lstm-recall").changed(measure_every=50, run_slots=None)
    ntm_starts = ("constant", "learned", "random")
    told = find("lntm-qa1").changed(steps=3000, measure_every=250, stop_at=None)
    return {
        "copy-live": Study(
            "copy in half a minute, and the same with Adam's usual memory of past gradients",
            [live, live.changed(name="copy-live-beta2-999", beta2=0.999)],
            ten,
            solved,
        ),
        "copy-live-fresh": Study(
            "copy-live with seeds that nobody looked at while its settings were chosen",
            [live.changed(name="copy-live-fresh")],
            range(10, 20),
            solved,
        ),
        "tasks-copy": Study(
            "copy with an LSTM controller, and with an LSTM alone",
            [find("ntm-lstm-copy"), find("ntm-lstm-copy").changed(name="lstm-copy", **alone)],
            five,
            solved,
        ),
        "tasks-recall": Study(
            "associative recall by NTM with both controllers and by an LSTM",
            [find("ntm-ff-recall"), find("ntm-lstm-recall"), find("lstm-recall")],
            five,
            [{"count": 500}, *({"count": 100, "items": items} for items in (6, 10, 15, 20))],
        ),
        "tasks-repeat": Study(
            "repeat copy by NTM with a feed-forward controller and by an LSTM",
            [find("ntm-ff-repeat"), find("lstm-repeat")],
            five,
            [{"count": 500}, *({"count": 100, **size} for size in longer)],
        ),
        "clip-outputs": Study(
            "copy without the clipping of the controller's outputs",
            [live.changed(name="copy-unclipped", model={**live.model, "clip": 1e9})],
            ten,
            solved,
        ),
        "memory-start": Study(
            "copy and associative recall from a constant, a learned and a random memory",
            [*_starts(copy, ntm_starts, "copy"), *_starts(recall, ntm_starts, "recall")],
            ten,
            [{"count": 500}],
        ),
        "lntm-start": Study(
            "L-NTM on generated qa1 from a Gaussian and a constant memory",
            _starts(told, ("gaussian", "constant"), "lntm"),
            range(5),
            [{"count": 1000}],
        ),
    }


def measure(tests: Sequence[dict], training: Training) -> list[dict]:
    """Measure a finished training: its options and its result, for each test."""
    model, problem = training.finished_model(), training.problem
    seed = FIRST_TEST_SEED + training.seed
    if isinstance(problem, TaskProblem):
        return [{**test, **evaluate_task(model, problem.task, seed=seed, **test)} for test in tests]
    task, found = training.recipe.data["task"], []
    for test in tests:
        if "source" in test:
            questions = problem.read(test["source"], test["split"])
        else:
            questions = stories.generate(task, test["count"], seed=seed, split="test")
        found.append({**test, **evaluate_stories(model, problem.vocabulary, questions)})
    return found


def run(name: str, study: Study, jobs: int, again: bool) -> None:
    """Train and measure what is missing, and write the file after each recipe."""
    path = FOLDER / f"{name}.json"
    old = [] if again or not path.exists() else json.loads(path.read_text())["entries"]
    entries = {(entry["recipe"]["name"], entry["seed"]): entry for entry in old}
    for recipe in study.recipes:
        found = {seed: entries.get((recipe.name, seed)) for seed in study.seeds}
        missing = [s for s, e in found.items() if e is None or Recipe.of_record(e) != recipe]
        if missing:
            tests = functools.partial(measure, study.tests)
            for record in sweep(recipe, missing, jobs=jobs, measure=tests):
                record["command"] = f"python -m tools.studies {name}"
                entries[recipe.name, record["seed"]] = record
        order = [(recipe.name, seed) for recipe in study.recipes for seed in study.seeds]
        kept = [entries[key] for key in order if key in entries]
        about = {"command": f"python -m tools.studies {name}", "about": study.about}
        records.write_json(path, {**about, "entries": kept})


def report(name: str) -> str:
    """Return a line for every recipe and seed of a study."""
    lines = []
    for entry in json.loads((FOLDER / f"{name}.json").read_text())["entries"]:
        found = entry.get("stopped") or "; ".join(_told(test) for test in entry["measured"])
        seconds = entry["cpu_seconds"]
        lines.append(f"{entry['recipe']['name']:<28} {entry['seed']}  {seconds:6.1f} s  {found}")
    return "\n".join(lines)


def _told(test: dict) -> str:
    if "accuracy" in test:
        return f"{test.get('split', 'generated')} {test['accuracy']:.1%} right"
    size = test.get("length", test.get("items", ""))
    failed = test["examples"] - test["perfect_sequences"]
    wrong = test["wrong_bits_per_sequence"]
    return f"{size!s:>4} {wrong:8.3f} wrong bits, {failed} of {test['examples']} fail"


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
