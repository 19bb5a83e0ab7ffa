"""The runner of the lessons: what it proves of a notebook, and what it refuses."""

from __future__ import annotations

import json
import os
from pathlib import Path

import nbformat
import pytest

from tools import run_notebooks
from tools.build_notebooks import METADATA, build
from tools.run_notebooks import compare_again, execute, lesson_environment
from tools.with_solutions import main as solve
from tools.with_solutions import with_solutions

EXAMPLE = Path(__file__).parent / "examples" / "99_example.md"


def notebook_of(folder: Path, *sources: str) -> Path:
    cells = [nbformat.v4.new_code_cell(source) for source in sources]
    path = folder / "shipped" / "98_small.ipynb"
    path.parent.mkdir(exist_ok=True)
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=METADATA), path)
    return path


def example(folder: Path, *, solved: bool) -> Path:
    notebook = build("99_example", EXAMPLE.read_text(encoding="utf-8"))
    path = folder / "99_example.ipynb"
    nbformat.write(with_solutions(notebook, "99_example") if solved else notebook, path)
    return path


def run(
    path: Path, folder: Path, *, offline: bool = False, strict: bool = False, seconds: int = 60
):
    answers = folder / "answers"
    answers.mkdir(exist_ok=True)
    environment = lesson_environment("quick", answers, offline=offline, strict=strict)
    executed = folder / "executed" / path.name
    return execute(path, executed, environment, seconds), executed, environment


@pytest.mark.parametrize("solved", [False, True])
def test_the_example_runs_and_prints_the_same_twice(tmp_path, solved):
    result, executed, environment = run(example(tmp_path, solved=solved), tmp_path, strict=solved)
    assert result.error == ""
    printed = "".join(str(c.get("outputs")) for c in nbformat.read(executed, as_version=4).cells)
    assert ("not written yet" in printed) is not solved
    assert compare_again(executed, environment, 60) == ""


def test_an_untouched_stub_fails_the_strict_run(tmp_path):
    result, _, _ = run(example(tmp_path, solved=False), tmp_path, strict=True)
    assert "not written yet" in result.error


def test_a_cell_that_prints_something_else_the_second_time_is_caught(tmp_path):
    path = notebook_of(tmp_path, "import time\ntime.perf_counter_ns()")
    result, executed, environment = run(path, tmp_path)
    assert result.error == ""
    assert "perf_counter_ns" in compare_again(executed, environment, 60)


def test_a_failing_cell_is_reported_and_the_copy_written(tmp_path):
    result, executed, _ = run(notebook_of(tmp_path, "1 / 0"), tmp_path)
    assert "ZeroDivisionError" in result.error
    assert "ZeroDivisionError" in executed.read_text(encoding="utf-8")


def test_a_cell_that_takes_too_long_is_reported(tmp_path):
    path = notebook_of(tmp_path, "import time\ntime.sleep(30)")
    result, _, _ = run(path, tmp_path, seconds=2)
    assert "timed out" in result.error.lower()


def test_a_lesson_reaches_no_network(tmp_path):
    download = "import urllib.request\nurllib.request.urlopen('http://example.org')"
    numbered = "import socket\nsocket.create_connection(('192.0.2.1', 80), timeout=5)"
    for source in (download, numbered):
        result, _, _ = run(notebook_of(tmp_path, source), tmp_path, offline=True)
        assert "no network here" in result.error


@pytest.mark.skipif(os.name == "nt", reason="Windows has TCP alone")
def test_no_kernel_waits_on_a_port_that_another_may_take(tmp_path):
    source = (
        "import json, ipykernel\nprint(json.loads(ipykernel.get_connection_info())['transport'])"
    )
    _, executed, environment = run(notebook_of(tmp_path, source), tmp_path)
    assert nbformat.read(executed, as_version=4).cells[0].outputs[0].text == "ipc\n"
    assert compare_again(executed, environment, 60) == ""  # nbval's kernel too


def test_a_lesson_sees_its_profile_and_answer_folder(tmp_path):
    source = "import os\nprint(os.environ['LESSONS_PROFILE'], os.environ['LESSONS_ANSWERS'])"
    _, executed, _ = run(notebook_of(tmp_path, source), tmp_path)
    text = nbformat.read(executed, as_version=4).cells[0].outputs[0].text
    assert text == f"quick {tmp_path / 'answers'}\n"


def test_solutions_leave_every_other_cell_alone(tmp_path):
    assert solve([str(example(tmp_path, solved=False)), "--out", str(tmp_path / "solved")]) == 0
    before = nbformat.read(tmp_path / "99_example.ipynb", as_version=4).cells
    after = nbformat.read(tmp_path / "solved" / "99_example.ipynb", as_version=4).cells
    changed = [old.id for old, new in zip(before, after, strict=True) if old.source != new.source]
    assert changed == ["99-exercise-double"]


def test_the_record_holds_minutes_hardware_and_versions(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(run_notebooks, "BUILD", tmp_path / "build")
    folder = notebook_of(tmp_path, "1 + 1").parent
    record = tmp_path / "record.json"
    arguments = ["--profile", "quick", "--notebooks", str(folder), "--record", str(record)]
    assert run_notebooks.main(arguments) == 0
    written = json.loads(record.read_text(encoding="utf-8"))
    assert written["minutes"].keys() == {"98_small"}
    assert written["hardware"]["cores"] >= 1
    assert "torch" in written["versions"]
    assert run_notebooks.main([*arguments, "--limit", "0"]) == 1
    assert "over 0 s" in capsys.readouterr().out
