"""The CPU's instruction set, and the packed weights that inference keeps."""

from rustorch import _C


def get_cpu_capability():
    """The widest vectors that kernels use: 'AVX512', 'AVX2' or 'DEFAULT'."""
    return _C._cpu_capability()


def get_packed_weights_limit():
    """How many bytes packed weights may take together (67,108,864 unless changed)."""
    return _C._packed_weights_limit()


def set_packed_weights_limit(nbytes):
    """Sets how many bytes packed weights may take together; 0 keeps none from now on.

    Linear layers, matrix products and convolutions copy their weight into the order in which the processor reads it.
    Where a parameter is only read (in `no_grad()` or `inference_mode()`, or with `requires_grad` off), the copy of its
    second use is kept for later ones until the parameter changes. Results are the same bits either way.

    Args:
        nbytes (int, at least 0): the limit of all copies together.
    Raises:
        TypeError: `nbytes` is no int.
        OverflowError: `nbytes` is negative or beyond 64 bits.
    Example:
        >>> rustorch.backends.cpu.set_packed_weights_limit(256 << 20)
        >>> rustorch.backends.cpu.get_packed_weights_limit()
        268435456
    """
    _C._set_packed_weights_limit(nbytes)


def packed_weights_nbytes():
    """How many bytes packed weights take at this moment."""
    return _C._packed_weights_nbytes()
