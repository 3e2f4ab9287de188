"""The linear algebra extension of the array API standard. Matrices are the last two axes; those before are a batch."""

from typing import NamedTuple

import rustorch
from rustorch.array_api._data_types import accumulator, operands
from rustorch.array_api._linear_algebra import matmul, matrix_transpose, tensordot, vecdot

__all__ = [
    "cholesky",
    "cross",
    "det",
    "diagonal",
    "eigh",
    "eigvalsh",
    "inv",
    "matmul",
    "matrix_norm",
    "matrix_power",
    "matrix_rank",
    "matrix_transpose",
    "outer",
    "pinv",
    "qr",
    "slogdet",
    "solve",
    "svd",
    "svdvals",
    "tensordot",
    "trace",
    "vecdot",
    "vector_norm",
]


class EighResult(NamedTuple):
    """What `eigh` gives."""

    eigenvalues: rustorch.Tensor
    eigenvectors: rustorch.Tensor


class QRResult(NamedTuple):
    """What `qr` gives."""

    Q: rustorch.Tensor
    R: rustorch.Tensor


class SlogdetResult(NamedTuple):
    """What `slogdet` gives."""

    sign: rustorch.Tensor
    logabsdet: rustorch.Tensor


class SVDResult(NamedTuple):
    """What `svd` gives."""

    U: rustorch.Tensor
    S: rustorch.Tensor
    Vh: rustorch.Tensor


def cholesky(x, /, *, upper=False):
    """The triangular L with x = L @ L^H, or with upper=True U with x = U^H @ U."""
    return rustorch.linalg.cholesky(x, upper=upper)


def cross(x1, x2, /, *, axis=-1):
    """The cross product of vectors of 3 elements along an axis; the other axes broadcast.

    Args:  axis (int, -1): counted from the end.
    """
    x1, x2 = operands(x1, x2)
    if x1.shape[axis] != 3 or x2.shape[axis] != 3:
        sizes = f"{x1.shape[axis]} and {x2.shape[axis]}"
        raise ValueError(f"cross: expected 3 elements along axis {axis}, but got {sizes}. The axis does not broadcast.")
    return rustorch.linalg.cross(*rustorch.broadcast_tensors(x1, x2), dim=axis)


def det(x, /):
    """The determinant."""
    return rustorch.linalg.det(x)


def diagonal(x, /, *, offset=0):
    """A view of the diagonal, counted upwards from the main one."""
    return rustorch.diagonal(x, offset, -2, -1)


def eigh(x, /):
    """Eigenvalues, ascending, and eigenvectors of a Hermitian matrix, of which only the lower half is read."""
    return EighResult(*rustorch.linalg.eigh(x))


def eigvalsh(x, /):
    """Eigenvalues of a Hermitian matrix, ascending."""
    return rustorch.linalg.eigvalsh(x)


def inv(x, /):
    """The inverse.

    Raises:  RuntimeError: if the matrix has none.
    """
    return rustorch.linalg.inv(x)


def matrix_norm(x, /, *, keepdims=False, ord="fro"):
    """The norm of a matrix: 'fro', 'nuc', 1, -1, 2, -2, inf or -inf; None is 'fro'."""
    return rustorch.linalg.matrix_norm(x, "fro" if ord is None else ord, keepdim=keepdims)


def matrix_power(x, n, /):
    """The matrix multiplied `n` times; a negative `n` takes the inverse."""
    return rustorch.linalg.matrix_power(x, n)


def matrix_rank(x, /, *, rtol=None):
    """The number of singular values above `rtol` times the largest; by default max(M, N) * eps."""
    return rustorch.linalg.matrix_rank(x, rtol=rtol)


def outer(x1, x2, /):
    """The products of every element of one vector with every one of another."""
    return rustorch.outer(*operands(x1, x2))


def pinv(x, /, *, rtol=None):
    """The pseudo-inverse; singular values up to `rtol` times the largest count as 0, by default max(M, N) * eps."""
    return rustorch.linalg.pinv(x, rtol=rtol)


def qr(x, /, *, mode="reduced"):
    """Q with orthonormal columns and triangular R with x = Q @ R.

    Args:  mode (str, 'reduced'): 'complete' makes Q square.
    """
    return QRResult(*rustorch.linalg.qr(x, mode))


def slogdet(x, /):
    """The sign of the determinant and the logarithm of its absolute value."""
    return SlogdetResult(*rustorch.linalg.slogdet(x))


def solve(x1, x2, /):
    """The `y` with x1 @ y = x2, where `x2` is a vector if it has one axis and else a matrix; batches broadcast."""
    x1, x2 = operands(x1, x2)
    if x2.ndim == 1:
        return rustorch.linalg.solve(x1, x2.unsqueeze(-1)).squeeze(-1)
    # With as many axes as x1 it is not taken for a batch of vectors.
    batch = rustorch.broadcast_shapes(x1.shape[:-2], x2.shape[:-2])
    return rustorch.linalg.solve(x1, x2.expand(*batch, *x2.shape[-2:]))


def svd(x, /, *, full_matrices=True):
    """U, the singular values S, descending, and Vh with x = U @ diag(S) @ Vh."""
    return SVDResult(*rustorch.linalg.svd(x, full_matrices))


def svdvals(x, /):
    """The singular values, descending."""
    return rustorch.linalg.svdvals(x)


def trace(x, /, *, offset=0, dtype=None):
    """The sum of a diagonal; of small integers, in 64 bits."""
    return diagonal(x, offset=offset).sum(-1, dtype=accumulator(x.dtype, dtype))


def vector_norm(x, /, *, axis=None, keepdims=False, ord=2):
    """The norm of order `ord` over an axis, a tuple of axes, or with None all of them."""
    if axis == ():
        return rustorch.linalg.vector_norm(x.unsqueeze(0), ord, 0)
    return rustorch.linalg.vector_norm(x, ord, axis, keepdim=keepdims)
