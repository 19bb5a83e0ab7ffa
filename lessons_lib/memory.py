"""What to do at the chosen slots: read, erase and add, as pure functions.

Shapes: B batch, H heads, S slots, W width. A write is an erase followed by an add; neither changes
its argument, each returns a new memory.
"""

import torch
from torch import Tensor

from lessons_lib.checks import expect


def read(memory: Tensor, weights: Tensor) -> Tensor:
    """Mix the slots by a weighting (NTM eq. 2; L-NTM eq. 2).

    r(h) = Σ_i w(h, i) M(i)

    Args:
        memory: M, (B, S, W).
        weights: w, (B, H, S).

    Returns:
        r, (B, H, W).

    Raises:
        ValueError: a shape, dtype or device does not fit.
    """
    expect({}, memory=(memory, "batch slots width"), weights=(weights, "batch heads slots"))
    return weights @ memory


def erase(memory: Tensor, weights: Tensor, erase_vector: Tensor) -> Tensor:
    """Fade what stands at the weighted slots (NTM eq. 3; L-NTM eq. 4).

    M̃(i) = M(i) Π_h (1 − w(h, i) e(h)), element by element

    Several heads multiply, so that their order does not matter.

    Args:
        memory: M, (B, S, W).
        weights: w, (B, H, S).
        erase_vector: e in (0, 1), (B, H, W); 1 clears a number, 0 keeps it.

    Returns:
        M̃, (B, S, W).

    Raises:
        ValueError: a shape, dtype or device does not fit.
    """
    _expect_write(memory, weights, "erase_vector", erase_vector)
    if weights.shape[-2] == 1:  # the usual case, without the product over heads
        return memory - memory * (weights.transpose(-1, -2) * erase_vector)
    kept = 1 - weights.unsqueeze(-1) * erase_vector.unsqueeze(-2)  # (B, H, S, W)
    return memory * kept.prod(dim=-3)


def add(memory: Tensor, weights: Tensor, add_vector: Tensor, gate: Tensor | None = None) -> Tensor:
    """Add a vector at the weighted slots (NTM eq. 4; with the gate, L-NTM eq. 5).

    M(i) = M̃(i) + Σ_h f(h) w(h, i) a(h)

    Args:
        memory: M̃, (B, S, W).
        weights: w, (B, H, S).
        add_vector: a, (B, H, W).
        gate: f in (0, 1), (B, H), L-NTM's add gate; None is NTM, f = 1.

    Returns:
        M, (B, S, W).

    Raises:
        ValueError: a shape, dtype or device does not fit.
    """
    _expect_write(memory, weights, "add_vector", add_vector)
    if gate is not None:
        expect({}, weights=(weights, "batch heads slots"), gate=(gate, "batch heads"))
        add_vector = gate.unsqueeze(-1) * add_vector
    return memory + torch.matmul(weights.transpose(-1, -2), add_vector)


def _expect_write(memory: Tensor, weights: Tensor, name: str, vector: Tensor) -> None:
    expect(
        {},
        memory=(memory, "batch slots width"),
        weights=(weights, "batch heads slots"),
        **{name: (vector, "batch heads width")},
    )
