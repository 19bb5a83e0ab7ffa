"""A study trains what is missing, measures it with the weights fixed, and keeps every seed."""

import json

import pytest

from lessons_lib import stories
from lessons_lib.recipes import Recipe
from lessons_lib.training import Training
from tests.machines import TINY_RECIPE
from tools import studies, study_plans
from tools.study import Study

TINY = TINY_RECIPE.changed(run_slots=9)
TESTS = [{"count": 6}, {"count": 3, "length": 7}]


def test_a_study_keeps_what_is_done_and_trains_what_is_missing(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(studies, "FOLDER", tmp_path)
    studies.run("small", Study("tiny ones", [TINY], [0, 1], TESTS), jobs=1, again=False)
    first = json.loads((tmp_path / "small.json").read_text())["entries"]
    assert [entry["seed"] for entry in first] == [0, 1]
    for entry in first:
        assert [test["examples"] for test in entry["measured"]] == [6, 3]
        assert entry["measured"][1]["length"] == 7
        assert entry["command"] == "python -m tools.studies small"
        assert Recipe.of_record(entry) == TINY

    more = Study("tiny ones", [TINY, TINY.changed(name="other", clip=2.0)], [0, 1, 2], TESTS)
    studies.run("small", more, jobs=1, again=False)
    second = json.loads((tmp_path / "small.json").read_text())["entries"]
    assert second[:2] == first
    wanted = [("tiny", 0), ("tiny", 1), ("tiny", 2), ("other", 0), ("other", 1), ("other", 2)]
    assert [(entry["recipe"]["name"], entry["seed"]) for entry in second] == wanted
    assert len(studies.report("small").splitlines()) == 6

    changed = Study("tiny ones", [TINY.changed(steps=6)], [0], TESTS)
    studies.run("small", changed, jobs=1, again=False)  # another recipe of that name: trained anew
    third = json.loads((tmp_path / "small.json").read_text())["entries"]
    assert [entry["steps"] for entry in third] == [6]


def test_a_study_that_is_stopped_keeps_the_seeds_before(monkeypatch, tmp_path):
    monkeypatch.setattr(studies, "FOLDER", tmp_path)

    def stop_at_the_second(tests, training):
        if training.seed:
            raise KeyboardInterrupt
        return []

    monkeypatch.setattr(studies, "measure", stop_at_the_second)
    with pytest.raises(KeyboardInterrupt):
        studies.run("small", Study("tiny ones", [TINY], [0, 1], TESTS), jobs=1, again=False)
    (entry,) = json.loads((tmp_path / "small.json").read_text())["entries"]
    assert entry["seed"] == 0


def test_a_test_may_name_another_tape_which_says_nothing_to_a_machine_without_one():
    tests = [{"count": 3}, {"count": 3, "slots": 12}]
    machine = Training(TINY, seed=0)
    machine.run(progress=False)
    as_trained, longer = studies.measure(tests, machine)
    assert longer["slots"] == 12
    assert longer["bits_per_sequence"] != as_trained["bits_per_sequence"]
    plain = Training(TINY.changed(model={"kind": "LSTM", "hidden_size": 3}, run_slots=None))
    plain.run(progress=False)
    once, again = studies.measure(tests, plain)
    assert once == again
    assert "slots" not in again


def test_a_budget_tells_seconds_a_pass_for_stories_and_minutes_for_all_seeds():
    told = Recipe(
        "told",
        {"kind": "LSTM", "input_size": 4, "hidden_size": 5},
        {"task": "qa1", "questions": 80, "held_out": 20},
        steps=600,
        batch_size=8,
    )
    lines = studies.budget(Study("two", [told, TINY], range(3), []), updates=2)
    assert [line["recipe"] for line in lines] == ["told", "tiny"]
    story = lines[0]
    assert story["seconds_a_pass"] == pytest.approx(10 * story["seconds_an_update"], abs=0.06)
    expected = 3 * 600 * story["seconds_an_update"] / 60
    assert story["minutes_of_all_seeds"] == pytest.approx(expected, abs=0.06)
    assert "seconds_a_pass" not in lines[1]


def test_stories_are_measured_on_generated_questions_and_on_real_ones(monkeypatch, tmp_path):
    recipe = Recipe(
        "told",
        {"kind": "LNTM", "input_size": 4, "hidden_size": 5, "slots": 3, "width": 3},
        {"task": "qa1", "questions": 80, "held_out": 20},
        steps=2,
        batch_size=8,
        measure_every=2,
    )
    training = Training(recipe, seed=0)
    training.run(progress=False)
    folder = tmp_path / "en-10k"
    folder.mkdir()
    questions = stories.generate("qa1", 15, seed=9, split="test")
    stories.write(questions, folder / "qa1_single-supporting-fact_test.txt")
    monkeypatch.setenv("LESSONS_BABI", str(tmp_path))
    tests = [{"count": 12}, {"source": "$LESSONS_BABI", "split": "test"}]
    made, real = studies.measure(tests, training)
    assert made["examples"] == 12
    assert real["examples"] == 15
    assert real["source"] == "$LESSONS_BABI"


def test_the_studies_are_well_formed():
    for name, study in study_plans.studies().items():
        names = [recipe.name for recipe in study.recipes]
        assert len(set(names)) == len(names), name
        assert study.tests or name.startswith("babi-choice"), name  # judged on held-out ones
        for recipe in study.recipes:
            assert recipe.model["kind"] in ("RNN", "LSTM", "GRU", "NTM", "LNTM"), recipe.name


@pytest.mark.parametrize("path", sorted(studies.FOLDER.glob("*.json")), ids=lambda path: path.stem)
def test_no_recorded_run_of_a_study_holds_a_nan(path):
    assert "NaN" not in path.read_text(encoding="utf-8")
    for entry in json.loads(path.read_text(encoding="utf-8")).get("entries", []):
        assert "stopped" not in entry, f"{entry['recipe']['name']} seed {entry['seed']}"
        assert entry["finished"]


@pytest.mark.parametrize("name", study_plans.studies())
def test_what_is_on_record_is_what_the_command_would_train(name):
    path = studies.FOLDER / f"{name}.json"
    if not path.exists():
        pytest.skip(f"{name} is not on record")
    planned = study_plans.studies()[name].recipes
    for entry in json.loads(path.read_text(encoding="utf-8"))["entries"]:
        assert Recipe.of_record(entry) in planned, f"{entry['recipe']['name']}: run the study again"
