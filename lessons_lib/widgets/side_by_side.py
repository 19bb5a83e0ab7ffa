"""Side by side: one list through several machines in step, and the errors of every length."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from functools import cache

import torch
import traitlets
from matplotlib.figure import Figure
from torch import Tensor, nn

from lessons_lib import checkpoints, tasks
from lessons_lib.widgets.base import Picture, script, style
from lessons_lib.widgets.side_by_side_numbers import Race, page_numbers
from lessons_lib.widgets.side_by_side_still import draw_race
from lessons_lib.widgets.still import WithStill

LONGEST = 120
Measures = Mapping[str, Iterable[tuple[int, float]]]


class SideBySide(WithStill, Picture):
    """Copy machines over the same list, step by step, and how many bits are wrong at each length.

    Stepping sends nothing to the kernel that it has to answer. Another length or another list is
    run there, without gradients; the write paths need a trace and follow when the slider rests.

    Keys: left and right arrow one step, page keys ten, home and end, space plays; − and + a vector
    less or more, N another list (these two need a kernel).

    Args:
        machines: by name: models that read bits + 1 channels and say as many bits, or what
            ``checkpoints.load`` returns.
        length: how many vectors the list has at first.
        recorded: for names of machines, pairs (length, wrong bits a list) that were measured on
            held-out lists. None takes those of ``data/results.json`` for machines that bear the
            name of a shipped checkpoint.
        trained: the shortest and the longest list of the training; drawn, not used.
        longest: the end of the slider.
        seed: of the held-out lists.
        title: a line above.

    Attributes:
        length, sequence, step: the vectors of the list, which list, and the step shown; to read
            and to set. A number beyond the end is the last.
        race: runs the machines and keeps what they said (``side_by_side_numbers.Race``).
        wrong: each machine's wrong bits of the list shown.

    Raises:
        ValueError: no machine, machines of unlike sizes, a length that is not 1 to ``longest``, a
            measure of a machine that is not there.
    """

    _esm = script("side.js")
    _css = style()
    length = traitlets.Int(1).tag(sync=True)
    sequence = traitlets.Int(0).tag(sync=True)
    step = traitlets.Int(0).tag(sync=True)
    steps = traitlets.Int(3).tag(sync=True)
    view = traitlets.Dict().tag(sync=True)
    title = traitlets.Unicode("").tag(sync=True)

    def __init__(
        self,
        machines: Mapping[str, nn.Module | Sequence],
        length: int = 20,
        *,
        recorded: Measures | None = None,
        trained: tuple[int, int] = (1, 20),
        longest: int = LONGEST,
        seed: int = 0,
        title: str = "",
    ) -> None:
        """Run the first list, its write paths too."""
        self.race = Race({name: _model(given) for name, given in machines.items()}, longest, seed)
        if not 1 <= length <= longest:
            raise ValueError(f"expected a length from 1 to {longest}, got {length}")
        measures = measured_lengths(self.race.machines) if recorded is None else recorded
        self.recorded = _checked(measures, list(self.race.machines))
        self.trained = trained
        self._count, self._shown = 0, None
        super().__init__(length=length, title=title)
        self.on_msg(self._heard)
        self.race.stored(0, length)
        self._show()

    @traitlets.validate("length")
    def _check_length(self, proposal: dict) -> int:
        return min(max(proposal["value"], 1), self.race.longest)

    @traitlets.validate("sequence")
    def _check_sequence(self, proposal: dict) -> int:
        return max(proposal["value"], 0)

    @traitlets.validate("step")
    def _check_step(self, proposal: dict) -> int:
        return min(max(proposal["value"], 0), self.steps - 1)

    @traitlets.observe("length", "sequence")
    def _moved(self, _change: dict) -> None:
        if self._count and self._shown != (self.sequence, self.length):
            self._show()

    def _heard(self, _widget: object, content: object, _buffers: object) -> None:
        """Answer the page that asks, at rest, for the write paths of the list it shows."""
        asked = isinstance(content, dict) and content.get("kind") == "paths"
        if asked and content.get("count") == self._count:
            self.race.stored(self.sequence, self.length)
            self._show(whole=False)
            self.race.prepare(self.sequence, self.length)

    @property
    def batch(self) -> tasks.Batch:
        """The list shown, as the copy task lays it out."""
        return self.race.batch(self.sequence, self.length)

    @property
    def wrong(self) -> dict[str, int]:
        """Each machine's wrong bits of the list shown."""
        found = self.race.answers(self.sequence, self.length)
        return {name: answer.total for name, answer in found.items()}

    def still(self) -> Figure:
        """Return the list shown and the errors by length, for print."""
        shown = (self.sequence, self.length)
        answers, stored = self.race.answers(*shown), self.race.stored(*shown)
        curves = (self.recorded, self.race.visited(), self.race.task.bits)
        return draw_race(self.batch, answers, stored, *curves)

    def _show(self, *, whole: bool = True) -> None:
        """Send the list, the answers and the errors so far, in one message.

        A list is shown whole at first; when only its write paths come, the step stays the page's.
        """
        shown = (self.sequence, self.length)
        answers = self.race.answers(*shown)
        stored = self.race.stored(*shown) if self.race.has_stored(*shown) else {}
        numbers = page_numbers(self.batch, list(answers.values()), list(stored.values()))
        self._count += 1
        self._shown = shown
        with self.hold_sync():
            self.put(numbers | self._errors())
            self.steps = 2 * self.length + 1
            if whole:
                self.step = self.steps - 1
            self.problems = _problems({name: got.outputs for name, got in answers.items()})
            self.view = {
                "count": self._count,
                "length": self.length,
                "sequence": self.sequence,
                "longest": self.race.longest,
                "bits": self.race.task.bits,
                "trained": list(self.trained),
                "machines": [
                    {"name": name, "kind": type(machine).__name__, "wrong": answers[name].total}
                    | (
                        {"stored": stored[name].kind, "rows": list(stored[name].rows)}
                        if stored
                        else {}
                    )
                    for name, machine in self.race.machines.items()
                ],
            }

    def _errors(self) -> dict[str, Tensor]:
        """Return the shares of wrong bits by length: of the lists asked, and as recorded."""
        lengths, lists, shares = self.race.visited()
        numbers = {"visited.lengths": torch.tensor(lengths), "visited.lists": torch.tensor(lists)}
        for place, name in enumerate(self.race.machines):
            numbers[f"{place}.visited"] = torch.tensor(shares[name])
            if self.recorded.get(name):
                points = torch.tensor(self.recorded[name], dtype=torch.double)
                bits = points[:, 0] * self.race.task.bits
                numbers[f"{place}.recorded"] = torch.stack([points[:, 0], points[:, 1] / bits], 1)
        return numbers

    def __repr__(self) -> str:
        """Name the machines and the length; the same text at every run."""
        vectors = f"{self.length} vector{'s' if self.length > 1 else ''}"
        return f"SideBySide({', '.join(self.race.machines)}; {vectors})"


def measured_lengths(names: Iterable[str]) -> dict[str, list[tuple[int, float]]]:
    """Return the copy measures of ``data/results.json``: (length, wrong bits a list) by name."""
    found: dict[str, list[tuple[int, float]]] = {}
    for entry in _results():
        if entry.get("task") == "copy" and entry.get("checkpoint") in set(names):
            point = (entry["length"], entry["wrong_bits_per_sequence"])
            found.setdefault(entry["checkpoint"], []).append(point)
    return found


@cache
def _results() -> list[dict]:
    path = checkpoints.DATA / "results.json"
    return json.loads(path.read_text(encoding="utf-8"))["entries"] if path.exists() else []


def _model(given: nn.Module | Sequence) -> nn.Module:
    return given[0] if isinstance(given, (tuple, list)) and given else given


def _checked(measures: Measures, names: list[str]) -> dict[str, list[tuple[int, float]]]:
    found = {}
    for name, points in measures.items():
        if name not in names:
            raise ValueError(f"expected measures of {', '.join(names)}, got some of {name!r}")
        found[name] = sorted((int(length), float(bits)) for length, bits in points)
        if found[name] and found[name][0][0] < 1:
            raise ValueError(f"expected lengths of at least 1, got {found[name][0][0]} of {name!r}")
    return found


def _problems(outputs: Mapping[str, Tensor]) -> list[str]:
    """Say which machine's answer is no number, and from which vector on."""
    found = []
    for name, said in outputs.items():
        bad = (~said.isfinite()).any(-1).nonzero().flatten().tolist()
        if bad:
            found.append(f"{name}: outputs are not finite from vector {bad[0]} of the answer on")
    return found
