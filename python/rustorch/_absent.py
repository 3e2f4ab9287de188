"""The interface of a kind of device on a build without it: it says so."""


def is_available():
    """False: there is no such backend."""
    return False


def is_initialized():
    """False: there is nothing to initialise."""
    return False


def device_count():
    """0: there is no such device."""
    return 0


def manual_seed(seed):
    """Nothing: there is no device to seed."""


def manual_seed_all(seed):
    """Nothing: there is no device to seed."""


def seed():
    """Nothing: there is no device to seed."""


def empty_cache():
    """Nothing: there is no device with a cache."""


def refusals(name):
    """The functions that need a device: `current_device` and `synchronize`."""
    text = (
        f"Torch not compiled with {name} enabled\n"
        f"  {name.lower()}: expected a device, but there is none. Use device='cpu'."
    )

    def current_device():
        """Raises AssertionError: there is no such device."""
        raise AssertionError(text)

    def synchronize(device=None):
        """Raises AssertionError: there is no such device."""
        raise AssertionError(text)

    return current_device, synchronize
