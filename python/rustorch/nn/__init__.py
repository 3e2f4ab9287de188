"""Neural networks: parameters, layers, losses and containers."""

from rustorch.nn import attention, functional, grad, init, modules, parallel, parameter, utils
from rustorch.nn.modules import *
from rustorch.nn.modules import __all__ as _layers
from rustorch.nn.parallel import DataParallel
from rustorch.nn.parameter import Buffer, Parameter, UninitializedBuffer, UninitializedParameter

__all__ = [
    *_layers,
    "Buffer",
    "DataParallel",
    "Parameter",
    "UninitializedBuffer",
    "UninitializedParameter",
    "attention",
    "factory_kwargs",
    "functional",
    "grad",
    "init",
    "modules",
    "parallel",
    "parameter",
    "utils",
]


def factory_kwargs(kwargs):
    """The arguments for a factory function out of those of a layer: device, dtype and memory_format.

    Raises:  TypeError: another argument, or one given both here and in the entry `factory_kwargs`.
    Example:
        >>> sorted(nn.factory_kwargs({"device": "cpu", "dtype": torch.float64}))
        ['device', 'dtype']
    """
    if kwargs is None:
        return {}
    simple = {"device", "dtype", "memory_format"}
    extra = kwargs.keys() - simple - {"factory_kwargs"}
    if extra:
        raise TypeError(f"unexpected kwargs {extra}")
    result = dict(kwargs.get("factory_kwargs", {}))
    for name in simple & kwargs.keys():
        if name in result:
            raise TypeError(f"{name} specified twice, in **kwargs and in factory_kwargs")
        result[name] = kwargs[name]
    return result
