"""A picture's still, shown wherever the picture itself cannot be: on paper, and in plain pages."""

from __future__ import annotations

import base64
import io
import warnings

from matplotlib.figure import Figure

from lessons_lib.figure_words import describe

DPI = 72
PNG = "image/png"


class WithStill:
    """A widget whose output holds its still beside the view, with the still's words as ``alt``.

    JupyterLab shows the view. Its Print, nbconvert's pages and PDF, and sites that render
    notebooks show the still, since they have no view to show. It is drawn when the widget is
    displayed, as the widget stands then.
    """

    def still(self) -> Figure:
        """Return the same content as a figure."""
        raise NotImplementedError

    def brief_still(self) -> Figure:
        """Return the still that goes into the output, where a second's wait would be long."""
        return self.still()

    def _repr_mimebundle_(self, **options: object) -> tuple[dict, dict]:
        found = super()._repr_mimebundle_(**options)
        data, metadata = found if isinstance(found, tuple) else (found, {})
        try:
            still = self._still_in_words()
        except Exception as error:  # whatever is wrong on paper, the picture itself is shown
            warnings.warn(f"no still beside {self!r}: {error!r}", stacklevel=2)
            return data, metadata
        return data | still[0], metadata | still[1]

    def _still_in_words(self) -> tuple[dict, dict]:
        figure, file = self.brief_still(), io.BytesIO()
        figure.savefig(file, format="png", dpi=DPI)
        png = base64.b64encode(file.getvalue()).decode("ascii")
        alt = f"{self!r}, as a still picture. {describe(figure)}"
        return {PNG: png}, {PNG: {"alt": alt}}
