"""Every picture with the numbers that break pictures, in JupyterLab in a real Chromium.

One page for all: NaN, one slot, one step, β = 0, γ = 1000. Each must draw, say in words what is
wrong, answer keys and pointer, and log no error; what is empty is refused in words.
"""

from __future__ import annotations

import re

import nbformat
import pytest
import torch
from playwright.sync_api import TimeoutError

from lessons_lib.gradient_flow import gradient_flow
from lessons_lib.ntm import NTM
from lessons_lib.recurrent import LSTM
from lessons_lib.widgets import DriveTheMachine, GateExplorer, TapeStepper
from tests.test_widgets_browser import METADATA

SETUP = """
import torch
from lessons_lib import load
from lessons_lib.lntm import LNTM
from lessons_lib.ntm import NTM
from lessons_lib.recurrent import LSTM, RNN
from lessons_lib.widgets import (
    AddressingPlayground, ConvolutionStepper, DriveTheMachine, GateExplorer, StoryStepper,
    TapeStepper,
)
nan = float("nan")

def steps(model, inputs, bad=None):
    torch.manual_seed(0)
    if bad is not None:
        inputs[bad] = nan
    return model(inputs, trace=True)[-1]

def broken():
    model, vocabulary, _ = load("lntm-qa1")
    with torch.no_grad():
        next(model.parameters()).fill_(nan)
    return {"broken": (model, vocabulary)}

def exploding():
    model = RNN(3, 2, hidden_size=4)
    with torch.no_grad():
        model.layer.weight_hh_l0.mul_(1000)
    return model
"""
BAD_STEP = "inputs is not finite from step 3 on, and with it"
CASES = [  # what is shown, what it says is wrong, and what its picture says of itself
    ("AddressingPlayground(memory=[[nan, 1.0], [0.0, 1.0]])", "slot 0, number 0, is NaN",
     "content not finite"),
    ("AddressingPlayground(memory=[[1.0, 0.0]])", "", "weights mostly at slot 0, 1.00"),
    ("AddressingPlayground(memory=torch.zeros(3, 2))", "", "content mostly at slot 0, 0.33"),
    ("shown = AddressingPlayground()\nshown.key_strength.value = 0\n"
     "shown.sharpening.value = 1000\nshown", "", "content mostly at slot 0, 0.17"),
    ("ConvolutionStepper(memory=[[nan, 1.0], [0.0, 1.0], [1.0, 1.0]])", "number 0, is NaN",
     "softmax NaN"),
    ("ConvolutionStepper(memory=[[1.0, 0.0]])", "", "softmax 1.000, write weight 1.000"),
    ("shown = ConvolutionStepper()\nshown.key_strength.value = 0\n"
     "shown.sharpening.value = 1000\nshown", "", "write weight 0.000"),
    ("TapeStepper(steps(NTM(3, 2, slots=4, width=3, hidden_size=5), torch.rand(6, 1, 3), 3))",
     BAD_STEP, "write head: not finite; read head: not finite; What is read here is not finite"),
    ("TapeStepper(steps(LNTM(3, 2, slots=4, width=3, hidden_size=5), torch.rand(6, 1, 3), 3))",
     BAD_STEP, "What is read here is not finite"),
    ("TapeStepper(steps(LSTM(3, 2, hidden_size=5), torch.rand(6, 1, 3), 3))", BAD_STEP, "step 5"),
    ("TapeStepper(steps(LNTM(3, 2, slots=1, width=1, hidden_size=2), torch.rand(1, 1, 3)))", "",
     "write head mostly at slot 0, 1.00"),
    ("inputs = torch.rand(6, 1, 3)\ninputs[2] = nan\nGateExplorer(LSTM(3, 2), inputs)",
     "LSTM: inputs is not finite from step 2 on, and with it", "c = f · c(t−1) + i · c̃ = NaN"),
    ("GateExplorer(exploding(), torch.zeros(9, 1, 3))", "", "‖∂L/∂h‖ = 0"),
    ("GateExplorer(RNN(3, 2, hidden_size=1), torch.rand(1, 1, 3))", "", "step 0 of 0 to 0"),
    ("shown = DriveTheMachine('copy', soft=True, sharpening=1000)\nshown.act('right write')\nshown",
     "", "1 step (par 11)"),
    ("StoryStepper(broken(), 'Mary went to the garden. Where is Mary?')",
     "read.content is not finite from step 0 on, and with it", "no slot: the weights are not"),
    ("StoryStepper({'lntm-qa1': load('lntm-qa1')}, 'Mary. Where?')", "", "word 4 of 4"),
]  # fmt: skip
AT_FIRST = """([index, words]) => {
  const canvas = document.querySelectorAll(".lessons-picture")[index].querySelector("canvas");
  return canvas.drawn && (words === null || canvas.getAttribute("aria-label").includes(words));
}"""
LABELS = """all => all.map((one) => one.getAttribute("aria-label"))"""
FILLED = """(canvas) => {
  const [scale, GUTTER] = [devicePixelRatio, canvas.drawn.GUTTER[0]];
  const x = GUTTER + (canvas.clientWidth - GUTTER) * (4.3 / 6);
  const pen = canvas.getContext("2d");
  const { data } = pen.getImageData(x * scale, 20 * scale, 1, 100 * scale);
  return data.filter((part, index) => index % 4 === 0 && part === 213).length / (100 * scale);
}"""


def test_each_picture_draws_and_says_what_is_wrong(lab, tmp_path):
    make = nbformat.v4.new_code_cell
    cells = [make(SETUP.strip()), *(make(source) for source, _, _ in CASES)]
    path = tmp_path / "extremes.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=METADATA), path)
    lab.open(path)
    for cell, (source, _, _) in zip(lab.run_all()[1:], CASES, strict=True):
        assert "image/png" in cell["outputs"][-1]["data"], f"no still beside {source}"
    page = lab.page
    lab.wait_for(".lessons-picture")
    page.wait_for_function(
        f"document.querySelectorAll('.lessons-picture').length === {len(CASES)}", timeout=60_000
    )
    for index, (source, wrong, summary) in enumerate(CASES):
        picture = page.locator(".lessons-picture").nth(index)
        canvas = picture.locator("canvas").first
        picture.scroll_into_view_if_needed()
        page.wait_for_function(AT_FIRST, arg=[index, None], timeout=30_000)
        said = picture.locator(".problem:visible").all_inner_texts()
        assert wrong in " ".join(said) if wrong else not said, (source, said)
        if canvas.get_attribute("tabindex") is not None:
            for key in ("Home", "ArrowRight", "PageUp", "End"):
                canvas.press(key)
        box = canvas.bounding_box()
        for right, down in [(0.3, 0.2), (0.6, 0.5), (0.9, 0.8)]:
            place = {"x": box["width"] * right, "y": box["height"] * down}
            canvas.hover(position=place, force=True)
        try:
            page.wait_for_function(AT_FIRST, arg=[index, summary], timeout=30_000)
        except TimeoutError as error:
            found = canvas.get_attribute("aria-label")
            raise AssertionError(f"{source}: expected {summary!r} in {found!r}") from error
    sliders = page.locator(".noUi-handle")
    assert sliders.count() > 10
    assert all(sliders.evaluate_all(LABELS)), "a slider without a name"
    strip = page.locator(".lessons-picture").nth(7).locator("canvas")
    assert strip.evaluate(FILLED) < 0.3, "NaN in a strip is crossed out, not filled"


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: TapeStepper(_trace(0)), "expected at least one step"),
        (lambda: GateExplorer(LSTM(3, 2), torch.rand(0, 1, 3)), "of at least one step"),
        (lambda: gradient_flow(LSTM(3, 2), torch.rand(0, 1, 3)), "of at least one step"),
        (lambda: DriveTheMachine("copy", sharpening=float("nan")), "at least 1, got nan"),
    ],
)
def test_what_is_empty_or_no_number_is_refused_in_words(make, words):
    with pytest.raises(ValueError, match=re.escape(words)):
        make()


def _trace(steps: int):
    return NTM(3, 2, slots=4, width=3, hidden_size=5)(torch.rand(steps, 1, 3), trace=True)[-1]
