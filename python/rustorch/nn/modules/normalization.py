"""Normalisations over channels and features."""

from numbers import Integral

import rustorch
from rustorch.nn import functional as F
from rustorch.nn import init
from rustorch.nn.modules.module import Module
from rustorch.nn.parameter import Parameter

__all__ = ["CrossMapLRN2d", "GroupNorm", "LayerNorm", "LocalResponseNorm", "RMSNorm"]


class LocalResponseNorm(Module):
    """`x / (k + alpha * mean(x^2)) ** beta`, the mean over `size` neighbouring channels.

    Args:  size (int), alpha (float, 1e-4), beta (float, 0.75), k (float, 1)
    Shape:  input (N, C, *), output the same.
    Example:
        >>> nn.LocalResponseNorm(2)(torch.ones(1, 3, 1))
        tensor([[[1.0000],
                 [0.9999],
                 [0.9999]]])
    """

    __constants__ = ["alpha", "beta", "k", "size"]

    def __init__(self, size, alpha=1e-4, beta=0.75, k=1.0):
        super().__init__()
        self.size = size
        self.alpha = alpha
        self.beta = beta
        self.k = k

    def forward(self, input):
        return F.local_response_norm(input, self.size, self.alpha, self.beta, self.k)

    def extra_repr(self):
        return f"{self.size}, alpha={self.alpha}, beta={self.beta}, k={self.k}"


class CrossMapLRN2d(Module):
    """`x * (k + alpha / size * sum(x^2)) ** -beta`, the sum over the channels up to (size - 1) // 2 away.

    Args:  size (int), alpha (float, 1e-4), beta (float, 0.75), k (float, 1)
    Shape:  input (N, C, H, W), output the same.
    Example:
        >>> nn.CrossMapLRN2d(3)(torch.ones(1, 4, 2, 2)).shape
        torch.Size([1, 4, 2, 2])

    Note:  as in torch, channel 0 stays in the sum of all channels further on; LocalResponseNorm has no such exception.
        The gradient is the derivative of this formula, where torch's sums over one channel too many on one side.
    """

    def __init__(self, size, alpha=1e-4, beta=0.75, k=1):
        super().__init__()
        self.size = size
        self.alpha = alpha
        self.beta = beta
        self.k = k

    def forward(self, input):
        if input.dim() != 4:
            raise ValueError(f"CrossMapLRN2d: Expected input to be 4D, got {input.dim()}D instead.")
        n, c, h, w = input.shape
        reach = (self.size - 1) // 2
        planes = input.square().view(n, 1, c, h, w)
        padded = F.pad(planes, (0, 0, 0, 0, reach, reach))
        sums = F.avg_pool3d(padded, (2 * reach + 1, 1, 1), stride=1, divisor_override=1).view(n, c, h, w)
        if c > reach + 1:
            near, far = sums.split([reach + 1, c - reach - 1], dim=1)
            sums = rustorch.cat([near, far + input[:, :1].square()], dim=1)
        return input * sums.mul(self.alpha / self.size).add(self.k).pow(-self.beta)

    def extra_repr(self):
        return f"{self.size}, alpha={self.alpha}, beta={self.beta}, k={self.k}"


def _shape(normalized_shape):
    return (normalized_shape,) if isinstance(normalized_shape, Integral) else tuple(normalized_shape)


class LayerNorm(Module):
    """Normalise over the last dimensions: `(x - mean) / sqrt(var + eps) * weight + bias`.

    Args:
        normalized_shape (int or tuple): shape of those dimensions.
        eps (float, 1e-5): added to the variance.
        elementwise_affine (bool, True): whether there are weight and bias.
        bias (bool, True): whether there is a bias, if elementwise_affine.
        device (device, None), dtype (dtype, None): of the parameters.
    Shape:  input (*, normalized_shape), output the same.
    Attributes:  weight (normalized_shape) ones, bias (normalized_shape) zeros
    Example:
        >>> nn.LayerNorm(2)(torch.tensor([[1.0, 3.0], [0.0, 10.0]]))
        tensor([[-1.0000,  1.0000],
                [-1.0000,  1.0000]], grad_fn=<NativeLayerNormBackward0>)

    Source: Ba, Kiros and Hinton 2016, arXiv:1607.06450.
    """

    __constants__ = ["elementwise_affine", "eps", "normalized_shape"]

    def __init__(self, normalized_shape, eps=1e-5, elementwise_affine=True, bias=True, device=None, dtype=None):
        super().__init__()
        self.normalized_shape = _shape(normalized_shape)
        self.eps = eps
        self.elementwise_affine = elementwise_affine

        def new():
            return Parameter(rustorch.empty(self.normalized_shape, device=device, dtype=dtype))

        self.register_parameter("weight", new() if elementwise_affine else None)
        self.register_parameter("bias", new() if elementwise_affine and bias else None)
        self.reset_parameters()

    def reset_parameters(self):
        """Set weight to 1 and bias to 0."""
        if self.elementwise_affine:
            init.ones_(self.weight)
            if self.bias is not None:
                init.zeros_(self.bias)

    def forward(self, input):
        params = self._parameters
        weight = params["weight"] if "weight" in params else self.weight
        bias = params["bias"] if "bias" in params else self.bias
        return F.layer_norm(input, self.normalized_shape, weight, bias, self.eps)

    def extra_repr(self):
        return (
            f"{self.normalized_shape}, eps={self.eps}, elementwise_affine={self.elementwise_affine}, "
            f"bias={self.bias is not None}"
        )


class GroupNorm(Module):
    """Normalise each group of channels of each sample, then scale and shift each channel.

    Args:
        num_groups (int): divides num_channels.
        num_channels (int): dimension 1 of the input.
        eps (float, 1e-5): added to the variance.
        affine (bool, True): whether there are weight and bias.
        device (device, None), dtype (dtype, None): of the parameters.
        bias (bool, True): whether there is a bias, if affine.
    Shape:  input (N, num_channels, *), output the same.
    Example:
        >>> x = nn.GroupNorm(2, 4)(torch.randn(3, 4, 5))
        >>> bool(x.view(3, 2, 10).mean(2).abs().max() < 1e-5)
        True

    Source: Wu and He 2018, arXiv:1803.08494.
    """

    __constants__ = ["affine", "eps", "num_channels", "num_groups"]

    def __init__(self, num_groups, num_channels, eps=1e-5, affine=True, device=None, dtype=None, *, bias=True):
        super().__init__()
        if num_channels % num_groups != 0:
            raise ValueError(f"num_channels ({num_channels}) must be divisible by num_groups ({num_groups})")
        self.num_groups = num_groups
        self.num_channels = num_channels
        self.eps = eps
        self.affine = affine

        def new():
            return Parameter(rustorch.empty(num_channels, device=device, dtype=dtype))

        self.register_parameter("weight", new() if affine else None)
        self.register_parameter("bias", new() if affine and bias else None)
        self.reset_parameters()

    def reset_parameters(self):
        """Set weight to 1 and bias to 0."""
        if self.affine:
            init.ones_(self.weight)
            if self.bias is not None:
                init.zeros_(self.bias)

    def forward(self, input):
        return F.group_norm(input, self.num_groups, self.weight, self.bias, self.eps)

    def extra_repr(self):
        return (
            f"{self.num_groups}, {self.num_channels}, eps={self.eps}, affine={self.affine}, "
            f"bias={self.bias is not None}"
        )


class RMSNorm(Module):
    """Divide by the root mean square over the last dimensions: `x / sqrt(mean(x^2) + eps) * weight`.

    Args:
        normalized_shape (int or tuple): shape of those dimensions.
        eps (float, None): added to the mean; None is the epsilon of the dtype.
        elementwise_affine (bool, True): whether there is a weight.
        device (device, None), dtype (dtype, None): of the parameter.
    Shape:  input (*, normalized_shape), output the same.
    Example:
        >>> nn.RMSNorm(2)(torch.tensor([[3.0, 3.0], [1.0, 7.0]])).detach()
        tensor([[1.0000, 1.0000],
                [0.2000, 1.4000]])

    Source: Zhang and Sennrich 2019, arXiv:1910.07467.
    """

    __constants__ = ["elementwise_affine", "eps", "normalized_shape"]

    def __init__(self, normalized_shape, eps=None, elementwise_affine=True, device=None, dtype=None):
        super().__init__()
        self.normalized_shape = _shape(normalized_shape)
        self.eps = eps
        self.elementwise_affine = elementwise_affine
        values = rustorch.empty(self.normalized_shape, device=device, dtype=dtype) if elementwise_affine else None
        self.register_parameter("weight", Parameter(values) if elementwise_affine else None)
        self.reset_parameters()

    def reset_parameters(self):
        """Set weight to 1."""
        if self.elementwise_affine:
            init.ones_(self.weight)

    def forward(self, x):
        return F.rms_norm(x, self.normalized_shape, self.weight, self.eps)

    def extra_repr(self):
        return f"{self.normalized_shape}, eps={self.eps}, elementwise_affine={self.elementwise_affine}"
