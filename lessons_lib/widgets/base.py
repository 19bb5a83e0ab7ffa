"""What all pictures share: their script, their style, and how numbers travel to the browser.

A picture is an anywidget. Its script is a plain ES module beside this file that imports
``shared.js`` and, where it is long, modules of its own; a browser gets one text, so they are joined
here, at import, with no build step.
Numbers travel once, as one buffer of float32, with an index of names and shapes; so NaN and
infinity arrive as they are.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import anywidget
import torch
import traitlets
from torch import Tensor

HERE = Path(__file__).parent
IMPORT = re.compile(r'^(?:import|export) \{[^}]*\} from "\./(\w+\.js)";\n', re.MULTILINE)
EXPORT = re.compile(r"^export (?!default\b)", re.MULTILINE)


def script(name: str) -> str:
    """Return the widget's module after every module that it imports, each once, as one text.

    The modules share one scope then, so a name may be declared at the top of one of them only.

    Raises:
        ValueError: an import that is not ``import { names } from "./module.js";``.
    """
    texts: dict[str, str] = {}

    def join(module: str) -> None:
        text = (HERE / module).read_text(encoding="utf-8")
        for needed in IMPORT.findall(text):
            if needed not in texts:
                join(needed)
        texts[module] = EXPORT.sub("", IMPORT.sub("", text))

    join(name)
    joined = "".join(texts.values())
    if re.search(r"^import\b", joined, re.MULTILINE):
        raise ValueError(f'expected imports like import {{ names }} from "./module.js" in {name}')
    return joined


def style(*more: str) -> str:
    """Return the style sheet of all pictures, then these of one picture's own."""
    return "".join((HERE / name).read_text(encoding="utf-8") for name in ("shared.css", *more))


class Picture(anywidget.AnyWidget):
    """A canvas and the numbers on it.

    Attributes:
        numbers: every number of the picture, float32, one tensor after the other.
        index: for each name, where its tensor starts and its shape: {"start": …, "shape": […]}.
        problems: what is wrong with the numbers, in words; shown above the picture.
    """

    numbers = traitlets.Bytes(b"").tag(sync=True)
    index = traitlets.Dict().tag(sync=True)
    problems = traitlets.List(traitlets.Unicode()).tag(sync=True)

    def __init__(self, **traits: object) -> None:
        """Make the picture, and answer when a page asks whether a kernel is there."""
        super().__init__(**traits)
        self.on_msg(_answer)

    def put(self, tensors: Mapping[str, Tensor]) -> None:
        """Send these tensors in the place of the former ones, in one message."""
        numbers, index = pack(tensors)
        with self.hold_sync():
            self.index = index
            self.numbers = numbers

    def __repr__(self) -> str:
        """Name the picture; the same text at every run."""
        return f"{type(self).__name__}()"


def pack(tensors: Mapping[str, Tensor]) -> tuple[bytes, dict[str, dict]]:
    """Lay tensors one after the other as float32, and tell where each starts and its shape."""
    flat, index, start = [], {}, 0
    for name, tensor in tensors.items():
        part = tensor.detach().to("cpu", torch.float32).contiguous()
        index[name] = {"start": start, "shape": list(part.shape)}
        start += part.numel()
        flat.append(part.flatten())
    joined = torch.cat(flat) if flat else torch.zeros(0)
    return joined.numpy().astype("<f4", copy=False).tobytes(), index


def as_tensor(name: str, values: object, *axes: str, like: Tensor | None = None) -> Tensor:
    """Turn numbers into a float tensor of the named axes.

    Raises:
        ValueError: the numbers have another rank, an axis of size 0, or are no numbers.
    """
    try:
        tensor = torch.as_tensor(values)
        tensor = tensor.detach().to("cpu", torch.float32 if like is None else like.dtype).clone()
    except (TypeError, ValueError, RuntimeError) as error:
        raise ValueError(f"expected {name} as numbers ({', '.join(axes)}): {error}") from None
    if tensor.ndim != len(axes) or 0 in tensor.shape:
        raise ValueError(f"expected {name} ({', '.join(axes)}), got {tuple(tensor.shape)}")
    return tensor


def pick_sequence(tensor: Tensor | None, sequence: int) -> Tensor | None:
    """Take one sequence of a recorded tensor: (T, B, …) becomes (T, …)."""
    return None if tensor is None else tensor[:, sequence]


def _answer(widget: Picture, content: object, _buffers: object) -> None:
    if isinstance(content, dict) and content.get("kind") == "is a kernel there?":
        widget.send({"kind": "a kernel is here"})
