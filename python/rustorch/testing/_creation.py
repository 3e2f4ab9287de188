"""Random tensors for tests."""

import math
import warnings

import rustorch

_INTEGRAL = ("uint8", "int8", "int16", "int32", "int64", "uint16", "uint32", "uint64")
_FLOATING = ("float16", "bfloat16", "float32", "float64")
_SMALL = ("float8_e4m3fn", "float8_e5m2", "float8_e4m3fnuz", "float8_e5m2fnuz")
_COMPLEX = ("complex32", "complex64", "complex128")


def _interval(low, high, dtype, bottom, top, default_low, default_high):
    """The given interval, or the default, within what the dtype can hold."""
    low = default_low if low is None else low
    high = default_high if high is None else high
    if any(isinstance(value, float) and math.isnan(value) for value in (low, high)):
        raise ValueError(f"`low` and `high` cannot be NaN, but got low={low!r} and high={high!r}")
    if low == high and (dtype.is_floating_point or dtype.is_complex):
        warnings.warn(
            "Passing `low==high` to `torch.testing.make_tensor` for floating or complex types is deprecated since 2.1 "
            "and will be removed in 2.3. Use `torch.full(...)` instead.",
            FutureWarning,
            stacklevel=4,
        )
    elif low >= high:
        raise ValueError(f"`low` must be less than `high`, but got {low} >= {high}")
    elif high < bottom or low >= top:
        raise ValueError(
            f"The value interval specified by `low` and `high` is [{low}, {high}), "
            f"but {dtype} only supports [{bottom}, {top})"
        )
    return min(max(low, bottom), top), min(max(high, bottom), top)


def _uniform(t, low, high):
    if high - low >= rustorch.finfo(t.dtype).max:
        # The width itself would overflow.
        return t.uniform_(low / 2, high / 2).mul_(2)
    return t.uniform_(low, high)


def make_tensor(
    *shape,
    dtype,
    device,
    low=None,
    high=None,
    requires_grad=False,
    noncontiguous=False,
    exclude_zero=False,
    memory_format=None,
):
    """A tensor of random values in [low, high).

    Args:
        shape (ints, or one sequence): its shape.
        dtype (dtype), device (device): its kind.
        low, high (number, None): -9 and 9 for floating dtypes, -9 and 10 for integers, 0 and 2 for bool, if None.
        requires_grad (bool, False): for floating dtypes.
        noncontiguous (bool, False): take every other element of a larger tensor.
        exclude_zero (bool, False): the smallest positive number instead of zeros.
        memory_format (memory_format, None): not together with `noncontiguous`.
    """
    if len(shape) == 1 and hasattr(shape[0], "__len__"):
        shape = shape[0]
    shape = tuple(shape)
    name = str(dtype).split(".")[-1]
    integral = name == "bool" or name in _INTEGRAL
    if noncontiguous and memory_format is not None:
        raise ValueError(
            "The parameters `noncontiguous` and `memory_format` are mutually exclusive, "
            f"but got noncontiguous={noncontiguous!r} and memory_format={memory_format!r}"
        )
    if requires_grad and integral:
        raise ValueError(
            f"`requires_grad=True` is not supported for boolean and integral dtypes, but got dtype={dtype!r}"
        )
    noncontiguous = noncontiguous and math.prod(shape) > 1
    if noncontiguous:
        shape = (*shape[:-1], 2 * shape[-1])
    if integral:
        if name == "bool":
            low, high = _interval(low, high, dtype, 0, 2, 0, 2)
        else:
            info = rustorch.iinfo(dtype)
            # randint takes its bounds as int64: the last value of int64 itself stays out of reach.
            top = info.max + (name != "int64")
            low, high = _interval(low, high, dtype, info.min, top, -9, 10)
        result = rustorch.randint(math.ceil(low), math.ceil(high), shape, device=device, dtype=dtype)
    elif name in _FLOATING + _SMALL + _COMPLEX:
        info = rustorch.finfo(dtype)
        low, high = _interval(low, high, dtype, info.min, info.max, -9, 9)
        kind = rustorch.float32 if name in _SMALL else dtype
        result = rustorch.empty(shape, device=device, dtype=kind)
        _uniform(rustorch.view_as_real(result) if dtype.is_complex else result, low, high)
        result = result.to(dtype)
    else:
        raise TypeError(f"The requested dtype '{dtype}' is not supported by torch.testing.make_tensor().")
    if noncontiguous:
        result = result[..., 1::2]
    elif memory_format is not None:
        result = result.clone(memory_format=memory_format)
    if exclude_zero:
        result[result == 0] = 1 if integral else rustorch.finfo(dtype).tiny
    if name in _FLOATING + _COMPLEX:
        result.requires_grad = requires_grad
    return result
