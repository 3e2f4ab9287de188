"""Sliding windows as columns, and back."""

from rustorch.nn import functional as F
from rustorch.nn.modules.module import Module

__all__ = ["Fold", "Unfold"]


class Fold(Module):
    """Add columns, as Unfold makes them, up into an image.

    Args:
        output_size (int or tuple): height and width of the image.
        kernel_size, dilation (1), padding (0), stride (1): int or tuple, those of the windows.
    Shape:  input (N, C * kernel elements, L) or without N, output (N, C, H, W) or (C, H, W).
    Example:
        >>> x = torch.arange(6.0).view(1, 1, 2, 3)
        >>> patches = nn.Unfold(kernel_size=2)(x)
        >>> nn.Fold(output_size=(2, 3), kernel_size=2)(patches)
        tensor([[[[0., 2., 2.],
                  [3., 8., 5.]]]])
    """

    __constants__ = ["dilation", "kernel_size", "output_size", "padding", "stride"]

    def __init__(self, output_size, kernel_size, dilation=1, padding=0, stride=1):
        super().__init__()
        self.output_size = output_size
        self.kernel_size = kernel_size
        self.dilation = dilation
        self.padding = padding
        self.stride = stride

    def forward(self, input):
        return F.fold(input, self.output_size, self.kernel_size, self.dilation, self.padding, self.stride)

    def extra_repr(self):
        return (
            f"output_size={self.output_size}, kernel_size={self.kernel_size}, dilation={self.dilation}, "
            f"padding={self.padding}, stride={self.stride}"
        )


class Unfold(Module):
    """Lay the sliding windows of an image out as columns.

    Args:  kernel_size, dilation (1), padding (0), stride (1): int or tuple.
    Shape:  input (N, C, H, W) or (C, H, W), output (N, C * kernel elements, L) or without N, L windows.
    Example:
        >>> nn.Unfold((2, 3))(torch.randn(2, 5, 3, 4)).shape
        torch.Size([2, 30, 4])
    """

    __constants__ = ["dilation", "kernel_size", "padding", "stride"]

    def __init__(self, kernel_size, dilation=1, padding=0, stride=1):
        super().__init__()
        self.kernel_size = kernel_size
        self.dilation = dilation
        self.padding = padding
        self.stride = stride

    def forward(self, input):
        return F.unfold(input, self.kernel_size, self.dilation, self.padding, self.stride)

    def extra_repr(self):
        return f"kernel_size={self.kernel_size}, dilation={self.dilation}, padding={self.padding}, stride={self.stride}"
