"""The exercises of the lessons: what each asks for, how it is checked, and the example shown."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from lessons_lib import addressing, memory, words
from lessons_lib import exercise_cases as cases
from lessons_lib import exercise_contracts as contracts
from lessons_lib import exercise_invariants as invariants
from lessons_lib.exercise_figures import draw_memory, draw_weights, draw_words
from lessons_lib.exercises import Exercise

NORMALISED = "was the sum taken over the slots, the last axis?"


def _tape() -> Tensor:
    """One weighting over five slots that touches the tape's end."""
    return torch.tensor([[[0.1, 0.0, 0.1, 0.2, 0.6]]])


def _small_memory() -> Tensor:
    """Four slots of three numbers."""
    return torch.tensor([[[0.9, 0.8, 0.1], [0.1, 0.4, 0.7], [0.2, 0.3, 0.2], [-0.5, 0.6, 0.4]]])


def _elman_example() -> tuple[Any, ...]:
    return (
        torch.tensor([[1.0, 0.0]]),
        torch.tensor([[0.5, -0.5, 0.0]]),
        torch.tensor([[1.0, 0.0], [0.0, 1.0], [-1.0, 1.0]]),
        torch.tensor([[0.5, 0.0, 0.0], [0.0, 0.5, 0.0], [0.0, 0.0, 0.5]]),
        torch.tensor([0.0, 0.1, 0.0]),
    )


def _lstm_example() -> tuple[Any, ...]:
    return cases.lstm_case(torch.Generator().manual_seed(0), 1)


def _write_example() -> tuple[Any, ...]:
    weights = torch.tensor([[[0.0, 0.9, 0.1, 0.0]]])
    return _small_memory(), weights, torch.ones(1, 1, 3), torch.tensor([[[1.0, 0.0, -1.0]]])


def _bits_example() -> tuple[Any, ...]:
    outputs = torch.tensor([[[2.0, -1.0], [1.0, 1.0]], [[0.5, -3.0], [-2.0, 1.0]]])
    targets = torch.tensor([[[1.0, 1.0], [0.0, 0.0]], [[1.0, 0.0], [1.0, 1.0]]])
    return outputs, targets, torch.tensor([[True, False], [True, True]])


def _kernel_example() -> tuple[Any, ...]:
    kernels = torch.tensor([[[0.0, 1.0, 0.0], [0.0, 1.0, 0.0], [0.5, 0.0, -0.5]]])
    return _small_memory(), kernels


def _story_example() -> tuple[Any, ...]:
    story = "mary went to the kitchen / john took the milk / john went to the garden"
    return [told.split() for told in story.split(" / ")], "is john in the kitchen".split(), 2


def _bank() -> dict[str, Exercise]:
    """Collect the exercises under their ids, in the order of the lessons."""
    simplex, small = invariants.on_simplex, torch.tensor
    step_range = invariants.within(-1, 1, "is there a tanh around the whole sum?")
    exercises = [
        Exercise(
            "1.1",
            "elman_step",
            contracts.elman_step,
            cases.elman_case,
            _elman_example,
            (step_range,),
        ),
        Exercise(
            "1.2",
            "clip_by_norm",
            contracts.clip_by_norm,
            cases.clip_case,
            lambda: ([small([3.0, 0.0]), small([0.0, 4.0])], 1.0),
            (
                invariants.norm_is_bounded,
                invariants.small_gradients_stay,
                invariants.direction_is_kept,
            ),
            gradients=False,
        ),
        Exercise(
            "2.1", "lstm_step", contracts.lstm_step, cases.lstm_case, _lstm_example, (step_range,)
        ),
        Exercise(
            "3.1",
            "read",
            memory.read,
            cases.read_case,
            lambda: (_small_memory(), small([[[0.0, 0.9, 0.1, 0.0]]])),
            (invariants.read_is_a_mixture,),
            draw_memory,
        ),
        Exercise(
            "3.2",
            "erase_then_add",
            contracts.erase_then_add,
            cases.write_case,
            _write_example,
            (invariants.unweighted_slots_stay,),
            draw_memory,
        ),
        Exercise(
            "4.1",
            "content_weights",
            addressing.content_weights,
            cases.content_case,
            lambda: (_small_memory(), small([[[0.9, 0.8, 0.1]]]), small([[5.0]])),
            (simplex("is there a softmax over the slots, the last axis?"),),
            draw_weights,
        ),
        Exercise(
            "4.2",
            "interpolate",
            addressing.interpolate,
            cases.interpolate_case,
            lambda: (_tape(), _tape().flip(-1), small([[0.25]])),
            (simplex("do g and 1 − g share out the whole?"),),
            draw_weights,
        ),
        Exercise(
            "4.3",
            "circular_shift",
            addressing.circular_shift,
            cases.shift_case,
            lambda: (_tape(), small([[[0.0, 0.1, 0.9]]])),
            (invariants.moved_mass_wraps,),
            draw_weights,
        ),
        Exercise(
            "4.4",
            "sharpen",
            addressing.sharpen,
            cases.sharpen_case,
            lambda: (_tape(), small([[2.0]])),
            (simplex(NORMALISED),),
            draw_weights,
        ),
        Exercise(
            "5.1",
            "wrong_bits",
            contracts.wrong_bits,
            cases.bits_case,
            _bits_example,
            (invariants.counts_fit,),
            gradients=False,
        ),
        Exercise(
            "6.1",
            "memory_scores",
            contracts.memory_scores,
            cases.scores_case,
            _kernel_example,
            (),
            draw_weights,
        ),
        Exercise(
            "6.2",
            "blend",
            contracts.blend,
            cases.blend_case,
            lambda: (_tape(), small([[[2.0, 0.0, 0.0, 0.0, 0.0]]]), small([[0.5]])),
            (simplex("are the scores a distribution yet, before they are mixed in?"),),
            draw_weights,
        ),
        Exercise(
            "7.1",
            "word_sequence",
            words.word_sequence,
            cases.words_case,
            lambda: ([["ann", "went", "home"]], ["where", "is", "ann"]),
            (invariants.sequence_is_whole,),
            draw_words,
            gradients=False,
        ),
        Exercise(
            "7.2",
            "sum_by_sentence",
            contracts.sum_by_sentence,
            cases.sum_case,
            lambda: (small([0.1, 0.4, 0.2, 0.3, 0.9]), small([0, 0, 1, 1, -1]), 2),
            (invariants.nothing_is_lost,),
        ),
        Exercise(
            "8.1",
            "strength_for",
            contracts.strength_for,
            cases.strength_case,
            lambda: (small([0.5, 0.9]), 40, small([0.0, 0.5])),
        ),
        Exercise(
            "9.1",
            "next_bit",
            contracts.next_bit,
            cases.next_bit_case,
            lambda: (small([0.0, 1.0, 1.0, 0.0, 1.0, 1.0, 0.0, 1.0]), 2),
            (invariants.unseen_is_even, invariants.within(0, 1, "it is a probability")),
            gradients=False,
        ),
        Exercise(
            "10.1",
            "named_lately",
            contracts.named_lately,
            cases.named_case,
            _story_example,
            (invariants.yes_or_no,),
            draw_words,
            gradients=False,
        ),
    ]
    return {exercise.id: exercise for exercise in exercises}


EXERCISES = _bank()
