"""The trace: a frozen record of every intermediate of every step of a real run.

Ask any model for one with ``trace=True``. Steppers, figures, checks and tests all read this record,
so what a learner steps through is what the model computed. A field that a model does not have
(an Elman RNN has no memory) is None.

Shapes: T time, B batch, C controller units, H heads, S slots, W width, R reads. Tensors are
detached from the graph. ``trace.at(t)`` is one step: the same record without the T axis.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields, replace

import torch
from torch import Tensor

WEIGHTINGS = ("content", "interpolated", "shifted", "global_map", "weights")


class _Record:
    """What Trace and HeadTrace share: mapping over tensors, stacking steps, naming fields."""

    def named_tensors(self, prefix: str = "") -> Iterator[tuple[str, Tensor]]:
        """Yield every recorded tensor with its dotted name, e.g. ``write.content``."""
        for item in fields(self):
            value = getattr(self, item.name)
            if isinstance(value, _Record):
                yield from value.named_tensors(f"{prefix}{item.name}.")
            elif value is not None:
                yield prefix + item.name, value

    def map(self, change: Callable[[Tensor], Tensor]):
        """Return the record with ``change`` applied to every tensor."""
        return replace(
            self,
            **{
                item.name: value.map(change) if isinstance(value, _Record) else change(value)
                for item in fields(self)
                if (value := getattr(self, item.name)) is not None
            },
        )

    @classmethod
    def stack(cls, steps: list):
        """Stack records of single steps along a new first axis, time; the graph is cut."""
        joined = {}
        for item in fields(cls):
            values = [getattr(step, item.name) for step in steps]
            if isinstance(values[0], _Record):
                joined[item.name] = type(values[0]).stack(values)
            elif values[0] is not None:
                joined[item.name] = torch.stack([value.detach() for value in values])
        return cls(**joined)


@dataclass(frozen=True)
class HeadTrace(_Record):
    """Each addressing stage of the read heads, or of the write heads, in order.

    Attributes:
        key: k, (T, B, H, W): what the head looks for (NTM eq. 5; L-NTM eq. 9). Where L-NTM's
            pointers share one key, H is 1 here and in ``key_strength``.
        key_strength: β, (T, B, H): how sharply it looks (NTM eq. 5; L-NTM eq. 9).
        gate: g, (T, B, H): content against previous (NTM eq. 7) or global map (L-NTM eq. 10).
        shift: s, (T, B, H, 3): step back, stay, step forward (NTM eq. 8).
        sharpening: γ, (T, B, H): NTM eq. 9; L-NTM eq. 8.
        previous: w_{t−1}, (T, B, H, S): where the head was (NTM eq. 7).
        content: w^c, (T, B, H, S): where the key points (NTM eq. 5; L-NTM eq. 9).
        interpolated: w^g, (T, B, H, S): after the gate (NTM eq. 7; L-NTM eq. 10).
        shifted: w̃, (T, B, H, S): after the shift (NTM eq. 8).
        scores: w^l before the softmax, (T, B, H, S): the convolution's output (L-NTM eq. 6).
        global_map: w^l, (T, B, H, S): softmax of the scores (L-NTM eq. 7).
        weights: w, (T, B, H, S): where the head reads or writes in the end (NTM eq. 9; L-NTM
            eq. 8 for the write pointer, eq. 10 for the read pointers).
    """

    key: Tensor | None = None
    key_strength: Tensor | None = None
    gate: Tensor | None = None
    shift: Tensor | None = None
    sharpening: Tensor | None = None
    previous: Tensor | None = None
    content: Tensor | None = None
    interpolated: Tensor | None = None
    shifted: Tensor | None = None
    scores: Tensor | None = None
    global_map: Tensor | None = None
    weights: Tensor | None = None


@dataclass(frozen=True)
class Trace(_Record):
    """Every intermediate of a run, the same record for all models.

    Attributes:
        inputs: x, (T, B, input_size): what came in.
        hidden: h, (T, B, C): the recurrent state, or the controller's output.
        cell: c, (T, B, C): the LSTM's cell state.
        input_gate: i, (T, B, C): LSTM, how much of the candidate is taken in.
        forget_gate: f, (T, B, C): LSTM, how much of the cell is kept.
        output_gate: o, (T, B, C): LSTM, how much of the cell is shown.
        candidate: c̃ (LSTM) or h̃ (GRU), (T, B, C): the new content proposed.
        reset_gate: r, (T, B, C): GRU, how much of the past enters the candidate.
        update_gate: z, (T, B, C): GRU, how much of the past is kept.
        read: HeadTrace of the read heads (NTM) or read pointers (L-NTM).
        write: HeadTrace of the write heads (NTM) or the write pointer (L-NTM).
        erase_vector: e, (T, B, H, W): NTM eq. 3; L-NTM eq. 4.
        add_vector: a, (T, B, H, W): NTM eq. 4; L-NTM eq. 5.
        add_gate: f, (T, B, H): whether the word is stored at all (L-NTM eq. 5).
        memory_before: M_{t−1}, (T, B, S, W): the memory that the step found.
        memory_after: M_t, (T, B, S, W): the memory after erase and add.
        reads: r, (T, B, R, W): what was read from the memory after the write (NTM eq. 2;
            L-NTM eq. 2).
        outputs: o, (T, B, output_size): what the model said (L-NTM eq. 3).
    """

    inputs: Tensor
    hidden: Tensor
    cell: Tensor | None = None
    input_gate: Tensor | None = None
    forget_gate: Tensor | None = None
    output_gate: Tensor | None = None
    candidate: Tensor | None = None
    reset_gate: Tensor | None = None
    update_gate: Tensor | None = None
    read: HeadTrace | None = None
    write: HeadTrace | None = None
    erase_vector: Tensor | None = None
    add_vector: Tensor | None = None
    add_gate: Tensor | None = None
    memory_before: Tensor | None = None
    memory_after: Tensor | None = None
    reads: Tensor | None = None
    outputs: Tensor | None = None

    def __len__(self) -> int:
        """Return the number of steps T."""
        return self.inputs.shape[0]

    def at(self, step: int) -> Trace:
        """Return one step, without the T axis."""
        return self.map(lambda tensor: tensor[step])

    def sequence(self, index: int) -> Trace:
        """Return one sequence of the batch, with B = 1."""
        return self.map(lambda tensor: tensor[:, index : index + 1])

    def cut(self, steps: int) -> Trace:
        """Return the first ``steps`` steps, e.g. a sequence's valid ones."""
        return self.map(lambda tensor: tensor[:steps])

    def with_outputs(self, outputs: Tensor) -> Trace:
        """Return the record with the outputs, which a model computes for all steps at once."""
        return replace(self, outputs=outputs.detach())

    def not_finite(self) -> dict[str, int]:
        """Return the first step of each record that has a NaN or an infinity there, by name."""
        found = {}
        for name, tensor in self.named_tensors():
            bad = ~torch.isfinite(tensor).flatten(1).all(dim=1)
            if bad.any():
                found[name] = int(bad.nonzero()[0])
        return found

    def problems(self, brief: bool = False) -> list[str]:
        """Name what is wrong with the recorded values, e.g. the first NaN; empty when sound.

        Args:
            brief: of all records that are not finite name only the first, before all else, and
                how many more there are.
        """
        broken, found = self.not_finite(), []
        for name, tensor in self.named_tensors():
            if name in broken:
                if not brief:
                    found.append(f"{name} is not finite from step {broken[name]} on")
            elif name.endswith(WEIGHTINGS):
                off = (tensor.double().sum(-1) - 1).abs().max().item()
                if off > 2e-3:
                    found.append(f"{name} sums to 1 only within {off:.2g}")
        if brief and broken:
            first = min(broken, key=broken.get)
            more = f", and with it {len(broken) - 1} more" if len(broken) > 1 else ""
            found.insert(0, f"{first} is not finite from step {broken[first]} on{more}")
        return found

    def __repr__(self) -> str:
        """Name the recorded fields and their shapes, one line each."""
        lines = [f"  {name}: {tuple(tensor.shape)}" for name, tensor in self.named_tensors()]
        return "Trace(\n" + "\n".join(lines) + "\n)"
