"""Reductions, products and whole training steps on the GPU, beside the same on the CPU."""

import pytest

import rustorch as torch
from rustorch import nn
from rustorch.nn import functional as F

SHAPES = [((5,), None), ((3, 4), 0), ((3, 4), 1), ((7, 300), 1), ((300, 7), 0), ((2, 3, 4, 5), (1, 3)), ((2000, 3), 0)]


MORE = [*SHAPES, ((70_000,), None), ((3, 40_000), 1)]
NOTHING = ((0, 3), 0)  # has no extreme


@pytest.mark.parametrize(
    ("name", "shape", "dim"),
    [
        *((name, *case) for name in ("amax", "amin") for case in MORE),
        *((name, *case) for name in ("sum", "mean", "nansum") for case in (*MORE, NOTHING)),
    ],
)
def test_reductions(name, shape, dim, assert_same):
    torch.manual_seed(0)
    x = torch.randn(shape)
    args = () if dim is None else (dim,)
    f = getattr(torch, name)
    assert_same(f(x.gpu(), *args).cpu(), f(x, *args), rtol=1e-5, atol=1e-5)
    y = torch.randn(*shape[::-1]).permute(*range(len(shape))[::-1])
    assert_same(f(y.gpu(), *args).cpu(), f(y, *args), rtol=1e-5, atol=1e-5)


def test_nan_in_extremes(assert_same):
    x = torch.tensor([[1.0, float("nan")], [float("inf"), -float("inf")]])
    for f in (torch.amax, torch.amin, torch.sum):
        assert_same(f(x.gpu(), 1).cpu(), f(x, 1))


@pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16"])
@pytest.mark.parametrize(
    ("m", "n", "k"), [(1, 1, 1), (3, 5, 7), (64, 64, 16), (65, 130, 33), (1, 100, 50), (100, 1, 70), (4, 4, 0)]
)
def test_products(m, n, k, dtype, assert_same):
    torch.manual_seed(0)
    tol = {"float32": (1e-5, 1e-5), "float16": (4e-3, 4e-3), "bfloat16": (3e-2, 3e-2)}[dtype]
    a, b = torch.randn(m, k).to(getattr(torch, dtype)), torch.randn(k, n).to(getattr(torch, dtype))
    c = torch.randn(n).to(a.dtype)
    g = [x.gpu() for x in (a, b, c)]
    assert_same((g[0] @ g[1]).cpu(), a @ b, *tol)
    assert_same((g[1].t() @ g[0].t()).cpu(), b.t() @ a.t(), *tol)
    assert_same(F.linear(g[0], g[1].t(), g[2]).cpu(), F.linear(a, b.t(), c), *tol)
    assert_same(torch.addmm(g[2], *g[:2], beta=0.5, alpha=2).cpu(), torch.addmm(c, a, b, beta=0.5, alpha=2), *tol)


def test_batched_products(assert_same):
    torch.manual_seed(0)
    a, b = torch.randn(5, 20, 30), torch.randn(5, 30, 10)
    assert_same((a.gpu() @ b.gpu()).cpu(), a @ b, 1e-5, 1e-5)
    assert_same((a.gpu() @ b[0].gpu()).cpu(), a @ b[0], 1e-5, 1e-5)
    assert_same(torch.bmm(a.gpu().transpose(1, 2), a.gpu()).cpu(), torch.bmm(a.transpose(1, 2), a), 1e-5, 1e-5)


def test_second_derivatives(assert_same):
    def run(x):
        x.requires_grad_()
        (g,) = torch.autograd.grad(torch.tanh(x * x).sum(), x, create_graph=True)
        (h,) = torch.autograd.grad(g.square().sum(), x)
        return g.detach(), h

    torch.manual_seed(0)
    x = torch.randn(3, 4)
    for there, here in zip(run(x.gpu()), run(x.clone()), strict=True):
        assert_same(there.cpu(), here, 1e-4, 1e-4)


def trained(device, optimizer):
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(20, 64), nn.GELU(), nn.Linear(64, 64), nn.Tanh(), nn.Linear(64, 3)).to(device)
    x, y = torch.randn(32, 20).to(device), torch.randn(32, 3).to(device)
    opt = optimizer(model.parameters())
    losses = []
    for _ in range(20):
        opt.zero_grad()
        loss = F.mse_loss(model(x), y)
        loss.backward()
        opt.step()
        losses.append(loss.detach())
    return [loss.item() for loss in losses]


@pytest.mark.parametrize(
    "optimizer",
    [
        lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9),
        lambda p: torch.optim.Adam(p, lr=0.01),
        lambda p: torch.optim.AdamW(p, lr=0.01),
    ],
    ids=["SGD", "Adam", "AdamW"],
)
def test_a_network_trains_as_on_the_cpu(optimizer):
    there, here = trained("gpu", optimizer), trained("cpu", optimizer)
    assert here[-1] < 0.5 * here[0]
    assert there == pytest.approx(here, rel=2e-3)
    # The same bits from run to run.
    assert trained("gpu", optimizer) == there
