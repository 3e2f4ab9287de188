"""Moving values between channels and space."""

from rustorch.nn import functional as F
from rustorch.nn.modules.module import Module

__all__ = ["PixelShuffle", "PixelUnshuffle"]


class PixelShuffle(Module):
    """Spread each group of r^2 channels over blocks of r by r pixels.

    Args:  upscale_factor (int): r.
    Shape:  input (*, C r^2, H, W), output (*, C, H r, W r).
    Example:
        >>> nn.PixelShuffle(2)(torch.arange(4.0).view(4, 1, 1))
        tensor([[[0., 1.],
                 [2., 3.]]])

    Source: Shi et al. 2016, arXiv:1609.05158.
    """

    __constants__ = ["upscale_factor"]

    def __init__(self, upscale_factor):
        super().__init__()
        self.upscale_factor = upscale_factor

    def forward(self, input):
        return F.pixel_shuffle(input, self.upscale_factor)

    def extra_repr(self):
        return f"upscale_factor={self.upscale_factor}"


class PixelUnshuffle(Module):
    """The inverse of PixelShuffle.

    Args:  downscale_factor (int): r.
    Shape:  input (*, C, H r, W r), output (*, C r^2, H, W).
    Example:
        >>> nn.PixelUnshuffle(2)(torch.arange(4.0).view(1, 2, 2)).flatten()
        tensor([0., 1., 2., 3.])
    """

    __constants__ = ["downscale_factor"]

    def __init__(self, downscale_factor):
        super().__init__()
        self.downscale_factor = downscale_factor

    def forward(self, input):
        return F.pixel_unshuffle(input, self.downscale_factor)

    def extra_repr(self):
        return f"downscale_factor={self.downscale_factor}"
