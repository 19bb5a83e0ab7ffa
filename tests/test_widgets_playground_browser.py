"""The playground and its challenge in JupyterLab in a real Chromium: typed, dragged, played."""

from __future__ import annotations

import torch
from playwright.sync_api import expect

from lessons_lib.widgets import AddressingPlayground
from lessons_lib.widgets.challenge_levels import LEVELS
from tests.test_widgets_browser import CANVAS, COLORS, PAPER, draw_alone, show

SOURCE = """
from lessons_lib.widgets import AddressingPlayground
play = AddressingPlayground()
play
"""
ODD = """
play.memory = [[1.0, float("nan")], [0.0, 1.0]]
play.key_strength.value = 2.7612
"""
STAGES = ("content", "interpolated", "shifted", "weights")
BETA = "β key strength, exactly"
WAIT = 30_000
VALUE = '([label, wanted]) => document.querySelector(`[aria-label="${label}"]`)?.value === wanted'
INSIDE = """([selector, width]) => [...document.querySelectorAll(selector)].every((element) => {
  const { left, right } = element.getBoundingClientRect();
  return left >= 0 && right <= width;
})"""


class Page:
    """The playground in the page, with the same numbers here."""

    def __init__(self, lab, tmp_path) -> None:
        self.lab, self.page = lab, lab.page
        [self.shown] = show(lab, tmp_path, SOURCE)
        self.here = AddressingPlayground()

    def matches(self, *names: str) -> None:
        for name in names:
            self.shown.wait(name, self.here.stages[name])

    def cell(self, name: str):
        return self.page.get_by_label(name, exact=True)

    def button(self, name: str):
        return self.page.get_by_role("button", name=name, exact=True)

    def status(self, words: str) -> None:
        self.page.locator(".challenge-status", has_text=words).wait_for(timeout=WAIT)

    def slide(self, place: int, presses: int, key: str = "ArrowRight") -> None:
        self.page.locator(".noUi-handle:visible").nth(place).focus()
        for _ in range(presses):
            self.page.keyboard.press(key)


def test_numbers_are_typed_dragged_and_refused_in_the_picture(lab, tmp_path):
    on = Page(lab, tmp_path)
    keyboard, mouse = lab.page.keyboard, lab.page.mouse
    on.matches(*STAGES)
    # Typed, with a decimal comma and a true minus; Enter sends it.
    on.cell("memory M, slot 2, number 1").click()
    keyboard.type("−0,35")
    keyboard.press("Enter")
    memory = on.here.memory
    memory[2, 1] = -0.35
    on.here.memory = memory
    on.shown.wait("memory", on.here.memory)
    on.matches(*STAGES)
    # By keyboard alone: from cell to cell by arrows, a tenth more by Page Up.
    keyboard.press("ArrowDown")
    keyboard.press("ArrowRight")
    keyboard.press("PageUp")
    keyboard.press("PageUp")
    memory[3, 2] = 0.2
    on.here.memory = memory
    on.matches(*STAGES)
    assert lab.page.evaluate("document.activeElement.ariaLabel") == "memory M, slot 3, number 2"
    # Dragged: six pixels are a tenth.
    box = on.cell("key k, number 0").bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    mouse.move(x, y)
    mouse.down()
    mouse.move(x, y - 10)
    mouse.move(x, y - 30)
    mouse.up()
    on.here.key = [0.5, 1, 1]
    on.shown.wait("key", on.here.key)
    on.matches(*STAGES)
    # What is no number is said to be none, and goes.
    keyboard.type("abc")
    keyboard.press("Enter")
    lab.wait_for(".refused:has-text('expected a number, got “abc”')")
    keyboard.press("Escape")
    lab.page.wait_for_function(VALUE, arg=["key k, number 0", "0.5"], timeout=WAIT)
    on.matches("content")
    # The head is put on a slot by a click and by keys.
    chooser = lab.page.locator(".chooser")
    chooser.click(position={"x": 20, "y": 4})
    on.here.previous = [1, 0, 0, 0, 0, 0]
    on.matches("previous")
    keyboard.press("End")
    on.here.previous = [0, 0, 0, 0, 0, 1]
    on.matches("previous", *STAGES)
    assert chooser.get_attribute("aria-valuetext") == "most at slot 5"
    assert on.shown.canvas.evaluate(COLORS) > 20
    # The box shows the number that is used, and takes one.
    box = lab.page.get_by_label(BETA)
    box.fill("3.14159")
    box.press("Enter")
    on.here.key_strength.value = 3.14159
    on.matches(*STAGES)
    expect(lab.page.get_by_label(BETA)).to_have_value("3.14159", timeout=WAIT)
    on.slide(0, 1)
    on.here.key_strength.value = 3.2  # the step after 3.1, where the handle stands
    on.matches(*STAGES)
    expect(lab.page.get_by_label(BETA)).to_have_value("3.2", timeout=WAIT)


def test_the_challenge_is_played_by_keyboard_to_a_win_at_par(lab, tmp_path):
    on = Page(lab, tmp_path)
    keyboard = lab.page.keyboard
    on.button("challenge").focus()
    keyboard.press("Enter")
    on.status("moves 0 · par 1")
    on.shown.wait("target", LEVELS[0].target)
    on.slide(2, 1)
    on.status("moves 1 · par 1")
    on.button("undo").focus()
    keyboard.press("Enter")
    on.status("moves 0 · par 1")
    on.button("hint").focus()
    keyboard.press("Enter")
    on.status("Hint: The key has nothing to do with it")
    on.slide(2, 3)
    on.status("✓ Won in 1: no sequence of fewer moves reaches it.")
    on.shown.wait("weights", LEVELS[0].target)
    lab.page.get_by_role("button", name="1 ★").wait_for(timeout=WAIT)
    # A level with steps.
    on.button("5").focus()
    keyboard.press("Enter")
    on.status("moves 0 · par 3")
    on.slide(2, 2, "ArrowLeft")
    on.shown.wait("weights", torch.eye(8)[0])
    for slot in (7, 6):
        on.button("step: w becomes w(t−1)").focus()
        keyboard.press("Enter")
        on.shown.wait("weights", torch.eye(8)[slot])
    on.status("✓ Won in 3")
    assert lab.page.locator(".challenge-status").get_attribute("role") == "status"
    on.button("next level").focus()
    keyboard.press("Enter")
    lab.page.get_by_text("Level 6 of 9: The one after.").wait_for(timeout=WAIT)
    for theme, width, paper in [("dark", 800, 17), ("light", 1600, 255)]:
        file = lab.screenshot(tmp_path / f"{theme}.png", theme=theme, width=width)
        assert file.stat().st_size > 5_000
        lab.page.wait_for_function(PAPER, arg=[CANVAS, 0, paper], timeout=WAIT)
        lab.page.wait_for_function(INSIDE, arg=[CANVAS, width], timeout=WAIT)
    on.button("explore").click()
    on.matches(*STAGES)  # the sliders stand where they stood


def test_a_nan_is_drawn_and_named_and_the_exact_number_is_shown(lab, tmp_path):
    """A value set by code is shown as it is, though the handle stands on a step."""
    [shown] = show(lab, tmp_path, SOURCE.replace("\nplay\n", ODD + "play\n"))
    lab.wait_for(".problem:has-text('memory, slot 0, number 1, is NaN')")
    lab.wait_for(".problem:has-text('not finite: wᶜ, wᵍ, w̃, w')")
    assert shown.canvas.evaluate("c => Array.from(c.drawn.content).every(Number.isNaN)")
    expect(lab.page.get_by_label(BETA)).to_have_value("2.7612", timeout=WAIT)
    shown.wait("previous", torch.tensor([0.0, 1.0]))
    field = lab.page.get_by_label("memory M, slot 0, number 1", exact=True)
    field.focus()
    lab.page.keyboard.type("2")
    lab.page.keyboard.press("Enter")
    here = AddressingPlayground([[1.0, 2.0], [0.0, 1.0]], [0, 1, 1][:2])
    here.key_strength.value = 2.7612
    shown.wait("memory", here.memory)


def test_a_saved_page_without_a_kernel_draws_and_says_what_it_cannot(page):
    draw_alone(page, AddressingPlayground().picture, "playground.js")
    page.get_by_text("need a running kernel").wait_for(timeout=WAIT)
    assert page.locator(CANVAS).evaluate(COLORS) > 20
    page.get_by_label("key k, number 0", exact=True).fill("7")  # nobody takes it
    page.keyboard.press("Enter")
    page.wait_for_function(VALUE, arg=["key k, number 0", "0"], timeout=WAIT)
