"""The tape stepper without a browser: what it sends, how small it is, what it refuses."""

from __future__ import annotations

import nbformat
import pytest
import torch
import traitlets

from lessons_lib import memory
from lessons_lib.lntm import LNTM
from lessons_lib.ntm import NTM
from lessons_lib.origins import origins
from lessons_lib.recurrent import GRU, LSTM, RNN
from lessons_lib.trace import Trace
from lessons_lib.widgets import TapeStepper
from lessons_lib.widgets.updates import TOLERANCE, fold, memory_pictures
from tests.test_widgets import focused_trace, lntm_trace, ntm_trace, run, sent
from tools.build_notebooks import METADATA
from tools.run_notebooks import execute, lesson_environment

MEGABYTES = 1e6
LARGEST = """
import torch
from lessons_lib.ntm import NTM
from lessons_lib.widgets import TapeStepper
torch.manual_seed(0)
machine = NTM(10, 8, slots=128, width=20, read_heads=4)
trace = machine(torch.rand(240, 1, 10), trace=True)[-1]
TapeStepper(trace, slots="all")
"""


def unfolded(numbers: dict[str, torch.Tensor]) -> torch.Tensor:
    """Follow what the browser does with what was sent: the three pictures of each step."""
    whole, kept = numbers["memory.whole"], list(numbers["memory.pictures"])
    weights, erase = numbers["write.weights"].double(), numbers["erase_vector"].double()
    added = numbers.get("added", numbers["add_vector"]).double()
    now, pictures = None, []
    for step in range(len(whole)):
        for part in range(3):
            products = torch.einsum("hs,hw->hsw", weights[step], (added, erase)[part == 1][step])
            if whole[step, part]:
                now = kept.pop(0)
            elif part == 1:
                now = (now.double() * (1 - products).prod(0)).float()
            elif part == 2:
                now = (now.double() + products.sum(0)).float()
            pictures.append(now)
    assert not kept  # nothing is sent in vain
    return torch.stack(pictures).unflatten(0, (-1, 3))


def expected(trace: Trace) -> torch.Tensor:
    """The library's three pictures of the first sequence's memory."""
    before, after = trace.memory_before[:, 0], trace.memory_after[:, 0]
    erased = memory.erase(before, trace.write.weights[:, 0], trace.erase_vector[:, 0])
    return torch.stack([before, erased, after], 1).float()


def test_the_stepper_sends_the_sequences_numbers():
    trace = ntm_trace()
    numbers = sent(TapeStepper(trace, sequence=1))
    torch.testing.assert_close(numbers["write.weights"], trace.write.weights[:, 1])
    torch.testing.assert_close(numbers["read.gate"], trace.read.gate[:, 1])
    torch.testing.assert_close(numbers["erase_vector"], trace.erase_vector[:, 1])
    torch.testing.assert_close(numbers["forget_gate"], trace.forget_gate[:, 1])
    torch.testing.assert_close(numbers["memory.pictures"][0], trace.memory_before[0, 1])


@pytest.mark.parametrize(
    "make",
    [
        lambda: NTM(3, 2, slots=9, width=4, read_heads=2, write_heads=3, memory_init="random"),
        lambda: NTM(3, 2, slots=9, width=4, controller="feedforward").double(),
        lambda: LNTM(3, 2, slots=9, width=4),
    ],
)
@pytest.mark.parametrize("scale", [1.0, 100.0])
def test_the_memory_unfolds_to_the_librarys_before_erase_and_add(make, scale):
    torch.manual_seed(0)
    machine = make()
    machine.memory_start.data.mul_(scale)
    like = machine.heads.weight if isinstance(machine, NTM) else machine.memory_start
    trace = machine(torch.randn(60, 1, 3, dtype=like.dtype), trace=True)[-1]
    numbers = sent(TapeStepper(trace))
    assert (unfolded(numbers) - expected(trace)).abs().max() <= TOLERANCE * 1.01 < 1e-6
    assert len(numbers["memory.pictures"]) < 60 * 3 / 4  # of 180, most follow from the writes


def test_a_memory_that_its_writes_do_not_make_is_sent_whole_where_it_must_be():
    trace = ntm_trace()
    trace.memory_after[2] += 0.5
    trace.memory_before[4] -= 0.25
    numbers = sent(TapeStepper(trace))
    assert (unfolded(numbers) - expected(trace)).abs().max() <= TOLERANCE
    assert numbers["memory.whole"].bool()[[2, 4], [2, 0]].all()
    assert "origin.read_step" not in numbers  # it cannot be told who wrote what


def test_a_padded_run_unfolds_too():
    torch.manual_seed(0)
    model = LNTM(3, 2, slots=5, width=4, hidden_size=8)
    trace = model(torch.randn(6, 1, 3), lengths=torch.tensor([4]), trace=True)[-1]
    assert (unfolded(sent(TapeStepper(trace))) - expected(trace)).abs().max() <= TOLERANCE
    assert len(sent(TapeStepper(trace.cut(4)))["memory.pictures"]) == 1


def test_a_memory_without_recorded_writes_is_sent_before_and_after():
    trace = focused_trace(8, [0, 1, 2])
    numbers = sent(TapeStepper(trace))
    torch.testing.assert_close(numbers["memory_after"], trace.memory_after[:, 0])
    torch.testing.assert_close(numbers["memory_before"], trace.memory_before[:, 0])
    assert memory_pictures(trace) is None


def test_infinity_and_nan_are_folded_as_they_are():
    pictures = torch.tensor([1.0, float("nan"), float("inf")]).view(1, 3, 1, 1)
    folded = fold(pictures, torch.ones(1, 1, 1), torch.zeros(1, 1, 1), torch.zeros(1, 1, 1))
    assert folded["whole"].tolist() == [[True, True, True]]
    torch.testing.assert_close(folded["pictures"].flatten(), pictures.flatten(), equal_nan=True)


@pytest.mark.parametrize("model", [RNN, LSTM, GRU])
def test_a_machine_without_memory_is_drawn_by_its_units(model):
    torch.manual_seed(0)
    trace = run(model(3, 2, hidden_size=4))
    stepper = TapeStepper(trace)
    numbers = sent(stepper)
    torch.testing.assert_close(numbers["hidden"], trace.hidden[:, 0])
    assert set(stepper.names) <= set(numbers)
    assert not any(name.startswith(("memory", "origin")) for name in numbers)
    with pytest.raises(ValueError, match="a trace whose memory"):
        stepper.written_at(0)


def test_the_step_stays_in_the_run_and_the_stage_is_one_of_five():
    stepper = TapeStepper(lntm_trace())
    stepper.step = 99
    assert stepper.step == 5
    stepper.step = -3
    assert stepper.step == 0
    stepper.read_head = 99
    assert stepper.read_head == 7
    with pytest.raises(traitlets.TraitError, match="'add'"):
        stepper.stage = "think"


def test_written_at_is_the_largest_source_of_a_read():
    trace = lntm_trace()
    stepper = TapeStepper(trace)
    found = origins(trace)
    numbers = sent(stepper)
    for step in range(6):
        stepper.step = step
        best = int(found.together[step].argmax())
        assert stepper.written_at() == (None if best == 6 else best)
        best = int(found.reads[step, 3].argmax())
        assert stepper.written_at(step, head=3) == (None if best == 6 else best)
        steps = numbers["origin.read_step"][step, 0]  # what the page shows: all together
        assert [int(source) for source in steps][:1] == [
            source for source, _ in found.of_read(step, most=1)
        ]
        torch.testing.assert_close(
            numbers["origin.read_share"][step, 4], found.reads[step, 3].topk(3).values
        )
    with pytest.raises(ValueError, match="a step from 0 to 5 and a head from 0 to 7, got 6"):
        stepper.written_at(6)


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
    assert unfolded(sent(stepper))[3:, 2].isnan().all()


def test_one_step_one_slot_and_no_step():
    torch.manual_seed(0)
    trace = run(NTM(3, 2, slots=1, width=2, hidden_size=4), steps=1)
    assert unfolded(sent(TapeStepper(trace))).shape == (1, 3, 1, 2)
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


def test_a_stretch_of_the_tape_unfolds_as_the_whole_does():
    trace = ntm_trace()
    numbers = sent(TapeStepper(trace, slots=[4, 0]))
    assert (unfolded(numbers) - expected(trace)[:, :, [4, 0]]).abs().max() <= TOLERANCE
    whole = sent(TapeStepper(trace))
    for name in ("origin.slot_step", "origin.slot_share"):
        torch.testing.assert_close(numbers[name], whole[name][:, [4, 0]], equal_nan=True)
    torch.testing.assert_close(numbers["origin.read_step"], whole["origin.read_step"])


def test_the_largest_tape_of_the_course_is_small_in_a_saved_notebook(tmp_path):
    """128 slots × 240 steps × 20 numbers, four read heads: the file itself, state included."""
    cells = [nbformat.v4.new_code_cell(LARGEST.strip())]
    notebook = nbformat.v4.new_notebook(cells=cells, metadata=METADATA)
    path = tmp_path / "largest.ipynb"
    nbformat.write(notebook, path)
    assert execute(path, path, lesson_environment("quick", tmp_path / "answers"), 120).error == ""
    notebook = nbformat.read(path, as_version=4)
    saved = notebook.metadata["widgets"]["application/vnd.jupyter.widget-state+json"]["state"]
    assert any(state["model_name"] == "AnyModel" and "buffers" in state for state in saved.values())
    assert path.stat().st_size < 3 * MEGABYTES  # 8 is too much
