"""What happened in the machine game, in words: for the eyes, and for a screen reader.

A bad move is no error. These sentences say what it led to, and where to look.
"""

from __future__ import annotations

import torch
from torch import Tensor

from lessons_lib.machine_game import Game
from lessons_lib.machine_levels import Choice, Level

CLEAR = 0.25  # how far the numbers of a clear pattern may be from 0 and 1
SHARP = 0.75  # a head with less than this on one slot is called spread
STEPPING = {-1: "one step left", 0: "stay", 1: "one step right"}
ORIGINS = {
    "start": "the start mark",
    "input": "what resembles the input",
    "last": "what resembles the last read",
}


def name_pattern(level: Level, vector: Tensor) -> str:
    """Name what a slot or a read holds: a letter, "start", "empty", "faint B" or "a blend"."""
    if vector.abs().max() < CLEAR:
        return "empty"
    known = {"start": level.mark, **dict(zip(level.names, level.items, strict=True))}
    bits = (vector > 0.5).float()
    for name, pattern in known.items():
        if torch.equal(bits, pattern):
            return name if (vector - pattern).abs().max() <= CLEAR else f"faint {name}"
    return "a blend"


def name_input(game: Game, step: int) -> str:
    """Name what came in at a step."""
    count = len(game.level.items)
    if step < count:
        return game.level.names[step]
    return "the marker" if step == count else "nothing"


def tell_place(weights: Tensor) -> str:
    """Say where a weighting (S,) stands, and whether it is spread."""
    most, slot = weights.max().item(), int(weights.argmax())
    if most >= SHARP:
        return f"slot {slot}"
    if most < 2 / len(weights):
        return f"all slots alike, {most:.2f} on each at most"
    second = int(weights.topk(2).indices[1])
    return f"several slots, {most:.2f} on slot {slot} and {weights[second]:.2f} on slot {second}"


def tell_choice(level: Level, choice: Choice, which: str, seen: str) -> str:
    """Say what a head is about to do; `seen` names the input."""
    if choice.origin == "here":
        where = STEPPING[choice.step]
    else:
        where = f"jump to {ORIGINS.get(choice.origin, f'priority {choice.origin}')}"
        where += f", then {STEPPING[choice.step]}" if choice.step else ""
    if which == "write":
        return f"{where}; " + (f"write {seen}" if choice.act else "write nothing")
    return f"{where}; " + ("give out what it reads" if choice.act else "give out nothing")


def tell_step(game: Game, step: int) -> str:
    """Say what a step of the game did: input, write head, read head, and what went wrong."""
    came = step - len(game.level.items)
    parts = [f"Input {name_input(game, step)}." if came < 0 else "The marker." if came == 0 else ""]
    heads = [_tell_write(game, step), _tell_read(game, step)]
    parts += heads if any(heads) else ["Both heads rest."]
    if game.score.finished and step == len(game.moves) - 1:
        parts.append(tell_end(game))
    return " ".join(part for part in parts if part)


def tell_end(game: Game) -> str:
    """Say how the level went."""
    score = game.score
    if score.wrong_bits:
        return f"Finished, but with {score.wrong_bits} wrong bits. Undo as far as you like."
    if score.steps == score.par:
        return f"Done without a wrong bit, in {score.steps} steps: that is par."
    return f"Done without a wrong bit, in {score.steps} steps; par is {score.par}."


def _tell_moved(game: Game, step: int, which: str) -> str:
    """Say how a head went, and what was wrong with its key."""
    choice = getattr(game.moves[step], which)
    record = game.records[step]
    head = getattr(record, which)
    place = tell_place(head.weights[0, 0])
    if choice.origin == "here":
        verb = {-1: "steps left to", 0: "stays on", 1: "steps right to"}[choice.step]
        return f"{verb} {place}"
    side = {-1: " then left,", 0: "", 1: " then right,"}[choice.step]
    words = f"jumps by content,{side} to {place}"
    if head.key.abs().max() < CLEAR:
        return f"{words} (its key is blank: every slot is as good as any other)"
    if choice.origin == "start" and "start" not in _names(game, record.memory_before[0]):
        return f"{words} (the start mark was overwritten, so it took what resembles it most)"
    return words


def _tell_write(game: Game, step: int) -> str:
    record, choice = game.records[step], game.moves[step].write
    if choice == Choice() and step >= len(game.level.items):
        return ""  # at rest, and nothing is lost
    words = f"The write head {_tell_moved(game, step, 'write')}"
    seen = name_input(game, step)
    shown = step < len(game.level.items)
    if not choice.act:
        return f"{words} and writes nothing" + (f": {seen} is gone for good." if shown else ".")
    slot = int(record.write.weights.argmax())
    held = _names(game, record.memory_before[0])[slot]
    words += f" and writes {seen}." if shown else " and writes a blank, which erases."
    if held != "empty" and record.write.weights.max() >= SHARP:
        what = "The start mark" if held == "start" else held[0].upper() + held[1:]
        words += f" {what} on slot {slot} is overwritten."
    return words


def _tell_read(game: Game, step: int) -> str:
    record, choice = game.records[step], game.moves[step].read
    if choice == Choice():
        return ""
    words = f"The read head {_tell_moved(game, step, 'read')}"
    if not choice.act:
        return f"{words} and gives out nothing."
    got = name_pattern(game.level, record.reads[0, 0])
    words += f" and gives out {got}"
    given = [answer for answer, (t, _) in enumerate(game.answers) if t == step]
    if not given:
        return f"{words}. That does not count: the answer starts after the marker."
    answer = given[0]
    item = game.level.wanted[answer]
    wrong = game.wrong_bits(answer)
    if not wrong:
        return f"{words}: right."
    bits = "1 wrong bit" if wrong == 1 else f"{wrong} wrong bits"
    return f"{words}, but {game.level.names[item]} was wanted: {bits}. {_why(game, step, item)}"


def _why(game: Game, step: int, item: int) -> str:
    """Say why an answer is wrong, by what stands on the tape."""
    record = game.records[step]
    weights, name = record.read.weights[0, 0], game.level.names[item]
    if weights.max() < SHARP:
        return f"The read head is spread over {tell_place(weights)}: a read is then a blend."
    slot, held = int(weights.argmax()), _names(game, record.memory_after[0])
    if not game.moves[item].write.act:
        return f"{name} was never written: nothing was stored when it came."
    stood = f"The read head stood on slot {slot}"
    if not _written(game, slot, step):
        stood += ", the start mark" if held[slot] == "start" else ", which was never written"
    if name in held:
        return f"{stood}; {name} is on slot {held.index(name)}."
    if not _written(game, slot, step):
        return f"{stood}."
    if held[slot].startswith("faint") or held[slot] == "a blend":
        return f"What stands on slot {slot} is {held[slot]}: its write was spread, or written over."
    return f"{name} is no longer on the tape: it was written over."


def _names(game: Game, memory: Tensor) -> list[str]:
    return [name_pattern(game.level, slot) for slot in memory]


def _written(game: Game, slot: int, until: int) -> bool:
    """Tell whether a write up to this step put most of itself on the slot."""
    made = zip(game.moves[: until + 1], game.records, strict=False)
    return any(
        step.write.act and int(record.write.weights.argmax()) == slot for step, record in made
    )


def describe(game: Game, which: str, choice: Choice, emitted: dict[str, Tensor]) -> dict[str, str]:
    """Say beside each head parameter what it does, for the choice it stands for."""
    looks, act = choice.origin != "here", choice.act
    seen = name_input(game, len(game.moves))
    spread = "a little blurred" if game.setting.soft else "no blur"
    gamma = emitted["sharpening"].item()
    key = ORIGINS.get(choice.origin, f"priority {choice.origin}") if looks else "no key needed"
    words = {
        "key": key.removeprefix("what resembles "),
        "key_strength": "looks sharply" if looks else "does not look",
        "gate": "from where the key points" if looks else "from where it stands",
        "shift": f"{STEPPING[choice.step]}, {spread}",
        "sharpening": "leaves blur as it is" if gamma == 1 else "sharpens",
    }
    if which == "write":
        words["erase"] = "clear the slot" if act else "erase nothing"
        words["add"] = f"add {seen}" if act else "add nothing"
    return words
