"""Submissions that run in containers: the same marks, nothing of ours inside, no way out.

Where LESSONS_ENGINE names docker or podman, and the image is built, these tests use it, with every
attack of the bank. Otherwise a stand-in takes the engine's arguments and runs a plain process.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from course.grading import containers
from course.grading.assignment import build
from course.grading.containers import IMAGE, ContainerWorkers, run_command, try_out
from course.grading.declare import problems_of
from course.grading.grader import Cell, Grader
from course.grading.notebooks import cells_to_run
from course.grading.sandbox import Limits
from course.grading.tampering import PROBLEM, attacks
from tools.layout import ROOT

pytestmark = pytest.mark.xdist_group("grading-container")
ENGINE = os.environ.get("LESSONS_ENGINE", "")
SET = "set3_addressing"
PROBLEMS = problems_of(SET)
FULL = {problem.id: problem.points for problem in PROBLEMS}
CELLS = cells_to_run(build(SET, PROBLEMS))
TRIED = {  # the attacks that the line and the container's end have to do with
    "ends its process when called",
    "an endless loop when called, deaf to signals",
    "tells the grader that all is well",
    "announces a message without end",
}
ATTACKS = [each for each in attacks() if ENGINE or each.title in TRIED]
DATAGRAM = """
import socket

def recent_read(memory, weights, age, decay):
    socket.socket(socket.AF_INET, socket.SOCK_DGRAM).connect(("192.0.2.1", 53))
"""
DOCKERFILE = (ROOT / "course" / "container" / "Dockerfile").read_text(encoding="utf-8")


def flags(command: list[str]) -> set[str]:
    return set(command[2 : command.index(IMAGE)])


@pytest.fixture(scope="module")
def engine(tmp_path_factory) -> str:
    if ENGINE:
        return ENGINE
    path = tmp_path_factory.mktemp("engine") / "engine"
    path.write_text(
        f'#!/bin/sh\ncd "{ROOT}" && TMPDIR="{path.parent}" '
        f'exec "{sys.executable}" -m tests.stand_in_engine "$@"\n'
    )
    path.chmod(0o755)
    return str(path)


@pytest.fixture(scope="module")
def grader(engine) -> Iterator[Grader]:
    with ContainerWorkers(engine, Limits(step_seconds=60, total_seconds=300)) as workers:
        yield Grader(PROBLEMS, workers, seed=0)


def points(grader: Grader, cells: list[Cell]) -> tuple[dict[str, float], str]:
    outcome = grader.grade(cells)
    earned = {name: mark.points for name, mark in outcome.marks.items()}
    return earned, str(outcome.marks[PROBLEM])


def answered(code: str) -> list[Cell]:
    """The solutions, but for one problem, which is answered by this code."""
    name = next(problem.cell for problem in PROBLEMS if problem.id == PROBLEM)
    return [Cell(name, code) if cell.id == name else cell for cell in CELLS]


@pytest.mark.parametrize("name", ["docker", "podman"])
def test_the_command_line_denies_all_but_standard_input_and_output(name):
    command = run_command(name, "one", Limits(20, 120, 2_000_000_000))
    assert command[:2] == [name, "run"]
    assert flags(command) >= {
        "--rm", "--interactive", "--name=one", "--network=none", "--read-only", "--cap-drop=ALL",
        "--user=65534:65534", "--security-opt=no-new-privileges", "--pids-limit=64", "--cpus=1",
        "--memory=3000000000", "--memory-swap=3000000000", "--ulimit=cpu=180", "--pull=never",
        "--log-driver=none", "--tmpfs=/tmp:rw,noexec,nosuid,nodev,size=64m",
    }  # fmt: skip
    assert command[command.index(IMAGE) :] == [IMAGE, "20", "120", "2000000000"]


def test_no_folder_of_the_grader_is_mounted():
    forbidden = ("-v", "--volume", "--mount", "--privileged", "--env", "-e", "--device", "--pid")
    assert not [flag for flag in run_command("docker", "one", Limits())
                if flag.partition("=")[0] in forbidden]  # fmt: skip


def test_the_image_holds_the_files_that_run_answers_and_nothing_else_of_ours():
    copied = re.findall(r"^COPY ((?:.|\\\n)+?) /grader/$", DOCKERFILE, re.M)
    names = {name for line in copied for name in line.replace("\\\n", " ").split()}
    needed = {
        f"course/grading/{name}.py" for name in ("alone", "harness", "sandbox", "warm", "wire")
    }
    assert names == needed | {"constraints.txt"}
    assert "ADD" not in DOCKERFILE
    ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8").split()
    assert {word[1:] for word in ignored if word.startswith("!")} == names
    assert "*" in ignored
    assert re.search(r"^USER 65534:65534$", DOCKERFILE, re.M)


def test_what_runs_in_the_container_imports_nothing_else_of_ours():
    inside = {"alone", "harness", "sandbox", "warm", "wire"}
    for name in inside:
        text = (ROOT / "course" / "grading" / f"{name}.py").read_text(encoding="utf-8")
        assert not re.search(r"^\s*(from|import) (course|lessons_lib|tools)", text, re.M), name


def test_right_answers_get_full_marks(grader):
    assert points(grader, CELLS)[0] == FULL


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.title)
def test_an_attack_earns_nothing_and_harms_nobody(attack, grader, monkeypatch):
    if attack.says.startswith("ran longer"):
        monkeypatch.setattr(grader.workers, "limits", Limits(step_seconds=3))
    earned, said = points(grader, answered(attack.code))
    assert earned == FULL | {PROBLEM: 0.0}, said
    missing = "No such file"  # in a container there is nothing to be refused
    assert attack.says in said or (attack.says == "PermissionError" and missing in said)
    if ENGINE:
        assert points(grader, CELLS)[0] == FULL  # the next student


def test_there_is_no_network_of_any_kind(engine, grader):
    if not ENGINE:
        from tests.stand_in_engine import without_network

        if not without_network():
            pytest.skip("this system lets nobody make a network namespace")
    earned, said = points(grader, answered(DATAGRAM))
    assert earned[PROBLEM] == 0
    assert "unreachable" in said


def test_each_submission_has_a_process_that_nobody_used_before(grader):
    left = "import torch\ntorch.left = getattr(torch, 'left', 0) + 1\n"
    asks = left + "def recent_read(*_):\n    raise ValueError(f'left {torch.left}')"
    for _ in range(2):
        assert "left 1" in points(grader, answered(asks))[1]


def test_an_engine_that_cannot_start_anything_is_named(tmp_path):
    path = tmp_path / "engine"
    path.write_text("#!/bin/sh\necho 'no such image' >&2\nexit 125\n")
    path.chmod(0o755)
    assert try_out(str(path)) == "no container: no such image"
    assert "absent" in try_out(str(tmp_path / "absent"))


def test_no_container_outlives_its_grader(engine):
    code = (
        "import os, sys\n"
        "from course.grading.containers import ContainerWorkers\n"
        f"workers = ContainerWorkers({engine!r})\n"
        "workers.run({'cells': [], 'calls': []})\n"
        "print(workers._next[1].client.pid, flush=True)\n"
        "os._exit(0)\n"
    )
    told = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    client = Path(f"/proc/{told.stdout.strip()}")
    deadline = time.monotonic() + 60
    while client.exists() and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not client.exists()


def test_exit_statuses_are_told_as_waitpid_would():
    assert containers._as_waited(0) == 0
    assert os.WTERMSIG(containers._as_waited(139)) == 11
    assert os.WIFEXITED(containers._as_waited(3))
