"""Choosing among the kernels of `scaled_dot_product_attention`, where a device has several."""

import contextlib
from collections.abc import Iterable
from enum import IntEnum

__all__ = ["WARN_FOR_UNFUSED_KERNELS", "SDPBackend", "sdpa_kernel"]

WARN_FOR_UNFUSED_KERNELS = False


class SDPBackend(IntEnum):
    """The kernels torch distinguishes."""

    ERROR = -1
    MATH = 0
    FLASH_ATTENTION = 1
    EFFICIENT_ATTENTION = 2
    CUDNN_ATTENTION = 3
    OVERRIDEABLE = 4


@contextlib.contextmanager
def sdpa_kernel(backends, set_priority=False):
    """Ask for kernels inside the block; the CPU has one kernel, which serves all of them.

    Args:
        backends (SDPBackend or list of them): those that may be used.
        set_priority (bool, False): their order is one of preference.
    """
    if isinstance(backends, SDPBackend):
        backends = [backends]
    if not isinstance(backends, Iterable) or not all(isinstance(b, SDPBackend) for b in backends):
        raise AssertionError("Backend must be an instance of SDPBackend or a list of SDPBackend instances")
    yield
