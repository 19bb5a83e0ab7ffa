"""The figures of set 6's model report: trains what is not trained yet, writes model_report.json.

`python -m course.bank.set6_stories.model_report` in the repository's root. It runs the bench and
the solutions of the source, as a student's notebook does; what a student would write in cells of
their own stands here. Two more runs, of the bench's own size, say how long a student's take. The
twelve runs took five CPU minutes; they are kept in `report-runs/`, and read from there.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from pathlib import Path

import torch

from course.grading.assignment import build
from course.grading.declare import problems_of

SET = "set6_stories"
HERE = Path(__file__).parent
SEEDS = range(5)
KEPT = ("recipe", "seed", "finished", "date", "seconds", "cpu_seconds", "versions", "hardware")
SINGLE = {"mice": "mouse", "wolves": "wolf", "cats": "cat", "sheep": "sheep"}
PEOPLE = ["emily", "gertrude", "jessica", "winona"]
MACHINES = {"plain": "LNTM", "other": "LSTM"}


def notebook() -> dict:
    """Return the names of the bench and of the solutions."""
    names: dict = {}
    for cell in build(SET, problems_of(SET)).cells:
        told = cell.metadata.get("nbgrader", {})
        if cell.cell_type == "code" and not (told["grade"] and told["locked"]):
            exec(cell.source, names)
    return names


BENCH = notebook()
RECIPES = {
    name: BENCH["recipe_of"](name, kind, task="qa15", updates=1200, hidden_size=64)
    for name, kind in MACHINES.items()
}
TIMED = {f"qa1-{kind.lower()}": BENCH["recipe_of"](f"qa1-{kind.lower()}", kind)
         for kind in MACHINES.values()}  # fmt: skip


def fears(q) -> dict[str, str]:
    """Return what each kind of animal is afraid of, in the order of the story."""
    return {SINGLE[words[0]]: SINGLE[words[-1]] for words in q.story if words[1] == "are"}


def kinds(q) -> list[str]:
    """Return the kind of each person."""
    return [words[-1] for words in q.story if words[2] == "a"]


def crowd(q) -> str:
    """Return what most people of the story are afraid of, whoever is asked for."""
    return Counter(fears(q)[kind] for kind in kinds(q)).most_common(1)[0][0]


def share(rule, questions) -> float:
    """Return the share of questions that a rule gets right."""
    return sum(rule(q) == q.answer for q in questions) / len(questions)


def rules(train, test) -> dict:
    """Return what rules score, and what of the test stands in training."""
    train, asked = BENCH["as_dicts"](train), BENCH["as_dicts"](test)
    valid = BENCH["ask"]("qa15", 500, "valid")
    found = BENCH["leaks"](train, asked, PEOPLE)
    return {
        "leaks": {name: len(positions) for name, positions in found.items()},
        "rules": BENCH["dull_rules"](train, asked, sorted(SINGLE.values())),
        "crowd": {"test": share(crowd, test), "valid": share(crowd, valid)},
        "first fear": share(lambda q: next(iter(fears(q).values())), test),
    }


def scores(test) -> dict:
    """Return each run's share right with its interval, and both comparisons."""
    story = BENCH["story_of_each"](test)
    found: dict = {"stories": int(story.max()) + 1, "test": {}}
    right = {}
    for name, recipe in RECIPES.items():
        for seed in SEEDS:
            right[name, seed] = BENCH["right_of"](*BENCH["machine_of"](recipe, seed)[:2], test)
        rows = [right[name, seed] for seed in SEEDS]
        found["test"][name] = [
            [row.double().mean().item(), *BENCH["interval_by_story"](row, story)] for row in rows
        ]
    shares = [[row[0] for row in found["test"][name]] for name in RECIPES]
    found["same questions"] = BENCH["same_questions"](right["plain", 0], right["other", 0])
    found["few seeds"] = BENCH["few_seeds"](*shares)
    found["fewest"] = 2 / math.comb(2 * len(SEEDS), len(SEEDS))
    return found


def who(name: str, test) -> dict:
    """Say whether a machine's answers depend on the person asked for."""
    machine, vocabulary, _ = BENCH["machine_of"](RECIPES[name], 0)
    numbers = BENCH["story_logits"](machine, vocabulary, test)[0].argmax(-1)
    said = [vocabulary.answers[number] for number in numbers]
    stories: dict = {}
    for answer, q in zip(said, test, strict=True):
        stories.setdefault(q.story, {})[q.question[2]] = (answer, q.answer)
    several = [list(zip(*people.values(), strict=True)) for people in stories.values()
               if len(people) > 1]  # fmt: skip
    return {
        "stories": len(several),
        "answers differ": sum(len(set(told)) > 1 for told, _ in several),
        "right ones differ": sum(len(set(right)) > 1 for _, right in several),
        "says the crowd's": sum(a == crowd(q) for a, q in zip(said, test, strict=True)) / len(test),
    }


def taken_away(name: str, some) -> dict:
    """Return what answers lose with facts, with one of the two, and with another person's."""
    told = BENCH["told_without"](*BENCH["machine_of"](RECIPES[name], 0)[:2], some)
    person, fear, mine, others = [], [], [], []
    for q, whole, left, answer in zip(some, *told[:3], strict=True):
        lost = (whole.softmax(0)[answer] - left.softmax(1)[:, answer]).tolist()
        about, feared = q.supporting
        kind = q.story[about][2:]
        alike = [lost[i] for i, words in enumerate(q.story) if words[2:] == kind and i != about]
        person.append(lost[about])
        fear.append(lost[feared])
        if alike:
            mine.append(lost[about])
            others.append(sum(alike) / len(alike))
    parts = {"fear": fear, "person": person, "person, others alike": mine, "others alike": others}
    means = {key: sum(values) / len(values) for key, values in parts.items()}
    return {**BENCH["falls"](*told), **means, "with others alike": len(mine)}


def one_story(some) -> dict:
    """Return the L-NTM's answers about two people of one story."""
    machine, vocabulary, _ = BENCH["machine_of"](RECIPES["plain"], 0)
    same = [q for q in some if q.story == some[0].story]
    chosen = list({q.question[2]: q for q in same}.values())
    whole, without, answers, _ = BENCH["told_without"](machine, vocabulary, chosen)
    return {
        "story": [" ".join(words) for words in chosen[0].story],
        **{
            q.question[2]: {
                "right": q.answer,
                "p": dict(zip(vocabulary.answers, row.softmax(0).tolist(), strict=True)),
                "p(right) without each": left.softmax(1)[:, answer].tolist(),
            }
            for q, row, left, answer in zip(chosen, whole, without, answers, strict=True)
        },
    }


def shorter(value):
    """Return the value with its numbers to four figures."""
    if isinstance(value, float):
        return float(f"{value:.4g}")
    if isinstance(value, dict):
        return {key: shorter(item) for key, item in value.items()}
    return [shorter(item) for item in value] if isinstance(value, list | tuple) else value


def train(recipe, seeds) -> list[dict]:
    """Train what is not trained yet; return the run records."""
    if BENCH["start"](recipe, seeds).wait():
        raise SystemExit((BENCH["FOLDER"] / f"{recipe.name}.log").read_text())
    return [BENCH["machine_of"](recipe, seed)[2] for seed in seeds]


def one_line(record: dict) -> str:
    """Return what is kept of a run record, as JSON."""
    curve = [[point["step"], point["accuracy"], round(point["loss"], 3)]
             for point in record["curve"]]  # fmt: skip
    return json.dumps({key: record[key] for key in KEPT} | {"curve": curve})


def main() -> None:
    """Train, measure, write."""
    torch.set_num_threads(1)
    records = [record for recipe in RECIPES.values() for record in train(recipe, SEEDS)]
    timed = [record for recipe in TIMED.values() for record in train(recipe, [0])]
    test = BENCH["ask"]("qa15", 1000)
    some = test[:200]
    plain = BENCH["machine_of"](RECIPES["plain"], 0)[:2]
    cuts = {when: BENCH["right_if_silent"](*plain, some, when) for when in ("story", "after")}
    cuts["none"] = BENCH["right_of"](*plain, some)
    figures = {
        "runs": BENCH["runs_table"](records),
        **rules(BENCH["ask"]("qa15", 20_000, "train"), test),
        **scores(test),
        "who": {name: who(name, test) for name in RECIPES},
        "falls": {name: taken_away(name, some) for name in RECIPES},
        "pointing": BENCH["pointing"](*BENCH["amounts_of"](*plain, some)),
        "cuts": {when: right.double().mean().item() for when, right in cuts.items()},
        "one story": one_story(some),
    }
    told = ",\n".join(f"  {json.dumps(name)}: {json.dumps(each)}"
                      for name, each in shorter(figures).items())  # fmt: skip
    lines = ",\n".join(f"  {one_line(record)}" for record in [*records, *timed])
    text = f'{{\n "figures": {{\n{told}\n }},\n "records": [\n{lines}\n ]\n}}\n'
    (HERE / "model_report.json").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
