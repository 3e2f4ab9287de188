"""Data loading, activation checkpoints, hooks and other helpers; each is imported at first use."""

_MODULES = ("_mode_utils", "checkpoint", "data", "dlpack", "hooks", "serialization", "tensorboard")


def __getattr__(name):
    if name in _MODULES:
        import importlib

        return importlib.import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def set_module(obj, mod):
    """Set the module that `obj` says it comes from."""
    if not isinstance(mod, str):
        raise TypeError("The mod argument should be a string")
    obj.__module__ = mod
