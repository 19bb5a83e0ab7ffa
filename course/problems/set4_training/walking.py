"""The head that blurs: a shift given as one number, then sharpening.

Whole and half steps from a single slot come out alike for every γ and in either order, so the
first properties leave both aside; a head that stays has no order; and the order is judged for an
unknown γ.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Generator, Tensor
from torch.nn import functional as F

from course.grading.declare import Case, Problem, Property, Trial
from course.grading.judges import agrees, difference, numbers
from course.problems.making import ANY_SIZE, normal, repeated, shares, slopes, uniform

B, H, S = 2, 3, 9


def walk(weights: Tensor, speed: Tensor, sharpness: Tensor) -> Tensor:
    """w ∝ w̃^γ, γ = 1 + softplus(sharpness), w̃ the weighting moved by −1 ≤ speed ≤ 1."""
    logs = moved(weights, speed).clamp_min(torch.finfo(weights.dtype).tiny).log()
    return torch.softmax((1 + F.softplus(sharpness)).unsqueeze(-1) * logs, dim=-1)


def moved(weights: Tensor, speed: Tensor) -> Tensor:
    """Move by `speed` slots: the fraction |v| of each weight goes to the neighbour."""
    v = speed.unsqueeze(-1)
    neighbour = torch.where(v > 0, weights.roll(1, -1), weights.roll(-1, -1))
    return (1 - v.abs()) * weights + v.abs() * neighbour


def only(g: Generator, b: int, h: int, s: int, low: int, high: int) -> Tensor:
    """Heads that stand on one slot each, from `low` to `high`."""
    return F.one_hot(torch.randint(low, high, (b, h), generator=g), s).double()


def some(g: Generator, b: int, h: int) -> Tensor:
    """Sharpness with which a sick power still keeps an empty slot empty."""
    return uniform(g, b, h, low=1.0, high=3.0)


def steps(g: Generator, b: int = B, h: int = H, s: int = S) -> Iterator[tuple]:
    for size in (-1.0, -0.5, 0.5, 1.0):
        yield only(g, b, h, s, 1, s - 1), torch.full((b, h), size).double(), some(g, b, h)


def ends(g: Generator) -> Iterator[tuple]:
    for slot, size in ((0, -1.0), (0, -0.5), (S - 1, 0.5), (S - 1, 1.0)):
        yield only(g, B, H, S, slot, slot + 1), torch.full((B, H), size).double(), some(g, B, H)


def stand(g: Generator) -> Iterator[tuple]:
    yield shares(g, B, H, S), torch.zeros(B, H).double(), 3 * normal(g, B, H)


def speeds(g: Generator, b: int = B, h: int = H) -> Tensor:
    """Speeds of either sign, away from 0 and 1."""
    sign = 2.0 * torch.randint(0, 2, (b, h), generator=g) - 1
    return sign * uniform(g, b, h, low=0.2, high=0.45)


def anyhow(g: Generator) -> Iterator[tuple]:
    yield shares(g, B, H, S), speeds(g), uniform(g, B, H, low=0.5, high=3.0)


def either_way(g: Generator) -> Iterator[Case]:
    """Cases whose shift is even: what moves, and by how much, is asked for elsewhere."""
    for arguments in anyhow(g):
        weights, speed, _ = arguments
        yield Case(arguments, (moved(weights, speed), moved(weights, -speed)))


def mild(g: Generator) -> Iterator[tuple]:
    yield shares(g, B, H, S), speeds(g), torch.full((B, H), -2.0).double()


def sizes(g: Generator) -> Iterator[tuple]:
    for b, h, s in ((1, 1, 3), (4, 2, 11), (1, 5, 7)):
        yield from steps(g, b, h, s)


def a_power(trial: Trial) -> str | None:
    """Ask for some power of the moved weights, over its sum; which power is asked elsewhere."""
    got = numbers(trial.value)
    if got is None or got.shape != trial.arguments[0].shape:
        return difference(trial.value, trial.arguments[0], 0.0)
    if not bool((got > 0).all()) or not bool(got.isfinite().all()):
        return "a weight is 0, below 0 or no number, and none should be"
    logs = got.log()
    if any(bool(_straight(logs, there.log()).all()) for there in trial.secret):
        return None
    return "no power γ of the moved weights gives these"


def _straight(logs: Tensor, of: Tensor) -> Tensor:
    """Whether `logs` rises in a straight line with `of`, for each head."""
    one, two = logs - logs.mean(-1, keepdim=True), of - of.mean(-1, keepdim=True)
    slope = (one * two).sum(-1, keepdim=True) / (two * two).sum(-1, keepdim=True)
    rest = (one - slope * two).abs().amax(-1)
    return (rest < 1e-3 * (1 + one.abs().amax(-1))) & (slope.squeeze(-1) > 0)


walking = Problem(
    "blurred-head",
    "answer-blurred-head",
    "walk",
    walk,
    (
        Property(
            "steps",
            3,
            "A head on one slot, away from the ends: a speed of 1 takes it to the next higher "
            "slot, −1 to the next lower, and half a step shares it evenly between the two.",
            repeated(steps, 1),
            agrees(),
        ),
        Property("ring", 1, "The last slot is the first one's neighbour.", ends, agrees()),
        Property(
            "range",
            3,
            "A head that stays is sharpened by the wrong power. What does γ below 1 do to a "
            "weighting, and how far may γ go?",
            repeated(stand),
            agrees(),
        ),
        Property(
            "order",
            3,
            "Whatever γ is, the result is no power of the moved weights. What blurs, what mends "
            "it, and which comes first?",
            repeated(either_way),
            a_power,
        ),
        Property("sizes", 1, ANY_SIZE, sizes, agrees()),
        slopes(anyhow),
    ),
)
