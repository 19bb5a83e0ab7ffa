"""The hand-written backward passes give the plain paths' numbers, and step aside where they can't.

That outputs, states and gradients equal those of the step-by-step definition for every kind of
machine is also held in test_models, where a traced run is always the plain one.
"""

import pytest
import torch

from lessons_lib import lntm_fed, ntm_fast
from tests.machines import LNTMS, NTMS, assert_same, make, sequence, slopes

FAST = NTMS + LNTMS
FED = [name for name in LNTMS if "fed" in name]
LENGTHS, AT = torch.tensor([2, 5, 3]), torch.tensor([1, 2, 0])
each_fast = pytest.mark.parametrize("name", FAST)


def both(name, **changes):
    """The same machine on the plain path and on the fast one."""
    plain, fast = make(name, fast=False, **changes), make(name, fast=True, **changes)
    fast.load_state_dict(plain.state_dict())
    return plain, fast


@each_fast
@pytest.mark.parametrize("options", [{}, {"lengths": LENGTHS}, {"lengths": LENGTHS, "at": AT}])
def test_outputs_states_and_gradients_are_the_plain_ones(name, options):
    found = []
    for model in both(name):
        inputs = sequence(5).requires_grad_()
        outputs, state = model(inputs, **options)
        more, last = model(inputs.flip(0), state)  # gradients through a state handed over, too
        of = [inputs, *model.parameters()]
        found.append([outputs, more, last, *slopes([outputs, more, last, state], of)])
    assert_same(found[1], found[0])


@each_fast
@pytest.mark.parametrize("slots", [1, 2, 9])
def test_any_number_of_slots(name, slots):
    found = []
    for model in both(name, slots=slots):
        outputs = model(sequence(4))[0]
        found.append([outputs, *slopes([outputs], list(model.parameters()))])
    assert_same(found[1], found[0])


@each_fast
def test_in_single_precision_they_agree_to_a_millionth(name):
    found = [model.float()(sequence(5, dtype=torch.float32))[0] for model in both(name)]
    torch.testing.assert_close(found[1], found[0], atol=2e-6, rtol=1e-5)


@pytest.mark.parametrize("name", NTMS)
def test_where_a_head_parameter_is_clipped_its_gradient_is_zero(name):
    """NTM: head parameters are clipped to ±20 before they are squashed."""
    found = []
    for model in both(name):
        with torch.no_grad():
            model.heads.bias[::3] = 50
        outputs = model(sequence(3))[0]
        found.append([outputs, *slopes([outputs], [model.heads.weight, model.heads.bias])])
    assert not found[0][2][::3].any()
    assert_same(found[1], found[0])


@pytest.mark.parametrize("name", ["NTM", "NTM feedforward"])
def test_clipping_can_be_left_out(name):
    found = []
    for model in both(name, clip=float("inf")):
        with torch.no_grad():
            model.heads.bias[::3] = 50
        outputs = model(sequence(3))[0]
        found.append([outputs, *slopes([outputs], [model.heads.bias])])
    assert_same(found[1], found[0])
    assert (make(name)(sequence(3))[0] - make(name, clip=0.1)(sequence(3))[0]).abs().max() > 1e-3
    with pytest.raises(ValueError, match="expected clip above 0, got 0"):
        make(name, clip=0)


@each_fast
def test_without_gradients_nothing_is_kept_and_the_numbers_are_the_same(name, monkeypatch):
    kept = []
    for module in (ntm_fast, lntm_fed):

        def spy(self, *given, made=module.Stacks.__init__):
            made(self, *given)
            kept.append(len(self.memory))

        monkeypatch.setattr(module.Stacks, "__init__", spy)
    for steps in (4, 5):  # the rows alternate: odd and even lengths end in another one
        plain, fast = both(name)
        with torch.no_grad():
            assert_same(fast(sequence(steps)), plain(sequence(steps)))
    assert kept == ([2, 2] if name in NTMS + FED else [])  # without fed reads the writes keep all


@pytest.fixture
def only_plain(monkeypatch):
    """Makes every fast path fail."""

    def never(*_, **__):
        raise AssertionError("the fast path ran")

    for place in ("ntm_fast.scan", "lntm_fast.write_all", "lntm_fed.scan"):
        monkeypatch.setattr(f"lessons_lib.{place}", never)


PLAIN = ["fast=False", "trace", "vmap", "half"]


@pytest.mark.parametrize(
    ("name", "case"),
    [(name, case) for name in ("NTM", "LNTM", "LNTM fed") for case in PLAIN]
    + [("NTM", "write_scale"), ("LNTM", "many slots"), ("LNTM fed", "many slots")],
)
def test_where_the_fast_path_does_not_apply_the_plain_one_runs(name, case, only_plain):
    """Nothing fails: the numbers come from the definition."""
    changes = {"slots": 65} if case == "many slots" else {}
    dtype = torch.bfloat16 if case == "half" else torch.float32
    model = make(name, dtype, fast=case != "fast=False", **changes)
    inputs = sequence(3, dtype=dtype)
    if case == "vmap":
        wanted = model(inputs, trace=True)[0]
        each = torch.func.vmap(lambda one: model(one.unsqueeze(1))[0].squeeze(1), in_dims=1)
        torch.testing.assert_close(each(inputs).transpose(0, 1), wanted)
    elif case == "write_scale":
        model(inputs, write_scale=torch.ones(3, 3))
    else:
        model(inputs, trace=case == "trace")


@each_fast
def test_everywhere_else_the_fast_path_runs(name, only_plain):
    with pytest.raises(AssertionError, match="the fast path ran"):
        make(name)(sequence(3))


@pytest.mark.parametrize("name", NTMS + LNTMS)
@pytest.mark.parametrize("trace", [False, True])
def test_under_autocast_the_machine_keeps_its_precision(name, trace):
    """The states are those without autocast to the last bit; a loss in it can be trained on."""
    model, inputs = make(name, torch.float32), sequence(4, dtype=torch.float32)
    _, wanted = model(inputs, trace=trace)[:2]
    with torch.autocast("cpu", torch.bfloat16):
        outputs, state = model(inputs, trace=trace)[:2]
        loss = outputs.float().square().mean()
    assert_same(state, wanted, 0.0)
    assert all(slope.isfinite().all() for slope in torch.autograd.grad(loss, model.parameters()))


@pytest.mark.parametrize("name", ["NTM", "LNTM", "LNTM fed"])
def test_second_derivatives_are_refused_by_name_and_given_by_the_plain_path(name):
    for model in both(name):
        inputs = sequence(3).requires_grad_()
        (slope,) = torch.autograd.grad(model(inputs)[0].sum(), inputs, create_graph=True)
        if model.fast:
            with pytest.raises(RuntimeError, match="once_differentiable"):
                slope.square().sum().backward()
        else:
            slope.square().sum().backward()


@each_fast
def test_gradients_can_be_asked_for_again(name):
    """Going back leaves what it needs as it was."""
    _, model = both(name)
    loss = model(sequence(4))[0].square().sum()
    of = list(model.parameters())
    first = torch.autograd.grad(loss, of, retain_graph=True)
    assert_same(torch.autograd.grad(loss, of), first, 0.0)


@each_fast
def test_two_runs_of_one_machine_do_not_disturb_each_other(name):
    """Every call has stacks of its own: two losses of one machine, backward in any order."""
    _, model = both(name)
    of = list(model.parameters())
    wanted = [slopes([model(sequence(4, seed=seed))[0]], of) for seed in (1, 2)]
    first, second = (model(sequence(4, seed=seed))[0] for seed in (1, 2))
    assert_same(slopes([second], of), wanted[1])
    assert_same(slopes([first], of), wanted[0])
