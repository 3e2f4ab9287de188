"""Batches in pinned memory."""

from collections.abc import Mapping, Sequence


def pin_memory(data, device=None):
    """`data` with everything that has a `pin_memory` method replaced by what that returns.

    Raises:  RuntimeError: if `data` holds a tensor, as only memory for an accelerator is pinned.
    """
    if hasattr(data, "pin_memory"):
        return data.pin_memory()
    if isinstance(data, Mapping):
        return type(data)({key: pin_memory(value, device) for key, value in data.items()})
    if isinstance(data, Sequence) and not isinstance(data, (str, bytes)):
        parts = [pin_memory(part, device) for part in data]
        return type(data)(*parts) if hasattr(data, "_fields") else type(data)(parts)
    return data
