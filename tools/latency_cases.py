"""What ``tools.latency`` presses: for each widget a cell that shows it, and keys that move it."""

from __future__ import annotations

from dataclasses import dataclass

ECHO = """
import ipywidgets
slider, label = ipywidgets.IntSlider(max=1000), ipywidgets.Label("0")
slider.observe(lambda change: setattr(label, "value", str(change["new"])), "value")
ipywidgets.HBox([slider, label])
"""
STEPPER = """
import torch
from lessons_lib.ntm import NTM
from lessons_lib.widgets import TapeStepper
torch.manual_seed(0)
trace = NTM(10, 8, slots=64, width=20)(torch.rand(120, 1, 10), trace=True)[-1]
TapeStepper(trace, slots="all")
"""
PLAYGROUND = """
from lessons_lib.widgets import AddressingPlayground
AddressingPlayground()
"""
CHALLENGE = """
from lessons_lib.widgets import AddressingChallenge
AddressingChallenge(level=4)
"""
CONVOLUTION = """
from lessons_lib.widgets import ConvolutionStepper
ConvolutionStepper()
"""
GATES = """
import torch
from lessons_lib.recurrent import LSTM, RNN
from lessons_lib.widgets import GateExplorer
torch.manual_seed(0)
models = {"RNN": RNN(8, 8, hidden_size=32), "LSTM": LSTM(8, 8, hidden_size=32)}
GateExplorer(models, torch.randn(30, 1, 8))
"""
DRIVE = """
from lessons_lib.widgets import DriveTheMachine
DriveTheMachine()
"""
STORY = """
from lessons_lib.checkpoints import load
from lessons_lib.widgets import StoryStepper
told = "Mary went to the kitchen. John moved to the garden. Mary travelled to the office."
StoryStepper({"lntm-qa1": load("lntm-qa1")}, f"{told} Where is Mary?")
"""
SIDE = """
from lessons_lib import load
from lessons_lib.widgets import SideBySide
names = ("rnn-copy", "lstm-copy", "ntm-copy", "lntm-copy")
SideBySide({name: load(name) for name in names}, 84)
"""
CELLS = {  # the widget's name in lessons_lib.widgets, and a cell that shows one
    "TapeStepper": STEPPER,
    "AddressingPlayground": PLAYGROUND,
    "AddressingChallenge": CHALLENGE,
    "ConvolutionStepper": CONVOLUTION,
    "GateExplorer": GATES,
    "DriveTheMachine": DRIVE,
    "SideBySide": SIDE,
    "StoryStepper": STORY,
}
CANVAS = ".lessons-picture canvas"
HANDLE = ".noUi-handle"


@dataclass(frozen=True)
class Case:
    """One thing to press, over and over.

    Attributes:
        widget: whose cell.
        what: what is done, in words.
        where: "page" where everything is computed beforehand, else "kernel".
        keys: pressed in turn, one a round.
        target: what gets the focus, within the cell; the first match, or the one numbered.
        number: which match.
        before: pressed in turn before the measured key, unmeasured; so that it has work to do.
    """

    widget: str
    what: str
    where: str
    keys: tuple[str, ...] = ("ArrowRight", "ArrowLeft")
    target: str = CANVAS
    number: int = 0
    before: tuple[str, ...] = ()


CASES = (
    Case("TapeStepper", "step", "page"),
    Case("TapeStepper", "scrub", "page", target="input[type=range]"),
    Case("TapeStepper", "stage of a step", "page", keys=("1", "2", "3", "4")),
    Case("ConvolutionStepper", "slide the kernel", "page", keys=("ArrowDown", "ArrowUp")),
    Case("GateExplorer", "step", "page", keys=("ArrowLeft", "ArrowRight")),
    Case("GateExplorer", "another unit", "page", keys=("ArrowDown", "ArrowUp")),
    Case("StoryStepper", "word by word", "page"),
    # The waits let the write paths of the last length arrive; each length is asked for once.
    Case("SideBySide", "step", "page", keys=("ArrowLeft",), before=("End",)),
    Case("SideBySide", "a vector more", "kernel", keys=("+",), before=("Home",)),
    Case("AddressingPlayground", "key strength", "kernel", target=HANDLE),
    Case("AddressingPlayground", "shift", "kernel", target=HANDLE, number=3),
    Case("AddressingChallenge", "key strength", "kernel", target=HANDLE),
    Case("ConvolutionStepper", "sharpening", "kernel", target=HANDLE),
    Case("GateExplorer", "loss here", "kernel", keys=("l",), before=("ArrowLeft", "ArrowRight")),
    Case("DriveTheMachine", "choose a move", "kernel", keys=("ArrowRight", "ArrowLeft")),
    Case("DriveTheMachine", "make a step", "kernel", keys=("Enter",), before=("u",)),
)
