"""L-NTM's writes over a whole sequence, with a backward pass written by hand.

``LNTM`` defines the machine. Where the reads do not feed the controller, its memory changes by the
write pointer alone, and that recurrence is all that needs a loop:

    p_t = softmax_i( γ_t (K ∗ S_{t−1})(i) )                    eqs. 6-8
    S_t = S_{t−1} − p_t ∘ (S_{t−1} ∘ e_t − f_t a_t)            eqs. 4-5

(sharpening a softmax is a softmax of γ times the scores). The convolution over a memory of fixed
size is one product with a banded matrix. The memory lies here as (S, W, B), the batch innermost:
8 slots of 20 numbers would make short inner loops.

Shapes: T time, B batch, S slots, W width.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from lessons_lib.addressing import memory_scores
from lessons_lib.fast_parts import softmax_slope

MOST_SLOTS = 64  # the banded matrix grows with the square of the slots


def write_all(
    start: Tensor, kernel: Tensor, erase: Tensor, add: Tensor, sharpening: Tensor
) -> Tensor:
    """Write at every step.

    Args:
        start: S_0, (B, S, W).
        kernel: K of the write pointer, (1, W, k).
        erase: e, (T, B, W).
        add: what is added where the pointer stands, f a, (T, B, W).
        sharpening: γ, (T, B).

    Returns:
        S_1 to S_T, (T, B, S, W).
    """
    return _Write.apply(start, banded(kernel, start.shape[1]), erase, add, sharpening)


def banded(kernels: Tensor, slots: int) -> Tensor:
    """Return the matrix by which a whole memory gives the scores of eq. 6.

    (K ∗ S)(i) = Σ_{jn} S(j, n) A(jn, i),  A(jn, i) = K(j − i, n) near the diagonal and else zero

    Args:
        kernels: K, (maps, W, k).
        slots: S.

    Returns:
        A, (S·W, S·maps); the maps of one slot lie side by side.
    """
    width = kernels.shape[1]
    units = torch.eye(slots * width, dtype=kernels.dtype, device=kernels.device)
    scores = memory_scores(units.unflatten(1, (slots, width)), kernels)  # (S·W, maps, S)
    return scores.transpose(1, 2).flatten(1)


class _Write(torch.autograd.Function):
    @staticmethod
    def forward(ctx, start, band, erase, add, sharpening):
        steps, batch = sharpening.shape
        slots, width = start.shape[1:]
        memory = start.new_empty(steps + 1, slots, width, batch)
        memory[0] = start.permute(1, 2, 0)
        erase, add = (part.transpose(1, 2).contiguous() for part in (erase, add))  # (T, W, B)
        scores = start.new_empty(steps, slots, batch)
        place, change = torch.empty_like(scores), torch.empty_like(memory[1:])
        sharp, turned = torch.empty_like(scores[0]), band.t()
        rows = (memory[:-1], memory[1:], erase, add.neg(), sharpening, scores, place, change)
        for before, after, e, minus, gamma, score, p, d in _by_step(rows):
            torch.mm(turned, before.flatten(0, 1), out=score)
            torch.mul(score, gamma, out=sharp)
            torch.softmax(sharp, dim=0, out=p)
            torch.addcmul(minus, before, e, out=d)  # S ∘ e − f a
            torch.addcmul(before, p.unsqueeze(1), d, value=-1, out=after)
        ctx.save_for_backward(band, erase, sharpening, memory, scores, place, change)
        return memory[1:].permute(0, 3, 1, 2)

    @staticmethod
    @once_differentiable
    def backward(ctx, grad):
        band, erase, sharpening, memory, scores, place, change = ctx.saved_tensors
        grad = grad.permute(0, 2, 3, 1)  # (T, S, W, B)
        flowing = torch.zeros_like(memory[0])
        d_erase, d_add = torch.empty_like(erase), torch.empty_like(erase)
        d_sharp, d_scores = torch.empty_like(scores), torch.empty_like(scores)
        d_change, product = torch.empty_like(flowing), torch.empty_like(flowing)
        rows = (grad, memory[:-1], erase, sharpening, place, change)
        rows += (d_erase, d_add, d_sharp, d_scores)
        steps = list(_by_step(rows))
        for g, before, e, gamma, p, d, d_e, d_a, d_z, d_s in reversed(steps):
            flowing.add_(g)
            torch.mul(flowing, d, out=product)
            d_p = product.sum(1).neg_()
            torch.mul(flowing, p.unsqueeze(1), out=d_change)  # with the sign turned
            torch.sum(d_change, 0, out=d_a)
            torch.mul(d_change, before, out=product)
            torch.sum(product, 0, out=d_e)
            flowing.addcmul_(d_change, e, value=-1)
            d_z.copy_(softmax_slope(d_p, p, 0))
            torch.mul(d_z, gamma, out=d_s)
            flowing.flatten(0, 1).addmm_(band, d_s)
        before = memory[:-1].flatten(1, 2)  # (T, S·W, B)
        return (
            flowing.permute(2, 0, 1),
            torch.einsum("tmb,tsb->ms", before, d_scores),
            d_erase.neg_().transpose(1, 2),
            d_add.transpose(1, 2),
            (d_sharp * scores).sum(1),
        )


def _by_step(stacks: tuple[Tensor, ...]):
    return zip(*map(torch.unbind, stacks), strict=True)
