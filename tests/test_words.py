"""Stories as word sequences: story, Q, question, GO, and models that read words."""

import pickle

import pytest
import torch
from torch.nn import functional as F

from lessons_lib.babi import Question
from lessons_lib.lntm import LNTM
from lessons_lib.models import build
from lessons_lib.recurrent import LSTM
from lessons_lib.words import (
    Vocabulary,
    WordModel,
    collate,
    sentence_of_each_word,
    word_sequence,
)

STORY = (("ann", "went", "home"), ("bob", "slept"))
FIRST = Question(STORY, ("where", "is", "ann"), "home")
SECOND = Question(STORY[1:], ("who", "slept"), "bob")
VOCABULARY = Vocabulary.of([FIRST, SECOND])


def test_a_question_is_story_q_question_go():
    """L-NTM figure 6a."""
    words = word_sequence(FIRST.story, FIRST.question)
    assert words == "ann went home bob slept Q where is ann GO".split()
    assert word_sequence((), ("who",)) == ["Q", "who", "GO"]


def test_each_word_knows_its_sentence():
    numbers = sentence_of_each_word(FIRST.story, FIRST.question)
    assert numbers == [0, 0, 0, 1, 1, -1, -1, -1, -1, -1]
    assert len(numbers) == len(word_sequence(FIRST.story, FIRST.question))


def test_the_vocabulary_holds_every_word_and_every_answer_once_and_sorted():
    assert VOCABULARY.words == (
        "GO", "Q", "ann", "bob", "home", "is", "slept", "went", "where", "who",
    )  # fmt: skip
    assert VOCABULARY.answers == ("bob", "home")
    assert Vocabulary.of([SECOND, FIRST, FIRST]) == VOCABULARY
    assert pickle.loads(pickle.dumps(VOCABULARY)) == VOCABULARY


def test_words_are_numbered_in_the_vocabularys_order():
    words = word_sequence(FIRST.story, FIRST.question)
    assert [VOCABULARY.words[number] for number in VOCABULARY.encode(words)] == words
    assert VOCABULARY.encode(word for word in ("Q", "GO")) == [1, 0]


def test_an_unknown_word_is_named_with_those_that_are_known():
    known = r"this model knows only GO, Q, ann, bob"
    with pytest.raises(ValueError, match=rf"unknown word 'carl': {known}"):
        VOCABULARY.encode(["ann", "carl", "carl"])
    with pytest.raises(ValueError, match=rf"unknown words 'carl', 'dora': {known}"):
        VOCABULARY.encode(["dora", "carl"])
    with pytest.raises(ValueError, match="unknown word 'milk'"):
        VOCABULARY.batch([Question((("milk",),), ("who",), "bob")])


def test_a_batch_pads_at_the_end_and_points_at_go():
    batch = VOCABULARY.batch([SECOND, FIRST])
    assert batch.tokens.shape == (10, 2)
    assert batch.lengths.tolist() == [6, 10]
    go = VOCABULARY.words.index("GO")
    assert batch.tokens[batch.at, torch.arange(2)].tolist() == [go, go]
    coded = VOCABULARY.encode(word_sequence(SECOND.story, SECOND.question))
    assert batch.tokens[:6, 0].tolist() == coded
    assert [VOCABULARY.answers[number] for number in batch.answers] == ["bob", "home"]


def test_an_answer_that_the_model_does_not_have_is_minus_one():
    other = Question(STORY, ("where", "is", "ann"), "garden")
    assert VOCABULARY.batch([other, FIRST]).answers.tolist() == [-1, 1]


def test_collate_keeps_the_order_it_was_given():
    batch = collate([[3, 1], [2], [4, 4, 4]], [0, 1, 2])
    assert batch.tokens.tolist() == [[3, 2, 4], [1, 0, 4], [0, 0, 4]]
    assert batch.lengths.tolist() == [2, 1, 3]
    assert batch.at.tolist() == [1, 0, 2]
    assert batch.answers.tolist() == [0, 1, 2]


@pytest.mark.parametrize("kind", ["RNN", "GRU", "LSTM", "NTM", "LNTM"])
def test_a_word_model_is_its_core_under_an_embedding(kind):
    torch.manual_seed(0)
    model = build(kind, words=10, input_size=4, output_size=2, hidden_size=5)
    batch = VOCABULARY.batch([SECOND, FIRST])
    vectors = F.one_hot(batch.tokens, 10).float() @ model.embedding.weight
    wanted, _ = model.core(vectors, lengths=batch.lengths, at=batch.at)
    found, state = model(batch.tokens, lengths=batch.lengths, at=batch.at)
    torch.testing.assert_close(found, wanted)
    assert found.shape == (2, 2)
    outputs, _, record = model(batch.tokens, state, trace=True)
    torch.testing.assert_close(record.outputs, outputs)


def test_what_a_question_answers_does_not_depend_on_its_neighbours():
    torch.manual_seed(0)
    model = WordModel(LNTM(4, 2, slots=3, width=3, hidden_size=5), 10)
    together = VOCABULARY.batch([SECOND, FIRST])
    alone = VOCABULARY.batch([SECOND])
    both, _ = model(together.tokens, lengths=together.lengths, at=together.at)
    one, _ = model(alone.tokens, lengths=alone.lengths, at=alone.at)
    torch.testing.assert_close(both[:1], one)


def test_tokens_that_are_no_word_numbers_are_named():
    model = WordModel(LSTM(4, 2), 10)
    with pytest.raises(ValueError, match=r"expected tokens \(time, batch\) .*got \(3,\) .*int64"):
        model(torch.zeros(3, dtype=torch.long))
    with pytest.raises(ValueError, match=r"of word numbers, got \(3, 2\) torch.float32"):
        model(torch.zeros(3, 2))
