"""Tensors like a batched one."""

import rustorch
from rustorch import Tensor
from rustorch.func._rules import RULES, rule
from rustorch.func._rules.view import numbers


@rule("new_empty new_zeros new_ones")
def new(func, level, x, *args, **kwargs):
    return level.wrap(func(level.value(x), [level.size, *numbers(args)], **kwargs))


@rule("new_full")
def new_full(func, level, x, size, fill_value, **kwargs):
    if level.has(fill_value):
        return level.wrap(level.value(x).new_zeros([level.size, *size], **kwargs)) + fill_value
    return level.wrap(func(level.value(x), [level.size, *size], fill_value, **kwargs))


@rule("full")
def full(func, level, size, fill_value, **kwargs):
    return rustorch.zeros(size, **({"dtype": fill_value.dtype} | kwargs)) + fill_value


@rule("tensor as_tensor scalar_tensor")
def copied(func, level, *args, **kwargs):
    """A batched tensor copied; a list of batched numbers is a stack of them."""
    data = args[1] if func is Tensor.new_tensor else args[0]
    return _built(data, **{key: value for key, value in kwargs.items() if key in ("dtype", "device")})


# Written in Python, they end in calls that do not look for overrides.
RULES.update(dict.fromkeys((Tensor.new_tensor, rustorch.asarray), copied))


def _built(data, **kwargs):
    if isinstance(data, Tensor):
        return data.detach().clone().to(**kwargs) if kwargs else data.detach().clone()
    if isinstance(data, tuple | list):
        return rustorch.stack([_built(member, **kwargs) for member in data])
    return rustorch.tensor(data, **kwargs)
