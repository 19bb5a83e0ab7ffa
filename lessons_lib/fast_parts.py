"""What the hand-written passes of NTM and L-NTM share: the LSTM, unit-length keys, a softmax.

Each function that takes stacks, (T, ...) with a row for each step, returns a function that makes
one step on them. Going forward a stack may hold fewer rows than the sequence has steps, used in
turn. Shapes: T time, B batch, H heads (or keys), W width, C units.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from lessons_lib.addressing import LENGTH_FLOOR


def lstm(gates: Tensor, cell: Tensor, tanh_cell: Tensor) -> Callable[[int, Tensor], None]:
    """Return a step of the LSTM from its mixed inputs on (``cells.lstm_step`` has the equations).

    Args:
        gates: W x_t + U h_{t−1} + b in the order i, f, c̃, o, (T, B, 4 C); squashed in place.
        cell: c, (T + 1, B, C), the start first.
        tanh_cell: tanh c_t, (T, B, C).

    Returns:
        ``step(t, hidden)``, which writes h_t = o tanh(c_t) into ``hidden`` (B, C).
    """
    every, cells, tanhs = gates.unbind(0), cell.unbind(0), tanh_cell.unbind(0)
    i, f, g, o = (part.unbind(0) for part in gates.chunk(4, dim=-1))
    rows, pair = len(every), len(cells)
    raw_g = torch.empty_like(g[0])

    def step(t: int, hidden: Tensor) -> None:
        now, cell = t % rows, cells[(t + 1) % pair]
        torch.tanh(g[now], out=raw_g)
        every[now].sigmoid_()
        g[now].copy_(raw_g)
        torch.mul(f[now], cells[t % pair], out=cell)
        cell.addcmul_(i[now], g[now])
        torch.tanh(cell, out=tanhs[now])
        torch.mul(o[now], tanhs[now], out=hidden)

    return step


def lstm_backward(
    gates: Tensor, cell: Tensor, tanh_cell: Tensor, d_gates: Tensor, d_cell: Tensor
) -> Callable[[int, Tensor], None]:
    """Return the step back through ``lstm``, whose stacks it takes.

    Args:
        gates: i, f, c̃ and o, squashed.
        cell: c, the start first.
        tanh_cell: tanh c_t.
        d_gates: like ``gates``; is filled with the gradients before the squashing.
        d_cell: (B, C), what later steps say of c_t; afterwards, what they say of c_{t−1}.

    Returns:
        ``step(t, d_hidden)``. It works out the slopes anew: so little is soon done, while stacks
        of slopes made beforehand would push other things out of the processor's cache.
    """
    units = cell.shape[-1]
    every, cells, tanhs = gates.unbind(0), cell.unbind(0), tanh_cell.unbind(0)
    i, f, g, o = (part.unbind(0) for part in gates.chunk(4, dim=-1))
    d_i, d_f, d_g, d_o = (part.unbind(0) for part in d_gates.chunk(4, dim=-1))
    d_pair = d_gates[..., : 2 * units].unbind(0)
    d_three = d_gates.unflatten(-1, (4, units))[:, :, :3].unbind(0)
    rest, through, one = torch.empty_like(every[0]), torch.empty_like(d_cell), gates.new_ones(())
    rest_pair, rest_o = rest[:, : 2 * units], rest[:, 3 * units :]

    def step(t: int, d_hidden: Tensor) -> None:
        torch.sub(one, every[t], out=rest)
        torch.mul(tanhs[t], o[t], out=d_o[t]).mul_(rest_o).mul_(d_hidden)
        torch.mul(tanhs[t], tanhs[t], out=through)
        torch.sub(one, through, out=through).mul_(o[t])
        d_cell.addcmul_(d_hidden, through)
        torch.mul(g[t], i[t], out=d_i[t])
        torch.mul(cells[t], f[t], out=d_f[t])
        d_pair[t].mul_(rest_pair)
        torch.mul(g[t], g[t], out=d_g[t])
        torch.sub(one, d_g[t], out=d_g[t]).mul_(i[t])
        d_three[t].mul_(d_cell.unsqueeze(1))
        d_cell.mul_(f[t])

    return step


def inverse_length(vectors: Tensor, dim: int, squares: Tensor, out: Tensor) -> None:
    """Write 1 / |v| over ``dim`` into ``out``, using ``squares`` (like ``vectors``) on the way."""
    torch.mul(vectors, vectors, out=squares)
    torch.sum(squares, dim, keepdim=True, out=out)
    out.add_(LENGTH_FLOOR).rsqrt_()


def unit_keys(k: Tensor, beta: Tensor, scale: Tensor, key: Tensor) -> Callable[[int], None]:
    """Return a step that makes β k / |k|, with which a dot product gives β cos · |M|.

    Args:
        k: (T, B, H, W).
        beta: β, (T, B, H, 1).
        scale: is filled with 1 / |k|, (T, B, H, 1).
        key: is filled with β k / |k|, (T, B, H, W).
    """
    k, beta, scale, key = (stack.unbind(0) for stack in (k, beta, scale, key))
    squares = torch.empty_like(key[0])
    rows = len(key)

    def step(t: int) -> None:
        now = t % rows
        inverse_length(k[now], -1, squares, scale[now])
        torch.mul(k[now], scale[now] * beta[now], out=key[now])

    return step


def unit_keys_backward(
    k: Tensor, beta: Tensor, scale: Tensor, d_k: Tensor, d_beta: Tensor
) -> Callable[[int, Tensor], None]:
    """Return the step back through ``unit_keys``; fills ``d_k`` and ``d_beta``.

    ∂β = k·∂key / |k|;  ∂k = β ∂key / |k| − β k (k·∂key) / |k|³
    """
    strength = (scale * beta).unbind(0)
    bend = (-scale.pow(3) * beta).unbind(0)
    k, scale, d_k, d_beta = (stack.unbind(0) for stack in (k, scale, d_k, d_beta))

    def step(t: int, d_key: Tensor) -> None:
        along = torch.sum(d_key * k[t], -1, keepdim=True)
        torch.mul(along, scale[t], out=d_beta[t])
        torch.mul(d_key, strength[t], out=d_k[t])
        d_k[t].addcmul_(k[t], along.mul_(bend[t]))

    return step


def softmax_slope(grad: Tensor, made: Tensor, dim: int = -1) -> Tensor:
    """Return w (∂w − Σ w ∂w), the gradient before a softmax over ``dim``."""
    return torch.ops.aten._softmax_backward_data(grad, made, dim, made.dtype)
