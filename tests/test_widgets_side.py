"""Side by side: its numbers are the library's, and what it refuses."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from lessons_lib import checkpoints, tasks
from lessons_lib.evaluate import evaluate_task
from lessons_lib.lntm import LNTM
from lessons_lib.ntm import NTM
from lessons_lib.recipes import find
from lessons_lib.recurrent import LSTM, RNN
from lessons_lib.training import Training
from lessons_lib.widgets import SideBySide
from lessons_lib.widgets.side_by_side import measured_lengths
from lessons_lib.widgets.side_by_side_numbers import Race

BITS = 3


def machines() -> dict:
    torch.manual_seed(2)
    small = {"hidden_size": 5}
    return {
        "RNN": RNN(BITS + 1, BITS, **small),
        "LSTM": LSTM(BITS + 1, BITS, **small),
        "NTM": NTM(BITS + 1, BITS, slots=6, width=4, write_heads=2, **small),
        "L-NTM": LNTM(BITS + 1, BITS, slots=6, width=4, read_pointers=2, **small),
        "fed": LNTM(BITS + 1, BITS, slots=6, width=4, read_pointers=2, feed_reads=True, **small),
    }


def race(longest: int = 12) -> Race:
    return Race(machines(), longest, seed=0)


def numbers_of(play: SideBySide) -> dict[str, np.ndarray]:
    """Return what was sent, by name."""
    flat = np.frombuffer(play.numbers, dtype="<f4")
    return {
        name: flat[one["start"] : one["start"] + int(np.prod(one["shape"]))].reshape(one["shape"])
        for name, one in play.index.items()
    }


def test_a_list_is_laid_out_as_the_copy_task_does_and_begins_as_a_longer_one():
    found = race().batch(0, 12)
    task = tasks.Copy(bits=BITS).batch(1, tasks.stream(0, "evaluate", 0), length=12)
    assert torch.equal(found.inputs, task.inputs)
    assert torch.equal(found.targets, task.targets)
    assert torch.equal(found.mask, task.mask)
    shorter = race().batch(0, 5)
    assert shorter.inputs.shape == (11, 1, BITS + 1)
    assert torch.equal(shorter.inputs[:5], found.inputs[:5])
    assert shorter.inputs[5, 0].tolist() == [0, 0, 0, 1]
    assert not shorter.inputs[6:].any()
    assert torch.equal(shorter.targets[6:], found.targets[13:18])
    assert shorter.mask[:, 0].tolist() == [False] * 6 + [True] * 5


@pytest.mark.parametrize("order", [(12, 5, 9, 1), (1, 5, 9, 12)])
def test_going_on_from_a_shorter_list_gives_the_numbers_of_the_whole_run(order):
    play = race()
    for length in order:
        batch = play.batch(0, length)
        for name, answer in play.answers(0, length).items():
            with torch.no_grad():
                whole = play.machines[name](batch.inputs)[0]
            torch.testing.assert_close(answer.outputs, whole[length + 1 :, 0], atol=1e-6, rtol=0)
            assert answer.total == int(tasks.wrong_bits(whole, batch))


def test_of_one_list_the_wrong_bits_are_those_that_evaluate_task_measures():
    play = SideBySide(machines(), 12, longest=12, seed=7)
    for name, machine in play.race.machines.items():
        found = evaluate_task(
            machine, tasks.Copy(bits=BITS), count=1, batch_size=1, seed=7, length=12
        )
        assert play.wrong[name] == found["wrong_bits_per_sequence"]


def test_what_is_stored_is_the_traces():
    play = race()
    batch = play.batch(0, 4)
    traces = {name: one(batch.inputs, trace=True)[2] for name, one in play.machines.items()}
    stored = play.stored(0, 4)
    assert torch.equal(stored["RNN"].values, traces["RNN"].hidden[:, 0])
    assert torch.equal(stored["LSTM"].values, traces["LSTM"].cell[:, 0])
    assert torch.equal(stored["NTM"].values, traces["NTM"].write.weights[:, 0].amax(1))
    for name in ("L-NTM", "fed"):
        gate, write = traces[name].add_gate[:, 0], traces[name].write.weights[:, 0, 0]
        assert torch.equal(stored[name].values, gate * write)
    assert [one.kind for one in stored.values()] == ["hidden", "cell"] + ["slots"] * 3


def test_the_page_gets_these_numbers():
    play = SideBySide(machines(), 5, longest=12)
    sent, answers = numbers_of(play), play.race.answers(0, 5)
    assert np.array_equal(sent["inputs"], play.batch.inputs[:, 0].numpy())
    assert np.array_equal(sent["targets"], play.batch.targets[6:, 0].numpy())
    for place, (name, answer) in enumerate(answers.items()):
        assert np.array_equal(sent[f"{place}.probability"], answer.outputs.sigmoid().numpy())
        assert np.array_equal(sent[f"{place}.wrong"], answer.wrong.numpy())
        assert sent[f"{place}.so_far"][-1] == sent[f"{place}.by_step"].sum() == play.wrong[name]
        assert play.view["machines"][place]["wrong"] == play.wrong[name]
        assert sent[f"{place}.visited"] == pytest.approx(play.wrong[name] / (5 * BITS))
    assert play.steps == 11
    assert play.step == 10


def test_lengths_fill_in_and_another_list_of_a_length_makes_a_mean():
    play = SideBySide(machines(), 3, longest=12)
    first = dict(play.wrong)
    play.length = 7
    play.length = 3
    play.sequence = 1
    second = dict(play.wrong)
    lengths, lists, shares = play.race.visited()
    assert lengths == [3, 7]
    assert lists == [2, 1]
    sent = numbers_of(play)
    assert sent["visited.lists"].tolist() == [2, 1]
    for place, name in enumerate(first):
        assert shares[name][0] == pytest.approx((first[name] + second[name]) / (2 * 3 * BITS))
        assert sent[f"{place}.visited"] == pytest.approx(shares[name])
    assert not torch.equal(play.race.batch(0, 3).inputs, play.race.batch(1, 3).inputs)


def test_the_write_paths_follow_when_the_page_asks_for_what_it_shows():
    play = SideBySide(machines(), 3, longest=12)
    assert "0.stored" in play.index
    play.length = 8
    play.step = 4
    assert "0.stored" not in play.index  # a trace is not made before the slider rests
    play._heard(play, {"kind": "paths", "count": play.view["count"] - 1}, None)
    play._heard(play, {"kind": "is a kernel there?"}, None)
    play._heard(play, "paths", None)
    assert "0.stored" not in play.index
    play._heard(play, {"kind": "paths", "count": play.view["count"]}, None)
    assert play.step == 4
    stored = play.race.stored(0, 8)["NTM"]
    assert np.array_equal(numbers_of(play)["2.stored"], stored.values.numpy())
    assert play.view["machines"][2]["rows"] == list(stored.rows)


def test_at_rest_the_lengths_beside_are_made_ready_and_not_counted(monkeypatch):
    play = SideBySide(machines(), 3, longest=12)
    play.length = 8
    play._heard(play, {"kind": "paths", "count": play.view["count"]}, None)
    assert play.race.visited()[0] == [3, 8]
    monkeypatch.setattr(play.race, "_answer", None)  # nothing more is run
    play.length = 9
    assert play.race.visited()[0] == [3, 8, 9]


def test_lengths_steps_and_lists_stay_within_their_ends():
    play = SideBySide(machines(), 3, longest=12)
    play.length = 99
    assert (play.length, play.steps, play.step) == (12, 25, 24)
    play.length = -1
    assert (play.length, play.steps, play.step) == (1, 3, 2)
    play.step = 9
    assert play.step == 2
    play.step = -1
    assert play.step == 0
    play.sequence = -4
    assert play.sequence == 0
    assert repr(play) == "SideBySide(RNN, LSTM, NTM, L-NTM, fed; 1 vector)"


def test_a_nan_is_wrong_and_told():
    sick = machines()
    sick["LSTM"].readout.bias.data[0] = float("nan")
    play = SideBySide(sick, 4, longest=4)
    assert play.race.answers(0, 4)["LSTM"].wrong[:, 0].all()
    told = "LSTM: outputs are not finite from vector 0 of the answer on"
    assert list(play.problems) == [told]
    assert play.still().axes


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: SideBySide({}), "at least one machine"),
        (lambda: SideBySide({"odd": RNN(4, 4)}), "odd to read 5 channels and say 4 bits, got 4"),
        (lambda: SideBySide({"a": RNN(4, 3), "b": RNN(3, 2)}), "b to read 4 channels"),
        (lambda: SideBySide({"no": torch.nn.Linear(4, 3)}), "with input_size, got a Linear"),
        (lambda: SideBySide({"a": RNN(4, 3)}, 0), "a length from 1 to 120, got 0"),
        (lambda: SideBySide({"a": RNN(4, 3)}, 9, longest=8), "a length from 1 to 8, got 9"),
        (lambda: SideBySide({"a": RNN(4, 3)}, longest=0), "longest of at least 1, got 0"),
        (lambda: SideBySide({"a": RNN(4, 3)}, recorded={"b": []}), "of a, got some of 'b'"),
        (lambda: SideBySide({"a": RNN(4, 3)}, recorded={"a": [(0, 1)]}), "at least 1, got 0 of"),
    ],
)
def test_what_does_not_fit_is_refused_in_words(make, words):
    with pytest.raises(ValueError, match=words):
        make()


def test_recorded_measures_are_drawn_as_shares_and_come_from_the_results():
    play = SideBySide({"a": RNN(4, 3)}, 2, recorded={"a": [(10, 6), (2, 3.0)]})
    assert numbers_of(play)["0.recorded"].tolist() == [[2, 0.5], [10, pytest.approx(0.2)]]
    entries = json.loads((checkpoints.DATA / "results.json").read_text())["entries"]
    known = [one for one in entries if one.get("checkpoint") == "lstm-copy"]
    wanted = [(one["length"], one["wrong_bits_per_sequence"]) for one in known]
    assert measured_lengths(["lstm-copy", "mine"]) == {"lstm-copy": wanted}
    assert wanted


def test_the_shipped_machines_run_as_loaded():
    loaded = {name: checkpoints.load(name) for name in ("lstm-copy", "ntm-copy")}
    play = SideBySide(loaded, 30)
    assert play.wrong["ntm-copy"] == 0 < play.wrong["lstm-copy"]
    assert set(play.recorded) == set(loaded)
    with torch.no_grad():
        whole = loaded["ntm-copy"][0](play.batch.inputs)[0][31:, 0].sigmoid()
    said = numbers_of(play)["1.probability"]
    assert said == pytest.approx(whole.numpy(), abs=1e-6)


def test_the_shipped_machines_do_what_lesson_5_says_of_them():
    names = ("rnn-copy", "lstm-copy", "ntm-copy", "lntm-copy")
    play = Race({name: checkpoints.load(name)[0] for name in names}, 40, seed=0)

    def first_wrong(name: str, length: int) -> int | None:
        by_vector = play.answers(0, length)[name].wrong.any(-1).tolist()
        return by_vector.index(True) if any(by_vector) else None

    assert first_wrong("rnn-copy", 1) is None
    assert first_wrong("rnn-copy", 5) < 5
    assert [first_wrong("lstm-copy", length) for length in (20, 24, 30)] == [8, 8, 9]
    assert [first_wrong("lntm-copy", length) for length in (20, 24)] == [17, 16]
    assert play.answers(0, 40)["ntm-copy"].total == 0
    assert play.stored(0, 40)["ntm-copy"].values[41:].amax(-1).median() > 0.7  # it writes on
    paths = set()
    for number in range(4):
        written = play.stored(number, 30)["lntm-copy"].values  # (61, 24)
        paths.add(tuple(written[:19].argmax(-1).tolist()))
        assert written[22:31].sum(-1).max() < 0.1  # it has stopped writing
    [path] = paths
    assert len(set(path)) == 18  # slots


def test_the_still_has_a_row_for_each_answer_and_each_memory():
    play = SideBySide(machines(), 1, longest=12)
    play.length = 6
    figure = play.still()
    assert len(figure.axes) == 2 + 2 * 5 + 1
    crosses = [line for line in figure.axes[2].lines if line.get_marker() == "x"]
    assert len(crosses[0].get_xdata()) == play.wrong["RNN"]
    heights = [ax.get_position().height for ax in figure.axes]
    assert min(heights) > 0.02  # no row is squeezed out


def test_the_recipes_of_the_four_are_alike():
    """The same data, batches and optimiser as lstm-copy; only the machine differs."""
    model = {"kind": "RNN", "hidden_size": 256}
    assert find("rnn-copy") == find("lstm-copy").changed(name="rnn-copy", model=model)
    lntm = find("lntm-copy")
    assert lntm == find("lstm-copy").changed(name="lntm-copy", model=lntm.model)
    for name in ("rnn-copy", "lntm-copy"):
        begun = Training(find(name), seed=0)
        assert begun.model.output_size == 8
