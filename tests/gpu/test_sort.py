"""Sorting, selection by rank, search, counts and distinct elements on the GPU against the CPU's."""

import pytest

import rustorch as torch

SHAPES = [
    ((), 0),
    ((1,), 0),
    ((2,), 0),
    ((7,), 0),
    ((0, 3), 1),
    ((5, 64), 1),
    ((5, 64), 0),
    ((3, 4, 5), 1),
    ((1024,), 0),
    ((2, 1025), 1),
    ((1500, 2), 0),
    ((5000,), 0),
]
DTYPES = ["float32", "float16", "bfloat16", "int32", "int64", "int16", "uint8", "int8", "bool"]


def values(shape, dtype="float32"):
    """Many equal elements, and of floats every special value."""
    torch.manual_seed(sum(shape) + len(shape))
    x = (torch.randn(shape) * 20).round()
    if dtype in ("float32", "float16", "bfloat16"):
        pick = torch.rand(shape)
        for i, v in enumerate((float("nan"), float("inf"), -float("inf"), -0.0)):
            x[(pick > 0.05 * i) & (pick < 0.05 * i + 0.03)] = v
    if dtype == "int64":
        return x.long() * (2**33) + (torch.randn(shape) * 3).long()
    return (x.abs() if dtype in ("uint8", "bool") else x).to(getattr(torch, dtype))


def same(a, b):
    """The same bits, but for the sign of NaN."""
    assert a.is_gpu and a.shape == b.shape and a.dtype == b.dtype
    a = a.cpu()
    if a.dtype.is_floating_point:
        assert torch.equal(a.isnan(), b.isnan())
        a, b = a.float().nan_to_num(12345.0, 1e30, -1e30), b.float().nan_to_num(12345.0, 1e30, -1e30)
        a, b = a.view(torch.int32), b.view(torch.int32)
    assert torch.equal(a, b)


@pytest.mark.parametrize(("shape", "dim"), SHAPES)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("descending", [False, True])
def test_sort(shape, dim, dtype, descending):
    x = values(shape, dtype)
    a, b = x.gpu().sort(dim, descending), x.sort(dim, descending)
    same(a.indices, b.indices)
    same(a.values, b.values)
    same(x.gpu().argsort(dim, descending), x.argsort(dim, descending))


def test_random_words():
    torch.manual_seed(0)
    for n in (1000, 3000):
        for x in (torch.randn(3, n), torch.empty(3, n, dtype=torch.int64).random_(-(2**63), None)):
            a, b = x.gpu().sort(1), x.sort(1)
            same(a.values, b.values)
            same(a.indices, b.indices)
            same(x.gpu().sort(1).indices, b.indices)


@pytest.mark.parametrize("dtype", ["float32", "float16", "int32", "int64"])
@pytest.mark.parametrize(("shape", "dim"), [((7,), 0), ((5, 64), 1), ((5, 64), 0), ((2, 1100), 1)])
def test_topk(shape, dim, dtype):
    x = values(shape, dtype)
    for k in (0, 1, 4):
        for largest in (True, False):
            a, b = x.gpu().topk(k, dim, largest), x.topk(k, dim, largest)
            same(a.values, b.values)
            same(a.indices, b.indices)


@pytest.mark.parametrize("dtype", ["float32", "float16", "int32", "int64", "uint8"])
@pytest.mark.parametrize(("shape", "dim"), [((), 0), ((7,), 0), ((5, 64), 1), ((5, 64), 0), ((2, 1100), 1)])
def test_ranks(shape, dim, dtype):
    clean = values(shape, "int32").to(getattr(torch, dtype))
    for x in (values(shape, dtype), clean):
        for name, args in [
            ("kthvalue", (1, dim)),
            ("kthvalue", (max(1, (x.shape or (1,))[dim] // 3), dim, True)),
            ("median", (dim,)),
            ("nanmedian", (dim,)),
            ("mode", (dim,)),
            ("mode", (dim, True)),
        ]:
            a, b = getattr(x.gpu(), name)(*args), getattr(x, name)(*args)
            same(a.values, b.values)
            same(a.indices, b.indices)
        same(x.gpu().median(), x.median())
        same(x.gpu().nanmedian(), x.nanmedian())
    if dtype == "float32":
        nan = torch.full((3, 4), float("nan"))
        for name in ("median", "nanmedian", "mode"):
            same(getattr(nan.gpu(), name)(1).values, getattr(nan, name)(1).values)


def test_layouts():
    x = torch.randn(20, 30)
    for view in (lambda x: x.t(), lambda x: x[::2, 3:], lambda x: x[:, 4], lambda x: x.expand(2, 20, 30)):
        for dim in (0, -1):
            a, b = view(x.gpu()).sort(dim), view(x).sort(dim)
            same(a.values, b.values)
            same(a.indices, b.indices)
            same(view(x.gpu()).median(dim).indices, view(x).median(dim).indices)


def test_gradients():
    x = torch.randn(6, 30)
    a, b = x.gpu().requires_grad_(), x.clone().requires_grad_()
    for f in (lambda x: x.sort(1).values, lambda x: x.topk(3, 0).values, lambda x: x.median(1).values):
        ya, yb = f(a), f(b)
        g = torch.randn(yb.shape)
        try:
            ga = torch.autograd.grad(ya, a, g.gpu())[0]
        except NotImplementedError:
            pytest.skip("scatter has no kernel")
        assert torch.equal(ga.cpu(), torch.autograd.grad(yb, b, g)[0])
    same(torch.autograd.grad(a.median(), a)[0], torch.autograd.grad(b.median(), b)[0])


@pytest.mark.parametrize("dtype", ["float32", "float16", "int32", "int64", "uint8"])
@pytest.mark.parametrize("right", [False, True])
def test_searchsorted(dtype, right):
    sorted_, x = values((400,), dtype).sort().values, values((30, 50), dtype)
    for int32 in (False, True):
        a = torch.bucketize(x.gpu(), sorted_.gpu(), right=right, out_int32=int32)
        same(a, torch.bucketize(x, sorted_, right=right, out_int32=int32))
    rows, y = values((4, 33), dtype).sort(1).values, values((4, 9), dtype)
    same(torch.searchsorted(rows.gpu(), y.gpu(), right=right), torch.searchsorted(rows, y, right=right))
    same(torch.searchsorted(rows[0].gpu(), y[0, 0].gpu()), torch.searchsorted(rows[0], y[0, 0]))
    same(torch.searchsorted(rows[0, :0].gpu(), y.gpu()), torch.searchsorted(rows[0, :0], y))


def test_counts():
    torch.manual_seed(0)
    x = torch.randn(3000)
    x[::100] = float("nan")
    for dtype in (torch.float32, torch.float16):
        same(torch.histc(x.to(dtype).gpu(), 30, -2, 2), torch.histc(x.to(dtype), 30, -2, 2))
    i = torch.randint(0, 40, (2000,))
    for dtype in (torch.int64, torch.int32, torch.uint8):
        try:
            same(torch.bincount(i.to(dtype).gpu(), minlength=50), torch.bincount(i.to(dtype), minlength=50))
        except NotImplementedError:
            pytest.skip("aminmax has no kernel")
        w = torch.randn(2000)
        there = torch.bincount(i.to(dtype).gpu(), w.gpu(), minlength=50)
        assert torch.allclose(there.cpu(), torch.bincount(i.to(dtype), w, minlength=50), atol=1e-4)
        assert torch.equal(there, torch.bincount(i.to(dtype).gpu(), w.gpu(), minlength=50))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(0,), (1,), (), (40,), (30, 60), (3000,)])
def test_unique(dtype, shape):
    x = values(shape, dtype)
    for f in (torch.unique, torch.unique_consecutive):
        a = f(x.gpu(), return_inverse=True, return_counts=True)
        b = f(x, return_inverse=True, return_counts=True)
        for s, t in zip(a, b, strict=True):
            same(s, t)
        same(f(x.gpu()), f(x))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("shape", "dim"), [((6, 1), 0), ((40, 3), 0), ((3, 50), 1), ((2, 30, 2), 1), ((1500, 2), 0)])
def test_unique_slices(dtype, shape, dim):
    torch.manual_seed(0)
    # Few values, and among floats both zeros and NaN, which is equal to itself here.
    few = torch.tensor([-(2.0**33), 1.0, 0.0, -0.0, float("nan"), 2.0**33])
    x = few[torch.randint(0, 6 if "float" in dtype else 4, shape)].to(getattr(torch, dtype))
    for f in (torch.unique, torch.unique_consecutive):
        a = f(x.gpu(), return_inverse=True, return_counts=True, dim=dim)
        b = f(x, return_inverse=True, return_counts=True, dim=dim)
        for s, t in zip(a, b, strict=True):
            same(s, t)
    assert torch.unique(x.gpu()[:0], dim=0).shape == torch.unique(x[:0], dim=0).shape


@pytest.mark.parametrize("dtype", ["float32", "int64", "bool"])
@pytest.mark.parametrize(("shape", "dim"), [((700,), 0), ((3, 2000), 1), ((40, 5), 0), ((300, 2), 1)])
def test_mode(dtype, shape, dim):
    torch.manual_seed(0)
    x = torch.randint(0, 9, shape).to(getattr(torch, dtype))
    if dtype == "float32":
        x[x == 3] = float("nan")
    for s, t in zip(x.gpu().mode(dim), x.mode(dim), strict=True):
        same(s, t)
