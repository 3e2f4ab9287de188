"""Sparse tensors: COO, and matrices in CSR and CSC; see `SparseTensor` and docs/guide/sparse.md."""

from rustorch.sparse._tensor import SparseTensor as SparseTensor
from rustorch.sparse import _create, _methods, _products, _reductions, _rules as _rules
from rustorch.sparse._create import (
    sparse_compressed_tensor as sparse_compressed_tensor,
    sparse_coo_tensor as sparse_coo_tensor,
    sparse_csc_tensor as sparse_csc_tensor,
    sparse_csr_tensor as sparse_csr_tensor,
)
from rustorch.sparse._methods import hspmm as hspmm, smm as smm, sspaddmm as sspaddmm
from rustorch.sparse._products import sampled_addmm as sampled_addmm

__all__ = ["addmm", "log_softmax", "mm", "sampled_addmm", "softmax", "spdiags", "sum"]


def mm(mat1, mat2, reduce=None):
    """The product of a sparse matrix and a dense or sparse one, with gradients for both.

    Args:
        mat1, mat2 (Tensor): matrices (n, k) and (k, m), of one dtype; one of them sparse.
        reduce (str, None): for CSR `mat1`: 'sum', 'mean', 'amax' or 'amin' of the products in place of their sum.
    Returns:  Tensor: (n, m), dense unless both are sparse.
    Raises:   RuntimeError: for shapes or dtypes that do not fit.
    Example:
        >>> a = torch.tensor([[0.0, 2.0], [1.0, 0.0]]).to_sparse()
        >>> torch.sparse.mm(a, torch.tensor([[1.0], [3.0]]))
        tensor([[6.],
                [1.]])
    """
    return _products.mm(mat1, mat2) if reduce is None else _products.mm_reduced(mat1, mat2, reduce)


spmm = dsmm = mm
hsmm = hspmm
saddmm = sspaddmm


def addmm(mat, mat1, mat2, *, beta=1.0, alpha=1.0):
    """`beta * mat + alpha * (mat1 @ mat2)` for sparse mat1."""
    return _products.addmm(mat, mat1, mat2, beta=beta, alpha=alpha)


def sum(input, dim=None, dtype=None):
    """The sum of a sparse tensor in its dtype; sparse as long as a dim with coordinates is left.

    Args:
        input (Tensor): sparse. dim (int or sequence of int, None): None for all. dtype (None): sum in it.
    """
    return _reductions.sum(input, dim, dtype=input.dtype if dtype is None else dtype)


def softmax(input, dim, *, dtype=None):
    """Softmax over the kept elements of a dim; the others count as minus infinity. Sparse as `input`.

    Args:  input (Tensor): sparse COO. dim (int). dtype (None): compute and return in it.
    """
    return _reductions.softmax(input, dim, dtype)


def log_softmax(input, dim, *, dtype=None):
    """The logarithm of `softmax`."""
    return _reductions.softmax(input, dim, dtype, log=True)


def spdiags(diagonals, offsets, shape, layout=None):
    """A sparse matrix with the given diagonals.

    Args:
        diagonals (Tensor): (n, length) or (length,); element j of a row goes to column j.
        offsets (Tensor): (n,) or 0-d, distinct: which diagonal a row is, 0 the main one, positive above it.
        shape (pair of int): of the result.
        layout (torch.layout, torch.sparse_coo).
    Example:
        >>> torch.sparse.spdiags(torch.tensor([[1.0, 2.0]]), torch.tensor([0]), (2, 2)).to_dense()
        tensor([[1., 0.],
                [0., 2.]])
    """
    import rustorch

    rows, offsets = rustorch.atleast_2d(diagonals), rustorch.atleast_1d(offsets)
    if rows.size(0) != offsets.numel() or offsets.unique().numel() != offsets.numel():
        raise RuntimeError(
            f"spdiags: expected one distinct offset per diagonal, but got {offsets.tolist()} for {rows.size(0)}. "
            "Check offsets."
        )
    columns = rustorch.arange(rows.size(1)).expand(rows.shape)
    lines = columns - offsets.unsqueeze(1)
    inside = (lines >= 0) & (lines < shape[0]) & (columns < shape[1])
    made = sparse_coo_tensor(rustorch.stack([lines[inside], columns[inside]]), rows[inside], shape)
    return made if layout is None else made.to_sparse(layout=layout)


class check_sparse_tensor_invariants:
    """Accepted for torch's sake: indices are always checked here."""

    is_enabled = staticmethod(lambda: True)
    enable = disable = staticmethod(lambda: None)

    def __init__(self, enable=True):
        pass

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        return None

    def __call__(self, function):
        return function


def __getattr__(name):
    # The classes from before there were dtypes: `torch.sparse.FloatTensor(indices, values, size)`.
    import rustorch

    kind = rustorch._legacy._NAMES.get(name)
    if kind is None:
        raise AttributeError(f"module 'torch.sparse' has no attribute {name!r}")
    dtype = getattr(rustorch, kind)

    def legacy(indices=None, values=None, size=None, *, device=None):
        if not isinstance(indices, rustorch.Tensor):
            sizes = indices if values is None else (indices, values, *(() if size is None else (size,)))
            sizes = (sizes,) if isinstance(sizes, int) else tuple(sizes or (0,))
            return sparse_coo_tensor(rustorch.zeros(len(sizes), 0, dtype=rustorch.int64), [], sizes, dtype=dtype)
        return sparse_coo_tensor(indices, values, size, dtype=dtype, device=device)

    legacy.__name__ = legacy.__qualname__ = name
    return legacy
