"""Process-wide switches that PyTorch programs set: determinism, precision, threads, warnings.

Results here never depend on them: every operation is deterministic and computes in full precision.
"""

import warnings

import rustorch
from rustorch import _C

__all__ = [
    "are_deterministic_algorithms_enabled",
    "get_autocast_dtype",
    "get_deterministic_debug_mode",
    "get_float32_matmul_precision",
    "get_num_interop_threads",
    "is_autocast_cache_enabled",
    "is_autocast_enabled",
    "is_deterministic_algorithms_warn_only_enabled",
    "is_warn_always_enabled",
    "set_default_dtype",
    "set_deterministic_debug_mode",
    "set_float32_matmul_precision",
    "set_flush_denormal",
    "set_num_interop_threads",
    "set_warn_always",
    "use_deterministic_algorithms",
]

_state = {"deterministic": False, "warn_only": False, "precision": "highest"}


def set_default_dtype(d, /):
    """Set the dtype of new floating tensors; complex ones follow it.

    Args:  d (dtype): a floating-point dtype.
    """
    if not isinstance(d, rustorch.dtype):
        raise TypeError("invalid dtype object: only floating-point types are supported as the default type")
    _C._set_default_dtype(d)


def use_deterministic_algorithms(mode, *, warn_only=False):
    """Note that deterministic algorithms are wanted; they are used in any case.

    Args:  mode (bool); warn_only (bool, False): as in torch, where operations without one warn instead of raising.
    """
    if not isinstance(mode, bool):
        raise TypeError(
            f"_set_deterministic_algorithms(): argument 'mode' (position 1) must be bool, not {type(mode).__name__}"
        )
    _state.update(deterministic=mode, warn_only=mode and warn_only)


def are_deterministic_algorithms_enabled():
    """Was `use_deterministic_algorithms(True)` called?"""
    return _state["deterministic"]


def is_deterministic_algorithms_warn_only_enabled():
    """Was `warn_only` asked for?"""
    return _state["warn_only"]


def set_deterministic_debug_mode(debug_mode):
    """The same switch by number or name: 0 'default', 1 'warn', 2 'error'."""
    names = {"default": 0, "warn": 1, "error": 2}
    if not isinstance(debug_mode, int | str):
        raise TypeError(f"debug_mode must be str or int, but got {type(debug_mode)}")
    if isinstance(debug_mode, str):
        if debug_mode not in names:
            raise RuntimeError(
                f"invalid value of debug_mode, expected one of `default`, `warn`, `error`, but got {debug_mode}"
            )
        debug_mode = names[debug_mode]
    if debug_mode not in (0, 1, 2):
        raise RuntimeError(f"invalid value of debug_mode, expected 0, 1, or 2, but got {debug_mode}")
    use_deterministic_algorithms(debug_mode > 0, warn_only=debug_mode == 1)


def get_deterministic_debug_mode():
    """The switch as a number: 0 default, 1 warn, 2 error."""
    return 0 if not _state["deterministic"] else 1 if _state["warn_only"] else 2


def set_float32_matmul_precision(precision):
    """Note how precise float32 matrix products have to be; they are exact to float32 in any case.

    Args:  precision (str): 'highest', 'high' or 'medium'.
    """
    if not isinstance(precision, str):
        raise RuntimeError(f"set_float32_matmul_precision expects a str, but got {type(precision).__name__}")
    if precision not in ("highest", "high", "medium"):
        warnings.warn(
            f"{precision} is not one of 'highest', 'high', or 'medium'; the current setFloat32MatmulPrecision call has "
            "no effect.",
            UserWarning,
            stacklevel=2,
        )
        return
    _state["precision"] = precision


def get_float32_matmul_precision():
    """The precision that was set."""
    return _state["precision"]


def set_num_interop_threads(n):
    """Accepted and without effect: operations run one after another on the calling thread."""
    if not isinstance(n, int):
        raise RuntimeError(f"set_num_interop_threads expects an int, but got {type(n).__name__}")
    if n >= 1 << 31:
        raise ValueError("Overflow when unpacking long")
    if n <= 0:
        raise RuntimeError("set_num_interop_threads expects a positive integer")


def get_num_interop_threads():
    """1: operations run one after another on the calling thread."""
    return 1


def set_flush_denormal(mode):
    """False: denormal numbers are always kept, so that results do not depend on the machine."""
    if not isinstance(mode, bool):
        raise RuntimeError(f"flush_denormal expects a bool, but got {type(mode).__name__}")
    return False


def set_warn_always(b, /):
    """Repeat the warnings that come once a process otherwise."""
    if not isinstance(b, bool):
        raise RuntimeError(f"setWarnOnlyOnce expects a bool, but got {type(b).__name__}")
    _C._set_warn_always(b)


def is_warn_always_enabled():
    """What `set_warn_always` set."""
    return _C._warn_always()


# ---- autocast: operations run in the dtype of their operands, as there is no automatic choice yet


def is_autocast_enabled(device_type=None, /):
    """False: no operation chooses another dtype than that of its operands."""
    return False


def is_autocast_cache_enabled():
    """True, as in torch; nothing is cached."""
    return True


def get_autocast_dtype(device_type, /):
    """The dtype that autocast would use on a device type: bfloat16 on the CPU, float16 elsewhere."""
    return rustorch.bfloat16 if device_type == "cpu" else rustorch.float16
