"""``tools.bench``: the record's shape and arithmetic. No test here judges how fast anything is."""

from __future__ import annotations

import json
import math

import pytest
import torch

from lessons_lib import LNTM
from tools import bench, bench_cases, bench_report, readme

SMALL = bench_cases.Plan(
    copy_length=3,
    copy_batches=(2, 3),
    slots=6,
    scaling_slots=(4, 8, 64),
    scaling_length=(1, 2, 8),
    scaling_batch=(1, 2, 32),
    story_steps=4,
    story_batch=3,
    story_inputs=5,
    pointers=(8, 9),
)


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    """The record of a quick run at small sizes, beside an older one of a GPU."""
    path = tmp_path_factory.mktemp("bench") / "bench.json"
    path.write_text(json.dumps({"cuda": {"kept": True}}), encoding="utf-8")
    threads = torch.get_num_threads()
    bench.main(["--quick", "--out", str(path)], plan=SMALL)
    torch.set_num_threads(threads)
    return path


@pytest.fixture(scope="module")
def section(path):
    return json.loads(path.read_text(encoding="utf-8"))["cpu"]


@pytest.fixture(scope="module")
def groups(section):
    return [group["cases"] for group in section["copy"]] + [section["stories"]["cases"]]


def test_a_run_on_one_device_keeps_what_the_file_holds_of_another(path):
    assert json.loads(path.read_text(encoding="utf-8"))["cuda"] == {"kept": True}


def test_the_record_says_what_was_run_on_what_and_when(section):
    assert section["command"] == "python -m tools.bench --quick"
    assert section["hardware"]["threads"] == 1
    assert set(section["versions"]) >= {"torch", "python", "lessons-lib"}
    assert section["seconds"] > 0
    assert section["date"].count("-") == 2
    assert len(section["load"]) == 2
    assert section["plan"]["copy_batches"] == [2, 3]
    assert section["plan"]["rounds"] == 3


def test_ratios_are_those_of_the_stored_times(groups):
    for cases in groups:
        assert cases[0]["ratio"] == 1
        for entry in cases:
            assert entry["ratio"] == pytest.approx(entry["seconds"] / cases[0]["seconds"])
            low, high = entry["quartiles"]
            assert 0 < low <= entry["seconds"] <= high


def test_every_machine_that_was_asked_for_is_measured_once(section, groups):
    assert [group["batch"] for group in section["copy"]] == [2, 3]
    for cases in groups:
        assert len({entry["key"] for entry in cases}) == len(cases)
    assert {e["key"] for e in groups[0]} >= {"lstm_cells", "ntm", "ntm_plain", "ntm_feedforward"}
    assert {e["key"] for e in groups[2]} >= {"lstm", "lntm_8", "lntm_9", "lntm_fed_9", "ntm_plain"}


def test_the_ladder_multiplies_to_the_whole_and_its_shares_to_one(section):
    found = section["stories"]
    seconds = {entry["key"]: entry["seconds"] for entry in found["cases"]}
    ladder = found["ladder"]
    for rung in ladder:
        assert rung["factor"] == pytest.approx(seconds[rung["from"]] / seconds[rung["to"]])
    assert [rung["to"] for rung in ladder[:-1]] == [rung["from"] for rung in ladder[1:]]
    assert math.prod(rung["factor"] for rung in ladder) == pytest.approx(found["total"])
    assert sum(rung["share"] for rung in ladder) == pytest.approx(1)
    assert found["over_lntm"]["ntm"] == pytest.approx(seconds["ntm"] / seconds["lntm_8"])
    slow, quick = sorted((seconds["lntm_8"], seconds["lntm_9"]), reverse=True)
    assert found["spread"] == pytest.approx(slow / quick - 1)


def test_memory_grows_with_each_size_and_slopes_are_those_of_the_entries(section):
    scaling = section["scaling"]
    assert len(scaling["entries"]) == 9
    for name, slopes in scaling["slopes"].items():
        mine = [entry for entry in scaling["entries"] if entry["varied"] == name]
        kept = [entry["kept_bytes"] for entry in mine]
        assert kept == sorted(set(kept))
        for what in ("seconds", "kept_bytes"):
            fitted = bench.slope([e[name] for e in mine], [e[what] for e in mine])
            assert slopes[what] == pytest.approx(fitted)


def test_kept_bytes_counts_what_lives_on_and_not_what_was_released():
    x = torch.randn(1000, 100, requires_grad=True)
    exp_keeps_its_result_and_the_product_is_gone = bench.kept_bytes(lambda: (x * 2).exp())
    assert exp_keeps_its_result_and_the_product_is_gone == pytest.approx(x.nbytes, rel=1e-3)


def test_slope_is_the_exponent_of_the_upper_half():
    sizes = [1, 2, 4, 8, 16]
    assert bench.slope(sizes, [7, 7, 16, 64, 256]) == pytest.approx(2)


def test_steps_take_turns_and_each_time_is_the_median_of_its_own(monkeypatch):
    clock, order = [0.0], []
    monkeypatch.setattr(bench.time, "perf_counter", lambda: clock[0])
    costs = {"a": iter([9, 9, 1, 3, 2]), "b": iter([90, 90, 10, 30, 50])}  # two rounds to warm up

    def step(name):
        order.append(name)
        clock[0] += next(costs[name])

    found = bench.interleaved([lambda: step("a"), lambda: step("b")], rounds=3)
    assert order == ["a", "b"] * 5
    assert [timed["seconds"] for timed in found] == [2, 30]
    assert found[0]["quartiles"] == [1.5, 2.5]


def test_writes_by_autograd_are_those_of_the_library():
    """The bench's variant of L-NTM (eqs. 4-8) gives the library's outputs and gradients."""
    sizes = {"slots": 5, "width": 4, "read_pointers": 3, "hidden_size": 6}
    torch.manual_seed(0)
    mine, theirs = bench_cases.AutogradLNTM(3, 2, **sizes), LNTM(3, 2, **sizes)
    theirs.load_state_dict(mine.state_dict())
    inputs = torch.randn(7, 2, 3)
    for model in (mine, theirs):
        model(inputs)[0].square().sum().backward()
    torch.testing.assert_close(mine(inputs)[0], theirs(inputs)[0])
    for one, other in zip(mine.parameters(), theirs.parameters(), strict=True):
        torch.testing.assert_close(one.grad, other.grad, rtol=1e-4, atol=1e-5)


def test_a_training_step_learns():
    torch.manual_seed(0)
    step = bench_cases.copy_cases(SMALL, 2, "cpu")[1].step
    losses = [step() for _ in range(200)]
    assert losses[-1] < losses[0]


def test_the_report_prints_each_ratio_beside_its_target(section):
    told = bench_report.tables(section)
    entry = section["copy"][0]["cases"][1]
    shown = f"{entry['ratio']:.2f}" if entry["ratio"] < 10 else f"{entry['ratio']:.1f}"
    assert f"| {entry['words']} | {shown} × |" in told
    assert "at most 6 ×" in told
    assert "at most 2 ×" in told
    assert section["command"] in told


def test_a_gpu_section_is_told_without_scaling_and_without_what_others_measured_on_cpu(section):
    gpu = {key: value for key, value in section.items() if key != "scaling"}
    gpu["hardware"] = {**section["hardware"], "accelerator": "some GPU"}
    told = bench_report.tables(gpu)
    assert "some GPU" in told
    assert "exponent" not in told
    assert "public NTMs" not in told
    assert "public NTMs" in bench_report.tables(section)


def test_the_growth_table_holds_both_exponents(section):
    entries = [{"slots": 4, "kept_bytes": 1}, {"slots": 8, "kept_bytes": 8}]
    assert bench_report._last_exponent(entries, "slots", "kept_bytes") == pytest.approx(3)
    rows = bench_report.growth(section).splitlines()[-3:]
    for row, (name, words) in zip(rows, bench_report.AXES, strict=True):
        assert row.startswith(f"| {words}, ")
        assert f"| {section['scaling']['slopes'][name]['seconds']:.2f} |" in row


@pytest.mark.parametrize(("load", "words"), [(2.0, "not idle"), (0.1, ""), (None, "")])
def test_a_busy_machine_is_told(section, load, words):
    told = bench_report.measured_on({**section, "load": [load, load]})
    assert ("not idle" in told) == bool(words)


def test_the_figure_shows_every_measured_point(section):
    axes = bench_report.draw_scaling(section).axes
    assert len(axes) == 6
    for ax, name in zip(axes, ("slots", "length", "batch") * 2, strict=True):
        points = ax.lines[0].get_xdata()
        assert list(points) == [
            e[name] for e in section["scaling"]["entries"] if e["varied"] == name
        ]


def test_a_device_that_is_not_there_is_refused(monkeypatch, capsys):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(SystemExit):
        bench.main(["--device", "cuda"])
    assert "expected a CUDA device" in capsys.readouterr().err


def test_readme_holds_the_shipped_record():
    shipped = json.loads(bench.RESULTS.read_text(encoding="utf-8"))
    assert bench_report.copying(shipped["cpu"]) in readme.speed()
    assert readme.SCALING.is_file()
