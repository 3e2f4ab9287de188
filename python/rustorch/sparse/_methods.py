"""Methods that every tensor has for the sake of sparse ones."""

import rustorch
from rustorch import _C
from rustorch.sparse import _create, _resize, _structure
from rustorch.sparse._in_place import check_out, write_out
from rustorch.sparse._tensor import _KINDS, SparseTensor, refuse

_COO, _ANY = "sparse coordinate tensor", "sparse tensor"
_ROWS, _COLUMNS = "sparse row compressed tensor", "sparse column compressed tensor"


def _layout(x):
    return _C._sparse_parts(x)[0] if isinstance(x, SparseTensor) else "strided"


def _expect(x, name, layouts, what):
    layout = _layout(x)
    if layout not in layouts:
        kind = _KINDS.get(layout, "Strided")
        raise RuntimeError(
            f"{name} expected {what} layout but got {kind}\n"
            f"  {name}: expected a tensor of layout {' or '.join(layouts)}, but got {layout}. Convert it with "
            f"to_{layouts[0]}()."
        )
    return _C._sparse_parts(x)


def _raw(name):
    def method(self):
        if not isinstance(self, SparseTensor):
            raise refuse(name, "")
        return _C._sparse_parts(self)[1 if name == "_indices" else 3]

    return method


_indices, _values = _raw("_indices"), _raw("_values")


def _nnz(self):
    """How many values are kept."""
    if not isinstance(self, SparseTensor):
        raise refuse("_nnz", "")
    return _C._sparse_parts(self)[3].size(0)


def coalesce(self):
    """The tensor with distinct coordinates in ascending order; values of equal ones are added."""
    _expect(self, "coalesce", ["sparse_coo"], _COO)
    return _C._sparse_coalesce(self)


def is_coalesced(self):
    """Are coordinates known to be distinct and in order?"""
    return _expect(self, "is_coalesced", ["sparse_coo"], _COO)[4]


def _coalesced_(self, coalesced):
    """States whether coordinates are distinct and in order."""
    layout, indices, plain, values, _ = _expect(self, "_coalesced_", ["sparse_coo"], _COO)
    _C._sparse_replace(self, _C._sparse_build(layout, indices, plain, values, tuple(self.shape), coalesced))
    return self


def _check_coalesced(self, name):
    if not _C._sparse_parts(self)[4]:
        raise RuntimeError(
            f"Cannot get {name} on an uncoalesced tensor, please call .coalesce() first\n"
            f"  {name}: expected a coalesced tensor, but got one that may repeat coordinates. Call coalesce() first."
        )


def indices(self):
    """The coordinates of a coalesced COO tensor: int64, (sparse dims, nnz)."""
    _expect(self, "indices", ["sparse_coo"], _COO)
    _check_coalesced(self, "indices")
    return self._indices()


def values(self):
    """The values: (nnz, *dense dims), with their derivative."""
    if _expect(self, "values", list(_KINDS), _ANY)[0] == "sparse_coo":
        _check_coalesced(self, "values")
    return _C._sparse_values(self)


def crow_indices(self):
    """Where each row of a CSR matrix begins."""
    return _expect(self, "crow_indices", ["sparse_csr"], _ROWS)[1]


def col_indices(self):
    """The column of each value of a CSR matrix."""
    return _expect(self, "col_indices", ["sparse_csr"], _ROWS)[2]


def ccol_indices(self):
    """Where each column of a CSC matrix begins."""
    return _expect(self, "ccol_indices", ["sparse_csc"], _COLUMNS)[1]


def row_indices(self):
    """The row of each value of a CSC matrix."""
    return _expect(self, "row_indices", ["sparse_csc"], _COLUMNS)[2]


def sparse_dim(self):
    """How many dims have coordinates."""
    if not isinstance(self, SparseTensor):
        return 0
    _, indices, plain, _, _ = _C._sparse_parts(self)
    return indices.size(0) if plain is None else 2


def dense_dim(self):
    """How many dims each value has."""
    return _C._sparse_parts(self)[3].dim() - 1 if isinstance(self, SparseTensor) else self.dim()


def to_dense(self, dtype=None, *, masked_grad=None):
    """The dense tensor, itself if it is one; its gradient is wanted at the kept places alone."""
    dense = _C._sparse_to_dense(self) if isinstance(self, SparseTensor) else self
    return dense if dtype is None else dense.to(dtype)


def to_sparse(self, sparse_dim=None, *, layout=None, blocksize=None, dense_dim=None):
    """The elements that are not 0, as a sparse tensor.

    Args:
        sparse_dim (int, all): how many leading dims get coordinates.
        layout (torch.layout, torch.sparse_coo): or torch.sparse_csr, torch.sparse_csc for matrices.
    """
    if isinstance(sparse_dim, rustorch.layout):
        sparse_dim, layout = None, sparse_dim
    if blocksize is not None or dense_dim:
        raise NotImplementedError(
            "to_sparse: expected neither blocksize nor dense_dim, but got one. Blocks are not supported yet."
        )
    name = "sparse_coo" if layout is None else str(layout).removeprefix("torch.")
    if name not in _KINDS:
        raise NotImplementedError(f"to_sparse: expected one of {', '.join(_KINDS)}, but got {layout}. Choose one.")
    if not isinstance(self, SparseTensor):
        if name != "sparse_coo" and self.dim() != 2:
            raise RuntimeError(f"to_sparse: expected a matrix for {name}, but got {self.dim()} dims. Use sparse_coo.")
        self = _create.from_dense(self, self.dim() if sparse_dim is None else sparse_dim)
    elif sparse_dim is not None and sparse_dim != self.sparse_dim():
        self = _create.from_dense(self.to_dense(), sparse_dim)
    if name != "sparse_coo":
        return _create.compress(self, name)
    return self if self.is_sparse else _structure.build(*_structure.coo(self)[:2], self.shape)


def to_sparse_coo(self):
    """The tensor in layout COO."""
    return to_sparse(self)


def to_sparse_csr(self, dense_dim=None):
    """The matrix with compressed rows."""
    return to_sparse(self, layout=rustorch.sparse_csr, dense_dim=dense_dim)


def to_sparse_csc(self, dense_dim=None):
    """The matrix with compressed columns."""
    return to_sparse(self, layout=rustorch.sparse_csc, dense_dim=dense_dim)


def sparse_mask(self, mask):
    """The elements at the places of the sparse tensor `mask`, as a sparse tensor."""
    if not isinstance(mask, SparseTensor):
        raise TypeError("sparse_mask: expected a sparse mask, but got a dense tensor. Convert it with to_sparse().")
    if self.shape != mask.shape:
        raise RuntimeError(
            f"sparse_mask(): operands have incompatible sizes; self has size {list(self.shape)} but mask has size "
            f"{list(mask.shape)}\n  sparse_mask: expected a mask of shape {list(self.shape)}, but got "
            f"{list(mask.shape)}. Check the shapes."
        )
    if not mask.is_sparse:
        return _C._sparse_with_values(mask, _C._sparse_at_places(self, mask))
    layout, where, plain, _, coalesced = _C._sparse_parts(mask)
    return _C._sparse_build(layout, where, plain, _C._sparse_at_places(self, mask), tuple(mask.shape), coalesced)


sparse_resize_ = _resize.sparse_resize_
sparse_resize_and_clear_ = _resize.sparse_resize_and_clear_


def smm(self, mat):
    """The product of a sparse and a dense matrix, as a sparse one."""
    return to_sparse(rustorch.mm(self, mat))


def sspaddmm(self, mat1, mat2, *, beta=1, alpha=1, out=None):
    """`beta * self + alpha * (mat1 @ mat2)` for sparse self and mat1, as a sparse matrix."""
    check_out("sspaddmm", out, [self, mat1, mat2])
    return write_out("sspaddmm", out, (self * beta + smm(mat1, mat2) * alpha).coalesce())


def hspmm(mat1, mat2, *, out=None):
    """The product of a sparse and a dense matrix; the result's rows are its values."""
    check_out("hspmm", out, [mat1, mat2])
    product = rustorch.mm(mat1, mat2)
    rows = mat1.coalesce()._indices()[0].unique()
    made = _C._sparse_build("sparse_coo", rows.unsqueeze(0), None, product[rows], tuple(product.shape), True)
    return write_out("hspmm", out, made)
