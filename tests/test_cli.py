"""The command line: what it prints, its exit codes, and every way of asking for what is not."""

import io
import json
import re
import shlex
import signal
import subprocess
import sys
import tarfile

import pytest
import torch

from lessons_lib import babi, checkpoints, commands, problems, recipes, stories, tasks
from lessons_lib.__main__ import main, parser
from lessons_lib.evaluate import NORMAL_95, evaluate_stories, evaluate_task, wilson
from lessons_lib.evidence import evidence, hit_rate
from lessons_lib.models import build
from lessons_lib.recipes import Recipe
from lessons_lib.words import Vocabulary

QA1 = stories.generate("qa1", 60, seed=1)
COPY_DATA = {"task": "copy", "bits": 3, "max_length": 4, "held_out": 10}
TINY_COPY = Recipe(
    "tiny-copy",
    {"kind": "LSTM", "hidden_size": 6},
    COPY_DATA,
    steps=8,
    batch_size=4,
    measure_every=4,
)


def save(folder, name, settings, vocabulary, data, curve=()):
    torch.manual_seed(0)
    record = {"recipe": {"data": data}, "curve": list(curve)}
    path = checkpoints.save(folder / name, build(**settings), settings, vocabulary, record)
    return str(path)


def save_copy(folder, kind="NTM", name="ntm", **options):
    settings = {"kind": kind, "input_size": 4, "output_size": 3, "hidden_size": 6, **options}
    curve = [{"step": 8, "wrong_bits_per_sequence": 1.25, "examples": 10}]
    return save(folder, name, settings, None, COPY_DATA, curve)


def save_words(folder, kind="LNTM", name="lntm", data=None, **options):
    vocabulary = Vocabulary.of(QA1)
    settings = {"kind": kind, "input_size": 6, "hidden_size": 9, **options}
    settings |= {"words": len(vocabulary.words), "output_size": len(vocabulary.answers)}
    curve = [{"step": 8, "accuracy": 0.1875, "examples": 1000, "right": 187}]
    return save(folder, name, settings, vocabulary, data or {"task": "qa1"}, curve)


@pytest.fixture
def copy_checkpoint(tmp_path):
    return save_copy(tmp_path, slots=4, width=3)


@pytest.fixture
def words_checkpoint(tmp_path):
    return save_words(tmp_path, slots=4, width=3)


@pytest.fixture
def babi_folder(tmp_path):
    """Our own stories under the names of the official archive; qa2 has no test file."""
    folder = tmp_path / "tasks" / "en-valid-10k"
    folder.mkdir(parents=True)
    for task, split in [("qa1", "train"), ("qa1", "valid"), ("qa1", "test"), ("qa2", "valid")]:
        made = stories.generate(task, 30, seed=5, split=split)
        babi.write(made, folder / f"{task}_{split}.txt")
    return folder.parent


@pytest.fixture
def tiny_recipe(monkeypatch):
    monkeypatch.setitem(recipes.RECIPES, TINY_COPY.name, TINY_COPY)


def fails(capsys, *arguments, code=2):
    """Run what must fail with one line on standard error; returns the line."""
    try:
        got = main(list(arguments))
    except SystemExit as left:
        got = left.code
    captured = capsys.readouterr()
    lines = captured.err.splitlines()
    assert got == code, captured
    assert captured.out == ""
    assert len(lines) == 1, captured.err
    assert lines[0].startswith("python -m lessons_lib")
    return lines[0]


def as_json(capsys, *arguments):
    assert main([*arguments, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


# --- the program ----------------------------------------------------------------------------------


def test_as_a_program_it_tells_its_version_and_fails_without_a_traceback():
    command = [sys.executable, "-m", "lessons_lib"]
    told = subprocess.run([*command, "--version"], capture_output=True, text=True)
    assert (told.returncode, told.stderr) == (0, "")
    assert re.fullmatch(r"lessons-lib \d+\.\d+\.\d+\n", told.stdout)
    failed = subprocess.run([*command, "answer", "moon"], capture_output=True, text=True)
    assert (failed.returncode, failed.stdout) == (2, "")
    assert failed.stderr.count("\n") == 1
    assert "expected a path or a shipped checkpoint" in failed.stderr


@pytest.mark.parametrize("command", ["train", "evaluate", "answer"])
def test_help_of_every_command_has_examples_that_parse(command, capsys):
    with pytest.raises(SystemExit) as left:
        main([command, "--help"])
    assert left.value.code == 0
    lines = capsys.readouterr().out.splitlines()
    start = f"  python -m lessons_lib {command} "
    examples = [line.removesuffix("<<END") for line in lines if line.startswith(start)]
    assert examples
    for example in examples:
        asked = parser().parse_args(shlex.split(example)[3:])
        assert asked.run.__name__ == command


def test_wrong_arguments_get_one_line(capsys):
    assert "COMMAND" in fails(capsys)
    assert "invalid choice: 'fly'" in fails(capsys, "fly")
    assert "required: DATA" in fails(capsys, "evaluate", "x")
    assert "at least 0, got -1" in fails(capsys, "train", "x", "--seed=-1")
    assert "at least 1, got 0" in fails(capsys, "evaluate", "x", "copy", "--length", "0")
    assert "at least 1, got ten" in fails(capsys, "evaluate", "x", "copy", "--count", "ten")
    assert "torch has no device 'moon' here" in fails(capsys, "train", "x", "--device", "moon")
    assert "at least 0" in fails(capsys, "train", "x", "--seed", "9" * 30)


# --- train ----------------------------------------------------------------------------------------


def test_train_leaves_a_checkpoint_that_evaluate_takes(tiny_recipe, tmp_path, capsys):
    out = tmp_path / "runs"
    assert main(["train", "tiny-copy", "--seed", "2", "--out", str(out), "--quiet"]) == 0
    told = capsys.readouterr()
    assert told.err == ""
    path = out / "tiny-copy-seed2.pt"
    assert told.out.startswith(f"{path}: 8 steps")
    record = json.loads(path.with_suffix(".json").read_text())
    last = record["curve"][-1]["wrong_bits_per_sequence"]
    assert f"{last:.4g} wrong bits per sequence on 10 held-out sequences" in told.out
    found = as_json(capsys, "evaluate", str(path), "copy", "--count", "10", "--seed", "2")
    assert found["wrong_bits_per_sequence"] == last  # the same held-out sequences


def test_train_takes_steps_device_and_threads_and_shows_a_bar(tiny_recipe, tmp_path, capsys):
    threads = torch.get_num_threads()
    arguments = ["train", "tiny-copy", "--out", str(tmp_path), "--steps", "3"]
    try:
        assert main([*arguments, "--device", "cpu", "--threads", "1"]) == 0
        assert torch.get_num_threads() == 1
    finally:
        torch.set_num_threads(threads)
    told = capsys.readouterr()
    assert ": 3 steps" in told.out
    assert "3/3" in told.err
    assert main([*arguments, "--quiet"]) == 0
    assert "already finished" in capsys.readouterr().err


def test_ctrl_c_pauses_between_updates_and_the_command_it_names_goes_on_to_the_same_end(
    tiny_recipe, tmp_path, capsys, monkeypatch
):
    out = str(tmp_path / "paused runs")
    loss = problems.TaskProblem.loss

    def interrupted(self, model, step, device):
        if step == 2:
            signal.raise_signal(signal.SIGINT)
        return loss(self, model, step, device)

    before = signal.getsignal(signal.SIGINT)
    with monkeypatch.context() as patch:
        patch.setattr(problems.TaskProblem, "loss", interrupted)
        assert main(["train", "tiny-copy", "--out", out, "--quiet"]) == 130
    assert signal.getsignal(signal.SIGINT) is before
    told = capsys.readouterr().err.splitlines()
    assert told[0] == "paused at step 2 of at most 8; to go on:"
    go_on = f"python -m lessons_lib train tiny-copy --seed 0 --out '{out}' --quiet"
    assert told[1].strip() == go_on
    assert main(["train", "tiny-copy", "--seed", "0", "--out", out, "--quiet"]) == 0
    assert "goes on at step 2 from" in capsys.readouterr().err
    whole = str(tmp_path / "whole")
    assert main(["train", "tiny-copy", "--out", whole, "--quiet"]) == 0
    weights = [
        torch.load(f"{folder}/tiny-copy-seed0.pt", weights_only=True)["weights"]
        for folder in (out, whole)
    ]
    for name, tensor in weights[0].items():
        assert torch.equal(tensor, weights[1][name]), name


def test_the_command_to_go_on_keeps_what_was_asked():
    words = ["train", "r", "--seed", "4", "--out", "o", "--steps", "9", "--device", "cpu"]
    asked = parser().parse_args([*words, "--threads", "2"])
    assert commands._command(asked) == f"python -m lessons_lib {' '.join(words)} --threads 2"


def test_ctrl_c_elsewhere_ends_without_a_traceback(monkeypatch, capsys):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(checkpoints, "load", interrupted)
    assert main(["answer", "x"]) == 130
    assert capsys.readouterr().err == "stopped\n"


def test_a_training_that_meets_a_nan_exits_with_1(monkeypatch, tmp_path, capsys):
    wild = TINY_COPY.changed(learning_rate=3e37)
    monkeypatch.setitem(recipes.RECIPES, "tiny-copy", wild)
    assert main(["train", "tiny-copy", "--out", str(tmp_path), "--quiet"]) == 1
    told = capsys.readouterr()
    assert re.search("the loss is (nan|inf)", told.err)
    assert "smaller learning rate" in told.err
    assert told.out == ""


def test_train_refuses_an_unknown_recipe_and_the_state_of_another(tiny_recipe, tmp_path, capsys):
    assert "one of copy-live" in fails(capsys, "train", "moon")
    arguments = ["train", "tiny-copy", "--out", str(tmp_path), "--quiet"]
    assert main([*arguments, "--steps", "2"]) == 0
    capsys.readouterr()
    assert "of another recipe" in fails(capsys, *arguments)


def test_train_refuses_a_folder_that_is_a_file(tiny_recipe, tmp_path, capsys):
    (tmp_path / "file").write_text("")
    fails(capsys, "train", "tiny-copy", "--out", str(tmp_path / "file"), "--quiet")


# --- evaluate: algorithmic tasks ------------------------------------------------------------------


def test_evaluate_makes_the_checkpoints_own_task(copy_checkpoint, capsys):
    found = as_json(capsys, "evaluate", copy_checkpoint, "copy", "--count", "7", "--seed", "3")
    model, _, _ = checkpoints.load(copy_checkpoint)
    task = tasks.Copy(bits=3, max_length=4)  # from the record; the task's default is 8 bits
    assert found == {
        "checkpoint": copy_checkpoint,
        "task": "copy",
        "seed": 3,
        "slots": 4,
        **evaluate_task(model, task, count=7, seed=3),
    }
    assert {"examples", "wrong_bits_per_sequence", "perfect_sequences"} <= set(found)


def test_evaluate_runs_500_sequences_of_a_length_and_says_it_in_words(copy_checkpoint, capsys):
    model, _, _ = checkpoints.load(copy_checkpoint)
    wanted = evaluate_task(model, tasks.Copy(bits=3, max_length=4), count=500, length=2)
    assert main(["evaluate", copy_checkpoint, "copy", "--length", "2"]) == 0
    told = capsys.readouterr()
    assert told.err == ""
    assert told.out == (
        f"{copy_checkpoint} on copy, length 2: {wanted['wrong_bits_per_sequence']:.4g} wrong bits "
        f"per sequence; {wanted['perfect_sequences']} of 500 sequences without a wrong bit\n"
    )


def test_a_longer_copy_than_the_tape_is_run_on_a_longer_tape(copy_checkpoint, capsys):
    arguments = ["evaluate", copy_checkpoint, "copy", "--count", "5", "--json", "--length"]
    assert main([*arguments, "6"]) == 0
    told = capsys.readouterr()
    assert told.err == "6 vectors on a tape of 4 slots: run on a tape of 13 instead\n"
    found = json.loads(told.out)
    model, _, _ = checkpoints.load(copy_checkpoint)
    task = tasks.Copy(bits=3, max_length=4)
    wanted = evaluate_task(model.with_slots(13), task, count=5, length=6)
    assert found["slots"] == 13
    assert found["wrong_bits_per_sequence"] == wanted["wrong_bits_per_sequence"]
    assert main([*arguments, "4"]) == 0
    assert capsys.readouterr().err == ""  # as many as there are slots: nothing changes


def test_evaluate_runs_an_ntm_on_as_many_slots_as_are_asked_for(copy_checkpoint, capsys):
    arguments = ["evaluate", copy_checkpoint, "copy", "--count", "5", "--length", "6"]
    found = as_json(capsys, *arguments, "--slots", "9")
    model, _, _ = checkpoints.load(copy_checkpoint)
    task = tasks.Copy(bits=3, max_length=4)
    wanted = evaluate_task(model.with_slots(9), task, count=5, length=6)
    assert found["slots"] == 9
    assert found["wrong_bits_per_sequence"] == wanted["wrong_bits_per_sequence"]


def test_an_lstm_has_no_tape_to_lengthen(tmp_path, capsys):
    arguments = ["evaluate", save_copy(tmp_path, "LSTM"), "copy", "--length", "9", "--count", "2"]
    found = as_json(capsys, *arguments)
    assert found["examples"] == 2
    assert "slots" not in found
    line = fails(capsys, *arguments, "--slots", "20")
    assert "--slots cannot be used here" in line
    assert "is no NTM" in line


def test_evaluate_refuses_what_the_task_and_the_model_do_not_share(
    copy_checkpoint, words_checkpoint, capsys
):
    line = fails(capsys, "evaluate", copy_checkpoint, "priority-sort")
    assert "10 inputs and 8 outputs for priority-sort" in line
    assert "with 4 and 3" in line
    assert "reads words" in fails(capsys, "evaluate", words_checkpoint, "copy")
    assert "reads no words" in fails(capsys, "evaluate", copy_checkpoint, "qa1")
    for option in (["--task", "qa1"], ["--split", "test"], ["--evidence"]):
        line = fails(capsys, "evaluate", copy_checkpoint, "copy", *option)
        assert f"{option[0]} cannot be used here" in line


# --- evaluate: stories ----------------------------------------------------------------------------


def test_evaluate_generates_test_stories_and_gives_the_interval(words_checkpoint, capsys):
    found = as_json(capsys, "evaluate", words_checkpoint, "qa1", "--count", "40", "--seed", "6")
    model, vocabulary, _ = checkpoints.load(words_checkpoint)
    questions = stories.generate("qa1", 40, seed=6, split="test")
    wanted = evaluate_stories(model, vocabulary, questions)
    about = {"task": "qa1", "source": "generated", "split": "test", "seed": 6}
    interval = list(wilson(wanted["right"], 40))
    assert found == {
        "checkpoint": words_checkpoint,
        **about,
        **wanted,
        "interval_95": interval,
    }
    assert {"examples", "accuracy"} <= set(found)
    assert main(["evaluate", words_checkpoint, "qa1", "--count", "40", "--seed", "6"]) == 0
    assert capsys.readouterr().out == (
        f"{words_checkpoint} on qa1 (test of generated): {wanted['accuracy']:.2%} right "
        f"({wanted['right']} of 40; 95% interval {interval[0]:.2%} to {interval[1]:.2%})\n"
    )


def test_evaluate_generates_1000_questions_of_the_split_asked_for(words_checkpoint, capsys):
    found = as_json(capsys, "evaluate", words_checkpoint, "qa1", "--split", "valid")
    model, vocabulary, _ = checkpoints.load(words_checkpoint)
    questions = stories.generate("qa1", 1000, seed=0, split="valid")
    assert found["right"] == evaluate_stories(model, vocabulary, questions)["right"]
    assert (found["split"], found["examples"]) == ("valid", 1000)


def test_evaluate_reads_a_folder_an_archive_and_a_file(
    words_checkpoint, babi_folder, tmp_path, capsys
):
    archive = tmp_path / "tasks.tar.gz"
    with tarfile.open(archive, "w:gz") as tar:
        tar.add(babi_folder, arcname="tasks")
    model, vocabulary, _ = checkpoints.load(words_checkpoint)
    wanted = {
        split: evaluate_stories(
            model, vocabulary, stories.generate("qa1", 30, seed=5, split=split)
        )["right"]
        for split in ("valid", "test")
    }
    for source in (babi_folder, archive):
        found = as_json(capsys, "evaluate", words_checkpoint, str(source))
        assert (found["task"], found["split"], found["examples"]) == ("qa1", "test", 30)
        assert found["right"] == wanted["test"]
    arguments = [words_checkpoint, str(archive), "--split", "valid", "--variant", "en-valid-10k"]
    assert as_json(capsys, "evaluate", *arguments)["right"] == wanted["valid"]
    file = babi_folder / "en-valid-10k" / "qa1_valid.txt"
    found = as_json(capsys, "evaluate", words_checkpoint, str(file), "--task", "qa1")
    assert (found["task"], found["split"], found["right"]) == ("qa1", None, wanted["valid"])
    assert as_json(capsys, "evaluate", words_checkpoint, str(file), "--count", "4")["examples"] == 4


def test_evaluate_takes_the_split_that_there_is(babi_folder, tmp_path, capsys):
    data = {"task": "qa2"}
    vocabulary = Vocabulary.of(stories.generate("qa2", 300))
    settings = {"kind": "LSTM", "input_size": 4, "hidden_size": 5}
    settings |= {"words": len(vocabulary.words), "output_size": len(vocabulary.answers)}
    path = save(tmp_path, "lstm", settings, vocabulary, data)
    found = as_json(capsys, "evaluate", path, str(babi_folder))  # qa2 is the checkpoint's own
    assert (found["task"], found["split"]) == ("qa2", "valid")
    (babi_folder / "en-valid-10k" / "qa1_test.txt").unlink()
    (babi_folder / "en-valid-10k" / "qa1_valid.txt").unlink()
    line = fails(capsys, "evaluate", path, str(babi_folder), "--split", "test")
    assert "expected split valid for qa2" in line
    words = save_words(tmp_path, slots=4, width=3)
    assert as_json(capsys, "evaluate", words, str(babi_folder))["split"] == "train"


def test_evaluate_measures_the_evidence_too(words_checkpoint, capsys):
    arguments = ["evaluate", words_checkpoint, "qa1", "--count", "30", "--evidence"]
    found = as_json(capsys, *arguments)["evidence"]
    model, vocabulary, _ = checkpoints.load(words_checkpoint)
    wanted = hit_rate(model, vocabulary, stories.generate("qa1", 30, split="test"))
    assert found == vars(wanted)
    assert main(arguments) == 0
    assert f"evidence: {wanted}" in capsys.readouterr().out


def test_evaluate_refuses_stories_that_it_cannot_find_or_read(
    words_checkpoint, babi_folder, tmp_path, capsys
):
    def line(*arguments):
        return fails(capsys, "evaluate", words_checkpoint, *arguments)

    assert "expected a task (copy, " in line("moon")
    assert "expected a task of qa1, qa2" in line("qa4")
    assert "--length cannot be used here" in line("qa1", "--length", "3")
    assert "expected --task qa1 like DATA, got qa2" in line("qa1", "--task", "qa2")
    assert "--variant cannot be used here" in line("qa1", "--variant", "en")
    assert "unknown word" in line("qa20")
    assert "expected task qa1, qa2, got 'qa3'" in line(str(babi_folder), "--task", "qa3")
    assert "from qa1 to qa20" in line(str(babi_folder), "--task", "qa99")
    assert "unknown word" in line(str(babi_folder), "--task", "qa2")
    file = babi_folder / "en-valid-10k" / "qa1_valid.txt"
    assert "a single file is read whole" in line(str(file), "--split", "test")
    file.write_text("1 Mary moved to the garden.\n3 Where is Mary?\tgarden\t1\n")
    assert f"{file}, line 2: expected number 1 or 2, got 3" in line(str(file))
    broken = tmp_path / "broken.tar.gz"
    broken.write_bytes(b"no archive")
    assert "expected a whole .tar.gz archive" in line(str(broken))


def test_a_damaged_checkpoint_and_a_missing_record_are_refused(words_checkpoint, tmp_path, capsys):
    path = tmp_path / "lntm.pt"
    path.write_bytes(path.read_bytes() + b"x")
    assert "SHA-256" in fails(capsys, "evaluate", words_checkpoint, "qa1")
    path.with_suffix(".json").unlink()
    assert "expected the run record" in fails(capsys, "evaluate", words_checkpoint, "qa1")


@pytest.mark.parametrize(("right", "examples"), [(8, 10), (1, 50), (990, 1000), (0, 10), (7, 7)])
def test_wilson_bounds_are_where_the_score_test_turns(right, examples):
    """(p − π)² = z² π (1 − π) / n at both bounds π, save where a bound is cut at 0 or 1."""
    p, (low, high) = right / examples, wilson(right, examples)
    assert 0 <= low <= p <= high <= 1
    for bound in (low, high):
        if 0 < bound < 1:
            variance = bound * (1 - bound) / examples
            assert (p - bound) ** 2 == pytest.approx(NORMAL_95**2 * variance)
    assert (low == 0) == (right == 0)
    assert (high == 1) == (right == examples)


@pytest.mark.parametrize(("right", "examples"), [(0, 0), (3, 2), (-1, 2)])
def test_wilson_refuses_what_is_no_fraction(right, examples):
    with pytest.raises(ValueError, match=f"got {right} of {examples}"):
        wilson(right, examples)


# --- answer ---------------------------------------------------------------------------------------

STORY = "Mary moved to the bathroom.\nJohn went to the hallway.\n\nWhere is Mary?\n"


def told(monkeypatch, text):
    monkeypatch.setattr(sys, "stdin", io.StringIO(text))


def test_answer_gives_answer_probability_runner_up_and_evidence(
    words_checkpoint, capsys, monkeypatch
):
    told(monkeypatch, STORY)
    assert main(["answer", words_checkpoint]) == 0
    first, *rest = capsys.readouterr().out.splitlines()
    model, vocabulary, _ = checkpoints.load(words_checkpoint)
    question = commands.read_story(STORY.splitlines())
    found = evidence(model, vocabulary, question)
    second, its_probability = found.others[0]
    assert first == (
        f"{found.answer} (probability {found.probability:.4f}; "
        f"runner-up: {second}, {its_probability:.4f})"
    )
    text = "\n".join(rest)
    sentences = ["Mary moved to the bathroom.", "John went to the hallway."]
    for number, share in enumerate(found.shares):
        line = f"  {share:4.0%}  sentence {number + 1}: {sentences[number]}"
        assert (line in rest) == (share > 0)
    assert any(found.shares) == ("none: no sentence speaks" not in text)
    rate = hit_rate(model, vocabulary, stories.generate("qa1", 200, split="test"))
    assert f"how far to trust it: {rate}" in text


def test_answer_as_a_program_reads_standard_input(words_checkpoint):
    command = [sys.executable, "-m", "lessons_lib", "answer", words_checkpoint]
    done = subprocess.run(command, input=STORY, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert re.match(r"\w+ \(probability 0\.\d{4}; runner-up: \w+, 0\.\d{4}\)\n", done.stdout)


def test_answer_of_an_lstm_says_that_there_is_no_evidence(tmp_path, capsys, monkeypatch):
    told(monkeypatch, STORY)
    path = save_words(tmp_path, "LSTM", "lstm")
    assert main(["answer", path]) == 0
    out = capsys.readouterr().out
    model, vocabulary, _ = checkpoints.load(path)
    batch = vocabulary.batch([commands.read_story(STORY.splitlines())])
    logits, _ = model(batch.tokens, lengths=batch.lengths, at=batch.at)
    best = vocabulary.answers[int(logits.argmax())]
    assert out.startswith(f"{best} (probability {logits.softmax(-1).max():.4f}; runner-up: ")
    assert "LSTM has no memory to write to" in out


def test_answer_shows_no_hit_rate_for_a_task_that_cannot_be_generated(
    tmp_path, capsys, monkeypatch
):
    told(monkeypatch, STORY)
    path = save_words(tmp_path, name="qa4", data={"task": "qa4"}, slots=4, width=3)
    assert main(["answer", path]) == 0
    assert "how far" not in capsys.readouterr().out


def test_at_a_keyboard_the_question_ends_the_story(words_checkpoint, capsys, monkeypatch):
    class Keyboard(io.StringIO):
        def isatty(self):
            return True

    keyboard = Keyboard(STORY + "left in the buffer\n")
    monkeypatch.setattr(sys, "stdin", keyboard)
    assert main(["answer", words_checkpoint]) == 0
    assert "one sentence a line" in capsys.readouterr().err
    assert keyboard.readline() == "left in the buffer\n"


def test_a_story_may_have_several_sentences_a_line_and_blank_lines():
    lines = ["", "  Mary moved to the bathroom.  John left the milk", "?", ".", " Where is Mary ? "]
    question = commands.read_story(lines)
    assert question.story == (
        ("mary", "moved", "to", "the", "bathroom"),
        ("john", "left", "the", "milk"),
    )
    assert question.question == ("where", "is", "mary")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "expected a question as the last line, ending with '?', got none"),
        ("Mary moved to the garden.\n", "ending with '?', got none"),
        ("Where is Mary?\n", "at least one sentence before the question"),
        ("Mary moved.\nWhere is Mary?\nWhere is John?\n", "expected one question, got 2"),
        ("Mary moved.\nWhere is Mary?\nJohn left.\n", "got behind it: John left."),
        ("Zorg moved to the garden.\nWhere is Zorg?\n", "unknown word 'zorg'"),
    ],
)
def test_answer_refuses_what_is_no_story_and_question(
    words_checkpoint, capsys, monkeypatch, text, message
):
    told(monkeypatch, text)
    assert message in fails(capsys, "answer", words_checkpoint)


def test_answer_refuses_a_model_that_reads_no_words(copy_checkpoint, capsys, monkeypatch):
    told(monkeypatch, STORY)
    assert "reads no words" in fails(capsys, "answer", copy_checkpoint)


# --- list -----------------------------------------------------------------------------------------


def test_list_shows_shipped_checkpoints_recipes_and_tasks(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(checkpoints, "DATA", tmp_path)
    assert main(["list"]) == 0
    assert "(none)" in capsys.readouterr().out
    folder = tmp_path / "checkpoints"
    save_copy(folder, name="ntm-tiny", slots=4, width=3)
    save_words(folder, name="lntm-tiny", slots=4, width=3)
    path = save_words(folder, "LSTM", "broken")
    with open(path, "ab") as file:
        file.write(b"x")
    assert main(["list"]) == 0
    rows = {line.split()[0]: line for line in capsys.readouterr().out.splitlines() if line}
    model, _, _ = checkpoints.load("ntm-tiny")
    parameters = sum(parameter.numel() for parameter in model.parameters())
    for shown in ("copy", "NTM", f"{parameters:,} parameters, 4 x 3 memory", "1.25 wrong bits"):
        assert shown in rows["ntm-tiny"]
    for shown in ("qa1", "LNTM", "18.75% right of 1000"):
        assert shown in rows["lntm-tiny"]
    assert "cannot be loaded: " in rows["broken"]
    for name, recipe in recipes.RECIPES.items():
        assert f"at most {recipe.steps:,} steps" in rows[name]
    assert rows["algorithmic"].split(maxsplit=1)[1] == ", ".join(tasks.TASKS)
    assert rows["stories"].split(maxsplit=1)[1] == ", ".join(stories.TASKS)
