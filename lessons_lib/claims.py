"""What the L-NTM paper reports, to stand beside what is measured here (its tables 1 and 2).

Percent right on bAbI, each model trained on 10,000 questions of one task; None where the paper has
no figure. Seconds are for one pass over the training questions, on one P100.
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Claim:
    """One task's row: percent right by model, and the seconds of a pass where they are given."""

    lstm: float
    ntm: float | None
    lntm: float
    seconds: dict[str, int] = field(default_factory=dict)


LNTM_PAPER: dict[str, Claim] = {
    "qa1": Claim(39.0, 100, 100, {"lstm": 100, "ntm": 1500, "lntm": 280}),
    "qa2": Claim(20.1, 90, 99.6, {"lstm": 400, "ntm": 4800, "lntm": 1080}),
    "qa6": Claim(52.5, None, 100),
    "qa9": Claim(64.6, None, 99.1),
    "qa15": Claim(23.5, None, 100),
    "qa20": Claim(83.8, None, 99.8),
}
