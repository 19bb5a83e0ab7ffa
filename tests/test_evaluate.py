"""Measuring with fixed weights: counts that can be worked out by hand."""

import pytest
import torch
from torch import nn

from lessons_lib import evaluate, tasks
from lessons_lib.babi import Question
from lessons_lib.evaluate import evaluate_stories, evaluate_task, story_logits
from lessons_lib.models import build
from lessons_lib.words import Vocabulary

COPY = tasks.Copy(bits=3, max_length=4)


class CopyByHand(nn.Module):
    """Solves the copy task; with ``spoiled``, says the first bit of every answer wrong."""

    def __init__(self, spoiled=False):
        super().__init__()
        self.spoiled, self.unused = spoiled, nn.Parameter(torch.zeros(1))
        self.seen = []

    def forward(self, inputs):
        self.seen.append(inputs)
        length = (len(inputs) - 1) // 2
        outputs = torch.zeros(len(inputs), inputs.shape[1], 3)
        outputs[-length:] = inputs[:length, :, :3] - 0.5
        if self.spoiled:
            outputs[-length, :, 0] *= -1
        return outputs, None


def test_a_perfect_model_has_no_wrong_bit():
    found = evaluate_task(CopyByHand(), COPY, count=23, batch_size=10)
    bits = found.pop("bits_per_sequence")
    assert found == {"examples": 23, "wrong_bits_per_sequence": 0.0, "perfect_sequences": 23}
    # an output of ±½ on the right side costs log2(1 + e^−½) bits; 1 to 4 vectors of 3 bits
    assert 3 * 0.683 < bits < 12 * 0.684


def test_the_cost_in_bits_is_that_of_the_paper_and_stands_beside_the_best_possible_one():
    """NTM section 4.4: a coin pays 1 bit a target, eq. 10 pays less."""

    class Coin(nn.Module):
        unused = nn.Parameter(torch.zeros(1))

        def parameters(self):
            return iter([self.unused])

        def forward(self, inputs):
            return torch.zeros_like(inputs), None

    task = tasks.DynamicNgrams(context=2, length=60)
    found = evaluate_task(Coin(), task, count=30)
    assert found["bits_per_sequence"] == pytest.approx(58)
    assert 20 < found["optimal_bits_per_sequence"] < 45


def test_one_wrong_bit_a_sequence_is_counted_as_one():
    found = evaluate_task(CopyByHand(spoiled=True), COPY, count=23, batch_size=10)
    found.pop("bits_per_sequence")
    assert found == {"examples": 23, "wrong_bits_per_sequence": 1.0, "perfect_sequences": 0}


def test_the_task_can_be_longer_than_it_was():
    model = CopyByHand()
    evaluate_task(model, COPY, count=2, length=30)
    assert [len(inputs) for inputs in model.seen] == [61]


def test_sequences_depend_on_the_seed_and_are_not_those_of_training():
    first, same, other = CopyByHand(), CopyByHand(), CopyByHand()
    for model, seed in ((first, 0), (same, 0), (other, 1)):
        evaluate_task(model, COPY, count=40, seed=seed, batch_size=20, length=4)
    assert all(map(torch.equal, first.seen, same.seen))
    assert not torch.equal(first.seen[0], first.seen[1])
    assert not torch.equal(first.seen[0], other.seen[0])
    for step in range(5):
        trained = COPY.batch(20, tasks.stream(0, "train", step), length=4).inputs
        assert not torch.equal(first.seen[0], trained)


def test_evaluation_keeps_the_weights_and_the_callers_random_numbers():
    torch.manual_seed(0)
    model = build("NTM", input_size=4, output_size=3, slots=5, width=4, hidden_size=6)
    before = [value.clone() for value in model.state_dict().values()]
    state = torch.get_rng_state()
    first = evaluate_task(model, COPY, count=8)
    assert torch.equal(torch.get_rng_state(), state)
    assert all(map(torch.equal, model.state_dict().values(), before))
    assert evaluate_task(model, COPY, count=8) == first
    assert 0 < first["wrong_bits_per_sequence"] <= 12
    assert all(parameter.grad is None for parameter in model.parameters())


def test_no_sequences_are_refused():
    with pytest.raises(ValueError, match="expected at least 1 sequence, got 0"):
        evaluate_task(CopyByHand(), COPY, count=0)


# Stories: the answer is the last word told, which is also the answer of half of them

PLACES = ("attic", "cellar", "garden")


def question(length, place, answer=None):
    story = tuple(("ann", "went", PLACES[(n + 1) % 3]) for n in range(length - 1))
    return Question((*story, ("ann", "went", place)), ("where",), answer or place)


QUESTIONS = [
    question(length, PLACES[(7 * length) % 3], None if length % 2 else "attic")
    for length in (5, 1, 3, 2, 8, 4, 1, 7)
]
VOCABULARY = Vocabulary.of([*QUESTIONS, *(question(1, place) for place in PLACES)])
RIGHT = sum(item.story[-1][-1] == item.answer for item in QUESTIONS)


class LastPlace(nn.Module):
    """Answers with the last word before Q, as a word model would."""

    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(1, 1)
        self.batches = []

    def forward(self, tokens, *, at):
        self.batches.append(tokens.shape[1])
        logits = torch.zeros(tokens.shape[1], len(PLACES))
        for row in range(tokens.shape[1]):
            place = VOCABULARY.words[tokens[at[row] - 3, row]]
            logits[row, VOCABULARY.answers.index(place)] = 1
        return logits, None


@pytest.mark.parametrize("chunk", [1, 3, 250])
def test_accuracy_is_the_fraction_answered_right(chunk, monkeypatch):
    monkeypatch.setattr(evaluate, "CHUNK", chunk)
    model = LastPlace()
    found = evaluate_stories(model, VOCABULARY, QUESTIONS)
    assert 0 < RIGHT < len(QUESTIONS)
    assert found == {"examples": 8, "right": RIGHT, "accuracy": RIGHT / 8}
    assert sum(model.batches) == 8
    assert max(model.batches) <= chunk


@pytest.mark.parametrize("chunk", [1, 3, 250])
def test_logits_come_in_the_order_of_the_questions(chunk, monkeypatch):
    monkeypatch.setattr(evaluate, "CHUNK", chunk)
    logits, right = story_logits(LastPlace(), VOCABULARY, QUESTIONS)
    said = [VOCABULARY.answers[number] for number in logits.argmax(-1)]
    assert said == [item.story[-1][-1] for item in QUESTIONS]
    assert [VOCABULARY.answers[number] for number in right] == [item.answer for item in QUESTIONS]


def test_how_questions_are_batched_does_not_change_a_real_models_answers(monkeypatch):
    torch.manual_seed(0)
    words = len(VOCABULARY.words)
    sizes = {"input_size": 4, "output_size": 3, "hidden_size": 5, "slots": 3, "width": 3}
    model = build("LNTM", words=words, **sizes)
    together, _ = story_logits(model, VOCABULARY, QUESTIONS)
    monkeypatch.setattr(evaluate, "CHUNK", 1)
    alone, _ = story_logits(model, VOCABULARY, QUESTIONS)
    torch.testing.assert_close(together, alone)


def test_an_answer_that_the_model_does_not_have_counts_as_wrong():
    unknown = question(2, "attic", "kitchen")
    found = evaluate_stories(LastPlace(), VOCABULARY, [unknown, question(1, "attic")])
    assert found == {"examples": 2, "right": 1, "accuracy": 0.5}


def test_no_questions_and_unknown_words_are_refused():
    with pytest.raises(ValueError, match="expected at least one question, got none"):
        evaluate_stories(LastPlace(), VOCABULARY, [])
    with pytest.raises(ValueError, match="unknown word 'moon'"):
        evaluate_stories(LastPlace(), VOCABULARY, [question(1, "moon", "attic")])
