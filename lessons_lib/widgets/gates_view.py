"""What the page of ``GateExplorer`` gets: a run, its gradient, and a still of both."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from lessons_lib import figure_parts as parts
from lessons_lib.gradient_flow import GradientFlow, clip_factor, norms
from lessons_lib.trace import Trace

GATES = ("forget_gate", "input_gate", "output_gate", "update_gate", "reset_gate")


def flow_values(flow: GradientFlow, bounds: Sequence[float]) -> dict[str, Tensor]:
    """Return every number that is drawn of one network.

    The belt of an LSTM holds c: what is kept of it, f c_{t−1}, what is added, i c̃, and what is
    let out, o tanh(c). That of a GRU is h itself: z h_{t−1} and (1 − z) h̃. An RNN has none.
    Norms and their logarithms are one a step; ``clipped`` and ``factor`` one a bound.
    """
    trace = flow.trace
    values = {"inputs": trace.inputs[:, 0], "hidden": trace.hidden[:, 0]}
    for name in ("cell", "candidate", *GATES):
        if getattr(trace, name) is not None:
            values[name] = getattr(trace, name)[:, 0]
    for name in GATES:
        if name in values:
            values[f"{name} median"] = values[name].quantile(0.5, dim=-1)
    values |= _belt(values)
    for name in ("hidden", "cell"):
        gradient = getattr(flow, name)
        if gradient is not None:
            size = norms(gradient)
            values[f"{name} gradient"] = gradient
            values[f"{name} norm"] = size
            values[f"{name} log"] = size.log10()
            values[f"{name} unit log"] = gradient.double().abs().log10()
            values[f"{name} ratio"] = torch.cat([size[:-1] / size[1:], size.new_ones(1)])
    factors = [clip_factor(flow.total, bound) for bound in bounds]
    values["by_step"] = flow.by_step
    values["by_step log"] = flow.by_step.log10()
    values["loss_at"] = torch.tensor([flow.loss_at])
    values["total"] = torch.tensor([flow.total])
    values["factor"] = torch.tensor(factors, dtype=torch.double)
    values["factor log"] = values["factor"].log10()
    values["clipped"] = values["factor"] * flow.total
    return values


def _belt(values: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return what the belt carries: before, kept, added, after; (T, C) each."""
    if "cell" in values:
        carried, keep, take = values["cell"], values["forget_gate"], values["input_gate"]
    elif "update_gate" in values:
        carried, keep = values["hidden"], values["update_gate"]
        take = 1 - keep
    else:
        return {}
    before = torch.cat([torch.zeros_like(carried[:1]), carried[:-1]])
    belt = {"before": before, "kept": keep * before, "added": take * values["candidate"]}
    if "cell" in values:
        belt["squashed"] = carried.tanh()
    return belt | {"carried": carried}


def draw_flows(flows: Mapping[str, GradientFlow], unit: int, labels: Sequence[str]) -> Figure:
    """Draw, from top to bottom, each network's belt of one unit and its gates, then the gradients.

    Args:
        flows: for each name its run and gradient.
        unit: which unit; the last one of a network that has fewer.
        labels: one for each step, or none.
    """
    gated = [name for name, flow in flows.items() if _has_belt(flow.trace)]
    count = len(flows) + len(gated) + 1
    figure, axes = parts.make_figure(count, 1, (8, 0.6 + 1.5 * count), sharex=True)
    rows = iter(axes[:, 0])
    for name, flow in flows.items():
        own = min(unit, flow.hidden.shape[1] - 1)
        values = {key: tensor.cpu() for key, tensor in flow_values(flow, ()).items()}
        _draw_belt(next(rows), f"{name}\nunit {own}", values, own)
        if name in gated:
            _draw_gates(next(rows), f"{name}\ngates", values, own)
    _draw_gradients(axes[-1, 0], flows)
    if labels:
        turned = 90 if max(map(len, labels)) * len(labels) > 70 else 0
        axes[-1, 0].set_xticks(range(len(labels)), labels, rotation=turned, fontsize=9)
    else:
        axes[-1, 0].set_xlabel("step")
    return figure


def _draw_belt(ax: Axes, name: str, values: Mapping[str, Tensor], unit: int) -> None:
    steps = range(len(values["hidden"]))
    blue, orange = parts.COLORS[:2]
    if "kept" in values:
        kept, added = (values[key][:, unit].nan_to_num().numpy() for key in ("kept", "added"))
        ax.bar(steps, kept, color=blue, label="kept")
        ax.bar(steps, added, bottom=kept, fill=False, edgecolor=orange, hatch="///", label="added")
    else:
        hidden = values["hidden"][:, unit].nan_to_num().numpy()
        ax.bar(steps, hidden, color=blue, label="h, made anew at every step")
    ax.axhline(0, color="black", linewidth=0.8)
    ax.set_ylabel(name, rotation=0, ha="right", va="center")
    ax.legend(ncols=2, fontsize=8, loc="lower right", bbox_to_anchor=(1, 1))


def _draw_gates(ax: Axes, name: str, values: Mapping[str, Tensor], unit: int) -> None:
    found = [gate for gate in GATES if gate in values]
    for gate, dash in zip(found, parts.DASHES, strict=False):
        label = gate.removesuffix("_gate")
        ax.plot(values[gate][:, unit].double(), dash, marker=".", label=label)
    ax.set_ylim(-0.05, 1.05)
    ax.set_ylabel(name, rotation=0, ha="right", va="center")
    ax.legend(ncols=3, fontsize=8, loc="lower right", bbox_to_anchor=(1, 1))


def _draw_gradients(ax: Axes, flows: Mapping[str, GradientFlow]) -> None:
    """Draw the norm of the gradient at the state that is carried, up to the loss."""
    for (name, flow), dash in zip(flows.items(), parts.DASHES * len(flows), strict=False):
        gradient, what = (flow.hidden, "h") if flow.cell is None else (flow.cell, "c")
        size = norms(gradient)[: flow.loss_at + 1].cpu()
        ax.plot(size, dash, marker=".", label=f"{name}: ∂L/∂{what}")
    if any((norms(flow.hidden) > 0).any() for flow in flows.values()):
        ax.set_yscale("log")
    ax.set_ylabel("gradient\n(norm)", rotation=0, ha="right", va="center")
    ax.legend(ncols=len(flows), fontsize=8, loc="lower right", bbox_to_anchor=(1, 1))


def _has_belt(trace: Trace) -> bool:
    return trace.cell is not None or trace.update_gate is not None
