"""Weights by hand that count."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import Generator, Tensor
from torch.nn import functional

from course.grading.declare import Case, Judge, Problem, Property, Trial
from course.problems.set2_lstm import machine

RUNS = 8  # random sequences of each kind
NEAR = 0.25  # of a count
UP, DOWN, CLEAR, NOTHING = range(4)


def counted(*symbols: int) -> Callable[[Generator], Iterator[Case]]:
    """Make one sequence of symbols as one-hot inputs (T, 1, 4)."""
    shown = functional.one_hot(torch.tensor(symbols), 4).double().unsqueeze(1)
    return lambda g: iter([Case((), shown)])


def drawn(*shares: tuple[float, ...], length: int = 30) -> Callable[[Generator], Iterator[Case]]:
    """Make sequences in which the four symbols have these shares."""

    def cases(g: Generator) -> Iterator[Case]:
        for share in shares:
            weights = torch.tensor(share, dtype=torch.float64)
            picked = torch.multinomial(weights, length * RUNS, True, generator=g)
            yield Case((), functional.one_hot(picked.reshape(length, RUNS), 4).double())

    return cases


def cell_is(judge: Callable[[Tensor, Tensor], str | None]) -> Judge:
    """Run the machine and ask the judge about inputs (T, B, 4) and cells (T, B)."""

    def whole(trial: Trial) -> str | None:
        try:
            return judge(trial.secret, machine.run(trial.value, trial.secret)[1][..., 0])
        except machine.RefusedError as refused:
            return f"the machine refuses the weights: {refused}"

    return whole


def ups(_: Tensor, cells: Tensor) -> str | None:
    """Ask for 1 and 2."""
    off = float((cells[:, 0] - torch.tensor([1.0, 2.0])).abs().max())
    return f"off by {off:.3g} after two times up" if off > NEAR else None


def takes_back(_: Tensor, cells: Tensor) -> str | None:
    """Ask that two down take back what two up have made, and two more make its opposite."""
    made, back, below = cells[1, 0], cells[3, 0], cells[5, 0]
    if abs(float(made)) < NEAR:
        return "nothing was counted"
    off = max(abs(float(back)), abs(float(below + made)))
    return f"off by {off:.3g} after two up and four down" if off > 2 * NEAR else None


def nothing_changes(inputs: Tensor, cells: Tensor) -> str | None:
    """Ask that the cell after the last step is what it was before the first *nothing*."""
    first = int(inputs[:, 0, NOTHING].argmax())
    before = float(cells[first - 1, 0]) if first else 0.0
    off = abs(float(cells[-1, 0]) - before)
    return f"the cell moved by {off:.3g}" if off > NEAR else None


def clears(inputs: Tensor, cells: Tensor) -> str | None:
    """Ask for an empty cell right after each clear."""
    left = float(cells[inputs[..., CLEAR] == 1].abs().max())
    return f"{left:.3g} is left after a clear" if left > NEAR else None


def goes_far(_: Tensor, cells: Tensor) -> str | None:
    """Ask for 400; where already 2 is not 2, for 400 times the first step."""
    step = float(cells[0, 0])
    if abs(float(cells[1, 0]) - 2) <= NEAR:
        step = 1.0
    off = abs(float(cells[-1, 0]) - len(cells) * step)
    enough = abs(step) > NEAR and off <= NEAR
    return None if enough else f"off by {off:.3g} after {len(cells)} times up"


counting = Problem(
    "counter",
    "answer-counter",
    "counter",
    None,
    (
        Property(
            "up",
            2,
            "Once up is not 1, or twice up is not 2.",
            counted(UP, UP),
            cell_is(ups),
        ),
        Property(
            "down",
            2,
            "Down does not take back what up has made, or does not go on below 0.",
            counted(UP, UP, DOWN, DOWN, DOWN, DOWN),
            cell_is(takes_back),
        ),
        Property(
            "nothing",
            1,
            "At *nothing* the cell changes.",
            lambda g: (
                case
                for symbols in ([NOTHING] * 300, [UP, UP, NOTHING])
                for case in counted(*symbols)(g)
            ),
            cell_is(nothing_changes),
            side=True,
        ),
        Property(
            "clear",
            2,
            "After a clear the count is not 0.",
            drawn((0.7, 0, 0.3, 0), (0, 0.7, 0.3, 0)),
            cell_is(clears),
            side=True,
        ),
        Property(
            "far",
            3,
            "400 times up is not 400: a forget gate of 0.99 loses four of four hundred in a step.",
            counted(*[UP] * 400),
            cell_is(goes_far),
        ),
    ),
)
