"""Drive the machine: the learner is the controller of a Neural Turing Machine.

The rules are in ``lessons_lib.machine_game``; the page only sends key presses and draws. Every
number, also that of the step about to be made, is computed by the library's own functions.
"""

from __future__ import annotations

from dataclasses import replace

import traitlets
from matplotlib.figure import Figure

from lessons_lib import figures
from lessons_lib.machine_game import LEVELS, Game, Score, learned_run
from lessons_lib.machine_levels import SLOTS, Choice, Step
from lessons_lib.machine_words import name_input, name_pattern, tell_choice
from lessons_lib.trace import Trace
from lessons_lib.widgets import drive_view
from lessons_lib.widgets.base import HERE, Picture, script, style
from lessons_lib.widgets.drive_view import HEADS
from lessons_lib.widgets.still import WithStill

WELCOME = "Choose what each head does, then do the step. Each input is shown for one step only."
COMPARED = (
    "Both got the same list and {slots} slots. You chose the moves and began with a start mark; "
    "the learned machine emits every number itself, has no start mark, and keeps 20 numbers a slot "
    "in a code of its own. So compare the paths, not the contents. It made {wrong} wrong bits."
)


class DriveTheMachine(WithStill, Picture):
    """A Neural Turing Machine whose controller is the learner.

    Keys: up and down choose the write or the read head; left and right its step; Home the start
    mark, J the next key, a digit a priority, Esc from here; space writes or gives out; Enter makes
    the step; U undoes.

    Args:
        level: "copy", "repeat copy" or "sort".
        seed: which list is shown.
        soft: whether shifts blur.
        sharpening: γ ≥ 1; None is 20, or 1 with soft shifts.

    Attributes:
        game: the game itself, ``lessons_lib.machine_game.Game``.
        plan: what both heads will do in the next step.
        active: the head that the keys steer, "write" or "read".

    Raises:
        ValueError: an unknown level, a seed below 0, or γ below 1.
    """

    _esm = script("drive.js")
    _css = style() + (HERE / "drive.css").read_text(encoding="utf-8")
    view = traitlets.Dict().tag(sync=True)

    def __init__(
        self,
        level: str = "copy",
        seed: int = 0,
        *,
        soft: bool = False,
        sharpening: float | None = None,
    ) -> None:
        """Show the level's first input, with both heads at rest."""
        self.seed = seed
        self._count = 0
        self._begin(Game(level, seed, soft, sharpening))
        super().__init__()
        self.on_msg(self._heard)
        self._show()

    def _begin(self, game: Game) -> None:
        self.game, self.status, self.said = game, WELCOME, ""
        self.plan, self.active = Step(Choice(), Choice()), "write"
        self._demo: Game | None = None
        self._rest: list[Step] = []
        self._shown_ways = 0
        self._learned: Trace | None = None
        self._before: list[Step] = []  # what a restart threw away

    # --- From Python ----------------------------------------------------------------------------

    def act(self, write: str = "stay", read: str = "stay") -> str:
        """Make one step, e.g. ``act("right write")``, and return in words what happened.

        Raises:
            ValueError: words that are no choice of that head.
        """
        self._leave_demo()
        self.status = self.game.act(write, read)
        self._show()
        return self.status

    def undo(self, steps: int = 1) -> None:
        """Take back the last steps, as many as there are."""
        self._leave_demo()
        if not self.game.moves and self._before:
            self.game.play(self._before)
            self.status, self._before = "The game before the restart is back.", []
            self._show()
            return
        undone = len(self.game.moves)
        self.game.undo(steps)
        undone -= len(self.game.moves)
        words = f"{undone} step{'s' if undone != 1 else ''} undone."
        now = name_input(self.game, len(self.game.moves))
        self.status = f"{words} The input is {now} again." if undone else "Nothing to undo."
        self._learned = None
        self._show()

    def restart(self) -> None:
        """Begin again, with the same list; an undo right after it takes it back."""
        made = list(self.game.moves) or self._before
        self._begin(Game(self.game.level, 0, *self._setting()))
        self._before = made
        self._show()

    def start(self, level: str, seed: int = 0) -> None:
        """Begin another level, or another list.

        Raises:
            ValueError: an unknown level, or a seed below 0.
        """
        self._begin(Game(level, seed, *self._setting()))
        self.seed = seed
        self._show()

    def set(self, *, soft: bool | None = None, sharpening: float | None = None) -> None:
        """Change the softness or γ; the steps made so far are computed anew.

        Raises:
            ValueError: γ below 1.
        """
        for game in filter(None, (self.game, self._demo)):
            game.set(soft=soft, sharpening=sharpening)
        self.status = self.said = self._tell_setting()
        self._show()

    def show_me(self) -> None:
        """Begin to show a way to play at par; each ``press("tick")`` makes one step of it."""
        ways = self.game.level.solutions
        name = list(ways)[self._shown_ways % len(ways)]
        self._shown_ways += 1
        self._demo = Game(self.game.level, 0, *self._setting())
        self._rest = list(ways[name])
        self.status = f"Shown: {name}. Any key brings your own game back."
        self._show()

    @property
    def score(self) -> Score:
        """Steps, par, answers and wrong bits of the learner's game."""
        return self.game.score

    @property
    def trace(self) -> Trace:
        """The record of the learner's game, which ``TapeStepper`` shows."""
        return self.game.trace

    def still(self) -> Figure:
        """Return the game so far as a figure for print."""
        if self.game.moves:
            return figures.draw_tape(self.game.trace, targets=self.game.targets())
        return figures.draw_memory(self.game.memory, title="the tape at the start")

    def __repr__(self) -> str:
        """Name the level and where the game stands; the same text at every run."""
        return f"DriveTheMachine({self.game.level.name!r}, {self.score})"

    # --- From the keyboard ----------------------------------------------------------------------

    def press(self, name: str, value: object = None, head: str | None = None) -> None:
        """Do what a key or button does.

        Args:
            name: "head", "by", "step", "origin", "key", "act", "enter", "undo", "restart",
                "level", "list", "next", "show", "tick", "soft", "sharpening" or "learned".
            value: what goes with it, e.g. −1 for "by", "start" for "origin".
            head: the head meant; None is the active one.

        Raises:
            ValueError: there is no such key.
        """
        done = getattr(self, f"_press_{name}", None)
        if done is None:
            raise ValueError(f"expected the name of a key, got {name!r}")
        self.said = ""
        if name not in ("tick", "show", "soft", "sharpening") and self._leave_demo():
            self.status = "Your own game is back."
            self._show()
            return
        if head in HEADS:
            self.active = head
        done(value)

    def _heard(self, _widget: object, content: object, _buffers: object) -> None:
        if isinstance(content, dict) and content.get("kind") == "press":
            self.press(content.get("name", ""), content.get("value"), content.get("head"))

    def _press_head(self, value: str) -> None:
        self.active = value if value in HEADS else self.active
        self._say_plan()

    def _press_by(self, value: int) -> None:
        self._press_step(getattr(self.plan, self.active).step + int(value))

    def _press_step(self, value: int) -> None:
        self._replan(step=min(max(int(value), -1), 1))

    def _press_origin(self, value: str) -> None:
        if value in self.game.level.origins:
            self._replan(origin=value)

    def _press_key(self, _value: object) -> None:
        known = self.game.level.origins
        now = known.index(getattr(self.plan, self.active).origin)
        self._replan(origin=known[(now + 1) % len(known)])

    def _press_act(self, value: bool | None) -> None:
        now = getattr(self.plan, self.active).act
        self._replan(act=not now if value is None else bool(value))

    def _press_enter(self, _value: object) -> None:
        self.status = self.game.act(*self.plan)
        self.plan = Step(*(replace(choice, origin="here") for choice in self.plan))
        self._show()

    def _press_undo(self, _value: object) -> None:
        self.undo()

    def _press_restart(self, _value: object) -> None:
        self.restart()

    def _press_level(self, value: str) -> None:
        self.start(value if value in LEVELS else self.game.level.name, self.seed)

    def _press_list(self, _value: object) -> None:
        self.start(self.game.level.name, self.seed + 1)

    def _press_next(self, _value: object) -> None:
        now = LEVELS.index(self.game.level.name)
        self.start(LEVELS[(now + 1) % len(LEVELS)], self.seed)

    def _press_show(self, _value: object) -> None:
        self.show_me()

    def _press_tick(self, _value: object) -> None:
        if self._demo and self._rest:
            self.status = self._demo.act(*self._rest.pop(0))
            self._show()

    def _press_soft(self, value: bool) -> None:
        self.set(soft=bool(value))

    def _press_sharpening(self, value: float) -> None:
        self.set(sharpening=max(1.0, float(value)))

    def _press_learned(self, _value: object) -> None:
        if not self._can_compare():
            self.status = "Finish the copy level first: then its moves are drawn beside yours."
        elif self._learned is None:
            self._learned = learned_run(self.game.level)
            self.status = "Below: the learned machine's moves on the same list, beside yours."
        else:
            self._learned, self.status = None, "The learned machine's moves are put away."
        self._show()

    # --- What is drawn --------------------------------------------------------------------------

    def _setting(self) -> tuple[bool, float]:
        return self.game.setting.soft, self.game.setting.sharpening

    def _leave_demo(self) -> bool:
        """Put the learner's own game back; tells whether one was being shown."""
        shown, self._demo, self._rest = self._demo is not None, None, []
        return shown

    def _can_compare(self) -> bool:
        return self.game.level.name == "copy" and self.score.finished

    def _replan(self, **changes: object) -> None:
        changed = replace(getattr(self.plan, self.active), **changes)
        self.plan = self.plan._replace(**{self.active: changed})
        self._say_plan()

    def _say_plan(self) -> None:
        seen = name_input(self.game, len(self.game.moves))
        choice = getattr(self.plan, self.active)
        words = tell_choice(self.game.level, choice, self.active, seen)
        self.said = f"{self.active} head: {words}"
        self._show()

    def _tell_setting(self) -> str:
        soft, sharpening = self._setting()
        shifts = "Shifts blur" if soft else "Shifts are clean"
        words = f"{shifts}, γ is {sharpening:.2f}."
        game = self._demo or self.game
        if game.answers:
            words += f" The same steps, computed anew: {game.score.wrong_bits} wrong bits."
        elif game.moves:
            words += " The steps made are computed anew."
        return words

    def _show(self) -> None:
        """Compute what the planned step would do, and send all that is drawn."""
        game = self._demo or self.game
        plan = (
            (self._rest[0] if self._rest else Step(Choice(), Choice())) if self._demo else self.plan
        )
        after = game.preview(plan)
        self._count += 1
        with self.hold_sync():
            self.put(
                drive_view.numbers(game, plan, after) | drive_view.paths(self.game, self._learned)
            )
            self.view = {
                "count": self._count,
                **drive_view.words(game, plan),
                "reads": name_pattern(game.level, after.reads[0, 0]),
                "active": self.active,
                "status": self.status,
                "said": self.said,
                "demo": self._demo is not None,
                "showing": bool(self._rest),
                "undo": bool(self.game.moves or self._before),
                "canCompare": self._can_compare(),
                "compared": self._told_comparison(),
            }

    def _told_comparison(self) -> str:
        if self._learned is None:
            return ""
        items = self.game.level.items
        said = self._learned.outputs[-len(items) :, 0] > 0
        wrong = int((said != (items > 0.5)).sum())
        return COMPARED.format(slots=SLOTS, wrong=wrong or "no")
