"""Random cases for the exercises: `make(generator, case)` draws the arguments of one.

All in float64 and growing with the case's number; case 0 is small enough to print. Shapes: B batch,
H heads, S slots, W width, I inputs, C units, R read pointers, T steps.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Generator, Tensor

from lessons_lib.story_worlds import OBJECTS, PEOPLE, PLACES

Sizes = tuple[int, int, int, int]  # B, H, S, W


def _sizes(generator: Generator, case: int) -> Sizes:
    """Small first, then any; a batch of one and a lone head are among them, one slot is not."""
    if case == 0:
        return 1, 1, 3, 2
    return tuple(_whole(generator, low, high) for low, high in ((1, 4), (1, 3), (3, 9), (2, 6)))


def _whole(generator: Generator, low: int, high: int) -> int:
    return int(torch.randint(low, high + 1, (), generator=generator))


def _normal(generator: Generator, *shape: int) -> Tensor:
    return torch.randn(*shape, generator=generator, dtype=torch.float64)


def _uniform(generator: Generator, *shape: int, low: float = 0.0, high: float = 1.0) -> Tensor:
    return low + (high - low) * torch.rand(*shape, generator=generator, dtype=torch.float64)


def _weights(generator: Generator, *shape: int) -> Tensor:
    """Draw weightings; a clear peak somewhere, an end of the tape included."""
    return torch.softmax(1.5 * _normal(generator, *shape), dim=-1)


def elman_case(generator: Generator, case: int) -> tuple[Any, ...]:
    """Draw inputs, hidden, input_weights, hidden_weights, bias of an Elman cell."""
    batch, _, inputs, units = _sizes(generator, case)
    return (
        _normal(generator, batch, inputs),
        _normal(generator, batch, units),
        _normal(generator, units, inputs),
        _normal(generator, units, units),
        _normal(generator, units),
    )


def lstm_case(generator: Generator, case: int) -> tuple[Any, ...]:
    """Draw inputs, hidden, cell, input_weights, hidden_weights, bias of an LSTM."""
    batch, _, inputs, units = (1, 1, 1, 1) if case == 0 else _sizes(generator, case)
    return (
        _normal(generator, batch, inputs),
        _normal(generator, batch, units),
        _normal(generator, batch, units),
        _normal(generator, 4 * units, inputs),
        _normal(generator, 4 * units, units),
        _normal(generator, 4 * units),
    )


def clip_case(generator: Generator, case: int) -> tuple[Any, ...]:
    """Draw gradients and a bound; every other case is within its bound."""
    count = 2 if case == 0 else _whole(generator, 1, 4)
    sizes = [(_whole(generator, 1, 3), _whole(generator, 2, 4)) for _ in range(count)]
    gradients = [_normal(generator, *size) for size in sizes]
    norm = float(torch.cat([gradient.flatten() for gradient in gradients]).norm())
    return gradients, norm * (0.5 if case % 2 == 0 else 2.0)


def read_case(generator: Generator, case: int) -> tuple[Any, ...]:
    """Draw a memory and weightings."""
    batch, heads, slots, width = _sizes(generator, case)
    return _normal(generator, batch, slots, width), _weights(generator, batch, heads, slots)


def write_case(generator: Generator, case: int) -> tuple[Any, ...]:
    """Draw a memory, weightings, erase vectors and add vectors."""
    batch, heads, slots, width = _sizes(generator, case)
    return (
        _normal(generator, batch, slots, width),
        _weights(generator, batch, heads, slots),
        _uniform(generator, batch, heads, width),
        _normal(generator, batch, heads, width),
    )


def content_case(generator: Generator, case: int) -> tuple[Any, ...]:
    """Draw a memory, keys and key strengths."""
    batch, heads, slots, width = _sizes(generator, case)
    return (
        _normal(generator, batch, slots, width),
        _normal(generator, batch, heads, width),
        _uniform(generator, batch, heads, low=0.1, high=10.0),
    )


def interpolate_case(generator: Generator, case: int) -> tuple[Any, ...]:
    """Draw two weightings and gates."""
    batch, heads, slots, _ = _sizes(generator, case)
    shape = (batch, heads, slots)
    return _weights(generator, *shape), _weights(generator, *shape), _uniform(generator, *shape[:2])


def shift_case(generator: Generator, case: int) -> tuple[Any, ...]:
    """Draw weightings and shift distributions."""
    batch, heads, slots, _ = _sizes(generator, case)
    return _weights(generator, batch, heads, slots), _weights(generator, batch, heads, 3)


def sharpen_case(generator: Generator, case: int) -> tuple[Any, ...]:
    """Draw weightings and sharpenings of at least 1."""
    batch, heads, slots, _ = _sizes(generator, case)
    sharpening = _uniform(generator, batch, heads, low=1.0, high=6.0)
    return _weights(generator, batch, heads, slots), sharpening


def bits_case(generator: Generator, case: int) -> tuple[Any, ...]:
    """Draw outputs, targets and a mask."""
    batch, _, steps, bits = _sizes(generator, case)
    targets = _uniform(generator, steps, batch, bits).round()
    mask = torch.rand(steps, batch, generator=generator) < 0.6
    return _normal(generator, steps, batch, bits), targets, mask


def scores_case(generator: Generator, case: int) -> tuple[Any, ...]:
    """Draw a memory and kernels of size 3."""
    batch, maps, slots, width = _sizes(generator, case)
    return _normal(generator, batch, slots, width), _normal(generator, maps, width, 3)


def blend_case(generator: Generator, case: int) -> tuple[Any, ...]:
    """Draw content weightings, scores and gates."""
    batch, maps, slots, _ = _sizes(generator, case)
    shape = (batch, maps, slots)
    return _weights(generator, *shape), _normal(generator, *shape), _uniform(generator, *shape[:2])


_WORDS = ("ann", "ben", "went", "to", "the", "kitchen", "garden", "took", "milk", "where", "is")


def words_case(generator: Generator, case: int) -> tuple[Any, ...]:
    """Draw the sentences of a story and a question, as lists of words."""

    def sentence() -> list[str]:
        picks = torch.randint(len(_WORDS), (_whole(generator, 1, 5),), generator=generator)
        return [_WORDS[pick] for pick in picks]

    return [sentence() for _ in range(1 + case % 5)], sentence()


def named_case(generator: Generator, case: int) -> tuple[Any, ...]:
    """Draw a story in which people move and take things, a question and a number of sentences."""

    def one(words: Sequence[str]) -> str:
        return words[_whole(generator, 0, len(words) - 1)]

    def sentence() -> list[str]:
        if _whole(generator, 0, 2) == 0:
            return [one(PEOPLE), "took", "the", one(OBJECTS)]
        return [one(PEOPLE), "went", "to", "the", one(PLACES)]

    story = [sentence() for _ in range(2 + case // 2)]
    return story, ["is", one(PEOPLE), "in", "the", one(PLACES)], 1 + case % 3


def sum_case(generator: Generator, case: int) -> tuple[Any, ...]:
    """Draw amounts, the sentence of each and how many sentences there are."""
    steps, count = 5 + case, 2 + case % 4
    sentence = torch.randint(-1, count, (steps,), generator=generator)
    return _normal(generator, steps), sentence, count


def strength_case(generator: Generator, case: int) -> tuple[Any, ...]:
    """Draw the shares that are wanted, how many slots there are and the others' cosines."""
    batch = 1 if case == 0 else _whole(generator, 1, 4)
    slots = 3 if case == 0 else _whole(generator, 2, 200)
    share = _uniform(generator, batch, low=0.1, high=0.95)
    return share, slots, _uniform(generator, batch, low=-0.8, high=0.8)


def next_bit_case(generator: Generator, case: int) -> tuple[Any, ...]:
    """Draw bits and a context; in every fourth case its bits were never there before."""
    context = 1 + case % 3
    bits = _uniform(generator, 4 + 2 * case).round()
    if case % 4 == 1:
        bits[:-1], bits[-1] = 0.0, 1.0
    return bits, context
