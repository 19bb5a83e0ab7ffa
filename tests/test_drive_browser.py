"""Drive the machine in JupyterLab in a real Chromium: played by keyboard, read back, right."""

from __future__ import annotations

import pytest
import torch

from lessons_lib.machine_game import Game, learned_run
from lessons_lib.widgets import DriveTheMachine
from tests.test_widgets_browser import (
    CANVAS,
    COLORS,
    DRAWN,
    PAPER,
    READ_BACK,
    Shown,
    draw_alone,
    show,
)

SOURCE = """
from lessons_lib.widgets import DriveTheMachine
game = DriveTheMachine({options})
game
"""
SHOWN = "count => Number(document.querySelector('.lessons-picture').dataset.shown) >= count"
COUNT = "() => Number(document.querySelector('.lessons-picture').dataset.shown ?? 1)"
FOCUSED = "() => document.activeElement.tagName"
STEP = "right write"


class Driven(Shown):
    """The game in the page; a press is over when its answer is drawn."""

    def __init__(self, lab) -> None:
        super().__init__(lab, 0)
        self.root = lab.page.locator(".lessons-picture").first
        self.status = lab.page.locator(".lessons-picture .status")
        self.canvas.focus()

    def keys(self, *keys: str) -> None:
        for key in keys:
            count = self.page.evaluate(COUNT)
            self.page.keyboard.press(key)
            self.page.wait_for_function(SHOWN, arg=count + 1, timeout=10_000)

    def matches(self, game: Game) -> None:
        """Compare everything that is drawn of the state with a game played here."""
        self.wait("memory", game.memory)
        self.wait("write.previous", game.weights("write"))
        self.wait("read.previous", game.weights("read"))
        for slot in (0, 1, 5):
            self.wait(f"memory {slot}", game.memory[slot])

    def score(self) -> str:
        return self.root.locator(".score").inner_text()


def start(lab, tmp_path, options: str = "") -> Driven:
    show(lab, tmp_path, SOURCE.format(options=options))
    return Driven(lab)


def test_copy_is_played_to_the_end_by_keyboard_alone(lab, tmp_path):
    driven = start(lab, tmp_path)
    here = Game("copy")
    driven.matches(here)
    assert driven.canvas.evaluate(COLORS) > 20
    driven.keys("ArrowRight", " ")
    planned = here.preview(here.level.solutions["step by step"][0])
    driven.wait("write.weights", planned.write.weights)
    driven.wait("add_vector", planned.add_vector)
    driven.wait("write.shift", planned.write.shift)
    assert "write B" in lab.page.locator(".lessons-picture .spoken").first.inner_text()
    for _ in range(5):
        driven.keys("Enter")
        here.act(STEP)
        driven.matches(here)
    assert "writes T" in driven.status.inner_text()
    assert driven.status.get_attribute("aria-live") == "polite"
    driven.keys("ArrowLeft", " ", "Enter", "ArrowDown", "ArrowRight", " ")
    here.act()
    for _ in range(5):
        driven.keys("Enter")
        here.act("stay", "right out")
        driven.matches(here)
    assert driven.score() == "11 steps (par 11), 5 of 5 answers, 0 wrong bits of 40"
    assert driven.score() == str(here.score)
    assert "that is par" in driven.root.locator(".ending").inner_text()
    driven.keys("l")
    lab.page.wait_for_function(DRAWN, arg=[CANVAS, 1])
    learned = learned_run(here.level)
    drawn = lab.page.locator(CANVAS).nth(1).evaluate(READ_BACK)
    for owner, run in (("own", here.trace), ("learned", learned)):
        for which in ("write", "read"):
            wanted = getattr(run, which).weights[:, 0, 0].T.flatten().tolist()
            assert drawn[f"{owner} {which}"] == pytest.approx(wanted, abs=1e-6)
    assert lab.page.evaluate(FOCUSED) == "CANVAS"  # the notebook's own shortcuts stayed out


def test_undo_wrong_answers_and_restart_are_shown(lab, tmp_path):
    driven = start(lab, tmp_path)
    here = Game("copy")
    driven.keys("ArrowRight", " ", "Enter", "Enter", "Enter", "u", "u")
    here.act(STEP)
    driven.matches(here)
    assert driven.score() == "1 step (par 11), 0 of 5 answers"
    driven.keys(*["Enter"] * 4, "Escape", "ArrowLeft", " ", "Enter", "ArrowDown", " ", "Enter")
    for _ in range(4):
        here.act(STEP)
    here.act()
    here.act("stay", "out")  # the read head never moved: it gives out the start mark
    driven.matches(here)
    driven.wait("answer 0", here.level.mark)
    assert "0 wrong bits" not in driven.score()
    assert driven.score() == str(here.score)
    said = driven.status.inner_text()
    assert "B was wanted: 4 wrong bits" in said
    assert "the start mark; B is on slot 1" in said
    driven.keys("x")
    driven.matches(Game("copy"))
    driven.keys("u")  # a restart can be taken back
    driven.matches(here)


def test_sort_is_played_by_digits_and_repeat_copy_by_buttons(lab, tmp_path):
    driven = start(lab, tmp_path, "'sort'")
    driven.keys("ArrowRight", " ", *["Enter"] * 4, " ", "ArrowLeft", "Enter", "ArrowDown", " ")
    for digit in "4321":
        driven.keys(digit, "Enter")
    assert driven.score() == "9 steps (par 9), 4 of 4 answers, 0 wrong bits of 32"
    lab.page.get_by_label("level").select_option("repeat copy")
    here = Game("repeat copy")
    driven.matches(here)
    write = lab.page.get_by_role("region", name="write head")
    read = lab.page.get_by_role("region", name="read head")
    write.get_by_role("button", name="right").click()
    write.get_by_role("button", name="write the input").click()
    go = lab.page.get_by_role("button", name="do the step")
    for _ in range(4):
        go.click()
    write.get_by_role("button", name="nothing").click()
    go.click()
    read.get_by_role("button", name="right").click()
    read.get_by_role("button", name="give out the read").click()
    for _ in range(4):
        go.click()
    read.get_by_role("button", name="start").click()
    driven.wait("read.gate", torch.ones(1))
    assert read.get_by_role("button", name="start").get_attribute("aria-pressed") == "true"
    driven.wait("read.key_strength", torch.tensor([20.0]))
    for _ in range(4):
        go.click()
    driven.root.locator(".ending").wait_for()
    assert driven.score() == "13 steps (par 13), 8 of 8 answers, 0 wrong bits of 64"


def test_soft_shifts_smear_and_the_slider_sharpens_the_same_steps(lab, tmp_path):
    driven = start(lab, tmp_path)
    here = Game("copy", soft=True)
    lab.page.get_by_label("soft shifts").check()
    driven.canvas.focus()
    driven.keys("ArrowRight", " ", *["Enter"] * 5)
    for _ in range(5):
        here.act(STEP)
    driven.matches(here)
    assert here.weights("write").max() < 0.7
    lab.page.get_by_label("γ, sharpening").focus()
    driven.keys(*["ArrowRight"] * 5)
    here.set(sharpening=1.25)
    driven.matches(here)
    assert "computed anew" in driven.status.inner_text()


def test_show_me_how_plays_par_and_gives_the_own_game_back(lab, tmp_path):
    driven = start(lab, tmp_path, "'sort'")
    driven.keys("ArrowRight", " ", "Enter", "s")
    lab.page.get_by_text("Shown, not played: Done without a wrong bit").wait_for(timeout=60_000)
    driven.keys("u")
    here = Game("sort")
    here.act(STEP)
    driven.matches(here)


def test_it_follows_the_theme_and_the_width_and_python(lab, tmp_path):
    driven = start(lab, tmp_path)
    for theme, width, paper in [("dark", 800, 17), ("light", 1600, 255)]:
        file = lab.screenshot(tmp_path / f"{theme}.png", theme=theme, width=width)
        assert file.stat().st_size > 5_000
        lab.page.wait_for_function(PAPER, arg=[CANVAS, 0, paper], timeout=10_000)
        for part in (driven.canvas, lab.page.locator(".lessons-picture .heads")):
            box = part.bounding_box()
            assert box["x"] + box["width"] <= width
    assert lab.page.get_by_text("need a running kernel").is_visible() is False


def test_without_a_kernel_the_saved_game_is_drawn_and_says_what_cannot(page):
    play = DriveTheMachine()
    play.act("right write")
    drawn = draw_alone(page, play, "drive.js").evaluate(READ_BACK)
    assert drawn["memory"] == pytest.approx(play.game.memory.flatten().tolist(), abs=1e-6)
    page.get_by_text("need a running kernel").wait_for(timeout=10_000)
