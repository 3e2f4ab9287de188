"""Recurrent layers on the GPU beside the same on the CPU, by the operations that layers are made of."""

import pytest

import rustorch as torch
from rustorch import _C, nn

GATES = {"lstm": 4, "gru": 3, "tanh": 1, "relu": 1}


def run(cell, place, reverse, bias, batch, ends, steps=7, hidden=20):
    torch.manual_seed(0)
    g = GATES[cell] * hidden
    gx, w, b = torch.randn(steps, batch, g), torch.randn(g, hidden) * 0.3, torch.randn(g)
    h, c = torch.randn(batch, hidden), torch.randn(batch, hidden)
    lstm = cell == "lstm"
    given = [place(t) for t in (gx, w)] + [place(b) if bias else None, place(h), place(c) if lstm else None]
    made = _C._rnn_layer(*given, cell, reverse, True)
    grads = [place(torch.randn(steps, batch, hidden))]
    grads += [place(torch.randn(batch, hidden)) if wanted else None for wanted in (ends, ends and lstm)]
    back = _C._rnn_layer_backward(*grads, *given, *made, cell, reverse)
    alone = _C._rnn_layer(*given, cell, reverse, False)
    # What is saved has an order of its own on each device.
    return [t.cpu() for t in (*made[:2], *back, *alone[:2])]


@pytest.mark.parametrize("cell", GATES)
@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize(("bias", "batch", "ends"), [(True, 3, True), (False, 17, False), (True, 1, False)])
def test_layers_and_gradients(cell, reverse, bias, batch, ends, assert_same):
    here, there, again = (
        run(cell, place, reverse, bias, batch, ends) for place in (torch.Tensor.cpu, torch.Tensor.gpu, torch.Tensor.gpu)
    )
    for a, b, c in zip(here, there, again, strict=True):
        assert_same(b, a, rtol=1e-4, atol=1e-4)
        assert b.tolist() == c.tolist()


@pytest.mark.parametrize("cell", GATES)
def test_one_step_of_many_units(cell, assert_same):
    here, there = (
        run(cell, place, False, True, 9, True, steps=1, hidden=150) for place in (torch.Tensor.cpu, torch.Tensor.gpu)
    )
    for a, b in zip(here, there, strict=True):
        assert_same(b, a, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("kind", ["LSTMCell", "GRUCell", "RNNCell"])
def test_cells(kind, assert_same):
    torch.manual_seed(0)
    cell, x = getattr(nn, kind)(6, 20), torch.randn(3, 6)
    here = cell(x)
    there = cell.to("gpu")(x.gpu())
    for a, b in zip(*(t if isinstance(t, tuple) else (t,) for t in (here, there)), strict=True):
        assert_same(b.cpu().detach(), a.detach(), rtol=1e-4, atol=1e-5)
