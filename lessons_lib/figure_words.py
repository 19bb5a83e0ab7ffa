"""A figure in words, read off the drawn figure itself: for those who do not see it.

The words are the alternative text of a figure in a notebook's output and in the course's pages.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.container import BarContainer
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

MOST_PANELS = 12
MOST_PARTS = 8  # of a panel
MOST_PLACES = 40  # of which each column's largest is said
NAMELESS = "_"  # matplotlib names lines and bars so that are not in the legend


def describe(figure: Figure) -> str:
    """Say what each panel of a figure shows: its names, and its numbers in brief."""
    panels = [_panel(ax) for ax in figure.axes if ax.get_visible()]
    more = len(panels) - MOST_PANELS
    said = [_plain(figure.get_suptitle()), *panels[:MOST_PANELS]]
    if more > 0:
        said.append(f"and {more} panels more")
    return (". ".join(filter(None, said)) or "an empty figure") + "."


def show_with_words() -> None:
    """Let every figure that this notebook shows carry its description; do nothing elsewhere."""
    from IPython import get_ipython  # here, so that a training needs no notebook

    shell = get_ipython()
    if shell is not None:
        shell.display_formatter.mimebundle_formatter.for_type(Figure, _with_words)


def _with_words(figure: Figure) -> tuple[dict, dict]:
    return {}, {"image/png": {"alt": describe(figure)}}  # the image itself is made as ever


def _panel(ax: Axes) -> str:
    """Say a panel's title, its axes, and what is drawn in it."""
    below, beside = _plain(ax.get_xlabel()), _plain(ax.get_ylabel())
    axes = f"{beside} by {below}" if below and beside else below or beside
    names = filter(None, [_plain(ax.get_title(loc="left")), _plain(ax.get_title()), axes])
    parts = [*_images(ax), *_bars(ax), *_lines(ax)]
    if len(parts) > MOST_PARTS:
        parts[MOST_PARTS:] = [f"and {len(parts) - MOST_PARTS} more"]
    return ": ".join(filter(None, [", ".join(names), "; ".join(parts)]))


def _images(ax: Axes) -> list[str]:
    """Say the size of each grid of colours, its extremes, and the path of a weighting in it."""
    said = []
    for image in ax.images:
        grid = np.ma.filled(image.get_array().astype(float), np.nan)
        rows, columns = grid.shape
        words = f"a grid of {rows} × {columns} numbers {_range(grid)}"
        for name, other, lines in (("column", "rows", grid.T), ("row", "columns", grid)):
            if 1 < lines.shape[1] and len(lines) <= MOST_PLACES and _are_weightings(lines):
                places = ", ".join(map(str, lines.argmax(1)))
                words += f", the largest of each {name} in {other} {places} (from 0)"
                break
        said.append(words)
    return said


def _are_weightings(lines: np.ndarray) -> bool:
    return bool((lines >= 0).all() and np.allclose(lines.sum(1), 1, atol=0.05))


def _bars(ax: Axes) -> list[str]:
    """Say each row of bars: all of a few, else the extremes and where the longest stands."""
    said = []
    for bars in (one for one in ax.containers if isinstance(one, BarContainer)):
        lying = bars.orientation == "horizontal"
        sizes = np.array([bar.get_width() if lying else bar.get_height() for bar in bars])
        if len(sizes) <= MOST_PARTS:
            words = f"bars of {', '.join(map(_number, sizes))}"
        else:
            longest = int(np.abs(sizes).argmax())
            words = f"{len(sizes)} bars {_range(sizes)}, the longest number {longest} from 0"
        said.append(_named(bars.get_label(), words))
    return said


def _lines(ax: Axes) -> list[str]:
    """Say each line of the legend; where there is no legend, each line."""
    lines = [line for line in ax.lines if not _is_rule(line)]
    known = [line for line in lines if not str(line.get_label()).startswith(NAMELESS)]
    lines = known + [line for line in lines if line not in known and len(line.get_xdata()) > 1]
    said = [_line(line) for line in known or lines]
    if known and len(lines) > len(known):
        said.append(f"{len(lines) - len(known)} thinner lines beside")
    return said


def _is_rule(line: Line2D) -> bool:
    """Tell whether a line only marks a level or a place, over the whole panel."""
    return line.get_transform() != line.axes.transData if line.axes else False


def _line(line: Line2D) -> str:
    """Say where a line begins and ends, and its extremes where they lie between."""
    x, y = (np.asarray(part, float) for part in line.get_data())
    seen = np.isfinite(y)
    if not seen.any():
        return _named(line.get_label(), "a line without a finite number")
    x, y = x[seen], y[seen]
    words = f"{_number(y[-1])} at {_number(x[-1])}"
    if len(x) > 1:
        words = f"from {_number(y[0])} at {_number(x[0])} to {words}"
    for kind, place in (("lowest", y.argmin()), ("highest", y.argmax())):
        if _number(y[place]) not in (_number(y[0]), _number(y[-1])):
            words += f", {kind} {_number(y[place])} at {_number(x[place])}"
    return _named(line.get_label(), words)


def _named(label: object, words: str) -> str:
    name = _plain(str(label))
    return words if not name or name.startswith(NAMELESS) else f"{name} {words}"


def _range(numbers: np.ndarray) -> str:
    finite: Sequence[float] = numbers[np.isfinite(numbers)]
    if not len(finite):
        return "of which none is finite"
    words = f"from {_number(min(finite))} to {_number(max(finite))}"
    bad = numbers.size - len(finite)
    return f"{words}, {bad} not finite" if bad else words


def _number(value: float) -> str:
    return f"{value:.3g}".replace("-", "−")


def _plain(words: str) -> str:
    """Take the signs of mathematics off a label: $w^g$ becomes w^g."""
    without = re.sub(r"[${}\\]", "", re.sub(r"\\tilde\{(\w)\}", r"\1~", words))
    return without.replace("\n", ", ").strip()
