"""Running sums, products, extremes and recurrences on the GPU against the CPU's."""

import pytest

import rustorch as torch

SHAPES = [
    ((), 0),
    ((1,), 0),
    ((5,), 0),
    ((0, 3), 1),
    ((33,), 0),
    ((300,), 0),
    ((3, 1025), 1),
    ((9000,), 0),
    ((2, 4097), 1),
    ((70, 5), 0),
    ((3, 50, 7), 1),
    ((2, 40, 600), 1),
    ((1100, 3), 1),
    ((3, 4100, 2), 1),
]


def values(shape, kind="randn"):
    torch.manual_seed(len(shape) + sum(shape))
    return torch.randn(shape) if kind == "randn" else 1 + 0.05 * torch.randn(shape)


def close(a, b, rtol=2e-5, atol=1e-4):
    assert a.is_gpu and a.shape == b.shape and a.dtype == b.dtype
    assert torch.allclose(a.detach().cpu(), b.detach(), rtol=rtol, atol=atol, equal_nan=True)


@pytest.mark.parametrize(("shape", "dim"), SHAPES)
@pytest.mark.parametrize("name", ["cumsum", "cumprod", "logcumsumexp"])
def test_scans_and_gradients(name, shape, dim):
    x = values(shape, "near 1" if name == "cumprod" else "randn")
    a, b = x.gpu().requires_grad_(), x.clone().requires_grad_()
    ya, yb = getattr(a, name)(dim), getattr(b, name)(dim)
    scale = yb.detach().abs().max().item() if x.numel() else 1
    close(ya, yb, atol=2e-6 * max(scale, 10))
    if x.numel():
        g = torch.randn(shape)
        ga, gb = torch.autograd.grad(ya, a, g.gpu())[0], torch.autograd.grad(yb, b, g)[0]
        close(ga, gb, rtol=2e-4, atol=5e-6 * max(gb.abs().max().item(), 10))
    assert torch.equal(getattr(a, name)(dim).cpu(), ya.cpu())


@pytest.mark.parametrize(("shape", "dim"), SHAPES)
@pytest.mark.parametrize("name", ["cummax", "cummin"])
@pytest.mark.parametrize("dtype", ["float32", "float16", "int32", "int64", "uint8", "bool"])
def test_extremes(name, shape, dim, dtype):
    x = (values(shape) * 4).round()
    x = (x.abs() if dtype == "uint8" else x).to(getattr(torch, dtype))
    a, b = getattr(x.gpu(), name)(dim), getattr(x, name)(dim)
    assert torch.equal(a.values.cpu(), b.values) and torch.equal(a.indices.cpu(), b.indices)


def test_extremes_of_special_values():
    inf, nan = float("inf"), float("nan")
    x = torch.tensor([-inf, -0.0, 0.0, -0.0, 3, 3, inf, -inf, nan, 1, nan, inf, 2])
    for name in ("cummax", "cummin"):
        for y in (x, x.flip(0), x.repeat(200)):
            a, b = getattr(y.gpu(), name)(0), getattr(y, name)(0)
            assert torch.equal(a.indices.cpu(), b.indices)
            assert torch.equal(a.values.cpu().view(torch.int32) << 1, b.values.view(torch.int32) << 1)


def test_gradients_of_extremes():
    x = torch.randn(6, 40)
    a, b = x.gpu().requires_grad_(), x.clone().requires_grad_()
    g = torch.randn(6, 40)
    try:
        ga = torch.autograd.grad(a.cummax(1).values, a, g.gpu())[0]
    except NotImplementedError:
        pytest.skip("scatter has no kernel")
    close(ga, torch.autograd.grad(b.cummax(1).values, b, g)[0])


@pytest.mark.parametrize("dtype", ["bool", "uint8", "int8", "int16", "int32", "int64"])
@pytest.mark.parametrize(("shape", "dim"), [((4,), 0), ((3, 1500), 1), ((20, 6), 0), ((9000,), 0)])
def test_whole_numbers(dtype, shape, dim):
    torch.manual_seed(0)
    x = torch.randint(0, 2 if dtype == "bool" else 100, shape).to(getattr(torch, dtype))
    assert torch.equal(x.gpu().cumsum(dim).cpu(), x.cumsum(dim))
    assert torch.equal(x.gpu().cumprod(dim).cpu(), x.cumprod(dim))
    assert torch.equal(x.gpu().cumsum(dim, dtype=torch.int32).cpu(), x.cumsum(dim, dtype=torch.int32))


def test_64_bits():
    x = torch.tensor([2**62, 2**62 - 5, -(2**40), 7, -(2**63) + 1, 2**33] * 50)
    assert torch.equal(x.gpu().cumsum(0).cpu(), x.cumsum(0))
    assert torch.equal(x.gpu().cumprod(0).cpu(), x.cumprod(0))
    for y in (x, x.flip(0), torch.randint(-(2**62), 2**62, (5000,))):
        for name in ("cummax", "cummin"):
            a, b = getattr(y.gpu(), name)(0), getattr(y, name)(0)
            assert torch.equal(a.values.cpu(), b.values) and torch.equal(a.indices.cpu(), b.indices)
    odd = 2 * torch.randint(-(2**50), 2**50, (500,)) + 1
    assert torch.equal(odd.gpu().cumprod(0).cpu(), odd.cumprod(0))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_halves(dtype):
    x = torch.randn(5, 300).to(dtype)
    close(x.gpu().cumsum(1), x.cumsum(1), rtol=1e-2, atol=1e-2)
    close(x.gpu().logcumsumexp(0), x.logcumsumexp(0), rtol=1e-2, atol=1e-2)


def test_layouts_and_special_values():
    x = torch.randn(40, 60)
    close(x.gpu().t().cumsum(0), x.t().cumsum(0))
    close(x.gpu()[::2, 3:].cumsum(1), x[::2, 3:].cumsum(1))
    close(x.gpu()[5].cumsum(0), x[5].cumsum(0))
    inf, nan = float("inf"), float("nan")
    for special in ([1.0, inf, 2, -inf, 1], [0.0, nan, 1], [-inf, -inf, 1, -inf], [1e30, 1e30, 0, 5], [0.0, 2, 0, 3]):
        y = torch.tensor(special)
        for name in ("cumsum", "cumprod", "logcumsumexp"):
            if special[0] == 1e30 and name == "cumprod":
                continue  # the CPU's products run in float64
            close(getattr(y.gpu(), name)(0), getattr(y, name)(0))
            close(getattr(y.repeat(9).gpu(), name)(0), getattr(y.repeat(9), name)(0))
    y = torch.tensor([-inf, -inf, 1, -inf, 2, 0.5])
    a, b = y.gpu().requires_grad_(), y.clone().requires_grad_()
    ga = torch.autograd.grad(a.logcumsumexp(0)[2:].sum(), a)[0]
    close(ga, torch.autograd.grad(b.logcumsumexp(0)[2:].sum(), b)[0])
    y = torch.tensor([[2.0, 0, 3, 4, 0, 5], [1, 2, 3, 0, 5, 6]]).repeat(1, 10)
    a, b = y.gpu().requires_grad_(), y.clone().requires_grad_()
    ga = torch.autograd.grad(a.cumprod(1).sum(), a)[0]
    close(ga, torch.autograd.grad(b.cumprod(1).sum(), b)[0])
