"""The command ``evaluate``: a checkpoint's measure on a task made afresh or on bAbI data.

Shares with ``commands`` its way of failing: ValueError or OSError, said in one line by ``main``.
"""

from __future__ import annotations

import json
import sys
import tarfile
from argparse import Namespace
from pathlib import Path

from torch import nn

from lessons_lib import babi, checkpoints, evidence, stories, tasks
from lessons_lib.babi import Question
from lessons_lib.evaluate import evaluate_stories, evaluate_task, wilson
from lessons_lib.ntm import NTM
from lessons_lib.words import Vocabulary, WordModel

SEQUENCES, QUESTIONS = 500, 1000  # made afresh unless told
BABI_TASKS = tuple(f"qa{number}" for number in range(1, 21))
ARCHIVES = (".gz", ".tgz", ".tar")


def evaluate(asked: Namespace) -> int:
    """Measure a checkpoint on a task made afresh or on bAbI data, and print what came out."""
    model, vocabulary, record = checkpoints.load(asked.checkpoint)
    if asked.data not in tasks.TASKS:
        result = _evaluate_stories(asked, model, vocabulary, record)
    elif vocabulary is not None:
        raise ValueError(f"{asked.checkpoint} reads words: expected stories, got {asked.data}")
    else:
        result = _evaluate_task(asked, model, record)
    result = {"checkpoint": asked.checkpoint, **result}
    print(json.dumps(result, indent=1) if asked.json else _in_words(result))
    return 0


def _evaluate_task(asked: Namespace, model: nn.Module, record: dict) -> dict:
    _refuse(asked, f"{asked.data} is no story task", "task", "split", "variant", "evidence")
    task = tasks.make_task(asked.data, **_parameters(asked.data, record))
    sizes, wanted = (model.input_size, model.output_size), (task.input_size, task.output_size)
    if sizes != wanted:
        raise ValueError(
            f"expected a model of {wanted[0]} inputs and {wanted[1]} outputs for {task.name}, "
            f"got {asked.checkpoint} with {sizes[0]} and {sizes[1]}"
        )
    if asked.slots is None:
        model = _on_a_tape_long_enough(model, task, asked.length)
    elif isinstance(model, NTM):
        model = model.with_slots(asked.slots)
    else:
        _refuse(asked, f"{asked.checkpoint} is no NTM", "slots")
    overrides = {} if asked.length is None else {task.length_name: asked.length}
    count = asked.count or SEQUENCES
    found = evaluate_task(model, task, count=count, seed=asked.seed, **overrides)
    of_tape = {"slots": model.slots} if isinstance(model, NTM) else {}
    return {"task": task.name, **overrides, "seed": asked.seed, **of_tape, **found}


def _parameters(task: str, record: dict) -> dict:
    """Return the task's parameters that the checkpoint was trained with; {} if on another task."""
    data = dict(record.get("recipe", {}).get("data", {}))
    if data.pop("task", None) != task:
        return {}
    for of_training in ("held_out", "alike"):
        data.pop(of_training, None)
    return data


def _on_a_tape_long_enough(model: nn.Module, task: tasks.Task, length: int | None) -> nn.Module:
    """Give an NTM one slot for each step where more vectors are to be copied than it has slots."""
    copies = isinstance(task, tasks.Copy | tasks.RepeatCopy)
    if not (isinstance(model, NTM) and copies and length and length > model.slots):
        return model
    slots = 2 * length + 1
    print(
        f"{length} vectors on a tape of {model.slots} slots: run on a tape of {slots} instead",
        file=sys.stderr,
    )
    return model.with_slots(slots)


def _evaluate_stories(
    asked: Namespace, model: WordModel, vocabulary: Vocabulary | None, record: dict
) -> dict:
    source = Path(asked.data)
    if asked.data not in BABI_TASKS and not source.exists():
        raise ValueError(
            f"expected a task ({', '.join([*tasks.TASKS, *stories.TASKS])}) "
            f"or a bAbI file, folder or archive, got {asked.data}"
        )
    if vocabulary is None:
        raise ValueError(
            f"{asked.checkpoint} reads no words: expected a task such as copy, got {asked.data}"
        )
    _refuse(asked, "it is for tasks, not for stories", "length", "slots")
    if asked.data in BABI_TASKS:
        if asked.task and babi.task_name(asked.task) != asked.data:
            raise ValueError(f"expected --task {asked.data} like DATA, got {asked.task}")
        _refuse(asked, f"{asked.data} is made afresh", "variant")
        split = asked.split or "test"
        questions = stories.generate(asked.data, asked.count or QUESTIONS, asked.seed, split)
        about = {"task": asked.data, "source": "generated", "split": split, "seed": asked.seed}
    else:
        questions, split = _read(asked, source, trained_on(record))
        questions = questions[: asked.count]
        about = {"task": questions[0].task, "source": asked.data, "split": split}
    found = evaluate_stories(model, vocabulary, questions)
    found["interval_95"] = wilson(found["right"], found["examples"])
    if asked.evidence:
        found["evidence"] = vars(evidence.hit_rate(model, vocabulary, questions))
    return {**about, **found}


def trained_on(record: dict) -> str | None:
    """Return the task that a run record's model was trained on."""
    return record.get("recipe", {}).get("data", {}).get("task")


def _read(
    asked: Namespace, source: Path, own_task: str | None
) -> tuple[list[Question], str | None]:
    """Read bAbI data and say of which split; a single file has none."""
    if source.is_file() and not (source.suffix in ARCHIVES or tarfile.is_tarfile(source)):
        _refuse(asked, "a single file is read whole", "split", "variant")
        return babi.load(source, asked.task), None
    task = babi.task_name(asked.task or own_task)
    split = asked.split or _best_split(source, task, asked.variant)
    return babi.load(source, task, split, asked.variant), split


def _best_split(source: Path, task: str, variant: str | None) -> str:
    """Return the first of test, valid and train that ``babi.load`` would find."""
    there = [key for key in babi.contents(source) if key[1] == task and variant in (None, key[0])]
    splits = [key[2] for key in there if key[0] == there[0][0]]
    return next((split for split in ("test", "valid") if split in splits), "train")


def _refuse(asked: Namespace, why: str, *options: str) -> None:
    for option in options:
        if getattr(asked, option):
            raise ValueError(f"--{option} cannot be used here: {why}")


def _in_words(result: dict) -> str:
    if "accuracy" not in result:
        sizes = [f", {key} {result[key]}" for key in ("length", "items") if key in result]
        return (
            f"{result['checkpoint']} on {result['task']}{''.join(sizes)}: "
            f"{result['wrong_bits_per_sequence']:.4g} wrong bits per sequence; "
            f"{result['perfect_sequences']} of {result['examples']} sequences without a wrong bit"
        )
    low, high = result["interval_95"]
    where = " of ".join(filter(None, (result["split"], result["source"])))
    line = (
        f"{result['checkpoint']} on {result['task'] or 'stories'} ({where}): "
        f"{result['accuracy']:.2%} right ({result['right']} of {result['examples']}; "
        f"95% interval {low:.2%} to {high:.2%})"
    )
    hits = result.get("evidence")
    return line if hits is None else f"{line}\nevidence: {evidence.HitRate(**hits)}"
