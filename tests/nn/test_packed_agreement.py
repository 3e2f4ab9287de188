"""Recurrent layers over packed sequences, against torch with the same weights: outputs, last states, gradients."""

import pytest

import rustorch as torch

LENGTHS = [2, 5, 1, 4]


def filled(lib, *shape):
    n = 1
    for s in shape:
        n *= s
    return (lib.arange(n, dtype=lib.float64) * 0.37).sin().reshape(shape)


def run(lib, kind, options, sort, initial):
    layer = getattr(lib.nn, kind)(3, 4, **options).double()
    with lib.no_grad():
        for i, p in enumerate(layer.parameters()):
            p.copy_(filled(lib, *p.shape) * (0.4 + 0.05 * i))
    rnn = lib.nn.utils.rnn
    lengths = sorted(LENGTHS, reverse=True) if sort else LENGTHS
    x = filled(lib, 4, 5, 3).requires_grad_()
    packed = rnn.pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=sort)
    states = None
    if initial:
        directions = (2 if options.get("bidirectional") else 1) * options.get("num_layers", 1)
        states = filled(lib, directions, 4, options.get("proj_size", 0) or 4).requires_grad_()
        if kind == "LSTM":
            states = (states, filled(lib, directions, 4, 4).cos())
    out, last = layer(packed, states)
    padded, out_lengths = rnn.pad_packed_sequence(out, batch_first=True, padding_value=-7.0, total_length=6)
    last = last if isinstance(last, tuple) else (last,)
    (padded * filled(lib, *padded.shape)).sum().add(sum((s * s).sum() for s in last)).backward()
    h0 = states[0] if isinstance(states, tuple) else states
    grads = [x.grad, *(p.grad for p in layer.parameters())] + ([h0.grad] if initial else [])
    return [padded, out.data, out.batch_sizes, out_lengths, *last, *grads]


@pytest.mark.parametrize("kind", ["RNN", "LSTM", "GRU"])
@pytest.mark.parametrize("sort", [True, False])
@pytest.mark.parametrize("initial", [True, False])
@pytest.mark.parametrize(
    "options", [{}, {"num_layers": 2, "bidirectional": True}, {"bias": False, "bidirectional": True}]
)
def test_packed_layers_agree_with_torch(kind, options, sort, initial, oracle, assert_same):
    assert_same(run(torch, kind, options, sort, initial), run(oracle, kind, options, sort, initial))


@pytest.mark.parametrize("bidirectional", [False, True])
def test_packed_lstm_with_projection_agrees_with_torch(bidirectional, oracle, assert_same):
    options = {"proj_size": 2, "num_layers": 2, "bidirectional": bidirectional}
    assert_same(run(torch, "LSTM", options, False, True), run(oracle, "LSTM", options, False, True))


@pytest.mark.parametrize("options", [{}, {"batch_first": True}, {"padding_value": 2.5}, {"padding_side": "left"}])
def test_padding_agrees_with_torch(options, oracle, assert_same):
    results = []
    for lib in (torch, oracle):
        parts = [filled(lib, n, 2, 3).requires_grad_() for n in (2, 4, 1)]
        out = lib.nn.utils.rnn.pad_sequence(parts, **options)
        (out * filled(lib, *out.shape)).sum().backward()
        results.append([out, *(p.grad for p in parts)])
    assert_same(*results)


@pytest.mark.parametrize(
    ("sequences", "options", "text"),
    [
        ([], {}, "received an empty list of sequences"),
        ([(2, 3), (3, 2)], {}, "The size of tensor a (3) must match the size of tensor b (2)"),
        ([(2,)], {"padding_side": "up"}, "Expected padding_side to be one of left or right, but got up."),
        ([()], {}, "pad_sequence: expected sequences of shape (L, *)"),
    ],
)
def test_padding_errors(sequences, options, text):
    with pytest.raises(RuntimeError) as error:
        torch.nn.utils.rnn.pad_sequence([torch.ones(s) for s in sequences], **options)
    assert text in str(error.value)
