"""CUDA's interface on a build without CUDA: it says so, and leaves programs that ask first undisturbed."""

import rustorch

__all__ = [
    "Event",
    "Stream",
    "current_device",
    "current_stream",
    "device",
    "device_count",
    "empty_cache",
    "get_device_capability",
    "get_device_name",
    "get_device_properties",
    "get_rng_state",
    "get_rng_state_all",
    "init",
    "ipc_collect",
    "is_available",
    "is_bf16_supported",
    "is_initialized",
    "manual_seed",
    "manual_seed_all",
    "max_memory_allocated",
    "max_memory_reserved",
    "mem_get_info",
    "memory_allocated",
    "memory_reserved",
    "memory_stats",
    "memory_summary",
    "reset_peak_memory_stats",
    "seed",
    "seed_all",
    "set_device",
    "set_rng_state",
    "set_rng_state_all",
    "stream",
    "synchronize",
]

has_half = False
has_magma = False
default_generators = ()


class DeferredCudaCallError(Exception):
    """Raised by torch for failed delayed calls; never raised here."""


OutOfMemoryError = rustorch.OutOfMemoryError


def is_available():
    """False: there is no CUDA backend."""
    return False


def device_count():
    """0: there is no CUDA device."""
    return 0


def is_initialized():
    """False: there is nothing to initialise."""
    return False


def is_bf16_supported(including_emulation=True):
    """False: there is no CUDA device."""
    return False


def is_current_stream_capturing():
    """False: there are no streams."""
    return False


def get_arch_list():
    """An empty list: no architecture is compiled for."""
    return []


def _absent(name, text="Torch not compiled with CUDA enabled"):
    def function(*args, **kwargs):
        raise AssertionError(f"{text}\n  cuda.{name}: expected a CUDA device, but there is none. Use device='cpu'.")

    function.__name__ = function.__qualname__ = name
    function.__doc__ = "Raises AssertionError: there is no CUDA device."
    return function


def _nothing(name, result=None):
    def function(*args, **kwargs):
        return result() if callable(result) else result

    function.__name__ = function.__qualname__ = name
    function.__doc__ = "Nothing to do: there is no CUDA device."
    return function


for _name in (
    "current_blas_handle",
    "current_device",
    "current_stream",
    "default_stream",
    "get_device_capability",
    "get_device_name",
    "get_device_properties",
    "get_rng_state",
    "init",
    "initial_seed",
    "mem_get_info",
    "set_device",
    "set_rng_state",
    "set_stream",
    "synchronize",
    "utilization",
):
    globals()[_name] = _absent(_name)
for _name, _result in {
    "empty_cache": None,
    "ipc_collect": None,
    "manual_seed": None,
    "manual_seed_all": None,
    "seed": None,
    "seed_all": None,
    "reset_peak_memory_stats": None,
    "reset_max_memory_allocated": None,
    "reset_accumulated_memory_stats": None,
    "memory_allocated": 0,
    "max_memory_allocated": 0,
    "memory_reserved": 0,
    "max_memory_reserved": 0,
    "memory_stats": dict,
    "memory_summary": "",
    "get_rng_state_all": list,
    "set_rng_state_all": None,
}.items():
    globals()[_name] = _nothing(_name, _result)


class device:
    """A `with` block for a CUDA device; nothing happens, as there is none."""

    def __init__(self, device):
        self.idx = -1

    def __enter__(self):
        return None

    def __exit__(self, *args):
        return False


class _Dummy:
    def __init__(self, *args, **kwargs):
        raise RuntimeError(f"torch.cuda.{type(self).__name__} requires CUDA support")


class Stream(_Dummy):
    """Raises RuntimeError: there are no CUDA streams."""


class Event(_Dummy):
    """Raises RuntimeError: there are no CUDA events."""


class CUDAGraph(_Dummy):
    """Raises RuntimeError: there are no CUDA graphs."""


class stream:
    """A `with` block for a stream; with None, nothing happens."""

    def __init__(self, stream):
        self.stream = stream

    def __enter__(self):
        return None

    def __exit__(self, *args):
        return False


def __getattr__(name):
    if name == "nvtx":
        import importlib

        return importlib.import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
