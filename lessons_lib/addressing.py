"""Where to read and write: the addressing of the NTM and of L-NTM, as pure functions.

One convention throughout: a memory has S slots (rows) of W numbers each, and a weighting is a
distribution over the slots. Shapes: B batch, H heads, S slots, W width.

NTM: Graves, Wayne & Danihelka 2014, arXiv 1410.5401, section 3.3. L-NTM: the long-term memory
neural Turing machine, whose global addressing is a convolution over the whole memory.
"""

import torch
from torch import Tensor
from torch.nn import functional as F

from lessons_lib.checks import expect

LENGTH_FLOOR = 1e-16  # added to squared lengths: zero vectors, and their slope, stay finite


def content_weights(memory: Tensor, key: Tensor, key_strength: Tensor) -> Tensor:
    """Look for the slots that resemble the key (NTM eqs. 5-6; L-NTM eq. 9).

    w^c(i) = softmax_i( β cos(k, M(i)) )

    A zero key or a zero slot has cosine 0 with everything. Half precision is computed in float32
    and cast back.

    Args:
        memory: M, (B, S, W).
        key: k, (B, H, W).
        key_strength: β ≥ 0, (B, H); 0 ignores the key, large values pick the best slot alone.

    Returns:
        w^c, (B, H, S), on the simplex.

    Raises:
        ValueError: a shape, dtype or device does not fit.
    """
    expect(
        {},
        memory=(memory, "batch slots width"),
        key=(key, "batch heads width"),
        key_strength=(key_strength, "batch heads"),
    )
    memory_wide, key_wide, strength_wide = _at_least_float32(memory, key, key_strength)
    cosine = _unit(key_wide) @ _unit(memory_wide).transpose(-1, -2)  # (B, H, S)
    return torch.softmax(strength_wide.unsqueeze(-1) * cosine, dim=-1).to(memory.dtype)


def interpolate(content: Tensor, previous: Tensor, gate: Tensor) -> Tensor:
    """Choose between what the key found and where the head was (NTM eq. 7).

    w^g = g w^c + (1 − g) w_{t−1}

    L-NTM eq. 10 is the same blend, with the global map in the place of the previous weighting.

    Args:
        content: w^c, (B, H, S).
        previous: w_{t−1}, (B, H, S).
        gate: g in (0, 1), (B, H); 1 trusts the key, 0 stays.

    Returns:
        w^g, (B, H, S).

    Raises:
        ValueError: a shape, dtype or device does not fit.
    """
    expect(
        {},
        content=(content, "batch heads slots"),
        previous=(previous, "batch heads slots"),
        gate=(gate, "batch heads"),
    )
    return torch.lerp(previous, content, gate.unsqueeze(-1))


def circular_shift(weights: Tensor, shift: Tensor) -> Tensor:
    """Move the weighting along the tape; the last slot is the first one's neighbour (NTM eq. 8).

    w̃(i) = Σ_j w^g(j) s(i − j), indices modulo S, s over the offsets −1, 0, +1

    Args:
        weights: w^g, (B, H, S).
        shift: s, (B, H, 3), a distribution over a step back, staying, and a step forward.

    Returns:
        w̃, (B, H, S).

    Raises:
        ValueError: a shape, dtype or device does not fit.
    """
    expect(
        {"offsets": 3},
        weights=(weights, "batch heads slots"),
        shift=(shift, "batch heads offsets"),
    )
    back, stay, forward = shift.unsqueeze(-2).unbind(-1)  # each (B, H, 1)
    return back * weights.roll(-1, dims=-1) + stay * weights + forward * weights.roll(1, dims=-1)


def sharpen(weights: Tensor, sharpening: Tensor) -> Tensor:
    """Undo the blur that shifting leaves (NTM eq. 9; L-NTM eq. 8, there called focus).

    w(i) = w̃(i)^γ / Σ_j w̃(j)^γ

    Computed as softmax(γ log w̃), which neither overflows nor divides by zero. Half precision is
    computed in float32 and cast back.

    Args:
        weights: w̃ ≥ 0, (B, H, S).
        sharpening: γ ≥ 1, (B, H); 1 changes nothing.

    Returns:
        w, (B, H, S), on the simplex.

    Raises:
        ValueError: a shape, dtype or device does not fit.
    """
    expect(
        {},
        weights=(weights, "batch heads slots"),
        sharpening=(sharpening, "batch heads"),
    )
    weights_wide, sharpening_wide = _at_least_float32(weights, sharpening)
    logs = weights_wide.clamp_min(torch.finfo(weights_wide.dtype).tiny).log()
    return torch.softmax(sharpening_wide.unsqueeze(-1) * logs, dim=-1).to(weights.dtype)


def memory_scores(memory: Tensor, kernels: Tensor, bias: Tensor | None = None) -> Tensor:
    """Score each slot by looking at it and its neighbours, for each kernel (L-NTM eq. 6).

    w^l(i) = Σ_m Σ_n S(i + m, n) K(m, n), zeros beyond both ends ("same" padding)

    The scores are no weighting yet: softmax over the slots makes one (L-NTM eq. 7). A bias moves
    all scores of a map alike, so the softmax cancels it.

    Args:
        memory: S, (B, S, W).
        kernels: K, (maps, W, k) with an odd k; k = 3 sees a slot and its two neighbours.
        bias: (maps,) or None.

    Returns:
        (B, maps, S).

    Raises:
        ValueError: a shape, dtype or device does not fit, or k is even.
    """
    sizes: dict[str, int] = {}
    given = {"memory": (memory, "batch slots width"), "kernels": (kernels, "maps width kernel")}
    if bias is not None:
        given["bias"] = (bias, "maps")
    expect(sizes, **given)
    if sizes["kernel"] % 2 == 0:
        raise ValueError(f"expected an odd kernel size, got {sizes['kernel']}")
    return F.conv1d(memory.transpose(-1, -2), kernels, bias, padding=sizes["kernel"] // 2)


def _unit(vectors: Tensor) -> Tensor:
    """Scale vectors to length 1.

    ``LENGTH_FLOOR`` is felt below a length of about 1e-7: the NTM's constant start, slots of 20
    numbers 1e-6 and so of length 4.5e-6, comes out 0.0002% short.
    """
    return vectors * (vectors.square().sum(-1, keepdim=True) + LENGTH_FLOOR).rsqrt()


def _at_least_float32(*tensors: Tensor) -> tuple[Tensor, ...]:
    wide = torch.promote_types(tensors[0].dtype, torch.float32)
    return tuple(tensor.to(wide) for tensor in tensors)
