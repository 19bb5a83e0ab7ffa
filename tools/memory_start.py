"""How does the memory's starting content change learning? Copy, three starts, several seeds.

    python -m tools.memory_start --seeds 0 1 2

Writes data/studies/memory_start.json: one entry a start and seed, with its curve of wrong bits.
The claim under test is that of Collier & Beel 2018 (arXiv 1807.08518).
"""

from __future__ import annotations

import argparse

import torch

from lessons_lib import checkpoints, records
from lessons_lib.recipes import Recipe
from lessons_lib.training import Training

RESULTS = checkpoints.DATA / "studies" / "memory_start.json"
STARTS = ("constant", "learned", "random")


def recipe(start: str, steps: int) -> Recipe:
    """Return the training of this study: short lists on a short tape."""
    return Recipe(
        f"memory-start-{start}",
        {"kind": "NTM", "controller": "feedforward", "slots": 24, "memory_init": start},
        {"task": "copy", "max_length": 10},
        steps=steps,
        batch_size=16,
        measure_every=100,
    )


def main() -> None:
    """Train every start with every seed and write the file after each."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--steps", type=int, default=2000)
    options = parser.parse_args()
    torch.set_num_threads(1)
    entries = []
    for seed in options.seeds:
        for start in STARTS:
            record = Training(recipe(start, options.steps), seed=seed).run(progress=False)
            command = f"python -m tools.memory_start --seeds {seed} --steps {options.steps}"
            entries.append({"memory_init": start, "seed": seed, **record, "command": command})
            records.write_json(
                RESULTS, {"command": "python -m tools.memory_start", "entries": entries}
            )
            print(start, seed, record["curve"][-1]["wrong_bits_per_sequence"], flush=True)


if __name__ == "__main__":
    main()
