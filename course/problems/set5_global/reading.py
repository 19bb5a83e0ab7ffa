"""A read that blends a key with two looks."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Generator, Tensor

from course.grading.declare import Arguments, Problem, Property
from course.grading.judges import agrees
from course.problems.making import ANY_SIZE, normal, repeated, shares, slopes
from course.problems.set5_global.kinds import SIZES, B, P, S, W

KEY, NEAR = (60.0, -60.0, -60.0), (-60.0, 60.0, -60.0)  # one way alone, as softmax or as sigmoid


def three_way_read(
    memory: Tensor, content: Tensor, near: Tensor, far: Tensor, gates: Tensor
) -> Tensor:
    """r = (g_1 w^c + g_2 softmax(near) + g_3 softmax(far)) S, g = softmax(gates). (B, P, W)."""
    g = torch.softmax(gates, dim=-1).unsqueeze(-2)  # (B, P, 1, 3)
    pointers = torch.stack([content.expand_as(near), near.softmax(-1), far.softmax(-1)], dim=-1)
    return (g * pointers).sum(-1) @ memory


def look(
    g: Generator, b: int = B, p: int = P, s: int = S, w: int = W, gates: tuple | None = None
) -> Iterator[Arguments]:
    memory, content = normal(g, b, s, w), shares(g, b, 1, s)
    near, far = 2 * normal(g, b, p, s), 2 * normal(g, b, p, s)
    if gates is None:
        yield memory, content, near, far, normal(g, b, p, 3)
    else:
        given = torch.tensor(gates, dtype=torch.float64).expand(b, p, 3).clone()
        yield memory, content, near, near.clone(), given


def look_sizes(g: Generator) -> Iterator[Arguments]:
    for b, p, s, w in SIZES:
        yield from look(g, b, p, s, w, KEY)


three_ways = Problem(
    "three-way-read",
    "answer-three-way-read",
    "three_way_read",
    three_way_read,
    (
        Property(
            "key",
            2,
            "With the first gate at 60 and the others at −60 each pointer reads where the key "
            "points, and all pointers share this one.",
            repeated(lambda g: look(g, gates=KEY)),
            agrees(),
        ),
        Property(
            "looks",
            3,
            "With gates that choose a look, and two looks that are alike, the read is wrong: the "
            "maps come as scores, and each pointer has to lie on the simplex.",
            repeated(lambda g: look(g, gates=NEAR)),
            agrees(),
        ),
        Property(
            "gates",
            4,
            "With gates between the extremes the blend is wrong: for each pointer its three shares "
            "sum to 1, and come in the order key, near, far.",
            repeated(look),
            agrees(),
        ),
        Property("sizes", 1, ANY_SIZE, look_sizes, agrees()),
        slopes(look),
    ),
)
