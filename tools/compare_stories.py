"""Compare our own stories with the real bAbI ones, task by task.

    python tools/compare_stories.py path/to/tasks_1-20_v1-2.tar.gz [qa1 qa2 ...]

For each task it prints, real beside generated: length, answers, distance of the supporting facts,
repeated questions; then two tests with a linear model. "Tell apart" is how often it tells a real
question with its story from a generated one, on the last quarter of each (50% is chance). "Learn"
trains it on generated questions and scores it on held-out generated and on real ones.
"""

from __future__ import annotations

import argparse
import itertools
import zlib
from collections import Counter
from collections.abc import Iterator, Sequence

import torch
from torch import nn

from lessons_lib import babi, stories

BUCKETS = 2**16


def statistics(questions: Sequence[babi.Question]) -> dict[str, float]:
    """Figures of one set of questions."""
    lengths = torch.tensor([float(len(item.story)) for item in questions])
    far = [len(item.story) - 1 - min(item.supporting) for item in questions]
    near = [len(item.story) - 1 - max(item.supporting) for item in questions]
    spread = torch.tensor(far, dtype=torch.float)
    answers = Counter(item.answer for item in questions)
    last = [stories.last_statement_place(item) == item.answer for item in questions]
    distinct = {(item.story, item.question) for item in questions}
    size = len(questions)
    return {
        "questions": size,
        "statements, mean": lengths.mean().item(),
        "statements, 10%": lengths.quantile(0.1).item(),
        "statements, 90%": lengths.quantile(0.9).item(),
        "words, mean": sum(sum(map(len, item.story)) for item in questions) / size,
        "nearest support, mean": sum(near) / size,
        "nearest support is last": near.count(0) / size,
        "farthest support, mean": spread.mean().item(),
        "farthest support, 90%": spread.quantile(0.9).item(),
        "commonest answer": answers.most_common(1)[0][1] / size,
        "place named last": sum(last) / size,
        "repeated within": 1 - len(distinct) / size,
    }


def shape_features(item: babi.Question) -> Iterator[str]:
    """What may give a source away: words, pairs, how statements follow each other, supports."""
    words = [word for line in item.story for word in (*line, ".")]
    text = [*words, *item.question, "?", item.answer]
    yield from text
    yield from (f"{a} {b}" for a, b in itertools.pairwise(text))
    yield f"length {len(item.story)}"
    yield f"supports {[len(item.story) - 1 - at for at in item.supporting]}"
    kinds = [" ".join(line[1:3]) for line in item.story]
    for at in range(1, len(kinds)):
        same = item.story[at][0] == item.story[at - 1][0]
        place = item.story[at][-1] == item.story[at - 1][-1]
        yield f"{kinds[at - 1]} > {kinds[at]} {same} {place}"
    yield from (f"{-back} {kinds[-back]}" for back in range(1, min(6, len(kinds)) + 1))
    for back, line in enumerate(reversed(item.story)):
        yield f"{back} asked {line[0] in item.question} {item.answer in line}"


def answer_features(item: babi.Question) -> Iterator[str]:
    """What a linear model may answer from: each word of the question with each recent word."""
    recent = [(back, word) for back, line in enumerate(item.story[:-9:-1]) for word in line]
    for asked in item.question[1:]:
        yield from (f"{asked} {back} {word}" for back, word in recent)
        yield from (f"{asked} {word} {other}" for line in item.story[-8:]
                    for word, other in [(line[0], line[-1])])  # fmt: skip


def linear(features, train, test_sets, epochs: int = 6) -> list[float]:
    """Fit a linear model to (question, label) pairs; return its accuracy on each test set."""
    torch.manual_seed(0)
    labels = {label: at for at, label in enumerate(sorted({label for _, label in train}))}
    model = nn.EmbeddingBag(BUCKETS, len(labels), mode="sum")
    nn.init.zeros_(model.weight)
    optimiser = torch.optim.Adam(model.parameters(), lr=2e-3)

    def encode(pairs):
        bags = [
            torch.tensor([zlib.crc32(f.encode()) % BUCKETS for f in set(features(item))])
            for item, _ in pairs
        ]
        return bags, torch.tensor([labels.get(label, -1) for _, label in pairs])

    def logits(bags):
        starts = torch.tensor([0, *(len(bag) for bag in bags[:-1])]).cumsum(0)
        return model(torch.cat(bags), starts)

    bags, target = encode(train)
    for _ in range(epochs):
        for chosen in torch.randperm(len(bags)).split(64):
            loss = nn.functional.cross_entropy(logits([bags[i] for i in chosen]), target[chosen])
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
    scores = []
    with torch.no_grad():
        for test in test_sets:
            bags, target = encode(test)
            scores.append((logits(bags).argmax(1) == target).float().mean().item())
    return scores


def tell_apart(real: Sequence[babi.Question], made: Sequence[babi.Question]) -> float:
    """How often a linear model tells real from made, on the last quarter of each."""
    size = min(len(real), len(made))
    cut = size * 3 // 4
    pairs = [[(item, name) for item in items[:size]] for items, name in ((real, "r"), (made, "m"))]
    (score,) = linear(
        shape_features, pairs[0][:cut] + pairs[1][:cut], [pairs[0][cut:] + pairs[1][cut:]]
    )
    return score


def report(path: str, task: str) -> None:
    """Print the comparison of one task."""
    sets = {}
    for split in ("train", "valid"):
        try:
            sets[split] = babi.load(path, task, split)
        except ValueError as error:
            print(f"{task}: {error}")
    real = sets.get("train") or sets["valid"]
    made = stories.generate(task, len(real))
    print(f"\n{task:<28}{'real':>10}{'generated':>12}")
    ours = statistics(made)
    for name, figure in statistics(real).items():
        print(f"  {name:<26}{figure:>10.3f}{ours[name]:>12.3f}")
    if len(sets) == 2:
        held = stories.generate(task, len(sets["valid"]), split="valid")
        theirs = len(stories.overlap(sets["train"], sets["valid"])) / len(sets["valid"])
        print(f"  {'valid repeats train':<26}{theirs:>10.3f}"
              f"{len(stories.overlap(made, held)) / len(held):>12.3f}")  # fmt: skip
    print(f"  tell apart {tell_apart(real, made):.3f}")
    check = stories.generate(task, 4000, split="valid")
    scores = linear(answer_features, *_labelled(made, check, real))
    print(f"  learn: held-out {scores[0]:.3f}, real {scores[1]:.3f}", flush=True)


def _labelled(train, *tests):
    pairs = [[(item, item.answer) for item in items] for items in (train, *tests)]
    return pairs[0], pairs[1:]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("path", help="the official archive, or the folder it unpacks to")
    parser.add_argument("tasks", nargs="*", default=list(stories.TASKS))
    arguments = parser.parse_args()
    for each in arguments.tasks:
        report(arguments.path, each)
