"""Runs each submission in a container of its own, with docker or podman.

The container has Python, torch and the files that run answers, and nothing else of ours: no
solution, no hidden test, no gradebook, no other submission, no network. The job goes in and reports
come out over its standard input and output; they are judged outside, in the grader's process.
Starting one takes seconds, so the next one is started while the present one works.
"""

from __future__ import annotations

import contextlib
import functools
import os
import secrets
import signal
import socket
import subprocess
import tempfile
from typing import IO, NamedTuple

from course.grading.sandbox import Limits
from course.grading.warm import NUMBER
from course.grading.workers import START_SECONDS, Heard, Workers, exactly

IMAGE = "neural-memory-grader"
TORCH_BYTES = 1_000_000_000  # what Python and torch take, beside what an answer may
SPARE_SECONDS = 60  # of processor time, for loading torch
END_SECONDS = {"done": 2, "gone": 20}  # for a container to end by itself


def run_command(engine: str, name: str, limits: Limits, image: str = IMAGE) -> list[str]:
    """Return the command line that starts a container for one submission.

    Args:
        engine: `docker`, `podman`, or a program that takes the same arguments.
        name: the container's name.
        limits: what the submission may use.
        image: what `course/container/Dockerfile` was built as.
    """
    memory = limits.memory_bytes + TORCH_BYTES
    return [
        engine, "run", "--rm", "--interactive", f"--name={name}",
        "--pull=never", "--log-driver=none",
        "--network=none", "--read-only", "--user=65534:65534",
        "--cap-drop=ALL", "--security-opt=no-new-privileges",
        "--tmpfs=/tmp:rw,noexec,nosuid,nodev,size=64m",
        f"--memory={memory}", f"--memory-swap={memory}", "--pids-limit=64", "--cpus=1",
        f"--ulimit=cpu={int(limits.total_seconds) + SPARE_SECONDS}", "--ulimit=core=0",
        "--ulimit=nofile=256", "--ulimit=nproc=1024",  # processes of this user on the whole machine
        image, f"{limits.step_seconds:g}", f"{limits.total_seconds:g}", str(limits.memory_bytes),
    ]  # fmt: skip


class Container(NamedTuple):
    """A container that was started: its name, the engine's client, and what that complains of."""

    name: str
    client: subprocess.Popen[bytes]
    complaints: IO[bytes]


class ContainerWorkers(Workers):
    """Makes a fresh container for each job.

    Args:
        engine: as in `run_command`.
        limits: what one submission may use.
    """

    def __init__(self, engine: str, limits: Limits | None = None) -> None:
        super().__init__(limits)
        self.engine = engine
        self._next: tuple[socket.socket, Container] | None = None

    def close(self) -> None:
        """End the container that waits."""
        if self._next is not None:
            line, container = self._next
            self._next = None
            line.close()
            self._kill(container)

    def _begin(self) -> tuple[socket.socket, Container]:
        line, container = self._next or self._start()
        self._next = None
        line.settimeout(START_SECONDS)
        try:
            exactly(line, NUMBER.size)  # it says its number when it is ready
        except (OSError, EOFError) as problem:
            line.close()
            self._kill(container)
            raise RuntimeError(f"no container: {_last_line(container)}") from problem
        self._next = self._start()
        return line, container

    def _start(self) -> tuple[socket.socket, Container]:
        ours, theirs = socket.socketpair()
        name = f"grading-{os.getpid()}-{secrets.token_hex(6)}"
        complaints = tempfile.TemporaryFile()
        command = run_command(self.engine, name, self.limits)
        with theirs:
            client = subprocess.Popen(
                command, stdin=theirs, stdout=theirs, stderr=complaints, start_new_session=True
            )
        return ours, Container(name, client, complaints)

    def _end(self, process: Container, heard: Heard) -> int:
        """End a container; its client's exit status says how the process in it had ended."""
        if not heard.why:  # it does not hang, as far as we know
            with contextlib.suppress(subprocess.TimeoutExpired):
                patience = END_SECONDS["done" if heard.finished else "gone"]
                return _as_waited(process.client.wait(patience))
        return self._kill(process)

    def _kill(self, container: Container) -> int:
        command = [self.engine, "kill", container.name]
        with contextlib.suppress(OSError):
            subprocess.run(command, capture_output=True, check=False, timeout=START_SECONDS)
        with contextlib.suppress(subprocess.TimeoutExpired):
            container.client.wait(END_SECONDS["gone"])
        container.client.kill()
        return signal.SIGKILL


@functools.cache
def workers_for(engine: str, step_seconds: float) -> Workers:
    """Return what runs submissions in this process: in containers of this engine, if one is named.

    They are kept, since starting torch takes seconds.
    """
    limits = Limits(step_seconds=step_seconds)
    return ContainerWorkers(engine, limits) if engine else Workers(limits)


def try_out(engine: str) -> str:
    """Run nothing in a container; say why it cannot be done, or nothing if it can."""
    try:
        with ContainerWorkers(engine) as workers:
            workers.run({"cells": [], "calls": []})
    except (RuntimeError, OSError) as problem:
        return str(problem)
    return ""


def _as_waited(code: int) -> int:
    """Return an engine's exit status as `os.waitpid` would have told it."""
    return code - 128 if 128 < code <= 128 + signal.SIGRTMAX else code << 8


def _last_line(container: Container) -> str:
    container.complaints.seek(0)
    lines = container.complaints.read().decode(errors="replace").strip().splitlines()
    return lines[-1] if lines else "it ended before it was ready"
