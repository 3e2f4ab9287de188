"""Data types of the array API standard: casts, limits, kinds and promotion."""

import builtins
import functools
from typing import NamedTuple

import rustorch

__all__ = ["astype", "broadcast_arrays", "broadcast_to", "can_cast", "finfo", "iinfo", "isdtype", "result_type"]

_SIGNED = (rustorch.int8, rustorch.int16, rustorch.int32, rustorch.int64)
_UNSIGNED = (rustorch.uint8, rustorch.uint16, rustorch.uint32, rustorch.uint64)
_FLOATS = (rustorch.float32, rustorch.float64)
_COMPLEX = (rustorch.complex64, rustorch.complex128)

# The standard's dtypes by its names of kinds, as `__array_namespace_info__().dtypes` lists them.
KINDS = {
    "bool": (rustorch.bool,),
    "signed integer": _SIGNED,
    "unsigned integer": _UNSIGNED,
    "integral": _SIGNED + _UNSIGNED,
    "real floating": _FLOATS,
    "complex floating": _COMPLEX,
    "numeric": _SIGNED + _UNSIGNED + _FLOATS + _COMPLEX,
}
# A library may count more dtypes among a kind than the standard names.
_MORE = {"real floating": (rustorch.float16, rustorch.bfloat16), "numeric": (rustorch.float16, rustorch.bfloat16)}

# By rank of kind: 0 bool, 1 integer, 2 real, 3 complex.
_SCALARS = ((builtins.bool, 0), (int, 1), (float, 2), (complex, 3))


def _rank(dtype):
    if dtype.is_complex:
        return 3
    return 2 if dtype.is_floating_point else int(dtype is not rustorch.bool)


def _promoted(a, b):
    """The dtype of an operation on `a` and `b`.

    The standard's table, which holds uint16, uint32 and uint64 where torch refuses them. Kinds that the standard does not
    mix give way as in torch: bool to integers, both to real and complex numbers.
    """
    if a is b or min(_rank(a), _rank(b)) > 1:
        return rustorch.promote_types(a, b)
    if _rank(a) != _rank(b):
        return max(a, b, key=_rank)
    narrow, wide = sorted((a, b), key=lambda dtype: (dtype.itemsize, dtype.is_signed))
    if a.is_signed == b.is_signed or (wide.is_signed and narrow.itemsize < wide.itemsize):
        return wide
    # A signed dtype that holds all of the unsigned one: one size up.
    size = 2 * wide.itemsize
    for dtype in _SIGNED:
        if dtype.itemsize == size:
            return dtype
    raise TypeError(
        f"result_type: expected dtypes with a common one, but got {a} and {b}. Convert one of them with astype()."
    )


def _with_scalar(dtype, rank):
    """The dtype of an operation on an array of `dtype` and a Python number of kind `rank`."""
    if rank <= _rank(dtype):
        return dtype
    if rank == 1:
        return rustorch.int64
    real = dtype if dtype.is_floating_point else rustorch.get_default_dtype()
    return real.to_complex() if rank == 3 else real


def result_type(*arrays_and_dtypes):
    """The dtype of an operation on all the arguments: arrays, dtypes and Python numbers.

    Unlike torch's own rule, arrays without dims count like all others; only Python numbers give way.

    Raises:  ValueError: without an array or dtype. TypeError: if there is no common dtype (uint64 and a signed integer).
    Example:
        >>> from rustorch import array_api as xp
        >>> xp.result_type(xp.float32, xp.asarray(1.0, dtype=xp.float64)), xp.result_type(xp.uint16, xp.int8, 3)
        (torch.float64, torch.int32)
    """
    dtypes, rank = [], -1
    for value in arrays_and_dtypes:
        if isinstance(value, rustorch.dtype):
            dtypes.append(value)
        elif isinstance(value, rustorch.Tensor):
            dtypes.append(value.dtype)
        else:
            for kind, of_kind in _SCALARS:
                if isinstance(value, kind):
                    rank = max(rank, of_kind)
                    break
            else:
                kind = type(value).__name__
                raise TypeError(f"result_type: expected arrays, dtypes and numbers, but got {kind}. Use asarray().")
    if not dtypes:
        raise ValueError("result_type: expected an array or dtype, but got none. Make one of the numbers an array.")
    return _with_scalar(functools.reduce(_promoted, dtypes), rank)


def operands(*values):
    """The values as arrays of their common dtype; None stays None."""
    given = [value for value in values if value is not None]
    first = next((value for value in given if isinstance(value, rustorch.Tensor)), None)
    if first is None:
        raise TypeError("expected an array among the operands, but got none. Make one of them an array with asarray().")
    dtype = result_type(*given)
    return [
        value
        if value is None
        else value.to(dtype)
        if isinstance(value, rustorch.Tensor)
        else rustorch.tensor(value, dtype=dtype, device=first.device)
        for value in values
    ]


def accumulator(input_dtype, dtype):
    """The dtype in which sums and products of `input_dtype` are taken: small integers in 64 bits, unless `dtype` is given."""
    if dtype is not None or _rank(input_dtype) > 1:
        return dtype or input_dtype
    return rustorch.int64 if input_dtype.is_signed or input_dtype is rustorch.bool else rustorch.uint64


def astype(x, dtype, /, *, copy=True, device=None):
    """`x` converted to `dtype`.

    Args:  copy (bool, True): False returns `x` itself where nothing changes. device (device, that of x).
    """
    return x.to(device=x.device if device is None else device, dtype=dtype, copy=copy)


def broadcast_arrays(*arrays):
    """A list of the arrays, as views, broadcast against one another."""
    return list(rustorch.broadcast_tensors(*arrays)) if arrays else []


def broadcast_to(x, /, shape):
    """A view of `x` with the given shape."""
    return rustorch.broadcast_to(x, shape)


def can_cast(from_, to, /):
    """Whether the rules of promotion lead from a dtype, or an array's, to dtype `to`."""
    dtype = from_.dtype if isinstance(from_, rustorch.Tensor) else from_
    try:
        return _promoted(dtype, to) is to
    except TypeError:  # there is no common dtype
        return False


class finfo_object(NamedTuple):
    """Limits of a real floating-point dtype."""

    bits: int
    eps: float
    max: float
    min: float
    smallest_normal: float
    dtype: rustorch.dtype


class iinfo_object(NamedTuple):
    """Limits of an integer dtype."""

    bits: int
    max: int
    min: int
    dtype: rustorch.dtype


def _dtype_of(type):
    return type.dtype if isinstance(type, rustorch.Tensor) else type


def finfo(type, /):
    """Limits of a floating-point dtype, or of an array's: bits, eps, max, min, smallest_normal, dtype.

    Of a complex dtype, those of its parts.
    """
    dtype = _dtype_of(type).to_real()
    info = rustorch.finfo(dtype)
    return finfo_object(info.bits, info.eps, info.max, info.min, info.smallest_normal, dtype)


def iinfo(type, /):
    """Limits of an integer dtype, or of an array's: bits, max, min, dtype."""
    dtype = _dtype_of(type)
    info = rustorch.iinfo(dtype)
    return iinfo_object(info.bits, info.max, info.min, dtype)


def isdtype(dtype, kind):
    """Whether `dtype` is of a kind.

    Args:
        kind (dtype, str or tuple of them): 'bool', 'signed integer', 'unsigned integer', 'integral', 'real floating',
            'complex floating', 'numeric', or a dtype itself. float16 and bfloat16 are real floating too.
    """
    if isinstance(kind, tuple):
        return any(isdtype(dtype, one) for one in kind)
    if isinstance(kind, rustorch.dtype):
        return dtype == kind
    if kind not in KINDS:
        raise ValueError(f"isdtype: expected a kind out of {', '.join(KINDS)}, but got {kind!r}. Use one of those.")
    return dtype in KINDS[kind] + _MORE.get(kind, ())
