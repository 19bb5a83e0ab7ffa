"""Predictions, reveals and quizzes, driven as a learner drives them."""

from __future__ import annotations

import struct
import warnings

import matplotlib.pyplot as plt
import pytest

from lessons_lib import answers
from lessons_lib.predictions import predict, quiz, reveal
from lessons_lib.prose import figure_html, prose_html

OPTIONS = ["all", "half", "none"]
WHY = {"all": "No: it shrinks.", "half": "No: it shrinks further.", "none": "Yes, as $w^t$ does."}


@pytest.fixture(autouse=True)
def folder(monkeypatch, tmp_path):
    monkeypatch.setenv("LESSONS_ANSWERS", str(tmp_path))
    return tmp_path


@pytest.fixture
def ask():
    return lambda: predict("1.1", "How much of $h_0$ is left?", OPTIONS)


@pytest.fixture
def question():
    return lambda: quiz("1.q1", "How much is left?", OPTIONS, "none", WHY)


def choose(widget, value):
    widget.control.value = value
    widget.button.click()


# --- predict ---


def test_nothing_is_chosen_at_first(ask):
    widget = ask()
    assert widget.control.value is None
    assert widget.answer is None
    assert widget.status.value == ""


def test_a_prediction_is_kept_and_said_in_words(ask):
    widget = ask()
    choose(widget, "half")
    assert widget.answer == "half"
    assert widget.status.value == "You predicted: <b>half</b>"
    assert widget.control.disabled
    assert answers.get("predictions", "1.1") == {"answer": "half"}


def test_choosing_without_the_button_keeps_nothing(ask):
    widget = ask()
    widget.control.value = "half"
    assert widget.answer is None
    assert widget.status.value == "Chosen, not kept yet."


def test_the_button_alone_asks_for_a_choice(ask):
    widget = ask()
    widget.button.click()
    assert "Choose an answer first" in widget.status.value
    assert widget.answer is None


def test_an_earlier_answer_is_shown_again_after_a_restart(ask):
    choose(ask(), "half")
    later = ask()
    assert (later.control.value, later.control.disabled) == ("half", True)
    assert "half" in later.status.value


def test_a_prediction_can_be_changed(ask):
    widget = ask()
    choose(widget, "half")
    assert widget.button.description == "Predict again"
    widget.button.click()
    assert not widget.control.disabled
    choose(widget, "none")
    assert widget.answer == "none"


def test_two_copies_of_a_question_stay_together(ask):
    first, second = ask(), ask()
    choose(first, "half")
    assert second.control.value == "half"


def test_an_answer_that_is_no_longer_among_the_options_is_named_and_kept(ask):
    answers.put("predictions", "1.1", {"answer": "a quarter"})
    widget = ask()
    assert widget.control.value is None
    assert "a quarter" in widget.status.value
    assert answers.get("predictions", "1.1") == {"answer": "a quarter"}


@pytest.mark.parametrize(
    ("slider", "value", "shown"), [((0, 20, 1), 7, "7"), ((0.0, 1.0, 0.05), 0.35, "0.35")]
)
def test_a_number_is_predicted_with_a_slider(slider, value, shown):
    widget = predict("1.2", "How many?", slider=slider, unit="steps")
    choose(widget, value)
    later = predict("1.2", "How many?", slider=slider, unit="steps")
    assert later.control.value == value
    assert later.status.value == f"You predicted: <b>{shown}</b>"
    assert type(answers.get("predictions", "1.2")["answer"]) is type(slider[0])


def test_a_value_that_comes_after_the_press_was_chosen_before_it():
    widget = predict("1.2", "How many?", slider=(0, 20, 1))
    choose(widget, 1)
    widget.control.value = 2  # the page held it back while the kernel was busy
    assert widget.answer == 2
    assert widget.status.value == "You predicted: <b>2</b>"


def test_a_damaged_file_stops_no_question(ask, folder):
    (folder / "answers.json").write_text("{")
    with pytest.warns(UserWarning, match="kept as"):
        widget = ask()
    choose(widget, "half")
    assert widget.answer == "half"


def test_a_folder_that_cannot_be_written_is_said(ask, monkeypatch):
    widget = ask()

    def full(*_arguments):
        raise OSError("disk full")

    monkeypatch.setattr(answers, "put", full)
    choose(widget, "half")
    assert "This could not be kept: disk full" in widget.status.value


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({}, "either options or slider"),
        ({"options": OPTIONS, "slider": (0, 1, 1)}, "either options or slider"),
        ({"options": ["one"]}, "at least two different options"),
        ({"options": ["one", "one"]}, "at least two different options"),
    ],
)
def test_a_question_that_cannot_be_answered_is_refused(arguments, said):
    with pytest.raises(ValueError, match=said):
        predict("1.1", "?", **arguments)


# --- reveal ---


def test_a_reveal_is_folded_until_the_prediction_is_made(ask):
    shown = reveal("1.1", "It **vanishes**.", answer="none")
    assert not shown.opened
    assert shown.value.startswith("<details><summary>Make your prediction first, or show anyway")
    choose(ask(), "half")
    assert shown.opened
    assert shown.value.startswith("<details open><summary>What happened</summary>")
    assert "You predicted: <b>half</b>. The answer: <b>none</b>." in shown.value
    assert "It <b>vanishes</b>." in shown.value


def test_a_reveal_is_open_after_a_restart_if_the_prediction_was_made(ask):
    choose(ask(), "half")
    assert reveal("1.1", "It vanishes.").opened


def test_a_reveal_folds_again_when_the_prediction_is_forgotten(ask):
    choose(ask(), "half")
    shown = reveal("1.1", "It vanishes.")
    answers.forget("predictions", "1.1")
    assert not shown.opened


def test_what_is_folded_is_there_for_who_opens_it_anyway():
    shown = reveal("1.1", "It vanishes.", answer=0.25)
    assert "You made no prediction. The answer: <b>0.25</b>." in shown.value
    assert "It vanishes." in shown.value


def test_a_reveal_takes_a_function_and_runs_it_with_the_cell():
    assert "made now" in reveal("1.1", lambda: "made now").value
    with pytest.raises(ZeroDivisionError):
        reveal("1.1", lambda: 1 / 0)


def test_a_figure_is_shown_with_its_words_and_only_once():
    plt.close("all")  # of other tests
    figure, ax = plt.subplots()
    ax.plot([1, 0.5, 0.25])
    shown = reveal("1.1", [figure, "below"], alt='falls to "nothing"')
    assert 'src="data:image/png;base64,iVBOR' in shown.value
    assert 'alt="falls to &quot;nothing&quot;"' in shown.value
    assert shown.value.index("<img") < shown.value.index("below")
    assert plt.get_fignums() == []


def test_png_bytes_are_shown_too():
    png = b"\x89PNG" + struct.pack(">I", 1)
    assert "data:image/png;base64,iVBOR" in figure_html(png, "a dot")


@pytest.mark.parametrize(
    ("content", "alt", "said"),
    [(b"png", "", "expected alt"), (3, "three", "a matplotlib figure or PNG bytes, got int")],
)
def test_content_that_cannot_be_shown_is_refused(content, alt, said):
    with pytest.raises(ValueError, match=said):
        reveal("1.1", content, alt=alt)


# --- quiz ---


@pytest.mark.parametrize(
    ("chosen", "verdict"), [("all", "Not quite."), ("half", "Not quite."), ("none", "Right.")]
)
def test_every_option_has_its_own_feedback(question, chosen, verdict):
    widget = question()
    assert widget.feedback.value == ""
    choose(widget, chosen)
    assert widget.feedback.value == f"<p><b>{verdict}</b> {WHY[chosen]}</p>"
    assert answers.get("quizzes", "1.q1") == {"answer": chosen, "right": chosen == "none"}


def test_a_quiz_answer_is_shown_again_after_a_restart(question):
    choose(question(), "half")
    later = question()
    assert later.control.value == "half"
    assert WHY["half"] in later.feedback.value


def test_what_was_said_of_one_quiz_answer_does_not_stand_beside_another(question):
    widget = question()
    choose(widget, "half")
    widget.control.value = "none"
    assert widget.feedback.value == "Chosen, not checked yet."
    assert answers.get("quizzes", "1.q1") == {"answer": "half", "right": False}


def test_a_quiz_can_be_answered_again(question):
    widget = question()
    choose(widget, "half")
    choose(widget, "none")
    assert "Right." in widget.feedback.value


def test_checking_without_a_choice_asks_for_one(question):
    widget = question()
    widget.button.click()
    assert widget.feedback.value == "Choose an answer first."


def test_questions_do_not_share_answers(question):
    other = quiz("1.q2", "And then?", OPTIONS, "all", WHY)
    choose(question(), "half")
    assert other.control.value is None
    assert other.feedback.value == ""


@pytest.mark.parametrize(
    ("answer", "why", "said"),
    [("some", WHY, "one of the options"), ("none", {"none": "Yes."}, "feedback for each option")],
)
def test_an_unfinished_quiz_is_refused(answer, why, said):
    with pytest.raises(ValueError, match=said):
        quiz("1.q1", "?", OPTIONS, answer, why)


# --- what a checked notebook sees ---


def test_the_text_form_does_not_depend_on_what_was_answered(ask, question):
    made = [ask(), reveal("1.1", "x"), question()]
    before = [widget._repr_mimebundle_()["text/plain"] for widget in made]
    choose(made[0], "half")
    choose(made[2], "none")
    after = [widget._repr_mimebundle_()["text/plain"] for widget in made]
    assert before == after == ["predict('1.1')", "reveal('1.1')", "quiz('1.q1')"]


def test_nothing_is_printed_or_warned(ask, question, capsys):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        choose(ask(), "half")
        reveal("1.1", "x")
        choose(question(), "none")
    assert capsys.readouterr().out == ""


# --- prose ---


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("**bold** and *soft*", "<b>bold</b> and <i>soft</i>"),
        ("`a*b*c` stays", "<code>a*b*c</code> stays"),
        ("$a * b * c$ stays", "$a * b * c$ stays"),
        ("$a < b$ & <script>", "$a &lt; b$ &amp; &lt;script&gt;"),
        ("one\n\ntwo", "one</p><p>two"),
        ("costs $5", "costs $5"),
    ],
)
def test_prose_becomes_html_and_math_is_left_alone(text, expected):
    assert prose_html(text) == expected
