"""Pooling and its inverses."""

import rustorch
from rustorch._C import _nn
from rustorch.nn._shapes import _list_with_default, _pair, _single, _triple
from rustorch.overrides import handle_torch_function, has_torch_function_unary, has_torch_function_variadic


def _describe(function, name, n, summary, args, call):
    """Name a function and give it a docstring with an example of its call on an image of 4 * 4 * ..."""
    picked, shape = "[0]" * name.endswith("indices"), ", ".join(["4"] * n)
    function.__name__ = function.__qualname__ = name
    function.__doc__ = f"""{summary}

    Args:
        input (Tensor): (N, C, *) or (C, *).{args}
    Example:
        >>> F.{name}(torch.ones(1, 1, {shape}), {call}){picked}.shape
        torch.Size([1, 1, {shape.replace("4", "2")}])
    """


def _max_pool(n, plain, with_indices):
    """Build max_pool{n}d and max_pool{n}d_with_indices from the core's functions, looked up by `plain` and so on."""

    def indexed(input, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False, return_indices=False):
        if has_torch_function_unary(input):
            return handle_torch_function(
                indexed,
                (input,),
                input,
                kernel_size,
                stride=stride,
                padding=padding,
                dilation=dilation,
                ceil_mode=ceil_mode,
                return_indices=return_indices,
            )
        stride = [] if stride is None else stride
        return with_indices()(input, kernel_size, stride, padding, dilation, ceil_mode)

    def pool(input, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False, return_indices=False):
        if return_indices:
            return indexed(input, kernel_size, stride, padding, dilation, ceil_mode, return_indices)
        if has_torch_function_unary(input):
            return handle_torch_function(
                pool,
                (input,),
                input,
                kernel_size,
                stride=stride,
                padding=padding,
                dilation=dilation,
                ceil_mode=ceil_mode,
                return_indices=return_indices,
            )
        stride = [] if stride is None else stride
        return plain()(input, kernel_size, stride, padding, dilation, ceil_mode)

    name, window = f"max_pool{n}d", f"sliding windows of the last {n} dimension{'s' * (n > 1)}"
    args = """
        kernel_size (int or tuple)
        stride (int or tuple, kernel_size)
        padding (int or tuple, 0): at both sides, at most half the kernel; it never is the maximum.
        dilation (int or tuple, 1): step between elements of a window.
        ceil_mode (bool, False): round the output's size up instead of down."""
    _describe(pool, name, n, f"Maximum over {window}; with `return_indices` also its flat index.", args, "2")
    _describe(indexed, f"{name}_with_indices", n, f"Maximum over {window}, and its flat index.", args, "2")
    return pool, indexed


max_pool1d, max_pool1d_with_indices = _max_pool(
    1, lambda: rustorch.max_pool1d, lambda: rustorch.max_pool1d_with_indices
)
max_pool2d, max_pool2d_with_indices = _max_pool(2, lambda: rustorch.max_pool2d, lambda: _nn.max_pool2d_with_indices)
max_pool3d, max_pool3d_with_indices = _max_pool(3, lambda: rustorch.max_pool3d, lambda: _nn.max_pool3d_with_indices)


def _fractional_max_pool(n, repeat, native):
    """Build fractional_max_pool{n}d and its form with indices."""
    name = f"fractional_max_pool{n}d"

    def indexed(input, kernel_size, output_size=None, output_ratio=None, return_indices=False, _random_samples=None):
        if has_torch_function_variadic(input, _random_samples):
            return handle_torch_function(
                indexed,
                (input, _random_samples),
                input,
                kernel_size,
                output_size=output_size,
                output_ratio=output_ratio,
                return_indices=return_indices,
                _random_samples=_random_samples,
            )
        if output_size is None and output_ratio is None:
            raise ValueError(f"{name} requires specifying either an output_size or an output_ratio")
        if output_size is None:
            if n == 2 and len(output_ratio) > 2:
                raise ValueError(f"{name} requires output_ratio to either be a single Int or tuple of Ints.")
            ratios = repeat(output_ratio)
            output_size = [int(size * ratios[d]) for d, size in enumerate(input.shape[-n:])]
        if _random_samples is None:
            batch = 1 if input.dim() == n + 1 else input.size(0)
            shape = (batch, input.size(-n - 1), n)
            _random_samples = rustorch.rand(*shape, dtype=input.dtype, device=input.device)
        return native()(input, kernel_size, output_size, _random_samples)

    def pool(input, kernel_size, output_size=None, output_ratio=None, return_indices=False, _random_samples=None):
        if not return_indices and has_torch_function_variadic(input, _random_samples):
            return handle_torch_function(
                pool,
                (input, _random_samples),
                input,
                kernel_size,
                output_size=output_size,
                output_ratio=output_ratio,
                return_indices=return_indices,
                _random_samples=_random_samples,
            )
        both = indexed(input, kernel_size, output_size, output_ratio, return_indices, _random_samples)
        return both if return_indices else both[0]

    args = """
        kernel_size (int or tuple)
        output_size (int or tuple, None), output_ratio (float or tuple, None): one of them; a share of the input's size.
        return_indices (bool, False): return the flat indices of the maxima, too."""
    text = f"Maximum over {n}-d regions of random size that give `output_size` outputs. Source: arXiv:1412.6071."
    _describe(pool, name, n, text, args, "2, output_size=2")
    text = f"{name} together with the flat indices of the maxima."
    _describe(indexed, f"{name}_with_indices", n, text, args, "2, output_size=2")
    return pool, indexed


fractional_max_pool2d, fractional_max_pool2d_with_indices = _fractional_max_pool(
    2, _pair, lambda: _nn.fractional_max_pool2d
)
fractional_max_pool3d, fractional_max_pool3d_with_indices = _fractional_max_pool(
    3, _triple, lambda: _nn.fractional_max_pool3d
)


def _adaptive_max_pool(n, native):
    """Build adaptive_max_pool{n}d and its form with indices."""
    name = f"adaptive_max_pool{n}d"

    def indexed(input, output_size, return_indices=False):
        if has_torch_function_unary(input):
            return handle_torch_function(indexed, (input,), input, output_size, return_indices=return_indices)
        if n > 1:
            output_size = _list_with_default(output_size, input.size())
        return native()(input, output_size)

    def pool(input, output_size, return_indices=False):
        if not return_indices and has_torch_function_unary(input):
            return handle_torch_function(pool, (input,), input, output_size, return_indices=return_indices)
        both = indexed(input, output_size, return_indices)
        return both if return_indices else both[0]

    args = """
        output_size (int or tuple): None keeps a size.
        return_indices (bool, False): return the flat indices of the maxima, too."""
    _describe(pool, name, n, f"Maximum over {n}-d regions chosen so that the result has `output_size`.", args, "2")
    text = f"{name} together with the flat indices of the maxima."
    _describe(indexed, f"{name}_with_indices", n, text, args, "2")
    return pool, indexed


adaptive_max_pool1d, adaptive_max_pool1d_with_indices = _adaptive_max_pool(1, lambda: rustorch.adaptive_max_pool1d)
adaptive_max_pool2d, adaptive_max_pool2d_with_indices = _adaptive_max_pool(2, lambda: _nn.adaptive_max_pool2d)
adaptive_max_pool3d, adaptive_max_pool3d_with_indices = _adaptive_max_pool(3, lambda: _nn.adaptive_max_pool3d)


def adaptive_avg_pool2d(input, output_size):
    """Mean over regions chosen so that the result has `output_size` (h, w); None keeps a size.

    Args:
        input (Tensor): (N, C, H, W) or (C, H, W).
        output_size (int or pair)
    Example:
        >>> F.adaptive_avg_pool2d(torch.arange(4.0).view(1, 1, 2, 2), 1)
        tensor([[[[1.5000]]]])
    """
    if has_torch_function_unary(input):
        return handle_torch_function(adaptive_avg_pool2d, (input,), input, output_size)
    return _nn.adaptive_avg_pool2d(input, _list_with_default(output_size, input.size()))


def adaptive_avg_pool3d(input, output_size):
    """Mean over regions chosen so that the result has `output_size` (d, h, w); None keeps a size.

    Args:
        input (Tensor): (N, C, D, H, W) or (C, D, H, W).
        output_size (int or triple)
    Example:
        >>> F.adaptive_avg_pool3d(torch.randn(1, 2, 5, 7, 9), (1, None, 3)).shape
        torch.Size([1, 2, 1, 7, 3])
    """
    if has_torch_function_unary(input):
        return handle_torch_function(adaptive_avg_pool3d, (input,), input, output_size)
    return _nn.adaptive_avg_pool3d(input, _list_with_default(output_size, input.size()))


def _unpool_output_size(input, kernel_size, stride, padding, output_size):
    """The spatial size of an unpooled input: the one asked for, if the pooling could have come from it."""
    n = len(kernel_size)
    default = [(size - 1) * s + k - 2 * p for size, k, s, p in zip(input.shape[-n:], kernel_size, stride, padding)]
    if output_size is None:
        sizes = default
    else:
        if len(output_size) == n + 2:
            output_size = output_size[2:]
        if len(output_size) != n:
            raise ValueError(
                f"output_size should be a sequence containing {n} or {n + 2} elements, but it has a length of "
                f"'{len(output_size)}'"
            )
        for d in range(n):
            low, high = default[d] - stride[d], default[d] + stride[d]
            if not low < output_size[d] < high:
                raise ValueError(f'invalid output_size "{output_size}" (dim {d} must be between {low} and {high})')
        sizes = output_size
    for d in range(n):
        if sizes[d] < 0:
            raise ValueError(
                "max_unpooling: output_size must contain non-negative spatial dimensions, but got "
                f"output_size[{d}]={sizes[d]}"
            )
    return list(sizes)


def _unpool_arguments(repeat, input, kernel_size, stride, padding, output_size):
    kernel_size = repeat(kernel_size)
    stride = kernel_size if stride is None else repeat(stride)
    padding = repeat(padding)
    return _unpool_output_size(input, kernel_size, stride, padding, output_size), stride, padding


def max_unpool1d(input, indices, kernel_size, stride=None, padding=0, output_size=None):
    """Put the values back where max_pool1d took them from; zero elsewhere.

    Args:
        input (Tensor), indices (Tensor): as max_pool1d returned them.
        kernel_size, stride, padding: as they were given to it.
        output_size (sequence, None): where rounding leaves more than one choice.
    Example:
        >>> values, places = F.max_pool1d(torch.randn(1, 1, 4), 2, return_indices=True)
        >>> F.max_unpool1d(values, places, 2).shape
        torch.Size([1, 1, 4])
    """
    if has_torch_function_unary(input):
        return handle_torch_function(
            max_unpool1d,
            (input,),
            input,
            indices,
            kernel_size,
            stride=stride,
            padding=padding,
            output_size=output_size,
        )
    size, _, _ = _unpool_arguments(_single, input, kernel_size, stride, padding, output_size)
    return _nn.max_unpool2d(input.unsqueeze(-1), indices.unsqueeze(-1), [*size, 1]).squeeze(-1)


def max_unpool2d(input, indices, kernel_size, stride=None, padding=0, output_size=None):
    """Put the values back where max_pool2d took them from; zero elsewhere.

    Args:
        input (Tensor), indices (Tensor): as max_pool2d returned them.
        kernel_size, stride, padding: as they were given to it.
        output_size (sequence, None): where rounding leaves more than one choice.
    Example:
        >>> values, places = F.max_pool2d(torch.randn(1, 1, 4, 4), 2, return_indices=True)
        >>> F.max_unpool2d(values, places, 2).shape
        torch.Size([1, 1, 4, 4])
    """
    if has_torch_function_unary(input):
        return handle_torch_function(
            max_unpool2d,
            (input,),
            input,
            indices,
            kernel_size,
            stride=stride,
            padding=padding,
            output_size=output_size,
        )
    size, _, _ = _unpool_arguments(_pair, input, kernel_size, stride, padding, output_size)
    return _nn.max_unpool2d(input, indices, size)


def max_unpool3d(input, indices, kernel_size, stride=None, padding=0, output_size=None):
    """Put the values back where max_pool3d took them from; zero elsewhere.

    Args:
        input (Tensor), indices (Tensor): as max_pool3d returned them.
        kernel_size, stride, padding: as they were given to it.
        output_size (sequence, None): where rounding leaves more than one choice.
    Example:
        >>> values, places = F.max_pool3d(torch.randn(1, 1, 4, 4, 4), 2, return_indices=True)
        >>> F.max_unpool3d(values, places, 2).shape
        torch.Size([1, 1, 4, 4, 4])
    """
    if has_torch_function_unary(input):
        return handle_torch_function(
            max_unpool3d,
            (input,),
            input,
            indices,
            kernel_size,
            stride=stride,
            padding=padding,
            output_size=output_size,
        )
    size, stride, padding = _unpool_arguments(_triple, input, kernel_size, stride, padding, output_size)
    return _nn.max_unpool3d(input, indices, size, stride, padding)


def _lp_pool(input, norm_type, kernel_size, stride, ceil_mode, count, max_pool, avg_pool):
    if isinstance(norm_type, (int, float)) and norm_type in (float("inf"), -float("inf")):
        if norm_type > 0:
            return max_pool(input.abs(), kernel_size, stride, 0, 1, ceil_mode)
        return -max_pool(-input.abs(), kernel_size, stride, 0, 1, ceil_mode)
    mean = avg_pool(input.pow(norm_type), kernel_size, [] if stride is None else stride, 0, ceil_mode)
    # An odd power may have a negative sum; its root is taken as that of the positive part.
    return (mean.sign() * rustorch.relu(mean.abs())).mul(count).pow(1.0 / norm_type)


def lp_pool1d(input, norm_type, kernel_size, stride=None, ceil_mode=False):
    """`sum(x ** p) ** (1 / p)` over sliding windows of the last dimension, p = `norm_type`.

    Args:
        input (Tensor)
        norm_type (float): p; infinity is the maximum.
        kernel_size (int or tuple), stride (int or tuple, kernel_size)
        ceil_mode (bool, False): round the output's size up instead of down.
    Example:
        >>> F.lp_pool1d(torch.tensor([[3.0, 4.0, 6.0, 8.0]]), 2, 2)
        tensor([[ 5., 10.]])
    """
    if has_torch_function_unary(input):
        return handle_torch_function(
            lp_pool1d, (input,), input, norm_type, kernel_size, stride=stride, ceil_mode=ceil_mode
        )
    (count,) = _single(kernel_size)
    return _lp_pool(input, norm_type, kernel_size, stride, ceil_mode, count, max_pool1d, rustorch.avg_pool1d)


def lp_pool2d(input, norm_type, kernel_size, stride=None, ceil_mode=False):
    """`sum(x ** p) ** (1 / p)` over sliding windows of the last two dimensions, p = `norm_type`.

    Args:
        input (Tensor)
        norm_type (float): p; infinity is the maximum.
        kernel_size (int or tuple), stride (int or tuple, kernel_size)
        ceil_mode (bool, False): round the output's size up instead of down.
    Example:
        >>> F.lp_pool2d(torch.ones(1, 1, 2, 4), 1, 2)
        tensor([[[[4., 4.]]]])
    """
    if has_torch_function_unary(input):
        return handle_torch_function(
            lp_pool2d, (input,), input, norm_type, kernel_size, stride=stride, ceil_mode=ceil_mode
        )
    h, w = _pair(kernel_size)
    return _lp_pool(input, norm_type, kernel_size, stride, ceil_mode, h * w, max_pool2d, _nn.avg_pool2d)


def lp_pool3d(input, norm_type, kernel_size, stride=None, ceil_mode=False):
    """`sum(x ** p) ** (1 / p)` over sliding windows of the last three dimensions, p = `norm_type`.

    Args:
        input (Tensor)
        norm_type (float): p; infinity is the maximum.
        kernel_size (int or tuple), stride (int or tuple, kernel_size)
        ceil_mode (bool, False): round the output's size up instead of down.
    Example:
        >>> F.lp_pool3d(torch.ones(1, 1, 4, 4, 4), 2, 2).shape
        torch.Size([1, 1, 2, 2, 2])
    """
    if has_torch_function_unary(input):
        return handle_torch_function(
            lp_pool3d, (input,), input, norm_type, kernel_size, stride=stride, ceil_mode=ceil_mode
        )
    d, h, w = _triple(kernel_size)
    return _lp_pool(input, norm_type, kernel_size, stride, ceil_mode, d * h * w, max_pool3d, _nn.avg_pool3d)
