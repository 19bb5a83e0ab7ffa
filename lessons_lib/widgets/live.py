"""What the live widgets share: tensors to read, to set, and to edit in the picture itself.

A live widget keeps its tensors in ``given``. Setting one from code, typing into a number box, and
editing a cell of the picture all end in the same place: the tensor changes, all is computed again
by the library's functions, and the picture is drawn.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Self

import ipywidgets
import torch
from torch import Tensor

from lessons_lib.widgets.base import Picture, as_tensor
from lessons_lib.widgets.controls import NumberBoxes

ROW = {"flex_flow": "row wrap"}
FLOAT32_MOST = torch.finfo(torch.float32).max


class Given:
    """A tensor of a live widget; reading gives a copy, setting checks it and draws anew."""

    def __init__(self, doc: str) -> None:
        """Say what the tensor is and its shape."""
        self.__doc__ = doc

    def __set_name__(self, owner: type, name: str) -> None:
        """Learn the name under which the widget keeps it."""
        self.name = name

    def __get__(self, widget: LiveWidget | None, owner: type) -> Tensor | Self:
        """Return a copy, so that only setting changes the widget."""
        return self if widget is None else widget.given[self.name].clone()

    def __set__(self, widget: LiveWidget, numbers: object) -> None:
        """Check the numbers and draw them."""
        widget.take(self.name, numbers)


class LivePicture(Picture):
    """A picture whose cells can be edited; what is typed there is told to the widget.

    Messages from the page: {"kind": "edit", "grid": name, "row": …, "column": …, "number": …} and
    {"kind": "choose", "grid": name, "row": …}.
    """

    def __init__(self, **traits: object) -> None:
        """Make a picture that nobody listens to yet."""
        super().__init__(**traits)
        self.edited: Callable[[str, int, int, float], None] | None = None
        self.chosen: Callable[[str, int], None] | None = None
        self.on_msg(self._told)

    def _told(self, _widget: object, content: Any, _buffers: object) -> None:
        kind = content.get("kind") if isinstance(content, dict) else None
        if kind == "choose" and self.chosen:
            self.chosen(str(content["grid"]), int(content["row"]))
        if kind == "edit" and self.edited and abs(float(content["number"])) <= FLOAT32_MOST:
            place = (str(content["grid"]), int(content["row"]), int(content["column"]))
            self.edited(*place, float(content["number"]))


class LiveWidget(ipywidgets.VBox):
    """Sliders above a picture that the kernel computes.

    A widget of this kind says how a tensor is checked (``_check``), how its picture is drawn
    (``_draw``), and where a cell of the picture lies in its tensors (``_cell``).

    Attributes:
        given: the tensors that all is computed from, by name.
        picture: the canvas.
    """

    def __init__(self, picture: LivePicture) -> None:
        """Listen to the picture; draw nothing before ``_start``."""
        super().__init__()
        self.given: dict[str, Tensor] = {}
        self.picture = picture
        self._boxes: dict[str, NumberBoxes] = {}
        self._ready = False
        picture.edited = self._edit_cell
        picture.chosen = self._choose

    def take(self, name: str, numbers: object) -> None:
        """Check a tensor, keep it, and draw.

        Raises:
            ValueError: the numbers do not fit the others.
        """
        self.given[name] = self._check(name, numbers)
        self._refill()

    def _check(self, name: str, numbers: object) -> Tensor:
        raise NotImplementedError

    def _draw(self, lit: str = "") -> None:
        raise NotImplementedError

    def _cell(self, grid: str, row: int, column: int) -> tuple[str, tuple[int, ...]]:
        """Return the tensor and the place in it that a cell of a grid shows."""
        raise NotImplementedError

    def _choose(self, grid: str, row: int) -> None:
        """Answer a row that was chosen in the picture."""

    def _changed(self, name: str) -> str:
        """Return the stage that a new number of this tensor changes first."""
        return ""

    def _edit_cell(self, grid: str, row: int, column: int, number: float) -> None:
        """Set one number, which was edited in a box or in the picture."""
        name, place = self._cell(grid, row, column)
        tensor = self.given[name].clone()
        tensor[place] = number
        self.given[name] = tensor
        self._fill_boxes()
        self._draw(self._changed(name))

    def _number_boxes(self, grid: str, label: str) -> NumberBoxes:
        """Make boxes for the numbers of a grid."""
        self._boxes[grid] = NumberBoxes(
            label, lambda row, column, number: self._edit_cell(grid, row, column, number)
        )
        return self._boxes[grid]

    def _grid(self, grid: str) -> Tensor:
        """Return a grid as the picture shows it, rows by columns."""
        raise NotImplementedError

    def _fill_boxes(self) -> None:
        for grid, boxes in self._boxes.items():
            boxes.fill(self._grid(grid))

    def _refill(self) -> None:
        if self._ready:
            self._fill_boxes()
            self._draw()

    def _start(self) -> None:
        """Draw, from here on at every change."""
        self._ready = True
        self._refill()


def checked_key(numbers: object, memory: Tensor) -> Tensor:
    """Return a key as wide as the memory's slots.

    Raises:
        ValueError: it is not.
    """
    key = as_tensor("key", numbers, "width")
    if len(key) != memory.shape[1]:
        raise ValueError(f"expected key ({memory.shape[1]},), got {tuple(key.shape)}")
    return key


def not_finite(**tensors: Tensor) -> list[str]:
    """Name the first number of each tensor that is NaN or infinite, and how many more there are."""
    words = []
    for name, tensor in tensors.items():
        bad = (~torch.isfinite(tensor)).nonzero()
        if not len(bad):
            continue
        axes = ("number",) if tensor.ndim == 1 else ("slot", "number")
        first = ", ".join(f"{a} {i}" for a, i in zip(axes, bad[0].tolist(), strict=True))
        value = tensor[tuple(bad[0])].item()
        more = f" (and {len(bad) - 1} more)" if len(bad) > 1 else ""
        shown = "NaN" if math.isnan(value) else f"{'−' if value < 0 else ''}∞"
        words.append(f"{name}, {first}, is {shown}{more}")
    return words
