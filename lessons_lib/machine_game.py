"""Drive a Neural Turing Machine by hand: the rules and the state of a game, with no picture.

The learner takes the controller's place. At each step they choose for the write head and for the
read head *where* to go and *what* to do there. A choice stands for head parameters (k, β, g, s, γ,
and e, a of the write head), and the step is then computed by ``addressing`` and ``memory``, in the
order of the NTM: address on the memory as it was, erase and add, read what is there now.

Shapes: S = 12 slots, W = 8 numbers a slot, T steps. Records have a batch of one, as ``Trace`` has.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from lessons_lib import memory
from lessons_lib.addressing import circular_shift, content_weights, interpolate, sharpen
from lessons_lib.checkpoints import load
from lessons_lib.machine_levels import LEVELS, SLOTS, WIDTH, Choice, Level, Step, make_level
from lessons_lib.trace import HeadTrace, Trace

KEY_STRENGTH = 20.0  # β of a jump; a machine whose raw outputs are clipped to ±20 can emit it
CRISP, SOFT = 20.0, 1.0  # γ of a crisp game, and of a soft one at first; γ = 1 changes nothing
BLUR = 0.05  # with soft shifts, the share of each of the two offsets that were not chosen
MOST_STEPS = 60  # the game then asks for an undo
GIVEN_OUT, KEPT_BACK = 20.0, -10.0  # logits: 20 (r − ½) of a read given out; no bit where kept back


@dataclass(frozen=True)
class Setting:
    """How clean the heads are: whether shifts blur, and γ ≥ 1, which sharpens."""

    soft: bool = False
    sharpening: float = CRISP

    def __post_init__(self) -> None:
        """Refuse a sharpening below 1 (NTM §3.3.2)."""
        if not self.sharpening >= 1:
            raise ValueError(f"expected sharpening of at least 1, got {self.sharpening}")


@dataclass(frozen=True)
class Score:
    """What was reached: steps against par, and wrong bits over the answers given."""

    steps: int
    par: int
    answers: int
    wanted: int
    wrong_bits: int

    @property
    def finished(self) -> bool:
        """Whether every answer has been given."""
        return self.answers == self.wanted

    def __str__(self) -> str:
        """Say it in one line."""
        steps = "1 step" if self.steps == 1 else f"{self.steps} steps"
        said = f"{steps} (par {self.par}), {self.answers} of {self.wanted} answers"
        bits = f", {self.wrong_bits} wrong bits of {self.answers * WIDTH}"
        return said + bits if self.answers else said


@dataclass
class Game:
    """One game: a level, a setting, and the steps made; everything else follows from these.

    Args:
        level: "copy", "repeat copy" or "sort", or a ``Level``.
        seed: which list is shown.
        soft: whether shifts blur: 0.9 for the chosen offset, 0.05 for the other two.
        sharpening: γ ≥ 1; None is 20 for a crisp game and 1 for a soft one.

    Attributes:
        moves: the steps made, as pairs of choices.
        records: what each step computed, one ``Trace`` without the time axis each.

    Raises:
        ValueError: an unknown level, or γ below 1.
    """

    level: Level | str = "copy"
    seed: int = 0
    soft: bool = False
    sharpening: float | None = None
    moves: list[Step] = field(default_factory=list, init=False)
    records: list[Trace] = field(default_factory=list, init=False)

    def __post_init__(self) -> None:
        """Make the level."""
        if not isinstance(self.level, Level):
            self.level = make_level(self.level, self.seed)
        usual = SOFT if self.soft else CRISP
        gamma = usual if self.sharpening is None else float(self.sharpening)
        self.setting = Setting(bool(self.soft), gamma)

    def act(self, write: str | Choice = "stay", read: str | Choice = "stay") -> str:
        """Make one step with both heads, and return in words what happened.

        Args:
            write: e.g. "right write", "stay", "start right", "input", "4 right write".
            read: e.g. "right out", "start right out", "3 out", "last left".

        Raises:
            ValueError: words that are no choice of that head.
        """
        from lessons_lib.machine_words import tell_step  # it describes this module's games

        step = Step(Choice.of(write, self.level), Choice.of(read, self.level))
        if self.score.finished:
            return "The level is done. Undo, restart, or go on to the next one."
        if len(self.moves) == MOST_STEPS:
            return f"{MOST_STEPS} steps are made. Undo some, or restart."
        self.records.append(self.preview(step))
        self.moves.append(step)
        return tell_step(self, len(self.moves) - 1)

    def preview(self, step: Step) -> Trace:
        """Compute what a step would do, without making it."""
        return compute(self, step)

    def undo(self, steps: int = 1) -> None:
        """Take back the last steps, as many as there are."""
        kept = max(0, len(self.moves) - max(0, steps))
        del self.moves[kept:], self.records[kept:]

    def restart(self) -> None:
        """Begin the level again, with the same list."""
        self.undo(len(self.moves))

    def set(self, *, soft: bool | None = None, sharpening: float | None = None) -> None:
        """Change the softness or γ, and compute all steps made so far anew.

        Raises:
            ValueError: γ below 1.
        """
        soft = self.setting.soft if soft is None else soft
        if sharpening is None:
            changed = soft != self.setting.soft
            sharpening = (SOFT if soft else CRISP) if changed else self.setting.sharpening
        self.setting = Setting(bool(soft), float(sharpening))
        made, self.moves, self.records = self.moves, [], []
        for step in made:
            self.records.append(self.preview(step))
            self.moves.append(step)

    def play(self, solution: Sequence[Step]) -> None:
        """Make these steps, one after the other."""
        for step in solution:
            self.act(step.write, step.read)

    @property
    def memory(self) -> Tensor:
        """M, (S, W), as the last step left it."""
        return self.records[-1].memory_after[0] if self.records else self.level.memory

    def weights(self, which: str) -> Tensor:
        """w, (S,), of the head "write" or "read", as the last step left it."""
        if self.records:
            return getattr(self.records[-1], which).weights[0, 0]
        return torch.nn.functional.one_hot(torch.tensor(self.level.start), SLOTS).float()

    @property
    def last_read(self) -> Tensor:
        """r, (W,), of the last step; zeros before the first."""
        return self.records[-1].reads[0, 0] if self.records else torch.zeros(WIDTH)

    def keys(self) -> dict[str, Tensor]:
        """Return the keys that a head may look for now, (W,) each, by the choice's origin."""
        seen = self.level.input(len(self.moves))[:WIDTH]
        own = {"start": self.level.mark, "input": seen, "last": self.last_read}
        return own | self.level.tags

    @property
    def answers(self) -> list[tuple[int, Tensor]]:
        """The step and the read (W,) of each answer: reads given out after the marker."""
        first = len(self.level.items) + 1
        return [
            (t, self.records[t].reads[0, 0])
            for t in range(first, len(self.moves))
            if self.moves[t].read.act
        ]

    def wrong_bits(self, answer: int) -> int:
        """Count the wrong bits of one answer; a number above ½ says 1."""
        wanted = self.level.items[self.level.wanted[answer]]
        return int(((self.answers[answer][1] > 0.5) != (wanted > 0.5)).sum())

    @property
    def score(self) -> Score:
        """Steps, par, answers and wrong bits so far."""
        given = len(self.answers)
        wrong = sum(self.wrong_bits(answer) for answer in range(given))
        return Score(len(self.moves), self.level.par, given, len(self.level.wanted), wrong)

    @property
    def trace(self) -> Trace:
        """The record of the game, of the kind that every machine of the course gives.

        ``hidden`` has no units, since the controller is whoever plays. ``outputs`` are logits:
        20 (r − ½) where a read was given out, −10 (no bit) elsewhere.

        Raises:
            ValueError: no step has been made.
        """
        if not self.records:
            raise ValueError("expected at least one step before asking for the trace, got none")
        return Trace.stack(self.records)

    def targets(self) -> Tensor:
        """What should have come out at each step made, (T, W); zeros where nothing counts."""
        wanted = torch.zeros(len(self.moves), WIDTH)
        for answer, (t, _) in enumerate(self.answers):
            wanted[t] = self.level.items[self.level.wanted[answer]]
        return wanted

    def __repr__(self) -> str:
        """Name the level and the score; the same text for the same game."""
        return f"Game({self.level.name!r}, {self.score})"


def emit(game: Game, choice: Choice) -> dict[str, Tensor]:
    """Turn where a head should go into what a controller has to emit for it (NTM eqs. 5-9).

    From where it stands: g = 0, and then the key does not matter (zeros, β = 0). By content:
    g = 1, β = 20 and the key. The step along the tape is s, and γ sharpens.

    Returns:
        key (1, 1, W); key_strength, gate, sharpening (1, 1); shift (1, 1, 3).
    """
    looks = choice.origin != "here"
    key = game.keys()[choice.origin] if looks else torch.zeros(WIDTH)
    shift = torch.full((3,), BLUR if game.setting.soft else 0.0)
    shift[choice.step + 1] = 1 - 2 * shift[0]
    return {
        "key": key.expand(1, 1, WIDTH),
        "key_strength": torch.full((1, 1), KEY_STRENGTH if looks else 0.0),
        "gate": torch.full((1, 1), float(looks)),
        "shift": shift.expand(1, 1, 3),
        "sharpening": torch.full((1, 1), game.setting.sharpening),
    }


def address(before: Tensor, previous: Tensor, emitted: dict[str, Tensor]) -> HeadTrace:
    """Run the four stages of one head (NTM eqs. 5-9) and keep each.

    Args:
        before: M_{t−1}, (1, S, W).
        previous: w_{t−1}, (1, 1, S).
        emitted: k, β, g, s and γ, as ``emit`` gives them.
    """
    content = content_weights(before, emitted["key"], emitted["key_strength"])
    interpolated = interpolate(content, previous, emitted["gate"])
    shifted = circular_shift(interpolated, emitted["shift"])
    weights = sharpen(shifted, emitted["sharpening"])
    return HeadTrace(
        **emitted,
        previous=previous,
        content=content,
        interpolated=interpolated,
        shifted=shifted,
        weights=weights,
    )


def compute(game: Game, step: Step) -> Trace:
    """Compute one step of the game from its present state (NTM eqs. 2-9)."""
    before = game.memory[None]  # (1, S, W)
    heads = {
        which: address(before, game.weights(which)[None, None], emit(game, getattr(step, which)))
        for which in ("write", "read")
    }
    inputs = game.level.input(len(game.moves))
    erase_vector = torch.full((1, 1, WIDTH), float(step.write.act))  # e = 1 clears the slot
    add_vector = inputs[:WIDTH] * erase_vector  # a is the input, or nothing
    after = memory.erase(before, heads["write"].weights, erase_vector)
    after = memory.add(after, heads["write"].weights, add_vector)
    reads = memory.read(after, heads["read"].weights)
    said = GIVEN_OUT * (reads[:, 0] - 0.5) if step.read.act else torch.full((1, WIDTH), KEPT_BACK)
    return Trace(
        inputs=inputs[None],
        hidden=torch.zeros(1, 0),
        **heads,
        erase_vector=erase_vector,
        add_vector=add_vector,
        memory_before=before,
        memory_after=after,
        reads=reads,
        outputs=said,
    )


def learned_run(level: Level) -> Trace:
    """Run the shipped machine ``ntm-copy`` on a copy level's list, on a tape of as many slots.

    It gets the same vectors and a marker channel, and no start mark; its slots hold 20 numbers in
    a code of its own. So its paths can be compared with a learner's, its contents cannot.

    Raises:
        ValueError: the level is not copy.
    """
    if level.name != "copy":
        raise ValueError(f"expected the copy level, which ntm-copy has learned, got {level.name}")
    machine = load("ntm-copy")[0].requires_grad_(False).with_slots(SLOTS)
    inputs = torch.stack([level.input(t) for t in range(level.par)])
    return machine(inputs[:, None], trace=True)[-1]


__all__ = [
    "LEVELS",
    "SLOTS",
    "WIDTH",
    "Choice",
    "Game",
    "Level",
    "Score",
    "Setting",
    "Step",
    "learned_run",
    "make_level",
]
