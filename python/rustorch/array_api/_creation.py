"""Creation functions of the array API standard."""

import rustorch
from rustorch.utils import dlpack

__all__ = [
    *("arange", "asarray", "empty", "empty_like", "eye", "from_dlpack", "full", "full_like", "linspace", "meshgrid"),
    *("ones", "ones_like", "tril", "triu", "zeros", "zeros_like"),
]


def arange(start, /, stop=None, step=1, *, dtype=None, device=None):
    """The values from `start` to `stop`, without it, in steps; from 0 if `stop` is left out.

    An interval that leads the other way is empty, where torch raises.
    """
    if stop is None:
        start, stop = 0, start
    if step != 0 and (stop - start) * (1 if step > 0 else -1) <= 0:
        whole = all(isinstance(value, int) for value in (start, stop, step))
        default = rustorch.int64 if whole else rustorch.get_default_dtype()
        return rustorch.empty(0, dtype=dtype or default, device=device)
    if dtype is rustorch.uint64 and max(start, stop) >= 2**63:
        # torch's bounds are signed: the numbers are counted from 0 and moved, modulo 2**64.
        x = rustorch.arange(len(range(start, stop, step)), dtype=dtype, device=device)
        by, first = (rustorch.full_like(x, value % 2**64) for value in (step, start))
        return x * by + first
    return rustorch.arange(start, stop, step, dtype=dtype, device=device)


def _is_buffer(obj):
    try:
        memoryview(obj).release()
    except TypeError:
        return False
    return True


def asarray(obj, /, *, dtype=None, device=None, copy=None):
    """A tensor of a number, nested sequence, buffer or array, over the same memory where that is possible.

    Args:
        dtype (dtype): by default that of `obj`; of Python numbers bool, int64, the default float or complex dtype.
        copy (bool, None): True always copies, False never does.
    Raises:  ValueError: for copy=False where only a copy can be made.
    """
    if not isinstance(obj, rustorch.Tensor) and not hasattr(obj, "__dlpack__") and _is_buffer(obj):
        # NumPy reads the dtype that a buffer names; torch takes all bytes for the default dtype.
        import numpy

        obj = numpy.asarray(obj)
    if copy is None and any(stride < 0 for stride in getattr(obj, "strides", None) or ()):
        obj = obj.copy()  # tensors have no negative strides
    return rustorch.asarray(obj, dtype=dtype, device=device, copy=copy)


def empty(shape, *, dtype=None, device=None):
    """An array whose values are not set."""
    return rustorch.empty(shape, dtype=dtype, device=device)


def empty_like(x, /, *, dtype=None, device=None):
    """An array of the shape of `x` whose values are not set."""
    return rustorch.empty_like(x, dtype=dtype, device=device)


def eye(n_rows, n_cols=None, /, *, k=0, dtype=None, device=None):
    """A matrix with ones on diagonal `k`, counted upwards from the main one, and zeros elsewhere."""
    x = rustorch.zeros(n_rows, n_rows if n_cols is None else n_cols, dtype=dtype, device=device)
    if -x.shape[0] < k < x.shape[1]:
        x.diagonal(k).fill_(1)
    return x


def from_dlpack(x, /, *, device=None, copy=None):
    """A tensor over the memory of an object with `__dlpack__`."""
    return dlpack.from_dlpack(x, device=device, copy=copy)


def full(shape, fill_value, *, dtype=None, device=None):
    """An array of one value; its dtype follows the value's Python type."""
    return rustorch.full((shape,) if isinstance(shape, int) else shape, fill_value, dtype=dtype, device=device)


def full_like(x, /, fill_value, *, dtype=None, device=None):
    """An array of one value, of the shape and by default the dtype of `x`."""
    return rustorch.full_like(x, fill_value, dtype=dtype, device=device)


def linspace(start, stop, /, num, *, dtype=None, device=None, endpoint=True):
    """`num` values from `start` to `stop` in equal steps.

    Args:  endpoint (bool, True): False leaves `stop` out, and the steps are (stop - start) / num.
    """
    if dtype is None:
        dtype = rustorch.get_default_dtype()
        if isinstance(start, complex) or isinstance(stop, complex):
            dtype = dtype.to_complex()
    device = rustorch.get_default_device() if device is None else device
    if dtype.is_complex or dtype.is_floating_point:
        # In double precision the difference of two float32 numbers does not overflow; not every device has it.
        number, double = (complex, rustorch.complex128) if dtype.is_complex else (float, rustorch.float64)
        ends = number(start), number(stop)
        x = rustorch.linspace(*ends, num if endpoint else num + 1, dtype=double, device="cpu")
        return x[:num].to(dtype=dtype, device=device)
    return rustorch.linspace(start, stop, num if endpoint else num + 1, dtype=dtype, device=device)[:num]


def meshgrid(*arrays, indexing="xy"):
    """A list of the coordinates of a grid, one array per axis.

    Args:  indexing (str, 'xy'): 'xy' puts the first axis second, 'ij' keeps the order.
    """
    return list(rustorch.meshgrid(*arrays, indexing=indexing)) if arrays else []


def ones(shape, *, dtype=None, device=None):
    """An array of ones."""
    return rustorch.ones(shape, dtype=dtype, device=device)


def ones_like(x, /, *, dtype=None, device=None):
    """An array of ones of the shape of `x`."""
    return rustorch.ones_like(x, dtype=dtype, device=device)


def tril(x, /, *, k=0):
    """`x` with zeros above diagonal `k` of the last two axes."""
    return rustorch.tril(x, k)


def triu(x, /, *, k=0):
    """`x` with zeros below diagonal `k` of the last two axes."""
    return rustorch.triu(x, k)


def zeros(shape, *, dtype=None, device=None):
    """An array of zeros."""
    return rustorch.zeros(shape, dtype=dtype, device=device)


def zeros_like(x, /, *, dtype=None, device=None):
    """An array of zeros of the shape of `x`."""
    return rustorch.zeros_like(x, dtype=dtype, device=device)
