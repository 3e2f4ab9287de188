"""torch's device-independent accelerator interface: the accelerator is the GPU."""

import rustorch

__all__ = [
    "current_accelerator",
    "current_device_index",
    "device_count",
    "is_available",
    "set_device_index",
    "synchronize",
]


def is_available():
    """True if there is a GPU that works."""
    return rustorch.gpu.is_available()


def device_count():
    """1 if there is a GPU that works, else 0."""
    return rustorch.gpu.device_count()


def current_accelerator(check_available=False):
    """The device type of the GPU; None without one.

    Args:  check_available (bool): no difference, as it is looked for in any case.
    """
    return rustorch.device(rustorch.device("gpu").type) if is_available() else None


def current_device_index():
    """0, the number of the GPU in use.

    Raises: RuntimeError: if there is none.
    """
    if not is_available():
        raise RuntimeError("Cannot access accelerator device when none is available.")
    return 0


def set_device_index(device):
    """Nothing: one GPU is used at a time.

    Raises: RuntimeError: for another than 0, or without a GPU.
    """
    current_device_index()
    rustorch.gpu.set_device(device)


def synchronize(device=None):
    """Waits for the GPU.

    Raises: RuntimeError: if there is none.
    """
    current_device_index()
    rustorch.gpu.synchronize(device)
