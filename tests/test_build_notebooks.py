"""The build of the notebooks: the same bytes every time, stable ids, rules that refuse."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tools import build_notebooks as tool
from tools.lesson_rules import LessonError

EXAMPLE = (Path(__file__).parent / "examples" / "99_example.md").read_text(encoding="utf-8")
HEAD = "---\nkernelspec:\n  name: python3\n  display_name: Python 3\n---\n\n"
STUB = "```{code-cell} python\n:tags: [exercise]\n\ndef f():\n    raise NotImplementedError\n```\n"
CHECK = "```{code-cell} python\n:tags: [check]\n\ncheck(f)\n```\n"
SOLUTION = '\n+++ {"tags": ["solution"]}\n\n```python\ndef f():\n    return 1\n```\n'


def ids(text: str) -> list[str]:
    return [cell.id for cell in tool.build("99_example", text).cells]


@pytest.fixture
def course(tmp_path):
    """A folder with one lesson's source and its built notebook."""
    (tmp_path / "source").mkdir()
    (tmp_path / "source" / "99_example.md").write_text(EXAMPLE, encoding="utf-8")
    tool.write_all(tool.build_all(tmp_path / "source"), tmp_path)
    return tmp_path


def test_the_same_source_gives_the_same_bytes():
    first, second = (tool.as_text(tool.build("99_example", EXAMPLE)) for _ in range(2))
    assert first == second
    assert first.endswith("}\n")


def test_no_cell_has_outputs_or_a_count():
    code = [c for c in tool.build("99_example", EXAMPLE).cells if c.cell_type == "code"]
    assert len(code) == 5
    assert all(cell.outputs == [] and cell.execution_count is None for cell in code)


def test_ids_are_unique_and_stay_when_a_cell_is_put_in_elsewhere():
    before = ids(EXAMPLE)
    after = ids(EXAMPLE.replace("# A small lesson", "# New first cell\n\n+++\n\n# A small lesson"))
    assert len(set(after)) == len(after) == len(before) + 1
    assert [cell for cell in after if cell in before] == before


def test_a_named_cell_keeps_its_id_when_its_text_changes():
    changed = EXAMPLE.replace("About 1 line.", "One line.")
    assert "99-exercise-double" in ids(EXAMPLE)
    assert "99-exercise-double" in ids(changed)


def test_equal_cells_get_different_ids():
    text = HEAD + "same\n\n+++\n\nsame\n"
    first, second = ids(text)
    assert second == f"{first}-2"


def test_the_recorded_minutes_are_filled_in(tmp_path):
    record = tmp_path / "compute_minutes.json"
    assert tool.recorded_minutes("99_example", record) == tool.NOT_MEASURED
    record.write_text(json.dumps({"minutes": {"99_example": 1.26}}), encoding="utf-8")
    minutes = tool.recorded_minutes("99_example", record)
    notebook = tool.build("99_example", EXAMPLE, minutes)
    assert "Computing: 1.3 minutes" in notebook.cells[0].source


def test_a_notebook_equal_to_its_source_has_no_differences(course):
    assert tool.differences(tool.build_all(course / "source"), course) == []


@pytest.mark.parametrize(
    ("spoil", "expected"),
    [
        (lambda path: path.write_text(path.read_text().replace("small", "big")), "differs"),
        (lambda path: path.unlink(), "is missing"),
        (lambda path: path.rename(path.with_name("98_other.ipynb")), "has no source"),
    ],
)
def test_a_difference_is_said(course, spoil, expected):
    spoil(course / "99_example.ipynb")
    problems = tool.differences(tool.build_all(course / "source"), course)
    assert expected in " ".join(problems)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("```{note}\nlook\n```\n", "MyST directive"),
        (":::{note}\nlook\n:::\n", "colon fence"),
        ("see {ref}`here`\n", "MyST role"),
        ("(here)=\n\n# Title\n", "MyST target"),
        ('+++ {"tags": ["solutoin"]}\n\ntext\n', "unknown tags"),
        (STUB + SOLUTION, "expected a cell tagged 'check'"),
        (STUB + CHECK, "no cell tagged 'solution'"),
        (STUB + CHECK + STUB, "expected a cell tagged 'solution'"),
        (CHECK, "expected a cell tagged 'exercise'"),
        (STUB.replace("raise NotImplementedError", "pass") + CHECK + SOLUTION, "a stub"),
        (STUB + CHECK.replace("check(f)", "pass") + SOLUTION, "a call of check"),
        (STUB + CHECK + SOLUTION.replace("```python", "```text"), "one ```python block"),
        ("\n+++\n\n".join(f"cell {n}" for n in range(61)), "at most 60 cells"),
        ("```{code-cell} python\n:name: A b\n\n1\n```\n", "expected a name"),
        ("```{code-cell} python\n:name: a\n\n1\n```\n" * 2, "two cells are named"),
    ],
)
def test_a_broken_rule_is_refused_with_the_lesson_named(body, expected):
    with pytest.raises(LessonError, match=expected) as caught:
        tool.build("07_lesson", HEAD + body)
    assert str(caught.value).startswith("07_lesson")


def test_the_example_obeys_every_rule():
    assert len(tool.build("99_example", EXAMPLE).cells) == 9
