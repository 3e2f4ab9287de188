"""Sums and softmax over dims of sparse tensors."""

import math

import rustorch
from rustorch import _C
from rustorch.sparse._structure import _dim, build, coo, places
from rustorch.sparse._tensor import SparseTensor


def sum(x, dim=None, keepdim=False, *, dtype=None):
    """The sum over dims; sparse as long as a dim with coordinates is left."""
    if dim is None or (isinstance(dim, tuple | list) and not dim):
        return _C._sparse_values(x).sum(dtype=dtype)
    listed = [_dim(x, d) for d in ([dim] if isinstance(dim, int) else dim)]
    dims = set(listed)
    if len(dims) < len(listed):
        raise RuntimeError(
            f"dim {next(d for d in listed if listed.count(d) > 1)} appears multiple times in the list of dims"
        )
    if x.dim() == 0:
        return _C._sparse_values(x).sum(dtype=dtype)
    indices, values, _ = coo(x)
    count = indices.size(0)
    dense = [d - count + 1 for d in dims if d >= count]
    if dense:
        values = values.sum(dense, keepdim=keepdim, dtype=dtype)
    elif dtype is not None or not (values.is_floating_point() or values.is_complex()):
        values = values.to(dtype or rustorch.int64)
    left = [d for d in range(count) if d not in dims]
    if not left and not keepdim:
        return values.sum(0)
    size = [1 if d in dims else n for d, n in enumerate(x.shape) if keepdim or d not in dims]
    rows = indices[left]
    if keepdim:
        rows = indices.clone()
        rows[[d for d in dims if d < count]] = 0
    return build(rows, values, size).coalesce()


def norm(x, ord=2, dim=None, keepdim=False, *, dtype=None, out=None):
    """The norm of all elements."""
    ord = 2 if ord is None or ord == "fro" else ord
    if dim is not None and len(dim if isinstance(dim, tuple | list) else [dim]) not in (0, x.dim()):
        raise RuntimeError(
            f"norm_sparse currently only supports full reductions, so 'dim' must either be empty or contain all dimensions of the input, but got {dim}"
        )
    values = _C._sparse_values(_C._sparse_coalesce(x)).flatten()
    if values.numel() == 0:
        values = values.new_zeros(1)
    y = rustorch.linalg.vector_norm(values, ord, dtype=dtype)
    return y.reshape([1] * x.dim()) if keepdim else y


def softmax(x, dim, dtype=None, log=False):
    """Softmax over the elements that are kept; the others count as minus infinity."""
    if not isinstance(x, SparseTensor):
        raise RuntimeError("sparse.softmax: expected a sparse tensor, but got a dense one. Use torch.softmax().")
    at = _dim(x, dim)
    x = _C._sparse_coalesce(x)
    indices, values, _ = coo(x)
    if dtype is not None:
        values = values.to(dtype)
    if not values.is_floating_point():
        raise NotImplementedError(f"\"softmax\" not implemented for '{values.dtype}'")
    if at >= indices.size(0):
        f = rustorch.log_softmax if log else rustorch.softmax
        return _C._sparse_with_values(x.to(values.dtype), f(values, at - indices.size(0) + 1))
    # The entries that differ in this coordinate alone are one group.
    others = [d for d in range(indices.size(0)) if d != at]
    sizes = [x.size(d) for d in others]
    group, count = places(indices[others], sizes), math.prod(sizes)
    if count > 4 * group.numel():
        # Most groups have no entry: those that have some are numbered.
        groups, group = rustorch.unique(group, return_inverse=True)
        count = groups.numel()
    rows = values.new_zeros(count, *values.shape[1:])
    index = group.reshape(-1, *[1] * (values.dim() - 1)).expand(values.shape)
    largest = rows.scatter_reduce(0, index, values.detach(), "amax", include_self=False)
    shifted = values - largest.index_select(0, group)
    total = rows.index_add(0, group, shifted.exp())
    y = shifted - total.index_select(0, group).log() if log else shifted.exp() / total.index_select(0, group)
    return _C._sparse_build("sparse_coo", indices, None, y, tuple(x.shape), True)
