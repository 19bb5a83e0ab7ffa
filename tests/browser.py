"""A real JupyterLab in a real Chromium, for the tests of what a learner sees.

The server has its own folders, port and token, so it never touches the settings of whoever
runs the tests. Use the fixtures of conftest.py: `lab` (JupyterLab, one page a test) and
`page` (a plain page, for exported HTML).
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from playwright.sync_api import Browser, ConsoleMessage, Error, Locator, Page, sync_playwright

CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
CHROMIUM_FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",  # nothing is fetched
)
TOKEN = "lessons"
START_SECONDS = 60
SETTINGS = {
    "apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
    "notebook-extension/tracker": {"windowingMode": "none"},  # every cell is in the page
    "docmanager-extension/plugin": {"autosave": False},
}
OURS = ("anywidget", "lessons_lib", "blob:", "widget")


def find_chromium() -> str | None:
    """Return the path of an installed Chromium or Chrome, or None."""
    return next((path for name in CHROMIUM_NAMES if (path := shutil.which(name))), None)


@contextmanager
def chromium() -> Iterator[Browser]:
    """Run a headless Chromium while the block lasts."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=find_chromium(), headless=True, args=list(CHROMIUM_FLAGS)
        )
        try:
            yield browser
        finally:
            browser.close()


def free_port() -> int:
    """Return a port that nothing listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def isolated_environment(home: Path) -> dict[str, str]:
    """Return the environment of a server whose settings and state live under `home`."""
    folders = {
        name: home / name.lower()
        for name in (
            "JUPYTER_CONFIG_DIR",
            "JUPYTER_DATA_DIR",
            "JUPYTER_RUNTIME_DIR",
            "JUPYTERLAB_SETTINGS_DIR",
            "JUPYTERLAB_WORKSPACES_DIR",
            "IPYTHONDIR",
            "LESSONS_ANSWERS",
        )
    }
    for folder in folders.values():
        folder.mkdir(parents=True, exist_ok=True)
    for name, value in SETTINGS.items():
        path = folders["JUPYTERLAB_SETTINGS_DIR"] / "@jupyterlab" / f"{name}.jupyterlab-settings"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(value), encoding="utf-8")
    quick = {"OMP_NUM_THREADS": "1", "LESSONS_PROFILE": "quick"}
    return {**os.environ, **quick, **{name: str(path) for name, path in folders.items()}}


def wait_for_server(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    """Wait until the server answers; fail with its log when it ends or takes too long."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            time.sleep(0.2)
    raise RuntimeError(f"JupyterLab did not start:\n{log.read_text(errors='replace')[-4000:]}")


@dataclass(frozen=True)
class LabServer:
    """A running JupyterLab server: its address and the folder that it shows."""

    url: str
    root: Path


@contextmanager
def lab_server(home: Path) -> Iterator[LabServer]:
    """Run a JupyterLab server while the block lasts."""
    root = home / "root"
    root.mkdir(parents=True)
    port, log = free_port(), home / "server.log"
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root"]
    command += [
        f"--ServerApp.port={port}",
        "--ServerApp.port_retries=0",
        "--ServerApp.ip=127.0.0.1",
    ]
    command += [f"--ServerApp.root_dir={root}", f"--IdentityProvider.token={TOKEN}"]
    command += ["--LabApp.expose_app_in_browser=True", "--LabApp.news_url=None"]
    url = f"http://127.0.0.1:{port}"
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, cwd=root, env=isolated_environment(home), stdout=output, stderr=output
        )
        try:
            wait_for_server(f"{url}/api/status?token={TOKEN}", process, log)
            yield LabServer(url, root)
        finally:
            process.terminate()
            try:
                process.wait(timeout=20)
            except subprocess.TimeoutExpired:
                process.kill()


RUN_ALL = """async () => {
  const notebook = window.jupyterapp.shell.currentWidget;
  await notebook.sessionContext.ready;
  await window.jupyterapp.commands.execute('notebook:run-all-cells');
  return notebook.content.widgets.filter(cell => cell.model.type === 'code').map(cell => ({
    source: cell.model.sharedModel.getSource(),
    count: cell.model.executionCount,
    outputs: cell.model.outputs.toJSON(),
  }));
}"""
READY = """() => {
  const notebook = window.jupyterapp?.shell?.currentWidget;
  const status = notebook?.sessionContext?.session?.kernel?.status;
  return notebook?.content?.widgets?.length > 0 && status === 'idle';
}"""
IDLE = "() => window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.status === 'idle'"
EXECUTE = "([name, options]) => window.jupyterapp.commands.execute(name, options).then(() => null)"


@dataclass
class Lab:
    """One browser page that shows one JupyterLab."""

    server: LabServer
    page: Page
    problems: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Listen for what goes wrong in the page."""
        self.page.on("pageerror", self._on_page_error)
        self.page.on("console", self._on_console)

    def _on_page_error(self, error: Error) -> None:
        """Keep an error with one of our modules on its stack; JupyterLab has some of its own."""
        if any(word in f"{error.stack}" for word in ("anywidget", "lessons_lib", "blob:")):
            self.problems.append(f"page error: {error.stack}")

    def _on_console(self, message: ConsoleMessage) -> None:
        about = f"{message.text} {message.location.get('url', '')}"
        if message.type == "error" and any(word in about for word in OURS):
            self.problems.append(f"console error: {about}")

    def open(self, notebook: Path, timeout: float = 90) -> None:
        """Show a notebook (copied beside the server's others) with its kernel started."""
        target = self.server.root / notebook.name
        if notebook.resolve() != target.resolve():
            shutil.copy(notebook, target)
        address = f"{self.server.url}/lab/tree/{notebook.name}?reset&token={TOKEN}"
        self.page.goto(address, timeout=timeout * 1000)
        self.page.wait_for_function(READY, timeout=timeout * 1000)

    def run_all(self, timeout: float = 180, allow_errors: bool = False) -> list[dict]:
        """Run every cell and return the code cells: source, count and outputs."""
        self.page.set_default_timeout(timeout * 1000)
        cells = self.page.evaluate(RUN_ALL)
        self.wait_idle(timeout)
        failed = [
            f"{cell['source'][:200]}\n-> {output['ename']}: {output['evalue']}"
            for cell in cells
            for output in cell["outputs"]
            if output["output_type"] == "error"
        ]
        if failed and not allow_errors:
            raise AssertionError("cells failed:\n" + "\n".join(failed))
        return cells

    def wait_idle(self, timeout: float = 60) -> None:
        """Wait until the kernel has nothing to do."""
        self.page.wait_for_function(IDLE, timeout=timeout * 1000)

    def wait_for(self, selector: str, timeout: float = 30) -> Locator:
        """Wait until the selector is visible and return its first match."""
        found = self.page.locator(selector).first
        found.wait_for(state="visible", timeout=timeout * 1000)
        return found

    def command(self, name: str, **options: object) -> None:
        """Run a command of JupyterLab, such as `notebook:restart-run-all`."""
        self.page.evaluate(EXECUTE, [name, options])

    def theme(self, name: str) -> None:
        """Set the theme: "light" or "dark"."""
        self.command("apputils:change-theme", theme=f"JupyterLab {name.capitalize()}")
        light = json.dumps(name == "light")
        self.page.wait_for_function(f"document.body.dataset.jpThemeLight === '{light}'")

    def screenshot(
        self, path: Path, theme: str = "light", width: int = 1600, height: int = 1000
    ) -> Path:
        """Save what the page shows, in this theme and width (pixels), and return the path."""
        self.page.set_viewport_size({"width": width, "height": height})
        self.theme(theme)
        path.parent.mkdir(parents=True, exist_ok=True)
        self.page.wait_for_timeout(300)  # the layout settles after a resize
        self.page.screenshot(path=path)
        return path

    def close_kernels(self) -> None:
        """End the page's kernels, so that a long run of tests keeps only one alive."""
        for kind in ("sessions", "kernels"):
            address = f"{self.server.url}/api/{kind}"
            headers = {"Authorization": f"token {TOKEN}"}
            with urllib.request.urlopen(urllib.request.Request(address, headers=headers)) as answer:
                running = json.load(answer)
            for item in running:
                request = urllib.request.Request(
                    f"{address}/{item['id']}", headers=headers, method="DELETE"
                )
                urllib.request.urlopen(request).close()

    def check(self) -> None:
        """Fail when the page reported an error that may be ours."""
        if self.problems:
            raise AssertionError("the page reported errors:\n" + "\n".join(self.problems))
