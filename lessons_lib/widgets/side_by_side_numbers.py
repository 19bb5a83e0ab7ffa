"""What ``SideBySide`` runs: every machine over one list, its wrong bits, and what it stored.

The list of n vectors is the beginning of one long list, so a longer list begins as a shorter one,
and a machine's state after n vectors is found from its state after fewer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from lessons_lib import figures, tasks
from lessons_lib.trace import Trace


@dataclass(frozen=True)
class Answer:
    """What a machine answers to a list of n vectors.

    Attributes:
        outputs: o, (n, bits), before the sigmoid.
        wrong: (n, bits), bool: the bit said is not the target's, or is NaN.
    """

    outputs: Tensor
    wrong: Tensor

    @property
    def total(self) -> int:
        """The wrong bits of the whole list."""
        return int(self.wrong.sum())


@dataclass(frozen=True)
class Stored:
    """How a machine used what it can store in, over all T = 2n + 1 steps.

    Attributes:
        kind: "slots" of a memory, or "cell" or "hidden" units.
        values: (T, rows). Slots: the largest write weight of any head, times the add gate f where
            the machine has one. Units: their values.
        rows: the number of each row's slot or unit.
    """

    kind: str
    values: Tensor
    rows: tuple[int, ...]


class Race:
    """Machines that copy the same lists.

    Args:
        machines: by name; all read bits + 1 channels and say as many bits.
        longest: the longest list.
        seed: of the held-out lists, which training never meets.

    Attributes:
        task: the copy task of as many bits as the machines say.
        counts: (list, length) to each machine's wrong bits, of all answers that were asked for.

    Raises:
        ValueError: no machine, machines of unlike sizes, or longest below 1.
    """

    def __init__(self, machines: Mapping[str, nn.Module], longest: int, seed: int) -> None:
        self.machines = {str(name): machine for name, machine in machines.items()}
        self.task = tasks.Copy(bits=_common_bits(self.machines))
        if longest < 1:
            raise ValueError(f"expected longest of at least 1, got {longest}")
        self.longest, self.seed = longest, seed
        self.counts: dict[tuple[int, int], dict[str, int]] = {}
        self._drawn = -1
        self._draw(0)

    def _draw(self, number: int) -> None:
        """Make a long list, where it is another than the last; forget what was kept of that."""
        if number == self._drawn:
            return
        generator = tasks.stream(self.seed, "evaluate", number)
        self._long = self.task.batch(1, generator, length=self.longest)
        self._drawn = number
        self._states: dict[str, dict[int, object]] = {name: {0: None} for name in self.machines}
        self._answers: dict[int, dict[str, Answer]] = {}
        self._stored: dict[int, dict[str, Stored]] = {}

    def batch(self, number: int, length: int) -> tasks.Batch:
        """Return the first ``length`` vectors of a list as a batch of one: T = 2·length + 1."""
        self._draw(number)
        long, end = self._long, self.longest
        silence = torch.zeros_like(long.inputs[:length])
        inputs = torch.cat([long.inputs[:length], long.inputs[end : end + 1], silence])
        targets = torch.zeros_like(inputs[..., :-1])
        targets[length + 1 :] = long.targets[end + 1 : end + 1 + length]
        mask = torch.zeros(inputs.shape[:2], dtype=torch.bool)
        mask[length + 1 :] = True
        return tasks.Batch(inputs, targets, mask)

    def answers(self, number: int, length: int) -> dict[str, Answer]:
        """Return what each machine answers, and count it; found once, without gradients."""
        found = self._find(number, length)
        self.counts[number, length] = {name: got.total for name, got in found.items()}
        return found

    def prepare(self, number: int, length: int) -> None:
        """Find the answers to a vector less and a vector more, while nobody waits for them."""
        for beside in (length - 1, length + 1):
            if 1 <= beside <= self.longest:
                self._find(number, beside)

    def _find(self, number: int, length: int) -> dict[str, Answer]:
        batch = self.batch(number, length)
        if length not in self._answers:
            targets = batch.targets[length + 1 :, 0] > 0.5
            found = {}
            for name in self.machines:
                outputs = self._answer(name, batch, length)
                found[name] = Answer(outputs, ((outputs > 0) != targets) | outputs.isnan())
            self._answers[length] = found
        return self._answers[length]

    def _answer(self, name: str, batch: tasks.Batch, length: int) -> Tensor:
        """Go on from the longest beginning that this machine has heard; returns o, (n, bits)."""
        machine, known = self.machines[name], self._states[name]
        inputs = _fitting(machine, batch.inputs)
        heard = max(count for count in known if count <= length)
        with torch.no_grad():
            if heard < length:
                known[length] = machine(inputs[heard:length], known[heard])[1]
            return machine(inputs[length:], known[length])[0][1:, 0].float().cpu()

    def has_stored(self, number: int, length: int) -> bool:
        """Say whether ``stored`` has been found already."""
        return number == self._drawn and length in self._stored

    def stored(self, number: int, length: int) -> dict[str, Stored]:
        """Return how each machine used its memory; needs a trace, so it takes longer."""
        batch = self.batch(number, length)
        if length not in self._stored:
            with torch.no_grad():
                found = {
                    name: stored_in(machine(_fitting(machine, batch.inputs), trace=True)[-1])
                    for name, machine in self.machines.items()
                }
            self._stored = {length: found}  # of the last length alone: they are large
        return self._stored[length]

    def visited(self) -> tuple[list[int], list[int], dict[str, list[float]]]:
        """Return the lengths asked so far, of how many lists, and each machine's share wrong."""
        by_length: dict[int, list[dict[str, int]]] = {}
        for (_, length), counts in sorted(self.counts.items()):
            by_length.setdefault(length, []).append(counts)
        lengths = sorted(by_length)
        shares = {
            name: [
                sum(counts[name] for counts in by_length[length])
                / (len(by_length[length]) * length * self.task.bits)
                for length in lengths
            ]
            for name in self.machines
        }
        return lengths, [len(by_length[length]) for length in lengths], shares


def stored_in(trace: Trace) -> Stored:
    """Return what a run stored where: writes on the used slots, else the units."""
    if trace.memory_after is None:
        kind = "hidden" if trace.cell is None else "cell"
        values = getattr(trace, kind)[:, 0]
        return Stored(kind, values.float().cpu(), tuple(range(values.shape[-1])))
    weights = trace.write.weights[:, 0]  # (T, H, S)
    if trace.add_gate is not None:
        weights = trace.add_gate[:, 0].unsqueeze(-1) * weights
    slots = figures.used_slots(trace)
    return Stored("slots", weights.amax(1)[:, slots].float().cpu(), tuple(slots))


def page_numbers(
    batch: tasks.Batch, answers: Sequence[Answer], stored: Sequence[Stored]
) -> dict[str, Tensor]:
    """Name every number of one list: those of the machine at place 0 begin with "0."."""
    first = batch.mask[:, 0].tolist().index(True)
    numbers = {"inputs": batch.inputs[:, 0], "targets": batch.targets[first:, 0]}
    for place, answer in enumerate(answers):
        by_step = answer.wrong.sum(-1)
        numbers |= {
            f"{place}.probability": answer.outputs.sigmoid(),
            f"{place}.wrong": answer.wrong,
            f"{place}.by_step": by_step,
            f"{place}.so_far": by_step.cumsum(0),
        }
    return numbers | {f"{place}.stored": one.values for place, one in enumerate(stored)}


def _common_bits(machines: Mapping[str, nn.Module]) -> int:
    if not machines:
        raise ValueError("expected at least one machine, got none")
    sizes = {
        name: (_size(one, "input_size"), _size(one, "output_size"))
        for name, one in machines.items()
    }
    bits = next(iter(sizes.values()))[1]
    for name, (read, said) in sizes.items():
        if (read, said) != (bits + 1, bits):
            raise ValueError(
                f"expected {name} to read {bits + 1} channels and say {bits} bits, "
                f"got {read} and {said}"
            )
    return bits


def _size(machine: nn.Module, name: str) -> int:
    if not isinstance(getattr(machine, name, None), int):
        raise ValueError(f"expected a machine with {name}, got a {type(machine).__name__}")
    return getattr(machine, name)


def _fitting(machine: nn.Module, inputs: Tensor) -> Tensor:
    like = next(machine.parameters())
    return inputs.to(like.device, like.dtype)
