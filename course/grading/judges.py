"""What a property may ask of a trial. A judge returns None where it holds, else a few words.

These run in the grader, where no student's code has run: patching torch elsewhere changes nothing.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from course.grading.declare import Judge, Trial
from course.grading.wire import Array

TOLERANCE = 1e-4


def agrees(tolerance: float = TOLERANCE) -> Judge:
    """Ask for the reference's values, to a tolerance; dtype and kind of array are left aside."""

    def judge(trial: Trial) -> str | None:
        return difference(trial.value, trial.expected, tolerance)

    return judge


def proportional(tolerance: float = TOLERANCE) -> Judge:
    """Ask for the reference's vectors along the last axis up to a positive factor for each."""

    def judge(trial: Trial) -> str | None:
        got = numbers(trial.value)
        if got is None or got.shape != trial.expected.shape:
            return difference(trial.value, trial.expected, tolerance)
        length = got.norm(dim=-1, keepdim=True).clamp_min(1e-30)
        wanted = trial.expected / trial.expected.norm(dim=-1, keepdim=True)
        return difference(got / length, wanted, tolerance)

    return judge


def keeps_sum(trial: Trial) -> str | None:
    """Ask that the value sums over its last axis to what the first argument sums to."""
    got, given = numbers(trial.value), trial.arguments[0]
    if got is None or got.shape != given.shape:
        return difference(trial.value, trial.expected, TOLERANCE)
    here, there = got.sum(-1), given.to(torch.float64).sum(-1)
    if torch.allclose(here, there, rtol=TOLERANCE, atol=TOLERANCE):
        return None
    worst = int((here - there).abs().argmax())
    return f"a weighting sums to {float(here.flatten()[worst]):.4g}"


def same_kind(trial: Trial) -> str | None:
    """Ask for torch tensors in the reference's dtype; the values are left aside."""
    return _kind_difference(trial.value, trial.expected)


def leaves_arguments(trial: Trial) -> str | None:
    """Ask that the arguments are the same after the call."""
    if trial.after is None or len(trial.after) != len(trial.arguments):
        return "the arguments were not there any more"
    for number, (before, after) in enumerate(zip(trial.arguments, trial.after, strict=True), 1):
        if isinstance(before, Tensor) and not (
            isinstance(after, Tensor) and before.shape == after.shape and torch.equal(before, after)
        ):
            return f"argument {number} was changed in place"
    return None


def slopes_flow(trial: Trial) -> str | None:
    """Ask for gradients to every argument that the reference's gradients reach.

    Where the value is the reference's, so must the gradients be. Where it is not, that mistake is
    paid for elsewhere, and it is enough that finite gradients other than zero arrive.
    """
    if trial.gradients is None or len(trial.gradients) != len(trial.slopes):
        return "no gradient flows back: was something detached, or turned into plain numbers?"
    right = difference(trial.value, trial.expected, TOLERANCE) is None
    for number, (got, wanted) in enumerate(zip(trial.gradients, trial.slopes, strict=True), 1):
        fault = _slope_fault(got, wanted, right)
        if fault:
            return f"tensor {number} of the arguments: {fault}"
    return None


def difference(value: Any, expected: Any, tolerance: float) -> str | None:
    """Say how a value differs from what is expected, in a few words; None if it does not."""
    if isinstance(expected, Tensor):
        return _tensor_difference(value, expected, tolerance)
    if isinstance(expected, list | tuple):
        if not isinstance(value, list | tuple) or len(value) != len(expected):
            return f"expected {len(expected)} values, got {told(value)}"
        pairs = zip(value, expected, strict=True)
        return next((f for f in (difference(*pair, tolerance) for pair in pairs) if f), None)
    if isinstance(expected, float):
        if isinstance(value, Tensor) and value.numel() == 1:
            value = value.item()
        if not isinstance(value, int | float):
            return f"expected a number, got {told(value)}"
        return None if abs(value - expected) <= tolerance * (1 + abs(expected)) else "a wrong value"
    return None if value == expected else f"expected {expected!r}, got {told(value)}"


def told(value: Any) -> str:
    """Name a value that came from a student's function."""
    if value is None:
        return "None: is a `return` missing?"
    if isinstance(value, Tensor):
        return f"a tensor of shape {tuple(value.shape)}"
    if isinstance(value, str | int | float | bool):
        return repr(value)[:60]
    return f"a {type(value).__name__}" if isinstance(value, list | tuple | dict) else repr(value)


def numbers(value: Any) -> Tensor | None:
    """Return a value as a float64 tensor, be it torch's or numpy's; None if it is neither."""
    tensor = value.tensor if isinstance(value, Array) else value
    return tensor.detach().to(torch.float64) if isinstance(tensor, Tensor) else None


def _tensor_difference(value: Any, expected: Tensor, tolerance: float) -> str | None:
    got, wanted = numbers(value), expected.to(torch.float64)
    if got is None:
        return f"expected a tensor, got {told(value)}"
    if got.shape != wanted.shape:
        return f"expected the shape {tuple(wanted.shape)}, got {tuple(got.shape)}"
    if not bool(got.isfinite().all()):
        return "the result holds a NaN or an infinity"
    return None if torch.allclose(got, wanted, rtol=tolerance, atol=tolerance) else "wrong values"


def _kind_difference(value: Any, expected: Any) -> str | None:
    if isinstance(expected, Tensor):
        if not isinstance(value, Tensor):
            return f"expected a torch.Tensor, got {told(value)}"
        if value.dtype != expected.dtype:
            return f"expected {expected.dtype}, got {value.dtype}"
    if isinstance(expected, list | tuple):
        if not isinstance(value, list | tuple) or len(value) != len(expected):
            return f"expected {len(expected)} values, got {told(value)}"
        pairs = zip(value, expected, strict=True)
        return next((f for f in (_kind_difference(*pair) for pair in pairs) if f), None)
    return None


def _slope_fault(got: Any, wanted: Tensor | None, right: bool) -> str | None:
    if wanted is None or not bool(wanted.any()):
        return None
    if not isinstance(got, Tensor) or got.shape != wanted.shape or not bool(got.any()):
        return "no gradient flows back to it"
    if not bool(got.isfinite().all()):
        return "its gradient holds a NaN or an infinity"
    scale = max(1.0, float(wanted.abs().max()))
    if right and not torch.allclose(got, wanted, rtol=10 * TOLERANCE, atol=10 * TOLERANCE * scale):
        return "the value is right, its gradient is not: was a part of the way detached?"
    return None
