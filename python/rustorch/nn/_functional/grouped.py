"""Matrix products of groups."""

import rustorch
from rustorch.overrides import handle_torch_function, has_torch_function


def _check(mat_a, mat_b, offs, bias, out_dtype):
    for name, mat in (("mat_a", mat_a), ("mat_b", mat_b)):
        if mat.dtype not in (rustorch.float32, rustorch.bfloat16, rustorch.float16):
            raise RuntimeError(f"Expected {name} to be Float32, BFloat16 or Float16 matrix, got {mat.dtype}")
        if mat.dim() not in (2, 3):
            raise RuntimeError(f"{name} has to be 2 or 3d")
    flat = mat_a.dim() == 2 or mat_b.dim() == 2
    if mat_a.size(-1) != mat_b.size(-2):
        raise RuntimeError("contraction dimension of mat_a and mat_b must match")
    if flat != (offs is not None):
        raise RuntimeError("Have to provide offsets if there is a 2d matrix, or no offset if both matrices are 3d")
    if offs is not None and (offs.dim() != 1 or offs.dtype is not rustorch.int32):
        raise RuntimeError("Offsets have to be 1d" if offs.dim() != 1 else "Offsets have to be int32")
    groups = {mat.size(0) for mat in (mat_a, mat_b) if mat.dim() == 3} | ({offs.numel()} if flat else set())
    if len(groups) > 1:
        raise RuntimeError("matrix batch sizes have to match")
    if bias is not None:
        raise RuntimeError("Bias not supported yet")
    if out_dtype not in (None, mat_a.dtype):
        raise RuntimeError("Grouped gemm output dtype must match `mat_a` dtype")


def grouped_mm(mat_a, mat_b, *, offs=None, bias=None, out_dtype=None):
    """A matrix product for each group of rows or columns that `offs`, the ends of the groups, marks.

    Args:
        mat_a (Tensor), mat_b (Tensor): float32, bfloat16 or float16.
        offs (Tensor, None): int32 (G), the ends of the groups in the dimension that a matrix has over all groups;
            None with two batches of matrices.
        bias (None), out_dtype (dtype, None): None, and None or the dtype of `mat_a`.
    Shape:  (M, K) and (G, K, N) give (M, N): groups of rows. (G, M, K) and (K, N) give (M, N): groups of columns.
        (M, K) and (K, N) give (G, M, N): groups of the summed dimension. (G, M, K) and (G, K, N) give (G, M, N).
    Raises:  RuntimeError: if dtypes, shapes or `offs` do not fit.
    Example:
        >>> x, w = torch.ones(3, 2), torch.stack([torch.eye(2), 5 * torch.eye(2)])
        >>> F.grouped_mm(x, w, offs=torch.tensor([1, 3], dtype=torch.int32))
        tensor([[1., 1.],
                [5., 5.],
                [5., 5.]])

    Note:  rows and columns after the last end are 0; torch leaves them as they are in memory.
    """
    if has_torch_function((mat_a, mat_b)):
        return handle_torch_function(
            grouped_mm, (mat_a, mat_b), mat_a, mat_b, offs=offs, bias=bias, out_dtype=out_dtype
        )
    _check(mat_a, mat_b, offs, bias, out_dtype)
    if offs is None:
        return mat_a @ mat_b
    ends = offs.tolist()
    spans = [slice(start, end) for start, end in zip([0, *ends], ends)]
    if mat_a.dim() == mat_b.dim():
        return rustorch.stack([mat_a[:, span] @ mat_b[span] for span in spans])
    if mat_a.dim() == 2:
        rest = mat_a.new_zeros(mat_a.size(0) - ends[-1], mat_b.size(2))
        return rustorch.cat([*(mat_a[span] @ b for span, b in zip(spans, mat_b)), rest])
    rest = mat_a.new_zeros(mat_a.size(1), mat_b.size(1) - ends[-1])
    return rustorch.cat([*(a @ mat_b[:, span] for span, a in zip(spans, mat_a)), rest], 1)
