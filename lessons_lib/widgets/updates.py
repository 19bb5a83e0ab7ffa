"""A memory over time in few bytes: whole where it must be, else as what a write changes.

Three pictures of the memory belong to a step: before, after the erase, after the add. Each follows
from the picture before it and from a few vectors that are sent anyhow, since a write is one product
of a column and a row for each head (``updates.js`` unfolds it; NTM eqs. 3 and 4). The sender
unfolds as the browser will, operation by operation in double precision and rounded to single
precision at each picture, which gives the same bits. Where the result would be off by more than
`TOLERANCE`, the picture is sent whole. So no number in the browser is further from the library's
than that, whatever the trace holds.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from lessons_lib import memory
from lessons_lib.trace import Trace

TOLERANCE = 5e-7
PARTS = 3  # before, after the erase, after the add


def memory_pictures(trace: Trace) -> Tensor | None:
    """Return the memory before, after the erase and after the add, (T, 3, S, W); or None.

    None where the trace does not record its writes. One sequence, computed by the library.
    """
    if trace.erase_vector is None or trace.write is None:
        return None
    before, after = trace.memory_before[:, 0], trace.memory_after[:, 0]
    erased = memory.erase(before, trace.write.weights[:, 0], trace.erase_vector[:, 0])
    return torch.stack([before, erased, after], dim=1)


def fold(pictures: Tensor, weights: Tensor, erase_vector: Tensor, added: Tensor) -> dict:
    """Return which pictures are sent whole, (T, 3), and these, (K, S, W).

    Args:
        pictures: (T, 3, S, W), as from ``memory_pictures``.
        weights: w of the write heads, (T, H, S).
        erase_vector: e, (T, H, W).
        added: f a, what the heads add, (T, H, W).
    """
    wanted, weights, erase_vector, added = (
        tensor.detach().to("cpu", torch.float32).numpy()
        for tensor in (pictures, weights, erase_vector, added)
    )
    sent = np.zeros(wanted.shape[:2], dtype=bool)
    whole, now = [], None
    for step, part in np.ndindex(*sent.shape):
        guess = now
        if now is not None and part == 1:
            guess = _fade(now, weights[step], erase_vector[step])
        elif now is not None and part == 2:
            guess = _put(now, weights[step], added[step])
        if guess is None or not _close(guess, wanted[step, part]):
            guess = wanted[step, part]
            sent[step, part] = True
            whole.append(guess)
        now = guess
    return {"whole": torch.from_numpy(sent), "pictures": torch.from_numpy(np.stack(whole))}


def _fade(now: np.ndarray, weights: np.ndarray, erase: np.ndarray) -> np.ndarray:
    """Fade by every head in turn, in double precision: M ∘ Π_h (1 − w(h) e(h)ᵀ)."""
    wide = now.astype(np.float64)
    for column, row in zip(weights.astype(np.float64), erase.astype(np.float64), strict=True):
        wide = wide * (1 - column[:, None] * row[None, :])
    return wide.astype(np.float32)


def _put(now: np.ndarray, weights: np.ndarray, added: np.ndarray) -> np.ndarray:
    """Add for every head in turn, in double precision: M + Σ_h w(h) (f a)(h)ᵀ."""
    wide = now.astype(np.float64)
    for column, row in zip(weights.astype(np.float64), added.astype(np.float64), strict=True):
        wide = wide + column[:, None] * row[None, :]
    return wide.astype(np.float32)


def _close(guess: np.ndarray, wanted: np.ndarray) -> bool:
    with np.errstate(invalid="ignore"):
        near = np.abs(guess.astype(np.float64) - wanted) <= TOLERANCE
    return bool(np.all(near | (guess == wanted) | (np.isnan(guess) & np.isnan(wanted))))
