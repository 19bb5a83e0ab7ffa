"""The machine of set 3's last problem: it is steered by a program, not by a controller.

A tape of 16 slots of 8 numbers that wraps, one write head and one read head, addressed in the four
stages of the NTM. The start slot holds a mark, all others hold dirt. Its gears are worn: no offset
of a shift can have less than a tenth.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Generator, Tensor

from course.grading.judges import numbers
from lessons_lib import addressing, memory

SLOTS, WIDTH = 16, 8
WORN = 0.1
HEAD = {
    "key": (WIDTH,), "key_strength": (), "gate": (), "shift": (3,), "sharpening": (),
}  # fmt: skip
RANGES = {
    "key_strength": (0, 50),
    "gate": (0, 1),
    "sharpening": (1, 50),
    "erase": (0, 1),
    "add": (0, 1),
}
ANYWHERE = (-1e6, 1e6)


class RefusedError(ValueError):
    """A program that the machine does not take; the message says why."""


def checked(program: Any, steps: int) -> dict[str, Tensor]:
    """Return the program's tensors in float64. Raises RefusedError."""
    if not isinstance(program, dict):
        raise RefusedError("expected a dict of tensors")
    shapes = {f"{head}_{name}": shape for head in ("write", "read") for name, shape in HEAD.items()}
    shapes |= {"erase": (), "add": ()}
    found = {}
    for name, shape in shapes.items():
        tensor = numbers(program.get(name))
        if tensor is None:
            raise RefusedError(f"expected a tensor {name!r}")
        if tuple(tensor.shape) != (steps, *shape):
            raise RefusedError(
                f"expected {name} of shape {(steps, *shape)}, got {tuple(tensor.shape)}"
            )
        if not bool(tensor.isfinite().all()):
            raise RefusedError(f"{name} holds a NaN or an infinity")
        low, high = RANGES.get(name, RANGES.get(name.partition("_")[2], ANYWHERE))
        if float(tensor.min()) < low or float(tensor.max()) > high:
            raise RefusedError(f"{name} leaves the range from {low} to {high}")
        found[name] = tensor
    for name in ("write_shift", "read_shift"):
        if float(found[name].min()) < WORN - 1e-6:
            raise RefusedError(f"{name} has an offset below {WORN}: the gears are worn")
        if not torch.allclose(found[name].sum(-1), torch.ones(steps, dtype=torch.float64)):
            raise RefusedError(f"{name} does not sum to 1 at every step")
    return found


def run(
    program: Any, items: Tensor, mark: Tensor, dirt: Tensor, start: int
) -> tuple[Tensor, Tensor]:
    """Run a program of 3 · length steps on items (length, 8).

    Returns what is read at each step (steps, 8), and the tape at the end (16, 8).
    """
    length = len(items)
    told = checked(program, 3 * length)
    tape = dirt.clone()
    tape[start] = mark
    tape = tape[None]
    heads = {name: torch.zeros(1, 1, SLOTS, dtype=tape.dtype) for name in ("write", "read")}
    for weights in heads.values():
        weights[..., start] = 1
    reads = []
    for step in range(3 * length):
        for name in heads:
            heads[name] = _address(tape, heads[name], told, name, step)
        shown = items[step] if step < length else torch.zeros(WIDTH, dtype=tape.dtype)
        erased = told["erase"][step].expand(1, 1, WIDTH)
        tape = memory.erase(tape, heads["write"], erased)
        tape = memory.add(tape, heads["write"], (told["add"][step] * shown).expand(1, 1, WIDTH))
        reads.append(memory.read(tape, heads["read"])[0, 0])
    return torch.stack(reads), tape[0]


def surroundings(generator: Generator, length: int) -> tuple[Tensor, Tensor, Tensor, int]:
    """Return items of bits (length, 8), a mark (8,), dirt (16, 8) and a start slot."""
    chosen = torch.randperm(2**WIDTH, generator=generator)[:length]  # no item comes twice
    items = (chosen[:, None] >> torch.arange(WIDTH) & 1).double()
    mark = torch.randn(WIDTH, generator=generator, dtype=torch.float64)
    mark = mark / mark.norm()
    dirt = torch.rand(SLOTS, WIDTH, generator=generator, dtype=torch.float64)
    start = int(torch.randint(0, SLOTS, (1,), generator=generator))
    return items, mark, dirt, start


def _address(tape: Tensor, before: Tensor, told: dict[str, Tensor], head: str, step: int) -> Tensor:
    given = {name: told[f"{head}_{name}"][step] for name in HEAD}
    content = addressing.content_weights(
        tape, given["key"].expand(1, 1, WIDTH), given["key_strength"].expand(1, 1)
    )
    mixed = addressing.interpolate(content, before, given["gate"].expand(1, 1))
    shifted = addressing.circular_shift(mixed, given["shift"].expand(1, 1, 3))
    return addressing.sharpen(shifted, given["sharpening"].expand(1, 1))
