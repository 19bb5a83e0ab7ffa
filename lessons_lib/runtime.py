"""The setup of a lesson: seeds, sizes, device and the folder of the learner's answers."""

from __future__ import annotations

import os
import random
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch

PROFILES = ("quick", "full", "gpu")

Size = TypeVar("Size")


@dataclass(frozen=True, repr=False)
class Runtime:
    """How this notebook runs: `profile`, `device`, `answers` (a folder) and `seed`."""

    profile: str
    device: torch.device
    answers: Path
    seed: int

    def size(self, *, quick: Size, full: Size, gpu: Size | None = None) -> Size:
        """Return the size that belongs to this profile; `gpu` is `full` where it is not given."""
        return _pick(self.profile, quick, full, gpu)

    def __repr__(self) -> str:
        """Name the profile and the seed alone: the same line on every machine."""
        return f"Runtime(profile={self.profile!r}, seed={self.seed})"


def setup(seed: int = 0) -> Runtime:
    """Seed `random`, numpy and torch, prepare the figures, and say how we run.

    Figures get the one style, and a description of themselves for those who do not see them.
    torch gets one thread, unless the environment's `OMP_NUM_THREADS` says how many: a lesson's
    tensors are small, and on a busy machine two threads mostly wait for each other.
    The profile is the environment's `LESSONS_PROFILE` (`quick`, `full` or `gpu`; `full` unless
    told). Raises ValueError for another profile, and RuntimeError for `gpu` without a GPU.
    """
    # Here, so that a training needs no figures.
    from lessons_lib.figure_words import show_with_words
    from lessons_lib.figures import use_style

    name = profile()
    where = device(name)
    seed_everything(seed)
    if "OMP_NUM_THREADS" not in os.environ:
        torch.set_num_threads(1)
    use_style()
    show_with_words()
    return Runtime(profile=name, device=where, answers=answers_folder(), seed=seed)


def seed_everything(seed: int) -> None:
    """Start the random streams of `random`, numpy and torch (every device) at `seed`."""
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002  the learner's own np.random calls should repeat too
    torch.manual_seed(seed)


def profile() -> str:
    """Return the profile named in `LESSONS_PROFILE`, `full` where none is."""
    name = os.environ.get("LESSONS_PROFILE") or "full"
    if name not in PROFILES:
        raise ValueError(f"expected LESSONS_PROFILE as one of {', '.join(PROFILES)}, got {name!r}")
    return name


def device(profile: str) -> torch.device:
    """Return the GPU where there is one and the profile is not `quick`, else the CPU."""
    found = torch.cuda.is_available()
    if profile == "gpu" and not found:
        raise RuntimeError("LESSONS_PROFILE=gpu needs a CUDA GPU, and torch found none here")
    return torch.device("cuda" if found and profile != "quick" else "cpu")


def answers_folder() -> Path:
    """Return where answers are kept: `LESSONS_ANSWERS`, or else the notebook's own folder."""
    return Path(os.environ.get("LESSONS_ANSWERS") or Path.cwd())


def size(*, quick: Size, full: Size, gpu: Size | None = None) -> Size:
    """Return the size that belongs to the profile in use, as `Runtime.size` does."""
    return _pick(profile(), quick, full, gpu)


def _pick(profile: str, quick: Size, full: Size, gpu: Size | None) -> Size:
    if profile == "quick":
        return quick
    return gpu if profile == "gpu" and gpu is not None else full
