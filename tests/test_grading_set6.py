"""Set 6's bench: what students ask of the library, in the form that their instruments want."""

from __future__ import annotations

import json
import re

import pytest
import torch

from course.grading import wire
from course.grading.assignment import build, solution_lines
from course.grading.declare import problems_of
from course.layout import BANK
from course.problems.set6_stories import looking, rules, sharing
from lessons_lib import load
from lessons_lib.evaluate import evaluate_stories, wilson

SET = "set6_stories"
PROBLEMS = problems_of(SET)


@pytest.fixture(scope="module")
def bench(tmp_path_factory) -> dict:
    names: dict = {}
    for cell in build(SET, PROBLEMS).cells:
        if cell.metadata.get("tags", [""])[0] in ("setup", "kernel-only"):
            exec(cell.source, names)
    names["FOLDER"] = tmp_path_factory.mktemp("report-runs")
    return names


@pytest.fixture(scope="module")
def shipped(bench):
    return *load("lntm-qa1")[:2], bench["ask"]("qa1", 30)


def test_a_small_training_leaves_a_record_and_a_machine(bench):
    recipe = bench["recipe_of"]("tiny", "LSTM", updates=2, questions=64, hidden_size=4)
    (before,) = bench["records_of"](recipe, [5])
    assert (before["finished"], before["curve"]) == (False, [])
    assert bench["start"](recipe, [5]).wait() == 0, (bench["FOLDER"] / "tiny.log").read_text()
    (record,) = bench["records_of"](recipe, [5])
    assert (record["seed"], record["finished"], record["recipe"]["name"]) == (5, True, "tiny")
    assert record["curve"][-1]["step"] == 2
    machine, vocabulary, kept = bench["machine_of"](recipe, 5)
    assert kept["curve"] == record["curve"]
    assert len(bench["right_of"](machine, vocabulary, bench["ask"]("qa1", 10))) == 10


def test_questions_of_one_story_have_one_number(bench):
    questions = bench["ask"]("qa1", 23)
    assert bench["story_of_each"](questions).tolist() == [n // 5 for n in range(23)]
    assert bench["story_of_each"](bench["ask"]("qa15", 9)).tolist() == [n // 4 for n in range(9)]


def test_the_rule_about_the_asked_one_is_always_right_on_qa1(bench):
    asked = bench["as_dicts"](bench["ask"]("qa1", 200))
    places = ["bathroom", "bedroom", "garden", "hallway", "kitchen", "office"]
    assert rules.dull_rules(asked, asked, places)["last about"] == 1.0


def test_the_shares_right_are_the_librarys(bench, shipped):
    right = bench["right_of"](*shipped)
    assert int(right.sum()) == evaluate_stories(*shipped)["right"]
    alone = sharing.interval_by_story(right, torch.arange(len(right)))
    if not right.all():
        assert alone == pytest.approx(wilson(int(right.sum()), len(right)))


def test_leaving_sentences_out_and_pointing(bench, shipped):
    """On qa1 the shipped machine rests on the fact, and points elsewhere (lesson 7, section 6)."""
    whole, without, answers, supporting = bench["told_without"](*shipped)
    questions = shipped[2]
    assert [len(rows) for rows in without] == [len(q.story) for q in questions]
    measured = looking.falls(whole, without, answers, supporting)
    assert measured["facts"] > 0.5 > measured["others"]
    amounts, sentence, facts = bench["amounts_of"](*shipped)
    assert facts == supporting
    assert amounts.shape == sentence.shape
    for row, q in zip(sentence, questions, strict=True):
        assert int((row >= 0).sum()) == sum(map(len, q.story))
        assert int((row == -1).sum()) == len(q.question) + 2
    assert looking.pointing(amounts, sentence, facts)["late"] > 0.5


def test_a_cut_silences_the_story_or_what_follows_it(bench, shipped):
    _, vocabulary, questions = shipped
    seen = []

    def machine(tokens, write_scale, lengths, at):
        seen.append(write_scale.T)
        return torch.zeros(len(lengths), len(vocabulary.answers)), None

    for when in ("story", "after"):
        bench["right_if_silent"](machine, vocabulary, questions, when)
    for q, silent_story, silent_after in zip(questions, *seen, strict=True):
        told, after = sum(map(len, q.story)), len(q.question) + 2
        assert silent_story[: told + after].tolist() == [0] * told + [1] * after
        assert silent_after[: told + after].tolist() == [1] * told + [0] * after


@pytest.mark.parametrize("problem", PROBLEMS, ids=lambda problem: problem.id)
def test_stories_and_records_reach_an_answer_whole(problem):
    """A question lies deep: job, calls, call, arguments, questions, question, story, sentence."""
    for wanted in problem.properties:
        arguments = [list(trial.arguments) for trial in wanted.trials(problem, 0)]
        job = {"cells": [], "calls": [{"arguments": each} for each in arguments]}
        assert b'["other"' not in wire.pack(job)


WRITTEN = [
    cell
    for cell in build(SET, PROBLEMS).cells
    if cell.cell_type == "markdown" and "nbgrader" in cell.metadata
]


@pytest.mark.parametrize("cell", WRITTEN, ids=lambda cell: cell.metadata.nbgrader["grade_id"])
def test_a_part_of_the_report_has_its_points_in_its_rubric_and_a_model_answer(cell):
    asked = cell.source.split("### BEGIN")[0]
    rows = [line.split("|")[1].strip() for line in asked.splitlines() if line.startswith("| ")]
    assert sum(int(row) for row in rows if row.isdigit()) == cell.metadata.nbgrader["points"]
    answer = [line for line in solution_lines(cell) if not line.startswith(("|", ">"))]
    most = int(re.search(r"[Aa]t most (\d+) words", asked)[1])
    assert 60 < len(" ".join(answer).split()) <= most


def test_the_weight_lies_on_the_report():
    by_hand = sum(cell.metadata.nbgrader["points"] for cell in WRITTEN)
    assert by_hand > 50
    assert by_hand + sum(problem.points for problem in PROBLEMS) == 100


def test_the_model_report_has_the_figures_of_its_records():
    told = json.loads((BANK / SET / "model_report.json").read_text(encoding="utf-8"))
    figures, text = told["figures"], "\n".join(cell.source for cell in WRITTEN)
    for name, run in figures["runs"].items():
        last = [record["curve"][-1][1] for record in told["records"]
                if record["recipe"]["name"] == name]  # fmt: skip
        assert last == run["right"]
        shares = [row[0] for row in figures["test"][name]]
        for values in (last, shares):
            assert "| " + ", ".join(f"{100 * value:.1f}" for value in values) + " |" in text
        low, high = figures["test"][name][0][1:]
        assert f"{100 * low:.1f} to {100 * high:.1f}" in text
    falls = [figures["falls"][name] for name in figures["runs"]]
    for keys in (("facts", "others"), ("fear", "person"), ("person, others alike", "others alike")):
        cells = ["; ".join(f"{100 * each[key]:.1f}" for key in keys) for each in falls]
        assert f"| {' | '.join(cells)} |".replace("-", "−") in text
    who = figures["who"]["plain"]
    assert f"{who['answers differ']} of {who['stories']} stories" in text
    pointing = [f"{100 * figures['pointing'][key]:.1f}%" for key in ("hit", "chance", "late")]
    cuts = [f"{100 * figures['cuts'][key]:.1f}%" for key in ("none", "story", "after")]
    assert ", ".join(pointing) in text
    assert "; ".join(cuts) in text


def test_the_durations_that_students_are_told_are_recorded():
    told = json.loads((BANK / SET / "model_report.json").read_text(encoding="utf-8"))
    seconds = {}
    for record in told["records"]:
        seconds.setdefault(record["recipe"]["name"], []).append(record["cpu_seconds"])
    mean = {name: round(sum(each) / len(each)) for name, each in seconds.items()}
    text = build(SET, PROBLEMS).cells[0].source
    assert f"{mean['qa1-lntm']} CPU seconds for an L-NTM and {mean['qa1-lstm']}" in text
    assert f"{mean['plain']} and {mean['other']}." in text
