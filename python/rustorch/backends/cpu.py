"""The CPU's instruction set."""

from rustorch import _C


def get_cpu_capability():
    """The widest vectors that kernels use: 'AVX512', 'AVX2' or 'DEFAULT'."""
    return _C._cpu_capability()
