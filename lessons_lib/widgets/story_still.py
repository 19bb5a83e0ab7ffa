"""The story stepper for print: gate and evidence over the words, and whose the slots are."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lessons_lib import figure_parts as parts
from lessons_lib.babi import Question
from lessons_lib.widgets.story_numbers import Reading, origin_of_each_word
from lessons_lib.words import word_sequence

MANY_WORDS = 60  # more are numbered, not written out


def draw_story(
    question: Question, reading: Reading, name: str, steps: Sequence[int] | None = None
) -> Figure:
    """Draw a machine's run over a story as a filmstrip.

    The first rows run over the words: the add gate f and the evidence, or for a machine without a
    memory the probability of its answer. The last row is the film: whose the slots' contents are
    after the words of ``steps``, and beside it what becomes of the answer without each sentence.

    Raises:
        ValueError: a step that is not in the run.
    """
    words = word_sequence(question.story, question.question)
    steps = _choose(question, len(words)) if steps is None else list(steps)
    for step in steps:
        if not 0 <= step < len(words):
            raise ValueError(f"expected steps from 0 to {len(words) - 1}, got {step}")
    rows = [(label, reading.numbers[key]) for key, label in _ROWS if key in reading.numbers]
    if not rows:
        number = reading.answers.index(reading.answer) if reading.answer else 0
        rows = [(f"P({reading.answers[number]})", reading.numbers["answers"][:, number])]
    parts.use_style()
    figure, axes = parts.make_figure(len(rows) + 1, 1, (9, 2 * len(rows) + 3.2))
    for ax, (label, values) in zip(axes[:, 0], rows, strict=False):
        _over_words(ax, parts.as_array(label, values, (1,)), words, label, question)
    axes[0, 0].set_title(f"{name} answers: {reading.answer or 'nothing, not finite'}")
    _film(axes[-1, 0], question, reading, words, steps)
    return figure


_ROWS = (("gate", "add gate $f$"), ("per_word", "evidence $E_t$"))


def _choose(question: Question, words: int) -> list[int]:
    """Return the first word, the end of the story, and GO."""
    end = words - len(question.question) - 3
    return sorted({0, end, words - 1})


def _over_words(
    ax: Axes, values: np.ndarray, words: list[str], label: str, question: Question
) -> None:
    """Draw one bar a word; the stretches of the supporting facts are shaded and named."""
    ax.bar(range(len(words)), np.nan_to_num(values), color=parts.COLORS[0])
    for place in np.flatnonzero(~np.isfinite(values)):
        ax.text(place, 0, "×", ha="center", color=parts.COLORS[1])
    ax.axhline(0, color="black", linewidth=0.8)
    groups = origin_of_each_word(question)
    named = [(number + 1, "supporting") for number in question.supporting]
    for group, what in (*named, (len(question.story) + 1, "after the story")):
        places = [place for place, of in enumerate(groups) if of == group]
        ax.axvspan(places[0] - 0.5, places[-1] + 0.5, color="#e8e8e8", zorder=0)
        ax.text(places[0] - 0.4, 1.02, what, fontsize=8, transform=ax.get_xaxis_transform())
    if len(words) <= MANY_WORDS:
        ax.set_xticks(range(len(words)), words, rotation=60, ha="right", fontsize=8)
    else:
        ax.set_xlabel("word")
    ax.margins(x=0.01)
    ax.set_ylabel(label)


def _film(
    ax: Axes, question: Question, reading: Reading, words: list[str], steps: list[int]
) -> None:
    """Draw whose the slots' contents are, a picture a step, and the sentences left out."""
    held = reading.numbers.get("held")
    ax.axis("off")
    count = 1 + (0 if held is None else len(steps))
    places = ax.get_subplotspec().subgridspec(1, count)
    if held is not None:
        names = ["start", *(str(number + 1) for number in range(len(question.story))), "after"]
        for place, step in enumerate(steps):
            shown = ax.figure.add_subplot(places[place])
            rows = parts.as_array("held", held[step], (2,))
            parts.grid(shown, rows, parts.WEIGHTS, 0, 1, numbers=False)
            few = range(0, len(names), -(-len(names) // 8))
            shown.set_xticks(list(few), [names[number] for number in few], fontsize=8, rotation=60)
            parts.name_slots(shown, list(reading.slots))
            shown.set_title(f"after word {step + 1}, “{words[step]}”", fontsize=9)
            if place == 0:
                shown.set_ylabel("slot: written by")
    last = ax.figure.add_subplot(places[count - 1])
    left = parts.as_array("not told", reading.numbers["not_told"], (1,))
    last.barh(range(1, len(left) + 1), np.nan_to_num(left), color=parts.COLORS[0])
    last.set(xlim=(0, 1), ylim=(len(left) + 0.6, 0.4), ylabel="without sentence")
    last.set_title(f"P({reading.answer or '?'}), if not told", fontsize=9)
    last.yaxis.get_major_locator().set_params(integer=True)
