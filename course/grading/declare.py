"""The terms in which a problem set is written (course/README.md shows how).

A set is a module in `course/problems/`, named as its notebook, with a tuple `PROBLEMS`. A problem
names the function that a student writes, a reference, and properties. A property makes random
cases, judges what the student's function made of them, and is worth points.
"""

from __future__ import annotations

import hashlib
import importlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Literal

import torch
from torch import Generator, Tensor

Arguments = tuple[Any, ...]


@dataclass(frozen=True)
class Case:
    """The arguments of a call, and what only the judge may know of it."""

    arguments: Arguments
    secret: Any = None


@dataclass
class Trial:
    """One call of a student's function, and what is to be thought of it.

    Attributes:
        arguments: what the function was given.
        expected: what the reference returns for them; None without a reference.
        slopes: the reference's gradients, one for each floating tensor among the arguments.
        mix: the gradients are those of Σ mix · value.
        value: what the student's function returned.
        gradients: the student's gradients, or None where nothing flows.
        after: the arguments after the call.
        secret: what the case keeps from the student's process.
    """

    arguments: Arguments
    secret: Any = None
    expected: Any = None
    slopes: list[Tensor | None] = field(default_factory=list)
    mix: Tensor | None = None
    value: Any = None
    gradients: list[Tensor | None] | None = None
    after: list[Any] | None = None


Judge = Callable[[Trial], "str | None"]  # None: it holds; else what is wrong, in a few words


@dataclass(frozen=True)
class Property:
    """One thing that a right answer shows, and its points.

    Attributes:
        name: one or two words; the answer bank names what a wrong answer loses by it.
        points: its worth.
        lost: what a student reads who lost it: a sentence that helps, without the solution.
        cases: makes the arguments of each call (or a `Case`) from a random generator. Cases of one
            property should leave alone what others ask for, so that one mistake costs once.
        judge: says of one trial whether the property holds; see `judges`.
        watch: what the judge needs besides the value.
        side: it counts only where the answer has earned some other property, so that a function
            that does nothing does not earn "leaves its arguments alone".
    """

    name: str
    points: float
    lost: str
    cases: Callable[[Generator], Iterable[Arguments | Case]]
    judge: Judge
    watch: Literal["value", "slopes", "arguments"] = "value"
    side: bool = False

    def trials(self, problem: Problem, seed: int) -> list[Trial]:
        """Make the trials of one grading run, the same for every student."""
        generator = seeded(seed, problem.id, self.name)
        made = [self._trial(problem, case, generator) for case in self.cases(generator)]
        if not made:
            raise ValueError(f"expected cases of {problem.id}, {self.name}, got none")
        return made

    def _trial(self, problem: Problem, case: Arguments | Case, generator: Generator) -> Trial:
        case = case if isinstance(case, Case) else Case(case)
        trial = Trial(case.arguments, case.secret)
        if problem.reference is None:
            return trial
        leaves, given = _leaves(case.arguments, self.watch == "slopes")
        value = problem.reference(*given)
        if self.watch == "slopes":
            trial.mix = torch.rand(value.shape, generator=generator, dtype=value.dtype)
            total = (value * trial.mix).sum()
            trial.slopes = list(torch.autograd.grad(total, leaves, allow_unused=True))
        trial.expected = value.detach() if isinstance(value, Tensor) else value
        return trial


@dataclass(frozen=True)
class Problem:
    """One autograded problem.

    Attributes:
        id: the id of its cell of marks in the notebook.
        cell: the id of the cell that a student answers in.
        function: the name that the answer must define.
        reference: the solution, called like the student's function. None where the properties
            judge without one.
        properties: what is tried.
        calls: the problems whose answers this one may call.
    """

    id: str
    cell: str
    function: str
    reference: Callable[..., Any] | None
    properties: tuple[Property, ...]
    calls: tuple[str, ...] = ()

    @property
    def points(self) -> float:
        """The points of the problem."""
        return sum(each.points for each in self.properties)


def problems_of(notebook: str, package: str = "course.problems") -> tuple[Problem, ...]:
    """Return the problems of a notebook. Raises ValueError where there are none."""
    name = f"{package}.{notebook}"
    try:
        module = importlib.import_module(name)
    except ModuleNotFoundError as problem:
        if problem.name not in (name, package):
            raise
        raise ValueError(f"expected a module {name} with PROBLEMS, got none") from problem
    found = module.PROBLEMS
    for kind in ("id", "cell"):
        names = [getattr(problem, kind) for problem in found]
        if len(set(names)) < len(names):
            raise ValueError(f"{notebook}: two problems have one {kind} in {names}")
    return found


def seeded(*names: Any) -> Generator:
    """Return a generator whose numbers follow from the names."""
    digest = hashlib.sha256(repr(names).encode()).digest()
    return torch.Generator().manual_seed(int.from_bytes(digest[:7], "big"))


def _leaves(arguments: Arguments, slopes: bool) -> tuple[list[Tensor], Arguments]:
    given = tuple(
        item.clone().requires_grad_(slopes and item.is_floating_point())
        if isinstance(item, Tensor)
        else item
        for item in arguments
    )
    return [item for item in given if isinstance(item, Tensor) and item.requires_grad], given
