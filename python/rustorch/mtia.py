"""MTIA's interface on a build without it: it says so."""

from rustorch._absent import device_count as device_count
from rustorch._absent import empty_cache as empty_cache
from rustorch._absent import is_available as is_available
from rustorch._absent import is_initialized as is_initialized
from rustorch._absent import manual_seed as manual_seed
from rustorch._absent import manual_seed_all as manual_seed_all
from rustorch._absent import refusals as _refusals
from rustorch._absent import seed as seed

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

current_device, synchronize = _refusals("MTIA")
