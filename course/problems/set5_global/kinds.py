"""Random memories and kernels of this set, and their usual sizes.

A memory that is empty at both ends scores alike with zeros beyond its ends and on a ring. A kernel
that reads the same backwards scores alike whichever way round it is laid. So each of the two is
asked for in one place only.
"""

from __future__ import annotations

import math

import torch
from torch import Generator, Tensor
from torch.nn import functional as F

from course.grading.declare import Trial
from course.grading.judges import TOLERANCE, difference
from course.problems.making import normal

B, P, S, W = 2, 3, 11, 4  # batch, maps or pointers, slots, numbers a slot
SIZES = ((1, 1, 9, 1), (4, 2, 12, 3), (1, 5, 10, 6))


def hollow(g: Generator, b: int, s: int, w: int, margin: int = 1) -> Tensor:
    """Return memories (b, s, w) whose `margin` slots at each end are empty."""
    memory = normal(g, b, s, w)
    memory[:, :margin] = 0
    memory[:, s - margin :] = 0
    return memory


def symmetric(g: Generator, *shape: int) -> Tensor:
    """Return kernels that read the same backwards along both of the last axes."""
    raw = normal(g, *shape)
    raw = raw + raw.flip(-1)
    return (raw + raw.flip(-2)) / 2**1.5


def padded_scores(memory: Tensor, kernels: Tensor) -> Tensor:
    """w^l(i) = Σ_m Σ_n S(i + m, n) K(m, n) (L-NTM eq. 6), odd k, zeros beyond the ends."""
    half = kernels.shape[-1] // 2
    return F.conv1d(F.pad(memory, (0, 0, half, half)).transpose(1, 2), kernels)


def focused(scores: Tensor, focus: Tensor) -> Tensor:
    """Return pointers (L-NTM eqs. 7-8) from scores (…, S) and γ (…)."""
    return torch.softmax(focus.unsqueeze(-1) * scores, dim=-1)


def in_some_unit(trial: Trial) -> str | None:
    """Ask for the reference's logarithms in any base and with any sign: both are asked for once."""
    bases = (1.0, math.log(2), math.log10(2), math.log2(math.e), math.log10(math.e))
    factors = [sign * by for by in bases for sign in (1, -1)]
    faults = [difference(trial.value, trial.expected * by, TOLERANCE) for by in factors]
    return None if None in faults else faults[0]
