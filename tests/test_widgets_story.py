"""The story stepper without a browser: what it computes, what it says, what it refuses."""

from __future__ import annotations

from dataclasses import replace

import matplotlib.figure
import pytest
import torch

from lessons_lib import load, memory, stories
from lessons_lib.babi import Question, tokenize
from lessons_lib.evidence import evidence, without_each_sentence
from lessons_lib.ntm import NTM
from lessons_lib.origins import parts_of_memory
from lessons_lib.recurrent import GRU
from lessons_lib.widgets.base import HERE, script
from lessons_lib.widgets.story import StoryStepper
from lessons_lib.widgets.story_numbers import (
    MOST_WORDS,
    as_text,
    origin_of_each_word,
    parse,
    read_story,
)
from lessons_lib.words import Vocabulary, WordModel
from tests.test_widgets import sent

TEXT = "Mary went to the kitchen.\nJohn moved to the garden.\nWhere is Mary?"
TOLD = Question(
    (tokenize("mary went to the kitchen"), tokenize("john moved to the garden")),
    tokenize("where is mary"),
    "kitchen",
    (0,),
    "qa1",
)
MACHINES = ("lntm-qa1", "ntm-qa1", "lstm-qa1")


@pytest.fixture(scope="module")
def machines() -> dict:
    return {name: load(name) for name in (*MACHINES, "lntm-qa2")}


def run(machine, question: Question = TOLD):
    model, vocabulary, _ = machine
    with torch.no_grad():
        return model(vocabulary.batch([question]).tokens, trace=True)[-1]


# --- The numbers ----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["lntm-qa1", "lntm-qa2", "ntm-qa1"])
def test_the_parts_of_a_memory_add_up_to_it_lntm_eqs_4_5_ntm_eqs_3_4(machines, name):
    trace = run(machines[name])
    parts = list(parts_of_memory(trace, origin_of_each_word(TOLD)))
    for step, found in enumerate(parts):
        torch.testing.assert_close(found.sum(0), trace.memory_after[step, 0], rtol=0, atol=2e-6)
    assert len(parts[0]) == 2  # the start, and the first sentence
    assert parts[-1][3].any()


def test_the_parts_of_several_write_heads_add_up_too():
    torch.manual_seed(0)
    words = ("GO", "Q", "a", "b")
    model = WordModel(NTM(3, 2, slots=5, width=4, hidden_size=8, write_heads=2, read_heads=3), 4)
    vocabulary = Vocabulary(words, ("no", "yes"))
    question = Question((("a", "b"), ("b",)), ("a",), "")
    reading = read_story(model, vocabulary, question)
    *_, last = parts_of_memory(reading.trace, origin_of_each_word(question))
    torch.testing.assert_close(last.sum(0), reading.trace.memory_after[-1, 0])
    assert reading.numbers["reads"].shape == (6, 5, 3)
    written = reading.trace.write.weights[:, 0].sum(1)
    torch.testing.assert_close(reading.numbers["written"], written)


def test_what_is_drawn_is_the_librarys(machines):
    model, vocabulary, _ = machines["lntm-qa1"]
    trace = run(machines["lntm-qa1"])
    numbers = read_story(model, vocabulary, TOLD).numbers
    found = evidence(model, vocabulary, TOLD)
    exact = {"rtol": 0, "atol": 1e-6}
    torch.testing.assert_close(numbers["memory"], trace.memory_after[:, 0], **exact)
    torch.testing.assert_close(numbers["gate"], trace.add_gate[:, 0, 0], **exact)
    written = trace.add_gate[:, 0] * trace.write.weights[:, 0, 0]
    torch.testing.assert_close(numbers["written"], written, **exact)
    torch.testing.assert_close(numbers["reads"].mT, trace.read.weights[:, 0], **exact)
    torch.testing.assert_close(numbers["answers"], trace.outputs[:, 0].softmax(-1), **exact)
    assert numbers["per_word"].tolist() == pytest.approx(found.per_word, abs=1e-6)
    assert numbers["per_sentence"].tolist() == pytest.approx(found.per_sentence, abs=1e-6)
    silent = without_each_sentence(model, vocabulary, TOLD)
    assert numbers["not_written"].tolist() == pytest.approx(silent, abs=1e-6)
    for number, probability in enumerate(numbers["not_told"].tolist()):
        left = replace(TOLD, story=TOLD.story[:number] + TOLD.story[number + 1 :])
        again = run(machines["lntm-qa1"], left).outputs[-1, 0].softmax(-1)
        there = vocabulary.answer_number(found.answer)
        assert probability == pytest.approx(again[there].item(), abs=1e-6)


def test_shares_are_of_sizes_and_add_up_to_1(machines):
    for name in ("lntm-qa1", "ntm-qa1"):
        numbers = read_story(*machines[name][:2], TOLD).numbers
        for part in ("held", "read_shares"):
            total = numbers[part].sum(-1)
            torch.testing.assert_close(total, torch.ones_like(total))


def test_the_read_shares_are_of_the_parts_of_what_is_read(machines):
    trace = run(machines["lntm-qa1"])
    *_, parts = parts_of_memory(trace, origin_of_each_word(TOLD))
    weights = trace.read.weights[-1]  # (1, R, S)
    taken = torch.stack([memory.read(part[None], weights)[0] for part in parts])  # (G, R, W)
    torch.testing.assert_close(taken.sum(0), trace.reads[-1, 0], rtol=0, atol=5e-6)
    sizes = taken.abs().sum((1, 2))
    numbers = read_story(*machines["lntm-qa1"][:2], TOLD).numbers
    torch.testing.assert_close(numbers["read_shares"][-1], sizes / sizes.sum())


def test_a_machine_without_a_memory_has_its_state_and_no_evidence(machines):
    lstm = read_story(*machines["lstm-qa1"][:2], TOLD)
    assert set(lstm.numbers) == {"answers", "state", "not_told"}
    torch.testing.assert_close(lstm.numbers["state"], lstm.trace.cell[:, 0])
    assert lstm.slots == ()
    assert lstm.answer == "kitchen"
    torch.manual_seed(0)
    gru = read_story(WordModel(GRU(3, 2, hidden_size=5), 4), Vocabulary(("GO", "Q", "a", "b"),
                     ("no", "yes")), Question((("a",),), ("b",), ""))  # fmt: skip
    torch.testing.assert_close(gru.numbers["state"], gru.trace.hidden[:, 0])
    assert "gate" not in read_story(*machines["ntm-qa1"][:2], TOLD).numbers


def test_a_long_tape_is_cut_to_the_slots_that_are_used():
    torch.manual_seed(0)
    model = WordModel(NTM(3, 2, slots=40, width=4, hidden_size=8), 4)
    reading = read_story(model, Vocabulary(("GO", "Q", "a", "b"), ("no", "yes")),
                         Question((("a", "b"),), ("a",), ""))  # fmt: skip
    count = len(reading.slots)
    assert reading.numbers["memory"].shape == (5, count, 4)
    assert reading.numbers["held"].shape == (5, count, 3)


# --- What may be typed ----------------------------------------------------------------------------


@pytest.mark.parametrize("text", [TEXT, TEXT.replace("\n", " "), f"\n {TEXT.upper()} \n\n"])
def test_a_text_is_read_by_its_sentences_however_its_lines_run(text):
    asked = parse(text)
    assert (asked.story, asked.question) == (TOLD.story, TOLD.question)
    assert as_text(asked) == TEXT


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "expected a question with a \\? at the end, got 'nothing'"),
        ("?", "expected a question with a \\? at the end, got 'nothing'"),
        ("Mary went home.", "with a \\? at the end, got 'Mary went home.'"),
        ("Where is Mary?", "the story is empty"),
        ("Mary left. Where is Mary? John left. Where is John?", "got another: 'Where is Mary\\?'"),
        ("Mary left. " * MOST_WORDS + "Where?", f"at most {MOST_WORDS} words, got {2 * 600 + 1}"),
    ],
)
def test_a_text_without_story_or_question_is_refused(text, message):
    with pytest.raises(ValueError, match=message):
        parse(text)


def test_unknown_words_are_named_with_the_nearest_that_is_known(machines):
    story = StoryStepper(machines, TEXT)
    message = "words that .* trained on: 'mery' \\(it knows 'mary'\\), 'cellar'"
    with pytest.raises(ValueError, match=message):
        story.ask("Mery went to the cellar. Where is Mery?")
    with pytest.raises(ValueError, match=r"a word that .* 'cellar'"):
        story.ask("Mary went to the cellar. Where is Mary?")
    assert as_text(story.question) == TEXT  # the former story stays


def test_one_word_is_a_story_and_a_very_long_one_too(machines):
    story = StoryStepper({"lntm-qa1": machines["lntm-qa1"]}, "Mary. Where is Mary?")
    assert sent(story)["0.held"].shape == (6, 8, 3)
    words = MOST_WORDS // 5 - 1
    assert story.ask("Mary went to the kitchen. " * words + "Where is Mary?") == "kitchen"
    assert len(story.view["words"]) == words * 5 + 5
    assert len(story.numbers) < 8e6  # bytes in the notebook


# --- The widget -----------------------------------------------------------------------------------


def test_all_machines_are_sent_once_by_their_place(machines):
    story = StoryStepper(machines, TOLD)
    numbers = sent(story)
    for place, name in enumerate(machines):
        for part, tensor in story.readings[name].numbers.items():
            torch.testing.assert_close(numbers[f"{place}.{part}"], tensor, rtol=0, atol=0)
    assert story.view["facts"] == [0]
    assert story.view["origins"][-5:] == [3] * 5
    assert repr(story) == "StoryStepper('lntm-qa1', 15 words)" == repr(StoryStepper(machines, TOLD))
    bundle = story._repr_mimebundle_()
    assert (bundle[0] if isinstance(bundle, tuple) else bundle)["text/plain"] == repr(story)


def test_the_words_agree_with_the_numbers(machines):
    told = {entry["name"]: entry for entry in StoryStepper(machines, TOLD).view["machines"]}
    assert told["lntm-qa1"]["lacks"] == ""
    assert "no add gate" in told["ntm-qa1"]["lacks"]
    assert "no memory outside its state" in told["lstm-qa1"]["lacks"]
    assert "✓ That is right" in told["lntm-qa1"]["verdict"]
    assert [line.split(":")[0] for line in told["lntm-qa1"]["rests"]] == [
        "Slots",
        "Read",
        "Evidence",
        "Not told",
    ]
    assert [line.split(":")[0] for line in told["lstm-qa1"]["rests"]] == ["Not told"]
    assert "at the supporting sentence 1)" in told["lntm-qa1"]["rests"][1]
    assert "without sentence 1" in told["lstm-qa1"]["rests"][0]
    wrong = StoryStepper(machines, replace(TOLD, answer="garden")).view["machines"][0]["verdict"]
    assert "✗ Right would be “garden”" in wrong


def test_a_machine_that_does_not_know_a_word_says_so_and_the_others_read(machines):
    item = next(q for q in stories.generate("qa2", 40, split="test") if len(q.story) < 9)
    names = ("lntm-qa2", "lntm-qa1")
    story = StoryStepper({name: machines[name] for name in names}, item)
    assert list(story.readings) == ["lntm-qa2"]
    assert "never trained on" in story.view["machines"][1]["refused"]
    story.machine = "lntm-qa1"
    with pytest.raises(ValueError, match="never trained on"):
        story.ask(item)


def test_text_and_request_come_in_one_message(machines):
    story = StoryStepper(machines, TOLD)
    asked = {"kind": "ask", "text": "John moved to the garden. Where is John?"}
    story._heard(story, {**asked, "machine": "lstm-qa1"}, [])
    assert story.readings["lstm-qa1"].answer == "garden"
    assert (story.machine, story.view["machine"], story.view["step"]) == ("lstm-qa1",) * 2 + (9,)
    count = story.view["count"]
    for bad in ({"text": "Where?"}, {"machine": "no such machine"}):
        story._heard(story, {**asked, "machine": "lstm-qa1", **bad}, [])
        assert story.view["refused"]
        assert len(story.view["words"]) == 10
    assert story.view["count"] == count + 2  # each is answered, even with the same words
    story._heard(story, {"kind": "something else"}, [])
    assert story.view["count"] == count + 2


def test_the_step_stays_in_the_story_and_the_machine_among_those_given(machines):
    story = StoryStepper(machines, TOLD)
    story.step = 99
    assert story.step == 14
    story.step = -3
    assert story.step == 0
    with pytest.raises(ValueError, match="expected one of lntm-qa1, ntm-qa1, lstm-qa1, lntm-qa2"):
        story.machine = "gru"


def test_what_cannot_read_words_is_refused(machines):
    with pytest.raises(ValueError, match="expected at least one machine, got none"):
        StoryStepper({}, TOLD)
    with pytest.raises(ValueError, match=r"expected copier as a WordModel .* got NTM and NoneType"):
        StoryStepper({"copier": load("ntm-copy")}, TOLD)
    with pytest.raises(ValueError, match="the story is empty"):
        StoryStepper(machines, replace(TOLD, story=()))


@pytest.mark.parametrize("name", ["lntm-qa1", "ntm-qa1", "lstm-qa1"])
def test_a_nan_is_named_and_sent_as_it_is(name):
    model, vocabulary, _ = load(name)
    with torch.no_grad():
        model.embedding.weight[vocabulary.encode(["garden"])] = float("nan")
    story = StoryStepper({name: (model, vocabulary)}, TOLD)
    [problem] = story.problems
    assert problem.startswith(f"{name}: inputs is not finite from step 9 on, and with it ")
    told = story.view["machines"][0]
    assert told["verdict"] == f"{name} gives no answer: its outputs are not finite."
    assert told["rests"] == []
    assert sent(story)["0.answers"][-1].isnan().all()
    assert isinstance(story.still(), matplotlib.figure.Figure)


@pytest.mark.parametrize("name", MACHINES)
def test_there_is_a_filmstrip_for_print(machines, name):
    story = StoryStepper({name: machines[name]}, TOLD)
    figure = story.still()
    titles = [ax.get_title(loc="left") for ax in figure.axes]
    assert f"{name} answers: kitchen" in titles
    assert any("after word 15" in title for title in titles) == (name != "lstm-qa1")
    assert len(story.still([0, 3]).axes) <= len(figure.axes)
    with pytest.raises(ValueError, match="expected steps from 0 to 14, got 15"):
        story.still([15])


def test_no_equation_is_in_the_page_and_its_modules_join():
    text = script("story.js")
    assert text.count("export default") == 1
    for path in HERE.glob("story*.js"):
        assert "save_changes" not in path.read_text(encoding="utf-8")  # stepping sends nothing
