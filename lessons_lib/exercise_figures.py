"""Still pictures of what a learner's function returned, right or wrong, whatever its shape."""

from __future__ import annotations

from typing import Any

import matplotlib.pyplot as plt
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from lessons_lib.agreement import tensors

MOST_ROWS = 4


def draw_rows(result: Any, xlabel: str = "position", ylabel: str = "value") -> Figure | None:
    """Draw each row of the result's tensors as bars with their numbers; None without a tensor."""
    rows = _rows(result)
    if not rows:
        return None
    figure, axes = plt.subplots(
        len(rows),
        1,
        figsize=(6, 1.1 + 1.2 * len(rows)),
        squeeze=False,
        sharey=True,
        layout="constrained",
    )
    for ax, (name, row) in zip(axes[:, 0], rows, strict=True):
        _bars(ax, row)
        ax.set_ylabel(name or ylabel)
    axes[-1, 0].set_xlabel(xlabel)
    figure.suptitle("your result")
    plt.close(figure)  # it is shown once, as the value of the cell
    return figure


def draw_weights(result: Any) -> Figure | None:
    """Draw weightings, a row of bars for each head."""
    return draw_rows(result, xlabel="slot", ylabel="weight")


def draw_memory(result: Any) -> Figure | None:
    """Draw memories or reads as bars, a row for each slot or head."""
    return draw_rows(result, xlabel="number in the vector", ylabel="value")


def draw_words(result: Any) -> None:
    """Print a list of words as one line: words need no picture."""
    print("  " + " ".join(map(str, result)) if isinstance(result, (list, tuple)) else f"  {result}")


def _rows(result: Any) -> list[tuple[str, Tensor]]:
    """Cut the result into at most `MOST_ROWS` named rows of numbers."""
    rows: list[tuple[str, Tensor]] = []
    for tensor in tensors(result):
        flat = tensor.detach().to("cpu", torch.float64)
        if not flat.numel():
            continue
        flat = flat.reshape(-1, flat.shape[-1]) if flat.ndim > 1 else flat.reshape(1, -1)
        for index, row in enumerate(flat):
            rows.append((f"row {index}" if len(flat) > 1 else "", row))
    return rows[:MOST_ROWS]


def _bars(ax: Axes, row: Tensor) -> None:
    """Draw one row; numbers that are not finite are written, not drawn."""
    heights = row.nan_to_num(nan=0.0, posinf=0.0, neginf=0.0).tolist()
    bars = ax.bar(range(len(heights)), heights, edgecolor="black", linewidth=0.8)
    ax.axhline(0, color="black", linewidth=0.8)
    ax.margins(y=0.3)
    ax.set_xticks(range(len(heights)) if len(heights) <= 20 else [])
    if len(heights) <= 12:
        ax.bar_label(bars, labels=[f"{value:.3g}" for value in row.tolist()])
