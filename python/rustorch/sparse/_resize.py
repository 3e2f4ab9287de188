"""Changes of a sparse tensor's size in place: turned, widened, emptied."""

import operator

from rustorch import _C
from rustorch.sparse._in_place import become, check_growth, check_unrecorded
from rustorch.sparse._structure import build, transpose
from rustorch.sparse._tensor import _KINDS, SparseTensor, refuse


def transpose_(x, dim0, dim1):
    check_unrecorded("transpose_", x)
    if not x.is_sparse:
        raise RuntimeError(
            f"torch.transpose_: in-place transposition is not supported for {_kind(x)} layout\n"
            f"  transpose_: expected a tensor of layout torch.sparse_coo, but got {x.layout}. Use transpose()."
        )
    return become(x, transpose(x.detach(), dim0, dim1))


def t_(x):
    if x.dim() > 2 or x.dense_dim():
        raise RuntimeError(
            f"t_() expects a tensor with <= 2 sparse and 0 dense dimensions, but got {x.sparse_dim()} sparse and "
            f"{x.dense_dim()} dense dimensions\n"
            f"  t_: expected a matrix, but got a tensor of shape {list(x.shape)}. Use transpose_()."
        )
    return transpose_(x, 0, 1) if x.dim() == 2 else x


def _kind(x):
    return _KINDS[str(x.layout).removeprefix("torch.")]


def _check_sizes(name, x, size, sparse_dim, dense_dim):
    if not isinstance(x, SparseTensor) or not x.is_sparse:
        raise refuse(name, _kind(x) if isinstance(x, SparseTensor) else "")
    check_unrecorded(name, x)
    size = [operator.index(n) for n in size]
    if len(size) != sparse_dim + dense_dim:
        raise RuntimeError(
            f"'len(size) == sparse_dim + dense_dim' is not satisfied: len(size) = {len(size)}, sparse_dim = {sparse_dim}, "
            f"dense_dim = {dense_dim}\n"
            f"  {name}: expected a size of {sparse_dim + dense_dim} dims, but got {size}. Check size."
        )
    return size


def _clear(name, x, size, sparse_dim):
    if min(size, default=0) < 0 or not 0 <= sparse_dim <= len(size):
        raise RuntimeError(
            f"{name}: expected sizes and numbers of dims of at least 0, but got {size} with {sparse_dim} dims with "
            "coordinates. Check them."
        )
    _, indices, _, values, _ = _C._sparse_parts(x)
    indices, values = indices.new_empty(sparse_dim, 0), values.new_empty(0, *size[sparse_dim:])
    return become(x, build(indices, values, size, True))


def sparse_resize_(self, size, sparse_dim, dense_dim):
    """Changes the size of a COO tensor in place, and without values how many dims have coordinates.

    Args:
        size (sequence of int): with values, no dim may shrink; those without coordinates are filled up with 0.
        sparse_dim, dense_dim (int): how many dims have coordinates, and how many have none.
    Raises:
        RuntimeError: for sizes that are not allowed.
    """
    size = _check_sizes("sparse_resize_", self, size, sparse_dim, dense_dim)
    _, indices, _, values, coalesced = _C._sparse_parts(self)
    count = indices.size(0)
    if values.size(0) == 0:
        return _clear("sparse_resize_", self, size, sparse_dim)
    check_growth("sparse_resize_", self, size, sparse_dim)
    if tuple(size[count:]) != values.shape[1:]:
        wider = values.new_zeros(values.size(0), *size[count:])
        wider[tuple(slice(n) for n in values.shape)] = values
        values = wider
    return become(self, _C._sparse_build("sparse_coo", indices, None, values, size, coalesced))


def sparse_resize_and_clear_(self, size, sparse_dim, dense_dim):
    """Gives a COO tensor another size, and dims, in place, and drops its values."""
    size = _check_sizes("sparse_resize_and_clear_", self, size, sparse_dim, dense_dim)
    return _clear("sparse_resize_and_clear_", self, size, sparse_dim)


def resize_as_(x, other, memory_format=None):
    if not isinstance(x, SparseTensor):
        return x.resize_(other.shape)
    if not isinstance(other, SparseTensor):
        raise refuse("resize_")
    return sparse_resize_(x, other.shape, other.sparse_dim(), other.dense_dim())
