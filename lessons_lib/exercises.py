"""Exercises that answer back: draw a learner's result, check it against the library, go on.

In a lesson:

    shift_ex = exercise("4.3")
    shift_ex.show(my_circular_shift)      # draws it, right or wrong
    shift_ex.check(my_circular_shift)     # fresh random cases against the library
    circular_shift = shift_ex.use(my_circular_shift)

A stub that raises NotImplementedError is "not written yet", so an untouched lesson runs through.
"""

from __future__ import annotations

import contextlib
import inspect
import io
import os
import random
import traceback
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from matplotlib.figure import Figure

from lessons_lib import agreement, answers
from lessons_lib.exercise_figures import draw_rows

Function = Callable[..., Any]
Invariant = Callable[..., "str | None"]  # (result, *arguments) -> what is broken, or None
NOT_WRITTEN = "not written yet"


@dataclass(frozen=True, repr=False)
class Exercise:
    """What a learner's function must do, how to try it, and how to draw it.

    `instance(generator, case)` makes the arguments of one random case in float64; case 0 is the
    smallest, so that its numbers fit in a message. `example()` makes the one that `show` draws.
    An invariant takes `(result, *arguments)` and returns a sentence when it is broken.
    """

    id: str
    title: str
    reference: Function
    instance: Callable[[torch.Generator, int], tuple[Any, ...]]
    example: Callable[[], tuple[Any, ...]]
    invariants: tuple[Invariant, ...] = ()
    draw: Callable[[Any], Figure | None] = draw_rows
    tolerance: float = 1e-4
    cases: int = 20
    gradients: bool = True

    def __repr__(self) -> str:
        """Name the exercise."""
        return f"exercise({self.id!r})"

    def show(self, function: Function, *arguments: Any) -> Figure | None:
        """Draw what `function` makes of the example (or of `arguments`) and name what is broken.

        A wrong result is drawn too. Returns the figure, or None where there is nothing to draw.
        """
        arguments = arguments or self.example()
        try:
            result = function(*agreement.copy(arguments))
        except NotImplementedError:
            self._say(NOT_WRITTEN)
            return None
        except Exception as problem:
            self._say(_raised(problem, function))
            return None
        self._say(self.broken(result, arguments) or "nothing broken here; now check it")
        return self.draw(result)

    def check(self, function: Function, seed: int | None = None) -> None:
        """Try `function` on fresh random cases, print one line, and record a pass.

        `seed` repeats the cases that a message names. Where the environment's `LESSONS_STRICT` is
        1, a failure raises AssertionError instead.
        """
        seed = random.SystemRandom().randrange(1000) if seed is None else seed
        fault = self.fault(function, seed)
        if fault and os.environ.get("LESSONS_STRICT") == "1":
            raise AssertionError(f"{self.id} {self.title}: {fault}")
        self._say(fault or f"all {self.cases} cases agree")
        if not fault:
            self._record()

    def use(self, function: Function) -> Function:
        """Return `function` if it passes the check now, else the library's, and print which."""
        with contextlib.redirect_stdout(io.StringIO()):
            fault = self.fault(function, seed=0)
        if fault:
            self._say("the lesson goes on with the library's function until yours passes its check")
            return self.reference
        self._say("the lesson goes on with your function")
        return function

    def fault(self, function: Function, seed: int = 0) -> str | None:
        """Return the first fault found in the random cases of `seed`, or None if all agree."""
        generator = torch.Generator().manual_seed(seed)
        for case in range(self.cases):
            dtype = torch.float32 if case % 4 == 3 else torch.float64
            arguments = agreement.copy(self.instance(generator, case), dtype)
            fault = self._case_fault(function, arguments)
            if fault == NOT_WRITTEN:
                return fault
            if fault:
                return f"case {case + 1} of {self.cases} (seed={seed}): {fault}"
        return None

    def broken(self, result: Any, arguments: tuple[Any, ...]) -> str | None:
        """Return a sentence for the first thing that no right result of these arguments shows."""
        expected = self.reference(*agreement.copy(arguments))
        fault = agreement.difference(result, expected, tolerance=None)
        if fault:
            return fault
        found = (invariant(result, *arguments) for invariant in self.invariants)
        return next((sentence for sentence in found if sentence), None)

    def _case_fault(self, function: Function, arguments: tuple[Any, ...]) -> str | None:
        given = agreement.copy(arguments)
        try:
            result = function(*given)
            fault = self._value_fault(result, arguments)
            if fault:
                return fault
            if not agreement.same(given, arguments):
                return "the values agree, but your function changed its input: return a new one"
            return self._gradient_fault(function, arguments)
        except NotImplementedError:
            return NOT_WRITTEN
        except Exception as problem:
            return _raised(problem, function)

    def _value_fault(self, result: Any, arguments: tuple[Any, ...]) -> str | None:
        expected = self.reference(*agreement.copy(arguments))
        fault = agreement.difference(result, expected, self.tolerance)
        if fault is None:
            return None
        pairs = zip(self._names(), arguments, strict=False)
        given = "".join(f"\n  {name} = {agreement.text(value)}" for name, value in pairs)
        broken = self.broken(result, arguments)
        why = f"\n  {broken}" if broken and broken != fault else ""
        return (
            f"{fault}{given}\n  yours = {agreement.text(result)}"
            f"\n  library's = {agreement.text(expected)}{why}"
        )

    def _gradient_fault(self, function: Function, arguments: tuple[Any, ...]) -> str | None:
        if not self.gradients or any(
            leaf.dtype == torch.float32 for leaf in agreement.tensors(arguments)
        ):
            return None  # slopes are compared in float64, where they are exact enough
        return agreement.gradient_fault(
            function, self.reference, self._names(), arguments, self.tolerance
        )

    def _names(self) -> list[str]:
        return list(inspect.signature(self.reference).parameters)

    def _record(self) -> None:
        try:
            answers.put("exercises", self.id, {"passed": True, "title": self.title})
        except OSError as problem:
            warnings.warn(f"this pass could not be kept: {problem}", stacklevel=3)

    def _say(self, sentence: str) -> None:
        print(f"{self.id} {self.title}: {sentence}")


def exercise(id: str) -> Exercise:
    """Return the exercise of that id, such as "4.3". Raises ValueError for an unknown one."""
    from lessons_lib.exercise_bank import EXERCISES  # the bank is written in this module's terms

    if id not in EXERCISES:
        raise ValueError(f"expected one of the exercises {', '.join(EXERCISES)}, got {id!r}")
    return EXERCISES[id]


def _raised(problem: Exception, function: Function) -> str:
    """Say what was raised, and at which line of the learner's own cell."""
    first = getattr(getattr(function, "__code__", None), "co_filename", None)
    lines = [
        frame.lineno
        for frame in traceback.extract_tb(problem.__traceback__)
        if frame.filename == first
    ]
    where = f" at line {lines[-1]} of its cell" if lines else ""
    return f"raised {type(problem).__name__}{where}: {problem}"
