"""The grader, part by part: what crosses the wire, what a worker may do, how trials are judged."""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Iterator

import numpy
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from course.grading import judges, wire
from course.grading.declare import Case, Problem, Property, Trial, seeded
from course.grading.grader import Mark, Outcome, words
from course.grading.notebooks import digest
from course.grading.sandbox import Limits
from course.grading.workers import Workers

pytestmark = pytest.mark.xdist_group("grading-tampering")
PLAIN = st.none() | st.booleans() | st.integers(-(2**62), 2**62) | st.text(max_size=20)


def across(value):
    """Return a value as it arrives."""
    packed = wire.pack(value)
    header, body = wire.lengths(packed[: wire.LENGTHS.size])
    rest = packed[wire.LENGTHS.size :]
    assert len(rest) == header + body
    return wire.unpack(rest[:header], rest[header:])


@given(st.recursive(PLAIN, lambda inner: st.lists(inner, max_size=3), max_leaves=6))
def test_plain_values_cross_unchanged(value):
    def deep(item):
        return 1 + max(map(deep, item), default=0) if isinstance(item, list) else 0

    if deep(value) < wire.MOST_DEPTH:
        assert across(value) == value


@pytest.mark.parametrize("dtype", wire.DTYPES.values(), ids=str)
@pytest.mark.parametrize("shape", [(), (0,), (3, 0, 2), (2, 3), (1, 1, 1, 1)])
def test_tensors_cross_to_the_last_bit(dtype, shape):
    tensor = (torch.rand(shape) * 5).to(dtype)
    got = across({"a": [tensor, tensor + 1], "b": tensor.mT if len(shape) > 1 else tensor})
    assert got["a"][0].dtype == dtype
    assert torch.equal(got["a"][0], tensor)
    assert torch.equal(got["a"][1], tensor + 1)


def test_what_does_not_cross_is_named():
    assert repr(across(print)) == "a builtin_function_or_method"
    assert repr(across(numpy.ones((2, 3)))) == "a numpy array of shape (2, 3)"
    assert across(numpy.float32(2.0)) == 2.0
    assert math.isnan(across(float("nan")))
    assert "2^63" in repr(across(10**30))


@pytest.mark.parametrize(
    "header",
    [
        b"", b"{", b"[]", b"null", b"3", b'["tensor"]', b'["tensor", "float64", [2], 0]',
        b'["tensor", "float64", [-1], 0]', b'["tensor", "object", [1], 0]', b'["code", "x"]',
        b'["tensor", "float64", [1e9], 0]', b'["list", 3]', b'["dict", []]', b'["plain", []]',
        b'["tensor", "float64", [100000000000000000000], 0]', b'["plain", ' + b"9" * 5000 + b"]",
        b"[" * 100_000, b'["list", [' * 50 + b"]]" * 50, b"\xff\xfe",
    ],
)  # fmt: skip
def test_a_hostile_header_is_no_message(header):
    with pytest.raises(wire.WireError):
        wire.unpack(header, b"")


@given(st.binary(max_size=60), st.binary(max_size=20))
def test_no_bytes_do_anything_but_build_or_raise(header, body):
    try:
        wire.unpack(header, body)
    except wire.WireError:
        pass


def test_announced_lengths_are_not_believed():
    with pytest.raises(wire.WireError, match="more was returned"):
        wire.lengths(struct.pack(">IQ", 10, 2**40))
    with pytest.raises(wire.WireError, match="more was returned"):
        wire.pack(torch.zeros(1).expand(10**12))


@pytest.fixture(scope="module")
def workers() -> Iterator[Workers]:
    with Workers(Limits(step_seconds=20)) as started:
        yield started


def run(workers: Workers, source: str, *arguments, **more):
    call = {"cell": "c", "function": "f", "arguments": list(arguments), "mix": None, "after": True}
    return workers.run({"cells": [{"id": "c", "source": source}], "calls": [call | more]})


def test_each_process_begins_afresh(workers):
    first = run(workers, "import math, builtins\nmath.pi = builtins.left = 3\ndef f(): return 1")
    second = run(
        workers, "import math, builtins\ndef f(): return [math.pi, hasattr(builtins, 'left')]"
    )
    assert first.finished
    assert second.calls[0]["value"] == [math.pi, False]


def test_gradients_and_arguments_come_back(workers):
    source = "def f(x, n):\n    y = x * n\n    return y"
    x = torch.tensor([1.0, 2.0])
    call = run(workers, source, x, 3, mix=torch.tensor([1.0, 10.0])).calls[0]
    assert torch.equal(call["gradients"][0], torch.tensor([3.0, 30.0]))
    assert torch.equal(call["after"][0], x)


def test_an_error_is_told_with_its_line(workers):
    source = "def f():\n    x = 1\n    raise ValueError('so')"
    assert run(workers, source).calls[0]["error"] == {"kind": "ValueError", "text": "so", "line": 3}
    assert run(workers, "def f(:").cells["c"]["kind"] == "SyntaxError"
    assert run(workers, "g = 1").calls[0]["error"]["kind"] == "missing"


def test_a_long_cell_arrives_whole(workers):
    """Cells of 200,000 characters are taken (notebooks.MOST_TEXT): none is cut on its way."""
    long = "x = 'ä'\n" * 24_000 + "def f():\n    return 7"
    assert run(workers, long).calls[0]["value"] == 7
    sent = wire.pack("x" * 3_000, long_texts=True)
    header, _ = wire.lengths(sent[: wire.LENGTHS.size])
    rest = sent[wire.LENGTHS.size :]
    assert wire.unpack(rest[:header], rest[header:], long_texts=True) == "x" * 3_000
    with pytest.raises(wire.WireError):  # a student's process sends no such text
        wire.unpack(rest[:header], rest[header:])


def test_the_process_that_forks_is_started_again_when_it_is_killed(workers):
    assert run(workers, "def f(): return 1").finished
    workers._process.kill()
    workers._process.wait()
    assert run(workers, "def f(): return 1").finished


def test_the_sandbox_says_what_holds(workers):
    held = run(workers, "def f(): return 1").held
    assert {"time and memory", "no further process"} <= set(held)


def problem_of(judge, cases, watch="value", reference=lambda x: 2 * x) -> tuple[Problem, Property]:
    wanted = Property("it", 1, "Lost.", cases, judge, watch)
    return Problem("p", "c", "f", reference, (wanted,)), wanted


def ones(generator):
    yield (torch.ones(2, 2, dtype=torch.float64),)


def test_trials_follow_from_the_seed_alone():
    problem, wanted = problem_of(judges.agrees(), lambda g: [(torch.rand(3, generator=g),)])
    one, same, other = (wanted.trials(problem, seed)[0] for seed in (1, 1, 2))
    assert torch.equal(one.arguments[0], same.arguments[0])
    assert not torch.equal(one.arguments[0], other.arguments[0])
    assert torch.equal(one.expected, 2 * one.arguments[0])
    assert torch.equal(torch.rand(3, generator=seeded(1, "p", "it")), one.arguments[0])


def test_a_property_without_cases_is_refused():
    problem, wanted = problem_of(judges.agrees(), lambda g: [])
    with pytest.raises(ValueError, match="expected cases of p, it"):
        wanted.trials(problem, 0)


def test_a_secret_of_a_case_stays_with_the_judge():
    problem, wanted = problem_of(judges.agrees(), lambda g: [Case((1,), "hidden")], reference=None)
    trial = wanted.trials(problem, 0)[0]
    assert (trial.arguments, trial.secret, trial.expected) == ((1,), "hidden", None)


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (torch.full((2, 2), 2.0), None),
        (torch.full((2, 2), 2.1), "wrong values"),
        (torch.full((2,), 2.0), "expected the shape (2, 2), got (2,)"),
        (torch.full((2, 2), float("nan")), "NaN"),
        (None, "is a `return` missing?"),
        (wire.Array(torch.full((2, 2), 2.0)), None),
        ([[2.0, 2.0], [2.0, 2.0]], "expected a tensor, got a list"),
        ("2", "expected a tensor, got '2'"),
    ],
)
def test_agrees(value, said):
    problem, wanted = problem_of(judges.agrees(), ones)
    trial = wanted.trials(problem, 0)[0]
    trial.value = value
    found = judges.agrees()(trial)
    assert (found is None) if said is None else said in found


def test_same_kind_asks_for_the_dtype_alone():
    trial = Trial((), expected=torch.ones(2))
    for value, right in (
        (torch.zeros(2), True),
        (torch.zeros(2).double(), False),
        (wire.Array(torch.zeros(2)), False),
    ):
        trial.value = value
        assert (judges.same_kind(trial) is None) == right


def test_slopes_flow():
    problem, wanted = problem_of(judges.slopes_flow, ones, "slopes")
    trial = wanted.trials(problem, 0)[0]
    right = trial.slopes[0]
    assert torch.equal(right, 2 * trial.mix)
    trial.value = trial.expected
    for gradients, said in (
        ([right], None),
        ([right + 1], "its gradient is not"),
        ([0 * right], "no gradient flows"),
        ([None], "no gradient flows"),
        (None, "no gradient flows"),
        ([right / 0], "NaN or an infinity"),
        ([right[0]], "no gradient flows"),
    ):
        trial.gradients = gradients
        found = judges.slopes_flow(trial)
        assert (found is None) if said is None else said in found
    trial.value, trial.gradients = trial.expected + 1, [right + 1]
    assert judges.slopes_flow(trial) is None  # the wrong value is paid for elsewhere


def test_proportional_and_keeps_sum():
    trial = Trial((torch.tensor([[0.2, 0.8]]),), expected=torch.tensor([[1.0, 2.0]]).double())
    trial.value = torch.tensor([[3.0, 6.0]])
    assert judges.proportional()(trial) is None
    trial.value = torch.tensor([[-1.0, -2.0]])
    assert judges.proportional()(trial) == "wrong values"
    trial.value = torch.tensor([[0.0, 0.0]])
    assert judges.proportional()(trial) == "wrong values"
    trial.expected = torch.tensor([[0.5, 0.5]])
    trial.value = torch.tensor([[0.5, 0.5]])
    assert judges.keeps_sum(trial) is None
    trial.value = torch.tensor([[0.5, 0.4]])
    assert "sums to 0.9" in judges.keeps_sum(trial)


def test_words_of_a_submission_are_one_short_line():
    assert words("a\x1b[31m\nb\x00c") == "a [31m b c"
    assert len(words("x" * 10_000)) < 210


def test_an_outcome_is_read_back_as_it_was_written():
    outcome = Outcome({"p": Mark(1.5, 2.0, ["a line"], ["it"])}, 7)
    assert Outcome.of_json(outcome.as_json()) == outcome
    assert json.loads(outcome.as_json())["seed"] == 7
    assert digest([], "a") != digest([], "b")
