"""Signal processing: `torch.signal.windows`."""

from rustorch.signal import windows as windows

__all__ = ["windows"]
