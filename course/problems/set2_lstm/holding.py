"""Weights by hand that hold one bit."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import Generator, Tensor

from course.grading.declare import Case, Problem, Property, Trial
from course.problems.making import normal
from course.problems.set2_lstm import machine

RUNS = 24  # random sequences of each kind


def bits(g: Generator, *plan: str) -> Iterator[Case]:
    """Make inputs (T, B, 3), a bit ±1, "write", "reset", and what is to be shown: −1, 0 or 1.

    The plan's words: "noise N" for N steps in which the bit is random and means nothing, "write",
    "other" (write the opposite of what is held), "same", "reset".
    """
    rows, wanted, held = [], [], torch.zeros(RUNS, dtype=torch.float64)
    for word in plan:
        what, _, count = word.partition(" ")
        for _ in range(int(count or 1)):
            bit = normal(g, RUNS).sign()
            bit = {"other": -held, "same": held}.get(what, bit)
            writes, resets = what in ("write", "other", "same"), what == "reset"
            held = bit if writes else 0 * held if resets else held
            bit = 0 * bit if resets else bit
            flags = [torch.full_like(bit, float(flag)) for flag in (writes, resets)]
            rows.append(torch.stack([bit, *flags], dim=-1))
            wanted.append(held)
    yield Case((), (torch.stack(rows), torch.stack(wanted)))


def holds_bit(trial: Trial, *, either_sign: bool = False) -> str | None:
    """Ask that tanh(c) has the held bit's sign at the last step, beyond 0.5; near 0 where empty."""
    inputs, wanted = trial.secret
    try:
        held = machine.run(trial.value, inputs)[1][-1, :, 0].tanh()
    except machine.RefusedError as refused:
        return f"the machine refuses the weights: {refused}"
    signs = (1, -1) if either_sign else (1,)
    wrong = min((_wrong(held, sign * wanted[-1]) for sign in signs), key=lambda w: int(w.sum()))
    return f"wrong after {int(wrong.sum())} of {RUNS} sequences" if bool(wrong.any()) else None


def holds_either(trial: Trial) -> str | None:
    """The same, be it that −1 stands for +1 throughout: that is paid for where a bit is written."""
    return holds_bit(trial, either_sign=True)


def shows_cell(trial: Trial) -> str | None:
    """Ask that h shows what the cell holds, whatever that is."""
    inputs, _ = trial.secret
    try:
        shown, cells = machine.run(trial.value, inputs)
    except machine.RefusedError as refused:
        return f"the machine refuses the weights: {refused}"
    hidden = shown[..., 0] * cells[..., 0].sign() < 0.5 * cells[..., 0].abs().clamp_max(1.0)
    return "h does not show what the cell holds" if bool(hidden.any()) else None


def _wrong(held: Tensor, wanted: Tensor) -> Tensor:
    return torch.where(wanted == 0, held.abs() > 0.1, held * wanted < 0.5)


def plans(*each: tuple[str, ...]) -> Callable[[Generator], Iterator[Case]]:
    return lambda g: (case for plan in each for case in bits(g, *plan))


def held_empty(g: Generator) -> Iterator[Case]:
    """Noise that is the same bit at every step: what leaks in adds up."""
    for case in bits(g, "noise 200"):
        inputs, wanted = case.secret
        inputs[..., 0] = inputs[:1, :, 0]
        yield Case((), (inputs, wanted))


one_bit = Problem(
    "one-bit",
    "answer-one-bit",
    "one_bit",
    None,
    (
        Property(
            "write",
            2,
            "Right after a write the cell does not hold the bit.",
            plans(("write",)),
            holds_bit,
        ),
        Property(
            "shown",
            1,
            "The cell holds something that h does not show, at a write or some steps later.",
            plans(("write", "noise 3")),
            shows_cell,
            side=True,
        ),
        Property(
            "hold",
            4,
            "300 steps of noise after a write, the bit is lost: what leaks in, what leaks out?",
            plans(("write", "noise 300")),
            holds_either,
        ),
        Property(
            "overwrite",
            2,
            "A bit is written over its opposite, and is not held: what is left of the old one?",
            plans(("write", "other"), ("write", "same", "same", "same", "other")),
            holds_either,
        ),
        Property(
            "reset",
            2,
            "After a reset the cell is not empty.",
            plans(("write", "reset"), ("write", "same", "reset")),
            holds_bit,
            side=True,
        ),
        Property(
            "empty",
            1,
            "Before the first write the cell must stay empty, whatever the noise says.",
            held_empty,
            holds_bit,
            side=True,
        ),
    ),
)
