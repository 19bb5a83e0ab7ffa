"""The learner's copies: laid, kept, brought up to date, never overwritten."""

from __future__ import annotations

import json
from pathlib import Path

import nbformat
import pytest

from tools.my_course import ORIGINS, lay, main

NAME = "01_rnn.ipynb"


def ship(folder: Path, text: str, tag: str = "") -> None:
    cell = nbformat.v4.new_code_cell(text, id="a", metadata={"tags": [tag]} if tag else {})
    folder.mkdir(exist_ok=True)
    nbformat.write(nbformat.v4.new_notebook(cells=[cell]), folder / NAME)


def text_of(path: Path) -> str:
    return nbformat.read(path, as_version=4).cells[0].source


def work_in(path: Path, text: str) -> None:
    notebook = nbformat.read(path, as_version=4)
    notebook.cells[0].source = text
    nbformat.write(notebook, path)


@pytest.fixture
def shipped(tmp_path):
    ship(tmp_path / "notebooks", "version 1")
    return tmp_path / "notebooks"


@pytest.fixture
def course(tmp_path, shipped):
    folder = tmp_path / "my-course"
    assert lay(shipped, folder) == [f"{NAME} laid"]
    return folder


def test_a_copy_is_the_shipped_bytes(shipped, course):
    assert (course / NAME).read_bytes() == (shipped / NAME).read_bytes()
    assert lay(shipped, course) == []


def test_an_edited_copy_is_kept_and_says_nothing_while_nothing_is_newer(shipped, course):
    work_in(course / NAME, "mine")
    assert lay(shipped, course) == []
    assert text_of(course / NAME) == "mine"
    assert len(list(course.glob("*.ipynb"))) == 1


def test_an_untouched_copy_is_brought_up_to_date(shipped, course):
    ship(shipped, "version 2")
    assert "brought up to date" in lay(shipped, course)[0]
    assert text_of(course / NAME) == "version 2"


def test_opening_alone_is_not_work(shipped, course):
    notebook = nbformat.read(course / NAME, as_version=4)
    notebook.metadata["language_info"] = {"name": "python", "version": "3.12"}
    nbformat.write(notebook, course / NAME)
    ship(shipped, "version 2")
    lay(shipped, course)
    assert text_of(course / NAME) == "version 2"


def test_a_change_of_tags_alone_reaches_an_untouched_copy(shipped, course):
    ship(shipped, "version 1", tag="check")
    lay(shipped, course)
    assert nbformat.read(course / NAME, as_version=4).cells[0].metadata["tags"] == ["check"]


def test_an_edited_copy_is_kept_and_the_newer_laid_beside_it_once(shipped, course):
    work_in(course / NAME, "mine")
    ship(shipped, "version 2")
    message = lay(shipped, course)[0]
    assert "01_rnn.new.ipynb" in message
    assert text_of(course / NAME) == "mine"
    assert text_of(course / "01_rnn.new.ipynb") == "version 2"
    (course / "01_rnn.new.ipynb").unlink()  # declined
    assert lay(shipped, course) == []
    assert not (course / "01_rnn.new.ipynb").exists()


def test_outputs_count_as_work(shipped, course):
    notebook = nbformat.read(course / NAME, as_version=4)
    notebook.cells[0].outputs = [nbformat.v4.new_output("stream", text="seen")]
    nbformat.write(notebook, course / NAME)
    ship(shipped, "version 2")
    lay(shipped, course)
    assert text_of(course / NAME) == "version 1"


def test_an_offer_nobody_worked_in_is_replaced_and_an_edited_one_kept(shipped, course):
    work_in(course / NAME, "mine")
    ship(shipped, "version 2")
    lay(shipped, course)
    ship(shipped, "version 3")
    lay(shipped, course)
    assert text_of(course / "01_rnn.new.ipynb") == "version 3"
    work_in(course / "01_rnn.new.ipynb", "mine too")
    ship(shipped, "version 4")
    lay(shipped, course)
    assert text_of(course / "01_rnn.new.ipynb") == "mine too"
    assert text_of(course / "01_rnn.new-2.ipynb") == "version 4"
    assert text_of(course / NAME) == "mine"


def test_a_deleted_copy_is_laid_afresh(shipped, course):
    (course / NAME).unlink()
    assert lay(shipped, course) == [f"{NAME} laid"]


@pytest.mark.parametrize("damage", [lambda p: p.unlink(), lambda p: p.write_text("{ no json")])
def test_lost_origins_never_cost_an_answer(shipped, course, damage):
    work_in(course / NAME, "mine")
    damage(course / ORIGINS)
    assert "01_rnn.new.ipynb" in lay(shipped, course)[0]
    assert text_of(course / NAME) == "mine"
    assert lay(shipped, course) == []


def test_a_damaged_copy_is_kept(shipped, course):
    (course / NAME).write_text("not a notebook", encoding="utf-8")
    ship(shipped, "version 2")
    lay(shipped, course)
    assert (course / NAME).read_text(encoding="utf-8") == "not a notebook"


def test_other_files_stay(shipped, course):
    (course / "answers.json").write_text("{}", encoding="utf-8")
    (course / "my own.ipynb").write_text("{}", encoding="utf-8")
    ship(shipped, "version 2")
    lay(shipped, course)
    assert (course / "answers.json").exists()
    assert (course / "my own.ipynb").exists()
    assert set(json.loads((course / ORIGINS).read_text())) == {NAME}


def test_the_command_line_says_where_the_copies_are(shipped, tmp_path, capsys):
    arguments = ["--notebooks", str(shipped), "--course", str(tmp_path / "mine")]
    assert main(arguments) == 0
    assert "your lessons are in" in capsys.readouterr().out
    assert main(["--notebooks", str(tmp_path / "none"), *arguments[2:]]) == 1
    assert "make notebooks" in capsys.readouterr().err
