"""Run lessons from top to bottom, as a learner does with Run All, and time them.

`python -m tools.run_notebooks --profile full` runs every lesson and writes its computing
time to build/compute_minutes.json.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from traitlets.config import Config

from lessons_lib import records
from tools.kernels import connection
from tools.layout import BUILD, NOTEBOOKS, ROOT, lesson_notebooks

PROFILES = ("quick", "full", "gpu")
OFFLINE = ROOT / "tools" / "offline"
QUICK_CELL_SECONDS = 120
LESSON_SECONDS = 180


@dataclass(frozen=True)
class Run:
    """One lesson's run: its name, its seconds, and what went wrong ("" when nothing did)."""

    lesson: str
    seconds: float
    error: str = ""


def lesson_environment(
    profile: str, answers: Path, *, offline: bool = False, strict: bool = False
) -> dict[str, str]:
    """Return the environment of a lesson's kernel."""
    environment = {**os.environ, "LESSONS_PROFILE": profile, "LESSONS_ANSWERS": str(answers)}
    environment["PYTHONHASHSEED"] = "0"
    if strict:
        environment["LESSONS_STRICT"] = "1"
    if offline:
        paths = [str(OFFLINE), environment.get("PYTHONPATH", "")]
        environment["PYTHONPATH"] = os.pathsep.join(path for path in paths if path)
    return environment


def execute(notebook: Path, out: Path, environment: dict[str, str], cell_seconds: int) -> Run:
    """Run a notebook in its own kernel; write the executed copy, also when it fails."""
    document = nbformat.read(notebook, as_version=4)
    out.parent.mkdir(parents=True, exist_ok=True)
    start, error = time.perf_counter(), ""
    with tempfile.TemporaryDirectory() as sockets:
        client = NotebookClient(
            document,
            timeout=cell_seconds,
            kernel_name="python3",
            resources={"metadata": {"path": str(out.parent)}},
            record_timing=False,
            config=Config(KernelManager=connection(sockets)),
        )
        try:
            client.execute(env=environment)
        except (CellExecutionError, CellTimeoutError, DeadKernelError) as problem:
            error = str(problem)
    seconds = time.perf_counter() - start
    nbformat.write(document, out)
    return Run(notebook.stem, seconds, error)


def compare_again(executed: Path, environment: dict[str, str], cell_seconds: int) -> str:
    """Run strict nbval over an executed copy; return its report, "" when all is the same."""
    command = [sys.executable, "-m", "pytest", "--nbval", str(executed), "-q", "-x"]
    command += [f"--nbval-cell-timeout={cell_seconds}", "--nbval-current-env"]
    command += ["-p", "no:cacheprovider", "-p", "no:xdist", "-p", "no:randomly"]
    command += ["-p", "tools.kernels"]
    command += ["-c", os.devnull, f"--rootdir={executed.parent}"]
    clean = {k: v for k, v in environment.items() if not k.startswith("PYTEST_")}
    result = subprocess.run(
        command, env=clean, cwd=executed.parent, capture_output=True, text=True, check=False
    )
    return "" if result.returncode == 0 else f"{result.stdout}\n{result.stderr}"


def run_lesson(notebook: Path, profile: str, cell_seconds: int) -> Run:
    """Run one lesson with an empty answer folder, as on a learner's first day."""
    with tempfile.TemporaryDirectory() as answers:
        environment = lesson_environment(profile, Path(answers))
        out = BUILD / "notebooks" / profile / notebook.name
        return execute(notebook, out, environment, cell_seconds)


def report(run: Run, limit: float) -> bool:
    """Print a run's line; return whether it succeeded within the limit (seconds)."""
    slow = run.seconds > limit
    verdict = "FAILED" if run.error else f"over {limit:.0f} s" if slow else "ok"
    print(f"{run.lesson:<32} {run.seconds:7.1f} s  {verdict}", flush=True)
    if run.error:
        print(run.error, file=sys.stderr)
    return not (run.error or slow)


def record(runs: list[Run], profile: str) -> dict[str, object]:
    """Return the record of the runs: minutes a lesson, and on what they were measured."""
    minutes = {run.lesson: round(run.seconds / 60, 2) for run in runs}
    device = "cuda" if profile == "gpu" else "cpu"
    return {
        "profile": profile,
        "hardware": records.hardware(device),
        "versions": records.versions(),
        "minutes": minutes,
    }


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; return 0 when every lesson ran within the limit."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--profile", choices=PROFILES, default="full")
    parser.add_argument("-k", default="", metavar="TEXT", help="only lessons with TEXT in the name")
    parser.add_argument(
        "--limit", type=float, default=LESSON_SECONDS, help="seconds a lesson may take"
    )
    parser.add_argument("--notebooks", type=Path, default=NOTEBOOKS)
    parser.add_argument("--record", type=Path, default=BUILD / "compute_minutes.json")
    options = parser.parse_args(arguments)
    lessons = [path for path in lesson_notebooks(options.notebooks) if options.k in path.stem]
    if not lessons:
        print(f"no lesson with {options.k!r} in its name", file=sys.stderr)
        return 1
    runs = [run_lesson(path, options.profile, 2 * int(options.limit)) for path in lessons]
    fine = [report(run, options.limit) for run in runs]
    if not options.k:
        records.write_json(options.record, record(runs, options.profile))
        print(f"minutes written to {options.record}")
    return 0 if all(fine) else 1


if __name__ == "__main__":
    sys.exit(main())
