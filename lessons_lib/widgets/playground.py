"""The addressing playground: all stages of an NTM head at once, under sliders (NTM §3.3)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

import ipywidgets
import torch
import traitlets
from matplotlib.figure import Figure
from torch import Tensor
from torch.nn.functional import cosine_similarity

from lessons_lib import figures
from lessons_lib.addressing import circular_shift, content_weights, interpolate, sharpen
from lessons_lib.trace import HeadTrace, Trace
from lessons_lib.widgets.base import Picture, as_tensor, script, style
from lessons_lib.widgets.controls import Distribution, NumberBoxes, slider

MEMORY = ((1, 0, 0), (0, 1, 0), (0, 0, 1), (1, 1, 0), (0, 1, 1), (-1, 0, 1))
KEY = (0, 1, 1)
PREVIOUS = (0.0, 1.0, 0.0, 0.0, 0.0, 0.0)
PRESETS = {  # β, g, s, γ
    "find by content": (12.0, 1.0, (0, 1, 0), 1.0),
    "step right": (1.0, 0.0, (0, 0, 1), 1.0),
    "stay": (1.0, 0.0, (0, 1, 0), 1.0),
    "blur and sharpen": (1.0, 0.0, (0.25, 0.5, 0.25), 3.0),
    "jump then step": (12.0, 1.0, (0, 0, 1), 1.0),
}
LIT = {  # the stage that each control changes
    "key_strength": "content",
    "gate": "interpolated",
    "shift": "shifted",
    "sharpening": "weights",
}
Numbers = Tensor | Sequence | None


class StagesPicture(Picture):
    """The canvas: the memory, the key, and each stage from w_{t−1} to w."""

    _esm = script("playground.js")
    _css = style()
    lit = traitlets.Unicode("").tag(sync=True)


class AddressingPlayground(ipywidgets.VBox):
    """One head on one memory; every stage is computed by ``lessons_lib.addressing``.

    Args:
        memory: M, (S, W); None is six slots of three numbers.
        key: k, (W,); None is a key that resembles one slot most.
        previous: w_{t−1}, (S,), a distribution; None is the second slot alone.

    Attributes:
        key_strength: the slider of β ≥ 0 (NTM eq. 5).
        gate: the slider of g in [0, 1] (NTM eq. 7).
        shift: s, three sliders that stay a distribution (NTM eq. 8); ``shift.value`` sets all.
        sharpening: the slider of γ ≥ 1 (NTM eq. 9).
        stages: what was computed last, by name, (S,) each.

    Raises:
        ValueError: the numbers do not fit together, or ``previous`` is no distribution.
    """

    def __init__(
        self, memory: Numbers = None, key: Numbers = None, previous: Numbers = None
    ) -> None:
        """Show the head, with ordinary sliders above the picture."""
        self.key_strength = slider("β key strength", 5.0, 0.0, 50.0, 0.1)
        self.gate = slider("g gate", 1.0, 0.0, 1.0, 0.01, widens=False)
        self.shift = Distribution()
        self.sharpening = slider("γ sharpening", 1.0, 1.0, 20.0, 0.1)
        self.picture = StagesPicture()
        self._boxes = {
            "memory": NumberBoxes("memory M: a row a slot", self._edit_memory),
            "key": NumberBoxes("key k", self._edit_key),
        }
        self._ready = False
        self._memory = as_tensor("memory", MEMORY if memory is None else memory, "slots", "width")
        self._key = self._checked_key(_default_key(self._memory, memory is None, key))
        self._previous = self._checked_previous(_default_previous(self._memory, previous))
        super().__init__([self._buttons(), self._sliders(), self.picture, self._editors()])
        for name in LIT:
            getattr(self, name).observe(self._moved, "value")
        self._ready = True
        self._refill()

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
            stages.key_strength[here].item(),
            stages.gate[here].item(),
            stages.shift[here].tolist(),
            stages.sharpening[here].item(),
        )
        return made

    @property
    def memory(self) -> Tensor:
        """M, (S, W); setting another size resets the key and the previous weighting."""
        return self._memory.clone()

    @memory.setter
    def memory(self, numbers: Numbers) -> None:
        memory = as_tensor("memory", numbers, "slots", "width")
        self._memory = memory
        if len(self._key) != memory.shape[1]:
            self._key = memory[0].clone()
        if len(self._previous) != len(memory):
            self._previous = _default_previous(memory, None)
        self._refill()

    @property
    def key(self) -> Tensor:
        """k, (W,)."""
        return self._key.clone()

    @key.setter
    def key(self, numbers: Numbers) -> None:
        self._key = self._checked_key(numbers)
        self._refill()

    @property
    def previous(self) -> Tensor:
        """w_{t−1}, (S,), a distribution."""
        return self._previous.clone()

    @previous.setter
    def previous(self, numbers: Numbers) -> None:
        self._previous = self._checked_previous(numbers)
        self._refill()

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
        recorded = {name: stage[None, None, None] for name, stage in self.stages.items()}
        parameters = {
            name: torch.tensor([[[getattr(self, name).value]]])
            for name in ("key_strength", "gate", "sharpening")
        }
        shift = torch.tensor([[[self.shift.value]]])
        return figures.draw_stages(HeadTrace(shift=shift, **parameters, **recorded), 0)

    def __repr__(self) -> str:
        """Name the widget and its size; the same text at every run."""
        slots, width = self._memory.shape
        return f"AddressingPlayground({slots} slots × {width})"

    def _checked_key(self, numbers: Numbers) -> Tensor:
        key = as_tensor("key", numbers, "width")
        if len(key) != self._memory.shape[1]:
            raise ValueError(f"expected key ({self._memory.shape[1]},), got {tuple(key.shape)}")
        return key

    def _checked_previous(self, numbers: Numbers) -> Tensor:
        weights = as_tensor("previous", numbers, "slots")
        if len(weights) != len(self._memory):
            size = len(self._memory)
            raise ValueError(f"expected previous ({size},), got {tuple(weights.shape)}")
        total = weights.double().sum().item()
        if weights.min() < 0 or abs(total - 1) > 2e-3:
            raise ValueError(f"expected previous to be a distribution, got sum {total:.4g}")
        return weights

    def _buttons(self) -> ipywidgets.HBox:
        made = []
        for name in PRESETS:
            button = ipywidgets.Button(description=name, layout={"width": "auto"})
            button.on_click(lambda _button, name=name: self.preset(name))
            made.append(button)
        keep = ipywidgets.Button(description="use w as the next w(t−1)", layout={"width": "auto"})
        keep.on_click(lambda _button: self.keep())
        return ipywidgets.HBox([*made, keep], layout={"flex_flow": "row wrap"})

    def _sliders(self) -> ipywidgets.HBox:
        left = ipywidgets.VBox([self.key_strength, self.gate, self.sharpening])
        return ipywidgets.HBox([left, self.shift], layout={"flex_flow": "row wrap"})

    def _editors(self) -> ipywidgets.Accordion:
        inside = ipywidgets.HBox(list(self._boxes.values()), layout={"flex_flow": "row wrap"})
        return ipywidgets.Accordion([inside], titles=("edit the numbers",), selected_index=None)

    def _edit_memory(self, slot: int, column: int, number: float) -> None:
        self._memory = self._memory.clone()
        self._memory[slot, column] = number
        self._draw("content")

    def _edit_key(self, _row: int, column: int, number: float) -> None:
        self._key = self._key.clone()
        self._key[column] = number
        self._draw("content")

    def _moved(self, change: dict) -> None:
        if self._ready:
            name = next(name for name in LIT if getattr(self, name) is change["owner"])
            self._draw(LIT[name])

    def _refill(self) -> None:
        self._boxes["memory"].fill(self._memory)
        self._boxes["key"].fill(self._key[None])
        self._draw()

    def _draw(self, lit: str = "") -> None:
        """Compute the stages by the library's functions and send them."""
        if not self._ready:
            return
        self.stages = self._compute()
        cosine = cosine_similarity(self._key[None], self._memory, dim=-1)
        parameters = {
            "key_strength": torch.tensor([self.key_strength.value]),
            "gate": torch.tensor([self.gate.value]),
            "shift": torch.tensor(self.shift.value),
            "sharpening": torch.tensor([self.sharpening.value]),
        }
        sums = torch.stack([stage.sum() for stage in self.stages.values()])
        with self.picture.hold_sync():
            self.picture.lit = lit
            self.picture.problems = _problems(self.stages)
            self.picture.put(
                {
                    "memory": self._memory,
                    "key": self._key[None],
                    "cosine": cosine,
                    **self.stages,
                    **parameters,
                    "sums": sums,
                }
            )

    def _compute(self) -> dict[str, Tensor]:
        def one(*numbers: float) -> Tensor:
            return torch.tensor([numbers])  # (B = 1, H = 1)

        content = content_weights(
            self._memory[None], self._key[None, None], one(self.key_strength.value)
        )
        previous = self._previous[None, None]
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


def _default_previous(memory: Tensor, previous: Numbers) -> Numbers:
    if previous is not None:
        return previous
    start = torch.zeros(len(memory))
    start[min(1, len(memory) - 1)] = 1.0
    return start


def _problems(stages: dict[str, Tensor]) -> list[str]:
    """Name the stages that are no weighting."""
    bad = [name for name, stage in stages.items() if not torch.isfinite(stage).all()]
    return [f"{name} is not finite: look for a NaN in the memory or the key" for name in bad]
