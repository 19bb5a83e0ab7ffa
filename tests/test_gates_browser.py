"""The gate explorer in JupyterLab in a real Chromium: driven, read back, right."""

from __future__ import annotations

import pytest
import torch

from lessons_lib.gradient_flow import gradient_flow
from lessons_lib.recurrent import GRU, LSTM, RNN
from lessons_lib.widgets import GateExplorer
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

STEPS, UNITS = 10, 5
MAKE = """
import torch
from lessons_lib.recurrent import GRU, LSTM, RNN
from lessons_lib.widgets import GateExplorer
torch.manual_seed(5)
models = {{"RNN": RNN(3, 4, hidden_size=5), "LSTM": LSTM(3, 4, hidden_size=5)}}
inputs = torch.randn(10, 1, 3)
{more}
play = GateExplorer(models, inputs, loss_at=8, {options})
play
"""
GUTTER, RIGHT = 124, 8


def same(**options) -> GateExplorer:
    torch.manual_seed(5)
    models = {"RNN": RNN(3, 4, hidden_size=UNITS), "LSTM": LSTM(3, 4, hidden_size=UNITS)}
    return GateExplorer(models, torch.randn(STEPS, 1, 3), loss_at=8, **options)


def start(lab, tmp_path, options: str = "", more: str = "") -> tuple[Shown, Shown]:
    """Show the explorer; return its two canvases: the steps and the update."""
    [steps] = show(lab, tmp_path, MAKE.format(options=options, more=more))
    return steps, Shown(lab, 1)


def matches(steps: Shown, here: GateExplorer, step: int, unit: int) -> None:
    """Compare what is drawn with autograd's numbers here: all within 1e-6."""
    for name, flow in here.flows.items():
        trace = flow.trace
        steps.wait(f"{name} hidden", trace.hidden[step, 0])
        steps.wait(f"{name} hidden gradient", flow.hidden[step])
        steps.wait(f"{name} hidden norm", flow.hidden[step].norm()[None])
        steps.wait(f"{name} hidden of the unit", trace.hidden[:, 0, unit])
    flow, values = here.flows["LSTM"], here.values["LSTM"]
    for name in ("cell", "forget_gate", "input_gate", "output_gate", "candidate"):
        steps.wait(f"LSTM {name}", getattr(flow.trace, name)[step, 0])
    steps.wait("LSTM cell gradient", flow.cell[step])
    steps.wait("LSTM forget_gate of the unit", flow.trace.forget_gate[:, 0, unit])
    for name in ("kept", "added", "carried"):
        steps.wait(f"LSTM {name}", values[name][:, unit])
    log = values["cell unit log"][:, unit]
    drawn = steps.drawn()["LSTM unit log"]
    assert drawn[:9] == pytest.approx(log[:9].tolist(), abs=2e-6)


def test_keys_slider_pointer_and_unit_draw_autograds_numbers(lab, tmp_path):
    steps, parts = start(lab, tmp_path, "labels=list('abcdefghij')")
    here = same()
    matches(steps, here, 8, 0)
    assert steps.drawn()["labels"] == list("abcdefghij")
    for shown in (steps, parts):
        assert shown.canvas.evaluate(COLORS) > 20
    active = lab.page.evaluate(ACTIVE)
    for key, step in [("ArrowRight", 9), ("ArrowLeft", 8), ("Home", 0), ("End", 9)]:
        steps.press(key)
        matches(steps, here, step, 0)
    steps.press("ArrowDown", times=3)
    matches(steps, here, 9, 3)
    steps.press("ArrowUp")
    matches(steps, here, 9, 2)
    steps.press("PageDown")
    matches(steps, here, 0, 2)
    assert lab.page.evaluate(ACTIVE) == active  # the notebook's own shortcuts stay out
    lab.page.get_by_role("slider", name="step", exact=True).focus()
    lab.page.keyboard.press("ArrowRight")
    matches(steps, here, 1, 2)
    lab.page.get_by_label("unit, from 0 to 4").fill("4")
    matches(steps, here, 1, 4)
    width = steps.canvas.bounding_box()["width"] - GUTTER - RIGHT
    column = {"x": GUTTER + width * 6.5 / STEPS, "y": 30}
    steps.canvas.click(position=column)
    matches(steps, here, 6, 4)
    assert "step 6 of 0 to 9, input g" in steps.canvas.get_attribute("aria-label")
    steps.canvas.hover(position=column)
    assert "step 6: g" in lab.wait_for(".lessons-picture .tooltip").inner_text()


def test_it_plays_forward_and_the_gradient_back_from_the_loss(lab, tmp_path):
    steps, _ = start(lab, tmp_path)
    here = same()
    lab.page.get_by_label("speed of playing").select_option("100")
    steps.press("Home")
    steps.press(" ")
    matches(steps, here, 9, 0)  # it plays to the last step
    lab.page.wait_for_timeout(300)
    steps.press("b")
    matches(steps, here, 0, 0)  # from the loss to the first


def test_the_switch_the_bound_and_the_loss(lab, tmp_path):
    steps, parts = start(lab, tmp_path)
    here = same()
    total = torch.tensor([here.flows["RNN"].total])
    parts.wait("RNN total", total)
    parts.wait("RNN by_step", here.flows["RNN"].by_step)
    parts.wait("RNN clipped", total.clamp(max=1.0))
    lab.page.get_by_label("v, the bound on the gradient's norm").focus()
    for _ in range(3):
        lab.page.keyboard.press("ArrowLeft")
    here.clip = 0.1  # three bounds lower: 0.5, 0.2, 0.1
    for name, flow in here.flows.items():
        parts.wait(f"{name} clipped", torch.tensor([0.1]))
        parts.wait(f"{name} factor", torch.tensor([0.1 / flow.total]))
    matches(steps, here, 8, 0)  # the flow through time is what it was
    lab.page.get_by_label("which networks are shown").select_option("LSTM")
    lab.page.wait_for_function(f"!('RNN hidden' in document.querySelector('{CANVAS}').drawn)")
    lab.page.get_by_label("which networks are shown").select_option("all")
    steps.press("Home")
    steps.press("ArrowRight", times=4)
    lab.page.get_by_role("button", name="put the loss at this step").click()
    here.loss_at = 4
    matches_loss = here.flows["LSTM"].cell
    steps.wait("LSTM cell gradient", matches_loss[4])
    steps.press("ArrowLeft")
    steps.wait("LSTM cell gradient", matches_loss[3])
    parts.wait("RNN total", torch.tensor([here.flows["RNN"].total]))


def test_python_sets_it_and_a_nan_is_told(lab, tmp_path):
    """Also a GRU, labels turned, one unit, and a state that is not a number."""
    more = 'models["GRU"] = GRU(3, 4, hidden_size=1)\ninputs[6:] = float("nan")'
    steps, _ = start(lab, tmp_path, "labels=['a long word'] * 10, title='Three'", more)
    assert lab.wait_for(".problem:has-text('GRU: inputs is not finite from step 6 on')")
    assert steps.canvas.evaluate("c => Array.from(c.drawn['LSTM cell']).every(isNaN)")
    steps.press("Home")
    lab.page.wait_for_function(
        f"!Array.from(document.querySelector('{CANVAS}').drawn['LSTM cell']).some(isNaN)"
    )
    assert len(steps.drawn()["GRU carried"]) == STEPS


def test_one_step_is_drawn(lab, tmp_path):
    torch.manual_seed(0)
    source = """
import torch
from lessons_lib.recurrent import LSTM
from lessons_lib.widgets import GateExplorer
torch.manual_seed(0)
GateExplorer(LSTM(2, 2, hidden_size=1), torch.ones(1, 1, 2))
"""
    [shown] = show(lab, tmp_path, source)
    flow = gradient_flow(LSTM(2, 2, hidden_size=1), torch.ones(1, 1, 2))
    shown.wait("LSTM cell gradient", flow.cell)
    shown.press("ArrowRight")
    shown.press("ArrowDown")
    shown.wait("LSTM cell", flow.trace.cell[0])


def test_it_follows_the_theme_and_the_width(lab, tmp_path):
    start(lab, tmp_path)
    for theme, width, paper in [("dark", 800, 17), ("light", 1600, 255)]:
        file = lab.screenshot(tmp_path / f"{theme}.png", theme=theme, width=width)
        assert file.stat().st_size > 5_000
        for index in (0, 1):
            lab.page.wait_for_function(PAPER, arg=[CANVAS, index, paper], timeout=10_000)
        parts = lab.page.locator(f"{CANVAS}, .lessons-picture .toolbar > *")
        for box in parts.evaluate_all("all => all.map(one => one.getBoundingClientRect().right)"):
            assert box <= width  # nothing runs out of the page


def test_without_a_kernel_it_still_steps_and_cannot_move_the_loss(page):
    torch.manual_seed(1)
    play = GateExplorer({"GRU": GRU(3, 4, hidden_size=4)}, torch.randn(6, 1, 3))
    canvas = draw_alone(page, play, "gates.js")
    canvas.focus()
    page.keyboard.press("Home")
    page.keyboard.press("ArrowDown")
    drawn = canvas.evaluate(READ_BACK)
    flow = play.flows["GRU"]
    assert drawn["GRU hidden gradient"] == pytest.approx(flow.hidden[0].tolist(), abs=1e-6)
    assert drawn["GRU carried"] == pytest.approx(flow.trace.hidden[:, 0, 1].tolist(), abs=1e-6)
    assert page.get_by_role("button", name="put the loss at this step").is_disabled()
