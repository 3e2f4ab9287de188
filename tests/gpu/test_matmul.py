"""Matrix products on the GPU beside the same on the CPU: every kernel that a shape may choose."""

import pytest

import rustorch as torch

# rows, columns, inner extent: few rows, few columns, many tiles, few tiles with long sums
SHAPES = [
    (1, 300, 70),
    (5, 40, 33),
    (8, 9, 3000),
    (300, 1, 70),
    (129, 7, 40),
    (1, 1, 5000),
    (1, 1, 0),
    (20, 30, 3000),
    (70, 100, 2100),
]


def layouts(rows, columns):
    yield torch.randn(rows, columns)
    yield torch.randn(columns, rows).t()


@pytest.mark.parametrize(("m", "n", "k"), SHAPES)
def test_products_of_every_shape(m, n, k, assert_same):
    torch.manual_seed(0)
    bias = torch.randn(n)
    for a in layouts(m, k):
        for b in layouts(k, n):
            tol = {"rtol": 1e-4, "atol": 1e-5 * max(k, 1) ** 0.5}
            assert_same((a.gpu() @ b.gpu()).cpu(), a @ b, **tol)
            here = torch.addmm(bias, a, b, beta=0.5, alpha=2.0)
            assert_same(torch.addmm(bias.gpu(), a.gpu(), b.gpu(), beta=0.5, alpha=2.0).cpu(), here, **tol)
            assert_same(torch.addmm(bias.gpu(), a.gpu(), b.gpu()).cpu(), torch.addmm(bias, a, b), **tol)
            c = torch.randn(m, n)
            assert_same(torch.addmm(c.gpu(), a.gpu(), b.gpu(), beta=2).cpu(), torch.addmm(c, a, b, beta=2), **tol)


@pytest.mark.parametrize("turned", [False, True])
def test_many_large_tiles(turned, assert_same):
    torch.manual_seed(0)
    a, b = torch.randn(16, 131, 19), torch.randn(16, 19, 140)
    if turned:
        a, b = a.mT.contiguous().mT, b.mT.contiguous().mT
    assert_same((a.gpu() @ b.gpu()).cpu(), a @ b, rtol=1e-4, atol=1e-5)
    c = torch.randn(16, 131, 140)
    here = torch.baddbmm(c, a, b, beta=0.5, alpha=-1.5)
    assert_same(torch.baddbmm(c.gpu(), a.gpu(), b.gpu(), beta=0.5, alpha=-1.5).cpu(), here, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("shape", [(3, 2, 40), (3, 40, 2), (2, 20, 30)])
def test_batches_of_every_kernel(shape, assert_same):
    torch.manual_seed(0)
    batch, m, n = shape
    a, b = torch.randn(batch, m, 1500), torch.randn(batch, 1500, n)
    assert_same((a.gpu() @ b.gpu()).cpu(), a @ b, rtol=1e-4, atol=1e-3)
    assert_same((a[:1].gpu() @ b.gpu()).cpu(), a[:1] @ b, rtol=1e-4, atol=1e-3)


def test_more_matrices_than_a_call_takes(assert_same):
    torch.manual_seed(0)
    a, b = torch.randn(66_000, 2, 3), torch.randn(66_000, 3, 2)
    assert_same((a.gpu() @ b.gpu()).cpu(), a @ b, rtol=1e-4, atol=1e-5)


def test_vectors(assert_same):
    torch.manual_seed(0)
    a, x, y = torch.randn(40, 3000), torch.randn(3000), torch.randn(40)
    tol = {"rtol": 1e-4, "atol": 1e-3}
    assert_same(torch.mv(a.gpu(), x.gpu()).cpu(), torch.mv(a, x), **tol)
    assert_same((y.gpu() @ a.gpu()).cpu(), y @ a, **tol)
    assert_same(torch.dot(x.gpu(), x.gpu()).cpu(), torch.dot(x, x), **tol)
    assert_same(torch.dot(x.gpu()[::3], x.gpu()[:1000]).cpu(), torch.dot(x[::3], x[:1000]), **tol)
    assert_same(torch.dot(x.gpu()[:0], x.gpu()[:0]).cpu(), torch.dot(x[:0], x[:0]))
    assert_same(torch.addmv(y.gpu(), a.gpu(), x.gpu(), beta=2).cpu(), torch.addmv(y, a, x, beta=2), **tol)
    assert_same(torch.dot(x.half().gpu(), x.half().gpu()).cpu(), torch.dot(x.half(), x.half()), rtol=4e-3)
    assert_same(torch.outer(y.gpu(), x.gpu()).cpu(), torch.outer(y, x))


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
@pytest.mark.parametrize(("m", "n", "k"), [(1, 60, 2000), (40, 3, 50), (20, 20, 2000)])
def test_halves(dtype, m, n, k, assert_same):
    torch.manual_seed(0)
    tol = {"float16": 4e-3, "bfloat16": 2e-2}[dtype]
    a, b, c = (torch.randn(s).to(getattr(torch, dtype)) for s in ((m, k), (k, n), (n,)))
    here, there = torch.addmm(c, a, b), torch.addmm(c.gpu(), a.gpu(), b.gpu()).cpu()
    assert_same(there.float(), here.float(), rtol=tol, atol=tol * k**0.5)


def test_gradients_and_the_same_bits_twice(assert_same):
    torch.manual_seed(0)
    a, b = torch.randn(6, 2000), torch.randn(2000, 9)
    found = []
    for place in (torch.Tensor.cpu, torch.Tensor.gpu, torch.Tensor.gpu):
        xs = [place(t.detach()).requires_grad_() for t in (a, b)]
        found.append([g.cpu() for g in torch.autograd.grad((xs[0] @ xs[1]).square().sum(), xs)])
    for here, there, again in zip(*found, strict=True):
        assert_same(there, here, rtol=1e-4, atol=1e-2)
        assert there.tolist() == again.tolist()


@pytest.mark.parametrize("dtype", ["int64", "int32", "int16", "int8", "uint8"])
@pytest.mark.parametrize(("m", "n", "k"), [(40, 20, 33), (1, 1, 700), (3, 50, 40), (50, 7, 9), (17, 17, 0)])
def test_integers_wrap(dtype, m, n, k, assert_same):
    torch.manual_seed(0)
    dtype = getattr(torch, dtype)
    a, b, c = (torch.empty(s, dtype=torch.int64).random_(-(2**63), None).to(dtype) for s in ((m, k), (n, k), (n,)))
    for f in (
        lambda a, b, c: a @ b.t(),
        lambda a, b, c: torch.addmm(c, a, b.t(), beta=3, alpha=-2),
        lambda a, b, c: torch.nn.functional.linear(a, b, c),
        lambda a, b, c: torch.mv(b, a[0]),
        lambda a, b, c: torch.dot(a[0], b[0]),
        lambda a, b, c: torch.einsum("ik,jk->ji", a, b),
        lambda a, b, c: torch.baddbmm(c.expand(2, m, n), a.expand(2, m, k), b.t().expand(2, k, n), beta=2),
    ):
        here, there = f(a, b, c), f(a.gpu(), b.gpu(), c.gpu())
        assert there.is_gpu
        assert_same(there.cpu(), here)
