"""Addressing, equation by equation, against plain loops (NTM eqs. 5-9; L-NTM eqs. 6-10)."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.autograd import gradcheck
from torch.func import grad, vmap

from lessons_lib.addressing import (
    circular_shift,
    content_weights,
    interpolate,
    memory_scores,
    sharpen,
)

some = settings(max_examples=40, deadline=None)
sizes = st.tuples(*[st.integers(1, 4)] * 2, st.integers(1, 7), st.integers(1, 5))  # B, H, S, W
seeds = st.integers(0, 2**32)
HALF = torch.float16
DTYPES = [torch.float64, torch.float32, HALF]
dtypes = st.sampled_from(DTYPES)
scales = st.sampled_from([0.0, 1e-6, 1.0, 100.0])


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def normal(*shape, seed=0, dtype=torch.float64):
    return torch.randn(*shape, generator=generator(seed), dtype=torch.float64).to(dtype)


def simplex(*shape, seed=0, dtype=torch.float64):
    """A weighting in the last axis, some of it very near to a single slot."""
    return (3 * normal(*shape, seed=seed)).softmax(-1).to(dtype)


def unit(*shape, seed=0, dtype=torch.float64):
    return torch.rand(*shape, generator=generator(seed), dtype=torch.float64).to(dtype)


def assert_on_the_simplex(weights):
    """L-NTM eq. 1: entries in [0, 1], sum 1."""
    tolerance = 2e-3 if weights.dtype == HALF else 1e-5
    wide = weights.double()
    assert wide.min() >= -tolerance
    assert wide.max() <= 1 + tolerance
    torch.testing.assert_close(wide.sum(-1), torch.ones_like(wide.sum(-1)), atol=tolerance, rtol=0)


def close(got, wanted, tolerance=1e-9):
    wanted = torch.as_tensor(wanted, dtype=torch.float64)
    torch.testing.assert_close(got.double(), wanted, atol=tolerance, rtol=tolerance)


# The equations again, in plain Python, for one head.


def cosine(a, b):
    lengths = math.hypot(*a) * math.hypot(*b)
    return sum(x * y for x, y in zip(a, b, strict=True)) / lengths if lengths else 0.0


def plain_content(memory, key, strength):
    scores = [strength * cosine(key, slot) for slot in memory]
    raised = [math.exp(score - max(scores)) for score in scores]
    return [value / sum(raised) for value in raised]


def plain_shift(weights, shift):
    count = len(weights)
    moved = [0.0] * count
    for i in range(count):
        for j in range(count):
            for offset in (-1, 0, 1):
                if (i - j) % count == offset % count:
                    moved[i] += weights[j] * shift[offset + 1]
    return moved


def plain_sharpen(weights, sharpening):
    raised = [weight**sharpening for weight in weights]
    return [value / sum(raised) for value in raised]


def plain_scores(memory, kernel):
    """One map; kernel (W, k)."""
    count, half = len(memory), len(kernel[0]) // 2
    scores = [0.0] * count
    for i in range(count):
        for m in range(-half, half + 1):
            if 0 <= i + m < count:
                for n, number in enumerate(memory[i + m]):
                    scores[i] += number * kernel[n][m + half]
    return scores


def heads(plain, *columns):
    """Apply a plain equation to each head of each batch entry."""
    return [
        [plain(*one) for one in zip(*of_batch, strict=True)]
        for of_batch in zip(*(column.tolist() for column in columns), strict=True)
    ]


def of_memory(memory, count):
    """The memory once for each of its heads."""
    return memory.unsqueeze(1).expand(-1, count, -1, -1)


# NTM eqs. 5 and 6: content


@given(sizes, seeds)
@some
def test_content_weights_are_eqs_5_and_6(shape, seed):
    b, h, s, w = shape
    memory, key, strength = normal(b, s, w, seed=seed), normal(b, h, w, seed=seed + 1), None
    strength = 10 * unit(b, h, seed=seed + 2)
    found = content_weights(memory, key, strength)
    close(found, heads(plain_content, of_memory(memory, h), key, strength), 1e-7)


@given(sizes, seeds, dtypes, scales, scales, st.sampled_from([0.0, 1.0, 1e4]))
@some
def test_content_weights_stay_on_the_simplex(shape, seed, dtype, memory_scale, key_scale, beta):
    b, h, s, w = shape
    memory = (memory_scale * normal(b, s, w, seed=seed)).to(dtype)
    key = (key_scale * normal(b, h, w, seed=seed + 1)).to(dtype)
    found = content_weights(memory, key, torch.full((b, h), beta, dtype=dtype))
    assert found.shape == (b, h, s)
    assert found.dtype == dtype
    assert_on_the_simplex(found)


@pytest.mark.parametrize("dtype", DTYPES)
def test_content_weights_at_the_extremes_of_eq_5(dtype):
    memory = torch.eye(3, dtype=dtype).unsqueeze(0)
    key = torch.tensor([[[0.0, 2.0, 0.0], [0.0, 0.0, 0.0]]], dtype=dtype)
    found = content_weights(memory, key, torch.tensor([[1e4, 1e4]], dtype=dtype))
    close(found[0, 0], [0, 1, 0], 1e-6)  # a large β picks the best slot alone
    close(found[0, 1], [1 / 3] * 3, 1e-3)  # a key of zeros resembles nothing
    ignored = content_weights(memory, key, torch.zeros(1, 2, dtype=dtype))
    close(ignored, torch.full((1, 2, 3), 1 / 3), 1e-3)  # β = 0 ignores the key
    blank = content_weights(torch.zeros_like(memory), key, torch.ones(1, 2, dtype=dtype))
    close(blank, torch.full((1, 2, 3), 1 / 3), 1e-3)


def test_only_the_direction_of_key_and_slots_counts_in_eq_6():
    memory, key, strength = (
        normal(2, 5, 3),
        normal(2, 1, 3, seed=1),
        torch.full((2, 1), 3.0).double(),
    )
    scaled = content_weights(memory * 7, key * 0.01, strength)
    close(scaled, content_weights(memory, key, strength), 1e-7)


# NTM eq. 7: interpolation


@given(sizes, seeds, dtypes)
@some
def test_interpolate_is_eq_7(shape, seed, dtype):
    b, h, s, _ = shape
    content, previous = simplex(b, h, s, seed=seed), simplex(b, h, s, seed=seed + 1)
    gate = unit(b, h, seed=seed + 2)
    found = interpolate(content.to(dtype), previous.to(dtype), gate.to(dtype))
    assert found.dtype == dtype
    assert_on_the_simplex(found)
    wanted = heads(
        lambda c, p, g: [g * x + (1 - g) * y for x, y in zip(c, p, strict=True)],
        content, previous, gate,
    )  # fmt: skip
    close(found, wanted, {torch.float64: 1e-12, torch.float32: 1e-5, HALF: 2e-3}[dtype])


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_endpoints_of_eq_7_are_exact(dtype):
    content, previous = simplex(2, 3, 5, dtype=dtype), simplex(2, 3, 5, seed=1, dtype=dtype)
    ones = torch.ones(2, 3, dtype=dtype)
    assert torch.equal(interpolate(content, previous, ones), content)
    assert torch.equal(interpolate(content, previous, 0 * ones), previous)


# NTM eq. 8: circular shift


@given(sizes, seeds, dtypes)
@some
def test_circular_shift_is_eq_8_and_keeps_the_sum(shape, seed, dtype):
    b, h, s, _ = shape
    weights, shift = simplex(b, h, s, seed=seed), simplex(b, h, 3, seed=seed + 1)
    found = circular_shift(weights.to(dtype), shift.to(dtype))
    assert found.dtype == dtype
    assert_on_the_simplex(found)
    tolerance = {torch.float64: 1e-12, torch.float32: 1e-5, HALF: 2e-3}[dtype]
    close(found, heads(plain_shift, weights, shift), tolerance)


def test_the_shift_of_eq_8_wraps_round_at_both_ends():
    first, last = torch.eye(4)[0].view(1, 1, 4), torch.eye(4)[3].view(1, 1, 4)
    back, forward = torch.eye(3)[0].view(1, 1, 3), torch.eye(3)[2].view(1, 1, 3)
    assert torch.equal(circular_shift(last, forward), first)
    assert torch.equal(circular_shift(first, back), last)
    assert torch.equal(circular_shift(first, forward).argmax(), torch.tensor(1))


# NTM eq. 9, L-NTM eq. 8: sharpening


@given(sizes, seeds)
@some
def test_sharpen_is_eq_9(shape, seed):
    b, h, s, _ = shape
    weights, sharpening = simplex(b, h, s, seed=seed), 1 + 9 * unit(b, h, seed=seed + 1)
    found = sharpen(weights, sharpening)
    close(found, heads(plain_sharpen, weights, sharpening), 1e-9)


@given(sizes, seeds, dtypes, st.sampled_from([1.0, 30.0, 1e3]), st.booleans())
@some
def test_sharpen_stays_on_the_simplex(shape, seed, dtype, gamma, one_hot):
    b, h, s, _ = shape
    weights = simplex(b, h, s, seed=seed, dtype=dtype)
    if one_hot:
        weights = torch.nn.functional.one_hot(weights.argmax(-1), s).to(dtype)
    found = sharpen(weights, torch.full((b, h), gamma, dtype=dtype))
    assert found.dtype == dtype
    assert_on_the_simplex(found)
    assert torch.equal(weights.gather(-1, found.argmax(-1, keepdim=True)), weights.amax(-1, True))


@pytest.mark.parametrize("dtype", DTYPES)
def test_sharpening_by_one_changes_nothing(dtype):
    weights = torch.cat([simplex(2, 3, 6), torch.eye(6).double().expand(2, -1, -1)], dim=1)
    weights = weights.to(dtype)
    found = sharpen(weights, torch.ones(2, 9, dtype=dtype))
    close(found, weights.double(), {torch.float64: 1e-12, torch.float32: 1e-6, HALF: 1e-3}[dtype])


def test_sharpening_strongly_leaves_the_largest_alone_and_ties_shared():
    weights = torch.tensor([[[0.2, 0.5, 0.3], [0.4, 0.2, 0.4]]])
    found = sharpen(weights, torch.full((1, 2), 1e3))
    close(found, [[[0, 1, 0], [0.5, 0, 0.5]]], 1e-6)


# L-NTM eqs. 6 and 7: scores of the whole memory


@pytest.mark.parametrize("k", [1, 3, 7])
@given(sizes, seeds)
@some
def test_memory_scores_are_l_ntm_eq_6(k, shape, seed):
    b, maps, s, w = shape
    memory, kernels = normal(b, s, w, seed=seed), normal(maps, w, k, seed=seed + 1)
    bias = normal(maps, seed=seed + 2)
    all_kernels = kernels.tolist()
    wanted = [[plain_scores(slots, kernel) for kernel in all_kernels] for slots in memory.tolist()]
    wanted = torch.tensor(wanted, dtype=torch.float64)
    close(memory_scores(memory, kernels), wanted)
    close(memory_scores(memory, kernels, bias), wanted + bias[:, None])
    assert_on_the_simplex(memory_scores(memory, kernels).softmax(-1))  # eq. 7


def test_memory_scores_pad_with_zeros_and_do_not_flip_the_kernel():
    memory = torch.tensor([[[1.0], [10.0], [100.0]]])
    kernel = torch.tensor([[[1.0, 2.0, 3.0]]])  # the slot before, the slot, the slot after
    assert memory_scores(memory, kernel).tolist() == [[[32.0, 321.0, 210.0]]]


def test_a_bias_disappears_in_the_softmax_of_l_ntm_eq_7():
    memory, kernels = normal(2, 5, 3), normal(4, 3, 3)
    with_bias = memory_scores(memory, kernels, normal(4, seed=1)).softmax(-1)
    close(with_bias, memory_scores(memory, kernels).softmax(-1))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
def test_memory_scores_in_every_dtype(dtype):
    memory, kernels = normal(2, 5, 3), normal(4, 3, 3)
    found = memory_scores(memory.to(dtype), kernels.to(dtype))
    assert found.dtype == dtype
    close(found, memory_scores(memory, kernels), 0.1)


# Gradients, vmap, and what must not happen

CALLS = {
    "content_weights": (
        content_weights,
        lambda: (normal(2, 4, 3), normal(2, 2, 3, seed=1), 5 * unit(2, 2, seed=2)),
    ),
    "interpolate": (
        interpolate,
        lambda: (simplex(2, 2, 4), simplex(2, 2, 4, seed=1), unit(2, 2, seed=2)),
    ),
    "circular_shift": (circular_shift, lambda: (simplex(2, 2, 4), simplex(2, 2, 3, seed=1))),
    "sharpen": (sharpen, lambda: (simplex(2, 2, 4), 1 + unit(2, 2, seed=1))),
    "memory_scores": (
        memory_scores,
        lambda: (normal(2, 5, 3), normal(2, 3, 3, seed=1), normal(2, seed=2)),
    ),
}
each_call = pytest.mark.parametrize(("function", "arguments"), CALLS.values(), ids=CALLS)


@each_call
def test_gradients_equal_finite_differences(function, arguments):
    assert gradcheck(function, [tensor.requires_grad_() for tensor in arguments()])


@each_call
def test_vmap_equals_a_loop(function, arguments):
    stacked = [torch.stack([tensor, tensor.flip(0), tensor * 0.5]) for tensor in arguments()]
    looped = torch.stack([function(*one) for one in zip(*stacked, strict=True)])
    close(vmap(function)(*stacked), looped, 1e-12)


@each_call
def test_vmap_of_grad_equals_a_loop(function, arguments):
    stacked = [torch.stack([tensor, tensor.flip(0), tensor * 0.5]) for tensor in arguments()]
    mixing = normal(*function(*arguments()).shape, seed=9)

    def loss(*tensors):
        return (function(*tensors) * mixing).sum()

    slopes = grad(loss, argnums=tuple(range(len(stacked))))
    looped = [slopes(*one) for one in zip(*stacked, strict=True)]
    for found, wanted in zip(vmap(slopes)(*stacked), zip(*looped, strict=True), strict=True):
        close(found, torch.stack(wanted), 1e-10)


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


def one_hot(index, slots=4):
    return torch.eye(slots)[index].expand(2, 2, slots)


@pytest.mark.parametrize("slots", [1, 4])
@pytest.mark.parametrize("beta", [0.0, 1e4])
@pytest.mark.parametrize(("memory_scale", "key_scale"), [(0, 0), (0, 1), (1, 0), (1, 1), (1e-6, 1)])
def test_gradients_of_eq_5_are_finite_at_the_extremes(slots, beta, memory_scale, key_scale):
    memory = memory_scale * normal(2, slots, 3, dtype=torch.float32)
    key = key_scale * normal(2, 2, 3, seed=1, dtype=torch.float32)
    tensors = [memory, key, torch.full((2, 2), beta)]
    assert_finite_slopes(content_weights, tensors)


@pytest.mark.parametrize("gamma", [1.0, 2.0, 1e3])
@pytest.mark.parametrize("weights", [one_hot(0), one_hot(0, 1), torch.full((2, 2, 4), 0.25)])
def test_gradients_of_eq_9_are_finite_at_the_extremes(weights, gamma):
    assert_finite_slopes(sharpen, [weights.clone(), torch.full((2, 2), gamma)])


def assert_finite_slopes(function, tensors):
    tensors = [tensor.requires_grad_() for tensor in tensors]
    made = function(*tensors)
    (made * normal(*made.shape, seed=9, dtype=made.dtype)).sum().backward()
    assert all(tensor.grad.isfinite().all() for tensor in tensors)


# Errors at the door

B, H, S, W = 2, 3, 5, 4


def sized(*shape):
    return torch.zeros(*shape)


WRONG = [
    (content_weights, (sized(B, S), sized(B, H, W), sized(B, H)),
     r"expected memory \(batch, slots, width\), got \(2, 5\)"),
    (content_weights, (sized(B, S, W), sized(B, H, W + 1), sized(B, H)),
     r"expected key \(batch, heads, width\) with width = 4, got \(2, 3, 5\)"),
    (content_weights, (sized(B, S, W), sized(B, H, W), sized(B, 1)),
     r"expected key_strength \(batch, heads\) with heads = 3, got \(2, 1\)"),
    (interpolate, (sized(B, H, S), sized(1, H, S), sized(B, H)),
     r"expected previous \(batch, heads, slots\) with batch = 2, got \(1, 3, 5\)"),
    (interpolate, (sized(B, H, S), sized(B, H, S), sized(B, H, 1)),
     r"expected gate \(batch, heads\), got \(2, 3, 1\)"),
    (circular_shift, (sized(B, H, S), sized(B, H, 5)),
     r"expected shift \(batch, heads, offsets\) with offsets = 3, got \(2, 3, 5\)"),
    (sharpen, (sized(B, S), sized(B)),
     r"expected weights \(batch, heads, slots\), got \(2, 5\)"),
    (memory_scores, (sized(B, S, W), sized(2, W, 4)), r"expected an odd kernel size, got 4"),
    (memory_scores, (sized(B, S, W), sized(2, W + 1, 3)),
     r"expected kernels \(maps, width, kernel\) with width = 4, got \(2, 5, 3\)"),
    (memory_scores, (sized(B, S, W), sized(2, W, 3), sized(3)),
     r"expected bias \(maps\) with maps = 2, got \(3,\)"),
]  # fmt: skip


@pytest.mark.parametrize(("function", "arguments", "message"), WRONG)
def test_a_wrong_shape_is_named(function, arguments, message):
    with pytest.raises(ValueError, match=message):
        function(*arguments)


@each_call
def test_a_wrong_dtype_device_or_kind_is_named(function, arguments):
    first, *others, last = arguments()
    with pytest.raises(ValueError, match=r"expected .* in torch.float64 .*, got torch.float32"):
        function(first, *others, last.float())
    with pytest.raises(ValueError, match=r"expected .* on cpu like .*, got meta"):
        function(first, *others, last.to("meta"))
    with pytest.raises(ValueError, match=r"expected .* to be a torch.Tensor, got list"):
        function(first, *others, last.tolist())
