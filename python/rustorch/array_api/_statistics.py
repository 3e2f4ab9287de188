"""Statistical functions of the array API standard, over an axis, a tuple of axes, or with None all of them."""

import functools

import rustorch
from rustorch.array_api._axes import one_axis, reduced
from rustorch.array_api._data_types import accumulator

__all__ = ["cumulative_prod", "cumulative_sum", "max", "mean", "min", "prod", "std", "sum", "var"]


def _cumulative(function, neutral, x, axis, dtype, include_initial):
    if axis is None:
        if x.ndim != 1:
            name = f"cumulative_{function.__name__.removeprefix('cum')}"
            raise ValueError(f"{name}: expected an axis for an array of {x.ndim} axes, but got none. Give axis.")
        axis = 0
    y = function(x, axis, dtype=accumulator(x.dtype, dtype))
    if not include_initial:
        return y
    shape = list(y.shape)
    shape[axis] = 1
    return rustorch.cat([y.new_full(shape, neutral), y], axis)


def cumulative_prod(x, /, *, axis=None, dtype=None, include_initial=False):
    """The products of all elements up to each along an axis, which may be left out for one axis.

    Args:  dtype: of small integers 64 bits by default. include_initial (bool, False): put a 1 in front.
    """
    return _cumulative(rustorch.cumprod, 1, x, axis, dtype, include_initial)


def cumulative_sum(x, /, *, axis=None, dtype=None, include_initial=False):
    """The sums of all elements up to each along an axis, which may be left out for one axis.

    Args:  dtype: of small integers 64 bits by default. include_initial (bool, False): put a 0 in front.
    """
    return _cumulative(rustorch.cumsum, 0, x, axis, dtype, include_initial)


def max(x, /, *, axis=None, keepdims=False):
    """The greatest element; NaN if one is."""
    return reduced(rustorch.amax, x, axis, keepdims)


def mean(x, /, *, axis=None, keepdims=False):
    """The arithmetic mean; NaN of none."""
    return reduced(rustorch.mean, x, axis, keepdims)


def min(x, /, *, axis=None, keepdims=False):
    """The least element; NaN if one is."""
    return reduced(rustorch.amin, x, axis, keepdims)


def prod(x, /, *, axis=None, dtype=None, keepdims=False):
    """The product, 1 of none; small integers are multiplied in 64 bits unless `dtype` says otherwise."""
    function = functools.partial(rustorch.prod, dtype=accumulator(x.dtype, dtype))
    return reduced(one_axis(function), x, axis, keepdims)


def std(x, /, *, axis=None, correction=0.0, keepdims=False):
    """The standard deviation, the square root of `var`."""
    return reduced(functools.partial(rustorch.std, correction=correction), x, axis, keepdims)


def sum(x, /, *, axis=None, dtype=None, keepdims=False):
    """The sum, 0 of none; small integers are added in 64 bits unless `dtype` says otherwise."""
    function = functools.partial(rustorch.sum, dtype=accumulator(x.dtype, dtype))
    return reduced(function, x, axis, keepdims)


def var(x, /, *, axis=None, correction=0.0, keepdims=False):
    """The sum of squared distances from the mean, divided by N - correction.

    Args:  correction (number, 0): 1 for the unbiased estimate from a sample.
    """
    return reduced(functools.partial(rustorch.var, correction=correction), x, axis, keepdims)
