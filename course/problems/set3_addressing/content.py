"""Where to look, and what to read: heads that share a key, a read with recency."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Generator, Tensor

from course.grading.declare import Arguments, Problem, Property
from course.grading.judges import agrees, proportional
from course.problems.making import ANY_SIZE, normal, repeated, shares, slopes, uniform, unit
from course.problems.set3_addressing.sizes import SIZES, B, H, S, W


def shared_key_weights(memory: Tensor, key: Tensor, key_strength: Tensor) -> Tensor:
    """w(h, i) = softmax_i( β(h) cos(k, M(i)) ), a zero slot has cosine 0. Returns (B, H, S)."""
    lengths = memory.norm(dim=-1) * key.norm(dim=-1, keepdim=True)  # (B, S)
    dots = (memory * key.unsqueeze(1)).sum(-1)
    cosine = dots / lengths.clamp_min(1e-8)
    return torch.softmax(key_strength.unsqueeze(-1) * cosine.unsqueeze(1), dim=-1)


def look(g: Generator, b: int = B, h: int = H, s: int = S, w: int = W) -> Iterator[Arguments]:
    yield unit(g, b, s, w), unit(g, b, w), torch.ones(b, h).double()


def look_hard(g: Generator) -> Iterator[Arguments]:
    yield unit(g, B, S, W), unit(g, B, W), uniform(g, B, H, high=12.0)


def look_at_lengths(g: Generator) -> Iterator[Arguments]:
    yield (
        normal(g, B, S, W) * uniform(g, B, S, 1, low=0.2, high=5.0),
        normal(g, B, W),
        torch.ones(B, H).double(),
    )


def look_at_nothing(g: Generator) -> Iterator[Arguments]:
    memory, key, strength = next(look(g))
    memory[:, 2] = 0
    yield memory, key, strength
    yield memory.clone(), torch.zeros_like(key), strength


def look_anyhow(g: Generator) -> Iterator[Arguments]:
    yield normal(g, B, S, W), normal(g, B, W), uniform(g, B, H, low=1.0, high=6.0)


def look_sizes(g: Generator) -> Iterator[Arguments]:
    for b, h, s, w in SIZES:
        yield from look(g, b, h, s, w)


shared_key = Problem(
    "shared-key",
    "answer-shared-key",
    "shared_key_weights",
    shared_key_weights,
    (
        Property(
            "content",
            3,
            "The weightings are wrong already for unit vectors and β = 1. Over which axis does "
            "each head's weighting sum to 1?",
            repeated(look),
            agrees(),
        ),
        Property(
            "strength",
            2,
            "With β other than 1 the weightings are wrong: each head has its own β, and it "
            "sharpens the scores before they are turned into shares.",
            repeated(look_hard),
            agrees(),
        ),
        Property(
            "cosine",
            2,
            "A slot is found by its direction: a longer vector must not score higher.",
            repeated(look_at_lengths),
            agrees(),
        ),
        Property(
            "empty",
            1,
            "An empty slot, or an empty key, has cosine 0 with everything, and is no NaN.",
            look_at_nothing,
            agrees(),
        ),
        Property("sizes", 1, ANY_SIZE, look_sizes, agrees()),
        slopes(look_anyhow),
    ),
)


def recent_read(memory: Tensor, weights: Tensor, age: Tensor, decay: Tensor) -> Tensor:
    """r(h) = Σ_i v(h, i) M(i), v(h, i) ∝ w(h, i) d(h)^age(i), Σ_i v(h, i) = 1."""
    faded = weights * decay.unsqueeze(-1) ** age.unsqueeze(1)  # (B, H, S)
    return (faded / faded.sum(-1, keepdim=True)) @ memory


def ages(g: Generator, b: int, s: int) -> Tensor:
    return torch.randint(0, 6, (b, s), generator=g)


def read_fresh(g: Generator, b: int = B, h: int = H, s: int = S, w: int = W) -> Iterator[Arguments]:
    yield normal(g, b, s, w), shares(g, b, h, s), ages(g, b, s), torch.ones(b, h).double()


def read_faded(g: Generator) -> Iterator[Arguments]:
    yield normal(g, B, S, W), shares(g, B, H, S), ages(g, B, S), uniform(g, B, H, low=0.3, high=0.9)


def read_ones(g: Generator) -> Iterator[Arguments]:
    memory, *rest = next(read_faded(g))
    yield torch.ones_like(memory), *rest


def read_sizes(g: Generator) -> Iterator[Arguments]:
    for b, h, s, w in SIZES:
        yield from read_fresh(g, b, h, s, w)


recency = Problem(
    "recent-read",
    "answer-recent-read",
    "recent_read",
    recent_read,
    (
        Property(
            "mixture",
            3,
            "With d = 1 age does not matter, and the read is the plain Σ w(i) M(i).",
            repeated(read_fresh),
            agrees(),
        ),
        Property(
            "recency",
            3,
            "The slots are not faded by d to the power of their age: a slot written long ago "
            "counts for less.",
            repeated(read_faded),
            proportional(),
        ),
        Property(
            "sum",
            2,
            "The faded weights of each head must sum to 1 again: a memory full of ones reads 1.",
            repeated(read_ones),
            agrees(),
        ),
        Property("sizes", 1, ANY_SIZE, read_sizes, agrees()),
        slopes(read_faded),
    ),
)
