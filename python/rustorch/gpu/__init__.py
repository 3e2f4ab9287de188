"""The GPU in the form of torch's device modules: any vendor's, through Vulkan, Metal or DX12.

Tensors go there with `.to("gpu")` or `.gpu()` and come back with `.cpu()`. Operations are recorded and run in order; only
reading a value waits for them. Nothing of the GPU is touched before its first use.
"""

from contextlib import contextmanager

from rustorch import _C
from rustorch.gpu._kernel import Kernel, differentiable, kernel
from rustorch.gpu._profile import Profile, profile

__all__ = [
    "Kernel",
    "Profile",
    "adapters",
    "current_device",
    "default_generators",
    "device",
    "device_count",
    "differentiable",
    "empty_cache",
    "fallback_stats",
    "get_device_name",
    "get_device_properties",
    "get_rng_state",
    "get_rng_state_all",
    "initial_seed",
    "is_available",
    "is_initialized",
    "kernel",
    "manual_seed",
    "manual_seed_all",
    "max_memory_allocated",
    "max_memory_reserved",
    "memory_allocated",
    "memory_reserved",
    "memory_stats",
    "profile",
    "reset",
    "reset_peak_memory_stats",
    "seed",
    "seed_all",
    "set_device",
    "set_fusion",
    "set_memory_limit",
    "set_rng_state",
    "set_rng_state_all",
    "synchronize",
]


def _check(device):
    """There is one GPU: 0, 'gpu', 'gpu:0' or None."""
    import rustorch

    if device is None or (isinstance(device, int) and not isinstance(device, bool) and device == 0):
        return
    if not isinstance(device, int):
        found = rustorch.device(device)
        if found.type == rustorch.device("gpu").type and found.index in (None, 0):
            return
    raise RuntimeError(
        f"gpu: expected the one GPU in use, 'gpu:0', but got {device!r}. Choose it with RUSTORCH_GPU_ADAPTER."
    )


def is_available():
    """True if there is a GPU that works. Software devices count only under `RUSTORCH_GPU_ALLOW_CPU=1`."""
    return _C._has_gpu_backend and _C._gpu_is_available()


def is_initialized():
    """True once a GPU is in use; asking makes it so."""
    return is_available()


def device_count():
    """1 if there is a GPU that works, else 0."""
    return int(is_available())


def current_device():
    """0, the number of the GPU in use."""
    return 0


def set_device(device):
    """Nothing: one GPU is used at a time.

    Raises: RuntimeError: for another than `gpu:0`.
    """
    _check(device)


@contextmanager
def device(device):
    """A block in which `gpu:0` is the current GPU, as everywhere."""
    _check(device)
    yield


def adapters():
    """What the drivers know, used or not: a list of dicts with name, kind, backend, driver, max_binding and software."""
    return _C._gpu_adapters()


def get_device_properties(device=None):
    """What is known of the GPU in use, as a dict: name, kind, backend, driver, limits, and capabilities of its shaders.

    Raises: RuntimeError: if there is none.
    """
    _check(device)
    return _C._gpu_info()


def get_device_name(device=None):
    """The driver's name of the GPU in use.

    Raises: RuntimeError: if there is none.
    """
    return get_device_properties(device)["name"]


def synchronize(device=None):
    """Waits until all operations are done. What failed among them is raised here.

    Raises: RuntimeError: if there is no GPU, or it was lost. OutOfMemoryError: if its memory did not suffice.
    """
    _check(device)
    _C._gpu_synchronize()


def empty_cache():
    """Gives memory that is kept for the next tensors back to the driver."""
    _C._gpu_empty_cache()


def memory_stats(device=None):
    """Bytes by what they are used for: allocated, reserved, peak_allocated, peak_reserved, limit."""
    _check(device)
    names = ("allocated", "reserved", "peak_allocated", "peak_reserved", "limit")
    return dict(zip(names, _C._gpu_memory_stats(), strict=True))


def memory_allocated(device=None):
    """Bytes in tensors, rounded up to the sizes in which memory is given out."""
    return memory_stats(device)["allocated"]


def memory_reserved(device=None):
    """Bytes in tensors or kept for them."""
    return memory_stats(device)["reserved"]


def max_memory_allocated(device=None):
    """The most bytes in tensors since the start or `reset_peak_memory_stats`."""
    return memory_stats(device)["peak_allocated"]


def max_memory_reserved(device=None):
    """The most bytes reserved since the start or `reset_peak_memory_stats`."""
    return memory_stats(device)["peak_reserved"]


def reset_peak_memory_stats(device=None):
    """Sets the peaks to what is in use now."""
    _check(device)
    _C._gpu_reset_peaks()


def set_memory_limit(nbytes):
    """Sets how many bytes may be reserved; the environment variable RUSTORCH_GPU_MEMORY_LIMIT does so from the start.

    Args:
        nbytes (int, at least 0): the limit.
    """
    _C._gpu_set_memory_limit(nbytes)


def set_fusion(on):
    """Turns the fusion of pointwise operations on or off; the environment variable RUSTORCH_GPU_FUSION=1 does so from the start.

    With it, chains of float32 operations over one shape become one kernel each, made for the chain and kept by its structure.
    What lies between and is not held by anybody is never written to memory. Results agree with those without it to
    float32's rounding: a driver may contract across what were calls of their own.

    Args:
        on (bool): fuse from now on?

    Returns: whether it was on.

    Example::

        rustorch.gpu.set_fusion(True)
    """
    return _C._gpu_set_fusion(on)


def fallback_stats():
    """How often each operation ran on the CPU for lack of a GPU kernel: a dict from its name to the number of calls.

    Empty unless the environment variable RUSTORCH_GPU_FALLBACK is 1: without it such operations raise NotImplementedError.
    """
    return _C._gpu_fallback_stats()


def reset():
    """Gives the GPU up, lost or not, and starts it again at its next use. Tensors on it are of no use after that."""
    _C._gpu_reset()


# The generators by GPU: Philox4x32-10, whose numbers depend on seed and place alone, not on the vendor.
default_generators = (_C._gpu_generator,)


def manual_seed(seed):
    """Seeds the GPU's generator; `rustorch.manual_seed` does so too.

    Args: seed (int): in [-2^63, 2^64); negative values count from 2^64 down.
    """
    _C._gpu_generator.manual_seed(int(seed))


def manual_seed_all(seed):
    """Seeds the generators of all GPUs, of which one is used."""
    manual_seed(seed)


def seed():
    """Seeds the GPU's generator with a number from the operating system."""
    _C._gpu_generator.seed()


def seed_all():
    """Seeds the generators of all GPUs with a number from the operating system."""
    seed()


def initial_seed():
    """The number that the GPU's generator was seeded with."""
    return _C._gpu_generator.initial_seed()


def get_rng_state(device="gpu"):
    """The state of the GPU's generator, a uint8 tensor of 16 bytes on the CPU: the seed, and the place in its stream."""
    _check(device)
    return _C._gpu_generator.get_state()


def get_rng_state_all():
    """A list of the states of all GPUs' generators."""
    return [get_rng_state()]


def set_rng_state(new_state, device="gpu"):
    """Sets the state of the GPU's generator to one of `get_rng_state`."""
    _check(device)
    _C._gpu_generator.set_state(new_state)


def set_rng_state_all(new_states):
    """Sets the states of all GPUs' generators to those of `get_rng_state_all`."""
    for number, state in enumerate(new_states):
        set_rng_state(state, number)
