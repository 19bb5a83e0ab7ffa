"""L-NTM: a Turing machine that addresses by looking at its whole memory at once.

Composed of the functions of ``addressing`` and ``memory``. The paper leaves much open; each choice
is named where it is made, as "open:".
Shapes: T time, B batch, S slots (the paper's M), W width (the paper's N), R read pointers, C units.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from lessons_lib import cells, lntm_fast, lntm_fed, memory
from lessons_lib.addressing import content_weights, interpolate, memory_scores, sharpen
from lessons_lib.recurrent import run_layer
from lessons_lib.sequences import (
    check_call,
    check_state,
    derivatives_by_hand,
    keep_valid,
    last_step,
    pick,
    read_out,
    valid_steps,
    without_padding,
)
from lessons_lib.trace import HeadTrace, Trace

CONSTANT_START = 1e-6


class LNTMState(NamedTuple):
    """What an L-NTM carries from step to step.

    ``memory`` S, (B, S, W); ``hidden`` and ``cell`` of the controller, (B, C); ``reads`` (B, R, W)
    where they feed the next step, else None.
    """

    memory: Tensor
    hidden: Tensor
    cell: Tensor
    reads: Tensor | None = None


class LNTM(nn.Module):
    """An LSTM controller with one global write pointer and R global read pointers (L-NTM §3).

    Each step: the write pointer is judged from the memory that the last step left (eqs. 6-8); the
    memory is erased and added to (eqs. 4-5); every read pointer blends what the key finds with a
    map of its own over the new memory (eqs. 9-10).

    Open, and chosen here: the place of writing is judged from S_{t−1}, as the text has it (eq. 6
    prints S_t). Kernels are parameters, so the input steers the place of writing only through γ
    and the past memory. Zero padding; no bias, since the softmax would cancel it. Read maps get a
    softmax, to stay on the simplex (eq. 1), and no sharpening. a = tanh, β = softplus,
    γ = 1 + softplus, e, f and g = sigmoid. The output sees the controller besides the reads.

    Args:
        input_size: numbers in an input.
        output_size: numbers in an output (logits).
        slots: S, the paper's M = 8.
        width: W, the paper's N = 20.
        read_pointers: R, the paper's 8, 16 or 32.
        kernel_size: k, odd. Open: 3, or 7 when "size 3" means three neighbours to each side.
        hidden_size: C.
        feed_reads: whether the reads feed the next controller step. Open. Without, the controller
            is one fused call over the whole sequence and only the memory is a loop.
        memory_init: "gaussian", drawn once per model and kept in a saved buffer (open: fixed,
            learned or drawn anew); "drawn", in training anew for every sequence, and in ``eval()``
            the saved one; "constant" 1e-6, with which the write pointer cannot focus.
        memory_scale: standard deviation of the Gaussian start. Open.
        content_keys: "shared", one key for all pointers, as eq. 9 is indexed; "own", one each.
        normalise: whether heads and output see the controller through a layer normalisation
            (Ba et al. 2016). Open. The controller's own recurrence does without.
        fast: use the hand-written backward passes: of ``lntm_fast`` for the writes where reads are
            not fed back, up to 64 slots; of ``lntm_fed`` for the whole machine where they are, as
            ``lntm_fed.worthwhile`` says, without ``normalise``. For float32 and float64, without
            trace and ``torch.func``; first derivatives alone. The numbers are those of the plain
            path, up to rounding.

    Under ``torch.autocast`` the machine keeps the precision of its parameters.

    Raises:
        ValueError: a size below 1, an even kernel size, or an unknown choice.
    """

    def __init__(
        self,
        input_size: int,
        output_size: int,
        *,
        slots: int = 8,
        width: int = 20,
        read_pointers: int = 8,
        kernel_size: int = 3,
        hidden_size: int = 100,
        feed_reads: bool = False,
        memory_init: str = "gaussian",
        memory_scale: float = 1.0,
        content_keys: str = "shared",
        normalise: bool = False,
        fast: bool = True,
    ) -> None:
        super().__init__()
        sizes = (input_size, output_size, slots, width, read_pointers, kernel_size, hidden_size)
        if min(sizes) < 1 or kernel_size % 2 == 0:
            raise ValueError(f"expected sizes of at least 1 and an odd kernel_size, got {sizes}")
        if memory_init not in ("gaussian", "drawn", "constant"):
            raise ValueError(
                f"expected memory_init gaussian, drawn or constant, got {memory_init!r}"
            )
        if content_keys not in ("shared", "own"):
            raise ValueError(f"expected content_keys shared or own, got {content_keys!r}")
        self.input_size, self.output_size = input_size, output_size
        self.slots, self.width, self.read_pointers = slots, width, read_pointers
        self.feed_reads, self.fast = feed_reads, fast
        self.memory_init, self.memory_scale = memory_init, memory_scale
        fed = read_pointers * width if feed_reads else 0
        self.controller = nn.LSTM(input_size + fed, hidden_size)
        keys = read_pointers if content_keys == "own" else 1
        self.write_sizes = [width, width, 1, 1]  # e, a, f, γ
        self.read_sizes = [keys * width, keys, read_pointers]  # c, β, g
        self.seen = nn.LayerNorm(hidden_size) if normalise else nn.Identity()
        self.writer = nn.Linear(hidden_size, sum(self.write_sizes))
        self.reader = nn.Linear(hidden_size, sum(self.read_sizes))
        bound = (width * kernel_size) ** -0.5
        self.write_kernel = nn.Parameter(torch.empty(1, width, kernel_size).uniform_(-bound, bound))
        self.read_kernels = nn.Parameter(
            torch.empty(read_pointers, width, kernel_size).uniform_(-bound, bound)
        )
        self.readout = nn.Linear(hidden_size + read_pointers * width, output_size)
        if memory_init == "constant":
            start = torch.full((slots, width), CONSTANT_START)
        else:
            start = torch.randn(slots, width) * memory_scale
        self.register_buffer("memory_start", start)

    def initial_state(self, batch: int) -> LNTMState:
        """Return the start: the memory's, a zero controller, zero reads where they feed."""
        zeros = self.readout.weight.new_zeros(batch, self.controller.hidden_size)
        reads = None
        if self.feed_reads:
            reads = zeros.new_zeros(batch, self.read_pointers, self.width)
        start = self.memory_start.expand(batch, -1, -1)
        if self.memory_init == "drawn" and self.training:
            start = torch.randn_like(start) * self.memory_scale
        return LNTMState(start, zeros, zeros, reads)

    def forward(
        self,
        inputs: Tensor,
        state: LNTMState | None = None,
        *,
        lengths: Tensor | None = None,
        at: Tensor | None = None,
        trace: bool = False,
        write_scale: Tensor | None = None,
    ):
        """Run over a sequence.

        Args:
            inputs: (T, B, input_size).
            state: where to start; None is ``initial_state``.
            lengths: (B,) valid steps; padding changes no output, and outputs there are zero.
            at: (B,) the step whose output is wanted; None is all of them. Without fed reads, the
                memory is then read at these steps alone.
            trace: record every intermediate, computed step by step.
            write_scale: (T, B), a factor on what each step adds; for asking what an answer
                owes to each write (``lessons_lib.evidence``).

        Returns:
            outputs (T, B, output_size), or (B, output_size) with ``at``; the state after each
            sequence's last valid step; and the Trace where asked.

        Raises:
            ValueError: a shape, dtype, device or length does not fit.
        """
        check_call(inputs, self.input_size, self.readout.weight, lengths, at, write_scale)
        inputs = without_padding(inputs, lengths)
        start = self.initial_state(inputs.shape[1])
        if state is None:
            state = start
        else:
            check_state(state, start)
        with torch.autocast(inputs.device.type, enabled=False):  # weightings need full precision
            if not self._fast_applies(inputs, trace):
                return self._run_plain(inputs, state, lengths, at, trace, write_scale)
            run = self._run_fed if self.feed_reads else self._run_fused
            return run(inputs, state, lengths, at, write_scale)

    def _run_plain(self, inputs, state, lengths, at, trace, write_scale):
        """Run the definition and bring out what the caller asked for."""
        features, records, state = self._run_steps(inputs, state, lengths, trace, write_scale)
        outputs = read_out(self.readout, features, lengths, at)
        if not trace:
            return outputs, state
        return outputs, state, Trace.stack(records).with_outputs(self.readout(features))

    def _fast_applies(self, inputs: Tensor, trace: bool) -> bool:
        few = self.slots <= lntm_fast.MOST_SLOTS
        if self.feed_reads:
            few = lntm_fed.worthwhile(self.slots, self.read_pointers)
            few = few and isinstance(self.seen, nn.Identity)  # it has no normalisation
        return self.fast and few and not trace and derivatives_by_hand(inputs)

    def _run_fused(self, inputs, state, lengths, at, write_scale):
        """Run the controller in one call, then the memory in a loop, then the reads in one call."""
        start = (state.hidden, state.cell)
        hidden, (last_hidden, last_cell) = run_layer(self.controller, inputs, start, lengths)
        hidden = self.seen(hidden)
        memories = self._write_all(state.memory, hidden, write_scale)  # (T, B, S, W)
        last = last_step(memories, lengths)
        if at is None:
            batch = hidden.shape[:2]
            reads = self._read(memories.flatten(0, 1), hidden.flatten(0, 1))[0].flatten(1)
            features = torch.cat([hidden, reads.unflatten(0, batch)], dim=-1)
            outputs = read_out(self.readout, features, lengths, None)
        else:
            there = pick(hidden, at)
            reads, _ = self._read(pick(memories, at), there)
            outputs = self.readout(torch.cat([there, reads.flatten(1)], dim=-1))
        return outputs, LNTMState(last, last_hidden, last_cell)

    def _write_all(self, start: Tensor, hidden: Tensor, write_scale: Tensor | None) -> Tensor:
        """Write at every step: the same as ``_write`` again and again, with less work a step."""
        e, a, f, gamma = self._write_parameters(hidden)
        f = f if write_scale is None else f * write_scale.unsqueeze(-1)
        return lntm_fast.write_all(
            start, self.write_kernel, e.squeeze(-2), f * a.squeeze(-2), gamma.squeeze(-1)
        )

    def _run_fed(self, inputs, state, lengths, at, write_scale):
        """Run ``lntm_fed.scan``: the numbers of the plain path, where the reads feed back."""
        units, width = self.controller.hidden_size, self.width
        sizes = lntm_fed.Sizes(self.read_pointers, self.read_sizes[1], width, units)
        seen, recurrent, *biases = cells.weights_of(self.controller, "_l0")
        of_input, of_reads = seen.split([self.input_size, self.read_pointers * width], dim=1)
        bias, kernels = torch.add(*biases), torch.cat([self.write_kernel, self.read_kernels])
        machine = lntm_fed.Machine(
            torch.cat([recurrent, of_reads, of_input, bias.unsqueeze(1)], dim=1),
            self._packed_heads("weight"),
            self._packed_heads("bias"),
            lntm_fast.banded(kernels, self.slots),
        )
        scale = inputs.new_ones(inputs.shape[:2]) if write_scale is None else write_scale
        features, memories, cell = lntm_fed.scan(
            sizes, inputs, scale.unsqueeze(-1), machine, state, every_state=lengths is not None
        )
        last = [last_step(part, lengths) for part in (features, memories, cell)]
        hidden, reads = last[0].split([units, self.read_pointers * width], dim=-1)
        after = LNTMState(last[1], hidden, last[2], reads.unflatten(-1, (-1, width)))
        return read_out(self.readout, features, lengths, at), after

    def _packed_heads(self, name: str) -> Tensor:
        """Return the heads' weight or bias, rows in the packed order of ``lntm_fed``."""
        e, a, f, gamma = getattr(self.writer, name).split(self.write_sizes)
        c, beta, g = getattr(self.reader, name).split(self.read_sizes)
        return torch.cat([c, a, e, f, g, beta, gamma])

    def _run_steps(self, inputs, state, lengths, trace, write_scale):
        """Run the plain definition, one step after the other."""
        valid = None
        if lengths is not None:
            valid = valid_steps(lengths.to(inputs.device), inputs.shape[0])
        features, records = [], []
        weights = cells.weights_of(self.controller, "_l0")
        for t, x in enumerate(inputs):
            seen = torch.cat([x, state.reads.flatten(1)], dim=-1) if self.feed_reads else x
            made = cells.lstm_step(seen, state.hidden, state.cell, weights)
            scale = None if write_scale is None else write_scale[t]
            shown = self.seen(made.hidden)
            after, write = self._write(state.memory, shown, scale)
            reads, read_head = self._read(after, shown)
            features.append(torch.cat([shown, reads.flatten(1)], dim=-1))
            if trace:
                records.append(
                    Trace(
                        inputs=x,
                        memory_before=state.memory,
                        memory_after=after,
                        reads=reads,
                        read=read_head,
                        **write,
                        **made._asdict(),
                    )
                )
            fed = reads if self.feed_reads else None
            new = LNTMState(after, made.hidden, made.cell, fed)
            state = new if valid is None else _keep_valid_state(new, state, valid[t])
        return torch.stack(features), records, state

    def _write(self, before: Tensor, hidden: Tensor, scale: Tensor | None):
        """Write once (eqs. 4-8); returns the memory (B, S, W) and the stages for the trace."""
        e, a, f, gamma = self._write_parameters(hidden)
        gate = f if scale is None else f * scale.unsqueeze(-1)
        scores = memory_scores(before, self.write_kernel)
        global_map = torch.softmax(scores, dim=-1)
        weights = sharpen(global_map, gamma)
        after = memory.add(memory.erase(before, weights, e), weights, a, gate)
        head = HeadTrace(sharpening=gamma, scores=scores, global_map=global_map, weights=weights)
        return after, {"write": head, "erase_vector": e, "add_vector": a, "add_gate": f}

    def _read(self, now: Tensor, hidden: Tensor):
        """Read by key and by map (eqs. 2, 9, 10); returns (B, R, W) and the stages."""
        c, beta, g = self.reader(hidden).split(self.read_sizes, dim=-1)
        key = c.unflatten(-1, (-1, self.width))
        strength = F.softplus(beta)
        gate = g.sigmoid()
        content = content_weights(now, key, strength).expand(-1, self.read_pointers, -1)
        scores = memory_scores(now, self.read_kernels)
        global_map = torch.softmax(scores, dim=-1)
        weights = interpolate(content, global_map, gate)
        head = HeadTrace(
            key=key,
            key_strength=strength,
            gate=gate,
            content=content,
            scores=scores,
            global_map=global_map,
            interpolated=weights,
            weights=weights,
        )
        return memory.read(now, weights), head

    def _write_parameters(self, hidden: Tensor):
        """Return e (…, 1, W), a (…, 1, W), f (…, 1) and γ (…, 1), each in its range."""
        e, a, f, gamma = self.writer(hidden).split(self.write_sizes, dim=-1)
        return (
            e.sigmoid().unsqueeze(-2),
            a.tanh().unsqueeze(-2),
            f.sigmoid(),
            1 + F.softplus(gamma),
        )


def _keep_valid_state(new: LNTMState, old: LNTMState, valid: Tensor) -> LNTMState:
    pairs = zip(new, old, strict=True)
    return LNTMState(*[None if a is None else keep_valid(a, b, valid) for a, b in pairs])
