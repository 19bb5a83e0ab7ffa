"""The head that finds by distance, and the three ways to a NaN."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Generator, Tensor

from course.grading.declare import Problem, Property, Trial
from course.grading.judges import agrees
from course.problems.making import ANY_SIZE, normal, repeated, slopes, uniform

B, H, S, W = 2, 3, 7, 4


def find(memory: Tensor, key: Tensor, strength: Tensor) -> Tensor:
    """w(h, i) = softmax_i( −β(h) |k(h) − M(i)| ), the slope of a distance of 0 is 0."""
    distance = (key.unsqueeze(2) - memory.unsqueeze(1)).norm(dim=-1)  # (B, H, S)
    return torch.softmax(-strength.unsqueeze(-1) * distance, dim=-1)


def look(g: Generator, b: int = B, h: int = H, s: int = S, w: int = W) -> Iterator[tuple]:
    yield normal(g, b, s, w), normal(g, b, h, w), torch.ones(b, h).double()


def look_hard(g: Generator) -> Iterator[tuple]:
    yield normal(g, B, S, W), normal(g, B, H, W), uniform(g, B, H, high=2.5)


def far(g: Generator) -> Iterator[tuple]:
    """Keys so far away that every exponential is 0; one slot is nearer than all others."""
    memory, key, _ = next(look(g))
    memory[:, 2] += 30
    yield memory, key + 300, uniform(g, B, H, low=5.0, high=20.0)


def at_the_slot(g: Generator) -> Iterator[tuple]:
    """One slot of each memory is the key of every head, and the others are somewhere else."""
    memory, key, strength = next(look(g))
    key = key[:, :1].expand(B, H, W).clone()
    memory[:, 3] = key[:, 0]
    yield memory, key, 2 * strength


def at_the_start(g: Generator) -> Iterator[tuple]:
    """A memory of zeros and keys of zeros, as before the first update."""
    memory, key, _ = next(look(g))
    yield torch.zeros_like(memory), torch.zeros_like(key), uniform(g, B, H, low=1.0, high=3.0)


def sizes(g: Generator) -> Iterator[tuple]:
    for b, h, s, w in ((1, 1, 3, 1), (4, 2, 9, 5), (1, 5, 6, 2)):
        yield from look(g, b, h, s, w)


def finite_slopes(trial: Trial) -> str | None:
    """Ask for finite gradients of memory and key; `slopes` asks for the right ones."""
    if trial.gradients is None or len(trial.gradients) != len(trial.slopes):
        return "no gradient flows back: was something detached, or turned into plain numbers?"
    for number, got in enumerate(trial.gradients[:2], 1):  # of the memory and of the key
        if not isinstance(got, Tensor) or not bool(got.isfinite().all()):
            return f"tensor {number} of the arguments: its gradient holds a NaN or an infinity"
    return None


finding = Problem(
    "no-nan",
    "answer-no-nan",
    "find",
    find,
    (
        Property(
            "distance",
            2,
            "The weightings are wrong already for β = 1 and moderate distances: near slots get the "
            "larger share, and each head's weighting sums to 1 over the slots.",
            repeated(look),
            agrees(),
        ),
        Property(
            "strength",
            1,
            "Each head has its own β, and it scales the distance before shares are made.",
            repeated(look_hard),
            agrees(),
        ),
        Property(
            "far",
            3,
            "A key that is far from every slot must still find the nearest one: what is the "
            "exponential of −5000, and what is 0 / 0?",
            far,
            agrees(),
        ),
        Property(
            "equal",
            3,
            "The weighting is a number and its gradient is not, where a key equals a slot. Which "
            "operation has an infinite slope at 0?",
            lambda g: (case for make in (at_the_slot, at_the_start) for case in make(g)),
            finite_slopes,
            "slopes",
            side=True,
        ),
        Property("sizes", 1, ANY_SIZE, sizes, agrees()),
        slopes(look_hard),
    ),
)
