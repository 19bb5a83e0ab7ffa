"""The setup cell: seeds, profiles, device and the answers folder."""

from __future__ import annotations

import random
from dataclasses import FrozenInstanceError
from pathlib import Path

import numpy as np
import pytest
import torch

from lessons_lib import runtime


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch):
    for name in ("LESSONS_PROFILE", "LESSONS_ANSWERS"):
        monkeypatch.delenv(name, raising=False)


def draws():
    return random.random(), float(np.random.rand()), float(torch.rand(()))  # noqa: NPY002


def test_setup_starts_all_three_streams_at_the_seed():
    runtime.setup(seed=3)
    first = draws()
    runtime.setup(seed=3)
    assert draws() == first
    runtime.setup(seed=4)
    again = draws()
    assert all(one != other for one, other in zip(first, again, strict=True))


def test_setup_returns_a_frozen_record_that_reads_the_same_everywhere(monkeypatch):
    monkeypatch.setenv("LESSONS_PROFILE", "quick")
    run = runtime.setup(seed=7)
    assert repr(run) == "Runtime(profile='quick', seed=7)"
    assert (run.profile, run.seed, run.device.type) == ("quick", 7, "cpu")
    with pytest.raises(FrozenInstanceError):
        run.seed = 1


@pytest.mark.parametrize(("asked", "threads"), [(None, 1), ("2", 2)])
def test_setup_takes_one_thread_unless_the_environment_says_how_many(monkeypatch, asked, threads):
    before = torch.get_num_threads()
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    if asked is not None:
        monkeypatch.setenv("OMP_NUM_THREADS", asked)
    try:
        torch.set_num_threads(2)
        runtime.setup()
        assert torch.get_num_threads() == threads
    finally:
        torch.set_num_threads(before)


@pytest.mark.parametrize(("profile", "expected"), [("quick", 1), ("full", 2), ("gpu", 3), ("", 2)])
def test_sizes_follow_the_profile(monkeypatch, profile, expected):
    monkeypatch.setenv("LESSONS_PROFILE", profile)
    assert runtime.size(quick=1, full=2, gpu=3) == expected
    run = runtime.Runtime(profile or "full", torch.device("cpu"), Path(), 0)
    assert run.size(quick=1, full=2, gpu=3) == expected


def test_the_gpu_profile_takes_the_full_size_where_it_has_none_of_its_own(monkeypatch):
    monkeypatch.setenv("LESSONS_PROFILE", "gpu")
    assert runtime.size(quick=1, full=2) == 2
    assert runtime.size(quick=1, full=2, gpu=0) == 0


def test_an_unknown_profile_is_refused(monkeypatch):
    monkeypatch.setenv("LESSONS_PROFILE", "fast")
    with pytest.raises(ValueError, match="quick, full, gpu, got 'fast'"):
        runtime.setup()


@pytest.mark.parametrize(
    ("profile", "found", "expected"),
    [
        ("quick", True, "cpu"),
        ("quick", False, "cpu"),
        ("full", True, "cuda"),
        ("full", False, "cpu"),
        ("gpu", True, "cuda"),
    ],
)
def test_a_gpu_is_used_when_there_is_one_but_not_by_quick_runs(
    monkeypatch, profile, found, expected
):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: found)
    assert runtime.device(profile).type == expected


def test_the_gpu_profile_without_a_gpu_says_so(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(RuntimeError, match="needs a CUDA GPU"):
        runtime.device("gpu")


def test_answers_lie_in_the_notebooks_folder_unless_told(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    assert runtime.answers_folder() == tmp_path
    monkeypatch.setenv("LESSONS_ANSWERS", str(tmp_path / "elsewhere"))
    assert runtime.answers_folder() == tmp_path / "elsewhere"
