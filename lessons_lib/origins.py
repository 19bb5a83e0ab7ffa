"""Which step wrote what stands in a slot, and what a head reads: exact, from a trace alone.

Erase and add are linear in the memory, so a memory is the sum of what is left of each write, and
of the start. With c_s what step s put there, faded by every erase since,

    M_t = c_start + Σ_{s ≤ t} c_s
    c_s = (Σ_h f(h) w(h) a(h)ᵀ) ∘ Π_{s < u ≤ t} Π_h (1 − w_u(h) e_u(h)ᵀ)

(NTM eqs. 3 and 4; L-NTM eqs. 4 and 5; f = 1 in an NTM). What a head reads is then a sum too,
r = Σ_s r_s with r_s = Σ_i w(i) c_s(i). The share of step s says how large its part is, by the sizes
of its numbers:

    share(s) = Σ |r_s| / Σ_u Σ |r_u|

so the shares of all steps and of the start sum to 1. A slot's shares are the same with c_s(i). They
say where the numbers came from, not whether an answer needed them: that is what
``lessons_lib.evidence`` asks. Shapes: T time, R read heads, S slots, W width, P parts.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from lessons_lib import memory
from lessons_lib.trace import Trace

START = -1  # in the place of a step: what was there before the first write


@dataclass(frozen=True)
class Origins:
    """Each step's part in what is read and in what stands in the slots.

    Attributes:
        reads: share(s) of what each read head reads, (T, R, T + 1); s = T is the start.
        together: the same of all read heads together, (T, T + 1): Σ runs over the heads too.
        slot_step: the step with the largest share of each slot, (T, S); −1 is the start.
        slot_share: that share, (T, S). NaN where a slot is all 0, as in ``reads``.
    """

    reads: Tensor
    together: Tensor
    slot_step: Tensor
    slot_share: Tensor

    def of_read(self, step: int, head: int | None = None, most: int = 3) -> list[tuple[int, float]]:
        """Return the steps that wrote what is read at a step, with their shares, largest first.

        Args:
            step: the step that reads.
            head: which read head; None is all together.
            most: how many at the most; shares below 0.005 are left out. −1 is the start.
        """
        shares = self.together[step] if head is None else self.reads[step, head]
        order = shares.nan_to_num(nan=-1.0).argsort(descending=True, stable=True)[:most].tolist()
        start = len(shares) - 1
        found = [(START if source == start else source, shares[source].item()) for source in order]
        return [(source, share) for source, share in found if share >= 0.005]


def origins(trace: Trace, sequence: int = 0) -> Origins:
    """Take apart what stands in the memory and what is read, by the step that wrote it.

    Args:
        trace: a record of an NTM or L-NTM, without padding.
        sequence: which of the batch.

    Raises:
        ValueError: as ``parts_of_memory``, and where the trace has no reads.
    """
    if trace.reads is None:
        raise ValueError("expected a trace of a machine that reads from a memory")
    one = trace.sequence(sequence)
    reads, together, slots = [], [], []
    for step, parts in enumerate(parts_of_memory(one)):
        read = memory.read(parts, one.read.weights[step].expand(len(parts), -1, -1))  # (P, R, W)
        reads.append(_in_order(share_of(read.abs().sum(-1)), len(one)))
        together.append(_in_order(share_of(read.abs().sum((1, 2))), len(one)))
        slots.append(share_of(parts.abs().sum(-1)).nan_to_num(nan=-torch.inf).max(0))
    share = torch.stack([best.values for best in slots])
    return Origins(
        reads=torch.stack(reads).transpose(1, 2),
        together=torch.stack(together),
        slot_step=torch.stack([best.indices for best in slots]) - 1,  # the start is part 0
        slot_share=share.where(share > -torch.inf, torch.nan),
    )


def parts_of_memory(trace: Trace, sources: Sequence[int] | None = None) -> Iterator[Tensor]:
    """Yield, after each step, the parts that the memory is the sum of: (P, S, W), the start first.

    Args:
        trace: a record of an NTM or L-NTM with B = 1, without padding.
        sources: the part that each step writes to, from 1, such as its sentence's number; a new
            one is the next number. None is a part for each step.

    Raises:
        ValueError: the trace has no memory or no writes, or its memory is not what its writes make
            of the start, such as in padding or where it was changed by hand.
    """
    if trace.memory_after is None or trace.erase_vector is None or trace.add_vector is None:
        raise ValueError("expected a trace of a machine that writes to a memory")
    parts = trace.memory_before[0]
    for step in range(len(trace)):
        parts = _written(parts, trace.at(step), step + 1 if sources is None else sources[step])
        _expect_whole(parts, trace.memory_after[step, 0], step)
        yield parts


def share_of(sizes: Tensor) -> Tensor:
    """Divide sizes (P, …) by their sum over the parts; NaN where all are 0."""
    return sizes / sizes.sum(0)


def _written(parts: Tensor, step: Trace, source: int) -> Tensor:
    """Fade every part by this step's erase, and put what it adds to its source's part."""
    weights, count = step.write.weights, (len(parts), -1, -1)
    faded = memory.erase(parts, weights.expand(count), step.erase_vector.expand(count))
    added = memory.add(torch.zeros_like(parts[:1]), weights, step.add_vector, step.add_gate)
    if source == len(parts):
        return torch.cat([faded, added])
    faded[source] += added[0]
    return faded


def _expect_whole(parts: Tensor, after: Tensor, step: int) -> None:
    whole = parts.sum(0)
    near = 1e-4 * max(1.0, after.nan_to_num().abs().max().item())
    if not torch.allclose(whole, after, rtol=0, atol=near, equal_nan=True):
        raise ValueError(
            f"expected the memory after step {step} to be what the writes made; it is off by "
            f"{(whole - after).abs().max():.2g}. Cut padding off with trace.cut"
        )


def _in_order(shares: Tensor, steps: int) -> Tensor:
    """Put the start last, with 0 for the steps that are yet to come: (T + 1, …)."""
    missing = shares.new_zeros(steps + 1 - len(shares), *shares.shape[1:])
    return torch.cat([shares[1:], missing, shares[:1]])
