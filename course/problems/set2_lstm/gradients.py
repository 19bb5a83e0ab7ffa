"""The gradient along the belt by hand: the conveyor and the paths through the gates."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import Generator, Tensor
from torch.nn import functional

from course.grading.declare import Arguments, Problem, Property, Trial
from course.grading.judges import agrees, difference
from course.problems.making import normal, repeated, uniform
from course.problems.set2_lstm.parts import ANY_SIZE, SIZES, B, C, has_shape, shaped

INPUT, FORGET, CANDIDATE, OUTPUT = range(4)  # torch's order of the rows
EVERY = (INPUT, FORGET, CANDIDATE, OUTPUT)


def belt_jacobian(
    cell: Tensor, output_gate: Tensor, input_gate: Tensor, forget_gate: Tensor,
    candidate: Tensor, hidden_weights: Tensor,
) -> Tensor:  # fmt: skip
    """J(j, k) = ∂c_t(j) / ∂c_{t−1}(k), all paths, x_t and o_{t−1} held. Returns (B, C, C)."""
    to_input, to_forget, to_candidate, _ = hidden_weights.chunk(4)
    looked = output_gate * (1 - cell.tanh() ** 2)  # ∂h_{t−1}(k) / ∂c_{t−1}(k)
    gates = (
        (candidate * input_gate * (1 - input_gate)).unsqueeze(-1) * to_input
        + (cell * forget_gate * (1 - forget_gate)).unsqueeze(-1) * to_forget
        + (input_gate * (1 - candidate**2)).unsqueeze(-1) * to_candidate
    )
    return forget_gate.diag_embed() + gates * looked.unsqueeze(1)


def flow(
    g: Generator, b: int = B, c: int = C, *, paths: tuple[int, ...] = EVERY, look: bool = True
) -> Iterator[Arguments]:
    """Make gates; only the rows of `paths` have weights.

    Without `look`, ∂h/∂c is 1: o is 1 and the cell so small that its tanh is the cell.
    """
    blocks = [normal(g, c, c) * (number in paths) for number in range(4)]
    cell, output = normal(g, b, c), uniform(g, b, c, low=0.2, high=0.9)
    if not look:
        cell, output = 1e-4 * cell, torch.ones_like(output)
        blocks[FORGET] = 1e4 * blocks[FORGET]
    yield (
        cell,
        output,
        uniform(g, b, c, low=0.1, high=0.9),
        uniform(g, b, c, low=0.1, high=0.9),
        uniform(g, b, c, low=-0.9, high=0.9),
        torch.cat(blocks),
    )


def flow_sizes(g: Generator) -> Iterator[Arguments]:
    for b, _, c in SIZES:
        yield from flow(g, b, c, paths=())


def beside_the_belt(trial: Trial) -> str | None:
    """Ask for what lies beside the diagonal, rows and columns either way round."""
    return _beside(trial, lambda found, wanted: _agree(found, wanted) or _agree(found.mT, wanted))


def each_row_in_proportion(trial: Trial) -> str | None:
    """As above, but each row up to a positive factor: the gates' slopes are paid for elsewhere."""

    def holds(found: Tensor, wanted: Tensor) -> bool:
        rows, turned, right = (functional.normalize(x, dim=-1) for x in (found, found.mT, wanted))
        return _agree(rows, right) or _agree(turned, right)

    return _beside(trial, holds)


def which_way_round(trial: Trial) -> str | None:
    """Ask that the value is nearer to the Jacobian than to its transpose, beyond rounding."""
    found, wanted = shaped(trial), trial.expected
    if found is None or not bool(found.isfinite().all()):
        return difference(trial.value, wanted, 1e-4)
    nearer = (found - wanted).norm() < 0.999 * (found.mT - wanted).norm()
    return None if bool(nearer) else "nearer to the transpose"


def _beside(trial: Trial, holds: Callable[[Tensor, Tensor], bool]) -> str | None:
    """Try what is beside the diagonal; an f added to whole rows or columns is taken off."""
    found = shaped(trial)
    if found is None or not bool(found.isfinite().all()):
        return difference(trial.value, trial.expected, 1e-4)
    hollow = 1 - torch.eye(found.shape[-1], dtype=found.dtype)
    forget = trial.arguments[3]
    taken = (found, found - forget.unsqueeze(-1), found - forget.unsqueeze(1))
    right = any(holds(values * hollow, trial.expected * hollow) for values in taken)
    return None if right else "wrong beside the diagonal"


def _agree(found: Tensor, wanted: Tensor) -> bool:
    return torch.allclose(found, wanted, rtol=1e-4, atol=1e-4)


def path(*rows: int, look: bool = False) -> Callable[[Generator], Iterator[Arguments]]:
    return repeated(lambda g: flow(g, paths=rows, look=look))


jacobian = Problem(
    "belt-jacobian",
    "answer-belt-jacobian",
    "belt_jacobian",
    belt_jacobian,
    (
        Property(
            "conveyor",
            2,
            "Without hidden weights only the belt is left: f on the diagonal.",
            path(),
            agrees(),
        ),
        Property(
            "candidate path",
            2,
            "With hidden weights of the candidate alone, ∂h/∂c being 1, it is wrong beside the "
            "diagonal: the slope of tanh in terms of its value.",
            path(CANDIDATE),
            beside_the_belt,
        ),
        Property(
            "input path",
            2,
            "With hidden weights of the input gate alone, ∂h/∂c being 1, it is wrong beside the "
            "diagonal: what does the input gate multiply, and what is the slope of σ?",
            path(INPUT),
            beside_the_belt,
        ),
        Property(
            "forget path",
            2,
            "With hidden weights of the forget gate alone, ∂h/∂c being 1, it is wrong beside the "
            "diagonal: what does the forget gate multiply?",
            path(FORGET),
            beside_the_belt,
        ),
        Property(
            "look",
            3,
            "The gates see h of the step before, not c: the slope from the one to the other is "
            "missing, or belongs to another unit.",
            path(CANDIDATE, OUTPUT, look=True),
            each_row_in_proportion,
        ),
        Property(
            "rows and columns",
            1,
            "Row j is the unit that changes, column k the unit that was moved.",
            path(CANDIDATE),
            which_way_round,
        ),
        Property("sizes", 1, ANY_SIZE, flow_sizes, has_shape, side=True),
    ),
)
