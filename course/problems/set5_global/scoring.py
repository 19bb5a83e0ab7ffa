"""Scores: a kernel with gaps on a ring, a kernel of even size, a kernel either way round."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Generator, Tensor
from torch.nn import functional as F

from course.grading.declare import Arguments, Problem, Property, Trial
from course.grading.judges import TOLERANCE, agrees, difference, proportional
from course.problems.making import normal, repeated, slopes
from course.problems.set5_global.kinds import SIZES, B, P, S, W, hollow, padded_scores, symmetric

SCORE_SIZES = "It must work for any batch, any number of maps, slots and columns, and any size k."


def ring_scores(memory: Tensor, kernels: Tensor, gap: int) -> Tensor:
    """w^l(i) = Σ_m Σ_n S(i + gap m, n) K(m, n), indices modulo S. Returns (B, P, S)."""
    half, slots = kernels.shape[-1] // 2, memory.shape[1]
    offsets = gap * torch.arange(-half, half + 1)
    seen = memory[:, (torch.arange(slots)[:, None] + offsets) % slots]  # (B, S, k, W)
    return torch.einsum("bskw,pwk->bps", seen, kernels)


def ring_inside(g: Generator) -> Iterator[Arguments]:
    yield hollow(g, B, S, W), normal(g, P, W, 3), 1
    yield hollow(g, B, S, W, 2), normal(g, P, W, 5), 1


def ring_round(g: Generator) -> Iterator[Arguments]:
    yield normal(g, B, S, W), symmetric(g, P, W, 3), 1


def ring_gaps(g: Generator) -> Iterator[Arguments]:
    yield hollow(g, B, S, W, 2), symmetric(g, P, W, 3), 2
    yield hollow(g, B, 16, W, 3), symmetric(g, P, W, 3), 3


def ring_sizes(g: Generator) -> Iterator[Arguments]:
    for (b, p, s, w), k in zip(SIZES, (1, 5, 7), strict=True):
        yield hollow(g, b, s, w, 3), symmetric(g, p, w, k), 1


def ring_short(g: Generator) -> Iterator[Arguments]:
    for slots, gap in ((1, 1), (2, 3), (3, 2), (4, 3)):
        yield normal(g, B, slots, W), symmetric(g, P, W, 5), gap


def ring_anyhow(g: Generator) -> Iterator[Arguments]:
    yield normal(g, B, S, W), normal(g, P, W, 3), 2


def for_some_gap(trial: Trial) -> str | None:
    """Ask for the scores, be they without the gap or with a gap of one more: asked for once."""
    memory, kernels, gap = trial.arguments
    for other in (gap, 1, gap + 1):
        if difference(trial.value, ring_scores(memory, kernels, other), TOLERANCE) is None:
            return None
    return difference(trial.value, trial.expected, TOLERANCE)


ring = Problem(
    "ring-scores",
    "answer-ring-scores",
    "ring_scores",
    ring_scores,
    (
        Property(
            "direction",
            3,
            "Away from the ends and without gaps the scores are wrong: the first column of a "
            "kernel belongs to the slot before.",
            repeated(ring_inside),
            for_some_gap,
        ),
        Property(
            "ring",
            3,
            "At the ends the scores are wrong: this memory closes to a ring, there is no padding.",
            repeated(ring_round),
            for_some_gap,
        ),
        Property(
            "gap",
            3,
            "With a gap of 2 or 3 the scores are wrong: how far from slot i does each column look?",
            ring_gaps,
            agrees(),
        ),
        Property("sizes", 1, SCORE_SIZES, ring_sizes, for_some_gap),
        Property(
            "short ring",
            1,
            "Where the kernel reaches further than the ring is long, it comes round again.",
            ring_short,
            for_some_gap,
        ),
        slopes(ring_anyhow),
    ),
)


def even_scores(memory: Tensor, kernels: Tensor) -> Tensor:
    """Score with an even k: m from −k/2 to k/2 − 1, zeros beyond the ends. Returns (B, P, S)."""
    half = kernels.shape[-1] // 2
    return F.conv1d(F.pad(memory, (0, 0, half, half - 1)).transpose(1, 2), kernels)


def even_inside(g: Generator) -> Iterator[Arguments]:
    yield hollow(g, B, S, W, 2), normal(g, P, W, 4)
    yield hollow(g, B, S, W), normal(g, P, W, 2)


def even_full(g: Generator) -> Iterator[Arguments]:
    yield normal(g, B, S, W), normal(g, P, W, 4)


def even_sizes(g: Generator) -> Iterator[Arguments]:
    for (b, p, s, w), k in zip(SIZES, (2, 6, 8), strict=True):
        yield hollow(g, b, s, w, k // 2), normal(g, p, w, k)


def aligned_somehow(trial: Trial) -> str | None:
    """Ask for the scores of the kernel as it is or mirrored, laid in any of its k ways."""
    memory, kernels = trial.arguments
    slots, k = memory.shape[1], kernels.shape[-1]
    columns = F.pad(memory, (0, 0, k - 1, k - 1)).transpose(1, 2)
    for kernel in (kernels, kernels.flip(-1)):
        everywhere = F.conv1d(columns, kernel)  # (B, P, S + k − 1)
        for start in range(k):
            wanted = everywhere[..., start : start + slots]
            if difference(trial.value, wanted, TOLERANCE) is None:
                return None
    return difference(trial.value, trial.expected, TOLERANCE)


even = Problem(
    "even-scores",
    "answer-even-scores",
    "even_scores",
    even_scores,
    (
        Property(
            "alignment",
            3,
            "Away from the ends the scores are wrong: which slot does each column of the kernel "
            "lie on, for k = 2 and for k = 4?",
            repeated(even_inside),
            agrees(),
        ),
        Property(
            "ends",
            3,
            "However the kernel is aligned: beyond both ends there are zeros, and each slot has "
            "one score.",
            repeated(even_full),
            aligned_somehow,
        ),
        Property("sizes", 1, SCORE_SIZES, even_sizes, aligned_somehow),
        slopes(even_full),
    ),
)


def either_way_scores(memory: Tensor, kernels: Tensor) -> Tensor:
    """Return max over K(m, n) and K(−m, n) of the scores (B, P, S), zeros beyond the ends."""
    there = padded_scores(memory, kernels)
    return torch.maximum(there, padded_scores(memory, kernels.flip(-1)))


def either_plain(g: Generator) -> Iterator[Arguments]:
    yield hollow(g, B, S, W), symmetric(g, P, W, 3)


def either_ends(g: Generator) -> Iterator[Arguments]:
    yield normal(g, B, S, W), symmetric(g, P, W, 3)


def either_mirrored(g: Generator) -> Iterator[Arguments]:
    yield hollow(g, B, S, W), normal(g, P, W, 3)


def either_sizes(g: Generator) -> Iterator[Arguments]:
    for (b, p, s, w), k in zip(SIZES, (5, 7, 3), strict=True):
        yield hollow(g, b, s, w, k // 2), symmetric(g, p, w, k)


def either_anyhow(g: Generator) -> Iterator[Arguments]:
    yield normal(g, B, S, W), normal(g, P, W, 5)


either_way = Problem(
    "either-way",
    "answer-either-way",
    "either_way_scores",
    either_way_scores,
    (
        Property(
            "scores",
            2,
            "For a kernel that is its own mirror image both ways score alike, and already these "
            "scores are wrong.",
            repeated(either_plain),
            proportional(),
        ),
        Property(
            "better way",
            3,
            "Each slot takes the better of two scores: of the kernel, and of the kernel with the "
            "slots before and after exchanged, and its columns of the memory left in place.",
            repeated(either_mirrored),
            agrees(),
        ),
        Property(
            "ends",
            2,
            "Beyond both ends of the memory there are zeros.",
            repeated(either_ends),
            proportional(),
        ),
        Property("sizes", 1, SCORE_SIZES, either_sizes, proportional()),
        slopes(either_anyhow),
    ),
)
