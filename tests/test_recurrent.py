"""RNN, LSTM and GRU equal torch's layers under the same weights; see test_models for the rest."""

import pytest
import torch

from tests.machines import make, sequence, slopes

each_model = pytest.mark.parametrize("name", ["RNN", "LSTM", "GRU"])


@each_model
@pytest.mark.parametrize("trace", [False, True])
def test_outputs_are_a_linear_readout_of_torchs_layer(name, trace):
    """o_t = W_o h_t + b_o, gradients included."""
    model, inputs = make(name), sequence(6).requires_grad_()
    hidden, _ = model.layer(inputs)
    wanted = hidden @ model.readout.weight.T + model.readout.bias
    found = model(inputs, trace=trace)[0]
    torch.testing.assert_close(found, wanted, atol=1e-6, rtol=1e-6)
    of = [inputs, *model.parameters()]
    for ours, theirs in zip(slopes([found], of), slopes([wanted], of), strict=True):
        torch.testing.assert_close(ours, theirs, atol=1e-6, rtol=1e-6)


@each_model
def test_the_start_is_zeros(name):
    model = make(name)
    for part in model.initial_state(4):
        assert part.shape == (4, model.hidden_size)
        assert not part.any()
    assert torch.equal(model(sequence(3))[0], model(sequence(3), model.initial_state(3))[0])


def test_the_trace_shows_each_models_own_gates():
    shown = {
        name: {field for field, _ in make(name)(sequence(2), trace=True)[2].named_tensors()}
        for name in ("RNN", "LSTM", "GRU")
    }
    common = {"inputs", "hidden", "outputs"}
    assert shown["RNN"] == common
    lstm_gates = {"cell", "input_gate", "forget_gate", "output_gate", "candidate"}
    assert shown["LSTM"] == common | lstm_gates
    assert shown["GRU"] == common | {"reset_gate", "update_gate", "candidate"}


@each_model
def test_dropping_the_batch_order_does_not_matter(name):
    """Packing sorts by length inside; the caller's order comes back."""
    model, inputs, lengths = make(name), sequence(5), torch.tensor([1, 5, 3])
    turned, order = [2, 0, 1], torch.tensor([2, 0, 1])
    outputs, state = model(inputs, lengths=lengths)
    other, other_state = model(inputs[:, turned], lengths=lengths[order])
    torch.testing.assert_close(other, outputs[:, turned])
    torch.testing.assert_close(other_state.hidden, state.hidden[turned])
