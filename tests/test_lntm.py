"""L-NTM as a machine: fast against step by step, starts, open choices; see also test_models."""

import itertools

import pytest
import torch

from lessons_lib import lntm
from lessons_lib.lntm import LNTM
from tests.machines import INPUTS, LNTMS, OUTPUTS, assert_same, make, sequence, slopes

each_lntm = pytest.mark.parametrize("name", LNTMS)
LENGTHS, AT = torch.tensor([5, 2, 4]), torch.tensor([3, 1, 0])


@each_lntm
@pytest.mark.parametrize("lengths", [None, LENGTHS], ids=["whole", "lengths"])
@pytest.mark.parametrize("at", [None, AT], ids=["every step", "at"])
@pytest.mark.parametrize("scaled", [False, True], ids=["unscaled", "scaled"])
def test_fast_equals_step_by_step(name, lengths, at, scaled):
    """Eqs. 4-10 with backward passes by hand, against the plain definition that traces."""
    model, inputs = make(name), sequence(5).requires_grad_()
    options = {"lengths": lengths, "at": at}
    of = [inputs, *model.parameters()]
    if scaled:
        options["write_scale"] = sequence(5, inputs=1).squeeze(-1).sigmoid().requires_grad_()
        of.append(options["write_scale"])
    fast, steps = model(inputs, **options), model(inputs, **options, trace=True)[:2]
    assert_same(fast, steps)
    assert_same(slopes(fast, of), slopes(steps, of))


@pytest.mark.parametrize("name", ["LNTM", "LNTM fed", "LNTM fed, own keys"])
@pytest.mark.parametrize(("slots", "kernel_size"), [(1, 3), (1, 7), (2, 7), (9, 1)])
def test_fast_equals_step_by_step_at_odd_sizes(name, slots, kernel_size):
    for changes in ({}, {"width": 1}, {"read_pointers": 1}):
        model = make(name, slots=slots, kernel_size=kernel_size, **changes)
        inputs, of = sequence(5), list(model.parameters())
        fast, steps = model(inputs), model(inputs, trace=True)[:2]
        assert_same(fast, steps)
        assert_same(slopes(fast, of), slopes(steps, of))


def test_with_at_the_memory_is_read_at_these_steps_alone(monkeypatch):
    seen = []
    plain = lntm.content_weights

    def noted(memory, key, strength):
        seen.append(memory.shape[0])
        return plain(memory, key, strength)

    monkeypatch.setattr(lntm, "content_weights", noted)
    make("LNTM")(sequence(5), at=AT)
    make("LNTM")(sequence(5))
    assert seen == [3, 15]


def test_the_controller_runs_in_one_call_without_fed_reads(monkeypatch):
    calls = []
    model = make("LNTM")
    model.controller.register_forward_hook(lambda *_: calls.append(1))
    model(sequence(5))
    assert len(calls) == 1


@each_lntm
def test_every_number_is_in_its_range(name):
    """L-NTM eq. 1 for all pointers; e, f, g in (0, 1); β > 0; γ > 1 (eq. 8)."""
    record = make(name)(20 * sequence(6), trace=True)[2]
    for inside in (record.erase_vector, record.add_gate, record.read.gate):
        assert ((inside > 0) & (inside < 1)).all()
    assert (record.add_vector.abs() <= 1).all()
    assert (record.read.key_strength > 0).all()
    assert (record.write.sharpening > 1).all()
    assert record.problems() == []


def test_there_is_one_write_pointer_and_one_gate_a_step():
    record = make("LNTM")(sequence(4), trace=True)[2]
    assert record.write.weights.shape == (4, 3, 1, 6)
    assert record.read.weights.shape == (4, 3, 3, 6)
    assert record.add_gate.shape == (4, 3, 1)


# Starts


@pytest.mark.parametrize("kernel_size", [3, 7])
def test_a_constant_start_scores_alike_everywhere_but_at_the_edges(kernel_size):
    """Eq. 6 on a constant memory: the write pointer cannot focus (the paper's remark)."""
    model = make("LNTM constant", slots=12, kernel_size=kernel_size)
    first = model(sequence(1), trace=True)[2].at(0)
    edge = kernel_size // 2
    for head in (first.write, first.read):
        pointer = head.global_map if head is first.read else head.weights
        if head is first.write:  # the memory before the write is the constant one
            inner = pointer[..., edge:-edge]
            torch.testing.assert_close(inner, inner[..., :1].expand_as(inner), atol=0, rtol=1e-9)
            scores = head.scores
            assert (scores[..., 0] - scores[..., edge]).abs().min() > 1e-8
    assert first.write.weights.max() < 1 / 12 + 1e-4  # spread over all slots


def test_a_gaussian_start_lets_the_write_pointer_focus():
    model = make("LNTM", slots=12)
    first = model(sequence(1), trace=True)[2].at(0)
    assert first.write.weights.max() > 3 / 12
    assert first.write.global_map.std() > 0.05


def test_the_gaussian_start_is_drawn_once_per_model_and_saved():
    torch.manual_seed(0)
    one, other = (LNTM(1, 1, slots=64, memory_scale=3.0) for _ in range(2))
    assert not torch.equal(one.memory_start, other.memory_start)
    assert abs(one.memory_start.std().item() - 3) < 0.2
    assert abs(one.memory_start.mean().item()) < 0.3
    assert "memory_start" in one.state_dict()
    assert "memory_start" not in dict(one.named_parameters())
    assert torch.equal(one.initial_state(2).memory, one.memory_start.expand(2, -1, -1))


def test_a_drawn_start_differs_by_sequence_in_training_and_is_the_saved_one_else():
    torch.manual_seed(0)
    model = LNTM(1, 1, slots=64, memory_init="drawn", memory_scale=3.0)
    one, other = model.initial_state(2).memory
    assert not torch.equal(one, other)
    assert not torch.equal(one, model.initial_state(2).memory[0])
    assert abs(one.std().item() - 3) < 0.2
    model.eval()
    assert torch.equal(model.initial_state(2).memory, model.memory_start.expand(2, -1, -1))


# Open choices


def test_a_normalised_controller_is_seen_by_heads_and_output_alike_at_any_scale():
    """Layer normalisation (Ba et al. 2016): mean 0 and variance 1 whatever the cell holds."""
    model = make("LNTM normalised", hidden_size=50)
    model.seen.reset_parameters()
    hidden = model(sequence(4), trace=True)[2].hidden
    assert (hidden.mean(-1).abs() > 1e-3).any()
    seen = model.seen(hidden)
    assert_same(seen.mean(-1), torch.zeros(4, 3, dtype=torch.float64))
    assert (seen.var(-1, unbiased=False) - 1).abs().max() < 0.01
    write, read = model.writer(seen), model.reader(seen)
    trace = model(sequence(4), trace=True)[2]
    assert_same(trace.add_gate, write[..., -2:-1].sigmoid())
    assert_same(trace.read.gate, read[..., -2:].sigmoid())


def test_reads_that_feed_a_normalised_controller_run_step_by_step():
    model = make("LNTM fed", normalise=True)
    inputs, of = sequence(4), list(model.parameters())
    fast, steps = model(inputs), model(inputs, trace=True)[:2]
    assert_same(fast, steps)
    assert_same(slopes(fast, of), slopes(steps, of))


def test_shared_keys_are_one_for_all_pointers_and_own_keys_differ():
    """Eq. 9: one content pointer as indexed, or one for each read pointer."""
    shared = make("LNTM")(sequence(3), trace=True)[2].read
    own = make("LNTM own keys")(sequence(3), trace=True)[2].read
    assert torch.equal(shared.content[:, :, 0], shared.content[:, :, 2])
    assert not torch.allclose(own.content[:, :, 0], own.content[:, :, 2])
    assert shared.key.shape == (3, 3, 1, 4)
    assert own.key.shape == (3, 3, 3, 4)


def test_reads_feed_the_next_step_only_when_asked():
    plain, fed = make("LNTM"), make("LNTM fed")
    assert plain(sequence(2))[1].reads is None
    state = fed(sequence(2))[1]
    assert state.reads.shape == (3, 3, 4)
    changed = state._replace(reads=state.reads + 1)
    assert (fed(sequence(1), changed)[0] - fed(sequence(1), state)[0]).abs().max() > 1e-3
    assert not fed.initial_state(3).reads.any()


def test_the_place_of_writing_is_judged_from_the_memory_before():
    """Eq. 6 with S_{t−1}: the input steers the place through γ alone."""
    model = make("LNTM")
    one = model(sequence(1, seed=1), trace=True)[2].at(0).write
    other = model(sequence(1, seed=2), trace=True)[2].at(0).write
    assert torch.equal(one.scores, other.scores)
    assert not torch.allclose(one.weights, other.weights)


# write_scale


@each_lntm
def test_a_write_scale_of_ones_changes_nothing(name):
    model, inputs = make(name), sequence(4)
    assert_same(model(inputs, write_scale=torch.ones(4, 3).double()), model(inputs))


@each_lntm
def test_a_write_scale_of_zero_takes_what_a_step_adds_away(name):
    model, inputs = make(name), sequence(3)
    scale = torch.ones(3, 3).double()
    scale[1, 0] = 0
    _, state, record = model(inputs, write_scale=scale, trace=True)
    step = record.at(1)
    kept = 1 - step.write.weights.transpose(1, 2) @ step.erase_vector
    added = step.memory_after - step.memory_before * kept
    assert added[0].abs().max() < 1e-12
    assert added[1].abs().max() > 1e-4
    assert_same([state], [model(inputs, write_scale=scale)[1]])


# Errors


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"kernel_size": 4}, r"expected sizes of at least 1 and an odd kernel_size"),
        ({"read_pointers": 0}, r"expected sizes of at least 1 and an odd kernel_size"),
        (
            {"memory_init": "random"},
            r"expected memory_init gaussian, drawn or constant, got 'random'",
        ),
        ({"content_keys": "two"}, r"expected content_keys .*got 'two'"),
    ],
)
def test_a_wrong_choice_is_named(options, message):
    with pytest.raises(ValueError, match=message):
        LNTM(1, 1, **options)


def test_any_combination_of_choices_runs():
    choices = itertools.product(["gaussian", "drawn", "constant"], ["shared", "own"], [False, True])
    for memory_init, content_keys, feed_reads in choices:
        model = LNTM(
            INPUTS,
            OUTPUTS,
            memory_init=memory_init,
            content_keys=content_keys,
            feed_reads=feed_reads,
        )
        outputs, _ = model(sequence(3, dtype=torch.float32))
        assert outputs.isfinite().all()
