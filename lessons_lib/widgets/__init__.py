"""Pictures that answer: widgets drawn in the browser, computed by the library's own functions."""

from lessons_lib.widgets.challenge import AddressingChallenge
from lessons_lib.widgets.convolution import ConvolutionStepper
from lessons_lib.widgets.drive import DriveTheMachine
from lessons_lib.widgets.gates import GateExplorer
from lessons_lib.widgets.playground import AddressingPlayground
from lessons_lib.widgets.side_by_side import SideBySide
from lessons_lib.widgets.stepper import TapeStepper
from lessons_lib.widgets.story import StoryStepper

__all__ = [
    "AddressingChallenge",
    "AddressingPlayground",
    "ConvolutionStepper",
    "DriveTheMachine",
    "GateExplorer",
    "SideBySide",
    "StoryStepper",
    "TapeStepper",
]
