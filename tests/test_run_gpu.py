"""What `make test-gpu` says where there is no GPU, and how it counts."""

from __future__ import annotations

import pytest
import torch

from tools.run_gpu import counts, main

REPORT = """<testsuites><testsuite name="pytest" errors="1" failures="2" skipped="3" tests="10"
 time="0.5"></testsuite></testsuites>"""


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU here")
def test_without_a_gpu_it_says_so_and_writes_nothing(tmp_path, capsys):
    assert main(["--record", str(tmp_path / "record.json")]) == 2
    assert "No GPU" in capsys.readouterr().err
    assert not (tmp_path / "record.json").exists()


def test_counts_of_a_report(tmp_path):
    (tmp_path / "report.xml").write_text(REPORT, encoding="utf-8")
    assert counts(tmp_path / "report.xml") == {"passed": 4, "failed": 3, "skipped": 3}
    assert counts(tmp_path / "none.xml")["failed"] == 1
