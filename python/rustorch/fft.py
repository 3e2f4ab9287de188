"""Discrete Fourier transforms: `torch.fft`."""

from rustorch import Tensor as Tensor
from rustorch._C import _fft

__all__ = []

for _name in dir(_fft):
    if _name.startswith("fft_"):
        _short = _name.removeprefix("fft_")
        globals()[_short] = getattr(_fft, _name)
        __all__.append(_short)
__all__.sort()
