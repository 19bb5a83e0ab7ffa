"""The NTM as a machine: starts, ranges, heads, another tape; see test_models for its interface."""

import copy

import pytest
import torch

from lessons_lib.ntm import NTM
from tests.machines import INPUTS, NTMS, OUTPUTS, assert_same, make, sequence, slopes

each_ntm = pytest.mark.parametrize("name", NTMS)


@each_ntm
def test_every_number_of_a_head_is_in_its_range(name):
    """NTM §3.3: β > 0, g in (0, 1), s on the simplex, γ ≥ 1; e in (0, 1)."""
    model = make(name)
    record = model(100 * sequence(6), trace=True)[2]
    for head in (record.read, record.write):
        assert (head.key.abs() <= 1).all()
        assert (head.key_strength > 0).all()
        assert ((head.gate > 0) & (head.gate < 1)).all()
        assert (head.shift >= 0).all()
        torch.testing.assert_close(head.shift.sum(-1), torch.ones_like(head.gate))
        assert (head.sharpening >= 1).all()
    assert ((record.erase_vector > 0) & (record.erase_vector < 1)).all()
    assert (record.add_vector.abs() <= 1).all()
    assert record.problems() == []


def test_heads_are_counted_in_every_stage():
    model = make("NTM 2 and 3 heads")
    _, state, record = model(sequence(4), trace=True)
    assert record.read.weights.shape == (4, 3, 2, 6)
    assert record.write.weights.shape == (4, 3, 3, 6)
    assert record.reads.shape == (4, 3, 2, 4)
    assert record.erase_vector.shape == record.add_vector.shape == (4, 3, 3, 4)
    assert torch.equal(state.weights, torch.cat([record.read.weights, record.write.weights], 2)[-1])


def test_controller_outputs_are_clipped_and_gradients_stay_finite():
    """Collier & Beel 2018: clipped to ±20, never NaN."""
    model, inputs = make("NTM", torch.float32), 1e4 * sequence(30, dtype=torch.float32)
    with torch.no_grad():
        model.heads.weight.mul_(1e6)
    outputs, _, record = model(inputs, trace=True)
    assert record.read.key_strength.max() <= 20.001
    assert record.read.sharpening.max() <= 21.001
    assert record.problems() == []
    assert all(slope.isfinite().all() for slope in slopes([outputs], list(model.parameters())))


def test_a_long_run_from_the_constant_start_has_finite_gradients():
    torch.manual_seed(0)
    model = NTM(INPUTS, OUTPUTS, slots=8, width=4, hidden_size=6)
    outputs, _ = model(sequence(60, dtype=torch.float32))
    assert all(slope.isfinite().all() for slope in slopes([outputs], list(model.parameters())))


# Starts


def test_the_constant_start_is_the_same_small_number_everywhere():
    state = make("NTM").initial_state(2)
    assert torch.equal(state.memory, torch.full((2, 6, 4), 1e-6).double())


def test_the_learned_start_is_a_parameter_and_the_random_one_a_saved_buffer():
    learned, random = make("NTM learned"), make("NTM random")
    assert "memory_start" in dict(learned.named_parameters())
    assert "memory_start" in dict(random.named_buffers())
    assert "memory_start" in random.state_dict()
    for model in (learned, random):
        wanted = model.memory_start.expand(2, -1, -1)
        assert torch.equal(model.initial_state(2).memory, wanted)


def test_the_random_start_is_a_truncated_normal_drawn_once_per_model():
    """Collier & Beel 2018: standard deviation 0.5, here before cutting at two of them."""
    torch.manual_seed(0)
    drawn = [NTM(1, 1, slots=64, memory_init="random").memory_start for _ in range(2)]
    assert not torch.equal(*drawn)
    assert drawn[0].abs().max() <= 1.0
    assert abs(drawn[0].std().item() - 0.44) < 0.02  # 0.5 × 0.88, what cutting leaves


def test_heads_start_at_the_first_slot_or_where_they_learned_to():
    first, learned = make("NTM 2 and 3 heads"), make("NTM learned")
    assert first.initial_state(2).weights.tolist() == [[[1, 0, 0, 0, 0, 0]] * 5] * 2
    weights = learned.initial_state(2).weights
    torch.testing.assert_close(weights.sum(-1), torch.ones(2, 2).double())
    assert torch.equal(weights[0], learned.weights_start.softmax(-1))


def started(**options):
    """Return the first step of two machines of one seed, with and without these options."""
    inputs, traces = sequence(1, dtype=torch.float32), []
    for chosen in ({}, options):
        torch.manual_seed(0)
        model = NTM(INPUTS, OUTPUTS, slots=40, read_heads=2, write_heads=2, **chosen)
        traces.append(model(inputs, trace=True)[2].at(0))
    return traces


PARAMETERS = {"key", "key_strength", "gate", "shift", "sharpening"}


def same(first, second, names):
    return all(torch.equal(getattr(first, name), getattr(second, name)) for name in names)


def test_the_strength_bias_raises_the_first_beta_of_every_head_and_nothing_else():
    low, high = started(strength_bias=4.0)
    for name in ("read", "write"):
        usual, raised = getattr(low, name), getattr(high, name)
        assert (usual.key_strength < 1).all()
        assert ((raised.key_strength > 3.7) & (raised.key_strength < 4.4)).all()
        assert same(usual, raised, PARAMETERS - {"key_strength"})


@pytest.mark.parametrize(("option", "favoured"), [("stay_bias", 1), ("shift_bias", 2)])
def test_the_shift_biases_favour_one_way_for_every_head_and_change_nothing_else(option, favoured):
    spread, moved = started(**{option: 3.0})
    others = [way for way in range(3) if way != favoured]  # of back, stay, forward
    for name in ("read", "write"):
        usual, biased = getattr(spread, name), getattr(moved, name)
        assert (usual.shift[..., favoured] < 0.6).all()
        assert (biased.shift[..., favoured] > 0.8).all()
        odds = [head.shift[..., others[0]] / head.shift[..., others[1]] for head in (usual, biased)]
        torch.testing.assert_close(*odds)
        assert same(usual, biased, PARAMETERS - {"shift"})


def test_a_gate_bias_is_of_all_heads_or_one_a_head_and_changes_nothing_else():
    usual, opened = started(gate_bias=3.0)
    _, mixed = started(gate_bias=[-3.0, 3.0, 0.0, 3.0])  # of two heads that read and two that write
    for name, biases in (("read", [-3, 3]), ("write", [0, 3])):
        before, after, own = (getattr(trace, name) for trace in (usual, opened, mixed))
        assert (after.gate > 0.9).all()
        expected = before.gate.logit() + torch.tensor(biases)
        torch.testing.assert_close(own.gate.logit(), expected, rtol=1e-5, atol=1e-5)
        for changed in (after, own):
            assert same(before, changed, PARAMETERS - {"gate"})


def test_a_register_keeps_its_slot_while_the_other_heads_look_things_up():
    """With these biases the first head of each kind holds on to the slot that it starts on."""
    options = {"slots": 40, "read_heads": 2, "write_heads": 2, "memory_init": "random"}
    model = NTM(INPUTS, OUTPUTS, stay_bias=3.0, gate_bias=[-3.0, 3.0] * 2, **options)
    trace = model(sequence(3, dtype=torch.float32), trace=True)[2]
    for head in (trace.read, trace.write):
        register, other = head.weights[2, :, 0], head.weights[2, :, 1]
        assert (register[:, 0] > 0.6).all()
        assert (other[:, 0] < 0.2).all()


@pytest.mark.parametrize("name", ["stay_bias", "shift_bias"])
def test_a_shift_bias_of_one_head_is_that_of_all_heads_there_and_none_elsewhere(name):
    usual, all_heads = started(**{name: 3.0})
    _, mixed = started(**{name: [0.0, 3.0, 3.0, 0.0]})  # of two heads that read and two that write
    for kind, which in (("read", 1), ("write", 0)):
        before, after, own = (getattr(trace, kind) for trace in (usual, all_heads, mixed))
        assert torch.equal(own.shift[:, which], after.shift[:, which])
        assert torch.equal(own.shift[:, 1 - which], before.shift[:, 1 - which])
        assert same(before, own, PARAMETERS - {"shift"})


@pytest.mark.parametrize("name", ["stay_bias", "shift_bias", "gate_bias"])
@pytest.mark.parametrize("wrong", [[1.0, 2.0, 3.0], [1.0], [[1.0, 2.0]]])
def test_biases_that_are_not_one_a_head_are_refused(name, wrong):
    with pytest.raises(ValueError, match=f"expected one {name}, or 2, one a head"):
        NTM(INPUTS, OUTPUTS, **{name: wrong})


@pytest.mark.parametrize(("reads", "writes"), [(1, 1), (3, 2), (1, 3)])
def test_matched_keys_start_as_what_the_write_head_of_their_number_adds(reads, writes):
    options = {"slots": 40, "read_heads": reads, "write_heads": writes, "match_keys": True}
    trace = NTM(INPUTS, OUTPUTS, head_gain=2.6, **options)(
        sequence(1, dtype=torch.float32), trace=True
    )[2]
    for head in range(reads):
        torch.testing.assert_close(
            trace.read.key[:, :, head], trace.add_vector[:, :, head % writes]
        )
    torch.testing.assert_close(trace.write.key, trace.add_vector)
    low, matched = started(match_keys=True)
    assert same(low.read, matched.read, PARAMETERS - {"key"})
    assert torch.equal(low.add_vector, matched.add_vector)


@pytest.mark.parametrize(
    ("gain", "layer", "columns"),
    [
        ("head_gain", "heads.weight", slice(0, None)),
        ("read_gain", "readout.weight", slice(100, None)),
    ],
)
def test_a_gain_scales_its_first_weights_and_nothing_else(gain, layer, columns):
    made = {}
    for factor in (1.0, 3.0):
        torch.manual_seed(0)
        made[factor] = NTM(INPUTS, OUTPUTS, slots=4, **{gain: factor}).state_dict()
    made[1.0][layer][:, columns] *= 3
    for name, expected in made[1.0].items():
        assert torch.equal(made[3.0][name], expected), name


def test_the_first_read_is_learned():
    model = make("NTM")
    assert "first_read" in dict(model.named_parameters())
    assert torch.equal(model.initial_state(3).reads, model.first_read.expand(3, -1, -1))


def test_a_feedforward_controller_has_no_memory_of_its_own():
    assert make("NTM feedforward")(sequence(2))[1].controller == ()


# write_scale


@each_ntm
@pytest.mark.parametrize("trace", [False, True])
def test_a_write_scale_of_ones_changes_nothing(name, trace):
    model, inputs = make(name), sequence(4)
    scaled = model(inputs, write_scale=torch.ones(4, 3).double(), trace=trace)[:2]
    assert_same(scaled, model(inputs))


def test_a_write_scale_of_zero_erases_and_adds_nothing():
    model, inputs = make("NTM"), sequence(4)
    scale = torch.ones(4, 3).double()
    scale[2, 1] = 0
    record = model(inputs, write_scale=scale, trace=True)[2].at(2)
    kept = 1 - record.write.weights.transpose(1, 2) @ record.erase_vector
    added = record.memory_after - record.memory_before * kept
    assert added[1].abs().max() < 1e-12
    assert added[0].abs().max() > 1e-3


@pytest.mark.parametrize("name", ["NTM", "LNTM"])
def test_a_write_scale_that_does_not_fit_is_named(name):
    with pytest.raises(ValueError, match=r"expected write_scale \(time, batch\) with batch = 3"):
        make(name)(sequence(4), write_scale=torch.ones(4, 1).double())


# with_slots


def without_content(name="NTM"):
    """A machine whose heads move along the tape alone: the gate g is shut (NTM eq. 7)."""
    model = make(name)
    heads = model.read_heads + model.write_heads
    at = heads * (model.width + 1)  # after the keys and the strengths
    with torch.no_grad():
        model.heads.weight[at : at + heads] = 0
        model.heads.bias[at : at + heads] = -1e3  # clipped to −20
    return model


@pytest.mark.parametrize("name", ["NTM", "NTM 2 and 3 heads"])
def test_slots_that_are_never_reached_change_nothing(name):
    """From the first slot, three steps of one slot each reach seven slots and no more."""
    steps = 3
    model, inputs = without_content(name).with_slots(7), sequence(steps)
    wanted, _ = model(inputs)
    longer, state = model.with_slots(40)(inputs)
    torch.testing.assert_close(longer, wanted, atol=1e-6, rtol=0)
    assert state.memory[:, 4:-3].sub(1e-6).abs().max() < 1e-6  # untouched
    shorter, _ = model.with_slots(4)(inputs)  # here the heads meet themselves
    assert (shorter - wanted).abs().max() > 1e-3


def test_content_addressing_finds_its_slot_on_a_longer_tape_too():
    """What a sharp key reads does not depend on how many blank slots there are (NTM eq. 5)."""
    model = make("NTM")
    state = model.with_slots(12).initial_state(1)
    assert state.memory.shape == (1, 12, 4)
    assert state.weights.shape == (1, 2, 12)
    assert state.weights[..., 0].min() == 1


@pytest.mark.parametrize("name", NTMS)
def test_the_same_number_of_slots_is_the_same_machine_and_a_copy(name):
    model, inputs = make(name), sequence(3)
    before = [part.clone() for part in model.state_dict().values()]
    same = model.with_slots(6)
    assert_same(same(inputs), model(inputs), 0)
    with torch.no_grad():
        for parameter in same.parameters():
            parameter.zero_()
    assert all(map(torch.equal, model.state_dict().values(), before))


def test_nothing_but_the_starts_depends_on_the_number_of_slots():
    for name in NTMS:
        model = make(name)
        other = model.with_slots(11)
        assert other.slots == 11
        assert model.slots == 6
        for key, value in model.state_dict().items():
            if "learned" in name or ("random" in name and key == "memory_start"):
                continue
            assert torch.equal(other.state_dict()[key], value)


@pytest.mark.parametrize("name", ["NTM learned", "NTM random"])
def test_a_longer_tape_repeats_the_start_and_a_shorter_one_cuts_it(name):
    model = make(name)
    start = model.memory_start
    assert torch.equal(model.with_slots(4).memory_start, start[:4])
    assert torch.equal(model.with_slots(15).memory_start, torch.cat([start, start, start[:3]]))


def test_learned_initial_weights_are_cut_or_continued_with_the_smallest_logit():
    model = make("NTM learned")
    logits = model.weights_start
    assert torch.equal(model.with_slots(4).weights_start, logits[:, :4])
    longer = model.with_slots(8).weights_start
    assert torch.equal(longer[:, :6], logits)
    assert torch.equal(longer[:, 6:], logits.amin(-1, keepdim=True).expand(-1, 2))


@pytest.mark.parametrize("slots", [4, 9])
@pytest.mark.parametrize("name", NTMS)
def test_a_machine_on_another_tape_can_be_trained_saved_and_copied(name, slots):
    model = make(name)
    model(sequence(2))[0].sum().backward()  # gradients of the old sizes are there
    other = model.with_slots(slots)
    other.zero_grad(set_to_none=False)
    other(sequence(2))[0].sum().backward()
    for parameter in other.parameters():
        assert parameter.grad.shape == parameter.shape
    assert all(parameter.grad is not None for parameter in model.parameters())
    again = make(name, slots=slots)
    again.load_state_dict(other.state_dict())
    assert_same(again(sequence(2)), copy.deepcopy(other)(sequence(2)), 0)


# Errors


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"controller": "gru"}, r"expected controller to be one of lstm, feedforward, got 'gru'"),
        ({"memory_init": "zeros"}, r"expected memory_init to be one of constant, .* got 'zeros'"),
        ({"initial_weights": "last"}, r"expected initial_weights to be one of first, learned"),
        ({"slots": 0}, r"expected every size to be at least 1"),
        ({"write_heads": 0}, r"expected every size to be at least 1"),
    ],
)
def test_a_wrong_choice_is_named(options, message):
    with pytest.raises(ValueError, match=message):
        NTM(1, 1, **options)


def test_no_slots_at_all_are_refused():
    with pytest.raises(ValueError, match="expected at least 1 slot, got 0"):
        make("NTM").with_slots(0)


def test_a_state_of_another_tape_is_refused():
    model = make("NTM")
    with pytest.raises(ValueError, match=r"expected state.memory \(3, 6, 4\) .*got \(3, 9, 4\)"):
        model(sequence(2), model.with_slots(9).initial_state(3))
