"""What the studies train: recipes, seeds chosen beforehand, and what is measured afterwards."""

from __future__ import annotations

from collections.abc import Sequence

from lessons_lib.recipes import Recipe, find
from tools import study_plans_babi
from tools.study import Study


def _variants(recipe: Recipe, changes: dict[str, dict], name: str | None = None) -> list[Recipe]:
    """Return a recipe with each of these changes to its model, named after it or ``name``."""
    return [
        recipe.changed(name=f"{name or recipe.name}-{part}", model={**recipe.model, **change})
        for part, change in changes.items()
    ]


def _starts(recipe: Recipe, choices: Sequence[str], name: str) -> list[Recipe]:
    """Return a recipe with each of the memory's starts."""
    return _variants(recipe, {start: {"memory_init": start} for start in choices}, name)


def _heads(recipe: Recipe) -> list[Recipe]:
    """Return a recipe with less done to the start of its heads, from PyTorch's own upwards."""
    usual = {"head_gain": 1.0, "strength_bias": 0.0, "shift_bias": 0.0, "match_keys": False}
    kept = {
        "usual": (),
        "strong": ("head_gain", "strength_bias"),
        "strong-forward": ("head_gain", "strength_bias", "shift_bias"),
        "strong-matched": ("head_gain", "strength_bias", "match_keys"),
        "forward-matched": ("shift_bias", "match_keys"),
    }
    parts = {name: {**usual, **{k: recipe.model[k] for k in keys}} for name, keys in kept.items()}
    return _variants(recipe, parts)


_GATES = {  # parts of the start of ntm-ff-ngrams, and one head of each kind
    "strong": {"stay_bias": 0.0, "gate_bias": 0.0},
    "register": {"gate_bias": [-3.0, 0.0] * 2},
    "lookup": {"gate_bias": 3.0},
    "one-head": {"read_heads": 1, "write_heads": 1, "stay_bias": 0.0, "gate_bias": 3.0},
}
# One of the two starts of the reads as PyTorch has it; ntm-lstm-repeat has the first alone.
_USUAL_GAIN = {"usual-gain": {"read_gain": 1.0}}
_READS = {**_USUAL_GAIN, "usual-gate": {"gate_bias": 0.0}}
_UNCLIPPED = {"unclipped": {"clip": 1e9}}


def studies() -> dict[str, Study]:
    """Return the studies by name."""
    live, ten, five = find("copy-live"), range(10), range(5)
    alone = {"model": find("lstm-recall").model, "learning_rate": 3e-3, "beta2": 0.999}
    alone["run_slots"] = None
    longer = [
        {"length": 10, "repeats": 10},
        {"length": 20, "repeats": 10, "slots": 320},  # a write head may want a slot at every step
        {"length": 10, "repeats": 20, "slots": 320},
    ]
    repeated = [{"count": 500}, *({"count": 100, **size} for size in longer)]
    solved = [{"count": 500}, {"count": 50, "length": 120}]
    lstm = {**live.model, "controller": "lstm"}
    copy = live.changed(model=lstm, steps=1500, measure_every=50, run_slots=None)
    recall = find("ntm-ff-recall")
    on_tape = recall.changed(steps=600, measure_every=25, run_slots=None)
    ntm_starts = ("constant", "learned", "random")
    told = find("lntm-qa1").changed(steps=3000, measure_every=250, stop_at=None)
    return {
        "copy-live": Study(
            "copy in half a minute, and the same with Adam's usual memory of past gradients",
            [live, live.changed(name="copy-live-beta2-999", beta2=0.999)],
            ten,
            solved,
        ),
        "copy-live-fresh": Study(
            "copy-live with seeds that nobody looked at while its settings were chosen",
            [live.changed(name="copy-live-fresh")],
            range(10, 20),
            solved,
        ),
        "tasks-copy": Study(
            "copy with an LSTM controller, and with an LSTM alone",
            [find("ntm-lstm-copy"), find("ntm-lstm-copy").changed(name="lstm-copy", **alone)],
            five,
            solved,
        ),
        "tasks-recall": Study(
            "associative recall by NTM with both controllers and by an LSTM",
            [find("ntm-ff-recall"), find("ntm-lstm-recall"), find("lstm-recall")],
            ten,
            [{"count": 500}, *({"count": 100, "items": items} for items in (2, 6, 10, 15, 20))],
        ),
        "recall-heads": Study(
            "associative recall with PyTorch's start of the heads, and with parts of the other",
            _heads(recall),
            five,
            [{"count": 500}, {"count": 100, "items": 2}, {"count": 100, "items": 20}],
        ),
        "tasks-repeat": Study(
            "repeat copy by NTM with both controllers and by an LSTM",
            [find("ntm-ff-repeat"), find("ntm-lstm-repeat"), find("lstm-repeat")],
            five,
            repeated,
        ),
        "repeat-reads": Study(
            "repeat copy under an LSTM controller, with PyTorch's start of the output",
            _variants(find("ntm-lstm-repeat"), _USUAL_GAIN),
            five,
            repeated,
        ),
        "tasks-ngrams": Study(
            "dynamic n-grams by NTM with both controllers and by an LSTM",
            [find("ntm-lstm-ngrams"), find("lstm-ngrams"), find("ntm-ff-ngrams")],
            five,
            [{"count": 500}],
        ),
        "ngrams-heads": Study(
            "dynamic n-grams with parts of the heads' start, and with one head of each kind",
            _variants(find("ntm-ff-ngrams"), _GATES),
            five,
            [{"count": 500}],
        ),
        "tasks-sort": Study(
            "priority sort by NTM with both controllers and by an LSTM",
            list(map(find, ("ntm-ff-sort", "ntm-ff-sort-pick", "ntm-lstm-sort", "lstm-sort"))),
            five,
            [{"count": 500}],
        ),
        "sort-reads": Study(
            "priority sort under an LSTM controller, without one of the two starts of the reads",
            _variants(find("ntm-lstm-sort"), _READS),
            five,
            [{"count": 500}],
        ),
        "clip-outputs": Study(
            "copy without the clipping of the controller's outputs",
            _variants(live, _UNCLIPPED, "copy"),
            ten,
            solved,
        ),
        "clip-recall": Study(
            "associative recall without the clipping of the controller's outputs",
            [*_variants(recall, _UNCLIPPED), *_variants(find("ntm-lstm-recall"), _UNCLIPPED)],
            five,
            [{"count": 500}, {"count": 100, "items": 20}],
        ),
        "memory-start": Study(
            "copy and associative recall from a constant, a learned and a random memory",
            [*_starts(copy, ntm_starts, "copy"), *_starts(on_tape, ntm_starts, "recall")],
            ten,
            [{"count": 500}],
        ),
        "lntm-start": Study(
            "L-NTM on generated qa1 from a Gaussian and a constant memory",
            _starts(told, ("gaussian", "constant"), "lntm"),
            range(5),
            [{"count": 1000}],
        ),
        **study_plans_babi.studies(),
    }
