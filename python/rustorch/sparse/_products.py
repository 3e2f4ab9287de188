"""Products of sparse matrices: with dense ones row by row, with sparse ones entry by entry.

A sparse matrix times a dense one is a bag of rows per row: the embedding bag's kernel, with the values as weights.
"""

import rustorch
from rustorch import _C
from rustorch.sparse._create import starts_of
from rustorch.sparse._in_place import check_out, write_out
from rustorch.sparse._structure import build, coo, permute, spread, transpose
from rustorch.sparse._tensor import SparseTensor


def _by_rows(x):
    """(where each row begins, columns, values) of a sparse matrix."""
    layout, compressed, plain, _, _ = _C._sparse_parts(x)
    if layout == "sparse_csr":
        return compressed.long(), plain.long(), _C._sparse_values(x)
    x = _C._sparse_coalesce(x)
    rows, columns = x._indices()
    return starts_of(rows, x.size(0)), columns.contiguous(), _C._sparse_values(x)


def _check(name, a, b):
    for x in (a, b):
        if not isinstance(x, rustorch.Tensor):
            raise TypeError(f"{name}(): expected tensors, but got {type(x).__name__}. Convert it with torch.tensor().")
        if x.dim() != 2:
            raise RuntimeError(
                f"{name}: expected matrices, but got {a.dim()}D and {b.dim()}D tensors. Check the shapes."
            )
    if a.size(1) != b.size(0):
        shapes = "x".join(map(str, a.shape)), "x".join(map(str, b.shape))
        raise RuntimeError(
            f"mat1 and mat2 shapes cannot be multiplied ({shapes[0]} and {shapes[1]})\n"
            f"  {name}: expected as many rows of mat2 as columns of mat1, but got {b.size(0)} and {a.size(1)}. "
            "Check the shapes."
        )
    if a.dtype is not b.dtype:
        raise RuntimeError(
            f"expected mat1 and mat2 to have the same dtype, but got: {a.dtype} != {b.dtype}\n"
            f"  {name}: expected one dtype, but got {a.dtype} and {b.dtype}. Convert one with .to()."
        )


def mm(a, b, reduce=None):
    """The product of two matrices, of which one or both are sparse; sparse if both are."""
    _check("mm", a, b)
    if not isinstance(a, SparseTensor):
        return mm(b.t(), a.t()).t() if isinstance(b, SparseTensor) else rustorch.mm(a, b)
    if isinstance(b, SparseTensor):
        product = _mm_sparse(a, b)
        return product if a.is_sparse else product.to_sparse(layout=rustorch.sparse_csr)
    if a._values().dim() != 1:
        raise RuntimeError("mm: expected a sparse matrix without dense dims, but got some. Use to_dense() first.")
    starts, columns, values = _by_rows(a)
    if a.is_floating_point():
        return _Rows.apply(starts, columns, values, b)
    rows = spread(starts.diff())[1]
    terms = b.index_select(0, columns) * values.unsqueeze(1)
    return b.new_zeros(a.size(0), b.size(1)).index_add(0, rows, terms)


class _Rows(rustorch.autograd.Function):
    """Row i of the result is the sum of `values[k] * dense[columns[k]]` for k from `starts[i]` to `starts[i + 1]`."""

    generate_vmap_rule = True

    @staticmethod
    def forward(starts, columns, values, dense):
        if columns.numel() == 0:
            return dense.new_zeros(starts.numel() - 1, dense.size(1))
        options = {"mode": 0, "per_sample_weights": values, "include_last_offset": True}
        return rustorch.embedding_bag(dense, columns, starts, **options)[0]

    @staticmethod
    def setup_context(ctx, inputs, output):
        ctx.save_for_backward(*inputs)

    @staticmethod
    def backward(ctx, g):
        starts, columns, values, dense = ctx.saved_tensors
        rows = spread(starts.diff())[1]
        by_values = by_dense = None
        if ctx.needs_input_grad[2]:
            by_values = (g.index_select(0, rows) * dense.index_select(0, columns)).sum(1)
        if ctx.needs_input_grad[3]:
            # The transpose, by rows: entries in order of their column.
            order = columns.argsort(stable=True)
            turned = starts_of(columns[order], dense.size(0))
            by_dense = _Rows.apply(turned, rows[order], values.index_select(0, order), g)
        return None, None, by_values, by_dense


def _mm_sparse(a, b):
    """Each entry (i, k) of `a` meets the entries (k, j) of row k of `b`."""
    starts, columns, values = _by_rows(b)
    (rows, inner), terms, _ = coo(a)
    entry, mine = spread(starts.diff()[inner])
    theirs = starts[inner][mine] + entry
    terms = terms.index_select(0, mine) * values.index_select(0, theirs)
    where = rustorch.stack([rows[mine], columns[theirs]])
    return build(where, terms, (a.size(0), b.size(1))).coalesce()


def mm_reduced(a, b, reduce):
    """`mm` whose sums are means, maxima or minima of the products instead."""
    _check("sparse.mm", a, b)
    starts, columns, values = _by_rows(a)
    counts = starts.diff()
    rows = spread(counts)[1]
    terms = b.index_select(0, columns) * values.unsqueeze(1)
    zeros = b.new_zeros(a.size(0), b.size(1))
    if reduce == "sum":
        return zeros.index_add(0, rows, terms)
    if reduce == "mean":
        return zeros.index_add(0, rows, terms) / counts.clamp(min=1).to(b.dtype).unsqueeze(1)
    if reduce not in ("amax", "amin"):
        raise RuntimeError(
            f"reduce argument must be either sum, mean, amax or amin, got {reduce}\n"
            f"  sparse.mm: expected 'sum', 'mean', 'amax' or 'amin', but got '{reduce}'. Choose one."
        )
    index = rows.unsqueeze(1).expand(terms.shape)
    return zeros.scatter_reduce(0, index, terms, reduce, include_self=False)


def mv(a, vec):
    if vec.dim() != 1 or a.dim() != 2:
        raise RuntimeError(
            f"mv: two tensor dim should be 2 and 1, but got SparseTensor Dim: {a.dim()} Tensor Dim: {vec.dim()}"
        )
    if isinstance(vec, SparseTensor):
        return rustorch.matmul(a, vec.to_dense())
    return mm(a, vec.unsqueeze(1)).squeeze(1)


def bmm(a, b):
    """A batch of products: one block-diagonal product."""
    if a.dim() != 3 or b.dim() != 3:
        raise RuntimeError(f"bmm_sparse: Tensor 'self' must have 3 dims, but got {a.dim()} and {b.dim()}")
    if not isinstance(a, SparseTensor):
        return bmm(transpose(b, 1, 2), a.transpose(1, 2)).transpose(1, 2)
    if isinstance(b, SparseTensor):
        b = b.to_dense()
    n, rows, inner = a.shape
    if b.size(0) != n or b.size(1) != inner:
        raise RuntimeError(f"bmm: expected a batch ({n}, {inner}, *), but got {list(b.shape)}. Check the shapes.")
    if a.dense_dim():
        raise RuntimeError("bmm: expected a sparse tensor without dense dims, but got some. Use to_dense() first.")
    (batch, i, k), values, _ = coo(a)
    where = rustorch.stack([batch * rows + i, batch * inner + k])
    flat = build(where, values, (n * rows, n * inner))
    return mm(flat, b.reshape(n * inner, b.size(2))).reshape(n, rows, b.size(2))


def matmul(a, b):
    """`a @ b` by the dims of both."""
    for x in (a, b):
        if not isinstance(x, rustorch.Tensor):
            raise TypeError(f"matmul(): expected tensors, but got {type(x).__name__}. Convert it with torch.tensor().")
    if a.dim() == 2 and b.dim() == 2:
        return mm(a, b)
    if a.dim() == 2 and b.dim() == 1:
        return mv(a, b)
    if a.dim() == 1 and b.dim() == 2:
        return mv(b.t(), a.to_dense() if isinstance(a, SparseTensor) else a)
    if a.dim() == 3 and b.dim() == 3:
        return bmm(a, b)
    if a.dim() > 2 and b.dim() == 2 and not isinstance(a, SparseTensor):
        return mm(a.reshape(-1, a.size(-1)), b).reshape(*a.shape[:-1], b.size(1))
    raise RuntimeError(
        f"matmul: expected matrices, a matrix and a vector, or batches of matrices, but got {a.dim()}D and {b.dim()}D "
        "tensors. Use to_dense() first."
    )


def addmm(input, mat1, mat2, *, beta=1, alpha=1):
    product = mm(mat1, mat2)
    if beta == 0 and not isinstance(input, SparseTensor):
        return (product * alpha).expand_as(product)
    if isinstance(input, SparseTensor) and not isinstance(product, SparseTensor):
        input = input.to_dense()
    return input * beta + product * alpha


def linear(x, weight, bias=None):
    y = matmul(x, weight.t())
    return y if bias is None else y + bias


def sampled_addmm(input, mat1, mat2, *, beta=1.0, alpha=1.0, out=None):
    """`beta * input + alpha * (mat1 @ mat2)` at the places of the CSR matrix `input` alone."""
    check_out("sampled_addmm", out, [input, mat1, mat2])
    if not isinstance(input, SparseTensor) or input.is_sparse:
        raise RuntimeError(
            "sampled_addmm: Expected self to be a sparse matrix in CSR layout\n"
            "  sampled_addmm: expected input of layout torch.sparse_csr, but got another. Use to_sparse_csr()."
        )
    _check("sampled_addmm", mat1, mat2)
    if (mat1.size(0), mat2.size(1)) != tuple(input.shape):
        raise RuntimeError(
            f"sampled_addmm: self.shape[-2] must match mat1.shape[-2]\n  sampled_addmm: expected input of shape "
            f"{[mat1.size(0), mat2.size(1)]}, but got {list(input.shape)}. Check the shapes."
        )
    (rows, columns), values, _ = coo(input)
    products = (mat1.index_select(0, rows) * mat2.t().index_select(0, columns)).sum(-1)
    made = _C._sparse_with_values(input, values * beta + products * alpha)
    return write_out("sampled_addmm", out, made)


def conj(x):
    return _C._sparse_with_values(x, _C._sparse_values(x).conj()) if x.is_complex() else x


__all__ = ["addmm", "bmm", "linear", "matmul", "mm", "mm_reduced", "mv", "permute", "sampled_addmm"]
