"""The project itself: its lists agree, its files carry nothing they should not, it installs."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import nbformat
import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tools import build_notebooks, readme
from tools.layout import ROOT, lesson_notebooks

CONDA_NAMES = {"torch": "pytorch"}
DATA_BYTES = 10 * 1000 * 1000
# Folders of one person's machine; written in pieces so that this file does not match itself.
PERSONAL = re.compile("|".join(("/" + "root/", "/" + "work/", "/" + r"home/\w", "/" + r"Users/\w",
                                "[A-Z]:" + r"\\Users", "/" + "tmp/")))  # fmt: skip
README = (ROOT / "README.md").read_text(encoding="utf-8")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
EXTRAS = PROJECT["optional-dependencies"]


def in_git() -> list[Path]:
    """Every file that git has or would take (not ignored)."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode:
        pytest.skip("not a git checkout, so nothing says which files belong to it")
    paths = [ROOT / name for name in listed.stdout.split("\0") if name]
    return [path for path in paths if path.is_file()]


def pins() -> dict[str, str]:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pinned = [Requirement(line) for line in lines if line and not line.startswith("#")]
    return {canonicalize_name(pin.name): str(pin.specifier) for pin in pinned}


def test_environment_yml_lists_what_pyproject_lists():
    environment = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
    *conda, pip = environment["dependencies"]
    wanted = [Requirement(line) for line in PROJECT["dependencies"] + EXTRAS["lab"]]
    expected = {f"{CONDA_NAMES.get(need.name, need.name)}{need.specifier}" for need in wanted}
    assert set(conda) == expected | {f"python{PROJECT['requires-python']}", "pip"}
    assert len(conda) == len(set(conda))
    assert pip == {"pip": ["-e ."]}


def test_every_dependency_is_pinned_within_its_range():
    found = pins()
    needs = [Requirement(line) for line in sum(EXTRAS.values(), PROJECT["dependencies"])]
    for need in needs:
        pin = found.get(canonicalize_name(need.name), "")
        assert pin.startswith("=="), f"{need.name} is not pinned in constraints.txt"
        assert need.specifier.contains(pin.removeprefix("==")), f"{need} excludes {pin}"


def test_every_constraint_is_one_exact_version():
    assert all(re.fullmatch(r"==[\w.!]+", pin) for pin in pins().values())


def test_no_file_names_a_place_on_someones_machine():
    found = []
    for path in in_git():
        content = path.read_bytes()
        if b"\0" in content:
            continue
        lines = content.decode("utf-8").splitlines()
        found += [f"{path.relative_to(ROOT)}:{n}: {line.strip()[:80]}"
                  for n, line in enumerate(lines, 1) if PERSONAL.search(line)]  # fmt: skip
    assert not found, "\n".join(found)


def test_notebooks_hold_no_outputs():
    for path in lesson_notebooks():
        for cell in nbformat.read(path, as_version=4).cells:
            if cell.cell_type == "code":
                assert cell.outputs == [], f"{path.name} has outputs"
                assert cell.execution_count is None, f"{path.name} was run"


def test_notebooks_match_their_sources():
    assert build_notebooks.differences(build_notebooks.build_all()) == []


def test_the_shipped_data_is_small():
    size = sum(path.stat().st_size for path in in_git() if (ROOT / "data") in path.parents)
    assert size < DATA_BYTES


def test_the_learners_copies_are_ignored_by_git():
    in_git()  # skips outside a checkout
    names = ["my-course/01_rnn.ipynb", "build/notebooks/full/01_rnn.ipynb", ".venv/bin/python"]
    command = ["git", "check-ignore", *names]
    ignored = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert ignored.stdout.split() == names


@pytest.fixture(scope="module")
def installed(tmp_path_factory) -> Path:
    """The wheel of this checkout, unpacked as pip would, in a folder far from it."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "pip", "wheel", str(ROOT), "--wheel-dir", str(folder)]
    flags = ["--no-deps", "--no-build-isolation", "--disable-pip-version-check", "--no-index"]
    built = subprocess.run(command + flags, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stderr
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "site")
    return folder / "site"


def run_installed(installed: Path, code: str) -> str:
    """Run code with the unpacked wheel in front of the checkout, from outside of it."""
    environment = {**os.environ, "PYTHONPATH": str(installed), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-P", "-c", code]
    result = subprocess.run(
        command, cwd=installed.parent, env=environment, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr
    return result.stdout


def test_the_installed_library_imports_outside_the_clone(installed):
    where = run_installed(installed, "import lessons_lib; print(lessons_lib.__file__)").strip()
    assert Path(where) == installed / "lessons_lib" / "__init__.py"


def test_the_installed_library_has_all_shipped_data(installed):
    shipped = [path.relative_to(ROOT) for path in in_git() if (ROOT / "data") in path.parents]
    missing = [path for path in shipped if not (installed / "lessons_lib" / path).is_file()]
    assert shipped
    assert not missing


def test_the_installed_widgets_have_their_scripts(installed):
    scripts = [
        path.relative_to(ROOT) for path in in_git() if path.suffix in (".js", ".css", ".mjs")
    ]
    ours = [path for path in scripts if path.parts[0] == "lessons_lib"]
    assert all((installed / path).is_file() for path in ours)


def test_the_installed_library_loads_every_shipped_checkpoint(installed):
    code = (
        "import lessons_lib\n"
        "from lessons_lib import checkpoints\n"
        "names = checkpoints.shipped()\n"
        "for name in names: lessons_lib.load(name)\n"
        "print(len(names))"
    )
    assert int(run_installed(installed, code)) >= 1


@pytest.mark.parametrize("path", readme.DOCUMENTS, ids=lambda path: path.name)
def test_tables_say_what_the_records_say(path):
    assert readme.filled(path) == path.read_text(encoding="utf-8"), "run python -m tools.readme"


def test_the_researchers_lines_in_readme_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code = README.partition("## For researchers")[2].split("```python\n")[1].split("```")[0]
    assert "range(2000)" in code
    ran: dict = {}
    exec(code.replace("range(2000)", "range(2)"), ran)  # the lines are ours
    assert ran["trace"].memory_after.shape[-2:] == (128, 20)
    assert (tmp_path / "tape.png").stat().st_size > 10_000
