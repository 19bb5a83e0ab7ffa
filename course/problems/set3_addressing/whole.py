"""The four stages in a row, for one head."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import Generator, Tensor

from course.grading.declare import Arguments, Problem, Property
from course.grading.judges import agrees
from course.problems.making import even_shares, repeated, shares, slopes, uniform, unit
from course.problems.set3_addressing.content import shared_key_weights
from course.problems.set3_addressing.moving import shift_five
from course.problems.set3_addressing.sharpening import keep_and_sharpen
from course.problems.set3_addressing.sizes import B, S, W


def head_step(
    memory: Tensor, previous: Tensor, key: Tensor, key_strength: Tensor, gate: Tensor,
    shift: Tensor, sharpening: Tensor,
) -> Tensor:  # fmt: skip
    """Content, gate, five-offset shift, sharpening, for one head. Returns (B, S)."""
    content = shared_key_weights(memory, key, key_strength.unsqueeze(-1))
    mixed = gate[:, None, None] * content + (1 - gate)[:, None, None] * previous.unsqueeze(1)
    moved = shift_five(mixed, shift.unsqueeze(1))
    return keep_and_sharpen(moved, sharpening.unsqueeze(-1), moved.shape[-1]).squeeze(1)


STAY = (0.0, 0.0, 1.0, 0.0, 0.0)


def step(
    g: Generator,
    *,
    gate: float | None = None,
    shift: bool = False,
    gamma: bool = False,
    shares_of: Callable[..., Tensor] = even_shares,
) -> Iterator[Arguments]:
    stay = torch.tensor(STAY, dtype=torch.float64).expand(B, 5).clone()
    yield (
        unit(g, B, S, W),
        shares(g, B, S),
        unit(g, B, W),
        uniform(g, B, low=1.0, high=8.0),
        uniform(g, B, low=0.2, high=0.8) if gate is None else torch.full((B,), gate).double(),
        shares_of(g, B, 5) if shift else stay,
        uniform(g, B, low=2.0, high=5.0) if gamma else torch.ones(B).double(),
    )


whole = Problem(
    "head-step",
    "answer-head-step",
    "head_step",
    head_step,
    (
        Property(
            "content",
            2,
            "With g = 1, no movement and γ = 1 the result is the content weighting.",
            repeated(lambda g: step(g, gate=1.0)),
            agrees(),
        ),
        Property(
            "stay",
            1,
            "With g = 0, no movement and γ = 1 the head stays where it was.",
            repeated(lambda g: step(g, gate=0.0)),
            agrees(),
        ),
        Property(
            "shift",
            1,
            "With g = 0 and γ = 1 the result is the previous weighting, shifted.",
            repeated(lambda g: step(g, gate=0.0, shift=True)),
            agrees(),
        ),
        Property(
            "sharpen",
            1,
            "With g = 0 and no movement the result is the previous weighting, sharpened.",
            repeated(lambda g: step(g, gate=0.0, gamma=True)),
            agrees(),
        ),
        Property(
            "order",
            4,
            "Each stage alone is right, all together are not: in which order do they come?",
            repeated(lambda g: step(g, shift=True, gamma=True)),
            agrees(),
        ),
        slopes(lambda g: step(g, shift=True, gamma=True, shares_of=shares)),
    ),
    calls=("shared-key", "shift-five", "keep-and-sharpen"),
)
