"""One recipe with many seeds, each in a process of its own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import torch
from joblib import Parallel, delayed
from tqdm.auto import tqdm

from lessons_lib.recipes import Recipe
from lessons_lib.training import NotFinite, Training


def sweep(
    recipe: Recipe,
    seeds: Sequence[int],
    *,
    out: str | Path | None = None,
    jobs: int = 1,
    threads: int = 1,
    device: str | torch.device = "cpu",
    measure: Callable[[Training], dict] | None = None,
    keep: Callable[[dict], None] | None = None,
    progress: bool = True,
) -> list[dict]:
    """Train a recipe with every seed; what is finished in ``out`` is not trained again.

    Args:
        recipe: what to train.
        seeds: one training each.
        out: folder for states, checkpoints and records; an interrupted sweep goes on there.
        jobs: processes at once.
        threads: of torch, in each process; one is fastest for small models side by side.
        device: where to train.
        measure: called on each finished training, in its process; what it returns is added to
            the record as "measured". A function of a module, so that a process can be sent it.
        keep: called here with each record as soon as it is there, in any order of the seeds.
        progress: show a bar over the seeds.

    Returns:
        A run record a seed, in the order of ``seeds``. A training that met a NaN or an infinity
        has "stopped" in its record, with the message, and its curve so far.
    """
    options = {"out": out, "threads": threads, "device": device, "measure": measure}
    work = Parallel(n_jobs=min(jobs, len(seeds)), return_as="generator_unordered")(
        delayed(_one)(recipe, seed, **options) for seed in seeds
    )
    bar = tqdm(work, total=len(seeds), desc=recipe.name, disable=not progress)
    found = {}
    for record in bar:
        found[record["seed"]] = record
        if keep is not None:
            keep(record)
    return [found[seed] for seed in seeds]


def _one(recipe: Recipe, seed: int, *, out, threads, device, measure) -> dict:
    torch.set_num_threads(threads)
    training = Training(recipe, seed=seed, out=out, device=device)
    try:
        record = training.run(progress=False)
    except NotFinite as error:
        return {**training.record(), "stopped": str(error)}
    return record if measure is None else {**record, "measured": measure(training)}
