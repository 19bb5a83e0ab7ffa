"""Ordinary ipywidgets, a little adapted: sliders that widen, a distribution, boxes of numbers."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial

import ipywidgets
import numpy as np
import traitlets
from torch import Tensor

NARROW = {"width": "72px"}
UNSEEN = {"description_width": "0px"}  # a box's name is for those who do not see its place
MOST_BOXES = 48


def short(number: float) -> float:
    """Return the number of fewest digits that is the same float32: 0.3, not 0.30000001192."""
    return float(str(np.float32(number)))


class ExactSlider(ipywidgets.FloatSlider):
    """A slider that keeps the exact number that code or its box sets.

    The browser moves the handle to the nearest step and sends that back as if someone had moved it.
    What comes from there and is the value, rounded to the step, is no move.
    """

    @traitlets.validate("value")
    def _validate_value(self, proposal: dict) -> float:
        return min(max(_finite(proposal["value"]), self.min), self.max)

    def set_state(self, sync_data: dict) -> None:
        """Take what the browser sends, but for its rounding of the value that we have."""
        told = sync_data.get("value")
        if told is not None and abs(told - self._rounded()) < 1e-6 * self.step:
            sync_data = {name: part for name, part in sync_data.items() if name != "value"}
        super().set_state(sync_data)

    def _rounded(self) -> float:
        """Return the step nearest to the value, as the browser finds it; a half goes up."""
        steps = math.floor((self.value - self.min) / self.step + 0.5)
        return min(self.min + steps * self.step, self.max)


class OpenSlider(ExactSlider):
    """A slider that widens when a value beyond its upper end is set."""

    @traitlets.validate("value")
    def _validate_value(self, proposal: dict) -> float:
        value = max(_finite(proposal["value"]), self.min)
        if value > self.max:
            self.max = value
        return value


def _finite(number: object) -> float:
    if not math.isfinite(float(number)):
        raise ValueError(f"expected a finite number, got {number}")
    return float(number)


def slider(
    name: str, value: float, low: float, high: float, step: float, *, widens: bool = True
) -> ipywidgets.FloatSlider:
    """Make a slider with the symbol and name of what it sets; it widens, or its end holds.

    It says no number itself, for it would say the rounded one: ``with_box`` puts the exact one
    beside it.
    """
    kind = OpenSlider if widens else ExactSlider
    return kind(
        value=value,
        min=low,
        max=high,
        step=step,
        description=name,
        style={"description_width": "145px"},
        layout={"width": "300px"},
        readout=False,
    )


def with_box(moved: ipywidgets.FloatSlider) -> ipywidgets.HBox:
    """Put a box beside a slider that shows its exact number, and into which one may type."""
    box = ipywidgets.FloatText(
        value=moved.value,
        step=moved.step,
        description=f"{moved.description}, exactly",
        style=UNSEEN,
        layout={"width": "96px"},
    )

    def typed(change: dict) -> None:
        if math.isfinite(change["new"]):
            moved.value = change["new"]
        box.value = moved.value  # the slider may have an end

    box.observe(typed, "value")
    moved.observe(lambda change: setattr(box, "value", change["new"]), "value")
    return ipywidgets.HBox([moved, box])


class Distribution(ipywidgets.VBox):
    """Three sliders that stay a distribution: moving one rescales the other two.

    Attributes:
        value: (back, stay, forward), sum 1; three non-negative numbers set it, rescaled.
        back: the slider of offset −1.
        stay: that of offset 0.
        forward: that of offset +1.
    """

    value = traitlets.Tuple((0.0, 1.0, 0.0))

    def __init__(self, value: Sequence[float] = (0.0, 1.0, 0.0)) -> None:
        """Start from these three numbers."""
        names = ("s(−1) step back", "s(0) stay", "s(+1) step forward")
        self.sliders = [slider(name, 0.0, 0.0, 1.0, 0.01, widens=False) for name in names]
        self.back, self.stay, self.forward = self.sliders
        self._moving = False
        super().__init__([with_box(one) for one in self.sliders])
        self.value = tuple(value)
        self._show(self.value)
        for one in self.sliders:
            one.observe(self._moved, "value")

    @traitlets.validate("value")
    def _as_distribution(self, proposal: dict) -> tuple[float, ...]:
        given = [float(number) for number in proposal["value"]]
        if len(given) != 3 or min(given) < 0 or not 0 < sum(given) < float("inf"):
            raise ValueError(f"expected three numbers of at least 0, not all 0, got {given}")
        return tuple(round(number / sum(given), 12) for number in given)

    @traitlets.observe("value")
    def _changed(self, change: dict) -> None:
        self._show(change["new"])

    def _show(self, numbers: Sequence[float]) -> None:
        self._moving = True
        for one, number in zip(self.sliders, numbers, strict=True):
            one.value = number
        self._moving = False

    def _moved(self, change: dict) -> None:
        """Keep the moved slider's value and give the rest to the others, in their proportion."""
        if self._moving:
            return
        kept = min(change["new"], 1.0)
        others = [one.value for one in self.sliders if one is not change["owner"]]
        total = sum(others)
        shares = iter([one / total if total > 0 else 0.5 for one in others])
        self.value = tuple(
            kept if one is change["owner"] else (1 - kept) * next(shares) for one in self.sliders
        )
        self._show(self.value)

    def __repr__(self) -> str:
        """Name the control; the same text at every run."""
        return f"Distribution({', '.join(f'{number:.3g}' for number in self.value)})"


class NumberBoxes(ipywidgets.VBox):
    """A box for each number of a small matrix; larger ones are set from code alone."""

    def __init__(self, label: str, changed: Callable[[int, int, float], None]) -> None:
        """Call `changed` with row, column and number when one is edited."""
        self.label, self.changed = label, changed
        self.boxes: list[list[ipywidgets.FloatText]] = []
        self._filling = False
        super().__init__()

    def fill(self, matrix: Tensor) -> None:
        """Show this matrix."""
        rows, columns = matrix.shape
        words = ""
        if rows * columns > MOST_BOXES:
            words = f"{self.label}: {rows} × {columns} numbers; set them from code"
        elif not matrix.isfinite().all():
            words = f"{self.label}: a number in it is NaN or infinite; change it in the picture"
        if words:
            self.boxes, self.children = [], (ipywidgets.Label(words),)
            return
        if (len(self.boxes), len(self.boxes[0]) if self.boxes else 0) != (rows, columns):
            self._build(rows, columns)
        self._filling = True
        for boxes, numbers in zip(self.boxes, matrix.tolist(), strict=True):
            for box, number in zip(boxes, numbers, strict=True):
                box.value = short(number)
        self._filling = False

    def _build(self, rows: int, columns: int) -> None:
        self.boxes = [
            [ipywidgets.FloatText(step=0.1, layout=NARROW, style=UNSEEN) for _ in range(columns)]
            for _ in range(rows)
        ]
        for row, boxes in enumerate(self.boxes):
            for column, box in enumerate(boxes):
                box.description = f"{self.label}, row {row}, number {column}"
                box.observe(partial(self._edited, row, column), "value")
        lines = [ipywidgets.HBox(boxes) for boxes in self.boxes]
        self.children = (ipywidgets.Label(self.label), *lines)

    def _edited(self, row: int, column: int, change: dict) -> None:
        if not self._filling:
            self.changed(row, column, change["new"])
