"""Train machines of random sizes with random settings: does any end in a NaN without a word?

    python -m tools.fuzz --count 200

Each configuration makes a few updates. It must end finished and finite, or with the message of
``NotFinite``; then the state that was kept is loaded anew and must be finite and at the step of
the message. Writes data/studies/fuzz.json.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections import Counter

import numpy as np
import torch
from tqdm import tqdm

from lessons_lib import checkpoints, records
from lessons_lib.recipes import Recipe
from lessons_lib.training import NotFinite, Training

RESULTS = checkpoints.DATA / "studies" / "fuzz.json"


def configuration(number: int, seed: int = 0) -> Recipe:
    """Draw a recipe: any machine of sizes 1 to 64, any task up to 200 steps, any learning rate."""
    random = np.random.default_rng((seed, number))

    def size(most: int, least: int = 1) -> int:
        return round(np.exp(random.uniform(np.log(least), np.log(most))))

    model = {"slots": size(64), "width": size(64), "hidden_size": size(64)}
    if random.random() < 0.7:
        model |= {
            "kind": "NTM",
            "controller": str(random.choice(["lstm", "feedforward"])),
            "read_heads": size(4),
            "write_heads": size(4),
            "memory_init": str(random.choice(["constant", "learned", "random"])),
            "initial_weights": str(random.choice(["first", "learned"])),
            "head_gain": float(10 ** random.uniform(-1, 1)),
            "strength_bias": float(random.uniform(-10, 50)),
            "shift_bias": float(random.uniform(-10, 10)),
            "stay_bias": float(random.uniform(-10, 10)),
            "gate_bias": float(random.uniform(-10, 10)),
            "match_keys": bool(random.random() < 0.5),
            "read_gain": float(10 ** random.uniform(-1, 1)),
            "fast": bool(random.random() < 0.8),
        }
    else:
        model |= {
            "kind": "LNTM",
            "read_pointers": size(32),
            "kernel_size": int(random.choice([1, 3, 7])),
            "feed_reads": bool(random.random() < 0.5),
            "memory_init": str(random.choice(["gaussian", "drawn", "constant"])),
            "normalise": bool(random.random() < 0.3),
            "memory_scale": float(10 ** random.uniform(-4, 4)),
            "content_keys": str(random.choice(["shared", "own"])),
        }
    length = size(200)
    data = {
        "copy": {"min_length": max(1, length // 2), "max_length": max(1, length // 2)},
        "repeat-copy": {"max_length": max(1, length // 10), "max_repeats": 9},
        "associative-recall": {"max_items": max(2, length // 4)},
        "dynamic-ngrams": {"context": 3, "length": max(4, length)},
        "priority-sort": {"items": max(1, length // 2), "keep": max(1, length // 4)},
    }
    task = str(random.choice(list(data)))
    return Recipe(
        f"fuzz-{number}",
        model,
        {"task": task, "held_out": 2, **data[task]},
        steps=8,
        batch_size=size(16),
        learning_rate=float(10 ** random.uniform(-5, 3)),
        beta2=float(random.choice([0.9, 0.95, 0.999])),
        clip=float(10 ** random.uniform(-2, 6)),
        measure_every=4,
    )


def outcome(recipe: Recipe, seed: int = 0) -> dict:
    """Train, and say how it ended; raises AssertionError where something was lost or unsaid."""
    with tempfile.TemporaryDirectory() as folder:
        training = Training(recipe, seed=seed, out=folder)
        ended = {"recipe": recipe.as_dict(), "seed": seed}
        try:
            record = training.run(progress=False)
            assert record["steps"] == recipe.steps, record["steps"]
            assert all(np.isfinite(point["loss"]) for point in record["curve"]), record["curve"]
            ended["ended"] = "finished"
        except NotFinite as error:
            ended |= {"ended": "stopped", "message": str(error).replace(folder, "FOLDER")}
        kept = "the parameters of the step before are kept"
        assert ended["ended"] == "finished" or kept in ended["message"], ended
        again = Training(recipe, seed=seed, out=folder)
        assert again.step == training.step, (again.step, training.step)
        for name, value in again.model.state_dict().items():
            assert value.isfinite().all(), f"{name} is not finite after {ended['ended']}"
            assert torch.equal(value, training.model.state_dict()[name]), name
    return {**ended, "step": again.step}


def main() -> None:
    """Run the configurations and write what came of each."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0, help="of the configurations")
    options = parser.parse_args()
    torch.set_num_threads(1)
    begun = time.perf_counter()
    found = [outcome(configuration(number, options.seed)) for number in tqdm(range(options.count))]
    counts = dict(Counter(entry["ended"] for entry in found))
    content = {
        "command": f"python -m tools.fuzz --count {options.count} --seed {options.seed}",
        "seconds": round(time.perf_counter() - begun, 1),
        "versions": records.versions(),
        "hardware": records.hardware(),
        "counts": counts,
        "stopped": [entry for entry in found if entry["ended"] == "stopped"],
    }
    records.write_json(RESULTS, content)
    print(counts)


if __name__ == "__main__":
    main()
