"""Runs as the last cell of a lesson whose page is built: every picture's still, for print.

It sends one dictionary: for the id of each widget that has a still, its description in words and
the figure as PNG.
"""

import base64
import io

import matplotlib.pyplot as plt
from IPython.display import display
from ipywidgets import Widget
from ipywidgets.widgets import widget as registry

from lessons_lib.figure_words import describe


def still(picture: Widget) -> dict[str, str]:
    """Return a picture's still in words and as base64."""
    figure, buffer = picture.still(), io.BytesIO()
    figure.savefig(buffer, format="png", bbox_inches="tight", dpi=110)
    plt.close(figure)
    return {
        "alt": f"{picture!r}, as a still picture. {describe(figure)}",
        "png": base64.b64encode(buffer.getvalue()).decode("ascii"),
    }


def stills() -> dict[str, dict[str, str]]:
    """Return the stills of all widgets of this kernel."""
    found = list(registry._instances.items())
    return {
        identity: still(widget)
        for identity, widget in found
        if callable(getattr(widget, "still", None))
    }


display({"application/vnd.lessons.stills+json": stills()}, raw=True)
