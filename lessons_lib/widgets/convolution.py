"""The convolution stepper: a kernel slides over the whole memory and makes a pointer of it.

Writing: convolution → softmax → focus (L-NTM eqs. 6-8). Reading: each kernel's map is blended with
what the key finds, by a gate of its own (L-NTM eqs. 9-10).
"""

from __future__ import annotations

from collections.abc import Sequence

import ipywidgets
import torch
import traitlets
from matplotlib.figure import Figure
from torch import Tensor
from torch.nn.functional import pad

from lessons_lib import figures
from lessons_lib.addressing import content_weights, interpolate, memory_scores, sharpen
from lessons_lib.trace import HeadTrace
from lessons_lib.widgets.base import as_tensor, script, style
from lessons_lib.widgets.controls import slider, with_box
from lessons_lib.widgets.live import ROW, Given, LivePicture, LiveWidget, checked_key, not_finite
from lessons_lib.widgets.still import WithStill

CONSTANT = 1e-6
SLOTS, WIDTH, MAPS, KERNEL_SIZE = 8, 4, 2, 3
GATES_SHOWN = 4  # further gates are folded away with the number boxes
SEED = 7
Numbers = Tensor | Sequence | None


class KernelPicture(LivePicture):
    """The canvas: memory, kernel, their product at one slot, and all the pointers.

    Attributes:
        position: the slot under the middle of the kernel.
    """

    _esm = script("convolution.js")
    _css = style("editing.css")
    position = traitlets.Int(0).tag(sync=True)
    slots = traitlets.Int(1).tag(sync=True)

    @traitlets.validate("position")
    def _check_position(self, proposal: dict) -> int:
        return min(max(proposal["value"], 0), self.slots - 1)


class ConvolutionStepper(WithStill, LiveWidget):
    """One write pointer and R read pointers of an L-NTM, computed by ``lessons_lib.addressing``.

    The numbers of the kernels and the key can be typed and dragged in the picture.

    Args:
        memory: S, (S, W); None is Gaussian, eight slots of four numbers.
        kernel: K of the write pointer, (W, k) with an odd k; None is drawn at random.
        read_kernels: those of the read pointers, (R, W, k); None is two at random.
        key: c, (W,), what the content part of the reads looks for; None is the third slot.

    Attributes:
        start: what the memory is: "Gaussian", "constant" 1e-6, or "given".
        sharpening: the slider of γ ≥ 1 (L-NTM eq. 8).
        key_strength: the slider of β ≥ 0 (L-NTM eq. 9).
        gates: a slider of g in [0, 1] for each read pointer (L-NTM eq. 10); 1 is w^c alone.
        stages: what was computed last, by name.

    Raises:
        ValueError: the numbers do not fit together, or k is even.
    """

    memory = Given("""S, (S, W); setting one of the same size makes it the start "given".""")
    kernel = Given("K of the write pointer, (W, k).")
    read_kernels = Given("K of the read pointers, (R, W, k); R stays.")
    key = Given("c, (W,).")

    def __init__(
        self,
        memory: Numbers = None,
        kernel: Numbers = None,
        *,
        read_kernels: Numbers = None,
        key: Numbers = None,
    ) -> None:
        """Show the pointers, with ordinary controls above the picture."""
        super().__init__(KernelPicture())
        self.gates: list[ipywidgets.FloatSlider] = []
        generator = torch.Generator().manual_seed(SEED)
        given = None if memory is None else as_tensor("memory", memory, "slots", "width")
        shape = (SLOTS, WIDTH) if given is None else tuple(given.shape)
        self._starts = {
            "Gaussian": torch.randn(shape, generator=generator),
            "constant": torch.full(shape, CONSTANT),
        }
        if given is not None:
            self._starts = {"given": given, **self._starts}
        self.given["memory"] = next(iter(self._starts.values()))
        drawn = torch.randn(1 + MAPS, shape[1], KERNEL_SIZE, generator=generator).mul(0.7)
        drawn = drawn.mul(10).round().div(10)
        self.take("kernel", drawn[0] if kernel is None else kernel)
        self.take("read_kernels", drawn[1:] if read_kernels is None else read_kernels)
        third = self.given["memory"][min(2, shape[0] - 1)]
        self.take("key", third if key is None else key)
        self._make_controls()
        self.children = self._laid_out()
        self._start()

    @property
    def position(self) -> int:
        """The slot under the middle of the kernel; to read and to set."""
        return self.picture.position

    @position.setter
    def position(self, slot: int) -> None:
        self.picture.position = slot

    def still(self) -> Figure:
        """Return the write pointer's stages and each read pointer's as a figure for print."""
        return figures.draw_pointers(self.memory, self._as_head("write"), self._as_head("read"))

    def __repr__(self) -> str:
        """Name the widget and its size; the same text at every run."""
        slots, width = self.given["memory"].shape
        return f"ConvolutionStepper({slots} slots × {width}, {len(self.gates)} read maps)"

    def _check(self, name: str, numbers: object) -> Tensor:
        memory = self.given["memory"]
        if name == "key":
            return checked_key(numbers, memory)
        if name == "kernel":
            return _checked_kernel(as_tensor("kernel", numbers, "width", "k"), memory)
        if name == "memory":
            return self._checked_memory(numbers)
        kernels = as_tensor("read_kernels", numbers, "maps", "width", "k")
        _checked_kernel(kernels[0], memory)
        if self.gates and len(kernels) != len(self.gates):
            raise ValueError(f"expected {len(self.gates)} read kernels, got {len(kernels)}")
        return kernels

    def _checked_memory(self, numbers: object) -> Tensor:
        """Return the memory and make it the start "given"."""
        memory = as_tensor("memory", numbers, "slots", "width")
        wanted = tuple(self.given["memory"].shape)
        if memory.shape != wanted:
            raise ValueError(f"expected memory {wanted}, got {tuple(memory.shape)}")
        self._starts["given"] = memory
        self._ready = False
        self.start.options = tuple(self._starts)
        self.start.value = "given"
        self._ready = True
        return memory

    def _make_controls(self) -> None:
        self.picture.slots = len(self.given["memory"])
        self.start = ipywidgets.ToggleButtons(options=tuple(self._starts))
        self.start.style.button_width = "90px"
        self.sharpening = slider("γ focus", 1.0, 1.0, 20.0, 0.1)
        self.key_strength = slider("β key strength", 5.0, 0.0, 50.0, 0.1)
        self.gates = [
            slider(f"g({index}) gate of read {index}", 0.5, 0.0, 1.0, 0.01, widens=False)
            for index in range(len(self.given["read_kernels"]))
        ]
        self.start.observe(self._choose_start, "value")
        for control in (self.sharpening, self.key_strength, *self.gates):
            control.observe(lambda _change: self._draw(), "value")

    def _laid_out(self) -> list[ipywidgets.Widget]:
        left = ipywidgets.VBox([with_box(self.sharpening), with_box(self.key_strength)])
        gates = [with_box(gate) for gate in self.gates]
        shown, folded = gates[:GATES_SHOWN], gates[GATES_SHOWN:]
        boxes = [
            self._number_boxes("kernel", "write kernel K: a row an offset"),
            self._number_boxes("key", "key c"),
        ]
        numbers = ipywidgets.HBox([*boxes, *folded], layout=ROW)
        title = "edit the numbers" + (", and further gates" if folded else "")
        folds = ipywidgets.Accordion([numbers], titles=(title,), selected_index=None)
        sliders = ipywidgets.HBox([left, ipywidgets.VBox(shown)], layout=ROW)
        start = ipywidgets.HBox([ipywidgets.Label("memory starts"), self.start], layout=ROW)
        return [start, sliders, self.picture, folds]

    def _choose_start(self, change: dict) -> None:
        if self._ready:
            self.given["memory"] = self._starts[change["new"]]
            self._draw()

    def _grid(self, grid: str) -> Tensor:
        return self.given["kernel"].T if grid == "kernel" else self.given["key"][None]

    def _cell(self, grid: str, row: int, column: int) -> tuple[str, tuple[int, ...]]:
        """Return the place of a number; the picture shows a kernel's offsets as its rows."""
        if grid == "key":
            return "key", (column,)
        if grid == "kernel":
            return "kernel", (column, row)
        return "read_kernels", (int(grid.removeprefix("read_kernel ")), column, row)

    def _draw(self, lit: str = "") -> None:
        """Compute all stages by the library's functions and send them."""
        if not self._ready:
            return
        self.stages = self._compute()
        given = {
            "memory": self.given["memory"],
            "kernel": self.given["kernel"].T,
            "key": self.given["key"][None],
            "read_kernels": self.given["read_kernels"].transpose(1, 2),
        }
        parameters = {
            "sharpening": torch.tensor([self.sharpening.value]),
            "key_strength": torch.tensor([self.key_strength.value]),
            "gates": torch.tensor([gate.value for gate in self.gates]),
        }
        weightings = [self.stages["global_map"], self.stages["weights"]]
        weightings += self.stages["read_weights"].unbind()
        parameters["sums"] = torch.stack([weighting.sum() for weighting in weightings])
        with self.picture.hold_sync():
            self.picture.problems = self._problems()
            self.picture.put(given | self.stages | parameters)

    def _problems(self) -> list[str]:
        """Say which number is no number, and which pointers it reaches."""
        given = {name: self.given[name] for name in ("memory", "key")}
        causes = not_finite(**given)
        for name in ("kernel", "read_kernels"):
            if not torch.isfinite(self.given[name]).all():
                causes.append(f"{name} has a number that is NaN or infinite")
        shown = {"global_map": "softmax", "weights": "w write", "content": "wᶜ"}
        shown |= {"scores": "scores", "read_maps": "wˡ", "read_weights": "w read"}
        bad = [
            words for name, words in shown.items() if not torch.isfinite(self.stages[name]).all()
        ]
        return [*causes, f"not finite: {', '.join(bad)}"] if bad else causes

    def _compute(self) -> dict[str, Tensor]:
        memory, kernels = self.given["memory"][None], self.given["read_kernels"]
        scores = memory_scores(memory, self.given["kernel"][None])
        global_map = torch.softmax(scores, dim=-1)
        weights = sharpen(global_map, torch.tensor([[self.sharpening.value]]))
        read_scores = memory_scores(memory, kernels)
        read_maps = torch.softmax(read_scores, dim=-1)
        strength = torch.tensor([[self.key_strength.value]])
        content = content_weights(memory, self.given["key"][None, None], strength)
        gates = torch.tensor([[gate.value for gate in self.gates]])
        pointers = interpolate(content.expand_as(read_maps), read_maps, gates)
        return {
            "products": self._products(),
            "scores": scores[0, 0],
            "global_map": global_map[0, 0],
            "weights": weights[0, 0],
            "read_scores": read_scores[0],
            "read_maps": read_maps[0],
            "content": content[0, 0],
            "read_weights": pointers[0],
        }

    def _products(self) -> Tensor:
        """Return each product under the sum of L-NTM eq. 6, (S, k, W); zeros beyond the ends."""
        kernel = self.given["kernel"]
        half = kernel.shape[1] // 2
        padded = pad(self.given["memory"], (0, 0, half, half))
        windows = padded.unfold(0, 2 * half + 1, 1)  # (S, W, k)
        return (windows * kernel).transpose(1, 2).contiguous()

    def _as_head(self, which: str) -> HeadTrace:
        """Return the stages as a record of one step."""
        stages = self.stages
        if which == "write":
            names = {"global_map": stages["global_map"], "weights": stages["weights"]}
            found = {"scores": stages["scores"], **names}
            return HeadTrace(**{name: stage[None, None, None] for name, stage in found.items()})
        content = stages["content"].expand_as(stages["read_maps"])
        found = {"content": content, "global_map": stages["read_maps"]}
        found["weights"] = stages["read_weights"]
        return HeadTrace(**{name: stage[None, None] for name, stage in found.items()})


def _checked_kernel(kernel: Tensor, memory: Tensor) -> Tensor:
    width = memory.shape[1]
    if len(kernel) != width or kernel.shape[1] % 2 == 0:
        raise ValueError(f"expected kernel ({width}, odd k), got {tuple(kernel.shape)}")
    return kernel
