"""Parts of which sets are written: random tensors, kinds of cases, sentences, properties.

Tensors are float64, from the generator that is given.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import Generator, Tensor

from course.grading.declare import Arguments, Property
from course.grading.judges import leaves_arguments, slopes_flow

Cases = Callable[[Generator], Iterator[Arguments]]

ANY_SIZE = "It must work for any batch, any number of heads, slots and numbers a slot."
SLOPES = "Gradients must flow back to every floating argument, or nothing upstream can learn."
OWN_COPY = "The arguments must be the same after the call: return a new tensor."
KIND = "float32 in, float32 out, as a torch.Tensor: nothing else can follow in the same machine."


def repeated(make: Cases, times: int = 3) -> Cases:
    """Return cases that make the same kind several times."""

    def cases(generator: Generator) -> Iterator[Arguments]:
        for _ in range(times):
            yield from make(generator)

    return cases


def slopes(make: Cases) -> Property:
    """Return the property that gradients flow back to each argument, worth a point."""
    return Property("slopes", 1, SLOPES, repeated(make), slopes_flow, "slopes", side=True)


def own_copy(make: Cases) -> Property:
    """Return the property that a call leaves its arguments as they are, worth a point."""
    cases = repeated(make)
    return Property("own copy", 1, OWN_COPY, cases, leaves_arguments, "arguments", side=True)


def in_float32(make: Cases) -> Cases:
    """Return the same cases in float32."""
    return lambda generator: (float32(arguments) for arguments in make(generator))


def normal(generator: Generator, *shape: int) -> Tensor:
    """Return numbers of mean 0 and variance 1."""
    return torch.randn(*shape, generator=generator, dtype=torch.float64)


def uniform(generator: Generator, *shape: int, low: float = 0.0, high: float = 1.0) -> Tensor:
    """Return numbers between `low` and `high`."""
    return low + (high - low) * torch.rand(*shape, generator=generator, dtype=torch.float64)


def unit(generator: Generator, *shape: int) -> Tensor:
    """Return vectors of length 1 along the last axis."""
    vectors = normal(generator, *shape)
    return vectors / vectors.norm(dim=-1, keepdim=True)


def shares(generator: Generator, *shape: int) -> Tensor:
    """Return distributions along the last axis, none of whose entries is tiny."""
    raw = uniform(generator, *shape, low=0.1)
    return raw / raw.sum(-1, keepdim=True)


def even_shares(generator: Generator, *shape: int) -> Tensor:
    """Return distributions along the last axis that read the same backwards."""
    raw = shares(generator, *shape)
    return (raw + raw.flip(-1)) / 2


def inner(generator: Generator, *shape: int, margin: int) -> Tensor:
    """Return distributions along the last axis that leave `margin` entries at each end empty."""
    raw = uniform(generator, *shape, low=0.1)
    raw[..., :margin] = 0
    raw[..., shape[-1] - margin :] = 0
    return raw / raw.sum(-1, keepdim=True)


def float32(arguments: tuple) -> tuple:
    """Return the arguments with their floating tensors in float32."""
    return tuple(
        item.float() if isinstance(item, Tensor) and item.is_floating_point() else item
        for item in arguments
    )
