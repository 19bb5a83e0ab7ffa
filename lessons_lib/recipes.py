"""Recipes: everything that a training needs to be repeated, by name."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields, replace
from typing import Any


@dataclass(frozen=True)
class Recipe:
    """One training.

    Attributes:
        name: of the recipe, and of the checkpoint it leaves.
        model: ``kind`` (RNN, LSTM, GRU, NTM, LNTM) and the model's options; for stories,
            ``input_size`` is the width of the word embedding, and ``dropout`` may be given.
        data: ``task`` (an algorithmic task or qa1 …) and the options of ``problems``.
        steps: parameter updates, at most.
        batch_size: sequences in an update.
        learning_rate: of Adam.
        beta2: of Adam: how slowly it forgets the size of past gradients, 1 / (1 − β₂) updates.
        weight_decay: of AdamW; 0 is Adam (Loshchilov & Hutter 2019).
        decay: "none", or "cosine" to fall to zero over ``steps``.
        clip: the gradient's norm is clipped to this (survey eq. 44).
        measure_every: updates between two measures on held-out examples; each makes a point of
            the curve and a checkpoint to resume from.
        stop_at: stop once a held-out measure is this good (fraction right for stories, wrong bits
            a sequence for tasks) twice in a row; None is never.
        run_slots: the slots that the finished machine is given, when it is an NTM and they are
            not those it was trained with.
    """

    name: str
    model: dict[str, Any]
    data: dict[str, Any]
    steps: int
    batch_size: int = 64
    learning_rate: float = 1e-3
    beta2: float = 0.999
    weight_decay: float = 0.0
    decay: str = "none"
    clip: float = 1.0
    measure_every: int = 500
    stop_at: float | None = None
    run_slots: int | None = None

    @classmethod
    def of_record(cls, record: dict[str, Any]) -> Recipe:
        """Return the recipe of a run record, so that the run can be made again."""
        known = {field.name for field in fields(cls)}
        return cls(**{key: value for key, value in record["recipe"].items() if key in known})

    def as_dict(self) -> dict[str, Any]:
        """Return the recipe for a run record."""
        return asdict(self)

    def changed(self, **changes: Any) -> Recipe:
        """Return a recipe with some fields changed."""
        return replace(self, **changes)


def _qa(
    name: str, task: str, kind: str, data: dict[str, Any] | None = None, **changes: Any
) -> Recipe:
    """Return a recipe for stories; all models of a task get the same questions and updates."""
    model = {"kind": kind, "input_size": 64, "hidden_size": 128}
    if kind == "NTM":
        model["slots"] = 8  # the L-NTM paper's memory, 8 slots of 20 numbers
    recipe = Recipe(
        name,
        model,
        {"task": task, "questions": 100_000, **(data or {})},
        steps=12_000,
        learning_rate=3e-3,
        decay="cosine",
        stop_at=1.0,
    )
    return replace(recipe, **changes)


def _copy(name: str, model: dict[str, Any], **changes: Any) -> Recipe:
    recipe = Recipe(name, model, {"task": "copy"}, steps=20_000, batch_size=16)
    return replace(recipe, **changes)


_RECALL = "associative-recall"
_REPEAT = "repeat-copy"
_NGRAMS = "dynamic-ngrams"
_SORT = "priority-sort"


def _task(name: str, task: str, model: dict[str, Any], **changes: Any) -> Recipe:
    """Return a recipe for a task of the NTM paper; lesson 5 has the reason for this β₂."""
    # Short lists are easy, and may be all it knows: lists of several lengths are held out.
    sizes = {"alike": 5} if task in (_RECALL, _REPEAT) else {}
    recipe = Recipe(
        name,
        model,
        {"task": task, "held_out": 50, **sizes},
        steps=0,
        batch_size=16,
        learning_rate=3e-3,
        beta2=0.95,
        decay="cosine",
        measure_every=100,
    )
    return replace(recipe, **changes)


_FEEDFORWARD = {"kind": "NTM", "controller": "feedforward", "slots": 24}
_LSTM_NTM = {"kind": "NTM", "controller": "lstm", "slots": 24}
# What the heads start with where content has to be found; docs/results.md has what it changes.
_LOOKUP = {"head_gain": 2.6, "strength_bias": 4.0}
_RECORDER = {**_LOOKUP, "shift_bias": 3.0, "match_keys": True}  # that walk
# The reads four times as strong, or the controller may answer alone; and a reader that looks anew.
_PICKER = {**_RECORDER, "read_gain": 4.0, "gate_bias": [3.0, 0.0]}
# For a controller without a state: the reader stays on what it finds, the writer walks at first.
_READER_WRITER = {"gate_bias": [3.0, -1.0], "stay_bias": [3.0, 0.0], "shift_bias": [0.0, 3.0]}
_PLAIN_LSTM = {"kind": "LSTM", "hidden_size": 256}
_COUNTING = {**_LOOKUP, "slots": 64, "memory_init": "random"}  # a slot to be known for a context
# Of two heads of each kind the first keep their slot, a state on the tape; the others look up.
_REGISTER = {"read_heads": 2, "write_heads": 2, "stay_bias": 3.0, "gate_bias": [-3.0, 3.0] * 2}
# A place for each priority; learned, the start of the memory can tell the places apart.
_SORTING = {**_LOOKUP, "slots": 64, "memory_init": "learned", "read_heads": 4, "write_heads": 4}

#: What brings names into qa2, qa6 and qa9, which pay for other things first; lesson 10 says why.
QA1_FIRST = {"beside": ["qa1"], "beside_first": 1500}
#: What answers qa15 and qa20: one look-up at a time, in stories told of other names as well.
LOOKUPS_FIRST = {
    "qa15": {
        "retold": 6,
        "beside": ["property", "fear"],
        "beside_first": 2500,
        "curriculum": 1500,
    },
    "qa20": {"retold": 6, "beside": ["property"], "beside_first": 1500},
}
# README's settings for real bAbI, here on generated stories.
_SHORT_FIRST = {"curriculum": 1000}
_FEW = {"questions": 10_000}  # of each; of 100,000 it would not have learned qa1 by then
_STORIES = {
    "steps": 4_000,
    "learning_rate": 1e-2,
    "beta2": 0.95,
    "weight_decay": 0.1,
    "stop_at": None,
}
_TWO_LOOKUPS = {**_STORIES, "steps": 12_000, "weight_decay": 0.0}

_ALL = [
    # Solves copy in half a minute of one core; lesson 5 says why it does.
    _task("copy-live", "copy", _FEEDFORWARD, steps=2_500, learning_rate=1e-2, run_slots=256),
    _task("ntm-lstm-copy", "copy", _LSTM_NTM, steps=2_500, learning_rate=1e-2, run_slots=256),
    _task(
        "ntm-ff-recall",
        _RECALL,
        {**_FEEDFORWARD, **_RECORDER, "slots": 40},
        steps=1_000,
        batch_size=64,
        run_slots=128,
    ),
    _task(
        "ntm-lstm-recall",
        _RECALL,
        {**_LSTM_NTM, **_RECORDER, "slots": 40, "memory_init": "random"},
        steps=1_200,
        batch_size=64,
        beta2=0.98,
        run_slots=128,
    ),
    _task("lstm-recall", _RECALL, _PLAIN_LSTM, steps=5_000, beta2=0.999),
    _task("ntm-ff-repeat", _REPEAT, {**_FEEDFORWARD, **_LOOKUP, "slots": 40}, steps=5_000),
    _task(
        "ntm-lstm-repeat",
        _REPEAT,
        {**_LSTM_NTM, **_RECORDER, "slots": 40, "read_gain": 4.0},
        steps=3_000,
        batch_size=64,
        learning_rate=1e-2,
    ),
    _task("lstm-repeat", _REPEAT, _PLAIN_LSTM, steps=6_000, beta2=0.999),
    _task("ntm-ff-ngrams", _NGRAMS, {**_FEEDFORWARD, **_COUNTING, **_REGISTER}, steps=2_000),
    _task(
        "ntm-lstm-ngrams",
        _NGRAMS,
        {**_LSTM_NTM, **_COUNTING, "gate_bias": 3.0},
        steps=1_500,
        learning_rate=5e-3,
    ),
    _task(
        "lstm-ngrams",
        _NGRAMS,
        {"kind": "LSTM", "hidden_size": 100},
        steps=12_000,
        learning_rate=1e-2,
    ),
    _task(
        "ntm-ff-sort",
        _SORT,
        {**_FEEDFORWARD, **_SORTING, "hidden_size": 128},
        steps=4_000,
        batch_size=64,
        learning_rate=1e-2,
    ),
    _task(
        "ntm-ff-sort-pick",
        _SORT,
        {**_FEEDFORWARD, **_PICKER, **_READER_WRITER, "slots": 32},
        steps=2_000,
        batch_size=64,
        learning_rate=1e-2,
    ),
    _task(
        "ntm-lstm-sort",
        _SORT,
        {**_LSTM_NTM, **_PICKER, "slots": 32},
        steps=3_000,
        batch_size=64,
        learning_rate=5e-3,
    ),
    _task("lstm-sort", _SORT, _PLAIN_LSTM, steps=5_000, batch_size=64, beta2=0.999),
    _copy(
        "ntm-copy",
        {"kind": "NTM", "controller": "feedforward", "slots": 24},
        steps=12_000,
        decay="cosine",
        run_slots=256,
    ),
    _copy("lstm-copy", {"kind": "LSTM", "hidden_size": 256}, decay="cosine"),
    _copy("rnn-copy", {"kind": "RNN", "hidden_size": 256}, decay="cosine"),
    # A Gaussian start has as many slots as it was drawn with, so this tape cannot be lengthened.
    _copy("lntm-copy", {"kind": "LNTM", "slots": 24}, decay="cosine"),
    _qa("lntm-qa1", "qa1", "LNTM"),
    _qa("ntm-qa1", "qa1", "NTM"),
    _qa("lstm-qa1", "qa1", "LSTM"),
    _qa("lntm-qa2", "qa2", "LNTM", steps=5_000),
    _qa("lntm-qa6", "qa6", "LNTM", _SHORT_FIRST, **_STORIES),
    _qa("lntm-qa6-qa1", "qa6", "LNTM", {**_SHORT_FIRST, **QA1_FIRST, **_FEW}, **_STORIES),
    _qa("lntm-qa15", "qa15", "LNTM", {**LOOKUPS_FIRST["qa15"], **_FEW}, **_TWO_LOOKUPS),
]

RECIPES: dict[str, Recipe] = {recipe.name: recipe for recipe in _ALL}


def find(name: str) -> Recipe:
    """Return a recipe by name.

    Raises:
        ValueError: there is none of that name; lists those there are.
    """
    if name not in RECIPES:
        raise ValueError(f"expected a recipe, one of {', '.join(RECIPES)}; got {name!r}")
    return RECIPES[name]
