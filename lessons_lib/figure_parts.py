"""What the figures are made of: the one style, bars, grids of numbers, and lines."""

from __future__ import annotations

from itertools import cycle

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from torch import Tensor

COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#000000")
DASHES = ("-", "--", "-.", ":")  # with the colour, never colour alone
WEIGHTS = LinearSegmentedColormap.from_list("weights", ["#ffffff", "#56a0d3", "#00305f"])
SIGNED = LinearSegmentedColormap.from_list(
    "signed", ["#8a3b00", "#e8904a", "#ffffff", "#56a0d3", "#00305f"]
)
CHANGED = 0.05  # a cell that moved by more is framed


def use_style() -> None:
    """Set the one style of all figures: readable at notebook width, safe for the colour-blind."""
    mpl.rcParams.update(
        {
            "figure.dpi": 100,
            "figure.facecolor": "white",
            "figure.constrained_layout.use": True,
            "savefig.facecolor": "white",
            "font.family": "DejaVu Sans",
            "font.size": 10,
            "axes.titlesize": 10,
            "axes.titlelocation": "left",
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.prop_cycle": mpl.cycler(color=COLORS[:4], linestyle=DASHES),
            "lines.linewidth": 1.8,
            "legend.frameon": False,
            "image.interpolation": "nearest",
            "image.aspect": "auto",
        }
    )


def make_figure(rows: int, columns: int, size: tuple[float, float], **options: object):
    """Make a figure that a notebook shows once, as the value of a cell, and its axes."""
    use_style()
    figure, axes = plt.subplots(rows, columns, figsize=size, squeeze=False, **options)
    plt.close(figure)
    return figure, axes


def axes_of(ax: Axes | None, size: tuple[float, float]) -> tuple[Figure, Axes]:
    """Return these axes and their figure, or a figure of its own of this size (inches)."""
    if ax is not None:
        return ax.figure, ax
    figure, axes = make_figure(1, 1, size)
    return figure, axes[0, 0]


def as_array(name: str, values: Tensor, ranks: tuple[int, ...]) -> np.ndarray:
    """Copy a tensor of an expected rank into an array of its own."""
    array = torch.as_tensor(values).detach().to("cpu", torch.float64).numpy().copy()
    if array.ndim not in ranks or 0 in array.shape:
        wanted = " or ".join(str(rank) for rank in ranks)
        raise ValueError(f"expected {name} with {wanted} axes, got {array.shape}")
    return array


def limit_of(rows: np.ndarray) -> float:
    """Return the largest finite size among the numbers."""
    finite = np.abs(rows[np.isfinite(rows)])
    return max(float(finite.max()) if finite.size else 0.0, 1e-6)


def bars(ax: Axes, values: np.ndarray, lying: bool = False) -> None:
    """Draw one bar a slot, with its number where there is room."""
    places = np.arange(len(values))
    heights = np.nan_to_num(values, nan=0.0, posinf=0.0, neginf=0.0)
    draw = ax.barh if lying else ax.bar
    drawn = draw(places, heights, color=COLORS[0])
    if len(values) <= 16:
        words = [f"{value:.2f}" if np.isfinite(value) else "NaN" for value in values]
        ax.bar_label(drawn, labels=words, padding=2, fontsize=8)
        (ax.set_yticks if lying else ax.set_xticks)(places)
    top = max(1.0, limit_of(values)) * (1.3 if lying else 1.15)
    low = min(0.0, heights.min() * (1.6 if lying else 1.2))
    (ax.set_xlim if lying else ax.set_ylim)(low, top)
    if lying:
        ax.set_ylim(len(values) - 0.5, -0.5)  # slot 0 on top


def grid(ax, rows: np.ndarray, colors, low: float, high: float, numbers: bool = True) -> None:
    """Draw a grid of colours, the numbers where there is room, a cross on what is not finite."""
    ax.imshow(rows, cmap=colors, vmin=low, vmax=high)
    for axis in (ax.xaxis, ax.yaxis):
        if isinstance(axis.get_major_locator(), MaxNLocator):  # else a shared axis has its ticks
            axis.get_major_locator().set_params(integer=True)
    for row, column in np.argwhere(~np.isfinite(rows)):
        ax.plot(column, row, marker="x", color=COLORS[1])
    if rows.shape[1] == 1:
        ax.set_xticks([0])
    if not numbers or not _has_room(ax, rows):
        return
    for (row, column), value in np.ndenumerate(rows):
        if np.isfinite(value):
            dark = abs(value) > 0.55 * high
            words = f"{value:.2f}"
            ink = "white" if dark else "black"
            ax.text(column, row, words, ha="center", va="center", color=ink, fontsize=8)


def _has_room(ax: Axes, rows: np.ndarray) -> bool:
    """Tell whether a number fits into each cell, by the size of the axes in inches."""
    place, figure = ax.get_position(), ax.figure
    wide = place.width * figure.get_figwidth() / rows.shape[1]
    high = place.height * figure.get_figheight() / rows.shape[0]
    return wide > 0.36 and high > 0.15


def name_slots(ax: Axes, slots: list[int]) -> None:
    """Write the slots' numbers beside the rows, every one or some of them."""
    every = max(1, -(-len(slots) // 8))
    rows = range(0, len(slots), every)
    ax.set_yticks(list(rows), [slots[row] for row in rows])


def frame_changes(ax: Axes, after: np.ndarray, before: np.ndarray) -> None:
    """Frame the cells that moved by more than `CHANGED`."""
    for row, column in np.argwhere(np.abs(after - before) > CHANGED):
        corner = (column - 0.47, row - 0.47)
        ax.add_patch(plt.Rectangle(corner, 0.94, 0.94, fill=False, edgecolor="black", lw=1.3))


def lines(ax: Axes, values: np.ndarray) -> None:
    """Draw (T, n): one line a column for up to four, else the median and the middle half."""
    steps = np.arange(len(values))
    if values.shape[1] <= 4:
        for index, (column, dash) in enumerate(zip(values.T, cycle(DASHES), strict=False)):
            ax.plot(steps, column, dash, marker=".", label=f"head {index}")
        if values.shape[1] > 1:
            ax.legend(ncols=values.shape[1], fontsize=8)
        return
    low, middle, high = np.percentile(values, [25, 50, 75], axis=1)
    ax.fill_between(steps, low, high, alpha=0.25, label="middle half of the units")
    ax.plot(steps, middle, marker=".", label="median unit")
    if not ax.get_subplotspec().rowspan.start:
        ax.legend(ncols=2, fontsize=8, loc="lower right", bbox_to_anchor=(1, 1))
