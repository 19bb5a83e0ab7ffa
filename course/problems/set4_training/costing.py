"""What a list costs, in bits: the unit of the NTM paper's learning curves."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace

import torch
from torch import Generator, Tensor
from torch.nn import functional as F

from course.grading.declare import Arguments, Problem, Property, Trial
from course.grading.judges import TOLERANCE, difference, numbers, proportional, slopes_flow
from course.problems.making import SLOPES, normal, repeated, uniform
from course.problems.set4_training.lists import BITS, steady

B = 3


def answer_mask(lengths: Tensor, steps: int) -> Tensor:
    """Say which steps are answers, (T, B): n + 1 to 2 n, counted from 0."""
    now = torch.arange(steps).unsqueeze(-1)
    return (now > lengths) & (now <= 2 * lengths)


def bits_a_list(outputs: Tensor, targets: Tensor, lengths: Tensor) -> Tensor:
    """−Σ [y log₂ σ(o) + (1 − y) log₂(1 − σ(o))] over each list's answer, (B,)."""
    cost = F.binary_cross_entropy_with_logits(outputs, targets, reduction="none").sum(-1)
    return torch.where(answer_mask(lengths, len(outputs)), cost, 0).sum(0) / math.log(2)


def answers(g: Generator, lengths: list[int], more: int = 0, bits: int = BITS) -> Arguments:
    """Random outputs, with `more` steps of padding than the longest list needs."""
    told = torch.tensor(lengths)
    shape = (2 * max(lengths) + 1 + more, len(lengths), bits)
    return 2 * normal(g, *shape), torch.randint(0, 2, shape, generator=g).double(), told


def one_bit(g: Generator) -> Iterator[Arguments]:
    yield steady(*answers(g, [2] * B, bits=1))


def loud(g: Generator) -> Iterator[Arguments]:
    yield answers(g, [4] * B)
    yield answers(g, [3] * B, more=3)


def mixed(g: Generator) -> Iterator[Arguments]:
    """Steady lists that are sure and right before their marker and after their answer."""
    outputs, targets, told = steady(*answers(g, [2, 5, 3], more=1))
    now = torch.arange(len(outputs)).unsqueeze(-1)
    near = ((now >= told) & (now <= 2 * told)).unsqueeze(-1)
    yield torch.where(near, outputs, 30 * (2 * targets - 1)), targets, told


def sums(g: Generator) -> Iterator[Arguments]:
    yield steady(*answers(g, [4] * B))
    yield steady(*answers(g, [6] * B))


def sure(g: Generator) -> Iterator[Arguments]:
    """Steady outputs of 200 to 2000 and either sign, at least one of them wrong in each list."""
    outputs, targets, told = steady(*answers(g, [3] * B))
    size = uniform(g, 1, B, BITS, low=200.0, high=2000.0)
    outputs[..., 0] = 1 - 2 * targets[..., 0]
    yield outputs.sign() * size, targets, told


def anyhow(g: Generator) -> Iterator[Arguments]:
    yield answers(g, [2, 5, 1])


def cost_of_step(trial: Trial) -> Tensor:
    """What one step costs in each steady list, in bits: its marker's, (B,)."""
    outputs, targets, lengths = trial.arguments
    rows = lengths.expand(1, -1).unsqueeze(-1).expand(1, -1, outputs.shape[-1])
    here, there = outputs.gather(0, rows)[0], targets.gather(0, rows)[0]
    cost = F.binary_cross_entropy_with_logits(here, there, reduction="none")
    return cost.sum(-1) / math.log(2)


def whole_steps(trial: Trial) -> str | None:
    """Ask for the cost of a whole number of steps; which steps count is asked elsewhere."""
    got = numbers(trial.value)
    if got is None or got.shape != trial.expected.shape:
        return difference(trial.value, trial.expected, TOLERANCE)
    length = int(trial.arguments[2][0])
    for count in range(length - 1, len(trial.arguments[0]) + 1):
        if difference(got, count * cost_of_step(trial), TOLERANCE) is None:
            return None
    return "wrong values"


def longer_cost_more(trial: Trial) -> str | None:
    """Ask for costs that go with the lengths, up to one step each, or for a mean over steps."""
    lengths = trial.arguments[2]
    counts = (lengths, lengths - 1, lengths + 1, torch.ones_like(lengths))
    faults = [
        proportional()(replace(trial, expected=count * cost_of_step(trial))) for count in counts
    ]
    return None if None in faults else faults[0]


def slopes_of_outputs(trial: Trial) -> str | None:
    """Ask for the outputs' gradient; targets are given, and need none."""
    gradients = trial.gradients and trial.gradients[:1]
    return slopes_flow(replace(trial, slopes=trial.slopes[:1], gradients=gradients))


cost = Problem(
    "bits-a-list",
    "answer-bits-a-list",
    "bits_a_list",
    bits_a_list,
    (
        Property(
            "cross-entropy",
            3,
            "The lists do not stand in the right proportion to each other, already for one bit "
            "each: what does an output o cost whose target is y?",
            repeated(one_bit, 5),
            proportional(),
        ),
        Property(
            "answer only",
            2,
            "Steps count that are no answer, or steps of the answer do not. A list of n vectors "
            "is shown in n steps, and its marker takes one.",
            loud,
            proportional(),
        ),
        Property(
            "lengths",
            2,
            "In a batch of several lengths each list has its own answer, and its own sum.",
            repeated(mixed),
            longer_cost_more,
        ),
        Property(
            "unit",
            2,
            "The unit is bits a list: base 2, summed over the answer, not a mean.",
            sums,
            whole_steps,
        ),
        Property(
            "sure",
            1,
            "An output of 2000 with the wrong sign costs 2000 / ln 2 bits, and no infinity.",
            repeated(sure),
            proportional(),
        ),
        Property("slopes", 1, SLOPES, repeated(anyhow), slopes_of_outputs, "slopes", side=True),
    ),
)
