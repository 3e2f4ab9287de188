"""Manipulation and indexing: shapes, negative axes, views and copies."""

import itertools

import numpy as np
import pytest
from array_api.support import ALL, INTEGERS, SHAPES, agree, array, dtypes_promote, xp


@pytest.mark.parametrize("dtype", ["bool", "uint16", "int64", "float32", "complex128"])
@pytest.mark.parametrize("shape", SHAPES)
def test_every_axis(dtype, shape):
    x, n = array(dtype, shape), len(shape)
    for name in ("flip", "concat", "stack", "roll", "repeat"):
        args = ([x, x],) if name in ("concat", "stack") else (x, 2) if name in ("roll", "repeat") else (x,)
        for axis in (*range(-n, n), *([] if name == "stack" else [None])):
            agree(name, *args, axis=axis)
    for axis in range(-n - 1, n + 1):
        agree("expand_dims", x, axis=axis)
        agree("squeeze", np.expand_dims(x, axis), axis)
    for axis in range(-n, n):
        agree("unstack", x, axis=axis)
        agree("moveaxis", x, axis, 0)
        agree("repeat", x, np.arange(shape[axis]), axis=axis)
        agree("repeat", x, np.array([2], dtype="uint8"), axis=axis)
    agree("permute_dims", x, tuple(range(n))[::-1])
    agree("squeeze", x[None, ..., None], (0, -1))
    agree("squeeze", x, ())
    for repetitions in ((), (2,), (2, 1, 2), (0, 2), (1, 2, 1, 1)):
        agree("tile", x, repetitions)
    agree("reshape", x, (1, *shape))
    agree("reshape", x, (x.size, 1))
    if n > 1:
        for shift, axis in (((1, 2), (0, 1)), (1, (0, 1)), ((-1,), (-1,))):
            agree("roll", x, shift, axis=axis)
        agree("flip", x, axis=(0, -1))
        agree("moveaxis", x, (0, 1), (-1, 0))
        agree("matrix_transpose", x)


def test_joining_promotes_also_arrays_without_axes():
    for a, b in itertools.product(ALL, ALL):
        if dtypes_promote(a, b):
            agree("concat", [array(a, (2,)), array(b, (3,))])
            agree("concat", [array(a, ()), array(b, (2,))], axis=None)
            agree("stack", [array(a, ()), array(b, ())])


@pytest.mark.parametrize("dtype", INTEGERS)
def test_take_by_any_integers(dtype):
    for shape in ((3,), (2, 3), (3, 2, 4)):
        for axis in range(-len(shape), len(shape)):
            x = array("float64", shape)
            indices = [0, 1, 0] if dtype.startswith("u") else [0, -1, 1]
            agree("take", x, np.array(indices, dtype=dtype), axis=axis)
            agree("take", x, np.zeros(0, dtype=dtype), axis=axis)
            order = np.argsort(x, axis=axis).astype(dtype)
            agree("take_along_axis", x, order, axis=axis)
            if not dtype.startswith("u"):
                agree("take_along_axis", x, -1 - order, axis=axis)
    agree("take", array("int8", (3,)), np.array([2], dtype=dtype))


def test_take_along_axis_broadcasts_the_other_axes():
    agree("take_along_axis", array("int8", (3, 4)), np.array([[0, -1]]), axis=1)


def test_take_asks_for_an_axis():
    with pytest.raises(ValueError, match="expected an axis for an array of 2 axes"):
        xp.take(xp.ones((2, 2)), xp.asarray([0]))


def test_reshape_copies_as_told():
    x = xp.ones((2, 3))
    assert xp.reshape(x, (6,)).data_ptr() == xp.reshape(x, (6,), copy=False).data_ptr() == x.data_ptr()
    assert xp.reshape(x, (6,), copy=True).data_ptr() != x.data_ptr()
    assert xp.reshape(x.mT, (-1,)).shape == (6,)
    with pytest.raises(ValueError, match="view size is not compatible"):
        xp.reshape(x.mT, (6,), copy=False)


def test_squeeze_refuses_other_sizes():
    with pytest.raises(ValueError, match="expected axis 1 of size 1, but got 3"):
        xp.squeeze(xp.ones((1, 3)), (0, 1))
    with pytest.raises(IndexError):
        xp.squeeze(xp.ones(1), 1)


def test_an_axis_that_is_not_there_is_refused():
    with pytest.raises(IndexError):
        xp.expand_dims(xp.ones(1), 3)
    with pytest.raises(ValueError, match="expected two axes or more"):
        xp.matrix_transpose(xp.ones(3))
