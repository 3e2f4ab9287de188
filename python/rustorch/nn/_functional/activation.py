"""Activations, softmaxes and dropouts."""

import warnings

import rustorch
from rustorch._C import _nn
from rustorch.overrides import handle_torch_function, has_torch_function_unary


def _threshold(input, threshold, value, inplace=False):
    """`x` where it is greater than `threshold`, else `value`.

    Args:
        input (Tensor): of a floating point dtype.
        threshold (float), value (float)
        inplace (bool, False): overwrite the input.
    Shape:  output as input.
    Example:
        >>> F.threshold(torch.tensor([-2.0, 0.0, 3.0]), 1.0, -5.0)
        tensor([-5., -5.,  3.])
    """
    if has_torch_function_unary(input):
        return handle_torch_function(_threshold, (input,), input, threshold, value, inplace=inplace)
    return (rustorch.threshold_ if inplace else rustorch.threshold)(input, threshold, value)


threshold = _threshold  # under its own name the argument `threshold` would hide it


def relu(input, inplace=False):
    """`max(x, 0)`.

    Args:
        input (Tensor): of a floating point dtype.
        inplace (bool, False): overwrite the input.
    Shape:  output as input.
    Example:
        >>> F.relu(torch.tensor([-2.0, 0.0, 3.0]))
        tensor([0., 0., 3.])
    """
    if has_torch_function_unary(input):
        return handle_torch_function(relu, (input,), input, inplace=inplace)
    return rustorch.relu_(input) if inplace else rustorch.relu(input)


def glu(input, dim=-1):
    """`a * sigmoid(b)`, a and b the halves of the input along `dim`.

    Args:
        input (Tensor): of a floating point dtype.
        dim (int, -1): the dimension to halve; its size is even.
    Shape:  output as input, with half of `dim`.
    Raises:  RuntimeError: if the size of `dim` is odd.
    Example:
        >>> F.glu(torch.tensor([1.0, 2.0, 0.0, 100.0]))
        tensor([0.5000, 2.0000])
    """
    if has_torch_function_unary(input):
        return handle_torch_function(glu, (input,), input, dim=dim)
    if input.dim() == 0:
        raise RuntimeError("glu does not support scalars because halving size must be even")
    return _nn.glu(input, dim)


def hardtanh(input, min_val=-1.0, max_val=1.0, inplace=False):
    """`x` limited to [min_val, max_val].

    Args:
        input (Tensor): of a floating point dtype.
        min_val (float, -1), max_val (float, 1): the limits.
        inplace (bool, False): overwrite the input.
    Shape:  output as input.
    Raises:  ValueError: if min_val is greater than max_val.
    Example:
        >>> F.hardtanh(torch.tensor([-2.0, 0.0, 3.0]))
        tensor([-1.,  0.,  1.])
    """
    if has_torch_function_unary(input):
        return handle_torch_function(hardtanh, (input,), input, min_val=min_val, max_val=max_val, inplace=inplace)
    if min_val > max_val:
        raise ValueError("min_val cannot be greater than max_val")
    return (_nn.hardtanh_ if inplace else _nn.hardtanh)(input, min_val, max_val)


def relu6(input, inplace=False):
    """`min(max(x, 0), 6)`.

    Args:
        input (Tensor): of a floating point dtype.
        inplace (bool, False): overwrite the input.
    Shape:  output as input.
    Example:
        >>> F.relu6(torch.tensor([-2.0, 0.0, 3.0]))
        tensor([0., 0., 3.])
    """
    if has_torch_function_unary(input):
        return handle_torch_function(relu6, (input,), input, inplace=inplace)
    return _nn.relu6_(input) if inplace else _nn.relu6(input)


def elu(input, alpha=1.0, inplace=False):
    """`x` if positive, else `alpha * (exp(x) - 1)`.

    Args:
        input (Tensor): of a floating point dtype.
        alpha (float, 1): minus the limit for large negative x.
        inplace (bool, False): overwrite the input.
    Shape:  output as input.
    Example:
        >>> F.elu(torch.tensor([-2.0, 0.0, 3.0]))
        tensor([-0.8647,  0.0000,  3.0000])
    """
    if has_torch_function_unary(input):
        return handle_torch_function(elu, (input,), input, alpha=alpha, inplace=inplace)
    return _nn.elu_(input, alpha) if inplace else _nn.elu(input, alpha)


def selu(input, inplace=False):
    """`elu` scaled so that activations normalise themselves.

    Args:
        input (Tensor): of a floating point dtype.
        inplace (bool, False): overwrite the input.
    Shape:  output as input.
    Example:
        >>> F.selu(torch.tensor([-2.0, 0.0, 3.0]))
        tensor([-1.5202,  0.0000,  3.1521])
    """
    if has_torch_function_unary(input):
        return handle_torch_function(selu, (input,), input, inplace=inplace)
    return rustorch.selu_(input) if inplace else rustorch.selu(input)


def celu(input, alpha=1.0, inplace=False):
    """`max(0, x) + min(0, alpha * (exp(x / alpha) - 1))`.

    Args:
        input (Tensor): of a floating point dtype.
        alpha (float, 1): minus the limit for large negative x; not 0.
        inplace (bool, False): overwrite the input.
    Shape:  output as input.
    Example:
        >>> F.celu(torch.tensor([-2.0, 0.0, 3.0]))
        tensor([-0.8647,  0.0000,  3.0000])
    """
    if has_torch_function_unary(input):
        return handle_torch_function(celu, (input,), input, alpha=alpha, inplace=inplace)
    return rustorch.celu_(input, alpha) if inplace else rustorch.celu(input, alpha)


def leaky_relu(input, negative_slope=0.01, inplace=False):
    """`x` if positive, else `negative_slope * x`.

    Args:
        input (Tensor): of a floating point dtype.
        negative_slope (float, 0.01)
        inplace (bool, False): overwrite the input.
    Shape:  output as input.
    Example:
        >>> F.leaky_relu(torch.tensor([-2.0, 0.0, 3.0]), 0.1)
        tensor([-0.2000,  0.0000,  3.0000])
    """
    if has_torch_function_unary(input):
        return handle_torch_function(leaky_relu, (input,), input, negative_slope=negative_slope, inplace=inplace)
    return (_nn.leaky_relu_ if inplace else _nn.leaky_relu)(input, negative_slope)


def rrelu(input, lower=1.0 / 8, upper=1.0 / 3, training=False, inplace=False):
    """`leaky_relu` with a slope drawn from [lower, upper] in training, and their mean otherwise.

    Args:
        input (Tensor): of a floating point dtype.
        lower (float, 1/8), upper (float, 1/3): limits of the slope.
        training (bool, False): draw slopes.
        inplace (bool, False): overwrite the input.
    Shape:  output as input.
    Example:
        >>> F.rrelu(torch.tensor([-2.0, 0.0, 3.0]), 0.1, 0.3)
        tensor([-0.4000,  0.0000,  3.0000])
    """
    if has_torch_function_unary(input):
        return handle_torch_function(
            rrelu, (input,), input, lower=lower, upper=upper, training=training, inplace=inplace
        )
    return (rustorch.rrelu_ if inplace else rustorch.rrelu)(input, lower, upper, training)


def tanhshrink(input):
    """`x - tanh(x)`.

    Args:
        input (Tensor): of a floating point dtype.
    Shape:  output as input.
    Example:
        >>> F.tanhshrink(torch.tensor([-2.0, 0.0, 3.0]))
        tensor([-1.0360,  0.0000,  2.0049])
    """
    if has_torch_function_unary(input):
        return handle_torch_function(tanhshrink, (input,), input)
    return input - input.tanh()


def softsign(input):
    """`x / (1 + |x|)`.

    Args:
        input (Tensor): of a floating point dtype.
    Shape:  output as input.
    Example:
        >>> F.softsign(torch.tensor([-2.0, 0.0, 3.0]))
        tensor([-0.6667,  0.0000,  0.7500])
    """
    if has_torch_function_unary(input):
        return handle_torch_function(softsign, (input,), input)
    return input / (input.abs() + 1)


def tanh(input):
    """Hyperbolic tangent.

    Args:
        input (Tensor): of a floating point dtype.
    Shape:  output as input.
    Example:
        >>> F.tanh(torch.tensor([-2.0, 0.0, 3.0]))
        tensor([-0.9640,  0.0000,  0.9951])
    """
    return input.tanh()


def sigmoid(input):
    """`1 / (1 + exp(-x))`.

    Args:
        input (Tensor): of a floating point dtype.
    Shape:  output as input.
    Example:
        >>> F.sigmoid(torch.tensor([-2.0, 0.0, 3.0]))
        tensor([0.1192, 0.5000, 0.9526])
    """
    return input.sigmoid()


def hardsigmoid(input, inplace=False):
    """`relu6(x + 3) / 6`.

    Args:
        input (Tensor): of a floating point dtype.
        inplace (bool, False): overwrite the input.
    Shape:  output as input.
    Example:
        >>> F.hardsigmoid(torch.tensor([-2.0, 0.0, 3.0]))
        tensor([0.1667, 0.5000, 1.0000])
    """
    if has_torch_function_unary(input):
        return handle_torch_function(hardsigmoid, (input,), input, inplace=inplace)
    return _nn.hardsigmoid_(input) if inplace else _nn.hardsigmoid(input)


def silu(input, inplace=False):
    """`x * sigmoid(x)`.

    Args:
        input (Tensor): of a floating point dtype.
        inplace (bool, False): overwrite the input.
    Shape:  output as input.
    Example:
        >>> F.silu(torch.tensor([-2.0, 0.0, 3.0]))
        tensor([-0.2384,  0.0000,  2.8577])
    """
    if has_torch_function_unary(input):
        return handle_torch_function(silu, (input,), input, inplace=inplace)
    return _nn.silu_(input) if inplace else _nn.silu(input)


def mish(input, inplace=False):
    """`x * tanh(softplus(x))`.

    Args:
        input (Tensor): of a floating point dtype.
        inplace (bool, False): overwrite the input.
    Shape:  output as input.
    Example:
        >>> F.mish(torch.tensor([-2.0, 0.0, 3.0]))
        tensor([-0.2525,  0.0000,  2.9865])
    """
    if has_torch_function_unary(input):
        return handle_torch_function(mish, (input,), input, inplace=inplace)
    return _nn.mish_(input) if inplace else _nn.mish(input)


def hardswish(input, inplace=False):
    """`x * relu6(x + 3) / 6`.

    Args:
        input (Tensor): of a floating point dtype.
        inplace (bool, False): overwrite the input.
    Shape:  output as input.
    Example:
        >>> F.hardswish(torch.tensor([-2.0, 0.0, 3.0]))
        tensor([-0.3333,  0.0000,  3.0000])
    """
    if has_torch_function_unary(input):
        return handle_torch_function(hardswish, (input,), input, inplace=inplace)
    return _nn.hardswish_(input) if inplace else _nn.hardswish(input)


def _implicit_dim(name, ndim, stacklevel):
    warnings.warn(
        f"Implicit dimension choice for {name} has been deprecated. Change the call to include dim=X as an argument.",
        stacklevel=stacklevel,
    )
    return 0 if ndim in (0, 1, 3) else 1


def softmin(input, dim=None, _stacklevel=3, dtype=None):
    """`softmax(-x)`.

    Args:
        input (Tensor)
        dim (int): give it; the implicit choice is deprecated.
        dtype (dtype, None): of the result; the input is converted first.
    Shape:  output as input.
    Example:
        >>> F.softmin(torch.tensor([1.0, 1.0, 101.0]), dim=0)
        tensor([5.0000e-01, 5.0000e-01, 1.9618e-44])
    """
    if has_torch_function_unary(input):
        return handle_torch_function(softmin, (input,), input, dim=dim, _stacklevel=_stacklevel, dtype=dtype)
    if dim is None:
        dim = _implicit_dim("softmin", input.dim(), _stacklevel)
    return (-input).softmax(dim) if dtype is None else (-input).softmax(dim, dtype=dtype)


def softmax(input, dim=None, _stacklevel=3, dtype=None):
    """`exp(x) / sum(exp(x))` along `dim`.

    Args:
        dim (int): the sums along it are 1.
        dtype (dtype, None): the input is converted to it first.
    Example:
        >>> F.softmax(torch.tensor([[0.0, 0.0], [0.0, 100.0]]), dim=1)
        tensor([[5.0000e-01, 5.0000e-01],
                [3.7835e-44, 1.0000e+00]])
    """
    if has_torch_function_unary(input):
        return handle_torch_function(softmax, (input,), input, dim=dim, _stacklevel=_stacklevel, dtype=dtype)
    if dim is None:
        dim = _implicit_dim("softmax", input.dim(), _stacklevel)
    return input.softmax(dim) if dtype is None else input.softmax(dim, dtype=dtype)


def log_softmax(input, dim=None, _stacklevel=3, dtype=None):
    """`log(softmax(x))` along `dim`, without overflow; arguments as for softmax.

    Example:
        >>> F.log_softmax(torch.zeros(1, 4), dim=1)
        tensor([[-1.3863, -1.3863, -1.3863, -1.3863]])
    """
    if has_torch_function_unary(input):
        return handle_torch_function(log_softmax, (input,), input, dim=dim, _stacklevel=_stacklevel, dtype=dtype)
    if dim is None:
        dim = _implicit_dim("log_softmax", input.dim(), _stacklevel)
    return input.log_softmax(dim) if dtype is None else input.log_softmax(dim, dtype=dtype)


def gumbel_softmax(logits, tau=1, hard=False, eps=1e-10, dim=-1):
    """Draw from the Gumbel-softmax distribution along `dim`.

    Args:
        tau (float, 1): temperature; towards 0 the samples become one-hot.
        hard (bool, False): return one-hot samples, with the gradient of the soft ones.
    Example:
        >>> _ = torch.manual_seed(0)
        >>> F.gumbel_softmax(torch.tensor([0.0, 10.0]), hard=True)
        tensor([0., 1.])

    Source: Jang, Gu and Poole 2017, arXiv:1611.01144.
    """
    if has_torch_function_unary(logits):
        return handle_torch_function(gumbel_softmax, (logits,), logits, tau=tau, hard=hard, eps=eps, dim=dim)
    if eps != 1e-10:
        warnings.warn("`eps` parameter is deprecated and has no effect.", stacklevel=2)
    # -log of an exponential variable is a Gumbel variable.
    noise = -rustorch.empty_like(logits, memory_format=rustorch.contiguous_format).exponential_().log()
    soft = ((logits + noise) / tau).softmax(dim)
    if not hard:
        return soft
    winner = soft.max(dim, keepdim=True)[1]
    one_hot = rustorch.zeros_like(logits, memory_format=rustorch.contiguous_format).scatter_(dim, winner, 1.0)
    return one_hot - soft.detach() + soft


def _check_probability(p):
    if p < 0.0 or p > 1.0:
        raise ValueError(f"dropout probability has to be between 0 and 1, but got {p}")


def dropout(input, p=0.5, training=True, inplace=False):
    """In training, set each element to zero with chance `p` and scale the others by 1 / (1 - p).

    Args:
        input (Tensor)
        p (float, 0.5): chance to drop an element, in [0, 1].
        training (bool, True): leave the input as it is if False.
        inplace (bool, False): overwrite the input.
    Shape:  output as input.
    Raises:  ValueError: if p is not in [0, 1].
    Example:
        >>> _ = torch.manual_seed(0)
        >>> F.dropout(torch.ones(6))
        tensor([0., 0., 2., 0., 0., 0.])
        >>> F.dropout(torch.ones(2), training=False)
        tensor([1., 1.])
    """
    if has_torch_function_unary(input):
        return handle_torch_function(dropout, (input,), input, p=p, training=training, inplace=inplace)
    _check_probability(p)
    return (rustorch.dropout_ if inplace else rustorch.dropout)(input, p, training)


def alpha_dropout(input, p=0.5, training=False, inplace=False):
    """Dropout that keeps mean and variance of inputs that are normalised, as selu makes them.

    Args:
        input (Tensor)
        p (float, 0.5): chance to drop an element, in [0, 1].
        training (bool, False): leave the input as it is if False.
        inplace (bool, False): overwrite the input.
    Shape:  output as input.
    Raises:  ValueError: if p is not in [0, 1].
    Example:
        >>> F.alpha_dropout(torch.ones(2), training=False)
        tensor([1., 1.])
    """
    if has_torch_function_unary(input):
        return handle_torch_function(alpha_dropout, (input,), input, p=p, training=training, inplace=inplace)
    _check_probability(p)
    return (rustorch.alpha_dropout_ if inplace else rustorch.alpha_dropout)(input, p, training)


def feature_alpha_dropout(input, p=0.5, training=False, inplace=False):
    """`alpha_dropout` of whole channels.

    Args:
        input (Tensor)
        p (float, 0.5): chance to drop a channel, in [0, 1].
        training (bool, False): leave the input as it is if False.
        inplace (bool, False): overwrite the input.
    Shape:  input (N, C, *), output the same.
    Raises:  ValueError: if p is not in [0, 1].
    Example:
        >>> F.feature_alpha_dropout(torch.randn(2, 3, 4), training=True).shape
        torch.Size([2, 3, 4])
    """
    if has_torch_function_unary(input):
        return handle_torch_function(feature_alpha_dropout, (input,), input, p=p, training=training, inplace=inplace)
    _check_probability(p)
    return (rustorch.feature_alpha_dropout_ if inplace else rustorch.feature_alpha_dropout)(input, p, training)


def _feature_dropout(input, p, training, inplace, batched=True):
    """Drop whole channels of a tensor (N, C, ...), or (C, ...) if not batched."""
    drop = rustorch.feature_dropout_ if inplace else rustorch.feature_dropout
    if batched:
        return drop(input, p, training)
    result = drop(input.unsqueeze_(0) if inplace else input.unsqueeze(0), p, training)
    return result.squeeze_(0) if inplace else result.squeeze(0)


def dropout1d(input, p=0.5, training=True, inplace=False):
    """Dropout of whole channels of (N, C, L) or (C, L).

    Args:
        input (Tensor)
        p (float, 0.5): chance to drop a channel, in [0, 1].
        training (bool, True): leave the input as it is if False.
        inplace (bool, False): overwrite the input.
    Raises:  ValueError: if p is not in [0, 1].
    Example:
        >>> x = F.dropout1d(torch.ones(4, 3, 8))
        >>> sorted(set(x.flatten(2).sum(2).flatten().tolist()) - {0.0, 16.0})
        []
    """
    if has_torch_function_unary(input):
        return handle_torch_function(dropout1d, (input,), input, p=p, training=training, inplace=inplace)
    _check_probability(p)
    ndim = input.dim()
    if ndim not in (2, 3):
        raise RuntimeError(
            f"dropout1d: Expected 2D or 3D input, but received a {ndim}D input. Note that dropout1d exists to provide "
            "channel-wise dropout on inputs with 1 spatial dimension, a channel dimension, and an optional batch "
            "dimension (i.e. 2D or 3D inputs)."
        )
    return _feature_dropout(input, p, training, inplace, batched=ndim == 3)


def _warn_dropout_ndim(n, ndim):
    warnings.warn(
        f"dropout{n}d: Received a {ndim}-D input to dropout{n}d, which is deprecated and will result in an error in a "
        "future release. To retain the behavior and silence this warning, please use dropout instead. Note that "
        f"dropout{n}d exists to provide channel-wise dropout on inputs with {n} spatial dimensions, a channel "
        f"dimension, and an optional batch dimension (i.e. {n + 1}D or {n + 2}D inputs).",
        stacklevel=3,
    )


def dropout2d(input, p=0.5, training=True, inplace=False):
    """Dropout of whole channels of (N, C, H, W).

    Args:
        input (Tensor)
        p (float, 0.5): chance to drop a channel, in [0, 1].
        training (bool, True): leave the input as it is if False.
        inplace (bool, False): overwrite the input.
    Raises:  ValueError: if p is not in [0, 1].
    Example:
        >>> x = F.dropout2d(torch.ones(4, 3, 2, 2))
        >>> sorted(set(x.flatten(2).sum(2).flatten().tolist()) - {0.0, 8.0})
        []
    """
    if has_torch_function_unary(input):
        return handle_torch_function(dropout2d, (input,), input, p=p, training=training, inplace=inplace)
    _check_probability(p)
    ndim = input.dim()
    if ndim not in (3, 4):
        _warn_dropout_ndim(2, ndim)
    if ndim == 3:
        warnings.warn(
            "dropout2d: Received a 3D input to dropout2d and assuming that channel-wise 1D dropout behavior is desired "
            "- input is interpreted as shape (N, C, L), where C is the channel dim. This behavior will change in a "
            "future release to interpret the input as one without a batch dimension, i.e. shape (C, H, W). To maintain "
            "the 1D channel-wise dropout behavior, please switch to using dropout1d instead.",
            stacklevel=2,
        )
    return _feature_dropout(input, p, training, inplace)


def dropout3d(input, p=0.5, training=True, inplace=False):
    """Dropout of whole channels of (N, C, D, H, W) or (C, D, H, W).

    Args:
        input (Tensor)
        p (float, 0.5): chance to drop a channel, in [0, 1].
        training (bool, True): leave the input as it is if False.
        inplace (bool, False): overwrite the input.
    Raises:  ValueError: if p is not in [0, 1].
    Example:
        >>> x = F.dropout3d(torch.ones(4, 3, 2, 2, 2))
        >>> sorted(set(x.flatten(2).sum(2).flatten().tolist()) - {0.0, 16.0})
        []
    """
    if has_torch_function_unary(input):
        return handle_torch_function(dropout3d, (input,), input, p=p, training=training, inplace=inplace)
    _check_probability(p)
    ndim = input.dim()
    if ndim not in (4, 5):
        _warn_dropout_ndim(3, ndim)
    return _feature_dropout(input, p, training, inplace, batched=ndim == 5)
