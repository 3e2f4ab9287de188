"""Linear algebra functions of the array API standard's main namespace."""

import rustorch
from rustorch.array_api._data_types import operands

__all__ = ["matmul", "matrix_transpose", "tensordot", "vecdot"]


def matmul(x1, x2, /):
    """The matrix product; axes before the last two are a batch and broadcast."""
    return rustorch.matmul(*operands(x1, x2))


def matrix_transpose(x, /):
    """A view with the last two axes swapped."""
    if x.ndim < 2:
        raise ValueError(f"matrix_transpose: expected two axes or more, but got {x.ndim}. Add axes with expand_dims().")
    return x.mT


def tensordot(x1, x2, /, *, axes=2):
    """The sum of products over some axes of both arrays.

    Args:  axes (int or pair of sequences, 2): the last of `x1` with as many first of `x2`, or those named for each.
    """
    x1, x2 = operands(x1, x2)
    return rustorch.tensordot(x1, x2, axes if isinstance(axes, int) else [list(axis) for axis in axes])


def vecdot(x1, x2, /, *, axis=-1):
    """The sum of conj(x1) * x2 along an axis, in the common dtype; the other axes broadcast.

    Args:  axis (int, -1): counted from the end.
    """
    x1, x2 = operands(x1, x2)
    if x1.shape[axis] != x2.shape[axis]:
        raise ValueError(
            f"vecdot: expected axes of one size, but got {x1.shape[axis]} and {x2.shape[axis]}. They do not broadcast."
        )
    x1, x2 = x1.movedim(axis, -1), x2.movedim(axis, -1)
    return (x1.conj() * x2).sum(-1, dtype=x1.dtype)
