"""RNN, LSTM and GRU as models with a linear readout, all called alike.

Run without a trace they use torch's fused layers; with ``trace=True`` they take the written-out
steps of ``lessons_lib.cells`` with the same weights, which is tested equal.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from lessons_lib import cells
from lessons_lib.sequences import check_call, check_state, last_step, read_out, without_padding
from lessons_lib.trace import Trace


class RNNState(NamedTuple):
    """The state of RNN and GRU: ``hidden`` h, (B, C)."""

    hidden: Tensor


class LSTMState(NamedTuple):
    """The state of LSTM: ``hidden`` h and ``cell`` c, each (B, C)."""

    hidden: Tensor
    cell: Tensor


class _Recurrent(nn.Module):
    """A torch layer and a readout: o_t = W_o h_t + b_o."""

    layer_class: type[nn.RNNBase]
    state_class: type[tuple]
    step = None

    def __init__(self, input_size: int, output_size: int, *, hidden_size: int = 100) -> None:
        super().__init__()
        self.input_size, self.output_size = input_size, output_size
        self.hidden_size = hidden_size
        self.layer = self.layer_class(input_size, hidden_size)
        self.readout = nn.Linear(hidden_size, output_size)

    def initial_state(self, batch: int) -> tuple[Tensor, ...]:
        """Return zeros, (B, C) each."""
        zeros = self.readout.weight.new_zeros(batch, self.hidden_size)
        return self.state_class(*[zeros] * len(self.state_class._fields))

    def forward(
        self,
        inputs: Tensor,
        state: tuple[Tensor, ...] | None = None,
        *,
        lengths: Tensor | None = None,
        at: Tensor | None = None,
        trace: bool = False,
    ):
        """Run over a sequence.

        Args:
            inputs: (T, B, input_size).
            state: where to start; None is zeros.
            lengths: (B,) valid steps; padding changes no output, and outputs there are zero.
            at: (B,) the step whose output is wanted; None is all of them.
            trace: record every intermediate, computed by the written-out steps.

        Returns:
            outputs (T, B, output_size), or (B, output_size) with ``at``; the state after each
            sequence's last valid step; and the Trace where asked.

        Raises:
            ValueError: a shape, dtype, device or length does not fit.
        """
        check_call(inputs, self.input_size, self.readout.weight, lengths, at)
        inputs = without_padding(inputs, lengths)
        start = self.initial_state(inputs.shape[1])
        if state is None:
            state = start
        else:
            check_state(state, start)
        records = None
        if trace:
            records = cells.unroll(
                type(self).step, inputs, state, cells.weights_of(self.layer, "_l0")
            )
            hidden, last = _from_records(records, lengths, len(state))
        else:
            hidden, last = run_layer(self.layer, inputs, state, lengths)
        last = self.state_class(*last)
        outputs = read_out(self.readout, hidden, lengths, at)
        if not trace:
            return outputs, last
        fields = {
            name: torch.stack([getattr(record, name) for record in records]).detach()
            for name in records[0]._fields
        }
        told = self.readout(hidden).detach()
        return outputs, last, Trace(inputs=inputs.detach(), outputs=told, **fields)


class RNN(_Recurrent):
    """An Elman network: ``cells.elman_step`` over time, and a linear readout."""

    layer_class, state_class, step = nn.RNN, RNNState, staticmethod(cells.elman_step)


class LSTM(_Recurrent):
    """A long short-term memory: ``cells.lstm_step`` over time, and a linear readout."""

    layer_class, state_class, step = nn.LSTM, LSTMState, staticmethod(cells.lstm_step)


class GRU(_Recurrent):
    """A gated recurrent unit: ``cells.gru_step`` over time, and a linear readout."""

    layer_class, state_class, step = nn.GRU, RNNState, staticmethod(cells.gru_step)


def run_layer(
    layer: nn.RNNBase, inputs: Tensor, state: tuple[Tensor, ...], lengths: Tensor | None
) -> tuple[Tensor, tuple[Tensor, ...]]:
    """Run a torch layer in one fused call.

    Args:
        layer: one-layer nn.RNN, nn.LSTM or nn.GRU.
        inputs: (T, B, I), zeros in the padding.
        state: (B, C) each.
        lengths: (B,) or None.

    Returns:
        The hidden states (T, B, C) and the state after each sequence's last valid step.
    """
    start = tuple(part.unsqueeze(0) for part in state)
    start = start if len(start) > 1 else start[0]
    if lengths is None:
        hidden, last = layer(inputs, start)
    else:
        packed = pack_padded_sequence(inputs, lengths.cpu(), enforce_sorted=False)
        hidden, last = layer(packed, start)
        hidden, _ = pad_packed_sequence(hidden, total_length=inputs.shape[0])
    last = last if isinstance(last, tuple) else (last,)
    return hidden, tuple(part.squeeze(0) for part in last)


def _from_records(records: list, lengths: Tensor | None, parts: int):
    """Return the hidden states (T, B, C), and each state part after its last valid step."""
    stacked = [torch.stack([record[part] for record in records]) for part in range(parts)]
    return without_padding(stacked[0], lengths), [last_step(part, lengths) for part in stacked]
