"""Searching functions of the array API standard."""

import rustorch
from rustorch.array_api._axes import reduced
from rustorch.array_api._data_types import operands

__all__ = ["argmax", "argmin", "count_nonzero", "nonzero", "searchsorted", "where"]


def _index(function, x, axis, keepdims):
    if x.dtype is rustorch.bool:
        x = x.to(rustorch.uint8)
    if axis is not None:
        return function(x, axis, keepdim=keepdims)
    index = function(x.flatten(), 0)
    return index.reshape((1,) * x.ndim) if keepdims else index


def argmax(x, /, *, axis=None, keepdims=False):
    """The index of the first greatest element along an axis; None looks at the flattened array."""
    return _index(rustorch.argmax, x, axis, keepdims)


def argmin(x, /, *, axis=None, keepdims=False):
    """The index of the first least element along an axis; None looks at the flattened array."""
    return _index(rustorch.argmin, x, axis, keepdims)


def count_nonzero(x, /, *, axis=None, keepdims=False):
    """The number of elements that are not zero over an axis, a tuple of axes, or with None all of them."""
    return reduced(rustorch.sum, x != 0, axis, keepdims)


def nonzero(x, /):
    """A tuple of the indices of elements that are not zero, one array per axis."""
    if x.ndim == 0:
        raise ValueError("nonzero: expected an array of one axis or more, but got none. Reshape it to (1,).")
    return rustorch.nonzero(x, as_tuple=True)


def searchsorted(x1, x2, /, *, side="left", sorter=None):
    """The indices at which elements of `x2` keep the order of the sorted vector `x1`.

    Args:
        side (str, 'left'): of equal elements, 'left' goes before and 'right' after them.
        sorter (array of integers, None): indices that sort `x1`.
    """
    if sorter is not None:
        x1 = x1[sorter.to(rustorch.int64)]
    return rustorch.searchsorted(*operands(x1, x2), side=side)


def where(condition, x1, x2, /):
    """Elements of `x1` where `condition` is True and of `x2` elsewhere; one of both may be a number."""
    return rustorch.where(condition, *operands(x1, x2))
