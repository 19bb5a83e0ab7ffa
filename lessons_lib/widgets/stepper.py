"""The tape stepper: any recorded run, step by step, with nothing computed while stepping."""

from __future__ import annotations

from collections.abc import Sequence

import traitlets
from matplotlib.figure import Figure

from lessons_lib import figures
from lessons_lib.origins import START, Origins, origins
from lessons_lib.trace import Trace
from lessons_lib.widgets.base import Picture, script, style
from lessons_lib.widgets.stepper_numbers import (
    RECURRENT,
    Labels,
    choose_slots,
    numbers_of,
    replace_symbols,
)
from lessons_lib.widgets.still import WithStill

STAGES = ("whole", "find", "erase", "add", "read")


class TapeStepper(WithStill, Picture):
    """A trace under a slider: symbols, heads on the tape, the memory before, erased and added to.

    Keys: left and right arrow one step, page up and down ten, home and end, space plays; 0 shows
    whole steps, 1 to 4 the stages of one (find, erase, add, read), which the arrows then go
    through; C shows what erase and add change alone; W jumps to where what is read was written, B
    back; G opens the controller's gates.

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
        stage: "whole", or how far the step has come: "find", "erase", "add" or "read".
        changes: whether erase and add are drawn as what they change alone.
        gates: whether the controller's gates are drawn.
        read_head: which read head is drawn, where there are more than three.
        origins: which step wrote what is read (``lessons_lib.origins``), or None.

    Raises:
        ValueError: an empty trace, a sequence that is not there, labels of another length.
    """

    _esm = script("stepper.js")
    _css = style()
    step = traitlets.Int(0).tag(sync=True)
    stage = traitlets.Enum(STAGES, "whole").tag(sync=True)
    changes = traitlets.Bool(False).tag(sync=True)
    gates = traitlets.Bool(False).tag(sync=True)
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
        self.origins = _origins(self.trace)
        self.shown = {"inputs": inputs, "outputs": outputs}
        chosen, note = choose_slots(self.trace, slots)
        numbers = numbers_of(self.trace, chosen, self.origins)
        labels = {}
        for name, given in self.shown.items():
            replace_symbols(numbers, labels, name, given, len(trace))
        super().__init__(
            steps=len(trace),
            labels=labels,
            names={name: RECURRENT[name] for name in RECURRENT if name in numbers},
            problems=self.trace.problems(brief=True),
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

    def written_at(self, step: int | None = None, head: int | None = None) -> int | None:
        """Return the step that wrote most of what is read at a step: share(s) of ``origins``.

        Args:
            step: the step that reads, such as the one at which an answer is said; None is the step
                shown.
            head: which read head; None is all together.

        Returns:
            The step with the largest share, or None where that is the start or nothing was read.

        Raises:
            ValueError: the trace does not tell, or has no such step or head.
        """
        if self.origins is None:
            raise ValueError("expected a trace whose memory is what its writes and erases make")
        step = self.step if step is None else step
        steps, heads = self.origins.reads.shape[:2]
        if not 0 <= step < steps or not (head is None or 0 <= head < heads):
            raise ValueError(
                f"expected a step from 0 to {steps - 1} and a head from 0 to {heads - 1}, "
                f"got {step} and {head}"
            )
        found = self.origins.of_read(step, head, most=1)
        return None if not found or found[0][0] == START else found[0][0]

    def still(self, steps: Sequence[int] | None = None) -> Figure:
        """Return the same content as a filmstrip for print: these steps, or a few spread out."""
        return figures.filmstrip(self.trace, steps, **self.shown)

    def brief_still(self) -> Figure:
        """Return a filmstrip of the first step, the one in the middle, and the last."""
        return self.still(sorted({0, self.steps // 2, self.steps - 1}))

    def __repr__(self) -> str:
        """Name the picture and its size; the same text at every run."""
        return f"TapeStepper({self.steps} steps)"


def _origins(trace: Trace) -> Origins | None:
    """Ask where reads come from; None where the trace does not tell."""
    try:
        return origins(trace)
    except ValueError:
        return None
