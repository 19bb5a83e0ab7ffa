"""The tasks of the NTM paper, section 4: every target is derived again here, in plain Python."""

import math
from collections import Counter
from dataclasses import FrozenInstanceError, asdict
from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from lessons_lib import ngrams
from lessons_lib.tasks import (
    TASKS,
    AssociativeRecall,
    Batch,
    Copy,
    DynamicNgrams,
    PrioritySort,
    RepeatCopy,
    bits_per_sequence,
    loss,
    make_task,
    stream,
    wrong_bits,
)

few = settings(max_examples=40, deadline=None)
seeds = st.integers(0, 2**40)
small = st.integers(1, 5)

TINY = {
    "copy": {"max_length": 4},
    "repeat-copy": {"max_length": 3, "max_repeats": 3},
    "associative-recall": {"max_items": 4},
    "dynamic-ngrams": {"context": 2, "length": 30},
    "priority-sort": {"items": 6, "keep": 4},
}


def tiny(name):
    return make_task(name, **TINY[name])


def sequences(batch):
    """Each sequence as plain lists: its inputs, its targets, which steps count."""
    columns = (batch.inputs, batch.targets, batch.mask)
    return zip(*(part.transpose(0, 1).tolist() for part in columns), strict=True)


def answers_only(inputs, targets, mask, shown):
    """Give the answer, having checked that it comes last, on silent inputs, and alone counts."""
    assert mask == [False] * shown + [True] * (len(mask) - shown)
    assert not any(map(any, inputs[shown:]))
    assert not any(map(any, targets[:shown]))
    return targets[shown:]


# the five tasks -------------------------------------------------------------------------------


@few
@given(seeds, small, small, small)
def test_copy_section_4_1(seed, bits, length, size):
    task = Copy(bits=bits, min_length=1, max_length=5)
    batch = task.batch(size, stream(seed), length=length)
    assert batch.inputs.shape == (2 * length + 1, size, bits + 1)
    for inputs, targets, mask in sequences(batch):
        delimiter = [step[-1] for step in inputs].index(1)
        assert delimiter == length
        assert inputs[delimiter] == [0] * bits + [1]
        answer = answers_only(inputs, targets, mask, delimiter + 1)
        assert answer == [step[:bits] for step in inputs[:delimiter]]


@few
@given(seeds, small, small, small, small)
def test_repeat_copy_section_4_2(seed, bits, length, repeats, size):
    task = RepeatCopy(bits=bits)
    batch = task.batch(size, stream(seed), length=length, repeats=repeats)
    for inputs, targets, mask in sequences(batch):
        delimiter = [step[bits] for step in inputs].index(1)
        assert not any(step[bits + 1] for step in inputs[:delimiter])
        deviation = math.sqrt(sum((n - 5.5) ** 2 for n in range(1, 11)) / 10)
        assert inputs[delimiter][bits + 1] == pytest.approx((repeats - 5.5) / deviation)
        expected = []
        for _ in range(repeats):
            expected += [[*step[:bits], 0] for step in inputs[:delimiter]]
        expected.append([0] * bits + [1])
        assert answers_only(inputs, targets, mask, delimiter + 1) == expected


@given(st.integers(1, 20), st.integers(0, 20))
def test_repeat_number_has_mean_0_and_variance_1_over_the_training_range(low, more):
    task = RepeatCopy(min_repeats=low, max_repeats=low + more)
    signals = [task.repeats_signal(n) for n in range(low, low + more + 1)]
    assert np.mean(signals) == pytest.approx(0, abs=1e-9)
    assert np.var(signals) == pytest.approx(1 if more else 0)


@few
@given(seeds, small, small, st.integers(2, 6), small)
def test_associative_recall_section_4_3(seed, bits, item_length, items, size):
    task = AssociativeRecall(bits=bits, item_length=item_length)
    batch = task.batch(size, stream(seed), items=items)
    for inputs, targets, mask in sequences(batch):
        starts = [t for t, step in enumerate(inputs) if step[bits]]
        opened, closed = (t for t, step in enumerate(inputs) if step[bits + 1])
        listed = [inputs[t + 1 : t + 1 + item_length] for t in starts]
        assert [t - s for s, t in zip(starts, [*starts[1:], opened], strict=True)] == [
            item_length + 1
        ] * items
        query = inputs[opened + 1 : closed]
        assert len(query) == item_length
        answer = answers_only(inputs, targets, mask, closed + 1)
        answer = [[*vector, 0, 0] for vector in answer]
        # alike items may follow each other, so any of the query's places may be the one meant
        assert answer in [after for item, after in pairwise(listed) if item == query]


def test_recall_asks_for_every_item_but_the_last():
    batch = AssociativeRecall(bits=20, item_length=1).batch(2000, stream(3), items=4)
    listed, query = batch.inputs[1:8:2, :, :20], batch.inputs[9, :, :20]
    places = (listed == query).all(dim=-1).int().argmax(dim=0)
    counts = Counter(places.tolist())
    assert sorted(counts) == [0, 1, 2]
    assert all(abs(count - 2000 / 3) < 110 for count in counts.values())  # five deviations


@few
@given(seeds, st.integers(1, 4), st.integers(1, 40), small)
def test_dynamic_ngrams_section_4_4(seed, context, more, size):
    task = DynamicNgrams(context=context)
    length = context + more
    batch = task.batch(size, stream(seed), length=length)
    assert batch.inputs.shape == batch.targets.shape == (length - 1, size, 1)
    for inputs, targets, mask in sequences(batch):
        assert mask == [t + 1 >= context for t in range(length - 1)]
        for t, counts in enumerate(mask):
            follows = inputs[t + 1] if t + 1 < length - 1 else targets[t]
            assert targets[t] == (follows if counts else [0])


@few
@given(seeds, st.integers(1, 4), st.integers(1, 40), small)
def test_optimal_estimator_ntm_eq_10(seed, context, more, size):
    """(N₁ + ½) / (N₁ + N₀ + 1), counted one bit at a time."""
    task = DynamicNgrams(context=context, length=context + more)
    batch = task.batch(size, stream(seed))
    found = task.optimal_probabilities(batch)
    costs = task.optimal_cost(batch)
    for i, (inputs, targets, mask) in enumerate(sequences(batch)):
        bits = [step[0] for step in inputs] + targets[-1]
        ones, zeros, cost = Counter(), Counter(), 0.0
        for t, bit in enumerate(bits[1:], start=1):
            before = tuple(bits[max(t - context, 0) : t])
            chance = 0.5
            if t >= context:
                chance = (ones[before] + 0.5) / (ones[before] + zeros[before] + 1)
                cost -= math.log2(chance if bit else 1 - chance)
                (ones if bit else zeros)[before] += 1
            assert mask[t - 1] == (t >= context)
            assert found[t - 1, i, 0].item() == pytest.approx(chance)
        assert costs[i].item() == pytest.approx(cost)


def test_ntm_eq_10_beats_other_estimators_and_pays_what_figure_13_shows():
    task = DynamicNgrams()
    batch = task.batch(1000, stream(0, "evaluate"))
    best = task.optimal_cost(batch)
    bits = torch.cat([batch.inputs, batch.targets[-1:]])[..., 0]
    code = ngrams.contexts(bits, 5)

    def mean_cost(pseudo_count):
        seen, ones = torch.zeros(1000, 32), torch.zeros(1000, 32)
        each, total = torch.arange(1000), 0
        for at, bit in zip(code, bits[5:], strict=True):
            chance = (ones[each, at] + pseudo_count) / (seen[each, at] + 2 * pseudo_count)
            total -= torch.where(bit > 0, chance, 1 - chance).log2()
            seen[each, at] += 1
            ones[each, at] += bit
        return total.mean()

    torch.testing.assert_close(mean_cost(0.5).double(), best.mean(), atol=1e-2, rtol=0)
    assert best.mean() < mean_cost(1.0) - 0.5
    assert best.mean() < mean_cost(0.25) - 0.5
    # figure 13: about 133 bits, which fits with the five coins counted too, a bit for each
    assert 129 < best.mean() + 5 < 136


def test_ngram_tables_follow_beta_one_half_one_half():
    drawn = ngrams.draw_tables(4000, 5, stream(1)).flatten().double()
    for x in (0.05, 0.25, 0.5, 0.9):
        exact = (
            2 / math.pi * math.asin(math.sqrt(x))
        )  # the distribution function of the arcsine law
        assert (drawn <= x).double().mean().item() == pytest.approx(exact, abs=0.01)


def test_ngram_bits_follow_their_table():
    generator = stream(2)
    table = ngrams.draw_tables(1, 3, generator)
    bits = ngrams.draw_bits(table.expand(200, 8), 400, generator)
    code = ngrams.contexts(bits, 3)
    for context in range(8):
        after = bits[3:][code == context]
        spread = math.sqrt(0.25 / len(after))
        assert after.mean().item() == pytest.approx(table[0, context].item(), abs=5 * spread)
    assert bits[:3].mean().item() == pytest.approx(0.5, abs=5 * math.sqrt(0.25 / 600))


def test_contexts_spell_the_oldest_bit_first():
    bits = torch.tensor([1.0, 0, 0, 1, 1, 0])[:, None]
    assert ngrams.contexts(bits, 3)[:, 0].tolist() == [0b100, 0b001, 0b011]


@pytest.mark.parametrize("length", [1, 2, 3])
def test_bits_without_a_context_are_fair_coins(length):
    bits = ngrams.draw_bits(torch.ones(4, 8), length, stream(0))
    assert bits.shape == (length, 4)
    assert (ngrams.optimal_probability(bits, 3) == 0.5).all()


def test_ngrams_refuse_a_table_that_is_no_table():
    with pytest.raises(ValueError, match=r"expected tables \(batch, 2\^context\), got \(4, 7\)"):
        ngrams.draw_bits(torch.ones(4, 7), 10, stream(0))


@few
@given(seeds, small, small, st.integers(0, 5), small)
def test_priority_sort_section_4_5(seed, bits, keep, more, size):
    task = PrioritySort(bits=bits, items=keep + more, keep=keep)
    batch = task.batch(size, stream(seed))
    for inputs, targets, mask in sequences(batch):
        delimiter = [step[bits + 1] for step in inputs].index(1)
        assert delimiter == keep + more
        assert inputs[delimiter] == [0] * (bits + 1) + [1]
        shown = inputs[:delimiter]
        assert all(-1 <= step[bits] < 1 for step in shown)
        ordered = sorted(shown, key=lambda step: -step[bits])  # stable, as the task is
        answer = answers_only(inputs, targets, mask, delimiter + 1)
        assert answer == [step[:bits] for step in ordered[:keep]]


def test_priorities_are_uniform_on_minus_one_to_one():
    priority = PrioritySort().batch(1000, stream(0)).inputs[:20, :, 8]
    assert priority.mean().item() == pytest.approx(0, abs=0.03)
    assert priority.var().item() == pytest.approx(1 / 3, abs=0.02)
    assert priority.min() < -0.99
    assert priority.max() > 0.99


# what holds for every task --------------------------------------------------------------------


def test_the_papers_own_numbers_are_the_defaults():
    assert {name: asdict(make_task(name)) for name in TASKS} == {
        "copy": {"bits": 8, "min_length": 1, "max_length": 20},
        "repeat-copy": {
            "bits": 8, "min_length": 1, "max_length": 10, "min_repeats": 1, "max_repeats": 10
        },
        "associative-recall": {"bits": 6, "item_length": 3, "min_items": 2, "max_items": 6},
        "dynamic-ngrams": {"context": 5, "length": 200},
        "priority-sort": {"bits": 8, "items": 20, "keep": 16},
    }  # fmt: skip


@pytest.mark.parametrize("name", TASKS)
def test_a_batch_fits_its_task(name):
    task = tiny(name)
    assert isinstance(task, TASKS[name])
    assert task.name == name
    for index in range(20):
        batch = task.batch(3, stream(5, index=index))
        steps = len(batch.inputs)
        assert batch.inputs.shape == (steps, 3, task.input_size)
        assert batch.targets.shape == (steps, 3, task.output_size)
        assert batch.mask.shape == (steps, 3)
        assert batch.mask.dtype == torch.bool
        assert batch.inputs.dtype == batch.targets.dtype == torch.float32
        assert batch.lengths.tolist() == [steps] * 3
        assert set(batch.targets.unique().tolist()) <= {0, 1}
        assert not batch.targets[~batch.mask].any()


@pytest.mark.parametrize("name", TASKS)
def test_length_name_is_the_override_that_makes_a_sequence_longer(name):
    task = tiny(name)
    short, long = (
        task.batch(2, stream(0), **{task.length_name: size}) for size in (8, 50)
    )  # fmt: skip
    assert len(long.inputs) > len(short.inputs) + 40


def test_lengths_are_drawn_from_the_whole_range_each_as_often():
    task = Copy(bits=1, min_length=2, max_length=6)
    drawn = Counter((len(task.batch(1, stream(1, index=i)).inputs) - 1) // 2 for i in range(1000))
    assert sorted(drawn) == [2, 3, 4, 5, 6]
    assert all(abs(count - 200) < 65 for count in drawn.values())  # five deviations


@pytest.mark.parametrize("name", sorted(TASKS.keys() - {"dynamic-ngrams"}))
def test_bits_are_fair(name):
    """Each channel by itself; the bits of the n-grams follow their table instead."""
    task = tiny(name)
    batch = task.batch(4000, stream(11))
    first = batch.inputs[1 if name == "associative-recall" else 0, :, : task.bits]
    assert first.mean(dim=0).tolist() == pytest.approx([0.5] * task.bits, abs=0.04)


# streams --------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", TASKS)
def test_any_step_can_be_made_again(name):
    """As exact resume needs: whatever was drawn before, and by whom, changes nothing."""
    task = tiny(name)
    first = [task.batch(4, stream(7, "train", i)) for i in range(4)]
    torch.manual_seed(123)
    again = task.batch(4, stream(7, "train", 2))
    assert torch.equal(again.inputs, first[2].inputs)
    assert torch.equal(again.targets, first[2].targets)
    same = (first[1].inputs.shape == first[2].inputs.shape) and torch.equal(
        first[1].inputs, first[2].inputs
    )
    assert not same


def test_a_batch_leaves_torchs_global_stream_alone():
    before = torch.get_rng_state()
    for name in TASKS:
        tiny(name).batch(2, stream(0))
    assert torch.equal(torch.get_rng_state(), before)


def test_a_batch_is_the_same_under_another_default_dtype():
    expected = PrioritySort().batch(2, stream(4)).inputs
    torch.set_default_dtype(torch.float64)
    try:
        made = PrioritySort().batch(2, stream(4)).inputs
    finally:
        torch.set_default_dtype(torch.float32)
    assert torch.equal(made, expected)


@given(seeds, st.integers(0, 2**40), seeds, st.integers(0, 2**40))
def test_training_and_evaluation_never_share_a_stream(seed, index, other_seed, other_index):
    """torch's generator keeps 32 bits of its seed; one of them is the purpose."""
    train = stream(seed, "train", index).initial_seed()
    evaluate = stream(other_seed, "evaluate", other_index).initial_seed()
    assert train != evaluate
    assert max(train, evaluate) < 2**32


def test_streams_differ_by_seed_index_and_purpose():
    keys = [(s, p, i) for s in range(10) for p in ("train", "evaluate") for i in range(100)]
    assert len({stream(*key).initial_seed() for key in keys}) == len(keys)
    assert len({tuple(torch.rand(4, generator=stream(*k)).tolist()) for k in keys}) == len(keys)


def test_held_out_copies_were_never_trained_on():
    task = Copy(min_length=10, max_length=20)
    trained = set()
    for i in range(50):
        batch = task.batch(8, stream(0, "train", i), length=10)
        trained |= {str(answer) for _, answer, _ in sequences(batch)}
    held_out = task.batch(400, stream(0, "evaluate"), length=10)
    assert len(trained) == 400
    assert not trained & {str(answer) for _, answer, _ in sequences(held_out)}


# costs ----------------------------------------------------------------------------------------


def right(batch, sure=20.0):
    """Outputs that are right wherever it counts, and wrong wherever it doesn't."""
    signs = torch.where(batch.mask[..., None], 1, -1)
    return sure * signs * (2 * batch.targets - 1)


@few
@given(seeds, st.sampled_from(sorted(TASKS)), st.sampled_from([torch.float32, torch.float64]))
def test_costs_counted_bit_by_bit(seed, name, dtype):
    batch = tiny(name).batch(3, stream(seed))
    outputs = torch.randn(batch.targets.shape, generator=stream(seed + 1)).to(dtype)
    wrong, bits, nats, count = [], [], 0.0, 0
    for i, (_, targets, mask) in enumerate(sequences(batch)):
        wrong.append(0)
        bits.append(0.0)
        for t in (t for t, counts in enumerate(mask) if counts):
            for said, true in zip(outputs[t, i].tolist(), targets[t], strict=True):
                chance = 1 / (1 + math.exp(-said))
                wrong[-1] += (chance > 0.5) != (true == 1)
                nats -= math.log(chance if true else 1 - chance)
                bits[-1] -= math.log2(chance if true else 1 - chance)
                count += 1
    assert wrong_bits(outputs, batch).tolist() == wrong
    assert bits_per_sequence(outputs, batch).tolist() == pytest.approx(bits, rel=1e-4)
    assert loss(outputs, batch).item() == pytest.approx(nats / count, rel=1e-4)


@pytest.mark.parametrize("name", TASKS)
def test_only_the_steps_that_count_are_counted(name):
    batch = tiny(name).batch(3, stream(0))
    outputs = right(batch)
    assert wrong_bits(outputs, batch).tolist() == [0, 0, 0]
    assert loss(outputs, batch) < 1e-6
    step = int(batch.mask[:, 1].nonzero()[-1])
    outputs[step, 1, 0] *= -1
    assert wrong_bits(outputs, batch).tolist() == [0, 1, 0]
    assert bits_per_sequence(outputs, batch)[1] > 20


def test_knowing_nothing_costs_a_bit_a_bit():
    batch = Copy().batch(3, stream(0), length=20)
    outputs = torch.zeros_like(batch.targets)
    torch.testing.assert_close(bits_per_sequence(outputs, batch), torch.full((3,), 160.0))
    assert loss(outputs, batch).item() == pytest.approx(math.log(2))


def test_loss_sends_gradients_to_counted_steps_only():
    batch = Copy().batch(2, stream(0), length=3)
    outputs = torch.zeros_like(batch.targets, requires_grad=True)
    loss(outputs, batch).backward()
    moved = (outputs.grad != 0).all(dim=-1)
    assert torch.equal(moved, batch.mask)


def test_nan_is_wrong_and_half_precision_doesnt_overflow():
    batch = Copy().batch(2, stream(0), length=2)
    assert wrong_bits(torch.full_like(batch.targets, math.nan), batch).tolist() == [16, 16]
    long = Copy().batch(1, stream(0), length=1000)
    costs = bits_per_sequence(right(long, sure=-20.0).half(), long)
    assert costs.isfinite().all()
    assert costs.item() == pytest.approx(8000 * 20 / math.log(2), rel=1e-3)


# the batch and the doors ----------------------------------------------------------------------


def test_batch_moves_whole_and_prints_its_sizes():
    batch = Copy().batch(2, stream(0), length=3)
    moved = batch.to("meta", torch.float64)
    assert {part.device.type for part in (moved.inputs, moved.targets, moved.mask)} == {"meta"}
    assert moved.inputs.dtype == moved.targets.dtype == torch.float64
    assert moved.mask.dtype == torch.bool
    assert batch.to("cpu").inputs.dtype == torch.float32
    assert repr(batch) == "Batch(2 sequences of 7 steps, 3 of which count; 9 inputs, 8 outputs)"
    with pytest.raises(FrozenInstanceError):
        batch.mask = None
    with pytest.raises(FrozenInstanceError):
        Copy().bits = 3


def test_outputs_that_dont_fit_are_refused_before_they_broadcast():
    batch = Copy().batch(2, stream(0), length=3)
    for cost in (loss, bits_per_sequence, wrong_bits):
        with pytest.raises(
            ValueError, match=r"expected outputs .* with batch = 2, got \(7, 1, 8\)"
        ):
            cost(torch.zeros(7, 1, 8), batch)
        with pytest.raises(ValueError, match=r"expected outputs .*, got \(7, 8\)"):
            cost(torch.zeros(7, 8), batch)
        with pytest.raises(ValueError, match=r"expected outputs to be a torch.Tensor, got list"):
            cost([0.0], batch)


@pytest.mark.parametrize(
    ("name", "parameters", "said"),
    [
        ("sort", {}, "expected a task, one of copy, repeat-copy, .*; got 'sort'"),
        ("copy", {"width": 3}, "expected parameters of copy among bits, .*; got width"),
        ("copy", {"bits": 0}, "expected bits to be a whole number >= 1, got 0"),
        ("copy", {"bits": True}, "expected bits to be a whole number >= 1, got True"),
        ("copy", {"max_length": "9"}, "expected max_length to be a whole number >= 1, got '9'"),
        ("copy", {"min_length": 5, "max_length": 4}, "expected max_length .* >= 5, got 4"),
        ("repeat-copy", {"min_repeats": 0}, "expected min_repeats .* >= 1, got 0"),
        ("associative-recall", {"min_items": 1}, "expected min_items .* >= 2, got 1"),
        ("associative-recall", {"item_length": 0}, "expected item_length .* >= 1, got 0"),
        ("dynamic-ngrams", {"length": 5}, "expected length .* >= 6, got 5"),
        ("priority-sort", {"items": 9}, "expected items .* >= 16, got 9"),
    ],
)
def test_make_task_refuses(name, parameters, said):
    with pytest.raises(ValueError, match=said):
        make_task(name, **parameters)


@pytest.mark.parametrize("name", TASKS)
def test_batch_refuses_sizes_that_make_no_sequence(name):
    task = tiny(name)
    with pytest.raises(ValueError, match="expected size to be a whole number >= 1, got 0"):
        task.batch(0, stream(0))
    with pytest.raises(ValueError, match=f"expected {task.length_name} .* got 0"):
        task.batch(2, stream(0), **{task.length_name: 0})


def test_overrides_are_checked_like_parameters():
    with pytest.raises(ValueError, match=r"expected repeats .* >= 1, got -1"):
        RepeatCopy().batch(1, stream(0), repeats=-1)
    with pytest.raises(ValueError, match=r"expected items .* >= 2, got 1"):
        AssociativeRecall().batch(1, stream(0), items=1)
    with pytest.raises(ValueError, match=r"expected items .* >= 16, got 15"):
        PrioritySort().batch(1, stream(0), items=15)
    assert isinstance(Copy().batch(np.int64(2), stream(0), length=np.int64(3)), Batch)


def test_stream_refuses():
    with pytest.raises(ValueError, match="expected purpose to be one of train, evaluate; got 'x'"):
        stream(0, "x")
    with pytest.raises(ValueError, match="expected seed to be a whole number >= 0, got -1"):
        stream(-1)
    with pytest.raises(ValueError, match=r"expected index to be a whole number >= 0, got 1\.5"):
        stream(0, index=1.5)
