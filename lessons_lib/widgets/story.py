"""The story stepper: a machine reads a story word by word, and shows what its answer rests on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import traitlets
from matplotlib.figure import Figure
from torch import Tensor

from lessons_lib.babi import Question
from lessons_lib.widgets.base import Picture, script, style
from lessons_lib.widgets.still import WithStill
from lessons_lib.widgets.story_numbers import (
    Reading,
    as_text,
    check_question,
    origin_of_each_word,
    parse,
    read_story,
)
from lessons_lib.widgets.story_still import draw_story
from lessons_lib.widgets.story_words import tell_machine
from lessons_lib.words import Vocabulary, WordModel, word_sequence

Machines = Mapping[str, Sequence]


class StoryStepper(WithStill, Picture):
    """A story under a slider: words light up as they are read, slots fill, an answer comes.

    Everything is computed before the first step; stepping sends nothing to the kernel. A story of
    one's own, typed below the picture, is sent there and read by every machine anew.

    Keys: left and right arrow one word, up and down one sentence, home and end, space plays.

    Args:
        machines: trained machines by name, each (model, vocabulary) or what ``load`` returns.
        story: a ``Question``, whose answer and supporting facts are shown where it has them; or a
            text that ends with a question.
        title: a line above.

    Attributes:
        step: where the page begins, from 0; setting it moves the page, which tells nothing back.
        machine: the machine that is shown first; to read and to set.
        question: the story and the question that were read.
        readings: by machine, its run and the numbers drawn (``story_numbers.Reading``); a machine
            that does not know a word is left out.

    Raises:
        ValueError: no machine, or one that reads no words; an empty story, no question, too many
            words; or words that the first machine does not know.
    """

    _esm = script("story.js")
    _css = style("story.css")
    step = traitlets.Int(0).tag(sync=True)
    machine = traitlets.Unicode("").tag(sync=True)
    view = traitlets.Dict().tag(sync=True)
    title = traitlets.Unicode("").tag(sync=True)

    def __init__(self, machines: Machines, story: Question | str, *, title: str = "") -> None:
        """Let every machine read the story."""
        self.machines = {name: _as_machine(name, given) for name, given in machines.items()}
        if not self.machines:
            raise ValueError("expected at least one machine, got none")
        self._count = 0
        first = next(iter(self.machines))
        read = self._read(story, first)
        super().__init__(title=title, machine=first)
        self.on_msg(self._heard)
        self._show(*read, step=0)

    def ask(self, story: Question | str) -> str:
        """Let the machines read another story, show its end, and return the answer.

        Raises:
            ValueError: an empty story, no question, or words that the shown machine does not know.
        """
        read = self._read(story, self.machine)
        self._show(*read, step=_count_words(read[0]) - 1)
        return self.readings[self.machine].answer

    def still(self, steps: Sequence[int] | None = None) -> Figure:
        """Return the shown machine's run for print: gate, evidence, and the slots at these steps.

        Args:
            steps: which words' slots; None is the start, the end of the story and ``GO``.
        """
        return draw_story(self.question, self.readings[self.machine], self.machine, steps)

    @traitlets.validate("step")
    def _check_step(self, proposal: dict) -> int:
        return min(max(proposal["value"], 0), _count_words(self.question) - 1)

    @traitlets.validate("machine")
    def _check_machine(self, proposal: dict) -> str:
        if proposal["value"] not in self.machines:
            names = ", ".join(self.machines)
            raise ValueError(f"expected one of {names}, got {proposal['value']!r}")
        return proposal["value"]

    def _heard(self, _widget: object, content: object, _buffers: object) -> None:
        """Answer the page's question; text and request come in one message, so none is late."""
        if not isinstance(content, dict) or content.get("kind") != "ask":
            return
        try:
            self.machine = str(content.get("machine"))
            self.ask(str(content.get("text")))
        except ValueError as problem:
            self._count += 1
            self.view = {**self.view, "count": self._count, "refused": str(problem)}

    def _read(
        self, story: Question | str, needed: str
    ) -> tuple[Question, dict[str, Reading | str]]:
        """Let each machine read; for one that cannot stands why, unless it is needed."""
        question = parse(story) if isinstance(story, str) else check_question(story)
        found: dict[str, Reading | str] = {}
        for name, (model, vocabulary) in self.machines.items():
            try:
                found[name] = read_story(model, vocabulary, question)
            except ValueError as problem:
                if name == needed:
                    raise
                found[name] = str(problem)
        return question, found

    def _show(self, question: Question, found: dict[str, Reading | str], *, step: int) -> None:
        """Send everything in one message."""
        self.question = question
        self.readings = {name: got for name, got in found.items() if isinstance(got, Reading)}
        self._count += 1
        with self.hold_sync():
            self.put(_numbers(found))
            self.problems = _problems(self.readings)
            self.step = step
            self.view = {
                "count": self._count,
                "refused": "",
                "step": step,
                "machine": self.machine,
                "text": as_text(question),
                "words": word_sequence(question.story, question.question),
                "origins": origin_of_each_word(question),
                "sentences": len(question.story),
                "facts": list(question.supporting) if question.supporting else None,
                "machines": [
                    tell_machine(question, name, self.machines[name][1], got)
                    for name, got in found.items()
                ],
            }

    def __repr__(self) -> str:
        """Name the machine and how many words it read; the same text at every run."""
        return f"StoryStepper({self.machine!r}, {_count_words(self.question)} words)"


def _as_machine(name: str, given: Sequence) -> tuple[WordModel, Vocabulary]:
    model, vocabulary, *_ = given
    if not isinstance(model, WordModel) or not isinstance(vocabulary, Vocabulary):
        kinds = f"{type(model).__name__} and {type(vocabulary).__name__}"
        raise ValueError(f"expected {name} as a WordModel and its Vocabulary, got {kinds}")
    return model, vocabulary


def _count_words(question: Question) -> int:
    return len(word_sequence(question.story, question.question))


def _numbers(found: dict[str, Reading | str]) -> dict[str, Tensor]:
    """Name each number by the machine's place and its own name: "0.gate"."""
    return {
        f"{place}.{part}": tensor
        for place, got in enumerate(found.values())
        if isinstance(got, Reading)
        for part, tensor in got.numbers.items()
    }


def _problems(readings: dict[str, Reading]) -> list[str]:
    return [
        f"{name}: {problem}"
        for name, reading in readings.items()
        for problem in reading.trace.problems(brief=True)
    ]
