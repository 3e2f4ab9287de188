"""Gradients of convolutions with respect to their input or weight, as functions of their own."""

import rustorch
from rustorch.nn import functional as F

__all__ = ["conv1d_input", "conv1d_weight", "conv2d_input", "conv2d_weight", "conv3d_input", "conv3d_weight"]


def _input_gradient(conv, input_size, weight, grad_output, *settings):
    # The map is linear, so its gradient does not depend on the input.
    with rustorch.enable_grad():
        input = rustorch.zeros(input_size, dtype=grad_output.dtype, device=grad_output.device, requires_grad=True)
        output = conv(input, weight, None, *settings)
        return rustorch.autograd.grad(output, input, grad_output, create_graph=_differentiable(weight, grad_output))[0]


def _weight_gradient(conv, input, weight_size, grad_output, *settings):
    with rustorch.enable_grad():
        weight = rustorch.zeros(weight_size, dtype=grad_output.dtype, device=grad_output.device, requires_grad=True)
        output = conv(input, weight, None, *settings)
        return rustorch.autograd.grad(output, weight, grad_output, create_graph=_differentiable(input, grad_output))[0]


def _differentiable(*tensors):
    return any(t.requires_grad for t in tensors)


def conv1d_input(input_size, weight, grad_output, stride=1, padding=0, dilation=1, groups=1):
    """The gradient of conv1d with respect to an input of `input_size`."""
    return _input_gradient(F.conv1d, input_size, weight, grad_output, stride, padding, dilation, groups)


def conv1d_weight(input, weight_size, grad_output, stride=1, padding=0, dilation=1, groups=1):
    """The gradient of conv1d with respect to a weight of `weight_size`."""
    return _weight_gradient(F.conv1d, input, weight_size, grad_output, stride, padding, dilation, groups)


def conv2d_input(input_size, weight, grad_output, stride=1, padding=0, dilation=1, groups=1):
    """The gradient of conv2d with respect to an input of `input_size`."""
    return _input_gradient(F.conv2d, input_size, weight, grad_output, stride, padding, dilation, groups)


def conv2d_weight(input, weight_size, grad_output, stride=1, padding=0, dilation=1, groups=1):
    """The gradient of conv2d with respect to a weight of `weight_size`."""
    return _weight_gradient(F.conv2d, input, weight_size, grad_output, stride, padding, dilation, groups)


def conv3d_input(input_size, weight, grad_output, stride=1, padding=0, dilation=1, groups=1):
    """The gradient of conv3d with respect to an input of `input_size`."""
    return _input_gradient(F.conv3d, input_size, weight, grad_output, stride, padding, dilation, groups)


def conv3d_weight(input, weight_size, grad_output, stride=1, padding=0, dilation=1, groups=1):
    """The gradient of conv3d with respect to a weight of `weight_size`."""
    return _weight_gradient(F.conv3d, input, weight_size, grad_output, stride, padding, dilation, groups)
