"""Sorting functions of the array API standard. NaN counts as greater than all numbers."""

import rustorch

__all__ = ["argsort", "sort"]


def argsort(x, /, *, axis=-1, descending=False, stable=True):
    """The indices that sort `x` along an axis; with `stable`, equal elements stay in order."""
    return rustorch.argsort(x, dim=axis, descending=descending, stable=stable)


def sort(x, /, *, axis=-1, descending=False, stable=True):
    """`x` sorted along an axis; with `stable`, equal elements stay in order."""
    return rustorch.sort(x, dim=axis, descending=descending, stable=stable).values
