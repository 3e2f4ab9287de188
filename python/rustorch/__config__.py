"""How this build was made and what it runs on, as text."""

from rustorch import _C

__all__ = ["parallel_info", "show"]


def show():
    """The build's settings."""
    return f"rustorch {_C._version}\n  - CPU kernels: {_C._cpu_capability()}\n  - GPU backends: none\n"


def parallel_info():
    """The threads that kernels use."""
    return f"rustorch/Parallel:\n\tkernel threads : {_C.get_num_threads()}\n\toperations at a time : 1\n"
