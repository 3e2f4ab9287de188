"""What puts results into sparse tensors that are there already: changes in place, and `out=`."""

import rustorch
from rustorch import _C
from rustorch._C import Tensor
from rustorch.sparse._create import compress
from rustorch.sparse._tensor import SparseTensor


def same_layout(result, x):
    return _C._sparse_to_coo(result) if x.is_sparse else compress(result, str(x.layout).removeprefix("torch."))


def check_unrecorded(name, *operands):
    if rustorch.is_grad_enabled() and any(isinstance(x, Tensor) and x.requires_grad for x in operands):
        raise RuntimeError(
            f"{name}: expected tensors that require no grad beside a sparse one that changes in place, but got one that "
            f"does. Use {name.rstrip('_')}()."
        )


def _cast(result, x):
    """A result, unrecorded and in the dtype of `x`."""
    if not rustorch.can_cast(result.dtype, x.dtype):
        raise RuntimeError(
            f"result type {_name(result.dtype)} can't be cast to the desired output type {_name(x.dtype)}\n"
            f"  expected a result of dtype {x.dtype}, but got {result.dtype}. Convert the tensor first."
        )
    return result.detach().to(x.dtype)


def put(x, result):
    """Puts the parts of a result in the place of those of `x`."""
    _C._sparse_replace(x, same_layout(_cast(result, x), x))
    return x


def become(x, other):
    """`x` with the parts and the size of another tensor of its dtype and layout."""
    if x.shape == other.shape and x.dense_dim() == other.dense_dim():
        _C._sparse_replace(x, other)
    else:
        # A handle keeps its shape, so the object gets another one, with a count of its own; graphs that have saved the old
        # one learn of the change.
        touched(x).data = other
        touched(x)
    return x


def _name(dtype):
    return rustorch._legacy.type_name(dtype).removeprefix("torch.").removesuffix("Tensor")


def touched(x):
    """`x`, whose values were changed: counts the change."""
    _C._sparse_replace(x, x)
    return x


def check_growth(name, x, size, sparse_dim):
    """Refuses a size that values which are kept could lie outside of, and other numbers of dims."""
    old = list(x.shape)
    count, size = x.sparse_dim(), list(size)
    if x._nnz() == 0:
        return
    for what, before, after in (
        ("changing the number of sparse dimensions", count, sparse_dim),
        ("changing the number of dense dimensions", len(old) - count, len(size) - sparse_dim),
        ("shrinking the size of sparse dimensions", old[:count], size[:sparse_dim]),
        ("shrinking the size of dense dimensions", old[count:], size[sparse_dim:]),
    ):
        shrinks = what.startswith("shrinking")
        if any(m < n for m, n in zip(after, before, strict=True)) if shrinks else after != before:
            raise RuntimeError(
                f"{what} (from {before} to {after}) on a non-empty sparse tensor is not supported.\n"
                f"  {name}: expected {before}{' or more' * shrinks}, but got {after}. Build another tensor with "
                "torch.sparse_coo_tensor(x._indices(), x._values(), size), or empty this one with "
                "sparse_resize_and_clear_()."
            )


# ---- out=

# Operations whose result has to have the very dtype of `out`.
_OF_ONE_DTYPE = ["addmm", "bmm", "float_power", "matmul", "mm"]


def check_out(name, out, args):
    """Refuses an `out` whose result would have to be recorded, or is no matter of sparse tensors."""
    if out is None:
        return
    if not isinstance(out, Tensor):
        raise TypeError(f"{name}(): argument 'out' must be Tensor, not {type(out).__name__}")
    if rustorch.is_grad_enabled() and any(isinstance(x, Tensor) and x.requires_grad for x in (out, *args)):
        raise RuntimeError(
            f"{name}(): functions with out=... arguments don't support automatic differentiation, but one of the "
            f"arguments requires grad.\n  {name}: expected tensors without grad, but got one that requires grad. Use the "
            "form that makes a new tensor, or no_grad()."
        )
    if not any(isinstance(x, SparseTensor) for x in args):
        raise _wrong_out(name, "layout", rustorch.strided, out.layout)


def write_out(name, out, result):
    """Puts a result into `out`, which takes its size; gives it as it is where there is no `out`."""
    if out is None:
        return result
    if out.layout is not result.layout:
        raise _wrong_out(name, "layout", result.layout, out.layout)
    if name in _OF_ONE_DTYPE and out.dtype is not result.dtype:
        raise _wrong_out(name, "dtype", result.dtype, out.dtype)
    if not isinstance(out, SparseTensor):
        return rustorch.alias_copy(result, out=out)
    if out.is_sparse:
        check_growth(name, out, result.shape, result.sparse_dim())
    result = _cast(result, out)
    # Functions that change nothing, as `conj_physical` of real numbers, give the values of their input.
    return become(out, _C._sparse_with_values(result, result._values().clone()))


def _wrong_out(name, what, expected, got):
    return RuntimeError(
        f"{name}: expected out of {what} {expected}, but got {got}. Make one of that {what}, or leave it out."
    )
