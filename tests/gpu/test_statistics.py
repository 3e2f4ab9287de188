"""Variances, extremes with their places, logsumexp, norms and whole sums on the GPU beside the same on the CPU."""

import pytest

import rustorch as torch

SHAPES = [
    ((), None),
    ((5,), 0),
    ((3, 4), 0),
    ((3, 4), 1),
    ((7, 300), 1),
    ((300, 7), 0),
    ((2, 3, 4, 5), (1, 3)),
    ((2, 3, 4, 5), (0, 2, 3)),
    ((4, 70, 3), 1),
    ((2000, 3), 0),
    ((3, 40_000), 1),
    ((70_000,), None),
    ((50, 4, 60), (0, 2)),
]


def reversed_dims(x):
    order = tuple(range(x.ndim)[::-1])
    return x.permute(order).contiguous().permute(order)


LAYOUTS = [lambda x: x, reversed_dims]


def args(dim):
    return () if dim is None else (dim,)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize(("shape", "dim"), SHAPES)
@pytest.mark.filterwarnings("ignore:.*degrees of freedom")
def test_variance(shape, dim, layout, assert_same):
    torch.manual_seed(0)
    x = layout(torch.randn(shape) * 2 + 30)
    for f in (torch.var, torch.std):
        assert_same(f(x.gpu(), *args(dim)).cpu(), f(x, *args(dim)), 2e-5, 1e-6)
        assert_same(f(x.gpu(), dim, correction=0).cpu(), f(x, dim, correction=0), 2e-5, 1e-6)
    for f in (torch.var_mean, torch.std_mean):
        for a, b in zip(f(x.gpu(), dim, keepdim=True), f(x, dim, keepdim=True), strict=True):
            assert_same(a.cpu(), b, 2e-5, 1e-6)


@pytest.mark.filterwarnings("ignore:.*degrees of freedom")
def test_variance_of_little_and_of_halves(assert_same):
    for shape, dim in (((0,), None), ((3, 0), 1), ((0, 3), 0), ((1,), 0)):
        x = torch.ones(shape)
        for a, b in zip(torch.var_mean(x.gpu(), dim), torch.var_mean(x, dim), strict=True):
            assert_same(a.cpu(), b)
    x = torch.randn(20, 30).half()
    assert_same(x.gpu().var(0).cpu(), x.var(0), 2e-3, 1e-3)
    y = torch.tensor([1.0, float("nan"), 2.0, float("inf")])
    assert_same(y.gpu().var().cpu(), y.var())


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize(("shape", "dim"), SHAPES)
@pytest.mark.parametrize("dtype", ["float32", "int32", "int64", "uint8", "float16"])
def test_places_of_extremes(shape, dim, layout, dtype, assert_same):
    if isinstance(dim, tuple):
        dim = dim[-1]
    torch.manual_seed(0)
    # Few different values, so that the first of several has to be found.
    x = layout((torch.randint(0, 50, shape) * (2**40 if dtype == "int64" else 1)).to(getattr(torch, dtype)))
    for f in (torch.argmax, torch.argmin):
        assert_same(f(x.gpu(), *args(dim)).cpu(), f(x, *args(dim)))
    if dim is None:
        return
    for f in (torch.max, torch.min):
        for a, b in zip(f(x.gpu(), dim), f(x, dim), strict=True):
            assert_same(a.cpu(), b)
    for a, b in zip(torch.aminmax(x.gpu(), dim=dim), torch.aminmax(x, dim=dim), strict=True):
        assert_same(a.cpu(), b)


def test_nan_and_infinities_among_extremes(assert_same):
    nan, inf = float("nan"), float("inf")
    x = torch.tensor([[1.0, nan, 5.0, nan], [inf, -inf, inf, -inf], [-inf, -inf, -inf, -inf], [2.0, 1.0, 2.0, 1.0]])
    y = torch.randn(3, 40_000)
    y[0, 39_000] = y[0, 39_500] = nan
    y[1] = -inf
    for f in (torch.max, torch.min):
        for t in (x, x.t(), y):
            for a, b in zip(f(t.gpu(), 1), f(t, 1), strict=True):
                assert_same(a.cpu(), b)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize(("shape", "dim"), SHAPES)
def test_logsumexp(shape, dim, layout, assert_same):
    torch.manual_seed(0)
    x = layout(torch.randn(shape) * 5)
    dim = tuple(range(len(shape))) if dim is None else dim
    assert_same(torch.logsumexp(x.gpu(), dim).cpu(), torch.logsumexp(x, dim), 1e-5, 1e-5)


def test_logsumexp_of_special_values(assert_same):
    nan, inf = float("nan"), float("inf")
    x = torch.tensor([[-inf, -inf], [inf, 0.0], [nan, 1.0], [-inf, 2.0], [1000.0, 1000.0], [inf, -inf]])
    assert_same(torch.logsumexp(x.gpu(), 1).cpu(), torch.logsumexp(x, 1))
    assert_same(torch.logsumexp(torch.ones(3, 0).gpu(), 1).cpu(), torch.logsumexp(torch.ones(3, 0), 1))


@pytest.mark.parametrize("p", [0, 0.5, 1, 1.5, 2, 3, 4.5, -1, -2, float("inf"), -float("inf")])
@pytest.mark.parametrize("dim", [None, 0, 1, (0, 2)])
def test_norms(p, dim, assert_same):
    torch.manual_seed(0)
    x = torch.randn(7, 30, 5) + 0.5
    there = torch.linalg.vector_norm(x.gpu(), p, dim).cpu()
    assert_same(there, torch.linalg.vector_norm(x, p, dim), 2e-5, 1e-6)


@pytest.mark.parametrize("dtype", ["int32", "int16", "uint8", "bool"])
@pytest.mark.parametrize(("shape", "dim"), SHAPES)
def test_whole_sums_and_products(shape, dim, dtype, assert_same):
    torch.manual_seed(0)
    x = torch.randint(0, 2**31 - 1 if dtype == "int32" else 120, shape).to(getattr(torch, dtype))
    assert_same(x.gpu().sum(dim).cpu(), x.sum(dim))
    assert_same(x.gpu().sum(dim, dtype=torch.int32).cpu(), x.sum(dim, dtype=torch.int32))
    assert_same(x.gpu().sum(dim, dtype=torch.float32).cpu(), x.sum(dim, dtype=torch.float32), 1e-5, 0)
    if not isinstance(dim, tuple):
        x = x | 1 if dtype != "bool" else x
        assert_same(x.gpu().prod(*args(dim)).cpu(), x.prod(*args(dim)))


def test_products_of_negative_numbers(assert_same):
    x = torch.tensor([[-3, 70_000, 90_001, 12_345], [2**30, 2**30, 4, -1]], dtype=torch.int32)
    assert_same(x.gpu().prod(1).cpu(), x.prod(1))
    assert_same(x.gpu().sum(1).cpu(), x.sum(1))
    assert_same((-x).gpu().sum().cpu(), (-x).sum())


@pytest.mark.parametrize(
    "f",
    [
        lambda x: x.var(1),
        lambda x: x.std((0, 2)),
        lambda x: torch.cat([t.flatten() for t in torch.var_mean(x, 2)]) if x.is_cpu else sum(torch.var_mean(x, 2)),
        lambda x: x.logsumexp(1),
        lambda x: x.amax(2),
        lambda x: torch.linalg.vector_norm(x, 3, 1),
        lambda x: torch.linalg.vector_norm(x, 1.5),
    ],
)
def test_gradients(f, assert_same):
    torch.manual_seed(0)
    x = torch.randn(4, 5, 6)
    there, here = x.gpu().requires_grad_(), x.clone().requires_grad_()
    f(there).sum().backward()
    f(here).sum().backward()
    assert_same(there.grad.cpu(), here.grad, 1e-4, 1e-5)


def test_the_same_bits_twice():
    x = torch.randn(70_000).gpu()
    for f in (torch.var, torch.std, lambda x: x.logsumexp(0)):
        assert torch.equal(f(x).cpu(), f(x).cpu())
