"""DLPack: memory shared with NumPy, torch, JAX and others, without a copy."""

import enum

import rustorch
from rustorch import _C

__all__ = ["DLDeviceType", "from_dlpack", "to_dlpack"]


class DLDeviceType(enum.IntEnum):
    """DLPack's numbers of device types."""

    kDLCPU = 1
    kDLCUDA = 2
    kDLCUDAHost = 3
    kDLOpenCL = 4
    kDLVulkan = 7
    kDLMetal = 8
    kDLVPI = 9
    kDLROCM = 10
    kDLExtDev = 12
    kDLCUDAManaged = 13
    kDLOneAPI = 14


def to_dlpack(tensor):
    """A capsule with the tensor's memory; `from_dlpack` of any library takes it, once.

    Args:  tensor (Tensor): on the CPU.
    """
    return _C._to_dlpack(tensor)


def _capsule(array, **wanted):
    # Libraries of before DLPack 1.0 know fewer arguments.
    for dropped in ((), ("max_version",), ("copy",), ("dl_device",)):
        for name in dropped:
            wanted.pop(name, None)
        try:
            return array.__dlpack__(**wanted), wanted
        except TypeError:
            if not wanted:
                raise
    return array.__dlpack__(), {}


def from_dlpack(ext_tensor, *, device=None, copy=None):
    """A tensor that shares the memory of another library's array.

    Args:
        ext_tensor (object): has `__dlpack__`, or is a capsule that it returned.
        device (device, None): where the tensor shall be; by default where the array is.
        copy (bool, None): True always copies, False never does; None copies only to another device.
    Raises:
        RuntimeError: for a capsule that was used before.
        BufferError: if the array is on a device, or of a dtype, that rustorch lacks.
    Example:
        >>> import numpy
        >>> torch.from_dlpack(numpy.arange(3))
        tensor([0, 1, 2])
    """
    if not hasattr(ext_tensor, "__dlpack__"):
        if device is not None or copy is not None:
            raise AssertionError(
                "device and copy kwargs not supported when ext_tensor is already a DLPack capsule.\n"
                "  from_dlpack: expected a capsule alone, but got more. Pass the array itself."
            )
        return _C._from_dlpack(ext_tensor)
    kind, index = ext_tensor.__dlpack_device__()
    if kind != DLDeviceType.kDLCPU:
        raise BufferError(
            f"Unsupported device_type: {int(kind)}\n  from_dlpack: expected an array on the CPU, but got one on device "
            f"({int(kind)}, {index}). Move it to the CPU first."
        )
    wanted = {"max_version": (1, 0)}
    if copy is not None:
        wanted["copy"] = copy
    capsule, understood = _capsule(ext_tensor, **wanted)
    tensor = _C._from_dlpack(capsule)
    if copy and "copy" not in understood:
        tensor = tensor.clone()
    return tensor if device is None else tensor.to(rustorch.device(device))
