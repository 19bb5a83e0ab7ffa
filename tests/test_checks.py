"""Checks at the door: what was expected and what came, before anything can broadcast."""

import pytest
import torch

from lessons_lib.checks import expect


def test_what_fits_passes_and_fills_in_the_sizes():
    sizes = {"offsets": 3}
    weights, shift = torch.zeros(2, 4, 5), torch.zeros(2, 4, 3)
    expect(sizes, weights=(weights, "batch heads slots"), shift=(shift, "batch heads offsets"))
    assert sizes == {"offsets": 3, "batch": 2, "heads": 4, "slots": 5}


@pytest.mark.parametrize(
    ("tensor", "message"),
    [
        (torch.zeros(8, 4), r"expected weights \(batch, heads, slots\), got \(8, 4\)"),
        (torch.zeros(()), r"expected weights \(batch, heads, slots\), got \(\)"),
        (
            torch.zeros(1, 2, 5),
            r"expected weights \(batch, heads, slots\) with slots = 4, got \(1, 2, 5\)",
        ),
        (
            torch.zeros(1, 2, 4, dtype=torch.float64),
            r"expected weights in torch.float32 like memory, got torch.float64",
        ),
        (
            torch.zeros(1, 2, 4, dtype=torch.long),
            r"expected weights in a floating-point dtype, got torch.int64",
        ),
        (torch.zeros(1, 2, 4, device="meta"), r"expected weights on cpu like memory, got meta"),
        ([[1.0]], r"expected weights to be a torch.Tensor, got list"),
    ],
)
def test_what_does_not_fit_is_named(tensor, message):
    memory = torch.zeros(1, 4, 3)
    with pytest.raises(ValueError, match=message):
        expect({}, memory=(memory, "batch slots width"), weights=(tensor, "batch heads slots"))


def test_a_size_of_one_does_not_broadcast():
    with pytest.raises(ValueError, match=r"with batch = 2, got \(1, 3\)"):
        expect({}, a=(torch.zeros(2, 3), "batch units"), b=(torch.zeros(1, 3), "batch units"))
