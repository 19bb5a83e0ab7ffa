"""By hand: the weights of a small network that holds a bit.

Inputs are pairs (value, flag). Where the flag is 1 the value, −1 or +1, is to be held by unit 0;
where it is 0 the value means nothing.

That the bit stays clear for long is asked for in silence alone: among values without a flag its
sign is enough, and a bit is overwritten soon.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Generator, Tensor

from course.grading.declare import Case, Judge, Problem, Property, Trial
from course.grading.judges import numbers

MOST_UNITS, LARGEST, DELAY, CLEAR = 8, 20.0, 3, 0.5


class RefusedError(ValueError):
    """Weights that make no network; the message says why."""


def checked(value: Any) -> tuple[Tensor, Tensor, Tensor]:
    """Return W (C, 2), U (C, C) and b (C,) in float64. Raises RefusedError."""
    if not isinstance(value, list | tuple) or len(value) != 3:
        raise RefusedError("expected three tensors W, U, b")
    found = [numbers(each) for each in value]
    if any(each is None for each in found):
        raise RefusedError("expected three tensors W, U, b")
    units = found[2].numel()
    if not 1 <= units <= MOST_UNITS:
        raise RefusedError(f"expected 1 to {MOST_UNITS} units, got {units}")
    for name, each, shape in zip("WUb", found, ((units, 2), (units, units), (units,)), strict=True):
        if tuple(each.shape) != shape:
            raise RefusedError(f"expected {name} of shape {shape}, got {tuple(each.shape)}")
        if not bool((each.abs() <= LARGEST).all()):
            raise RefusedError(f"{name} holds a number beyond {LARGEST:g}, or none at all")
    return found[0], found[1], found[2]


def run(value: Any, inputs: Tensor) -> Tensor:
    """Return unit 0 after each step, (T,), for inputs (T, 2). Raises RefusedError."""
    input_weights, hidden_weights, bias = checked(value)
    hidden, kept = torch.zeros_like(bias), []
    for x in inputs:
        hidden = torch.tanh(input_weights @ x + hidden_weights @ hidden + bias)
        kept.append(hidden[0])
    return torch.stack(kept)


def script(g: Generator, writes: int, gap: int, noise: bool) -> Tensor:
    """Inputs (T, 2): a write every `gap` steps, each the opposite of the one before."""
    inputs = torch.zeros(writes * gap, 2).double()
    if noise:
        inputs[:, 0] = 2 * torch.rand(len(inputs), generator=g).double() - 1
        loud = torch.rand(len(inputs), generator=g) < 0.5
        inputs[loud, 0] = inputs[loud, 0].sign()
    first = 1 if torch.rand((), generator=g) < 0.5 else -1
    for number in range(writes):
        inputs[number * gap] = torch.tensor([first * (-1.0) ** number, 1.0])
    return inputs


def scripts(writes: int, gap: int, noise: bool = False) -> Callable[[Generator], Iterator[Case]]:
    def cases(g: Generator) -> Iterator[Case]:
        for _ in range(4):
            inputs = script(g, writes, gap, noise)
            yield Case((), inputs)
            yield Case((), inputs * torch.tensor([-1.0, 1.0]).double())

    return cases


def faults(value: Any, inputs: Tensor, clear: float) -> int:
    """Count the steps at which unit 0 does not show the bit, or not beyond `clear` in size."""
    shown, wanted, since, wrong = run(value, inputs), 0.0, 0, 0
    for step, (number, flag) in enumerate(inputs.tolist()):
        since = 0 if flag else since + 1
        wanted = number if flag else wanted
        wrong += bool(since >= DELAY and not float(shown[step]) * wanted > clear)
    return wrong


def shows(clear: float = CLEAR) -> Judge:
    """Ask that unit 0 shows what was written, beyond `clear` in size."""

    def judge(trial: Trial) -> str | None:
        try:
            wrong = faults(trial.value, trial.secret, clear)
        except RefusedError as refused:
            return f"no such network: {refused}"
        return f"unit 0 is wrong or unclear at {wrong} steps" if wrong else None

    return judge


latch = Problem(
    "hold-a-bit",
    "answer-hold-a-bit",
    "hold_a_bit",
    None,
    (
        Property(
            "take",
            2,
            "A value that comes with a flag does not show in unit 0 three steps later.",
            scripts(1, 4),
            shows(),
        ),
        Property(
            "hold",
            3,
            "In silence the bit fades within a hundred steps: how large must a unit's weight to "
            "itself be?",
            scripts(1, 100),
            shows(),
        ),
        Property(
            "ignore",
            3,
            "Values without a flag change the bit: which units could notice that both are there?",
            scripts(1, 40, noise=True),
            shows(clear=0.0),
        ),
        Property(
            "overwrite",
            2,
            "A second value, the opposite of the first, does not replace it.",
            scripts(3, 4),
            shows(),
        ),
    ),
)
