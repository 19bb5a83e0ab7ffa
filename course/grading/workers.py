"""The grader's end of the line: start a process for a submission, listen to it, end it."""

from __future__ import annotations

import os
import select
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from course.grading import wire
from course.grading.sandbox import Limits
from course.grading.warm import NUMBER, REQUEST

WARM = Path(__file__).with_name("warm.py")
START_SECONDS = 120
ENVIRONMENT = {
    "OMP_NUM_THREADS": "1",
    "CUDA_VISIBLE_DEVICES": "",
    "MPLBACKEND": "Agg",
    "LANG": "C.UTF-8",
}


@dataclass
class Heard:
    """What one process said before it ended.

    Attributes:
        cells: the error of each cell that ran (None: it ran through), by id.
        calls: the report of each call, by its number in the job.
        finished: whether it did all that was asked.
        why: if not, why it ended, in a sentence.
        held: which of the sandbox's parts the system provides.
    """

    cells: dict[str, dict[str, Any] | None] = field(default_factory=dict)
    calls: dict[int, dict[str, Any]] = field(default_factory=dict)
    finished: bool = False
    why: str = ""
    held: list[str] = field(default_factory=list)


class Workers:
    """Makes fresh processes that have torch loaded, one for each job.

    Use it as a context manager, or call `close`.
    """

    def __init__(self, limits: Limits | None = None) -> None:
        self.limits = limits or Limits()
        self._control: socket.socket | None = None
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        """Return itself; the first job starts what is needed."""
        return self

    def __exit__(self, *_: object) -> None:
        """End everything."""
        self.close()

    def run(self, job: dict[str, Any]) -> Heard:
        """Do one job in a fresh process, within the limits, and return what was heard of it."""
        line, process = self._begin()
        with line:
            heard = Heard()
            try:
                self._listen(line, job, heard)
            except (wire.WireError, OSError) as problem:
                heard.why = str(problem)
            status = self._end(process, heard)
        if not heard.finished:
            heard.why = heard.why or _ended(status)
        return heard

    def close(self) -> None:
        """End the process that forks, and with it every copy."""
        if self._control is not None:
            self._control.close()
        if self._process is not None:
            self._process.kill()
            self._process.wait()
        self._control = self._process = None

    def _listen(self, line: socket.socket, job: dict[str, Any], heard: Heard) -> None:
        last = time.monotonic() + self.limits.total_seconds
        line.settimeout(self.limits.step_seconds)
        line.sendall(wire.pack(job, long_texts=True))
        for _ in range(len(job["cells"]) + len(job["calls"]) + 2):  # what an honest one sends
            deadline = min(last, time.monotonic() + self.limits.step_seconds)
            report = _receive(line, deadline)
            if report is None:
                return
            if _note(report, heard):
                heard.finished = True
                return
        raise wire.WireError("the answer's process sent more than it was asked for")

    def _begin(self) -> tuple[socket.socket, Any]:
        """Make a fresh process; return the line to it, and what `_end` needs to end it."""
        ours, theirs = socket.socketpair()
        with theirs:
            return ours, self._fork(theirs)

    def _fork(self, theirs: socket.socket) -> int:
        limits = self.limits
        request = REQUEST.pack(
            b"F", 0, limits.step_seconds, limits.total_seconds, limits.memory_bytes
        )
        for _ in range(2):  # if it was killed from outside, start another, once
            control = self._started()
            try:
                socket.send_fds(control, [request], [theirs.fileno()])
                return NUMBER.unpack(exactly(control, NUMBER.size))[0]
            except (OSError, EOFError):
                self.close()
        raise RuntimeError("the process that starts the students' processes keeps dying")

    def _end(self, process: Any, heard: Heard) -> int:
        """End a process; return how it had ended (as `os.waitpid` tells)."""
        try:
            self._control.sendall(REQUEST.pack(b"K", process, 0, 0, 0))
            return NUMBER.unpack(exactly(self._control, NUMBER.size))[0]
        except (OSError, EOFError):
            self.close()
            return signal.SIGKILL

    def _started(self) -> socket.socket:
        if self._control is None:
            ours, theirs = socket.socketpair()
            command = [sys.executable, "-I", "-B", str(WARM), str(theirs.fileno())]
            self._process = subprocess.Popen(
                command, pass_fds=[theirs.fileno()], env=_environment(), cwd="/",
                stdin=subprocess.DEVNULL, start_new_session=True,
            )  # fmt: skip
            theirs.close()
            ours.settimeout(START_SECONDS)
            self._control = ours
            exactly(ours, NUMBER.size)  # it says its number when it is ready
        return self._control


def _environment() -> dict[str, str]:
    """Return what the process that forks begins with; matplotlib's cache is in a home folder."""
    kept = {name: os.environ[name] for name in ("HOME", "MPLCONFIGDIR") if name in os.environ}
    return kept | ENVIRONMENT


def _note(report: Any, heard: Heard) -> bool:
    """Write one report down; return whether it was the last. The first of each thing counts."""
    event = report.get("event") if isinstance(report, dict) else None
    if event == "ready" and not heard.held:
        heard.held = [str(part)[:60] for part in report.get("held", [])]
    elif event == "cell":
        heard.cells.setdefault(str(report.get("id"))[:100], report.get("error"))
    elif event == "call" and isinstance(report.get("index"), int):
        heard.calls.setdefault(report["index"], report)
    elif event == "done":
        return True
    return False


def _receive(line: socket.socket, deadline: float) -> Any:
    """Return the next message, or None at the end of the line. Raises WireError when late."""
    start = _until(line, wire.LENGTHS.size, deadline)
    if start is None:
        return None
    header, body = wire.lengths(start)
    parts = [_until(line, size, deadline) for size in (header, body)]
    return None if None in parts else wire.unpack(*parts)


def _until(line: socket.socket, size: int, deadline: float) -> bytes | None:
    data = bytearray()
    while len(data) < size:
        left = deadline - time.monotonic()
        if left <= 0 or not select.select([line], [], [], left)[0]:
            raise wire.WireError("it ran longer than it may: an endless loop?")
        piece = line.recv(min(size - len(data), 1 << 20))
        if not piece:
            return None
        data += piece
    return bytes(data)


def exactly(line: socket.socket, size: int) -> bytes:
    """Return that many bytes. Raises EOFError where the line ends before."""
    data = line.recv(size, socket.MSG_WAITALL)
    if len(data) < size:
        raise EOFError
    return data


def _ended(status: int) -> str:
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        if number == signal.SIGXCPU:
            return "it ran longer than it may: an endless loop?"
        return f"its process was ended by {signal.Signals(number).name}"
    return "it ended its own process (os._exit?)"
