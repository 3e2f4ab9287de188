"""Bridges to other libraries, each of which is imported at its first use."""

import importlib

__all__ = ["wgpu"]


def __getattr__(name):
    if name in __all__:
        return importlib.import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
