"""The widgets in JupyterLab in a real Chromium: they draw, answer keys and sliders, and are right.

What was drawn is read back from the canvas: `drawn` holds the numbers of the last drawing by name.
"""

from __future__ import annotations

import base64
import json
from pathlib import Path

import nbformat
import pytest
import torch
from playwright.sync_api import Locator, Page, TimeoutError

from lessons_lib.lntm import LNTM
from lessons_lib.ntm import NTM
from lessons_lib.recurrent import LSTM
from lessons_lib.widgets import (
    AddressingPlayground,
    ConvolutionStepper,
    GateExplorer,
    SideBySide,
    TapeStepper,
)
from lessons_lib.widgets.base import Picture, script
from tools.build_notebooks import METADATA

CANVAS = ".lessons-picture canvas"
PLAYGROUND = """
from lessons_lib.widgets import AddressingPlayground
play = AddressingPlayground()
play
"""
CONVOLUTION = """
from lessons_lib.widgets import ConvolutionStepper
convolution = ConvolutionStepper()
convolution
"""
STEPPER = """
import torch
from lessons_lib.{module} import {model}
from lessons_lib.widgets import TapeStepper
torch.manual_seed(3)
machine = {model}(4, 3, {options})
trace = machine(torch.rand(12, 1, 4), trace=True)[-1]
{more}
stepper = TapeStepper(trace, inputs={labels})
stepper
"""
NTM_SIZES = {"slots": 6, "width": 5, "hidden_size": 10}
LNTM_SIZES = {**NTM_SIZES, "read_pointers": 4}
MODULES = {NTM: "ntm", LNTM: "lntm", LSTM: "recurrent"}
DRAWN = """([selector, index]) =>
  Object.keys(document.querySelectorAll(selector)[index]?.drawn ?? {}).length > 0"""
READ_BACK = """canvas => Object.fromEntries(Object.entries(canvas.drawn).map(
  ([name, values]) => [name, Array.from(values)]))"""
CLOSE = """([selector, index, name, wanted, tolerance]) => {
  const values = document.querySelectorAll(selector)[index]?.drawn?.[name];
  return values && values.length === wanted.length &&
    wanted.every((value, place) => Math.abs(value - values[place]) <= tolerance);
}"""
COLORS = """canvas => {
  const pixels = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;
  const seen = new Set();
  for (let i = 0; i < pixels.length; i += 4) seen.add(pixels.subarray(i, i + 3).join());
  return seen.size;
}"""
PAPER = """([selector, index, want]) => document.querySelectorAll(selector)[index]
  .getContext('2d').getImageData(1, 1, 1, 1).data[0] === want"""
ACTIVE = "() => window.jupyterapp.shell.currentWidget.content.activeCellIndex"
GUTTER = 112  # where the stepper's time begins, in pixels


class Shown:
    """One picture in the page, of several."""

    def __init__(self, lab, index: int) -> None:
        self.page, self.index = lab.page, index
        self.page.wait_for_function(DRAWN, arg=[CANVAS, index], timeout=30_000)
        self.canvas = lab.page.locator(CANVAS).nth(index)

    def drawn(self) -> dict:
        return self.canvas.evaluate(READ_BACK)

    def wait(self, name: str, expected: torch.Tensor, tolerance: float = 1e-6) -> None:
        """Wait until these numbers are drawn under this name, else tell what is."""
        wanted = expected.flatten().tolist()
        arg = [CANVAS, self.index, name, wanted, tolerance]
        try:
            self.page.wait_for_function(CLOSE, arg=arg, timeout=10_000)
        except TimeoutError as error:
            found = self.drawn().get(name)
            raise AssertionError(f"{name}: expected {wanted}, drawn is {found}") from error

    def press(self, key: str, times: int = 1) -> None:
        self.canvas.focus()
        for _ in range(times):
            self.page.keyboard.press(key)

    def at_step(self, step: int, steps: int, down: float) -> dict:
        """Return the place in a panel of the stepper, for click and hover."""
        width = self.canvas.bounding_box()["width"] - GUTTER - 4
        return {"x": GUTTER + width * (step + 0.5) / steps, "y": down}


def show(lab, tmp_path: Path, *sources: str) -> list[Shown]:
    """Run each source as a cell and return the pictures, drawn."""
    cells = [nbformat.v4.new_code_cell(source.strip()) for source in sources]
    path = tmp_path / f"{tmp_path.name}.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=METADATA), path)
    lab.open(path)
    lab.run_all()
    return [Shown(lab, index) for index in range(len(sources))]


def stepper_source(model: type, sizes: dict, labels: str = "None", more: str = "") -> str:
    options = ", ".join(f"{name}={size}" for name, size in sizes.items())
    module, name = MODULES[model], model.__name__
    return STEPPER.format(module=module, model=name, options=options, labels=labels, more=more)


def same_trace(model: type, sizes: dict):
    torch.manual_seed(3)
    return model(4, 3, **sizes)(torch.rand(12, 1, 4), trace=True)[-1]


def test_the_playground_draws_the_librarys_numbers_and_follows_its_sliders(lab, tmp_path):
    [shown] = show(lab, tmp_path, PLAYGROUND)
    here = AddressingPlayground()
    for name, stage in here.stages.items():
        shown.wait(name, stage)
    assert shown.canvas.evaluate(COLORS) > 20
    lab.page.locator(".noUi-handle").nth(0).focus()  # β, in steps of 0.1
    for _ in range(5):
        lab.page.keyboard.press("ArrowRight")
    here.key_strength.value = 5.5
    shown.wait("content", here.stages["content"])
    shown.wait("weights", here.stages["weights"])
    lab.page.get_by_role("button", name="jump then step").click()
    here.preset("jump then step")
    shown.wait("weights", here.stages["weights"])
    assert "weights mostly at slot 5" in shown.canvas.get_attribute("aria-label")
    lab.page.locator(".noUi-handle").nth(4).focus()  # s(0): was 0, takes from s(+1)
    for _ in range(20):
        lab.page.keyboard.press("ArrowRight")
    here.shift.value = (0, 0.2, 0.8)
    shown.wait("shifted", here.stages["shifted"], 1e-5)
    shown.wait("sums", torch.ones(5), 1e-5)
    assert not lab.page.get_by_text("need a running kernel").is_visible()


def test_the_convolution_stepper_slides_switches_and_blends(lab, tmp_path):
    [shown] = show(lab, tmp_path, CONVOLUTION)
    here = ConvolutionStepper()
    for name in ("scores", "global_map", "weights"):
        shown.wait(name, here.stages[name])
    shown.wait("product", here.stages["products"][0])
    shown.press("ArrowDown", times=2)
    shown.wait("product", here.stages["products"][2])
    assert shown.canvas.evaluate(COLORS) > 20
    lab.page.get_by_role("button", name="constant").click()
    here.start.value = "constant"
    shown.wait("weights", here.stages["weights"])
    lab.page.get_by_role("button", name="Gaussian").click()
    lab.page.locator(".noUi-handle").nth(2).focus()  # g(0)
    for _ in range(10):
        lab.page.keyboard.press("ArrowRight")
    here.start.value = "Gaussian"
    here.gates[0].value = 0.6
    shown.wait("read_weights 0", here.stages["read_weights"][0])
    shown.wait("read_weights 1", here.stages["read_weights"][1])


def test_pictures_follow_the_theme_and_the_width(lab, tmp_path):
    pictures = show(lab, tmp_path, PLAYGROUND, CONVOLUTION, stepper_source(NTM, NTM_SIZES))
    for theme, width, paper in [("dark", 800, 17), ("light", 1600, 255)]:
        file = lab.screenshot(tmp_path / f"{theme}.png", theme=theme, width=width)
        assert file.stat().st_size > 5_000
        for shown in pictures:
            lab.page.wait_for_function(PAPER, arg=[CANVAS, shown.index, paper], timeout=10_000)
            box = shown.canvas.bounding_box()
            assert box["x"] + box["width"] <= width  # nothing runs out of the page


def test_an_exported_page_without_a_kernel_says_what_cannot(page):
    """The saved state alone draws; the script runs against a model that no kernel answers."""
    draw_alone(page, AddressingPlayground().picture, "playground.js")
    page.get_by_text("need a running kernel").wait_for(timeout=10_000)


ALONE = """async ([source, state, numbers]) => {
  const bytes = Uint8Array.from(atob(numbers), (letter) => letter.charCodeAt(0));
  const values = { ...state, numbers: new DataView(bytes.buffer) };
  const listeners = {};
  const model = {
    get: (name) => values[name],
    set: (name, value) => {
      values[name] = value;
      for (const call of listeners[`change:${name}`] ?? []) call();
    },
    on: (name, call) => (listeners[name] ??= []).push(call),
    off: () => {},
    save_changes: () => {},
    send: () => {},
  };
  const url = URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
  const widget = (await import(url)).default;
  widget.render({ model, el: document.getElementById("place") });
}"""


def draw_alone(page: Page, picture: Picture, module: str) -> Locator:
    """Draw the saved state of a picture in a bare page, without a kernel; returns its canvas."""
    state = picture.get_state()
    numbers = base64.b64encode(state.pop("numbers")).decode()
    kept = {name: state[name] for name in state if not name.startswith("_") and _plain(state[name])}
    page.goto("about:blank")
    page.set_content("<body style='width: 780px'><div id='place'></div></body>")
    page.evaluate(ALONE, [script(module), kept, numbers])
    page.wait_for_function(DRAWN, arg=[CANVAS, 0], timeout=30_000)
    return page.locator(CANVAS).first


LAYERED = {
    "stepper.js": lambda: TapeStepper(same_trace(NTM, NTM_SIZES), inputs=list("abcdefghijkl")),
    "gates.js": lambda: GateExplorer(LSTM(4, 3, hidden_size=40), torch.rand(12, 1, 4)),
    "side.js": lambda: SideBySide({"NTM": NTM(4, 3, **NTM_SIZES)}, 5, longest=9, recorded={}),
}
PIXELS = "canvas => canvas.toDataURL()"
RESIZED = "([canvas, before]) => canvas.width !== before"
LIGHT_PIXELS = """canvas => {
  const pixels = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;
  const light = pixels.filter((part, index) => index % 4 === 0 && part === 255).length;
  return light / (pixels.length / 4);
}"""
WIDEN = "(width) => { document.body.style.width = `${width}px`; }"


@pytest.mark.parametrize("module", LAYERED)
def test_what_stepping_leaves_as_it_is_looks_the_same_drawn_anew_and_laid_under(page, module):
    """At another width all is drawn anew; when drawn again, the lanes are a layer."""
    canvas = draw_alone(page, LAYERED[module](), module)

    def after(key: str) -> str:
        canvas.press(key)  # drawn when the press returns
        return canvas.evaluate(PIXELS)

    def made(width: int) -> str:
        before = canvas.evaluate("canvas => canvas.width")
        page.evaluate(WIDEN, width)
        page.wait_for_function(RESIZED, arg=[canvas.element_handle(), before], timeout=30_000)
        return canvas.evaluate(PIXELS)

    after("Home")
    at_first, stepped = after("ArrowRight"), after("ArrowRight")
    assert stepped != at_first
    assert made(600) != stepped
    assert made(780) == stepped
    assert after("ArrowLeft") == at_first
    assert after("ArrowRight") == stepped
    page.evaluate("() => { document.body.style.background = '#111'; }")
    page.evaluate("() => { document.body.dataset.theme = 'dark'; }")
    page.wait_for_function(PAPER, arg=[CANVAS, 0, 17], timeout=30_000)
    assert canvas.evaluate(LIGHT_PIXELS) < 0.1, "a layer of the light theme stayed"


def _plain(value: object) -> bool:
    try:
        json.dumps(value)
    except TypeError:
        return False
    return True
