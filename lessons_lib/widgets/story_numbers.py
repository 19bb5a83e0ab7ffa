"""What a machine did with a story: every number that the story stepper shows.

The run, the evidence, the probabilities and who wrote what (``lessons_lib.origins``) are the
library's. The origins of what the memory holds are here its start (0), the sentences (1, 2, ...)
and what comes after the story (the last): ``Q``, the question and ``GO``.
Shapes: T time, S slots, R reads, W width, G origins, n sentences, A answers.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches

import torch
from torch import Tensor
from torch.nn import functional

from lessons_lib import figures, memory
from lessons_lib.babi import Question, sentence, tokenize
from lessons_lib.evidence import can_trace, evidence, without_each_sentence
from lessons_lib.origins import parts_of_memory, share_of
from lessons_lib.trace import Trace
from lessons_lib.words import Vocabulary, WordModel, sentence_of_each_word, word_sequence

END = re.compile(r"(?<=[.?])|\n")
MOST_WORDS = 600  # of a story; longer ones take a page too long to draw


@dataclass(frozen=True)
class Reading:
    """A machine's run over a story, and what its answer rests on.

    Attributes:
        kind: the machine's class, e.g. "LNTM".
        trace: the run, of one sequence.
        answers: the answers it can give.
        answer: the one it gives at ``GO``; an empty string where its outputs are not finite.
        numbers: what is drawn, by name; a machine without a part has no number of that name.
        slots: the slots that are drawn.
    """

    kind: str
    trace: Trace
    answers: tuple[str, ...]
    answer: str
    numbers: dict[str, Tensor]
    slots: tuple[int, ...]

    def at_go(self, name: str) -> list[float]:
        """Return a number's last step: what it is when the answer is given."""
        return self.numbers[name][-1].tolist()


def parse(text: str) -> Question:
    """Turn a text into a story and, as its last sentence, a question.

    A sentence ends at a full stop, a question mark or the end of its line.

    Raises:
        ValueError: no question at the end, another before it, no sentence before it, or more than
            ``MOST_WORDS`` words.
    """
    *told, asked = [part.strip() for part in END.split(text) if tokenize(part)] or [""]
    if not asked.endswith("?"):
        raise ValueError(f"expected a question with a ? at the end, got {asked or 'nothing'!r}")
    early = [part for part in told if part.endswith("?")]
    if early:
        raise ValueError(f"expected one question, at the end, got another: {early[0]!r}")
    story = tuple(tokenize(part) for part in told)
    return check_question(Question(story, tokenize(asked), answer=""))


def check_question(question: Question) -> Question:
    """Return the question where it has a story and words to ask.

    Raises:
        ValueError: an empty story or question, or more than ``MOST_WORDS`` words.
    """
    if not question.question:
        raise ValueError("expected a question, got one without words")
    if not any(question.story):
        raise ValueError("the story is empty: expected a sentence, or more, before the question")
    words = sum(map(len, question.story)) + len(question.question)
    if words > MOST_WORDS:
        raise ValueError(f"expected at most {MOST_WORDS} words, got {words}")
    return question


def check_words(vocabulary: Vocabulary, question: Question) -> None:
    """Refuse words that the machine was not trained on, and name the likest ones that it knows.

    Raises:
        ValueError: a word is unknown.
    """
    words = dict.fromkeys(word_sequence(question.story, question.question))
    unknown = [word for word in words if word not in vocabulary.words]
    if not unknown:
        return
    told = []
    for word in unknown:
        near = get_close_matches(word, vocabulary.words, n=1)
        told.append(f"{word!r}" + (f" (it knows {near[0]!r})" if near else ""))
    plural = "words that" if len(unknown) > 1 else "a word that"
    raise ValueError(f"{plural} this machine was never trained on: {', '.join(told)}")


def read_story(model: WordModel, vocabulary: Vocabulary, question: Question) -> Reading:
    """Run a machine over a story, ask what its answer rests on, and lay out the numbers.

    Args:
        model: any machine of this library under a ``WordModel``; one that writes to no memory has
            no slots and no evidence.
        vocabulary: the model's.
        question: a story and a question; the answer and the facts may be unknown.

    Raises:
        ValueError: a word is unknown, or the story or the question is empty.
    """
    check_words(vocabulary, check_question(question))
    tokens = vocabulary.batch([question]).tokens.to(model.embedding.weight.device)
    with torch.no_grad():
        _, _, trace = model(tokens, trace=True)
    trace = trace.map(lambda tensor: tensor.cpu())
    numbers = {"answers": trace.outputs[:, 0].softmax(-1)}
    last = numbers["answers"][-1]
    answer = vocabulary.answers[int(last.argmax())] if last.isfinite().all() else ""
    numbers["not_told"] = _without_telling(model, vocabulary, question, answer)
    slots: tuple[int, ...] = ()
    if trace.memory_after is None:
        numbers["state"] = (trace.hidden if trace.cell is None else trace.cell)[:, 0]
    else:
        slots = tuple(figures.used_slots(trace))
        numbers |= _of_memory(trace, question, list(slots))
    if can_trace(model):
        numbers |= _of_evidence(model, vocabulary, question, answer)
    return Reading(type(model.core).__name__, trace, vocabulary.answers, answer, numbers, slots)


def origin_of_each_word(question: Question) -> list[int]:
    """Return for each word of the sequence its origin: its sentence from 1, or the last."""
    after = len(question.story) + 1
    numbers = sentence_of_each_word(question.story, question.question)
    return [number + 1 if number >= 0 else after for number in numbers]


def _of_memory(trace: Trace, question: Question, slots: list[int]) -> dict[str, Tensor]:
    """Lay out what is written and read, and whose it is; slots come first of a step's axes."""
    numbers = {
        "start": trace.memory_before[0, 0][slots],
        "memory": trace.memory_after[:, 0][:, slots],
        "reads": trace.read.weights[:, 0][..., slots].transpose(1, 2).contiguous(),  # (T, S, R)
    }
    written = trace.write.weights[:, 0]  # (T, H, S)
    if trace.add_gate is not None:
        gate = trace.add_gate[:, 0]  # (T, H)
        numbers["gate"] = gate.mean(-1)  # an L-NTM has one write pointer
        written = gate.unsqueeze(-1) * written
    numbers["written"] = written.sum(1)[:, slots]
    held, read = [], []
    parts_of_steps = parts_of_memory(trace, origin_of_each_word(question))
    for parts, weights in zip(parts_of_steps, trace.read.weights, strict=True):
        held.append(_shares(parts.abs().sum(-1)).T)  # (S, G)
        taken = memory.read(parts, weights.expand(len(parts), -1, -1))  # (G, R, W)
        read.append(_shares(taken.abs().sum((1, 2))))  # (G,)
    count = len(question.story) + 2
    numbers["held"] = _up_to(count, held)[:, slots]
    numbers["read_shares"] = _up_to(count, read)
    return numbers


def _up_to(count: int, steps: Sequence[Tensor]) -> Tensor:
    """Stack what each step says of the origins so far: (T, …, G), 0 for those to come."""
    filled = [functional.pad(step, (0, count - step.shape[-1])) for step in steps]
    return torch.stack(filled)


def _shares(sizes: Tensor) -> Tensor:
    """Divide sizes (G, …) by their sum; an empty slot is nobody's, 0, and a NaN stays one."""
    return torch.where(sizes.sum(0) == 0, 0.0, share_of(sizes))


def _of_evidence(
    model: WordModel, vocabulary: Vocabulary, question: Question, answer: str
) -> dict[str, Tensor]:
    found = evidence(model, vocabulary, question, answer=answer or None)
    silent = without_each_sentence(model, vocabulary, question, answer=answer or None)
    return {
        "per_word": torch.tensor(found.per_word),
        "per_sentence": torch.tensor(found.per_sentence),
        "outside": torch.tensor([found.outside_story]),
        "not_written": torch.tensor(silent),
    }


def _without_telling(
    model: WordModel, vocabulary: Vocabulary, question: Question, answer: str
) -> Tensor:
    """Return the answer's probability without each sentence in turn in the text, (n,)."""
    story = question.story
    if not answer:
        return torch.full((len(story),), float("nan"))
    left = [replace(question, story=story[:i] + story[i + 1 :]) for i in range(len(story))]
    batch = vocabulary.batch(left)
    tokens = batch.tokens.to(model.embedding.weight.device)
    with torch.no_grad():
        logits, _ = model(tokens, lengths=batch.lengths, at=batch.at)
    return logits.softmax(-1)[:, vocabulary.answer_number(answer)].cpu()


def as_text(question: Question) -> str:
    """Write a question as a person would type it."""
    lines = [sentence(words) for words in question.story if words]
    return "\n".join([*lines, sentence(question.question, "?")])
