"""Sparse tensors from indices and values, and from dense tensors."""

import rustorch
from rustorch import _C

_COMPRESSED = {"sparse_csr": ("crow", "col", 0), "sparse_csc": ("ccol", "row", 1)}


def _index(name, x, device):
    x = rustorch.as_tensor(x, device=device)
    if x.numel() == 0:
        x = x.long()
    if x.is_floating_point() or x.is_complex() or x.dtype is rustorch.bool:
        raise TypeError(f"{name}: expected indices of an integer dtype, but got {x.dtype}. Convert them with .long().")
    return x.detach()


def _values(values, dtype, device):
    # A tensor keeps its memory, and its place in the graph.
    return rustorch.as_tensor(values, dtype=dtype, device=device)


def sparse_coo_tensor(
    indices=None,
    values=None,
    size=None,
    *,
    dtype=None,
    device=None,
    pin_memory=False,
    requires_grad=False,
    check_invariants=None,
    is_coalesced=None,
):
    """A sparse tensor in COO format: values at coordinates; values of equal coordinates count as their sum.

    Args:
        indices (array_like): coordinates, integers of shape (sparse dims, nnz).
        values (array_like): of shape (nnz, *dense dims). A tensor shares its memory, and gets a gradient.
        size (sequence of int, None): the tensor's shape; None: the smallest that holds all coordinates.
        dtype, device (None): those of `values` unless given.
        requires_grad (bool, False): make the result a leaf that asks for a gradient.
        is_coalesced (bool, None): True states that coordinates are distinct and in ascending order.
    Raises:
        RuntimeError: for indices outside of `size`, or shapes that do not fit.
    Example:
        >>> torch.sparse_coo_tensor([[0, 1], [2, 0]], [3.0, 4.0], (2, 3)).to_dense()
        tensor([[0., 0., 3.],
                [4., 0., 0.]])
    """
    if values is None:
        # A size alone: no element is kept.
        size = tuple(indices if size is None else size)
        indices = rustorch.zeros(len(size), 0, dtype=rustorch.int64)
        values = rustorch.empty(0, dtype=dtype)
    values = _values(values, dtype, device)
    indices = rustorch.as_tensor(indices, device=values.device).detach().long()
    if values.dim() == 0:
        values = values.expand(indices.size(1) if indices.dim() == 2 else 1)
    if indices.dim() != 2:
        raise RuntimeError(
            f"indices must be sparse_dim x nnz, but got: {list(indices.shape)}\n"
            f"  sparse_coo_tensor: expected indices of shape (sparse dims, nnz), but got {list(indices.shape)}. "
            "Stack one row of coordinates per dim."
        )
    if indices.size(1) != values.size(0):
        raise RuntimeError(
            f"indices and values must have same nnz, but got nnz from indices: {indices.size(1)}, nnz from values: "
            f"{values.size(0)}\n"
            f"  sparse_coo_tensor: expected one value per column of indices, but got {values.size(0)} for "
            f"{indices.size(1)}. Check the shapes."
        )
    count = indices.size(0)
    if size is None:
        least = indices.amax(1) + 1 if indices.size(1) else rustorch.zeros(count, dtype=rustorch.int64)
        size = (*least.tolist(), *values.shape[1:])
    size = tuple(size)
    if len(size) != count + values.dim() - 1:
        raise RuntimeError(
            f"'len(size) == sparse_dim + dense_dim' is not satisfied: len(size) = {len(size)}, sparse_dim = {count}, "
            f"dense_dim = {values.dim() - 1}\n"
            f"  sparse_coo_tensor: expected a size of {count + values.dim() - 1} dims, but got {list(size)}. Check size."
        )
    if tuple(values.shape[1:]) != size[count:]:
        want = [values.size(0), *size[count:]]
        raise RuntimeError(
            f"values has incorrect size, expected {want}, got {list(values.shape)}\n"
            f"  sparse_coo_tensor: expected values of shape {want}, but got {list(values.shape)}. Check size."
        )
    _check_coordinates(indices, size)
    made = _C._sparse_build("sparse_coo", indices, None, values, size, bool(is_coalesced))
    return made.detach().requires_grad_() if requires_grad and not made.requires_grad else made


def _check_coordinates(indices, size):
    if any(n < 0 for n in size):
        raise RuntimeError(f"Trying to create tensor with negative dimension {min(size)}: {list(size)}")
    if indices.numel() == 0 or indices.is_meta:
        return
    low, high = indices.amin(1).tolist(), indices.amax(1).tolist()
    for d, (smallest, largest) in enumerate(zip(low, high)):
        if smallest < 0:
            raise RuntimeError(
                f"found negative index {smallest} for dim {d}\n"
                f"  sparse_coo_tensor: expected indices of at least 0, but got {smallest}. Count from the front."
            )
        if largest >= size[d]:
            raise RuntimeError(
                f"size is inconsistent with indices: for dim {d}, size is {size[d]} but found index {largest}\n"
                f"  sparse_coo_tensor: expected indices below {size[d]} in dim {d}, but got {largest}. Enlarge size."
            )


def sparse_compressed_tensor(
    compressed_indices,
    plain_indices,
    values,
    size=None,
    *,
    dtype=None,
    layout=None,
    device=None,
    pin_memory=False,
    requires_grad=False,
    check_invariants=None,
):
    """A sparse matrix with compressed rows (layout `torch.sparse_csr`) or columns (`torch.sparse_csc`).

    Args:
        compressed_indices (array_like): where the entries of each row (column) begin, (rows + 1,), from 0 to nnz.
        plain_indices (array_like): the column (row) of each entry, (nnz,).
        values (array_like): (nnz,). A tensor shares its memory, and gets a gradient.
        size (pair of int, None): None: the smallest that holds all entries.
        layout (torch.layout): which of both.
        dtype, device, requires_grad: as for `sparse_coo_tensor`.
    Raises:
        RuntimeError: for indices that do not fit, batches and blocks.
    """
    name = str(layout).removeprefix("torch.")
    if name not in _COMPRESSED:
        raise RuntimeError(
            f"sparse_compressed_tensor: expected layout torch.sparse_csr or torch.sparse_csc, but got {layout}. "
            "Choose one of them."
        )
    values = _values(values, dtype, device)
    compressed = _index(name, compressed_indices, values.device)
    plain = _index(name, plain_indices, values.device)
    size = _check_compressed(name, compressed, plain, values, size)
    made = _C._sparse_build(name, compressed, plain, values, size, False)
    return made.detach().requires_grad_() if requires_grad and not made.requires_grad else made


def _check_compressed(name, compressed, plain, values, size):
    one, other, axis = _COMPRESSED[name]

    def wrong(expected, got):
        return RuntimeError(f"{name}_tensor: expected {expected}, but got {got}. Check the indices.")

    if compressed.dim() != 1 or plain.dim() != 1 or values.dim() != 1:
        shapes = ", ".join(str(list(t.shape)) for t in (compressed, plain, values))
        raise wrong("vectors of indices and values (no batches, no blocks)", shapes)
    if compressed.dtype not in (rustorch.int64, rustorch.int32) or plain.dtype is not compressed.dtype:
        raise wrong("indices both int64 or both int32", f"{compressed.dtype} and {plain.dtype}")
    lines, nnz = compressed.numel() - 1, plain.numel()
    if size is None:
        size = [lines, int(plain.max()) + 1 if nnz else 0]
        size = size[::-1] if axis else size
    size = tuple(size)
    if len(size) != 2 or size[axis] != lines:
        raise wrong(f"{one}_indices of one more than the size, and 2 dims", f"{lines + 1} for size {list(size)}")
    if values.numel() != nnz:
        raise wrong(f"as many values as {other}_indices", f"{values.numel()} and {nnz}")
    if compressed.is_meta:
        return size
    first, last = compressed[0].item(), compressed[-1].item()
    if first != 0 or last != nnz:
        raise wrong(f"{one}_indices from 0 to {nnz}", f"{first} and {last}")
    steps = compressed.diff()
    width = size[1 - axis]
    if lines and (int(steps.min()) < 0 or int(steps.max()) > width):
        raise wrong(f"{one}_indices that rise by at most {width}", "others")
    if nnz and not 0 <= int(plain.min()) <= int(plain.max()) < width:
        raise wrong(f"{other}_indices from 0 to {width - 1}", f"{int(plain.min())} to {int(plain.max())}")
    return size


def sparse_csr_tensor(
    crow_indices,
    col_indices,
    values,
    size=None,
    *,
    dtype=None,
    device=None,
    pin_memory=False,
    requires_grad=False,
    check_invariants=None,
):
    """A sparse matrix with compressed rows; see `sparse_compressed_tensor`.

    Example:
        >>> torch.sparse_csr_tensor([0, 1, 2], [2, 0], [3.0, 4.0], (2, 3)).to_dense()
        tensor([[0., 0., 3.],
                [4., 0., 0.]])
    """
    options = {"dtype": dtype, "device": device, "requires_grad": requires_grad}
    return sparse_compressed_tensor(crow_indices, col_indices, values, size, layout=rustorch.sparse_csr, **options)


def sparse_csc_tensor(
    ccol_indices,
    row_indices,
    values,
    size=None,
    *,
    dtype=None,
    device=None,
    pin_memory=False,
    requires_grad=False,
    check_invariants=None,
):
    """A sparse matrix with compressed columns; see `sparse_compressed_tensor`."""
    options = {"dtype": dtype, "device": device, "requires_grad": requires_grad}
    return sparse_compressed_tensor(ccol_indices, row_indices, values, size, layout=rustorch.sparse_csc, **options)


# ---- from one layout to another


def compress(x, name):
    """A sparse matrix in a compressed layout."""
    return _C._sparse_compress(x, name)


def starts_of(lines, count):
    """Where each of `count` lines begins among entries in order of their lines, and the end: (count + 1,)."""
    return rustorch.searchsorted(lines.contiguous(), rustorch.arange(count + 1, device=lines.device))


def from_dense(x, sparse_dim):
    """The elements that are not 0, or the slices of the leading `sparse_dim` dims that hold such."""
    if not 0 <= sparse_dim <= x.dim() or (sparse_dim == 0 and x.dim() > 0):
        raise RuntimeError(
            f"sparse_dim argument must be in [1,{x.dim()}] range, but {sparse_dim} is given\n"
            f"  to_sparse: expected sparse_dim from 1 to {x.dim()}, but got {sparse_dim}. Leave it out for all dims."
        )
    kept = x.detach() != 0
    if sparse_dim < x.dim():
        kept = kept.flatten(sparse_dim).any(-1)
    indices = kept.nonzero().t().contiguous()
    values = x[tuple(indices)] if sparse_dim else x.reshape(1)[: indices.size(1)]
    return _C._sparse_build("sparse_coo", indices, None, values, tuple(x.shape), True)
