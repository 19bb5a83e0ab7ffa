"""A still of ``SideBySide``: the list, each machine's answer and writes, the errors by length."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from lessons_lib import figure_parts as parts
from lessons_lib import tasks
from lessons_lib.widgets.side_by_side_numbers import Answer, Stored

MARKERS = "osD^vP*X"
WORDS = {"slots": "written,\nby slot", "cell": "cell c,\nby unit", "hidden": "state h,\nby unit"}
Visited = tuple[list[int], list[int], Mapping[str, list[float]]]


def draw_race(
    batch: tasks.Batch,
    answers: Mapping[str, Answer],
    stored: Mapping[str, Stored],
    recorded: Mapping[str, list[tuple[int, float]]],
    visited: Visited,
    bits: int,
) -> Figure:
    """Draw the list, then for each machine its answer (× is a wrong bit) and what it stored where.

    Args:
        batch: one list, T = 2n + 1 steps.
        answers: by machine, what it said.
        stored: by machine, how it used its memory.
        recorded: by machine, (length, wrong bits a list) of held-out lists.
        visited: lengths, how many lists of each, and each machine's share of wrong bits.
        bits: in a vector.
    """
    names = list(answers)
    heights = [1.0, 1.0] + [1.0, 1.2] * len(names) + [2.4]
    size = (8, 0.8 + 0.8 * sum(heights))
    figure, axes = parts.make_figure(len(heights), 1, size, height_ratios=heights)
    column = list(axes[:, 0])
    _draw_bits(column[0], "input", batch.inputs[:, 0])
    _draw_bits(column[1], "target", batch.targets[:, 0])
    for place, name in enumerate(names):
        above, below = column[2 + 2 * place], column[3 + 2 * place]
        _draw_answer(above, name, answers[name])
        _draw_stored(below, stored[name])
    for ax in column[:-2]:
        ax.tick_params(labelbottom=False)
    column[-2].set_xlabel("step")
    _draw_errors(column[-1], recorded, visited, bits)
    return figure


def _name(ax: Axes, words: str) -> None:
    ax.set_ylabel(words, rotation=0, ha="right", va="center")


def _draw_bits(ax: Axes, words: str, values: Tensor) -> None:
    parts.grid(ax, parts.as_array(words, values.T, (2,)), parts.WEIGHTS, 0.0, 1.0, numbers=False)
    _name(ax, words)


def _draw_answer(ax: Axes, name: str, answer: Answer) -> None:
    count, bits = answer.outputs.shape
    said = torch.cat([torch.zeros(count + 1, bits), answer.outputs.sigmoid()])
    _draw_bits(ax, f"{name}\n{answer.total} of {count * bits}\nbits wrong", said)
    if answer.total:
        steps, rows = answer.wrong.nonzero(as_tuple=True)
        ax.plot(steps + count + 1, rows, "x", color=parts.COLORS[1], markersize=4)


def _draw_stored(ax: Axes, one: Stored) -> None:
    rows = parts.as_array("stored", one.values.T, (2,))
    if one.kind == "slots":
        parts.grid(ax, rows, parts.WEIGHTS, 0.0, 1.0, numbers=False)
        parts.name_slots(ax, list(one.rows))
        ax.tick_params(axis="y", labelsize=6)
    else:
        limit = parts.limit_of(rows)
        parts.grid(ax, rows, parts.SIGNED, -limit, limit, numbers=False)
    _name(ax, WORDS[one.kind])


def _draw_errors(
    ax: Axes, recorded: Mapping[str, list[tuple[int, float]]], visited: Visited, bits: int
) -> None:
    lengths, _, shares = visited
    for place, name in enumerate(shares):
        color = parts.COLORS[place % len(parts.COLORS)]
        look = {"color": color, "marker": MARKERS[place % len(MARKERS)]}
        if recorded.get(name):
            x = [length for length, _ in recorded[name]]
            y = [wrong / (length * bits) for length, wrong in recorded[name]]
            dash = parts.DASHES[place % len(parts.DASHES)]
            ax.plot(x, y, dash, **look, fillstyle="none")
        ax.plot(lengths, shares[name], linestyle="", **look, label=name)
    ax.set_xlabel("length of the list (filled: the lists asked for; hollow, joined: recorded)")
    _name(ax, "share of\nwrong bits")
    ax.legend(loc="upper center", bbox_to_anchor=(0.5, -0.28), ncols=3, frameon=False)
