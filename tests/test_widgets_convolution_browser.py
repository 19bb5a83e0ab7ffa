"""The convolution stepper in a real Chromium: kernels typed and dragged, blends read back."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from lessons_lib.widgets import ConvolutionStepper
from tests.test_widgets_browser import CANVAS, COLORS, PAPER, show

SOURCE = """
from lessons_lib.widgets import ConvolutionStepper
stepper = ConvolutionStepper()
stepper
"""
WAIT = 30_000
WRITE = ("scores", "global_map", "weights")


def test_kernels_key_and_gates_are_changed_in_the_picture_and_the_start_at_one_click(lab, tmp_path):
    [shown] = show(lab, tmp_path, SOURCE)
    here = ConvolutionStepper()
    keyboard, mouse = lab.page.keyboard, lab.page.mouse

    def matches() -> None:
        stages = here.stages
        for name in WRITE:
            shown.wait(name, stages[name])
        shown.wait("product", stages["products"][here.position])
        for index in range(2):
            shown.wait(f"read_map {index}", stages["read_maps"][index])
            shown.wait(f"content {index}", stages["content"])
            shown.wait(f"read_weights {index}", stages["read_weights"][index])

    def cell(name: str):
        return lab.page.get_by_label(name, exact=True)

    matches()
    # Typed, and changed by keys alone.
    cell("write kernel, offset −1, number 2").click()
    keyboard.type("1.25")
    keyboard.press("ArrowDown")
    keyboard.press("PageDown")
    kernel = here.kernel
    kernel[2, 0], kernel[2, 1] = 1.25, kernel[2, 1] - 0.1
    here.kernel = kernel
    shown.wait("kernel", here.kernel.T)
    matches()
    # Dragged down, 12 pixels: two tenths less. The kernel under it does not slide meanwhile.
    box = cell("write kernel, offset +1, number 0").bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    mouse.move(x, y)
    mouse.down()
    mouse.move(x, y + 6)
    mouse.move(x, y + 12)
    mouse.up()
    kernel[0, 2] -= 0.2
    here.kernel = kernel
    matches()
    # A read kernel and the key.
    cell("read kernel 1, offset 0, number 3").click()
    keyboard.type("-2")
    keyboard.press("Enter")
    kernels = here.read_kernels
    kernels[1, 3, 1] = -2
    here.read_kernels = kernels
    matches()
    cell("key c, number 0").click()
    keyboard.type(".5")
    keyboard.press("Enter")
    key = here.key
    key[0] = 0.5
    here.key = key
    matches()
    # The kernel slides by key and by click, on the whole tape.
    shown.press("End")
    here.position = 7
    matches()
    shown.canvas.click(position={"x": 60, "y": 120})
    lab.page.get_by_text("slot 1 of 0–7").wait_for(timeout=WAIT)
    here.position = 1
    matches()
    # A gate typed exactly; the constant start at one click, and back.
    box = lab.page.get_by_label("g(0) gate of read 0, exactly")
    box.fill("0.123")
    box.press("Enter")
    here.gates[0].value = 0.123
    matches()
    expect(box).to_have_value("0.123", timeout=WAIT)
    for start in ("constant", "Gaussian"):
        lab.page.get_by_role("button", name=start).click()
        here.start.value = start
        matches()
    assert shown.canvas.evaluate(COLORS) > 20
    drawn = shown.drawn()
    for map in range(2):
        assert sum(drawn[f"read_weights {map}"]) == pytest.approx(1, abs=1e-5)
    for theme, width, paper in [("dark", 800, 17), ("light", 1600, 255)]:
        file = lab.screenshot(tmp_path / f"{theme}.png", theme=theme, width=width)
        assert file.stat().st_size > 5_000
        lab.page.wait_for_function(PAPER, arg=[CANVAS, 0, paper], timeout=WAIT)
        place = shown.canvas.bounding_box()
        assert place["x"] + place["width"] <= width
