"""The convolution stepper without a browser: what it computes, sends and refuses."""

from __future__ import annotations

import pytest
import torch

from lessons_lib.addressing import memory_scores
from lessons_lib.lntm import LNTM
from lessons_lib.widgets import ConvolutionStepper
from tests.test_widgets import run, sent


def test_the_products_add_up_to_the_scores_lntm_eq_6():
    stages = ConvolutionStepper().stages
    torch.testing.assert_close(stages["products"].sum((1, 2)), stages["scores"], rtol=0, atol=1e-5)


def test_the_pointers_are_the_librarys_lntm_eqs_6_to_10():
    torch.manual_seed(0)
    model = LNTM(3, 2, slots=5, width=4, hidden_size=8, read_pointers=3)
    trace = run(model)
    write, read = trace.write, trace.read
    stepper = ConvolutionStepper(
        trace.memory_before[2, 0],
        model.write_kernel[0],
        read_kernels=model.read_kernels,
        key=read.key[2, 0, 0],
    )
    stepper.sharpening.value = write.sharpening[2, 0, 0].item()
    numbers = sent(stepper.picture)
    for name, recorded in [("scores", write.scores), ("global_map", write.global_map)]:
        torch.testing.assert_close(numbers[name], recorded[2, 0, 0], rtol=0, atol=1e-6)
    torch.testing.assert_close(numbers["weights"], write.weights[2, 0, 0], rtol=0, atol=1e-6)
    stepper.memory = trace.memory_after[2, 0]
    stepper.key_strength.value = read.key_strength[2, 0, 0].item()
    for slider, gate in zip(stepper.gates, read.gate[2, 0], strict=True):
        slider.value = gate.item()
    numbers = sent(stepper.picture)
    torch.testing.assert_close(numbers["read_maps"], read.global_map[2, 0], rtol=0, atol=1e-6)
    torch.testing.assert_close(numbers["read_weights"], read.weights[2, 0], rtol=0, atol=1e-6)


def test_a_constant_start_makes_all_slots_alike_but_the_edges():
    stepper = ConvolutionStepper()
    stepper.start.value = "constant"
    weights = stepper.stages["weights"]
    torch.testing.assert_close(weights, torch.full((8,), 1 / 8), rtol=0, atol=1e-4)
    scores = stepper.stages["scores"]
    torch.testing.assert_close(scores[1:-1], scores[1].expand(6))
    assert scores[0] != scores[1]


def test_the_kernel_can_be_edited_and_the_gates_blend():
    stepper = ConvolutionStepper()
    stepper._boxes["kernel"].boxes[0][2].value = 5.0  # offset −1, number 2
    assert stepper.kernel[2, 0] == 5.0
    stepper.gates[0].value, stepper.gates[1].value = 1.0, 0.0
    stages = stepper.stages
    torch.testing.assert_close(stages["read_weights"][0], stages["content"])
    torch.testing.assert_close(stages["read_weights"][1], stages["read_maps"][1])


def test_the_position_stays_on_the_tape():
    stepper = ConvolutionStepper([[1.0, 2.0]])
    stepper.position = 7
    assert stepper.position == 0
    assert stepper.stages["weights"].tolist() == [1.0]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"kernel": torch.ones(4, 2)}, r"kernel \(4, odd k\), got \(4, 2\)"),
        ({"kernel": torch.ones(3, 3)}, r"kernel \(4, odd k\)"),
        ({"key": [1.0]}, r"key \(4,\)"),
        ({"read_kernels": torch.ones(4, 3)}, r"read_kernels \(maps, width, k\)"),
    ],
)
def test_kernels_that_do_not_fit_are_refused(given, message):
    with pytest.raises(ValueError, match=message):
        ConvolutionStepper(**given)


def edit(stepper: ConvolutionStepper, grid: str, row: int, column: int, number: float) -> None:
    """Tell the widget what its page tells it after an edit."""
    place = {"grid": grid, "row": row, "column": column, "number": number}
    stepper.picture._handle_custom_msg({"kind": "edit", **place}, [])


def test_an_edit_in_the_picture_changes_a_kernel_lntm_eq_6():
    stepper = ConvolutionStepper()
    edit(stepper, "kernel", 2, 3, 1.5)  # offset +1, number 3
    assert stepper.kernel[3, 2] == 1.5
    assert stepper._boxes["kernel"].boxes[2][3].value == 1.5
    edit(stepper, "read_kernel 1", 0, 2, -2.5)  # offset −1, number 2
    assert stepper.read_kernels[1, 2, 0] == -2.5
    edit(stepper, "key", 0, 1, 0.25)
    assert stepper.key[1] == 0.25
    memory = stepper.memory[None]
    expected = memory_scores(memory, torch.cat([stepper.kernel[None], stepper.read_kernels]))[0]
    torch.testing.assert_close(sent(stepper.picture)["scores"], expected[0], rtol=0, atol=1e-6)
    torch.testing.assert_close(sent(stepper.picture)["read_scores"], expected[1:])
    shown = sent(stepper.picture)["read_kernels"]  # (R, k, W): a row an offset
    torch.testing.assert_close(shown, stepper.read_kernels.transpose(1, 2), rtol=0, atol=0)


def test_every_pointers_sum_is_sent():
    stepper = ConvolutionStepper()
    torch.testing.assert_close(sent(stepper.picture)["sums"], torch.ones(4), rtol=0, atol=1e-6)


def test_a_nan_is_named_where_it_stands():
    stepper = ConvolutionStepper([[1.0, 2.0], [float("nan"), 0.0], [0.0, 1.0]])
    assert stepper.picture.problems[0] == "memory, slot 1, number 0, is NaN"
    assert stepper.picture.problems[1].startswith("not finite: softmax, w write")
    stepper = ConvolutionStepper(kernel=torch.full((4, 3), float("nan")))
    assert stepper.picture.problems[0] == "kernel has a number that is NaN or infinite"


@pytest.mark.parametrize("beta", [0.0, 1e4])
@pytest.mark.parametrize("gamma", [1.0, 1e3])
def test_extremes_leave_pointers_that_sum_to_1(beta, gamma):
    stepper = ConvolutionStepper()
    stepper.key_strength.value, stepper.sharpening.value = beta, gamma
    assert stepper.picture.problems == []
    torch.testing.assert_close(sent(stepper.picture)["sums"], torch.ones(4), rtol=0, atol=1e-5)


def test_another_number_of_read_kernels_is_refused_later_but_free_at_the_start():
    stepper = ConvolutionStepper(read_kernels=torch.ones(5, 4, 3))
    assert len(stepper.gates) == 5
    with pytest.raises(ValueError, match="expected 5 read kernels, got 2"):
        stepper.read_kernels = torch.ones(2, 4, 3)


def test_a_memory_of_ones_own_becomes_a_start_beside_the_others():
    stepper = ConvolutionStepper()
    stepper.memory = torch.ones(8, 4)
    assert stepper.start.value == "given"
    stepper.start.value = "constant"
    assert stepper.memory.unique().tolist() == pytest.approx([1e-6])
    stepper.start.value = "given"
    assert stepper.memory.unique().tolist() == [1]
    with pytest.raises(ValueError, match=r"expected memory \(8, 4\), got \(2, 4\)"):
        stepper.memory = torch.ones(2, 4)
