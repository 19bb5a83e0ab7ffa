"""Fill the tables of README and docs/results.md from the records: no figure is typed by hand.

python -m tools.readme            write both and the pictures in docs/
python -m tools.readme --check    say whether their tables are those of the records
"""

from __future__ import annotations

import argparse
import json
import re
import statistics
import sys
from pathlib import Path

from lessons_lib import checkpoints, load, tasks
from lessons_lib.figures import draw_tape
from tools import bench, bench_report, readme_babi, readme_studies
from tools.layout import COMPUTE_MINUTES, NOTEBOOKS, ROOT
from tools.results import ARCHIVE

README = ROOT / "README.md"
RESULTS = ROOT / "docs" / "results.md"
PICTURE = ROOT / "docs" / "tape.png"
SCALING = ROOT / "docs" / "scaling.png"
RECALLED = {
    "ntm-ff-recall": "NTM",
    "ntm-lstm-recall": "NTM with an LSTM controller",
    "lstm-recall": "LSTM alone",
}


def read_json(path: Path) -> dict:
    return json.loads(path.read_text(encoding="utf-8"))


def lessons() -> str:
    """Return the table of lessons; study minutes and title come from their sources."""
    minutes = read_json(COMPUTE_MINUTES)["minutes"]
    lines = ["| lesson | study (estimated) | computing (recorded) |", "|---|---|---|"]
    for source in sorted((NOTEBOOKS / "source").glob("*.md")):
        text = source.read_text(encoding="utf-8")
        title = re.search(r"^# (.+)$", text, re.M)[1]
        study = re.search(r"Study: about (\d+) minutes", text)[1]
        link = f"[{title}](notebooks/{source.stem}.ipynb)"
        lines.append(f"| {link} | {study} min | {minutes[source.stem]:.1f} min |")
    return "\n".join(lines)


def results() -> str:
    """Return the table of measurements of the shipped checkpoints."""
    lines = ["| checkpoint | measured | command |", "|---|---|---|"]
    for entry in read_json(checkpoints.DATA / "results.json")["entries"]:
        lines.append(f"| `{entry['checkpoint']}` | {_measured(entry)} | `{entry['command']}` |")
    return "\n".join(lines)


def _measured(entry: dict) -> str:
    if "accuracy" in entry:
        low, high = entry["interval_95"]
        where = "real valid" if entry["source"] == ARCHIVE else "generated, held out"
        return (
            f"{entry['task']}, {where}: {entry['accuracy']:.1%} of {entry['examples']:,} "
            f"({low:.1%} to {high:.1%})"
        )
    if "optimal_bits_per_sequence" in entry:
        cost, best = entry["bits_per_sequence"], entry["optimal_bits_per_sequence"]
        what = f"{entry['task']}, length {entry['length']}"
        return f"{what}: {cost:.1f} bits a sequence, best possible {best:.1f}"
    size = f"length {entry['length']}" if "length" in entry else f"{entry['items']} items"
    return (
        f"{entry['task']}, {size}: {entry['wrong_bits_per_sequence']:.3g} wrong bits a "
        f"sequence, {entry['perfect_sequences']} of {entry['examples']} without one"
    )


def trainings() -> str:
    """Return the table of the trainings behind the checkpoints."""
    lines = ["| checkpoint | updates | CPU time | command |", "|---|---|---|---|"]
    for name in checkpoints.shipped():
        record = read_json(checkpoints.DATA / "checkpoints" / f"{name}.json")
        minutes = record["cpu_seconds"] / 60
        lines.append(
            f"| `{name}` | {record['steps']:,} | {minutes:.1f} min | `{record['command']}` |"
        )
    return "\n".join(lines)


def faithfulness() -> str:
    """Return the table of generated against real stories, one row a task: medians over seeds."""
    entries = read_json(checkpoints.DATA / "faithfulness.json")["entries"]
    lines = [
        "| task | seeds | generated, held out | real valid | without those in real train "
        "| real − generated, each seed (95%) |",
        "|---|---|---|---|---|---|",
    ]
    for task in dict.fromkeys(entry["task"] for entry in entries):
        mine = [entry for entry in entries if entry["task"] == task]
        new = [entry["real_new"] for entry in mine if "real_new" in entry]
        fresh = f"{_median(new)} of {new[0]['examples']}" if new else "–"
        spans = "; ".join(
            f"{100 * d['value']:+.1f} ({100 * d['low']:+.1f} to {100 * d['high']:+.1f})"
            for d in (entry["difference"] for entry in mine)
        )
        generated, real = (_median([e[name] for e in mine]) for name in ("generated", "real"))
        lines.append(f"| {task} | {len(mine)} | {generated} | {real} | {fresh} | {spans} |")
    return "\n".join(lines)


def _median(results: list[dict]) -> str:
    return f"{statistics.median(result['accuracy'] for result in results):.1%}"


def speed() -> str:
    """Return what ``tools.bench`` measured, the CPU first."""
    record = read_json(bench.RESULTS)
    return "\n\n".join(bench_report.tables(record[device]) for device in sorted(record))


def headline() -> str:
    """Return README's short table: what a reader asks first, each with its command."""
    live = checkpoints.study("copy-live")["copy-live"]
    later = checkpoints.study("copy-live-fresh")["copy-live-fresh"]
    seconds = statistics.median(entry["cpu_seconds"] for entry in live)
    bits = {
        entry["checkpoint"]: entry["wrong_bits_per_sequence"]
        for entry in read_json(checkpoints.DATA / "results.json")["entries"]
        if entry.get("length") == 120
    }
    recall = checkpoints.study("tasks-recall")
    recall_seconds = statistics.median(entry["cpu_seconds"] for entry in recall["ntm-ff-recall"])
    above = readme_studies.medians("tasks-ngrams", readme_studies.bits_above)
    sort = readme_studies.medians("tasks-sort", readme_studies.wrong_bits)
    speed = read_json(bench.RESULTS)["cpu"]
    small, large = (bench_report.ratio(speed["copy"][i]["cases"], "ntm") for i in (0, 1))
    lntm = bench_report.ratio(speed["stories"]["cases"], "lntm_8")
    over = speed["stories"]["over_lntm"].values()
    rows = [
        (
            f"NTM learns copy from scratch, {seconds:.0f} s of one core",
            f"{_solved(live)} seeds solved; {_solved(later)} of those run afterwards",
            "python -m tools.studies copy-live copy-live-fresh",
        ),
        (
            "lists of 120 after training on 20: wrong bits of 960",
            f"NTM {bits['ntm-copy']:.3g}, LSTM {bits['lstm-copy']:.0f}",
            f"python -m tools.results {ARCHIVE}",
        ),
        (
            "associative recall: seeds that get 95 of 100 lists of 20 items right after training "
            f"on 2 to 6, the NTM for {recall_seconds:.0f} s of one core",
            ", ".join(f"{words} {_looked_up(recall[name])}" for name, words in RECALLED.items()),
            "python -m tools.studies tasks-recall",
        ),
        (
            "dynamic 5-grams: bits a sequence above the best possible guess, median of 5 seeds, "
            "at about equal computing",
            f"NTM {above['ntm-ff-ngrams']:.1f}, NTM with an LSTM controller "
            f"{above['ntm-lstm-ngrams']:.1f}, LSTM alone {above['lstm-ngrams']:.1f}",
            "python -m tools.studies tasks-ngrams",
        ),
        (
            "priority sort, 20 vectors: wrong bits of 128, median of 5 seeds",
            f"NTM {sort['ntm-ff-sort-pick']:.1f}, NTM with an LSTM controller "
            f"{sort['ntm-lstm-sort']:.1f}, LSTM alone {sort['lstm-sort']:.0f}",
            "python -m tools.studies tasks-sort",
        ),
        readme_babi.headline(),
        (
            "NTM's training step, a loop over `nn.LSTMCell` being 1",
            f"{small:.1f} × (batch 16), {large:.1f} × (batch 64)",
            speed["command"],
        ),
        (
            "L-NTM's training step on stories, the fused `nn.LSTM` being 1",
            f"{lntm:.1f} ×",
            speed["command"],
        ),
        (
            f"L-NTM's step faster than NTM's (paper: {bench_report.PAPER_SPEEDUP})",
            f"{min(over):.1f} to {max(over):.1f} ×",
            speed["command"],
        ),
    ]
    lines = ["| | measured | command |", "|---|---|---|"]
    return "\n".join(lines + [f"| {what} | {found} | `{how}` |" for what, found, how in rows])


def _solved(entries: list[dict]) -> str:
    """Say how many seeds have not one wrong bit in any test."""
    tests = [entry["measured"] for entry in entries]
    solved = sum(all(t["perfect_sequences"] == t["examples"] for t in each) for each in tests)
    return f"{solved} of {len(entries)}"


def _looked_up(entries: list[dict]) -> str:
    """Say how many seeds get at least 95% of the longest lists of associative recall right."""
    longest = [entry["measured"][-1] for entry in entries]
    found = sum(test["perfect_sequences"] >= 0.95 * test["examples"] for test in longest)
    return f"{found} of {len(entries)}"


DOCUMENTS = {  # what is filled with which tables
    README: {"lessons": lessons, "headline": headline, "babi": readme_babi.table},
    RESULTS: {
        "results": results,
        "trainings": trainings,
        "tasks": readme_studies.tasks,
        "ngrams": readme_studies.ngrams,
        "starts": readme_studies.starts,
        "lntm-starts": readme_studies.lntm_starts,
        "choice": readme_babi.choice,
        "data": readme_babi.data,
        "faithfulness": faithfulness,
        "bench": speed,
    },
}


def filled(path: Path) -> str:
    """Return a document's text with every table made anew between its markers."""
    text = path.read_text(encoding="utf-8")
    for name, table in DOCUMENTS[path].items():
        begin, end = f"<!-- {name} -->", f"<!-- /{name} -->"
        head, _, rest = text.partition(begin)
        _, found, tail = rest.partition(end)
        if not found:
            raise SystemExit(f"{path.name}: expected the markers {begin} and {end}")
        text = f"{head}{begin}\n{table()}\n{end}{tail}"
    return text


def draw_picture() -> None:
    """Draw the copy machine's tape, a real run, for README."""
    machine, _, _ = load("ntm-copy")
    batch = tasks.Copy().batch(1, tasks.stream(0, "evaluate", 0), length=12)
    _, _, trace = machine.with_slots(20)(batch.inputs, trace=True)
    PICTURE.parent.mkdir(exist_ok=True)
    draw_tape(trace, targets=batch.targets[:, 0]).savefig(PICTURE, dpi=110)


def draw_speed() -> None:
    """Draw how an NTM's training step grows, from the record, for README."""
    figure = bench_report.draw_scaling(read_json(bench.RESULTS)["cpu"])
    figure.savefig(SCALING, dpi=110)


def main() -> int:
    """Write the documents' tables and the pictures, or check the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="change nothing; 1 if out of date")
    check = parser.parse_args().check
    texts = {path: filled(path) for path in DOCUMENTS}
    old = [path.name for path, text in texts.items() if path.read_text(encoding="utf-8") != text]
    if check:
        for name in old:
            print(
                f"{name} is not what the records say: run python -m tools.readme", file=sys.stderr
            )
        return 1 if old else 0
    for path, text in texts.items():
        path.write_text(text, encoding="utf-8")
    draw_picture()
    draw_speed()
    return 0


if __name__ == "__main__":
    sys.exit(main())
