"""``tools.latency``: its cases and its record. No test here judges how fast anything is."""

from __future__ import annotations

import json
from unittest.mock import MagicMock

import pytest

from lessons_lib import widgets
from tests import browser
from tests.conftest import NO_CHROMIUM
from tools import latency
from tools.latency_cases import CASES, CELLS, ECHO, Case

FEW = (CASES[0], next(case for case in CASES if case.widget == "AddressingPlayground"))


def test_every_widget_is_pressed_and_every_cell_shows_its_widget():
    assert set(widgets.__all__) <= {case.widget for case in CASES}
    assert {case.widget for case in CASES} == set(CELLS)
    for name, source in {**CELLS, "IntSlider": ECHO}.items():
        compile(source, name, "exec")
        assert name in source


def test_a_press_in_the_page_has_10_ms_and_one_in_the_kernel_35_or_twice_the_echo():
    assert latency.limit("page", echo=50) == 10
    assert latency.limit("kernel", echo=8) == 35
    assert latency.limit("kernel", echo=20) == 40


def test_a_time_is_a_median_with_its_middle_half():
    found = latency.summary([1, 2, 3, 4, 100])
    assert found == {"milliseconds": 3, "quartiles": [2, 4]}


def test_the_table_says_what_is_not_held():
    entry = {"milliseconds": 12.34, "quartiles": [11.0, 13.0]}
    case = {"widget": "TapeStepper", "what": "step", "where": "page", **entry, "limit": 10}
    frames = {"frames": 9, "per_second": 25, "slower_than_30": 0.5, "limit": 30, "held": False}
    content = {
        "command": "python -m tools.latency",
        "date": "2026-01-01",
        "seconds": 60,
        "hardware": {"processor": "a processor", "cores": 2},
        "versions": {"jupyterlab": "4", "chromium": "100"},
        "rounds": 30,
        "load": [0.1, 0.2],
        "echo": {"milliseconds": 9, "quartiles": [8, 10]},
        "cases": [{**case, "held": False}, {**case, "limit": 20, "held": True}],
        "frames": frames,
    }
    lines = latency.table(content).splitlines()
    assert "| TapeStepper | step | beforehand | 12.3 | 11.0 to 13.0 | 10: **not held** |" in lines
    assert "| TapeStepper | step | beforehand | 12.3 | 11.0 to 13.0 | 20 |" in lines
    assert "25 frames a second (at least 30: **not held**)" in lines[-1]
    assert "a processor, 2 cores" in lines[0]


@pytest.mark.browser
@pytest.mark.xdist_group("browser")
def test_a_quick_run_measures_and_writes_its_record(tmp_path, capsys):
    if browser.find_chromium() is None:
        pytest.skip(NO_CHROMIUM)
    path = tmp_path / "latency.json"
    latency.main(["--quick", "--out", str(path)], cases=FEW)
    content = json.loads(path.read_text(encoding="utf-8"))
    assert content["command"] == "python -m tools.latency --quick"
    assert content["rounds"] == latency.PRESSES
    assert {"chromium", "jupyterlab", "anywidget", "torch"} <= set(content["versions"])
    assert len(content["load"]) == 2
    for timed in [content["echo"], *content["cases"]]:
        low, high = timed["quartiles"]
        assert 0 < low <= timed["milliseconds"] <= high
    assert [entry["widget"] for entry in content["cases"]] == [
        "TapeStepper",
        "AddressingPlayground",
    ]
    assert content["frames"]["per_second"] > 1
    assert "| a bare slider, echoed | slide |" in capsys.readouterr().out


def test_only_known_widgets_are_measured_alone(capsys):
    with pytest.raises(SystemExit):
        latency.main(["--only", "TapeStopper"])
    assert "expected widgets among TapeStepper" in capsys.readouterr().err


def test_the_first_press_of_a_turn_is_not_measured_and_the_keys_go_on(monkeypatch):
    pressed = []
    presses = object.__new__(latency.Presses)
    monkeypatch.setattr(
        latency.Presses, "press", lambda _self, _case, number: pressed.append(number) or number
    )
    times = [presses.turn(CASES[0], number) for number in (0, 1)]
    assert pressed == list(range(2 * (1 + latency.PRESSES)))
    assert times == [pressed[1 : 1 + latency.PRESSES], pressed[2 + latency.PRESSES :]]


def test_a_press_that_draws_nothing_new_is_an_error_that_names_the_case():
    def wait(what: str, **_options: object) -> None:
        if what == latency.DONE:
            raise latency.TimeoutError("no drawing")

    page = MagicMock()
    page.wait_for_function.side_effect = wait
    presses = object.__new__(latency.Presses)
    presses.page, presses.cells = page, {"TapeStepper": 0}
    with pytest.raises(RuntimeError, match="TapeStepper, step: drew nothing new"):
        presses.press(Case("TapeStepper", "step", "page"), 0)
