"""What the story stepper says of a machine: what it lacks, its answer, and what that rests on."""

from __future__ import annotations

import torch

from lessons_lib.babi import Question
from lessons_lib.widgets.story_numbers import Reading
from lessons_lib.words import GO, QUESTION_MARK, Vocabulary

CLEARLY = 0.01  # probabilities and weights that differ by less are called the same


def tell_machine(
    question: Question, name: str, vocabulary: Vocabulary, reading: Reading | str
) -> dict[str, object]:
    """Say in words what the page tells of a machine; a text is why it cannot read the story."""
    known = [word for word in vocabulary.words if word not in (QUESTION_MARK, GO)]
    if isinstance(reading, str):
        return {"name": name, "known": known, "refused": reading}
    return {
        "name": name,
        "known": known,
        "refused": "",
        "kind": reading.kind,
        "answers": list(reading.answers),
        "answer": reading.answer,
        "right": question.answer or None,
        "slots": list(reading.slots),
        "lacks": _tell_lacks(reading),
        "verdict": _tell_answer(question, name, reading),
        "rests": _tell_rests(question, reading),
    }


def _tell_lacks(reading: Reading) -> str:
    """Say plainly what a machine does not have."""
    article = "An" if reading.kind[0] in "LNRE" else "A"
    if "memory" not in reading.numbers:
        units = reading.numbers["state"].shape[1]
        return (
            f"{article} {reading.kind} has no memory outside its state: no slots, no add gate, no "
            f"pointers, and no writes to ask for evidence. All that it knows of the story stands "
            f"in {units} numbers, drawn below. Only one question can be put to it: what becomes of "
            "its answer when a sentence is not told?"
        )
    if "gate" not in reading.numbers:
        return (
            f"{article} {reading.kind} has no add gate f: it adds something at every word, so no "
            "bars stand over the words."
        )
    return ""


def _tell_answer(question: Question, name: str, reading: Reading) -> str:
    if not reading.answer:
        return f"{name} gives no answer: its outputs are not finite."
    sure = max(reading.at_go("answers"))
    words = f"{name} answers “{reading.answer}”, with probability {_percent(sure)}."
    if not question.answer:
        return words + " Nobody has said what is right."
    if question.answer == reading.answer:
        return words + " ✓ That is right."
    return words + f" ✗ Right would be “{question.answer}”."


def _tell_rests(question: Question, reading: Reading) -> list[str]:
    """Say what was read at the end, which evidence there is, and what is missed most."""
    if not reading.answer:
        return []
    told = []
    if "reads" in reading.numbers:
        told += [_tell_slots(reading), _tell_read(question, reading)]
    if "per_sentence" in reading.numbers:
        told.append(_tell_evidence(reading))
    return [*told, _tell_missed(reading)]


def _tell_slots(reading: Reading) -> str:
    """Say which slots are read at GO, and since when they hold what they hold."""
    reads = reading.numbers["reads"][-1]  # (S, R)
    weights, count = reads.mean(-1).nan_to_num(nan=-torch.inf), reads.shape[-1]
    who = f"the {count} pointers together read" if count > 1 else "the read head reads"
    if len(weights) > 1 and weights.max() - weights.min() < CLEARLY:
        return f"Slots: at GO {who} all slots alike."
    most, weight = int(weights.argmax()), _percent(weights.max().item())
    after = _percent(reading.numbers["held"][-1, most, -1].item())
    return (
        f"Slots: at GO {who} slot {reading.slots[most]} most, with {weight} of the weight; "
        f"{after} of what it holds was written after the story."
    )


def _tell_read(question: Question, reading: Reading) -> str:
    start, *story, after = reading.at_go("read_shares")
    supported = ""
    if question.supporting:
        facts = sorted(set(question.supporting))
        named = " and ".join(str(number + 1) for number in facts)
        at_facts = _percent(sum(story[number] for number in facts))
        supported = f" ({at_facts} at the supporting sentence{'s'[: len(facts) - 1]} {named})"
    return (
        f"Read: of all that was read at GO, {_percent(after)} was written after the story, "
        f"{_percent(sum(story))} during it{supported}, and {_percent(start)} stood in the memory "
        "before the first word."
    )


def _tell_evidence(reading: Reading) -> str:
    amounts = reading.numbers["per_sentence"].nan_to_num(nan=-torch.inf)
    most, amount = int(amounts.argmax()), amounts.max().item()
    if amount > 0:
        words = f"of the sentences, {most + 1} has most, {amount:+.2f}"
    else:
        words = "no sentence's writing speaks for the answer"
    after = reading.numbers["outside"].item()
    return (
        f"Evidence: {words}; what was written after the story has {after:+.2f}. "
        "It is true to first order only, and no explanation."
    )


def _tell_missed(reading: Reading) -> str:
    left, sure = reading.numbers["not_told"], max(reading.at_go("answers"))
    missed = int(left.argmin())
    least = left[missed].item()
    if least > sure - CLEARLY:
        return "Not told: no sentence is missed; the answer stays without any one of them."
    return (
        f"Not told: the answer suffers most without sentence {missed + 1}. Then "
        f"“{reading.answer}” has probability {_percent(least)}."
    )


def _percent(share: float) -> str:
    """Write a share in percent; never 0% or 100% for what is not."""
    if share != share:
        return "NaN"
    if 0 < share < 0.001:
        return "less than 0.1%"
    if 0.999 < share < 1:
        return "over 99.9%"
    return f"{share:.1%}"
