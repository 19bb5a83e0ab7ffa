"""The picture of the stages of addressing: memory and key, then w_{t−1} → w^c → w^g → w̃ → w."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import traitlets
from matplotlib.figure import Figure
from torch import Tensor
from torch.nn.functional import cosine_similarity

from lessons_lib import figures
from lessons_lib.trace import HeadTrace
from lessons_lib.widgets.base import script, style
from lessons_lib.widgets.live import LivePicture, not_finite

LIT = {  # the stage that each control changes
    "key_strength": "content",
    "gate": "interpolated",
    "shift": "shifted",
    "sharpening": "weights",
}


class StagesPicture(LivePicture):
    """The canvas: the memory, the key, and each stage from w_{t−1} to w.

    Attributes:
        lit: the stage whose equation is lit.
        editable: whether the numbers can be changed in the picture.
        status: lines of words above the canvas, spoken when they change.
        won: whether those words are of a success.
    """

    _esm = script("playground.js")
    _css = style("editing.css")
    lit = traitlets.Unicode("").tag(sync=True)
    editable = traitlets.Bool(True).tag(sync=True)
    status = traitlets.List(traitlets.Unicode()).tag(sync=True)
    won = traitlets.Bool(False).tag(sync=True)

    def show(
        self,
        memory: Tensor,
        key: Tensor,
        stages: dict[str, Tensor],
        chosen: dict[str, Tensor],
        *,
        target: Tensor | None = None,
        editable: bool = True,
    ) -> None:
        """Send all numbers in one message.

        Args:
            memory: M, (S, W).
            key: k, (W,).
            stages: the five weightings in their order, (S,) each.
            chosen: β, g, s and γ, as `parameters` makes them.
            target: a weighting to compare w with, (S,), or None.
            editable: whether memory, key and w_{t−1} can be changed in the picture.
        """
        sent = {
            "memory": memory,
            "key": key[None],
            "cosine": cosine_similarity(key[None], memory, dim=-1),
            **stages,
            **chosen,
            "sums": torch.stack([stage.sum() for stage in stages.values()]),
        }
        if target is not None:
            sent["target"] = target
        with self.hold_sync():
            self.editable = editable
            self.problems = problems(memory, key, stages)
            self.put(sent)


def parameters(
    key_strength: float, gate: float, shift: Sequence[float], sharpening: float
) -> dict[str, Tensor]:
    """Return what a head emits beside its key, as the tensors that the picture shows."""
    given = {"key_strength": [key_strength], "gate": [gate], "sharpening": [sharpening]}
    given["shift"] = list(shift)
    return {name: torch.tensor(value, dtype=torch.float32) for name, value in given.items()}


def still(stages: dict[str, Tensor], chosen: dict[str, Tensor]) -> Figure:
    """Return the stages as a figure for print."""
    recorded = {name: stage[None, None, None] for name, stage in stages.items()}
    scalars = {name: value[None, None] for name, value in chosen.items() if name != "shift"}
    shift = chosen["shift"][None, None, None]
    return figures.draw_stages(HeadTrace(shift=shift, **scalars, **recorded), 0)


def problems(memory: Tensor, key: Tensor, stages: dict[str, Tensor]) -> list[str]:
    """Say which number is no number, and which stages it reaches."""
    causes = not_finite(memory=memory, key=key, previous=stages["previous"])
    symbols = {"previous": "w(t−1)", "content": "wᶜ", "interpolated": "wᵍ", "shifted": "w̃"}
    symbols["weights"] = "w"
    bad = [symbols[name] for name, stage in stages.items() if not torch.isfinite(stage).all()]
    if not bad:
        return causes
    reached = f"not finite: {', '.join(bad)}"
    return [*causes, reached if causes else f"{reached}; a setting is too large for a float32"]
