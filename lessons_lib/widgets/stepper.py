"""The tape stepper: any recorded run, step by step, with nothing computed while stepping."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import traitlets
from matplotlib.figure import Figure
from torch import Tensor

from lessons_lib import figures
from lessons_lib.trace import HeadTrace, Trace
from lessons_lib.widgets.base import Picture, as_tensor, pick_sequence, script, style

RECURRENT = {  # what a machine without memory is drawn by, in the order of its equations
    "forget_gate": "f forget gate",
    "input_gate": "i input gate",
    "reset_gate": "r reset gate",
    "update_gate": "z update gate",
    "candidate": "c̃ candidate",
    "cell": "c cell",
    "output_gate": "o output gate",
    "hidden": "h hidden",
}
OF_HEADS = ("weights", "key_strength", "gate", "shift", "sharpening")
OF_MEMORY = ("memory_after", "erase_vector", "add_vector", "add_gate", "reads")
Labels = Sequence[str] | Tensor | None


class TapeStepper(Picture):
    """A trace under a slider: symbols, heads on the tape, memory before and after.

    Keys: left and right arrow one step, page up and down ten, home and end, space plays.

    Args:
        trace: a record of any model, from ``trace=True``; cut padding off with ``trace.cut``.
        sequence: which of the batch.
        inputs: a label for each step, or numbers (T, n) to draw instead of the trace's inputs.
        outputs: the same for the outputs.
        title: a line above.
        slots: which slots are drawn, by their numbers, or "all". None is all of up to 32, else
            the stretch of the tape that is ever used (``figures.used_slots``); a line below the
            picture says how much is left out.

    Attributes:
        step: the step shown, from 0; to read and to set.
        read_head: which read head is drawn, where there are more than three.

    Raises:
        ValueError: an empty trace, a sequence that is not there, labels of another length.
    """

    _esm = script("stepper.js")
    _css = style()
    step = traitlets.Int(0).tag(sync=True)
    read_head = traitlets.Int(0).tag(sync=True)
    steps = traitlets.Int(1).tag(sync=True)
    labels = traitlets.Dict().tag(sync=True)
    names = traitlets.Dict().tag(sync=True)
    title = traitlets.Unicode("").tag(sync=True)
    slots = traitlets.List(traitlets.Int()).tag(sync=True)
    note = traitlets.Unicode("").tag(sync=True)

    def __init__(
        self,
        trace: Trace,
        sequence: int = 0,
        inputs: Labels = None,
        outputs: Labels = None,
        *,
        title: str = "",
        slots: str | Sequence[int] | None = None,
    ) -> None:
        """Lay out the sequence's numbers once; stepping sends nothing."""
        if len(trace) < 1:
            raise ValueError("expected a trace of at least one step, got none")
        batch = trace.inputs.shape[1]
        if not 0 <= sequence < batch:
            raise ValueError(f"expected a sequence from 0 to {batch - 1}, got {sequence}")
        self.trace = trace.sequence(sequence)
        self.shown = {"inputs": inputs, "outputs": outputs}
        chosen, note = _choose_slots(self.trace, slots)
        numbers = _keep_slots(_numbers(self.trace), chosen)
        labels = {}
        for name, given in self.shown.items():
            _replace(numbers, labels, name, given, len(trace))
        super().__init__(
            steps=len(trace),
            labels=labels,
            names={name: RECURRENT[name] for name in RECURRENT if name in numbers},
            problems=self.trace.problems(),
            title=title,
            slots=chosen,
            note=note,
        )
        self.put(numbers)

    @traitlets.validate("step")
    def _check_step(self, proposal: dict) -> int:
        return min(max(proposal["value"], 0), self.steps - 1)

    @traitlets.validate("read_head")
    def _check_read_head(self, proposal: dict) -> int:
        heads = 1 if self.trace.read is None else self.trace.read.weights.shape[2]
        return min(max(proposal["value"], 0), heads - 1)

    def still(self, steps: Sequence[int] | None = None) -> Figure:
        """Return the same content as a filmstrip for print: these steps, or a few spread out."""
        return figures.filmstrip(self.trace, steps, **self.shown)

    def __repr__(self) -> str:
        """Name the picture and its size; the same text at every run."""
        return f"TapeStepper({self.steps} steps)"


def _numbers(trace: Trace) -> dict[str, Tensor]:
    """Pick what is drawn, without the batch axis: (T, …) each."""
    numbers = {"inputs": pick_sequence(trace.inputs, 0)}
    if trace.outputs is not None:
        numbers["outputs"] = pick_sequence(trace.outputs, 0)
    if trace.memory_after is None:
        names = RECURRENT
    else:
        names = OF_MEMORY
        numbers["memory_before"] = _memory_before(trace)
        numbers |= _head_numbers("write", trace.write) | _head_numbers("read", trace.read)
    for name in names:
        if getattr(trace, name) is not None:
            numbers[name] = pick_sequence(getattr(trace, name), 0)
    return numbers


def _head_numbers(which: str, head: HeadTrace | None) -> dict[str, Tensor]:
    if head is None:
        return {}
    found = {name: pick_sequence(getattr(head, name), 0) for name in OF_HEADS}
    return {f"{which}.{name}": tensor for name, tensor in found.items() if tensor is not None}


def _memory_before(trace: Trace) -> Tensor:
    """Return M_{t−1}, (1, S, W) where each step begins with what the last one left, else all."""
    before, after = pick_sequence(trace.memory_before, 0), pick_sequence(trace.memory_after, 0)
    chained = torch.equal(before[1:].nan_to_num(), after[:-1].nan_to_num())
    return before[:1] if chained else before


def _choose_slots(trace: Trace, wanted: str | Sequence[int] | None) -> tuple[list[int], str]:
    """Return the slots to draw, in order, and a sentence on those left out."""
    if trace.memory_after is None:
        return [], ""
    count = trace.memory_after.shape[2]
    every = list(range(count))
    if wanted is None:
        chosen = figures.used_slots(trace)
    elif isinstance(wanted, str):
        if wanted != "all":
            raise ValueError(f"expected slots to be all or numbers, got {wanted!r}")
        chosen = every
    else:
        chosen = [int(slot) for slot in wanted]
        if not chosen or not set(chosen) <= set(every):
            raise ValueError(f"expected slots from 0 to {count - 1}, got {chosen}")
    if len(chosen) == count:
        return chosen, ""
    left_out = [slot for slot in every if slot not in set(chosen)]
    most = figures.weights_of_slots(trace)[left_out].max().item()
    words = f"{len(chosen)} of {count} slots are drawn; on the others no weight exceeds {most:.2g}."
    return chosen, words


def _keep_slots(numbers: dict[str, Tensor], slots: list[int]) -> dict[str, Tensor]:
    """Keep these slots of the memories (T, S, W) and weightings (T, H, S)."""
    axes = {"memory_before": 1, "memory_after": 1, "write.weights": 2, "read.weights": 2}
    keep = torch.tensor(slots, dtype=torch.long)
    return {
        name: tensor.cpu().index_select(axes[name], keep) if name in axes else tensor
        for name, tensor in numbers.items()
    }


def _replace(
    numbers: dict[str, Tensor], labels: dict[str, list[str]], name: str, given: Labels, steps: int
) -> None:
    """Put the given labels or numbers in the place of the trace's inputs or outputs."""
    if given is None:
        return
    if len(given) != steps:
        raise ValueError(f"expected {steps} labels or rows as {name}, got {len(given)}")
    if isinstance(given, Tensor):
        numbers[name] = as_tensor(name, given, "steps", "numbers")
    else:
        labels[name] = [str(label) for label in given]
