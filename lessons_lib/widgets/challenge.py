"""The playground's challenge: reach a target weighting in as few moves as can be."""

from __future__ import annotations

import html

import ipywidgets
import torch
from matplotlib.figure import Figure
from torch import Tensor

from lessons_lib.widgets.challenge_levels import (
    CONTROLS,
    LEVELS,
    MEMORY,
    NEAR,
    NOTCHES,
    SHIFTS,
    STEP,
    Level,
    Move,
    State,
    after,
    distance,
    is_won,
    stages,
)
from lessons_lib.widgets.live import ROW
from lessons_lib.widgets.stages import LIT, StagesPicture, parameters, still
from lessons_lib.widgets.still import WithStill

NAMES = ("β key strength", "g gate", "s shift", "γ sharpening")


class AddressingChallenge(WithStill, ipywidgets.VBox):
    """Levels of rising difficulty; a move is a control put on a notch, or a step.

    Between two steps the order does not matter: a control that stands elsewhere than after the last
    step is one move, however often it was moved, and one that was put back is none.

    Attributes:
        sliders: the four controls by name; each has a few notches.
        moves: the moves so far, ("key_strength", notch) or ("step", 0).
        best: the fewest moves with which a level was won, by the level's place from 0.
    """

    def __init__(self, level: int = 0) -> None:
        """Start at a level, from 0."""
        self.picture = StagesPicture()
        self.best: dict[int, int] = {}
        self.moves: list[Move] = []
        self._place, self._hints, self._showing = 0, 0, False
        self._choose = ipywidgets.ToggleButtons(options=_level_names({}), index=0)
        self._choose.style.button_width = "auto"
        self._goal = ipywidgets.HTML()
        self.sliders = {name: self._slider(place) for place, name in enumerate(CONTROLS)}
        self._buttons = self._make_buttons()
        wide = ipywidgets.HBox(list(self.sliders.values()), layout=ROW)
        buttons = ipywidgets.HBox(list(self._buttons.values()), layout=ROW)
        levels = ipywidgets.HBox([ipywidgets.Label("level"), self._choose], layout=ROW)
        super().__init__([levels, self._goal, wide, buttons, self.picture])
        self._choose.observe(lambda change: self._start(change["new"]), "index")
        self._start(level)

    @property
    def level(self) -> Level:
        """The level that is played."""
        return LEVELS[self._place]

    @level.setter
    def level(self, place: int) -> None:
        if not 0 <= place < len(LEVELS):
            raise ValueError(f"expected a level from 0 to {len(LEVELS) - 1}, got {place}")
        self._start(place)

    @property
    def state(self) -> State:
        """The controls and w_{t−1} after all moves."""
        return self._play(self.moves)

    @property
    def won(self) -> bool:
        """Whether w is near enough to the target."""
        return is_won(self.level, self.state)

    def move(self, control: str, notch: int) -> None:
        """Put a control on a notch; nothing happens once the level is won.

        Raises:
            ValueError: there is no such control or notch.
        """
        after(self.level, self.state, (control, notch))
        if self.won:
            return self._show()
        segment = self._segment()
        moves = [move for move in self.moves[segment:] if move[0] != control]
        before = self._play(self.moves[:segment])
        if before.notches[CONTROLS.index(control)] != notch:
            moves.append((control, notch))
        self._keep(self.moves[:segment] + moves)
        self._show(LIT[control])

    def step(self) -> None:
        """Make the result w the next w_{t−1}; nothing happens once the level is won."""
        if not self.won:
            self._keep([*self.moves, STEP])
        self._show("previous")

    def undo(self) -> None:
        """Take the last move back."""
        self.moves = self.moves[:-1]
        self._show()

    def restart(self) -> None:
        """Take all moves back."""
        self._start(self._place)

    def hint(self) -> None:
        """Show one hint more."""
        self._hints = min(self._hints + 1, len(self.level.hints))
        self._show()

    def next(self) -> None:
        """Go to the next level; after the last comes the first."""
        self._start((self._place + 1) % len(LEVELS))

    def still(self) -> Figure:
        """Return the stages as a figure for print."""
        return still(stages(self.level, self.state), self._chosen())

    def __repr__(self) -> str:
        """Name the widget and its level; the same text at every run."""
        return f"AddressingChallenge(level {self._place + 1} of {len(LEVELS)})"

    def _play(self, moves: list[Move]) -> State:
        state = self.level.start
        for move in moves:
            state = after(self.level, state, move)
        return state

    def _segment(self) -> int:
        """Return where the moves since the last step begin."""
        steps = [place for place, move in enumerate(self.moves) if move == STEP]
        return steps[-1] + 1 if steps else 0

    def _keep(self, moves: list[Move]) -> None:
        self.moves = moves
        if self.won:
            self.best[self._place] = min(len(moves), self.best.get(self._place, len(moves)))

    def _start(self, place: int) -> None:
        if self._showing:
            return
        self._place, self._hints = place, 0
        self.moves = []
        self._show()

    def _slider(self, place: int) -> ipywidgets.SelectionSlider:
        control = CONTROLS[place]
        options = SHIFTS if control == "shift" else [f"{notch:g}" for notch in NOTCHES[control]]
        slider = ipywidgets.SelectionSlider(
            options=options,
            description=NAMES[place],
            style={"description_width": "110px"},
            layout={"width": "330px"},
        )
        slider.observe(lambda change: self._slid(control, change["new"]), "index")
        return slider

    def _slid(self, control: str, notch: int) -> None:
        if not self._showing:
            self.move(control, notch)

    def _make_buttons(self) -> dict[str, ipywidgets.Button]:
        does = {
            "step: w becomes w(t−1)": self.step,
            "undo": self.undo,
            "restart": self.restart,
            "hint": self.hint,
            "next level": self.next,
        }
        made = {}
        for name, act in does.items():
            made[name] = ipywidgets.Button(description=name, layout={"width": "auto"})
            made[name].on_click(lambda _button, act=act: act())
        return made

    def _show(self, lit: str = "") -> None:
        """Bring controls, words and picture to the state."""
        self._showing = True
        try:
            for slider, notch in zip(self.sliders.values(), self.state.notches, strict=True):
                slider.index, slider.disabled = notch, self.won
            if self._choose.options != _level_names(self.best):
                self._choose.options = _level_names(self.best)
            self._choose.index = self._place
        finally:
            self._showing = False
        step, undo, restart, hint, forward = self._buttons.values()
        step.disabled = self.won
        undo.disabled = restart.disabled = not self.moves
        hint.disabled = self.won or self._hints == len(self.level.hints)
        forward.button_style = "success" if self.won else ""
        level = self.level
        title = f"Level {self._place + 1} of {len(LEVELS)}: {level.name}."
        words = f"<b>{html.escape(title)}</b> {html.escape(level.goal)}"
        if self._goal.value != words:
            self._goal.value = words
        self._draw(lit)

    def _draw(self, lit: str) -> None:
        level, found = self.level, stages(self.level, self.state)
        memory = torch.tensor(MEMORY, dtype=torch.float32)
        key = torch.tensor(level.key, dtype=torch.float32)
        with self.picture.hold_sync():
            self.picture.lit = lit
            self.picture.status = self._status()
            self.picture.won = self.won
            chosen = self._chosen()
            self.picture.show(memory, key, found, chosen, target=level.target, editable=False)

    def _chosen(self) -> dict[str, Tensor]:
        chosen = zip(CONTROLS, self.state.notches, strict=True)
        return parameters(**{control: NOTCHES[control][notch] for control, notch in chosen})

    def _status(self) -> list[str]:
        """Return the words below the goal: the score, how near, and the hints."""
        level, used = self.level, len(self.moves)
        best = self.best.get(self._place)
        score = f"moves {used} · par {level.par}" + (f" · your best {best}" if best else "")
        if self.won:
            return [score, _praise(used, level.par)]
        weights = stages(level, self.state)["weights"]
        slot = (weights - level.target).abs().argmax().item()
        far = distance(level, weights).item()
        off = f"w is off by {far:.2f} at slot {slot}; within {NEAR:g} wins"
        return [score, off, *[f"Hint: {words}" for words in level.hints[: self._hints]]]


def _praise(used: int, par: int) -> str:
    """Say that the level is won, and whether fewer moves would do."""
    if used <= par:
        return f"✓ Won in {used}: no sequence of fewer moves reaches it."
    return f"✓ Won in {used}. It can be done in {par}: restart to try, or take the next level."


def _level_names(best: dict[int, int]) -> tuple[str, ...]:
    """Number the levels; ✓ marks one that was won, ★ one at par."""
    marks = {None: "", True: " ★", False: " ✓"}
    at_par = {place: moves <= LEVELS[place].par for place, moves in best.items()}
    return tuple(f"{place + 1}{marks[at_par.get(place)]}" for place in range(len(LEVELS)))
