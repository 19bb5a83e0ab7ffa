"""Runs a submission's cells and calls its functions, inside the process that belongs to it.

Everything here happens beside the student's code, so nothing here is trusted: it reports values,
and the grader, elsewhere, judges them. Whoever breaks it changes only what is said of themselves.
"""

from __future__ import annotations

import builtins
import os
import re
import socket
import sys
import traceback
import types
from importlib.abc import MetaPathFinder
from typing import Any

import sandbox
import torch
import wire
from torch import Tensor

MAGIC = re.compile(r"^[ \t]*[%!].*$", re.MULTILINE)
PRIVATE = ("lessons_lib", "course", "tools", "tests")


class NoCourseCode(MetaPathFinder):
    """Refuses to import what belongs to this project."""

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> None:
        """Raise for the project's own packages; leave all others to Python."""
        if name.partition(".")[0] in PRIVATE:
            raise ImportError(f"{name} cannot be used in a graded answer: write it yourself")


def run(connection: socket.socket, limits: sandbox.Limits) -> None:
    """Read one job from the connection, do it, and report each step."""
    job = receive(connection)
    quiet()
    held = sandbox.confine(limits)
    connection.sendall(wire.pack({"event": "ready", "held": held}))
    sys.meta_path.insert(0, NoCourseCode())
    module = types.ModuleType("__main__")
    module.__builtins__ = builtins
    sys.modules["__main__"] = module
    for cell in job["cells"]:
        report = {"event": "cell", "id": cell["id"], **run_cell(cell, module.__dict__)}
        connection.sendall(wire.pack(report))
    for index, call in enumerate(job["calls"]):
        connection.sendall(message_of_call(index, call, module.__dict__))
    connection.sendall(wire.pack({"event": "done"}))


def receive(connection: socket.socket) -> Any:
    """Read one message."""

    def take(size: int) -> bytes:
        data = bytearray()
        while len(data) < size:
            piece = connection.recv(min(size - len(data), 1 << 20))
            if not piece:
                raise EOFError
            data += piece
        return bytes(data)

    header, body = wire.lengths(take(wire.LENGTHS.size))
    return wire.unpack(take(header), take(body), long_texts=True)


def quiet() -> None:
    """Send what is printed nowhere: a warning or a progress bar costs nothing."""
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nowhere, stream)


def run_cell(cell: dict[str, str], names: dict[str, Any]) -> dict[str, Any]:
    """Run one cell; report what it raised, if anything."""
    where = f"<{cell['id']}>"
    try:
        exec(_compiled(cell["source"], where), names)
    except BaseException as problem:
        return {"error": told(problem, where)}
    return {"error": None}


def message_of_call(index: int, call: dict[str, Any], names: dict[str, Any]) -> bytes:
    """Make one call and return its report; a report that cannot be sent becomes an error."""
    report = {"event": "call", "index": index}
    try:
        return wire.pack({**report, **make_call(call, names)})
    except BaseException as problem:
        return wire.pack({**report, "error": told(problem, "")})


def make_call(call: dict[str, Any], names: dict[str, Any]) -> dict[str, Any]:
    """Call a function of the submission; return its value, the slopes and the arguments after."""
    name = call["function"]
    if not callable(names.get(name)):
        return {"error": {"kind": "missing", "text": f"there is no function {name}", "line": 0}}
    slopes = call["mix"] is not None
    arguments = [_fresh(argument, slopes) for argument in call["arguments"]]
    try:
        value = names[name](*arguments)
        report = {"error": None, "value": value}
        if slopes:
            report["gradients"] = gradients(value, call["mix"], arguments)
    except BaseException as problem:
        return {"error": told(problem, f"<{call['cell']}>")}
    if call["after"]:
        report["after"] = arguments
    return report


def gradients(value: Any, mix: Tensor, arguments: list[Any]) -> list[Tensor | None] | None:
    """Return the slope of Σ mix · value for each floating tensor among the arguments."""
    if not isinstance(value, Tensor) or value.shape != mix.shape or not value.requires_grad:
        return None
    leaves = [leaf for leaf in arguments if isinstance(leaf, Tensor) and leaf.requires_grad]
    total = (value * mix.to(value.dtype)).sum()
    return list(torch.autograd.grad(total, leaves, allow_unused=True))


def told(problem: BaseException, where: str) -> dict[str, Any]:
    """Describe what was raised: its kind, its words, and the line of the cell."""
    lines = [
        frame.lineno
        for frame in traceback.extract_tb(problem.__traceback__)
        if frame.filename == where
    ]
    line = lines[-1] if lines else 0
    if isinstance(problem, SyntaxError):
        line = problem.lineno or 0
    return {"kind": type(problem).__name__, "text": str(problem)[:300], "line": line}


def _compiled(source: str, where: str) -> Any:
    """Compile a cell; where it does not parse, once more without its lines of notebook magic."""
    try:
        return compile(source, where, "exec")
    except SyntaxError:
        if not MAGIC.search(source):
            raise
        return compile(MAGIC.sub("", source), where, "exec")


def _fresh(argument: Any, slopes: bool) -> Any:
    if slopes and isinstance(argument, Tensor) and argument.is_floating_point():
        return argument.clone().requires_grad_()
    return argument
