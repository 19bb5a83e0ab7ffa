"""A start, measured: how many bits the first write pointer leaves open."""

from __future__ import annotations

import math
from collections.abc import Iterator

import torch
from torch import Generator, Tensor

from course.grading.declare import Arguments, Problem, Property
from course.grading.judges import agrees
from course.problems.making import ANY_SIZE, normal, repeated, slopes, uniform
from course.problems.set5_global.kinds import (
    SIZES,
    B,
    S,
    W,
    focused,
    hollow,
    in_some_unit,
    padded_scores,
    symmetric,
)


def start_bits(memory: Tensor, kernel: Tensor, focus: Tensor) -> Tensor:
    """H = −Σ_i w(i) log2 w(i) of the focused write pointer, 0 log 0 = 0. Returns (B,)."""
    scores = padded_scores(memory, kernel.unsqueeze(0)).squeeze(1)
    return torch.special.entr(focused(scores, focus)).sum(-1) / math.log(2)


def measure(g: Generator, b: int = B, s: int = S, w: int = W) -> Iterator[Arguments]:
    yield hollow(g, b, s, w), symmetric(g, w, 3) / 2, torch.ones(b).double()


def measure_constant(g: Generator) -> Iterator[Arguments]:
    level = uniform(g, B, 1, 1, low=0.5, high=2.0)
    yield level.expand(B, S, W).clone(), symmetric(g, W, 3), torch.ones(B).double()


def measure_focused(g: Generator) -> Iterator[Arguments]:
    memory, kernel, _ = next(measure(g))
    yield memory, kernel, uniform(g, B, low=1.5, high=4.0)


def measure_sharp(g: Generator) -> Iterator[Arguments]:
    """One memory with a single best slot, and one with two: 0 bits, and 1 bit."""
    memory = torch.zeros(2, S, W, dtype=torch.float64)
    places = 1 + torch.randperm(S - 2, generator=g)
    memory[:, 1:-1] = uniform(g, 2, S - 2, W, high=0.4)
    memory[:, places[0]] = 1.0
    memory[1, places[1]] = 1.0
    kernel = torch.zeros(W, 3, dtype=torch.float64)
    kernel[:, 1] = float(uniform(g, 1, low=0.5, high=1.0))
    yield memory, kernel, torch.full((2,), 1e3, dtype=torch.float64)


def measure_sizes(g: Generator) -> Iterator[Arguments]:
    for b, _, s, w in SIZES:
        yield from measure(g, b, s, w)


def measure_anyhow(g: Generator) -> Iterator[Arguments]:
    yield normal(g, B, S, W), normal(g, W, 3) / 2, uniform(g, B, low=1.0, high=2.0)


starting = Problem(
    "start-bits",
    "answer-start-bits",
    "start_bits",
    start_bits,
    (
        Property(
            "bits",
            2,
            "With γ = 1 the bits are wrong: an even pointer over 8 slots has exactly 3.",
            repeated(measure),
            agrees(),
        ),
        Property(
            "edges",
            2,
            "On a constant memory the bits are wrong: what does the kernel see beyond an end?",
            repeated(measure_constant),
            in_some_unit,
        ),
        Property(
            "focus",
            2,
            "With γ from 1.5 to 4 the bits are wrong: it is the focused pointer that is measured.",
            repeated(measure_focused),
            in_some_unit,
        ),
        Property(
            "sharp",
            2,
            "With γ = 1000 most weights are 0: 0 log 0 counts as 0, and no power may run away.",
            repeated(measure_sharp),
            in_some_unit,
        ),
        Property("sizes", 1, ANY_SIZE, measure_sizes, in_some_unit),
        slopes(measure_anyhow),
    ),
)
