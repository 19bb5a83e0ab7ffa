"""What the tape stepper sends: a sequence's numbers, each once, the memory folded."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from lessons_lib import figures
from lessons_lib.origins import START, Origins
from lessons_lib.trace import HeadTrace, Trace
from lessons_lib.widgets import updates
from lessons_lib.widgets.base import as_tensor, pick_sequence

RECURRENT = {  # what a machine without memory is drawn by, in the order of its equations
    "forget_gate": "f forget gate",
    "input_gate": "i input gate",
    "reset_gate": "r reset gate",
    "update_gate": "z update gate",
    "candidate": "c̃ candidate",
    "cell": "c cell",
    "output_gate": "o output gate",
    "hidden": "h hidden",
}
CONTROLLER = ("forget_gate", "input_gate", "reset_gate", "update_gate", "output_gate")
OF_HEADS = ("weights", "key_strength", "gate", "shift", "sharpening")
OF_MEMORY = ("erase_vector", "add_vector", "add_gate", "reads")
SLOT_AXIS = {"write.weights": 2, "read.weights": 2, "origin.slot_step": 1, "origin.slot_share": 1}
Labels = Sequence[str] | Tensor | None


def numbers_of(trace: Trace, slots: list[int], found: Origins | None) -> dict[str, Tensor]:
    """Return what is drawn of one sequence, without the batch axis: (T, …) each.

    Args:
        trace: a record with B = 1.
        slots: those drawn, in order; none for a machine without memory.
        found: where reads and slots come from, or None.
    """
    numbers = {"inputs": pick_sequence(trace.inputs, 0)}
    if trace.outputs is not None:
        numbers["outputs"] = pick_sequence(trace.outputs, 0)
    names = list(RECURRENT)
    if trace.memory_after is not None:
        names = [*OF_MEMORY, *CONTROLLER]
        numbers |= _of_head("write", trace.write) | _of_head("read", trace.read)
    for name in names:
        if getattr(trace, name) is not None:
            numbers[name] = pick_sequence(getattr(trace, name), 0)
    if trace.add_gate is not None:
        numbers["added"] = numbers["add_gate"].unsqueeze(-1) * numbers["add_vector"]
    if found is not None:
        numbers |= _of_origins(found)
    keep = torch.tensor(slots, dtype=torch.long)
    for name in SLOT_AXIS.keys() & numbers.keys():
        numbers[name] = numbers[name].cpu().index_select(SLOT_AXIS[name], keep)
    return numbers | _of_memory(trace, numbers, keep)


def _of_head(which: str, head: HeadTrace | None) -> dict[str, Tensor]:
    if head is None:
        return {}
    found = {name: pick_sequence(getattr(head, name), 0) for name in OF_HEADS}
    return {f"{which}.{name}": tensor for name, tensor in found.items() if tensor is not None}


def _of_memory(trace: Trace, numbers: dict[str, Tensor], slots: Tensor) -> dict[str, Tensor]:
    """Fold the memory where the trace records its writes; else send before and after whole."""
    if trace.memory_after is None:
        return {}
    pictures = updates.memory_pictures(trace)
    if pictures is None:
        both = {"memory_before": trace.memory_before, "memory_after": trace.memory_after}
        return {name: both[name][:, 0].cpu().index_select(1, slots) for name in both}
    added = numbers.get("added", numbers["add_vector"])
    folded = updates.fold(
        pictures.cpu().index_select(2, slots),
        numbers["write.weights"],
        numbers["erase_vector"],
        added,
    )
    return {f"memory.{name}": tensor for name, tensor in folded.items()}


def _of_origins(found: Origins) -> dict[str, Tensor]:
    """Return the three largest sources of each read, and the largest of each slot, for the page.

    The first of the reads is all heads together, where there are several.
    """
    steps = len(found.together)
    reads = found.reads
    if reads.shape[1] > 1:
        reads = torch.cat([found.together.unsqueeze(1), reads], dim=1)
    best = reads.nan_to_num(nan=-1.0).topk(min(3, steps + 1), dim=-1)
    return {
        "origin.read_step": best.indices.where(best.indices < steps, START),
        "origin.read_share": best.values,
        "origin.slot_step": found.slot_step,
        "origin.slot_share": found.slot_share,
    }


def choose_slots(trace: Trace, wanted: str | Sequence[int] | None) -> tuple[list[int], str]:
    """Return the slots to draw, in order, and a sentence on those left out."""
    if trace.memory_after is None:
        return [], ""
    count = trace.memory_after.shape[2]
    every = list(range(count))
    if wanted is None:
        chosen = figures.used_slots(trace)
    elif isinstance(wanted, str):
        if wanted != "all":
            raise ValueError(f"expected slots to be all or numbers, got {wanted!r}")
        chosen = every
    else:
        chosen = [int(slot) for slot in wanted]
        if not chosen or not set(chosen) <= set(every):
            raise ValueError(f"expected slots from 0 to {count - 1}, got {chosen}")
    if len(chosen) == count:
        return chosen, ""
    left_out = [slot for slot in every if slot not in set(chosen)]
    most = figures.weights_of_slots(trace)[left_out].max().item()
    words = f"{len(chosen)} of {count} slots are drawn; on the others no weight exceeds {most:.2g}."
    return chosen, words


def replace_symbols(
    numbers: dict[str, Tensor], labels: dict[str, list[str]], name: str, given: Labels, steps: int
) -> None:
    """Put the given labels or numbers in the place of the trace's inputs or outputs."""
    if given is None:
        return
    if len(given) != steps:
        raise ValueError(f"expected {steps} labels or rows as {name}, got {len(given)}")
    if isinstance(given, Tensor):
        numbers[name] = as_tensor(name, given, "steps", "numbers")
    else:
        labels[name] = [str(label) for label in given]
