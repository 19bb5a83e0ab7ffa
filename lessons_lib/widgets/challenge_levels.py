"""The playground's challenge: levels, what a move does, and a search for the fewest moves.

A state is a head's four settings, each on one of a few notches, and w_{t−1}. A move puts one
setting on any of its notches, or does a step: the result w becomes w_{t−1}. A level is won where
every slot of w is within ``NEAR`` of the target.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache

import torch
from torch import Tensor

from lessons_lib.addressing import circular_shift, content_weights, interpolate, sharpen

NEAR = 0.02
STEP = ("step", 0)
NOTCHES: dict[str, tuple] = {  # β, g, s, γ
    "key_strength": (0.0, 2.0, 5.0, 12.0, 50.0),
    "gate": (0.0, 0.25, 0.5, 0.75, 1.0),
    "shift": ((1, 0, 0), (0.5, 0.5, 0), (0, 1, 0), (0.25, 0.5, 0.25), (0, 0.5, 0.5), (0, 0, 1)),
    "sharpening": (1.0, 2.0, 5.0, 20.0),
}
SHIFTS = ("one back", "half back", "stay", "blur", "half on", "one on")
CONTROLS = tuple(NOTCHES)
MEMORY = (
    *((1, 0, 0), (0, 1, 0), (0, 0, 1), (1, 1, 0)),
    *((0, 1, 1), (-1, 0, 1), (1, 0, 1), (0, -1, 1)),
)
AT_REST = (0, 0, 2, 0)  # β = 0, g = 0, stay, γ = 1
Move = tuple[str, int]


@dataclass(frozen=True)
class State:
    """Where a game stands: the notch of each control, and w_{t−1}, (S,)."""

    notches: tuple[int, int, int, int]
    previous: tuple[float, ...]


@dataclass(frozen=True)
class Level:
    """A target to reach, and how it can be reached.

    Attributes:
        name: a few words.
        goal: what is wanted, in words.
        key: k, (W,).
        previous: w_{t−1} at the start, (S,).
        notches: the controls at the start.
        solution: moves that reach the target, as few as can be; its end is the target.
        hints: words, from vague to plain.
    """

    name: str
    goal: str
    key: tuple[float, ...]
    previous: tuple[float, ...]
    notches: tuple[int, int, int, int]
    solution: tuple[Move, ...]
    hints: tuple[str, ...]

    @property
    def par(self) -> int:
        """The fewest moves; a test searches for fewer."""
        return len(self.solution)

    @property
    def start(self) -> State:
        """The state before the first move."""
        return State(self.notches, self.previous)

    @cached_property
    def target(self) -> Tensor:
        """The weighting to reach, (S,)."""
        state = self.start
        for move in self.solution:
            state = after(self, state, move)
        return stages(self, state)["weights"]


def stages(level: Level, state: State) -> dict[str, Tensor]:
    """Return every stage of addressing in a state, (S,) each (NTM eqs. 5-9)."""
    chosen = [
        torch.tensor(NOTCHES[name][notch], dtype=torch.float32)[None, None]
        for name, notch in zip(CONTROLS, state.notches, strict=True)
    ]
    previous = torch.tensor(state.previous)[None, None]
    named = {"previous": previous, **addressed(level, previous, *chosen)}
    return {name: stage[0, 0] for name, stage in named.items()}


def addressed(
    level: Level,
    previous: Tensor,
    key_strength: Tensor,
    gate: Tensor,
    shift: Tensor,
    sharpening: Tensor,
) -> dict[str, Tensor]:
    """Return the four stages of heads that share the level's key, (1, heads, S) each."""
    memory = torch.tensor(MEMORY, dtype=torch.float32)[None]
    heads = key_strength.shape[1]
    key = torch.tensor(level.key, dtype=torch.float32).expand(1, heads, -1)
    content = content_weights(memory, key, key_strength)
    interpolated = interpolate(content, previous.expand(1, heads, -1), gate)
    shifted = circular_shift(interpolated, shift)
    weights = sharpen(shifted, sharpening)
    found = (content, interpolated, shifted, weights)
    return dict(zip(("content", "interpolated", "shifted", "weights"), found, strict=True))


def after(level: Level, state: State, move: Move) -> State:
    """Return the state that a move leads to.

    Raises:
        ValueError: there is no such control or notch.
    """
    if move == STEP:
        return State(state.notches, tuple(stages(level, state)["weights"].tolist()))
    control, notch = move
    if control not in CONTROLS or not 0 <= notch < len(NOTCHES[control]):
        raise ValueError(f"expected a step or a notch of {', '.join(CONTROLS)}, got {move}")
    notches = list(state.notches)
    notches[CONTROLS.index(control)] = notch
    return State(tuple(notches), state.previous)


def distance(level: Level, weights: Tensor) -> Tensor:
    """Return how far the slot that is most off is from the target; heads as given."""
    return (weights - level.target).abs().amax(-1)


def is_won(level: Level, state: State) -> bool:
    """Tell whether every slot is near the target."""
    return distance(level, stages(level, state)["weights"]).item() <= NEAR


def fewest(level: Level, most: int) -> int | None:
    """Search all sequences of up to `most` moves; return how many the shortest win takes.

    States that differ in w_{t−1} by less than 1e-5 count as one.
    """
    reached = lru_cache(maxsize=None)(lambda previous: _every_result(level, previous))
    frontier, seen = {level.start}, {_same(level.start)}
    for moves in range(most + 1):
        if any(reached(state.previous)[state.notches][1] for state in frontier):
            return moves
        found = {}
        for state in frontier:
            for follower in _followers(state, reached(state.previous)[state.notches][0]):
                if _same(follower) not in seen:
                    found[_same(follower)] = follower
        seen |= found.keys()
        frontier = set(found.values())
    return None


def within_one_step(level: Level) -> bool:
    """Tell whether some setting of the four controls wins without a step."""
    return any(won for _, won in _every_result(level, level.previous).values())


def _same(state: State) -> tuple:
    return state.notches, tuple(round(weight, 5) for weight in state.previous)


def _followers(state: State, weights: tuple[float, ...]) -> Iterator[State]:
    yield State(state.notches, weights)
    for place, control in enumerate(CONTROLS):
        for notch in range(len(NOTCHES[control])):
            if notch != state.notches[place]:
                notches = (*state.notches[:place], notch, *state.notches[place + 1 :])
                yield State(notches, state.previous)


def _every_result(level: Level, previous: tuple[float, ...]) -> dict:
    """Return (w, won) for every setting of the controls at once: each is a head of its own."""
    sizes = [range(len(NOTCHES[control])) for control in CONTROLS]
    settings = torch.cartesian_prod(*[torch.tensor(list(size)) for size in sizes])  # (H, 4)
    chosen = [
        torch.tensor(NOTCHES[control], dtype=torch.float32)[settings[:, place]][None]
        for place, control in enumerate(CONTROLS)
    ]
    weights = addressed(level, torch.tensor(previous)[None, None], *chosen)["weights"][0]
    won = (distance(level, weights) <= NEAR).tolist()
    results = zip(map(tuple, weights.tolist()), won, strict=True)
    return dict(zip(map(tuple, settings.tolist()), results, strict=True))


def on_slot(slot: int) -> tuple[float, ...]:
    """Return the weighting that is on one slot alone."""
    return tuple(float(slot == place) for place in range(len(MEMORY)))


def beta(notch: int) -> Move:
    """Return the move that sets β."""
    return ("key_strength", notch)


def gate(notch: int) -> Move:
    """Return the move that sets g."""
    return ("gate", notch)


def shift(name: str) -> Move:
    """Return the move that sets s."""
    return ("shift", SHIFTS.index(name))


def gamma(notch: int) -> Move:
    """Return the move that sets γ."""
    return ("sharpening", notch)


LEVELS = (
    Level(
        "One step along",
        "The head is on slot 1. Bring it to slot 2.",
        (0, 1, 1),
        on_slot(1),
        AT_REST,
        (shift("one on"),),
        ("The key has nothing to do with it: the head only has to move.", "Set s to “one on”."),
    ),
    Level(
        "Find it",
        "Leave slot 1 and go to the slot that holds what the key looks for.",
        (0, 1, 1),
        on_slot(1),
        AT_REST,
        (beta(4), gate(4)),
        (
            "The cosine column shows which slot it is. What is found must be sure, "
            "and it must be let through.",
            "β makes the best slot win; g = 1 lets wᶜ through and forgets w(t−1).",
        ),
    ),
    Level(
        "Nowhere in particular",
        "Spread the head evenly over all slots.",
        (1, 1, 0),
        on_slot(3),
        (4, 0, 2, 0),
        (beta(0), gate(4)),
        (
            "Which stage is even, whatever the memory holds, and when?",
            "With β = 0 the softmax prefers no slot; let that through with g.",
        ),
    ),
    Level(
        "Out of the blur",
        "Earlier steps have smeared the head around slot 2. Put it on slot 3, and only there.",
        (0, 0, 1),
        (0.02, 0.28, 0.4, 0.28, 0.02, 0.0, 0.0, 0.0),
        AT_REST,
        (shift("one on"), gamma(3)),
        (
            "One control moves everything along; another makes the largest weight larger still.",
            "s moves the middle to slot 3, then γ takes the rest away.",
        ),
    ),
    Level(
        "Round the end",
        "The head is on slot 1, and the key is of no use here. Bring it to slot 6.",
        (1, 0, 0),
        on_slot(1),
        AT_REST,
        (shift("one back"), STEP, STEP),
        (
            "The tape is a ring: which way round is slot 6 nearer?",
            "One slot back in every step. A step makes w the next w(t−1), and the same s moves it "
            "again.",
        ),
    ),
    Level(
        "The one after",
        "Go to the slot just after the one that the key finds.",
        (0, 1, 1),
        on_slot(1),
        AT_REST,
        (beta(4), gate(4), shift("one on")),
        (
            "It takes no step. The stages are worked through from left to right: what the shift "
            "moves is what was found.",
            "As in “Find it”, and then s.",
        ),
    ),
    Level(
        "Here and there",
        "Half of the weight one past where the head was, half one past what the key finds.",
        (0, 1, 1),
        on_slot(1),
        (0, 4, 2, 0),
        (beta(4), gate(2), shift("one on")),
        (
            "One control mixes two weightings; the one after it moves both parts alike.",
            "A gate of one half, with a sure key.",
        ),
    ),
    Level(
        "Between two slots",
        "Come to rest half on slot 3 and half on slot 4.",
        (1, 0, 0),
        on_slot(1),
        AT_REST,
        (shift("one on"), STEP, STEP, shift("half on")),
        (
            "Walk first; divide the weight last. What would happen the other way round?",
            "“one on”, two steps, and then “half on”.",
        ),
    ),
    Level(
        "Both, two along",
        "Half of the weight two past where the head was, half two past what the key finds.",
        (0, 1, 1),
        on_slot(1),
        AT_REST,
        (beta(4), gate(2), shift("one on"), STEP, gate(0)),
        (
            "s reaches one slot, so it takes a second step. What must be different in that one?",
            "As in “Here and there”; do a step; then close the gate, else the key pulls half of it "
            "back.",
        ),
    ),
)
