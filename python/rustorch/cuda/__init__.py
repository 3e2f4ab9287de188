"""CUDA's interface without CUDA.

In programs written for torch (`python -m rustorch script.py`), `cuda` names the GPU, of whatever vendor, and these functions
are those of `rustorch.gpu`. Elsewhere they say that there is no CUDA, and leave programs that ask first undisturbed.
"""

import time
import types

import rustorch
from rustorch import _C

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
    """True if `cuda` names the GPU, and there is one."""
    return _C._cuda_is_gpu() and rustorch.gpu.is_available()


def device_count():
    """1 if `cuda` names the GPU, and there is one; else 0."""
    return int(is_available())


def is_initialized():
    """True if `cuda` names the GPU, and there is one."""
    return is_available()


def is_bf16_supported(including_emulation=True):
    """True if `cuda` names the GPU, and there is one: bfloat16 is computed in float32 there."""
    return is_available() and including_emulation


def is_current_stream_capturing():
    """False: there are no streams."""
    return False


def get_arch_list():
    """An empty list: no architecture is compiled for."""
    return []


def _absent(name, text="Torch not compiled with CUDA enabled"):
    def function(*args, **kwargs):
        if _C._cuda_is_gpu() and hasattr(rustorch.gpu, name):
            return getattr(rustorch.gpu, name)(*args, **kwargs)
        raise AssertionError(f"{text}\n  cuda.{name}: expected a CUDA device, but there is none. Use device='cpu'.")

    function.__name__ = function.__qualname__ = name
    function.__doc__ = f"`rustorch.gpu.{name}` if `cuda` names the GPU and has it; else raises AssertionError."
    return function


def _nothing(name, result=None):
    def function(*args, **kwargs):
        if _C._cuda_is_gpu() and hasattr(rustorch.gpu, name):
            return getattr(rustorch.gpu, name)(*args, **kwargs)
        return result() if callable(result) else result

    function.__name__ = function.__qualname__ = name
    function.__doc__ = f"`rustorch.gpu.{name}` if `cuda` names the GPU and has it; else there is nothing to do."
    return function


for _name in (
    "current_blas_handle",
    "current_device",
    "get_device_capability",
    "get_device_name",
    "get_rng_state",
    "init",
    "initial_seed",
    "mem_get_info",
    "set_device",
    "set_rng_state",
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


def get_device_properties(device=None):
    """What is known of the GPU, as attributes: name, total_memory (the largest buffer, in bytes), kind, driver, ...

    Raises: AssertionError: if `cuda` does not name the GPU.
    """
    found = _absent("get_device_properties")(device)
    return types.SimpleNamespace(**found, total_memory=found["max_buffer"], multi_processor_count=1)


class device:
    """A `with` block for the device; nothing happens, as one GPU at most is in use."""

    def __init__(self, device):
        self.idx = 0 if is_available() else -1

    def __enter__(self):
        return None

    def __exit__(self, *args):
        return False


class _Dummy:
    def __init__(self, *args, **kwargs):
        raise RuntimeError(f"torch.cuda.{type(self).__name__} requires CUDA support")


class Stream:
    """The GPU's one stream: commands run in order.

    Raises: RuntimeError: if `cuda` does not name the GPU.
    """

    def __init__(self, device=None, priority=0, **kwargs):
        if not is_available():
            raise RuntimeError("torch.cuda.Stream requires CUDA support")
        self.device = rustorch.device("cuda:0")

    def synchronize(self):
        """Waits until all work is done."""
        rustorch.gpu.synchronize()

    def query(self):
        """True: what was asked for is done once anybody looks."""
        self.synchronize()
        return True

    def wait_stream(self, stream):
        """Nothing: there is one stream."""

    def wait_event(self, event):
        """Nothing: there is one stream."""

    def record_event(self, event=None):
        """An event that has happened by now."""
        event = Event() if event is None else event
        event.record(self)
        return event

    def __enter__(self):
        return self

    def __exit__(self, *args):
        return False


def current_stream(device=None):
    """The GPU's one stream.

    Raises: AssertionError: if `cuda` does not name the GPU.
    """
    _absent("synchronize")(device)
    return Stream(device)


default_stream = current_stream


def set_stream(stream):
    """Nothing: there is one stream.

    Raises: AssertionError: if `cuda` does not name the GPU.
    """
    current_stream()


class Event:
    """A point in time of the GPU's stream; recording one waits for all work before it.

    Raises: RuntimeError: if `cuda` does not name the GPU.
    """

    def __init__(self, enable_timing=False, blocking=False, interprocess=False, external=False):
        if not is_available():
            raise RuntimeError("torch.cuda.Event requires CUDA support")
        self._time = None

    def record(self, stream=None):
        """Waits for the work so far, and takes the time."""
        rustorch.gpu.synchronize()
        self._time = time.perf_counter()

    def synchronize(self):
        """Nothing: recording has waited."""

    def wait(self, stream=None):
        """Nothing: there is one stream."""

    def query(self):
        """True: recording has waited."""
        return True

    def elapsed_time(self, end_event):
        """Milliseconds from this event to another.

        Raises: ValueError: if one was not recorded.
        """
        if self._time is None or end_event._time is None:
            raise ValueError("Both events must be recorded before calculating elapsed time.")
        return 1000 * (end_event._time - self._time)


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
    if name == "_initialized":
        return is_initialized()
    if name == "nvtx":
        import importlib

        return importlib.import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
