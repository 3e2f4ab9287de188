"""torch's device-independent accelerator interface: there is no accelerator."""

__all__ = [
    "current_accelerator",
    "current_device_index",
    "device_count",
    "is_available",
    "set_device_index",
    "synchronize",
]


def is_available():
    """False."""
    return False


def device_count():
    """0."""
    return 0


def current_accelerator(check_available=False):
    """None: there is no accelerator."""


def current_device_index():
    """Raises RuntimeError: there is no accelerator."""
    raise RuntimeError("Cannot access accelerator device when none is available.")


def set_device_index(device):
    """Raises RuntimeError: there is no accelerator."""
    current_device_index()


def synchronize(device=None):
    """Raises RuntimeError: there is no accelerator."""
    current_device_index()
