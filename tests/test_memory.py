"""Reading and writing, equation by equation, against plain loops (NTM eqs. 2-4; L-NTM 2, 4, 5)."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.autograd import gradcheck
from torch.func import grad, vmap

from lessons_lib.memory import add, erase, read

some = settings(max_examples=40, deadline=None)
sizes = st.tuples(*[st.integers(1, 4)] * 2, st.integers(1, 6), st.integers(1, 5))  # B, H, S, W
seeds = st.integers(0, 2**32)
dtypes = st.sampled_from([torch.float64, torch.float32, torch.float16])
TOLERANCE = {torch.float64: 1e-12, torch.float32: 1e-5, torch.float16: 1e-2}


def normal(*shape, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, generator=generator, dtype=torch.float64)


def simplex(*shape, seed=0):
    return (3 * normal(*shape, seed=seed)).softmax(-1)


def close(got, wanted, tolerance=1e-12):
    torch.testing.assert_close(got.double(), wanted.double(), atol=tolerance, rtol=tolerance)


def arguments_of(shape, seed):
    """Memory, weights, an erase vector in (0, 1), an add vector and a gate in (0, 1)."""
    b, h, s, w = shape
    return (
        normal(b, s, w, seed=seed),
        simplex(b, h, s, seed=seed + 1),
        normal(b, h, w, seed=seed + 2).sigmoid(),
        normal(b, h, w, seed=seed + 3),
        normal(b, h, seed=seed + 4).sigmoid(),
    )


@given(sizes, seeds, dtypes)
@some
def test_read_is_eq_2(shape, seed, dtype):
    b, h, s, w = shape
    memory, weights, *_ = arguments_of(shape, seed)
    wanted = torch.zeros(b, h, w, dtype=torch.float64)
    for n in range(b):
        for head in range(h):
            for i in range(s):
                for j in range(w):
                    wanted[n, head, j] += weights[n, head, i] * memory[n, i, j]
    found = read(memory.to(dtype), weights.to(dtype))
    assert found.dtype == dtype
    close(found, wanted, TOLERANCE[dtype])


@given(sizes, seeds, dtypes)
@some
def test_erase_is_eq_3_and_several_heads_multiply(shape, seed, dtype):
    b, h, s, w = shape
    memory, weights, gone, *_ = arguments_of(shape, seed)
    wanted = memory.clone()
    for n in range(b):
        for head in range(h):
            for i in range(s):
                for j in range(w):
                    wanted[n, i, j] *= 1 - weights[n, head, i] * gone[n, head, j]
    found = erase(memory.to(dtype), weights.to(dtype), gone.to(dtype))
    assert found.dtype == dtype
    close(found, wanted, TOLERANCE[dtype])


@given(sizes, seeds, dtypes, st.booleans())
@some
def test_add_is_eq_4_or_gated_l_ntm_eq_5_and_several_heads_sum(shape, seed, dtype, gated):
    b, h, s, w = shape
    memory, weights, _, came, gate = arguments_of(shape, seed)
    wanted = memory.clone()
    for n in range(b):
        for head in range(h):
            for i in range(s):
                for j in range(w):
                    f = gate[n, head] if gated else 1
                    wanted[n, i, j] += f * weights[n, head, i] * came[n, head, j]
    gates = [gate.to(dtype)] if gated else []
    found = add(memory.to(dtype), weights.to(dtype), came.to(dtype), *gates)
    assert found.dtype == dtype
    close(found, wanted, TOLERANCE[dtype])


def test_the_order_of_the_heads_does_not_matter_in_eqs_3_and_4():
    memory, weights, gone, came, gate = arguments_of((2, 3, 5, 4), 0)
    turned = [tensor.flip(1) for tensor in (weights, gone, came, gate)]
    close(erase(memory, turned[0], turned[1]), erase(memory, weights, gone))
    close(add(memory, turned[0], turned[2], turned[3]), add(memory, weights, came, gate))


def test_a_sharp_head_overwrites_its_slot_and_no_other():
    memory, new = normal(1, 4, 3), normal(1, 1, 3, seed=1)
    there = torch.eye(4, dtype=torch.float64)[2].view(1, 1, 4)
    written = add(erase(memory, there, torch.ones_like(new)), there, new)
    assert torch.equal(read(written, there), new)
    rest = [0, 1, 3]
    assert torch.equal(written[:, rest], memory[:, rest])


def test_the_gate_of_l_ntm_eq_5_lets_a_word_pass_unstored():
    memory, weights, _, came, gate = arguments_of((2, 2, 5, 4), 0)
    assert torch.equal(add(memory, weights, came, torch.zeros_like(gate)), memory)
    close(add(memory, weights, came, torch.ones_like(gate)), add(memory, weights, came))


def test_erasing_with_one_head_equals_a_second_head_that_erases_nothing():
    memory, weights, gone, *_ = arguments_of((2, 1, 5, 4), 0)
    twice = erase(memory, weights.expand(-1, 2, -1), torch.cat([gone, 0 * gone], dim=1))
    close(erase(memory, weights, gone), twice)


@pytest.mark.parametrize("heads", [1, 2])
def test_gradients_are_finite_and_right_where_a_slot_is_wiped(heads):
    """Eq. 3 with w = e = 1 has a factor of zero, where the product over heads is delicate."""
    memory = normal(1, 3, 2).requires_grad_()
    weights = torch.eye(3, dtype=torch.float64)[:1].expand(1, heads, 3).clone().requires_grad_()
    gone = torch.ones(1, heads, 2, dtype=torch.float64, requires_grad=True)
    assert gradcheck(erase, [memory, weights, gone])


def test_erase_in_one_slot_of_one_number():
    memory = torch.tensor([[[4.0]]])
    half = torch.tensor([[[0.5]]])
    assert erase(memory, torch.ones(1, 1, 1), half).item() == 2.0


CALLS = {
    "read": (read, lambda: arguments_of((2, 2, 4, 3), 0)[:2]),
    "erase": (erase, lambda: arguments_of((2, 2, 4, 3), 0)[:3]),
    "erase, one head": (erase, lambda: arguments_of((2, 1, 4, 3), 0)[:3]),
    "add": (add, lambda: [arguments_of((2, 2, 4, 3), 0)[i] for i in (0, 1, 3)]),
    "add, gated": (add, lambda: [arguments_of((2, 2, 4, 3), 0)[i] for i in (0, 1, 3, 4)]),
}
each_call = pytest.mark.parametrize(("function", "arguments"), CALLS.values(), ids=CALLS)


@each_call
def test_gradients_equal_finite_differences(function, arguments):
    assert gradcheck(function, [tensor.requires_grad_() for tensor in arguments()])


@each_call
def test_vmap_equals_a_loop(function, arguments):
    stacked = [torch.stack([tensor, tensor.flip(0), tensor * 0.5]) for tensor in arguments()]
    looped = torch.stack([function(*one) for one in zip(*stacked, strict=True)])
    close(vmap(function)(*stacked), looped)


@each_call
def test_vmap_of_grad_equals_a_loop(function, arguments):
    stacked = [torch.stack([tensor, tensor.flip(0), tensor * 0.5]) for tensor in arguments()]
    mixing = normal(*function(*arguments()).shape, seed=9)

    def loss(*tensors):
        return (function(*tensors) * mixing).sum()

    slopes = grad(loss, argnums=tuple(range(len(stacked))))
    looped = [slopes(*one) for one in zip(*stacked, strict=True)]
    for found, wanted in zip(vmap(slopes)(*stacked), zip(*looped, strict=True), strict=True):
        close(found, torch.stack(wanted))


@each_call
def test_arguments_are_left_alone(function, arguments):
    given_tensors = arguments()
    before = [tensor.clone() for tensor in given_tensors]
    function(*given_tensors)
    assert all(map(torch.equal, given_tensors, before))


@each_call
def test_the_device_gives_what_the_cpu_gives(function, arguments, device):
    on_device = function(*(tensor.to(device) for tensor in arguments()))
    assert on_device.device.type == device.type
    close(on_device.cpu(), function(*arguments()))


B, H, S, W = 2, 3, 5, 4
MEMORY, WEIGHTS, VECTOR = torch.zeros(B, S, W), torch.zeros(B, H, S), torch.zeros(B, H, W)
WRONG = [
    (read, (MEMORY, torch.zeros(B, S)),
     r"expected weights \(batch, heads, slots\), got \(2, 5\)"),
    (read, (MEMORY, torch.zeros(1, H, S)),
     r"expected weights \(batch, heads, slots\) with batch = 2, got \(1, 3, 5\)"),
    (read, (MEMORY, torch.zeros(B, H, W)),
     r"expected weights \(batch, heads, slots\) with slots = 5, got \(2, 3, 4\)"),
    (erase, (MEMORY, WEIGHTS, torch.zeros(B, W)),
     r"expected erase_vector \(batch, heads, width\), got \(2, 4\)"),
    (erase, (MEMORY, WEIGHTS, torch.zeros(B, 1, W)),
     r"expected erase_vector \(batch, heads, width\) with heads = 3, got \(2, 1, 4\)"),
    (add, (MEMORY, WEIGHTS, torch.zeros(B, H, W + 1)),
     r"expected add_vector \(batch, heads, width\) with width = 4, got \(2, 3, 5\)"),
    (add, (MEMORY, WEIGHTS, VECTOR, torch.zeros(B, 1)),
     r"expected gate \(batch, heads\) with heads = 3, got \(2, 1\)"),
]  # fmt: skip


@pytest.mark.parametrize(("function", "arguments", "message"), WRONG)
def test_a_wrong_shape_is_named(function, arguments, message):
    with pytest.raises(ValueError, match=message):
        function(*arguments)


@each_call
def test_a_wrong_dtype_or_device_is_named(function, arguments):
    first, *others, last = arguments()
    with pytest.raises(ValueError, match=r"expected .* in torch.float64 .*, got torch.float32"):
        function(first, *others, last.float())
    with pytest.raises(ValueError, match=r"expected .* on cpu like .*, got meta"):
        function(first, *others, last.to("meta"))
