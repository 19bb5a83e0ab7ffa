"""How a gradient travels: the product of Jacobians by hand, and the rate at which it fades."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import torch
from torch import Generator, Tensor

from course.grading.declare import Arguments, Problem, Property, Trial
from course.grading.judges import TOLERANCE, agrees, difference, numbers
from course.problems.making import float32, normal, repeated, uniform, unit
from course.problems.set1_recurrence.sizes import ANY_SIZE, SIZES, B, C


def leaky_jacobian(states: Tensor, hidden_weights: Tensor, leak: Tensor) -> Tensor:
    """∂h_T/∂h_0 = Π_t (diag(1 − a) + diag(a (1 − z_t²)) U), the last step on the left. (C, C)."""
    product = torch.eye(len(leak), dtype=states.dtype)
    for before, after in pairwise(states):
        new = (after - (1 - leak) * before) / leak  # z_t, what the tanh gave
        factor = torch.diag(1 - leak) + (leak * (1 - new**2)).unsqueeze(-1) * hidden_weights
        product = factor @ product
    return product


def journey(g: Generator, steps: int, c: int = C, *, leak: bool = False) -> Iterator[Arguments]:
    a = uniform(g, c, low=0.2, high=0.8) if leak else torch.ones(c).double()
    states = [uniform(g, c, low=-0.8, high=0.8)]
    for _ in range(steps):
        states.append((1 - a) * states[-1] + a * uniform(g, c, low=-0.8, high=0.8))
    yield torch.stack(states), normal(g, c, c) * 0.8, a


def journey_sizes(g: Generator) -> Iterator[Arguments]:
    for size in (1, 2, 7):
        yield from journey(g, 1, size)


jacobian = Problem(
    "leaky-jacobian",
    "answer-leaky-jacobian",
    "leaky_jacobian",
    leaky_jacobian,
    (
        Property(
            "factor",
            3,
            "One step with a = 1, the plain Elman step, is wrong. Row i holds how unit i after "
            "the step depends on each unit before it: whose slope damps which row?",
            repeated(lambda g: journey(g, 1)),
            agrees(),
        ),
        Property(
            "leak",
            4,
            "One step with a leak is wrong. There are two ways from a state to the next, and the "
            "tanh's slope follows from what the tanh gave, which is not the state.",
            repeated(lambda g: journey(g, 1, leak=True)),
            agrees(),
        ),
        Property(
            "product",
            3,
            "Several steps with a = 1 are wrong: which factor stands on the left of the product?",
            repeated(lambda g: journey(g, 4)),
            agrees(),
        ),
        Property("sizes", 1, ANY_SIZE, journey_sizes, agrees()),
        Property(
            "no step",
            1,
            "With h_0 alone there is no step, and a state depends on itself one to one.",
            lambda g: journey(g, 0, leak=True),
            agrees(),
        ),
    ),
)


def fade_rate(gradients: Tensor) -> Tensor:
    """log ‖g_t‖ ≈ c + (T − 1 − t) log r by least squares, norms of 0 left out. Returns r, (B,)."""
    norms = gradients.double().norm(dim=-1)  # (T, B)
    there = (norms > 0).double()
    logs = torch.where(norms > 0, norms, 1.0).log()
    distance = torch.arange(len(norms), dtype=torch.float64).flip(0).unsqueeze(-1)
    count = there.sum(0)
    away = distance - (there * distance).sum(0) / count
    high = logs - (there * logs).sum(0) / count
    return ((there * away * high).sum(0) / (there * away**2).sum(0)).exp()


def faded(g: Generator, steps: int = 9, b: int = B, c: int = C, noise: float = 0.0) -> Tensor:
    """Gradients (T, B, C) of random directions whose norms fade or grow backwards in time."""
    rate = uniform(g, b, low=0.4, high=0.8)
    rate[0] = float(uniform(g, 1, low=1.1, high=1.4))
    distance = torch.arange(steps).flip(0).unsqueeze(-1)
    size = 3 * rate**distance * torch.exp(noise * normal(g, steps, b))
    return unit(g, steps, b, c) * size.unsqueeze(-1)


def fade_exactly(g: Generator) -> Iterator[Arguments]:
    yield (faded(g),)


def fade_roughly(g: Generator) -> Iterator[Arguments]:
    yield (faded(g, noise=0.5),)


def fade_to_nothing(g: Generator) -> Iterator[Arguments]:
    gradients = faded(g)
    gradients[:3, 0] = 0
    gradients[:4, 1] = 0
    yield (gradients,)


def fade_far(g: Generator) -> Iterator[Arguments]:
    """float32, slowly and then fast, down to about 1e-30: the squares are no numbers any more."""
    step = torch.cat([torch.full((9,), 0.5), torch.full((9,), 0.001)]).double()
    size = step.cumprod(0).flip(0).reshape(-1, 1, 1) * uniform(g, 1, B, 1, low=0.5, high=2.0)
    yield float32((unit(g, 18, B, C) * size,))


def fade_sizes(g: Generator) -> Iterator[Arguments]:
    for (b, _, c), steps in zip(SIZES, (2, 3, 12, 5), strict=True):
        yield (faded(g, steps, b, c),)


def either_way(trial: Trial) -> str | None:
    """Ask for the reference's rates or their inverses: the direction is paid for elsewhere."""
    got = numbers(trial.value)
    if got is None or got.shape != trial.expected.shape or not bool((got > 0).all()):
        return difference(trial.value, trial.expected, TOLERANCE) or "a rate is not positive"
    return difference(got.log().abs(), trial.expected.log().abs(), TOLERANCE)


fading = Problem(
    "fade-rate",
    "answer-fade-rate",
    "fade_rate",
    fade_rate,
    (
        Property(
            "rate",
            3,
            "Norms that fade by exactly the same share a step give a wrong rate. A gradient that "
            "vanishes on its way back has a rate below 1.",
            repeated(fade_exactly),
            agrees(),
        ),
        Property(
            "fit",
            3,
            "Norms that scatter give a wrong rate: every step counts, by least squares through "
            "the logarithms of the norms.",
            repeated(fade_roughly),
            either_way,
        ),
        Property(
            "gone",
            2,
            "A norm of exactly 0 has no logarithm; such a step is left out of the fit.",
            repeated(fade_to_nothing),
            either_way,
        ),
        Property(
            "small",
            1,
            "In float32 the square of 1e-30 is 0. How is a norm computed that does not lose it?",
            fade_far,
            either_way,
        ),
        Property("sizes", 1, ANY_SIZE, fade_sizes, either_way),
    ),
)
