"""Predict, reveal and quiz: questions answered in a widget and kept in the learner's own file.

In a lesson, in three cells:

    predict("1.1", "After 50 steps, how much of $h_0$ is left?", options=["all", "half", "none"])
    reveal("1.1", "Almost nothing: the slope shrinks at every step.", answer="none")
    quiz("1.q1", "What does clipping cure?", options=[...], answer="...", why={option: ...})

Text is plain prose with `$…$`, `**bold**`, `*emphasis*` and `` `code` ``. An earlier answer is
shown again after the kernel restarts. Nothing is said by colour alone, and all of it works by
keyboard: Tab to move, Space to choose, press or unfold, arrows to slide. (JupyterLab keeps the
arrows from radio buttons, so there Tab moves between the options too.)
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import anywidget
import ipywidgets as widgets

from lessons_lib import answers
from lessons_lib.prose import Content, figure_html, prose_html
from lessons_lib.widgets.base import script

WIDE = {"width": "100%"}


class SliderName(anywidget.AnyWidget):
    """Calls the slider beside it by its question, for a screen reader; shows nothing."""

    _esm = script("slider_name.js")


class Prediction(widgets.VBox):
    """A question with its choices, a button that keeps the answer, and a line of what was kept."""

    def __init__(self, id: str, question: str, control: widgets.ValueWidget) -> None:
        """Show the question, with the earlier answer in place where one was kept."""
        self.id = id
        self.control = control
        self.button = widgets.Button(description="Keep my prediction")
        self.status = widgets.HTMLMath()
        self.button.on_click(self._press)
        control.observe(self._chosen, "value")
        heading = widgets.HTMLMath(f"<p><b>Predict {id}.</b> {prose_html(question)}</p>")
        named = [] if isinstance(control, widgets.RadioButtons) else [SliderName()]
        super().__init__([heading, control, *named, widgets.HBox([self.button, self.status])])
        answers.watch("predictions", id, self._update)
        self._update(answers.get("predictions", id))

    @property
    def answer(self) -> Any:
        """The prediction that is kept, or None."""
        record = answers.get("predictions", self.id)
        return None if record is None else record["answer"]

    def __repr__(self) -> str:
        """Name the question; the same text whether it is answered or not."""
        return f"predict({self.id!r})"

    def _press(self, _button: widgets.Button) -> None:
        if self.control.disabled:  # kept earlier: unlock
            self._lock(False)
            self.status.value = "Choose again, then keep it."
        elif self.control.value is None:
            self.status.value = "Choose an answer first."
        else:
            _keep(self.status, "predictions", self.id, {"answer": self.control.value})

    def _chosen(self, change: dict[str, Any]) -> None:
        """Say that nothing is kept yet, or keep what was chosen before the press but came after it.

        While the kernel is busy the page holds a control's newest value back, but not the press.
        A locked control can't be moved, so a value that comes then is one of these.
        """
        if not self.control.disabled:
            self.status.value = "Chosen, not kept yet."
        elif change["new"] != self.answer:
            _keep(self.status, "predictions", self.id, {"answer": change["new"]})

    def _update(self, record: answers.Record | None) -> None:
        """Show what is kept; an answer that is no longer among the options is only named."""
        self._lock(record is not None)
        if record is None:
            self.status.value = ""
            return
        if _fits(self.control, record["answer"]):
            self.control.value = record["answer"]
        self.status.value = f"You predicted: <b>{prose_html(_shown(record['answer']))}</b>"

    def _lock(self, locked: bool) -> None:
        self.control.disabled = locked
        self.button.description = "Predict again" if locked else "Keep my prediction"


class Reveal(widgets.HTMLMath):
    """What happened, folded until the prediction is kept or the learner opens it anyway."""

    def __init__(self, id: str, parts: list[str], answer: Any) -> None:
        """Show the fold, open if the prediction was kept earlier."""
        super().__init__(layout=WIDE)
        self.id = id
        self._parts = "".join(parts)
        self._answer = answer
        answers.watch("predictions", id, self._update)
        self._update(answers.get("predictions", id))

    @property
    def opened(self) -> bool:
        """Whether the fold was opened by a prediction (a learner may open it without one)."""
        return self.value.startswith("<details open>")

    def __repr__(self) -> str:
        """Name the prediction it belongs to."""
        return f"reveal({self.id!r})"

    def _update(self, record: answers.Record | None) -> None:
        title = "What happened" if record else "Make your prediction first, or show anyway"
        said = (
            "You made no prediction."
            if record is None
            else (f"You predicted: <b>{prose_html(_shown(record['answer']))}</b>.")
        )
        beside = (
            f"<p>{said}</p>"
            if self._answer is None
            else (f"<p>{said} The answer: <b>{prose_html(_shown(self._answer))}</b>.</p>")
        )
        fold = "<details open>" if record else "<details>"
        self.value = f"{fold}<summary>{title}</summary>{beside}{self._parts}</details>"


class Quiz(widgets.VBox):
    """One question with options, and for each option what is right or wrong about it."""

    def __init__(
        self, id: str, question: str, options: Sequence[str], answer: str, why: Mapping[str, str]
    ) -> None:
        """Show the question, with the earlier answer and its feedback where one was kept."""
        self.id, self._answer, self._why = id, answer, dict(why)
        self.control = _radio(options)
        self.button = widgets.Button(description="Check my answer")
        self.feedback = widgets.HTMLMath(layout=WIDE)
        self.button.on_click(self._press)
        self.control.observe(self._chosen, "value")
        heading = widgets.HTMLMath(f"<p><b>Question {id}.</b> {prose_html(question)}</p>")
        super().__init__([heading, self.control, self.button, self.feedback])
        answers.watch("quizzes", id, self._update)
        self._update(answers.get("quizzes", id))

    def __repr__(self) -> str:
        """Name the question; the same text whether it is answered or not."""
        return f"quiz({self.id!r})"

    def _press(self, _button: widgets.Button) -> None:
        chosen = self.control.value
        if chosen is None:
            self.feedback.value = "Choose an answer first."
            return
        record = {"answer": chosen, "right": chosen == self._answer}
        _keep(self.feedback, "quizzes", self.id, record)

    def _chosen(self, _change: dict[str, Any]) -> None:
        """Take back what was said of another answer."""
        self.feedback.value = "Chosen, not checked yet."

    def _update(self, record: answers.Record | None) -> None:
        self.feedback.value = ""
        chosen = record["answer"] if record else None
        if chosen in self._why:
            self.control.value = chosen
            verdict = "Right." if chosen == self._answer else "Not quite."
            self.feedback.value = f"<p><b>{verdict}</b> {prose_html(self._why[chosen])}</p>"


def predict(
    id: str,
    question: str,
    options: Sequence[str] | None = None,
    *,
    slider: tuple[float, float, float] | None = None,
    unit: str = "",
) -> Prediction:
    """Ask for a prediction and keep it: one of `options`, or a number from a slider.

    Args:
        id: lesson and number, such as "1.1"; `reveal` names the same.
        question: prose with `$…$`.
        options: the choices, plain text, each different.
        slider: (lowest, highest, step) in place of options; whole numbers give whole numbers.
        unit: what the slider's number counts, such as "steps".

    Raises:
        ValueError: neither or both of options and slider, or options that repeat.
    """
    if (options is None) == (slider is None):
        raise ValueError("expected either options or slider")
    control = _radio(options) if options is not None else _slider(slider, unit)
    return Prediction(id, question, control)


def reveal(
    id: str, content: Content | Callable[[], Content], answer: Any = None, *, alt: str = ""
) -> Reveal:
    """Fold away what happened until the prediction of that id is kept or "show anyway" is pressed.

    Args:
        id: that of the prediction.
        content: prose, a matplotlib figure, PNG bytes, or a list of these; or a function that
            returns one. It is made when the cell runs, so that an error shows at once.
        answer: the right answer in a few words, put beside the learner's prediction.
        alt: what a figure shows, in words; needed wherever there is one.

    Raises:
        ValueError: a figure without `alt`, or content of another kind.
    """
    content = content() if callable(content) else content
    parts = content if isinstance(content, (list, tuple)) else [content]
    return Reveal(id, [_part_html(part, alt) for part in parts], answer)


def quiz(
    id: str, question: str, options: Sequence[str], answer: str, why: Mapping[str, str]
) -> Quiz:
    """Ask a question whose every option has its own feedback; the answer is kept.

    Args:
        id: lesson and number, such as "1.q1".
        question: prose with `$…$`.
        options: the choices, plain text, each different.
        answer: the right one of them.
        why: for each option, why it is right or wrong (prose).

    Raises:
        ValueError: the answer is not among the options, or an option has no feedback.
    """
    if answer not in options:
        raise ValueError(f"expected the answer to be one of the options, got {answer!r}")
    if set(why) != set(options):
        missing = sorted(set(options) ^ set(why))
        raise ValueError(f"expected feedback for each option and no other, look at {missing}")
    return Quiz(id, question, options, answer, why)


def _radio(options: Sequence[str]) -> widgets.RadioButtons:
    if len(set(options)) != len(options) or len(options) < 2:
        raise ValueError(f"expected at least two different options, got {list(options)}")
    return widgets.RadioButtons(options=list(options), value=None, layout={"width": "auto"})


def _slider(bounds: tuple[float, float, float], unit: str) -> widgets.ValueWidget:
    low, high, step = bounds
    whole = all(isinstance(number, int) for number in bounds)
    kind = widgets.IntSlider if whole else widgets.FloatSlider
    return kind(value=low, min=low, max=high, step=step, description=unit)


def _fits(control: widgets.ValueWidget, answer: Any) -> bool:
    if isinstance(control, widgets.RadioButtons):
        return answer in control.options
    return isinstance(answer, (int, float)) and control.min <= answer <= control.max


def _shown(answer: Any) -> str:
    return f"{answer:g}" if isinstance(answer, float) else str(answer)


def _part_html(part: Any, alt: str) -> str:
    if isinstance(part, str):
        return f"<p>{prose_html(part)}</p>"
    return figure_html(part, alt)


def _keep(line: widgets.HTMLMath, kind: str, id: str, record: answers.Record) -> None:
    try:
        answers.put(kind, id, record)
    except OSError as problem:
        line.value = prose_html(f"This could not be kept: {problem}")
