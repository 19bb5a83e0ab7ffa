"""Backpropagation through time in windows.

What is asked of the loss does not depend on where the gradient is cut. What is asked of the
gradient uses sequences whose state is zero at the end of each window, so that it does not matter
whether the state was carried.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Generator, Tensor

from course.grading.declare import Arguments, Judge, Problem, Property, Trial
from course.grading.judges import TOLERANCE, difference, told
from course.problems.making import normal, repeated
from course.problems.set1_recurrence.reading import weights
from course.problems.set1_recurrence.sizes import B, C, I


def windowed_gradient(
    inputs: Tensor, targets: Tensor, input_weights: Tensor, hidden_weights: Tensor, bias: Tensor,
    window: int,
) -> tuple[float, Tensor]:  # fmt: skip
    """L = ½ Σ_t ‖h_t − y_t‖² and ∂L/∂U, cut after every `window` steps; the state is carried."""
    learned = hidden_weights.detach().clone().requires_grad_()
    hidden = inputs.new_zeros(inputs.shape[1], len(bias))
    loss = inputs.new_zeros(())
    for step, (x, target) in enumerate(zip(inputs, targets, strict=True)):
        if step % window == 0:
            hidden = hidden.detach()
        hidden = torch.tanh(x @ input_weights.T + hidden @ learned.T + bias)
        loss = loss + 0.5 * (hidden - target).square().sum()
    (slope,) = torch.autograd.grad(loss, learned)
    return loss.item(), slope


def told_apart(g: Generator, steps: int, window: int) -> Iterator[Arguments]:
    yield normal(g, steps, B, I), normal(g, steps, B, C), *weights(g, I, C), window


def back_at_zero(g: Generator, steps: int, window: int) -> Iterator[Arguments]:
    """The input at the end of each window is such that the state there is zero."""
    inputs, targets = normal(g, steps, B, C), normal(g, steps, B, C)
    _, hidden_weights, bias = weights(g, C, C)
    hidden = torch.zeros(B, C).double()
    for step in range(steps):
        if (step + 1) % window == 0:
            inputs[step] = -(hidden @ hidden_weights.T + bias)
        hidden = torch.tanh(inputs[step] + hidden @ hidden_weights.T + bias)
    yield inputs, targets, torch.eye(C).double(), hidden_weights, bias, window


def in_one_window(g: Generator) -> Iterator[Arguments]:
    yield from told_apart(g, 5, 5)
    yield from told_apart(g, 4, 9)


def in_windows(g: Generator) -> Iterator[Arguments]:
    yield from back_at_zero(g, 6, 3)
    yield from back_at_zero(g, 12, 4)


def with_a_rest(g: Generator) -> Iterator[Arguments]:
    yield from back_at_zero(g, 7, 3)
    yield from back_at_zero(g, 9, 4)


def part(number: int) -> Judge:
    """Ask for one part of the pair that is returned: 0 the loss, 1 the gradient."""

    def judge(trial: Trial) -> str | None:
        if not isinstance(trial.value, list | tuple) or len(trial.value) != 2:
            return f"expected a pair (loss, gradient), got {told(trial.value)}"
        return difference(trial.value[number], trial.expected[number], TOLERANCE)

    return judge


truncated = Problem(
    "windowed-gradient",
    "answer-windowed-gradient",
    "windowed_gradient",
    windowed_gradient,
    (
        Property(
            "loss",
            2,
            "In a single window the loss is wrong: half the squared distance to the target, "
            "summed over everything, from a state of zeros.",
            repeated(in_one_window),
            part(0),
        ),
        Property(
            "through",
            3,
            "In a single window the gradient is wrong: inside a window it goes through all steps.",
            repeated(in_one_window),
            part(1),
        ),
        Property(
            "cut",
            4,
            "With several windows the gradient is wrong: no part of it may pass from one window "
            "to the one before, and each window has `window` steps.",
            repeated(in_windows),
            part(1),
        ),
        Property(
            "carry",
            2,
            "With several windows the loss is wrong: only the gradient is cut, the state goes on.",
            repeated(lambda g: told_apart(g, 6, 2)),
            part(0),
        ),
        Property(
            "rest",
            1,
            "Steps that do not fill a window at the end count as well.",
            repeated(with_a_rest),
            part(0),
        ),
    ),
)
