"""Keep a few slots, then sharpen."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Generator, Tensor

from course.grading.declare import Arguments, Problem, Property
from course.grading.judges import agrees
from course.problems.making import ANY_SIZE, repeated, shares, slopes, uniform
from course.problems.set3_addressing.sizes import SIZES, B, H, S


def keep_and_sharpen(weights: Tensor, sharpening: Tensor, keep: int) -> Tensor:
    """w(i) ∝ w̃(i)^γ over the `keep` largest slots of each head, 0 elsewhere."""
    chosen = torch.zeros_like(weights).scatter(-1, weights.topk(keep, dim=-1).indices, 1.0)
    logs = weights.clamp_min(torch.finfo(weights.dtype).tiny).log() * sharpening.unsqueeze(-1)
    return torch.softmax(logs.masked_fill(chosen == 0, -torch.inf), dim=-1)


def keep_only(g: Generator, b: int = B, h: int = H, s: int = S) -> Iterator[Arguments]:
    yield shares(g, b, h, s), torch.ones(b, h).double(), min(3, s)


def sharpen_only(g: Generator) -> Iterator[Arguments]:
    yield shares(g, B, H, S), uniform(g, B, H, low=1.5, high=6.0), S


def sharpen_far(g: Generator) -> Iterator[Arguments]:
    yield shares(g, B, H, 400), uniform(g, B, H, low=200.0, high=300.0), 400


def sharpen_kept(g: Generator) -> Iterator[Arguments]:
    yield shares(g, B, H, S), uniform(g, B, H, low=1.5, high=4.0), 4


def keep_sizes(g: Generator) -> Iterator[Arguments]:
    for b, h, s, _ in SIZES:
        yield from keep_only(g, b, h, s)


sharpened = Problem(
    "keep-and-sharpen",
    "answer-keep-and-sharpen",
    "keep_and_sharpen",
    keep_and_sharpen,
    (
        Property(
            "keep",
            3,
            "With γ = 1 only the largest slots of each head remain, and sum to 1 again.",
            repeated(keep_only),
            agrees(),
        ),
        Property(
            "sharpening",
            3,
            "With all slots kept, each weight is raised to the power γ of its head, and the "
            "powers divided by their sum.",
            repeated(sharpen_only),
            agrees(),
        ),
        Property(
            "far",
            2,
            "For a large γ the powers are smaller than any number that a computer knows: divide "
            "by the largest weight first, or work with logarithms.",
            sharpen_far,
            agrees(),
        ),
        Property("sizes", 1, ANY_SIZE, keep_sizes, agrees()),
        slopes(sharpen_kept),
    ),
)
