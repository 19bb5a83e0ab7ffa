"""The addressing playground: all stages of an NTM head at once, under sliders (NTM §3.3)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

import ipywidgets
import torch
from matplotlib.figure import Figure
from torch import Tensor

from lessons_lib.addressing import circular_shift, content_weights, interpolate, sharpen
from lessons_lib.trace import HeadTrace, Trace
from lessons_lib.widgets.base import as_tensor
from lessons_lib.widgets.challenge import AddressingChallenge
from lessons_lib.widgets.controls import Distribution, short, slider, with_box
from lessons_lib.widgets.live import ROW, Given, LiveWidget, checked_key
from lessons_lib.widgets.stages import LIT, StagesPicture, parameters, still
from lessons_lib.widgets.still import WithStill

MEMORY = ((1, 0, 0), (0, 1, 0), (0, 0, 1), (1, 1, 0), (0, 1, 1), (-1, 0, 1))
KEY = (0, 1, 1)
PRESETS = {  # β, g, s, γ
    "find by content": (12.0, 1.0, (0, 1, 0), 1.0),
    "step right": (1.0, 0.0, (0, 0, 1), 1.0),
    "stay": (1.0, 0.0, (0, 1, 0), 1.0),
    "blur and sharpen": (1.0, 0.0, (0.25, 0.5, 0.25), 3.0),
    "jump then step": (12.0, 1.0, (0, 0, 1), 1.0),
}
MODES = ("explore", "challenge")
Numbers = Tensor | Sequence | None


class AddressingPlayground(WithStill, LiveWidget):
    """One head on one memory; every stage is computed by ``lessons_lib.addressing``.

    The numbers of the memory and the key can be typed and dragged in the picture, and a click on a
    bar of w_{t−1} puts the head there. "challenge" shows levels to be won in few moves.

    Args:
        memory: M, (S, W); None is six slots of three numbers.
        key: k, (W,); None is a key that resembles one slot most.
        previous: w_{t−1}, (S,), a distribution; None is the second slot alone.

    Attributes:
        key_strength: the slider of β ≥ 0 (NTM eq. 5).
        gate: the slider of g in [0, 1] (NTM eq. 7).
        shift: s, three sliders that stay a distribution (NTM eq. 8); ``shift.value`` sets all.
        sharpening: the slider of γ ≥ 1 (NTM eq. 9).
        mode: "explore" or "challenge", to read and to set by ``mode.value``.
        challenge: the challenge, once it was opened, else None.
        stages: what was computed last, by name, (S,) each.

    Raises:
        ValueError: the numbers do not fit together, or ``previous`` is no distribution.
    """

    memory = Given("M, (S, W); setting another size resets the key and the previous weighting.")
    key = Given("k, (W,).")
    previous = Given("w_{t−1}, (S,), a distribution.")

    def __init__(
        self, memory: Numbers = None, key: Numbers = None, previous: Numbers = None
    ) -> None:
        """Show the head, with ordinary sliders above the picture."""
        super().__init__(StagesPicture())
        self.key_strength = slider("β key strength", 5.0, 0.0, 50.0, 0.1)
        self.gate = slider("g gate", 1.0, 0.0, 1.0, 0.01, widens=False)
        self.shift = Distribution()
        self.sharpening = slider("γ sharpening", 1.0, 1.0, 20.0, 0.1)
        self.mode = ipywidgets.ToggleButtons(options=MODES)
        self.mode.style.button_width = "90px"
        self.challenge: AddressingChallenge | None = None
        self.take("memory", MEMORY if memory is None else memory)
        self.take("key", _default_key(self.given["memory"], memory is None, key))
        if previous is not None:
            self.take("previous", previous)
        self._exploring = [self._buttons(), self._sliders(), self.picture, self._editors()]
        self.children = [self.mode, *self._exploring]
        for name in LIT:
            getattr(self, name).observe(self._moved, "value")
        self.mode.observe(self._switched, "value")
        self._start()

    @classmethod
    def from_trace(
        cls, trace: Trace, step: int, head: int = 0, *, which: str = "read", sequence: int = 0
    ) -> Self:
        """Load the numbers of a trained NTM head at a step; all sliders stand where it set them.

        Args:
            trace: a record of an NTM.
            step: from 0.
            head: which of its read or write heads.
            which: "read" or "write".
            sequence: which of the batch.

        Raises:
            ValueError: the trace has no such head or step, or its heads do not shift.
        """
        if which not in ("read", "write"):
            raise ValueError(f"expected which to be read or write, got {which!r}")
        stages: HeadTrace | None = getattr(trace, which)
        if stages is None or stages.shift is None:
            raise ValueError("expected a trace of an NTM, whose heads shift, got another model's")
        if not 0 <= step < len(trace) or not 0 <= head < stages.weights.shape[2]:
            size = (len(trace), stages.weights.shape[2])
            raise ValueError(f"expected step and head below {size}, got {(step, head)}")
        here = (step, sequence, head)
        # An NTM addresses all its heads on the memory that the last step left.
        made = cls(trace.memory_before[step, sequence], stages.key[here], stages.previous[here])
        made.set(
            short(stages.key_strength[here].item()),
            short(stages.gate[here].item()),
            [short(share) for share in stages.shift[here].tolist()],
            short(stages.sharpening[here].item()),
        )
        made.children = made._exploring  # the challenge has a memory of its own
        return made

    def set(
        self, key_strength: float, gate: float, shift: Sequence[float], sharpening: float
    ) -> None:
        """Set β, g, s and γ, and draw once."""
        self._ready = False
        try:
            self.shift.value = tuple(shift)
            self.key_strength.value, self.gate.value = key_strength, gate
            self.sharpening.value = sharpening
        finally:
            self._ready = True
        self.picture.lit = ""
        self._draw()

    def preset(self, name: str) -> None:
        """Set all sliders at once.

        Raises:
            ValueError: there is no preset of that name.
        """
        if name not in PRESETS:
            raise ValueError(f"expected a preset among {', '.join(PRESETS)}, got {name!r}")
        self.set(*PRESETS[name])

    def keep(self) -> None:
        """Make the result w the w_{t−1} of the next step."""
        self.previous = self.stages["weights"]

    def still(self) -> Figure:
        """Return the stages as a figure for print."""
        return still(self.stages, self._chosen())

    def __repr__(self) -> str:
        """Name the widget and its size; the same text at every run."""
        slots, width = self.given["memory"].shape
        return f"AddressingPlayground({slots} slots × {width})"

    def _check(self, name: str, numbers: object) -> Tensor:
        if name == "key":
            return checked_key(numbers, self.given["memory"])
        if name == "previous":
            return _checked_previous(numbers, self.given["memory"])
        memory = as_tensor("memory", numbers, "slots", "width")
        if "key" in self.given and len(self.given["key"]) != memory.shape[1]:
            self.given["key"] = memory[0].clone()
        if "previous" not in self.given or len(self.given["previous"]) != len(memory):
            self.given["previous"] = _on_slot(min(1, len(memory) - 1), len(memory))
        return memory

    def _buttons(self) -> ipywidgets.HBox:
        made = []
        for name in PRESETS:
            button = ipywidgets.Button(description=name, layout={"width": "auto"})
            button.on_click(lambda _button, name=name: self.preset(name))
            made.append(button)
        keep = ipywidgets.Button(description="use w as the next w(t−1)", layout={"width": "auto"})
        keep.on_click(lambda _button: self.keep())
        return ipywidgets.HBox([*made, keep], layout=ROW)

    def _sliders(self) -> ipywidgets.HBox:
        left = [with_box(one) for one in (self.key_strength, self.gate, self.sharpening)]
        return ipywidgets.HBox([ipywidgets.VBox(left), self.shift], layout=ROW)

    def _editors(self) -> ipywidgets.Accordion:
        boxes = [
            self._number_boxes("memory", "memory M: a row a slot"),
            self._number_boxes("key", "key k"),
        ]
        inside = ipywidgets.HBox(boxes, layout=ROW)
        return ipywidgets.Accordion([inside], titles=("edit the numbers",), selected_index=None)

    def _switched(self, change: dict) -> None:
        """Show the sliders, or the challenge in their place."""
        if change["new"] == "explore":
            self.children = [self.mode, *self._exploring]
            return
        if self.challenge is None:
            self.challenge = AddressingChallenge()
        self.children = [self.mode, self.challenge]

    def _grid(self, grid: str) -> Tensor:
        return self.given["memory"] if grid == "memory" else self.given["key"][None]

    def _cell(self, grid: str, row: int, column: int) -> tuple[str, tuple[int, ...]]:
        return (grid, (row, column)) if grid == "memory" else (grid, (column,))

    def _changed(self, name: str) -> str:
        return "content"

    def _choose(self, grid: str, row: int) -> None:
        """Put the head on a slot that was chosen in the picture."""
        self.given["previous"] = _on_slot(row, len(self.given["memory"]))
        self._draw("previous")

    def _moved(self, change: dict) -> None:
        if self._ready:
            name = next(name for name in LIT if getattr(self, name) is change["owner"])
            self._draw(LIT[name])

    def _draw(self, lit: str = "") -> None:
        """Compute the stages by the library's functions and send them."""
        if not self._ready:
            return
        self.stages = self._compute()
        memory, key = self.given["memory"], self.given["key"]
        with self.picture.hold_sync():
            self.picture.lit = lit
            self.picture.show(memory, key, self.stages, self._chosen())

    def _chosen(self) -> dict[str, Tensor]:
        return parameters(**{name: getattr(self, name).value for name in LIT})

    def _compute(self) -> dict[str, Tensor]:
        def one(*numbers: float) -> Tensor:
            return torch.tensor([numbers])  # (B = 1, H = 1)

        key, strength = self.given["key"][None, None], one(self.key_strength.value)
        content = content_weights(self.given["memory"][None], key, strength)
        previous = self.given["previous"][None, None]
        interpolated = interpolate(content, previous, one(self.gate.value))
        shifted = circular_shift(interpolated, one(*self.shift.value)[:, None])
        weights = sharpen(shifted, one(self.sharpening.value))
        named = {
            "previous": previous,
            "content": content,
            "interpolated": interpolated,
            "shifted": shifted,
            "weights": weights,
        }
        return {name: stage[0, 0] for name, stage in named.items()}


def _default_key(memory: Tensor, usual: bool, key: Numbers) -> Numbers:
    if key is not None:
        return key
    return KEY if usual else memory[0]


def _on_slot(slot: int, slots: int) -> Tensor:
    """Return the weighting that is on one slot alone, (S,)."""
    weights = torch.zeros(slots)
    weights[slot] = 1.0
    return weights


def _checked_previous(numbers: object, memory: Tensor) -> Tensor:
    weights = as_tensor("previous", numbers, "slots")
    if len(weights) != len(memory):
        raise ValueError(f"expected previous ({len(memory)},), got {tuple(weights.shape)}")
    total = weights.double().sum().item()
    if abs(total - 1) > 2e-3 or weights.min() < 0:  # a NaN may pass: it is drawn and named
        raise ValueError(f"expected previous to be a distribution, got sum {total:.4g}")
    return weights
