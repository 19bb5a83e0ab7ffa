"""Checks at the door: a wrong shape, dtype or device is named before it can broadcast.

Only rank, shape, dtype and device are looked at here. Values (sums, ranges, NaN) are not: in the
hot path that costs more than the step itself and breaks ``torch.func.vmap``.
"""

from torch import Tensor


def expect(sizes: dict[str, int], **tensors: tuple[Tensor, str]) -> None:
    """Check tensors against named axes, e.g. ``expect({}, weights=(w, "batch heads slots"))``.

    ``sizes`` maps axis names to sizes already known (``{"shift": 3}``) and is filled in as new
    names are met, so that one name means one size throughout. All tensors must be floating point
    and share one dtype and one device. Raises ValueError with what was expected and what came.
    """
    first = None
    for name, (tensor, axes) in tensors.items():
        if not isinstance(tensor, Tensor):
            raise ValueError(f"expected {name} to be a torch.Tensor, got {type(tensor).__name__}")
        names = axes.split()
        shape = tuple(tensor.shape)
        wanted = f"{name} ({', '.join(names)})"
        if len(shape) != len(names):
            raise ValueError(f"expected {wanted}, got {shape}")
        for axis, size in zip(names, shape, strict=True):
            if sizes.setdefault(axis, size) != size:
                raise ValueError(f"expected {wanted} with {axis} = {sizes[axis]}, got {shape}")
        if first is None:
            first = (name, tensor)
        _expect_alike(name, tensor, *first)


def _expect_alike(name: str, tensor: Tensor, first_name: str, first: Tensor) -> None:
    if not tensor.is_floating_point():
        raise ValueError(f"expected {name} in a floating-point dtype, got {tensor.dtype}")
    if tensor.dtype != first.dtype:
        raise ValueError(f"expected {name} in {first.dtype} like {first_name}, got {tensor.dtype}")
    if tensor.device != first.device:
        raise ValueError(
            f"expected {name} on {first.device} like {first_name}, got {tensor.device}"
        )
