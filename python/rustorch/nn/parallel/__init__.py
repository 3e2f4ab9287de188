"""Running one module on several devices; with a single device the module itself is called."""

from rustorch.nn.parallel.data_parallel import DataParallel, data_parallel

__all__ = ["DataParallel", "data_parallel"]
