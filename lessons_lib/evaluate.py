"""Measure a model with its weights fixed: accuracy on stories, wrong bits on algorithmic tasks."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from lessons_lib import tasks
from lessons_lib.babi import Question
from lessons_lib.words import Vocabulary, WordModel

CHUNK = 250  # questions in one pass
NORMAL_95 = 1.959963984540054  # 95% of a normal distribution lies within this many deviations


def story_logits(
    model: WordModel, vocabulary: Vocabulary, questions: Sequence[Question]
) -> tuple[Tensor, Tensor]:
    """Answer questions; returns logits (questions, answers) and the right answers' numbers."""
    device = model.embedding.weight.device
    order = sorted(range(len(questions)), key=lambda number: len(questions[number].story))
    logits = torch.empty(len(questions), len(vocabulary.answers))
    right = torch.empty(len(questions), dtype=torch.long)
    model.eval()
    with torch.no_grad():
        for start in range(0, len(order), CHUNK):
            chosen = order[start : start + CHUNK]
            batch = vocabulary.batch([questions[number] for number in chosen])
            tokens = batch.tokens.to(device)
            outputs, _ = model(tokens, at=batch.at)  # padding follows the answer's step
            logits[chosen] = outputs.float().cpu()
            right[chosen] = batch.answers
    return logits, right


def evaluate_stories(
    model: WordModel, vocabulary: Vocabulary, questions: Sequence[Question]
) -> dict:
    """Return ``examples``, ``right`` and ``accuracy`` (0 to 1) over the questions.

    An answer that the model does not have counts as wrong.

    Raises:
        ValueError: there are no questions, or a word is unknown to the model.
    """
    if not questions:
        raise ValueError("expected at least one question, got none")
    logits, answers = story_logits(model, vocabulary, questions)
    right = int((logits.argmax(-1) == answers).sum())
    return {"examples": len(questions), "right": right, "accuracy": right / len(questions)}


def evaluate_task(
    model: nn.Module,
    task: tasks.Task,
    *,
    count: int = 500,
    seed: int = 0,
    batch_size: int = 50,
    **overrides: int,
) -> dict:
    """Measure held-out sequences of an algorithmic task.

    Args:
        model: maps (T, B, input_size) to logits (T, B, output_size).
        task: e.g. ``tasks.Copy()``.
        count: how many sequences.
        seed: of the evaluation stream, which training never meets.
        batch_size: sequences run at once.
        **overrides: passed to ``task.batch``, e.g. ``length=120``.

    Returns:
        ``examples``, ``wrong_bits_per_sequence``, ``perfect_sequences`` (no wrong bit) and
        ``bits_per_sequence``, the cross-entropy in bits; for a task that has one, also
        ``optimal_bits_per_sequence``, what the best possible predictor pays (NTM eq. 10).

    Raises:
        ValueError: count below 1.
    """
    if count < 1:
        raise ValueError(f"expected at least 1 sequence, got {count}")
    like = next(model.parameters())
    wrong, bits, optimal = [], [], []
    model.eval()
    with torch.no_grad():
        for index, start in enumerate(range(0, count, batch_size)):
            size = min(batch_size, count - start)
            generator = tasks.stream(seed, "evaluate", index)
            made = task.batch(size, generator, **overrides)
            batch = made.to(like.device, like.dtype)
            outputs, _ = model(batch.inputs)
            wrong.append(tasks.wrong_bits(outputs, batch).cpu())
            bits.append(tasks.bits_per_sequence(outputs, batch).cpu())
            if hasattr(task, "optimal_cost"):
                optimal.append(task.optimal_cost(made))
    wrong = torch.cat(wrong)
    found = {
        "examples": count,
        "wrong_bits_per_sequence": wrong.double().mean().item(),
        "perfect_sequences": int((wrong == 0).sum()),
        "bits_per_sequence": torch.cat(bits).double().mean().item(),
    }
    if optimal:
        found["optimal_bits_per_sequence"] = torch.cat(optimal).double().mean().item()
    return found


def wilson(right: int, examples: int) -> tuple[float, float]:
    """Return the 95% interval of a fraction: Wilson's score interval (Wilson 1927).

    (p + z²/2n ± z √(p(1 − p)/n + z²/4n²)) / (1 + z²/n),  p = right / n, z = 1.96

    Raises:
        ValueError: not 0 <= right <= examples, or no examples.
    """
    if examples < 1 or not 0 <= right <= examples:
        raise ValueError(f"expected 0 <= right <= examples >= 1, got {right} of {examples}")
    p, z2 = right / examples, NORMAL_95**2 / examples
    half = math.sqrt(z2 * p * (1 - p) + z2 * z2 / 4)
    low, high = ((p + z2 / 2 + side * half) / (1 + z2) for side in (-1, 1))
    return (0.0 if right == 0 else low), (1.0 if right == examples else high)
