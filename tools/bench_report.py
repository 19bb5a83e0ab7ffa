"""The tables and the figure of ``tools.bench``, made from its record."""

from __future__ import annotations

import math

from matplotlib.figure import Figure

from lessons_lib import figure_parts as parts

# What public PyTorch NTMs took in earlier measurements, by batch; ``tools.bench`` does not run
# them.
PUBLISHED = {16: "19.5 to 33 ×", 64: "23 to 53 ×"}
PAPER_SPEEDUP = "6 ×"  # L-NTM over NTM, as its paper says
SPREAD_TARGET = 0.15
RUNGS = ("lntm_autograd", "lntm_autograd_every_step", "lntm_fed_plain")  # in ``apart`` alone
PANELS = (
    ("seconds", "training step (ms)", 1e3),
    ("kept_bytes", "kept for backward (MB)", 1e-6),
)
AXES = (("slots", "slots"), ("length", "length of the list"), ("batch", "batch"))


def tables(section: dict) -> str:
    """Return all that one device's record says, as Markdown."""
    told = [measured_on(section), copying(section), stories(section), apart(section)]
    if "scaling" in section:
        told.append(growth(section))
    return "\n\n".join(told)


def measured_on(section: dict) -> str:
    """Return the sentence that names command, machine and date."""
    machine, versions = section["hardware"], section["versions"]
    on = machine.get("accelerator", machine["processor"])
    threads = machine["threads"]
    text = (
        f"`{section['command']}`, {section['date']}, {section['seconds'] / 60:.1f} minutes: {on}, "
        f"{threads} thread{'s' * (threads != 1)} of {machine['cores']} cores, "
        f"torch {versions['torch']}, Python {versions['python']}."
    )
    if busy(section):
        before, after = section["load"]
        text += (
            f" The machine was not idle (load {before:.1f} before, {after:.1f} after): "
            "these ratios are provisional."
        )
    return text


def busy(section: dict) -> bool:
    """Whether other work wanted the cores: more load before than half a process."""
    before = section["load"][0]
    return before is not None and before > 0.5


def copying(section: dict) -> str:
    """Return the table of copy: time of the unit, ratios of the others, at each batch size."""
    plan, groups = section["plan"], section["copy"]
    batches = [group["batch"] for group in groups]
    steps = f"copy of length {plan['copy_length']}, memory {plan['slots']} × 20"
    lines = [
        f"| {steps} | {' | '.join(f'batch {batch}' for batch in batches)} | target |",
        "|---" * (len(batches) + 2) + "|",
    ]
    for row in zip(*(group["cases"] for group in groups), strict=True):
        cells = " | ".join(_ratio(entry) for entry in row)
        lines.append(f"| {row[0]['words']} | {cells} | {_target(row[0])} |")
    if "accelerator" not in section["hardware"]:
        published = " | ".join(PUBLISHED.get(batch, "–") for batch in batches)
        lines.append(f"| public NTMs, as measured before; not measured here | {published} | |")
    return "\n".join(lines)


def stories(section: dict) -> str:
    """Return the table of the story sizes."""
    plan, found = section["plan"], section["stories"]
    sizes = f"{plan['story_steps']} steps, batch {plan['story_batch']}, memory 8 × 20"
    lines = [f"| {sizes} | measured | target |", "|---|---|---|"]
    shown = [entry for entry in found["cases"] if entry["key"] not in RUNGS]
    lines += [f"| {e['words']} | {_ratio(e)} | {_target(e)} |" for e in shown]
    numbers = ", ".join(str(r) for r in plan["pointers"])
    lines.append(
        f"| slowest of R = {numbers} over the fastest, answer read once | "
        f"+{found['spread']:.0%} | at most +{SPREAD_TARGET:.0%} |"
    )
    return "\n".join(lines)


def apart(section: dict) -> str:
    """Return the table that takes the speed of L-NTM over NTM apart."""
    found = section["stories"]
    over = found["over_lntm"]
    lines = [
        f"The paper says that L-NTM is {PAPER_SPEEDUP} faster than NTM. At these sizes our NTM "
        f"with one read head takes {over['ntm']:.1f} times as long as L-NTM with 8 pointers "
        f"({over['ntm_plain']:.1f} on NTM's plain path), and with eight read heads "
        f"{over['ntm_many']:.1f} ({over['ntm_many_plain']:.1f}). From the plain NTM with eight "
        "read heads to that L-NTM, one change a line; in another order the shares would differ:",
        "",
        "| change | faster by | share of the whole, on a log scale |",
        "|---|---|---|",
    ]
    for rung in found["ladder"]:
        lines.append(f"| {rung['words']} | {rung['factor']:.2f} × | {rung['share']:.0%} |")
    lines.append(f"| together | {found['total']:.2f} × | 100% |")
    return "\n".join(lines)


def growth(section: dict) -> str:
    """Return the table of how time and memory grow."""
    plan, scaling = section["plan"], section["scaling"]
    batch = plan["copy_batches"][0]
    lines = [
        "How an NTM's training step grows, as the exponent p of size to the power p (1 is linear; "
        "less where a fixed cost still counts). One size varies, the others stay at "
        f"{plan['slots']} slots, length {plan['copy_length']} and batch {batch}; memory is what "
        "torch's profiler counts as allocated by the forward pass and not yet released.",
        "",
        "| varied | time, upper half of the sizes | time, last two | memory, upper half "
        "| memory, last two |",
        "|---|---|---|---|---|",
    ]
    for name, words in AXES:
        mine = [entry for entry in scaling["entries"] if entry["varied"] == name]
        upper = scaling["slopes"][name]
        cells = " | ".join(
            f"{upper[what]:.2f} | {_last_exponent(mine, name, what):.2f}" for what, *_ in PANELS
        )
        lines.append(f"| {words}, {mine[0][name]:,} to {mine[-1][name]:,} | {cells} |")
    return "\n".join(lines)


def _last_exponent(entries: list[dict], name: str, what: str) -> float:
    """Return p of values ~ sizesᵖ between the two largest sizes."""
    one, two = entries[-2:]
    return math.log(two[what] / one[what]) / math.log(two[name] / one[name])


def ratio(cases: list[dict], key: str) -> float:
    """Return how many times the unit's time a case took."""
    return next(entry["ratio"] for entry in cases if entry["key"] == key)


def _ratio(entry: dict) -> str:
    if entry["ratio"] == 1:
        return f"1 ({1000 * entry['seconds']:.3g} ms)"
    return f"{entry['ratio']:.{1 if entry['ratio'] >= 10 else 2}f} ×"


def _target(entry: dict) -> str:
    return "" if entry["target"] is None else f"at most {entry['target']:g} ×"


def draw_scaling(section: dict) -> Figure:
    """Draw time and memory of the NTM's training step over slots, length and batch."""
    scaling = section["scaling"]
    figure, axes = parts.make_figure(len(PANELS), len(AXES), (9, 5), sharey="row")
    for row, (what, label, unit) in zip(axes, PANELS, strict=True):
        for ax, (name, words) in zip(row, AXES, strict=True):
            mine = [e for e in scaling["entries"] if e["varied"] == name]
            sizes, values = [e[name] for e in mine], [unit * e[what] for e in mine]
            ax.plot(sizes, values, "o-", color=parts.COLORS[0], label="measured")
            line = [values[-1] * size / sizes[-1] for size in sizes]
            ax.plot(sizes, line, ":", color=parts.COLORS[1], label="linear")
            ax.set_xscale("log", base=2)
            ax.set_yscale("log")
            ax.set_xticks(sizes, [str(size) for size in sizes])
            ax.minorticks_off()
            ax.set_title(f"exponent {scaling['slopes'][name][what]:.2f} (upper half)")
            if what == PANELS[-1][0]:
                ax.set_xlabel(words)
        row[0].set_ylabel(label)
    axes[0, 0].legend()
    return figure
