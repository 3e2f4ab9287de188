"""Layers that put values around the last dimensions."""

from rustorch.nn import functional as F
from rustorch.nn._shapes import _ntuple
from rustorch.nn.modules.module import Module

__all__ = [
    "CircularPad1d",
    "CircularPad2d",
    "CircularPad3d",
    "ConstantPad1d",
    "ConstantPad2d",
    "ConstantPad3d",
    "ReflectionPad1d",
    "ReflectionPad2d",
    "ReflectionPad3d",
    "ReplicationPad1d",
    "ReplicationPad2d",
    "ReplicationPad3d",
    "ZeroPad1d",
    "ZeroPad2d",
    "ZeroPad3d",
]


class _Pad(Module):
    """A padding without further arguments; subclasses say how many dimensions `_ndim` and which `_mode`."""

    __constants__ = ["padding"]

    def __init__(self, padding):
        super().__init__()
        self.padding = _ntuple(2 * self._ndim)(padding)

    def forward(self, input):
        return F.pad(input, self.padding, self._mode)

    def extra_repr(self):
        return f"{self.padding}"


class _CircularPadNd(_Pad):
    _mode = "circular"

    def _check_input_dim(self, input):
        unbatched = self._ndim + 1
        if input.dim() not in (unbatched, unbatched + 1):
            raise ValueError(f"expected {unbatched}D or {unbatched + 1}D input (got {input.dim()}D input)")

    def forward(self, input):
        self._check_input_dim(input)
        return F.pad(input, self.padding, self._mode)


class CircularPad1d(_CircularPadNd):
    """Continue the last dimension with the values of its other end.

    Args:  padding (int or tuple): (left, right).
    Shape:  input (N, C, W) or (C, W), output with W + left + right.
    Example:
        >>> nn.CircularPad1d((1, 2))(torch.tensor([[1.0, 2.0, 3.0]]))
        tensor([[3., 1., 2., 3., 1., 2.]])
    """

    _ndim = 1


class CircularPad2d(_CircularPadNd):
    """CircularPad1d for images.

    Args:  padding (int or tuple): (left, right, top, bottom).
    Shape:  input (N, C, H, W) or (C, H, W).
    Example:
        >>> nn.CircularPad2d(1)(torch.arange(4.0).view(1, 2, 2))
        tensor([[[3., 2., 3., 2.],
                 [1., 0., 1., 0.],
                 [3., 2., 3., 2.],
                 [1., 0., 1., 0.]]])
    """

    _ndim = 2


class CircularPad3d(_CircularPadNd):
    """CircularPad1d for volumes.

    Args:  padding (int or tuple): (left, right, top, bottom, front, back).
    Shape:  input (N, C, D, H, W) or (C, D, H, W).
    Example:
        >>> nn.CircularPad3d((1, 1, 0, 1, 1, 0))(torch.randn(1, 2, 3, 4)).shape
        torch.Size([1, 3, 4, 6])
    """

    _ndim = 3


class _ConstantPadNd(_Pad):
    __constants__ = ["padding", "value"]

    def __init__(self, padding, value):
        super().__init__(padding)
        self.value = value

    def forward(self, input):
        return F.pad(input, self.padding, "constant", self.value)

    def extra_repr(self):
        return f"padding={self.padding}, value={self.value}"


class ConstantPad1d(_ConstantPadNd):
    """Put one value around the last dimension.

    Args:
        padding (int or tuple): (left, right).
        value (float)
    Shape:  input (N, C, W) or (C, W), output with W + left + right.
    Example:
        >>> nn.ConstantPad1d((1, 2), 9.0)(torch.tensor([[1.0, 2.0]]))
        tensor([[9., 1., 2., 9., 9.]])
    """

    _ndim = 1


class ConstantPad2d(_ConstantPadNd):
    """ConstantPad1d for images.

    Args:
        padding (int or tuple): (left, right, top, bottom).
        value (float)
    Shape:  input (N, C, H, W) or (C, H, W).
    Example:
        >>> nn.ConstantPad2d((0, 1, 0, 1), 9.0)(torch.arange(4.0).view(1, 2, 2))
        tensor([[[0., 1., 9.],
                 [2., 3., 9.],
                 [9., 9., 9.]]])
    """

    _ndim = 2


class ConstantPad3d(_ConstantPadNd):
    """ConstantPad1d for volumes.

    Args:
        padding (int or tuple): (left, right, top, bottom, front, back).
        value (float)
    Shape:  input (N, C, D, H, W) or (C, D, H, W).
    Example:
        >>> nn.ConstantPad3d(1, 9.0)(torch.randn(1, 2, 3, 4)).shape
        torch.Size([1, 4, 5, 6])
    """

    _ndim = 3


class _ReflectionPadNd(_Pad):
    _mode = "reflect"


class ReflectionPad1d(_ReflectionPadNd):
    """Continue the last dimension with its mirror image, the edge value once.

    Args:  padding (int or tuple): (left, right), each less than the size.
    Shape:  input (N, C, W) or (C, W), output with W + left + right.
    Example:
        >>> nn.ReflectionPad1d((1, 2))(torch.tensor([[1.0, 2.0, 3.0]]))
        tensor([[2., 1., 2., 3., 2., 1.]])
    """

    _ndim = 1


class ReflectionPad2d(_ReflectionPadNd):
    """ReflectionPad1d for images.

    Args:  padding (int or tuple): (left, right, top, bottom).
    Shape:  input (N, C, H, W) or (C, H, W).
    Example:
        >>> nn.ReflectionPad2d(1)(torch.arange(4.0).view(1, 2, 2))
        tensor([[[3., 2., 3., 2.],
                 [1., 0., 1., 0.],
                 [3., 2., 3., 2.],
                 [1., 0., 1., 0.]]])
    """

    _ndim = 2


class ReflectionPad3d(_ReflectionPadNd):
    """ReflectionPad1d for volumes.

    Args:  padding (int or tuple): (left, right, top, bottom, front, back).
    Shape:  input (N, C, D, H, W) or (C, D, H, W).
    Example:
        >>> nn.ReflectionPad3d((1, 1, 0, 1, 1, 0))(torch.randn(1, 2, 3, 4)).shape
        torch.Size([1, 3, 4, 6])
    """

    _ndim = 3


class _ReplicationPadNd(_Pad):
    _mode = "replicate"


class ReplicationPad1d(_ReplicationPadNd):
    """Continue the last dimension with its edge values.

    Args:  padding (int or tuple): (left, right).
    Shape:  input (N, C, W) or (C, W), output with W + left + right.
    Example:
        >>> nn.ReplicationPad1d((1, 2))(torch.tensor([[1.0, 2.0, 3.0]]))
        tensor([[1., 1., 2., 3., 3., 3.]])
    """

    _ndim = 1


class ReplicationPad2d(_ReplicationPadNd):
    """ReplicationPad1d for images.

    Args:  padding (int or tuple): (left, right, top, bottom).
    Shape:  input (N, C, H, W) or (C, H, W).
    Example:
        >>> nn.ReplicationPad2d(1)(torch.arange(4.0).view(1, 2, 2))
        tensor([[[0., 0., 1., 1.],
                 [0., 0., 1., 1.],
                 [2., 2., 3., 3.],
                 [2., 2., 3., 3.]]])
    """

    _ndim = 2


class ReplicationPad3d(_ReplicationPadNd):
    """ReplicationPad1d for volumes.

    Args:  padding (int or tuple): (left, right, top, bottom, front, back).
    Shape:  input (N, C, D, H, W) or (C, D, H, W).
    Example:
        >>> nn.ReplicationPad3d((1, 1, 0, 1, 1, 0))(torch.randn(1, 2, 3, 4)).shape
        torch.Size([1, 3, 4, 6])
    """

    _ndim = 3


class _ZeroPad:
    def __init__(self, padding):
        super().__init__(padding, 0.0)

    def extra_repr(self):
        return f"{self.padding}"


class ZeroPad1d(_ZeroPad, ConstantPad1d):
    """Put zeros around the last dimension.

    Args:  padding (int or tuple): (left, right).
    Shape:  input (N, C, W) or (C, W), output with W + left + right.
    Example:
        >>> nn.ZeroPad1d((1, 2))(torch.tensor([[1.0, 2.0, 3.0]]))
        tensor([[0., 1., 2., 3., 0., 0.]])
    """


class ZeroPad2d(_ZeroPad, ConstantPad2d):
    """ZeroPad1d for images.

    Args:  padding (int or tuple): (left, right, top, bottom).
    Shape:  input (N, C, H, W) or (C, H, W).
    Example:
        >>> nn.ZeroPad2d(1)(torch.arange(4.0).view(1, 2, 2))
        tensor([[[0., 0., 0., 0.],
                 [0., 0., 1., 0.],
                 [0., 2., 3., 0.],
                 [0., 0., 0., 0.]]])
    """


class ZeroPad3d(_ZeroPad, ConstantPad3d):
    """ZeroPad1d for volumes.

    Args:  padding (int or tuple): (left, right, top, bottom, front, back).
    Shape:  input (N, C, D, H, W) or (C, D, H, W).
    Example:
        >>> nn.ZeroPad3d((1, 1, 0, 1, 1, 0))(torch.randn(1, 2, 3, 4)).shape
        torch.Size([1, 3, 4, 6])
    """
