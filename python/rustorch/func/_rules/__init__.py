"""Batching rules: what an operation on one sample is on all samples.

A rule is called as `rule(func, level, *args, **kwargs)` with the arguments of the operation, of which one at least is
batched at `level`, and returns what the operation returns. Functions written in Python need none: their bodies run on
batched tensors. An operation without a rule runs on one sample after the other.
"""

import functools
import types
import warnings

import rustorch
from rustorch import Tensor
from rustorch.func import _levels

RULES = {}


def rule(names):
    """Register a function as the rule of operations, by their names in the table of operations."""

    def register(function):
        RULES.update(dict.fromkeys(names.split(), function))
        return function

    return register


@functools.cache
def _rows():
    """The operation behind each name in Python, and whether that name writes in place."""
    return {name: (row["name"], in_place) for row in rustorch._C._schemas() for _, name, in_place in row["places"]}


def name_of(func):
    """The operation's name, with a dot in front for an attribute, and whether it writes to its first argument."""
    name = func.__name__
    if name in ("__get__", "__set__"):
        return "." + func.__self__.__name__, name == "__set__"
    return _rows().get(name, (name, name.endswith("_") and not name.endswith("__")))


# Other names that the operations take for an argument: NumPy's and older ones.
_ALSO = {
    **dict.fromkeys(("input", "x", "a", "x1"), ("self",)),
    "axis": ("dim", "dims"),
    "axes": ("dim", "dims"),
    "dim": ("axis",),
    "keepdims": ("keepdim",),
    "x2": ("other",),
    "size": ("shape",),
    "split_size": ("split_size_or_sections",),
}


@functools.cache
def _signatures(name):
    """For each overload of an operation: the names of all arguments, and of those that have a position, in order."""
    rows = [row["params"] for row in rustorch._C._schemas() if row["name"] == name]
    return [({p["name"] for p in row}, [p["name"] for p in row if not p["keyword_only"]]) for row in rows]


def positional(name, args, kwargs):
    """The arguments of a call with those that have a position in it, as far as they follow one another."""
    if not kwargs:
        return args, kwargs
    for names, ordered in _signatures(name):
        found = {next((n for n in (key, *_ALSO.get(key, ())) if n in names), None): v for key, v in kwargs.items()}
        if None not in found:
            args, kwargs = list(args), found
            for place in ordered[len(args) :]:
                if place not in kwargs:
                    break
                args.append(kwargs.pop(place))
            break
    return args, kwargs


@functools.cache
def body(func):
    """The function that a Python-written one is when nothing overrides it."""
    if hasattr(func, "__wrapped__"):
        return func.__wrapped__
    never = dict.fromkeys(
        ("has_torch_function", "has_torch_function_unary", "has_torch_function_variadic"), lambda *args: False
    )
    same = types.FunctionType(func.__code__, {**func.__globals__, **never}, func.__name__, None, func.__closure__)
    same.__defaults__, same.__kwdefaults__ = func.__defaults__, func.__kwdefaults__
    return same


def composite(func):
    """Is the function written in Python, and without a rule of its own?"""
    return isinstance(func, types.FunctionType) and func not in RULES


def apply(func, level, args, kwargs):
    """The result of an operation with arguments that are batched at `level`."""
    load()
    if composite(func):
        return body(func)(*args, **kwargs)
    name, in_place = name_of(func)
    if kwargs.get("out") is not None:
        raise RuntimeError(
            f"Batching rule not implemented for aten::{name}.out; the fallback path doesn't work on out= or view ops."
        )
    args, kwargs = positional(name, args, kwargs)
    found = RULES.get(func) or RULES.get(f"{name}_" if in_place else name)
    if found is not None:
        try:
            return found(func, level, *args, **kwargs)
        except (IndexError, RuntimeError) as error:
            if not in_place and "vmap" not in str(error):
                _fail_as_a_sample(func, type(error), args, kwargs)
            raise
    if in_place and name in RULES:
        return _written(func, level, name, *args, **kwargs)
    return one_by_one(func, level, name, in_place, args, kwargs)


def _fail_as_a_sample(func, kind, args, kwargs):
    """Raise what the operation raises about the shapes of one sample, if that is the same kind of error."""

    def sample(x):
        return rustorch.empty(x.shape, dtype=x.dtype, device="meta")

    args, kwargs = _levels.mapped(sample, list(args)), _levels.mapped(sample, kwargs)
    try:
        func(*args, **kwargs)
    except Exception as error:
        # Without data an operation may fail otherwise; then the error of the batch is told.
        if isinstance(error, kind) and "meta" not in str(error):
            raise error from None


def _written(func, level, name, x, *args, **kwargs):
    """An operation in place, by the rule of the one that makes a new tensor."""
    x.copy_(RULES[name](getattr(Tensor, name, None) or getattr(rustorch, name), level, x, *args, **kwargs))
    return x


def check_written(level, name, x, *others):
    """Raise if a tensor that all samples share would be given another value for each."""
    if not level.has(x) and any(level.has(other) for other in _levels.tensors_in(others)):
        what = name if name == "index_put_" else "inplace arithmetic"
        raise RuntimeError(
            f"vmap: {what}(self, *extra_args) is not possible because there exists a Tensor `other` in extra_args that "
            "has more elements than `self`. This happened due to `other` being vmapped over but `self` not being "
            "vmapped over in a vmap. Please try to use out-of-place operators instead of inplace arithmetic.\n"
            f"  {name}: expected a tensor of the batch, but got one that all samples share. "
            "Make it with zeros_like or new_zeros of a batched tensor."
        )


_slow = set()


def one_by_one(func, level, name, in_place, args, kwargs, warn=True):
    """The operation on one sample after the other."""
    if in_place:
        check_written(level, name + "_", args[0], args[1:], kwargs)
    if warn and name not in _slow:
        _slow.add(name)
        warnings.warn(
            f"There is a performance drop because we have not yet implemented the batching rule for aten::{name}. It "
            "runs on one sample after the other.",
            stacklevel=4,
        )

    def sample(i):
        return lambda x: x._value[i] if level.has(x) else x

    results = [
        func(
            *[_levels.mapped(sample(i), arg) for arg in args],
            **{key: _levels.mapped(sample(i), arg) for key, arg in kwargs.items()},
        )
        for i in range(level.size)
    ]
    if in_place:
        return args[0]
    if not results:
        raise RuntimeError(f"vmap: {name} has no batching rule, and there is no sample to run it on.")
    return _stacked(level, name, results)


def _stacked(level, name, results):
    first = results[0]
    if isinstance(first, Tensor):
        return level.wrap(rustorch.stack(results))
    if isinstance(first, tuple | list):
        members = [_stacked(level, name, list(column)) for column in zip(*results, strict=True)]
        return type(first)(*members) if hasattr(first, "_fields") else type(first)(members)
    raise RuntimeError(
        f"Batching rule not implemented for aten::{name}. We could not generate a fallback.\n"
        f"  vmap: expected an operation that returns tensors, but {name} returns {type(first).__name__}. "
        "Compute it outside of vmap."
    )


@functools.cache
def load():
    """Fill the table; at the first vmap, so that the package loads quickly."""
    from rustorch.func import _functions
    from rustorch.func._rules import (
        convolution,
        create,
        fourier,
        index,
        linear,
        nn,
        pointwise,
        random,
        reduce,
        view,
    )
