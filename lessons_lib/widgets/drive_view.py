"""What the page of ``DriveTheMachine`` gets: the numbers of a game, and the words beside them."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from lessons_lib.machine_game import Game, emit
from lessons_lib.machine_levels import LEVELS, WIDTH, Choice, Level, Step
from lessons_lib.machine_words import describe, name_input, name_pattern, tell_choice, tell_end
from lessons_lib.trace import Trace

HEADS = ("write", "read")
LABELS = {"here": "here", "start": "start", "input": "input", "last": "last read"}


def numbers(game: Game, plan: Step, after: Trace) -> dict[str, Tensor]:
    """Return every number of the game and of the planned step, by name."""
    answers = torch.zeros(len(game.level.wanted), WIDTH)
    for place, (_, got) in enumerate(game.answers):
        answers[place] = got
    found = {
        "memory": game.memory,
        "inputs": game.level.items,
        "answers": answers,
        "erase_vector": after.erase_vector[0, 0],
        "add_vector": after.add_vector[0, 0],
        "reads": after.reads[0, 0],
        "memory_after": after.memory_after[0],
    }
    for which in HEADS:
        found[f"{which}.previous"] = game.weights(which)
        found[f"{which}.weights"] = getattr(after, which).weights[0, 0]
        for name, value in emit(game, getattr(plan, which)).items():
            found[f"{which}.{name}"] = value.flatten()
    return found


def paths(game: Game, learned: Trace | None) -> dict[str, Tensor]:
    """Return the learner's and the learned machine's weightings over time, (S, T) each."""
    if learned is None:
        return {}
    runs = {"own": game.trace, "learned": learned}
    return {
        f"{name} {which}": getattr(run, which).weights[:, 0, 0].T.contiguous()
        for name, run in runs.items()
        for which in HEADS
    }


def words(game: Game, plan: Step) -> dict[str, object]:
    """Return the words beside the numbers."""
    level, score, step = game.level, game.score, len(game.moves)
    answered = len(game.answers)
    answers = [
        {
            "got": name_pattern(level, got),
            "wanted": level.names[level.wanted[place]],
            "wrong": game.wrong_bits(place),
        }
        for place, (_, got) in enumerate(game.answers)
    ]
    return {
        "level": level.name,
        "levels": list(LEVELS),
        "goal": level.goal,
        "names": list(level.names),
        "step": step,
        "seen": name_input(game, step),
        "slots": [name_pattern(level, slot) for slot in game.memory],
        "answers": answers + [None] * (len(level.wanted) - answered),
        "score": str(score),
        "finished": score.finished,
        "end": tell_end(game) if score.finished else "",
        "soft": game.setting.soft,
        "sharpening": game.setting.sharpening,
        "origins": _origins(level),
        "plan": {which: _planned(game, plan, which) for which in HEADS},
    }


def _origins(level: Level) -> Sequence[tuple[str, str]]:
    return [(name, LABELS.get(name, name)) for name in level.origins]


def _planned(game: Game, plan: Step, which: str) -> dict[str, object]:
    choice: Choice = getattr(plan, which)
    seen = name_input(game, len(game.moves))
    return {
        "origin": choice.origin,
        "step": choice.step,
        "act": choice.act,
        "words": tell_choice(game.level, choice, which, seen),
        "means": describe(game, which, choice, emit(game, choice)),
    }
