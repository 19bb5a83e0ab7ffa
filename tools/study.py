"""What a study is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lessons_lib.recipes import Recipe


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
