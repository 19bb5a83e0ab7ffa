"""What the studies train: recipes, seeds chosen beforehand, and what is measured afterwards."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lessons_lib.recipes import QA1_FIRST, Recipe, find

BABI = "$LESSONS_BABI"
DECAY = {"qa1": 0.1, "qa2": 0.3}  # the weight decay of all models of a task


@dataclass(frozen=True)
class Study:
    """What is trained, with which seeds, and what is measured on every finished machine.

    ``tests`` are one measurement each: the options of ``evaluate_task``, and ``slots`` for
    another tape than the recipe's (which says nothing to a machine without a tape); for stories
    ``count`` of generated questions, or ``source`` and ``split`` of real ones.
    """

    about: str
    recipes: Sequence[Recipe]
    seeds: Sequence[int]
    tests: Sequence[dict]


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


def _babi(task: str, steps: int = 4000) -> Study:
    """Return the L-NTM paper's table for a task of real bAbI: all models with the same settings.

    The settings were chosen on the last 1,000 training questions, never on the valid ones: on
    those of qa1 and qa2 weight decay helped, on those of qa6 it did nothing.
    """
    lstm = Recipe(
        f"{task}-lstm",
        {"kind": "LSTM", "input_size": 64, "hidden_size": 128},
        {"task": task, "source": BABI, "curriculum": 1000},
        steps=steps,
        learning_rate=1e-2,
        beta2=0.95,
        weight_decay=DECAY.get(task, 0.0),
        decay="cosine",
        measure_every=250,
    )
    brief = lstm.changed(
        name=f"{task}-lstm-brief",
        data={"task": task, "source": BABI},
        steps=1250,
        learning_rate=1e-3,
        beta2=0.999,
        weight_decay=0.0,
        decay="none",
    )

    def other(name: str, **model: object) -> Recipe:
        return lstm.changed(name=f"{task}-{name}", model={**lstm.model, **model})

    lntms = [other(f"lntm{r}", kind="LNTM", read_pointers=r) for r in (8, 16, 32)]
    models = [brief, lstm, lntms[0]]
    if task in ("qa1", "qa2"):
        models = [brief, lstm, other("ntm", kind="NTM", slots=8), *lntms]
    about = f"real {task}: the models of the L-NTM paper, and an LSTM trained as briefly as its"
    return Study(about, models, range(3), [{"source": BABI, "split": "valid"}])


def _without_decay(task: str, most: int | None = None) -> Study:
    """Return the study of a task without weight decay, for all that have it or the first few."""
    study = _babi(task)
    recipes = [r.changed(weight_decay=0.0) for r in study.recipes if r.weight_decay][:most]
    about = f"real {task}: the same settings without weight decay"
    return Study(about, recipes, study.seeds, study.tests)


def _with_qa1(task: str) -> Study:
    """Return the study of a task, its LSTM and L-NTM trained on the questions of qa1 as well.

    The setting was chosen on the held-out training questions of qa6.
    """
    study = _babi(task)
    recipes = [
        recipe.changed(data={**recipe.data, **QA1_FIRST}, weight_decay=0.1)
        for recipe in study.recipes
        if recipe.name in (f"{task}-lstm", f"{task}-lntm8")
    ]
    about = f"real {task}: 1,500 updates on the questions of qa1, then on those of both"
    return Study(about, recipes, study.seeds, study.tests)


def _generated() -> list[Recipe]:
    """Return the settings of the tables without weight decay, on 10,000 and 100,000 questions."""
    chosen = {r.model["kind"]: r for r in _babi("qa1").recipes[:4]}  # of the L-NTMs 8 pointers
    return [
        chosen[kind].changed(
            name=f"{chosen[kind].name.removeprefix('qa1-')}-{questions}",
            data={"task": "qa1", "questions": questions, "curriculum": 1000},
            steps=2000,
            weight_decay=0.0,
        )
        for kind in ("LSTM", "NTM", "LNTM")
        for questions in (10_000, 100_000)
    ]


def _tried(task: str, changes: dict[str, dict], *, decay: float, model: str = "lntm8") -> Study:
    """Return what was tried on held-out training questions of a task, one change at a time.

    Each of the ``changes``, by name, is made to the settings of the tables with this weight decay;
    those of ``model`` and ``data`` to what stands there.
    """
    (of_table,) = [recipe for recipe in _babi(task).recipes if recipe.name == f"{task}-{model}"]
    chosen = of_table.changed(name="chosen", weight_decay=decay)
    recipes = [chosen]
    for name, change in changes.items():
        within = {key: {**getattr(chosen, key), **change.get(key, {})} for key in ("model", "data")}
        recipes.append(chosen.changed(name=name, **{**change, **within}))
    about = f"real {task}: what was tried, on held-out training questions"
    return Study(about, recipes, [10], [])


def _decays(*decays: float) -> dict[str, dict]:
    return {f"weight decay {decay:g}": {"weight_decay": decay} for decay in decays}


_DROPOUT = {f"word dropout {share}": {"model": {"dropout": share}} for share in (0.2, 0.5)}
_WORD_DROPOUT = {"word dropout 0.2": _DROPOUT["word dropout 0.2"]}
_WHOLE = {  # five answers a story
    "whole stories": {"data": {"whole_stories": True}, "batch_size": 32, "steps": 2000}
}
_FED = {"reads fed back": {"model": {"feed_reads": True}}}
_SEVEN = {"kernel of 7": {"model": {"kernel_size": 7}}}
_STEADY = {
    "layer normalisation": {"model": {"normalise": True}},
    "start drawn anew": {"model": {"memory_init": "drawn"}},
}
_SCHEDULES = {"no curriculum": {"data": {"curriculum": 0}}, "constant rate": {"decay": "none"}}
_SIZES = {f"controller of {units}": {"model": {"hidden_size": units}} for units in (32, 64, 256)}
_BESIDE = {"beside": QA1_FIRST["beside"]}
_WITH_QA1 = {
    "qa1 beside": {"data": _BESIDE},
    "weight decay 0.1, qa1 beside": {"data": _BESIDE, "weight_decay": 0.1},
    "weight decay 0.1, qa1 first, then beside": {"data": QA1_FIRST, "weight_decay": 0.1},
}
_USUAL_ADAM = {"learning_rate": 3e-3, "beta2": 0.999}
_TRIED_ON_QA1 = {
    "no curriculum": _SCHEDULES["no curriculum"],
    "no curriculum, rate 3e-3, β₂ 0.999": {"data": {"curriculum": 0}, **_USUAL_ADAM},
    "rate 3e-3, β₂ 0.999": _USUAL_ADAM,
    "rate 2e-2": {"learning_rate": 2e-2},
    "constant rate": _SCHEDULES["constant rate"],
    "controller of 64": _SIZES["controller of 64"],
    **_FED,
    **_WORD_DROPOUT,
    **_decays(0.1),
    **_SEVEN,
    "constant start": {"model": {"memory_init": "constant"}},
    **_WHOLE,
}
_TRIED_ON_QA6 = {
    **_decays(0.1, 0.3, 1.0),
    **_DROPOUT,
    "controller of 32": _SIZES["controller of 32"],
    "controller of 256": _SIZES["controller of 256"],
    "rate 2e-2": {"learning_rate": 2e-2},
    **_WHOLE,
    **_STEADY,
    **_FED,
    **_WITH_QA1,
}
_TRIED_ON_QA9 = {**_decays(0.3), **_STEADY, **_FED, **_WITH_QA1}
_TRIED_ON_QA15 = {
    **_decays(0.3),
    **_WORD_DROPOUT,
    "controller of 64": _SIZES["controller of 64"],
    **_SCHEDULES,
    **_WHOLE,
    **_STEADY,
    **_SEVEN,
    **_FED,
    "8,000 updates": {"steps": 8000},
}
_BESIDE_DECAY = {
    **_WORD_DROPOUT,
    **_WHOLE,
    "8,000 updates": {"steps": 8000},
    **_STEADY,
    **_FED,
}
_TRIED_ON_QA2 = {
    **_decays(0.3, 0.5, 1.0),
    **_DROPOUT,
    **{
        f"weight decay 0.3, {name}": {**change, "weight_decay": 0.3}
        for name, change in _BESIDE_DECAY.items()
    },
    "qa1 first, then beside": {"data": QA1_FIRST},
    "weight decay 0.3, qa1 first, then beside": {"data": QA1_FIRST, "weight_decay": 0.3},
}


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
        "babi-qa1-no-decay": _without_decay("qa1"),
        "babi-qa2-no-decay": _without_decay("qa2", most=1),
        **{f"babi-{task}-with-qa1": _with_qa1(task) for task in ("qa2", "qa6", "qa9")},
        "babi-choice": _tried("qa1", _TRIED_ON_QA1, decay=0.0),
        "babi-choice-qa2": _tried("qa2", _TRIED_ON_QA2, decay=0.1),
        "babi-choice-qa2-lstm": _tried("qa2", _decays(0.5), decay=0.3, model="lstm"),
        "babi-choice-qa6": _tried("qa6", _TRIED_ON_QA6, decay=0.0),
        "babi-choice-qa9": _tried("qa9", _TRIED_ON_QA9, decay=0.0),
        "babi-choice-qa15": _tried("qa15", _TRIED_ON_QA15, decay=0.0),
        "babi-data": Study(
            "qa1 with 10,000 and with 100,000 generated questions, the same number of updates",
            _generated(),
            range(3),
            [{"count": 1000}, {"source": BABI, "split": "valid"}],
        ),
        **{f"babi-{task}": _babi(task) for task in ("qa1", "qa2", "qa6", "qa9", "qa15", "qa20")},
    }
