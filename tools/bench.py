"""How long does a training step take? NTM and L-NTM against torch's LSTM, measured in one run.

    python -m tools.bench

Prints the ratios and writes data/bench.json, from which README's tables are made. Compared models
take turns, one step each, round after round, and each time is the median of its rounds: a machine
that slows down slows them all. Other work on the machine still disturbs the result, most of all
the short steps; the record holds the load before and after. On a CUDA device (--device cuda) the
two comparisons are measured beside what the file holds of the CPU; the scaling is not.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import torch
from torch.profiler import ProfilerActivity, profile

from lessons_lib import checkpoints, records
from tools import bench_cases as cases
from tools import bench_report
from tools.bench_cases import Case, Plan
from tools.layout import BUILD

RESULTS = checkpoints.DATA / "bench.json"
WARM_UP = 2


def interleaved(
    steps: Sequence[Callable[[], float]], rounds: int, device: str = "cpu"
) -> list[dict]:
    """Time functions in turn, A B C A B C …; returns for each its median and quartiles, seconds."""
    wait = torch.cuda.synchronize if device == "cuda" else _nothing
    taken: list[list[float]] = [[] for _ in steps]
    for turn in range(WARM_UP + rounds):
        for times, step in zip(taken, steps, strict=True):
            wait()
            begun = time.perf_counter()
            step()
            wait()
            if turn >= WARM_UP:
                times.append(time.perf_counter() - begun)
    return [_summary(times) for times in taken]


def _nothing() -> None:
    pass


def _summary(times: list[float]) -> dict:
    low, middle, high = (round(float(q), 7) for q in np.quantile(times, [0.25, 0.5, 0.75]))
    return {"seconds": middle, "quartiles": [low, high]}


def compare(found: list[Case], rounds: int, device: str) -> list[dict]:
    """Time cases against the first of them."""
    times = interleaved([case.step for case in found], rounds, device)
    unit = times[0]["seconds"]
    return [
        {"key": case.key, "words": case.words, **timed, "ratio": timed["seconds"] / unit,
         "target": case.target if device == "cpu" else None}
        for case, timed in zip(found, times, strict=True)
    ]  # fmt: skip


def kept_bytes(forward: Callable[[], object]) -> int:
    """Return the bytes that a forward pass allocated and still holds: what backward needs.

    Counted by torch's profiler: every allocation, less every release, while the result is alive.
    What the operating system says (the largest resident size) would count the allocator's habits
    and the program too.
    """
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as told:
        result = forward()
    held = sum(event.self_cpu_memory_usage for event in told.key_averages())
    del result
    return held


def scaling(plan: Plan) -> dict:
    """Measure time and memory of the NTM's training step over slots, length and batch."""
    points = cases.scaling_points(plan)
    made = [cases.scaling_model(point) for point in points]
    steps = [cases.training_step(model, loss_of) for model, loss_of in made]
    times = interleaved(steps, plan.scaling_rounds)
    entries = [
        {**point, **timed, "kept_bytes": kept_bytes(lambda m=model, f=loss_of: f(m))}
        for point, timed, (model, loss_of) in zip(points, times, made, strict=True)
    ]
    slopes = {}
    for name in ("slots", "length", "batch"):
        mine = [entry for entry in entries if entry["varied"] == name]
        slopes[name] = {
            what: slope([e[name] for e in mine], [e[what] for e in mine])
            for what in ("seconds", "kept_bytes")
        }
    return {"entries": entries, "slopes": slopes}


def slope(sizes: Sequence[float], values: Sequence[float]) -> float:
    """Return the exponent p of values ~ sizesᵖ, fitted to the upper half of the sizes."""
    upper = slice(len(sizes) // 2, None)
    return float(np.polyfit(np.log(sizes[upper]), np.log(values[upper]), 1)[0])


def take_apart(entries: list[dict]) -> dict:
    """Say what makes L-NTM faster than NTM: a factor a change, and its share of the logarithm."""
    seconds = {entry["key"]: entry["seconds"] for entry in entries}
    end = seconds[f"lntm_{cases.POINTERS}"]
    total = seconds["ntm_many_plain"] / end
    ladder = []
    for words, before, after in cases.LADDER:
        factor = seconds[before] / seconds[after]
        share = math.log(factor) / math.log(total)
        ladder.append(
            {"words": words, "from": before, "to": after, "factor": factor, "share": share}
        )
    ntms = ("ntm", "ntm_plain", "ntm_many", "ntm_many_plain")
    over = {key: seconds[key] / end for key in ntms}
    return {"ladder": ladder, "total": total, "over_lntm": over}


def pointer_spread(entries: list[dict], pointers: Sequence[int]) -> float:
    """Return how much longer the slowest number of pointers takes than the fastest, as a part."""
    seconds = [e["seconds"] for e in entries if e["key"] in [f"lntm_{r}" for r in pointers]]
    return max(seconds) / min(seconds) - 1


def measure(plan: Plan, device: str) -> dict:
    """Measure all that the device is measured for."""
    torch.manual_seed(0)
    copying = [
        {"batch": size, "cases": compare(cases.copy_cases(plan, size, device), plan.rounds, device)}
        for size in plan.copy_batches
    ]
    told = compare(cases.story_cases(plan, device), plan.rounds, device)
    stories = {"cases": told, "spread": pointer_spread(told, plan.pointers), **take_apart(told)}
    found = {"copy": copying, "stories": stories}
    if device == "cpu":
        found["scaling"] = scaling(plan)
    return found


def record(plan: Plan, options: argparse.Namespace) -> dict:
    """Measure, and say on what, when and for how long."""
    command = "python -m tools.bench"
    command += " --quick" * options.quick
    command += f" --threads {options.threads}" * (options.threads != 1)
    command += f" --device {options.device}" * (options.device != "cpu")
    torch.set_num_threads(options.threads)
    begun, load = time.perf_counter(), _load()
    measured = measure(plan, options.device)
    return {
        "command": command,
        "date": datetime.now(UTC).date().isoformat(),
        "seconds": round(time.perf_counter() - begun, 1),
        "versions": records.versions(),
        "hardware": records.hardware(options.device),
        "load": [load, _load()],
        "plan": asdict(plan),
        **measured,
    }


def _load() -> float | None:
    """Return how many processes wanted a core in the last minute, where the system says so."""
    return round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None


def main(arguments: list[str] | None = None, plan: Plan | None = None) -> None:
    """Measure, write the record and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--threads", type=int, default=1, help="of torch (1)")
    parser.add_argument("--quick", action="store_true", help="few rounds, for a first look")
    parser.add_argument("--out", type=Path, help="data/bench.json; build/bench.json with --quick")
    options = parser.parse_args(arguments)
    if options.threads < 1:
        parser.error(f"expected at least 1 thread, got {options.threads}")
    if options.device == "cuda" and not torch.cuda.is_available():
        parser.error("expected a CUDA device for --device cuda, found none")
    os.environ.setdefault("KINETO_LOG_LEVEL", "99")  # the profiler is silent
    plan = plan or Plan()
    if options.quick:
        plan = replace(plan, rounds=3, scaling_rounds=1)
    path = options.out or (BUILD / "bench.json" if options.quick else RESULTS)
    content = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    content[options.device] = record(plan, options)
    records.write_json(path, content)
    print(bench_report.tables(content[options.device]))


if __name__ == "__main__":
    main()
