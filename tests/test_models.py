"""Every model is called alike: padding, picking a step, handing over the state, tracing."""

import copy
import pickle

import pytest
import torch
from torch.autograd import gradcheck

from lessons_lib.models import build
from tests.machines import INPUTS, KINDS, OUTPUTS, assert_same, make, sequence, slopes, tensors

each_model = pytest.mark.parametrize("name", KINDS)
with_and_without_trace = pytest.mark.parametrize("trace", [False, True])
LENGTHS = torch.tensor([2, 5, 3])


def run(model, inputs, state=None, **options):
    return model(inputs, state, **options)[:2]


@each_model
def test_outputs_and_state_have_the_promised_shapes(name):
    model = make(name, torch.float32)
    outputs, state = model(sequence(4, dtype=torch.float32))
    assert outputs.shape == (4, 3, OUTPUTS)
    start = model.initial_state(3)
    assert type(state) is type(start)
    shapes = [part.shape for part in tensors(*start)]
    assert [part.shape for part in tensors(*state)] == shapes
    assert all(shape[0] == 3 for shape in shapes)


@each_model
def test_a_trace_changes_neither_outputs_nor_state_nor_gradients(name):
    model, inputs = make(name), sequence(4).requires_grad_()
    of = [inputs, *model.parameters()]
    plain, traced = run(model, inputs), run(model, inputs, trace=True)
    assert_same(plain, traced)
    assert_same(slopes(plain, of), slopes(traced, of))
    record = model(inputs, trace=True)[2]
    assert_same([record.outputs, record.inputs], [plain[0], inputs])


@each_model
@with_and_without_trace
@pytest.mark.parametrize("garbage", [1e6, float("nan")])
def test_padding_changes_no_output_no_state_and_no_gradient(name, trace, garbage):
    model, whole = make(name), sequence(5)
    padded = whole.clone()
    for number, length in enumerate(LENGTHS):
        padded[length:, number] = garbage
    padded.requires_grad_()
    parameters = list(model.parameters())
    found = run(model, padded, lengths=LENGTHS, trace=trace)
    alone = [
        run(model, whole[:length, number : number + 1])
        for number, length in enumerate(LENGTHS.tolist())
    ]
    outputs = [
        torch.cat([one, one.new_zeros(5 - len(one), 1, OUTPUTS)]) for one, _ in alone
    ]  # zeros in the padding
    joined = [torch.cat(outputs, dim=1)]
    states = zip(*(tensors(*state) for _, state in alone), strict=True)
    joined += [torch.cat(parts) for parts in states]
    assert_same(found, joined)
    assert_same(slopes(found, parameters), slopes(joined, parameters))
    (slope,) = slopes(run(model, padded, lengths=LENGTHS, trace=trace), [padded])
    assert slope.isfinite().all()
    for number, length in enumerate(LENGTHS):
        assert not slope[length:, number].any()
        assert slope[:length, number].any()


@each_model
@with_and_without_trace
def test_at_gives_each_sequences_own_step(name, trace):
    model, inputs, at = make(name), sequence(5).requires_grad_(), torch.tensor([1, 4, 0])
    parameters = list(model.parameters())
    for lengths in (None, LENGTHS):
        every, state = run(model, inputs, lengths=lengths)
        chosen, same_state = run(model, inputs, lengths=lengths, at=at, trace=trace)
        wanted = every[at, torch.arange(3)]
        assert chosen.shape == (3, OUTPUTS)
        assert_same([chosen, same_state], [wanted, state])
        of = [*parameters, inputs]
        assert_same(slopes([chosen, same_state], of), slopes([wanted, state], of))


@each_model
@with_and_without_trace
def test_a_sequence_in_two_parts_equals_the_whole(name, trace):
    model, inputs = make(name), sequence(6).requires_grad_()
    whole, last = run(model, inputs, trace=trace)
    first, between = run(model, inputs[:2], trace=trace)
    second, same_last = run(model, inputs[2:], between, trace=trace)
    assert_same([torch.cat([first, second]), same_last], [whole, last])
    of = [inputs, *model.parameters()]
    parts = [torch.cat([first, second]), same_last]
    assert_same(slopes(parts, of), slopes([whole, last], of))


@each_model
def test_a_state_handed_over_works_with_lengths_and_at(name):
    model, inputs = make(name), sequence(6)
    _, between = run(model, inputs[:2])
    lengths, at = torch.tensor([4, 1, 3]), torch.tensor([3, 0, 1])
    found = run(model, inputs[2:], between, lengths=lengths, at=at)
    assert_same(found, run(model, inputs, lengths=lengths + 2, at=at + 2))


@each_model
def test_outputs_do_not_depend_on_what_comes_later(name):
    model, inputs = make(name), sequence(5)
    other = inputs.clone()
    other[3:] += 1
    found, _ = run(model, inputs)
    changed, _ = run(model, other)
    assert_same([changed[:3]], [found[:3]])
    assert (changed[3:] - found[3:]).abs().max() > 1e-3


@each_model
@with_and_without_trace
@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
def test_every_floating_dtype_runs_and_stays(name, dtype, trace):
    inputs = sequence(4, dtype=dtype)
    model, lengths = make(name, dtype), torch.tensor([4, 2, 3])
    found = run(model, inputs, lengths=lengths, trace=trace)
    assert all(part.dtype == dtype for part in tensors(*found))
    wanted = run(model.double(), inputs.double(), lengths=lengths)  # the same rounded numbers
    precision = {torch.float32: 1e-5, torch.float16: 0.02, torch.bfloat16: 0.15}[dtype]
    assert_same([part.double() for part in tensors(*found)], wanted, precision)


@each_model
def test_the_device_gives_what_the_cpu_gives(name, device):
    model, inputs = make(name), sequence(5)
    wanted = run(model, inputs, lengths=LENGTHS, at=LENGTHS - 1)
    moved = copy.deepcopy(model).to(device)
    for there in ("cpu", device):  # lengths and at may stay behind
        steps = LENGTHS.to(there)
        for trace in (False, True):
            found = run(moved, inputs.to(device), lengths=steps, at=steps - 1, trace=trace)
            assert all(part.device.type == device.type for part in tensors(*found))
            assert_same([part.cpu() for part in tensors(*found)], wanted)


@each_model
def test_there_is_no_hidden_state(name):
    model, inputs = make(name), sequence(4)
    before = {key: value.clone() for key, value in model.state_dict().items()}
    start = model.initial_state(3)
    start_before = [part.clone() for part in tensors(*start)]
    inputs_before = inputs.clone()
    first, second = run(model, inputs, start), run(model, inputs, start)
    assert all(map(torch.equal, tensors(*first), tensors(*second)))
    assert all(map(torch.equal, tensors(*start), start_before))
    assert torch.equal(inputs, inputs_before)
    after = model.state_dict()
    assert before.keys() == after.keys()
    assert all(torch.equal(before[key], after[key]) for key in before)


@each_model
def test_copies_pickles_and_saved_weights_are_the_same_machine(name):
    model, inputs = make(name), sequence(4)
    wanted = run(model, inputs)
    torch.manual_seed(99)
    kind, options = KINDS[name]
    anew = build(kind, input_size=INPUTS, output_size=OUTPUTS, **options).double()
    anew.load_state_dict(model.state_dict())
    for other in (copy.deepcopy(model), pickle.loads(pickle.dumps(model)), anew):
        found = run(other, inputs)
        assert all(map(torch.equal, tensors(*found), tensors(*wanted)))


@each_model
def test_every_parameter_receives_a_gradient(name):
    model = make(name)
    found = slopes(run(model, sequence(4))[:1], list(model.parameters()))
    idle = [
        key for (key, _), slope in zip(model.named_parameters(), found, strict=True)
        if not slope.any()
    ]  # fmt: skip
    assert idle == []


TINY = [name for name in KINDS if "NTM" in name]


@pytest.mark.parametrize("name", TINY)
def test_gradients_of_the_machines_equal_finite_differences(name):
    sizes = {"hidden_size": 2, "slots": 3, "width": 2}
    model = make(name, **sizes)
    names, values = zip(*model.named_parameters(), strict=True)

    def outputs(inputs, *parameters):
        call = dict(zip(names, parameters, strict=True))
        return tuple(tensors(*torch.func.functional_call(model, call, (inputs,))))

    assert gradcheck(outputs, (sequence(2, batch=1).requires_grad_(), *values))


INPUT = torch.zeros(4, 3, INPUTS)
WRONG = [
    ({"inputs": INPUT[0]}, r"expected inputs \(time, batch, input_size\), got \(3, 3\)"),
    ({"inputs": torch.zeros(4, 3, 5)}, r"with input_size = 3, got \(4, 3, 5\)"),
    ({"inputs": INPUT.double()}, r"expected inputs in torch.float32 on cpu .* got torch.float64"),
    ({"inputs": INPUT.to("meta")}, r"expected inputs in torch.float32 on cpu .* on meta"),
    ({"inputs": INPUT.long()}, r"expected inputs in a floating-point dtype, got torch.int64"),
    ({"inputs": INPUT[:0]}, r"expected at least one step and one sequence, got \(0, 3, 3\)"),
    ({"inputs": INPUT[:, :0]}, r"expected at least one step and one sequence, got \(4, 0, 3\)"),
    ({"lengths": torch.tensor([4, 4])}, r"expected lengths \(3,\) of whole numbers, got \(2,\)"),
    ({"lengths": torch.ones(3)}, r"expected lengths \(3,\) of whole numbers, got .* torch.float32"),
    ({"lengths": torch.ones(3).bool()}, r"expected lengths \(3,\) of whole .* got .* torch.bool"),
    ({"lengths": [4, 4, 4]}, r"expected lengths \(3,\) of whole .*, got list"),
    ({"lengths": torch.tensor([0, 1, 2])}, r"expected lengths from 1 to 4, got 0 to 2"),
    ({"lengths": torch.tensor([5, 1, 2])}, r"expected lengths from 1 to 4, got 1 to 5"),
    ({"at": torch.tensor([0, 1, 4])}, r"expected at from 0 to 3, got 0 to 4"),
    ({"at": torch.tensor([-1, 1, 3])}, r"expected at from 0 to 3, got -1 to 3"),
    ({"at": torch.tensor(2)}, r"expected at \(3,\) of whole numbers, got \(\)"),
    (
        {"at": torch.tensor([0, 2, 1]), "lengths": torch.tensor([1, 2, 3])},
        r"expected at < lengths, got \[0, 2, 1\] and \[1, 2, 3\]",
    ),
]


@pytest.mark.parametrize("name", ["RNN", "NTM", "LNTM"])
@pytest.mark.parametrize(("options", "message"), WRONG)
def test_a_wrong_argument_is_named(name, options, message):
    with pytest.raises(ValueError, match=message):
        make(name, torch.float32)(**{"inputs": INPUT, **options})


@each_model
def test_a_state_that_does_not_fit_is_named(name):
    """A state of one sequence must not be spread over a batch by accident."""
    model = make(name, torch.float32)
    with pytest.raises(ValueError, match=r"expected state.* \(3, .*got \(1, "):
        model(INPUT, model.initial_state(1))
    with pytest.raises(ValueError, match=r"expected state.* in torch.float32 on cpu, got"):
        model(INPUT, make(name).initial_state(3))
    with pytest.raises(ValueError, match=r"expected state as \w+State with \d parts, got tuple"):
        model(INPUT, ())


def test_an_unknown_model_is_named():
    with pytest.raises(ValueError, match=r"expected a model among RNN, LSTM, .* got 'DNC'"):
        build("DNC", input_size=1, output_size=1)
