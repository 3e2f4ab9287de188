"""The same call in rustorch.array_api and in array-api-strict, which holds to the standard word by word."""

import operator

import numpy as np
import pytest

import rustorch
from rustorch import array_api as xp

strict = pytest.importorskip("array_api_strict", reason="array-api-strict is not installed")

BOOL = ["bool"]
UNSIGNED = ["uint8", "uint16", "uint32", "uint64"]
SIGNED = ["int8", "int16", "int32", "int64"]
INTEGERS = UNSIGNED + SIGNED
FLOATS = ["float32", "float64"]
COMPLEX = ["complex64", "complex128"]
REAL = INTEGERS + FLOATS
NUMERIC = REAL + COMPLEX
ALL = BOOL + NUMERIC
SHAPES = [(), (0,), (3,), (2, 3), (2, 0, 3), (2, 3, 4)]


class Dtype(str):
    """The name of a dtype among arguments."""


def dtypes_promote(a, b):
    """Whether the standard says what two dtypes promote to."""
    try:
        strict.result_type(getattr(strict, a), getattr(strict, b))
    except TypeError:
        return False
    return True


def array(dtype, shape, low=0, high=10, seed=0):
    """Numbers for both sides, in [low, high) where they are integers."""
    random = np.random.default_rng([seed, *shape])
    kind = np.dtype(dtype).kind
    if kind in "bui":
        return random.integers(0 if kind in "bu" else low, 2 if kind == "b" else high, shape).astype(dtype)
    real = random.normal(size=shape) * 3
    return np.asarray(real if kind == "f" else real + 1j * random.normal(size=shape)).astype(dtype)


def axes(shape):
    """All axes that a reduction of `shape` may have."""
    n = len(shape)
    return [None, (), *range(-n, n), *([(0, 1), (-1, 0)] if n > 1 else []), *([(0, -1, 1)] if n > 2 else [])]


def given(value, namespace):
    if isinstance(value, np.ndarray):
        return namespace.asarray(value.copy())
    if isinstance(value, Dtype):
        return getattr(namespace, value)
    return [given(v, namespace) for v in value] if isinstance(value, list) else value


def plain(result):
    """What came out, without the library that it came from."""
    if isinstance(result, tuple | list):
        return [plain(r) for r in result]
    if isinstance(result, rustorch.Tensor):
        return result.numpy()
    if isinstance(result, strict._array_object.Array):
        return np.asarray(result._array)
    return str(result).rpartition(".")[2] if "type" in type(result).__name__.lower() else result


def call(namespace, name, args, kwargs):
    function = operator.attrgetter(name)(namespace)
    return plain(function(*[given(a, namespace) for a in args], **{k: given(v, namespace) for k, v in kwargs.items()}))


def assert_equal(actual, expected, values=True):
    if isinstance(expected, list):
        assert len(actual) == len(expected)
        for a, e in zip(actual, expected):
            assert_equal(a, e, values)
        return
    if not isinstance(expected, np.ndarray):
        assert actual == expected
        return
    assert actual.dtype == expected.dtype
    assert actual.shape == expected.shape
    if values:
        exact = actual.dtype.kind in "bui"
        single = actual.dtype in (np.float32, np.complex64)
        rtol, atol = (0, 0) if exact else (3e-4, 1e-4) if single else (1e-9, 1e-10)
        np.testing.assert_allclose(actual, expected, rtol, atol, equal_nan=True)


def agree(name, *args, values=True, **kwargs):
    """Fails unless both give the same shapes, dtypes and (with `values`) numbers."""
    assert_equal(call(xp, name, args, kwargs), call(strict, name, args, kwargs), values)
