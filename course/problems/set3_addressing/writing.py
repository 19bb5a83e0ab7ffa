"""A write that respects locks."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Generator, Tensor

from course.grading.declare import Arguments, Problem, Property
from course.grading.judges import agrees
from course.problems.making import normal, own_copy, repeated, slopes, uniform
from course.problems.set3_addressing.sizes import B, S, W


def locked_write(
    memory: Tensor, weights: Tensor, erase: Tensor, add: Tensor, lock: Tensor
) -> Tensor:
    """M'(i) = M(i) Π_h (1 − (1 − l(i)) w(h, i) e(h)) + Σ_h (1 − l(i)) w(h, i) a(h)."""
    open_weights = weights * (1 - lock).unsqueeze(1)  # (B, H, S)
    kept = 1 - open_weights.unsqueeze(-1) * erase.unsqueeze(-2)  # (B, H, S, W)
    return memory * kept.prod(dim=1) + open_weights.transpose(1, 2) @ add


def write(
    g: Generator, *, heads: int = 1, erase: bool = True, add: bool = True, lock: bool = False
) -> Iterator[Arguments]:
    yield (
        normal(g, B, S, W),
        uniform(g, B, heads, S, low=0.1, high=0.9),
        uniform(g, B, heads, W, low=0.1, high=0.9) * erase,
        normal(g, B, heads, W) * add,
        uniform(g, B, S) * lock,
    )


def write_locked(g: Generator) -> Iterator[Arguments]:
    yield from write(g, erase=False, lock=True)
    yield from write(g, add=False, lock=True)
    memory, weights, erased, added, lock = next(write(g, lock=True))
    yield memory, weights, erased, added, torch.ones_like(lock)


def write_full(g: Generator) -> Iterator[Arguments]:
    yield from write(g, heads=2, lock=True)


locked = Problem(
    "locked-write",
    "answer-locked-write",
    "locked_write",
    locked_write,
    (
        Property(
            "erase",
            2,
            "One head, nothing added, nothing locked: each number fades by 1 − w(i) e.",
            repeated(lambda g: write(g, add=False)),
            agrees(),
        ),
        Property(
            "add",
            2,
            "One head, nothing erased, nothing locked: w(i) a is added to each slot.",
            repeated(lambda g: write(g, erase=False)),
            agrees(),
        ),
        Property(
            "order",
            2,
            "What is added in a step must not be erased in the same step.",
            repeated(write),
            agrees(),
        ),
        Property(
            "heads",
            2,
            "Several heads: their erasures multiply, so that the order of heads does not matter.",
            repeated(lambda g: write(g, heads=3, add=False)),
            agrees(),
        ),
        Property(
            "lock",
            2,
            "A lock l(i) leaves 1 − l(i) of both, erasing and adding; l(i) = 1 protects the slot.",
            repeated(write_locked),
            agrees(),
        ),
        slopes(write_full),
        own_copy(write_full),
    ),
)
