"""Tensors to and from buffers of wgpu-py, so that programs which draw with it (pygfx, fastplotlib) can show them.

rustorch and wgpu-py have a device each, which cannot share memory: both directions copy by way of the host. Needs the extra
`rustorch[wgpu]`.
"""

import math

import rustorch

__all__ = ["from_buffer", "to_buffer"]


def _wgpu():
    try:
        import wgpu
    except ImportError:
        raise ImportError(
            "interop.wgpu: expected wgpu-py, but it is not installed. Run pip install rustorch[wgpu]."
        ) from None
    return wgpu


def to_buffer(t, device, usage=None, label=""):
    """A copy of a tensor in a new buffer of wgpu-py.

    Args:
        t (Tensor): on any device; elements lie in the buffer densely, in the order of the tensor's indices.
        device (wgpu.GPUDevice): the device that the buffer is made on.
        usage (int, None): `wgpu.BufferUsage` flags; by default the buffer can be a storage and a vertex buffer and be
            copied to and from.
        label (str, ''): a name for messages.

    Returns: a wgpu.GPUBuffer; its size is rounded up to a multiple of 4 bytes.

    Raises: ValueError: for an empty tensor, since buffers are not. ImportError: without wgpu-py.

    Example: `positions = to_buffer(points, device)`
    """
    wgpu = _wgpu()
    if t.numel() == 0:
        raise ValueError(f"to_buffer: expected a tensor with elements, but got shape {tuple(t.shape)}. Leave it out.")
    if usage is None:
        u = wgpu.BufferUsage
        usage = u.STORAGE | u.VERTEX | u.COPY_SRC | u.COPY_DST
    data = t.detach().cpu().contiguous().view(-1).view(rustorch.uint8).numpy().tobytes()
    return device.create_buffer_with_data(data=data + bytes(-len(data) % 4), usage=usage, label=label)


def from_buffer(buffer, device, shape, dtype):
    """A tensor with a copy of what a buffer of wgpu-py holds.

    Args:
        buffer (wgpu.GPUBuffer): one that can be copied from (`wgpu.BufferUsage.COPY_SRC`).
        device (wgpu.GPUDevice): the device that the buffer is on.
        shape (sequence of int): the tensor's shape; elements are read densely from the buffer's start.
        dtype (dtype): what the buffer holds.

    Returns: a Tensor on the CPU.

    Raises: ValueError: if the buffer is too small. ImportError: without wgpu-py.

    Example: `image = from_buffer(pixels, device, (480, 640, 4), rustorch.uint8)`
    """
    _wgpu()
    nbytes = math.prod(shape) * dtype.itemsize
    if nbytes > buffer.size:
        raise ValueError(
            f"from_buffer: expected a buffer of at least {nbytes} bytes for shape {tuple(shape)} of {dtype}, but got one of "
            f"{buffer.size}. Check the shape and the dtype."
        )
    if nbytes == 0:
        return rustorch.empty(shape, dtype=dtype)
    # Copies of buffers come in words.
    data = device.queue.read_buffer(buffer, 0, nbytes + -nbytes % 4)
    return rustorch.frombuffer(bytearray(data), dtype=rustorch.uint8, count=nbytes).view(dtype).reshape(shape)
