"""Trained models on disk: the same machine comes back, and nothing else is believed."""

import json
import pickle

import pytest
import torch

from lessons_lib import checkpoints, records
from lessons_lib.models import build
from lessons_lib.words import Vocabulary

VOCABULARY = Vocabulary(("GO", "Q", "ann", "home"), ("home",))
SETTINGS = {
    "LNTM": {"kind": "LNTM", "input_size": 3, "output_size": 1, "slots": 4, "words": 4},
    "NTM": {"kind": "NTM", "input_size": 3, "output_size": 2, "slots": 4, "memory_init": "random"},
    "LSTM": {"kind": "LSTM", "input_size": 3, "output_size": 2, "hidden_size": 5},
}


def saved(folder, name="LNTM"):
    torch.manual_seed(0)
    model, vocabulary = build(**SETTINGS[name]), VOCABULARY if name == "LNTM" else None
    path = checkpoints.save(folder / "mine", model, SETTINGS[name], vocabulary, {"seed": 5})
    return model, path


def seal(path, content):
    """Put other content into a checkpoint, with a record that fits it."""
    path.write_bytes(content)
    record = {"sha256": records.sha256(path)}
    path.with_suffix(".json").write_text(json.dumps(record))


@pytest.mark.parametrize("name", SETTINGS)
def test_what_is_saved_comes_back(name, tmp_path):
    model, path = saved(tmp_path / "new folder", name)
    torch.manual_seed(1)
    loaded, vocabulary, record = checkpoints.load(path)
    assert not loaded.training
    mine, theirs = model.state_dict(), loaded.state_dict()
    assert mine.keys() == theirs.keys()
    assert all(torch.equal(mine[key], theirs[key]) for key in mine)
    assert vocabulary == (VOCABULARY if name == "LNTM" else None)
    assert record["seed"] == 5
    assert record["settings"] == SETTINGS[name]
    assert record["sha256"] == records.sha256(path)
    inputs = torch.tensor([[2], [1]]) if name == "LNTM" else torch.ones(2, 1, 3)
    assert torch.equal(loaded(inputs)[0], model(inputs)[0])
    assert torch.equal(checkpoints.load(str(path))[0](inputs)[0], model(inputs)[0])


def test_a_damaged_file_is_refused(tmp_path):
    _, path = saved(tmp_path)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"has SHA-256 .*its record says .*damaged"):
        checkpoints.load(path)


def test_a_file_cut_short_is_refused(tmp_path):
    _, path = saved(tmp_path)
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(ValueError, match="damaged"):
        checkpoints.load(path)


@pytest.mark.parametrize("content", [b"", b"no checkpoint", b"PK\x03\x04 half an archive"])
def test_a_file_that_is_no_checkpoint_is_refused(content, tmp_path):
    _, path = saved(tmp_path)
    seal(path, content)
    with pytest.raises(ValueError, match="expected a checkpoint of this library"):
        checkpoints.load(path)


def test_other_content_is_refused(tmp_path):
    _, path = saved(tmp_path)
    torch.save({"weights": {}}, path)
    seal(path, path.read_bytes())
    with pytest.raises(ValueError, match="expected a checkpoint with answers, settings, weights"):
        checkpoints.load(path)


class Harmful:
    """Unpickling this would make a file."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (open, (str(self.path), "w"))


@pytest.mark.parametrize(
    "save", [torch.save, lambda thing, path: path.write_bytes(pickle.dumps(thing, 2))]
)
def test_a_file_cannot_run_code(save, tmp_path):
    _, path = saved(tmp_path)
    trace = tmp_path / "ran"
    save({"settings": Harmful(trace)}, path)
    seal(path, path.read_bytes())
    with pytest.raises(ValueError, match="expected a checkpoint of this library"):
        checkpoints.load(path)
    assert not trace.exists()


def test_a_record_that_is_missing_or_no_json_is_named(tmp_path):
    _, path = saved(tmp_path)
    beside = path.with_suffix(".json")
    beside.write_text("{half")
    with pytest.raises(ValueError, match=r"expected a run record as JSON in .*mine\.json"):
        checkpoints.load(path)
    beside.unlink()
    with pytest.raises(FileNotFoundError, match=r"expected the run record .*mine\.json"):
        checkpoints.load(path)


def test_an_unknown_name_lists_the_shipped_ones(tmp_path, monkeypatch):
    monkeypatch.setattr(checkpoints, "DATA", tmp_path)
    (tmp_path / "checkpoints").mkdir()
    for name in ("ntm-copy", "lntm-qa1"):
        checkpoints.save(
            tmp_path / "checkpoints" / name, build(**SETTINGS["LSTM"]), SETTINGS["LSTM"], None, {}
        )
    assert checkpoints.shipped() == ["lntm-qa1", "ntm-copy"]
    with pytest.raises(FileNotFoundError, match=r"\(lntm-qa1, ntm-copy\), got dnc-copy"):
        checkpoints.load("dnc-copy")
    assert type(checkpoints.load("ntm-copy")[0]).__name__ == "LSTM"


def test_a_name_with_dots_keeps_its_files_together(tmp_path):
    model = build(**SETTINGS["LSTM"])
    path = checkpoints.save(tmp_path / "lr0.01", model, SETTINGS["LSTM"], None, {})
    assert path.name == "lr0.01.pt"
    assert checkpoints.load(path)[2]["sha256"] == records.sha256(path)


def test_every_shipped_checkpoint_loads():
    for name in checkpoints.shipped():
        model, vocabulary, record = checkpoints.load(name)
        assert all(value.isfinite().all() for value in model.state_dict().values())
        assert (vocabulary is None) == ("qa" not in name)
        assert record["recipe"]["name"].startswith(name)


def test_a_study_is_read_by_recipe_and_a_missing_one_is_named():
    found = checkpoints.study("copy-live")
    assert list(found) == ["copy-live", "copy-live-beta2-999"]
    assert [entry["seed"] for entry in found["copy-live"]] == list(range(10))
    with pytest.raises(FileNotFoundError, match=r"expected a study among .*copy-live.*'nothing'"):
        checkpoints.study("nothing")
