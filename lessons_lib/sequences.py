"""What every model's call shares: checks at the door, lengths, and picking a step.

Shapes: T time, B batch.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from lessons_lib.checks import expect


def check_call(
    inputs: Tensor,
    input_size: int,
    like: Tensor,
    lengths: Tensor | None,
    at: Tensor | None,
    write_scale: Tensor | None = None,
) -> None:
    """Check a model's arguments before anything is computed.

    Args:
        inputs: (T, B, input_size).
        input_size: what the model was built for.
        like: one of the model's parameters, for dtype and device.
        lengths: (B,) whole numbers from 1 to T, or None.
        at: (B,) whole numbers from 0 to T − 1, within the lengths, or None.
        write_scale: (T, B), or None.

    Raises:
        ValueError: with what was expected and what came.
    """
    sizes = {"input_size": input_size}
    expect(sizes, inputs=(inputs, "time batch input_size"))
    if inputs.dtype != like.dtype or inputs.device != like.device:
        raise ValueError(
            f"expected inputs in {like.dtype} on {like.device} like the model, "
            f"got {inputs.dtype} on {inputs.device}"
        )
    if write_scale is not None:
        expect(
            sizes,
            inputs=(inputs, "time batch input_size"),
            write_scale=(write_scale, "time batch"),
        )
    steps, batch = inputs.shape[:2]
    if steps == 0 or batch == 0:
        raise ValueError(f"expected at least one step and one sequence, got {tuple(inputs.shape)}")
    if lengths is not None:
        _check_steps("lengths", lengths, batch, 1, steps)
    if at is not None:
        _check_steps("at", at, batch, 0, steps - 1)
        if lengths is not None and bool((at.cpu() >= lengths.cpu()).any()):
            raise ValueError(f"expected at < lengths, got {at.tolist()} and {lengths.tolist()}")


def _check_steps(name: str, steps: Tensor, batch: int, low: int, high: int) -> None:
    wanted = f"expected {name} ({batch},) of whole numbers"
    if not isinstance(steps, Tensor):
        raise ValueError(f"{wanted} as a torch.Tensor, got {type(steps).__name__}")
    whole = not (steps.is_floating_point() or steps.dtype == torch.bool)
    if not whole or tuple(steps.shape) != (batch,):
        raise ValueError(f"{wanted}, got {tuple(steps.shape)} {steps.dtype}")
    if int(steps.min()) < low or int(steps.max()) > high:
        raise ValueError(
            f"expected {name} from {low} to {high}, got {int(steps.min())} to {int(steps.max())}"
        )


def check_state(state: tuple, start: tuple, name: str = "state") -> None:
    """Check a state that was handed over against the one that the model would start from.

    Args:
        state: what the caller gave.
        start: the model's ``initial_state`` for this batch; a named tuple of tensors, of None
            where the model has no such part, or of tuples of tensors.
        name: what the messages call it.

    Raises:
        ValueError: a part has another shape, dtype or device, or is missing.
    """
    kind = type(start).__name__
    if not isinstance(state, tuple) or len(state) != len(start):
        raise ValueError(
            f"expected {name} as {kind} with {len(start)} parts, got {_described(state)}"
        )
    for label, part, wanted in zip(_labels(start, name), state, start, strict=True):
        if isinstance(wanted, tuple):
            check_state(part, wanted, label)
        elif _described(part) != _described(wanted):
            raise ValueError(f"expected {label} {_described(wanted)}, got {_described(part)}")


def _labels(start: tuple, name: str) -> list[str]:
    fields = getattr(start, "_fields", range(len(start)))
    return [f"{name}.{field}" for field in fields]


def _described(part: object) -> str:
    if isinstance(part, Tensor):
        return f"{tuple(part.shape)} in {part.dtype} on {part.device}"
    if isinstance(part, tuple):
        return f"{type(part).__name__} with {len(part)} parts"
    return "None" if part is None else type(part).__name__


def derivatives_by_hand(inputs: Tensor) -> bool:
    """Whether a hand-written backward pass covers a call with these inputs.

    It does not in half precision, and not under ``torch.func``, which needs operations that it can
    see through.
    """
    wide = inputs.dtype in (torch.float32, torch.float64)
    return wide and not torch._C._are_functorch_transforms_active()


def valid_steps(lengths: Tensor, steps: int) -> Tensor:
    """Return (T, B, 1), true where a step belongs to its sequence and is no padding."""
    return (torch.arange(steps, device=lengths.device)[:, None] < lengths).unsqueeze(-1)


def without_padding(tensor: Tensor, lengths: Tensor | None) -> Tensor:
    """Return (T, B, features) with zeros in the padding."""
    if lengths is None:
        return tensor
    valid = valid_steps(lengths.to(tensor.device), tensor.shape[0])
    return tensor.masked_fill(~valid, 0.0)


def last_step(tensor: Tensor, lengths: Tensor | None) -> Tensor:
    """Return each sequence's last valid step of (T, B, ...), (B, ...)."""
    return tensor[-1] if lengths is None else pick(tensor, lengths - 1)


def read_out(
    readout: nn.Module, features: Tensor, lengths: Tensor | None, at: Tensor | None
) -> Tensor:
    """Return the outputs that a call asked for: (B, output_size) with ``at``, else (T, B, ...)."""
    if at is not None:
        return readout(pick(features, at))
    return without_padding(readout(features), lengths)


def keep_valid(new: Tensor, old: Tensor, valid: Tensor) -> Tensor:
    """Return ``new`` where ``valid`` (B, 1) is true and ``old`` elsewhere, for (B, ...)."""
    return torch.where(valid.reshape(-1, *[1] * (new.dim() - 1)), new, old)


def pick(tensor: Tensor, at: Tensor) -> Tensor:
    """Return each sequence's own step: (T, B, ...) at (B,) gives (B, ...)."""
    return tensor[at.to(tensor.device), torch.arange(tensor.shape[1], device=tensor.device)]
