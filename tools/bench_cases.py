"""What ``tools.bench`` measures: models at given sizes, each with one training step.

A step is what a training does again and again on one batch: loss, gradients, clipping, Adam, and
the loss as a number.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from lessons_lib import LNTM, LSTM, NTM, tasks

HIDDEN = 100
POINTERS = 8  # of the L-NTM that is compared with others


@dataclass(frozen=True)
class Plan:
    """How often and at which sizes to measure; ``pointers`` holds ``POINTERS``."""

    rounds: int = 41
    scaling_rounds: int = 9
    copy_length: int = 20
    copy_batches: tuple[int, ...] = (16, 64)
    slots: int = 128
    scaling_slots: tuple[int, ...] = (16, 64, 256, 1024, 4096)
    scaling_length: tuple[int, ...] = (10, 20, 40, 80, 160)
    scaling_batch: tuple[int, ...] = (4, 8, 16, 32, 64)
    story_steps: int = 42
    story_batch: int = 64
    story_inputs: int = 64
    story_answers: int = 20
    pointers: tuple[int, ...] = (8, 16, 32)


class Case(NamedTuple):
    """One thing to time: a name for the record, words for a reader, the step, and its target."""

    key: str
    words: str
    step: Callable[[], float]
    target: float | None = None


class CellLoop(nn.Module):
    """The unit of the copy table: a loop over ``nn.LSTMCell`` and a linear readout."""

    def __init__(self, input_size: int, output_size: int) -> None:
        super().__init__()
        self.cell = nn.LSTMCell(input_size, HIDDEN)
        self.readout = nn.Linear(HIDDEN, output_size)

    def forward(self, inputs: Tensor) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        """Run over inputs (T, B, input_size); returns outputs (T, B, output_size) and (h, c)."""
        state = (inputs.new_zeros(inputs.shape[1], HIDDEN),) * 2
        hidden = []
        for x in inputs:
            state = self.cell(x, state)
            hidden.append(state[0])
        return self.readout(torch.stack(hidden)), state


class AutogradLNTM(LNTM):
    """L-NTM without fed reads whose writes are left to autograd; the rest is as fast as ever."""

    def _write_all(self, start: Tensor, hidden: Tensor, write_scale: Tensor | None) -> Tensor:
        memories = []
        for t, h in enumerate(hidden):
            scale = None if write_scale is None else write_scale[t]
            start, _ = self._write(start, h, scale)
            memories.append(start)
        return torch.stack(memories)


def training_step(model: nn.Module, loss_of: Callable[[nn.Module], Tensor]) -> Callable[[], float]:
    """Return a function that makes one training step and gives the loss."""
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-4)

    def step() -> float:
        loss = loss_of(model)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        return loss.item()

    return step


def copy_loss(length: int, size: int, device: str) -> Callable[[nn.Module], Tensor]:
    """Return the loss of a model on one batch of copy: 2·length + 1 steps, 9 inputs, 8 outputs."""
    batch = tasks.Copy().batch(size, tasks.stream(0, "train", 0), length=length).to(device)
    return lambda model: tasks.loss(model(batch.inputs)[0], batch)


def copy_cases(plan: Plan, size: int, device: str) -> list[Case]:
    """Return the machines of the copy table at one batch size, their unit first."""
    task = tasks.Copy()
    sizes = task.input_size, task.output_size
    loss_of = copy_loss(plan.copy_length, size, device)

    def case(key, words, model, target=None):
        return Case(key, words, training_step(model.to(device), loss_of), target)

    def ntm(controller, fast):
        return NTM(*sizes, slots=plan.slots, hidden_size=HIDDEN, controller=controller, fast=fast)

    return [
        case("lstm_cells", f"loop over `nn.LSTMCell`, {HIDDEN} units", CellLoop(*sizes)),
        case("ntm", "NTM, LSTM controller", ntm("lstm", True), 6.0),
        case("ntm_plain", "the same, plain path (`fast=False`)", ntm("lstm", False)),
        case("ntm_feedforward", "NTM, feed-forward controller", ntm("feedforward", True)),
        case("ntm_feedforward_plain", "the same, plain path", ntm("feedforward", False)),
    ]


def scaling_points(plan: Plan) -> list[dict[str, int]]:
    """Return the sizes to measure: one of slots, length and batch varies, the others stay."""
    base = {"slots": plan.slots, "length": plan.copy_length, "batch": plan.copy_batches[0]}
    rows = {name: getattr(plan, f"scaling_{name}") for name in base}
    return [
        {"varied": name, **base, name: value} for name, values in rows.items() for value in values
    ]


def scaling_model(point: dict[str, int]) -> tuple[nn.Module, Callable[[nn.Module], Tensor]]:
    """Return an NTM at one point and its loss on copy."""
    task = tasks.Copy()
    model = NTM(task.input_size, task.output_size, slots=point["slots"], hidden_size=HIDDEN)
    return model, copy_loss(point["length"], point["batch"], "cpu")


def story_cases(plan: Plan, device: str) -> list[Case]:
    """Return the machines at the sizes of stories, their unit first.

    Stories are random vectors (T, B, inputs) here; one answer is due, at the last step.
    """
    draw = torch.Generator().manual_seed(0)
    shape = (plan.story_steps, plan.story_batch, plan.story_inputs)
    inputs = torch.randn(shape, generator=draw).to(device)
    answers = torch.randint(plan.story_answers, shape[1:2], generator=draw).to(device)
    at = torch.full(shape[1:2], plan.story_steps - 1, device=device)

    def at_last(model: nn.Module) -> Tensor:
        return F.cross_entropy(model(inputs, at=at)[0], answers)

    def at_every(model: nn.Module) -> Tensor:
        return F.cross_entropy(model(inputs)[0][-1], answers)

    def case(key, words, kind, target=None, loss_of=at_last, **options):
        model = kind(plan.story_inputs, plan.story_answers, hidden_size=HIDDEN, **options)
        return Case(key, words, training_step(model.to(device), loss_of), target)

    def lntm(key, words, pointers=POINTERS, kind=LNTM, **options):
        return case(key, words, kind, read_pointers=pointers, **options)

    def ntm(key, words, heads, fast):
        return case(key, words, NTM, slots=8, width=20, read_heads=heads, fast=fast)

    own, fed = "L-NTM, R = {}, answer read once", "L-NTM, R = {}, reads fed back"
    return [
        case("lstm", f"fused `nn.LSTM`, {HIDDEN} units", LSTM),
        *[lntm(f"lntm_{r}", own.format(r), r, target=2.0) for r in plan.pointers],
        lntm("lntm_every_step", "L-NTM, R = 8, read at every step", loss_of=at_every),
        lntm("lntm_autograd", "L-NTM, R = 8, writes by autograd, answer read once",
             kind=AutogradLNTM),
        lntm("lntm_autograd_every_step", "L-NTM, R = 8, writes by autograd, read at every step",
             kind=AutogradLNTM, loss_of=at_every),
        lntm("lntm_plain", "L-NTM, R = 8, plain path (`fast=False`)", fast=False),
        *[lntm(f"lntm_fed_{r}", fed.format(r), r, feed_reads=True) for r in plan.pointers],
        lntm("lntm_fed_plain", "L-NTM, R = 8, reads fed back, plain path", feed_reads=True,
             fast=False),
        ntm("ntm", "NTM, one read head", 1, True),
        ntm("ntm_plain", "NTM, one read head, plain path", 1, False),
        ntm("ntm_many", "NTM, eight read heads", POINTERS, True),
        ntm("ntm_many_plain", "NTM, eight read heads, plain path", POINTERS, False),
    ]  # fmt: skip


# From NTM to L-NTM, one change a line: what changes, the case before and the case after.
LADDER = [
    ("addressing by the whole memory, without the shift chain", "ntm_many_plain", "lntm_fed_plain"),
    ("reads not fed back: the controller is one fused call, all reads are another",
     "lntm_fed_plain", "lntm_autograd_every_step"),
    ("read only where the answer is due", "lntm_autograd_every_step", "lntm_autograd"),
    ("hand-written backward pass of the writes", "lntm_autograd", f"lntm_{POINTERS}"),
]  # fmt: skip
