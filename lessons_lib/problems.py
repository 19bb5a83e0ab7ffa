"""What a recipe trains on: batches by step, their loss, and a measure on held-out examples.

A batch depends on the recipe, the seed and the step alone, so that a resumed training meets the
batches it would have met.
"""

from __future__ import annotations

import random
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from lessons_lib import babi, stories, tasks
from lessons_lib.babi import Question
from lessons_lib.evaluate import evaluate_stories, evaluate_task
from lessons_lib.lookups import LOOKUPS, exchanged, lookup
from lessons_lib.words import GO, Vocabulary, by_story, collate, word_sequence

POOL = 20  # batches that are sorted by length together
SHORTEST = 0.2  # of the questions, with which a curriculum begins


class TaskProblem:
    """Sequences of an algorithmic task, made afresh for every step.

    Args:
        seed: of the training stream.
        batch_size: sequences in a batch.
        task: the task's name.
        held_out: how many sequences ``measure`` looks at.
        alike: how many of them share one length, or number of items, drawn for each such group.
        **parameters: the task's own.
    """

    vocabulary = None
    examples = None
    goal = "wrong_bits_per_sequence"

    def __init__(
        self,
        seed: int,
        batch_size: int,
        *,
        task: str,
        held_out: int = 100,
        alike: int = 50,
        **parameters: int,
    ) -> None:
        self.seed, self.batch_size = seed, batch_size
        self.held_out, self.alike = held_out, alike
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
        return evaluate_task(
            model, self.task, count=self.held_out, seed=self.seed, batch_size=self.alike
        )


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
        curriculum: for so many updates, batches come from the shortest questions alone: from a
            fifth of them at first to all in the end.
        whole_stories: with a source, a batch holds stories and every answer of a story is asked
            for in one pass: earlier questions stay in the story, also in what is measured.
        retold: how many more times the training questions of ``task`` are told, with names
            exchanged (``lookups.exchanged``).
        beside: what is trained on as well, all in one shuffled pool: other tasks, from the same
            source or generator, or look-ups (``lookups.LOOKUPS``), one for each question of
            ``task`` as it is told and retold; held-out questions are of ``task`` alone.
        beside_first: for so many updates, batches come from the first of those beside alone.
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
        curriculum: int = 0,
        whole_stories: bool = False,
        retold: int = 0,
        beside: Sequence[str] = (),
        beside_first: int = 0,
    ) -> None:
        if whole_stories and source is None:
            raise ValueError("expected a source for whole_stories, got none: tell a bAbI archive")
        if isinstance(beside, str) or task in beside:
            raise ValueError(
                f"expected a list of tasks other than {task} beside it, got {beside!r}"
            )
        if retold < 0:
            raise ValueError(f"expected retold to be 0 or more, got {retold}")
        looked_up = [one for one in beside if one in LOOKUPS]
        if whole_stories and (retold or looked_up):
            raise ValueError(
                f"expected questions one by one for retold={retold} and look-ups {looked_up}, "
                "got whole_stories"
            )
        if beside_first and not beside:
            raise ValueError(
                f"expected tasks beside {task} for beside_first={beside_first}, got none"
            )
        self.seed, self.batch_size = seed, batch_size
        self.beside_first = beside_first
        self.task, self.curriculum, self.whole_stories = task, curriculum, whole_stories

        def found(one: str) -> list[list[Question]]:
            if source is not None:
                return self._groups(one, source, split)
            return [[item] for item in stories.generate(one, questions, seed=data_seed)]

        if source is None:
            own = found(task)
            self.held_out = stories.generate(task, held_out, seed=data_seed, split="valid")
        else:
            own, self.held_out = _hold_out(found(task), held_out)
        rng = random.Random(f"{task} {data_seed}")
        own += [[exchanged(item, rng)] for _ in range(retold) for [item] in own]
        others = [_lookups(one, own, rng) if one in LOOKUPS else found(one) for one in beside]
        train = sum(others, own)
        self.vocabulary = Vocabulary.of(item for group in train for item in group)
        self.sizes = {
            "words": len(self.vocabulary.words),
            "output_size": len(self.vocabulary.answers),
        }
        fewest = len(others[0]) if beside_first else len(train)
        if fewest < batch_size:
            kind = "stories" if whole_stories else "questions"
            where = f" of {beside[0]}" if beside_first else ""
            raise ValueError(f"expected at least {batch_size} {kind}{where}, got {fewest}")
        self._code(train)
        if beside_first:
            of_first = (self._by_length >= len(own)) & (self._by_length < len(own) + fewest)
            self._first = self._by_length[of_first]
        self._order: tuple[int, list[np.ndarray]] = (-1, [])

    def read(self, source: str, split: str) -> list[Question]:
        """Read real questions as the models of this problem are asked them."""
        return [item for group in self._groups(self.task, source, split) for item in group]

    @property
    def examples(self) -> int:
        """How many word sequences a pass over the training data holds."""
        return len(self._coded)

    def _groups(self, task: str, source: str, split: str) -> list[list[Question]]:
        """Read a task's questions, those that one pass answers together."""
        found = babi.load(source, task, split, keep_questions=self.whole_stories)
        return by_story(found) if self.whole_stories else [[item] for item in found]

    def _code(self, groups: Sequence[Sequence[Question]]) -> None:
        encode, number = self.vocabulary.encode, self.vocabulary.answer_number
        last = [group[-1] for group in groups]
        words = [word_sequence(item.story, item.question) for item in last]
        self._coded = [np.array(encode(sequence), np.int16) for sequence in words]
        self._answers = [[number(item.answer) for item in group] for group in groups]
        self._lengths = np.array([len(coded) for coded in self._coded])
        self._by_length = np.argsort(self._lengths, kind="stable")

    def _chosen(self, step: int) -> np.ndarray:
        """Return which questions make the batch of this step."""
        if step >= max(self.curriculum, self.beside_first):
            per_pass = len(self._coded) // self.batch_size
            return self._batches(step // per_pass)[step % per_pass]
        pool = self._first if step < self.beside_first else self._by_length
        share = 1.0
        if step < self.curriculum:
            share = SHORTEST + (1 - SHORTEST) * step / self.curriculum
        most = max(self.batch_size, round(share * len(pool)))
        draw = np.random.default_rng((self.seed, step, 1))
        return draw.choice(pool[:most], self.batch_size, replace=False)

    def _batches(self, epoch: int) -> list[np.ndarray]:
        """Return the batches of one pass: shuffled, and within a pool sorted by length."""
        if self._order[0] != epoch:
            draw = np.random.default_rng((self.seed, epoch))
            shuffled = draw.permutation(len(self._coded))
            size, batches = self.batch_size, []
            for start in range(0, len(shuffled), size * POOL):
                pool = shuffled[start : start + size * POOL]
                pool = pool[np.argsort(self._lengths[pool], kind="stable")]
                batches += [pool[at : at + size] for at in range(0, len(pool), size)]
            batches = [batch for batch in batches if len(batch) == size]
            self._order = (epoch, [batches[i] for i in draw.permutation(len(batches))])
        return self._order[1]

    def loss(self, model: nn.Module, step: int, device: torch.device) -> Tensor:
        """Return the cross-entropy, in nats a question, of the batch of this step."""
        chosen = self._chosen(step)
        words = [self._coded[i] for i in chosen]
        answers = [number for i in chosen for number in self._answers[i]]
        # No lengths: the padding follows the last answer and so cannot change what stands before
        # it, and an LSTM without lengths runs as one fused call.
        batch = collate(words, answers)
        if not self.whole_stories:
            logits, _ = model(batch.tokens.to(device), at=batch.at)
        else:
            outputs, _ = model(batch.tokens.to(device))
            logits = outputs.transpose(0, 1)[self._asked(words, len(outputs))]
        return F.cross_entropy(logits, batch.answers.to(device))

    def _asked(self, words: Sequence[np.ndarray], steps: int) -> Tensor:
        """Return where the answers are due: (B, T), true at each ``GO``."""
        (go,) = self.vocabulary.encode([GO])
        asked = torch.zeros(len(words), steps, dtype=torch.bool)
        for row, sequence in zip(asked, words, strict=True):
            row[: len(sequence)] = torch.from_numpy(sequence == go)
        return asked

    def measure(self, model: nn.Module) -> dict:
        """Return the accuracy on held-out questions."""
        return evaluate_stories(model, self.vocabulary, self.held_out)


def _lookups(kind: str, groups: list[list[Question]], rng: random.Random) -> list[list[Question]]:
    """Make a look-up of each question's story, where there is one."""
    made = [lookup(kind, item, rng) for [item] in groups]
    return [[item] for item in made if item is not None]


def _hold_out(groups: list[list[Question]], wanted: int) -> tuple[list, list[Question]]:
    """Keep the last groups, until there are as many questions as wanted, out of training."""
    kept, found = len(groups), 0
    while kept and found < wanted:
        kept -= 1
        found += len(groups[kept])
    return groups[:kept], [item for group in groups[kept:] for item in group]


def problem(seed: int, batch_size: int, data: dict) -> TaskProblem | StoryProblem:
    """Make the problem that a recipe's ``data`` names: an algorithmic task, or stories."""
    if data["task"] in tasks.TASKS:
        return TaskProblem(seed, batch_size, **data)
    return StoryProblem(seed, batch_size, **data)
