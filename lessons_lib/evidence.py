"""Where an answer came from: gradient × write of the answer's logit, summed by sentence.

What step t adds to the memory is f_t w_t a_t (L-NTM eq. 5; NTM eq. 4, where f_t = 1, summed over
the write heads). The evidence of that write for an answer with logit y is

    E_t = Σ ∂y/∂(f_t w_t a_t) · (f_t w_t a_t),  the sum over slots and width.

It is computed as ∂y/∂s_t at s_t = 1, where s_t multiplies what step t adds (the model's
``write_scale``): by the chain rule the same number. To first order it says how much y would fall
if the write were left out.

It is evidence, not an explanation: first order only, blind to what the controller carries past the
memory by itself, and blind to what a write erases. ``hit_rate`` measures how often it points where
it should, and ``without_sentence`` asks the same question by leaving a sentence's writes out.
Shapes: T time, B batch.
"""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from lessons_lib.babi import Question
from lessons_lib.words import Vocabulary, WordBatch, WordModel, sentence_of_each_word, word_sequence

CHUNK = 100  # questions in one pass


@dataclass(frozen=True)
class Evidence:
    """What an answer owes to each write.

    Attributes:
        words: the sequence that the model read: story, ``Q``, question, ``GO``.
        answer: the answer whose logit is asked about.
        probability: what the model gives it, 0 to 1.
        others: the other answers with their probabilities, the likeliest first.
        logit: y, the answer's logit.
        per_word: E_t for each of ``words``, in the logit's units; below 0 it spoke against.
        per_sentence: E_t summed over the words of each sentence of the story.
        outside_story: E_t summed over ``Q``, the question and ``GO``, which are written too.
    """

    words: tuple[str, ...]
    answer: str
    probability: float
    others: tuple[tuple[str, float], ...]
    logit: float
    per_word: tuple[float, ...]
    per_sentence: tuple[float, ...]
    outside_story: float

    @property
    def shares(self) -> tuple[float, ...]:
        """Each sentence's part, 0 to 1, of all that the story's sentences say for the answer.

        share(i) = max(E(i), 0) / Σ_j max(E(j), 0); all 0 where no sentence speaks for it.
        """
        speaking = [max(value, 0.0) for value in self.per_sentence]
        total = sum(speaking)
        return tuple(value / total if total else 0.0 for value in speaking)

    @property
    def ranked(self) -> tuple[int, ...]:
        """Sentence numbers (from 0), the one with most evidence first."""
        return tuple(torch.tensor(self.per_sentence).argsort(descending=True, stable=True).tolist())


@dataclass(frozen=True)
class HitRate:
    """How often the evidence points at a supporting fact, beside what needs no model.

    Attributes:
        questions: how many were asked: those that name supporting facts.
        hits: in how many the sentence with most evidence is a supporting fact.
        rate: hits / questions.
        chance: the same for a sentence of the story drawn at random.
        last_sentence: the same for the story's last sentence.
    """

    questions: int
    hits: int
    rate: float
    chance: float
    last_sentence: float

    def __str__(self) -> str:
        """Say it in one sentence."""
        return (
            f"in {self.rate:.1%} of {self.questions} questions the sentence with most evidence is "
            f"a supporting fact (a random sentence: {self.chance:.1%}, "
            f"the last sentence: {self.last_sentence:.1%})"
        )


def evidence(
    model: WordModel, vocabulary: Vocabulary, question: Question, *, answer: str | None = None
) -> Evidence:
    """Ask what an answer owes to each write: E_t = Σ ∂y/∂(f_t w_t a_t) · (f_t w_t a_t).

    Args:
        model: an NTM or an L-NTM under a ``WordModel``.
        vocabulary: the model's.
        question: the story and the question.
        answer: the answer to ask about; the model's own when None.

    Raises:
        ValueError: the model does not write to a memory, or a word or the answer is unknown.
    """
    _expect_writer(model)
    wanted = None if answer is None else torch.tensor([_answer_number(vocabulary, answer)])
    batch = vocabulary.batch([question])
    logits, scores, chosen = write_evidence(model, batch, wanted)
    probabilities = logits[0].softmax(-1)
    number = int(chosen[0])
    order = [i for i in probabilities.argsort(descending=True).tolist() if i != number]
    per_sentence, outside = _by_sentence(scores[:, 0], question)
    return Evidence(
        words=tuple(word_sequence(question.story, question.question)),
        answer=vocabulary.answers[number],
        probability=probabilities[number].item(),
        others=tuple((vocabulary.answers[i], probabilities[i].item()) for i in order),
        logit=logits[0, number].item(),
        per_word=tuple(scores[:, 0].tolist()),
        per_sentence=tuple(per_sentence.tolist()),
        outside_story=outside.item(),
    )


def write_evidence(
    model: WordModel, batch: WordBatch, answers: Tensor | None = None
) -> tuple[Tensor, Tensor, Tensor]:
    """Return the logits, E_t of every step, and the answers that were asked about.

    Args:
        model: an NTM or an L-NTM under a ``WordModel``; no gradient is left in its parameters.
        batch: questions as tensors, from ``Vocabulary.batch``.
        answers: (B,) the answers' numbers; the model's own when None.

    Returns:
        logits (B, answers), E (T, B), 0 in the padding, and the answers' numbers (B,), on the CPU.

    Raises:
        ValueError: the model does not write to a memory.
    """
    _expect_writer(model)
    like = model.embedding.weight
    scale = torch.ones(batch.tokens.shape, dtype=like.dtype, device=like.device, requires_grad=True)
    with torch.enable_grad():
        logits = _run(model, batch, scale)
        chosen = logits.argmax(-1) if answers is None else answers.to(logits.device)
        # a sequence's writes touch no other's logit, so one gradient serves the whole batch
        asked = logits.gather(-1, chosen.unsqueeze(-1)).sum()
        (gradient,) = torch.autograd.grad(asked, scale)
    return logits.detach().cpu(), gradient.cpu(), chosen.cpu()


def hit_rate(model: WordModel, vocabulary: Vocabulary, questions: Sequence[Question]) -> HitRate:
    """Measure how often the sentence with most evidence is a supporting fact.

    Asked of the model's own answer, right or wrong. Questions that name no supporting facts are
    left out.

    Raises:
        ValueError: the model does not write to a memory, no question names supporting facts, or
            a word is unknown.
    """
    _expect_writer(model)
    asked = [question for question in questions if question.supporting]
    if not asked:
        raise ValueError(
            f"expected questions that name supporting facts, got {len(questions)} without"
        )
    asked.sort(key=lambda question: sum(map(len, question.story)))
    hits = 0
    for start in range(0, len(asked), CHUNK):
        chosen = asked[start : start + CHUNK]
        _, scores, _ = write_evidence(model, vocabulary.batch(chosen))
        for column, question in enumerate(chosen):
            steps = len(word_sequence(question.story, question.question))
            per_sentence, _ = _by_sentence(scores[:steps, column], question)
            hits += int(per_sentence.argmax()) in question.supporting
    count = len(asked)
    chance = sum(len(set(q.supporting)) / len(q.story) for q in asked) / count
    last = sum(len(q.story) - 1 in q.supporting for q in asked) / count
    return HitRate(count, hits, hits / count, chance, last)


def without_sentence(
    model: WordModel,
    vocabulary: Vocabulary,
    question: Question,
    sentence: int,
    *,
    answer: str | None = None,
) -> float:
    """Return the answer's probability when a sentence adds nothing to the memory (s_t = 0).

    The sentence is still read by the controller and still erases: only its adds are left out. The
    arguments are those of ``evidence``, and ``sentence`` counts from 0.

    Raises:
        ValueError: the model does not write to a memory, there is no such sentence, or a word or
            the answer is unknown.
    """
    if not 0 <= sentence < len(question.story):
        raise ValueError(f"expected a sentence from 0 to {len(question.story) - 1}, got {sentence}")
    return without_each_sentence(model, vocabulary, question, answer=answer)[sentence]


def without_each_sentence(
    model: WordModel, vocabulary: Vocabulary, question: Question, *, answer: str | None = None
) -> tuple[float, ...]:
    """Return the answer's probability without each sentence in turn, as ``without_sentence`` does.

    The answer is the one given, or else the one that the model gives with nothing left out.
    """
    _expect_writer(model)
    sentences = len(question.story)
    batch = vocabulary.batch([question] * (sentences + 1))
    scale = torch.ones(batch.tokens.shape, dtype=model.embedding.weight.dtype)
    for step, number in enumerate(sentence_of_each_word(question.story, question.question)):
        if number >= 0:
            scale[step, number] = 0.0  # column i is without sentence i, the last is whole
    with torch.no_grad():
        logits = _run(model, batch, scale.to(model.embedding.weight.device))
    if answer is None:
        number = int(logits[-1].argmax())
    else:
        number = _answer_number(vocabulary, answer)
    return tuple(logits[:-1].softmax(-1)[:, number].tolist())


def can_trace(model: object) -> bool:
    """Whether ``evidence`` works for the model: words under a machine that writes to a memory."""
    return isinstance(model, WordModel) and (
        "write_scale" in inspect.signature(model.core.forward).parameters
    )


def _run(model: WordModel, batch: WordBatch, scale: Tensor) -> Tensor:
    tokens = batch.tokens.to(scale.device)
    logits, _ = model(tokens, lengths=batch.lengths, at=batch.at, write_scale=scale)
    return logits


def _by_sentence(scores: Tensor, question: Question) -> tuple[Tensor, Tensor]:
    """Sum (T,) by sentence: (sentences,), and what lies outside the story."""
    numbers = torch.tensor(sentence_of_each_word(question.story, question.question))
    sums = scores.new_zeros(len(question.story) + 1).index_add(0, numbers + 1, scores)
    return sums[1:], sums[0]


def _answer_number(vocabulary: Vocabulary, answer: str) -> int:
    number = vocabulary.answer_number(answer)
    if number < 0:
        raise ValueError(
            f"expected an answer among {', '.join(vocabulary.answers)}, got {answer!r}"
        )
    return number


def _expect_writer(model: object) -> None:
    if can_trace(model):
        return
    got = type(model).__name__
    if isinstance(model, WordModel):
        got = f"a WordModel of {type(model.core).__name__}, which has no memory to write to"
    raise ValueError(f"expected a WordModel of NTM or LNTM, got {got}")
