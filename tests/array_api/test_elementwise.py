"""Elementwise functions: dtypes and broadcasting, numbers as operands, special values."""

import itertools

import numpy as np
import pytest
from array_api.support import ALL, COMPLEX, FLOATS, SHAPES, SIGNED, agree, array, dtypes_promote, strict, xp

import rustorch
from rustorch.array_api import _elementwise

BINARY = [
    *("add", "atan2", "bitwise_and", "bitwise_left_shift", "bitwise_or", "bitwise_right_shift", "bitwise_xor"),
    *("copysign", "divide", "equal", "floor_divide", "greater", "greater_equal", "hypot", "less", "less_equal"),
    *("logaddexp", "logical_and", "logical_or", "logical_xor", "maximum", "minimum", "multiply", "nextafter"),
    *("not_equal", "pow", "remainder", "subtract"),
]
UNARY = sorted(set(_elementwise.__all__) - {*BINARY, "clip"})
# Ones that the standard leaves to the library.
ORDERED = {"greater", "greater_equal", "less", "less_equal", "maximum", "minimum"}


def takes(name, *values):
    """Whether the standard defines the call."""
    try:
        getattr(strict, name)(*[strict.asarray(v) if isinstance(v, np.ndarray) else v for v in values])
    except (TypeError, ValueError):  # shifts ask for numbers that are not negative first
        return False
    return True


@pytest.mark.parametrize("name", UNARY)
def test_unary_functions_keep_shapes_and_dtypes(name):
    tried = 0
    for dtype, shape in itertools.product(ALL, SHAPES):
        x = array(dtype, shape, -3)
        if takes(name, x):
            agree(name, x)
            tried += 1
    assert tried


@pytest.mark.parametrize("name", BINARY)
def test_binary_functions_promote_and_broadcast(name):
    tried = 0
    for a, b in itertools.product(ALL, ALL):
        for one, two in (((), (3,)), ((2, 3), ()), ((2, 1), (3,)), ((0,), ())):
            x, y = array(a, one, 1), array(b, two, 1, 6)
            if dtypes_promote(a, b) and takes(name, x, y):
                agree(name, x, y)
                tried += 1
    assert tried


@pytest.mark.parametrize("name", BINARY)
def test_a_python_number_takes_the_dtype_of_the_array(name):
    tried = 0
    for dtype, shape, number in itertools.product(ALL, [(), (3,)], [True, 2, 1.5, 1j]):
        if isinstance(number, complex) and name in ORDERED:
            continue
        for values in ((array(dtype, shape, 1, 6), number), (number, array(dtype, shape, 1, 6))):
            if takes(name, *values):
                agree(name, *values)
                tried += 1
    assert tried


def test_two_numbers_are_refused():
    with pytest.raises(TypeError, match="expected an array among the operands"):
        xp.add(1, 2)


SPECIAL = [0.0, -0.0, 1.0, -1.0, 2.0, -2.0, 0.5, -0.5, 3.5, -2.5, 1e30, -1e30, np.inf, -np.inf, np.nan, 10.0, 1.5]
COMPLEX_PARTS = [0.0, -0.0, 1.0, -1.0, 2.5, -3.0, np.inf, -np.inf, np.nan, 0.5]
# Division by a complex number is the library's own matter where something is zero, infinite or NaN; of expm1 NumPy's
# special values are not the standard's.
FREE = {"reciprocal", "sign", "expm1"}
# Signs that C99, and so the standard, leaves open.
OPEN_SIGNS = {"acos", "acosh", "asin", "asinh", "atan", "atanh", "cos", "cosh", "exp", "sinh", "sin"}


def same_bits(actual, expected, dtype):
    """Equal NaNs, infinities and signs of zero, element by element; finite numbers up to rounding."""
    with np.errstate(all="ignore"):
        nan = np.isnan(actual) & np.isnan(expected)
        equal = (actual == expected) & (np.signbit(actual) == np.signbit(expected))
        near = np.isfinite(actual) & (abs(actual - expected) <= 64 * np.finfo(dtype).eps * abs(expected))
        return nan | equal | (near & (expected != 0))


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("name", UNARY)
def test_special_values_of_one_number(name, dtype):
    x = np.array(SPECIAL, dtype=dtype)
    if not takes(name, x):
        pytest.skip("takes no real numbers")
    actual, expected = getattr(xp, name)(xp.asarray(x)).numpy(), getattr(strict, name)(strict.asarray(x))._array
    good = actual == expected if expected.dtype == bool else same_bits(actual, expected, dtype)
    assert good.all(), [*zip(x[~good], actual[~good], expected[~good])]


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("name", BINARY)
def test_special_values_of_two_numbers(name, dtype):
    x, y = (v.ravel() for v in np.meshgrid(*[np.array(SPECIAL, dtype=dtype)] * 2))
    if not takes(name, x, y):
        pytest.skip("takes no real numbers")
    actual = getattr(xp, name)(xp.asarray(x), xp.asarray(y)).numpy()
    expected = getattr(strict, name)(strict.asarray(x), strict.asarray(y))._array
    good = actual == expected if expected.dtype == bool else same_bits(actual, expected, dtype)
    assert good.all(), [*zip(x[~good], y[~good], actual[~good], expected[~good])]


@pytest.mark.parametrize("dtype", COMPLEX)
@pytest.mark.parametrize("name", sorted(set(UNARY) - FREE))
def test_special_values_of_complex_numbers(name, dtype):
    n = len(COMPLEX_PARTS)
    x = np.empty(n * n, dtype=dtype)
    x.real, x.imag = np.repeat(COMPLEX_PARTS, n), np.tile(COMPLEX_PARTS, n)
    if not takes(name, x):
        pytest.skip("takes no complex numbers")
    actual, expected = getattr(xp, name)(xp.asarray(x)).numpy(), getattr(strict, name)(strict.asarray(x))._array
    if expected.dtype == bool:
        good = actual == expected
    else:
        parts = [(np.real(v), np.imag(v)) for v in (actual, expected)]
        if name in OPEN_SIGNS:
            # Only beside a NaN or an infinity does C99 leave a sign open.
            open_ = ~np.isfinite(x)
            parts = [[np.where(open_, abs(p), p) for p in pair] for pair in parts]
        good = np.logical_and(*[same_bits(a, e, dtype) for a, e in zip(*parts)])
    assert good.all(), [*zip(x[~good], actual[~good], expected[~good])]


@pytest.mark.parametrize("dtype", COMPLEX)
def test_special_values_of_expm1(dtype):
    inf, nan = np.inf, np.nan
    table = {
        complex(0.0, 0.0): complex(0, 0),
        complex(1.0, inf): complex(nan, nan),
        complex(1.0, nan): complex(nan, nan),
        complex(inf, 0.0): complex(inf, 0),
        complex(-inf, 2.0): complex(-1, 0),
        complex(inf, 2.0): complex(-inf, inf),
        complex(-inf, inf): complex(-1, 0),
        complex(inf, inf): complex(inf, nan),
        complex(-inf, nan): complex(-1, 0),
        complex(inf, nan): complex(inf, nan),
        complex(nan, 0.0): complex(nan, 0),
        complex(nan, 1.0): complex(nan, nan),
        complex(nan, nan): complex(nan, nan),
    }
    x = xp.expm1(xp.asarray(list(table), dtype=getattr(xp, dtype))).numpy()
    expected = np.array(list(table.values()))
    np.testing.assert_array_equal(x.real, expected.real)
    np.testing.assert_array_equal(abs(x.imag), abs(expected.imag))


@pytest.mark.parametrize("dtype", [*SIGNED, "uint8", *FLOATS])
def test_clip_broadcasts_its_bounds(dtype):
    for bounds in ({}, {"min": 1}, {"max": 2}, {"min": 1, "max": 3}):
        agree("clip", array(dtype, (4,), -5), **bounds)
    agree("clip", array(dtype, (2, 3)), array(dtype, (3,), 0, 2) * 0, array(dtype, (2, 1), 4, 9) * 0 + 2)
    agree("clip", array(dtype, ()), min=array(dtype, (), 0, 1))


def test_clip_gives_nan_where_one_of_three_is():
    nan = float("nan")
    x = xp.clip(xp.asarray([nan, 1.0, 1.0]), xp.asarray([0.0, nan, 0.0]), xp.asarray([2.0, 2.0, nan]))
    assert xp.all(xp.isnan(x))


def test_clip_and_positive_copy():
    x = xp.asarray([1.0, 2.0])
    for y in (xp.clip(x), xp.positive(x)):
        y[0] = 5
    assert x.tolist() == [1, 2]


def test_gradients_flow_through_the_namespace():
    x = rustorch.tensor([1.0, 2.0], requires_grad=True)
    xp.sum(xp.multiply(xp.exp(x), xp.asarray(2.0, dtype=xp.float64))).backward()
    assert rustorch.allclose(x.grad, 2 * x.detach().exp())
