"""The start on another tape: where the heads stand when the tape is not the trained one."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Generator, Tensor

from course.grading.declare import Arguments, Problem, Property, Trial
from course.grading.judges import difference, numbers
from course.problems.making import normal, slopes

H, S = 2, 6


def start_heads(logits: Tensor, slots: int) -> Tensor:
    """The trained weighting on its own slots, nothing on new ones, and sums of 1."""
    kept = logits[:, : min(slots, logits.shape[1])].softmax(-1)
    empty = kept.new_zeros(len(kept), slots - kept.shape[1])
    return torch.cat([kept, empty], dim=-1)


def tapes(*pairs: tuple[int, int], heads: int = H, scale: float = 1.0):
    def cases(g: Generator) -> Iterator[Arguments]:
        for trained, slots in pairs:
            yield scale * normal(g, heads, trained), slots

    return cases


def kept_in_proportion(trial: Trial) -> str | None:
    """Ask on a cut tape for the trained weights up to a factor; the sum is asked elsewhere."""
    got = numbers(trial.value)
    if got is None or got.shape != trial.expected.shape or not bool(got.isfinite().all()):
        return difference(trial.value, trial.expected, 1e-4)
    total = got.sum(-1, keepdim=True)
    if not bool((total > 0).all()):
        return "a weighting sums to 0 or less"
    return difference(got / total, trial.expected, 1e-4)


def sums_to_one(trial: Trial) -> str | None:
    """Ask that each head's weighting sums to 1."""
    got = numbers(trial.value)
    if got is None or got.dim() != 2:
        return difference(trial.value, trial.expected, 1e-4)
    away = (got.sum(-1) - 1).abs()
    return None if bool((away < 1e-4).all()) else f"a weighting sums to {1 - float(away.max()):.4g}"


starting = Problem(
    "longer-tape",
    "answer-longer-tape",
    "start_heads",
    start_heads,
    (
        Property(
            "same tape",
            2,
            "On the tape that it was trained on, a head starts with the softmax of its logits.",
            tapes((S, S), (9, 9), (1, 1)),
            kept_in_proportion,
        ),
        Property(
            "longer tape",
            4,
            "On a longer tape a head must start as it did in training: the same weights on the "
            "same slots, and exactly nothing on slots that training never had.",
            tapes((S, 12), (S, 64), (5, 7)),
            kept_in_proportion,
        ),
        Property(
            "shorter tape",
            2,
            "On a shorter tape the slots that are left keep their weights in proportion.",
            tapes((S, 4), (12, 5), (9, 1)),
            kept_in_proportion,
        ),
        Property(
            "sum",
            1,
            "Each head's weighting must sum to 1 on every tape.",
            tapes((S, 4), (S, 12), (12, 3)),
            sums_to_one,
            side=True,
        ),
        slopes(tapes((S, 12))),
    ),
)
