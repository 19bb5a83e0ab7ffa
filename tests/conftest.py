"""Fixtures and settings for all tests."""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before torch: two cores, two workers

from collections.abc import Iterator

import pytest
import torch

from tests import browser

BROWSER_FIXTURES = {"lab", "page", "chromium_browser", "lab_server"}
IN_CI = os.environ.get("CI", "").lower() in ("1", "true")
MUST_RUN = ("browser", "notebook")
# A browser on a busy machine can miss a time limit: then it has one more try, which the summary
# counts ("1 rerun"). Whatever else fails, fails at once.
SECOND_TRY = pytest.mark.flaky(reruns=1, only_rerun=["TimeoutError"])
NO_CHROMIUM = "no Chromium found: install Debian's chromium (or Google Chrome) to run this test"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark browser tests, keep them in one worker, and start the longest tests first."""
    for item in items:
        if BROWSER_FIXTURES & set(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.browser)
            item.add_marker(pytest.mark.xdist_group("browser"))
            item.add_marker(SECOND_TRY)
    items.sort(key=lambda item: [item.get_closest_marker(mark) is None for mark in MUST_RUN])


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]):
    """Turn a skipped browser or notebook test into a failure under CI."""
    report = yield
    if report.skipped and not hasattr(report, "wasxfail") and IN_CI:
        marks = [mark for mark in MUST_RUN if item.get_closest_marker(mark)]
        if marks:
            report.outcome = "failed"
            report.longrepr = f"a {marks[0]} test may not be skipped under CI: {report.longrepr}"
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say plainly which tests of a real browser did not run."""
    skipped = terminalreporter.stats.get("skipped", [])
    count = sum("no Chromium found" in str(report.longrepr) for report in skipped)
    if count:
        terminalreporter.section("BROWSER TESTS SKIPPED", yellow=True)
        terminalreporter.line(f"{count} tests did not run: {NO_CHROMIUM}.")


@pytest.fixture(scope="session")
def device() -> torch.device:
    """The device of the library's tests: the CPU, or what LESSONS_TEST_DEVICE names."""
    return torch.device(os.environ.get("LESSONS_TEST_DEVICE", "cpu"))


@pytest.fixture(scope="module")
def chromium_browser() -> Iterator[browser.Browser]:
    """A headless Chromium; closed after each module, so that its event loop is too."""
    if browser.find_chromium() is None:
        pytest.skip(NO_CHROMIUM)
    with browser.chromium() as running:
        yield running


@pytest.fixture(scope="session")
def lab_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[browser.LabServer]:
    """A JupyterLab server in folders of its own."""
    if browser.find_chromium() is None:
        pytest.skip(NO_CHROMIUM)
    with browser.lab_server(tmp_path_factory.mktemp("jupyterlab")) as server:
        yield server


@pytest.fixture
def page(chromium_browser: browser.Browser) -> Iterator[browser.Page]:
    """An empty page, 1600 × 1000; no connection leaves this machine."""
    context = chromium_browser.new_context(viewport={"width": 1600, "height": 1000})
    yield context.new_page()
    context.close()


@pytest.fixture
def lab(page: browser.Page, lab_server: browser.LabServer) -> Iterator[browser.Lab]:
    """JupyterLab in a real browser; the test fails when the page reports an error of ours."""
    shown = browser.Lab(lab_server, page)
    yield shown
    page.goto("about:blank")  # leave the page first: a dying kernel is not its error
    shown.close_kernels()
    shown.check()
