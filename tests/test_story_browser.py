"""The story stepper in a real Chromium: stepped, typed into, read back, right."""

from __future__ import annotations

import pytest
import torch

from lessons_lib import load
from lessons_lib.babi import Question, tokenize
from lessons_lib.widgets.story import StoryStepper
from tests.test_widgets_browser import (
    ACTIVE,
    CANVAS,
    COLORS,
    PAPER,
    READ_BACK,
    Shown,
    draw_alone,
    show,
)

NAMES = ("lntm-qa1", "ntm-qa1", "lstm-qa1")
TEXT = """Mary went to the kitchen.
John moved to the garden.
Mary travelled to the office.
Where is Mary?"""
MAKE = f'''
from lessons_lib import load
from lessons_lib.babi import Question, tokenize
from lessons_lib.widgets.story import StoryStepper
*told, asked = map(tokenize, """{TEXT}""".splitlines())
machines = {{name: load(name) for name in {NAMES}}}
story = StoryStepper(machines, Question(tuple(told), asked, "office", (2,)))
story
'''
BUSY = "import time\nprint('busy')\ntime.sleep(6)"
MEASURES = """() => Object.fromEntries(
  ['read_shares', 'per_sentence', 'not_written', 'not_told'].map((name) => [name,
    [...document.querySelectorAll(`.story td[data-name=${name}]`)].map((cell) =>
      Number(cell.dataset.value))]))"""
BARS = """(kind) => [...document.querySelectorAll(`.word .${kind} i`)].map((bar) =>
  bar.dataset.value === undefined ? null : Number(bar.dataset.value))"""
SHOWN = "count => Number(document.querySelector('.lessons-picture').dataset.shown) >= count"
STEP = "([step]) => document.querySelector('.word.current')?.dataset.step === String(step)"
IN_SIGHT = """() => {
  const [frame, word] = ['.story', '.word.current'].map((name) =>
    document.querySelector(name).getBoundingClientRect());
  return word.top >= frame.top && word.bottom <= frame.bottom + 1;
}"""


def same(story: str | None = None) -> StoryStepper:
    machines = {name: load(name) for name in NAMES}
    if story is not None:
        return StoryStepper(machines, story)
    *told, asked = map(tokenize, TEXT.splitlines())
    return StoryStepper(machines, Question(tuple(told), asked, "office", (2,)))


class Told(Shown):
    """The story in the page."""

    def matches(self, here: StoryStepper, name: str, step: int) -> None:
        """Compare what is drawn at a step with the library's numbers: all within 1e-6."""
        self.page.wait_for_function(STEP, arg=[step], timeout=30_000)
        numbers = here.readings[name].numbers
        self.wait("answers", numbers["answers"][step])
        for part in ("written", "memory", "held", "reads", "state"):
            if part in numbers:
                self.wait(part, numbers[part][step])
        gates = self.page.evaluate(BARS, "gate")
        if "gate" in numbers:
            assert gates[: step + 1] == pytest.approx(
                numbers["gate"][: step + 1].tolist(), abs=1e-6
            )
            assert not any(gate is not None for gate in gates[step + 1 :])  # not read yet
        else:
            assert gates == []

    def measures_match(self, here: StoryStepper, name: str) -> None:
        """Compare the table beside the story."""
        numbers = here.readings[name].numbers
        drawn = self.page.evaluate(MEASURES)
        wanted = {part: numbers[part].tolist() for part in ("not_told",)}
        if "per_word" in numbers:
            wanted["per_sentence"] = [*numbers["per_sentence"].tolist(), numbers["outside"].item()]
            wanted["read_shares"] = numbers["read_shares"][-1].tolist()
            wanted["not_written"] = numbers["not_written"].tolist()
            owed = self.page.evaluate(BARS, "owes")
            assert owed == pytest.approx(numbers["per_word"].tolist(), abs=1e-6)
        for part, values in drawn.items():
            assert values == pytest.approx(list(wanted.get(part, [])), abs=1e-6)


def test_stepped_by_keys_slider_and_pointer_the_librarys_numbers_are_drawn(lab, tmp_path):
    show(lab, tmp_path, MAKE)
    told, here, page = Told(lab, 0), same(), lab.page
    first = "lntm-qa1"
    told.matches(here, first, 0)
    assert told.canvas.evaluate(COLORS) > 20
    measure = page.locator(".story td.measure .number").first
    assert not measure.is_visible()  # what the answer rests on comes with the answer
    active = page.evaluate(ACTIVE)
    for key, step in [("ArrowRight", 1), ("ArrowDown", 5), ("ArrowDown", 10), ("ArrowUp", 5),
                      ("PageDown", 15), ("PageUp", 5), ("ArrowLeft", 4), ("Home", 0)]:  # fmt: skip
        told.press(key)
        told.matches(here, first, step)
    page.locator(".story").focus()  # the words take keys too
    page.keyboard.press("ArrowRight")
    told.matches(here, first, 1)
    page.get_by_role("slider", name="word", exact=True).focus()
    page.keyboard.press("ArrowRight")
    told.matches(here, first, 2)
    page.locator(".word").nth(9).click()
    told.matches(here, first, 9)
    assert "word 10 of 20, sentence 2: “garden”" in told.canvas.get_attribute("aria-label")
    assert page.evaluate(ACTIVE) == active  # the notebook's own shortcuts stay out
    told.press("End")
    told.matches(here, first, 19)
    told.measures_match(here, first)
    assert measure.is_visible()
    assert page.get_by_text("★ 3").get_attribute("aria-label") == "3, a supporting fact"
    page.get_by_text("✓ That is right.").first.wait_for()
    told.canvas.hover(position={"x": 60, "y": 60})
    assert "is written here" in lab.wait_for(".lessons-picture .tooltip").inner_text()

    choose = page.get_by_label("which machine reads the story")
    for name, words in [("ntm-qa1", "has no add gate f"), ("lstm-qa1", "has no memory outside")]:
        choose.select_option(name)
        told.matches(here, name, 19)
        told.measures_match(here, name)
        page.get_by_text(words).wait_for()
        assert told.canvas.evaluate(COLORS) > 20
    choose.select_option(first)
    page.get_by_label("speed of playing").select_option("120")
    told.press(" ")  # plays from the first word to the last
    told.matches(here, first, 19)

    for theme, width, paper in [("dark", 800, 17), ("light", 1600, 255)]:
        file = lab.screenshot(tmp_path / f"{theme}.png", theme=theme, width=width)
        assert file.stat().st_size > 5_000
        page.wait_for_function(PAPER, arg=[CANVAS, 0, paper], timeout=30_000)
        for part in (told.canvas, page.locator(".story table"), page.locator(".own")):
            box = part.bounding_box()
            assert box["x"] + box["width"] <= width


def test_a_typed_story_is_read_even_by_a_kernel_that_is_busy(lab, tmp_path):
    show(lab, tmp_path, MAKE)
    told, page = Told(lab, 0), lab.page
    box = page.get_by_label("your own story")
    said = page.locator(".own .said")
    assert box.input_value() == TEXT
    assert page.get_by_text("need a running kernel").is_visible() is False

    text = "Sandra moved to the garden.\nDaniel went to the hallway.\nWhere is Sandra?"
    page.evaluate(
        """code => window.jupyterapp.shell.currentWidget.sessionContext.session.kernel
           .requestExecute({ code }) && null""",
        BUSY,
    )
    box.fill(text)
    box.press("Control+Enter")
    page.wait_for_function(SHOWN, arg=2, timeout=60_000)
    here = same(text)
    told.matches(here, "lntm-qa1", 14)  # at its end, with the answer
    told.measures_match(here, "lntm-qa1")
    assert "answers “garden”" in said.inner_text()
    assert "Nobody has said what is right" in said.inner_text()

    for count, (typed, words) in enumerate([
        ("Mary went to the cellar. Where is Mary?", "never trained on: 'cellar'"),
        ("Where is Mary?", "the story is empty"),
        ("Mary went to the office.", "expected a question with a ? at the end"),
        ("", "got 'nothing'"),
    ], start=3):  # fmt: skip
        box.fill(typed)
        page.get_by_role("button", name="let the machine read").click()
        page.wait_for_function(SHOWN, arg=count, timeout=60_000)
        assert words in said.inner_text()
        assert "the former one" in said.inner_text()
    told.matches(here, "lntm-qa1", 14)
    box.fill("Mary. Where is Mary?")
    box.press("Control+Enter")
    page.wait_for_function(SHOWN, arg=7, timeout=60_000)
    told.matches(same("Mary. Where is Mary?"), "lntm-qa1", 5)


def alone(page, story: StoryStepper) -> Told:
    """Draw a saved story in a page that no kernel answers."""
    draw_alone(page, story, "story.js")
    page.add_style_tag(content=story._css)

    class Page:  # what ``Shown`` needs of a notebook
        pass

    notebook = Page()
    notebook.page = page
    return Told(notebook, 0)


def test_without_a_kernel_it_is_stepped_and_typing_says_what_it_needs(page):
    story = same()
    told = alone(page, story)
    for key, step in [("ArrowRight", 1), ("End", 19)]:
        told.press(key)
        told.matches(story, "lntm-qa1", step)
    told.measures_match(story, "lntm-qa1")
    page.get_by_label("which machine reads the story").select_option("lstm-qa1")
    told.matches(story, "lstm-qa1", 19)
    page.get_by_text("need a running kernel, and none has answered").wait_for(timeout=30_000)


def test_a_very_long_story_a_nan_and_a_machine_that_cannot_read_it(page):
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    long = StoryStepper(
        {name: load(name) for name in ("lntm-qa2", "lntm-qa1")},
        "Mary got the milk there. " + "Mary went to the office. " * 100 + "Where is the milk?",
    )
    told = alone(page, long)
    told.press("End")
    told.matches(long, "lntm-qa2", 510)
    assert page.evaluate(IN_SIGHT)
    assert told.canvas.bounding_box()["height"] < 1200
    page.get_by_label("which machine reads the story").select_option("lntm-qa1")
    page.get_by_text("lntm-qa1 cannot read this story").wait_for()
    assert not told.canvas.is_visible()

    model, vocabulary, _ = load("lntm-qa1")
    with torch.no_grad():
        model.embedding.weight[vocabulary.encode(["garden"])] = float("nan")
    told = alone(page, StoryStepper({"broken": (model, vocabulary)}, TEXT))
    page.get_by_text("broken: inputs is not finite from step 9 on").wait_for()
    told.press("End")
    page.get_by_text("broken gives no answer: its outputs are not finite.").first.wait_for()
    assert all(value != value for value in told.canvas.evaluate(READ_BACK)["answers"])
    assert page.locator(".story td[data-name=not_told] .number").first.inner_text() == "NaN"
    assert not errors
