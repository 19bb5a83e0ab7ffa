"""What some exercises ask for, where the library's own function takes other arguments.

Each is a plain function of bare tensors or words, a few lines over the library's own. Shapes:
B batch, I inputs, C units, H heads, S slots, W width, R read pointers, T steps.
"""

from __future__ import annotations

import torch
from torch import Tensor

from lessons_lib import addressing, cells, memory, ngrams, stories, tasks
from lessons_lib.babi import Question


def elman_step(
    inputs: Tensor, hidden: Tensor, input_weights: Tensor, hidden_weights: Tensor, bias: Tensor
) -> Tensor:
    """Return h_t = tanh(W x_t + U h_{t−1} + b) (survey eq. 1): `cells.elman_step` on bare tensors.

    inputs (B, I), hidden (B, C), input_weights (C, I), hidden_weights (C, C), bias (C,).
    """
    weights = cells.Weights(input_weights, hidden_weights, bias, torch.zeros_like(bias))
    return cells.elman_step(inputs, hidden, weights).hidden


def clip_by_norm(gradients: list[Tensor], max_norm: float) -> list[Tensor]:
    """Return all gradients scaled by one factor, so that their joint norm is at most `max_norm`.

    g ← (v / ‖g‖) g where ‖g‖ > v, else g (survey eq. 44); ‖g‖ is that of all of them together.
    """
    norm = torch.cat([gradient.flatten() for gradient in gradients]).norm()
    factor = max_norm / norm if norm > max_norm else torch.ones_like(norm)
    return [gradient * factor for gradient in gradients]


def lstm_step(
    inputs: Tensor,
    hidden: Tensor,
    cell: Tensor,
    input_weights: Tensor,
    hidden_weights: Tensor,
    bias: Tensor,
) -> tuple[Tensor, Tensor]:
    """Return h_t and c_t of an LSTM (survey eqs. 3–8): `cells.lstm_step` on bare tensors.

    inputs (B, I), hidden and cell (B, C), input_weights (4C, I), hidden_weights (4C, C),
    bias (4C,), rows in the order i, f, c̃, o.
    """
    weights = cells.Weights(input_weights, hidden_weights, bias, torch.zeros_like(bias))
    step = cells.lstm_step(inputs, hidden, cell, weights)
    return step.hidden, step.cell


def erase_then_add(
    memory_before: Tensor, weights: Tensor, erase_vector: Tensor, add_vector: Tensor
) -> Tensor:
    """Return the memory after one write (NTM eqs. 3 and 4): `memory.erase`, then `memory.add`."""
    return memory.add(memory.erase(memory_before, weights, erase_vector), weights, add_vector)


def wrong_bits(outputs: Tensor, targets: Tensor, mask: Tensor) -> Tensor:
    """Return the wrong bits of each sequence, (B,): `tasks.wrong_bits` on bare tensors.

    outputs (T, B, bits) say 1 above 0; targets (T, B, bits) are 0 or 1; mask (T, B) says which
    steps count.
    """
    return tasks.wrong_bits(outputs, tasks.Batch(targets, targets, mask))


def memory_scores(memory: Tensor, kernels: Tensor) -> Tensor:
    """Return the scores (B, R, S) of L-NTM eq. 6: `addressing.memory_scores` without a bias."""
    return addressing.memory_scores(memory, kernels)


def blend(content: Tensor, scores: Tensor, gate: Tensor) -> Tensor:
    """Return w(i) = g(i) w^c + (1 − g(i)) softmax(scores(i)) (L-NTM eqs. 7 and 10).

    content and scores (B, R, S), gate (B, R).
    """
    return addressing.interpolate(content, torch.softmax(scores, dim=-1), gate)


def sum_by_sentence(amounts: Tensor, sentence: Tensor, count: int) -> Tensor:
    """Return the total amount of each of `count` sentences, (count,).

    amounts (T,); sentence (T,) is the number of the sentence that a word stands in, −1 for a word
    of none (Q, the question and GO), as `words.sentence_of_each_word` gives them.
    """
    inside = sentence >= 0
    return amounts.new_zeros(count).index_add(0, sentence[inside], amounts[inside])


def strength_for(share: Tensor, slots: int, cosine: Tensor) -> Tensor:
    """Return the β with which the slot that fits a key perfectly weighs `share` (NTM eq. 5).

    β = ln(p (S − 1) / (1 − p)) / (1 − c), where S slots are there and all others have the cosine
    c < 1 with the key. share (B,) between 0 and 1, cosine (B,).
    """
    return torch.log(share * (slots - 1) / (1 - share)) / (1 - cosine)


def next_bit(bits: Tensor, context: int) -> Tensor:
    """Return the best possible probability of a 1 after all of `bits`, a number (NTM eq. 10).

    (N₁ + ½) / (N₁ + N₀ + 1): N₁ and N₀ count the ones and zeros that followed the last `context`
    bits wherever they stood before. bits (T,), with T at least `context`.
    """
    unknown = bits.new_zeros(1)  # whatever it is, only the bits before it are counted
    return ngrams.optimal_probability(torch.cat([bits, unknown])[:, None], context)[-1, 0]


def named_lately(story: list[list[str]], question: list[str], count: int) -> str:
    """Return "yes" where one of the last `count` sentences with a place names the question's.

    `stories.place_named_lately` on bare words; the question ends with its place.
    """
    told = tuple(tuple(sentence) for sentence in story)
    return stories.place_named_lately(Question(told, tuple(question), ""), count)
