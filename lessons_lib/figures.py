"""Still figures in one style. Each function returns a matplotlib Figure and changes no argument.

A figure is drawn and closed, so that a notebook shows it once, as the value of the cell. Numbers
that are not finite are crossed out, never drawn as zero.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import cycle

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from lessons_lib import figure_parts as parts
from lessons_lib.figure_parts import use_style
from lessons_lib.memory import erase
from lessons_lib.trace import HeadTrace, Trace

MANY_SLOTS = 32
USED = 0.01  # of a tape of many slots, one that never gets more weight is not drawn
STAGES = (
    ("previous", r"$w_{t-1}$ before"),
    ("content", r"$w^c$ content"),
    ("global_map", r"$w^l$ global map"),
    ("interpolated", r"$w^g$ after the gate"),
    ("shifted", r"$\tilde{w}$ after the shift"),
    ("weights", r"$w$ in the end"),
)
Labels = Sequence[str] | Tensor | None
__all__ = [
    "draw_curves",
    "draw_gates",
    "draw_memory",
    "draw_pointers",
    "draw_stages",
    "draw_tape",
    "draw_weights",
    "filmstrip",
    "use_style",
    "used_slots",
    "weights_of_slots",
]


def draw_weights(weights: Tensor, ax: Axes | None = None, title: str = "") -> Figure:
    """Draw one weighting (S,) as bars with numbers, or several (H, S) as rows of a heat map.

    Raises:
        ValueError: weights of another rank, or empty.
    """
    rows = parts.as_array("weights", weights, (1, 2))
    figure, ax = parts.axes_of(ax, (6, 2.2 if rows.ndim == 1 else 1.2 + 0.25 * min(len(rows), 20)))
    if rows.ndim == 1:
        parts.bars(ax, rows)
        ax.set_ylabel("weight")
    else:
        parts.grid(ax, rows, parts.WEIGHTS, 0, 1)
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
    rows = parts.as_array("memory", memory, (2,))
    slots, width = rows.shape
    size = (min(8.0, 1.5 + 0.45 * width), min(7.0, 1.0 + 0.3 * slots))
    figure, ax = parts.axes_of(ax, size)
    limit = parts.limit_of(rows) if limit is None else limit
    parts.grid(ax, rows, parts.SIGNED, -limit, limit)
    if before is not None:
        parts.frame_changes(ax, rows, parts.as_array("before", before, (2,)))
    ax.set_ylabel("slot")
    ax.set_xlabel("number in the slot")
    ax.set_title(title)
    return figure


def draw_stages(head_trace: HeadTrace, step: int, head: int = 0, sequence: int = 0) -> Figure:
    """Draw every recorded addressing stage of one head at one step, side by side.

    Args:
        head_trace: ``trace.read`` or ``trace.write``, of NTM or L-NTM.
        step: from 0.
        head: which head.
        sequence: which of the batch.

    Raises:
        ValueError: the record has no stages.
    """
    found = [(name, words) for name, words in STAGES if getattr(head_trace, name) is not None]
    if not found:
        raise ValueError("expected a head with recorded stages, got an empty record")
    figure, axes = parts.make_figure(1, len(found), (max(6.0, 1.7 * len(found)), 3.2), sharey=True)
    for ax, (name, words) in zip(axes[0], found, strict=True):
        weights = getattr(head_trace, name)[step, sequence, head]
        parts.bars(ax, parts.as_array(name, weights, (1,)), lying=True)
        ax.set_title(f"{words}\nsum {weights.sum().item():.3f}", fontsize=9)
    axes[0, 0].set_ylabel("slot")
    figure.suptitle(_parameters(head_trace, step, sequence, head), fontsize=10)
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
    figure, axes = parts.make_figure(1, 1 + len(columns), size, width_ratios=ratios)
    draw_memory(memory, axes[0, 0], "memory")
    for ax, (words, values) in zip(axes[0, 1:], columns, strict=True):
        parts.bars(ax, parts.as_array(words, values, (1,)), lying=True)
        ax.set_title(words, fontsize=9)
    return figure


def filmstrip(
    trace: Trace,
    steps: Sequence[int] | None = None,
    sequence: int = 0,
    inputs: Labels = None,
    outputs: Labels = None,
) -> Figure:
    """Draw a few steps of a run, one a row: the memory before, erased, added to; the weights.

    Frames mark what changed since the picture before. Without a record of the erase the memory
    stands there before and after; a trace without a memory is drawn by ``draw_gates``.

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
    limit = parts.limit_of(parts.as_array("memory", trace.memory_after[:, sequence], (3,)))
    wide = [3] * len(_memories(trace, 0, sequence))
    figure, axes = parts.make_figure(
        len(steps),
        len(wide) + len(heads),
        (2.5 + 2 * len(wide) + len(heads), 0.4 + 2.2 * len(steps)),
        width_ratios=[*wide, *[0.6 + 0.15 * head.weights.shape[2] for _, head in heads]],
    )
    for row, step in zip(axes, steps, strict=True):
        before, title = None, f"step {step}{_symbols(step, inputs, outputs)}\nmemory before"
        for ax, (words, memory) in zip(row, _memories(trace, step, sequence), strict=False):
            draw_memory(memory[slots], ax, title or f"{words}\n(framed: changed)", before, limit)
            before, title = memory[slots], ""
        for ax, (name, head) in zip(row[len(wide) :], heads, strict=True):
            weights = parts.as_array(name, head.weights[step, sequence][:, slots].T, (2,))
            parts.grid(ax, weights, parts.WEIGHTS, 0, 1)
            ax.set_title(f"{name}\nweights")
            ax.set_xlabel("head")
        for ax in row:
            parts.name_slots(ax, slots)
            ax.label_outer(remove_inner_ticks=True)  # the numbers once a row and once a column
    return figure


def _memories(trace: Trace, step: int, sequence: int) -> list[tuple[str, Tensor]]:
    """Return a step's memories, (S, W) each: before, after the erase if that is known, after."""
    which = slice(sequence, sequence + 1)
    before, after = (one[step, which] for one in (trace.memory_before, trace.memory_after))
    found = [("memory before", before), ("memory after", after)]
    if trace.erase_vector is not None and trace.write is not None:
        erased = erase(before, trace.write.weights[step, which], trace.erase_vector[step, which])
        found = [("memory before", before), ("after erase", erased), ("after add", after)]
    return [(words, memory[0]) for words, memory in found]


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
    figure, axes = parts.make_figure(
        len(panels), 1, (8, 0.6 + sum(heights) * 0.75), sharex=True, height_ratios=heights
    )
    for ax, (name, numbers) in zip(axes[:, 0], panels, strict=True):
        rows = parts.as_array(name, numbers.T, (2,))
        top = max(1.0, parts.limit_of(rows))
        signed = bool((rows < 0).any())
        colors, low = (parts.SIGNED, -top) if signed else (parts.WEIGHTS, 0.0)
        parts.grid(ax, rows, colors, low, top, numbers=False)
        ax.set_ylabel(name, rotation=0, ha="right", va="center")
        if "head" in name:
            parts.name_slots(ax, slots)
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
    figure, axes = parts.make_figure(len(panels), 1, (8, 0.9 + 1.15 * len(panels)), sharex=True)
    for ax, (name, values) in zip(axes[:, 0], panels, strict=True):
        parts.lines(ax, parts.as_array(name, values, (2,)))
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
    figure, ax = parts.axes_of(ax, (8, 3.6))
    styles = zip(cycle(parts.COLORS), cycle(parts.DASHES), strict=False)
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
        beside = {"loc": "center left", "bbox_to_anchor": (1.01, 0.5)}
        ax.legend(**(beside if len(curves) > 4 else {}))  # with many, no corner is sure to be free
    return figure


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
    found = []
    for name, symbol in (("key_strength", "β"), ("gate", "g"), ("sharpening", "γ")):
        values = getattr(head, name)
        if values is not None:
            own = values[step, sequence]
            found.append(f"{symbol} = {own[min(index, len(own) - 1)].item():.2f}")
    if head.shift is not None:
        shift = ", ".join(f"{value:.2f}" for value in head.shift[step, sequence, index].tolist())
        found.append(f"s = ({shift})")
    many = len(head.weights) > 1
    return "   ".join([f"step {step}", *found] if many else found)


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
