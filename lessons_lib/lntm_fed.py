"""L-NTM whose reads feed the controller, a whole sequence at once, with a backward pass by hand.

``LNTM`` defines the machine. Here the controller waits for the reads, so that every step is a loop:

    h_t = LSTM(x_t, r_{t−1}, h_{t−1}),  and from h_t the head parameters
    p_t = softmax_i( γ (K ∗ S_{t−1})(i) )                    eqs. 6-8
    S_t = S_{t−1} + p_t ∘ (f a − S_{t−1} ∘ e)                eqs. 4-5
    w_t(r) = g_r softmax_i( β cos(c, S_t(i)) ) + (1 − g_r) softmax_i( (K_r ∗ S_t)(i) )   eqs. 9-10
    r_t(r) = Σ_i w_t(r, i) S_t(i)                            eq. 2

What it saves is what ``ntm_fast`` saves: autograd's record, new tensors, and work inside the loop.
All convolutions over S_t, those of the reads and that of the next write, are one product with a
banded matrix (``lntm_fast.banded``). A weighting lies as (B, S, R), the slots before the pointers:
a softmax over few numbers that lie side by side is slow.

Shapes: T time, B batch, I inputs, S slots, W width, R read pointers, N keys (1 if shared, else R),
C units, F = C + R·W features, P head parameters.
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

MOST_LOOKS = 2**14  # S·S·(1 + R); where the banded matrix is larger, the plain path is no slower


def worthwhile(slots: int, pointers: int) -> bool:
    """Whether a memory is small enough, 64 slots for 3 pointers or 22 for 32, to gain time here."""
    return slots * slots * (1 + pointers) <= MOST_LOOKS


class Sizes(NamedTuple):
    """What the arithmetic needs to know of a machine."""

    pointers: int
    keys: int
    width: int
    units: int

    def sections(self) -> list[int]:
        """Return the packed rows by what squashes them: nothing, tanh, sigmoid, softplus."""
        w, r, n = self.width, self.pointers, self.keys
        return [n * w, w, w + 1 + r, n + 1]  # c; a; e, f, g; β, γ − 1

    def heads_of(self, stack: Tensor) -> dict[str, Tensor]:
        """Return views of a packed stack (T, B, P), each in the shape in which it is used."""
        w, r, n = self.width, self.pointers, self.keys
        c, a, e, f, g, beta, gamma = stack.split([n * w, w, w, 1, r, n, 1], dim=-1)
        return {
            "c": c.unflatten(-1, (n, w)),
            "a": a,
            "e": e.unsqueeze(-2),
            "f": f,
            "g": g.unsqueeze(-2),
            "beta": beta.unsqueeze(-1),
            "gamma": gamma.unsqueeze(-1),
        }


class Stacks:
    """Every intermediate of every step that the backward pass needs, one row a step.

    With ``keep=False`` there is one row that is overwritten, or two where a step needs the last
    one: memory then does not grow with the sequence.
    """

    def __init__(self, like: Tensor, sizes: Sizes, slots: int, keep: bool) -> None:
        (steps, batch, inputs), width = like.shape, sizes.width
        pointers, keys, units = sizes.pointers, sizes.keys, sizes.units
        one, two = (steps, steps + 1) if keep else (1, 2)
        packed, features = sum(sizes.sections()), units + pointers * width
        # a row of ``seen`` is what the controller sees: h and r of the step before, x, and 1
        self.seen = like.new_empty(steps + 1, batch, features + inputs + 1)
        self.features = self.seen[..., :features]  # h_t and r_t, the start first
        self.memory = like.new_empty(two, batch, slots, width)  # S, the start first
        self.cell = like.new_empty(two, batch, units)  # c of the LSTM, the start first
        self.gates = like.new_empty(one, batch, 4 * units)  # i, f, c̃, o
        self.tanh_cell = like.new_empty(one, batch, units)
        self.made = like.new_empty(one, batch, packed)  # head parameters, each in its range
        self.gate = like.new_empty(one, batch, 1)  # f, times the write scale
        self.looks = like.new_empty(two, batch, slots, 1 + pointers)  # K ∗ S and all K_r ∗ S
        self.place = like.new_empty(one, batch, slots, 1)  # p
        self.change = like.new_empty(one, batch, slots, width)  # f a − S_{t−1} ∘ e
        self.key_scale = like.new_empty(one, batch, keys, 1)  # 1 / |c|
        self.key = like.new_empty(one, batch, keys, width)  # β c / |c|
        self.memory_scale = like.new_empty(one, batch, slots, 1)  # 1 / |S_t(i)|
        self.scores = like.new_empty(one, batch, slots, keys)  # β cos(c, S_t(i))
        self.content = like.new_empty(one, batch, slots, keys)  # its softmax
        self.maps = like.new_empty(one, batch, slots, pointers)  # softmax of K_r ∗ S_t
        self.weights = like.new_empty(one, batch, slots, pointers)  # w


class Machine(NamedTuple):
    """The parameters in the form in which the loop uses them."""

    controller: Tensor  # (4 C, F + I + 1), on h_{t−1} and r_{t−1}, on x_t, and the bias
    head_weight: Tensor  # (P, C), rows in packed order
    head_bias: Tensor  # (P,)
    band: Tensor  # (S·W, S·(1 + R)), of the write kernel and the read kernels


def scan(
    sizes: Sizes,
    inputs: Tensor,
    scale: Tensor,
    machine: Machine,
    start: tuple[Tensor, ...],
    every_state: bool = False,
) -> tuple[Tensor, Tensor, Tensor]:
    """Run the machine over a sequence.

    Args:
        sizes: of the machine.
        inputs: (T, B, I).
        scale: a factor on what each step adds, (T, B, 1).
        machine: its parameters.
        start: memory (B, S, W), hidden and cell (B, C), and reads (B, R, W).
        every_state: return the states of all steps also where no gradient is wanted.

    Returns:
        features (T, B, F), h_t and r_t; memories (n, B, S, W) and cells (n, B, C), where n
        is T if a gradient or every state is wanted, and 1, the last step alone, if not.
    """
    wanted = (inputs, scale, *machine, *start)
    gradient = torch.is_grad_enabled() and any(tensor.requires_grad for tensor in wanted)
    return _Scan.apply(sizes, every_state or gradient, *wanted)


class _Scan(torch.autograd.Function):
    @staticmethod
    def forward(ctx, sizes, keep, inputs, scale, *tensors):
        machine, (memory, hidden, cell, reads) = Machine(*tensors[:4]), tensors[4:]
        stacks = Stacks(inputs, sizes, memory.shape[1], keep)
        stacks.seen[:-1, :, stacks.features.shape[-1] : -1] = inputs
        stacks.seen[..., -1] = 1
        stacks.features[0] = torch.cat([hidden, reads.flatten(1)], dim=-1)
        stacks.memory[0], stacks.cell[0] = memory, cell
        _forward(stacks, sizes, scale, machine)
        last = slice(len(inputs) % 2, len(inputs) % 2 + 1)
        if keep:
            ctx.sizes, ctx.stacks = sizes, stacks
            ctx.save_for_backward(scale, *machine)
            last = slice(1, None)
        ctx.set_materialize_grads(False)
        return stacks.features[1:], stacks.memory[last], stacks.cell[last]

    @staticmethod
    @once_differentiable
    def backward(ctx, features, memories, cells):
        scale, *machine = ctx.saved_tensors
        back = _Backward(ctx.sizes, ctx.stacks, scale, Machine(*machine))
        start = back.run(features, memories, cells)
        d_inputs = None
        if ctx.needs_input_grad[2]:
            of_input = back.machine.controller[:, back.stacks.features.shape[-1] : -1]
            d_inputs = back.d_gates @ of_input
        return None, None, d_inputs, *back.of_parameters(), *start


def _forward(stacks: Stacks, sizes: Sizes, scale: Tensor, machine: Machine) -> None:
    """Fill the stacks, step by step."""
    control = lstm(stacks.gates, stacks.cell, stacks.tanh_cell)
    parameters = _head_parameters(stacks, sizes)
    write, read = _write(stacks, sizes, scale), _read(stacks, sizes, machine.band)
    hidden = stacks.features[..., : sizes.units].unbind(0)
    gates, made = stacks.gates.unbind(0), stacks.made.unbind(0)
    controller, head_weight = machine.controller.t(), machine.head_weight.t()
    torch.mm(stacks.memory[0].flatten(1), machine.band, out=stacks.looks[0].flatten(1))
    for t, seen in enumerate(stacks.seen[:-1].unbind(0)):
        torch.mm(seen, controller, out=gates[t % len(gates)])
        control(t, hidden[t + 1])
        torch.addmm(machine.head_bias, hidden[t + 1], head_weight, out=made[t % len(made)])
        parameters(t)
        write(t)
        read(t)


def _head_parameters(stacks: Stacks, sizes: Sizes):
    """Bring a (tanh), e, f, g (sigmoid), β and γ − 1 (softplus) into their ranges."""
    parts = stacks.made.split(sizes.sections(), dim=-1)[1:]
    bounded, gates, positive = (part.unbind(0) for part in parts)
    zero = stacks.made.new_zeros(())

    def step(t: int) -> None:
        now = t % len(positive)
        bounded[now].tanh_()
        gates[now].sigmoid_()
        torch.logaddexp(positive[now], zero, out=positive[now])

    return step


def _write(stacks: Stacks, sizes: Sizes, scale: Tensor):
    """Judge the place from the memory before, and write there (eqs. 4-8)."""
    parts = sizes.heads_of(stacks.made)
    a, e, f, gamma = (parts[name].unbind(0) for name in ("a", "e", "f", "gamma"))
    memories, place, change = (
        stack.unbind(0) for stack in (stacks.memory, stacks.place, stacks.change)
    )
    looked = stacks.looks[..., :1].unbind(0)
    gate, scales = stacks.gate.unbind(0), scale.unbind(0)
    sharp, added = torch.empty_like(place[0]), torch.empty_like(memories[0][:, 0])
    add = added.unsqueeze(1)
    rows, pair = len(place), len(memories)

    def step(t: int) -> None:
        now, before, score = t % rows, memories[t % pair], looked[t % pair]
        torch.addcmul(score, score, gamma[now], out=sharp)  # γ times, as made is γ − 1
        torch.softmax(sharp, dim=1, out=place[now])
        torch.mul(f[now], scales[t], out=gate[now])
        torch.mul(a[now], gate[now], out=added)
        torch.addcmul(add, before, e[now], value=-1, out=change[now])
        torch.addcmul(before, place[now], change[now], out=memories[(t + 1) % pair])

    return step


def _read(stacks: Stacks, sizes: Sizes, band: Tensor):
    """Read the memory as it now is, by key and by map (eqs. 2, 9 and 10)."""
    parts = sizes.heads_of(stacks.made)
    make_keys = unit_keys(parts["c"], parts["beta"], stacks.key_scale, stacks.key)
    key, g = stacks.key.transpose(-1, -2).unbind(0), parts["g"].unbind(0)
    memories, flat = stacks.memory.unbind(0), stacks.memory.flatten(2).unbind(0)
    memory_scale, scores = stacks.memory_scale.unbind(0), stacks.scores.unbind(0)
    content, maps = stacks.content.unbind(0), stacks.maps.unbind(0)
    weights, turned = stacks.weights.unbind(0), stacks.weights.transpose(-1, -2).unbind(0)
    reads = stacks.features[..., sizes.units :].unbind(0)
    looks, looked = stacks.looks.flatten(2).unbind(0), stacks.looks[..., 1:].unbind(0)
    squares = torch.empty_like(memories[0])
    found = squares.new_empty(len(squares), sizes.pointers, sizes.width)
    found_flat = found.flatten(1)
    rows, pair = len(scores), len(memories)

    def step(t: int) -> None:
        now, new = t % rows, (t + 1) % pair
        memory = memories[new]
        make_keys(t)
        inverse_length(memory, -1, squares, memory_scale[now])
        torch.bmm(memory, key[now], out=scores[now])
        scores[now].mul_(memory_scale[now])
        torch.softmax(scores[now], dim=1, out=content[now])
        torch.mm(flat[new], band, out=looks[new])
        torch.softmax(looked[new], dim=1, out=maps[now])
        torch.lerp(maps[now], content[now], g[now], out=weights[now])
        torch.bmm(turned[now], memory, out=found)
        reads[t + 1].copy_(found_flat)

    return step


class _Backward:
    """The chain rule through ``_forward``, last step first."""

    def __init__(self, sizes: Sizes, stacks: Stacks, scale: Tensor, machine: Machine) -> None:
        self.sizes, self.stacks, self.scale, self.machine = sizes, stacks, scale, machine
        self.made, self.d_made = sizes.heads_of(stacks.made), torch.empty_like(stacks.made)
        self.wanted = sizes.heads_of(self.d_made)
        self.d_gates = torch.empty_like(stacks.gates)
        self.d_gate = torch.empty_like(stacks.gate)
        self.d_looks = torch.zeros_like(stacks.looks)
        self.d_memory = torch.zeros_like(stacks.memory[0])
        self.d_cell = torch.zeros_like(stacks.cell[0])

    def run(self, features, memories, cells) -> tuple[Tensor, ...]:
        """Return the start's gradients, from those of ``scan``'s results (or None)."""
        stacks, units = self.stacks, self.sizes.units
        flowing = torch.zeros_like(stacks.features[0])  # into h_t and r_t, from later steps
        d_hidden, d_reads = flowing[:, :units], flowing[:, units:]
        d_reads = d_reads.unflatten(-1, (-1, self.sizes.width))
        control = lstm_backward(
            stacks.gates, stacks.cell, stacks.tanh_cell, self.d_gates, self.d_cell
        )
        read, write, slopes = self._read(), self._write(), self._slopes().unbind(0)
        d_made, d_gates = self.d_made.unbind(0), self.d_gates.unbind(0)
        of_last = self.machine.controller[:, : flowing.shape[1]]
        given = (flowing, features), (self.d_memory, memories), (self.d_cell, cells)
        for t in reversed(range(len(d_gates))):
            for carried, grad in given:
                if grad is not None:
                    carried.add_(grad[t])
            read(t, d_reads)
            write(t)
            d_made[t].mul_(slopes[t])
            d_hidden.addmm_(d_made[t], self.machine.head_weight)
            control(t, d_hidden)
            torch.mm(d_gates[t], of_last, out=flowing)
        self.d_memory.flatten(1).addmm_(self.d_looks[0].flatten(1), self.machine.band.t())
        return self.d_memory, d_hidden, self.d_cell, d_reads

    def _slopes(self) -> Tensor:
        """Return the slope of each head parameter's squashing."""
        plain, tanh, sigmoid, softplus = self.stacks.made.split(self.sizes.sections(), dim=-1)
        slopes = [torch.ones_like(plain), 1 - tanh * tanh, sigmoid * (1 - sigmoid)]
        return torch.cat([*slopes, 1 - torch.exp(-softplus)], dim=-1)

    def _read(self):
        """Through the reads and both weightings, to g, the read maps and the memory."""
        stacks = self.stacks
        memories, weights = stacks.memory[1:].unbind(0), stacks.weights.unbind(0)
        content, maps = stacks.content.unbind(0), stacks.maps.unbind(0)
        turn = (stacks.content - stacks.maps).unbind(0)  # the slope in g
        g, d_g = self.made["g"].unbind(0), self.wanted["g"].unbind(0)
        d_maps, d_looks = self.d_looks[1:, ..., 1:].unbind(0), self.d_looks[1:].flatten(2).unbind(0)
        d_memory, d_flat = self.d_memory, self.d_memory.flatten(1)
        band, shared = self.machine.band.t(), self.sizes.keys == 1
        d_content = torch.empty_like(maps[0])
        look = self._content()

        def step(t: int, d_reads: Tensor) -> None:
            d_weights = torch.bmm(memories[t], d_reads.transpose(1, 2))
            d_memory.baddbmm_(weights[t], d_reads)
            torch.sum(d_weights * turn[t], 1, keepdim=True, out=d_g[t])
            torch.mul(d_weights, g[t], out=d_content)
            d_maps[t].copy_(softmax_slope(d_weights.sub_(d_content), maps[t], 1))
            d_flat.addmm_(d_looks[t], band)  # the next step's write has looked, too
            mine = d_content.sum(-1, keepdim=True) if shared else d_content
            look(t, softmax_slope(mine, content[t], 1))

        return step

    def _content(self):
        """Through the cosines, to c, β and the memory."""
        stacks, made, wanted = self.stacks, self.made, self.wanted
        memories, scores = stacks.memory[1:].unbind(0), stacks.scores.unbind(0)
        key, memory_scale = stacks.key.unbind(0), stacks.memory_scale.unbind(0)
        memory_bend = stacks.memory_scale.square().neg().unbind(0)
        d_memory, shared = self.d_memory, self.sizes.keys == 1
        through_keys = unit_keys_backward(
            made["c"], made["beta"], stacks.key_scale, wanted["c"], wanted["beta"]
        )

        def step(t: int, d_scores: Tensor) -> None:
            bend = torch.sum(d_scores * scores[t], -1, keepdim=True).mul_(memory_bend[t])
            d_memory.addcmul_(memories[t], bend)
            d_scores.mul_(memory_scale[t])
            if shared:  # a product of batches of so small matrices would be slow
                d_memory.addcmul_(d_scores, key[t])
                through_keys(t, (d_scores * memories[t]).sum(1, keepdim=True))
            else:
                d_memory.baddbmm_(d_scores, key[t])
                through_keys(t, torch.bmm(d_scores.transpose(1, 2), memories[t]))

        return step

    def _write(self):
        """Through the add, the erase and the place, to e, a, f, γ and the memory before."""
        stacks, made, wanted = self.stacks, self.made, self.wanted
        e, a, gamma = (made[name].unbind(0) for name in ("e", "a", "gamma"))
        d_e, d_a, d_f, d_gamma = (wanted[name].unbind(0) for name in ("e", "a", "f", "gamma"))
        before, change = stacks.memory.unbind(0), stacks.change.unbind(0)
        place, score = stacks.place.unbind(0), stacks.looks[..., :1].unbind(0)
        d_score = self.d_looks[..., :1].unbind(0)
        gate, d_gate, scale = (part.unbind(0) for part in (stacks.gate, self.d_gate, self.scale))
        d_memory = self.d_memory
        product, d_change = torch.empty_like(d_memory), torch.empty_like(d_memory)

        def step(t: int) -> None:
            torch.mul(d_memory, change[t], out=product)
            d_sharp = softmax_slope(product.sum(-1, keepdim=True), place[t], 1)
            torch.mul(d_memory, place[t], out=d_change)
            d_add = d_change.sum(1)
            torch.sum(d_add * a[t], -1, keepdim=True, out=d_gate[t])
            torch.mul(d_gate[t], scale[t], out=d_f[t])
            torch.mul(d_add, gate[t], out=d_a[t])
            torch.mul(d_change, before[t], out=product)
            torch.sum(product, 1, keepdim=True, out=d_e[t]).neg_()
            d_memory.addcmul_(d_change, e[t], value=-1)
            torch.sum(d_sharp * score[t], 1, keepdim=True, out=d_gamma[t])
            torch.addcmul(d_sharp, d_sharp, gamma[t], out=d_score[t])

        return step

    def of_parameters(self) -> tuple[Tensor, ...]:
        """Return the gradients of the scale and the parameters, each one product over all steps."""
        stacks = self.stacks
        d_gates, d_made = self.d_gates.flatten(0, 1), self.d_made.flatten(0, 1)
        after = stacks.features[1:, :, : self.sizes.units].flatten(0, 1)
        memories = stacks.memory.flatten(2).flatten(0, 1)  # ((T + 1)·B, S·W)
        return (
            self.d_gate * self.made["f"],
            d_gates.t() @ stacks.seen[:-1].flatten(0, 1),
            d_made.t() @ after,
            d_made.sum(0),
            memories.t() @ self.d_looks.flatten(2).flatten(0, 1),
        )
