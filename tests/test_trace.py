"""The trace: every recorded stage follows from the ones before it by the pure functions."""

import re
from dataclasses import FrozenInstanceError, fields, replace

import pytest
import torch
from torch.nn import functional as F

from lessons_lib import cells, memory
from lessons_lib.addressing import (
    circular_shift,
    content_weights,
    interpolate,
    memory_scores,
    sharpen,
)
from lessons_lib.trace import HeadTrace, Trace
from tests.machines import INPUTS, KINDS, LNTMS, NTMS, OUTPUTS, assert_same, make, sequence

STEPS = 5
each_model = pytest.mark.parametrize("name", KINDS)


def traced(name, **options):
    model = make(name)
    with torch.no_grad():
        return model, model(sequence(STEPS), trace=True, **options)[2]


def steps_of(record):
    return [record.at(step) for step in range(len(record))]


@pytest.mark.parametrize("name", NTMS)
def test_an_ntm_is_composed_of_eqs_2_to_9(name):
    model, record = traced(name)
    start = model.initial_state(3)
    before = {"read": start.weights[:, : model.read_heads]}
    before["write"] = start.weights[:, model.read_heads :]
    assert torch.equal(record.at(0).memory_before, start.memory)
    for step in steps_of(record):
        for kind in ("read", "write"):
            head = getattr(step, kind)
            content = content_weights(step.memory_before, head.key, head.key_strength)  # eqs. 5-6
            interpolated = interpolate(head.content, head.previous, head.gate)  # eq. 7
            shifted = circular_shift(head.interpolated, head.shift)  # eq. 8
            weights = sharpen(head.shifted, head.sharpening)  # eq. 9
            assert_same(
                [head.content, head.interpolated, head.shifted, head.weights, head.previous],
                [content, interpolated, shifted, weights, before[kind]],
            )
            before[kind] = head.weights
        erased = memory.erase(step.memory_before, step.write.weights, step.erase_vector)  # eq. 3
        after = memory.add(erased, step.write.weights, step.add_vector)  # eq. 4
        reads = memory.read(step.memory_after, step.read.weights)  # eq. 2, after the write
        assert_same([step.memory_after, step.reads], [after, reads])


@pytest.mark.parametrize("name", LNTMS)
def test_an_l_ntm_is_composed_of_eqs_2_to_10(name):
    model, record = traced(name)
    assert torch.equal(record.at(0).memory_before, model.initial_state(3).memory)
    for step in steps_of(record):
        write, read = step.write, step.read
        scores = memory_scores(step.memory_before, model.write_kernel)  # eq. 6, of S_{t−1}
        pointer = sharpen(write.global_map, write.sharpening)  # eq. 8
        assert_same(
            [write.scores, write.global_map, write.weights],
            [scores, write.scores.softmax(-1), pointer],  # eq. 7
        )
        erased = memory.erase(step.memory_before, write.weights, step.erase_vector)  # eq. 4
        after = memory.add(erased, write.weights, step.add_vector, step.add_gate)  # eq. 5
        content = content_weights(step.memory_after, read.key, read.key_strength)  # eq. 9
        maps = memory_scores(step.memory_after, model.read_kernels)
        blended = interpolate(read.content, read.global_map, read.gate)  # eq. 10
        reads = memory.read(step.memory_after, read.weights)  # eq. 2
        assert_same(
            [step.memory_after, read.content, read.scores, read.global_map, read.weights],
            [after, content.expand_as(read.content), maps, maps.softmax(-1), blended],
        )
        assert_same([step.reads], [reads])


@pytest.mark.parametrize("name", [*NTMS, *LNTMS])
def test_each_step_finds_the_memory_that_the_last_one_left(name):
    _, record = traced(name)
    assert torch.equal(record.memory_before[1:], record.memory_after[:-1])


@pytest.mark.parametrize("name", [*NTMS, *LNTMS])
def test_the_output_sees_the_controller_and_the_reads(name):
    """L-NTM eq. 3."""
    model, record = traced(name)
    hidden = model.seen(record.hidden) if name in LNTMS else record.hidden
    seen = torch.cat([hidden, record.reads.flatten(2)], dim=-1)
    assert_same([record.outputs], [model.readout(seen)])


@pytest.mark.parametrize("name", NTMS)
def test_head_parameters_come_from_the_controllers_output(name):
    """k, a = tanh, β = softplus, g, e = sigmoid, s = softmax, γ = 1 + softplus, in this order."""
    model, record = traced(name)
    heads, write, width = model.read_heads + model.write_heads, model.write_heads, model.width
    raw = model.heads(record.hidden).clamp(-20, 20)
    counts = [heads * width, heads, heads, heads * 3, heads, write * width, write * width]
    k, beta, g, s, gamma, e, a = raw.split(counts, dim=-1)
    both = {
        field: torch.cat([getattr(record.read, field), getattr(record.write, field)], dim=2)
        for field in ("key", "key_strength", "gate", "shift", "sharpening")
    }
    assert_same([both["key"]], [k.unflatten(-1, (heads, width)).tanh()])
    assert_same([both["key_strength"], both["gate"]], [F.softplus(beta), g.sigmoid()])
    assert_same([both["shift"]], [s.unflatten(-1, (heads, 3)).softmax(-1)])
    assert_same([both["sharpening"]], [1 + F.softplus(gamma)])
    assert_same([record.erase_vector], [e.unflatten(-1, (write, width)).sigmoid()])
    assert_same([record.add_vector], [a.unflatten(-1, (write, width)).tanh()])


@pytest.mark.parametrize("name", ["NTM", "NTM 2 and 3 heads", "LNTM", "LNTM fed"])
def test_the_controller_is_an_lstm_that_sees_the_last_reads(name):
    model, record = traced(name)
    start = model.initial_state(3)
    first_reads = start.reads if start.reads is not None else None
    of_layer = isinstance(model.controller, torch.nn.LSTM)
    weights = cells.weights_of(model.controller, "_l0" if of_layer else "")
    state = (torch.zeros(3, 5).double(),) * 2
    reads = first_reads
    for step in steps_of(record):
        seen = step.inputs if reads is None else torch.cat([step.inputs, reads.flatten(1)], -1)
        made = cells.lstm_step(seen, *state, weights)
        assert_same(list(made), [getattr(step, field) for field in made._fields])
        state, reads = made[:2], None if reads is None else step.reads


def test_a_feedforward_controller_is_one_tanh_layer_over_input_and_last_reads():
    model, record = traced("NTM feedforward")
    reads = torch.cat([model.initial_state(3).reads.unsqueeze(0), record.reads[:-1]])
    seen = torch.cat([record.inputs, reads.flatten(2)], dim=-1)
    assert_same([record.hidden], [model.controller(seen).tanh()])


# The record itself


def test_every_field_is_named_with_its_shape_in_the_docstring_and_has_it():
    lengths = {"T": STEPS, "B": 3, "C": 5, "S": 6, "W": 4, "3": 3}
    lengths |= {"input_size": INPUTS, "output_size": OUTPUTS}
    for kind in (Trace, HeadTrace):
        described = dict(
            re.findall(r"^        (\w+): (.*?)(?=^        \w+: |\Z)", kind.__doc__, re.M | re.S)
        )
        assert list(described) == [item.name for item in fields(kind)]
    for name in KINDS:
        model, record = traced(name)
        heads = {"read": getattr(model, "read_heads", getattr(model, "read_pointers", 0))}
        heads["write"] = getattr(model, "write_heads", 1)
        for field, tensor in record.named_tensors():
            owner, _, last = field.rpartition(".")
            doc = (HeadTrace if owner else Trace).__doc__
            axes = re.search(rf"^        {last}: .*?\((T, B[^)]*)\)", doc, re.M | re.S)[1]
            known = lengths | {"H": heads[owner or "write"], "R": heads["read"]}
            wanted = tuple(known[axis] for axis in axes.split(", "))
            if owner == "read" and last in ("key", "key_strength") and name in LNTMS:
                wanted = (*wanted[:2], model.read_sizes[1], *wanted[3:])  # shared or own keys
            assert tuple(tensor.shape) == wanted, f"{name}: {field}"


@each_model
def test_the_record_is_frozen_and_cut_from_the_graph(name):
    model = make(name)
    record = model(sequence(STEPS).requires_grad_(), trace=True)[2]
    assert not any(tensor.requires_grad for _, tensor in record.named_tensors())
    with pytest.raises(FrozenInstanceError):
        record.hidden = record.hidden
    with pytest.raises(FrozenInstanceError):
        HeadTrace().weights = record.hidden


@each_model
def test_steps_sequences_and_cuts_are_views_of_the_same_run(name):
    _, record = traced(name)
    assert len(record) == STEPS
    whole = dict(record.named_tensors())
    views = [
        (record.at(2), lambda tensor: tensor[2]),
        (record.sequence(1), lambda tensor: tensor[:, 1:2]),
        (record.cut(3), lambda tensor: tensor[:3]),
    ]
    for view, taken in views:
        found = dict(view.named_tensors())
        assert found.keys() == whole.keys()
        assert all(torch.equal(found[field], taken(whole[field])) for field in whole)
    again = dict(Trace.stack(steps_of(record)).named_tensors())
    assert all(torch.equal(again[field], whole[field]) for field in whole)
    assert len(record.cut(3)) == 3


@each_model
def test_a_sequences_part_of_the_trace_is_its_own_run(name):
    model, record = traced(name, lengths=torch.tensor([5, 2, 4]))
    with torch.no_grad():
        alone = model(sequence(STEPS)[:4, 2:], trace=True)[2]
    mine = dict(record.sequence(2).cut(4).named_tensors())
    for field, tensor in alone.named_tensors():
        assert_same([mine[field]], [tensor])


def test_the_repr_names_fields_and_shapes_alone():
    lines = repr(traced("LNTM")[1]).splitlines()
    assert lines[0] == "Trace("
    assert "  memory_after: (5, 3, 6, 4)" in lines
    assert "  write.sharpening: (5, 3, 1)" in lines


# What is wrong


@each_model
def test_a_sound_run_has_no_problems(name):
    assert traced(name)[1].problems() == []


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_problems_name_a_nan_and_the_step_where_it_begins(value):
    model, inputs = make("NTM"), sequence(STEPS)
    inputs[3, 1] = value
    found = model(inputs, trace=True)[2].problems()
    assert "inputs is not finite from step 3 on" in found
    if value != value:
        assert "write.weights is not finite from step 3 on" in found
        assert "memory_after is not finite from step 3 on" in found
        assert "memory_before is not finite from step 4 on" in found


def test_in_brief_the_first_that_is_not_finite_stands_for_all():
    model, inputs = make("NTM"), sequence(STEPS)
    inputs[3, 1] = float("nan")
    record = model(inputs, trace=True)[2]
    broken = record.not_finite()
    assert (broken["inputs"], broken["memory_after"], broken["memory_before"]) == (3, 3, 4)
    assert len(record.problems()) == len(broken)
    words = f"inputs is not finite from step 3 on, and with it {len(broken) - 1} more"
    assert record.problems(brief=True) == [words]
    at_the_end = record.inputs.nan_to_num()
    at_the_end[-1] = float("inf")
    late = replace(record, inputs=at_the_end)
    assert late.problems(brief=True)[0].startswith("hidden is not finite from step 3 on, and with")
    blurred = record.map(lambda tensor: tensor.nan_to_num() * 0.78).problems(brief=True)
    assert blurred
    assert all("sums to 1 only within" in problem for problem in blurred)


def test_problems_name_weights_that_do_not_sum_to_one():
    _, record = traced("NTM")
    blurred = record.map(lambda tensor: tensor * 0.78 if tensor.shape[-1] == 6 else tensor)
    assert "write.weights sums to 1 only within 0.22" in blurred.problems()
    assert not any("memory" in problem for problem in blurred.problems())
