"""A process that has imported torch and nothing else, and forks: one fresh copy a submission.

Run as `python -I -B warm.py SOCKET`. Importing torch takes two seconds, a fork some milliseconds.
A fork is safe here because this process never runs a submitted line, never reads a submission, a
solution or a hidden test, and has one thread: each copy begins from the same clean state, serves
one submission and is killed, and nothing that one copy does to itself reaches this process or the
next copy. Requests: b"F" with a socket's descriptor forks, b"K" and a number ends that copy.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import os
import signal
import socket
import struct
import sys
from pathlib import Path
from types import ModuleType

NUMBER = struct.Struct(">q")
REQUEST = struct.Struct(">cqddq")  # what, process, seconds a step, seconds in all, bytes of memory
# What answers import. Loaded here, it costs a copy nothing, and it is there even where the other
# user that a copy becomes cannot reach Python's own folder.
LOADED = (
    "bisect", "cmath", "collections", "copy", "dataclasses", "enum", "fractions", "functools",
    "heapq", "itertools", "json", "math", "numpy", "operator", "random", "re", "statistics",
    "string", "time", "typing", "warnings", "torch", "torch.autograd.functional",
    "torch.distributions", "torch.func", "torch.nn.functional", "tqdm", "matplotlib.pyplot",
)  # fmt: skip


def main(descriptor: int) -> None:
    """Serve requests until the grader closes its end."""
    harness, sandbox = prepare()
    control = socket.socket(fileno=descriptor)
    control.sendall(NUMBER.pack(os.getpid()))
    while True:
        request, descriptors, _, _ = socket.recv_fds(control, REQUEST.size, 1)
        if len(request) < REQUEST.size:
            return
        what, process, step, total, memory = REQUEST.unpack(request)
        if what == b"K":
            control.sendall(NUMBER.pack(end(process)))
            continue
        limits = sandbox.Limits(step, total, memory)
        child = os.fork()
        if child == 0:
            control.close()
            serve(harness, socket.socket(fileno=descriptors[0]), limits)
        os.close(descriptors[0])
        control.sendall(NUMBER.pack(child))


def prepare() -> tuple[ModuleType, ModuleType]:
    """Load all that a copy needs; return what runs the answers, and what confines them."""
    here = Path(__file__).resolve().parent
    sys.path.insert(0, str(here))
    import harness
    import sandbox

    load()
    os.environ.pop("MPLCONFIGDIR", None)
    os.environ["HOME"] = "/nonexistent"
    sys.path[:] = [place for place in sys.path if Path(place) not in (here, *here.parents)]
    gc.freeze()  # objects that are never touched stay shared between the copies
    return harness, sandbox


def load() -> None:
    """Import what answers import, and what torch itself would import late."""
    for name in LOADED:
        with contextlib.suppress(ImportError):
            importlib.import_module(name)
    import torch

    torch.set_num_threads(1)
    torch.optim.Adam([torch.zeros(1, requires_grad=True)])


def serve(harness: ModuleType, connection, limits) -> None:
    """Be the copy: do one job and vanish."""
    try:
        harness.run(connection, limits)
    finally:
        os._exit(0)


def end(process: int) -> int:
    """Kill a copy and all it started; return how it had ended (as `os.waitpid` tells)."""
    for kill in (os.killpg, os.kill):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            kill(process, signal.SIGKILL)
    _, status = os.waitpid(process, 0)
    return status


if __name__ == "__main__":
    main(int(sys.argv[1]))
