"""Does a learner's function agree with the library's? The first difference, in one sentence.

Results and arguments may be tensors, numbers, strings, or lists and tuples of these.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor


def copy(value: Any, dtype: torch.dtype | None = None) -> Any:
    """Return a copy whose tensors are new leaves; floating ones in `dtype` where it is given."""
    if isinstance(value, Tensor):
        wanted = dtype if dtype and value.is_floating_point() else value.dtype
        return value.detach().to(wanted, copy=True)
    if isinstance(value, (list, tuple)):
        return _like(value, [copy(item, dtype) for item in value])
    return value


def same(one: Any, other: Any) -> bool:
    """Return whether two values are equal to the last bit."""
    return difference(one, other, 0.0) is None


def difference(result: Any, expected: Any, tolerance: float | None) -> str | None:
    """Say how `result` differs from `expected` in kind, shape, dtype or value; None if it agrees.

    A tolerance of None leaves the values aside, except that they must be finite.
    """
    if isinstance(expected, Tensor):
        return _tensor_difference(result, expected, tolerance)
    if isinstance(expected, (list, tuple)):
        return _sequence_difference(result, expected, tolerance)
    if isinstance(expected, float):
        return _number_difference(result, expected, tolerance)
    if tolerance is None or result == expected:
        return None
    return f"expected {expected!r}, got {result!r}"


def gradient_fault(
    function: Callable[..., Any],
    reference: Callable[..., Any],
    names: list[str],
    arguments: tuple[Any, ...],
    tolerance: float,
) -> str | None:
    """Say to which argument the gradient flows otherwise than in `reference`; None if to none."""
    mine, theirs = _gradients(function, arguments), _gradients(reference, arguments)
    for index, (got, wanted) in enumerate(zip(mine, theirs, strict=True)):
        name = _argument_name(names, arguments, index)
        if wanted is None or not wanted.any():
            continue
        if got is None or not got.any():
            return (
                f"no gradient flows back to {name}: "
                "was something detached, or turned into plain numbers?"
            )
        scale = max(1.0, float(wanted.abs().max()))
        if not bool(((got - wanted).abs() <= 10 * tolerance * scale).all()):
            return f"the values agree, but the gradient with respect to {name} differs"
    return None


def tensors(value: Any) -> Iterator[Tensor]:
    """Yield the tensors in a value, in order."""
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from tensors(item)


def text(value: Any, most: int = 12) -> str:
    """Write a value for a message: small tensors as rounded numbers, larger ones as a shape."""
    if isinstance(value, Tensor):
        if value.numel() > most:
            return f"a tensor of shape {tuple(value.shape)}"
        return str(_rounded(value.tolist()))
    if isinstance(value, tuple):
        return f"({', '.join(text(item, most) for item in value)})"
    if isinstance(value, list):
        return f"[{', '.join(text(item, most) for item in value)}]"
    return f"{value:.4g}" if isinstance(value, float) else repr(value)


def _tensor_difference(result: Any, expected: Tensor, tolerance: float | None) -> str | None:
    if not isinstance(result, Tensor):
        return f"expected a torch.Tensor, got {_kind(result)}"
    if result.shape != expected.shape:
        return f"expected the shape {tuple(expected.shape)}, got {tuple(result.shape)}"
    if result.dtype != expected.dtype:
        keep = ": keep that of the input" if expected.is_floating_point() else ""
        return f"expected the dtype {expected.dtype}, got {result.dtype}{keep}"
    if not bool(result.isfinite().all()):
        return "the result holds a NaN or an infinity"
    if tolerance is None or torch.allclose(result, expected, rtol=tolerance, atol=tolerance):
        return None
    return "the values differ"


def _sequence_difference(result: Any, expected: Any, tolerance: float | None) -> str | None:
    kind = "a list" if isinstance(expected, list) else "a tuple"
    if not isinstance(result, (list, tuple)):
        return f"expected {kind} of {len(expected)}, got {_kind(result)}"
    if len(result) != len(expected):
        return f"expected {kind} of {len(expected)}, got {len(result)}"
    for index, (one, other) in enumerate(zip(result, expected, strict=True)):
        fault = difference(one, other, tolerance)
        if fault:
            return f"item {index}: {fault}"
    return None


def _number_difference(result: Any, expected: float, tolerance: float | None) -> str | None:
    if isinstance(result, Tensor) and result.numel() == 1:
        result = float(result)
    if not isinstance(result, (int, float)):
        return f"expected a number, got {_kind(result)}"
    if tolerance is None or abs(result - expected) <= tolerance * (1 + abs(expected)):
        return None
    return f"expected {expected:.4g}, got {result:.4g}"


def _gradients(function: Callable[..., Any], arguments: tuple[Any, ...]) -> list[Tensor | None]:
    """Return the slope of a fixed random mix of the results, for each floating argument tensor."""
    fresh = copy(arguments)
    leaves = [leaf.requires_grad_() for leaf in tensors(fresh) if leaf.is_floating_point()]
    generator = torch.Generator().manual_seed(0)
    with torch.enable_grad():
        total = sum(
            (out * torch.rand(out.shape, generator=generator, dtype=torch.float64)).sum()
            for out in tensors(function(*fresh))
            if out.requires_grad
        )
    if not isinstance(total, Tensor):
        return [None] * len(leaves)
    return list(torch.autograd.grad(total, leaves, allow_unused=True))


def _argument_name(names: list[str], arguments: tuple[Any, ...], index: int) -> str:
    """Return the name of the argument that holds the floating tensor number `index`."""
    count = 0
    for name, argument in zip(names, arguments, strict=False):
        count += sum(leaf.is_floating_point() for leaf in tensors(argument))
        if index < count:
            return name
    return "its input"


def _kind(value: Any) -> str:
    return "None: is a `return` missing?" if value is None else f"a {type(value).__name__}"


def _rounded(numbers: Any) -> Any:
    if isinstance(numbers, list):
        return [_rounded(number) for number in numbers]
    return float(f"{numbers:.4g}") if isinstance(numbers, float) else numbers


def _like(original: Any, items: list[Any]) -> Any:
    if hasattr(original, "_fields"):  # a named tuple takes its items one by one
        return type(original)(*items)
    return type(original)(items)
