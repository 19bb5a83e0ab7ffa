"""Still figures in one style. Each function returns a matplotlib Figure and changes no argument.

A figure is drawn and closed, so that a notebook shows it once, as the value of the cell. Numbers
that are not finite are crossed out, never drawn as zero.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import cycle

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from torch import Tensor

from lessons_lib.trace import HeadTrace, Trace

COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#000000")
DASHES = ("-", "--", "-.", ":")  # with the colour, never colour alone
WEIGHTS = LinearSegmentedColormap.from_list("weights", ["#ffffff", "#56a0d3", "#00305f"])
SIGNED = LinearSegmentedColormap.from_list(
    "signed", ["#8a3b00", "#e8904a", "#ffffff", "#56a0d3", "#00305f"]
)
MANY_SLOTS = 32
USED = 0.01  # of a tape of many slots, one that never gets more weight is not drawn
CHANGED = 0.05  # a cell that moved by more is framed
STAGES = (
    ("previous", r"$w_{t-1}$ before"),
    ("content", r"$w^c$ content"),
    ("global_map", r"$w^l$ global map"),
    ("interpolated", r"$w^g$ after the gate"),
    ("shifted", r"$\tilde{w}$ after the shift"),
    ("weights", r"$w$ in the end"),
)
Labels = Sequence[str] | Tensor | None


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


def draw_weights(weights: Tensor, ax: Axes | None = None, title: str = "") -> Figure:
    """Draw one weighting (S,) as bars with numbers, or several (H, S) as rows of a heat map.

    Raises:
        ValueError: weights of another rank, or empty.
    """
    rows = _array("weights", weights, (1, 2))
    figure, ax = _axes(ax, (6, 2.2 if rows.ndim == 1 else 1.2 + 0.25 * min(len(rows), 20)))
    if rows.ndim == 1:
        _bars(ax, rows)
        ax.set_ylabel("weight")
    else:
        _grid(ax, rows, WEIGHTS, 0, 1)
        ax.set_ylabel("head or step")
    ax.set_xlabel("slot")
    ax.set_title(title)
    return figure


def draw_memory(
    memory: Tensor,
    ax: Axes | None = None,
    title: str = "",
    before: Tensor | None = None,
    limit: float | None = None,
) -> Figure:
    """Draw a memory (S, W): a row a slot, its numbers where there is room.

    Args:
        memory: (S, W).
        ax: where to draw; None makes a figure.
        title: a line above.
        before: an earlier memory (S, W); cells that changed by more than 0.05 are framed.
        limit: the size that gets the full colour; None is the largest here.

    Raises:
        ValueError: a memory of another rank, or empty.
    """
    rows = _array("memory", memory, (2,))
    slots, width = rows.shape
    size = (min(8.0, 1.5 + 0.45 * width), min(7.0, 1.0 + 0.3 * slots))
    figure, ax = _axes(ax, size)
    limit = _limit(rows) if limit is None else limit
    _grid(ax, rows, SIGNED, -limit, limit)
    if before is not None:
        _frame_changes(ax, rows, _array("before", before, (2,)))
    ax.set_ylabel("slot")
    ax.set_xlabel("number in the slot")
    ax.set_title(title)
    return figure


def draw_stages(head: HeadTrace, step: int, head_index: int = 0, sequence: int = 0) -> Figure:
    """Draw every recorded addressing stage of one head at one step, side by side.

    Args:
        head: ``trace.read`` or ``trace.write``, of NTM or L-NTM.
        step: from 0.
        head_index: which head.
        sequence: which of the batch.

    Raises:
        ValueError: the record has no stages.
    """
    found = [(name, words) for name, words in STAGES if getattr(head, name) is not None]
    if not found:
        raise ValueError("expected a head with recorded stages, got an empty record")
    figure, axes = _figure(1, len(found), (max(6.0, 1.7 * len(found)), 3.2), sharey=True)
    for ax, (name, words) in zip(axes[0], found, strict=True):
        weights = getattr(head, name)[step, sequence, head_index]
        _bars(ax, _array(name, weights, (1,)), lying=True)
        ax.set_title(f"{words}\nsum {weights.sum().item():.3f}", fontsize=9)
    axes[0, 0].set_ylabel("slot")
    figure.suptitle(_parameters(head, step, sequence, head_index), fontsize=10)
    return figure


def draw_pointers(memory: Tensor, write: HeadTrace, read: HeadTrace) -> Figure:
    """Draw a memory (S, W) and, at one step, the pointers that an L-NTM makes of it (eqs. 6-10).

    Args:
        memory: S, (S, W).
        write: one step's scores, global map and weights of the write pointer, (1, 1, 1, S).
        read: one step's content, global maps and weights of the R read pointers, (1, 1, R, S).
    """
    stages = [("score", write.scores), ("softmax", write.global_map), ("$w$ write", write.weights)]
    columns = [(words, stage[0, 0, 0]) for words, stage in stages]
    for index in range(read.weights.shape[2]):
        columns += [
            (f"{words}, read {index}", stage[0, 0, index])
            for words, stage in (
                ("$w^c$", read.content),
                ("$w^l$", read.global_map),
                ("$w$", read.weights),
            )
        ]
    columns = columns[:12]
    ratios = [2, *[1] * len(columns)]
    size = (2.6 + 1.2 * len(columns), 3.2)
    figure, axes = _figure(1, 1 + len(columns), size, width_ratios=ratios)
    draw_memory(memory, axes[0, 0], "memory")
    for ax, (words, values) in zip(axes[0, 1:], columns, strict=True):
        _bars(ax, _array(words, values, (1,)), lying=True)
        ax.set_title(words, fontsize=9)
    return figure


def filmstrip(
    trace: Trace,
    steps: Sequence[int] | None = None,
    sequence: int = 0,
    inputs: Labels = None,
    outputs: Labels = None,
) -> Figure:
    """Draw a few steps of a run, one a row: the memory, and what each head weighs.

    A trace without a memory is drawn by ``draw_gates`` over all its steps.

    Args:
        trace: a record of any model.
        steps: which steps; None is up to five, spread over the run.
        sequence: which of the batch.
        inputs: labels of the steps, or numbers, which are not drawn here.
        outputs: the same.

    Raises:
        ValueError: a step that is not in the trace.
    """
    steps = _spread(len(trace)) if steps is None else list(steps)
    for step in steps:
        if not 0 <= step < len(trace):
            raise ValueError(f"expected steps from 0 to {len(trace) - 1}, got {step}")
    if trace.memory_after is None:
        return draw_gates(trace, inputs, sequence)
    heads = [(name, head) for name in ("write", "read") if (head := getattr(trace, name))]
    slots = used_slots(trace)
    limit = _limit(_array("memory", trace.memory_after[:, sequence], (3,)))
    figure, axes = _figure(
        len(steps),
        2 + len(heads),
        (8.5, 0.4 + 2.2 * len(steps)),
        width_ratios=[3, 3, *[0.6 + 0.15 * head.weights.shape[2] for _, head in heads]],
    )
    for row, step in zip(axes, steps, strict=True):
        before, after = (
            memory[step, sequence][slots] for memory in (trace.memory_before, trace.memory_after)
        )
        symbols = _symbols(step, inputs, outputs)
        draw_memory(before, row[0], f"step {step}{symbols}\nmemory before", limit=limit)
        draw_memory(after, row[1], "memory after\n(framed: changed)", before, limit)
        for ax, (name, head) in zip(row[2:], heads, strict=True):
            weights = _array(name, head.weights[step, sequence][:, slots].T, (2,))
            _grid(ax, weights, WEIGHTS, 0, 1)
            ax.set_title(f"{name}\nweights")
            ax.set_xlabel("head")
        for ax in row:
            _name_slots(ax, slots)
            if step != steps[-1]:
                ax.set_xlabel("")
    return figure


def used_slots(trace: Trace) -> list[int]:
    """Return the slots worth drawing: all, or of more than 32 the stretch that is ever used.

    The stretch is the shortest of the circular tape that holds every slot on which some weight
    ever exceeds 0.01, and one slot more, in the tape's order: it may run over the end.

    Raises:
        ValueError: the trace has no memory.
    """
    if trace.memory_after is None:
        raise ValueError("expected a trace of a machine with a memory, got one without")
    count = trace.memory_after.shape[2]
    used = (weights_of_slots(trace) > USED).nonzero().flatten().tolist()
    if count <= MANY_SLOTS or not used:
        return list(range(count))
    pairs = zip(used, used[1:] + used[:1], strict=True)
    gaps = [(after - before) % count or count for before, after in pairs]
    widest = max(range(len(used)), key=gaps.__getitem__)
    start, end = used[(widest + 1) % len(used)], used[widest]
    length = min(count, (end - start) % count + 2)
    return [(start + offset) % count for offset in range(length)]


def weights_of_slots(trace: Trace) -> Tensor:
    """Return the largest weight that any head of any sequence ever puts on each slot, (S,)."""
    heads = [head.weights for head in (trace.read, trace.write) if head is not None]
    return torch.cat(heads, dim=2).nan_to_num(nan=1.0).amax(dim=(0, 1, 2))


def draw_tape(trace: Trace, sequence: int = 0, *, targets: Tensor | None = None) -> Figure:
    """Draw a run on its tape: inputs, outputs, and every head's path over the slots.

    Args:
        trace: a record of an NTM or L-NTM.
        sequence: which of the batch.
        targets: what should have come out, (T, n), drawn between.

    Raises:
        ValueError: the trace has no memory.
    """
    slots = used_slots(trace)
    panels = [("input", trace.inputs[:, sequence])]
    if targets is not None:
        panels.append(("target", targets))
    if trace.outputs is not None:
        panels.append(("output\n(sigmoid)", trace.outputs[:, sequence].sigmoid()))
    for name in ("write", "read"):
        weights = getattr(trace, name).weights[:, sequence]  # (T, H, S)
        heads = weights.shape[1]
        for index in range(heads):
            words = f"{name} head" if heads == 1 else f"{name} head {index}"
            panels.append((f"{words}\nby slot", weights[:, index][:, slots]))
    heights = [2.4 if "head" in name else 1.0 for name, _ in panels]
    figure, axes = _figure(
        len(panels), 1, (8, 0.6 + sum(heights) * 0.75), sharex=True, height_ratios=heights
    )
    for ax, (name, numbers) in zip(axes[:, 0], panels, strict=True):
        rows = _array(name, numbers.T, (2,))
        top = max(1.0, _limit(rows))
        signed = bool((rows < 0).any())
        _grid(ax, rows, SIGNED if signed else WEIGHTS, -top if signed else 0, top, numbers=False)
        ax.set_ylabel(name, rotation=0, ha="right", va="center")
        if "head" in name:
            _name_slots(ax, slots)
    axes[-1, 0].set_xlabel("step")
    return figure


def draw_gates(trace: Trace, words: Labels = None, sequence: int = 0) -> Figure:
    """Draw the gates over the steps, a panel each, the words below.

    Gates of many units (LSTM, GRU) are drawn as their median and the middle half of the units;
    those of heads (g, f) as one line a head.

    Args:
        trace: a record of any model.
        words: a label for each step, or None.
        sequence: which of the batch.

    Raises:
        ValueError: labels of another length.
    """
    panels = [(name, values[:, sequence]) for name, values in _gates(trace)]
    if not panels:
        panels = [("hidden h", trace.hidden[:, sequence])]
    figure, axes = _figure(len(panels), 1, (8, 0.9 + 1.15 * len(panels)), sharex=True)
    for ax, (name, values) in zip(axes[:, 0], panels, strict=True):
        _lines(ax, _array(name, values, (2,)))
        ax.set_ylabel(name, rotation=0, ha="right", va="center")
        if "gate" in name:
            ax.set_ylim(-0.05, 1.05)
            ax.set_yticks([0, 0.5, 1])
    last = axes[-1, 0]
    last.set_xlabel("step")
    if words is not None and not isinstance(words, Tensor):
        if len(words) != len(trace):
            raise ValueError(f"expected {len(trace)} words, got {len(words)}")
        turned = 90 if max(map(len, words)) * len(words) > 70 else 0
        last.set_xticks(range(len(words)), words, rotation=turned, fontsize=9)
        last.set_xlabel("")
    return figure


def draw_curves(
    curves: Mapping[str, Sequence[tuple[Sequence[float], Sequence[float]]]],
    xlabel: str = "training step",
    ylabel: str = "accuracy",
    title: str = "",
    ax: Axes | None = None,
) -> Figure:
    """Draw learning curves: for each model every run thinly, and their median in bold.

    Args:
        curves: for each name its runs, one for each seed, as (x, y); runs may differ in length.
        xlabel: what x counts.
        ylabel: what y measures.
        title: a line above.
        ax: where to draw; None makes a figure.

    Raises:
        ValueError: a run whose x and y differ in length.
    """
    figure, ax = _axes(ax, (8, 3.6))
    styles = zip(cycle(COLORS), cycle(DASHES), strict=False)
    for (name, runs), (color, dash) in zip(curves.items(), styles, strict=False):
        for x, y in runs:
            if len(x) != len(y):
                raise ValueError(f"expected as many x as y in {name}, got {len(x)} and {len(y)}")
            ax.plot(x, y, color=color, linestyle=dash, linewidth=0.8, alpha=0.55)
        grid = np.unique(np.concatenate([np.asarray(x, float) for x, _ in runs]))
        on_grid = [np.interp(grid, x, y, left=np.nan, right=np.nan) for x, y in runs]
        seen = np.isfinite(on_grid).sum(0) == len(runs)  # the median of all runs, or none
        if seen.any():
            label = f"{name} (median of {len(runs)})" if len(runs) > 1 else name
            middle = np.median(np.array(on_grid)[:, seen], axis=0)
            ax.plot(grid[seen], middle, color=color, linestyle=dash, linewidth=2.4, label=label)
    ax.set_xlabel(xlabel)
    ax.set_ylabel(ylabel)
    ax.set_title(title)
    ax.grid(color="#e5e5e5")
    if ax.get_legend_handles_labels()[0]:
        ax.legend()
    return figure


def _figure(rows: int, columns: int, size: tuple[float, float], **options: object):
    """Make a figure that a notebook shows once, as the value of a cell, and its axes."""
    use_style()
    figure, axes = plt.subplots(rows, columns, figsize=size, squeeze=False, **options)
    plt.close(figure)
    return figure, axes


def _axes(ax: Axes | None, size: tuple[float, float]) -> tuple[Figure, Axes]:
    if ax is not None:
        return ax.figure, ax
    figure, axes = _figure(1, 1, size)
    return figure, axes[0, 0]


def _array(name: str, values: Tensor, ranks: tuple[int, ...]) -> np.ndarray:
    """Copy a tensor of an expected rank into an array of its own."""
    array = torch.as_tensor(values).detach().to("cpu", torch.float64).numpy().copy()
    if array.ndim not in ranks or 0 in array.shape:
        wanted = " or ".join(str(rank) for rank in ranks)
        raise ValueError(f"expected {name} with {wanted} axes, got {array.shape}")
    return array


def _limit(rows: np.ndarray) -> float:
    finite = np.abs(rows[np.isfinite(rows)])
    return max(float(finite.max()) if finite.size else 0.0, 1e-6)


def _bars(ax: Axes, values: np.ndarray, lying: bool = False) -> None:
    """Draw one bar a slot, with its number where there is room."""
    places = np.arange(len(values))
    heights = np.nan_to_num(values, nan=0.0, posinf=0.0, neginf=0.0)
    draw = ax.barh if lying else ax.bar
    bars = draw(places, heights, color=COLORS[0])
    if len(values) <= 16:
        words = [f"{value:.2f}" if np.isfinite(value) else "NaN" for value in values]
        ax.bar_label(bars, labels=words, padding=2, fontsize=8)
        (ax.set_yticks if lying else ax.set_xticks)(places)
    top = max(1.0, _limit(values)) * (1.3 if lying else 1.15)
    low = min(0.0, heights.min() * (1.6 if lying else 1.2))
    (ax.set_xlim if lying else ax.set_ylim)(low, top)
    if lying:
        ax.set_ylim(len(values) - 0.5, -0.5)  # slot 0 on top


def _grid(ax, rows: np.ndarray, colors, low: float, high: float, numbers: bool = True) -> None:
    """Draw a grid of colours, the numbers where there is room, a cross on what is not finite."""
    ax.imshow(rows, cmap=colors, vmin=low, vmax=high)
    ax.xaxis.get_major_locator().set_params(integer=True)
    ax.yaxis.get_major_locator().set_params(integer=True)
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


def _name_slots(ax: Axes, slots: list[int]) -> None:
    """Write the slots' numbers beside the rows, every one or some of them."""
    every = max(1, -(-len(slots) // 8))
    rows = range(0, len(slots), every)
    ax.set_yticks(list(rows), [slots[row] for row in rows])


def _frame_changes(ax: Axes, after: np.ndarray, before: np.ndarray) -> None:
    for row, column in np.argwhere(np.abs(after - before) > CHANGED):
        corner = (column - 0.47, row - 0.47)
        ax.add_patch(plt.Rectangle(corner, 0.94, 0.94, fill=False, edgecolor="black", lw=1.3))


def _lines(ax: Axes, values: np.ndarray) -> None:
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


def _gates(trace: Trace) -> list[tuple[str, Tensor]]:
    """Name the gates that a trace has: those of the heads, else those of the units."""
    found = []
    if trace.add_gate is not None:
        found.append(("add gate $f$", trace.add_gate))
    for name in ("write", "read"):
        head = getattr(trace, name)
        if head is not None and head.gate is not None:
            found.append((f"{name} gate $g$", head.gate))
    if found:
        return found
    units = {"forget": "f", "input": "i", "output": "o", "reset": "r", "update": "z"}
    named = [
        (f"{name} gate ${mark}$", getattr(trace, f"{name}_gate")) for name, mark in units.items()
    ]
    return [(name, values) for name, values in named if values is not None]


def _parameters(head: HeadTrace, step: int, sequence: int, index: int) -> str:
    """Write the head's scalars at a step."""
    parts = []
    for name, symbol in (("key_strength", "β"), ("gate", "g"), ("sharpening", "γ")):
        values = getattr(head, name)
        if values is not None:
            own = values[step, sequence]
            parts.append(f"{symbol} = {own[min(index, len(own) - 1)].item():.2f}")
    if head.shift is not None:
        shift = ", ".join(f"{value:.2f}" for value in head.shift[step, sequence, index].tolist())
        parts.append(f"s = ({shift})")
    return "   ".join([f"step {step}", *parts])


def _symbols(step: int, inputs: Labels, outputs: Labels) -> str:
    """Write the labels of a step, where there are any."""
    named = (("in", inputs), ("out", outputs))
    given = [f"{name} {labels[step]}" for name, labels in named if _is_labels(labels)]
    return ": " + ", ".join(given) if given else ""


def _is_labels(labels: Labels) -> bool:
    return labels is not None and not isinstance(labels, Tensor)


def _spread(steps: int, most: int = 5) -> list[int]:
    """Choose up to `most` steps, the first and the last among them."""
    return sorted({round(place) for place in np.linspace(0, steps - 1, min(most, steps))})
