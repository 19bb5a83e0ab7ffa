"""What a recipe trains on: batches by step, their loss, and a measure on held-out examples.

A batch depends on the recipe, the seed and the step alone, so that a resumed training meets the
batches it would have met.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from lessons_lib import babi, stories, tasks
from lessons_lib.babi import Question
from lessons_lib.evaluate import evaluate_stories, evaluate_task
from lessons_lib.words import Vocabulary, collate, word_sequence

POOL = 20  # batches that are sorted by length together


class TaskProblem:
    """Sequences of an algorithmic task, made afresh for every step.

    Args:
        seed: of the training stream.
        batch_size: sequences in a batch.
        task: the task's name.
        held_out: how many sequences ``measure`` looks at.
        **parameters: the task's own.
    """

    vocabulary = None
    goal = "wrong_bits_per_sequence"

    def __init__(
        self, seed: int, batch_size: int, *, task: str, held_out: int = 100, **parameters: int
    ) -> None:
        self.seed, self.batch_size, self.held_out = seed, batch_size, held_out
        self.task = tasks.make_task(task, **parameters)
        self.sizes = {"input_size": self.task.input_size, "output_size": self.task.output_size}

    def loss(self, model: nn.Module, step: int, device: torch.device) -> Tensor:
        """Return the loss of the batch of this step: cross-entropy in nats a bit."""
        generator = tasks.stream(self.seed, "train", step)
        batch = self.task.batch(self.batch_size, generator).to(device)
        outputs, _ = model(batch.inputs)
        return tasks.loss(outputs, batch)

    def measure(self, model: nn.Module) -> dict:
        """Return wrong bits on held-out sequences."""
        return evaluate_task(model, self.task, count=self.held_out, seed=self.seed)


class StoryProblem:
    """Questions about stories, in batches of like length.

    Args:
        seed: of the order of the questions (the questions themselves have ``data_seed``).
        batch_size: questions in a batch.
        task: "qa1" and so on.
        questions: how many generated questions to train on.
        data_seed: of the generator.
        source: a bAbI archive, folder or file to read instead of generating;
            "$LESSONS_BABI" stands for the path in that environment variable, so that a run record
            names no machine's folders.
        split: which split of the source.
        held_out: how many held-out questions ``measure`` looks at; with a source, as many of the
            last questions are kept out of training.
    """

    goal = "accuracy"

    def __init__(
        self,
        seed: int,
        batch_size: int,
        *,
        task: str,
        questions: int = 10_000,
        data_seed: int = 0,
        source: str | None = None,
        split: str = "train",
        held_out: int = 1000,
    ) -> None:
        self.seed, self.batch_size = seed, batch_size
        if source is None:
            train = stories.generate(task, questions, seed=data_seed, split="train")
            self.held_out = stories.generate(task, held_out, seed=data_seed, split="valid")
        else:
            found = babi.load(source, task, split)
            train, self.held_out = found[:-held_out], found[-held_out:]
        if len(train) < batch_size:
            raise ValueError(f"expected at least {batch_size} questions, got {len(train)}")
        self.vocabulary = Vocabulary.of(train)
        self.sizes = {
            "words": len(self.vocabulary.words),
            "output_size": len(self.vocabulary.answers),
        }
        self._code(train)
        self._order: tuple[int, list[np.ndarray]] = (-1, [])

    def _code(self, questions: Sequence[Question]) -> None:
        encode = self.vocabulary.encode
        self._coded = [
            np.array(encode(word_sequence(item.story, item.question)), np.int16)
            for item in questions
        ]
        self._answers = [self.vocabulary.answer_number(item.answer) for item in questions]

    def _batches(self, epoch: int) -> list[np.ndarray]:
        """Return the batches of one pass: shuffled, and within a pool sorted by length."""
        if self._order[0] != epoch:
            random = np.random.default_rng((self.seed, epoch))
            shuffled = random.permutation(len(self._coded))
            lengths = np.array([len(coded) for coded in self._coded])
            size, batches = self.batch_size, []
            for start in range(0, len(shuffled), size * POOL):
                pool = shuffled[start : start + size * POOL]
                pool = pool[np.argsort(lengths[pool], kind="stable")]
                batches += [pool[at : at + size] for at in range(0, len(pool), size)]
            batches = [batch for batch in batches if len(batch) == size]
            self._order = (epoch, [batches[i] for i in random.permutation(len(batches))])
        return self._order[1]

    def loss(self, model: nn.Module, step: int, device: torch.device) -> Tensor:
        """Return the cross-entropy, in nats a question, of the batch of this step."""
        per_pass = len(self._coded) // self.batch_size
        chosen = self._batches(step // per_pass)[step % per_pass]
        batch = collate([self._coded[i] for i in chosen], [self._answers[i] for i in chosen])
        # No lengths: the padding follows the answer's step and so cannot change what stands there,
        # and an LSTM without lengths runs as one fused call.
        logits, _ = model(batch.tokens.to(device), at=batch.at)
        return F.cross_entropy(logits, batch.answers.to(device))

    def measure(self, model: nn.Module) -> dict:
        """Return the accuracy on held-out questions."""
        return evaluate_stories(model, self.vocabulary, self.held_out)


def problem(seed: int, batch_size: int, data: dict) -> TaskProblem | StoryProblem:
    """Make the problem that a recipe's ``data`` names: an algorithmic task, or stories."""
    if data["task"] in tasks.TASKS:
        return TaskProblem(seed, batch_size, **data)
    return StoryProblem(seed, batch_size, **data)
