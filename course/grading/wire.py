"""How values cross between the grader and the process that runs a student's code.

A message is a JSON header and the raw bytes of its tensors, each with its length in front. Reading
one builds numbers, strings, lists, dicts and tensors, and never runs anything: no pickle. Whoever
sends it may be hostile, so every length is checked against a limit before it is believed.
"""

from __future__ import annotations

import json
import math
import struct
from typing import Any

import numpy
import torch
from torch import Tensor

LENGTHS = struct.Struct(">IQ")  # bytes of the header, bytes of the body
MOST_HEADER = 2_000_000
MOST_BODY = 32_000_000
MOST_DEPTH = 12
MOST_TEXT = 2_000
MOST_INTEGER = 2**63
DTYPES = {
    str(dtype).removeprefix("torch."): dtype
    for dtype in (
        torch.float64, torch.float32, torch.float16, torch.bfloat16, torch.int64, torch.int32,
        torch.int16, torch.int8, torch.uint8, torch.bool,
    )
}  # fmt: skip


class WireError(ValueError):
    """A message that is too long or no message at all."""


class Other:
    """Stands for a value of a kind that does not cross, such as a function or a generator."""

    def __init__(self, kind: str) -> None:
        self.kind = kind

    def __repr__(self) -> str:
        """Name the kind."""
        return f"a {self.kind}"


class Array:
    """Stands for a numpy array that was given where a tensor may have been asked for."""

    def __init__(self, tensor: Tensor) -> None:
        self.tensor = tensor

    def __repr__(self) -> str:
        """Say what it is."""
        return f"a numpy array of shape {tuple(self.tensor.shape)}"


def pack(value: Any, long_texts: bool = False) -> bytes:
    """Return a message that holds `value`. Raises WireError where it is too large.

    A text is cut to `MOST_TEXT`, but not in what the grader sends, a submission's cells: there
    `long_texts` puts it among the raw bytes.
    """
    body: list[bytes] = []
    header = json.dumps(_describe(value, body, MOST_DEPTH, long_texts)).encode()
    size = sum(map(len, body))
    if len(header) > MOST_HEADER or size > MOST_BODY:
        raise WireError("more was returned than the grader takes")
    return b"".join((LENGTHS.pack(len(header), size), header, *body))


def unpack(header: bytes, body: bytes, long_texts: bool = False) -> Any:
    """Return the value of a message. Raises WireError for anything that is not one."""
    try:
        return _build(json.loads(header), memoryview(body), MOST_DEPTH, long_texts)
    except WireError:
        raise
    except Exception as problem:  # whatever it is, it is no message
        raise WireError("the answer's process sent something that is no message") from problem


def lengths(start: bytes) -> tuple[int, int]:
    """Return the lengths of header and body that a message announces, within the limits."""
    header, body = LENGTHS.unpack(start)
    if header > MOST_HEADER or body > MOST_BODY:
        raise WireError("more was returned than the grader takes")
    return header, body


def _describe(value: Any, body: list[bytes], depth: int, long_texts: bool) -> Any:
    if depth == 0:
        return ["other", "nesting of lists that is too deep"]
    if isinstance(value, int) and abs(value) > MOST_INTEGER:
        return ["other", "whole number beyond 2^63"]
    if value is None or isinstance(value, bool | int | float):
        return ["plain", value]
    if isinstance(value, str) and long_texts and len(value) > MOST_TEXT:
        start = sum(map(len, body))
        body.append(value.encode(errors="replace"))
        return ["text", start, len(body[-1])]
    if isinstance(value, str):
        return ["plain", value[:MOST_TEXT]]
    if isinstance(value, Tensor):
        return ["tensor", *_raw(value, body)]
    if isinstance(value, numpy.generic) and value.dtype.kind in "bif":
        return ["plain", value.item()]
    if isinstance(value, numpy.ndarray) and value.dtype.kind in "bif":
        return ["array", *_raw(torch.from_numpy(numpy.ascontiguousarray(value)), body)]
    if isinstance(value, list | tuple):
        kind = "list" if isinstance(value, list) else "tuple"
        return [kind, [_describe(item, body, depth - 1, long_texts) for item in value]]
    if isinstance(value, dict) and all(isinstance(key, str) for key in value):
        items = value.items()
        return ["dict", {key: _describe(item, body, depth - 1, long_texts) for key, item in items}]
    return ["other", type(value).__name__[:60]]


def _raw(tensor: Tensor, body: list[bytes]) -> list[Any]:
    if tensor.numel() * tensor.element_size() > MOST_BODY:
        raise WireError("more was returned than the grader takes")
    name = str(tensor.dtype).removeprefix("torch.")
    if name not in DTYPES:
        tensor, name = tensor.to(torch.float64), "float64"
    shape = list(tensor.shape)
    flat = tensor.detach().cpu().contiguous().reshape(-1)
    body.append(flat.view(torch.uint8).numpy().tobytes())
    return [name, shape, sum(map(len, body[:-1]))]


def _build(told: Any, body: memoryview, depth: int, long_texts: bool) -> Any:
    kind, *rest = told
    if depth < 0:
        raise WireError("the answer's process sent lists nested too deep")
    if kind == "plain" and (rest[0] is None or isinstance(rest[0], bool | int | float | str)):
        return rest[0]
    if kind in ("list", "tuple"):
        items = [_build(item, body, depth - 1, long_texts) for item in rest[0]]
        return items if kind == "list" else tuple(items)
    if kind == "dict":
        items = rest[0].items()
        return {str(key): _build(item, body, depth - 1, long_texts) for key, item in items}
    if kind == "text" and long_texts:
        return bytes(body[rest[0] : rest[0] + rest[1]]).decode()
    if kind == "tensor":
        return _tensor(*rest, body)
    if kind == "array":
        return Array(_tensor(*rest, body))
    if kind == "other":
        return Other(str(rest[0])[:60])
    raise WireError(f"the answer's process sent an unknown kind of value, {str(kind)[:20]!r}")


def _tensor(name: str, shape: list[int], start: int, body: memoryview) -> Tensor:
    dtype = DTYPES[name]
    if len(shape) > 8 or not all(type(size) is int and size >= 0 for size in (*shape, start)):
        raise WireError("the answer's process sent a tensor of an impossible shape")
    size = math.prod(shape) * dtype.itemsize
    raw = body[start : start + size]
    if len(raw) != size:
        raise WireError("the answer's process sent a tensor without all its numbers")
    if size == 0:
        return torch.empty(shape, dtype=dtype)
    return torch.frombuffer(bytearray(raw), dtype=dtype).reshape(shape)
