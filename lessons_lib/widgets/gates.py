"""The gate explorer: recurrent networks unrolled, their belts and gates, and the gradient back."""

from __future__ import annotations

from bisect import insort
from collections.abc import Mapping, Sequence

import traitlets
from matplotlib.figure import Figure
from torch import Tensor, nn

from lessons_lib.gradient_flow import GradientFlow, UnrolledRun, check_inputs, core_of
from lessons_lib.recurrent import GRU, LSTM
from lessons_lib.widgets.base import Picture, script, style
from lessons_lib.widgets.gates_view import draw_flows, flow_values
from lessons_lib.widgets.still import WithStill

BOUNDS = tuple(float(f"{size}e{power}") for power in range(-3, 4) for size in (1, 2, 5))
ALL = "all"


class GateExplorer(WithStill, Picture):
    """Networks in rows, time to the right: states, gates, belt, and the gradient of one loss.

    Keys: left and right one step, page keys ten, home and end; up and down another unit; space
    plays, B plays back from the loss; L puts the loss at the step shown (needs a kernel).

    Args:
        models: a name for each RNN, LSTM or GRU (also under a WordModel); or one model.
        inputs: (T, B, input_size), or word numbers (T, B); all models read the same.
        loss_at: the step whose output has the loss; None is the last.
        labels: a word or symbol for each step; None draws the inputs' numbers.
        clip: v, the bound on the norm of the gradient of all parameters.
        target: what should have come out at `loss_at`, as in ``gradient_flow``.
        sequence: which of the batch.
        title: a line above.

    Attributes:
        step, unit, clip, loss_at: to read and to set; a step or unit beyond the end is the last.
        shown: "all", or the name of the model that is drawn alone.
        flows: each model's ``GradientFlow``.
        values: for each model every tensor that is drawn, by name.

    Raises:
        ValueError: no step, no model, another kind of model, labels of another length, a bound
            that is not above 0.
    """

    _esm = script("gates.js")
    _css = style()
    step = traitlets.Int(0).tag(sync=True)
    unit = traitlets.Int(0).tag(sync=True)
    clip = traitlets.Float(1.0).tag(sync=True)
    loss_at = traitlets.Int(0).tag(sync=True)
    shown = traitlets.Unicode(ALL).tag(sync=True)
    steps = traitlets.Int(1).tag(sync=True)
    models = traitlets.List(traitlets.Dict()).tag(sync=True)
    labels = traitlets.List(traitlets.Unicode()).tag(sync=True)
    bounds = traitlets.List(traitlets.Float()).tag(sync=True)
    title = traitlets.Unicode("").tag(sync=True)

    def __init__(
        self,
        models: Mapping[str, nn.Module] | nn.Module,
        inputs: Tensor,
        loss_at: int | None = None,
        labels: Sequence[str] | None = None,
        clip: float = 1.0,
        *,
        target: int | Tensor | None = None,
        sequence: int = 0,
        title: str = "",
    ) -> None:
        """Run and go back once; stepping then sends nothing."""
        self._models = _named(models)
        steps = check_inputs(inputs, sequence)
        if labels is not None and len(labels) != steps:
            raise ValueError(f"expected {steps} labels, got {len(labels)}")
        self._runs = {
            name: UnrolledRun(model, inputs, target=target, sequence=sequence)
            for name, model in self._models.items()
        }
        self.flows = self._flows(loss_at)
        last = next(iter(self.flows.values())).loss_at
        self._ready = False
        super().__init__(
            steps=steps,
            step=last,
            loss_at=last,
            clip=clip,
            models=[_described(name, model) for name, model in self._models.items()],
            labels=[str(label) for label in labels or ()],
            bounds=sorted({*BOUNDS, float(clip)}),
            title=title,
        )
        self._ready = True
        self._put_values()

    @traitlets.validate("step", "loss_at")
    def _check_step(self, proposal: dict) -> int:
        return min(max(proposal["value"], 0), self.steps - 1)

    @traitlets.validate("unit")
    def _check_unit(self, proposal: dict) -> int:
        most = max(model["units"] for model in self.models)
        return min(max(proposal["value"], 0), most - 1)

    @traitlets.validate("clip")
    def _check_clip(self, proposal: dict) -> float:
        if not 0 < proposal["value"] < float("inf"):
            raise ValueError(f"expected a bound above 0 as clip, got {proposal['value']}")
        return proposal["value"]

    @traitlets.validate("shown")
    def _check_shown(self, proposal: dict) -> str:
        known = [ALL, *self._models]
        if proposal["value"] not in known:
            raise ValueError(f"expected {', '.join(known)} to be shown, got {proposal['value']!r}")
        return proposal["value"]

    @traitlets.observe("clip")
    def _clip_changed(self, change: dict) -> None:
        """Send the clipped norm of a bound that code has set; those of the slider are there."""
        if self._ready and change["new"] not in self.bounds:
            bounds = list(self.bounds)
            insort(bounds, change["new"])
            with self.hold_sync():
                self.bounds = bounds
                self._put_values()

    @traitlets.observe("loss_at")
    def _loss_moved(self, change: dict) -> None:
        if self._ready:
            self.flows = self._flows(change["new"])
            self._put_values()

    def _flows(self, loss_at: int | None) -> dict[str, GradientFlow]:
        return {name: run.flow(loss_at) for name, run in self._runs.items()}

    def _put_values(self) -> None:
        numbers = {
            f"{name} {key}": tensor
            for name, values in self.values.items()
            for key, tensor in values.items()
        }
        with self.hold_sync():
            self.problems = [
                f"{name}: {problem}"
                for name, flow in self.flows.items()
                for problem in flow.problems()
            ]
            self.put(numbers)

    @property
    def values(self) -> dict[str, dict[str, Tensor]]:
        """Return what is drawn, for each model by name: tensors (T, C), (T,) or one a bound."""
        return {name: flow_values(flow, self.bounds) for name, flow in self.flows.items()}

    def still(self) -> Figure:
        """Return the chosen unit's belt and gates, and every gradient, for print."""
        return draw_flows(self.flows, self.unit, self.labels)

    def __repr__(self) -> str:
        """Name the networks and the size; the same text at every run."""
        steps = f"{self.steps} step{'s' if self.steps > 1 else ''}"
        return f"GateExplorer({' and '.join(self._models)}, {steps})"


def _named(models: Mapping[str, nn.Module] | nn.Module) -> dict[str, nn.Module]:
    if isinstance(models, nn.Module):
        return {type(core_of(models)).__name__: models}
    if not isinstance(models, Mapping) or not models:
        raise ValueError(f"expected models by name, such as {{'LSTM': model}}, got {models!r}")
    if ALL in models:
        raise ValueError(f"expected another name than {ALL!r} for a model")
    return {str(name): model for name, model in models.items()}


def _described(name: str, model: nn.Module) -> dict[str, object]:
    core = core_of(model)
    kind = next((kind for kind in (LSTM, GRU) if isinstance(core, kind)), None)
    kind_name = "RNN" if kind is None else kind.__name__
    return {"name": name, "kind": kind_name, "units": core.hidden_size}
