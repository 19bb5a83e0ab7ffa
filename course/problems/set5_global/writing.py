"""A write that looks twice: once for where to erase, once for where to add."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Generator, Tensor

from course.grading.declare import Arguments, Problem, Property, Trial
from course.grading.judges import TOLERANCE, agrees, difference
from course.problems.making import normal, own_copy, repeated, slopes, uniform
from course.problems.set5_global.kinds import B, S, W, focused, hollow, padded_scores, symmetric


def two_look_write(
    memory: Tensor, kernels: Tensor, focus: Tensor, erase: Tensor, add: Tensor, gate: Tensor
) -> Tensor:
    """S'(i) = S(i) (1 − u(i) e) + f v(i) a, u and v both judged from S. Returns (B, S, W)."""
    return written(memory, focused(padded_scores(memory, kernels), focus), erase, add, gate)


def written(memory: Tensor, where: Tensor, erase: Tensor, add: Tensor, gate: Tensor) -> Tensor:
    """Erase at where[:, 0] and add at where[:, 1]; where (B, 2, S)."""
    u, v = where.unsqueeze(-1).unbind(1)  # each (B, S, 1)
    return memory * (1 - u * erase.unsqueeze(1)) + v * (gate.unsqueeze(-1) * add).unsqueeze(1)


def write(
    g: Generator,
    *,
    erase: bool = True,
    add: bool = True,
    gated: bool = False,
    high: float = 1.0,
    looks: int = 1,
) -> Iterator[Arguments]:
    """Yield one write; with `looks=1` both looks have the same kernel and focus."""
    low = 1.0 if high == 1 else 2.0
    yield (
        hollow(g, B, S, W),
        symmetric(g, looks, W, 3).expand(2, W, 3).clone(),
        uniform(g, B, looks, low=low, high=high).expand(B, 2).clone(),
        uniform(g, B, W, low=0.4, high=0.9) * erase,
        2 * normal(g, B, W) * add,
        uniform(g, B, low=0.1, high=0.8) if gated else torch.ones(B).double(),
    )


def write_focused(g: Generator) -> Iterator[Arguments]:
    yield from write(g, add=False, high=5.0)
    yield from write(g, erase=False, high=5.0)


def write_looks(g: Generator) -> Iterator[Arguments]:
    yield from write(g, add=False, high=5.0, looks=2)
    yield from write(g, erase=False, high=5.0, looks=2)


def write_gated(g: Generator) -> Iterator[Arguments]:
    yield from write(g, add=False, gated=True)
    yield from write(g, erase=False, gated=True)


def write_anyhow(g: Generator) -> Iterator[Arguments]:
    _, _, *rest = next(write(g, gated=True, high=3.0, looks=2))
    yield normal(g, B, S, W), normal(g, 2, W, 3) / 2, *rest


def looks_right(trial: Trial) -> str | None:
    """Ask for the reference's write, even where a focused pointer was left without a new sum."""
    memory, kernels, focus, erase, add, gate = trial.arguments
    powers = padded_scores(memory, kernels).softmax(-1) ** focus.unsqueeze(-1)
    unsummed = written(memory, powers, erase, add, gate)
    faults = [difference(trial.value, each, TOLERANCE) for each in (trial.expected, unsummed)]
    return None if None in faults else faults[0]


two_looks = Problem(
    "two-look-write",
    "answer-two-look-write",
    "two_look_write",
    two_look_write,
    (
        Property(
            "erase",
            2,
            "Nothing added, γ = 1, f = 1, both looks alike: each number fades by 1 − u(i) e.",
            repeated(lambda g: write(g, add=False)),
            agrees(),
        ),
        Property(
            "add",
            1,
            "Nothing erased, γ = 1, f = 1, both looks alike: each slot gains v(i) a.",
            repeated(lambda g: write(g, erase=False)),
            agrees(),
        ),
        Property(
            "focus",
            2,
            "With γ other than 1 the places are wrong already for two looks that are alike: a "
            "focused pointer sums to 1 again.",
            repeated(write_focused),
            agrees(),
        ),
        Property(
            "two looks",
            2,
            "With two different looks the places are wrong: each has a kernel and a focus of its "
            "own, the first for erasing, the second for adding.",
            repeated(write_looks),
            looks_right,
        ),
        Property(
            "gate",
            2,
            "With f below 1 the write is wrong: f scales what is added, and nothing else.",
            repeated(write_gated),
            agrees(),
        ),
        Property(
            "order",
            2,
            "Erasing alone is right and adding alone is right, both together are not: from which "
            "memory is each place judged, and is what was just added left whole?",
            repeated(write),
            agrees(),
        ),
        slopes(write_anyhow),
        own_copy(write_anyhow),
    ),
)
