"""One small machine of each kind for the tests, and what the tests compare."""

import torch

from lessons_lib.models import MODELS
from lessons_lib.recipes import Recipe

INPUTS, OUTPUTS = 3, 2
_SMALL = {"hidden_size": 5}
_TAPE = {"hidden_size": 5, "slots": 6, "width": 4}

KINDS = {
    "RNN": ("RNN", _SMALL),
    "LSTM": ("LSTM", _SMALL),
    "GRU": ("GRU", _SMALL),
    "NTM": ("NTM", _TAPE),
    "NTM feedforward": ("NTM", {**_TAPE, "controller": "feedforward"}),
    "NTM 2 and 3 heads": ("NTM", {**_TAPE, "read_heads": 2, "write_heads": 3}),
    "NTM learned": ("NTM", {**_TAPE, "memory_init": "learned", "initial_weights": "learned"}),
    "NTM random": ("NTM", {**_TAPE, "memory_init": "random", "controller": "feedforward"}),
    "LNTM": ("LNTM", {**_TAPE, "read_pointers": 3}),
    "LNTM constant": ("LNTM", {**_TAPE, "read_pointers": 1, "memory_init": "constant"}),
    "LNTM wide kernel": ("LNTM", {**_TAPE, "read_pointers": 2, "kernel_size": 7}),
    "LNTM own keys": ("LNTM", {**_TAPE, "read_pointers": 3, "content_keys": "own"}),
    "LNTM normalised": ("LNTM", {**_TAPE, "read_pointers": 2, "normalise": True}),
    "LNTM fed": ("LNTM", {**_TAPE, "read_pointers": 3, "feed_reads": True}),
    "LNTM fed, own keys": (
        "LNTM",
        {**_TAPE, "read_pointers": 2, "feed_reads": True, "content_keys": "own", "kernel_size": 7},
    ),
}
NTMS = [name for name in KINDS if name.startswith("NTM")]
LNTMS = [name for name in KINDS if name.startswith("LNTM")]

TINY_RECIPE = Recipe(
    "tiny",
    {"kind": "NTM", "hidden_size": 5, "slots": 4, "width": 3},
    {"task": "copy", "max_length": 2, "held_out": 5},
    steps=4,
    batch_size=2,
    measure_every=2,
)


def make(name, dtype=torch.float64, **changes):
    """A machine of that kind whose every parameter is random, those that start at zero too."""
    torch.manual_seed(0)
    kind, options = KINDS[name]
    model = MODELS[kind](INPUTS, OUTPUTS, **{**options, **changes}).double()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.normal_(std=0.7)
    return model.to(dtype)


def sequence(steps, batch=3, seed=1, dtype=torch.float64, inputs=INPUTS):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(steps, batch, inputs, generator=generator, dtype=torch.float64).to(dtype)


def tensors(*found):
    """All tensors of outputs and states, in order."""
    flat = []
    for item in found:
        if isinstance(item, torch.Tensor):
            flat.append(item)
        elif item is not None:
            flat += tensors(*item)
    return flat


def assert_same(found, wanted, tolerance=1e-10):
    found, wanted = tensors(*found), tensors(*wanted)
    assert len(found) == len(wanted)
    for one, other in zip(found, wanted, strict=True):
        torch.testing.assert_close(one, other, atol=tolerance, rtol=tolerance)


def slopes(found, of):
    """The gradients of a mixture of everything in ``found`` that depends on ``of``."""
    generator = torch.Generator().manual_seed(7)
    total = 0.0
    for item in tensors(*found):
        total = total + (item * torch.randn(item.shape, generator=generator).to(item)).sum()
    return torch.autograd.grad(total, of)
