"""Functions that pickles refer to by name, and small helpers that programs import from here."""

import copyreg
import sys

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
    if metadata:
        # How torch writes views that read as conjugates or negatives of what is stored.
        tensor = tensor.conj() if metadata.get("conj") else tensor
        tensor = tensor.neg() if metadata.get("neg") else tensor
    tensor.requires_grad = requires_grad
    # backward_hooks is there for the format: hooks are functions, which pickles of tensors leave out.
    return tensor


def _rebuild_on_device(tensor, device, requires_grad):
    """A tensor of another device than the CPU, from its values."""
    return tensor.to(device).requires_grad_(requires_grad)


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

    return Parameter(data, requires_grad)


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


class KeyErrorMessage(str):
    """Text whose repr is itself: a KeyError shows the repr of its argument."""

    __slots__ = ()

    def __repr__(self):
        return str(self)


class ExceptionWrapper:
    """An exception on its way from another thread or process.

    Args:
        exc_info (tuple, None): as `sys.exc_info()` gives it, which is asked if None.
        where (str): where it was raised.
    """

    def __init__(self, exc_info=None, where="in background"):
        import traceback

        exc_info = exc_info or sys.exc_info()
        self.exc_type = exc_info[0]
        self.exc_msg = "".join(traceback.format_exception(*exc_info))
        self.where = where

    def reraise(self):
        """Raise an exception of the same class, with the first one's traceback in its text."""
        text = f"Caught {self.exc_type.__name__} {self.where}.\nOriginal {self.exc_msg}"
        if issubclass(self.exc_type, KeyError):
            text = KeyErrorMessage(text)
        try:
            error = self.exc_type(text)
        except Exception:
            # The class takes other arguments.
            raise RuntimeError(text) from None
        raise error


def _flatten_dense_tensors(tensors):
    """The elements of all tensors in one vector."""
    return rustorch.cat([t.reshape(-1) for t in tensors])


def _unflatten_dense_tensors(flat, tensors):
    """Parts of `flat`, a vector of `_flatten_dense_tensors`, as views of the shapes of the tensors."""
    sizes = [t.numel() for t in tensors]
    return tuple(part.view(t.shape) for part, t in zip(flat[: sum(sizes)].split(sizes), tensors))


def _take_tensors(tensors, size_limit):
    """Lists of tensors of one dtype, each list up to `size_limit` bytes."""
    pending = {}
    for tensor in tensors:
        chunk, size = pending.get(tensor.dtype, ([], 0))
        if chunk and size + tensor.nbytes > size_limit:
            yield chunk
            chunk, size = [], 0
        pending[tensor.dtype] = [*chunk, tensor], size + tensor.nbytes
    for chunk, _ in pending.values():
        yield chunk


def _get_device_index(device, optional=False, allow_cpu=False):
    """The number of a device given as a device, its name or that number; -1 for the CPU where it is allowed."""
    if isinstance(device, str):
        device = rustorch.device(device)
    index = device if isinstance(device, int) else None
    if isinstance(device, rustorch.device):
        if device.type == "cpu" and not allow_cpu:
            raise ValueError(f"Expected a non cpu device, but got: {device}")
        index = -1 if device.type == "cpu" else device.index
    if index is None:
        if optional:
            raise RuntimeError("_get_device_index: expected an accelerator, but there is none. Name a device.")
        raise ValueError(f"Expected a torch.device with a specified index or an integer, but got:{device}")
    return index
