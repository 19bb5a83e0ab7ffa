"""A kernel made by hand: it finds a pattern of bits in a memory of bits."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import Generator, Tensor
from torch.nn import functional as F

from course.grading.declare import Case, Problem, Property, Trial
from course.grading.judges import numbers, told
from course.problems.set5_global.kinds import padded_scores

SLOTS, WIDTH = 24, 10
ANY = -1


def kernel_for(pattern: Tensor) -> Tensor:
    """Count the ones that are wanted, take away for ones that are not: (W, 3), lead 12."""
    return 12.0 * ((pattern == 1).double() - (pattern == 0).double()).T


def bits(g: Generator, *shape: int) -> Tensor:
    return torch.randint(0, 2, shape, generator=g)


def half_full(g: Generator, rows: int, width: int) -> Tensor:
    """Return rows (rows, width) of bits, half of them ones, in random places."""
    return torch.stack([torch.randperm(width, generator=g) % 2 for _ in range(rows)])


def same_backwards(g: Generator, width: int = WIDTH) -> Tensor:
    """Return a pattern (3, width) whose rows before and after are alike."""
    return half_full(g, 2, width)[[0, 1, 0]]


def fits(memory: Tensor, pattern: Tensor) -> Tensor:
    """Return for each slot whether the pattern lies there, zeros beyond the ends."""
    seen = F.pad(memory, (0, 0, 1, 1)).unfold(0, 3, 1).transpose(1, 2)  # (S, 3, W)
    return ((seen == pattern) | (pattern == ANY)).flatten(1).all(-1)


def hidden(
    g: Generator, pattern: Tensor, filled: Tensor, decoys: list[Tensor], fuller: bool = False
) -> Case:
    """Hide `filled` in random bits, and decoys beside it; the judge alone knows where.

    Unless `fuller`, no other slot has all the ones of the pattern.
    """
    wanted = pattern if fuller else torch.where(pattern == 1, 1, ANY)
    while True:
        memory = bits(g, SLOTS, pattern.shape[1])
        places = 2 + 4 * torch.randperm(SLOTS // 4 - 1, generator=g)
        for place, rows in zip(places.tolist(), [filled, *decoys], strict=False):
            memory[place - 1 : place + 2] = rows
        if fits(memory, wanted).nonzero().flatten().tolist() == [int(places[0])]:
            return Case((pattern,), (memory.double(), int(places[0])))


def near_misses(g: Generator, pattern: Tensor) -> list[Tensor]:
    """Return the pattern with a bit too many, and with a bit too few."""
    found = []
    for missed in (0, 1):
        there = (pattern == missed).nonzero()
        row, column = there[int(torch.randint(0, len(there), (1,), generator=g))]
        other = pattern.clone()
        other[row, column] = 1 - missed
        found.append(other)
    return found


def plain(g: Generator) -> Iterator[Case]:
    pattern = same_backwards(g)
    yield hidden(g, pattern, pattern, [])


def among_full(g: Generator) -> Iterator[Case]:
    pattern = same_backwards(g)
    decoys = [torch.ones_like(pattern), near_misses(g, pattern)[0]]
    yield hidden(g, pattern, pattern, decoys, fuller=True)


def turned(g: Generator) -> Iterator[Case]:
    pattern = half_full(g, 3, WIDTH)
    yield hidden(g, pattern, pattern, [pattern.flip(0)])


def with_any(g: Generator) -> Iterator[Case]:
    """Some entries do not count: full where the pattern lies and empty in the decoy, or turned."""
    pattern = same_backwards(g)
    pattern[:, torch.randperm(WIDTH, generator=g)[:4]] = ANY
    for here, there in ((1, 0), (0, 1)):
        decoy = torch.where(pattern == ANY, there, pattern)
        row, column = (pattern == 1).nonzero()[0]
        decoy[row, column] = 0
        yield hidden(g, pattern, torch.where(pattern == ANY, here, pattern), [decoy])


def almost(g: Generator) -> Iterator[Case]:
    pattern = same_backwards(g)
    yield hidden(g, pattern, pattern, near_misses(g, pattern)[1:])


def of_sizes(g: Generator) -> Iterator[Case]:
    for width in (6, 8, 16):
        pattern = same_backwards(g, width)
        yield hidden(g, pattern, pattern, [])


def finds(share: float = 0.0) -> Callable[[Trial], str | None]:
    """Ask that the slot of the pattern scores best, and that its weight is `share` or more."""

    def judge(trial: Trial) -> str | None:
        (pattern,), (memory, place) = trial.arguments, trial.secret
        kernel = numbers(trial.value)
        if kernel is None:
            return f"expected a tensor, got {told(trial.value)}"
        if tuple(kernel.shape) != (pattern.shape[1], 3):
            return f"expected the shape {(pattern.shape[1], 3)}, got {tuple(kernel.shape)}"
        if not bool(kernel.isfinite().all()):
            return "the kernel holds a NaN or an infinity"
        scores = padded_scores(memory[None], kernel[None])[0, 0]
        others = scores.clone()
        others[place] = -torch.inf
        if float(others.max()) >= float(scores[place]) - 1e-9:
            return f"the pattern scores {float(scores[place]):.4g}, another slot {others.max():.4g}"
        weight = float(scores.softmax(-1)[place])
        return None if weight >= share else f"the weight of the pattern's slot is {weight:.2f}"

    return judge


def repeated_cases(make: Callable[[Generator], Iterator[Case]], times: int = 4):
    return lambda generator: (case for _ in range(times) for case in make(generator))


finding = Problem(
    "kernel-for",
    "answer-kernel-for",
    "kernel_for",
    None,
    (
        Property(
            "found",
            2,
            "In a memory of random bits the slot of the pattern does not score best.",
            repeated_cases(plain),
            finds(),
        ),
        Property(
            "fuller",
            2,
            "A slot that has all the ones of the pattern, and more, scores as high or higher: a "
            "one where a zero is wanted has to cost.",
            repeated_cases(among_full),
            finds(),
        ),
        Property(
            "direction",
            2,
            "The kernel finds another slot, such as one where the pattern stands turned round: "
            "which column meets the slot before?",
            repeated_cases(turned),
            finds(),
        ),
        Property(
            "anything",
            2,
            "Where the pattern says −1 the memory may hold anything, at no cost and no gain.",
            repeated_cases(with_any),
            finds(),
        ),
        Property(
            "clear lead",
            2,
            "Where another slot differs by one bit, the pattern's slot gets less than 0.9 of the "
            "pointer.",
            repeated_cases(almost),
            finds(0.9),
        ),
        Property(
            "sizes",
            1,
            "It must work for any number of columns.",
            of_sizes,
            finds(),
        ),
    ),
)
