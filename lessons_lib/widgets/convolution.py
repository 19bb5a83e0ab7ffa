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
from lessons_lib.widgets.base import Picture, as_tensor, script, style
from lessons_lib.widgets.controls import NumberBoxes, slider

CONSTANT = 1e-6
SLOTS, WIDTH, MAPS, KERNEL_SIZE = 8, 4, 2, 3
SEED = 7
Numbers = Tensor | Sequence | None


class KernelPicture(Picture):
    """The canvas: memory, kernel, their product at one slot, and all the pointers.

    Attributes:
        position: the slot under the middle of the kernel.
    """

    _esm = script("convolution.js")
    _css = style()
    position = traitlets.Int(0).tag(sync=True)
    slots = traitlets.Int(1).tag(sync=True)

    @traitlets.validate("position")
    def _check_position(self, proposal: dict) -> int:
        return min(max(proposal["value"], 0), self.slots - 1)


class ConvolutionStepper(ipywidgets.VBox):
    """One write pointer and R read pointers of an L-NTM, computed by ``lessons_lib.addressing``.

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

    def __init__(
        self,
        memory: Numbers = None,
        kernel: Numbers = None,
        *,
        read_kernels: Numbers = None,
        key: Numbers = None,
    ) -> None:
        """Show the pointers, with ordinary controls above the picture."""
        self._ready = False
        generator = torch.Generator().manual_seed(SEED)
        given = None if memory is None else as_tensor("memory", memory, "slots", "width")
        shape = (SLOTS, WIDTH) if given is None else tuple(given.shape)
        self._starts = {
            "Gaussian": torch.randn(shape, generator=generator),
            "constant": torch.full(shape, CONSTANT),
        }
        if given is not None:
            self._starts = {"given": given, **self._starts}
        self._memory = next(iter(self._starts.values()))
        drawn = torch.randn(1 + MAPS, shape[1], KERNEL_SIZE, generator=generator).mul(0.7)
        drawn = drawn.mul(10).round().div(10)
        self._kernel = self._checked_kernel(drawn[0] if kernel is None else kernel)
        self._read_kernels = self._checked_maps(drawn[1:] if read_kernels is None else read_kernels)
        third = self._memory[min(2, len(self._memory) - 1)]
        self._key = self._checked_key(third if key is None else key)
        self._make_controls()
        super().__init__(self._laid_out())
        self._ready = True
        self._refill()

    @property
    def position(self) -> int:
        """The slot under the middle of the kernel; to read and to set."""
        return self.picture.position

    @position.setter
    def position(self, slot: int) -> None:
        self.picture.position = slot

    @property
    def memory(self) -> Tensor:
        """S, (S, W); setting one of the same size makes it the start "given"."""
        return self._memory.clone()

    @memory.setter
    def memory(self, numbers: Numbers) -> None:
        memory = as_tensor("memory", numbers, "slots", "width")
        if memory.shape != self._memory.shape:
            wanted = tuple(self._memory.shape)
            raise ValueError(f"expected memory {wanted}, got {tuple(memory.shape)}")
        self._starts["given"] = memory
        self._ready = False
        self.start.options = tuple(self._starts)
        self.start.value = "given"
        self._ready = True
        self._memory = memory
        self._refill()

    @property
    def kernel(self) -> Tensor:
        """K of the write pointer, (W, k)."""
        return self._kernel.clone()

    @kernel.setter
    def kernel(self, numbers: Numbers) -> None:
        self._kernel = self._checked_kernel(numbers)
        self._refill()

    @property
    def read_kernels(self) -> Tensor:
        """K of the read pointers, (R, W, k); R stays."""
        return self._read_kernels.clone()

    @read_kernels.setter
    def read_kernels(self, numbers: Numbers) -> None:
        kernels = self._checked_maps(numbers)
        if len(kernels) != len(self.gates):
            raise ValueError(f"expected {len(self.gates)} read kernels, got {len(kernels)}")
        self._read_kernels = kernels
        self._refill()

    @property
    def key(self) -> Tensor:
        """c, (W,)."""
        return self._key.clone()

    @key.setter
    def key(self, numbers: Numbers) -> None:
        self._key = self._checked_key(numbers)
        self._refill()

    def still(self) -> Figure:
        """Return the write pointer's stages and each read pointer's as a figure for print."""
        return figures.draw_pointers(self._memory, self._as_head("write"), self._as_head("read"))

    def __repr__(self) -> str:
        """Name the widget and its size; the same text at every run."""
        slots, width = self._memory.shape
        return f"ConvolutionStepper({slots} slots × {width}, {len(self._read_kernels)} read maps)"

    def _checked_kernel(self, numbers: Numbers) -> Tensor:
        kernel = as_tensor("kernel", numbers, "width", "k")
        width = self._memory.shape[1]
        if len(kernel) != width or kernel.shape[1] % 2 == 0:
            raise ValueError(f"expected kernel ({width}, odd k), got {tuple(kernel.shape)}")
        return kernel

    def _checked_maps(self, numbers: Numbers) -> Tensor:
        kernels = as_tensor("read_kernels", numbers, "maps", "width", "k")
        for kernel in kernels:
            self._checked_kernel(kernel)
        return kernels

    def _checked_key(self, numbers: Numbers) -> Tensor:
        key = as_tensor("key", numbers, "width")
        if len(key) != self._memory.shape[1]:
            raise ValueError(f"expected key ({self._memory.shape[1]},), got {tuple(key.shape)}")
        return key

    def _make_controls(self) -> None:
        self.picture = KernelPicture(slots=len(self._memory))
        self.start = ipywidgets.ToggleButtons(options=tuple(self._starts))
        self.start.style.button_width = "90px"
        self.sharpening = slider("γ focus", 1.0, 1.0, 20.0, 0.1)
        self.key_strength = slider("β key strength", 5.0, 0.0, 50.0, 0.1)
        self.gates = [
            slider(f"g({index}) gate of read {index}", 0.5, 0.0, 1.0, 0.01, widens=False)
            for index in range(len(self._read_kernels))
        ]
        self._boxes = {
            "kernel": NumberBoxes("write kernel K: a row an offset", self._edit_kernel),
            "key": NumberBoxes("key c", self._edit_key),
        }
        self.start.observe(self._choose_start, "value")
        for control in (self.sharpening, self.key_strength, *self.gates):
            control.observe(lambda _change: self._draw(), "value")

    def _laid_out(self) -> list[ipywidgets.Widget]:
        wrap = {"flex_flow": "row wrap"}
        sliders = [self.sharpening, self.key_strength, *self.gates]
        shown, folded = sliders[:6], sliders[6:]
        numbers = ipywidgets.HBox([*self._boxes.values(), *folded], layout=wrap)
        folds = ipywidgets.Accordion([numbers], titles=("edit the numbers",), selected_index=None)
        start = ipywidgets.HBox([ipywidgets.Label("memory starts"), self.start], layout=wrap)
        return [start, ipywidgets.HBox(shown, layout=wrap), self.picture, folds]

    def _choose_start(self, change: dict) -> None:
        if self._ready:
            self._memory = self._starts[change["new"]]
            self._draw()

    def _edit_kernel(self, offset: int, column: int, number: float) -> None:
        self._kernel = self._kernel.clone()
        self._kernel[column, offset] = number
        self._draw()

    def _edit_key(self, _row: int, column: int, number: float) -> None:
        self._key = self._key.clone()
        self._key[column] = number
        self._draw()

    def _refill(self) -> None:
        self._boxes["kernel"].fill(self._kernel.T)
        self._boxes["key"].fill(self._key[None])
        self._draw()

    def _draw(self) -> None:
        """Compute all stages by the library's functions and send them."""
        if not self._ready:
            return
        self.stages = self._compute()
        given = {"memory": self._memory, "kernel": self._kernel.T, "key": self._key[None]}
        parameters = {
            "sharpening": torch.tensor([self.sharpening.value]),
            "key_strength": torch.tensor([self.key_strength.value]),
            "gates": torch.tensor([gate.value for gate in self.gates]),
        }
        bad = [name for name, stage in self.stages.items() if not torch.isfinite(stage).all()]
        with self.picture.hold_sync():
            self.picture.problems = [f"{name} is not finite" for name in bad]
            self.picture.put(given | self.stages | parameters)

    def _compute(self) -> dict[str, Tensor]:
        memory = self._memory[None]
        scores = memory_scores(memory, self._kernel[None])
        global_map = torch.softmax(scores, dim=-1)
        weights = sharpen(global_map, torch.tensor([[self.sharpening.value]]))
        read_scores = memory_scores(memory, self._read_kernels)
        read_maps = torch.softmax(read_scores, dim=-1)
        strength = torch.tensor([[self.key_strength.value]])
        content = content_weights(memory, self._key[None, None], strength)
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
        half = self._kernel.shape[1] // 2
        padded = pad(self._memory, (0, 0, half, half))
        windows = padded.unfold(0, 2 * half + 1, 1)  # (S, W, k)
        return (windows * self._kernel).transpose(1, 2).contiguous()

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
