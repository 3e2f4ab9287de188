"""Gathers, scatters, masks and joins on the GPU: as on the CPU, of every dtype and layout."""

from functools import partial

import pytest

import rustorch as torch
from rustorch import nn

DTYPES = ["float32", "int64", "int32", "float16", "uint8", "bool", "int16"]


def moved(x):
    return x.gpu() if isinstance(x, torch.Tensor) else x


def agree(assert_same, f, *args, rtol=1e-5):
    expected = f(*[x.clone() if isinstance(x, torch.Tensor) else x for x in args])
    actual = f(*map(moved, args))
    assert actual.is_gpu and actual.dtype == expected.dtype
    if expected.dtype == torch.float16:
        rtol = 2e-2
    assert_same(actual.cpu(), expected, rtol=rtol, atol=rtol)


@pytest.fixture
def data():
    torch.manual_seed(0)
    return {
        "x": torch.randn(7, 12, 5) * 10,
        "rows": torch.randint(0, 12, (9,)),
        "some": torch.randint(-7, 7, (4, 3)),
        "more": torch.randint(0, 12, (4, 3)),
        "last": torch.randint(0, 5, (3,)),
        "each": torch.randint(0, 12, (6, 20, 5)),
        "src": torch.randn(7, 9, 5) * 10,
        "other": torch.randn(6, 20, 5) * 3,
    }


@pytest.mark.parametrize("dtype", DTYPES)
def test_reading(dtype, data, assert_same):
    x = data["x"].to(getattr(torch, dtype))
    rows, some, more, last = (data[k] for k in ("rows", "some", "more", "last"))
    agree(assert_same, lambda x, i: x.index_select(1, i), x, rows)
    agree(assert_same, lambda x, i: x.transpose(0, 1).index_select(0, i), x, rows)
    agree(assert_same, lambda x, i: x[i], x, some)
    agree(assert_same, lambda x, i, j: x[i, j], x, some, more)
    agree(assert_same, lambda x, i: x[:, i], x, more)
    agree(assert_same, lambda x, i, j: x[i, :, j], x, some, last)
    agree(assert_same, lambda x, m: x[m], x, x > 2)
    agree(assert_same, lambda x: x.nonzero(), x)
    agree(assert_same, lambda x, i: x.gather(1, i), x, data["each"])
    agree(assert_same, lambda x, i: x.take(i), x, torch.randint(-400, 400, (33,)))
    agree(assert_same, lambda x, m: x.masked_select(m), x, x > 0)
    agree(assert_same, lambda x: x[torch.tensor([1, 0, 1])], x)


@pytest.mark.parametrize("dtype", DTYPES)
def test_rearranging(dtype, data, assert_same):
    x, src = (data[k].to(getattr(torch, dtype)) for k in ("x", "src"))
    for f in (
        lambda x, s: x.flip(0, 2),
        lambda x, s: x.roll((3, -2), (1, 2)),
        lambda x, s: x.roll(5),
        lambda x, s: x.tril(-1),
        lambda x, s: x.triu(2),
        lambda x, s: x.transpose(1, 2).triu(),
        lambda x, s: x.clone().tril_(),
        lambda x, s: torch.cat([x, s, x], 1),
        lambda x, s: torch.stack([x, x], 2),
        lambda x, s: torch.cat([x.transpose(0, 2), x.transpose(0, 2)], -1),
        lambda x, s: x.masked_fill(x > 0, 1),
    ):
        agree(assert_same, f, x, src)


@pytest.mark.parametrize("dtype", DTYPES)
def test_writing(dtype, data, assert_same):
    kind = getattr(torch, dtype)
    x, src, other = (data[k].to(kind) for k in ("x", "src", "other"))
    rows, some, last, each = (data[k] for k in ("rows", "some", "last", "each"))
    agree(assert_same, lambda x, i, s: x.index_add(1, i, s), x, rows, src)
    agree(assert_same, lambda x, i, s: x.index_copy(1, i, s), x, rows, src)
    agree(assert_same, lambda x, i: x.index_fill(1, i, 1), x, rows)
    agree(assert_same, lambda x, i, s: x.scatter(1, i, s), x, each, other)
    agree(assert_same, lambda x, i: x.scatter(1, i, 1), x, each)
    agree(assert_same, lambda x, i, s: x.scatter_add(1, i, s), x, each, other)
    values = (torch.randn(4, 3, 12, 5) * 5).to(kind)
    agree(assert_same, lambda x, i, v: x.index_put((i,), v), x, some, values)
    agree(assert_same, lambda x, i, v: x.index_put((i,), v, accumulate=True), x, some, values)

    def assign(x, i, j, v):
        x = x.clone()
        x[i, :, j] = v
        x[x > 3] = 2
        if x.dtype in (torch.float32, torch.int64, torch.int32):
            # Small elements of a view share words with others.
            x[:, ::2].index_fill_(1, j[:2], 1)
        return x

    agree(assert_same, assign, x, some, last, values[..., 0])
    agree(assert_same, lambda x, m, s: x.masked_scatter(m, s), x, x > 0, src.flatten().repeat(2))
    agree(assert_same, lambda x, i, v: x.put(i, v), x, torch.randperm(420)[:33] - 100, src.flatten()[:33])


@pytest.mark.parametrize("reduce", ["sum", "prod", "mean", "amax", "amin"])
@pytest.mark.parametrize("include_self", [True, False])
@pytest.mark.parametrize("dtype", ["float32", "int32", "int64", "int16", "int8", "uint8", "bool"])
def test_reductions(reduce, include_self, dtype, data, assert_same):
    x, src = (data[k].to(getattr(torch, dtype)) for k in ("x", "other"))

    def f(x, i, s):
        return x.scatter_reduce(1, i, s, reduce, include_self=include_self)

    agree(assert_same, f, x, data["each"], src, rtol=1e-4)


def test_long_lists_and_the_same_bits(assert_same):
    torch.manual_seed(0)
    i, src = torch.randint(0, 300, (20000,)), torch.randn(20000, 3)

    def add(i, src):
        return torch.zeros(300, 3, device=src.device).index_add(0, i, src)

    def put(i, src):
        return torch.zeros(300, 3, device=src.device).index_copy(0, i, src)

    agree(assert_same, add, i, src, rtol=1e-4)
    agree(assert_same, put, i, src)
    assert (add(i.gpu(), src.gpu()) == add(i.gpu(), src.gpu())).all()
    agree(assert_same, lambda i, s: torch.zeros(300, device=s.device).scatter_add(0, i, s), i[:3000], src[:3000, 0])
    agree(assert_same, lambda x: x.nonzero(), torch.randn(300, 333) > 0.5)


def looked_up(kwargs, table, i):
    return nn.functional.embedding(i, table, **kwargs)


def test_gradients(assert_same):
    torch.manual_seed(0)
    table, i, g = torch.randn(50, 16), torch.randint(0, 50, (13, 8)), torch.randn(13, 8, 16)

    def grads(f, x, *rest):
        x = x.detach().requires_grad_()
        y = f(x, *rest[:-1])
        return torch.autograd.grad(y, x, rest[-1])[0]

    for kwargs in ({}, {"padding_idx": 3}, {"scale_grad_by_freq": True}):
        lookup = partial(looked_up, kwargs)
        agree(assert_same, lambda t, i, g, f=lookup: grads(f, t, i, g), table, i, g)
    agree(assert_same, lambda t, i, g: grads(lambda t, i: t[i], t, i, g), table, i, g)
    agree(assert_same, lambda t, i, g: grads(lambda t, i: t.gather(0, i), t, i, g), table, i, torch.randn(13, 8))
    agree(assert_same, lambda t, m, g: grads(lambda t, m: t[m], t, m, g), table, table > 5, torch.randn(0))


def test_empty_and_single(assert_same):
    none = torch.zeros(0, dtype=torch.int64)
    x = torch.arange(6.0).reshape(2, 3)
    for f in (
        lambda x, i: x[i],
        lambda x, i: x.index_select(1, i),
        lambda x, i: x.index_add(0, i, x[:0]),
        lambda x, i: x[:0].nonzero(),
        lambda x, i: x.sum().nonzero(),
        lambda x, i: torch.cat([x, x[:0]]),
        lambda x, i: x[x > 100],
        lambda x, i: nn.functional.one_hot(i + 1, 3),
    ):
        agree(assert_same, f, x, none)
    agree(assert_same, lambda i: nn.functional.one_hot(i), torch.tensor([2, 0, 1]))
    agree(assert_same, lambda x: x.gather(0, torch.zeros_like(x).long()), torch.tensor(3.0))


def test_indices_out_of_bounds_are_raised_once():
    x = torch.randn(5, 3).gpu()
    for bad in (lambda i: x[i], lambda i: x.index_select(0, i), lambda i: x.take(i + 100)):
        y = bad(torch.tensor([7]).gpu())
        with pytest.raises(IndexError, match="out of range"):
            y.cpu()
        assert (x + 1).cpu().shape == (5, 3)
        torch.gpu.synchronize()


def test_sequences(assert_same):
    for f in (
        lambda d: torch.arange(0, 10, 0.3, device=d),
        lambda d: torch.arange(-5, 2**33, 2**31, device=d),
        lambda d: torch.eye(4, 6, device=d),
        lambda d: torch.linspace(0, 1, 50, device=d),
        lambda d: torch.logspace(0, 1, 50, device=d),
        lambda d: torch.triu_indices(4, 5, device=d),
    ):
        assert_same(f("gpu").cpu(), f("cpu"), rtol=0, atol=0)


@pytest.mark.parametrize("dtype", [torch.int32, torch.int64])
def test_counts_of_repeat_interleave_may_be_0_and_not_negative(dtype):
    x, counts = torch.arange(20.0).reshape(5, 4), torch.tensor([0, 3, 0, 300, 1], dtype=dtype)
    assert torch.equal(x.gpu().repeat_interleave(counts.gpu(), 0).cpu(), x.repeat_interleave(counts, 0))
    assert torch.equal(torch.repeat_interleave(counts.gpu()).cpu(), torch.repeat_interleave(counts))
    assert x.gpu().repeat_interleave(torch.zeros_like(counts).gpu(), 0).shape == (0, 4)
    with pytest.raises(RuntimeError, match="negative"):
        x.gpu().repeat_interleave(counts.gpu() - 1, 0)


def test_many_slices_of_one_key_are_joined_in_pieces():
    n = 70001
    key, ones = torch.zeros(n, dtype=torch.int64).gpu(), torch.ones(n, 2).gpu()
    assert torch.zeros(3, 2).gpu().index_add(0, key, ones).tolist() == [[n, n], [0, 0], [0, 0]]
    assert torch.zeros(1).gpu().index_reduce(0, key, ones[:, 0] * 3, "mean", include_self=False).item() == 3
    assert torch.bincount(key, weights=ones[:, 0]).tolist() == [n]
    keys = torch.arange(n) // 1500  # pieces of 1024 that hold one key, two, or parts of them
    values = torch.arange(n)
    expected = torch.zeros(50, dtype=torch.int64).index_add(0, keys, values)
    assert torch.equal(torch.zeros(50, dtype=torch.int64).gpu().index_add(0, keys.gpu(), values.gpu()).cpu(), expected)
    # Lines that are too long for an invocation each.
    index, src = torch.zeros(5000, 300, dtype=torch.int64).gpu(), torch.ones(5000, 300).gpu()
    assert torch.zeros(1, 300).gpu().scatter_add(0, index, src).unique().tolist() == [5000]
