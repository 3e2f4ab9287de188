"""Along dims: the dims of a sample come one later in the batch."""

import rustorch
from rustorch import Tensor
from rustorch.func import _levels
from rustorch.func._rules import name_of, one_by_one, rule
from rustorch.func._rules.pointwise import pointwise


def shifted(dim, rank):
    """A dim, or several, of a sample as dims of the batch, counted from the front."""
    if isinstance(dim, tuple | list | range):
        return [_levels.rule_dim(d, rank) + 1 for d in dim]
    return _levels.rule_dim(dim, rank) + 1


def with_dims(x):
    """A sample's values with at least one dim behind the batch dim, and whether one was added."""
    value = x._value
    return (value.unsqueeze(1), True) if x.dim() == 0 else (value, False)


def finish(level, result, added):
    """Batched results, without the dim that `with_dims` added."""

    def strip(value):
        return value.squeeze(1) if added and value.dim() == 2 else value

    return level.wrap(_levels.mapped(strip, result) if added and isinstance(result, Tensor) else _each(strip, result))


def _each(function, result):
    if isinstance(result, Tensor):
        return function(result)
    return type(result)(function(member) for member in result)


_SEVERAL = "sum nansum mean nanmean any all count_nonzero logsumexp amax amin std var std_mean var_mean"
_ONE = "prod argmax argmin aminmax max min median nanmedian"


@rule(f"{_SEVERAL} {_ONE}")
def reduction(func, level, x, *args, **kwargs):
    name, _ = name_of(func)
    if args and isinstance(args[0], Tensor):
        return pointwise(func, level, x, *args, **kwargs)
    # std(x, unbiased) has no dim, and aminmax takes it by name.
    if args and not (name[:3] in ("std", "var") and isinstance(args[0], bool)):
        dim, *args = args
    else:
        dim = kwargs.pop("dim", None)
    # No dims stands for all of them, but not in these.
    if dim in ((), []) and name not in ("any", "all"):
        dim = None
    if dim is None and name in _ONE.split():
        return _whole(func, level, x, name, *args, **kwargs)
    value, added = with_dims(x)
    dim = shifted(range(max(x.dim(), 1)) if dim is None else dim, x.dim())
    if name == "aminmax":
        return finish(level, func(value, dim=dim, **kwargs), added)
    return finish(level, func(value, dim, *args, **kwargs), added)


def _whole(func, level, x, name, keepdim=False, **kwargs):
    """All elements reduced by an operation that takes one dim, or none."""
    flat = x._value.flatten(1) if x.dim() else x._value.unsqueeze(1)
    if name in ("max", "min"):
        # Without a dim they have no indices, and ties share the gradient.
        result = flat.amax(1) if name == "max" else flat.amin(1)
    elif name in ("median", "nanmedian"):
        result = func(flat, 1)[0]
    else:
        result = func(flat, dim=1, **kwargs)
    return level.wrap(_each(lambda y: y.reshape(-1, *[1] * x.dim()), result) if keepdim else result)


def along(names, place=0, default=None):
    """Register operations on one tensor whose dim is the argument number `place` behind it."""

    @rule(names)
    def one_dim(func, level, x, *args, **kwargs):
        args, (value, added) = list(args), with_dims(x)
        if len(args) > place:
            args[place] = shifted(args[place], x.dim())
        elif "dim" in kwargs or default is not None:
            kwargs["dim"] = shifted(kwargs.get("dim", default), x.dim())
        return finish(level, func(value, *args, **kwargs), added)


along("cumsum cumprod logcumsumexp cummax cummin softmax log_softmax _softmax _log_softmax")
along("mode glu", default=-1)
along("topk kthvalue", place=1, default=-1)


@rule("sort argsort")
def sort(func, level, x, *args, **kwargs):
    args, value, added = list(args), *with_dims(x)
    # sort(x, dim, descending), also sort(x, *, stable, dim)
    if args and not isinstance(args[0], bool):
        args[0] = shifted(args[0], x.dim())
    elif not args:
        kwargs["dim"] = shifted(kwargs.get("dim", -1), x.dim())
    return finish(level, func(value, *args, **kwargs), added)


@rule("msort")
def msort(func, level, x):
    return x.sort(0)[0]


@rule("quantile nanquantile")
def quantile(func, level, x, q, dim=None, keepdim=False, **kwargs):
    if level.has(q) or not level.has(x):
        return one_by_one(func, level, name_of(func)[0], False, (x, q, dim, keepdim), kwargs)
    value, added = with_dims(x)
    many = isinstance(q, Tensor) and q.dim() == 1
    if dim is None:
        result = func(value.flatten(1), q, 1, **kwargs)
        if keepdim:
            result = result.reshape(*result.shape, *[1] * x.dim())
    else:
        result = func(value, q, shifted(dim, x.dim()), keepdim, **kwargs)
        if added and result.dim() == 2 + many:
            result = result.squeeze(-1)
    # One result for each of the quantiles stands ahead of the batch.
    return level.wrap(result.movedim(1, 0) if many else result)


@rule("linalg_vector_norm")
def vector_norm(func, level, x, ord=2, dim=None, keepdim=False, **kwargs):
    value, added = with_dims(x)
    if dim is None or dim in ((), []):
        dim = range(x.dim()) if x.dim() else (0,)
    dim = [dim] if isinstance(dim, int) else list(dim)
    return finish(level, func(value, ord, shifted(dim, x.dim()), keepdim, **kwargs), added)


@rule("linalg_norm")
def linalg_norm(func, level, x, ord=None, dim=None, keepdim=False, **kwargs):
    if dim is None and ord is None:
        result = func(x._value.flatten(1) if x.dim() else x._value.unsqueeze(1), None, 1, **kwargs)
        return level.wrap(result.reshape(-1, *[1] * x.dim()) if keepdim else result)
    dim = tuple(range(x.dim())) if dim is None else dim
    return level.wrap(func(x._value, ord, shifted(dim, x.dim()), keepdim, **kwargs))


@rule("linalg_matrix_norm")
def matrix_norm(func, level, x, ord="fro", dim=(-2, -1), keepdim=False, **kwargs):
    return level.wrap(func(x._value, ord, shifted(dim, x.dim()), keepdim, **kwargs))


@rule("diff")
def diff(func, level, x, n=1, dim=-1, prepend=None, append=None):
    ends = (None if end is None else level.full(end) for end in (prepend, append))
    return level.wrap(func(level.full(x), n, shifted(dim, x.dim()), *ends))


@rule("renorm")
def renorm(func, level, x, p, dim, maxnorm):
    # The slices of all samples side by side.
    front = x.movedim(dim, 0)
    made = func(front._value.flatten(0, 1), p, 0, maxnorm)
    return level.wrap(made.unflatten(0, (level.size, front.shape[0]))).movedim(0, dim)


@rule("cdist")
def cdist(func, level, x1, x2, *args, **kwargs):
    rank = max(x1.dim(), x2.dim())
    return level.wrap(func(level.aligned(x1, rank), level.aligned(x2, rank), *args, **kwargs))


@rule("dist")
def dist(func, level, x, y, p=2):
    return (x - y).flatten().norm(p)


@rule("trapezoid trapz cumulative_trapezoid")
def trapezoid(func, level, y, x=None, *, dx=1, dim=-1):
    if x is None:
        return level.wrap(func(y._value, dx=dx, dim=shifted(dim, y.dim())))
    dim = _levels.rule_dim(dim, y.dim()) - y.dim()
    if x.dim() == 1:
        # x runs along the dim.
        x = x.reshape(-1, *[1] * (-dim - 1))
    rank = max(y.dim(), x.dim())
    y, x = (level.aligned(level.wrap(level.full(t)), rank) for t in (y, x))
    return level.wrap(func(y, x, dim=dim))


@rule("searchsorted")
def searchsorted(func, level, sorted_sequence, values, *args, **kwargs):
    if not isinstance(values, Tensor):
        values = sorted_sequence.new_tensor(values)
    if not level.has(sorted_sequence) and sorted_sequence.dim() == 1:
        return level.wrap(func(sorted_sequence, level.full(values), *args, **kwargs))
    if sorted_sequence.dim() == 1:
        # One row of sorted numbers for each sample, against all values of the sample.
        flat = level.full(values).reshape(level.size, -1)
        found = func(level.full(sorted_sequence), flat.contiguous(), *args, **kwargs)
        return level.wrap(found.reshape(level.size, *values.shape))
    options = {**kwargs}
    if options.get("sorter") is not None:
        options["sorter"] = level.full(options["sorter"])
    return level.wrap(func(level.full(sorted_sequence), level.full(values).contiguous(), *args, **options))


@rule("bucketize")
def bucketize(func, level, x, boundaries, **kwargs):
    if level.has(boundaries):
        return rustorch.searchsorted(boundaries, x, **kwargs)
    return level.wrap(func(x._value, boundaries, **kwargs))


@rule("isin")
def isin(func, level, elements, test_elements, *, assume_unique=False, invert=False):
    if not (isinstance(test_elements, Tensor) and level.has(test_elements)):
        return level.wrap(func(elements._value, test_elements, invert=invert))
    if not isinstance(elements, Tensor):
        elements = test_elements.new_tensor(elements)
    found = (elements.unsqueeze(-1) == test_elements.flatten()).any(-1)
    return found.logical_not() if invert else found
