"""Reading from both ends when the sequences of a batch have different lengths."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Generator, Tensor

from course.grading.declare import Arguments, Problem, Property, Trial
from course.grading.judges import difference, same_kind
from course.problems.making import in_float32, normal, repeated, slopes
from course.problems.set2_lstm.parts import ANY_SIZE, B, C, I, T, has_shape, misshaped, shaped

Half = tuple[Tensor, Tensor, Tensor]


def read_both_ways(inputs: Tensor, lengths: Tensor, *weights: Tensor) -> Tensor:
    """[h→_t ; h←_t] of two Elman cells over each sequence's own steps, 0 after. (T, B, 2C)."""
    columns = []
    for number, length in enumerate(lengths.tolist()):
        own = inputs[:length, number]
        left = _read(own, weights[:3])
        right = _read(own.flip(0), weights[3:]).flip(0)
        both = torch.cat([left, right], dim=-1)
        rest = both.new_zeros(len(inputs) - length, both.shape[-1])
        columns.append(torch.cat([both, rest]))
    return torch.stack(columns, dim=1)


def _read(inputs: Tensor, weights: Half) -> Tensor:
    hidden, states = weights[2].new_zeros(weights[2].shape), []
    for x in inputs:
        hidden = torch.tanh(x @ weights[0].T + hidden @ weights[1].T + weights[2])
        states.append(hidden)
    return torch.stack(states)


def _weights(g: Generator, i: int, c: int) -> Half:
    return normal(g, c, i) / i**0.5, normal(g, c, c) / c**0.5, normal(g, c) / 2


def full(g: Generator, t: int = T, b: int = B, i: int = I, c: int = C) -> Iterator[Arguments]:
    yield normal(g, t, b, i), torch.full((b,), t), *_weights(g, i, c), *_weights(g, i, c)


def ragged(g: Generator) -> Iterator[Arguments]:
    inputs, _, *weights = next(full(g))
    middle = int(torch.randint(2, T - 1, (), generator=g))
    lengths = torch.tensor([1, middle, T])[torch.randperm(3, generator=g)]
    yield inputs, lengths, *weights


def never_full(g: Generator) -> Iterator[Arguments]:
    """The longest sequence is shorter than the tensor."""
    inputs, lengths, *weights = next(ragged(g))
    yield torch.cat([inputs, normal(g, 2, B, I)]), lengths, *weights


def spoilt(g: Generator) -> Iterator[Arguments]:
    inputs, lengths, *weights = next(ragged(g))
    after = torch.arange(T)[:, None] >= lengths
    yield inputs.masked_fill(after[..., None], torch.nan), lengths, *weights


def sizes(g: Generator) -> Iterator[Arguments]:
    for t, b, i, c in ((1, 1, 1, 1), (4, 4, 4, 4), (5, 2, 1, 7)):
        yield from full(g, t, b, i, c)


def same_weights(g: Generator) -> Iterator[Arguments]:
    """Both readings with the same weights: whose they are is asked for elsewhere."""
    for inputs, lengths, *weights in ragged(g):
        yield inputs, lengths, *weights[:3], *weights[:3]


def begins_at_own_end(trial: Trial) -> str | None:
    """Ask that some half is the reading from the right at valid steps, be it turned around."""
    found = shaped(trial)
    if found is None:
        return misshaped(trial)
    inside = torch.arange(len(found))[:, None] < trial.arguments[1]
    wanted = trial.expected.chunk(2, dim=-1)[1][inside]
    halves = found.chunk(2, dim=-1)
    taken = (*halves, *(half.flip(0) for half in halves))
    right = any(difference(half[inside], wanted, 1e-4) is None for half in taken)
    return None if right else "wrong values"


def left_half(trial: Trial) -> str | None:
    """Ask that some half is the reading from the left; the last step is the other's beginning."""
    found = shaped(trial)
    if found is None:
        return misshaped(trial)
    wanted = trial.expected.chunk(2, dim=-1)[0][:-1]
    halves = (half[:-1] for half in found.chunk(2, dim=-1))
    right = any(difference(half, wanted, 1e-4) is None for half in halves)
    return None if right else "wrong values"


def right_half(trial: Trial) -> str | None:
    """Ask for the right half of the units."""
    found = shaped(trial)
    if found is None:
        return misshaped(trial)
    return difference(found.chunk(2, dim=-1)[1], trial.expected.chunk(2, dim=-1)[1], 1e-4)


def empty_after(trial: Trial) -> str | None:
    """Ask for zeros after each sequence's end, and nothing else."""
    found = shaped(trial)
    if found is None:
        return misshaped(trial)
    after = torch.arange(len(found))[:, None] >= trial.arguments[1]
    return "something else than 0 stands after an end" if bool(found[after].ne(0).any()) else None


def is_finite(trial: Trial) -> str | None:
    """Ask for numbers, whichever."""
    found = shaped(trial)
    if found is None:
        return misshaped(trial)
    return None if bool(found.isfinite().all()) else "there is a NaN"


both_ways = Problem(
    "both-ways",
    "answer-both-ways",
    "read_both_ways",
    read_both_ways,
    (
        Property(
            "from the left",
            2,
            "With all lengths T the left half of the units is wrong: the reading from step 0 on.",
            repeated(in_float32(full)),
            left_half,
        ),
        Property(
            "from the right",
            3,
            "With all lengths T the right half is wrong: it reads from the end, and its state at "
            "step t stands in row t.",
            repeated(in_float32(full)),
            right_half,
        ),
        Property(
            "own end",
            3,
            "With different lengths the right half is wrong at valid steps: each sequence is read "
            "from its own last step, and the state is empty there.",
            repeated(in_float32(same_weights)),
            begins_at_own_end,
        ),
        Property(
            "after the end",
            1,
            "After a sequence's end the result is 0.",
            repeated(in_float32(never_full)),
            empty_after,
            side=True,
        ),
        Property(
            "padding",
            1,
            "What stands after a sequence's end may be anything, even NaN, and changes nothing: "
            "NaN times 0 is NaN.",
            repeated(in_float32(spoilt)),
            is_finite,
            side=True,
        ),
        Property("sizes", 1, ANY_SIZE, in_float32(sizes), has_shape, side=True),
        Property(
            "float64",
            1,
            "With float64 arguments it stops, or comes out in float32: make new tensors of the "
            "arguments' kind.",
            full,
            same_kind,
            side=True,
        ),
        slopes(in_float32(ragged)),
    ),
)
