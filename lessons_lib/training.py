"""One small training loop for every model: it can be interrupted, resumed and repeated."""

from __future__ import annotations

import math
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import torch
from torch import nn
from tqdm.auto import tqdm

from lessons_lib import checkpoints, models, records
from lessons_lib.problems import problem
from lessons_lib.recipes import Recipe

#: So many batches in a row may be left out for an overflowing gradient before the training stops.
PATIENCE = 5


class NotFinite(RuntimeError):  # noqa: N818  it names what was found
    """A loss or a gradient is NaN or infinite; the message says where the last good state is."""


class Training:
    """A recipe under way.

    ``run`` takes it to the end; an interruption (Ctrl-C, or the notebook's stop button) waits for
    the update in hand. Calling ``run`` again goes on where it was, and so does a new ``Training``
    of the same recipe and seed with the same ``out`` folder, to the same result as if nothing had
    happened.

    Args:
        recipe: what to train.
        seed: of the model's start and of the order of the batches.
        out: folder for the state to resume from, the checkpoint and the run record; None keeps
            nothing on disk.
        device: where to train.

    Raises:
        ValueError: the recipe names an unknown model or task, or ``out`` holds a state of another
            recipe.
    """

    def __init__(
        self,
        recipe: Recipe,
        *,
        seed: int = 0,
        out: str | Path | None = None,
        device: str | torch.device = "cpu",
    ) -> None:
        self.recipe, self.seed, self.device = recipe, seed, torch.device(device)
        self.out = None if out is None else Path(out)
        self.problem = problem(seed, recipe.batch_size, recipe.data)
        torch.manual_seed(seed)
        self.settings = {**recipe.model, **self.problem.sizes}
        self.model = models.build(**self.settings).to(self.device)
        if recipe.run_slots is not None and not hasattr(self.model, "with_slots"):
            raise ValueError(f"expected run_slots for an NTM alone, got it for {recipe.name}")
        self.optimizer = torch.optim.AdamW(
            self.model.parameters(),
            lr=recipe.learning_rate,
            betas=(0.9, recipe.beta2),
            weight_decay=recipe.weight_decay,
        )
        self.step, self.seconds, self.cpu_seconds = 0, 0.0, 0.0
        self.losses: list[float] = []
        self.skipped: list[int] = []
        self.curve: list[dict] = []
        if self.out is not None and self.state_path.exists():
            self._load_state()

    @property
    def name(self) -> str:
        """The name of the files that this training leaves."""
        return f"{self.recipe.name}-seed{self.seed}"

    @property
    def state_path(self) -> Path:
        """Where the state to resume from is kept."""
        return self.out / f"{self.name}.state.pt"

    @property
    def finished(self) -> bool:
        """Whether all steps are done, or the held-out measure was good enough twice in a row."""
        if self._measure_due:
            return False
        return self.step >= self.recipe.steps or self._good_enough()

    @property
    def _measure_due(self) -> bool:
        """Whether this step's measure is still to be made, also where it was interrupted."""
        measured = self.curve[-1]["step"] if self.curve else 0
        last = self.step >= self.recipe.steps
        return self.step > measured and (last or self.step % self.recipe.measure_every == 0)

    def _good_enough(self) -> bool:
        goal, last = self.recipe.stop_at, self.curve[-2:]
        if goal is None or len(last) < 2:
            return False
        values = [point[self.problem.goal] for point in last]
        if self.problem.goal == "accuracy":
            return min(values) >= goal
        return max(values) <= goal

    def run(
        self,
        *,
        seconds: float | None = None,
        progress: bool = True,
        watch: Callable[[Training], None] | None = None,
    ) -> dict:
        """Train to the end, or for some seconds, and return the run record so far.

        Args:
            seconds: pause after this long; None goes on to the end.
            progress: show a bar with loss, held-out measure and time left.
            watch: called after each held-out measure.

        Raises:
            NotFinite: the loss or the gradient is NaN or infinite; the last good state is kept.
            KeyboardInterrupt: paused between two updates; the state is whole and kept.
        """
        begun, cpu_begun = time.perf_counter(), time.process_time()
        before, cpu_before = self.seconds, self.cpu_seconds
        bar = tqdm(
            total=self.recipe.steps,
            initial=self.step,
            desc=self.name,
            disable=not progress,
            mininterval=0.5,
        )
        try:
            while not self.finished:
                if not self._measure_due:
                    self.update()
                    self.seconds = before + time.perf_counter() - begun
                    self.cpu_seconds = cpu_before + time.process_time() - cpu_begun
                    bar.update()
                if self._measure_due:
                    self._measure(bar)
                    if watch is not None:
                        watch(self)
                if seconds is not None and time.perf_counter() - begun > seconds:
                    break
        finally:
            bar.close()
            self.save_state()
        record = self.record()
        if self.out is not None and self.finished:
            checkpoints.save(
                self.out / self.name,
                self.finished_model(),
                self.settings_now(),
                self.problem.vocabulary,
                record,
            )
        return record

    def update(self) -> float:
        """Make one update of the parameters and return the loss before it.

        Where the loss is a number and its gradient overflows, there is no direction to go: the
        batch is left out, and its step is kept in ``skipped``.

        Raises:
            NotFinite: the loss is NaN or infinite, or ``PATIENCE`` gradients in a row are.
        """
        self.model.train()
        self._set_learning_rate()
        self.optimizer.zero_grad(set_to_none=True)
        with _random_of(self.seed, self.step):
            loss = self.problem.loss(self.model, self.step, self.device)
        loss.backward()
        norm = nn.utils.clip_grad_norm_(self.model.parameters(), self.recipe.clip)
        value = loss.item()
        overflow = not math.isfinite(norm.item())
        if not math.isfinite(value) or (overflow and self._lost_patience()):
            raise NotFinite(self._not_finite(value, norm.item()))
        with _interrupt_held_back():
            if overflow:
                self.skipped.append(self.step)
            else:
                self.optimizer.step()
            self.losses.append(value)
            self.step += 1
        return value

    def _lost_patience(self) -> bool:
        before = list(range(self.step - PATIENCE + 1, self.step))
        return self.skipped[-len(before) :] == before

    def _not_finite(self, loss: float, norm: float) -> str:
        self.save_state()
        kept = "in this object" if self.out is None else f"in {self.state_path}"
        return (
            f"{self.name}, step {self.step}: "
            f"the loss is {loss:g} and the gradient's norm {norm:g}; "
            f"stopped before the update, the parameters of the step before are kept {kept}. "
            f"A smaller learning rate than {self.recipe.learning_rate:g} or a clip below "
            f"{self.recipe.clip:g} may help."
        )

    def _set_learning_rate(self) -> None:
        rate = self.recipe.learning_rate
        if self.recipe.decay == "cosine":
            rate *= 0.5 * (1 + math.cos(math.pi * self.step / self.recipe.steps))
        for group in self.optimizer.param_groups:
            group["lr"] = rate

    def _measure(self, bar: tqdm) -> None:
        held_out = self.problem.measure(self.model)
        loss = sum(self.losses) / len(self.losses)
        self.losses.clear()
        self.curve.append(
            {"step": self.step, "seconds": round(self.seconds, 2), "loss": loss, **held_out}
        )
        reached = {self.problem.goal: f"{held_out[self.problem.goal]:.4f}"}
        bar.set_postfix(loss=f"{loss:.4f}", **reached)
        self.save_state()

    def finished_model(self) -> nn.Module:
        """Return the model as it is shipped: an NTM with the slots that the recipe runs it with."""
        slots = self.recipe.run_slots
        return self.model if slots is None else self.model.with_slots(slots)

    def settings_now(self) -> dict:
        """Return the settings that build ``finished_model``."""
        slots = self.recipe.run_slots
        return self.settings if slots is None else {**self.settings, "slots": slots}

    def record(self) -> dict:
        """Return the run record: recipe, seed, versions, hardware, duration and curve."""
        return {
            "recipe": self.recipe.as_dict(),
            "command": f"python -m lessons_lib train {self.recipe.name} --seed {self.seed}",
            "seed": self.seed,
            "steps": self.step,
            "examples": self.problem.examples,
            "finished": self.finished,
            "skipped": list(self.skipped),
            "date": datetime.now(UTC).date().isoformat(),
            "seconds": round(self.seconds, 1),
            "cpu_seconds": round(self.cpu_seconds, 1),
            "versions": records.versions(),
            "hardware": records.hardware(self.device),
            "curve": list(self.curve),
        }

    def save_state(self) -> None:
        """Keep what resuming needs, if there is a folder for it."""
        if self.out is None:
            return
        self.out.mkdir(parents=True, exist_ok=True)
        state = {
            "recipe": self.recipe.as_dict(),
            "model": self.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "step": self.step,
            "seconds": self.seconds,
            "cpu_seconds": self.cpu_seconds,
            "losses": self.losses,
            "skipped": self.skipped,
            "curve": self.curve,
        }
        beside = self.state_path.with_suffix(".part")
        torch.save(state, beside)
        beside.replace(self.state_path)

    def _load_state(self) -> None:
        state = checkpoints.read_tensors(self.state_path, self.device)
        if state["recipe"] != self.recipe.as_dict():
            raise ValueError(
                f"{self.state_path} is of another recipe named {state['recipe']['name']}: "
                f"choose another folder, or remove the file to start anew"
            )
        self.model.load_state_dict(state["model"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.step, self.curve = state["step"], state["curve"]
        self.seconds, self.cpu_seconds = state["seconds"], state["cpu_seconds"]
        self.losses, self.skipped = state["losses"], state["skipped"]


@contextmanager
def _random_of(seed: int, step: int) -> Iterator[None]:
    """Give dropout the random numbers of this seed and step alone, and the caller's own back."""
    with torch.random.fork_rng():
        torch.manual_seed(int(np.random.SeedSequence((seed, step)).generate_state(1)[0]))
        yield


@contextmanager
def _interrupt_held_back() -> Iterator[None]:
    """Let Ctrl-C wait until the block is done, so that no update is ever made by half."""
    if threading.current_thread() is not threading.main_thread():
        yield  # signals reach the main thread alone
        return
    came = []
    before = signal.signal(signal.SIGINT, lambda *_: came.append(True))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before or signal.default_int_handler)
    if came:
        raise KeyboardInterrupt
