"""`make lab` from the learner's chair: the copies are laid, the first lesson opens and runs."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests import browser
from tools.layout import NOTEBOOKS, ROOT, lesson_notebooks


@contextmanager
def opened(home: Path, notebooks: Path) -> Iterator[browser.LabServer]:
    """Run what `make lab LAB_FLAGS='--no-browser …'` runs, on copies in `home`."""
    port, course, log = browser.free_port(), home / "my-course", home / "server.log"
    command = [sys.executable, "-m", "tools.my_course", "--open", "--notebooks", str(notebooks)]
    command += ["--course", str(course), "--no-browser", "--allow-root", f"--port={port}"]
    command += [f"--IdentityProvider.token={browser.TOKEN}", "--ServerApp.port_retries=0"]
    command += ["--LabApp.expose_app_in_browser=True", "--LabApp.news_url=None"]
    environment = browser.isolated_environment(home)
    del environment["LESSONS_ANSWERS"]
    url = f"http://127.0.0.1:{port}"
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, cwd=ROOT, env=environment, stdout=output, stderr=output, start_new_session=True
        )
        try:
            browser.wait_for_server(f"{url}/api/status?token={browser.TOKEN}", process, log)
            yield browser.LabServer(url, course)
        finally:
            stop = [sys.executable, "-m", "jupyter_server", "stop", str(port)]
            subprocess.run(["true"] if process.poll() is not None else stop, env=environment)
            try:
                process.wait(timeout=30)
            except subprocess.TimeoutExpired:
                process.kill()


def first_page(server: browser.LabServer, home: Path) -> str:
    """Return the address that JupyterLab would open in the learner's browser."""
    (page,) = (home / "jupyter_runtime_dir").glob("jpserver-file-to-run-*-open.html")
    text = page.read_text(encoding="utf-8")
    address = text.split('href="', 1)[1].split('"', 1)[0].replace("&amp;", "&")
    assert address.split("/lab")[0].endswith(server.url.rsplit(":", 1)[1])
    return server.url + "/lab" + address.split("/lab", 1)[1]


def test_make_lab_opens_the_first_lesson_and_it_runs(page, tmp_path):
    lessons = lesson_notebooks()
    if not lessons:
        pytest.skip("no lessons yet")
    with opened(tmp_path, NOTEBOOKS) as server:
        assert {path.name for path in lessons} <= {path.name for path in server.root.iterdir()}
        lab = browser.Lab(server, page)
        page.goto(first_page(server, tmp_path))
        page.wait_for_function(browser.READY, timeout=90_000)
        title = page.evaluate("() => window.jupyterapp.shell.currentWidget.context.path")
        assert title == lessons[0].name
        assert lab.run_all()
        page.goto("about:blank")
        lab.close_kernels()
        lab.check()


@pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")
def test_make_lab_passes_the_learners_flags_on(tmp_path):
    command = ["make", "--dry-run", "lab", "LAB_FLAGS=--no-browser --port=8890"]
    environment = {key: value for key, value in os.environ.items() if not key.startswith("MAKE")}
    shown = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert "tools.my_course --open --no-browser --port=8890" in shown.stdout
