"""The browser fixtures themselves, driven through a small notebook."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest

from tools.build_notebooks import METADATA

SLIDER = """
import ipywidgets as widgets
slider = widgets.IntSlider(value=3, max=10)
label = widgets.Label('value 3')
slider.observe(lambda change: setattr(label, 'value', f'value {change.new}'), 'value')
widgets.VBox([slider, label])
""".strip()
FOLDED = (
    "<details><summary>Hint 1</summary>\n\nSum over **slots**: $\\sum_i w_i = 1$.\n\n</details>"
)
BROKEN = """
import anywidget
class Broken(anywidget.AnyWidget):
    _esm = "export default { render() { throw new Error('broken on purpose'); } }"
Broken()
""".strip()


def write(path: Path, *cells: nbformat.NotebookNode) -> Path:
    nbformat.write(nbformat.v4.new_notebook(cells=list(cells), metadata=METADATA), path)
    return path


def test_a_slider_reaches_the_kernel_and_comes_back(lab, tmp_path):
    cell = nbformat.v4.new_code_cell(SLIDER)
    lab.open(write(tmp_path / "slider.ipynb", cell))
    cells = lab.run_all()
    assert cells[0]["count"] == 1
    lab.wait_for(".widget-label:has-text('value 3')")
    lab.wait_for(".noUi-handle").focus()
    lab.page.keyboard.press("ArrowRight")
    lab.wait_for(".widget-label:has-text('value 4')")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_folded_hints_open_and_screenshots_follow_the_theme(lab, tmp_path, theme):
    lab.open(write(tmp_path / f"folded_{theme}.ipynb", nbformat.v4.new_markdown_cell(FOLDED)))
    hidden = lab.page.locator("details strong", has_text="slots")
    summary = lab.wait_for("details summary")
    assert not hidden.is_visible()
    summary.click()
    hidden.wait_for(state="visible")
    assert lab.page.locator("details mjx-container, details .MathJax").count() > 0
    picture = lab.screenshot(tmp_path / "page.png", theme=theme, width=800)
    assert picture.stat().st_size > 5_000
    assert lab.page.viewport_size["width"] == 800


def test_a_failing_cell_is_reported(lab, tmp_path):
    lab.open(write(tmp_path / "failing.ipynb", nbformat.v4.new_code_cell("1 / 0")))
    with pytest.raises(AssertionError, match="ZeroDivisionError"):
        lab.run_all()


def test_an_error_in_a_widgets_script_is_reported(lab, tmp_path):
    lab.open(write(tmp_path / "broken.ipynb", nbformat.v4.new_code_cell(BROKEN)))
    lab.run_all()
    lab.page.wait_for_timeout(1000)
    with pytest.raises(AssertionError, match="broken on purpose"):
        lab.check()
    lab.problems.clear()
