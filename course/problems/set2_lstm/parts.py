"""What this set's problems share: sizes, a cell, and judges that look at one thing."""

from __future__ import annotations

from torch import Generator, Tensor

from course.grading.declare import Arguments, Trial
from course.grading.judges import difference, numbers
from course.problems.making import normal

T, B, I, C = 7, 3, 4, 5  # noqa: E741  T time, B batch, I inputs, C units
SIZES = ((1, 1, 1), (2, 5, 3), (4, 2, 6))  # B, I, C
ANY_SIZE = "It must work for any batch, and any number of inputs and units."


def cell_arguments(g: Generator, b: int, i: int, c: int, rows: int) -> Arguments:
    """Make inputs, hidden, cell, and the weights and bias of `rows` gates."""
    return (
        normal(g, b, i), normal(g, b, c), normal(g, b, c),
        normal(g, rows * c, i) / i**0.5, normal(g, rows * c, c) / c**0.5, normal(g, rows * c),
    )  # fmt: skip


def rows_of(
    count: int, inputs: Tensor, hidden: Tensor, input_weights: Tensor, hidden_weights: Tensor,
    bias: Tensor,
) -> tuple[Tensor, ...]:  # fmt: skip
    """Return W x + U h + b, cut into `count` pieces (B, C)."""
    mixed = inputs @ input_weights.T + hidden @ hidden_weights.T + bias
    return mixed.chunk(count, dim=-1)


def shaped(trial: Trial) -> Tensor | None:
    """Return the value in float64 if it has the reference's shape."""
    found = numbers(trial.value)
    return found if found is not None and found.shape == trial.expected.shape else None


def misshaped(trial: Trial) -> str:
    """Say in what the kind or shape of a value differs from the reference's."""
    return difference(trial.value, trial.expected, 1e-4) or "another shape"


def has_shape(trial: Trial) -> str | None:
    """Ask for the shape alone: the numbers are looked at elsewhere."""
    return misshaped(trial) if shaped(trial) is None else None


def one_of(trial: Trial) -> str | None:
    """Take the reference's values or one of the secret's: their mistake is paid for elsewhere."""
    found = shaped(trial)
    if found is None:
        return misshaped(trial)
    if any(difference(found, other, 1e-4) is None for other in trial.secret):
        return None
    return difference(found, trial.expected, 1e-4)
