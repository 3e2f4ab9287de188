"""Tensors from objects of other libraries."""

import rustorch
from rustorch import _C
from rustorch.overrides import handle_torch_function, has_torch_function

__all__ = ["asarray"]


def _shared(obj, dtype):
    """A tensor over the memory of `obj`, or None if it has none to share."""
    if isinstance(obj, rustorch.Tensor):
        return obj
    if hasattr(obj, "__array_interface__"):
        return _C.as_tensor(obj) if getattr(obj, "shape", ()) or type(obj).__name__ == "ndarray" else None
    if hasattr(obj, "__dlpack__"):
        return rustorch.from_dlpack(obj)
    try:
        memoryview(obj).release()
    except TypeError:
        return None
    return _C.frombuffer(obj, dtype=dtype or rustorch.get_default_dtype())


def asarray(obj, *, dtype=None, device=None, copy=None, requires_grad=None):
    """A tensor of `obj`, over the same memory where that is possible.

    Args:
        obj (object): a tensor, NumPy array, DLPack object, buffer, number or nested sequence.
        dtype (dtype, None): that of `obj` if None.
        device (device, None): that of `obj` if None.
        copy (bool, None): True always copies, False never does; None copies where it must.
        requires_grad (bool, None): that of `obj` if None.
    Raises:  ValueError: for copy=False where only a copy can be made.
    Example:
        >>> import rustorch as torch
        >>> torch.asarray([1, 2])
        tensor([1, 2])
    """
    if has_torch_function(()):  # modes alone: the class of `obj` is not asked
        return handle_torch_function(
            asarray, (), obj, dtype=dtype, device=device, copy=copy, requires_grad=requires_grad
        )
    tensor = _shared(obj, dtype)
    if tensor is None:
        if copy is False:
            raise ValueError(
                "can't alias arbitrary sequence into a tensor.\n"
                "  asarray: expected an object with memory to share, but got none. Leave copy out."
            )
        return _C.tensor(obj, dtype=dtype, device=device, requires_grad=bool(requires_grad))
    other_dtype = dtype is not None and dtype is not tensor.dtype
    other_device = device is not None and rustorch.device(device) != tensor.device
    if copy is False:
        if other_device:
            raise ValueError(f"can't alias tensor from device '{tensor.device}' to '{rustorch.device(device)}'.")
        if other_dtype:
            raise ValueError(f"can't alias tensor with dtype '{tensor.dtype}' into dtype '{dtype}'.")
    elif copy or other_dtype or other_device:
        tensor = tensor.to(device=device or tensor.device, dtype=dtype or tensor.dtype, copy=bool(copy))
    if requires_grad is False and tensor.requires_grad:
        tensor = tensor.detach()
    return tensor.requires_grad_() if requires_grad else tensor
