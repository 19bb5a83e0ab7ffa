"""Set 3's machine: what a student tries a program on is what the grader tries it on."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional

from course.problems.set3_addressing import machine
from tests.problem_sets import given

SET = "set3_addressing"
LENGTH = 3


def program(seed: int) -> dict[str, torch.Tensor]:
    """A program that the machine takes, and that does nothing sensible."""
    generator = torch.Generator().manual_seed(seed)
    steps = 3 * LENGTH

    def between(low: float, high: float, *shape: int) -> torch.Tensor:
        return low + (high - low) * torch.rand(steps, *shape, generator=generator)

    told = {"erase": between(0, 1), "add": between(0, 1)}
    for head in ("write", "read"):
        shares = torch.softmax(between(-2, 2, 3), dim=-1)
        told[f"{head}_key"] = between(-1, 1, machine.WIDTH)
        told[f"{head}_key_strength"] = between(0, 20)
        told[f"{head}_gate"] = between(0, 1)
        told[f"{head}_shift"] = 0.1 + 0.7 * shares
        told[f"{head}_sharpening"] = between(1, 5)
    return told


@pytest.fixture(scope="module")
def run_machine():
    return given(SET)["run_machine"]


@pytest.mark.parametrize("seed", range(3))
def test_the_students_machine_is_the_graders(seed, run_machine):
    items, mark, _, start = machine.surroundings(torch.Generator().manual_seed(seed), LENGTH)
    dirt = torch.rand(machine.SLOTS, 8, generator=torch.Generator().manual_seed(seed)).double()
    told = program(seed)
    reads, tape = run_machine(told, items.float(), mark.float(), start=start, seed=seed)
    wanted = machine.run(told, items, mark, dirt, start)
    torch.testing.assert_close(reads.double(), wanted[0], atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(tape.double(), wanted[1], atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"add": None}, "expected a tensor 'add'"),
        ({"add": torch.zeros(2)}, r"expected add of shape \(9,\), got \(2,\)"),
        ({"erase": torch.full((9,), 1.5)}, "leaves the range from 0 to 1"),
        ({"erase": torch.full((9,), torch.nan)}, "NaN"),
        ({"read_sharpening": torch.full((9,), 60.0)}, "leaves the range from 1 to 50"),
        ({"read_shift": torch.tensor([0.0, 1.0, 0.0]).repeat(9, 1)}, "the gears are worn"),
        ({"read_shift": torch.full((9, 3), 0.3)}, "does not sum to 1"),
    ],
)
def test_a_program_that_the_machine_refuses_is_told_why(change, said):
    with pytest.raises(machine.RefusedError, match=said):
        machine.checked(program(0) | change, 9)
    with pytest.raises(machine.RefusedError, match="expected a dict"):
        machine.checked([1, 2], 9)


def test_no_item_comes_twice():
    items, mark, _, _ = machine.surroundings(torch.Generator().manual_seed(0), 12)
    assert len({tuple(item.tolist()) for item in items}) == 12
    assert functional.cosine_similarity(mark, mark, dim=0) == pytest.approx(1)
