"""Stories as word sequences, and models that read words.

A question becomes one sequence, as in the L-NTM paper: the story's words, ``Q``, the question's
words, ``GO``; the answer is due at ``GO``. Story words are lower case, so the two marks cannot be
mistaken for words.
Shapes: T time, B batch.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple

import torch
from torch import Tensor, nn

from lessons_lib.babi import Question

QUESTION_MARK, GO = "Q", "GO"


class WordBatch(NamedTuple):
    """Questions as tensors.

    ``tokens`` (T, B) word numbers, padded with 0; ``lengths`` (B,); ``at`` (B,) the step of
    ``GO``; ``answers`` (B,) answer numbers, −1 where the model has no such answer.
    """

    tokens: Tensor
    lengths: Tensor
    at: Tensor
    answers: Tensor


def word_sequence(story: Iterable[Iterable[str]], question: Iterable[str]) -> list[str]:
    """Return the words of the story, ``Q``, the words of the question, ``GO``."""
    told = [word for sentence in story for word in sentence]
    return [*told, QUESTION_MARK, *question, GO]


def by_story(questions: Iterable[Question]) -> list[list[Question]]:
    """Group questions that follow each other in one story, ``Q`` and ``GO`` around earlier ones.

    The questions must have been read with ``keep_questions=True``. A group's last word sequence
    then holds the sequences of all its questions: each answer is due at a ``GO``.
    """
    groups, told, marked = [], (), ()
    for item in questions:
        if not groups or item.story[: len(told)] != told:
            groups.append([])
            told, marked = (), ()
        marked += item.story[len(told) :]
        groups[-1].append(replace(item, story=marked))
        told = (*item.story, item.question)
        marked += ((QUESTION_MARK, *item.question, GO),)
    return groups


def sentence_of_each_word(story: Sequence[Sequence[str]], question: Sequence[str]) -> list[int]:
    """Return for each word of ``word_sequence`` its sentence; −1 for Q, the question and GO."""
    told = [number for number, sentence in enumerate(story) for _ in sentence]
    return told + [-1] * (len(question) + 2)


@dataclass(frozen=True)
class Vocabulary:
    """The words a model reads and the answers it can give, saved with its checkpoint."""

    words: tuple[str, ...]
    answers: tuple[str, ...]

    @classmethod
    def of(cls, questions: Iterable[Question]) -> Vocabulary:
        """Collect every word and every answer of the questions, sorted."""
        words, answers = {QUESTION_MARK, GO}, set()
        for item in questions:
            words.update(word_sequence(item.story, item.question))
            answers.add(item.answer)
        return cls(tuple(sorted(words)), tuple(sorted(answers)))

    def encode(self, words: Iterable[str]) -> list[int]:
        """Return each word's number.

        Raises:
            ValueError: a word is unknown; names it and the words that are known.
        """
        numbers = self._numbers
        words = list(words)
        unknown = sorted({word for word in words if word not in numbers})
        if unknown:
            raise ValueError(
                f"unknown word{'s' if len(unknown) > 1 else ''} {', '.join(map(repr, unknown))}: "
                f"this model knows only {', '.join(self.words)}"
            )
        return [numbers[word] for word in words]

    def batch(self, questions: Sequence[Question]) -> WordBatch:
        """Turn questions into tensors (raises ValueError on an unknown word)."""
        coded = [self.encode(word_sequence(item.story, item.question)) for item in questions]
        answers = [self.answer_number(item.answer) for item in questions]
        return collate(coded, answers)

    def answer_number(self, answer: str) -> int:
        """Return the answer's number, or −1 when the model has no such answer."""
        return self.answers.index(answer) if answer in self.answers else -1

    @cached_property
    def _numbers(self) -> dict[str, int]:
        return {word: number for number, word in enumerate(self.words)}


def collate(coded: Sequence[Sequence[int]], answers: Sequence[int]) -> WordBatch:
    """Pad coded sequences to one length."""
    lengths = torch.tensor([len(sequence) for sequence in coded])
    columns = [torch.tensor(sequence, dtype=torch.long) for sequence in coded]
    tokens = nn.utils.rnn.pad_sequence(columns)  # (T, B)
    return WordBatch(tokens, lengths, lengths - 1, torch.tensor(answers))


class WordModel(nn.Module):
    """Any model of this library under a word embedding, so that words and vectors share code.

    Args:
        core: RNN, LSTM, GRU, NTM or LNTM; its ``input_size`` is the width of the embedding.
        words: how many words there are.
        dropout: probability with which each number of an embedded word is dropped in training.
    """

    def __init__(self, core: nn.Module, words: int, *, dropout: float = 0.0) -> None:
        super().__init__()
        self.dropout = nn.Dropout(dropout)
        self.core = core
        self.embedding = nn.Embedding(words, core.input_size)

    def forward(self, tokens: Tensor, state=None, **options):
        """Run over word numbers (T, B); options and results are the core model's.

        Raises:
            ValueError: tokens are no whole numbers of shape (time, batch).
        """
        if tokens.dim() != 2 or tokens.is_floating_point():
            raise ValueError(
                f"expected tokens (time, batch) of word numbers, "
                f"got {tuple(tokens.shape)} {tokens.dtype}"
            )
        return self.core(self.dropout(self.embedding(tokens)), state, **options)
