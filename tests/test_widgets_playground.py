"""The addressing playground without a browser: what it computes, sends and refuses."""

from __future__ import annotations

import ipywidgets
import pytest
import torch

from lessons_lib.addressing import circular_shift, content_weights, interpolate, sharpen
from lessons_lib.widgets import AddressingPlayground, controls
from lessons_lib.widgets.playground import PRESETS
from tests.test_widgets import lntm_trace, ntm_trace, sent

STAGES = ["previous", "content", "interpolated", "shifted", "weights"]


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


def test_a_nan_is_named_where_it_stands_and_followed_to_what_it_reaches():
    play = AddressingPlayground([[1.0, 2.0], [float("nan"), 1.0]])
    assert play.picture.problems == [
        "memory, slot 1, number 0, is NaN",
        "not finite: wᶜ, wᵍ, w̃, w",
    ]
    edit(play, "memory", 1, 0, 0.5)
    assert play.picture.problems == []
    assert play._boxes["memory"].boxes[1][0].value == 0.5


def test_a_key_strength_beyond_float32_is_named_and_infinity_is_refused():
    play = AddressingPlayground()
    play.key_strength.value = 1e39
    assert "too large for a float32" in play.picture.problems[0]
    with pytest.raises(ValueError, match="expected a finite number, got inf"):
        play.gate.value = float("inf")


def edit(play: AddressingPlayground, grid: str, row: int, column: int, number: float) -> None:
    """Tell the widget what its page tells it after an edit."""
    place = {"grid": grid, "row": row, "column": column, "number": number}
    play.picture._handle_custom_msg({"kind": "edit", **place}, [])


def test_an_edit_in_the_picture_changes_memory_key_boxes_and_stages():
    play = AddressingPlayground()
    edit(play, "memory", 2, 1, -0.3)
    edit(play, "key", 0, 0, 0.7)
    assert play.memory[2].tolist() == pytest.approx([0, -0.3, 1])
    assert play.key.tolist() == pytest.approx([0.7, 1, 1])
    assert play._boxes["memory"].boxes[2][1].value == -0.3  # as typed, not as a float32 prints
    assert play.picture.lit == "content"
    for name, expected in zip(STAGES, by_hand(play), strict=True):
        torch.testing.assert_close(sent(play.picture)[name], expected, rtol=0, atol=1e-6)
    before = play.memory
    edit(play, "memory", 0, 0, float("nan"))  # no page sends it; it is no number to take
    assert torch.equal(play.memory, before)


def test_a_slot_chosen_in_the_picture_gets_the_head():
    play = AddressingPlayground()
    play.picture._handle_custom_msg({"kind": "choose", "grid": "previous", "row": 4}, [])
    assert play.previous.tolist() == [0, 0, 0, 0, 1, 0]
    assert play.picture.lit == "previous"


def test_reading_a_tensor_gives_a_copy():
    play = AddressingPlayground()
    play.memory[0, 0] = 9
    assert play.memory[0, 0] == 1


def test_a_previous_weighting_that_is_nan_is_drawn_and_named():
    play = AddressingPlayground([[float("nan"), 1.0], [0.0, 1.0]])
    play.keep()
    assert "previous, number 0, is NaN (and 1 more)" in play.picture.problems


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


def boxes(play: AddressingPlayground) -> dict[str, ipywidgets.FloatText]:
    """Return the box beside each slider, by the slider's name."""
    rows = [*play.children[2].children[0].children, *play.shift.children]
    return {row.children[0].description: row.children[1] for row in rows}


def test_the_box_beside_a_slider_shows_and_sets_the_number_that_is_used():
    play = AddressingPlayground()
    shown = boxes(play)
    play.key_strength.value = 2.7612345
    assert shown["β key strength"].value == 2.7612345
    play.key_strength.set_state({"value": 2.8})  # the browser rounds the handle
    assert shown["β key strength"].value == play.key_strength.value == 2.7612345
    shown["γ sharpening"].value = 1.234
    assert play.sharpening.value == 1.234
    shown["g gate"].value = 7  # the slider has an end
    assert shown["g gate"].value == play.gate.value == 1
    shown["s(+1) step forward"].value = 0.123
    assert play.shift.value == pytest.approx((0, 0.877, 0.123))
    for slider in play.shift.sliders:
        assert shown[slider.description].value == slider.value


def test_a_half_step_is_rounded_up_as_the_browser_does_and_the_next_move_counts():
    slider = controls.slider("x", 2.75, 0.0, 10.0, 0.1)
    slider.set_state({"value": 2.8})
    assert slider.value == 2.75
    slider.set_state({"value": 2.7})
    assert slider.value == 2.7


def test_short_writes_a_float32_in_few_digits():
    for number in (0.3, 1e-6, 12.5, 0.9998709):
        kept = torch.tensor(number)
        assert controls.short(kept.item()) == number
        assert torch.equal(torch.tensor(controls.short(kept.item())), kept)


def test_a_trained_heads_playground_has_no_challenge_and_opens_exactly():
    play = AddressingPlayground.from_trace(ntm_trace(), 2)
    assert play.mode not in play.children
    head = ntm_trace().read
    assert torch.equal(torch.tensor(play.gate.value), head.gate[2, 0, 0])


def test_the_mode_switches_between_sliders_and_challenge():
    play = AddressingPlayground()
    assert play.challenge is None  # made when it is opened
    play.mode.value = "challenge"
    assert play.challenge in play.children
    assert play.picture not in play.children
    play.mode.value = "explore"
    assert play.picture in play.children
