"""A standard LSTM that runs on weights that a student wrote down."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from course.grading.judges import numbers

MOST = 20.0


class RefusedError(ValueError):
    """Weights that the machine does not take; the message says why."""


def checked(weights: Any, inputs: int, units: int = 1) -> list[Tensor]:
    """Return input weights, hidden weights and bias in float64. Raises RefusedError."""
    shapes = {
        "input_weights": (4 * units, inputs),
        "hidden_weights": (4 * units, units),
        "bias": (4 * units,),
    }
    if not isinstance(weights, dict):
        raise RefusedError("expected a dict of tensors")
    found = []
    for name, shape in shapes.items():
        tensor = numbers(weights.get(name))
        if tensor is None or tuple(tensor.shape) != shape:
            got = "none" if tensor is None else tuple(tensor.shape)
            raise RefusedError(f"expected a tensor {name!r} of shape {shape}, got {got}")
        if not bool((tensor.abs() <= MOST + 1e-6).all()):
            raise RefusedError(f"{name} has a number that is not between -{MOST:g} and {MOST:g}")
        found.append(tensor)
    return found


def run(weights: Any, inputs: Tensor, units: int = 1) -> tuple[Tensor, Tensor]:
    """Run from an empty state over inputs (T, B, I); return h and c of each step, (T, B, C)."""
    from_input, from_hidden, bias = checked(weights, inputs.shape[-1], units)
    hidden = cell = torch.zeros(inputs.shape[1], units, dtype=torch.float64)
    shown, kept = [], []
    for x in inputs:
        mixed = x @ from_input.T + hidden @ from_hidden.T + bias
        i, f, candidate, o = mixed.chunk(4, dim=-1)
        cell = f.sigmoid() * cell + i.sigmoid() * candidate.tanh()
        hidden = o.sigmoid() * cell.tanh()
        shown.append(hidden)
        kept.append(cell)
    return torch.stack(shown), torch.stack(kept)
