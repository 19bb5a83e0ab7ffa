"""Are the generated stories like the real ones? Ask models that were trained on them.

For each task, models trained on generated stories answer generated held-out questions and the real
valid ones. A faithful generator makes no difference beyond chance. Needs the bAbI archive:

    python -m tools.faithfulness tasks_1-20_v1-2.tar.gz --tasks qa1 qa6 --seeds 0 1 2

Results are added to data/faithfulness.json, one entry a task and seed.
"""

from __future__ import annotations

import argparse
import json
import math
import platform
from pathlib import Path

import torch

from lessons_lib import babi, checkpoints, records, stories
from lessons_lib.evaluate import evaluate_stories, wilson
from lessons_lib.recipes import Recipe
from lessons_lib.training import Training

RESULTS = checkpoints.DATA / "faithfulness.json"
STEPS = {"qa1": 4000, "qa2": 700, "qa3": 1000, "qa6": 4000}  # 2 and 3 are long; the others 2000
GENERATED = 10_000


def recipe(task: str) -> Recipe:
    """Return the training of this study; what it reaches matters less than that it is the same."""
    return Recipe(
        f"faithful-{task}",
        {"kind": "LSTM", "input_size": 64, "hidden_size": 128},
        {"task": task, "questions": 30_000},
        steps=STEPS.get(task, 2000),
        learning_rate=3e-3,
        decay="cosine",
        measure_every=4000,
    )


def study(archive: Path, task: str, seed: int) -> dict:
    """Train once and measure on both; returns one entry of the results."""
    training = Training(recipe(task), seed=seed)
    record = training.run(progress=False)
    vocabulary = training.problem.vocabulary
    generated = stories.generate(task, GENERATED, seed=seed, split="test")
    real = babi.load(archive, task, "valid")
    sets = {"generated": generated, "real": real}
    if split_exists(archive, task):
        seen = set(stories.overlap(babi.load(archive, task, "train"), real))
        if seen:
            sets["real_new"] = [item for at, item in enumerate(real) if at not in seen]
    found = {
        name: evaluate_stories(training.model, vocabulary, part) for name, part in sets.items()
    }
    for result in found.values():
        result["interval"] = wilson(result["right"], result["examples"])
    found["difference"] = difference(found["real"], found["generated"])
    return {
        "task": task,
        "seed": seed,
        **found,
        "record": {**record, "curve": record["curve"][-1:]},
    }


def split_exists(archive: Path, task: str) -> bool:
    """Whether the archive has a train file of the task (en-valid-10k lacks that of qa3)."""
    return any(key[1:] == (task, "train") for key in babi.contents(archive))


def difference(real: dict, generated: dict) -> dict:
    """Return real minus generated accuracy with its 95% interval (Newcombe 1998, method 10)."""
    (low_r, high_r), (low_g, high_g) = real["interval"], generated["interval"]
    r, g = real["accuracy"], generated["accuracy"]
    return {
        "value": r - g,
        "low": r - g - math.hypot(r - low_r, high_g - g),
        "high": r - g + math.hypot(high_r - r, g - low_g),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("archive", type=Path)
    parser.add_argument("--tasks", nargs="+", default=list(stories.TASKS))
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    for task in options.tasks:
        for seed in options.seeds:
            entry = study(options.archive, task, seed)
            old = json.loads(RESULTS.read_text())["entries"] if RESULTS.exists() else []
            kept = [e for e in old if (e["task"], e["seed"]) != (task, seed)]
            kept = sorted([*kept, entry], key=lambda e: (int(e["task"][2:]), e["seed"]))
            command = "python -m tools.faithfulness ARCHIVE"
            records.write_json(
                RESULTS, {"command": command, "python": platform.python_version(), "entries": kept}
            )
            shown = {name: entry[name]["accuracy"] for name in ("generated", "real")}
            print(task, seed, shown, entry["difference"], flush=True)


if __name__ == "__main__":
    main()
