"""The widgets without a browser: what they compute, what they send, what they refuse."""

from __future__ import annotations

import re

import ipywidgets
import matplotlib.figure
import pytest
import torch

from lessons_lib.addressing import circular_shift, content_weights, interpolate, sharpen
from lessons_lib.lntm import LNTM
from lessons_lib.ntm import NTM
from lessons_lib.recurrent import GRU, LSTM, RNN
from lessons_lib.trace import HeadTrace, Trace
from lessons_lib.widgets import AddressingPlayground, ConvolutionStepper, TapeStepper
from lessons_lib.widgets.base import HERE, Picture, pack, script
from lessons_lib.widgets.playground import PRESETS

STAGES = ["previous", "content", "interpolated", "shifted", "weights"]


def sent(picture: Picture) -> dict[str, torch.Tensor]:
    """Read back what the browser gets, from the buffer and its index alone."""
    flat = torch.frombuffer(bytearray(picture.numbers), dtype=torch.float32)
    return {
        name: flat[place["start"] :][: torch.Size(place["shape"]).numel()].view(place["shape"])
        for name, place in picture.index.items()
    }


def run(model: torch.nn.Module, steps: int = 6, batch: int = 2) -> Trace:
    generator = torch.Generator().manual_seed(0)
    return model(torch.randn(steps, batch, model.input_size, generator=generator), trace=True)[-1]


def ntm_trace(**options) -> Trace:
    torch.manual_seed(0)
    return run(NTM(3, 2, **{"slots": 5, "width": 4, "hidden_size": 8, **options}))


def lntm_trace(**options) -> Trace:
    torch.manual_seed(0)
    return run(LNTM(3, 2, **{"slots": 5, "width": 4, "hidden_size": 8, **options}))


def focused_trace(slots: int, used: list[int]) -> Trace:
    """A made-up run on a long tape, whose one head visits these slots, one a step."""
    weights = torch.nn.functional.one_hot(torch.tensor(used), slots).float()[:, None, None]
    memory = torch.zeros(len(used), 1, slots, 2)
    head = HeadTrace(weights=weights)
    inputs = torch.zeros(len(used), 1, 1)
    return Trace(
        inputs=inputs,
        hidden=inputs,
        read=head,
        write=head,
        memory_before=memory,
        memory_after=memory,
    )


# --- What all share -----------------------------------------------------------------------------


def test_a_script_is_one_module_without_imports():
    for path in HERE.glob("*.js"):
        if path.name == "shared.js":
            continue
        text = script(path.name)
        assert not re.search(r"^import ", text, re.MULTILINE)
        assert len(re.findall(r"^export ", text, re.MULTILINE)) == 1  # the widget's own default
        assert "http" not in text  # nothing is fetched


def test_equations_are_not_written_again_in_javascript():
    for path in HERE.glob("*.js"):
        assert not re.search(r"Math\.(exp|log|tanh|cos|sin)\b", path.read_text(encoding="utf-8"))


def test_numbers_travel_as_they_are_nan_and_infinity_too():
    odd = torch.tensor([[1.5, float("nan")], [float("inf"), -0.1]])
    numbers, index = pack({"one": torch.ones(3, dtype=torch.float64), "odd": odd})
    assert index["odd"] == {"start": 3, "shape": [2, 2]}
    back = torch.frombuffer(bytearray(numbers), dtype=torch.float32)[3:].view(2, 2)
    torch.testing.assert_close(back, odd, equal_nan=True, rtol=0, atol=0)


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (AddressingPlayground, "AddressingPlayground(6 slots × 3)"),
        (ConvolutionStepper, "ConvolutionStepper(8 slots × 4, 2 read maps)"),
        (lambda: TapeStepper(ntm_trace()), "TapeStepper(6 steps)"),
    ],
)
def test_the_repr_is_the_same_every_time(make, text):
    assert repr(make()) == text
    bundle = make()._repr_mimebundle_()
    shown = bundle[0] if isinstance(bundle, tuple) else bundle
    assert shown["text/plain"] == text


# --- Addressing playground ----------------------------------------------------------------------


def by_hand(play: AddressingPlayground) -> list[torch.Tensor]:
    names = ("key_strength", "gate", "sharpening")
    one = [torch.tensor([[getattr(play, name).value]]) for name in names]
    previous = play.previous[None, None]
    content = content_weights(play.memory[None], play.key[None, None], one[0])
    interpolated = interpolate(content, previous, one[1])
    shifted = circular_shift(interpolated, torch.tensor(play.shift.value)[None, None])
    stages = [previous, content, interpolated, shifted, sharpen(shifted, one[2])]
    return [stage[0, 0] for stage in stages]


def test_the_playground_sends_the_librarys_numbers_ntm_eqs_5_to_9():
    play = AddressingPlayground()
    play.key_strength.value, play.gate.value, play.sharpening.value = 3.3, 0.4, 2.5
    play.shift.value = (0.1, 0.7, 0.2)
    numbers = sent(play.picture)
    for name, expected in zip(STAGES, by_hand(play), strict=True):
        torch.testing.assert_close(numbers[name], expected, rtol=0, atol=1e-6)
        torch.testing.assert_close(play.stages[name], expected, rtol=0, atol=1e-6)
    torch.testing.assert_close(numbers["sums"], torch.ones(5), rtol=0, atol=1e-5)


def test_a_slider_lights_the_stage_it_changes():
    play = AddressingPlayground()
    changed = {"gate": "interpolated", "key_strength": "content", "sharpening": "weights"}
    for name, stage in changed.items():
        getattr(play, name).value = 0.5 if name == "gate" else 2.0
        assert play.picture.lit == stage
    play.shift.forward.value = 0.3
    assert play.picture.lit == "shifted"


def test_the_three_shift_handles_stay_a_distribution():
    shift = AddressingPlayground().shift
    shift.value = (1, 1, 2)
    assert shift.value == (0.25, 0.25, 0.5)
    shift.forward.value = 0.8  # the others keep their proportion
    assert shift.value == pytest.approx((0.1, 0.1, 0.8))
    shift.stay.value = 1.0
    assert shift.value == pytest.approx((0, 1, 0))
    shift.stay.value = 0.5  # the others had none: they share
    assert shift.value == pytest.approx((0.25, 0.5, 0.25))
    assert [one.value for one in shift.sliders] == pytest.approx([0.25, 0.5, 0.25])
    with pytest.raises(ValueError, match="not all 0"):
        shift.value = (0, 0, 0)


@pytest.mark.parametrize("beta", [0.0, 1e4])
@pytest.mark.parametrize("gamma", [1.0, 1e3])
def test_extremes_are_drawn_and_the_slider_widens(beta, gamma):
    play = AddressingPlayground()
    play.key_strength.value, play.sharpening.value = beta, gamma
    assert play.key_strength.value == beta
    assert play.sharpening.value == gamma
    assert play.stages["weights"].sum().item() == pytest.approx(1, abs=1e-5)
    assert play.picture.problems == []


def test_the_gate_stays_between_0_and_1():
    play = AddressingPlayground()
    play.gate.value = 3
    assert play.gate.value == 1


def test_every_preset_sets_all_sliders():
    play = AddressingPlayground()
    for name, (beta, gate, shift, gamma) in PRESETS.items():
        play.preset(name)
        sliders = (play.key_strength, play.gate, play.sharpening)
        assert tuple(slider.value for slider in sliders) == (beta, gate, gamma)
        assert play.shift.value == shift
    with pytest.raises(ValueError, match="find by content"):
        play.preset("jump")


def test_presets_do_what_they_say():
    play = AddressingPlayground()
    play.preset("find by content")
    assert play.stages["weights"].argmax() == 4  # the slot that equals the key
    play.preset("step right")
    assert play.stages["weights"].tolist() == pytest.approx([0, 0, 1, 0, 0, 0])
    play.preset("jump then step")
    assert play.stages["weights"].argmax() == 5


def test_keep_makes_the_result_the_next_previous_weighting():
    play = AddressingPlayground()
    play.preset("step right")
    for expected in (3, 4, 5, 0):  # it wraps around: NTM eq. 8
        play.keep()
        assert play.stages["weights"].argmax() == expected


def test_memory_and_key_can_be_set_and_edited():
    play = AddressingPlayground()
    play.memory = [[1, 0], [0, 1]]
    assert play.key.tolist() == [1, 0]
    assert play.previous.tolist() == [0, 1]
    play._boxes["memory"].boxes[1][0].value = 0.5
    assert play.memory.tolist() == [[1, 0], [0.5, 1]]
    torch.testing.assert_close(sent(play.picture)["memory"], play.memory)
    play._boxes["key"].boxes[0][1].value = 2.0
    assert play.key.tolist() == [1, 2]


def test_one_slot_gets_all_the_weight():
    play = AddressingPlayground([[0.3, 0.1]])
    play.preset("blur and sharpen")
    assert play.stages["weights"].tolist() == [1.0]


def test_a_nan_in_the_memory_is_named():
    play = AddressingPlayground([[1.0, float("nan")], [0.0, 1.0]])
    assert any("content is not finite" in problem for problem in play.picture.problems)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"memory": [1, 2]}, r"memory \(slots, width\), got \(2,\)"),
        ({"key": [1, 2]}, r"key \(3,\), got \(2,\)"),
        ({"previous": [0.5] * 6}, "distribution, got sum 3"),
        ({"memory": []}, "memory"),
        ({"memory": "abc"}, "memory as numbers"),
    ],
)
def test_numbers_that_do_not_fit_are_refused(given, message):
    with pytest.raises(ValueError, match=message):
        AddressingPlayground(**given)


@pytest.mark.parametrize("which", ["read", "write"])
def test_a_trained_heads_stages_are_those_of_its_trace(which):
    trace = ntm_trace(read_heads=2)
    play = AddressingPlayground.from_trace(trace, 3, head=0, which=which, sequence=1)
    for name in STAGES:
        recorded = getattr(getattr(trace, which), name)[3, 1, 0]
        torch.testing.assert_close(play.stages[name], recorded, rtol=0, atol=1e-6)


def test_a_head_that_does_not_shift_is_refused():
    with pytest.raises(ValueError, match="of an NTM"):
        AddressingPlayground.from_trace(lntm_trace(), 0)
    with pytest.raises(ValueError, match="below"):
        AddressingPlayground.from_trace(ntm_trace(), 99)


# --- Tape stepper -------------------------------------------------------------------------------


def test_the_stepper_sends_the_sequences_numbers():
    trace = ntm_trace()
    numbers = sent(TapeStepper(trace, sequence=1))
    torch.testing.assert_close(numbers["memory_after"], trace.memory_after[:, 1])
    torch.testing.assert_close(numbers["memory_before"], trace.memory_before[:1, 1])  # then chained
    torch.testing.assert_close(numbers["write.weights"], trace.write.weights[:, 1])
    torch.testing.assert_close(numbers["read.gate"], trace.read.gate[:, 1])
    torch.testing.assert_close(numbers["erase_vector"], trace.erase_vector[:, 1])


@pytest.mark.parametrize("model", [RNN, LSTM, GRU])
def test_a_machine_without_memory_is_drawn_by_its_units(model):
    torch.manual_seed(0)
    trace = run(model(3, 2, hidden_size=4))
    stepper = TapeStepper(trace)
    numbers = sent(stepper)
    torch.testing.assert_close(numbers["hidden"], trace.hidden[:, 0])
    assert set(stepper.names) <= set(numbers)
    assert "memory_after" not in numbers


def test_the_step_stays_in_the_run():
    stepper = TapeStepper(lntm_trace())
    stepper.step = 99
    assert stepper.step == 5
    stepper.step = -3
    assert stepper.step == 0
    stepper.read_head = 99
    assert stepper.read_head == 7


def test_labels_and_numbers_take_the_place_of_inputs_and_outputs():
    stepper = TapeStepper(ntm_trace(), inputs=list("abcdef"), outputs=torch.ones(6, 4))
    assert stepper.labels == {"inputs": list("abcdef")}
    assert sent(stepper)["outputs"].shape == (6, 4)
    with pytest.raises(ValueError, match="expected 6 labels or rows as inputs, got 2"):
        TapeStepper(ntm_trace(), inputs=["a", "b"])


def test_a_nan_in_a_trace_is_named_and_sent_as_it_is():
    trace = ntm_trace()
    trace.memory_after[3:] = float("nan")
    stepper = TapeStepper(trace)
    assert any("memory_after is not finite from step 3" in problem for problem in stepper.problems)
    assert sent(stepper)["memory_after"][3:].isnan().all()


def test_a_padded_run_sends_the_memory_before_each_step():
    torch.manual_seed(0)
    model = LNTM(3, 2, slots=5, width=4, hidden_size=8)
    trace = model(torch.randn(6, 1, 3), lengths=torch.tensor([4]), trace=True)[-1]
    before = sent(TapeStepper(trace))["memory_before"]
    if len(before) > 1:  # the steps do not chain: all are sent
        torch.testing.assert_close(before, trace.memory_before[:, 0])
    cut = sent(TapeStepper(trace.cut(4)))
    assert len(cut["memory_before"]) == 1


def test_one_step_one_slot_and_no_step():
    torch.manual_seed(0)
    trace = run(NTM(3, 2, slots=1, width=2, hidden_size=4), steps=1)
    assert sent(TapeStepper(trace))["memory_after"].shape == (1, 1, 2)
    with pytest.raises(ValueError, match="at least one step"):
        TapeStepper(trace.cut(0))
    with pytest.raises(ValueError, match="sequence from 0 to 1"):
        TapeStepper(trace, sequence=2)


def test_a_long_tape_shows_the_used_stretch_around_its_end():
    stepper = TapeStepper(focused_trace(128, [126, 127, 0, 1, 2]))
    assert stepper.slots == [126, 127, 0, 1, 2, 3]
    assert "6 of 128 slots" in stepper.note
    assert sent(stepper)["write.weights"].shape == (5, 1, 6)
    every = TapeStepper(focused_trace(128, [0, 1]), slots="all")
    assert len(every.slots) == 128
    assert every.note == ""
    with pytest.raises(ValueError, match="slots from 0 to 127"):
        TapeStepper(focused_trace(128, [0]), slots=[200])


def test_the_largest_tape_of_the_course_stays_small():
    torch.manual_seed(0)
    trace = run(NTM(10, 8, slots=128, width=20), steps=240, batch=1)
    assert len(TapeStepper(trace, slots="all").numbers) * 4 / 3 < 8e6  # base64 in a notebook


# --- Convolution stepper ------------------------------------------------------------------------


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


# --- Print --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "make",
    [
        AddressingPlayground,
        ConvolutionStepper,
        lambda: TapeStepper(ntm_trace(), inputs=list("abcdef")),
        lambda: TapeStepper(lntm_trace()),
        lambda: TapeStepper(run(LSTM(3, 2, hidden_size=6)), inputs=list("abcdef")),
        lambda: TapeStepper(focused_trace(128, [0, 1, 2])),
    ],
)
def test_every_widget_has_a_still_figure(make):
    figure = make().still()
    assert isinstance(figure, matplotlib.figure.Figure)
    figure.canvas.draw()  # it can be drawn
    assert len(figure.axes) >= 2


def test_controls_are_ordinary_ipywidgets():
    play = AddressingPlayground()
    for control in (play.key_strength, play.gate, play.sharpening, play.shift.back):
        assert isinstance(control, ipywidgets.FloatSlider)


def test_a_slider_keeps_the_number_that_code_set_when_the_browser_sends_its_rounding():
    playground = AddressingPlayground()
    playground.sharpening.value = 2.76
    playground.shift.value = (0.023, 0.958, 0.019)
    kept = playground.shift.value
    playground.sharpening.set_state({"value": 2.8})  # the step is 0.1
    playground.shift.back.set_state({"value": 0.02})
    assert playground.sharpening.value == 2.76
    assert playground.shift.value == kept
    playground.sharpening.set_state({"value": 2.9})  # a real move
    assert playground.sharpening.value == 2.9
