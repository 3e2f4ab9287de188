"""MTIA's interface on a build without it: it says so."""

__all__ = [
    "current_device",
    "device_count",
    "empty_cache",
    "is_available",
    "manual_seed",
    "manual_seed_all",
    "seed",
    "synchronize",
]


def is_available():
    """False: there is no MTIA backend."""
    return False


def is_initialized():
    """False: there is nothing to initialise."""
    return False


def device_count():
    """0: there is no MTIA device."""
    return 0


def manual_seed(seed):
    """Nothing: there is no device to seed."""


def manual_seed_all(seed):
    """Nothing: there is no device to seed."""


def seed():
    """Nothing: there is no device to seed."""


def empty_cache():
    """Nothing: there is no device with a cache."""


def current_device():
    """Raises AssertionError: there is no MTIA device."""
    raise AssertionError(
        "Torch not compiled with MTIA enabled\n  mtia: expected a device, but there is none. Use device='cpu'."
    )


def synchronize(device=None):
    """Raises AssertionError: there is no MTIA device."""
    current_device()
