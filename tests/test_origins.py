"""Where reads come from: the shares are exact, and a hand example."""

from __future__ import annotations

import pytest
import torch

from lessons_lib import memory, tasks
from lessons_lib.checkpoints import load
from lessons_lib.lntm import LNTM
from lessons_lib.ntm import NTM
from lessons_lib.origins import START, origins, parts_of_memory
from lessons_lib.recurrent import LSTM
from lessons_lib.trace import HeadTrace, Trace

SIZES = {"slots": 5, "width": 4, "hidden_size": 8}
MACHINES = {
    "ntm": lambda: NTM(3, 2, read_heads=2, write_heads=2, memory_init="random", **SIZES),
    "lntm": lambda: LNTM(3, 2, read_pointers=3, **SIZES),
}


def run(name: str, steps: int = 7, **options) -> Trace:
    torch.manual_seed(0)
    machine = MACHINES[name]().double()
    return machine(torch.randn(steps, 2, 3, dtype=torch.float64), trace=True, **options)[-1]


def write_alone(trace: Trace, wanted: int, until: int) -> torch.Tensor:
    """Return c_s by leaving every other write, and the start, out of the library's steps."""
    here = torch.zeros_like(trace.memory_before[0])
    if wanted == START:
        here = trace.memory_before[0]
    for step in range(until + 1):
        now = trace.at(step)
        here = memory.erase(here, now.write.weights, now.erase_vector)
        if step == wanted:
            here = memory.add(here, now.write.weights, now.add_vector, now.add_gate)
    return here


@pytest.mark.parametrize("name", MACHINES)
def test_the_shares_are_those_of_each_write_alone(name):
    trace = run(name).sequence(1)
    found = origins(trace)
    last = len(trace) - 1
    for step in (0, 3, last):
        alone = [write_alone(trace, source, step) for source in [*range(step + 1), START]]
        weights = trace.read.weights[step]
        parts = torch.stack([memory.read(part, weights) for part in alone])  # (sources, 1, R, W)
        torch.testing.assert_close(parts.sum(0), trace.reads[step])  # r = Σ r_s
        wanted = parts.abs().sum(-1) / parts.abs().sum((0, -1))
        got = torch.cat([found.reads[step, :, : step + 1], found.reads[step, :, -1:]], dim=1)
        torch.testing.assert_close(got.T, wanted[:, 0])
        together = parts.abs().sum((1, 2, 3)) / parts.abs().sum()
        got = torch.cat([found.together[step, : step + 1], found.together[step, -1:]])
        torch.testing.assert_close(got, together)
        slots = torch.cat(alone)  # (sources, S, W)
        best = (slots.abs().sum(-1) / slots.abs().sum((0, -1))).max(0)
        torch.testing.assert_close(found.slot_share[step], best.values)
        sources = best.indices.where(best.indices <= step, START)
        assert found.slot_step[step].tolist() == sources.tolist()


@pytest.mark.parametrize("name", MACHINES)
def test_all_shares_sum_to_1_and_what_is_yet_to_come_has_none(name):
    found = origins(run(name), sequence=1)
    for found_shares in (found.reads, found.together):
        sums = found_shares.sum(-1)
        torch.testing.assert_close(sums, torch.ones_like(sums))
        assert found_shares.min() >= 0
    assert found.reads[2, :, 3:-1].abs().max() == 0


@pytest.mark.parametrize("name", MACHINES)
def test_parts_can_be_gathered_by_sentence(name):
    trace = run(name).sequence(0)
    *_, by_step = parts_of_memory(trace)
    *_, gathered = parts_of_memory(trace, [1, 1, 1, 2, 2, 1, 3])
    wanted = [by_step[0], by_step[[1, 2, 3, 6]].sum(0), by_step[[4, 5]].sum(0), by_step[7]]
    torch.testing.assert_close(gathered, torch.stack(wanted))
    torch.testing.assert_close(gathered.sum(0), trace.memory_after[-1, 0])


def by_hand(**changes) -> Trace:
    """Two writes into slot 0 of two: (2, 0), then half erased and (0, 1) added; read slot 0."""
    one_hot = torch.tensor([1.0, 0.0]).expand(2, 1, 1, 2)
    after = torch.tensor([[[2.0, 0.0], [0.0, 0.0]], [[1.0, 1.0], [0.0, 0.0]]])[:, None]
    fields = {
        "inputs": torch.zeros(2, 1, 1),
        "hidden": torch.zeros(2, 1, 1),
        "write": HeadTrace(weights=one_hot),
        "read": HeadTrace(weights=one_hot),
        "erase_vector": torch.tensor([[0.0, 0.0], [0.5, 0.5]])[:, None, None],
        "add_vector": torch.tensor([[2.0, 0.0], [0.0, 1.0]])[:, None, None],
        "memory_before": torch.cat([torch.zeros(1, 1, 2, 2), after[:1]]),
        "memory_after": after,
        "reads": after[:, :, :1],
    }
    return Trace(**{**fields, **changes})


def test_two_writes_worked_out_by_hand():
    found = origins(by_hand())
    # after step 1 slot 0 is (1, 1) = (1, 0) of step 0, half faded, and (0, 1) of step 1
    assert found.reads[1, 0].tolist() == [0.5, 0.5, 0.0]
    assert found.of_read(0) == [(0, 1.0)]
    assert found.slot_step[0, 0] == 0
    assert found.slot_share[0, 1].isnan()  # nothing stands in slot 1


def test_a_read_of_nothing_has_no_origin():
    nothing = by_hand(
        add_vector=torch.zeros(2, 1, 1, 2),
        memory_before=torch.zeros(2, 1, 2, 2),
        memory_after=torch.zeros(2, 1, 2, 2),
        reads=torch.zeros(2, 1, 1, 2),
    )
    assert origins(nothing).of_read(1) == []


def test_a_memory_that_the_writes_do_not_make_is_refused():
    factor = torch.tensor([1.0, 2.0])[:, None, None, None]
    with pytest.raises(ValueError, match=r"memory after step 1 .* trace\.cut"):
        origins(by_hand(memory_after=by_hand().memory_after * factor))
    padded = run("lntm", lengths=torch.tensor([7, 4]))
    origins(padded, sequence=0)
    origins(padded.cut(4), sequence=1)
    with pytest.raises(ValueError, match="Cut padding off"):
        origins(padded, sequence=1)


def test_a_machine_without_memory_is_refused():
    with pytest.raises(ValueError, match="reads from a memory"):
        origins(LSTM(3, 2, hidden_size=4)(torch.zeros(2, 1, 3), trace=True)[-1])


def test_a_nan_goes_on_as_a_nan_and_is_no_source():
    nan = torch.full((2, 1, 2, 2), float("nan"))
    trace = by_hand(
        add_vector=torch.full((2, 1, 1, 2), float("nan")),
        memory_before=torch.cat([torch.zeros(1, 1, 2, 2), nan[:1]]),
        memory_after=nan,
        reads=nan[:, :, :1],
    )
    assert origins(trace).of_read(1) == []
    with pytest.raises(ValueError, match="what the writes made"):
        origins(by_hand(add_vector=trace.add_vector))  # its memory has no NaN


def test_a_trained_ntm_says_each_vector_from_the_step_that_wrote_it():
    machine = load("ntm-copy")[0].with_slots(24).requires_grad_(False)
    generator = torch.Generator().manual_seed(0)
    batch = tasks.Copy().batch(1, generator=generator, length=8)
    found = origins(machine(batch.inputs, trace=True)[-1])
    sources = [found.of_read(step)[0] for step in range(8, 17)]
    steps = [source for source, _ in sources]
    assert set(range(8)) <= set(steps)
    assert steps == sorted(steps)  # said in the order of writing
    assert min(share for source, share in sources if source in range(8)) > 0.8
