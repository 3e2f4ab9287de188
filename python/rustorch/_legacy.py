"""The classes that name a dtype, from before there were dtypes: `FloatTensor`, `LongTensor` and their kin."""

import rustorch
from rustorch import _C
from rustorch._C import Tensor

_NAMES = {
    "FloatTensor": "float32",
    "DoubleTensor": "float64",
    "HalfTensor": "float16",
    "BFloat16Tensor": "bfloat16",
    "ByteTensor": "uint8",
    "CharTensor": "int8",
    "ShortTensor": "int16",
    "IntTensor": "int32",
    "LongTensor": "int64",
    "BoolTensor": "bool",
}

# Dtypes without a class of their own still have a name in `Tensor.type()`.
_OTHERS = {
    "complex64": "ComplexFloatTensor",
    "complex128": "ComplexDoubleTensor",
    "uint16": "UInt16Tensor",
    "uint32": "UInt32Tensor",
    "uint64": "UInt64Tensor",
}


class tensortype(type):
    """The class of legacy classes: their instances are the tensors of one dtype.

    Example:
        >>> isinstance(torch.ones(2), torch.FloatTensor), torch.FloatTensor(2, 3).shape
        (True, torch.Size([2, 3]))
    """

    __module__ = "rustorch"

    def __instancecheck__(cls, instance):
        return isinstance(instance, Tensor) and instance.dtype is cls.dtype and instance.is_cpu

    def __subclasscheck__(cls, subclass):
        return subclass is cls

    def __call__(cls, *args, **kwargs):
        return _C._legacy_tensor(cls.dtype, *args, **kwargs)

    def __repr__(cls):
        return f"<class 'torch.{cls.__name__}'>"

    def __reduce__(cls):
        return cls.__name__


def _make(name, dtype):
    body = {"__module__": "rustorch", "dtype": dtype, "layout": rustorch.strided, "is_cuda": False, "is_sparse": False}
    return tensortype(name, (), body)


classes = {name: _make(name, getattr(rustorch, dtype)) for name, dtype in _NAMES.items()}


def type_name(dtype):
    """The name that `Tensor.type()` gives a dtype, such as 'torch.FloatTensor'."""
    short = str(dtype).removeprefix("torch.")
    for name, own in _NAMES.items():
        if own == short:
            return f"torch.{name}"
    return f"torch.{_OTHERS[short]}"


def dtype_named(name):
    """The dtype of a legacy class's name."""
    short = name.removeprefix("torch.").removeprefix("rustorch.")
    if name != short:
        if short == "Tensor":
            return rustorch.get_default_dtype()
        if short in classes:
            return classes[short].dtype
        for dtype, own in _OTHERS.items():
            if own == short:
                return getattr(rustorch, dtype)
    raise ValueError(f"invalid type: '{name}'")


def set_default_tensor_type(t):
    """Set the default dtype by a legacy class or its name; `set_default_dtype` is the way to do it now.

    Args: t (class or str): 'torch.FloatTensor' and the like; only floating-point classes.
    """
    if isinstance(t, str):
        package = t.partition(".")[0]
        if package not in ("torch", "rustorch"):
            raise ModuleNotFoundError(f"No module named '{package}'")
        dtype = dtype_named(t)
    elif isinstance(t, tensortype):
        dtype = t.dtype
    elif t is Tensor:
        return
    else:
        raise TypeError(f"invalid type object: expected a tensor class or its name, but got {t!r}")
    if not dtype.is_floating_point:
        raise TypeError("only floating-point types are supported as the default type")
    _C._set_default_dtype(dtype)
