"""Functions that pickles refer to by name when they rebuild tensors and parameters."""

import copyreg

import rustorch
from rustorch import _C


def _get_obj_state(obj):
    """The attributes a subclass or a user put on `obj`: None, a dict, or (dict, slots) as pickle has it."""
    state = getattr(obj, "__dict__", None) or None
    names = copyreg._slotnames(type(obj))
    slots = {name: getattr(obj, name) for name in names if hasattr(obj, name)}
    return (state, slots) if slots else state


def _set_obj_state(obj, state):
    attributes, slots = state if isinstance(state, tuple) else (state, None)
    for group in (attributes, slots):
        for name, value in (group or {}).items():
            setattr(obj, name, value)
    return obj


def _rebuild_tensor(storage, storage_offset, size, stride):
    """A tensor over a TypedStorage."""
    return _C._over_storage(storage._untyped_storage, storage.dtype, storage_offset, size, stride)


def _rebuild_tensor_v2(storage, storage_offset, size, stride, requires_grad, backward_hooks, metadata=None):
    tensor = _rebuild_tensor(storage, storage_offset, size, stride)
    tensor.requires_grad = requires_grad
    # Kept for the format; hooks are functions, which pickles of tensors leave out.
    tensor._backward_hooks = backward_hooks
    return tensor


def _rebuild_from_type_v2(function, new_type, args, state):
    """The tensor `function(*args)` as an object of a subclass, with its attributes."""
    tensor = function(*args)
    if type(tensor) is not new_type:
        tensor = tensor.as_subclass(new_type)
    if getattr(new_type, "__setstate__", None) is not rustorch.Tensor.__setstate__:
        tensor.__setstate__(state)
        return tensor
    return _set_obj_state(tensor, state)


def _rebuild_parameter(data, requires_grad, backward_hooks):
    from rustorch.nn.parameter import Parameter

    param = Parameter(data, requires_grad)
    param._backward_hooks = backward_hooks
    return param


def _rebuild_parameter_with_state(data, requires_grad, backward_hooks, state):
    return _set_obj_state(_rebuild_parameter(data, requires_grad, backward_hooks), state)


def _type(self, dtype=None, non_blocking=False, **kwargs):
    """The name of a tensor's legacy class or, with `dtype`, the tensor converted to a dtype, class or class name."""
    from rustorch import _legacy

    if dtype is None:
        return _legacy.type_name(self.dtype)
    if isinstance(dtype, str):
        dtype = _legacy.dtype_named(dtype)
    elif isinstance(dtype, _legacy.tensortype):
        dtype = dtype.dtype
    elif not isinstance(dtype, rustorch.dtype):
        if dtype is rustorch.Tensor:
            dtype = rustorch.get_default_dtype()
        elif isinstance(dtype, type):
            raise ValueError(f"invalid type: '{dtype.__name__}'")
        else:
            raise TypeError("dtype must be a type, str, or dtype object")
    return self.to(dtype=dtype, non_blocking=non_blocking)
