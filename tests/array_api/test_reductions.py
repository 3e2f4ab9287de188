"""Statistical, searching, sorting, set and utility functions."""

import itertools

import numpy as np
import pytest
from array_api.support import (
    ALL,
    COMPLEX,
    FLOATS,
    NUMERIC,
    REAL,
    SHAPES,
    Dtype,
    agree,
    array,
    axes,
    dtypes_promote,
    xp,
)
from hypothesis import given, settings
from hypothesis import strategies as st

DTYPES = {
    **{
        "sum": NUMERIC,
        "prod": NUMERIC,
        "max": REAL,
        "min": REAL,
        "mean": FLOATS + COMPLEX,
        "std": FLOATS,
        "var": FLOATS,
    },
    **{"all": ALL, "any": ALL, "count_nonzero": ALL},
}


@pytest.mark.parametrize("name", DTYPES)
def test_reductions_over_all_axes(name):
    for dtype, shape in itertools.product(DTYPES[name], SHAPES):
        if name in ("max", "min") and 0 in shape:
            continue
        for axis, keepdims in itertools.product(axes(shape), (False, True)):
            agree(name, array(dtype, shape, -2, 3), axis=axis, keepdims=keepdims)


@pytest.mark.parametrize("name", ["max", "min"])
def test_the_extreme_of_nothing_is_refused(name):
    with pytest.raises(IndexError):
        getattr(xp, name)(xp.ones((0, 2)), axis=0)
    assert getattr(xp, name)(xp.ones((0, 2)), axis=1).shape == (0,)


@pytest.mark.parametrize("name", ["std", "var"])
def test_correction_may_be_any_number(name):
    for shape, correction in itertools.product(SHAPES[2:], (0, 1, 0.5, 2.0)):
        for axis in axes(shape):
            agree(name, array("float64", shape), axis=axis, correction=correction)


@pytest.mark.parametrize("name", ["sum", "prod", "cumulative_sum", "cumulative_prod", "linalg.trace"])
def test_a_dtype_is_taken_before_adding(name):
    for dtype, other in itertools.product(NUMERIC, NUMERIC):
        if dtype.startswith("complex") <= other.startswith("complex"):
            x = array(dtype, (2, 3), 1, 3)
            x = abs(x).astype(dtype)
            agree(
                name,
                x if name != "cumulative_sum" else x[0],
                dtype=Dtype(other),
                **({} if "." in name else {"axis": 0}),
            )


def test_small_integers_do_not_overflow():
    for name, value in (("sum", 255 * 4), ("prod", 255**4)):
        x = getattr(xp, name)(xp.full((4,), 255, dtype=xp.uint8))
        assert x.dtype is xp.uint64 and x.item() == value


@pytest.mark.parametrize("name", ["cumulative_sum", "cumulative_prod"])
def test_cumulative(name):
    for dtype, shape, initial in itertools.product(NUMERIC, SHAPES[1:], (False, True)):
        for axis in range(-len(shape), len(shape)):
            agree(name, array(dtype, shape, -2, 3), axis=axis, include_initial=initial)
    agree(name, array("int8", (3,)))
    with pytest.raises(ValueError, match=f"{name}: expected an axis"):
        getattr(xp, name)(xp.ones((2, 2)))


@pytest.mark.parametrize("name", ["argmax", "argmin"])
def test_arguments_of_extremes(name):
    for dtype, shape in itertools.product(REAL, SHAPES):
        if 0 in shape:
            continue
        for axis, keepdims in itertools.product([None, *range(-len(shape), len(shape))], (False, True)):
            agree(name, array(dtype, shape, 0, 3), axis=axis, keepdims=keepdims)
    assert getattr(xp, name)(xp.asarray([False, True])).item() == (name == "argmax")


@pytest.mark.parametrize("name", ["sort", "argsort"])
def test_sorting_is_stable_both_ways(name):
    for dtype, shape, descending in itertools.product(REAL, SHAPES[1:], (False, True)):
        for axis in range(-len(shape), len(shape)):
            agree(name, array(dtype, shape, 0, 3), axis=axis, descending=descending)


@pytest.mark.parametrize("name", ["unique_all", "unique_counts", "unique_inverse", "unique_values"])
def test_unique_elements(name):
    for dtype, shape in itertools.product(ALL, SHAPES):
        agree(name, array(dtype, shape, 0, 4))
    parts = np.array([1 + 2j, 1 + 1j, 1 + 2j, 0 + 2j, -1 + 1j, 1 + 1j])
    agree(name, parts)


def test_each_nan_is_unique_and_zeros_are_one():
    nan = float("nan")
    for dtype in (xp.float64, xp.complex128):
        found = xp.unique_all(xp.asarray([nan, 0.0, 1.0, nan, -0.0], dtype=dtype))
        assert found.values.shape == (4,) and found.counts.tolist() == [2, 1, 1, 1]
        assert found.indices.tolist() == [1, 2, 0, 3]
    mixed = xp.unique_all(xp.asarray([complex(1, 2), complex(1, nan), complex(1, 2), complex(nan, 2)]))
    assert sorted(mixed.counts.tolist()) == [1, 1, 2]


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(-3, 3), max_size=12), st.sampled_from(NUMERIC))
def test_unique_elements_make_the_array_again(values, dtype):
    x = xp.astype(xp.asarray(values, dtype=xp.int64), getattr(xp, dtype))
    found = xp.unique_all(x)
    assert xp.all(found.values[found.inverse_indices] == x)
    assert xp.all(x[found.indices] == found.values)
    assert int(xp.sum(found.counts)) == len(values)


@pytest.mark.parametrize("side", ["left", "right"])
def test_searchsorted_promotes_and_takes_a_sorter(side):
    for a, b in itertools.product(REAL, REAL):
        if dtypes_promote(a, b):
            x = array(a, (4,))
            agree("searchsorted", np.sort(x), array(b, (2, 3)), side=side)
            agree("searchsorted", x, array(b, ()), side=side, sorter=np.argsort(x))


def test_where_promotes_arrays_and_numbers():
    condition = array("bool", (3,))
    for a, b in itertools.product(ALL, ALL):
        if dtypes_promote(a, b):
            agree("where", condition, array(a, ()), array(b, (3,)))
            agree("where", condition, array(a, (2, 1)), array(b, ()))
    agree("where", condition, array("int8", (3,)), 3)
    agree("where", condition, 1.5, array("float64", ()))


def test_nonzero_and_diff():
    for dtype, shape in itertools.product(ALL, SHAPES[1:]):
        x = array(dtype, shape)
        agree("nonzero", x)
        if dtype != "bool":
            for n, axis in itertools.product((1, 2), range(-len(shape), len(shape))):
                agree("diff", x, n=n, axis=axis)
            agree("diff", x, prepend=x, append=x)
    with pytest.raises(ValueError, match="expected an array of one axis or more"):
        xp.nonzero(xp.asarray(1))
