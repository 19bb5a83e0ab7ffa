"""Predictions in JupyterLab, by keyboard alone, in a real browser."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest

from tools.build_notebooks import METADATA

PREDICT = """
from lessons_lib.predictions import predict, quiz, reveal
predict("1.1", "How much of $h_0$ is left after 50 steps?", options=["all", "half", "none"])
""".strip()
SLIDER = """
import ipywidgets as widgets
prediction = predict("1.2", "How many steps?", slider=(0, 20, 1), unit="steps")
arrived = widgets.Label()
def show(change): arrived.value = f"arrived: {change.new}"
prediction.control.observe(show, "value")
widgets.VBox([prediction, arrived])
""".strip()
REVEAL = """
import matplotlib.pyplot as plt
figure, ax = plt.subplots(figsize=(4, 2))
ax.plot([0.5**t for t in range(10)])
reveal("1.1", [figure, "It **vanishes**, as $w^t$ does."], answer="none", alt="a falling curve")
""".strip()
UNANSWERED = 'reveal("1.9", "Folded away.", answer="42")'
QUIZ = """
quiz("1.q1", "What does clipping cure?", ["vanishing", "explosion"], answer="explosion",
     why={"vanishing": "It makes no gradient larger.", "explosion": "It bounds $\\\\|g\\\\|$."})
""".strip()
EXERCISE = """
from lessons_lib.exercises import exercise
exercise("4.3").show(lambda weights, shift: weights * shift[..., 1:2])
""".strip()
RESTART = "() => window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.restart()"


@pytest.fixture
def lesson(lab, tmp_path):
    """A notebook with a prediction, its reveal, a quiz and an exercise, run from top to bottom."""
    cells = [
        nbformat.v4.new_code_cell(code)
        for code in (PREDICT, SLIDER, REVEAL, UNANSWERED, QUIZ, EXERCISE)
    ]
    path = tmp_path / "predictions.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=METADATA), path)
    lab.open(path)
    lab.run_all()
    lab.page.set_default_timeout(20_000)
    lab.wait_for(".jp-OutputArea details summary")
    return lab


def press(lab, *keys):
    for key in keys:
        lab.page.keyboard.press(key)


def test_a_slider_is_called_by_its_question(lesson):
    slider = lesson.page.get_by_role("slider", name="Predict 1.2. How many steps?")
    slider.wait_for(state="visible")
    assert lesson.page.locator(".noUi-handle").count() == slider.count() == 1


def test_a_prediction_by_keyboard_opens_the_reveal_and_outlives_the_kernel(lesson, tmp_path: Path):
    page = lesson.page
    hidden = page.get_by_text("vanishes", exact=True)
    assert not hidden.is_visible()
    page.get_by_role("radio", name="all").focus()
    press(lesson, "Tab", "Space")  # to "half", choose it
    lesson.wait_for("text=Chosen, not kept yet.")
    press(lesson, "Tab", "Tab")  # past "none", to the button
    assert page.evaluate("document.activeElement.textContent") == "Keep my prediction"
    press(lesson, "Space")
    hidden.wait_for(state="visible")
    lesson.wait_for("text=You predicted: half. The answer: none.")
    lesson.wait_for("img[alt='a falling curve']")
    assert page.locator("details mjx-container").count() > 0  # the mathematics is typeset
    lesson.screenshot(tmp_path / "predictions.png", theme="dark")

    page.evaluate(RESTART)
    lesson.wait_idle()
    lesson.run_all()
    lesson.wait_for("text=You predicted: half. The answer: none.")
    assert page.get_by_role("radio", name="half").is_checked()
    assert page.get_by_role("radio", name="half").is_disabled()


def test_show_anyway_unfolds_by_keyboard(lesson):
    lesson.page.locator("summary", has_text="show anyway").last.focus()
    hidden = lesson.page.get_by_text("Folded away.", exact=True)
    assert not hidden.is_visible()
    press(lesson, "Space")
    hidden.wait_for(state="visible")
    lesson.wait_for("text=You made no prediction. The answer: 42.")


def test_a_quiz_by_keyboard_says_in_words_what_is_wrong(lesson):
    page = lesson.page
    page.get_by_role("radio", name="vanishing").focus()
    press(lesson, "Space")
    lesson.wait_for("text=Chosen, not checked yet.")
    press(lesson, "Tab", "Tab", "Space")
    lesson.wait_for("text=Not quite. It makes no gradient larger.")
    page.get_by_role("radio", name="explosion").focus()
    press(lesson, "Space")
    lesson.wait_for("text=Chosen, not checked yet.")
    press(lesson, "Tab", "Space")
    lesson.wait_for("text=Right. It bounds")


def test_a_number_is_chosen_by_keyboard(lesson):
    lesson.wait_for(".noUi-handle").focus()
    press(lesson, "ArrowRight", "ArrowRight")
    lesson.wait_for("text=arrived: 2")
    press(lesson, "Tab", "Tab")  # past the number, which can be typed too, to the button
    assert lesson.page.evaluate("document.activeElement.textContent") == "Keep my prediction"
    press(lesson, "Space")
    lesson.wait_for("text=You predicted: 2")


def test_a_wrong_answer_is_drawn_once(lesson):
    lesson.wait_for("text=did the shift wrap around?")
    assert lesson.page.locator(".jp-OutputArea-output > img, .jp-RenderedImage img").count() == 1
