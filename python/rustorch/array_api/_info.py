"""What the namespace can do: `__array_namespace_info__` of the array API standard."""

import rustorch
from rustorch.array_api._data_types import KINDS

__all__ = ["__array_namespace_info__"]


def _available(dtype, device):
    try:
        rustorch.empty(0, dtype=dtype, device=device)
    except (TypeError, NotImplementedError, RuntimeError):
        return False
    return True


class __array_namespace_info__:
    """Capabilities, devices and dtypes of rustorch.

    Example:
        >>> from rustorch import array_api as xp
        >>> xp.__array_namespace_info__().dtypes(kind="real floating")
        {'float32': torch.float32, 'float64': torch.float64}
    """

    def capabilities(self):
        """What is supported: indexing by bool arrays, shapes that depend on data, and 64 dims as in torch."""
        return {"boolean indexing": True, "data-dependent shapes": True, "max dimensions": 64}

    def default_device(self):
        """The device of arrays made without one."""
        return rustorch.empty(0).device

    def default_dtypes(self, *, device=None):
        """The dtypes of arrays made of Python numbers, and of indices."""
        real = rustorch.get_default_dtype()
        return {
            "real floating": real,
            "complex floating": real.to_complex(),
            "integral": rustorch.int64,
            "indexing": rustorch.int64,
        }

    def dtypes(self, *, device=None, kind=None):
        """The standard's dtypes by name, of all kinds or of one or a tuple of them, that a device holds."""
        kinds = ("bool", "numeric") if kind is None else kind if isinstance(kind, tuple) else (kind,)
        for one in kinds:
            if one not in KINDS:
                raise ValueError(
                    f"dtypes: expected a kind out of {', '.join(KINDS)}, but got {one!r}. Use one of those."
                )
        found = [dtype for one in kinds for dtype in KINDS[one] if _available(dtype, device)]
        return {str(dtype).removeprefix("torch."): dtype for dtype in found}

    def devices(self):
        """The devices that hold values: the CPU, and the GPU where there is one."""
        return [rustorch.device("cpu"), *(rustorch.device("gpu", k) for k in range(rustorch.gpu.device_count()))]
