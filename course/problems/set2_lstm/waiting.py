"""A belt that fades while it waits."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Generator, Tensor

from course.grading.declare import Arguments, Case, Problem, Property, Trial
from course.grading.judges import agrees, difference
from course.problems.making import normal, repeated, slopes, uniform
from course.problems.set2_lstm.parts import B, C, T, has_shape, misshaped, shaped


def waiting_belt(
    cell: Tensor, forget: Tensor, taken_in: Tensor, elapsed: Tensor, half_life: Tensor
) -> Tensor:
    """c_t = f_t 2^(−Δ_t / τ) c_{t−1} + v_t. Returns (T, B, C)."""
    kept = forget * 2.0 ** (-elapsed.unsqueeze(-1) / half_life)
    cells = []
    for share, new in zip(kept, taken_in, strict=True):
        cell = share * cell + new
        cells.append(cell)
    return torch.stack(cells)


def wait(
    g: Generator, t: int = T, b: int = B, c: int = C, *,
    start: bool = False, waits: bool = False, news: bool = True, gates: bool = False,
) -> Iterator[Arguments]:  # fmt: skip
    """Without `gates` they all stand at 1/2, so that f and 1 − f are the same."""
    elapsed = uniform(g, t, b, high=3.0) * waits
    elapsed[0] *= start
    yield (
        normal(g, b, c) * start,
        uniform(g, t, b, c, low=0.2, high=0.95) if gates else torch.full((t, b, c), 0.5).double(),
        normal(g, t, b, c) * news,
        elapsed,
        uniform(g, c, low=0.5, high=4.0),
    )


def wait_first(g: Generator) -> Iterator[Case]:
    for arguments in wait(g, start=True, waits=True, news=False):
        cell, forget, news, elapsed, half_life = arguments
        cell = cell.sign() + cell
        elapsed[0] += 1
        late = torch.cat([0 * elapsed[:1], elapsed[1:]])
        without = waiting_belt(cell, forget, news, late, half_life)
        yield Case((cell, forget, news, elapsed, half_life), without)


def waited_first(trial: Trial) -> str | None:
    """Refuse what comes out when the first wait is left out; other mistakes cost elsewhere."""
    found = shaped(trial)
    if found is None:
        return misshaped(trial)
    left_out = difference(found[:1], trial.secret[:1], 1e-4) is None
    return "the first wait is left out" if left_out else None


def wait_sizes(g: Generator) -> Iterator[Arguments]:
    for t, b, c in ((1, 1, 1), (4, 4, 4), (3, 2, 6)):
        yield from wait(g, t, b, c)


waiting = Problem(
    "waiting-belt",
    "answer-waiting-belt",
    "waiting_belt",
    waiting_belt,
    (
        Property(
            "belt",
            2,
            "Without waiting, from an empty cell, this is the plain f c + v, step by step.",
            repeated(lambda g: wait(g, gates=True)),
            agrees(),
        ),
        Property(
            "half-life",
            3,
            "Waiting is wrong: after one half-life of its unit half is left, after two a quarter.",
            repeated(lambda g: wait(g, waits=True)),
            agrees(),
        ),
        Property(
            "start",
            2,
            "The cell from before the first step is part of the belt.",
            repeated(lambda g: wait(g, start=True, news=False)),
            agrees(),
        ),
        Property(
            "first wait",
            1,
            "The cell that is there at the start waits for the first step, too.",
            repeated(wait_first),
            waited_first,
            side=True,
        ),
        Property(
            "sizes",
            1,
            "It must work for any number of steps, batch and units.",
            wait_sizes,
            has_shape,
            side=True,
        ),
        slopes(lambda g: wait(g, start=True, waits=True, gates=True)),
    ),
)
