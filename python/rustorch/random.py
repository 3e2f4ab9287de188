"""The state of the default generator."""

from contextlib import contextmanager

from rustorch import _C

__all__ = [
    "fork_rng",
    "get_rng_state",
    "initial_seed",
    "manual_seed",
    "seed",
    "set_rng_state",
    "thread_safe_generator",
]

Generator = _C.Generator
default_generator = _C.default_generator
Generator.__repr__ = lambda self: f"<torch._C.Generator object at {id(self):#x}>"


def _generator_from(state):
    # The state of a GPU's generator is a seed and a place.
    generator = Generator("gpu" if len(state) == 16 else "cpu")
    generator.set_state(state)
    return generator


def manual_seed(seed):
    """Seed the generators of all devices.

    Args: seed (int): in [-2^63, 2^64); negative values count from 2^64 down.
    Returns: the default generator of the CPU.
    """
    seed = int(seed)
    for device in _device_modules():
        device.manual_seed_all(seed)
    _C._gpu_generator.manual_seed(seed)
    return default_generator.manual_seed(seed)


def seed():
    """Seed the generators of all devices with a number from the operating system; returns that number."""
    number = default_generator.seed()
    for device in _device_modules():
        device.manual_seed_all(number)
    _C._gpu_generator.manual_seed(number)
    return number


def initial_seed():
    """The number that the default generator was seeded with."""
    return default_generator.initial_seed()


def get_rng_state():
    """The state of the default generator, a uint8 tensor of 5056 bytes."""
    return default_generator.get_state()


def set_rng_state(new_state):
    """Set the state of the default generator to one of `get_rng_state`."""
    default_generator.set_state(new_state)


def _device_modules():
    """The modules of devices with generators of their own that are loaded."""
    import sys

    modules = (sys.modules.get(f"{__package__}.{name}") for name in ("cuda",))
    return [m for m in modules if m is not None and hasattr(m, "manual_seed_all") and m.is_available()]


@contextmanager
def fork_rng(devices=None, enabled=True, _caller="fork_rng", _devices_kw="devices", device_type=None):
    """Put the generators back at the end of a `with` block to where they were at its start.

    Args:
        devices (iterable, None): devices besides the CPU; all if None.
        enabled (bool, True): False makes the block do nothing.
    """
    if not enabled or device_type == "meta":
        yield
        return
    state = get_rng_state()
    saved = []
    for module in _device_modules():
        numbers = range(module.device_count()) if devices is None else devices
        saved += [(module, device, module.get_rng_state(device)) for device in numbers]
    gpu_state = _C._gpu_generator.get_state()
    try:
        yield
    finally:
        set_rng_state(state)
        _C._gpu_generator.set_state(gpu_state)
        for module, device, device_state in saved:
            module.set_rng_state(device_state, device)


def thread_safe_generator():
    """None, which means the default generator: workers of a loader are processes, each with a generator of its own."""
