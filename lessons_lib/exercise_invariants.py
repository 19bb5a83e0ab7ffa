"""What every right result shows: sentences for what is broken, with a question that helps.

An invariant takes `(result, *arguments)` and returns a sentence, or None when it holds. Shapes and
dtypes are compared before any invariant is asked.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

CLOSE = 1e-3

Invariant = Callable[..., "str | None"]


def on_simplex(hint: str) -> Invariant:
    """Weights lie in [0, 1] and sum to 1 over the slots; `hint` asks where to look if not."""

    def broken(weights: Tensor, *_arguments: Any) -> str | None:
        low = float(weights.min())
        if low < -CLOSE:
            return f"a weight is {low:.2f}, below 0: {hint}"
        sums = weights.double().sum(dim=-1)
        worst = sums.flatten()[(sums - 1).abs().argmax()]
        return None if abs(worst - 1) < CLOSE else f"weights sum to {worst:.2f}: {hint}"

    return broken


def within(low: float, high: float, hint: str) -> Invariant:
    """Every number of the (first) result lies in [low, high]."""

    def broken(result: Tensor, *_arguments: Any) -> str | None:
        first = result[0] if isinstance(result, (list, tuple)) else result
        for extreme in (float(first.min()), float(first.max())):
            if not low - CLOSE <= extreme <= high + CLOSE:
                return f"a number is {extreme:.2f}, outside [{low:g}, {high:g}]: {hint}"
        return None

    return broken


def norm_is_bounded(clipped: list[Tensor], gradients: list[Tensor], bound: float) -> str | None:
    """The norm of all gradients together is at most the bound (survey eq. 44)."""
    norm = _norm(clipped)
    if norm <= bound + CLOSE:
        return None
    return f"the norm of all gradients together is {norm:.2f}, above {bound:.2f}: one norm for all?"


def direction_is_kept(clipped: list[Tensor], gradients: list[Tensor], bound: float) -> str | None:
    """Every gradient is scaled by one and the same factor (survey eq. 44)."""
    mine = torch.cat([gradient.flatten() for gradient in clipped])
    given = torch.cat([gradient.flatten() for gradient in gradients])
    cosine = float(torch.cosine_similarity(mine, given, dim=0))
    if cosine > 1 - CLOSE:
        return None
    return f"the direction changed (cosine {cosine:.2f}): is every gradient scaled alike?"


def small_gradients_stay(
    clipped: list[Tensor], gradients: list[Tensor], bound: float
) -> str | None:
    """Gradients whose norm is within the bound are left alone (survey eq. 44)."""
    if _norm(gradients) > bound or abs(_norm(clipped) - _norm(gradients)) < CLOSE:
        return None
    return "gradients below the bound were changed: scale only where the norm is above it"


def read_is_a_mixture(reads: Tensor, memory: Tensor, weights: Tensor) -> str | None:
    """A read lies between the smallest and the largest number of each column (NTM eq. 2)."""
    low, high = memory.amin(dim=1, keepdim=True), memory.amax(dim=1, keepdim=True)
    outside = (reads < low - CLOSE) | (reads > high + CLOSE)
    if not bool(outside.any()):
        return None
    return (
        f"a read is {float(reads[outside][0]):.2f}, outside what its column of the memory holds: "
        "is every slot weighted once?"
    )


def unweighted_slots_stay(
    written: Tensor, memory: Tensor, weights: Tensor, *_vectors: Tensor
) -> str | None:
    """A slot that no head points at keeps its content (NTM eqs. 3 and 4)."""
    untouched = weights.abs().amax(dim=1) == 0  # (B, S)
    changed = (written - memory).abs().amax(dim=-1) > CLOSE
    slots = (untouched & changed).nonzero()
    if not len(slots):
        return None
    return f"slot {int(slots[0, 1])} changed although its weight is 0: is e and a weighted by w?"


def moved_mass_wraps(shifted: Tensor, weights: Tensor, shift: Tensor) -> str | None:
    """Shifting turns the tape: a lone weight at an end comes back at the other (NTM eq. 8)."""
    lost = weights.double().sum(-1) * shift.double().sum(-1) - shifted.double().sum(-1)
    worst = float(lost.flatten()[lost.abs().argmax()])
    if abs(worst) < CLOSE:
        return None
    total = float(shifted.double().sum(-1).flatten()[lost.abs().argmax()])
    return f"weights sum to {total:.2f}: did the shift wrap around?"


def counts_fit(counts: Tensor, outputs: Tensor, targets: Tensor, mask: Tensor) -> str | None:
    """No sequence has more wrong bits than bits that count."""
    most = mask.sum(dim=0) * targets.shape[-1]
    over = (counts > most).nonzero()
    if not len(over):
        return None
    index = int(over[0])
    return (
        f"sequence {index} has {int(counts[index])} wrong bits, but only {int(most[index])} count: "
        "was the mask used?"
    )


def sequence_is_whole(words: list[str], story: list[list[str]], question: list[str]) -> str | None:
    """The question stands between `Q` and `GO`, and `GO` comes last."""
    if not all(isinstance(word, str) for word in words):
        return "expected a flat list of words, got something else among them"
    if not words or words[-1] != "GO":
        return "the last word is not GO: that is where the answer is asked for"
    if "Q" not in words:
        return "there is no Q between the story and the question"
    return None


def yes_or_no(answer: str, *_arguments: Any) -> str | None:
    """The answer is one of two words."""
    return None if answer in ("yes", "no") else f"expected 'yes' or 'no', got {answer!r}"


def nothing_is_lost(totals: Tensor, amounts: Tensor, sentence: Tensor, count: int) -> str | None:
    """The sentences' totals add up to the amounts of all words that stand in a sentence."""
    expected = float(amounts[sentence >= 0].double().sum())
    found = float(totals.double().sum())
    if abs(expected - found) < CLOSE:
        return None
    return f"the sentences add up to {found:.2f}, their words to {expected:.2f}"


def unseen_is_even(chance: Tensor, bits: Tensor, context: int) -> str | None:
    """After bits that never stood together before, a 1 is as likely as not (NTM eq. 10)."""
    windows = bits.unfold(0, context, 1)
    if (windows[:-1] == windows[-1]).all(dim=-1).any() or abs(float(chance) - 0.5) < CLOSE:
        return None
    return f"these bits never stood together before, and yet a 1 has {float(chance):.2f}, not 0.5"


def _norm(tensors: list[Tensor]) -> float:
    return float(torch.cat([tensor.flatten() for tensor in tensors]).double().norm())
