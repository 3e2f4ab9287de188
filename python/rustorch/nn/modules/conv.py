"""Convolutions."""

import math

import rustorch
from rustorch.nn import functional as F
from rustorch.nn import init
from rustorch.nn._shapes import _pair, _reverse_repeat_tuple, _single, _triple
from rustorch.nn.modules.lazy import LazyModuleMixin
from rustorch.nn.modules.module import Module
from rustorch.nn.parameter import Parameter, UninitializedParameter

__all__ = [
    "Conv1d",
    "Conv2d",
    "Conv3d",
    "ConvTranspose1d",
    "ConvTranspose2d",
    "ConvTranspose3d",
    "LazyConv1d",
    "LazyConv2d",
    "LazyConv3d",
    "LazyConvTranspose1d",
    "LazyConvTranspose2d",
    "LazyConvTranspose3d",
]

_PADDING_MODES = ("zeros", "reflect", "replicate", "circular")


class _ConvNd(Module):
    """What all convolutions share: arguments, parameters, initialisation and repr."""

    __constants__ = [
        "dilation",
        "groups",
        "in_channels",
        "kernel_size",
        "out_channels",
        "output_padding",
        "padding",
        "padding_mode",
        "stride",
    ]

    def __init__(
        self,
        in_channels,
        out_channels,
        kernel_size,
        stride,
        padding,
        dilation,
        transposed,
        output_padding,
        groups,
        bias,
        padding_mode,
        device=None,
        dtype=None,
    ):
        super().__init__()
        if groups <= 0:
            raise ValueError("groups must be a positive integer")
        if in_channels % groups != 0:
            raise ValueError("in_channels must be divisible by groups")
        if out_channels % groups != 0:
            raise ValueError("out_channels must be divisible by groups")
        if isinstance(padding, str):
            if padding not in ("same", "valid"):
                raise ValueError(f"Invalid padding string {padding!r}, should be one of {{'same', 'valid'}}")
            if padding == "same" and any(s != 1 for s in stride):
                raise ValueError("padding='same' is not supported for strided convolutions")
        if padding_mode not in _PADDING_MODES:
            raise ValueError(
                f"padding_mode must be one of {set(_PADDING_MODES)}, but got padding_mode='{padding_mode}'"
            )
        self.in_channels = in_channels
        self.out_channels = out_channels
        self.kernel_size = kernel_size
        self.stride = stride
        self.padding = padding
        self.dilation = dilation
        self.transposed = transposed
        self.output_padding = output_padding
        self.groups = groups
        self.padding_mode = padding_mode
        # In the order that `pad` takes: last dimension first, before and after.
        if padding == "same":
            totals = [d * (k - 1) for d, k in zip(dilation, kernel_size)]
            self._reversed_padding_repeated_twice = [
                side for total in reversed(totals) for side in (total // 2, total - total // 2)
            ]
        elif padding == "valid":
            self._reversed_padding_repeated_twice = [0, 0] * len(kernel_size)
        else:
            self._reversed_padding_repeated_twice = _reverse_repeat_tuple(padding, 2)
        shape = self._weight_shape()
        self.weight = Parameter(rustorch.empty(shape, device=device, dtype=dtype))
        values = rustorch.empty(out_channels, device=device, dtype=dtype) if bias else None
        self.register_parameter("bias", Parameter(values) if bias else None)
        self.reset_parameters()

    def _weight_shape(self):
        if self.transposed:
            return (self.in_channels, self.out_channels // self.groups, *self.kernel_size)
        return (self.out_channels, self.in_channels // self.groups, *self.kernel_size)

    def reset_parameters(self):
        """Draw new values for all parameters."""
        with rustorch.no_grad():
            if self.weight.is_contiguous():
                init.kaiming_uniform_(self.weight, a=math.sqrt(5))
            else:
                # The values do not depend on the memory format.
                values = rustorch.empty_like(self.weight, memory_format=rustorch.contiguous_format)
                self.weight.copy_(init.kaiming_uniform_(values, a=math.sqrt(5)))
            if self.bias is not None:
                fan_in, _ = init._calculate_fan_in_and_fan_out(self.weight)
                bound = 1 / math.sqrt(fan_in) if fan_in > 0 else 0
                init.uniform_(self.bias, -bound, bound)

    def _convolve(self, conv, input, weight, bias):
        """Call the functional `conv`, after padding by hand for the modes it does not know."""
        if self.padding_mode == "zeros":
            return conv(input, weight, bias, self.stride, self.padding, self.dilation, self.groups)
        input = F.pad(input, self._reversed_padding_repeated_twice, mode=self.padding_mode)
        return conv(input, weight, bias, self.stride, 0, self.dilation, self.groups)

    def forward(self, input):
        # The table first: an attribute that only __getattr__ finds costs several dict lookups more.
        params = self._parameters
        weight = params.get("weight")
        if weight is None:  # parametrized
            weight = self.weight
        return self._conv_forward(input, weight, params["bias"] if "bias" in params else self.bias)

    def extra_repr(self):
        n = len(self.kernel_size)
        text = f"{self.in_channels}, {self.out_channels}, kernel_size={self.kernel_size}, stride={self.stride}"
        if self.padding != (0,) * len(self.padding):
            text += f", padding={self.padding}"
        if self.dilation != (1,) * n:
            text += f", dilation={self.dilation}"
        if self.output_padding != (0,) * n:
            text += f", output_padding={self.output_padding}"
        if self.groups != 1:
            text += f", groups={self.groups}"
        if self.bias is None:
            text += ", bias=False"
        if self.padding_mode != "zeros":
            text += f", padding_mode={self.padding_mode}"
        return text

    def __setstate__(self, state):
        super().__setstate__(state)
        self.__dict__.setdefault("padding_mode", "zeros")


class _Conv(_ConvNd):
    """The constructor of the convolutions; `_repeat` makes a tuple of a single number."""

    def __init__(
        self,
        in_channels,
        out_channels,
        kernel_size,
        stride=1,
        padding=0,
        dilation=1,
        groups=1,
        bias=True,
        padding_mode="zeros",
        device=None,
        dtype=None,
    ):
        repeat = self._repeat
        super().__init__(
            in_channels,
            out_channels,
            repeat(kernel_size),
            repeat(stride),
            padding if isinstance(padding, str) else repeat(padding),
            repeat(dilation),
            False,
            repeat(0),
            groups,
            bias,
            padding_mode,
            device=device,
            dtype=dtype,
        )


class Conv1d(_Conv):
    """Cross-correlation of sequences with learned kernels.

    Args:
        in_channels (int), out_channels (int)
        kernel_size (int or tuple)
        stride (int or tuple, 1), dilation (int or tuple, 1)
        padding (int, tuple or str, 0): on both sides; 'valid' is none, 'same' keeps the size (stride 1 only).
        groups (int, 1): split the channels into groups that do not see each other.
        bias (bool, True): whether there is a bias.
        padding_mode (str, 'zeros'): 'zeros', 'reflect', 'replicate' or 'circular'.
        device (device, None), dtype (dtype, None): of the parameters.
    Shape:  input (N, C_in, L) or (C_in, L), output (N, C_out, L_out) or (C_out, L_out),
        L_out = floor((L + 2 padding - dilation (kernel_size - 1) - 1) / stride + 1).
    Attributes:
        weight (out_channels, in_channels / groups, kernel_size), bias (out_channels): uniform in +-1/sqrt(fan_in).
    Raises:  ValueError: if channels are not divisible by groups, or `padding_mode` or a text for `padding` is unknown.
        RuntimeError: if the input does not have `in_channels` channels, or is smaller than the kernel.
    Example:
        >>> nn.Conv1d(3, 8, kernel_size=5, padding=2)(torch.randn(4, 3, 100)).shape
        torch.Size([4, 8, 100])
    """

    _repeat = staticmethod(_single)

    def _conv_forward(self, input, weight, bias):
        return self._convolve(F.conv1d, input, weight, bias)


class Conv2d(_Conv):
    """Cross-correlation of images with learned kernels; arguments as for Conv1d, pairs are (height, width).

    Shape:  input (N, C_in, H, W) or (C_in, H, W), output (N, C_out, H_out, W_out) or (C_out, H_out, W_out).
    Attributes:  weight (out_channels, in_channels / groups, kH, kW), bias (out_channels)
    Raises:  as Conv1d.
    Example:
        >>> nn.Conv2d(3, 8, kernel_size=3, padding=1)(torch.randn(2, 3, 16, 16)).shape
        torch.Size([2, 8, 16, 16])
    """

    _repeat = staticmethod(_pair)

    def _conv_forward(self, input, weight, bias):
        return self._convolve(F.conv2d, input, weight, bias)


class Conv3d(_Conv):
    """Cross-correlation of volumes with learned kernels; arguments as for Conv1d, triples are (depth, height, width).

    Shape:  input (N, C_in, D, H, W) or (C_in, D, H, W), output (N, C_out, D_out, H_out, W_out) or without N.
    Attributes:  weight (out_channels, in_channels / groups, kD, kH, kW), bias (out_channels)
    Example:
        >>> nn.Conv3d(1, 4, 3, stride=2)(torch.randn(2, 1, 9, 9, 9)).shape
        torch.Size([2, 4, 4, 4, 4])
    """

    _repeat = staticmethod(_triple)

    def _conv_forward(self, input, weight, bias):
        return self._convolve(F.conv3d, input, weight, bias)


class _ConvTransposeNd(_ConvNd):
    """What the transposed convolutions share; `_repeat` makes a tuple of a single number."""

    def __init__(
        self,
        in_channels,
        out_channels,
        kernel_size,
        stride=1,
        padding=0,
        output_padding=0,
        groups=1,
        bias=True,
        dilation=1,
        padding_mode="zeros",
        device=None,
        dtype=None,
    ):
        if padding_mode != "zeros":
            raise ValueError(f'Only "zeros" padding mode is supported for {type(self).__name__}')
        repeat = self._repeat
        super().__init__(
            in_channels,
            out_channels,
            repeat(kernel_size),
            repeat(stride),
            repeat(padding),
            repeat(dilation),
            True,
            repeat(output_padding),
            groups,
            bias,
            padding_mode,
            device=device,
            dtype=dtype,
        )

    def _output_padding(self, input, output_size, stride, padding, kernel_size, num_spatial_dims, dilation=None):
        """What to add at the end of each dimension so that the output has `output_size`."""
        if output_size is None:
            return _single(self.output_padding)
        n = num_spatial_dims
        leading = 2 if input.dim() == n + 2 else 1
        if len(output_size) == leading + n:
            output_size = output_size[leading:]
        if len(output_size) != n:
            raise ValueError(
                f"ConvTranspose{n}D: for {input.dim()}D input, output_size must have {n} or {leading + n} elements "
                f"(got {len(output_size)})"
            )
        dilation = (1,) * n if dilation is None else dilation
        # A stride greater than 1 maps several output sizes to one input size.
        smallest = [
            (size - 1) * s - 2 * p + d * (k - 1) + 1
            for size, s, p, d, k in zip(input.shape[leading:], stride, padding, dilation, kernel_size)
        ]
        largest = [size + s - 1 for size, s in zip(smallest, stride)]
        for size, low, high in zip(output_size, smallest, largest):
            if size < low or size > high:
                raise ValueError(
                    f"requested an output size of {output_size}, but valid sizes range from {smallest} to {largest} "
                    f"(for an input of {input.size()[2:]})"
                )
        return [size - low for size, low in zip(output_size, smallest)]

    def _transpose(self, conv, input, output_size):
        if self.padding_mode != "zeros":
            raise ValueError(f"Only `zeros` padding mode is supported for {type(self).__name__}")
        n = len(self.kernel_size)
        output_padding = self._output_padding(
            input, output_size, self.stride, self.padding, self.kernel_size, n, self.dilation
        )
        return conv(
            input,
            self.weight,
            self.bias,
            self.stride,
            self.padding,
            output_padding,
            self.groups,
            self.dilation,
        )


class ConvTranspose1d(_ConvTransposeNd):
    """The transpose of Conv1d as a linear map: its gradient with respect to the input.

    Args:
        in_channels (int), out_channels (int)
        kernel_size (int or tuple)
        stride (int or tuple, 1), dilation (int or tuple, 1)
        padding (int or tuple, 0): that of the convolution; dilation * (kernel_size - 1) - padding zeros are added.
        output_padding (int or tuple, 0): added to the output's size at one side.
        groups (int, 1): split the channels into groups that do not see each other.
        bias (bool, True): whether there is a bias.
        padding_mode (str, 'zeros'): only 'zeros'.
        device (device, None), dtype (dtype, None): of the parameters.
    Shape:  input (N, C_in, L) or (C_in, L), output (N, C_out, L_out) or (C_out, L_out),
        L_out = (L - 1) stride - 2 padding + dilation (kernel_size - 1) + output_padding + 1.
    Attributes:  weight (in_channels, out_channels / groups, kernel_size), bias (out_channels)
    Example:
        >>> nn.ConvTranspose1d(8, 3, 4, stride=2, padding=1)(torch.randn(4, 8, 50)).shape
        torch.Size([4, 3, 100])
    """

    _repeat = staticmethod(_single)

    def forward(self, input, output_size=None):
        return self._transpose(F.conv_transpose1d, input, output_size)


class ConvTranspose2d(_ConvTransposeNd):
    """The transpose of Conv2d as a linear map; arguments as for ConvTranspose1d, pairs are (height, width).

    Shape:  input (N, C_in, H, W) or (C_in, H, W), output (N, C_out, H_out, W_out) or (C_out, H_out, W_out).
    Example:
        >>> up = nn.ConvTranspose2d(8, 4, kernel_size=2, stride=2)
        >>> up(torch.randn(1, 8, 5, 5)).shape
        torch.Size([1, 4, 10, 10])
    """

    _repeat = staticmethod(_pair)

    def forward(self, input, output_size=None):
        return self._transpose(F.conv_transpose2d, input, output_size)


class ConvTranspose3d(_ConvTransposeNd):
    """The transpose of Conv3d as a linear map; arguments as for ConvTranspose1d, triples are (depth, height, width).

    Shape:  input (N, C_in, D, H, W) or (C_in, D, H, W), output (N, C_out, D_out, H_out, W_out) or without N.
    Example:
        >>> nn.ConvTranspose3d(4, 1, 2, stride=2)(torch.randn(2, 4, 3, 3, 3)).shape
        torch.Size([2, 1, 6, 6, 6])
    """

    _repeat = staticmethod(_triple)

    def forward(self, input, output_size=None):
        return self._transpose(F.conv_transpose3d, input, output_size)


class _LazyConvMixin(LazyModuleMixin):
    """A convolution whose in_channels the first input gives; it becomes the ordinary class then.

    Args:  those of the ordinary class without in_channels.
    """

    def _without_channels(self, out_channels, bias, device, dtype):
        """Put parameters without a shape in place of the empty ones the constructor made."""
        self.weight = UninitializedParameter(device=device, dtype=dtype)
        self.out_channels = out_channels
        if bias:
            self.bias = UninitializedParameter(device=device, dtype=dtype)

    def reset_parameters(self):
        if not self.has_uninitialized_params() and self.in_channels != 0:
            super().reset_parameters()

    def initialize_parameters(self, input, *args, **kwargs):
        if not self.has_uninitialized_params():
            return
        self.in_channels = self._get_in_channels(input)
        if self.in_channels % self.groups != 0:
            raise ValueError("in_channels must be divisible by groups")
        self.weight.materialize(self._weight_shape())
        if self.bias is not None:
            self.bias.materialize((self.out_channels,))
        self.reset_parameters()

    def _get_in_channels(self, input):
        unbatched = len(self.kernel_size) + 1
        if input.dim() not in (unbatched, unbatched + 1):
            raise RuntimeError(
                f"Expected {unbatched}D (unbatched) or {unbatched + 1}D (batched) input to {type(self).__name__}, "
                f"but got input of size: {input.shape}"
            )
        return input.shape[input.dim() - unbatched]


class _LazyConv(_LazyConvMixin):
    def __init__(
        self,
        out_channels,
        kernel_size,
        stride=1,
        padding=0,
        dilation=1,
        groups=1,
        bias=True,
        padding_mode="zeros",
        device=None,
        dtype=None,
    ):
        super().__init__(
            0, 0, kernel_size, stride, padding, dilation, groups, False, padding_mode, device=device, dtype=dtype
        )
        self._without_channels(out_channels, bias, device, dtype)


class _LazyConvTranspose(_LazyConvMixin):
    def __init__(
        self,
        out_channels,
        kernel_size,
        stride=1,
        padding=0,
        output_padding=0,
        groups=1,
        bias=True,
        dilation=1,
        padding_mode="zeros",
        device=None,
        dtype=None,
    ):
        super().__init__(
            0,
            0,
            kernel_size,
            stride,
            padding,
            output_padding,
            groups,
            False,
            dilation,
            padding_mode,
            device=device,
            dtype=dtype,
        )
        self._without_channels(out_channels, bias, device, dtype)


class LazyConv1d(_LazyConv, Conv1d):
    """A Conv1d whose in_channels the first input gives; the other arguments are the same.

    Example:
        >>> layer = nn.LazyConv1d(4, 3)
        >>> layer(torch.randn(2, 5, 6)).shape, type(layer).__name__, layer.in_channels
        (torch.Size([2, 4, 4]), 'Conv1d', 5)
    """

    cls_to_become = Conv1d


class LazyConv2d(_LazyConv, Conv2d):
    """A Conv2d whose in_channels the first input gives; the other arguments are the same.

    Example:
        >>> layer = nn.LazyConv2d(4, 3)
        >>> layer(torch.randn(2, 5, 6, 6)).shape, type(layer).__name__, layer.in_channels
        (torch.Size([2, 4, 4, 4]), 'Conv2d', 5)
    """

    cls_to_become = Conv2d


class LazyConv3d(_LazyConv, Conv3d):
    """A Conv3d whose in_channels the first input gives; the other arguments are the same.

    Example:
        >>> layer = nn.LazyConv3d(4, 3)
        >>> layer(torch.randn(2, 5, 6, 6, 6)).shape, type(layer).__name__, layer.in_channels
        (torch.Size([2, 4, 4, 4, 4]), 'Conv3d', 5)
    """

    cls_to_become = Conv3d


class LazyConvTranspose1d(_LazyConvTranspose, ConvTranspose1d):
    """A ConvTranspose1d whose in_channels the first input gives; the other arguments are the same.

    Example:
        >>> layer = nn.LazyConvTranspose1d(4, 3)
        >>> layer(torch.randn(2, 5, 6)).shape, type(layer).__name__, layer.in_channels
        (torch.Size([2, 4, 8]), 'ConvTranspose1d', 5)
    """

    cls_to_become = ConvTranspose1d


class LazyConvTranspose2d(_LazyConvTranspose, ConvTranspose2d):
    """A ConvTranspose2d whose in_channels the first input gives; the other arguments are the same.

    Example:
        >>> layer = nn.LazyConvTranspose2d(4, 3)
        >>> layer(torch.randn(2, 5, 6, 6)).shape, type(layer).__name__, layer.in_channels
        (torch.Size([2, 4, 8, 8]), 'ConvTranspose2d', 5)
    """

    cls_to_become = ConvTranspose2d


class LazyConvTranspose3d(_LazyConvTranspose, ConvTranspose3d):
    """A ConvTranspose3d whose in_channels the first input gives; the other arguments are the same.

    Example:
        >>> layer = nn.LazyConvTranspose3d(4, 3)
        >>> layer(torch.randn(2, 5, 6, 6, 6)).shape, type(layer).__name__, layer.in_channels
        (torch.Size([2, 4, 8, 8, 8]), 'ConvTranspose3d', 5)
    """

    cls_to_become = ConvTranspose3d
