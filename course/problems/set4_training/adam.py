"""Adam by hand, with its two bias corrections, and a bad batch left out."""

from __future__ import annotations

import copy
from collections.abc import Iterator

import torch
from torch import Generator, Tensor

from course.grading.declare import Arguments, Judge, Problem, Property, Trial
from course.grading.judges import difference, leaves_arguments, numbers, told
from course.problems.making import OWN_COPY, normal, repeated, uniform

SHAPE = (2, 3)
EPSILON = 1e-8


def adam_update(
    parameter: Tensor, gradient: Tensor, state: dict, rate: float, beta2: float
) -> tuple[Tensor, dict]:
    """Adam with β₁ = 0.9 (Kingma & Ba 2015, algorithm 1); a gradient with a NaN changes nothing."""
    if not bool(gradient.isfinite().all()):
        return parameter.clone(), copy.deepcopy(state)
    count = state["count"] + 1
    mean = 0.9 * state["mean"] + 0.1 * gradient
    square = beta2 * state["square"] + (1 - beta2) * gradient**2
    new = parameter - rate * step(mean, square, count, beta2)
    return new, {"count": count, "mean": mean, "square": square}


def step(mean: Tensor, square: Tensor, count: int, beta2: float) -> Tensor:
    """What update `count` takes away, for a rate of 1."""
    return (mean / (1 - 0.9**count)) / ((square / (1 - beta2**count)).sqrt() + EPSILON)


def first(g: Generator) -> Iterator[Arguments]:
    zeros = torch.zeros(SHAPE).double()
    state = {"count": 0, "mean": zeros, "square": zeros.clone()}
    yield normal(g, *SHAPE), normal(g, *SHAPE), state, 0.01, 0.999


def under_way(g: Generator, beta2: float | None = None) -> Iterator[Arguments]:
    count = int(torch.randint(1, 12, (1,), generator=g))
    state = {"count": count, "mean": normal(g, *SHAPE), "square": uniform(g, *SHAPE, low=0.1)}
    if beta2 is None:
        beta2 = float(uniform(g, 1, low=0.6, high=0.99))
    rate = float(uniform(g, 1, low=0.1, high=1.0))
    yield normal(g, *SHAPE), normal(g, *SHAPE), state, rate, beta2


def long_after(g: Generator) -> Iterator[Arguments]:
    """Updates so late that a bias correction does nothing."""
    parameter, gradient, state, rate, beta2 = next(under_way(g))
    yield parameter, gradient, state | {"count": 200_000}, rate, beta2


def bad(g: Generator) -> Iterator[Arguments]:
    for wrong in (torch.nan, torch.inf, -torch.inf):
        parameter, gradient, *rest = next(under_way(g))
        gradient[1, 2] = wrong
        yield parameter, gradient, *rest


def read(value: object) -> tuple[object, dict] | str:
    """Return the parameter and the state of an answer, or what is wrong with it."""
    if not isinstance(value, list | tuple) or len(value) != 2 or not isinstance(value[1], dict):
        return f"expected the parameter and the state, got {told(value)}"
    return value[0], value[1]


def judged(*names: str) -> Judge:
    """Ask for the reference's parameter ("parameter") and entries of the state."""

    def judge(trial: Trial) -> str | None:
        got = read(trial.value)
        if isinstance(got, str):
            return got
        for name in names:
            one, other = (
                (value[0] if name == "parameter" else value[1].get(name))
                for value in (got, trial.expected)
            )
            fault = difference(one, other, 1e-5)
            if fault:
                return f"{name}: {fault}"
        return None

    return judge


def stepped(trial: Trial) -> str | None:
    """Ask for the reference's step, or for the step that follows from the answer's averages."""
    fault = judged("parameter")(trial)
    got = read(trial.value)
    if fault is None or isinstance(got, str):
        return fault
    mean, square = (numbers(got[1].get(name)) for name in ("mean", "square"))
    parameter, _, state, rate, beta2 = trial.arguments
    if mean is None or square is None or not mean.shape == square.shape == parameter.shape:
        return fault
    wanted = parameter - rate * step(mean, square, state["count"] + 1, beta2)
    return None if difference(got[0], wanted, 1e-5) is None else fault


def leaves_all(trial: Trial) -> str | None:
    """Ask that the arguments are the same after the call, the state's entries too."""
    fault = leaves_arguments(trial)
    if fault:
        return fault
    before, after = trial.arguments[2], trial.after[2]
    same = isinstance(after, dict) and after.keys() == before.keys()
    if not same or any(difference(after[name], before[name], 0.0) for name in before):
        return "the state that was given was changed"
    return None


adam = Problem(
    "adam-by-hand",
    "answer-adam-by-hand",
    "adam_update",
    adam_update,
    (
        Property(
            "averages",
            2,
            "The state's two averages are wrong: each keeps a share β of what it was and takes "
            "1 − β of the new gradient, or of its square.",
            repeated(under_way),
            judged("mean", "square"),
        ),
        Property(
            "late step",
            2,
            "After thousands of updates the step is rate · mean / (√square + 10⁻⁸), downwards.",
            repeated(long_after),
            stepped,
        ),
        Property(
            "bias",
            3,
            "Early steps are wrong: both averages began at 0, and are divided by what is missing.",
            lambda g: (case for make in (first, under_way) for case in make(g)),
            stepped,
        ),
        Property("count", 1, "The state counts the updates.", repeated(under_way), judged("count")),
        Property(
            "bad batch",
            2,
            "A gradient with a NaN or an infinity must change nothing: not the parameter, not the "
            "averages, not the count.",
            bad,
            judged("parameter", "mean", "square", "count"),
        ),
        Property("own copy", 1, OWN_COPY, repeated(under_way), leaves_all, "arguments", side=True),
    ),
)
