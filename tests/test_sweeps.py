"""Several seeds at once give what each gives alone."""

import pytest

from lessons_lib.__main__ import main
from lessons_lib.sweeps import sweep
from lessons_lib.training import Training
from tests.machines import TINY_RECIPE as TINY


def slots_of(training: Training) -> dict:
    return {"slots": training.model.slots}


def without_times(record: dict) -> dict:
    curve = [{k: v for k, v in point.items() if k != "seconds"} for point in record["curve"]]
    return {**record, "curve": curve, "seconds": 0, "cpu_seconds": 0, "hardware": {}}


def test_every_seed_gives_its_own_record_in_the_order_asked_for(tmp_path):
    found = sweep(TINY, [2, 0], out=tmp_path, jobs=2, measure=slots_of, progress=False)
    assert [record["seed"] for record in found] == [2, 0]
    for record in found:
        assert record.pop("measured") == {"slots": 4}
        alone = Training(TINY, seed=record["seed"]).run(progress=False)
        assert without_times(record) == without_times(alone)
    again = sweep(TINY, [2, 0], out=tmp_path, progress=False)  # finished: nothing is trained
    assert [record["seconds"] for record in again] == [record["seconds"] for record in found]


def test_a_seed_that_meets_a_nan_stops_alone_and_says_so():
    wild = TINY.changed(learning_rate=3e37, steps=20)  # overflows, whatever the machine
    (record,) = sweep(wild, [0], progress=False)
    assert "stopped before the update" in record["stopped"]
    assert not record["finished"]


@pytest.mark.parametrize(
    ("text", "seeds"), [("3", [3]), ("0-2", [0, 1, 2]), ("5,1-2,2", [5, 1, 2])]
)
def test_the_command_line_takes_seeds(text, seeds, monkeypatch, tmp_path):
    monkeypatch.setitem(__import__("lessons_lib.recipes").recipes.RECIPES, "tiny", TINY)
    arguments = ["train", "tiny", "--seeds", text, "--out", str(tmp_path), "--quiet"]
    assert main(arguments) == 0
    assert sorted(path.stem for path in tmp_path.glob("*.pt") if ".state" not in path.name) == [
        f"tiny-seed{seed}" for seed in sorted(seeds)
    ]


@pytest.mark.parametrize("text", ["", "a", "3-", "-3", "2-1", "0-5000", "1.5"])
def test_seeds_that_are_none_are_refused(text, capsys):
    with pytest.raises(SystemExit) as stopped:
        main(["train", "lstm-qa1", "--seeds", text])
    assert stopped.value.code == 2
    assert "expected" in capsys.readouterr().err


def test_a_run_record_can_be_trained_again(tmp_path, capsys):
    Training(TINY, seed=3, out=tmp_path / "first").run(progress=False)
    record = tmp_path / "first" / "tiny-seed3.json"
    assert main(["train", str(record), "--out", str(tmp_path / "again"), "--quiet"]) == 0
    assert (tmp_path / "again" / "tiny-seed3.pt").exists()
    (tmp_path / "other.json").write_text("{}")
    assert main(["train", str(tmp_path / "other.json")]) == 2
    assert "expected a run record" in capsys.readouterr().err
