"""Short prose and still figures as HTML for widgets, with `$…$` left for the typesetter."""

from __future__ import annotations

import base64
import html
import io
import re
from typing import TypeAlias

import matplotlib.pyplot as plt
from matplotlib.figure import Figure

Part: TypeAlias = str | bytes | Figure
Content: TypeAlias = Part | list[Part] | tuple[Part, ...]

_MATH_OR_CODE = re.compile(r"(\$[^$]+\$|`[^`]+`)")
_BOLD = re.compile(r"\*\*(.+?)\*\*")
_EMPHASIS = re.compile(r"\*(.+?)\*")


def prose_html(text: str) -> str:
    r"""Turn prose with `$…$`, `**bold**`, `*emphasis*` and `` `code` `` into HTML.

    An empty line ends a paragraph. Whatever else looks like HTML is shown as written.
    """
    pieces = []
    for piece in _MATH_OR_CODE.split(html.escape(text.strip(), quote=False)):
        if piece.startswith("`") and piece.endswith("`") and len(piece) > 1:
            pieces.append(f"<code>{piece[1:-1]}</code>")
        elif piece.startswith("$") and piece.endswith("$") and len(piece) > 1:
            pieces.append(piece)
        else:
            marked = _EMPHASIS.sub(r"<i>\1</i>", _BOLD.sub(r"<b>\1</b>", piece))
            pieces.append(re.sub(r"\n\s*\n", "</p><p>", marked))
    return "".join(pieces)


def figure_html(picture: Figure | bytes, alt: str) -> str:
    """Return a figure or PNG bytes as an HTML image with its description in words.

    Raises:
        ValueError: there is no description, or the picture is of another kind.
    """
    if not alt:
        raise ValueError("expected alt, the figure said in words, got none")
    if isinstance(picture, Figure):
        picture = _png(picture)
    if not isinstance(picture, bytes):
        raise ValueError(
            f"expected prose, a matplotlib figure or PNG bytes, got {type(picture).__name__}"
        )
    data = base64.b64encode(picture).decode("ascii")
    return (
        f'<img src="data:image/png;base64,{data}" alt="{html.escape(alt)}" style="max-width: 100%">'
    )


def _png(figure: Figure) -> bytes:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", bbox_inches="tight")
    plt.close(figure)  # or the cell that made it would show it a second time
    return buffer.getvalue()
