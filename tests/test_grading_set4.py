"""Set 4's machine: each sick part shows its symptom, and the solution mends that part."""

from __future__ import annotations

import pytest
import torch

from course.grading.declare import Case, Trial
from course.problems.set4_training.walking import a_power, anyhow, moved, walk
from tests.problem_sets import given

SET = "set4_training"


@pytest.fixture(scope="module")
def names() -> dict:
    """What a notebook with every solution defines, without its visible tests."""
    return given(SET, solved=True)


def mended(names: dict, *parts: str) -> dict:
    healthy = {"find": names["find"], "walk": names["walk"], "start": names["start_heads"]}
    return names["SICK"] | {part: healthy[part] for part in parts}


def test_the_sick_search_stops_the_training_and_the_mended_one_does_not(names, capsys):
    names["train"](names["SICK"], updates=3)
    assert "update 0: loss 0.7" in capsys.readouterr().out
    names["train"](mended(names, "find"), updates=3)
    assert "stopped" not in capsys.readouterr().out


def test_the_sick_walk_blurs_and_the_mended_one_does_not(names):
    """Twenty steps of 0.8 with a large sharpness, from one slot of 12."""
    largest = {}
    for name in ("sick_walk", "walk"):
        weights = torch.eye(12)[:1, None]
        for _ in range(20):
            weights = names[name](weights, torch.full((1, 1), 0.8), torch.full((1, 1), 3.0))
        largest[name] = float(weights.max())
    assert largest["sick_walk"] < 0.3
    assert largest["walk"] > 0.9


def test_the_sick_start_spreads_on_a_longer_tape_and_the_mended_one_does_not(names):
    logits = names["Machine"](names["SICK"]).start
    sick, healthy = (names[name](logits, 48) for name in ("sick_start", "start_heads"))
    assert sick.max() < 0.35
    assert healthy.max() == logits.softmax(-1).max() > 0.9


def test_heads_are_drawn(names):
    machine = names["Machine"](mended(names, "find", "walk", "start"))
    assert len(names["show_heads"](machine, 48).axes) >= 2


@pytest.mark.parametrize("seed", range(5))
def test_a_power_asks_for_the_order_and_not_for_the_power(seed):
    generator = torch.Generator().manual_seed(seed)
    weights, speed, sharpness = next(anyhow(generator))
    case = Case((weights, speed, sharpness), (moved(weights, speed), moved(weights, -speed)))

    def said(value: torch.Tensor) -> str | None:
        return a_power(Trial(case.arguments, case.secret, value=value))

    assert said(walk(weights, speed, sharpness)) is None
    assert said(walk(weights, -speed, sharpness + 1)) is None  # the direction is asked elsewhere
    assert said(moved(weights, speed) ** 0.3) is None
    assert said(moved(walk(weights, 0 * speed, sharpness), speed)) is not None
    assert said(weights) is not None
    assert said(torch.full_like(weights, torch.nan)) is not None
