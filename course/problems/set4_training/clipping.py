"""A clip for the controller's outputs that lets a pull back through."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Generator, Tensor

from course.grading.declare import Arguments, Judge, Problem, Property, Trial
from course.grading.judges import difference, told
from course.problems.making import normal, own_copy, repeated, uniform

SHAPE = (3, 8)


def clip_and_pull(raw: Tensor, slope: Tensor, limit: float) -> tuple[Tensor, Tensor]:
    """Forward: raw cut to ±limit. Backward: slope, but 0 where a step down it leads further out."""
    outward = ((raw > limit) & (slope < 0)) | ((raw < -limit) & (slope > 0))
    return raw.clamp(-limit, limit), slope.masked_fill(outward, 0.0)


def inside(g: Generator) -> Iterator[Arguments]:
    yield uniform(g, *SHAPE, low=-1.9, high=1.9), uniform(g, *SHAPE, low=-1.5, high=1.5), 2.0


def beyond(sign: float):
    """Numbers beyond the limit whose slopes have the raw number's sign, or the other one."""

    def cases(g: Generator) -> Iterator[Arguments]:
        limit = float(uniform(g, 1, low=3.0, high=15.0))
        side = torch.where(torch.rand(*SHAPE, generator=g) < 0.5, -1.0, 1.0).double()
        raw = side * (limit + uniform(g, *SHAPE, low=0.1, high=50.0))
        yield raw, sign * side * uniform(g, *SHAPE, low=0.1, high=2.0), limit

    return cases


def anywhere(g: Generator) -> Iterator[Arguments]:
    limit = float(uniform(g, 1, low=1.0, high=30.0))
    yield 2 * limit * normal(g, *SHAPE), normal(g, *SHAPE), limit


def part(number: int) -> Judge:
    """Judge one of the two values."""

    def judged(trial: Trial) -> str | None:
        if not isinstance(trial.value, list | tuple) or len(trial.value) != 2:
            return f"expected two tensors, got {told(trial.value)}"
        return difference(trial.value[number], trial.expected[number], 1e-6)

    return judged


clipping = Problem(
    "clip-that-pulls",
    "answer-clip-that-pulls",
    "clip_and_pull",
    clip_and_pull,
    (
        Property(
            "forward",
            1,
            "The first result is raw, cut to lie between −limit and limit.",
            repeated(anywhere),
            part(0),
        ),
        Property(
            "inside",
            1,
            "Inside the limits the slope passes as it is.",
            repeated(inside),
            part(1),
        ),
        Property(
            "back",
            3,
            "Beyond a limit a slope must pass where an update leads back inside. An update goes "
            "against the slope.",
            repeated(beyond(+1.0)),
            part(1),
        ),
        Property(
            "outward",
            2,
            "Beyond a limit the slope must be 0 where an update would lead further out.",
            repeated(beyond(-1.0)),
            part(1),
        ),
        own_copy(anywhere),
    ),
)
