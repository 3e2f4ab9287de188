"""Sparse tensors with other dims: transposed, selected, joined."""

import rustorch
from rustorch import _C
from rustorch.sparse._tensor import SparseTensor


def _dim(x, dim):
    n = x.dim()
    if not -n <= dim < max(n, 1):
        raise IndexError(f"Dimension out of range (expected to be in range of [{-n}, {n - 1}], but got {dim})")
    return dim % max(n, 1)


def coo(x):
    """(indices, values with their derivative, coalesced) of a tensor of any sparse layout, as COO."""
    layout, indices, plain, _, coalesced = _C._sparse_parts(x)
    if plain is not None:
        line = rustorch.repeat_interleave(indices.diff().long(), output_size=plain.numel())
        pair = [line, plain.long()]
        indices = rustorch.stack(pair if layout == "sparse_csr" else pair[::-1])
    return indices, _C._sparse_values(x), coalesced


def ordered(x):
    """As `coo`; a compressed matrix is coalesced, too, where its entries are in order."""
    indices, values, coalesced = coo(x)
    if not x.is_sparse and not indices.is_meta:
        flat = places(indices, x.shape)
        coalesced = bool((flat[1:] > flat[:-1]).all())
    return indices, values, coalesced


def build(indices, values, size, coalesced=False):
    return _C._sparse_build("sparse_coo", indices, None, values, tuple(size), coalesced)


def places(indices, size):
    """Where entries lie in the flattened dims with coordinates."""
    if not len(indices):
        return indices.new_zeros(indices.size(1))
    flat = indices[0]
    for d in range(1, indices.size(0)):
        flat = flat * size[d] + indices[d]
    return flat


def distinct(x):
    """The tensor with distinct coordinates."""
    return _C._sparse_coalesce(x) if x.is_sparse else x


def permute(x, *dims):
    """The dims in another order; dims with coordinates stay in front of those without."""
    dims = dims[0] if len(dims) == 1 and not isinstance(dims[0], int) else dims
    dims = [_dim(x, d) for d in dims]
    size = x.shape
    if sorted(dims) != list(range(len(size))):
        raise RuntimeError(
            f"permute(sparse_coo): number of dimensions in the tensor input does not match the length of the desired "
            f"ordering of dimensions i.e. input.dim() = {len(size)} is not equal to len(dims) = {len(dims)}\n"
            f"  permute: expected each of {len(size)} dims once, but got {dims}. Check dims."
        )
    if dims == list(range(len(size))):
        return x
    sparse_dim = x.sparse_dim()
    if max(dims[:sparse_dim]) >= sparse_dim:
        raise RuntimeError(
            "transpose: expected dims with coordinates to stay in front of dense ones, but got an order that mixes "
            "them. Use to_dense() first."
        )
    if not x.is_sparse:
        # The same parts, read the other way round.
        layout, compressed, plain, _, _ = _C._sparse_parts(x)
        turned = {"sparse_csr": "sparse_csc", "sparse_csc": "sparse_csr"}[layout]
        return _C._sparse_build(turned, compressed, plain, _C._sparse_values(x), tuple(size)[::-1], False)
    indices, values, _ = coo(x)
    if len(size) > sparse_dim:
        values = values.permute(0, *(d - sparse_dim + 1 for d in dims[sparse_dim:]))
    return build(indices[dims[:sparse_dim]], values, [size[d] for d in dims])


def transpose(x, dim0, dim1):
    a, b = _dim(x, dim0), _dim(x, dim1)
    order = list(range(x.dim()))
    if order:
        order[a], order[b] = b, a
    return permute(x, order)


def t(x):
    n = x.dim()
    if n > 2:
        raise RuntimeError(f"t() expects a tensor with <= 2 sparse and 0 dense dimensions, but self is {n}D")
    return permute(x, 1, 0) if n == 2 else x


def reshape(x, *args, **kwargs):
    raise RuntimeError(
        "reshape is not implemented for sparse tensors\n"
        "  reshape: expected a dense tensor, but got a sparse one. Use to_dense(), or compute new coordinates."
    )


def unsqueeze(x, dim):
    indices, values, coalesced = coo(x)
    size = list(x.shape)
    n = len(size)
    if not -n - 1 <= dim <= n:
        raise IndexError(
            f"Dimension out of range (expected to be in range of [{-n - 1}, {n}], but got {dim})\n"
            f"  unsqueeze: expected a dim from {-n - 1} to {n}, but got {dim}. Count from either end."
        )
    at = dim % (n + 1)
    size.insert(at, 1)
    if at > indices.size(0):
        return build(indices, values.unsqueeze(at - indices.size(0) + 1), size, coalesced)
    row = indices.new_zeros(1, indices.size(1))
    return build(rustorch.cat([indices[:at], row, indices[at:]]), values, size, coalesced)


def cat(tensors, dim=0):
    tensors = list(tensors)
    if not all(isinstance(x, SparseTensor) for x in tensors):
        at = [isinstance(x, SparseTensor) for x in tensors].index(False)
        raise RuntimeError(
            f"Concatenating sparse tensors, but a dense tensor was found at position {at}.\n"
            "  cat: expected sparse tensors alone, but got a dense one. Convert it with to_sparse()."
        )
    at = _dim(tensors[0], dim)
    sizes = [list(x.shape) for x in tensors]
    parts = [coo(x)[:2] for x in tensors]
    first, count = sizes[0], parts[0][0].size(0)
    total = sum(size[at] for size in sizes if at < len(size))
    indices, values, offset = [], [], 0
    for position, (size, (where, data)) in enumerate(zip(sizes, parts, strict=True)):
        if len(size) != len(first) or size[:at] != first[:at] or size[at + 1 :] != first[at + 1 :]:
            raise RuntimeError(
                f"All tensors must have the same shape: {first} (except in the concatenating dimension), but found shape: "
                f"{size} at position {position}.\n"
                f"  cat: expected tensors of shape {first} but for dim {at}, but got {size}. Check the shapes."
            )
        if where.size(0) != count:
            dims = [f"{n}, {len(first) - n}" for n in (count, where.size(0))]
            raise RuntimeError(
                f"All tensors must have the same sparse_dim and dense_dim: {dims[0]}, but tensor at position {position} "
                f"has {dims[1]}.\n"
                f"  cat: expected {count} dims with coordinates in each, but got {where.size(0)}. Convert one with "
                f"to_dense().to_sparse({count})."
            )
        if at >= count:
            # A dense dim: each value is a slice of the wider one.
            behind = [0, 0] * (len(size) - 1 - at)
            data = rustorch.nn.functional.pad(data, [*behind, offset, total - offset - size[at]])
        elif offset:
            where = where.clone()
            where[at] += offset
        indices.append(where)
        values.append(data)
        offset += size[at]
    return build(rustorch.cat(indices, 1), rustorch.cat(values), [*first[:at], total, *first[at + 1 :]])


def stack(tensors, dim=0):
    parts = [unsqueeze(x, dim) for x in tensors]
    return cat(parts, dim % (tensors[0].dim() + 1))


def vstack(tensors):
    return cat(rustorch.atleast_2d(list(tensors)))


def hstack(tensors):
    tensors = rustorch.atleast_1d(list(tensors))
    return cat(tensors, 0 if tensors[0].dim() == 1 else 1)


def dstack(tensors):
    return cat(rustorch.atleast_3d(list(tensors)), 2)


def column_stack(tensors):
    return cat([x.unsqueeze(1) if x.dim() == 1 else x for x in tensors], 1)


def _keep(x, dim, keep, moved, size):
    """The entries that `keep` marks, with `moved` as their coordinates in `dim` (None: without the dim)."""
    indices, values, coalesced = coo(x)
    chosen = keep.nonzero()[:, 0]
    rows = [indices[d][chosen] for d in range(indices.size(0))]
    if moved is None:
        del rows[dim]
    else:
        rows[dim] = moved[chosen]
    where = rustorch.stack(rows) if rows else indices.new_zeros(0, chosen.numel())
    return build(where, values.index_select(0, chosen), size, coalesced)


def select(x, dim, index):
    """One slice; the element itself, dense, if no dim with coordinates is left."""
    at = _dim(x, dim)
    n = x.size(at)
    if not -n <= index < n:
        raise IndexError(f"select(): index {index} out of range for tensor of size {list(x.shape)} at dimension {dim}")
    index %= n
    size = [*x.shape[:at], *x.shape[at + 1 :]]
    indices, values, coalesced = coo(x)
    if at >= indices.size(0):
        return build(indices, values.select(at - indices.size(0) + 1, index), size, coalesced)
    part = _keep(x, at, indices[at] == index, None, size)
    return _C._sparse_to_dense(part) if indices.size(0) == 1 else part


def narrow(x, dim, start, length):
    at = _dim(x, dim)
    n = x.size(at)
    start = int(start) + (n if start < 0 else 0)
    if start < 0 or length < 0 or start + length > n:
        raise RuntimeError(f"start ({start}) + length ({length}) exceeds dimension size ({n}).")
    size = [length if d == at else m for d, m in enumerate(x.shape)]
    indices, values, coalesced = coo(x)
    if at >= indices.size(0):
        return build(indices, values.narrow(at - indices.size(0) + 1, start, length), size, coalesced)
    moved = indices[at] - start
    return _keep(x, at, (moved >= 0) & (moved < length), moved, size)


def index_select(x, dim, index):
    """Slices in the order of `index`, which may repeat some."""
    at = _dim(x, dim)
    if not isinstance(index, rustorch.Tensor) or index.dim() > 1:
        raise TypeError(
            f"index_select(): expected a vector of integers as index, but got {type(index).__name__}. Use torch.tensor()."
        )
    size = [index.numel() if d == at else n for d, n in enumerate(x.shape)]
    indices, values, coalesced = coo(x)
    if at >= indices.size(0):
        return build(indices, values.index_select(at - indices.size(0) + 1, index), size, coalesced)
    n = x.size(at)
    index = rustorch.where(index < 0, index + n, index)
    if index.numel() and not 0 <= int(index.min()) <= int(index.max()) < n:
        raise IndexError(f"index_select(): index out of range for tensor of size {list(x.shape)} at dimension {dim}")
    # Entries in order of their coordinate, so that those of one slice are together.
    order = None if coalesced and at == 0 else indices[at].argsort(stable=True)
    column = indices[at] if order is None else indices[at][order]
    first, last = (rustorch.searchsorted(column, index, right=right) for right in (False, True))
    entry, place = spread(last - first)
    chosen = first[place] + entry
    if order is not None:
        chosen = order[chosen]
    where = indices[:, chosen].clone()
    where[at] = place
    return build(where, values.index_select(0, chosen), size)


def spread(counts):
    """For each of `counts[k]` entries of group k: its number within the group, and k."""
    group = rustorch.repeat_interleave(rustorch.arange(counts.numel(), device=counts.device), counts)
    first = counts.cumsum(0) - counts
    return rustorch.arange(group.numel(), device=counts.device) - first[group], group


def unbind(x, dim=0):
    return tuple(select(x, dim, i) for i in range(x.size(_dim(x, dim))))


def getitem(x, index):
    """Indexing by integers, None, slices without steps, and a vector of integers."""
    index = index if isinstance(index, tuple) else (index,)
    taken = sum(i is not None and i is not Ellipsis for i in index)
    if taken > x.dim():
        raise IndexError(f"too many indices for tensor of dimension {x.dim()}")
    if Ellipsis not in [i for i in index if not isinstance(i, rustorch.Tensor)]:
        index = (*index, Ellipsis)
    at = 0
    for i in index:
        if i is Ellipsis:
            at += x.dim() - taken - at + sum(j is None for j in index[: _position(index)])
        elif i is None:
            x = unsqueeze(x, at)
            at += 1
        elif isinstance(i, slice):
            start, stop, step = i.indices(x.size(at))
            if step != 1:
                raise ValueError("sparse: expected slices of step 1, but got another. Use index_select().")
            x = narrow(x, at, start, max(stop - start, 0))
            at += 1
        elif isinstance(i, rustorch.Tensor) and i.dim() == 1 and i.dtype is not rustorch.bool:
            x = index_select(x, at, i)
            at += 1
        elif hasattr(i, "__index__") and not isinstance(i, bool):
            x = x.select(at, int(i))
        else:
            raise IndexError(
                "sparse: expected indices that are integers, slices or one vector of integers, but got "
                f"{type(i).__name__}. Use to_dense() first."
            )
    return x


def _position(index):
    return next(k for k, i in enumerate(index) if i is Ellipsis)
