"""The learner's file: nothing answered is ever lost."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time

import pytest

from lessons_lib import answers


@pytest.fixture(autouse=True)
def folder(monkeypatch, tmp_path):
    monkeypatch.setenv("LESSONS_ANSWERS", str(tmp_path))
    return tmp_path


def test_a_record_is_kept_and_the_others_stay():
    answers.put("predictions", "1.1", {"answer": "half"})
    answers.put("predictions", "1.2", {"answer": 3})
    answers.put("quizzes", "1.q1", {"answer": "a", "right": True})
    assert answers.get("predictions", "1.1") == {"answer": "half"}
    assert answers.load()["predictions"].keys() == {"1.1", "1.2"}
    answers.forget("predictions", "1.1")
    assert answers.get("predictions", "1.1") is None
    assert answers.get("predictions", "1.2") == {"answer": 3}


def test_nothing_answered_makes_no_file(folder):
    assert answers.get("exercises", "4.3") is None
    assert list(folder.iterdir()) == []


def test_the_file_is_readable_json_and_no_other_file_is_left(folder):
    answers.put("predictions", "1.1", {"answer": "naïve"})
    assert [file.name for file in folder.iterdir()] == ["answers.json"]
    assert "naïve" in (folder / "answers.json").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "damage", [b'{"predictions": {"1.1"', b"[1, 2]", b'{"quizzes": 3}', b"\xff\xfe", b""]
)
def test_a_damaged_file_is_kept_aside_and_a_message_says_where(folder, damage):
    (folder / "answers.json").write_bytes(damage)
    with pytest.warns(UserWarning, match=r"kept as answers\.damaged-1\.json"):
        assert answers.load()["predictions"] == {}
    assert (folder / "answers.damaged-1.json").read_bytes() == damage
    answers.put("predictions", "1.1", {"answer": "a"})
    assert answers.get("predictions", "1.1") == {"answer": "a"}


def test_a_second_damaged_file_does_not_replace_the_first(folder):
    for damage in ("first", "second"):
        (folder / "answers.json").write_text(damage)
        with pytest.warns(UserWarning, match="nothing was deleted"):
            answers.load()
    assert (folder / "answers.damaged-1.json").read_text() == "first"
    assert (folder / "answers.damaged-2.json").read_text() == "second"


def test_what_a_later_version_keeps_beside_ours_survives(folder):
    (folder / "answers.json").write_text('{"version": 2, "notes": {"a": 1}}')
    answers.put("predictions", "1.1", {"answer": "a"})
    found = json.loads((folder / "answers.json").read_text())
    assert (found["version"], found["notes"]) == (2, {"a": 1})


def test_a_crash_while_writing_leaves_the_old_file(folder, monkeypatch):
    answers.put("predictions", "1.1", {"answer": "a"})

    def crash(*_paths):
        raise OSError("disk full")

    monkeypatch.setattr(os, "replace", crash)
    with pytest.raises(OSError, match="disk full"):
        answers.put("predictions", "1.2", {"answer": "b"})
    monkeypatch.undo()
    assert answers.load(folder)["predictions"] == {"1.1": {"answer": "a"}}
    assert not (folder / ".answers.json.lock").exists()


def test_kernels_that_write_at_once_lose_nothing(folder):
    code = (
        "import sys; from lessons_lib import answers\n"
        "for n in range(25): answers.put('predictions', f'{sys.argv[1]}.{n}', {'answer': n})"
    )
    kernels = [subprocess.Popen([sys.executable, "-c", code, str(n)]) for n in (1, 2)]
    assert [kernel.wait(timeout=60) for kernel in kernels] == [0, 0]
    assert len(answers.load()["predictions"]) == 50


def test_the_lock_of_a_dead_kernel_is_taken_over(folder):
    lock = folder / ".answers.json.lock"
    lock.touch()
    old = time.time() - 60
    os.utime(lock, (old, old))
    answers.put("predictions", "1.1", {"answer": "a"})
    assert answers.get("predictions", "1.1") == {"answer": "a"}


def test_who_watches_is_told():
    seen = []
    answers.watch("predictions", "watched", seen.append)
    answers.put("predictions", "watched", {"answer": 1})
    answers.put("predictions", "other", {"answer": 2})
    answers.forget("predictions", "watched")
    assert seen == [{"answer": 1}, None]


def test_an_unknown_kind_is_refused():
    with pytest.raises(ValueError, match="expected one of predictions, quizzes, exercises"):
        answers.put("notes", "1", {})
