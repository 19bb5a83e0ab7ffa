"""The Neural Turing Machine, composed of the functions of ``addressing`` and ``memory``.

Graves, Wayne & Danihelka 2014, arXiv 1410.5401. Choices that the paper leaves open are named where
they are made.
Shapes: T time, B batch, H heads (read heads first, then write heads), S slots, W width, C units.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from lessons_lib import cells, memory, ntm_fast
from lessons_lib.addressing import circular_shift, content_weights, interpolate, sharpen
from lessons_lib.sequences import (
    check_call,
    check_state,
    derivatives_by_hand,
    keep_valid,
    last_step,
    read_out,
    valid_steps,
    without_padding,
)
from lessons_lib.trace import HeadTrace, Trace

CONSTANT_START = 1e-6  # Collier & Beel 2018: a small constant learns fastest
RANDOM_SCALE = 0.5  # Collier & Beel 2018: truncated normal of this standard deviation
CLIP = 20.0  # Collier & Beel 2018: controller outputs are clipped to ±20


class NTMState(NamedTuple):
    """What an NTM carries from step to step.

    ``memory`` M, (B, S, W); ``weights`` w, (B, H, S), read heads first; ``reads`` r, (B, R, W);
    ``controller``: (h, c) of the LSTM, each (B, C), or () of a feed-forward controller.
    """

    memory: Tensor
    weights: Tensor
    reads: Tensor
    controller: tuple[Tensor, ...]


class NTM(nn.Module):
    """A controller with heads on a memory (NTM §3).

    Each step: the controller sees the input and the last reads; all heads are addressed on the
    memory as the last step left it; the write heads erase and add; the read heads read what is
    there after the write; the output sees the controller and the reads.

    Args:
        input_size: numbers in an input.
        output_size: numbers in an output (logits; no squashing here).
        slots: S.
        width: W.
        controller: "lstm", or "feedforward" with one tanh layer and no memory of its own.
        hidden_size: C, units of the controller.
        read_heads: R.
        write_heads: how many heads write.
        memory_init: "constant" 1e-6; "learned", a parameter (S, W); "random", drawn once per
            model and kept in a saved buffer.
        initial_weights: "first", every head starts at the first slot; "learned", softmax of a
            parameter (H, S).
        head_gain: factor on the heads' initial weights (open in the paper). With 1, PyTorch's
            start, a key depends on its bias as much as on what the controller sees; near 2.6, the
            Glorot start with gain 1.4 at the usual sizes, keys differ from step to step at once.
        strength_bias: added to the bias of every head's raw β at the start (open in the paper).
            At 0, β starts near 0.69, and a slot that fits the key among 40 that do not has a
            content weight e^β / (e^β + 39) of 0.05; at 4, of 0.58: lookup can be found.
        shift_bias: added to the bias of every head's raw s for a step forward at the start (open
            in the paper), one number for all heads or one a head, read heads first. At 0 a head
            starts by spreading to both sides; at 3, of raw shifts near 0, 0.91 of it moves on, so
            that what follows one another is written side by side.
        stay_bias: the same for staying.
        gate_bias: added to the bias of raw g at the start (open in the paper), given likewise.
            At 0, g starts near 0.5, and each step mixes what the head looks for with where it
            stood; at 3, g is near 0.95, and it looks anew at every step; at −3 with ``stay_bias``
            it keeps its slot: a register on the tape, as an LSTM keeps its cell with a forget
            gate that starts near 1.
        match_keys: every head's key starts as a copy of what the write head of its number adds
            (open in the paper): what is written upon an input is what the same input looks for.
        read_gain: factor on the initial weights with which the output sees the reads (open in the
            paper). With 1, a controller with a state may learn to answer from it alone, and never
            use the tape: on repeat copy, two LSTM controllers of five did.
        clip: the controller's raw outputs to the heads are cut to ±clip (Collier & Beel 2018: 20);
            ``math.inf`` leaves them.
        fast: compute sequences with the hand-written backward pass of ``ntm_fast`` where it
            applies: float32 and float64, without trace, ``write_scale`` and ``torch.func``; first
            derivatives alone. The numbers are those of the plain path, up to rounding.

    Under ``torch.autocast`` the machine keeps the precision of its parameters, up to the readout.

    Raises:
        ValueError: a size below 1, an unknown choice, or biases that are not one a head.
    """

    def __init__(
        self,
        input_size: int,
        output_size: int,
        *,
        slots: int = 128,
        width: int = 20,
        controller: str = "lstm",
        hidden_size: int = 100,
        read_heads: int = 1,
        write_heads: int = 1,
        memory_init: str = "constant",
        initial_weights: str = "first",
        head_gain: float = 1.0,
        strength_bias: float = 0.0,
        shift_bias: float | Sequence[float] = 0.0,
        stay_bias: float | Sequence[float] = 0.0,
        gate_bias: float | Sequence[float] = 0.0,
        match_keys: bool = False,
        read_gain: float = 1.0,
        clip: float = CLIP,
        fast: bool = True,
    ) -> None:
        super().__init__()
        _expect_choice("controller", controller, ("lstm", "feedforward"))
        _expect_choice("memory_init", memory_init, ("constant", "learned", "random"))
        _expect_choice("initial_weights", initial_weights, ("first", "learned"))
        sizes = (input_size, output_size, slots, width, hidden_size, read_heads, write_heads)
        if min(sizes) < 1:
            raise ValueError(f"expected every size to be at least 1, got {sizes}")
        self.input_size, self.output_size = input_size, output_size
        self.slots, self.width = slots, width
        self.read_heads, self.write_heads = read_heads, write_heads
        self.memory_init, self.initial_weights = memory_init, initial_weights
        if not clip > 0:
            raise ValueError(f"expected clip above 0, got {clip}")
        self.clip, self.fast = clip, fast
        seen = input_size + read_heads * width
        if controller == "lstm":
            self.controller = nn.LSTMCell(seen, hidden_size)
        else:
            self.controller = nn.Linear(seen, hidden_size)
        self.head_sizes = self._head_sizes()
        self.heads = nn.Linear(hidden_size, sum(self.head_sizes))
        self._start_heads(head_gain, match_keys)
        self._start_biases(
            strength_bias, shift_bias=shift_bias, stay_bias=stay_bias, gate_bias=gate_bias
        )
        self.readout = nn.Linear(hidden_size + read_heads * width, output_size)
        with torch.no_grad():
            self.readout.weight[:, hidden_size:].mul_(read_gain)
        self.first_read = nn.Parameter(torch.zeros(read_heads, width))
        self._make_starts()

    def _head_sizes(self) -> list[int]:
        heads = self.read_heads + self.write_heads
        of_all = [heads * size for size in (self.width, 1, 1, 3, 1)]  # k, β, g, s, γ
        return of_all + [self.write_heads * self.width] * 2  # e, a

    @torch.no_grad()
    def _start_heads(self, gain: float, match_keys: bool) -> None:
        self.heads.weight.mul_(gain)
        if match_keys:
            numbers = [*range(self.read_heads), *range(self.write_heads)]
            for layer in (self.heads.weight, self.heads.bias):
                key, *_, add = layer.split(self.head_sizes)
                added = add.unflatten(0, (self.write_heads, self.width))
                key.copy_(torch.cat([added[h % self.write_heads] for h in numbers]))

    @torch.no_grad()
    def _start_biases(self, strength: float, **of_heads: float | Sequence[float]) -> None:
        _, beta, g, s, *_ = self.heads.bias.split(self.head_sizes)
        beta.add_(strength)
        # of a head's three shifts, back, stay and forward
        parts = {"shift_bias": s[2::3], "stay_bias": s[1::3], "gate_bias": g}
        for name, value in of_heads.items():
            biases = torch.as_tensor(value, dtype=g.dtype)
            if biases.shape not in ((), g.shape):
                raise ValueError(f"expected one {name}, or {len(g)}, one a head; got {value}")
            parts[name].add_(biases)

    def _make_starts(self) -> None:
        if self.memory_init == "constant":
            start = torch.full((1, self.width), CONSTANT_START)
            self.register_buffer("memory_start", start)
        else:
            start = torch.empty(self.slots, self.width)
            nn.init.trunc_normal_(start, std=RANDOM_SCALE, a=-2 * RANDOM_SCALE, b=2 * RANDOM_SCALE)
            if self.memory_init == "random":
                self.register_buffer("memory_start", start)
            else:
                self.memory_start = nn.Parameter(start)
        if self.initial_weights == "learned":
            heads = self.read_heads + self.write_heads
            self.weights_start = nn.Parameter(torch.zeros(heads, self.slots))

    def with_slots(self, slots: int) -> NTM:
        """Return the same machine, weights copied, on a tape of another length.

        A learned or random start keeps its first rows; a longer tape repeats them from the top.
        Learned initial weights are cut, or continued with their smallest logit.

        Raises:
            ValueError: slots below 1.
        """
        if slots < 1:
            raise ValueError(f"expected at least 1 slot, got {slots}")
        other = copy.deepcopy(self)
        other.slots = slots
        rows = torch.arange(slots, device=self.memory_start.device)
        if self.memory_init != "constant":
            other.memory_start.data = self.memory_start.data[rows % self.slots].clone()
        if self.initial_weights == "learned":
            kept = self.weights_start.data[:, :slots]
            more = kept.amin(-1, keepdim=True).expand(-1, slots - kept.shape[1])
            other.weights_start.data = torch.cat([kept, more], dim=-1)
        return other

    def initial_state(self, batch: int) -> NTMState:
        """Return the start: the memory's, each head's, the learned first read, a zero LSTM."""
        like = self.heads.weight
        heads = self.read_heads + self.write_heads
        start = self.memory_start.expand(self.slots, -1).expand(batch, -1, -1)
        if self.initial_weights == "learned":
            weights = self.weights_start.softmax(-1)
        else:
            weights = F.one_hot(torch.zeros(heads, dtype=torch.long), self.slots).to(like)
        controller = ()
        if isinstance(self.controller, nn.LSTMCell):
            controller = (like.new_zeros(batch, self.controller.hidden_size),) * 2
        reads = self.first_read.expand(batch, -1, -1)
        return NTMState(start, weights.expand(batch, -1, -1), reads, controller)

    def forward(
        self,
        inputs: Tensor,
        state: NTMState | None = None,
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
            at: (B,) the step whose output is wanted; None is all of them.
            trace: record every intermediate.
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
        records: list[Trace] = []
        with torch.autocast(inputs.device.type, enabled=False):  # weightings need full precision
            if self.fast and not trace and write_scale is None and derivatives_by_hand(inputs):
                features, state = self._run_fast(inputs, state, lengths)
            else:
                features, records, state = self._run_steps(
                    inputs, state, lengths, trace, write_scale
                )
        outputs = read_out(self.readout, features, lengths, at)
        if not trace:
            return outputs, state
        full = Trace.stack(records)
        return outputs, state, full.with_outputs(self.readout(features))

    def _run_steps(self, inputs, state, lengths, trace, write_scale):
        """Run the plain definition, one step after the other."""
        valid = None
        if lengths is not None:
            valid = valid_steps(lengths.to(inputs.device), inputs.shape[0])
        features, records = [], []
        for t, x in enumerate(inputs):
            scale = None if write_scale is None else write_scale[t].unsqueeze(-1)
            new, hidden, record = self._step(x, state, scale, trace)
            features.append(torch.cat([hidden, new.reads.flatten(1)], dim=-1))
            records.append(record)
            state = new if valid is None else _keep_valid_state(new, state, valid[t])
        return torch.stack(features), records, state

    def _run_fast(self, inputs: Tensor, state: NTMState, lengths: Tensor | None):
        """Run ``ntm_fast.scan``: the same numbers with less work."""
        lstm = isinstance(self.controller, nn.LSTMCell)
        sizes = ntm_fast.Sizes(
            self.read_heads, self.write_heads, self.width, self.heads.in_features, self.clip, lstm
        )
        if lstm:
            seen, recurrent = self.controller.weight_ih, self.controller.weight_hh
            bias = self.controller.bias_ih + self.controller.bias_hh
        else:
            seen, bias = self.controller.weight, self.controller.bias
            recurrent = seen[:, :0]
        of_input, of_reads = seen.split([self.input_size, self.read_heads * self.width], dim=1)
        order = ntm_fast.packed_order(sizes).to(inputs.device)
        features, memories, weights, cells_ = ntm_fast.scan(
            sizes,
            F.linear(inputs, of_input, bias),
            torch.cat([recurrent, of_reads], dim=1),
            self.heads.weight[order],
            self.heads.bias[order],
            (*state[:3], *state.controller),
            every_state=lengths is not None,
        )
        ends = (features, memories, weights, cells_)
        last, memory_, weights, cell = (last_step(stack, lengths) for stack in ends)
        hidden, reads = last.split([self.heads.in_features, self.read_heads * self.width], dim=-1)
        controller = (hidden, cell) if lstm else ()
        reads = reads.unflatten(-1, (-1, self.width))
        return features, NTMState(memory_, weights, reads, controller)

    def _step(self, x: Tensor, state: NTMState, scale: Tensor | None, trace: bool):
        """Make one step; returns the new state, the controller's output and a record."""
        seen = torch.cat([x, state.reads.flatten(1)], dim=-1)
        hidden, controller, gates = self._control(seen, state.controller)
        key, strength, gate, shift, sharpening, erase_vector, add_vector = self._head_parameters(
            hidden
        )
        content = content_weights(state.memory, key, strength)
        interpolated = interpolate(content, state.weights, gate)
        shifted = circular_shift(interpolated, shift)
        weights = sharpen(shifted, sharpening)
        read_weights, write_weights = self._split(weights)
        erased = memory.erase(state.memory, write_weights, erase_vector)
        add_gate = None if scale is None else scale.expand(-1, self.write_heads)
        after = memory.add(erased, write_weights, add_vector, add_gate)
        reads = memory.read(after, read_weights)
        new = NTMState(after, weights, reads, controller)
        if not trace:
            return new, hidden, None
        stages = {
            "key": key,
            "key_strength": strength,
            "gate": gate,
            "shift": shift,
            "sharpening": sharpening,
            "previous": state.weights,
            "content": content,
            "interpolated": interpolated,
            "shifted": shifted,
            "weights": weights,
        }
        halves = {name: self._split(value) for name, value in stages.items()}
        record = Trace(
            inputs=x,
            hidden=hidden,
            read=HeadTrace(**{name: half[0] for name, half in halves.items()}),
            write=HeadTrace(**{name: half[1] for name, half in halves.items()}),
            erase_vector=erase_vector,
            add_vector=add_vector,
            memory_before=state.memory,
            memory_after=after,
            reads=reads,
            **gates,
        )
        return new, hidden, record

    def _control(self, seen: Tensor, state: tuple[Tensor, ...]):
        """Return the controller's output (B, C), its new state, and its gates for the trace."""
        if not state:
            return self.controller(seen).tanh(), (), {}
        made = cells.lstm_step(seen, *state, cells.weights_of(self.controller))
        gates = {name: value for name, value in made._asdict().items() if name != "hidden"}
        return made.hidden, (made.hidden, made.cell), gates

    def _head_parameters(self, hidden: Tensor) -> list[Tensor]:
        """Turn the controller's output into head parameters, each in its range.

        k and a are squashed by tanh (open in the paper), β = softplus > 0, g and e by the
        sigmoid, s by softmax, γ = 1 + softplus.
        """
        raw = self.heads(hidden).clamp(-self.clip, self.clip)
        k, beta, g, s, gamma, e, a = raw.split(self.head_sizes, dim=-1)
        batch = hidden.shape[0]
        return [
            k.reshape(batch, -1, self.width).tanh(),
            F.softplus(beta),
            g.sigmoid(),
            s.reshape(batch, -1, 3).softmax(-1),
            1 + F.softplus(gamma),
            e.reshape(batch, -1, self.width).sigmoid(),
            a.reshape(batch, -1, self.width).tanh(),
        ]

    def _split(self, of_heads: Tensor) -> tuple[Tensor, ...]:
        """Split (B, H, ...) into the read heads' part and the write heads'."""
        return of_heads.split([self.read_heads, self.write_heads], dim=1)


def _keep_valid_state(new: NTMState, old: NTMState, valid: Tensor) -> NTMState:
    parts = [keep_valid(a, b, valid) for a, b in zip(new[:3], old[:3], strict=True)]
    pairs = zip(new.controller, old.controller, strict=True)
    return NTMState(*parts, tuple(keep_valid(a, b, valid) for a, b in pairs))


def _expect_choice(name: str, choice: str, choices: tuple[str, ...]) -> None:
    if choice not in choices:
        raise ValueError(f"expected {name} to be one of {', '.join(choices)}, got {choice!r}")
