"""The glossary is held to the code: every name in it is a parameter or a field of the trace."""

from __future__ import annotations

import importlib
import inspect
from dataclasses import fields

import pytest

from lessons_lib import glossary
from lessons_lib.trace import HeadTrace, Trace

MODULES = ("addressing", "memory", "cells", "recurrent", "ntm", "lntm", "exercise_contracts")


def names_in_the_code():
    found = {field.name for record in (Trace, HeadTrace) for field in fields(record)}
    for name in MODULES:
        module = importlib.import_module(f"lessons_lib.{name}")
        for key, value in vars(module).items():
            if not key.startswith("_") and getattr(value, "__module__", "") == module.__name__:
                found |= parameters(value)
    return found


def parameters(value):
    if inspect.isclass(value):
        methods = [value, getattr(value, "forward", None)]
        return set().union(*(set(inspect.signature(one).parameters) for one in methods if one))
    return set(inspect.signature(value).parameters) if callable(value) else set()


@pytest.mark.parametrize("entry", glossary.ENTRIES, ids=lambda entry: entry.name)
def test_every_name_is_one_that_the_code_uses(entry):
    assert entry.name in names_in_the_code()


def test_a_name_that_the_code_lacks_would_be_noticed():
    assert "strength_of_key" not in names_in_the_code()


def test_no_name_or_term_stands_twice():
    for part in ("name", "term"):
        found = [getattr(entry, part) for entry in glossary.ENTRIES]
        assert len(found) == len(set(found))


@pytest.mark.parametrize("record", [Trace, HeadTrace])
def test_every_tensor_of_the_trace_is_explained(record):
    explained = {entry.name for entry in glossary.ENTRIES}
    missing = {field.name for field in fields(record)} - explained - {"read", "write"}
    assert missing == set()


def test_every_argument_of_addressing_and_memory_is_explained():
    explained = {entry.name for entry in glossary.ENTRIES}
    for name in ("addressing", "memory"):
        module = importlib.import_module(f"lessons_lib.{name}")
        for key, value in vars(module).items():
            if inspect.isfunction(value) and value.__module__ == module.__name__ and key[0] != "_":
                assert parameters(value) - explained - {"bias"} == set(), key


def test_the_table_has_a_row_an_entry_and_reads_the_same_twice():
    table = glossary.table()
    assert len(table.data.splitlines()) == 2 + len(glossary.ENTRIES)
    assert all(line.count("|") == 7 for line in table.data.splitlines())
    assert repr(table) == repr(glossary.table()) == table.data
    assert "| key strength | $\\beta_t$ | `key_strength` | (B, H) | 4 |" in table.data


def test_a_lesson_has_a_table_of_its_own():
    rows = glossary.table(lesson=2).data.splitlines()[2:]
    assert [row.split(" | ")[2] for row in rows] == [
        f"`{entry.name}`" for entry in glossary.ENTRIES if entry.lesson == 2
    ]
    with pytest.raises(ValueError, match="got 99"):
        glossary.table(lesson=99)


def test_an_entry_is_found_by_its_name_in_the_code():
    assert glossary.find("sharpening").symbol == r"\gamma_t"
    with pytest.raises(ValueError, match="got 'nothing'"):
        glossary.find("nothing")


def test_meanings_are_one_sentence_each():
    assert all(entry.meaning.endswith(".") for entry in glossary.ENTRIES)
    assert all(entry.meaning.count(". ") == 0 for entry in glossary.ENTRIES)
    assert {entry.lesson for entry in glossary.ENTRIES} <= set(range(1, 8))
