"""Run the studies behind the lessons' tables (``study_plans``) and keep every seed.

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
import time
from collections.abc import Sequence

from torch import nn

from lessons_lib import checkpoints, records, stories
from lessons_lib.evaluate import evaluate_stories, evaluate_task
from lessons_lib.problems import TaskProblem
from lessons_lib.recipes import Recipe
from lessons_lib.sweeps import sweep
from lessons_lib.tasks import Task
from lessons_lib.training import Training
from tools.study import Study
from tools.study_plans import studies

FOLDER = checkpoints.DATA / "studies"
FIRST_TEST_SEED = 1000  # a training's own held-out sequences have the seeds 0 to 9


def measure(tests: Sequence[dict], training: Training) -> list[dict]:
    """Measure a finished training: its options and its result, for each test."""
    model, problem = training.finished_model(), training.problem
    seed = FIRST_TEST_SEED + training.seed
    if isinstance(problem, TaskProblem):
        return [_measure_task(model, problem.task, seed, test) for test in tests]
    task, found = training.recipe.data["task"], []
    for test in tests:
        if "source" in test:
            questions = problem.read(test["source"], test["split"])
        else:
            questions = stories.generate(task, test["count"], seed=seed, split="test")
        found.append({**test, **evaluate_stories(model, problem.vocabulary, questions)})
    return found


def _measure_task(model: nn.Module, task: Task, seed: int, test: dict) -> dict:
    """Measure a test of a task, on a tape of ``slots`` where the test names it and there is one."""
    sizes = {key: value for key, value in test.items() if key != "slots"}
    if hasattr(model, "with_slots") and "slots" in test:
        model = model.with_slots(test["slots"])
    else:
        test = sizes
    return {**test, **evaluate_task(model, task, seed=seed, **sizes)}


def run(name: str, study: Study, jobs: int, again: bool) -> None:
    """Train and measure what is missing, and write the file after each training."""
    path = FOLDER / f"{name}.json"
    about = {"command": f"python -m tools.studies {name}", "about": study.about}
    order = [(recipe.name, seed) for recipe in study.recipes for seed in study.seeds]
    old = [] if again or not path.exists() else json.loads(path.read_text())["entries"]
    wanted = {recipe.name: recipe for recipe in study.recipes}
    entries = {
        (entry["recipe"]["name"], entry["seed"]): entry
        for entry in old
        if Recipe.of_record(entry) == wanted.get(entry["recipe"]["name"])
    }

    def keep(record: dict) -> None:
        entries[record["recipe"]["name"], record["seed"]] = {**record, "command": about["command"]}
        write()

    def write() -> None:
        kept = [entries[key] for key in order if key in entries]
        records.write_json(path, {**about, "entries": kept})

    tests = functools.partial(measure, study.tests)
    for recipe in study.recipes:
        missing = [seed for seed in study.seeds if (recipe.name, seed) not in entries]
        if missing:
            sweep(recipe, missing, jobs=jobs, measure=tests, keep=keep)
    write()


def budget(study: Study, updates: int = 20) -> list[dict]:
    """Time a few updates of each recipe, and tell what its seeds will take, in CPU time."""
    found = []
    for recipe in study.recipes:
        training = Training(recipe, seed=0)
        training.step = recipe.steps // 2  # past any curriculum
        for _ in range(3):
            training.update()
        begun = time.process_time()
        for _ in range(updates):
            training.update()
        seconds = (time.process_time() - begun) / updates
        line = {"recipe": recipe.name, "seconds_an_update": round(seconds, 4)}
        if training.problem.examples:
            per_pass = training.problem.examples / recipe.batch_size
            line["seconds_a_pass"] = round(seconds * per_pass, 1)
        minutes = seconds * recipe.steps * len(study.seeds) / 60
        found.append({**line, "minutes_of_all_seeds": round(minutes, 1)})
    return found


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
    parser.add_argument("--budget", action="store_true", help="only tell what it would take")
    parser.add_argument("--again", action="store_true", help="forget what is on record")
    options = parser.parse_args()
    for name, study in known.items():
        if options.list:
            runs = len(study.recipes) * len(study.seeds)
            print(f"{name:<20} {runs:>3} trainings: {study.about}")
        elif name in options.names and options.budget:
            print("\n".join(str(line) for line in budget(study)))
        elif name in options.names:
            run(name, study, options.jobs, options.again)
            print(report(name))


if __name__ == "__main__":
    main()
