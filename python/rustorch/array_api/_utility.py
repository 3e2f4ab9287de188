"""Utility functions of the array API standard."""

import rustorch
from rustorch.array_api._axes import reduced

__all__ = ["all", "any", "diff"]


def all(x, /, *, axis=None, keepdims=False):
    """Whether no element is zero, over an axis, a tuple of axes, or with None all of them; True of none."""
    return reduced(rustorch.all, x.to(rustorch.bool), axis, keepdims)


def any(x, /, *, axis=None, keepdims=False):
    """Whether an element is not zero, over an axis, a tuple of axes, or with None all of them; False of none."""
    return reduced(rustorch.any, x.to(rustorch.bool), axis, keepdims)


def diff(x, /, *, axis=-1, n=1, prepend=None, append=None):
    """The differences of neighbours along an axis, taken `n` times.

    Args:  prepend, append (array, None): put before and after `x` first.
    """
    return rustorch.diff(x, n, axis, prepend=prepend, append=append)
