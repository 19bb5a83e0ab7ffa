"""The first process of a container: runs one submission, then ends, and the container with it.

Run as `python -I -B alone.py STEP_SECONDS TOTAL_SECONDS MEMORY_BYTES`. The job comes in on standard
input, reports go out on standard output, as on the socket of `warm.py`. It loads torch, says that
it is ready, and forks: the copy runs the answers, this process waits for it. It also ends when
standard input is closed, so that no container outlives its grader.
"""

from __future__ import annotations

import os
import select
import signal
import sys


class Pipes:
    """The two ends of a container's line, to be used like one socket."""

    def __init__(self, reading: int, writing: int) -> None:
        self.reading, self.writing = reading, writing

    def fileno(self) -> int:
        """Return the end that is written to."""
        return self.writing

    def recv(self, size: int) -> bytes:
        """Return at most `size` bytes; none at the end of the line."""
        return os.read(self.reading, size)

    def sendall(self, data: bytes) -> None:
        """Write all of it."""
        left = memoryview(data)
        while left:
            left = left[os.write(self.writing, left) :]


def main(step: float, total: float, memory: int) -> int:
    """Run one submission; return the exit status, 128 and the signal's number if one ended it."""
    ends = os.dup(0), os.dup(1)
    os.dup2(2, 1)  # what is printed while loading is no report
    sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
    import warm

    harness, sandbox = warm.prepare()
    line = Pipes(*ends)
    line.sendall(warm.NUMBER.pack(os.getpid()))
    child = os.fork()
    if child == 0:
        warm.serve(harness, line, sandbox.Limits(step, total, memory))
    os.close(line.writing)
    waiting = select.poll()
    waiting.register(os.pidfd_open(child), select.POLLIN)
    waiting.register(line.reading, 0)  # its end is always told
    waiting.poll()
    status = warm.end(child)
    return 128 + os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C belongs to the grader
    sys.exit(main(float(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3])))
