"""Filling parameters with their first values, in place and outside of any graph."""

import functools
import math
import warnings

import rustorch
from rustorch.overrides import handle_torch_function, has_torch_function_variadic

__all__ = [
    "calculate_gain",
    "constant",
    "constant_",
    "dirac",
    "dirac_",
    "eye",
    "eye_",
    "kaiming_normal",
    "kaiming_normal_",
    "kaiming_uniform",
    "kaiming_uniform_",
    "normal",
    "normal_",
    "ones_",
    "orthogonal",
    "orthogonal_",
    "sparse",
    "sparse_",
    "trunc_normal_",
    "uniform",
    "uniform_",
    "xavier_normal",
    "xavier_normal_",
    "xavier_uniform",
    "xavier_uniform_",
    "zeros_",
]

_LINEAR = ("linear", "conv1d", "conv2d", "conv3d", "conv_transpose1d", "conv_transpose2d", "conv_transpose3d")
_GAINS = {**dict.fromkeys(_LINEAR, 1), "sigmoid": 1, "tanh": 5.0 / 3, "relu": math.sqrt(2.0), "selu": 3.0 / 4}


def calculate_gain(nonlinearity, param=None):
    """The factor that keeps the variance through a nonlinearity.

    Args:
        nonlinearity (str): the name of a function of nn.functional.
        param (float, 0.01): the negative slope for 'leaky_relu'.
    Example:
        >>> nn.init.calculate_gain("leaky_relu", 0.2)
        1.3867504905630728
    """
    if nonlinearity == "leaky_relu":
        slope = 0.01 if param is None else param
        if isinstance(slope, bool) or not isinstance(slope, (int, float)):
            raise ValueError(f"negative_slope {param} not a valid number")
        return math.sqrt(2.0 / (1 + slope**2))
    if nonlinearity not in _GAINS:
        raise ValueError(f"Unsupported nonlinearity {nonlinearity}")
    return _GAINS[nonlinearity]


def _uniform(tensor, a, b, generator=None):
    with rustorch.no_grad():
        return tensor.uniform_(a, b, generator=generator)


def _normal(tensor, mean, std, generator=None):
    with rustorch.no_grad():
        return tensor.normal_(mean, std, generator=generator)


def uniform_(tensor, a=0.0, b=1.0, generator=None):
    """Fill with values drawn evenly from [a, b).

    Example:
        >>> _ = torch.manual_seed(0)
        >>> w = nn.init.uniform_(torch.empty(1000), -1.0, 1.0)
        >>> bool(w.min() >= -1), bool(w.max() < 1)
        (True, True)
    """
    if has_torch_function_variadic(tensor):
        return handle_torch_function(uniform_, (tensor,), tensor=tensor, a=a, b=b, generator=generator)
    return _uniform(tensor, a, b, generator)


def normal_(tensor, mean=0.0, std=1.0, generator=None):
    """Fill with values from the normal distribution.

    Example:
        >>> _ = torch.manual_seed(0)
        >>> w = nn.init.normal_(torch.empty(10000), mean=2.0, std=0.1)
        >>> round(w.mean().item(), 1), round(w.std().item(), 1)
        (2.0, 0.1)
    """
    if has_torch_function_variadic(tensor):
        return handle_torch_function(normal_, (tensor,), tensor=tensor, mean=mean, std=std, generator=generator)
    return _normal(tensor, mean, std, generator)


def _redraw_normal(tensor, mean, std, a, b, generator):
    """Draw from the normal distribution until all values lie within [a, b]."""
    low, high = (tensor.new_tensor(x, device="cpu").item() for x in (a, b))
    result = tensor.normal_(mean, std, generator=generator)
    while True:
        outside = (result < low) | (result > high)
        if not outside.any():
            break
        again = rustorch.empty_like(result).normal_(mean, std, generator=generator)
        result = rustorch.where(outside, again, result)
    if result is not tensor:
        tensor.copy_(result)


def _reject_uniform(tensor, mean, std, a, b, generator):
    """Draw evenly from [a, b] and accept with the normal density relative to its peak there."""
    peak = -0.5 * ((max(a, min(mean, b)) - mean) / std) ** 2
    draws = rustorch.empty_like(tensor)
    chances = rustorch.empty_like(tensor)

    def rejected():
        density = draws.sub_(mean).div_(std).pow_(2).mul_(-0.5).sub_(peak)
        return chances.uniform_(generator=generator).log_().gt(density)

    tensor.uniform_(a, b, generator=generator)
    draws.copy_(tensor)
    pending = rejected()
    result = tensor
    while pending.any():
        draws.uniform_(a, b, generator=generator)
        result = rustorch.where(pending, draws, result)
        pending = rustorch.where(pending, rejected(), pending)
    if result is not tensor:
        tensor.copy_(result)


def trunc_normal_(tensor, mean=0.0, std=1.0, a=-2.0, b=2.0, generator=None):
    """Fill with values from the normal distribution, those outside [a, b] drawn again.

    Example:
        >>> w = nn.init.trunc_normal_(torch.empty(1000), a=-0.5, b=0.5)
        >>> bool(w.abs().max() <= 0.5)
        True
    """
    if tensor.is_meta:
        return tensor
    if mean < a - 2 * std or mean > b + 2 * std:
        warnings.warn(
            "mean is more than 2 std from [a, b] in nn.init.trunc_normal_. "
            "The distribution of values may be incorrect.",
            stacklevel=2,
        )

    def cdf(x):
        return (1.0 + math.erf(x / math.sqrt(2.0))) / 2.0

    # Far out in a tail almost every normal draw would miss the interval.
    share = cdf((b - mean) / std) - cdf((a - mean) / std)
    fill = _redraw_normal if share > 0.3 else _reject_uniform
    with rustorch.no_grad():
        fill(tensor, mean, std, a, b, generator)
    return tensor


def constant_(tensor, val):
    """Fill with one value.

    Example:
        >>> nn.init.constant_(torch.empty(2), 0.5)
        tensor([0.5000, 0.5000])
    """
    if has_torch_function_variadic(tensor):
        return handle_torch_function(constant_, (tensor,), tensor=tensor, val=val)
    with rustorch.no_grad():
        return tensor.fill_(val)


def ones_(tensor):
    """Fill with ones.

    Example:
        >>> nn.init.ones_(torch.empty(2))
        tensor([1., 1.])
    """
    with rustorch.no_grad():
        return tensor.fill_(1.0)


def zeros_(tensor):
    """Fill with zeros.

    Example:
        >>> nn.init.zeros_(torch.empty(2))
        tensor([0., 0.])
    """
    with rustorch.no_grad():
        return tensor.zero_()


def eye_(tensor):
    """Fill a matrix with the identity: as many inputs as possible pass through a Linear unchanged.

    Example:
        >>> nn.init.eye_(torch.empty(2, 3))
        tensor([[1., 0., 0.],
                [0., 1., 0.]])
    """
    if tensor.ndimension() != 2:
        raise ValueError("Only tensors with 2 dimensions are supported")
    with rustorch.no_grad():
        rustorch.eye(*tensor.shape, out=tensor, requires_grad=tensor.requires_grad)
    return tensor


def dirac_(tensor, groups=1):
    """Fill a convolution weight so that each group passes as many channels as possible on unchanged.

    Example:
        >>> w = nn.init.dirac_(torch.empty(2, 2, 3))
        >>> x = torch.randn(1, 2, 5)
        >>> torch.equal(F.conv1d(x, w, padding=1), x)
        True
    """
    if tensor.ndimension() not in (3, 4, 5):
        raise ValueError("Only tensors with 3, 4, or 5 dimensions are supported")
    if tensor.size(0) % groups != 0:
        raise ValueError("dim 0 must be divisible by groups")
    if tensor.is_meta:
        return tensor
    per_group = tensor.size(0) // groups
    centre = tuple(n // 2 for n in tensor.shape[2:])
    with rustorch.no_grad():
        tensor.zero_()
        for group in range(groups):
            for channel in range(min(per_group, tensor.size(1))):
                tensor[(group * per_group + channel, channel, *centre)] = 1
    return tensor


def _calculate_fan_in_and_fan_out(tensor):
    """How many inputs an output has and how many outputs an input has, for a weight (out, in, *kernel)."""
    if tensor.dim() < 2:
        raise ValueError("Fan in and fan out can not be computed for tensor with fewer than 2 dimensions")
    kernel = math.prod(tensor.shape[2:])
    return tensor.size(1) * kernel, tensor.size(0) * kernel


def _calculate_correct_fan(tensor, mode):
    mode = mode.lower()
    valid_modes = ["fan_in", "fan_out"]
    if mode not in valid_modes:
        raise ValueError(f"Mode {mode} not supported, please use one of {valid_modes}")
    return _calculate_fan_in_and_fan_out(tensor)[valid_modes.index(mode)]


def _xavier_std(tensor, gain):
    fan_in, fan_out = _calculate_fan_in_and_fan_out(tensor)
    return gain * math.sqrt(2.0 / float(fan_in + fan_out))


def xavier_uniform_(tensor, gain=1.0, generator=None):
    """Fill evenly from +-gain * sqrt(6 / (fan_in + fan_out)). Source: Glorot and Bengio 2010.

    Example:
        >>> w = nn.init.xavier_uniform_(torch.empty(3, 5), gain=2.0)
        >>> bool(w.abs().max() <= 2.0 * (6 / (3 + 5)) ** 0.5)
        True
    """
    bound = math.sqrt(3.0) * _xavier_std(tensor, gain)
    return _uniform(tensor, -bound, bound, generator)


def xavier_normal_(tensor, gain=1.0, generator=None):
    """Fill normally with standard deviation gain * sqrt(2 / (fan_in + fan_out)). Source: Glorot and Bengio 2010.

    Example:
        >>> _ = torch.manual_seed(0)
        >>> w = nn.init.xavier_normal_(torch.empty(200, 300))
        >>> round(w.std().item(), 3), round((2 / 500) ** 0.5, 3)
        (0.063, 0.063)
    """
    return _normal(tensor, 0.0, _xavier_std(tensor, gain), generator)


def kaiming_uniform_(tensor, a=0, mode="fan_in", nonlinearity="leaky_relu", generator=None):
    """Fill evenly from +-gain * sqrt(3 / fan). Source: He et al. 2015, arXiv:1502.01852.

    Args:
        a (float, 0): the negative slope, for 'leaky_relu'.
        mode (str, 'fan_in'): 'fan_in' keeps the variance of activations, 'fan_out' that of gradients.
        nonlinearity (str, 'leaky_relu'): what follows the layer; see calculate_gain.
    Example:
        >>> w = nn.init.kaiming_uniform_(torch.empty(3, 6), nonlinearity="relu")
        >>> bool(w.abs().max() <= 1.0)
        True
    """
    if has_torch_function_variadic(tensor):
        return handle_torch_function(
            kaiming_uniform_,
            (tensor,),
            tensor=tensor,
            a=a,
            mode=mode,
            nonlinearity=nonlinearity,
            generator=generator,
        )
    if 0 in tensor.shape:
        warnings.warn("Initializing zero-element tensors is a no-op", stacklevel=2)
        return tensor
    # Factor by factor in this order: the last bit of the bound decides the bits of the values.
    fan = _calculate_correct_fan(tensor, mode)
    std = calculate_gain(nonlinearity, a) / math.sqrt(fan)
    bound = math.sqrt(3.0) * std
    return _uniform(tensor, -bound, bound, generator)


def kaiming_normal_(tensor, a=0, mode="fan_in", nonlinearity="leaky_relu", generator=None):
    """Fill normally with standard deviation gain / sqrt(fan); arguments as for kaiming_uniform_.

    Example:
        >>> _ = torch.manual_seed(0)
        >>> w = nn.init.kaiming_normal_(torch.empty(200, 200), mode="fan_out", nonlinearity="relu")
        >>> round(w.std().item(), 2)
        0.1
    """
    if 0 in tensor.shape:
        warnings.warn("Initializing zero-element tensors is a no-op", stacklevel=2)
        return tensor
    fan = _calculate_correct_fan(tensor, mode)
    return _normal(tensor, 0, calculate_gain(nonlinearity, a) / math.sqrt(fan), generator)


def orthogonal_(tensor, gain=1, generator=None):
    """Fill with `gain` times a random matrix with orthonormal rows or columns; further dimensions are flattened.

    Example:
        >>> w = nn.init.orthogonal_(torch.empty(2, 3))
        >>> torch.allclose(w @ w.T, torch.eye(2), atol=1e-5)
        True


    Source: Saxe et al. 2014, arXiv:1312.6120.
    """
    if tensor.ndimension() < 2:
        raise ValueError("Only tensors with 2 or more dimensions are supported")
    if tensor.numel() == 0 or tensor.is_meta:
        return tensor
    rows = tensor.size(0)
    cols = tensor.numel() // rows
    flat = tensor.new_empty((rows, cols)).normal_(0, 1, generator=generator)
    if rows < cols:
        flat.t_()
    q, r = rustorch.linalg.qr(flat)
    # The signs of r's diagonal make the distribution uniform (Mezzadri 2007, arXiv:math-ph/0609050).
    q *= rustorch.diag(r, 0).sign()
    if rows < cols:
        q.t_()
    with rustorch.no_grad():
        tensor.view_as(q).copy_(q)
        tensor.mul_(gain)
    return tensor


def sparse_(tensor, sparsity, std=0.01, generator=None):
    """Fill a matrix normally and set the share `sparsity` of each column to zero.

    Example:
        >>> w = nn.init.sparse_(torch.empty(10, 3), sparsity=0.4)
        >>> (w == 0).sum(0)
        tensor([4, 4, 4])
    """
    if tensor.ndimension() != 2:
        raise ValueError("Only tensors with 2 dimensions are supported")
    if tensor.is_meta:
        return tensor
    rows, cols = tensor.shape
    zeros = math.ceil(sparsity * rows)
    with rustorch.no_grad():
        tensor.normal_(0, std, generator=generator)
        for col in range(cols):
            tensor[rustorch.randperm(rows)[:zeros], col] = 0
    return tensor


def _deprecated(fill):
    """The name without the underscore, which warns."""
    new = fill.__name__
    old = new[:-1]

    @functools.wraps(fill)
    def warned(*args, **kwargs):
        warnings.warn(f"`nn.init.{old}` is now deprecated in favor of `nn.init.{new}`.", FutureWarning, stacklevel=2)
        return fill(*args, **kwargs)

    warned.__name__ = warned.__qualname__ = old
    warned.__doc__ = f"Deprecated: use `{new}`."
    return warned


uniform = _deprecated(uniform_)
normal = _deprecated(normal_)
constant = _deprecated(constant_)
eye = _deprecated(eye_)
dirac = _deprecated(dirac_)
xavier_uniform = _deprecated(xavier_uniform_)
xavier_normal = _deprecated(xavier_normal_)
kaiming_uniform = _deprecated(kaiming_uniform_)
kaiming_normal = _deprecated(kaiming_normal_)
orthogonal = _deprecated(orthogonal_)
sparse = _deprecated(sparse_)


# ---- names that model code copied from torch's own imports


def _no_grad_uniform_(tensor, a, b, generator=None):
    with rustorch.no_grad():
        return tensor.uniform_(a, b, generator=generator)


def _no_grad_normal_(tensor, mean, std, generator=None):
    with rustorch.no_grad():
        return tensor.normal_(mean, std, generator=generator)


def _no_grad_trunc_normal_(tensor, mean, std, a, b, generator=None):
    return trunc_normal_(tensor, mean, std, a, b, generator=generator)


def _no_grad_fill_(tensor, val):
    with rustorch.no_grad():
        return tensor.fill_(val)


def _no_grad_zero_(tensor):
    return _no_grad_fill_(tensor, 0)
