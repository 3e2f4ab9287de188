"""Activation layers."""

import warnings

import rustorch
from rustorch.nn import functional as F
from rustorch.nn import init as initialise
from rustorch.nn.modules._softmax import LogSoftmax, Softmax, Softmax2d, Softmin
from rustorch.nn.modules.attention import MultiheadAttention
from rustorch.nn.modules.module import Module
from rustorch.nn.parameter import Parameter

__all__ = [
    "CELU",
    "ELU",
    "GELU",
    "GLU",
    "SELU",
    "Hardshrink",
    "Hardsigmoid",
    "Hardswish",
    "Hardtanh",
    "LeakyReLU",
    "LogSigmoid",
    "LogSoftmax",
    "Mish",
    "MultiheadAttention",
    "PReLU",
    "RReLU",
    "ReLU",
    "ReLU6",
    "SiLU",
    "Sigmoid",
    "Softmax",
    "Softmax2d",
    "Softmin",
    "Softplus",
    "Softshrink",
    "Softsign",
    "Tanh",
    "Tanhshrink",
    "Threshold",
]


class _InPlace(Module):
    """An activation whose only argument is `inplace`.

    Args:  inplace (bool, False): overwrite the input.
    """

    __constants__ = ["inplace"]

    def __init__(self, inplace=False):
        super().__init__()
        self.inplace = inplace

    def extra_repr(self):
        return "inplace=True" if self.inplace else ""


def _with_inplace(text, inplace):
    return f"{text}, inplace=True" if inplace else text


class ReLU(_InPlace):
    """`max(x, 0)`, element by element.

    Args:  inplace (bool, False): overwrite the input.
    Shape:  input (*), output (*).
    Example:
        >>> nn.ReLU()(torch.tensor([-1.0, 2.0]))
        tensor([0., 2.])
    """

    def forward(self, input):
        return F.relu(input, self.inplace)


class SiLU(_InPlace):
    """`x * sigmoid(x)`, also called swish.

    Args:  inplace (bool, False): overwrite the input.
    Example:
        >>> nn.SiLU()(torch.tensor([-2.0, 0.0, 3.0]))
        tensor([-0.2384,  0.0000,  2.8577])
    """

    def forward(self, input):
        return F.silu(input, self.inplace)


class Mish(_InPlace):
    """`x * tanh(softplus(x))`.

    Args:  inplace (bool, False): overwrite the input.
    Example:
        >>> nn.Mish()(torch.tensor([-2.0, 0.0, 3.0]))
        tensor([-0.2525,  0.0000,  2.9865])
    """

    def forward(self, input):
        return F.mish(input, self.inplace)


class SELU(_InPlace):
    """`scale * (max(0, x) + min(0, alpha * (exp(x) - 1)))` with the constants that normalise activations.

    Args:  inplace (bool, False): overwrite the input.
    Example:
        >>> nn.SELU()(torch.tensor([-2.0, 0.0, 3.0]))
        tensor([-1.5202,  0.0000,  3.1521])

    Source: Klambauer et al. 2017, arXiv:1706.02515.
    """

    def forward(self, input):
        return F.selu(input, self.inplace)


class _QuietInPlace(_InPlace):
    """Prints no arguments."""

    def extra_repr(self):
        return ""


class Hardsigmoid(_QuietInPlace):
    """`relu6(x + 3) / 6`.

    Args:  inplace (bool, False): overwrite the input.
    Example:
        >>> nn.Hardsigmoid()(torch.tensor([-2.0, 0.0, 3.0]))
        tensor([0.1667, 0.5000, 1.0000])
    """

    def forward(self, input):
        return F.hardsigmoid(input, self.inplace)


class Hardswish(_QuietInPlace):
    """`x * relu6(x + 3) / 6`.

    Args:  inplace (bool, False): overwrite the input.
    Example:
        >>> nn.Hardswish()(torch.tensor([-2.0, 0.0, 3.0]))
        tensor([-0.3333,  0.0000,  3.0000])
    """

    def forward(self, input):
        return F.hardswish(input, self.inplace)


class Threshold(Module):
    """`x` where it is greater than `threshold`, else `value`.

    Args:
        threshold (float), value (float)
        inplace (bool, False): overwrite the input.
    Example:
        >>> nn.Threshold(1.0, -5.0)(torch.tensor([-2.0, 0.0, 3.0]))
        tensor([-5., -5.,  3.])
    """

    __constants__ = ["inplace", "threshold", "value"]

    def __init__(self, threshold, value, inplace=False):
        super().__init__()
        self.threshold = threshold
        self.value = value
        self.inplace = inplace

    def forward(self, input):
        return F.threshold(input, self.threshold, self.value, self.inplace)

    def extra_repr(self):
        return _with_inplace(f"threshold={self.threshold}, value={self.value}", self.inplace)


class RReLU(Module):
    """`x` if positive, else `a * x` with a drawn from [lower, upper] in training, and their mean otherwise.

    Args:
        lower (float, 1/8), upper (float, 1/3): limits of the slope.
        inplace (bool, False): overwrite the input.
    Example:
        >>> nn.RReLU(0.1, 0.3).eval()(torch.tensor([-2.0, 0.0, 3.0]))
        tensor([-0.4000,  0.0000,  3.0000])
    """

    __constants__ = ["inplace", "lower", "upper"]

    def __init__(self, lower=1.0 / 8, upper=1.0 / 3, inplace=False):
        super().__init__()
        self.lower = lower
        self.upper = upper
        self.inplace = inplace

    def forward(self, input):
        return F.rrelu(input, self.lower, self.upper, self.training, self.inplace)

    def extra_repr(self):
        return _with_inplace(f"lower={self.lower}, upper={self.upper}", self.inplace)


class Hardtanh(Module):
    """`x` limited to [min_val, max_val].

    Args:
        min_val (float, -1), max_val (float, 1): the limits.
        inplace (bool, False): overwrite the input.
    Example:
        >>> nn.Hardtanh()(torch.tensor([-2.0, 0.0, 3.0]))
        tensor([-1.,  0.,  1.])
    """

    __constants__ = ["inplace", "max_val", "min_val"]

    def __init__(self, min_val=-1.0, max_val=1.0, inplace=False, min_value=None, max_value=None):
        super().__init__()
        for name, old in (("min", min_value), ("max", max_value)):
            if old is not None:
                warnings.warn(
                    f"keyword argument `{name}_value` is deprecated and renamed to `{name}_val`",
                    FutureWarning,
                    stacklevel=2,
                )
        self.min_val = min_val if min_value is None else min_value
        self.max_val = max_val if max_value is None else max_value
        self.inplace = inplace
        if self.max_val <= self.min_val:
            raise AssertionError(f"max_val ({self.max_val}) must be greater than min_val ({self.min_val})")

    def forward(self, input):
        return F.hardtanh(input, self.min_val, self.max_val, self.inplace)

    def extra_repr(self):
        return _with_inplace(f"min_val={self.min_val}, max_val={self.max_val}", self.inplace)


class ReLU6(Hardtanh):
    """`min(max(x, 0), 6)`.

    Args:  inplace (bool, False): overwrite the input.
    Example:
        >>> nn.ReLU6()(torch.tensor([-2.0, 0.0, 3.0]))
        tensor([0., 0., 3.])
    """

    def __init__(self, inplace=False):
        super().__init__(0.0, 6.0, inplace)

    def extra_repr(self):
        return "inplace=True" if self.inplace else ""


class Sigmoid(Module):
    """`1 / (1 + exp(-x))`.

    Example:
        >>> nn.Sigmoid()(torch.tensor([-2.0, 0.0, 3.0]))
        tensor([0.1192, 0.5000, 0.9526])
    """

    def forward(self, input):
        return rustorch.sigmoid(input)


class Tanh(Module):
    """Hyperbolic tangent.

    Example:
        >>> nn.Tanh()(torch.tensor([-2.0, 0.0, 3.0]))
        tensor([-0.9640,  0.0000,  0.9951])
    """

    def forward(self, input):
        return rustorch.tanh(input)


class ELU(Module):
    """`x` if positive, else `alpha * (exp(x) - 1)`.

    Args:
        alpha (float, 1): minus the limit for large negative x.
        inplace (bool, False): overwrite the input.
    Example:
        >>> nn.ELU()(torch.tensor([-2.0, 0.0, 3.0]))
        tensor([-0.8647,  0.0000,  3.0000])
    """

    __constants__ = ["alpha", "inplace"]

    def __init__(self, alpha=1.0, inplace=False):
        super().__init__()
        self.alpha = alpha
        self.inplace = inplace

    def forward(self, input):
        return F.elu(input, self.alpha, self.inplace)

    def extra_repr(self):
        return _with_inplace(f"alpha={self.alpha}", self.inplace)


class CELU(Module):
    """`max(0, x) + min(0, alpha * (exp(x / alpha) - 1))`.

    Args:
        alpha (float, 1): minus the limit for large negative x.
        inplace (bool, False): overwrite the input.
    Example:
        >>> nn.CELU()(torch.tensor([-2.0, 0.0, 3.0]))
        tensor([-0.8647,  0.0000,  3.0000])
    """

    __constants__ = ["alpha", "inplace"]

    def __init__(self, alpha=1.0, inplace=False):
        super().__init__()
        self.alpha = alpha
        self.inplace = inplace

    def forward(self, input):
        return F.celu(input, self.alpha, self.inplace)

    def extra_repr(self):
        return _with_inplace(f"alpha={self.alpha}", self.inplace)


class LeakyReLU(Module):
    """`x` if positive, else `negative_slope * x`.

    Args:
        negative_slope (float, 0.01)
        inplace (bool, False): overwrite the input.
    Example:
        >>> nn.LeakyReLU(0.1)(torch.tensor([-2.0, 0.0, 3.0]))
        tensor([-0.2000,  0.0000,  3.0000])
    """

    __constants__ = ["inplace", "negative_slope"]

    def __init__(self, negative_slope=0.01, inplace=False):
        super().__init__()
        self.negative_slope = negative_slope
        self.inplace = inplace

    def forward(self, input):
        return F.leaky_relu(input, self.negative_slope, self.inplace)

    def extra_repr(self):
        return _with_inplace(f"negative_slope={self.negative_slope}", self.inplace)


class GLU(Module):
    """`a * sigmoid(b)`, a and b the halves of the input along `dim`.

    Args:  dim (int, -1): the dimension to halve.
    Example:
        >>> nn.GLU()(torch.tensor([1.0, 2.0, 0.0, 100.0]))
        tensor([0.5000, 2.0000])
    """

    __constants__ = ["dim"]

    def __init__(self, dim=-1):
        super().__init__()
        self.dim = dim

    def forward(self, input):
        return F.glu(input, self.dim)

    def extra_repr(self):
        return f"dim={self.dim}"


class GELU(Module):
    """`x * Phi(x)`, Phi the standard normal distribution function.

    Args:  approximate (str, 'none'): 'none' is exact, 'tanh' the approximation.
    Example:
        >>> nn.GELU()(torch.tensor([-2.0, 0.0, 1.0]))
        tensor([-0.0455,  0.0000,  0.8413])

    Source: Hendrycks and Gimpel 2016, arXiv:1606.08415.
    """

    __constants__ = ["approximate"]

    def __init__(self, approximate="none"):
        super().__init__()
        self.approximate = approximate

    def forward(self, input):
        return F.gelu(input, approximate=self.approximate)

    def extra_repr(self):
        return f"approximate={self.approximate!r}"


class Hardshrink(Module):
    """`x` where |x| > lambd, else 0.

    Args:  lambd (float, 0.5)
    Example:
        >>> nn.Hardshrink(0.5)(torch.tensor([-2.0, 0.0, 3.0]))
        tensor([-2.,  0.,  3.])
    """

    __constants__ = ["lambd"]

    def __init__(self, lambd=0.5):
        super().__init__()
        self.lambd = lambd

    def forward(self, input):
        return F.hardshrink(input, self.lambd)

    def extra_repr(self):
        return f"{self.lambd}"


class Softshrink(Module):
    """`x` moved towards 0 by lambd, and 0 where |x| <= lambd.

    Args:  lambd (float, 0.5)
    Example:
        >>> nn.Softshrink(0.5)(torch.tensor([-2.0, 0.0, 3.0]))
        tensor([-1.5000,  0.0000,  2.5000])
    """

    __constants__ = ["lambd"]

    def __init__(self, lambd=0.5):
        super().__init__()
        self.lambd = lambd

    def forward(self, input):
        return F.softshrink(input, self.lambd)

    def extra_repr(self):
        return f"{self.lambd}"


class LogSigmoid(Module):
    """`log(1 / (1 + exp(-x)))`.

    Example:
        >>> nn.LogSigmoid()(torch.tensor([-2.0, 0.0, 3.0]))
        tensor([-2.1269, -0.6931, -0.0486])
    """

    def forward(self, input):
        return F.logsigmoid(input)


class Softplus(Module):
    """`log(1 + exp(beta * x)) / beta`, and x where beta * x > threshold.

    Args:  beta (float, 1), threshold (float, 20)
    Example:
        >>> nn.Softplus()(torch.tensor([-2.0, 0.0, 3.0]))
        tensor([0.1269, 0.6931, 3.0486])
    """

    __constants__ = ["beta", "threshold"]

    def __init__(self, beta=1.0, threshold=20.0):
        super().__init__()
        self.beta = beta
        self.threshold = threshold

    def forward(self, input):
        return F.softplus(input, self.beta, self.threshold)

    def extra_repr(self):
        return f"beta={self.beta}, threshold={self.threshold}"


class PReLU(Module):
    """`x` if positive, else `weight * x`, with a learned weight.

    Args:
        num_parameters (int, 1): 1, or the number of channels (dimension 1) for one weight each.
        init (float, 0.25): first value of the weights.
        device (device, None), dtype (dtype, None): of the parameter.
    Attributes:  weight (num_parameters)
    Example:
        >>> nn.PReLU()(torch.tensor([-2.0, 0.0, 3.0]))
        tensor([-0.5000,  0.0000,  3.0000], grad_fn=<PreluKernelBackward0>)
    """

    __constants__ = ["num_parameters"]

    def __init__(self, num_parameters=1, init=0.25, device=None, dtype=None):
        super().__init__()
        self.num_parameters = num_parameters
        self.init = init
        self.weight = Parameter(rustorch.empty(num_parameters, device=device, dtype=dtype))
        self.reset_parameters()

    def reset_parameters(self):
        """Set the weights to `init`."""
        initialise.constant_(self.weight, self.init)

    def forward(self, input):
        return F.prelu(input, self.weight)

    def extra_repr(self):
        return f"num_parameters={self.num_parameters}"


class Softsign(Module):
    """`x / (1 + |x|)`.

    Example:
        >>> nn.Softsign()(torch.tensor([-2.0, 0.0, 3.0]))
        tensor([-0.6667,  0.0000,  0.7500])
    """

    def forward(self, input):
        return F.softsign(input)


class Tanhshrink(Module):
    """`x - tanh(x)`.

    Example:
        >>> nn.Tanhshrink()(torch.tensor([-2.0, 0.0, 3.0]))
        tensor([-1.0360,  0.0000,  2.0049])
    """

    def forward(self, input):
        return F.tanhshrink(input)


# Pickles name the place that is public.
for _name in ("LogSoftmax", "Softmax", "Softmax2d", "Softmin"):
    globals()[_name].__module__ = __name__
