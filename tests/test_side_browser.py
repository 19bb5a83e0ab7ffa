"""Side by side in JupyterLab in a real Chromium: stepped, slid, read back, right."""

from __future__ import annotations

import pytest
import torch
from playwright.sync_api import expect

from lessons_lib.ntm import NTM
from lessons_lib.recurrent import RNN
from lessons_lib.widgets import SideBySide
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

WAIT = 30_000
MAKE = """
import torch
from lessons_lib.lntm import LNTM
from lessons_lib.ntm import NTM
from lessons_lib.recurrent import LSTM, RNN
from lessons_lib.widgets import SideBySide
torch.manual_seed(4)
machines = {"RNN": RNN(4, 3, hidden_size=5), "LSTM": LSTM(4, 3, hidden_size=5)}
machines["NTM"] = NTM(4, 3, slots=6, width=4, hidden_size=5)
machines["L-NTM"] = LNTM(4, 3, slots=6, width=4, hidden_size=5, read_pointers=2)
play = SideBySide(machines, 5, longest=12, recorded={"LSTM": [(2, 3.0), (10, 15.0)]})
play
"""
GUTTER, RIGHT = 118, 12


def same() -> SideBySide:
    """Make here what the cell makes there."""
    made: dict = {}
    exec(MAKE, made)
    return made["play"]


def matches(lanes: Shown, errors: Shown, here: SideBySide) -> None:
    """Compare what is drawn with the library's numbers: all within 1e-6."""
    batch, first = here.batch, here.length + 1
    lanes.wait("inputs", batch.inputs[:, 0].T)
    lanes.wait("targets", batch.targets[first:, 0].T)
    lengths, lists, shares = here.race.visited()
    errors.wait("visited lengths", torch.tensor(lengths))
    errors.wait("visited lists", torch.tensor(lists))
    for name, machine in here.race.machines.items():
        with torch.no_grad():
            outputs, _, trace = machine(batch.inputs, trace=True)
        said = outputs[first:, 0]
        wrong = (said > 0) != (batch.targets[first:, 0] > 0.5)
        lanes.wait(f"{name} probability", said.sigmoid().T)
        lanes.wait(f"{name} wrong", wrong)
        lanes.wait(f"{name} by_step", wrong.sum(-1))
        lanes.wait(f"{name} total", wrong.sum()[None])
        errors.wait(f"{name} visited", torch.tensor(shares[name]))
        if trace.cell is None and trace.memory_after is None:
            lanes.wait(f"{name} stored", trace.hidden[:, 0].T)
        elif trace.memory_after is None:
            lanes.wait(f"{name} stored", trace.cell[:, 0].T)
        else:
            gate = 1 if trace.add_gate is None else trace.add_gate[:, 0]
            lanes.wait(f"{name} stored", (gate * trace.write.weights[:, 0, 0]).T)


def test_steps_lengths_and_lists_draw_the_librarys_numbers(lab, tmp_path):
    [lanes] = show(lab, tmp_path, MAKE)
    errors, here = Shown(lab, 1), same()
    page = lab.page
    length = page.get_by_label("length of the list")
    matches(lanes, errors, here)
    errors.wait("LSTM recorded", torch.tensor([2, 0.5, 10, 0.5]))
    for shown in (lanes, errors):
        assert shown.canvas.evaluate(COLORS) > 20
    active = page.evaluate(ACTIVE)
    # Steps: keys, slider, a click on a column; the machines' bits of the step.
    said = {name: answer.outputs.sigmoid() for name, answer in here.race.answers(0, 5).items()}
    for key, step in [("ArrowLeft", 9), ("ArrowLeft", 8), ("ArrowRight", 9), ("End", 10)]:
        lanes.press(key)
        for name, probability in said.items():
            lanes.wait(f"{name} now", probability[step - 6])
    lanes.press("Home")
    lanes.wait("input now", here.batch.inputs[0, 0])
    assert "step 0 of 0 to 10: vector 0 of the list is heard" in lanes.canvas.get_attribute(
        "aria-label"
    )
    page.get_by_role("slider", name="step", exact=True).focus()
    page.keyboard.press("ArrowRight")
    lanes.wait("input now", here.batch.inputs[1, 0])
    width = lanes.canvas.bounding_box()["width"] - GUTTER - RIGHT
    column = {"x": GUTTER + width * 7.5 / 11, "y": 40}
    lanes.canvas.click(position=column)
    lanes.wait("RNN now", said["RNN"][1])
    lanes.canvas.hover(position=column)
    assert "input, step 7" in lab.wait_for(".lessons-picture .tooltip").inner_text()
    label = lanes.canvas.get_attribute("aria-label")
    assert f" here, {here.wrong['LSTM']} of 15 bits wrong in all" in label
    # Lengths: the slider's own keys, + and −, a click in the chart; the write paths follow.
    expect(length).to_be_enabled(timeout=WAIT)
    length.focus()
    page.keyboard.press("ArrowRight")
    here.length = 6
    matches(lanes, errors, here)
    page.keyboard.press("End")
    here.length = 12
    matches(lanes, errors, here)
    lanes.press("-")
    here.length = 11
    matches(lanes, errors, here)
    place = errors.canvas.bounding_box()["width"] - 52 - 14
    errors.canvas.click(position={"x": 52 + place * 0.5 / 12, "y": 120})
    here.length = 1
    matches(lanes, errors, here)
    lanes.press("-")  # there is no shorter one
    # Another list of the same length; both kinds of points are kept.
    page.get_by_role("button", name="another list").click()
    here.sequence = 1
    matches(lanes, errors, here)
    lanes.press("n")
    here.sequence = 2
    matches(lanes, errors, here)
    assert page.evaluate(ACTIVE) == active  # the notebook's own shortcuts stay out
    assert not page.get_by_text("need a running kernel").is_visible()
    lanes.press("Home")
    page.get_by_label("speed of playing").select_option("33")
    lanes.press(" ")
    lanes.wait("RNN now", here.race.answers(2, 1)["RNN"].outputs.sigmoid()[0])  # played to the end
    for theme, wide, paper in [("dark", 800, 17), ("light", 1600, 255)]:
        file = lab.screenshot(tmp_path / f"{theme}.png", theme=theme, width=wide)
        assert file.stat().st_size > 5_000
        for index in (0, 1):
            page.wait_for_function(PAPER, arg=[CANVAS, index, paper], timeout=WAIT)
        parts = page.locator(f"{CANVAS}, .lessons-picture .toolbar > *")
        for right in parts.evaluate_all("all => all.map(one => one.getBoundingClientRect().right)"):
            assert right <= wide  # nothing runs out of the page
        left, right = lanes.canvas.bounding_box(), errors.canvas.bounding_box()
        beside = right["x"] >= left["x"] + left["width"]
        assert beside == (wide == 1600)  # the chart stands below where there is no room


def test_without_a_kernel_it_still_steps_and_says_what_cannot(page):
    torch.manual_seed(1)
    play = SideBySide({"NTM": NTM(3, 2, slots=4, width=3, hidden_size=4)}, 3, longest=9)
    canvas = draw_alone(page, play, "side.js")
    canvas.focus()
    for key in ("Home", "PageUp", "ArrowLeft"):
        page.keyboard.press(key)
    drawn = canvas.evaluate("c => Array.from(c.drawn['NTM now'])")
    said = play.race.answers(0, 3)["NTM"].outputs.sigmoid()
    assert drawn == pytest.approx(said[1].tolist(), abs=1e-6)
    page.get_by_text("need a running kernel").wait_for(timeout=WAIT)


def test_one_vector_and_a_nan_are_drawn_and_told(page):
    sick = RNN(2, 1, hidden_size=1)
    sick.readout.bias.data[:] = float("nan")
    play = SideBySide(
        {"sick": sick, "NTM": NTM(2, 1, slots=1, width=1, hidden_size=1)}, 1, longest=1
    )
    canvas = draw_alone(page, play, "side.js")
    assert canvas.evaluate("c => Array.from(c.drawn['sick probability']).every(Number.isNaN)")
    assert canvas.evaluate("c => c.drawn['sick total'][0]") == 1
    page.get_by_text("sick: outputs are not finite from vector 0 of the answer on").wait_for()
    assert "sick: 1 wrong: bit 0 here, 1 of 1 bits wrong in all" in canvas.get_attribute(
        "aria-label"
    )


def test_many_units_share_a_row_and_the_strongest_shows(page):
    torch.manual_seed(2)
    play = SideBySide({"RNN": RNN(3, 2, hidden_size=100)}, 6, longest=9)
    canvas = draw_alone(page, play, "side.js")
    values = play.race.stored(0, 6)["RNN"].values  # (13, 100), three units a row of the picture
    drawn = canvas.evaluate(READ_BACK)["RNN stored"]
    assert drawn == pytest.approx(values.T.flatten().tolist(), abs=1e-6)
    [rows, told] = canvas.evaluate(
        """c => { const found = c.regions.find(({ name }) => name === 'RNN stored');
                  return [found.rows, found.tell(1, 4)]; }"""
    )
    strongest = 3 + int(values[4, 3:6].abs().argmax())
    assert rows == 34
    assert f"step 4, unit {strongest}:" in told
