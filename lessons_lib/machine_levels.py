"""The levels of the game in which the learner drives the machine, and the choices it knows.

A level shows its items one a step, then a marker, and then nothing more. Answers count after the
marker, one a step at most. So no play is shorter than items + 1 + answers steps: that is par, and
each level's solutions reach it.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import ClassVar, NamedTuple, Self

import torch
from torch import Tensor

SLOTS, WIDTH = 12, 8
LEVELS = ("copy", "repeat copy", "sort")
LETTERS = "ABDEFGHKLMNPRSTUVXZ"  # letters that are hard to mistake for each other
STEPS = {"left": -1, "stay": 0, "right": 1}
GOALS = {
    "copy": "Store the list while it is shown. After the marker, give it back in order.",
    "repeat copy": "Store the list. After the marker, give it back twice.",
    "sort": "Each item has a priority from 1 to 4. After the marker, give the items back, "
    "the highest priority first.",
}


@dataclass(frozen=True)
class Choice:
    """What one head does in a step.

    Attributes:
        origin: where it starts from: "here", or the key of a jump by content: "start" (the start
            mark), "input", "last" (what was read last), or a priority such as "3".
        step: then one slot to the left (−1), none (0), or one to the right (+1).
        act: whether the write head writes the input, or the read head gives out what it reads.
    """

    origin: str = "here"
    step: int = 0
    act: bool = False

    @classmethod
    def of(cls, words: str | Self, level: Level) -> Self:
        """Understand words such as "start right out", in any order.

        Raises:
            ValueError: a word that is no choice in this level.
        """
        if isinstance(words, Choice):
            return words
        origin, step, act = "here", 0, False
        for word in words.lower().replace(",", " ").split():
            if word in STEPS:
                step = STEPS[word]
            elif word in level.origins:
                origin = word
            elif word in ("write", "out", "nothing"):
                act = word != "nothing"
            else:
                known = ", ".join([*level.origins, *STEPS, "write", "out", "nothing"])
                raise ValueError(f"expected words among {known}, got {word!r}")
        return cls(origin, step, act)


class Step(NamedTuple):
    """One step of the machine: what both heads do."""

    write: Choice
    read: Choice


@dataclass(frozen=True, eq=False)
class Level:
    """A list to be shown, what is wanted back, and the tape at the start.

    Attributes:
        name: one of ``LEVELS``.
        items: (items, W), 0 or 1.
        names: a letter for each item; with its priority in the sort level.
        wanted: the numbers of the items, in the order of the answer.
        priorities: of each item, in the sort level; else empty.
        start: the slot on which both heads begin.
    """

    name: str
    items: Tensor
    names: tuple[str, ...]
    wanted: tuple[int, ...]
    priorities: tuple[int, ...] = ()
    start: int = 0

    mark: ClassVar[Tensor] = torch.ones(WIDTH)  # what stands on slot 0 at the start

    @property
    def goal(self) -> str:
        """What to do, in a sentence or two."""
        return GOALS[self.name]

    @property
    def par(self) -> int:
        """Return the fewest steps: one for each item, one for the marker, one for each answer."""
        return len(self.items) + 1 + len(self.wanted)

    @property
    def memory(self) -> Tensor:
        """M at the start, (S, W): empty but for the start mark."""
        start = torch.zeros(SLOTS, WIDTH)
        start[0] = self.mark
        return start

    @property
    def tags(self) -> dict[str, Tensor]:
        """The keys that name a priority alone, (W,) each: one of the last four numbers."""
        chosen = sorted(self.priorities, reverse=True)
        return {str(priority): torch.eye(WIDTH)[3 + priority] for priority in chosen}

    @property
    def origins(self) -> tuple[str, ...]:
        """From where a head may start."""
        return ("here", "start", "input", "last", *self.tags)

    def input(self, step: int) -> Tensor:
        """x, (W + 1,): an item; then the marker, alone in the last channel; then zeros."""
        shown = torch.zeros(WIDTH + 1)
        if step < len(self.items):
            shown[:WIDTH] = self.items[step]
        shown[WIDTH] = float(step == len(self.items))
        return shown

    @property
    def solutions(self) -> dict[str, list[Step]]:
        """Ways to play at par without a wrong bit, by name."""
        rest, on = Choice(), Choice(step=1, act=True)
        store = [Step(on, rest) for _ in self.items]
        wait = [Step(rest, rest)]
        once = [Step(rest, on) for _ in self.items]
        if self.name == "copy":
            return {"step by step": store + wait + once}
        if self.name == "repeat copy":
            again = [Step(rest, Choice("start", 1, True)), *once[1:]]
            return {"back by content": store + wait + once + again}
        look = [Step(rest, Choice(tag, 0, True)) for tag in self.tags]
        placed = [Step(choice, rest) for choice in self._places()]
        return {
            "look for each priority": store + wait + look,
            "put each in its place": placed + wait + look[:1] + once[1:],
        }

    def _places(self) -> list[Choice]:
        """Put each item beside its neighbour in priority, the highest at the left."""
        made = [Choice("here", 1, True)]
        for number, priority in enumerate(self.priorities[1:], start=1):
            higher = priority + 1 in self.priorities[:number]
            beside = str(priority + 1 if higher else priority - 1)
            made.append(Choice(beside, 1 if higher else -1, True))
        return made

    def __repr__(self) -> str:
        """Name the level and its list."""
        return f"Level({self.name!r}, {' '.join(self.names)})"


def make_level(name: str, seed: int = 0) -> Level:
    """Make a level; the same list for the same seed.

    Raises:
        ValueError: an unknown name, or a seed that is no whole number of at least 0.
    """
    if name not in LEVELS:
        raise ValueError(f"expected a level among {', '.join(LEVELS)}, got {name!r}")
    if isinstance(seed, bool) or not isinstance(seed, int) or seed < 0:
        raise ValueError(f"expected seed as a whole number of at least 0, got {seed!r}")
    generator = torch.Generator().manual_seed(1000 * LEVELS.index(name) + seed)
    if name == "sort":
        return _sort_level(generator)
    count = 5 if name == "copy" else 4
    items = _patterns(count, WIDTH, 4, 4, generator)
    order = tuple(range(count)) * (1 if name == "copy" else 2)
    return Level(name, items, _letters(count, generator), order)


def _sort_level(generator: torch.Generator) -> Level:
    """Make four items whose priority grows a range: each new one is next to those before.

    So the list can be sorted while it is stored, one slot to the left or right of a neighbour.
    """
    priorities = [2 + int(torch.randint(2, (), generator=generator))]
    while len(priorities) < 4:
        up = bool(torch.randint(2, (), generator=generator))
        low, high = min(priorities), max(priorities)
        priorities.append(high + 1 if low == 1 or (up and high < 4) else low - 1)
    patterns = _patterns(4, 4, 2, 2, generator)
    tags = torch.eye(4)[torch.tensor(priorities) - 1]
    letters = _letters(4, generator)
    names = tuple(f"{letter}{tag}" for letter, tag in zip(letters, priorities, strict=True))
    order = sorted(range(4), key=lambda item: -priorities[item])
    items = torch.cat([patterns, tags], dim=1)
    return Level("sort", items, names, tuple(order), tuple(priorities), start=4)


def _letters(count: int, generator: torch.Generator) -> tuple[str, ...]:
    drawn = torch.randperm(len(LETTERS), generator=generator)[:count]
    return tuple(LETTERS[index] for index in drawn.tolist())


def _patterns(count: int, width: int, ones: int, apart: int, generator: torch.Generator) -> Tensor:
    """Draw patterns with so many ones, any two of which differ in at least ``apart`` places."""
    every = torch.zeros(0, width)
    for places in combinations(range(width), ones):
        every = torch.cat([every, torch.eye(width)[list(places)].sum(0, keepdim=True)])
    chosen: list[Tensor] = []
    for pattern in every[torch.randperm(len(every), generator=generator)]:
        if all((pattern != other).sum() >= apart for other in chosen):
            chosen.append(pattern)
        if len(chosen) == count:
            return torch.stack(chosen)
    raise ValueError(f"expected room for {count} patterns, found {len(chosen)}")
