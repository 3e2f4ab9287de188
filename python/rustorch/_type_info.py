"""Limits of floating-point and integer dtypes."""

import rustorch

# Bits, digits of the mantissa (with the hidden one) and the smallest normal exponent, by dtype.
_FLOATS = {
    "float16": (16, 11, -14, 3),
    "bfloat16": (16, 8, -126, 2),
    "float32": (32, 24, -126, 6),
    "float64": (64, 53, -1022, 15),
}
_INTEGERS = {"uint8", "int8", "int16", "int32", "int64", "uint16", "uint32", "uint64"}


def _dtype(name, type):
    if not isinstance(type, rustorch.dtype):
        kind = type.__class__.__name__
        raise TypeError(f"{name}(): argument 'type' (position 1) must be torch.dtype, not {kind}")
    return type


class _Info:
    """What finfo and iinfo share: equal if of equal dtype, and not hashable, as in torch."""

    __slots__ = ("_name", "bits")

    def __eq__(self, other):
        return self._name == other._name if type(other) is type(self) else NotImplemented

    __hash__ = None

    @property
    def dtype(self):
        """The dtype's name."""
        return self._name

    def __reduce__(self):
        return type(self), (getattr(rustorch, self._name),)


class finfo(_Info):
    """Limits of a floating-point dtype; of a complex one, those of its parts.

    Args:  type (dtype, the default dtype).
    Attributes:
        bits (int), eps (float): the distance from 1 to the next number, max, min, tiny (smallest_normal),
        resolution: 10 to the minus number of decimal digits, dtype (str).
    Example:
        >>> torch.finfo(torch.float32).eps
        1.1920928955078125e-07
    """

    __slots__ = ("eps", "max", "min", "resolution", "tiny")
    __module__ = "rustorch"

    def __init__(self, type=None):
        dtype = rustorch.get_default_dtype() if type is None else _dtype("finfo", type)
        self._name = str(dtype.to_real()).removeprefix("torch.")
        if self._name not in _FLOATS:
            raise TypeError(
                "torch.finfo() requires a floating point input type. Use torch.iinfo to handle 'torch.finfo'"
            )
        self.bits, digits, lowest, decimals = _FLOATS[self._name]
        self.eps = 2.0 ** (1 - digits)
        self.tiny = 2.0**lowest
        # The largest exponent is 1 minus the smallest.
        self.max = (2.0 - self.eps) * 2.0 ** (1 - lowest)
        self.min = -self.max
        self.resolution = float(f"1e-{decimals}")

    @property
    def smallest_normal(self):
        """The smallest positive normal number."""
        return self.tiny

    def __repr__(self):
        return (
            f"finfo(resolution={self.resolution:g}, min={self.min:g}, max={self.max:g}, eps={self.eps:g}, "
            f"smallest_normal={self.tiny:g}, tiny={self.tiny:g}, dtype={self._name})"
        )


class iinfo(_Info):
    """Limits of an integer dtype.

    Args:  type (dtype).
    Attributes:  bits (int), max (int), min (int), dtype (str).
    Example:
        >>> torch.iinfo(torch.int8).max
        127
    """

    __slots__ = ("max", "min")
    __module__ = "rustorch"

    def __init__(self, *args, **kwargs):
        if not args and not kwargs:
            raise TypeError('iinfo() missing 1 required positional arguments: "type"')
        self._set(*args, **kwargs)

    def _set(self, type):
        self._name = str(_dtype("iinfo", type)).removeprefix("torch.")
        if self._name == "bool":
            raise TypeError("torch.bool is not supported by torch.iinfo")
        if self._name not in _INTEGERS:
            raise TypeError("torch.iinfo() requires an integer input type. Use torch.finfo to handle 'torch.iinfo'")
        self.bits = 8 * type.itemsize
        signed = type.is_signed
        self.min = -(2 ** (self.bits - 1)) if signed else 0
        self.max = 2 ** (self.bits - signed) - 1

    def __repr__(self):
        return f"iinfo(min={self.min:g}, max={self.max:g}, dtype={self._name})"
