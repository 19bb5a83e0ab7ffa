"""How the gradient of one loss travels back through an unrolled RNN, LSTM or GRU.

One run, one loss at one step, and autograd: what each earlier state, and each step's own use of
the weights, has to do with that loss. Clipping comes after all of it.
Shapes: T time, B batch, C units, O outputs.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from lessons_lib import cells
from lessons_lib.recurrent import GRU, LSTM, RNN
from lessons_lib.sequences import check_call
from lessons_lib.trace import Trace
from lessons_lib.words import WordModel

RECURRENT = (RNN, LSTM, GRU)


@dataclass(frozen=True)
class GradientFlow:
    """One run, and the gradient of a loss L at one of its steps.

    Attributes:
        trace: the run, with B = 1.
        loss_at: the step k whose output has the loss.
        loss: L, a number.
        hidden: ∂L/∂h_t, (T, C): along every path from h_t to the loss; 0 after step k.
        cell: ∂L/∂c_t, (T, C), the same for the belt; None but for an LSTM.
        by_step: (T,) the norm of what the use of W, U and b at step t alone adds to the gradient.
        total: ‖g‖, the norm of the gradient of all parameters together.
    """

    trace: Trace
    loss_at: int
    loss: float
    hidden: Tensor
    cell: Tensor | None
    by_step: Tensor
    total: float

    def problems(self) -> list[str]:
        """Name what is not finite first in the run, and in the gradient; empty when sound."""
        found = self.trace.problems(brief=True)
        for name in ("hidden", "cell"):
            gradient = getattr(self, name)
            if gradient is None:
                continue
            bad = (~torch.isfinite(gradient).all(dim=1)).nonzero()
            if len(bad):
                found.append(f"the gradient of {name} is not finite from step {int(bad[-1])} back")
        return found


def norms(vectors: Tensor) -> Tensor:
    """Return the norm of each row of (T, n), in double precision: squares of 1e-30 are kept."""
    return vectors.double().norm(dim=-1)


def clip_factor(norm: float, max_norm: float) -> float:
    """Return what a gradient is multiplied by, so that its norm is at most v (survey eq. 44).

    min(1, v / ‖g‖)
    """
    return max_norm / norm if norm > max_norm else 1.0


def gradient_flow(
    model: nn.Module,
    inputs: Tensor,
    loss_at: int | None = None,
    *,
    target: int | Tensor | None = None,
    sequence: int = 0,
) -> GradientFlow:
    """Run a model over one sequence and send the gradient of one loss back through it.

    ∂L/∂h_t and ∂L/∂c_t for every t ≤ k, by autograd over the written-out steps of
    ``lessons_lib.cells``. The model itself is left as it is.

    Args:
        model: RNN, LSTM or GRU, or one of them under a WordModel.
        inputs: (T, B, input_size), or word numbers (T, B) for a WordModel.
        loss_at: k, from 0; None is the last step.
        target: what should have come out: the number of a class (cross-entropy), or (O,) bits
            (cross-entropy of each). None calls the answer right that the model holds least
            likely, so that the loss has something to say.
        sequence: which of the batch.

    Raises:
        ValueError: another kind of model, no steps, a step, class or sequence that is not there.
    """
    return UnrolledRun(model, inputs, target=target, sequence=sequence).flow(loss_at)


class UnrolledRun:
    """One run over one sequence, kept with its steps written out: ask for the loss of any step.

    Arguments, and what they raise, are those of ``gradient_flow``.
    """

    def __init__(
        self,
        model: nn.Module,
        inputs: Tensor,
        *,
        target: int | Tensor | None = None,
        sequence: int = 0,
    ) -> None:
        """Run a copy of the model."""
        core_of(model)
        self.steps, self.target = check_inputs(inputs, sequence), target
        with torch.enable_grad():
            self.model = copy.deepcopy(model).requires_grad_(True)
            core = core_of(self.model)
            vectors = _vectors(self.model, inputs)[:, sequence : sequence + 1]
            check_call(vectors, core.input_size, core.readout.weight, None, None)
            self.records, self.used = _unroll(core, vectors)
        fields = {
            name: torch.stack([getattr(record, name) for record in self.records]).detach()
            for name in self.records[0]._fields
        }
        outputs = core.readout(fields["hidden"]).detach()
        self.trace = Trace(inputs=vectors.detach(), outputs=outputs, **fields)

    def flow(self, loss_at: int | None = None) -> GradientFlow:
        """Send the gradient of the loss at one step, None is the last, back through the run."""
        last = self.steps - 1 if loss_at is None else loss_at
        if not 0 <= last < self.steps:
            raise ValueError(f"expected a loss at a step from 0 to {self.steps - 1}, got {last}")
        with torch.enable_grad():
            output = core_of(self.model).readout(self.records[last].hidden)[0]
            return self._collect(_loss(output, self.target), last)

    def _collect(self, loss: Tensor, last: int) -> GradientFlow:
        """Ask autograd for everything at once, and sort it."""
        names = ("hidden", "cell") if isinstance(core_of(self.model), LSTM) else ("hidden",)
        states = [getattr(record, name) for name in names for record in self.records]
        copies = [weight for weights in self.used for weight in weights]
        wanted = [*states, *copies, *self.model.parameters()]
        found = torch.autograd.grad(loss, wanted, retain_graph=True, allow_unused=True)
        found = [
            torch.zeros_like(tensor) if gradient is None else gradient
            for tensor, gradient in zip(wanted, found, strict=True)
        ]
        steps, each = self.steps, len(self.used[0])
        by_name = {
            name: torch.cat(found[place * steps : (place + 1) * steps])  # (T, C)
            for place, name in enumerate(names)
        }
        parts = found[len(states) : len(states) + len(copies)]
        by_step = [_joint_norm(parts[step * each : (step + 1) * each]) for step in range(steps)]
        return GradientFlow(
            self.trace,
            last,
            loss.item(),
            by_name["hidden"],
            by_name.get("cell"),
            torch.stack(by_step),
            _joint_norm(found[len(states) + len(copies) :]).item(),
        )


def core_of(model: nn.Module) -> nn.Module:
    """Return the RNN, LSTM or GRU itself, also from under a word embedding.

    Raises:
        ValueError: it is another kind of model.
    """
    core = model.core if isinstance(model, WordModel) else model
    if not isinstance(core, RECURRENT):
        raise ValueError(f"expected an RNN, LSTM or GRU, got {type(core).__name__}")
    return core


def check_inputs(inputs: Tensor, sequence: int) -> int:
    """Return the number of steps.

    Raises:
        ValueError: inputs without a step or a sequence.
    """
    if not isinstance(inputs, Tensor) or inputs.ndim not in (2, 3) or 0 in inputs.shape:
        got = tuple(inputs.shape) if isinstance(inputs, Tensor) else type(inputs).__name__
        raise ValueError(
            "expected inputs (time, batch, numbers), or word numbers (time, batch), "
            f"of at least one step, got {got}"
        )
    batch = inputs.shape[1]
    if not 0 <= sequence < batch:
        raise ValueError(f"expected a sequence from 0 to {batch - 1}, got {sequence}")
    return inputs.shape[0]


def _vectors(model: nn.Module, inputs: Tensor) -> Tensor:
    """Return (T, B, input_size): the inputs, or the embedded words."""
    if not isinstance(model, WordModel):
        return inputs
    if inputs.ndim != 2 or inputs.is_floating_point():
        raise ValueError(
            f"expected tokens (time, batch) of word numbers, "
            f"got {tuple(inputs.shape)} {inputs.dtype}"
        )
    return model.embedding(inputs)


def _unroll(core: nn.Module, vectors: Tensor) -> tuple[list, list[cells.Weights]]:
    """Run the steps, each with a copy of the weights of its own: its part can be told apart."""
    weights = cells.weights_of(core.layer, "_l0")
    state = core.initial_state(1)
    records, used = [], []
    for x in vectors:
        used.append(cells.Weights(*(weight.clone() for weight in weights)))
        records.append(type(core).step(x, *state, used[-1]))
        state = tuple(records[-1][: len(state)])
    return records, used


def _loss(output: Tensor, target: int | Tensor | None) -> Tensor:
    """Return the loss of one output (O,)."""
    if target is None:
        one = len(output) == 1
        target = (output.detach() < 0).to(output) if one else int(output.detach().argmin())
    if isinstance(target, Tensor) and target.ndim == 1:
        if target.shape != output.shape:
            raise ValueError(f"expected a target ({len(output)},), got {tuple(target.shape)}")
        return F.binary_cross_entropy_with_logits(output, target.to(output))
    if not 0 <= int(target) < len(output):
        raise ValueError(f"expected a class from 0 to {len(output) - 1}, got {int(target)}")
    return F.cross_entropy(output, torch.tensor(int(target), device=output.device))


def _joint_norm(gradients: list[Tensor]) -> Tensor:
    return torch.cat([gradient.double().flatten() for gradient in gradients]).norm()
