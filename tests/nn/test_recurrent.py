"""RNN, LSTM, GRU, their cells and packed sequences."""

import copy
import pickle

import pytest
from conftest import close

import rustorch as torch
from rustorch import nn
from rustorch.nn._functional import recurrent
from rustorch.nn.utils import rnn as R


def reference(m, x, state):
    """One layer, one direction, step by step from the textbook formulas."""
    w_ih, w_hh, b_ih, b_hh = (getattr(m, f"{n}_l0") for n in ("weight_ih", "weight_hh", "bias_ih", "bias_hh"))
    outputs = []
    h, c = state if isinstance(state, tuple) else (state, None)
    for step in x:
        gi, gh = step @ w_ih.T + b_ih, h @ w_hh.T + b_hh
        if m.mode == "LSTM":
            i, f, g, o = (gi + gh).chunk(4, 1)
            c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
            h = torch.sigmoid(o) * torch.tanh(c)
        elif m.mode == "GRU":
            ri, zi, ni = gi.chunk(3, 1)
            rh, zh, nh = gh.chunk(3, 1)
            r, z = torch.sigmoid(ri + rh), torch.sigmoid(zi + zh)
            n = torch.tanh(ni + r * nh)
            h = (1 - z) * n + z * h
        else:
            h = torch.tanh(gi + gh) if m.mode == "RNN_TANH" else torch.relu(gi + gh)
        outputs.append(h)
    return torch.stack(outputs), h, c


@pytest.mark.parametrize("make", [nn.RNN, lambda *a: nn.RNN(*a, nonlinearity="relu"), nn.GRU, nn.LSTM])
def test_one_layer_follows_the_formulas(make):
    m, x, h = make(3, 4), torch.randn(5, 2, 3), torch.randn(1, 2, 4)
    state = (h, torch.randn(1, 2, 4)) if m.mode == "LSTM" else h
    output, last = m(x, state)
    first = (state[0][0], state[1][0]) if m.mode == "LSTM" else h[0]
    expected, h_n, c_n = reference(m, x, first)
    assert close(output, expected)
    if m.mode == "LSTM":
        assert close(last[0][0], h_n) and close(last[1][0], c_n)
    else:
        assert close(last[0], h_n)


@pytest.mark.parametrize("kind", [nn.RNN, nn.GRU, nn.LSTM])
def test_shapes_of_layers_and_directions(kind):
    m = kind(3, 4, num_layers=2, bidirectional=True, batch_first=True)
    output, last = m(torch.randn(5, 7, 3))
    assert output.shape == (5, 7, 8)
    for state in last if kind is nn.LSTM else (last,):
        assert state.shape == (4, 5, 4)
    names = [n for n, _ in m.named_parameters()]
    assert names[4:8] == ["weight_ih_l0_reverse", "weight_hh_l0_reverse", "bias_ih_l0_reverse", "bias_hh_l0_reverse"]
    assert m.weight_ih_l1.shape[1] == 8 and len(m.all_weights) == 4


def test_backward_direction_reads_the_sequence_from_its_end():
    m, x = nn.GRU(3, 4, bidirectional=True), torch.randn(5, 2, 3)
    mirror = nn.GRU(3, 4)
    mirror.load_state_dict({k.removesuffix("_reverse"): v for k, v in m.state_dict().items() if k.endswith("_reverse")})
    assert close(m(x)[0][..., 4:], mirror(x.flip(0))[0].flip(0))


def test_projection():
    m = nn.LSTM(3, 5, proj_size=2)
    output, (h, c) = m(torch.randn(4, 1, 3))
    assert output.shape == (4, 1, 2) and h.shape == (1, 1, 2) and c.shape == (1, 1, 5)
    assert m.weight_hr_l0.shape == (2, 5)


def test_without_batch():
    m, x = nn.LSTM(3, 4), torch.randn(5, 3)
    output, (h, c) = m(x)
    assert output.shape == (5, 4) and h.shape == c.shape == (1, 4)
    assert close(output, m(x.unsqueeze(1))[0].squeeze(1))
    assert close(m(x, (h, c))[0], m(x.unsqueeze(1), (h.unsqueeze(1), c.unsqueeze(1)))[0].squeeze(1))


@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("kind", [nn.RNN, nn.GRU, nn.LSTM])
def test_packed_sequences_equal_each_sequence_alone(kind, bidirectional):
    m = kind(2, 3, num_layers=2, bidirectional=bidirectional)
    sequences = [torch.randn(n, 2) for n in (2, 5, 3)]
    packed = R.pack_sequence(sequences, enforce_sorted=False)
    output, last = m(packed)
    padded, lengths = R.pad_packed_sequence(output)
    assert lengths.tolist() == [2, 5, 3]
    for i, sequence in enumerate(sequences):
        alone, state = m(sequence)
        assert close(padded[: len(sequence), i], alone)
        for packed_state, own in zip(last, state) if kind is nn.LSTM else [(last, state)]:
            assert close(packed_state[:, i], own)


def test_dropout_between_layers_only_in_training():
    m, x = nn.LSTM(3, 4, num_layers=2, dropout=0.9), torch.randn(4, 2, 3)
    assert not close(m(x)[0], m(x)[0])
    m.eval()
    assert close(m(x)[0], m(x)[0])
    with pytest.warns(UserWarning, match="dropout option adds dropout after all but last recurrent layer"):
        nn.LSTM(3, 4, dropout=0.5)


@pytest.mark.parametrize(
    ("args", "kwargs", "kind", "text"),
    [
        ((3, 4), {"dropout": 2}, ValueError, "dropout should be a number in range"),
        ((3, 0), {}, ValueError, "hidden_size must be greater than zero"),
        ((3.0, 4), {}, TypeError, "input_size should be of type int, got: float"),
        ((3, 4), {"num_layers": 0}, ValueError, "num_layers must be greater than zero"),
        ((3, 4), {"proj_size": 4}, ValueError, "proj_size has to be smaller than hidden_size"),
        ((3, 4), {"bias": 1}, TypeError, "bias should be of type bool, got: int"),
    ],
)
def test_argument_errors(args, kwargs, kind, text):
    with pytest.raises(kind, match=text):
        nn.LSTM(*args, **kwargs)


def test_input_errors():
    m = nn.GRU(3, 4)
    with pytest.raises(ValueError, match="GRU: Expected input to be 2D or 3D, got 4D instead"):
        m(torch.zeros(1, 1, 1, 3))
    with pytest.raises(RuntimeError, match=r"input.size\(-1\) must be equal to input_size. Expected 3, got 2"):
        m(torch.zeros(1, 1, 2))
    with pytest.raises(RuntimeError, match=r"Expected hidden size \(1, 2, 4\), got \[1, 1, 4\]"):
        m(torch.zeros(5, 2, 3), torch.zeros(1, 1, 4))
    with pytest.raises(RuntimeError, match="For batched 3-D input, hx should also be 3-D but got 2-D tensor"):
        m(torch.zeros(5, 2, 3), torch.zeros(1, 4))
    with pytest.raises(ValueError, match="RNN input dtype"):
        m(torch.zeros(5, 2, 3, dtype=torch.float64))
    with pytest.raises(ValueError, match="proj_size argument is only supported for LSTM"):
        nn.GRU(3, 4, proj_size=2)
    with pytest.raises(ValueError, match=r"Unknown nonlinearity 'nope'. Select from 'tanh' or 'relu'."):
        nn.RNN(3, 4, nonlinearity="nope")


@pytest.mark.parametrize(("kind", "cell"), [(nn.RNN, nn.RNNCell), (nn.GRU, nn.GRUCell), (nn.LSTM, nn.LSTMCell)])
def test_cells_are_one_step(kind, cell):
    m, c = kind(3, 4), cell(3, 4)
    c.load_state_dict({k.removesuffix("_l0"): v for k, v in m.state_dict().items()})
    x = torch.randn(2, 3)
    h = c(x)
    expected = m(x.unsqueeze(0))[1]
    if kind is nn.LSTM:
        assert close(h[0], expected[0][0]) and close(h[1], expected[1][0])
        assert c(x[0])[0].shape == (4,)
    else:
        assert close(h, expected[0]) and c(x[0]).shape == (4,)
    with pytest.raises(ValueError, match="Expected input to be 1D or 2D, got 3D instead"):
        c(x.unsqueeze(0))


def test_weights_follow_conversions_and_replacement():
    m = nn.LSTM(3, 4).double()
    assert m(torch.zeros(2, 1, 3, dtype=torch.float64))[0].dtype == torch.float64
    m.weight_hh_l0 = nn.Parameter(torch.zeros_like(m.weight_hh_l0))
    assert m._flat_weights[1] is m.weight_hh_l0
    for twin in (copy.deepcopy(m), pickle.loads(pickle.dumps(m))):
        assert twin._flat_weights[1] is twin.weight_hh_l0 and twin.weight_hh_l0 is not m.weight_hh_l0


def test_gradients_flow_to_all_weights():
    m = nn.GRU(3, 4, num_layers=2, bidirectional=True)
    m(torch.randn(3, 2, 3))[0].sum().backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in m.parameters())


# ---- packed and padded sequences


def test_pad_sequence():
    a, b = torch.ones(2, 1), torch.ones(3, 1)
    assert R.pad_sequence([a, b]).shape == (3, 2, 1)
    assert R.pad_sequence([a, b], batch_first=True, padding_value=7)[0].flatten().tolist() == [1, 1, 7]
    assert R.pad_sequence([a, b], batch_first=True, padding_side="left")[0].flatten().tolist() == [0, 1, 1]


def test_pack_and_pad_are_inverse_and_differentiable():
    x = torch.randn(4, 3, 2, requires_grad=True)
    for enforce, lengths in ((True, [4, 2, 1]), (False, [2, 4, 1])):
        packed = R.pack_padded_sequence(x, lengths, enforce_sorted=enforce)
        assert packed.batch_sizes.tolist() == [3, 2, 1, 1] and packed.data.shape == (7, 2)
        padded, got = R.pad_packed_sequence(packed, padding_value=-1, total_length=5)
        assert got.tolist() == lengths and padded.shape == (5, 3, 2)
        for i, n in enumerate(lengths):
            assert torch.equal(padded[:n, i], x[:n, i]) and (padded[n:, i] == -1).all()
        (grad,) = torch.autograd.grad(padded.sum(), x)
        assert grad.sum() == 14


def test_pack_errors():
    x = torch.zeros(4, 2, 1)
    with pytest.raises(RuntimeError, match="`lengths` array must be sorted in decreasing order"):
        R.pack_padded_sequence(x, [2, 4])
    with pytest.raises(RuntimeError, match="Length of all samples has to be greater than 0"):
        R.pack_padded_sequence(x, [4, 0])
    with pytest.raises(RuntimeError, match=r"Expected `len\(lengths\)` to be equal to batch_size"):
        R.pack_padded_sequence(x, [4])
    with pytest.raises(ValueError, match="Expected total_length to be at least the length of the longest sequence"):
        R.pad_packed_sequence(R.pack_padded_sequence(x, [4, 2]), total_length=3)


def test_packed_sequence_is_a_tuple_with_conversions():
    packed = R.pack_sequence([torch.ones(1), torch.ones(3)], enforce_sorted=False)
    _, _, sorted_indices, unsorted_indices = packed
    assert sorted_indices.tolist() == [1, 0] and unsorted_indices.tolist() == [1, 0]
    assert packed.double().data.dtype == torch.float64 and packed.to(torch.float32) is packed and packed.cpu() is packed
    assert [t.tolist() for t in R.unpack_sequence(packed)] == [[1], [1, 1, 1]]
    assert R.invert_permutation(None) is None


KINDS = {
    "lstm": lambda lib, *a, **k: lib.nn.LSTM(*a, **k),
    "gru": lambda lib, *a, **k: lib.nn.GRU(*a, **k),
    "tanh": lambda lib, *a, **k: lib.nn.RNN(*a, **k),
    "relu": lambda lib, *a, **k: lib.nn.RNN(*a, nonlinearity="relu", **k),
}


def run(lib, kind, sizes, dtype, **options):
    """Outputs, last states and all gradients of a layer with torch's initial weights."""
    steps, batch, inputs, hidden = sizes
    lib.manual_seed(0)
    m = KINDS[kind](lib, inputs, hidden, **options).to(getattr(lib, dtype))
    x = lib.randn(steps, batch, inputs).to(getattr(lib, dtype)).requires_grad_()
    layers = options.get("num_layers", 1) * (2 if options.get("bidirectional") else 1)
    first = [lib.randn(layers, batch, hidden).to(getattr(lib, dtype)).requires_grad_() for _ in range(2)]
    out, last = m(x, tuple(first) if kind == "lstm" else first[0])
    last = list(last) if kind == "lstm" else [last]
    total = (out * lib.arange(hidden * (2 if options.get("bidirectional") else 1))).sum()
    for i, state in enumerate(last):
        total = total + (state * (i + 2)).sum()
    total.backward()
    return [out, *last, x.grad, *(s.grad for s in first[: len(last)]), *(p.grad for p in m.parameters())]


# Hidden units come in panels of 16 and 32; from 2^17 multiplications a step on, threads share it.
@pytest.mark.parametrize(
    "sizes", [(1, 1, 2, 1), (4, 3, 5, 16), (3, 2, 4, 17), (5, 1, 3, 33), (2, 70, 9, 40), (2, 300, 3, 20)]
)
@pytest.mark.parametrize("kind", KINDS)
def test_layers_agree_with_torch(oracle, kind, sizes):
    for dtype, tolerance in (("float32", 2e-4), ("float64", 1e-10)):
        for ours, theirs in zip(run(torch, kind, sizes, dtype), run(oracle, kind, sizes, dtype)):
            assert ours.shape == theirs.shape
            ours, theirs = (t.detach().double().numpy() for t in (ours, theirs))
            assert abs(ours - theirs).max() <= tolerance * max(1, abs(theirs).max())


@pytest.mark.parametrize("options", [{"num_layers": 2, "bidirectional": True}, {"bias": False}], ids=str)
@pytest.mark.parametrize("kind", KINDS)
def test_stacks_agree_with_torch(oracle, kind, options):
    for ours, theirs in zip(
        run(torch, kind, (4, 3, 5, 18), "float64", **options), run(oracle, kind, (4, 3, 5, 18), "float64", **options)
    ):
        assert close(ours.detach(), torch.from_numpy(theirs.detach().numpy()))


@pytest.mark.parametrize("kind", KINDS)
def test_layers_have_derivatives_of_any_order(kind):
    torch.manual_seed(1)
    m = KINDS[kind](torch, 2, 3).double()
    x = torch.randn(3, 2, 2, dtype=torch.float64, requires_grad=True)
    first = [torch.randn(1, 2, 3, dtype=torch.float64, requires_grad=True) for _ in range(2 if kind == "lstm" else 1)]
    weights, run = list(m.parameters()), getattr(recurrent, {"tanh": "rnn_tanh", "relu": "rnn_relu"}.get(kind, kind))

    def function(x, *rest):
        states, values = rest[: len(first)], rest[len(first) :]
        return run(x, states if kind == "lstm" else states[0], values, True, 1, 0.0, False, False, False)

    assert torch.autograd.gradcheck(function, (x, *first, *weights), fast_mode=True)
    assert torch.autograd.gradgradcheck(function, (x, *first, *weights), fast_mode=True)


def test_layers_have_the_same_bits_for_any_number_of_threads():
    before, results = torch.get_num_threads(), []
    try:
        for n in (1, 2, 4):
            torch.set_num_threads(n)
            results.append(run(torch, "lstm", (3, 64, 7, 70), "float32"))
    finally:
        torch.set_num_threads(before)
    assert all(torch.equal(a, b) for r in results[1:] for a, b in zip(results[0], r))


def test_layers_without_gradients_save_nothing_and_agree():
    for kind, make in KINDS.items():
        m, x = make(torch, 3, 20), torch.randn(4, 2, 3)
        with torch.no_grad():
            plain = m(x)[0]
        assert torch.equal(plain, m(x)[0].detach()), kind


def test_nan_in_a_sequence_stays_there():
    m, x = nn.RNN(2, 3, nonlinearity="relu"), torch.zeros(3, 2, 2)
    x[1, 0, 0] = float("nan")
    y = m(x)[0]
    assert y[1:, 0].isnan().all() and not y[:, 1].isnan().any()


@pytest.mark.parametrize("kind", KINDS)
def test_recorded_gradients_count_each_path_once(kind):
    m = KINDS[kind](torch, 2, 3).double()
    calls = []
    m.weight_hh_l0.register_hook(lambda g: calls.append(1))
    state, total = None, 0
    for _ in range(3):  # each state was made from the weights that make the next
        out, state = m(torch.ones(2, 1, 2, dtype=torch.float64), state)
        total = total + out.sum()
    plain = torch.autograd.grad(total, list(m.parameters()), retain_graph=True)
    before = len(calls)
    recorded = torch.autograd.grad(total, list(m.parameters()), create_graph=True)
    assert len(calls) == 2 * before
    assert all(close(a, b.detach()) for a, b in zip(plain, recorded))


@pytest.mark.parametrize("kind", KINDS)
def test_outputs_may_be_changed_in_place(kind):
    m, x = KINDS[kind](torch, 2, 3), torch.randn(4, 1, 2)
    expected = torch.autograd.grad((m(x)[0] * 2).sum(), m.weight_hh_l0)[0]
    assert close(torch.autograd.grad(m(x)[0].mul_(2).sum(), m.weight_hh_l0)[0], expected)
