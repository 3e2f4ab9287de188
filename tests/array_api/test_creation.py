"""Creation functions: shapes, dtypes from Python numbers, copies."""

import numpy as np
import pytest
from array_api.support import ALL, COMPLEX, FLOATS, REAL, Dtype, agree, array, xp

import rustorch


@pytest.mark.parametrize("dtype", ALL)
def test_filled_arrays(dtype):
    for name in ("zeros", "ones"):
        for shape in (3, (), (2, 3), (0, 2)):
            agree(name, shape, dtype=Dtype(dtype))
    for args in ((3,), (2, 3), (3, 2), (0,), (3, 0)):
        for k in (0, 1, -1, 5, -5):
            agree("eye", *args, k=k, dtype=Dtype(dtype))
    agree("full", (2,), 1, dtype=Dtype(dtype))
    agree("empty", (2, 3), dtype=Dtype(dtype), values=False)
    x = array(dtype, (2, 3))
    for name in ("zeros_like", "ones_like"):
        agree(name, x)
        agree(name, x, dtype=Dtype("int8"))
    agree("full_like", x, 1)
    agree("empty_like", x, values=False)


def test_numbers_choose_the_dtype():
    for value, dtype in ((True, xp.bool), (1, xp.int64), (1.0, xp.float32), (1j, xp.complex64)):
        assert xp.full((2,), value).dtype is dtype
        assert xp.full(2, value).shape == (2,)
        assert xp.asarray(value).dtype is dtype
        assert xp.asarray([[True, value]]).dtype is dtype
    for made in (xp.zeros(1), xp.ones(1), xp.empty(1), xp.eye(1), xp.linspace(0, 1, 3), xp.arange(1.0)):
        assert made.dtype is xp.float32
    assert xp.linspace(0, 1j, 3).dtype is xp.complex64
    assert xp.arange(3).dtype is xp.int64


def test_the_greatest_integer_is_exact():
    assert xp.asarray(2**64 - 1, dtype=xp.uint64).item() == xp.full((), 2**64 - 1, dtype=xp.uint64).item() == 2**64 - 1


@pytest.mark.parametrize("dtype", REAL)
def test_arange(dtype):
    for args in ((3,), (1, 4), (0, 5, 2), (5, 0, -2), (5, 0), (0, 5, -1), (0, 0), (1, 2, 5), (0,)):
        agree("arange", *args, dtype=Dtype(dtype))
    if dtype in FLOATS:
        for args in ((0.0, 1.0, 0.3), (1.5,), (3.0, 0.0, -0.5), (-1.0,)):
            agree("arange", *args, dtype=Dtype(dtype))


def test_arange_reaches_the_greatest_integers():
    for bounds in ((2**63 - 1, 2**63 + 2), (2**64 - 1, 2**64 - 6, -2), (0, 2**64 - 1, 2**62)):
        agree("arange", *bounds, dtype=Dtype("uint64"))


def test_linspace_spans_all_of_single_precision():
    top = xp.finfo(xp.float32).max
    assert xp.linspace(-top, top, 3).tolist() == [-top, 0, top]
    assert xp.linspace(-(2**70), 2**70, 3).tolist() == [-(2**70), 0, 2**70]


@pytest.mark.parametrize("dtype", FLOATS + COMPLEX)
def test_linspace(dtype):
    for num in (0, 1, 2, 7):
        for endpoint in (True, False):
            agree("linspace", -1.5, 1e3, num, dtype=Dtype(dtype), endpoint=endpoint)
            if dtype in COMPLEX:
                agree("linspace", 1j, 2 - 3j, num, dtype=Dtype(dtype), endpoint=endpoint)


@pytest.mark.parametrize("dtype", ALL)
def test_triangles_and_grids(dtype):
    for shape in ((2, 3), (3, 2), (2, 3, 3), (0, 2)):
        for k in (0, 1, -1, 5, -5):
            agree("tril", array(dtype, shape), k=k)
            agree("triu", array(dtype, shape), k=k)
    vectors = [array(dtype, (n,)) for n in (2, 3, 1)]
    for indexing in ("xy", "ij"):
        for n in (1, 2, 3):
            agree("meshgrid", *vectors[:n], indexing=indexing)
    assert xp.meshgrid() == []


def test_asarray_shares_or_copies():
    a = np.ones(3)
    assert np.shares_memory(xp.asarray(a).numpy(), a)
    assert np.shares_memory(xp.asarray(a, copy=False).numpy(), a)
    assert not np.shares_memory(xp.asarray(a, copy=True).numpy(), a)
    assert xp.asarray(a, dtype=xp.float32).dtype is xp.float32
    with pytest.raises(ValueError, match="can't alias"):
        xp.asarray(a, dtype=xp.float32, copy=False)
    with pytest.raises(ValueError, match="can't alias"):
        xp.asarray([1, 2], copy=False)
    x = rustorch.ones(2)
    assert xp.asarray(x) is x


@pytest.mark.parametrize("code", "bBhHiIqQfd?")
def test_asarray_reads_the_dtype_of_a_buffer(code):
    a = np.array([1, 0, 1], dtype=code)
    x = xp.asarray(memoryview(a))
    assert str(x.dtype) == f"torch.{a.dtype}" and np.shares_memory(x.numpy(), a)


def test_asarray_copies_what_runs_backwards():
    assert xp.asarray(np.arange(3)[::-1]).tolist() == [2, 1, 0]
    with pytest.raises(ValueError, match="negative"):
        xp.asarray(np.arange(3)[::-1], copy=False)


def test_from_dlpack():
    a = np.arange(3)
    assert np.shares_memory(xp.from_dlpack(a).numpy(), a)
    assert not np.shares_memory(xp.from_dlpack(a, copy=True).numpy(), a)
    assert xp.from_dlpack(a, device=xp.ones(1).device).tolist() == [0, 1, 2]
