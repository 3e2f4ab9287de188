"""Folding batch normalisation into the layer before it, for inference."""

import copy

import rustorch
from rustorch.nn.parameter import Parameter

__all__ = ["fuse_conv_bn_eval", "fuse_conv_bn_weights", "fuse_linear_bn_eval", "fuse_linear_bn_weights"]


def _check_eval(layer, bn):
    if layer.training or bn.training:
        raise AssertionError("Fusion only for eval!")


def _check_stats(bn):
    if bn.running_mean is None or bn.running_var is None:
        raise AssertionError("bn.running_mean and bn.running_var must not be None")


def fuse_conv_bn_eval(conv, bn, transpose=False):
    """A copy of `conv` that computes `bn(conv(x))`; both are in eval mode.

    Args:  transpose (bool, False): `conv` is a transposed convolution.
    Example:
        >>> conv, bn = nn.Conv1d(1, 1, 1).eval(), nn.BatchNorm1d(1).eval()
        >>> fused = torch.nn.utils.fuse_conv_bn_eval(conv, bn)
        >>> x = torch.randn(2, 1, 3)
        >>> torch.allclose(fused(x), bn(conv(x)), atol=1e-6)
        True
    """
    _check_eval(conv, bn)
    fused = copy.deepcopy(conv)
    _check_stats(bn)
    fused.weight, fused.bias = fuse_conv_bn_weights(
        fused.weight, fused.bias, bn.running_mean, bn.running_var, bn.eps, bn.weight, bn.bias, transpose
    )
    return fused


def fuse_conv_bn_weights(conv_w, conv_b, bn_rm, bn_rv, bn_eps, bn_w, bn_b, transpose=False):
    """The weight and bias of a convolution followed by a batch normalisation with the given running statistics.

    Example:
        >>> one = torch.ones(1)
        >>> w, b = torch.nn.utils.fuse_conv_bn_weights(torch.ones(1, 1, 1), None, one, one * 4, 0.0, one * 2, one)
        >>> w.item(), b.item()
        (1.0, 0.0)
    """
    bias_dtype = conv_w.dtype if conv_b is None else conv_b.dtype
    conv_b = rustorch.zeros_like(bn_rm) if conv_b is None else conv_b
    bn_w = rustorch.ones_like(bn_rm) if bn_w is None else bn_w
    bn_b = rustorch.zeros_like(bn_rm) if bn_b is None else bn_b
    rstd = rustorch.rsqrt(bn_rv + bn_eps)
    # Output channels are dimension 1 of a transposed weight.
    shape = [1] * conv_w.dim()
    shape[1 if transpose else 0] = -1
    weight = (conv_w * (bn_w * rstd).reshape(shape)).to(dtype=conv_w.dtype)
    bias = ((conv_b - bn_rm) * rstd * bn_w + bn_b).to(dtype=bias_dtype)
    return Parameter(weight, conv_w.requires_grad), Parameter(bias, conv_b.requires_grad)


def fuse_linear_bn_eval(linear, bn):
    """A copy of `linear` that computes `bn(linear(x))`; both are in eval mode.

    Example:
        >>> linear, bn = nn.Linear(2, 3).eval(), nn.BatchNorm1d(3).eval()
        >>> fused = torch.nn.utils.fuse_linear_bn_eval(linear, bn)
        >>> x = torch.randn(4, 2)
        >>> torch.allclose(fused(x), bn(linear(x)), atol=1e-6)
        True
    """
    _check_eval(linear, bn)
    fused = copy.deepcopy(linear)
    if linear.out_features != bn.num_features and bn.num_features != 1:
        raise AssertionError(
            "To fuse, linear.out_features == bn.num_features or bn.num_features == 1, got "
            f"linear.out_features={linear.out_features} and bn.num_features={bn.num_features}"
        )
    _check_stats(bn)
    fused.weight, fused.bias = fuse_linear_bn_weights(
        fused.weight, fused.bias, bn.running_mean, bn.running_var, bn.eps, bn.weight, bn.bias
    )
    return fused


def fuse_linear_bn_weights(linear_w, linear_b, bn_rm, bn_rv, bn_eps, bn_w, bn_b):
    """The weight and bias of a Linear followed by a batch normalisation with the given running statistics.

    Example:
        >>> one = torch.ones(1)
        >>> w, b = torch.nn.utils.fuse_linear_bn_weights(torch.ones(1, 1), None, one, one * 4, 0.0, one * 2, one)
        >>> w.item(), b.item()
        (1.0, 0.0)
    """
    bias_dtype = linear_w.dtype if linear_b is None else linear_b.dtype
    linear_b = rustorch.zeros_like(bn_rm) if linear_b is None else linear_b
    scale = bn_w * rustorch.rsqrt(bn_rv + bn_eps)
    weight = linear_w * scale.unsqueeze(-1).to(dtype=linear_w.dtype)
    bias = ((linear_b - bn_rm) * scale + bn_b).to(dtype=bias_dtype)
    return Parameter(weight, linear_w.requires_grad), Parameter(bias, linear_b.requires_grad)
