"""The NTM's whole sequence at once, with its backward pass written by hand: the plain path, sooner.

``NTM`` defines the machine; this file computes the same outputs and the same gradients with fewer
and smaller operations. What it saves:

- autograd's record of every operation: the backward pass below is the chain rule, step by step;
- new tensors: each step writes into rows of stacks that were made once;
- short inner loops: the memory lies here as (B, W, S), so that broadcasts run along the slots;
- work inside the loop: the input's projection before it, the parameters' gradients after it.

Shapes: T time, B batch, H heads (R read heads first, then N write heads), S slots, W width,
C units, G controller gates (4 C for an LSTM, C for a feed-forward controller), P head parameters.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from lessons_lib.fast_parts import (
    inverse_length,
    lstm,
    lstm_backward,
    softmax_slope,
    unit_keys,
    unit_keys_backward,
)


class Sizes(NamedTuple):
    """What the arithmetic needs to know of a machine."""

    read_heads: int
    write_heads: int
    width: int
    units: int
    clip: float
    lstm: bool

    @property
    def heads(self) -> int:
        """H, read heads and write heads."""
        return self.read_heads + self.write_heads

    def packed(self) -> dict[str, int]:
        """Return the head parameters in packed order: tanh (k, a), sigmoid (g, e), β, γ, s."""
        h, n, w = self.heads, self.write_heads, self.width
        return {"k": h * w, "a": n * w, "g": h, "e": n * w, "beta": h, "gamma": h, "s": 3 * h}

    def sections(self) -> list[int]:
        """Return the packed rows by what squashes them: tanh, sigmoid, softplus, softmax."""
        k, a, g, e, beta, gamma, s = self.packed().values()
        return [k + a, g + e, beta + gamma, s]


def packed_order(sizes: Sizes) -> Tensor:
    """Return for each packed row its row in ``NTM.heads``, where the order is k, β, g, s, γ, e, a.

    The three shifts of a head are turned round: forward, stay, back. So they lie as the windows of
    a padded weighting do.
    """
    rows = sizes.packed()
    names = ("k", "beta", "g", "s", "gamma", "e", "a")
    parts = torch.arange(sum(rows.values())).split([rows[name] for name in names])
    plain = dict(zip(names, parts, strict=True))
    plain["s"] = plain["s"].unflatten(0, (-1, 3)).flip(-1).flatten()
    return torch.cat([plain[name] for name in rows])


class Stacks:
    """Every intermediate of every step that the backward pass needs, one row a step.

    With ``keep=False`` there is one row that is overwritten, or two where a step needs the last
    one: memory then does not grow with the sequence.
    """

    def __init__(self, like: Tensor, sizes: Sizes, steps: int, slots: int, keep: bool) -> None:
        batch, heads, width = like.shape[1], sizes.heads, sizes.width
        one, two = (steps, steps + 1) if keep else (1, 2)
        packed = sum(sizes.packed().values())
        features = sizes.units + sizes.read_heads * width
        self.features = like.new_empty(steps + 1, batch, features)  # h_t and r_t, the start first
        self.memory = like.new_empty(two, batch, width, slots)  # M, the start first
        self.weights = like.new_empty(two, batch, heads, slots)  # w, the start first
        self.cell = like.new_empty(two, batch, sizes.units)  # c, the start first
        self.gates = like.new_empty(one, batch, like.shape[2])  # i, f, g, o; or the tanh layer
        self.tanh_cell = like.new_empty(one, batch, sizes.units)
        self.raw = like.new_empty(one, batch, packed)  # head parameters, clipped
        self.made = like.new_empty(one, batch, packed)  # the same, each in its range
        self.key_scale = like.new_empty(one, batch, heads, 1)  # 1 / |k|
        self.key = like.new_empty(one, batch, heads, width)  # β k / |k|
        self.memory_scale = like.new_empty(one, batch, 1, slots)  # 1 / |M(i)|
        self.scores = like.new_empty(one, batch, heads, slots)  # β cos(k, M(i))
        self.content = like.new_empty(one, batch, heads, slots)  # w^c
        self.padded = like.new_empty(one, batch, heads, slots + 2)  # w^g, its ends wrapped round
        self.shifted = like.new_empty(one, batch, heads, slots)  # w̃, at least tiny
        self.logs = like.new_empty(one, batch, heads, slots)  # log w̃

    def heads_of(self, stack: Tensor, sizes: Sizes) -> dict[str, Tensor]:
        """Return views of a packed stack (T, B, P): k, a, e as (T, B, ·, W), the others (…, ·)."""
        rows = sizes.packed()
        parts = dict(zip(rows, stack.split(list(rows.values()), dim=-1), strict=True))
        for name in ("k", "a", "e"):
            parts[name] = parts[name].unflatten(-1, (-1, sizes.width))
        for name in ("g", "beta", "gamma"):
            parts[name] = parts[name].unsqueeze(-1)
        parts["s"] = parts["s"].unflatten(-1, (-1, 3))
        return parts


def scan(sizes: Sizes, projected, recurrent, head_weight, head_bias, start, every_state=False):
    """Run the machine over a sequence.

    Args:
        sizes: of the machine.
        projected: what the input alone gives the controller, bias included, (T, B, G).
        recurrent: (G, C + R·W) on the last h and r; (C, R·W) of a feed-forward controller.
        head_weight: (P, C), rows in packed order.
        head_bias: (P,).
        start: memory (B, S, W), weights (B, H, S), reads (B, R, W), and hidden and cell (B, C)
            of an LSTM.
        every_state: return the states of all steps also where no gradient is wanted.

    Returns:
        features (T, B, C + R·W), h_t and r_t; and the states: memories (n, B, S, W), weightings
        (n, B, H, S) and cells (n, B, C), where n is T if a gradient or every state is wanted, and
        1, the last step alone, if not.
    """
    wanted = (projected, recurrent, head_weight, head_bias, *start)
    gradient = torch.is_grad_enabled() and any(tensor.requires_grad for tensor in wanted)
    keep = every_state or gradient
    return _Scan.apply(sizes, keep, projected, recurrent, head_weight, head_bias, *start)


class _Scan(torch.autograd.Function):
    @staticmethod
    def forward(ctx, sizes, keep, projected, recurrent, head_weight, head_bias, *start):
        steps, slots = projected.shape[0], start[0].shape[1]
        stacks = Stacks(projected, sizes, steps, slots, keep)
        _set_start(stacks, sizes, start)
        _forward(stacks, sizes, projected, recurrent, head_weight, head_bias)
        if keep:
            ctx.sizes, ctx.stacks = sizes, stacks
            ctx.save_for_backward(recurrent, head_weight)
            last = slice(1, None)
        else:
            last = slice(steps % 2, steps % 2 + 1)
        ctx.set_materialize_grads(False)
        states = stacks.memory[last].transpose(-1, -2), stacks.weights[last], stacks.cell[last]
        return stacks.features[1:], *states

    @staticmethod
    @once_differentiable
    def backward(ctx, features, memories, weights, cells):
        grads = _Backward(ctx.sizes, ctx.stacks, *ctx.saved_tensors)
        return None, None, *grads.run(features, memories, weights, cells)


def _set_start(stacks: Stacks, sizes: Sizes, start: tuple[Tensor, ...]) -> None:
    memory, weights, reads, *controller = start
    stacks.memory[0] = memory.transpose(-1, -2)
    stacks.weights[0] = weights
    stacks.features[0, :, sizes.units :] = reads.flatten(1)
    if sizes.lstm:
        stacks.features[0, :, : sizes.units], stacks.cell[0] = controller


def _forward(stacks, sizes, projected, recurrent, head_weight, head_bias) -> None:
    """Fill the stacks, step by step."""
    if sizes.lstm:
        control = lstm(stacks.gates, stacks.cell, stacks.tanh_cell)
    else:
        control = _feedforward(stacks)
    parameters = _head_parameters(stacks, sizes)
    address, use = _address(stacks, sizes), _use(stacks, sizes)
    hidden = stacks.features[..., : sizes.units].unbind(0)
    seen = stacks.features if sizes.lstm else stacks.features[..., sizes.units :]
    gates, raw = stacks.gates.unbind(0), stacks.raw.unbind(0)
    recurrent, head_weight = recurrent.t(), head_weight.t()
    rows = len(gates)
    for t, (x, last) in enumerate(zip(projected.unbind(0), seen[:-1].unbind(0), strict=True)):
        torch.addmm(x, last, recurrent, out=gates[t % rows])
        control(t, hidden[t + 1])
        torch.addmm(head_bias, hidden[t + 1], head_weight, out=raw[t % rows])
        parameters(t)
        address(t)
        use(t)


def _feedforward(stacks: Stacks):
    gates = stacks.gates.unbind(0)

    def step(t: int, hidden: Tensor) -> None:
        torch.tanh(gates[t % len(gates)], out=hidden)

    return step


def _head_parameters(stacks: Stacks, sizes: Sizes):
    """Bring k, a (tanh), g, e (sigmoid), β, γ − 1 (softplus) and s (softmax) into their ranges."""
    sections = sizes.sections()
    raws = [part.unbind(0) for part in stacks.raw.split(sections, dim=-1)]
    made = [part.unbind(0) for part in stacks.made.split(sections, dim=-1)]
    shift_raw = stacks.heads_of(stacks.raw, sizes)["s"].unbind(0)
    shift = stacks.heads_of(stacks.made, sizes)["s"].unbind(0)
    every, zero = stacks.raw.unbind(0), stacks.raw.new_zeros(())

    def step(t: int) -> None:
        now = t % len(every)
        every[now].clamp_(-sizes.clip, sizes.clip)
        torch.tanh(raws[0][now], out=made[0][now])
        torch.sigmoid(raws[1][now], out=made[1][now])
        torch.logaddexp(raws[2][now], zero, out=made[2][now])
        torch.softmax(shift_raw[now], dim=-1, out=shift[now])

    return step


def _address(stacks: Stacks, sizes: Sizes):
    """Go from the head parameters to the weightings (NTM eqs. 5-9)."""
    parts = stacks.heads_of(stacks.made, sizes)
    g, gamma = parts["g"].unbind(0), parts["gamma"].unbind(0)
    forward, stay, back = (part.unbind(0) for part in parts["s"].split(1, dim=-1))
    memories, weights = stacks.memory.unbind(0), stacks.weights.unbind(0)
    make_keys = unit_keys(parts["k"], parts["beta"], stacks.key_scale, stacks.key)
    key, memory_scale = stacks.key.unbind(0), stacks.memory_scale.unbind(0)
    scores = stacks.scores.unbind(0)
    content, shifted, logs = (
        stack.unbind(0) for stack in (stacks.content, stacks.shifted, stacks.logs)
    )
    left, middle, right = _windows(stacks.padded)
    wrap = _wrapped(stacks.padded)
    squares, sharp = torch.empty_like(memories[0]), torch.empty_like(scores[0])
    tiny = torch.finfo(squares.dtype).tiny
    rows, pair = len(scores), len(memories)

    def step(t: int) -> None:
        now, memory = t % rows, memories[t % pair]
        make_keys(t)
        inverse_length(memory, 1, squares, memory_scale[now])
        torch.bmm(key[now], memory, out=scores[now])
        scores[now].mul_(memory_scale[now])
        torch.softmax(scores[now], dim=-1, out=content[now])
        torch.lerp(weights[t % pair], content[now], g[now], out=middle[now])
        wrap(now)
        torch.mul(middle[now], stay[now], out=shifted[now])
        shifted[now].addcmul_(left[now], forward[now]).addcmul_(right[now], back[now])
        torch.clamp_min(shifted[now], tiny, out=shifted[now])
        torch.log(shifted[now], out=logs[now])
        torch.addcmul(logs[now], logs[now], gamma[now], out=sharp)  # γ log w̃, as made is γ − 1
        torch.softmax(sharp, dim=-1, out=weights[(t + 1) % pair])

    return step


def _use(stacks: Stacks, sizes: Sizes):
    """Write and then read at the weightings (NTM eqs. 2-4)."""
    parts = stacks.heads_of(stacks.made, sizes)
    a = parts["a"].transpose(-1, -2).unbind(0)
    erases = [e.unsqueeze(-1).unbind(0) for e in parts["e"].unbind(2)]  # a head each (B, W, 1)
    memories = stacks.memory.unbind(0)
    reading, writing = stacks.weights.split([sizes.read_heads, sizes.write_heads], dim=2)
    singles = [part.unbind(0) for part in writing.split(1, dim=2)]
    reading, writing = reading.unbind(0), writing.unbind(0)
    reads = stacks.features[..., sizes.units :].unflatten(-1, (-1, sizes.width)).unbind(0)
    gone = torch.empty_like(memories[0])
    rows, pair = len(a), len(memories)

    def step(t: int) -> None:
        now, new, memory = t % rows, (t + 1) % pair, memories[t % pair]
        after = memories[new]
        for erase, weights in zip(erases, singles, strict=True):
            torch.bmm(erase[now], weights[new], out=gone)
            torch.addcmul(memory, memory, gone, value=-1, out=after)
            memory = after
        after.baddbmm_(a[now], writing[new])
        torch.bmm(reading[new], after.transpose(1, 2), out=reads[t + 1])

    return step


class _Backward:
    """The chain rule through ``_forward``, last step first."""

    def __init__(self, sizes: Sizes, stacks: Stacks, recurrent: Tensor, head_weight: Tensor):
        self.sizes, self.stacks = sizes, stacks
        self.recurrent, self.head_weight = recurrent, head_weight
        self.steps = len(stacks.raw)
        self.d_gates = torch.empty_like(stacks.gates)
        self.d_made = torch.empty_like(stacks.made)
        self.d_memory = torch.zeros_like(stacks.memory[0])
        self.d_weights = torch.zeros_like(stacks.weights[0])
        self.d_cell = torch.zeros_like(stacks.cell[0])

    def run(self, features, memories, weights, cells) -> tuple[Tensor | None, ...]:
        """Return the gradients of ``scan``'s tensors, from those of its results (or None)."""
        sizes, stacks = self.sizes, self.stacks
        if features is None:
            features = torch.zeros_like(stacks.features[1:])
        use, address = self._use(), self._address()
        if sizes.lstm:
            made = stacks.gates, stacks.cell, stacks.tanh_cell
            control = lstm_backward(*made, self.d_gates, self.d_cell)
        else:
            control = self._feedforward()
        slopes = self._slopes().unbind(0)
        d_made, d_gates = self.d_made.unbind(0), self.d_gates.unbind(0)
        flowing = features.new_zeros(features.shape[1:])  # into h_t and r_t, from later steps
        d_hidden, d_reads = flowing.split([sizes.units, sizes.read_heads * sizes.width], dim=-1)
        d_reads = d_reads.unflatten(-1, (-1, sizes.width))
        arriving = flowing if sizes.lstm else d_reads.flatten(1)
        turned = None if memories is None else memories.transpose(-1, -2)
        given = (self.d_memory, turned), (self.d_weights, weights), (self.d_cell, cells)
        for t in reversed(range(self.steps)):
            flowing.add_(features[t])
            for carried, grad in given:
                if grad is not None:
                    carried.add_(grad[t])
            use(t, d_reads)
            address(t)
            d_made[t].mul_(slopes[t])
            d_hidden.addmm_(d_made[t], self.head_weight)
            control(t, d_hidden)
            d_hidden.zero_()
            torch.mm(d_gates[t], self.recurrent, out=arriving)
        return self._collect(flowing)

    def _slopes(self) -> Tensor:
        """Return the slope of each head parameter's squashing, zero where it was clipped."""
        parts = self.stacks.made.split(self.sizes.sections(), dim=-1)
        tanh, sigmoid, softplus, shift = parts
        slopes = [1 - tanh * tanh, sigmoid * (1 - sigmoid), 1 - torch.exp(-softplus)]
        slopes = torch.cat([*slopes, torch.ones_like(shift)], dim=-1)
        return slopes.mul_(self.stacks.raw.abs() < self.sizes.clip)

    def _use(self):
        """Through the read, the add and the erase."""
        sizes, stacks = self.sizes, self.stacks
        made, wanted = (stacks.heads_of(s, sizes) for s in (stacks.made, self.d_made))
        a, d_a = made["a"].unbind(0), wanted["a"].unbind(0)
        erases = [e.unbind(0) for e in made["e"].split(1, dim=2)]  # a head each (B, 1, W)
        d_erases = [e.unbind(0) for e in wanted["e"].split(1, dim=2)]
        memories = stacks.memory.unbind(0)
        halves = [sizes.read_heads, sizes.write_heads]
        reading, writing = stacks.weights[1:].split(halves, dim=2)
        singles = [part.unbind(0) for part in writing.split(1, dim=2)]
        reading, writing = reading.unbind(0), writing.unbind(0)
        d_memory = self.d_memory
        d_reading, d_writing = self.d_weights.split(halves, dim=1)
        d_singles = d_writing.split(1, dim=1)
        product, gone = torch.empty_like(d_memory), torch.empty_like(d_memory)

        def step(t: int, d_reads: Tensor) -> None:
            d_reading.add_(torch.bmm(d_reads, memories[t + 1]))
            d_memory.baddbmm_(d_reads.transpose(1, 2), reading[t])
            turned = d_memory.transpose(1, 2)
            d_a[t].copy_(torch.bmm(writing[t], turned))
            d_writing.add_(torch.bmm(a[t], d_memory))
            before = [memories[t]]  # what each head found when it erased
            for erase, weights in zip(erases[:-1], singles[:-1], strict=True):
                found = before[-1]
                before.append(found - found * torch.bmm(erase[t].transpose(1, 2), weights[t]))
            for h in reversed(range(sizes.write_heads)):
                torch.mul(d_memory, before[h], out=product)
                d_erases[h][t].copy_(torch.bmm(singles[h][t], product.transpose(1, 2)).neg_())
                d_singles[h].sub_(torch.bmm(erases[h][t], product))
                torch.bmm(erases[h][t].transpose(1, 2), singles[h][t], out=gone)
                d_memory.addcmul_(d_memory, gone, value=-1)

        return step

    def _address(self):
        """Through sharpening, shift, interpolation and content, to k, β, g, s and γ."""
        sizes, stacks = self.sizes, self.stacks
        made, wanted = (stacks.heads_of(s, sizes) for s in (stacks.made, self.d_made))
        g, gamma = made["g"].unbind(0), made["gamma"].unbind(0)
        d_g, d_gamma = wanted["g"].unbind(0), wanted["gamma"].unbind(0)
        d_s = wanted["s"].unbind(0)
        shift = made["s"].unbind(0)
        forward, stay, back = (part.unbind(0) for part in made["s"].split(1, dim=-1))
        weights, logs = stacks.weights[1:].unbind(0), stacks.logs.unbind(0)
        tiny = torch.finfo(stacks.shifted.dtype).tiny
        inverse = torch.where(stacks.shifted > tiny, 1 / stacks.shifted, 0).unbind(0)
        windows = stacks.padded.unfold(-1, stacks.logs.shape[-1], 1).unbind(0)  # (B, H, 3, S)
        turn = (stacks.content - stacks.weights[:-1]).unbind(0)  # the slope in g
        content = stacks.content.unbind(0)
        padded = torch.empty_like(stacks.padded[:1])
        (left,), (middle,), (right,) = _windows(padded)
        wrap, d_weights = _wrapped(padded), self.d_weights
        d_content = torch.empty_like(d_weights)
        look = self._content()

        def step(t: int) -> None:
            d_sharp = softmax_slope(d_weights, weights[t])
            torch.sum(d_sharp * logs[t], -1, keepdim=True, out=d_gamma[t])
            d_sharp.addcmul_(d_sharp, gamma[t])
            torch.mul(d_sharp, inverse[t], out=middle)
            wrap(0)
            d_shift = (windows[t] * middle.unsqueeze(2)).sum(-1)
            d_s[t].copy_(softmax_slope(d_shift, shift[t]))
            torch.mul(middle, stay[t], out=d_weights)
            d_weights.addcmul_(right, forward[t]).addcmul_(left, back[t])
            torch.sum(d_weights * turn[t], -1, keepdim=True, out=d_g[t])
            torch.mul(d_weights, g[t], out=d_content)
            d_weights.sub_(d_content)
            look(t, softmax_slope(d_content, content[t]))

        return step

    def _content(self):
        """Through the cosines, to k, β and the memory."""
        sizes, stacks = self.sizes, self.stacks
        made, wanted = (stacks.heads_of(s, sizes) for s in (stacks.made, self.d_made))
        through_keys = unit_keys_backward(
            made["k"], made["beta"], stacks.key_scale, wanted["k"], wanted["beta"]
        )
        memories, scores = stacks.memory.unbind(0), stacks.scores.unbind(0)
        key, memory_scale = stacks.key.unbind(0), stacks.memory_scale.unbind(0)
        memory_bend = stacks.memory_scale.square().neg().unbind(0)
        d_memory = self.d_memory

        def step(t: int, d_scores: Tensor) -> None:
            bend = torch.sum(d_scores * scores[t], 1, keepdim=True).mul_(memory_bend[t])
            d_memory.addcmul_(memories[t], bend)
            d_scores.mul_(memory_scale[t])
            d_memory.baddbmm_(key[t].transpose(1, 2), d_scores)
            through_keys(t, torch.bmm(d_scores, memories[t].transpose(1, 2)))

        return step

    def _feedforward(self):
        slopes = (1 - self.stacks.features[1:, :, : self.sizes.units].square()).unbind(0)
        d_gates = self.d_gates.unbind(0)

        def step(t: int, d_hidden: Tensor) -> None:
            torch.mul(d_hidden, slopes[t], out=d_gates[t])

        return step

    def _collect(self, flowing: Tensor) -> tuple[Tensor | None, ...]:
        """Return all gradients, those of the parameters as one product over all steps."""
        sizes, stacks = self.sizes, self.stacks
        hidden, reads = flowing.split([sizes.units, sizes.read_heads * sizes.width], dim=-1)
        seen = stacks.features[:-1] if sizes.lstm else stacks.features[:-1, :, sizes.units :]
        d_gates, d_made = self.d_gates.flatten(0, 1), self.d_made.flatten(0, 1)
        after = stacks.features[1:, :, : sizes.units].flatten(0, 1)
        start = [
            self.d_memory.transpose(-1, -2),
            self.d_weights,
            reads.unflatten(-1, (-1, sizes.width)),
        ]
        if sizes.lstm:
            start += [hidden, self.d_cell]
        return (
            self.d_gates,
            d_gates.t() @ seen.flatten(0, 1),
            d_made.t() @ after,
            d_made.sum(0),
            *start,
        )


def _windows(padded: Tensor) -> tuple[tuple[Tensor, ...], ...]:
    """Return the rows of a padded stack as seen from the left, the middle and the right."""
    slots = padded.shape[-1] - 2
    return tuple(padded[..., at : at + slots].unbind(0) for at in range(3))


def _wrapped(padded: Tensor):
    """Return what copies each end of a row beyond the other one: the tape is a ring."""
    ends = [padded[..., at].unbind(0) for at in (0, -2, -1, 1)]

    def wrap(row: int) -> None:
        ends[0][row].copy_(ends[1][row])
        ends[2][row].copy_(ends[3][row])

    return wrap
