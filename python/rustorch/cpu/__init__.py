"""The CPU in the form of torch's device modules."""

from contextlib import nullcontext

from rustorch import _C

__all__ = [
    "Stream",
    "current_device",
    "current_stream",
    "device_count",
    "empty_cache",
    "is_available",
    "memory_stats",
    "set_device",
    "stream",
    "synchronize",
]


def is_available():
    """True."""
    return True


def device_count():
    """1: all cores together are one device."""
    return 1


def current_device():
    """'cpu'."""
    return "cpu"


def set_device(device):
    """Nothing: there is one CPU device."""


def synchronize(device=None):
    """Nothing: operations are done when they return."""


class Stream:
    """A queue of operations; on the CPU they run at once."""

    def __init__(self, priority=-1):
        self.priority = priority

    def wait_stream(self, stream):
        """Nothing: the other stream is done."""


_current = Stream()


def current_stream(device=None):
    """The one stream."""
    return _current


def stream(stream):
    """A `with` block without effect."""
    return nullcontext(stream)


def is_initialized():
    """True."""
    return True


def empty_cache():
    """Give memory that the allocator keeps for later tensors back to the system."""
    _C._empty_cache()


def memory_stats():
    """Bytes in living tensors and bytes obtained from the system, with their peaks, as a dict."""
    names = ("allocated_bytes", "reserved_bytes", "allocated_bytes.peak", "reserved_bytes.peak")
    return dict(zip(names, _C._memory_stats(), strict=True))
