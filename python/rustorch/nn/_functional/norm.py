"""Normalisations."""

import rustorch
from rustorch._C import _nn
from rustorch.overrides import handle_torch_function, has_torch_function_unary, has_torch_function_variadic


def _verify_batch_size(size):
    """Statistics over one value per channel are 0 or NaN."""
    count = size[0]
    for n in size[2:]:
        count *= n
    if count == 1:
        raise ValueError(f"Expected more than 1 value per channel when training, got input size {size}")


def _verify_spatial_size(size):
    count = 1
    for n in size[2:]:
        count *= n
    if count == 1:
        raise ValueError(f"Expected more than 1 spatial element when training, got input size {size}")


def batch_norm(input, running_mean, running_var, weight=None, bias=None, training=False, momentum=0.1, eps=1e-5):
    """Normalise each channel over batch and space, with the batch's statistics in training, else the running ones.

    Args:
        momentum (float, 0.1): weight of the batch in the update of the running statistics.
        eps (float, 1e-5): added to the variance.
    Shape:  input (N, C, *); the other tensors (C).
    Raises:  ValueError: in training with one value per channel.
    Example:
        >>> x = torch.tensor([[1.0], [3.0]])
        >>> F.batch_norm(x, torch.zeros(1), torch.ones(1), training=True)
        tensor([[-1.0000],
                [ 1.0000]])
        >>> F.batch_norm(x, torch.full((1,), 1.0), torch.ones(1), eps=0.0)
        tensor([[0.],
                [2.]])
    """
    if has_torch_function_variadic(input, running_mean, running_var, weight, bias):
        return handle_torch_function(
            batch_norm,
            (input, running_mean, running_var, weight, bias),
            input,
            running_mean,
            running_var,
            weight=weight,
            bias=bias,
            training=training,
            momentum=momentum,
            eps=eps,
        )
    if (running_mean is None) != (running_var is None):
        raise ValueError(
            "running_mean and running_var must either both be None or neither be None\n"
            "  batch_norm: expected both or neither, but got one. Pass the other, too."
        )
    if training:
        _verify_batch_size(input.size())
        if eps <= 0.0:
            raise ValueError(f"batch_norm eps must be positive during training, but got {eps}")
    elif eps < 0.0:
        raise ValueError(f"batch_norm eps must be non-negative, but got {eps}")
    return rustorch.batch_norm(input, weight, bias, running_mean, running_var, training, momentum, eps, True)


def instance_norm(
    input,
    running_mean=None,
    running_var=None,
    weight=None,
    bias=None,
    use_input_stats=True,
    momentum=0.1,
    eps=1e-5,
):
    """Normalise each channel of each sample over space.

    Args:
        input (Tensor)
        running_mean (Tensor, None), running_var (Tensor, None): (C); used unless `use_input_stats`.
        weight (Tensor, None), bias (Tensor, None): factor and summand, (C).
        eps (float, 1e-5): added to the variance.
        use_input_stats (bool, True): normalise by the sample's own statistics.
        momentum (float, 0.1): share of the batch in the running statistics.

    Shape:  input (N, C, *); the other tensors (C).
    Example:
        >>> F.instance_norm(torch.tensor([[[1.0, 3.0]], [[5.0, 9.0]]]))
        tensor([[[-1.0000,  1.0000]],
        <BLANKLINE>
                [[-1.0000,  1.0000]]])
    """
    if has_torch_function_variadic(input, running_mean, running_var, weight, bias):
        return handle_torch_function(
            instance_norm,
            (input, running_mean, running_var, weight, bias),
            input,
            running_mean=running_mean,
            running_var=running_var,
            weight=weight,
            bias=bias,
            use_input_stats=use_input_stats,
            momentum=momentum,
            eps=eps,
        )
    if use_input_stats:
        _verify_spatial_size(input.size())
    return rustorch.instance_norm(input, weight, bias, running_mean, running_var, use_input_stats, momentum, eps, True)


def layer_norm(input, normalized_shape, weight=None, bias=None, eps=1e-5):
    """Normalise over the last dimensions, which have the shape `normalized_shape`, then scale and shift.

    Args:
        input (Tensor)
        normalized_shape (sequence of int): the last sizes of the input.
        weight (Tensor, None), bias (Tensor, None): factor and summand, of that shape.
        eps (float, 1e-5): added to the variance.
    Shape:  output as input.
    Raises:  RuntimeError: if the input does not end in `normalized_shape`.
    Example:
        >>> F.layer_norm(torch.tensor([[1.0, 3.0], [0.0, 10.0]]), (2,))
        tensor([[-1.0000,  1.0000],
                [-1.0000,  1.0000]])
    """
    if has_torch_function_variadic(input, weight, bias):
        return handle_torch_function(
            layer_norm, (input, weight, bias), input, normalized_shape, weight=weight, bias=bias, eps=eps
        )
    return rustorch.layer_norm(input, normalized_shape, weight, bias, eps, True)


def rms_norm(input, normalized_shape, weight=None, eps=None):
    """Divide by the root mean square over the last dimensions, then scale; eps None is the dtype's epsilon.

    Args:
        input (Tensor)
        normalized_shape (sequence of int): the last sizes of the input.
        weight (Tensor, None): factor, of that shape.
        eps (float, None): added to the mean square.
    Shape:  output as input.
    Raises:  RuntimeError: if the input does not end in `normalized_shape`.
    Example:
        >>> F.rms_norm(torch.tensor([[3.0, 3.0], [1.0, 7.0]]), (2,))
        tensor([[1.0000, 1.0000],
                [0.2000, 1.4000]])
    """
    if has_torch_function_variadic(input, weight):
        return handle_torch_function(rms_norm, (input, weight), input, normalized_shape, weight=weight, eps=eps)
    return rustorch.rms_norm(input, normalized_shape, weight, eps)


def group_norm(input, num_groups, weight=None, bias=None, eps=1e-5):
    """Normalise each group of channels of each sample, then scale and shift each channel.

    Args:
        input (Tensor)
        num_groups (int): divides the number of channels.
        weight (Tensor, None), bias (Tensor, None): factor and summand, (C).
        eps (float, 1e-5): added to the variance.

    Shape:  input (N, C, *), weight and bias (C); num_groups divides C.
    Raises:  RuntimeError: if num_groups does not divide the channels.
    Example:
        >>> x = F.group_norm(torch.randn(3, 4, 5), 2)
        >>> bool(x.view(3, 2, 10).mean(2).abs().max() < 1e-5)
        True
    """
    if has_torch_function_variadic(input, weight, bias):
        return handle_torch_function(
            group_norm, (input, weight, bias), input, num_groups, weight=weight, bias=bias, eps=eps
        )
    if input.dim() < 2:
        raise RuntimeError(f"Expected at least 2 dimensions for input tensor but received {input.dim()}")
    _verify_batch_size([input.size(0) * input.size(1) // num_groups, num_groups, *input.size()[2:]])
    return rustorch.group_norm(input, num_groups, weight, bias, eps, True)


def local_response_norm(input, size, alpha=1e-4, beta=0.75, k=1.0):
    """`x / (k + alpha * mean(x^2)) ** beta`, the mean over `size` neighbouring channels, zeros beyond the ends.

    Args:
        input (Tensor)
        size (int): channels in a mean.
        alpha (float, 1e-4), beta (float, 0.75), k (float, 1)

    Shape:  input (N, C, *) with at least one spatial dimension.
    Example:
        >>> F.local_response_norm(torch.ones(1, 3, 1), 2)
        tensor([[[1.0000],
                 [0.9999],
                 [0.9999]]])
    """
    if has_torch_function_unary(input):
        return handle_torch_function(local_response_norm, (input,), input, size, alpha=alpha, beta=beta, k=k)
    dim = input.dim()
    if dim < 3:
        # The blanks are part of torch's text.
        raise ValueError(f"Expected 3D or higher dimensionality                          input (got {dim} dimensions)")
    if input.numel() == 0:
        return input
    squares = input.mul(input)
    before, after = size // 2, (size - 1) // 2
    if dim == 3:
        padded = _nn.pad(squares.unsqueeze(1), (0, 0, before, after))
        mean = _nn.avg_pool2d(padded, (size, 1), stride=1).squeeze(1)
    else:
        shape = input.size()
        planes = squares.view(shape[0], 1, shape[1], shape[2], -1)
        padded = _nn.pad(planes, (0, 0, 0, 0, before, after))
        mean = _nn.avg_pool3d(padded, (size, 1, 1), stride=1).squeeze(1).view(shape)
    return input / mean.mul(alpha).add(k).pow(beta)


def normalize(input, p=2.0, dim=1, eps=1e-12, out=None):
    """Divide by the p-norm along `dim`, or by eps where the norm is smaller.

    Args:
        input (Tensor)
        p (float, 2): order of the norm.
        dim (int or tuple, 1): what is a vector.
        eps (float, 1e-12)
        out (Tensor, None): takes the result.
    Shape:  output as input.
    Example:
        >>> F.normalize(torch.tensor([[3.0, 4.0], [0.0, 0.0]]))
        tensor([[0.6000, 0.8000],
                [0.0000, 0.0000]])
    """
    if has_torch_function_variadic(input, out):
        return handle_torch_function(normalize, (input, out), input, p=p, dim=dim, eps=eps, out=out)
    norm = input.norm(p, dim, keepdim=True)
    if out is None:
        return input / norm.clamp_min(eps).expand_as(input)
    return rustorch.div(input, norm.clamp_min_(eps).expand_as(input), out=out)
