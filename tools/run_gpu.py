"""Run the library's tests and every lesson on a CUDA GPU, and write a run record.

`python -m tools.run_gpu` writes build/gpu_record.json: hardware, versions, how many tests
passed, and the seconds of each lesson. Library tests that take the `device` fixture run there.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import torch

from lessons_lib import records
from tools.layout import BUILD, ROOT, lesson_notebooks
from tools.run_notebooks import LESSON_SECONDS, Run, report, run_lesson

NO_GPU = (
    "No GPU: torch finds no CUDA device here, and `make test-gpu` needs one.\n"
    "torch {version} is installed; a CPU build never finds a GPU. `make test` needs none."
)


def library_tests(folder: Path) -> dict[str, int]:
    """Run the library's tests with the device fixture on the GPU; return the counts."""
    folder.mkdir(parents=True, exist_ok=True)
    report_file = folder / "gpu_tests.xml"
    report_file.unlink(missing_ok=True)
    command = [sys.executable, "-m", "pytest", "-q", "-m", "not browser and not notebook"]
    command += [f"--junitxml={report_file}"]
    environment = {**os.environ, "LESSONS_TEST_DEVICE": "cuda"}
    subprocess.run(command, cwd=ROOT, env=environment, check=False)
    return counts(report_file)


def counts(report_file: Path) -> dict[str, int]:
    """Return passed, failed and skipped of a JUnit report; a missing one is a failure."""
    if not report_file.exists():
        return {"passed": 0, "failed": 1, "skipped": 0}
    suites = ElementTree.parse(report_file).getroot().iter("testsuite")
    found = [{key: int(value) for key, value in s.items() if value.isdigit()} for s in suites]
    failed = sum(suite["failures"] + suite["errors"] for suite in found)
    skipped = sum(suite["skipped"] for suite in found)
    passed = sum(suite["tests"] for suite in found) - failed - skipped
    return {"passed": passed, "failed": failed, "skipped": skipped}


def gpu_record(tests: dict[str, int], runs: list[Run]) -> dict:
    """Return the record of this run on this machine's GPU."""
    return {
        "profile": "gpu",
        "hardware": records.hardware("cuda"),
        "versions": records.versions(),
        "tests": tests,
        "lessons": {
            run.lesson: {"seconds": round(run.seconds, 1), "succeeded": not run.error}
            for run in runs
        },
    }


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; 2 says that there is no GPU, 1 that something failed on it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--record", type=Path, default=BUILD / "gpu_record.json")
    options = parser.parse_args(arguments)
    if not torch.cuda.is_available():
        print(NO_GPU.format(version=torch.__version__), file=sys.stderr)
        return 2
    tests = library_tests(BUILD)
    runs = [run_lesson(path, "gpu", 2 * LESSON_SECONDS) for path in lesson_notebooks()]
    fine = [report(run, LESSON_SECONDS) for run in runs]
    records.write_json(options.record, gpu_record(tests, runs))
    print(f"tests on the GPU: {tests}\nrecord written to {options.record}")
    return 0 if all(fine) and runs and tests["passed"] and not tests["failed"] else 1


if __name__ == "__main__":
    sys.exit(main())
