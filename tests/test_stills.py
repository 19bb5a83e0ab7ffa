"""Each widget's still beside it: on paper and in plain pages, and not where the widget is."""

from __future__ import annotations

import base64

import nbformat
import pytest
import torch
from bs4 import BeautifulSoup
from nbconvert.exporters import HTMLExporter

from lessons_lib import widgets
from lessons_lib.ntm import NTM
from tests.test_widgets_browser import CANVAS, NTM_SIZES, PLAYGROUND, show, stepper_source
from tools.build_notebooks import METADATA
from tools.latency_cases import CELLS

VIEW = "application/vnd.jupyter.widget-view+json"
MOST_BYTES = 200_000
PNG = b"\x89PNG"


def made(source: str) -> object:
    """Return what a cell shows."""
    *before, last = source.strip().splitlines()
    names: dict = {}
    exec("\n".join(before), names)
    return eval(last, names)


def test_every_widget_has_a_still_of_its_own():
    assert set(widgets.__all__) == set(CELLS)
    for name in widgets.__all__:
        assert "still" in vars(getattr(widgets, name)), name


@pytest.mark.parametrize("name", CELLS)
def test_the_output_holds_the_view_the_still_and_its_words(name):
    widget = made(CELLS[name])
    data, metadata = widget._repr_mimebundle_()
    assert data[VIEW]["model_id"] == widget.model_id
    assert data["text/plain"] == repr(widget)
    still = base64.b64decode(data["image/png"])
    assert still.startswith(PNG)
    assert len(still) < MOST_BYTES
    assert metadata["image/png"]["alt"].startswith(f"{widget!r}, as a still picture. ")
    assert widget._repr_mimebundle_() == (data, metadata), "the same every time"


def test_the_still_is_of_the_widget_as_it_stands():
    play = widgets.AddressingPlayground()
    before = play._repr_mimebundle_()[0]["image/png"]
    play.key_strength.value = 0
    assert play._repr_mimebundle_()[0]["image/png"] != before


def test_a_still_that_fails_takes_nothing_from_the_widget(monkeypatch):
    play = widgets.DriveTheMachine()
    monkeypatch.setattr(type(play), "still", lambda self: 1 / 0)
    with pytest.warns(UserWarning, match="no still beside DriveTheMachine.*ZeroDivisionError"):
        data, _ = play._repr_mimebundle_()
    assert VIEW in data
    assert "image/png" not in data


def test_a_plain_page_shows_the_still_once():
    torch.manual_seed(0)
    trace = NTM(3, 2, slots=4, width=3)(torch.rand(5, 1, 3), trace=True)[-1]
    data, metadata = widgets.TapeStepper(trace)._repr_mimebundle_()
    output = nbformat.v4.new_output("display_data", data=data, metadata=metadata)
    cell = nbformat.v4.new_code_cell("stepper", outputs=[output])
    notebook = nbformat.v4.new_notebook(cells=[cell], metadata=METADATA)
    page = BeautifulSoup(HTMLExporter().from_notebook_node(notebook)[0], "html.parser")
    [image] = page.main.find_all("img")
    assert image["src"].endswith(data["image/png"])
    assert "TapeStepper(" not in page.main.get_text()


def test_jupyterlab_shows_the_widget_and_prints_the_still(lab, tmp_path, page):
    show(lab, tmp_path, PLAYGROUND, stepper_source(NTM, NTM_SIZES))
    assert page.locator(f"{CANVAS}:visible").count() == 2
    assert page.locator(".jp-OutputArea-output img").count() == 0
    with page.expect_response("**/nbconvert/html/**") as printed:
        page.evaluate("() => { window.jupyterapp.commands.execute('apputils:print'); }")
    assert printed.value.ok
    paper = BeautifulSoup(printed.value.text(), "html.parser")
    assert len(paper.main.find_all("img")) == 2
