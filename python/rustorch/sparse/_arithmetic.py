"""Sums, products and powers of sparse tensors with one another, with dense ones and with numbers."""

import math

import rustorch
from rustorch import _C
from rustorch._C import Tensor
from rustorch.sparse._in_place import check_unrecorded, put, same_layout, touched
from rustorch.sparse._structure import build, coo, distinct, ordered, places
from rustorch.sparse._tensor import SparseTensor


def _is_number(x):
    return not isinstance(x, Tensor) or (not isinstance(x, SparseTensor) and x.dim() == 0)


def mul(a, b):
    if not isinstance(a, SparseTensor):
        a, b = b, a
    if _is_number(b):
        return _C._sparse_with_values(a, _C._sparse_values(a) * b)
    if not isinstance(b, SparseTensor):
        # A dense tensor is read at the places of the sparse one.
        if b.dim() > a.dim():
            raise RuntimeError(
                f"mul: expected a dense tensor that broadcasts to the sparse one's shape {list(a.shape)}, but got "
                f"{list(b.shape)}. Use to_dense() first."
            )
        at = b.expand(a.shape)
        return _C._sparse_with_values(a, _C._sparse_values(a) * _C._sparse_at_places(at, a))
    size = a.shape
    if size != b.shape:
        raise RuntimeError(
            f"mul(sparse, sparse): expected tensors of one shape, but got {list(size)} and {list(b.shape)}. "
            "Check the shapes."
        )
    (at, x, _), (bt, y, _) = _coalesced(a), _coalesced(b)
    if at.size(0) != bt.size(0):
        return mul(a, b.to_dense())
    mine, theirs = _common(places(at, size), places(bt, size), math.prod(size[: at.size(0)]))
    values = x.index_select(0, mine) * y.index_select(0, theirs)
    return same_layout(build(at.index_select(1, mine), values, size, True), a)


def _coalesced(x):
    parts = ordered(x)
    return parts if parts[2] else coo(_C._sparse_coalesce(x))


def mul_(a, b):
    if not isinstance(a, SparseTensor):
        return a.mul_(b.to_dense())
    check_unrecorded("mul_", a, b)
    if _is_number(b):
        a._values().mul_(b)
        return touched(a)
    return put(a, mul(a, b))


def _check_divisor(a, b):
    if not isinstance(a, SparseTensor) or not _is_number(b):
        shape = list(b.shape) if isinstance(b, Tensor) else []
        raise RuntimeError(
            f"Sparse division requires a scalar or zero-dim dense tensor divisor (got shape {shape} for divisor)\n"
            f"  div: expected a sparse tensor divided by a number, but got a divisor of shape {shape}. Multiply by its "
            "reciprocal, or use to_dense()."
        )


def div(a, b, *, rounding_mode=None):
    _check_divisor(a, b)
    a = a if rounding_mode is None else distinct(a)
    return _C._sparse_with_values(a, rustorch.div(_C._sparse_values(a), b, rounding_mode=rounding_mode))


def div_(a, b, *, rounding_mode=None):
    _check_divisor(a, b)
    check_unrecorded("div_", a, b)
    a._values().div_(b, rounding_mode=rounding_mode)
    return touched(a)


def add(a, b, *, alpha=1):
    alpha = alpha.to_dense().item() if isinstance(alpha, SparseTensor) else alpha
    if not (isinstance(a, SparseTensor) or isinstance(b, SparseTensor)):
        return rustorch.add(a, b, alpha=alpha)
    if not isinstance(a, SparseTensor):
        if not isinstance(a, Tensor):
            a, b = b, a
        else:
            return _add_to_dense(a, b, alpha)
    if not isinstance(b, SparseTensor):
        if isinstance(b, Tensor) and not a.is_sparse and b.shape == a.shape:
            return rustorch.add(a.to_dense(), b, alpha=alpha)
        raise RuntimeError(
            "add(sparse, dense) is not supported. Use add(dense, sparse) instead.\n"
            "  add: expected two sparse tensors, or a dense one on the left, but got a sparse one on the left. Turn "
            "them round."
        )
    size = a.shape
    (at, x, first), (bt, y, second) = ordered(a), ordered(b)
    if size != b.shape or at.size(0) != bt.size(0):
        raise RuntimeError(
            f"add: expected sizes of 'self' and 'other' to match, but {list(size)} != {list(b.shape)}\n"
            f"  add: expected sparse tensors of one shape and as many sparse dims, but got {list(size)} with {at.size(0)} "
            f"and {list(b.shape)} with {bt.size(0)}. Check them."
        )
    dtype = rustorch.promote_types(x.dtype, y.dtype)
    if dtype is rustorch.bool and alpha != 1:
        raise RuntimeError(
            "Subtraction, the `-` operator, with two bool tensors is not supported. Use the `^` or `logical_xor()` "
            "operator instead.\n  sub: expected numbers, but got truth values. Convert them with .int()."
        )
    x, y = x.to(dtype), (y if alpha == 1 else y * alpha).to(dtype)
    if first and second and dtype is not rustorch.bool:
        return same_layout(_merged(at, x, bt, y, size), a)
    total = build(rustorch.cat([at, bt], 1), rustorch.cat([x, y]), size)
    if not a.is_sparse:
        return same_layout(total, a)
    return total.coalesce() if first and second else total


def _merged(at, x, bt, y, size):
    """The sum of two coalesced tensors, given by coordinates and values."""
    p = places(at, size)
    found, there = _located(p, places(bt, size), math.prod(size[: at.size(0)]))
    new = ~there
    alone = new.nonzero()[:, 0]
    n = p.numel() + alone.numel()
    # An entry of the second comes after those of the first before it, and those before it that are in the second alone.
    theirs = found + new.cumsum(0) - new.long()
    inserted = theirs.index_select(0, alone)
    mine = rustorch.ones(n, dtype=rustorch.bool, device=p.device).index_fill_(0, inserted, False).nonzero()[:, 0]
    indices = at.new_empty(at.size(0), n).index_copy_(1, mine, at)
    indices.index_copy_(1, inserted, bt.index_select(1, alone))
    values = x.new_zeros(n, *x.shape[1:]).index_add(0, mine, x).index_add(0, theirs, y)
    return build(indices, values, size, True)


def _located(p, q, n):
    """Where each element of `q` stands, or would stand, in `p`, and whether it does.

    Both ascend without repeats, to less than `n`.
    """
    if _few(p, q, n):
        table = _table(p, n)
        there = table.index_select(0, q)
        return table.cumsum(0).index_select(0, q) - there.long(), there
    found = rustorch.searchsorted(p, q)
    if p.numel() == 0:
        return found, rustorch.zeros_like(q, dtype=rustorch.bool)
    return found, p.index_select(0, found.clamp(max=p.numel() - 1)) == q


def _common(p, q, n):
    """Where the elements that two such lists have in common stand in `p` and in `q`."""
    if _few(p, q, n):
        mine, theirs = _table(q, n).index_select(0, p), _table(p, n).index_select(0, q)
        return mine.nonzero()[:, 0], theirs.nonzero()[:, 0]
    found, there = _located(p, q, n)
    theirs = there.nonzero()[:, 0]
    return found.index_select(0, theirs), theirs


def _few(p, q, n):
    """Is a table of all places about as small as the lists? It is sooner read than they are searched."""
    return n <= 8 * (p.numel() + q.numel())


def _table(p, n):
    return rustorch.zeros(n, dtype=rustorch.bool, device=p.device).index_fill_(0, p, True)


def _add_to_dense(a, b, alpha):
    dtype = rustorch.promote_types(a.dtype, b.dtype)
    if a.shape != b.shape or b.sparse_dim() == 0 or a.dtype is not dtype or dtype is rustorch.bool:
        return rustorch.add(a, b.to_dense(), alpha=alpha)
    # One dense tensor, not two.
    indices, values, _ = coo(b)
    flat = a.reshape(-1, *a.shape[b.sparse_dim() :])
    return flat.index_add(0, places(indices, b.shape), values.to(dtype), alpha=alpha).reshape(a.shape)


def sub(a, b, *, alpha=1):
    return add(a, b, alpha=-alpha)


def add_(a, b, *, alpha=1):
    if isinstance(a, SparseTensor):
        check_unrecorded("add_", a, b)
        return put(a, add(a, b, alpha=alpha))
    if a.shape != b.shape or not a.is_contiguous() or b._values().dtype is not a.dtype:
        return a.add_(b.to_dense(), alpha=alpha)
    if b.sparse_dim() == 0 or (a.requires_grad and a.is_leaf):
        # The dense form has the words for a leaf.
        return a.add_(b.to_dense(), alpha=alpha)
    # Only the rows that are named are touched.
    indices, values, _ = coo(b)
    a.view(-1, *a.shape[b.sparse_dim() :]).index_add_(0, places(indices, b.shape), values, alpha=alpha)
    return a


def sub_(a, b, *, alpha=1):
    return add_(a, b, alpha=-alpha)


def pow(x, exponent):
    if not isinstance(x, SparseTensor) or not _is_number(exponent) or exponent <= 0:
        raise RuntimeError("pow: expected a sparse tensor and a positive number, but got others. Use to_dense() first.")
    x = distinct(x)
    return _C._sparse_with_values(x, _C._sparse_values(x) ** exponent)
