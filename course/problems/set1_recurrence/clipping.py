"""Two ways to keep a gradient short: all together at the end, and at each step on the way back."""

from __future__ import annotations

import math
from collections.abc import Iterator

import torch
from torch import Generator, Tensor

from course.grading.declare import Arguments, Judge, Problem, Property, Trial
from course.grading.judges import TOLERANCE, agrees, difference, told
from course.problems.making import OWN_COPY, normal, repeated, uniform, unit
from course.problems.set1_recurrence.sizes import C, T

Gradients = list[Tensor | None]
SHAPES = ((3, 2), (4,), (2, 2, 2))


def clip_together(gradients: Gradients, max_norm: float) -> tuple[Gradients, float]:
    """g ← g min(1, v / ‖g‖), one norm for all; zeros where a number is not finite."""
    there = [gradient for gradient in gradients if gradient is not None]
    flat = torch.cat([gradient.flatten() for gradient in there])
    largest = flat.abs().max().item()
    if not math.isfinite(largest):
        return [None if g is None else torch.zeros_like(g) for g in gradients], math.inf
    norm = largest * (flat / largest).norm().item() if largest else 0.0
    factor = min(1.0, max_norm / norm) if norm else 1.0
    return [None if g is None else g * factor for g in gradients], norm


def some(g: Generator, size: float) -> list[Tensor]:
    """Gradients whose joint norm is `size`."""
    found = [normal(g, *shape) for shape in SHAPES]
    norm = torch.cat([each.flatten() for each in found]).norm()
    return [each * (size / norm) for each in found]


def long_ones(g: Generator) -> Iterator[Arguments]:
    yield some(g, 7.0), float(uniform(g, 1, low=0.5, high=3.0))
    yield some(g, 40.0)[:2], 1.5


def short_ones(g: Generator) -> Iterator[Arguments]:
    yield some(g, float(uniform(g, 1, low=0.2, high=0.9))), 1.0
    yield [torch.zeros(2, 3).double(), torch.zeros(4).double()], 1.0


def any_ones(g: Generator) -> Iterator[Arguments]:
    yield some(g, 5.0), 2.0
    yield some(g, 0.7), 2.0


def with_gaps(g: Generator) -> Iterator[Arguments]:
    first, second, third = some(g, 0.8)
    yield [None, first, second, None, third], 1.0


def broken_ones(g: Generator) -> Iterator[Arguments]:
    for what in (math.nan, math.inf, -math.inf):
        found = some(g, 0.8)
        found[1][2] = what
        yield found, 1.0


def huge_ones(g: Generator) -> Iterator[Arguments]:
    yield [each * 1e200 for each in some(g, 5.0)[:1]], 2.0


def part(number: int) -> Judge:
    """Ask for one part of the pair that is returned: 0 the gradients, 1 the norm."""

    def judge(trial: Trial) -> str | None:
        if not isinstance(trial.value, list | tuple) or len(trial.value) != 2:
            return f"expected a pair (gradients, norm), got {told(trial.value)}"
        return difference(trial.value[number], trial.expected[number], TOLERANCE)

    return judge


def leaves_list(trial: Trial) -> str | None:
    """Ask that the tensors in the list of the first argument are the same after the call."""
    before, after = trial.arguments[0], (trial.after or [None])[0]
    if not isinstance(after, list) or len(after) != len(before):
        return "the list of gradients has another length after the call"
    for number, (was, now) in enumerate(zip(before, after, strict=True), 1):
        if not isinstance(now, Tensor) or was.shape != now.shape or not torch.equal(was, now):
            return f"gradient {number} was changed in place"
    return None


clipped = Problem(
    "clip-together",
    "answer-clip-together",
    "clip_together",
    clip_together,
    (
        Property(
            "long",
            3,
            "Gradients that are too long together come out wrong: one factor for all of them, "
            "and a joint norm that is the bound.",
            repeated(long_ones),
            part(0),
        ),
        Property(
            "short",
            2,
            "Gradients that are short enough, or all zero, stay as they are.",
            repeated(short_ones),
            part(0),
        ),
        Property(
            "norm",
            1,
            "The second value is the joint norm before clipping.",
            repeated(any_ones),
            part(1),
        ),
        Property(
            "gaps",
            1,
            "A parameter that took no part has None for a gradient: it stays None, in its place.",
            repeated(with_gaps),
            part(0),
        ),
        Property(
            "broken",
            3,
            "A NaN or an infinity in one gradient says that none of them can be trusted: this "
            "update is left out, with zeros for all.",
            repeated(broken_ones),
            part(0),
        ),
        Property(
            "huge",
            1,
            "Each number is finite, the square of it is not: what can be divided by beforehand?",
            repeated(huge_ones),
            part(0),
        ),
        Property("own copy", 1, OWN_COPY, repeated(any_ones), leaves_list, "arguments", side=True),
    ),
)


def clip_on_the_way(own: Tensor, factors: Tensor, max_norm: float) -> Tensor:
    """δ_t = clip(g_t + F_{t+1}ᵀ δ_{t+1}), each sequence by its own norm. Returns (T, B, C)."""
    found = []
    for step in reversed(range(len(own))):
        total = own[step]
        if found:
            total = total + torch.einsum("bij,bi->bj", factors[step + 1], found[-1])
        norm = total.norm(dim=-1, keepdim=True).clamp_min(1e-30)
        found.append(total * (max_norm / norm).clamp_max(1.0))
    return torch.stack(found[::-1])


def at_the_end(g: Generator, steps: int, b: int) -> Tensor:
    own = torch.zeros(steps, b, C).double()
    own[-1] = normal(g, b, C)
    return own


def same_factors(g: Generator, steps: int, b: int, low: float, high: float) -> Tensor:
    """One symmetric matrix for all steps, which turns no direction round."""
    turn = torch.linalg.qr(normal(g, C, C)).Q
    matrix = turn @ torch.diag(uniform(g, C, low=low, high=high)) @ turn.T
    return matrix.expand(steps, b, C, C).clone()


def sent_back(g: Generator) -> Iterator[Arguments]:
    yield at_the_end(g, T, 3), normal(g, T, 3, C, C) * 0.5, 1e6


def added_up(g: Generator) -> Iterator[Arguments]:
    yield normal(g, T, 3, C), same_factors(g, T, 3, 0.5, 1.2), 1e6


def one_step(g: Generator, b: int) -> Iterator[Arguments]:
    size = uniform(g, 1, b, 1, low=1.5, high=6.0)
    yield unit(g, 1, b, C) * size, normal(g, 1, b, C, C), 1.0


def short_step(g: Generator) -> Iterator[Arguments]:
    yield from one_step(g, 1)
    yield unit(g, 1, 1, C) * 0.4, normal(g, 1, 1, C, C), 1.0


def clipped_and_passed_on(g: Generator) -> Iterator[Arguments]:
    """A long gradient that shrinks on its way, and a short one that grows."""
    own = at_the_end(g, T, 1)
    own = own / own.norm()
    yield own * 20.0, same_factors(g, T, 1, 0.5, 0.8), 1.0
    yield own * 0.5, same_factors(g, T, 1, 1.5, 2.0), 1.0


on_the_way = Problem(
    "clip-on-the-way",
    "answer-clip-on-the-way",
    "clip_on_the_way",
    clip_on_the_way,
    (
        Property(
            "back",
            3,
            "Without any clipping a loss at the last step arrives wrongly at the others. Which "
            "factor leads from a step to the one before, and which way round?",
            repeated(sent_back),
            agrees(),
        ),
        Property(
            "sum",
            2,
            "Every step has a loss of its own, and hears of all losses after it.",
            repeated(added_up),
            agrees(),
        ),
        Property(
            "bound",
            2,
            "A gradient (of one step, one sequence) longer than the bound is shortened to it and "
            "keeps its direction; a shorter one stays.",
            repeated(short_step),
            agrees(),
        ),
        Property(
            "each",
            1,
            "Each sequence of a batch has a norm of its own.",
            repeated(lambda g: one_step(g, 4)),
            agrees(),
        ),
        Property(
            "passed on",
            2,
            "What a step passes back is the gradient after clipping.",
            repeated(clipped_and_passed_on),
            agrees(),
        ),
    ),
)
