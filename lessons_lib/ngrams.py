"""Dynamic n-grams: sequences from a table drawn anew each time, and the best that can be done.

A table says how likely a 1 is after each possible context of ``k`` bits. Whoever sees only the
sequence must learn the table while predicting from it; NTM eq. 10 is the best possible way.
"""

import math

import torch
from torch import Tensor
from torch.nn.functional import one_hot

from lessons_lib.checks import expect


def draw_tables(size: int, context: int, generator: torch.Generator) -> Tensor:
    """Draw ``size`` tables of probabilities of a 1, ``(batch, 2^context)``, from Beta(1/2, 1/2).

    ``p = sin²(πu/2)`` with ``u`` uniform on [0, 1) has just that distribution, the arcsine law
    (the prior of NTM section 4.4). Entry ``c`` is for the context whose bits, the oldest first,
    spell ``c`` in binary.
    """
    uniform = torch.rand(size, 2**context, generator=generator, dtype=torch.float32)
    return torch.sin(uniform * (math.pi / 2)) ** 2


def draw_bits(tables: Tensor, length: int, generator: torch.Generator) -> Tensor:
    """Draw one sequence of bits from each table ``(batch, 2^context)``: ``(length, batch)``.

    The first ``context`` bits have no full context and are fair coins (NTM section 4.4, note 4).
    Raises ValueError where the tables are not a batch of ``2^context`` entries.
    """
    expect({}, tables=(tables, "batch entries"))
    context = tables.shape[1].bit_length() - 1
    if tables.shape[1] != 2**context:
        raise ValueError(f"expected tables (batch, 2^context), got {tuple(tables.shape)}")
    uniform = torch.rand(length, len(tables), generator=generator, dtype=torch.float32)
    bits = (uniform < 0.5).long()
    code = contexts(bits[: context + 1], context)[0] if length > context else None
    for step in range(context, length):
        chance = tables.gather(1, code[:, None]).squeeze(1)  # (batch,)
        bits[step] = uniform[step] < chance
        code = (2 * code + bits[step]) % 2**context
    return bits.to(tables.dtype)


def contexts(bits: Tensor, context: int) -> Tensor:
    """Give the number that the ``context`` bits before each bit spell, oldest first.

    ``c_t = Σ_j 2^(j−1) b_{t−j}``, ``j = 1..context``, ``t = context..length − 1``: bits
    ``(length, batch)`` give ``(length − context, batch)``; ``length`` is at least ``context``.
    """
    windows = bits.long().unfold(0, context, 1)[:-1]  # (length − context, batch, context)
    weights = 2 ** torch.arange(context - 1, -1, -1, device=bits.device)
    return (windows * weights).sum(dim=-1)


def optimal_probability(bits: Tensor, context: int) -> Tensor:
    """Give the best possible probability of a 1 for each bit, given the bits before it.

    ``P(B = 1 | N₁, N₀, c) = (N₁ + ½) / (N₁ + N₀ + 1)`` (NTM eq. 10): ``N₁`` and ``N₀`` count the
    ones and zeros that followed the context ``c`` so far. Bits ``(length, batch)`` give
    probabilities of that shape; the first ``context`` bits are fair coins, so ½. Raises
    ValueError where the bits are not a floating-point ``(length, batch)``.
    """
    expect({}, bits=(bits, "length batch"))
    fair = bits.new_full((min(context, len(bits)), bits.shape[1]), 0.5)
    if len(bits) <= context:
        return fair
    code = contexts(bits, context)
    seen = one_hot(code, 2**context).to(bits.dtype)  # (length − context, batch, 2^context)
    ones = seen * bits[context:, :, None]
    # cumsum counts this step too; taking it away again leaves the steps before it
    past_seen = (seen.cumsum(0) - seen).gather(2, code[..., None]).squeeze(2)
    past_ones = (ones.cumsum(0) - ones).gather(2, code[..., None]).squeeze(2)
    return torch.cat([fair, (past_ones + 0.5) / (past_seen + 1)])
