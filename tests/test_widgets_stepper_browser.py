"""The tape stepper in JupyterLab in a real Chromium: driven, read back, right."""

from __future__ import annotations

import pytest
import torch

from lessons_lib import memory, tasks
from lessons_lib.checkpoints import load
from lessons_lib.lntm import LNTM
from lessons_lib.ntm import NTM
from lessons_lib.origins import origins
from lessons_lib.recurrent import LSTM
from lessons_lib.widgets import TapeStepper
from tests.test_widgets_browser import (
    ACTIVE,
    CANVAS,
    COLORS,
    LNTM_SIZES,
    NTM_SIZES,
    PAPER,
    READ_BACK,
    Shown,
    draw_alone,
    same_trace,
    show,
    stepper_source,
)

STEPS = 12
COPYING = """
import torch
from lessons_lib import tasks
from lessons_lib.checkpoints import load
from lessons_lib.widgets import TapeStepper
machine = load("ntm-copy")[0].with_slots(24).requires_grad_(False)
batch = tasks.Copy().batch(1, generator=torch.Generator().manual_seed(0), length=8)
outputs, _, trace = machine(batch.inputs, trace=True)
TapeStepper(trace, outputs=outputs[:, 0].sigmoid())
"""
OUTLINE = "canvas => getComputedStyle(canvas).outlineStyle"
FIRST_SLOT = """canvas => {
  const { x, y } = canvas.regions.find(({ name }) => name === 'memory_after');
  return { x: x + 3, y: y + 3 };
}"""
GONE = "([selector, name]) => !(name in document.querySelector(selector).drawn)"
PRESSED = "[aria-pressed='true']"
# Go through every step in the page itself; how far the memory is from the library's at the most.
FARTHEST = """([selector, wanted]) => {
  const canvas = document.querySelector(selector);
  const slider = document.querySelector('.lessons-picture input[type=range]');
  let most = 0;
  wanted.forEach((pictures, step) => {
    slider.value = String(step);
    slider.dispatchEvent(new Event('input', { bubbles: true }));
    ['memory_before', 'memory_erased', 'memory_after'].forEach((name, part) => {
      canvas.drawn[name].forEach((value, place) => {
        most = Math.max(most, Math.abs(value - pictures[part][place]));
      });
    });
  });
  return most;
}"""


def erased(trace, step: int) -> torch.Tensor:
    before, weights = trace.memory_before[step], trace.write.weights[step]
    return memory.erase(before, weights, trace.erase_vector[step])[0]


def pressed(shown: Shown) -> list[str]:
    return shown.page.locator(f".lessons-picture {PRESSED}").all_inner_texts()


def check_step(shown: Shown, trace, step: int) -> None:
    """Compare what is drawn of a step with the library's numbers, all within 1e-6."""
    shown.wait("memory_after", trace.memory_after[step, 0])
    shown.wait("memory_before", trace.memory_before[step, 0])
    shown.wait("memory_erased", erased(trace, step))
    for which in ("write", "read"):
        head = getattr(trace, which)
        shown.wait(f"{which}.weights 0", head.weights[step, 0, 0])
        shown.wait(f"{which}.gate 0", head.gate[step, 0, :1])
        shown.wait(f"{which}.shift 0", head.shift[step, 0, 0])
    shown.wait("erase_vector 0", trace.erase_vector[step, 0, 0])
    shown.wait("add_vector 0", trace.add_vector[step, 0, 0])
    shown.wait("reads 0", trace.reads[step, 0, 0])


def test_the_tape_stepper_is_driven_by_keys_slider_and_pointer_ntm(lab, tmp_path):
    source = stepper_source(NTM, NTM_SIZES).replace(
        "stepper = TapeStepper(trace, inputs=None)",
        "stepper = TapeStepper(trace)\nstepper.step = 4",
    )
    [shown] = show(lab, tmp_path, source)
    trace = same_trace(NTM, NTM_SIZES)
    check_step(shown, trace, 4)  # set from Python
    shown.wait("write 0 over time", trace.write.weights[:, 0, 0].T)
    shown.wait("read.gate 0 over time", trace.read.gate[:, 0, 0])
    assert shown.canvas.evaluate(COLORS) > 20
    active = lab.page.evaluate(ACTIVE)
    for key, step in [("ArrowRight", 5), ("ArrowLeft", 4), ("End", 11), ("Home", 0)]:
        shown.press(key)
        check_step(shown, trace, step)
    assert lab.page.evaluate(ACTIVE) == active  # the notebook's own shortcuts stay out
    assert shown.canvas.evaluate(OUTLINE) == "solid"  # the focus is seen
    lab.page.get_by_role("slider", name="step").focus()
    lab.page.keyboard.press("ArrowRight")
    check_step(shown, trace, 1)
    shown.canvas.click(position=shown.at_step(7, STEPS, down=30))
    check_step(shown, trace, 7)
    assert "step 7" in shown.canvas.get_attribute("aria-label")
    shown.canvas.hover(position=shown.at_step(3, STEPS, down=20))
    assert "input, step 3" in lab.wait_for(".lessons-picture .tooltip").inner_text()
    lab.page.get_by_label("speed of playing").select_option("33")
    shown.press(" ")
    check_step(shown, trace, 11)  # it plays to the last step

    pictures = [
        [trace.memory_before[step, 0], erased(trace, step), trace.memory_after[step, 0]]
        for step in range(STEPS)
    ]
    wanted = [[picture.flatten().tolist() for picture in three] for three in pictures]
    assert lab.page.evaluate(FARTHEST, [CANVAS, wanted]) <= 1e-6


def test_a_step_is_taken_apart_into_find_erase_add_and_read(lab, tmp_path):
    [shown] = show(lab, tmp_path, stepper_source(NTM, NTM_SIZES))
    trace = same_trace(NTM, NTM_SIZES)
    shown.press("1")
    assert pressed(shown) == ["1 find"]
    assert "memory_erased" not in shown.drawn()
    assert "reads 0" not in shown.drawn()
    shown.press("ArrowRight")
    shown.wait("memory_erased", erased(trace, 0))
    assert "memory_after" not in shown.drawn()
    shown.press("ArrowRight")
    shown.wait("memory_after", trace.memory_after[0, 0])
    shown.press("ArrowRight")
    shown.wait("reads 0", trace.reads[0, 0, 0])
    shown.press("ArrowRight")  # on to the next step's first stage
    shown.wait("memory_before", trace.memory_before[1, 0])
    assert pressed(shown) == ["1 find"]
    assert "stage find" in shown.canvas.get_attribute("aria-label")
    shown.press("ArrowLeft")
    shown.wait("reads 0", trace.reads[0, 0, 0])
    assert pressed(shown) == ["4 read"]
    lab.page.get_by_role("button", name="whole steps").click()
    shown.press("c")
    assert pressed(shown) == ["whole steps", "changes alone"]
    shown.wait("erase_takes", erased(trace, 0) - trace.memory_before[0, 0])
    shown.wait("add_puts", trace.memory_after[0, 0] - erased(trace, 0))
    shown.press("g")
    shown.wait("forget_gate", trace.forget_gate[0, 0])
    shown.wait("output_gate over time", trace.output_gate[:, 0].T)


def copying():
    """A trained NTM that copies eight vectors, as the cell `COPYING` runs it: its trace."""
    machine = load("ntm-copy")[0].with_slots(24).requires_grad_(False)
    batch = tasks.Copy().batch(1, generator=torch.Generator().manual_seed(0), length=8)
    return machine(batch.inputs, trace=True)[-1]


def test_it_jumps_to_where_what_is_read_was_written_and_back(lab, tmp_path):
    [shown] = show(lab, tmp_path, COPYING)
    trace = copying()
    found = origins(trace)
    reads = 12
    [(wrote, share)] = found.of_read(reads, most=1)
    assert 0 <= wrote < 8
    shown.press("ArrowRight", times=reads)
    shown.wait("written_at", torch.tensor([float(wrote)]))
    bits = "".join(str(int(bit)) for bit in trace.inputs[wrote, 0])
    name = f"step {wrote}, input {bits} ({share:.0%})"
    assert name in lab.page.locator(".lessons-picture .source").inner_text()
    assert name in shown.canvas.get_attribute("aria-label")
    shown.press("w")
    shown.wait("memory_after", trace.memory_after[wrote, 0])
    lab.page.get_by_role("button", name="go back to the step that reads it").click()
    shown.wait("memory_after", trace.memory_after[reads, 0])
    shown.canvas.hover(position=shown.canvas.evaluate(FIRST_SLOT))
    told = lab.wait_for(".lessons-picture .tooltip").inner_text()
    wrote, share = found.slot_step[reads, 0].item(), found.slot_share[reads, 0].item()
    bits = "".join(str(int(bit)) for bit in trace.inputs[wrote, 0])
    number = told.removeprefix("after add, slot 0, number 0: ").split()[0]
    assert float(number) == pytest.approx(trace.memory_after[reads, 0, 0, 0].item(), abs=1e-6)
    assert f"written at step {wrote}, input {bits} ({share:.0%})" in told


def test_the_tape_stepper_shows_words_pointers_gates_and_nan(lab, tmp_path):
    lntm, lstm, broken = show(
        lab,
        tmp_path,
        stepper_source(LNTM, LNTM_SIZES, labels="list('abcdefghijkl')"),
        stepper_source(LSTM, {"hidden_size": 7}),
        stepper_source(NTM, NTM_SIZES, more="trace.memory_after[3:] = float('nan')"),
    )
    trace = same_trace(LNTM, LNTM_SIZES)
    assert lntm.drawn()["inputs"] == list("abcdefghijkl")
    lntm.wait("read.weights 0", trace.read.weights[0, 0, 0])
    lntm.wait("write.add_gate 0", trace.add_gate[0, 0])
    lab.page.get_by_label("which read head is drawn").select_option("3")
    lntm.wait("read.weights 3", trace.read.weights[0, 0, 3])
    lntm.press("1")  # an L-NTM reads what it has just written: its read head comes last
    lab.page.wait_for_function(GONE, arg=[CANVAS, "read.weights 3"], timeout=30_000)
    trace = same_trace(LSTM, {"hidden_size": 7})
    lstm.press("PageUp")
    for name in ("forget_gate", "input_gate", "candidate", "cell", "output_gate", "hidden"):
        lstm.wait(name, getattr(trace, name)[10, 0])
    assert lab.wait_for(".problem:has-text('memory_after is not finite from step 3 on')")
    broken.press("ArrowRight", times=4)
    assert broken.canvas.evaluate("c => Array.from(c.drawn.memory_after).every(isNaN)")
    for theme, width, paper in [("dark", 800, 17), ("light", 1600, 255)]:
        file = lab.screenshot(tmp_path / f"{theme}.png", theme=theme, width=width)
        assert file.stat().st_size > 5_000
        for shown in (lntm, lstm, broken):
            lab.page.wait_for_function(PAPER, arg=[CANVAS, shown.index, paper], timeout=30_000)
            box = shown.canvas.bounding_box()
            assert box["x"] + box["width"] <= width  # nothing runs out of the page


def test_the_saved_state_steps_without_a_kernel(page):
    stepper = TapeStepper(same_trace(NTM, NTM_SIZES))
    draw_alone(page, stepper, "stepper.js")
    canvas = page.locator(CANVAS)
    canvas.focus()
    for key in ("End", "3"):
        page.keyboard.press(key)
    drawn = canvas.evaluate(READ_BACK)
    wanted = stepper.trace.memory_after[11, 0].flatten().tolist()
    assert drawn["memory_after"] == pytest.approx(wanted, abs=1e-6)
    assert "reads 0" not in drawn


def test_the_extremes_are_drawn(page):
    problems = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    torch.manual_seed(0)
    one = NTM(1, 1, slots=1, width=1, hidden_size=2)(torch.zeros(1, 1, 1), trace=True)[-1]
    many = NTM(2, 1, slots=128, width=20, write_heads=2)(torch.zeros(240, 1, 2), trace=True)[-1]
    for stepper in (TapeStepper(one), TapeStepper(many, slots="all")):
        draw_alone(page, stepper, "stepper.js")
        canvas = page.locator(CANVAS)
        canvas.focus()
        for key in ("End", "1", "ArrowRight", "c", "w", "b", "0", "Home"):
            page.keyboard.press(key)
        drawn = canvas.evaluate(READ_BACK)
        wanted = stepper.trace.write.weights[0, 0, 0].tolist()
        assert drawn["write.weights 0"] == pytest.approx(wanted, abs=1e-6)
        assert canvas.evaluate(COLORS) > 5
    assert problems == []
