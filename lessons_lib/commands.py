"""What each command of the command line does; ``__main__`` holds their arguments.

Each takes the parsed arguments and returns an exit code. What a user got wrong is raised as
ValueError or OSError, and ``__main__.main`` says it in one line.
"""

from __future__ import annotations

import json
import re
import shlex
import sys
from argparse import Namespace
from collections.abc import Iterable
from pathlib import Path

import torch

from lessons_lib import babi, checkpoints, evidence, recipes, stories, sweeps, tasks
from lessons_lib.babi import Question
from lessons_lib.commands_evaluate import trained_on
from lessons_lib.recipes import Recipe
from lessons_lib.training import NotFinite, Training
from lessons_lib.words import Vocabulary, WordModel

HIT_RATE_QUESTIONS = 200  # on which ``answer`` measures its evidence


def _note(text: str) -> None:
    print(text, file=sys.stderr)


# --- train ----------------------------------------------------------------------------------------


def train(asked: Namespace) -> int:
    """Train a recipe, or go on with it; 0 at its end, 1 at a NaN, 130 when paused."""
    recipe, seeds = _wanted(asked)
    device = asked.device or ("cuda" if torch.cuda.is_available() else "cpu")
    if len(seeds) > 1:
        return _train_all(asked, recipe, seeds, device)
    if asked.threads:
        torch.set_num_threads(asked.threads)
    training = Training(recipe, seed=seeds[0], out=asked.out, device=device)
    if training.finished:
        _note(f"{training.name}: already finished in {training.out}")
    elif training.step:
        _note(f"{training.name}: goes on at step {training.step} from {training.state_path}")
    try:
        record = training.run(progress=not asked.quiet)
    except NotFinite as error:
        _note(str(error))
        return 1
    except KeyboardInterrupt:
        _note(f"paused at step {training.step} of at most {recipe.steps}; to go on:")
        _note(f"  {_command(asked)}")
        return 130
    print(_result(training.name, asked.out, record))
    return 0


def _wanted(asked: Namespace) -> tuple[Recipe, list[int]]:
    """Return the recipe, by name or from a run record, and the seeds."""
    seeds = asked.seeds
    if asked.recipe.endswith(".json"):
        record = json.loads(Path(asked.recipe).read_text(encoding="utf-8"))
        if "recipe" not in record:
            raise ValueError(f"expected a run record, with a recipe in it: {asked.recipe} has none")
        recipe, seeds = Recipe.of_record(record), seeds or [record["seed"]]
    else:
        recipe = recipes.find(asked.recipe)
    return recipe.changed(steps=asked.steps) if asked.steps else recipe, seeds or [0]


def _train_all(asked: Namespace, recipe: Recipe, seeds: list[int], device) -> int:
    """Train several seeds, one process each; 1 if one of them met a NaN."""
    found = sweeps.sweep(
        recipe,
        seeds,
        out=asked.out,
        jobs=asked.jobs,
        threads=asked.threads or 1,
        device=device,
        progress=not asked.quiet,
    )
    for record in found:
        name = f"{recipe.name}-seed{record['seed']}"
        print(record.get("stopped") or _result(name, asked.out, record))
    return int(any("stopped" in record for record in found))


def _result(name: str, out: str, record: dict) -> str:
    path = Path(out) / f"{name}.pt"
    return f"{path}: {record['steps']} steps, {record['seconds']:.0f} s; {_measure(record)}"


def _command(asked: Namespace) -> str:
    """Return the command that goes on with a paused training."""
    words = ["python", "-m", "lessons_lib", "train", asked.recipe]
    if asked.seeds or not asked.recipe.endswith(".json"):
        words += ["--seed", str((asked.seeds or [0])[0])]
    words += ["--out", str(asked.out)]
    for name in ("steps", "device", "threads"):
        if getattr(asked, name):
            words += [f"--{name}", str(getattr(asked, name))]
    return shlex.join(words + ["--quiet"] * asked.quiet)


# --- answer ---------------------------------------------------------------------------------------


def answer(asked: Namespace) -> int:
    """Answer the question on standard input and show which sentences carried the answer."""
    model, vocabulary, record = checkpoints.load(asked.checkpoint)
    if vocabulary is None:
        raise ValueError(f"{asked.checkpoint} reads no words: expected a model of stories")
    question = read_story(_lines())
    if not evidence.can_trace(model):
        print(_plain_answer(model, vocabulary, question))
        print(f"(a {type(model.core).__name__} has no memory to write to: no evidence to show)")
        return 0
    found = evidence.evidence(model, vocabulary, question)
    print(_answer_line(found.answer, found.probability, found.others))
    print("\nevidence (gradient x write): each sentence's share of what speaks for the answer")
    for number in found.ranked:
        if found.shares[number] > 0:
            told = babi.sentence(question.story[number])
            print(f"  {found.shares[number]:4.0%}  sentence {number + 1}: {told}")
    if not any(found.shares):
        print("  none: no sentence speaks for this answer")
    task = trained_on(record)
    if task in stories.TASKS:
        asked_of = stories.generate(task, HIT_RATE_QUESTIONS, split="test")
        print(f"how far to trust it: {evidence.hit_rate(model, vocabulary, asked_of)}")
    return 0


def _lines() -> Iterable[str]:
    """Read standard input to its end, or from a keyboard to the question."""
    at_keyboard = sys.stdin.isatty()
    if at_keyboard:
        _note("A story, one sentence a line, then a question that ends with '?':")
    for line in sys.stdin:
        yield line
        if at_keyboard and line.rstrip().endswith("?"):
            return


def read_story(lines: Iterable[str]) -> Question:
    """Turn lines into a story and its question.

    One sentence a line, or several that each end with a full stop; the last ends with "?".

    Raises:
        ValueError: there is no question, more than one, a sentence behind it, or no story.
    """
    told = [part.strip() for line in lines for part in re.split(r"(?<=[.?])\s+", line)]
    told = [part for part in told if babi.tokenize(part)]
    asked = [number for number, part in enumerate(told) if part.endswith("?")]
    if not asked:
        raise ValueError("expected a question as the last line, ending with '?', got none")
    if len(asked) > 1:
        raise ValueError(f"expected one question, got {len(asked)}")
    if asked[0] != len(told) - 1:
        raise ValueError(f"expected the question last, got behind it: {told[asked[0] + 1]}")
    if len(told) == 1:
        raise ValueError("expected a story of at least one sentence before the question, got none")
    words = [babi.tokenize(part) for part in told]
    return Question(tuple(words[:-1]), words[-1], "")


def _plain_answer(model: WordModel, vocabulary: Vocabulary, question: Question) -> str:
    batch = vocabulary.batch([question])
    with torch.no_grad():
        logits, _ = model(batch.tokens, lengths=batch.lengths, at=batch.at)
    ranked = sorted(
        zip(vocabulary.answers, logits[0].softmax(-1).tolist(), strict=True),
        key=lambda pair: -pair[1],
    )
    return _answer_line(*ranked[0], ranked[1:])


def _answer_line(word: str, probability: float, others) -> str:
    second = f"; runner-up: {others[0][0]}, {others[0][1]:.4f}" if others else ""
    return f"{word} (probability {probability:.4f}{second})"


# --- list -----------------------------------------------------------------------------------------


def show(asked: Namespace) -> int:
    """Print the shipped checkpoints with what their records say, the recipes and the tasks."""
    print("checkpoints:")
    rows = [_checkpoint_row(name) for name in checkpoints.shipped()]
    _table(rows or [("(none)",)])
    print("\nrecipes:")
    _table(
        (name, recipe.data["task"], recipe.model["kind"], f"at most {recipe.steps:,} steps")
        for name, recipe in recipes.RECIPES.items()
    )
    print("\ntasks made afresh:")
    _table([("algorithmic", ", ".join(tasks.TASKS)), ("stories", ", ".join(stories.TASKS))])
    return 0


def _checkpoint_row(name: str) -> tuple[str, ...]:
    try:
        model, _, record = checkpoints.load(name)
    except (ValueError, OSError) as error:
        return (name, f"cannot be loaded: {error}")
    core = model.core if isinstance(model, WordModel) else model
    numbers = sum(parameter.numel() for parameter in model.parameters())
    tape = f", {core.slots} x {core.width} memory" if hasattr(core, "slots") else ""
    size = f"{numbers:,} parameters{tape}"
    return name, trained_on(record) or "?", type(core).__name__, size, _measure(record)


def _measure(record: dict) -> str:
    """Say the last held-out measure of a run record."""
    last = (record.get("curve") or [{}])[-1]
    if "accuracy" in last:
        return f"{last['accuracy']:.2%} right of {last['examples']} held-out questions"
    if "wrong_bits_per_sequence" in last:
        wrong, count = last["wrong_bits_per_sequence"], last["examples"]
        return f"{wrong:.4g} wrong bits per sequence on {count} held-out sequences"
    return "not measured"


def _table(rows: Iterable[tuple[str, ...]]) -> None:
    """Print rows with their cells below each other; a row's last cell may be of any width."""
    rows, widths = list(rows), {}
    for row in rows:
        for column, cell in enumerate(row[:-1]):
            widths[column] = max(widths.get(column, 0), len(cell))
    for row in rows:
        padded = [f"{cell:{widths.get(column, 0)}}" for column, cell in enumerate(row)]
        print("  " + "  ".join(padded).rstrip())
