"""Composites that stay in Python."""

import rustorch
from rustorch import Tensor as Tensor
from rustorch import split as split
from rustorch._C import _private
from rustorch._numeric import *  # noqa: F403
from rustorch._numeric import __all__ as _numeric
from rustorch._shapes import *  # noqa: F403
from rustorch._shapes import __all__ as _shapes
from rustorch._windows import *  # noqa: F403
from rustorch._windows import __all__ as _windows
from rustorch.overrides import handle_torch_function, has_torch_function, has_torch_function_variadic

__all__ = [
    "_assert",
    "as_strided_",
    "detach",
    "detach_",
    "get_device",
    "is_conj",
    "is_inference",
    "is_neg",
    "is_nonzero",
    "is_same_size",
    "is_signed",
    "is_storage",
    "resize_as_",
    "sym_float",
    "sym_int",
    "sym_ite",
    "sym_max",
    "sym_min",
    "sym_not",
    "typename",
    "chain_matmul",
    "einsum",
    "is_complex",
    "is_floating_point",
    "is_tensor",
    "lu",
    "norm",
    "numel",
    "tensordot",
    *_numeric,
    *_shapes,
    *_windows,
]


def is_tensor(obj):
    """Is `obj` a tensor?"""
    return isinstance(obj, rustorch.Tensor)


def is_storage(obj):
    """Is `obj` a storage?"""
    return isinstance(obj, rustorch.UntypedStorage | rustorch.TypedStorage)


def typename(obj):
    """The name of an object's class: a legacy name such as 'torch.FloatTensor' for tensors."""
    if isinstance(obj, rustorch.Tensor):
        return obj.type()
    kind = obj if hasattr(obj, "__qualname__") else type(obj)
    module = getattr(kind, "__module__", "") or ""
    if module in ("", "builtins", "__builtin__"):
        return kind.__qualname__
    return f"{module}.{kind.__qualname__}"


def _tensor_argument(name, input):
    if not isinstance(input, rustorch.Tensor):
        raise TypeError(f"{name}(): argument 'input' (position 1) must be Tensor, not {type(input).__name__}")
    return input


def is_nonzero(input):
    """The truth of a tensor of one element."""
    return bool(_tensor_argument("is_nonzero", input))


def is_floating_point(input):
    """Is the dtype a floating one?"""
    return _tensor_argument("is_floating_point", input).is_floating_point()


def is_complex(input):
    """Is the dtype complex?"""
    return _tensor_argument("is_complex", input).is_complex()


def is_signed(input):
    """Has the dtype a sign?"""
    return _tensor_argument("is_signed", input).is_signed()


def is_conj(input):
    """Is it a view that reads as the conjugates of what is stored?"""
    return _tensor_argument("is_conj", input).is_conj()


def is_neg(input):
    """Is it a view that reads as the negatives of what is stored?"""
    return _tensor_argument("is_neg", input).is_neg()


def is_inference(input):
    """Was the tensor made in inference mode?"""
    return _tensor_argument("is_inference", input).is_inference()


def is_same_size(input, other):
    """Have two tensors equal shapes?"""
    return _tensor_argument("is_same_size", input).is_same_size(other)


def numel(input):
    """Number of elements."""
    return _tensor_argument("numel", input).numel()


def detach(input):
    """The tensor without history, on the same memory."""
    return _tensor_argument("detach", input).detach()


def detach_(input):
    """Drops the tensor's history in place."""
    return _tensor_argument("detach_", input).detach_()


def get_device(input):
    """-1: the CPU has no index."""
    return _tensor_argument("get_device", input).get_device()


def resize_as_(input, the_template, *, memory_format=None):
    """`Tensor.resize_as_` as a function."""
    return _tensor_argument("resize_as_", input).resize_as_(the_template, memory_format=memory_format)


def as_strided_(input, size, stride, storage_offset=None):
    """`Tensor.as_strided_` as a function."""
    return _tensor_argument("as_strided_", input).as_strided_(size, stride, storage_offset)


def sym_int(a):
    """`int(a)`: sizes are always plain ints here."""
    return int(a)


def sym_float(a):
    """`float(a)`: sizes are always plain ints here."""
    return float(a)


def sym_not(a):
    """`not a`."""
    return not a


def sym_max(a, b):
    """The larger of two numbers; a float if one is."""
    return type(a + b)(max(a, b))


def sym_min(a, b):
    """The smaller of two numbers; a float if one is."""
    return type(a + b)(min(a, b))


def sym_ite(b, t, f):
    """`t if b else f`."""
    return t if b else f


def _assert(condition, message):
    """Python's `assert` as a function."""
    assert condition, message


def lu(A, pivot=True, get_infos=False, out=None):
    """LU factorisation in compact form. Deprecated: use `torch.linalg.lu_factor`.

    Args:
        A (Tensor): (*, m, n), floating or complex.
        pivot (bool, True): must be True on the CPU.
        get_infos (bool, False): also return, for each matrix, the index from 1 of the first pivot that is 0, or 0.
    """
    if has_torch_function((A,)):
        return handle_torch_function(lu, (A,), A, pivot=pivot, get_infos=get_infos, out=out)
    result = rustorch._lu_with_info(A, pivot=pivot, check_errors=not get_infos)
    if not get_infos:
        result = (result[0], result[1])
    if out is None:
        return result
    if len(out) != len(result):
        raise TypeError(f"expected tuple of {len(result)} elements but got {len(out)}")
    for o, r in zip(out, result, strict=True):
        o.resize_as_(r).copy_(r)
    return out


def norm(input, p="fro", dim=None, keepdim=False, out=None, dtype=None):
    """Norm of a tensor's elements, as one vector or along dims.

    Args:
        p (number or str, 'fro'): order of the vector norm; 'fro' is 2, 'nuc' the nuclear norm of matrices.
        dim (int or tuple of int, None): dims to reduce; None stands for all.
        keepdim (bool, False): keep reduced dims with size 1.
    """
    if isinstance(dim, int):
        dim = [dim]
    if isinstance(p, str):
        if p != "fro" or (dim is not None and len(dim) > 2):
            dim = list(range(input.dim())) if dim is None else dim
            return rustorch.linalg.matrix_norm(input, p, dim, keepdim, dtype=dtype, out=out)
        p = 2
    return rustorch.linalg.vector_norm(input, 2 if p is None else p, dim, keepdim, dtype=dtype, out=out)


def _sublist_letters(dims):
    """The letters of a list of dims in the form einsum(x, [0, 1], y, [1, 2], [0, 2]); Ellipsis stands for '...'."""
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
    text = ""
    for d in dims:
        if d is not Ellipsis and not 0 <= d < len(letters):
            raise ValueError(f"einsum(): subscript {d} is not within the valid range [0, 52)")
        text += "..." if d is Ellipsis else letters[d]
    return text


def einsum(*args):
    """Sum products of elements along the dims that the equation does not keep.

    Args:
        equation (str): letters for the dims of each operand, separated by commas; then -> and the result's letters.
            Without ->, the letters that appear once, in alphabetical order. '...' stands for further dims.
        operands (Tensors): or one list of them.
    Example:
        >>> torch.einsum("ij,jk->ik", torch.ones(2, 3), torch.ones(3, 4)).shape
        torch.Size([2, 4])
    """
    if len(args) < 2:
        raise ValueError(
            "einsum(): must specify the equation string and at least one operand, or at least one operand and its "
            "subscripts list"
        )
    if isinstance(args[0], rustorch.Tensor):
        pairs = [_sublist_letters(dims) for dims in args[1::2]]
        operands = args[:-1:2] if len(args) % 2 else args[::2]
        equation = ",".join(pairs[: len(operands)])
        if len(args) % 2:
            equation += "->" + _sublist_letters(args[-1])
    else:
        equation, operands = args[0], args[1:]
    if has_torch_function(operands):
        return handle_torch_function(einsum, operands, equation, *operands)
    if len(operands) == 1 and isinstance(operands[0], (list, tuple)):
        return einsum(equation, *operands[0])
    return _private.einsum(equation, operands)


def tensordot(a, b, dims=2, out=None):
    """Sum the products over `dims`.

    Args:
        dims (int, or two lists of int, 2): the last `dims` dims of a with the first of b, or pairs of dims.
    """
    if has_torch_function_variadic(a, b):
        return handle_torch_function(tensordot, (a, b), a, b, dims=dims, out=out)
    if not isinstance(dims, (tuple, list, rustorch.Tensor, int)):
        raise RuntimeError(
            f"tensordot expects dims to be int or tuple[list[int], list[int]] or list[list[int]] or a tensor, but got dims={dims}"
        )
    if isinstance(dims, rustorch.Tensor) and dims.numel() > 1:
        dims = dims.tolist()
    if isinstance(dims, (tuple, list)):
        dims_a, dims_b = ([d] if isinstance(d, int) else list(d) for d in dims)
    else:
        dims = int(dims)
        if dims < 0:
            raise RuntimeError(f"tensordot expects dims >= 0, but got dims={dims}")
        if dims > min(a.dim(), b.dim()):
            raise RuntimeError(f"tensordot expects dims < ndim_a or ndim_b, but got dims={dims}")
        dims_a, dims_b = list(range(-dims, 0)), list(range(dims))
    if out is None:
        return _private.tensordot(a, b, dims_a, dims_b)
    return _private.tensordot(a, b, dims_a, dims_b, out=out)


def chain_matmul(*matrices, out=None):
    """The product of several matrices, in the order of fewest multiplications."""
    if has_torch_function(matrices):
        return handle_torch_function(chain_matmul, matrices, *matrices)
    return _private.chain_matmul(matrices) if out is None else _private.chain_matmul(matrices, out=out)
