"""How soon does a picture answer? Every widget in JupyterLab in a headless Chromium.

    python -m tools.latency
    python -m tools.latency --only TapeStepper --only GateExplorer

Prints the table and writes data/latency.json. A time runs from the input event as the browser
stamps it (``event.timeStamp``) to the end of the last drawing that the press changed, its pixels
read back: what was asked for and not yet drawn counts too. Beside it stands a bare ipywidgets
slider whose value the kernel echoes into a label, which any widget needs that asks the kernel. All
share one page and take turns, a few presses each. The first press of a turn is not measured: it
pays for what the picture before left behind, most of all where the kernel worked for that one, and
whoever steps through one picture does not pay that. Other work on the machine disturbs the result;
the record holds the load before and after.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import nbformat
import numpy as np
from playwright.sync_api import Locator, Page, TimeoutError

from lessons_lib import checkpoints, records, widgets
from tests import browser
from tools.build_notebooks import METADATA
from tools.latency_cases import CASES, CELLS, ECHO, Case
from tools.layout import BUILD

RESULTS = checkpoints.DATA / "latency.json"
TURNS = 6
PRESSES = 5  # measured in a turn
FRAMES = 240
PAGE_LIMIT = 10.0  # milliseconds where everything is computed beforehand
KERNEL_LIMIT = 35.0  # where the kernel computes, or twice the bare echo
FRAME_LIMIT = 30.0  # a second
SETTLED = 150  # milliseconds without a drawing: the answer is complete
TIMEOUT = 60_000
ECHO_NAME = "a bare slider, echoed"

# Watch every drawing of every cell: when it was done, and whether its numbers are others.
WATCH = """() => {
  const digest = (drawn) => {
    let sum = 7;
    for (const [name, values] of Object.entries(drawn ?? {})) {
      const list = typeof values?.length === 'number' ? values : [String(values)];
      for (let i = 0; i < list.length; i++) {
        const value = typeof list[i] === 'number' ? list[i] : String(list[i]).length;
        sum = (sum * 31 + (Number.isFinite(value) ? value : 5) * (i + 1)) % 1e9;
      }
      sum = (sum + name.length) % 1e9;
    }
    return sum;
  };
  const state = (window.latency = { cells: [], begun: undefined });
  window.addEventListener('keydown', (event) => {
    if (event.isTrusted) state.begun ??= event.timeStamp;
  }, true);
  document.querySelectorAll('.jp-CodeCell').forEach((cell, index) => {
    const found = (state.cells[index] = { drawn: undefined, changed: undefined });
    const note = (changed) => {
      found.drawn = performance.now();
      if (changed && state.begun !== undefined) found.changed = found.drawn;
    };
    for (const canvas of cell.querySelectorAll('canvas')) {
      let last = digest(canvas.drawn);
      new MutationObserver(() => {
        if (canvas.width && canvas.height) canvas.getContext('2d').getImageData(0, 0, 1, 1);
        note(false);
        const now = digest(canvas.drawn);
        if (now !== last && state.begun !== undefined) found.changed = found.drawn;
        last = now;
      }).observe(canvas, { attributes: true, attributeFilter: ['data-draws'] });
    }
    const label = cell.querySelector('div.widget-label');
    if (label) new MutationObserver(() => note(true))
      .observe(label, { childList: true, characterData: true, subtree: true });
  });
}"""
ARM = """(cell) => {
  window.latency.begun = undefined;
  window.latency.cells[cell].changed = undefined;
}"""
DONE = """([cell, settled]) => {
  const { drawn, changed } = window.latency.cells[cell];
  return changed !== undefined && performance.now() - drawn > settled;
}"""
TAKEN = "(cell) => window.latency.cells[cell].changed - window.latency.begun"
QUIET = """(settled) => window.latency.cells.every(
  ({ drawn }) => !(performance.now() - (drawn ?? -1e9) <= settled))"""
# Scrub a step a frame through the slider's own event; each frame's time, in milliseconds.
SCRUB = """async ([cell, frames]) => {
  const slider = document.querySelectorAll('.jp-CodeCell')[cell].querySelector('input[type=range]');
  const times = [];
  let last;
  await new Promise((done) => {
    const frame = (now) => {
      if (last !== undefined) times.push(now - last);
      last = now;
      slider.value = String((Number(slider.value) + 1) % (Number(slider.max) + 1));
      slider.dispatchEvent(new Event('input', { bubbles: true }));
      if (times.length < frames) requestAnimationFrame(frame);
      else done();
    };
    requestAnimationFrame(frame);
  });
  return times;
}"""


def notebook(path: Path, cases: Sequence[Case]) -> dict[str, int]:
    """Write the notebook that shows every widget of the cases once; returns each one's cell."""
    wanted = {case.widget for case in cases}
    sources = {ECHO_NAME: ECHO, **{name: CELLS[name] for name in CELLS if name in wanted}}
    cells = [nbformat.v4.new_code_cell(source.strip()) for source in sources.values()]
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=METADATA), path)
    return {name: number for number, name in enumerate(sources)}


class Presses:
    """The page with every widget, and how long its presses take."""

    def __init__(self, page: Page, cells: dict[str, int]) -> None:
        """Wait for every canvas, then watch the drawings."""
        self.page, self.cells = page, cells
        for name in cells.keys() - {ECHO_NAME}:
            self.cell(name).locator("canvas").first.wait_for(state="visible", timeout=TIMEOUT)
        page.wait_for_timeout(1000)  # the layout comes to rest
        page.evaluate(WATCH)

    def cell(self, name: str) -> Locator:
        """Return the widget's cell."""
        return self.page.locator(".jp-CodeCell").nth(self.cells[name])

    def press(self, case: Case, number: int) -> float:
        """Press a case's key of this number; returns the milliseconds to the end of its drawing."""
        cell = self.cells[case.widget]
        target = self.cell(case.widget).locator(case.target).nth(case.number)
        target.focus()
        if case.before:
            self.page.keyboard.press(case.before[number % len(case.before)])
        self._rest()
        self.page.evaluate(ARM, cell)
        self.page.keyboard.press(case.keys[number % len(case.keys)])
        try:
            self.page.wait_for_function(DONE, arg=[cell, SETTLED], timeout=TIMEOUT)
        except TimeoutError as error:
            raise RuntimeError(f"{case.widget}, {case.what}: drew nothing new") from error
        return self.page.evaluate(TAKEN, cell)

    def turn(self, case: Case, number: int) -> list[float]:
        """Press a case's keys in a row; returns the milliseconds of all presses but the first."""
        first = number * (1 + PRESSES)
        return [self.press(case, press) for press in range(first, first + 1 + PRESSES)][1:]

    def _rest(self) -> None:
        """Wait until the kernel is idle and no picture of the page has drawn for a moment.

        Some pictures ask for more after a quarter of a second: that, too, is waited for.
        """
        self.page.wait_for_timeout(3 * SETTLED)
        self.page.wait_for_function(browser.IDLE, timeout=TIMEOUT)
        self.page.wait_for_function(QUIET, arg=SETTLED, timeout=TIMEOUT)

    def frames(self, name: str, count: int) -> dict:
        """Scrub a stepper a step a frame; returns how many frames a second it holds."""
        times = self.page.evaluate(SCRUB, [self.cells[name], count])
        slow = sum(taken > 1000 / FRAME_LIMIT for taken in times) / len(times)
        per_second = 1000 / statistics.mean(times)
        return {
            "frames": count,
            "per_second": round(per_second, 1),
            "slower_than_30": round(slow, 4),
            "limit": FRAME_LIMIT,
            "held": per_second >= FRAME_LIMIT,
        }


def summary(times: Sequence[float]) -> dict:
    """Return the median and the quartiles, in milliseconds."""
    low, middle, high = (round(float(q), 2) for q in np.quantile(times, [0.25, 0.5, 0.75]))
    return {"milliseconds": middle, "quartiles": [low, high]}


def limit(where: str, echo: float) -> float:
    """Return how long a press may take: 10 ms in the page, else 35 ms or twice the bare echo."""
    return PAGE_LIMIT if where == "page" else max(KERNEL_LIMIT, 2 * echo)


def measure(page: Page, cells: dict[str, int], cases: Sequence[Case], turns: int) -> dict:
    """Give every case its turn, over and over, and scrub the tape stepper."""
    presses = Presses(page, cells)
    echo = Case(ECHO_NAME, "slide", "kernel", ("ArrowRight",), target=".noUi-handle")
    every = [echo, *cases]
    times: list[list[float]] = [[] for _ in every]
    for number in range(turns):
        for case, taken in zip(every, times, strict=True):
            taken += presses.turn(case, number)
    bare = summary(times[0])
    entries = []
    for case, taken in zip(cases, times[1:], strict=True):
        timed, allowed = summary(taken), limit(case.where, bare["milliseconds"])
        named = {"widget": case.widget, "what": case.what, "where": case.where}
        held = timed["milliseconds"] <= allowed
        entries.append({**named, **timed, "limit": round(allowed, 2), "held": held})
    found = {"echo": bare, "cases": entries}
    if "TapeStepper" in cells:
        found["frames"] = presses.frames("TapeStepper", FRAMES if turns == TURNS else 30)
    return found


def record(cases: Sequence[Case], turns: int, command: str) -> dict:
    """Measure, and say on what, when and for how long."""
    begun, load = time.perf_counter(), _load()
    with (
        tempfile.TemporaryDirectory() as folder,
        browser.lab_server(Path(folder) / "lab") as server,
        browser.chromium() as running,
    ):
        page = running.new_page(viewport={"width": 1600, "height": 1000})
        lab = browser.Lab(server, page)
        path = Path(folder) / "widgets.ipynb"
        cells = notebook(path, cases)
        lab.open(path)
        lab.run_all()
        measured = measure(page, cells, cases, turns)
        chromium = running.version
        page.goto("about:blank")
        lab.close_kernels()
        lab.check()
    more = {name: version(name) for name in ("jupyterlab", "ipywidgets", "anywidget")}
    return {
        "command": command,
        "date": datetime.now(UTC).date().isoformat(),
        "seconds": round(time.perf_counter() - begun, 1),
        "versions": {**records.versions(), **more, "chromium": chromium},
        "hardware": records.hardware(),
        "load": [load, _load()],
        "rounds": turns * PRESSES,
        **measured,
    }


def _load() -> float | None:
    """Return how many processes wanted a core in the last minute, where the system says so."""
    return round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None


def table(content: dict) -> str:
    """Return the record as Markdown: where it was measured, the table, the frames."""
    machine, versions = content["hardware"], content["versions"]
    lines = [
        f"`{content['command']}`, {content['date']}, {content['seconds'] / 60:.1f} minutes: "
        f"{machine['processor']}, {machine['cores']} cores, JupyterLab {versions['jupyterlab']}, "
        f"Chromium {versions['chromium']}; median of {content['rounds']}, load "
        f"{content['load'][0]} before and {content['load'][1]} after.",
        "",
        "| widget | what is done | computed | milliseconds | middle half | at most |",
        "|---|---|---|---|---|---|",
        _row(ECHO_NAME, "slide", "in the kernel", content["echo"], ""),
    ]
    for entry in content["cases"]:
        where = "beforehand" if entry["where"] == "page" else "in the kernel"
        allowed = f"{entry['limit']:g}" + ("" if entry["held"] else ": **not held**")
        lines.append(_row(entry["widget"], entry["what"], where, entry, allowed))
    if "frames" in content:
        lines += ["", _frames(content["frames"])]
    return "\n".join(lines)


def _frames(frames: dict) -> str:
    """Say how many frames a second the tape stepper holds."""
    return (
        f"Scrubbing a tape of 64 slots × 120 steps, a step a frame: {frames['per_second']:g} "
        f"frames a second (at least {frames['limit']:g}"
        f"{'' if frames['held'] else ': **not held**'}); {frames['slower_than_30']:.1%} of "
        f"{frames['frames']} frames took longer than a thirtieth of a second."
    )


def _row(widget: str, what: str, where: str, timed: dict, allowed: str) -> str:
    low, high = timed["quartiles"]
    middle = f"{timed['milliseconds']:.1f}"
    return f"| {widget} | {what} | {where} | {middle} | {low:.1f} to {high:.1f} | {allowed} |"


def unmeasured() -> list[str]:
    """Return the widgets that no case presses."""
    return sorted(set(widgets.__all__) - {case.widget for case in CASES})


def main(arguments: list[str] | None = None, cases: Sequence[Case] = CASES) -> None:
    """Measure, write the record and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="few presses, for a first look")
    parser.add_argument("--only", action="append", default=[], help="a widget; may be repeated")
    parser.add_argument(
        "--out", type=Path, help="data/latency.json; build/… unless all is measured"
    )
    options = parser.parse_args(arguments)
    if not set(options.only) <= {case.widget for case in cases}:
        parser.error(f"expected widgets among {', '.join(CELLS)}, got {', '.join(options.only)}")
    if browser.find_chromium() is None:
        parser.error("expected a Chromium or Chrome on the path, found none")
    if unmeasured():
        parser.error(f"expected a case for each widget, got none for {', '.join(unmeasured())}")
    cases = [case for case in cases if case.widget in options.only or not options.only]
    command = "python -m tools.latency" + " --quick" * options.quick
    command += "".join(f" --only {name}" for name in options.only)
    content = record(cases, 1 if options.quick else TURNS, command)
    partly = options.quick or options.only
    path = options.out or (BUILD / "latency.json" if partly else RESULTS)
    records.write_json(path, content)
    print(table(content))


if __name__ == "__main__":
    main()
