"""The operations of `torch.masked`: each puts its identity where the mask is False."""

import rustorch

_INTEGERS = (rustorch.uint8, rustorch.int8, rustorch.int16, rustorch.int32, rustorch.bool)


def _masked(input, mask, value):
    """The input with `value` where the mask is False."""
    if mask is None:
        return input
    if mask.ndim > input.ndim:
        raise IndexError("_input_mask expected broadcastable mask (got mask dimensionality higher than of the input)")
    mask = mask.to(rustorch.bool).expand(input.shape)
    return rustorch.where(mask, input, rustorch.tensor(value, dtype=input.dtype, device=input.device))


def _input_mask(input, *args, mask=None, **kwargs):
    """The mask broadcast to the input's shape; all True for None."""
    if mask is None:
        return rustorch.ones_like(input, dtype=rustorch.bool)
    if mask.ndim > input.ndim:
        raise IndexError("_input_mask expected broadcastable mask (got mask dimensionality higher than of the input)")
    return mask.to(rustorch.bool).expand(input.shape)


_SAME_SHAPE = ("softmax", "log_softmax", "softmin", "normalize", "cumsum", "cumprod")


def _output_mask(op, input, *args, mask=None, dim=None, keepdim=False, **kwargs):
    """Which elements of the result of `op` have something left of them."""
    mask = _input_mask(input, mask=mask)
    if op.__name__ in _SAME_SHAPE:
        return mask
    if args and dim is None:
        # `norm` has its order before the dim.
        args = args[1:] if op.__name__ == "norm" else args
        dim = args[0] if args else None
    return _over(rustorch.any, mask, _dims(input, dim), bool(keepdim))


def _count(input, dims, keepdim, mask):
    mask = rustorch.ones(input.shape, dtype=rustorch.int64) if mask is None else mask.to(rustorch.int64)
    return _over(rustorch.sum, mask.expand(input.shape), dims, keepdim)


def _dims(input, dim):
    """Wrapped dims, sorted; all for None."""
    if dim is None or (isinstance(dim, tuple | list) and not dim):
        return tuple(range(input.ndim))
    wrapped = []
    for d in (dim,) if isinstance(dim, int) else dim:
        low = max(input.ndim, 1)
        if not -low <= d < low:
            raise IndexError(f"Dimension out of range (expected to be in range of [{-low}, {low - 1}], but got {d})")
        if d % low in wrapped:
            raise RuntimeError(f"dim={d % low} appears multiple times in the list of dims")
        wrapped.append(d % low)
    return tuple(sorted(wrapped))


def _over(function, x, dims, keepdim):
    """A reduction over dims; over none of them, as for a 0-d tensor, it is over the only element."""
    return function(x, dim=dims, keepdim=keepdim) if x.ndim else function(x.unsqueeze(0), dim=0)


def _sum_dtype(input, dtype):
    if dtype is not None:
        return dtype
    return rustorch.int64 if input.dtype in _INTEGERS else input.dtype


def _lowest(dtype):
    if dtype.is_floating_point:
        return -float("inf")
    return False if dtype == rustorch.bool else rustorch.iinfo(dtype).min


def _highest(dtype):
    if dtype.is_floating_point:
        return float("inf")
    return True if dtype == rustorch.bool else rustorch.iinfo(dtype).max


def sum(input, dim=None, *, keepdim=False, dtype=None, mask=None):
    """The sum over dims, 0 where nothing is left.

    Example:
        >>> import rustorch as torch
        >>> torch.masked.sum(torch.tensor([1., 2., 4.]), mask=torch.tensor([True, False, True]))
        tensor(5.)
    """
    x = _masked(input.to(_sum_dtype(input, dtype)), mask, 0)
    return _over(rustorch.sum, x, _dims(input, dim), bool(keepdim)).to(x.dtype)


def prod(input, dim=None, *, keepdim=False, dtype=None, mask=None):
    """The product over dims, 1 where nothing is left."""
    x = _masked(input.to(_sum_dtype(input, dtype)), mask, 1)
    if x.ndim == 0:
        return x.clone()
    # From the last dim on, so that the others keep their places.
    for d in reversed(_dims(input, dim)):
        x = x.prod(d, keepdim=bool(keepdim))
    return x


def cumsum(input, dim, *, dtype=None, mask=None):
    """Running sums along a dim of what the mask leaves."""
    x = _masked(input.to(_sum_dtype(input, dtype)), mask, 0)
    return x.cumsum(dim, dtype=x.dtype)


def cumprod(input, dim, *, dtype=None, mask=None):
    """Running products along a dim of what the mask leaves."""
    x = _masked(input.to(_sum_dtype(input, dtype)), mask, 1)
    return x.cumprod(dim, dtype=x.dtype)


def amax(input, dim=None, *, keepdim=False, dtype=None, mask=None):
    """The largest over dims; the dtype's lowest value where nothing is left."""
    x = input if dtype is None else input.to(dtype)
    return _over(rustorch.amax, _masked(x, mask, _lowest(x.dtype)), _dims(x, dim), bool(keepdim))


def amin(input, dim=None, *, keepdim=False, dtype=None, mask=None):
    """The smallest over dims; the dtype's highest value where nothing is left."""
    x = input if dtype is None else input.to(dtype)
    return _over(rustorch.amin, _masked(x, mask, _highest(x.dtype)), _dims(x, dim), bool(keepdim))


def argmax(input, dim=None, *, keepdim=False, dtype=None, mask=None):
    """Where the largest is: along a dim, or in the flattened input. In the input's dtype, as in torch."""
    x = input if dtype is None else input.to(dtype)
    return _masked(x, mask, _lowest(x.dtype)).argmax(dim, bool(keepdim)).to(x.dtype)


def argmin(input, dim=None, *, keepdim=False, dtype=None, mask=None):
    """Where the smallest is: along a dim, or in the flattened input. In the input's dtype, as in torch."""
    x = input if dtype is None else input.to(dtype)
    return _masked(x, mask, _highest(x.dtype)).argmin(dim, bool(keepdim)).to(x.dtype)


def mean(input, dim=None, *, keepdim=False, dtype=None, mask=None):
    """The mean over dims; NaN where nothing is left."""
    x = input if dtype is None else input.to(dtype)
    if not (x.is_floating_point() or x.is_complex()):
        raise ValueError(f"masked.mean: expected a floating or complex dtype, but got {x.dtype}. Give a dtype.")
    dims = _dims(x, dim)
    if mask is None:
        return _over(rustorch.mean, x, dims, bool(keepdim))
    total = _over(rustorch.sum, _masked(x, mask, 0), dims, bool(keepdim))
    return total / _count(x, dims, bool(keepdim), mask)


def median(input, dim=-1, *, keepdim=False, dtype=None, mask=None):
    """The lower median along a dim; NaN where nothing is left."""
    x = input if dtype is None else input.to(dtype)
    if not x.is_floating_point():
        raise ValueError(f"median expects no fully masked out rows or dtype to be floating point, got {x.dtype}")
    if x.ndim == 0:
        return _masked(x, mask, float("nan")).clone()
    return _masked(x, mask, float("nan")).nanmedian(dim, bool(keepdim)).values


def logsumexp(input, dim=None, *, keepdim=False, dtype=None, mask=None):
    """log(sum(exp(x))) over dims; minus infinity where nothing is left."""
    x = input if dtype is None else input.to(dtype)
    least = -float("inf") if x.is_floating_point() or x.is_complex() else rustorch.iinfo(x.dtype).min
    return _over(rustorch.logsumexp, _masked(x, mask, least), _dims(x, dim), bool(keepdim)).to(x.dtype)


def logaddexp(input, other, *, dtype=None, input_mask=None, other_mask=None):
    """log(exp(x) + exp(y)); masked elements add nothing."""
    x, y = (t if dtype is None else t.to(dtype) for t in (input, other))
    return rustorch.logaddexp(_masked(x, input_mask, -float("inf")), _masked(y, other_mask, -float("inf")))


def norm(input, ord=2.0, dim=None, *, keepdim=False, dtype=None, mask=None):
    """The vector norm of order `ord` over dims; 0, or infinity for negative infinite `ord`, where nothing is left."""
    x = input if dtype is None else input.to(dtype)
    x = _masked(x, mask, float("inf") if ord == -float("inf") else 0)
    return rustorch.linalg.vector_norm(x, ord, _dims(x, dim), bool(keepdim))


def _spread(input, dim, unbiased, correction, keepdim, dtype, mask):
    """The variance, as the mean square of the distances from the mean."""
    if unbiased is not None and correction is not None:
        raise ValueError("Only one of unbiased and correction may be given")
    if correction is None:
        correction = 1 if unbiased is None or unbiased else 0
    x = input if dtype is None else input.to(dtype)
    if not (x.is_floating_point() or x.is_complex()):
        x = x.to(rustorch.get_default_dtype())
    dims = _dims(x, dim)
    if mask is None:
        return _over(lambda t, **k: rustorch.var(t, correction=correction, **k), x, dims, bool(keepdim)).to(x.dtype)
    count = _count(x, dims, True, mask)
    centre = _over(rustorch.sum, _masked(x, mask, 0), dims, True) / count
    distance = _masked(x - centre.view_as(x) if x.ndim == 0 else x - centre, mask, 0)
    square = (distance * distance.conj()).real if x.is_complex() else distance * distance
    total = _over(rustorch.sum, square, dims, bool(keepdim))
    count = count if keepdim or x.ndim == 0 else count.reshape(total.shape)
    return (total / (count - correction).clamp(min=0) if correction else total / count).to(x.dtype)


def var(input, dim=None, unbiased=None, *, correction=None, keepdim=False, dtype=None, mask=None):
    """The variance over dims, with `correction` (1) degrees of freedom taken off; NaN where nothing is left."""
    return _spread(input, dim, unbiased, correction, keepdim, dtype, mask)


def std(input, dim=None, unbiased=None, *, correction=None, keepdim=False, dtype=None, mask=None):
    """The standard deviation over dims, the root of `var`."""
    return _spread(input, dim, unbiased, correction, keepdim, dtype, mask).sqrt()


def softmax(input, dim, *, dtype=None, mask=None):
    """Softmax along a dim of what the mask leaves; NaN where nothing is left."""
    x = input if dtype is None else input.to(dtype)
    return rustorch.softmax(_masked(x, mask, -float("inf")), dim)


def log_softmax(input, dim, *, dtype=None, mask=None):
    """The logarithm of `softmax`."""
    x = input if dtype is None else input.to(dtype)
    return rustorch.log_softmax(_masked(x, mask, -float("inf")), dim)


def softmin(input, dim, *, dtype=None, mask=None):
    """Softmax of the negated input."""
    x = input if dtype is None else input.to(dtype)
    return rustorch.softmax(-_masked(x, mask, float("inf")), dim)


def normalize(input, ord, dim, *, eps=1e-12, dtype=None, mask=None):
    """The input divided by its norm of order `ord` along a dim, or by `eps` where that is larger."""
    x = input if dtype is None else input.to(dtype)
    size = norm(x, ord, dim, keepdim=True, mask=mask)
    # A 0-d input has a norm of its own shape.
    return _masked(x, mask, 0) / rustorch.maximum(size.view_as(x) if x.ndim == 0 else size, size.new_full([], eps))
