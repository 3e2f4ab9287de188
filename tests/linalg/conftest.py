"""Matrices of either library, the same for both."""

import math

import pytest


def matrices(T, *shape, dtype="float64", seed=0):
    """Well-mixed numbers in [-1, 1), with an imaginary part if the dtype is complex."""
    n = math.prod(shape)
    real = {"complex64": "float32", "complex128": "float64"}.get(dtype, dtype)

    def numbers(k):
        # Squares modulo a prime, since multiples alone would make matrices of rank 2.
        k = T.arange(k, k + n) * 7919 % 10007
        return ((k * k + 3 * k) % 10007).to(getattr(T, real)).div(5003.5).sub(1).reshape(shape)

    x = numbers(seed * 1013 + 17)
    return x if real == dtype else T.complex(x, numbers(seed * 1013 + 5009))


def positive(T, *shape, dtype="float64", seed=0):
    """Hermitian positive-definite matrices."""
    x = matrices(T, *shape, dtype=dtype, seed=seed)
    return x @ x.mH + T.eye(shape[-1], dtype=x.dtype)


@pytest.fixture(name="matrices")
def matrices_fixture():
    return matrices


@pytest.fixture(name="positive")
def positive_fixture():
    return positive
