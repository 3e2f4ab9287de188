"""Pooling layers."""

from rustorch.nn import functional as F
from rustorch.nn._shapes import _pair, _single, _triple
from rustorch.nn.modules.module import Module

__all__ = [
    "AdaptiveAvgPool1d",
    "AdaptiveAvgPool2d",
    "AdaptiveAvgPool3d",
    "AdaptiveMaxPool1d",
    "AdaptiveMaxPool2d",
    "AdaptiveMaxPool3d",
    "AvgPool1d",
    "AvgPool2d",
    "AvgPool3d",
    "FractionalMaxPool2d",
    "FractionalMaxPool3d",
    "LPPool1d",
    "LPPool2d",
    "LPPool3d",
    "MaxPool1d",
    "MaxPool2d",
    "MaxPool3d",
    "MaxUnpool1d",
    "MaxUnpool2d",
    "MaxUnpool3d",
]


class _MaxPoolNd(Module):
    __constants__ = ["ceil_mode", "dilation", "kernel_size", "padding", "return_indices", "stride"]

    def __init__(self, kernel_size, stride=None, padding=0, dilation=1, return_indices=False, ceil_mode=False):
        super().__init__()
        self.kernel_size = kernel_size
        self.stride = kernel_size if stride is None else stride
        self.padding = padding
        self.dilation = dilation
        self.return_indices = return_indices
        self.ceil_mode = ceil_mode

    def _pool(self, pool, input):
        return pool(
            input,
            self.kernel_size,
            self.stride,
            self.padding,
            self.dilation,
            ceil_mode=self.ceil_mode,
            return_indices=self.return_indices,
        )

    def extra_repr(self):
        return (
            f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}, "
            f"dilation={self.dilation}, ceil_mode={self.ceil_mode}"
        )


class MaxPool1d(_MaxPoolNd):
    """Maximum over sliding windows.

    Args:
        kernel_size (int or tuple)
        stride (int or tuple, kernel_size), dilation (int or tuple, 1)
        padding (int or tuple, 0): minus infinity at both sides, at most half the kernel.
        return_indices (bool, False): also return where the maxima are, for MaxUnpool.
        ceil_mode (bool, False): round the output's size up instead of down.
    Shape:  input (N, C, L) or (C, L), output (N, C, L_out) or (C, L_out),
        L_out = floor((L + 2 padding - dilation (kernel_size - 1) - 1) / stride + 1).
    Example:
        >>> nn.MaxPool1d(2)(torch.tensor([[1.0, 4.0, 2.0, 3.0]]))
        tensor([[4., 3.]])
    """

    def forward(self, input):
        return self._pool(F.max_pool1d, input)


class MaxPool2d(_MaxPoolNd):
    """Maximum over sliding windows of images; arguments as for MaxPool1d.

    Shape:  input (N, C, H, W) or (C, H, W), output (N, C, H_out, W_out) or (C, H_out, W_out).
    Example:
        >>> nn.MaxPool2d(2)(torch.randn(1, 3, 8, 8)).shape
        torch.Size([1, 3, 4, 4])
    """

    def forward(self, input):
        return self._pool(F.max_pool2d, input)


class MaxPool3d(_MaxPoolNd):
    """Maximum over sliding windows of volumes; arguments as for MaxPool1d.

    Shape:  input (N, C, D, H, W) or (C, D, H, W), output (N, C, D_out, H_out, W_out) or without N.
    Example:
        >>> nn.MaxPool3d(2)(torch.randn(1, 3, 4, 6, 8)).shape
        torch.Size([1, 3, 2, 3, 4])
    """

    def forward(self, input):
        return self._pool(F.max_pool3d, input)


class _MaxUnpoolNd(Module):
    def __init__(self, kernel_size, stride=None, padding=0):
        super().__init__()
        repeat = self._repeat
        self.kernel_size = repeat(kernel_size)
        self.stride = repeat(kernel_size if stride is None else stride)
        self.padding = repeat(padding)

    def extra_repr(self):
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"


class MaxUnpool1d(_MaxUnpoolNd):
    """Put values back where MaxPool1d took them from, zeros elsewhere.

    Args:  kernel_size, stride, padding: those of the pooling.
    Shape:  input and indices (N, C, L) or (C, L); the size of the output is `output_size`, or the smallest possible.
    Example:
        >>> values, places = nn.MaxPool1d(2, return_indices=True)(torch.tensor([[1.0, 4.0, 2.0, 3.0]]))
        >>> nn.MaxUnpool1d(2)(values, places)
        tensor([[0., 4., 0., 3.]])
    """

    _repeat = staticmethod(_single)

    def forward(self, input, indices, output_size=None):
        return F.max_unpool1d(input, indices, self.kernel_size, self.stride, self.padding, output_size)


class MaxUnpool2d(_MaxUnpoolNd):
    """MaxUnpool1d for images.

    Shape:  input and indices (N, C, H, W) or (C, H, W).
    Example:
        >>> values, places = nn.MaxPool2d(2, return_indices=True)(torch.randn(1, 1, 4, 4))
        >>> nn.MaxUnpool2d(2)(values, places).shape
        torch.Size([1, 1, 4, 4])
    """

    _repeat = staticmethod(_pair)

    def forward(self, input, indices, output_size=None):
        return F.max_unpool2d(input, indices, self.kernel_size, self.stride, self.padding, output_size)


class MaxUnpool3d(_MaxUnpoolNd):
    """MaxUnpool1d for volumes.

    Shape:  input and indices (N, C, D, H, W) or (C, D, H, W).
    Example:
        >>> values, places = nn.MaxPool3d(2, return_indices=True)(torch.randn(1, 1, 4, 4, 4))
        >>> nn.MaxUnpool3d(2)(values, places).shape
        torch.Size([1, 1, 4, 4, 4])
    """

    _repeat = staticmethod(_triple)

    def forward(self, input, indices, output_size=None):
        return F.max_unpool3d(input, indices, self.kernel_size, self.stride, self.padding, output_size)


class _AvgPoolNd(Module):
    __constants__ = ["ceil_mode", "count_include_pad", "kernel_size", "padding", "stride"]

    def extra_repr(self):
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"


class AvgPool1d(_AvgPoolNd):
    """Mean over sliding windows.

    Args:
        kernel_size (int or tuple)
        stride (int or tuple, kernel_size)
        padding (int or tuple, 0): zeros at both sides, at most half the kernel.
        ceil_mode (bool, False): round the output's size up instead of down.
        count_include_pad (bool, True): divide by the size of the window, zeros included.
    Shape:  input (N, C, L) or (C, L), output (N, C, L_out) or (C, L_out).
    Example:
        >>> nn.AvgPool1d(2)(torch.tensor([[1.0, 4.0, 2.0, 3.0]]))
        tensor([[2.5000, 2.5000]])
    """

    def __init__(self, kernel_size, stride=None, padding=0, ceil_mode=False, count_include_pad=True):
        super().__init__()
        self.kernel_size = _single(kernel_size)
        self.stride = _single(kernel_size if stride is None else stride)
        self.padding = _single(padding)
        self.ceil_mode = ceil_mode
        self.count_include_pad = count_include_pad

    def forward(self, input):
        return F.avg_pool1d(input, self.kernel_size, self.stride, self.padding, self.ceil_mode, self.count_include_pad)


class _AvgPoolWithDivisor(_AvgPoolNd):
    __constants__ = [*_AvgPoolNd.__constants__, "divisor_override"]

    def __init__(
        self,
        kernel_size,
        stride=None,
        padding=0,
        ceil_mode=False,
        count_include_pad=True,
        divisor_override=None,
    ):
        super().__init__()
        self.kernel_size = kernel_size
        self.stride = kernel_size if stride is None else stride
        self.padding = padding
        self.ceil_mode = ceil_mode
        self.count_include_pad = count_include_pad
        self.divisor_override = divisor_override

    def __setstate__(self, state):
        super().__setstate__(state)
        for name, default in (("padding", 0), ("ceil_mode", False), ("count_include_pad", True)):
            self.__dict__.setdefault(name, default)

    def _pool(self, pool, input):
        return pool(
            input,
            self.kernel_size,
            self.stride,
            self.padding,
            self.ceil_mode,
            self.count_include_pad,
            self.divisor_override,
        )


class AvgPool2d(_AvgPoolWithDivisor):
    """Mean over sliding windows of images; arguments as for AvgPool1d.

    Args:  divisor_override (int, None): divide the sums by this number.
    Shape:  input (N, C, H, W) or (C, H, W), output (N, C, H_out, W_out) or (C, H_out, W_out).
    Example:
        >>> nn.AvgPool2d(2)(torch.arange(16.0).view(1, 1, 4, 4))
        tensor([[[[ 2.5000,  4.5000],
                  [10.5000, 12.5000]]]])
    """

    def forward(self, input):
        return self._pool(F.avg_pool2d, input)


class AvgPool3d(_AvgPoolWithDivisor):
    """Mean over sliding windows of volumes; arguments as for AvgPool2d.

    Shape:  input (N, C, D, H, W) or (C, D, H, W), output (N, C, D_out, H_out, W_out) or without N.
    Example:
        >>> nn.AvgPool3d((1, 2, 2), padding=(0, 1, 1))(torch.ones(1, 1, 2, 2, 2)).shape
        torch.Size([1, 1, 2, 2, 2])
    """

    def forward(self, input):
        return self._pool(F.avg_pool3d, input)


class _FractionalMaxPoolNd(Module):
    __constants__ = ["kernel_size", "output_ratio", "output_size", "return_indices"]

    def __init__(self, kernel_size, output_size=None, output_ratio=None, return_indices=False, _random_samples=None):
        super().__init__()
        repeat, name = self._repeat, type(self).__name__
        self.kernel_size = repeat(kernel_size)
        self.return_indices = return_indices
        self.register_buffer("_random_samples", _random_samples)
        self.output_size = None if output_size is None else repeat(output_size)
        self.output_ratio = None if output_ratio is None else repeat(output_ratio)
        if output_size is None and output_ratio is None:
            raise ValueError(f"{name} requires specifying either an output size, or a pooling ratio")
        if output_size is not None and output_ratio is not None:
            raise ValueError("only one of output_size and output_ratio may be specified")
        if self.output_ratio is not None and not all(0 < ratio < 1 for ratio in self.output_ratio):
            raise ValueError(f"output_ratio must be between 0 and 1 (got {output_ratio})")

    def _pool(self, pool, input):
        return pool(
            input,
            self.kernel_size,
            self.output_size,
            self.output_ratio,
            self.return_indices,
            _random_samples=self._random_samples,
        )


class FractionalMaxPool2d(_FractionalMaxPoolNd):
    """Maximum over windows of images at random steps.

    Args:
        kernel_size (int or tuple)
        output_size (int or tuple, None), output_ratio (float or tuple, None): one of them; the ratio is in (0, 1).
        return_indices (bool, False): also return where the maxima are.
    Shape:  input (N, C, H, W) or (C, H, W).
    Example:
        >>> nn.FractionalMaxPool2d(2, output_size=(3, 4))(torch.randn(1, 2, 7, 9)).shape
        torch.Size([1, 2, 3, 4])

    Source: Graham 2014, arXiv:1412.6071.
    """

    _repeat = staticmethod(_pair)

    def forward(self, input):
        return self._pool(F.fractional_max_pool2d, input)


class FractionalMaxPool3d(_FractionalMaxPoolNd):
    """FractionalMaxPool2d for volumes.

    Shape:  input (N, C, D, H, W) or (C, D, H, W).
    Example:
        >>> nn.FractionalMaxPool3d(2, output_ratio=0.5)(torch.randn(1, 2, 8, 8, 8)).shape
        torch.Size([1, 2, 4, 4, 4])
    """

    _repeat = staticmethod(_triple)

    def __init__(self, kernel_size, output_size=None, output_ratio=None, return_indices=False, _random_samples=None):
        if any(k <= 0 for k in _triple(kernel_size)):
            raise ValueError(f"kernel_size must be greater than 0, but got {kernel_size}")
        super().__init__(kernel_size, output_size, output_ratio, return_indices, _random_samples)

    def forward(self, input):
        return self._pool(F.fractional_max_pool3d, input)


class _LPPoolNd(Module):
    __constants__ = ["ceil_mode", "kernel_size", "norm_type", "stride"]

    def __init__(self, norm_type, kernel_size, stride=None, ceil_mode=False):
        super().__init__()
        self.norm_type = norm_type
        self.kernel_size = kernel_size
        self.stride = stride
        self.ceil_mode = ceil_mode

    def _pool(self, pool, input):
        return pool(input, float(self.norm_type), self.kernel_size, self.stride, self.ceil_mode)

    def extra_repr(self):
        return (
            f"norm_type={self.norm_type}, kernel_size={self.kernel_size}, stride={self.stride}, "
            f"ceil_mode={self.ceil_mode}"
        )


class LPPool1d(_LPPoolNd):
    """`sum(x ** p) ** (1 / p)` over sliding windows.

    Args:
        norm_type (float): p; infinity is the maximum.
        kernel_size (int or tuple), stride (int or tuple, kernel_size)
        ceil_mode (bool, False): round the output's size up instead of down.
    Shape:  input (N, C, L) or (C, L).
    Example:
        >>> nn.LPPool1d(2, 2)(torch.tensor([[3.0, 4.0, 6.0, 8.0]]))
        tensor([[ 5., 10.]])
    """

    def forward(self, input):
        return self._pool(F.lp_pool1d, input)


class LPPool2d(_LPPoolNd):
    """LPPool1d for images.

    Shape:  input (N, C, H, W) or (C, H, W).
    Example:
        >>> nn.LPPool2d(1, 2)(torch.ones(1, 1, 2, 4))
        tensor([[[[4., 4.]]]])
    """

    def forward(self, input):
        return self._pool(F.lp_pool2d, input)


class LPPool3d(_LPPoolNd):
    """LPPool1d for volumes.

    Shape:  input (N, C, D, H, W) or (C, D, H, W).
    Example:
        >>> nn.LPPool3d(2, 2)(torch.ones(1, 1, 4, 4, 4)).shape
        torch.Size([1, 1, 2, 2, 2])
    """

    def forward(self, input):
        return self._pool(F.lp_pool3d, input)


class _AdaptiveMaxPoolNd(Module):
    __constants__ = ["output_size", "return_indices"]

    def __init__(self, output_size, return_indices=False):
        super().__init__()
        self.output_size = output_size
        self.return_indices = return_indices

    def extra_repr(self):
        return f"output_size={self.output_size}"


class AdaptiveMaxPool1d(_AdaptiveMaxPoolNd):
    """Maximum over regions that give an output of a chosen size.

    Args:
        output_size (int)
        return_indices (bool, False): also return where the maxima are.
    Shape:  input (N, C, L) or (C, L), output (N, C, output_size) or (C, output_size).
    Example:
        >>> nn.AdaptiveMaxPool1d(2)(torch.tensor([[1.0, 4.0, 2.0, 3.0]]))
        tensor([[4., 3.]])
    """

    def forward(self, input):
        return F.adaptive_max_pool1d(input, self.output_size, self.return_indices)


class AdaptiveMaxPool2d(_AdaptiveMaxPoolNd):
    """AdaptiveMaxPool1d for images; None in output_size (h, w) keeps a size.

    Shape:  input (N, C, H, W) or (C, H, W).
    Example:
        >>> nn.AdaptiveMaxPool2d((1, None))(torch.randn(1, 2, 5, 7)).shape
        torch.Size([1, 2, 1, 7])
    """

    def forward(self, input):
        return F.adaptive_max_pool2d(input, self.output_size, self.return_indices)


class AdaptiveMaxPool3d(_AdaptiveMaxPoolNd):
    """AdaptiveMaxPool1d for volumes; None in output_size (d, h, w) keeps a size.

    Shape:  input (N, C, D, H, W) or (C, D, H, W).
    Example:
        >>> nn.AdaptiveMaxPool3d(2)(torch.randn(1, 2, 5, 7, 9)).shape
        torch.Size([1, 2, 2, 2, 2])
    """

    def forward(self, input):
        return F.adaptive_max_pool3d(input, self.output_size, self.return_indices)


class _AdaptiveAvgPoolNd(Module):
    __constants__ = ["output_size"]

    def __init__(self, output_size):
        super().__init__()
        self.output_size = output_size

    def extra_repr(self):
        return f"output_size={self.output_size}"


class AdaptiveAvgPool1d(_AdaptiveAvgPoolNd):
    """Mean over regions that give an output of a chosen size.

    Args:  output_size (int)
    Shape:  input (N, C, L) or (C, L), output (N, C, output_size) or (C, output_size).
    Example:
        >>> nn.AdaptiveAvgPool1d(2)(torch.tensor([[1.0, 4.0, 2.0, 3.0]]))
        tensor([[2.5000, 2.5000]])
    """

    def forward(self, input):
        return F.adaptive_avg_pool1d(input, self.output_size)


class AdaptiveAvgPool2d(_AdaptiveAvgPoolNd):
    """AdaptiveAvgPool1d for images; None in output_size (h, w) keeps a size.

    Shape:  input (N, C, H, W) or (C, H, W).
    Example:
        >>> nn.AdaptiveAvgPool2d(1)(torch.arange(4.0).view(1, 1, 2, 2))
        tensor([[[[1.5000]]]])
    """

    def forward(self, input):
        return F.adaptive_avg_pool2d(input, self.output_size)


class AdaptiveAvgPool3d(_AdaptiveAvgPoolNd):
    """AdaptiveAvgPool1d for volumes; None in output_size (d, h, w) keeps a size.

    Shape:  input (N, C, D, H, W) or (C, D, H, W).
    Example:
        >>> nn.AdaptiveAvgPool3d((1, 2, 3))(torch.randn(1, 2, 5, 7, 9)).shape
        torch.Size([1, 2, 1, 2, 3])
    """

    def forward(self, input):
        return F.adaptive_avg_pool3d(input, self.output_size)
