"""Indexing functions of the array API standard."""

import rustorch

__all__ = ["take", "take_along_axis"]


def take(x, indices, /, *, axis=None):
    """The elements of `x` at `indices` along an axis; negative ones count from the end.

    Args:  axis (int): may be left out for one axis.
    """
    if axis is None:
        if x.ndim != 1:
            raise ValueError(f"take: expected an axis for an array of {x.ndim} axes, but got none. Give axis.")
        axis = 0
    # Only indexing counts negative indices from the end.
    return x.movedim(axis, 0)[indices.to(rustorch.int64)].movedim(0, axis)


def take_along_axis(x, indices, /, *, axis=-1):
    """The elements of `x` at `indices` along an axis, one index for each place; the other axes broadcast."""
    indices = indices.to(rustorch.int64)
    return rustorch.take_along_dim(x, rustorch.where(indices < 0, indices + x.shape[axis], indices), axis)
