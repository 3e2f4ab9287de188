"""Layers as functions: everything here is stateless, and parameters are arguments."""

import types
from collections.abc import Callable as Callable
from typing import Optional as Optional

import rustorch
from rustorch import _VF as _VF
from rustorch import Tensor as Tensor
from rustorch._C import _nn
from rustorch._jit_internal import boolean_dispatch as boolean_dispatch
from rustorch.nn import _reduction
from rustorch.nn._functional import activation, attention, grouped, loss, margin_loss, norm, pool, sparse, vision
from rustorch.nn._shapes import _list_with_default as _list_with_default
from rustorch.nn._shapes import _pair as _pair
from rustorch.nn._shapes import _single as _single
from rustorch.nn._shapes import _triple as _triple
from rustorch.overrides import handle_torch_function as handle_torch_function
from rustorch.overrides import has_torch_function as has_torch_function
from rustorch.overrides import has_torch_function_unary as has_torch_function_unary
from rustorch.overrides import has_torch_function_variadic as has_torch_function_variadic

_Reduction, _get_softmax_dim = _reduction, activation._implicit_dim

# Functions the core offers with the signature that is public here.
_NATIVE = {
    rustorch: (
        "adaptive_avg_pool1d avg_pool1d bilinear celu_ channel_shuffle conv1d conv2d conv3d conv_tbc conv_transpose1d "
        "conv_transpose2d conv_transpose3d cosine_similarity hardshrink native_channel_shuffle pairwise_distance pdist "
        "pixel_shuffle pixel_unshuffle prelu relu_ rrelu_ selu_ threshold_"
    ),
    _nn: (
        "avg_pool2d avg_pool3d elu_ gelu hardtanh_ leaky_relu_ linear one_hot scaled_dot_product_attention softplus "
        "softshrink"
    ),
}
for _owner, _names in _NATIVE.items():
    globals().update((name, getattr(_owner, name)) for name in _names.split())
logsigmoid = _nn.log_sigmoid

for _part in (activation, attention, grouped, loss, margin_loss, norm, pool, sparse, vision):
    for _name, _value in vars(_part).items():
        if isinstance(_value, types.FunctionType) and _value.__module__ in (_part.__name__, __name__):
            _value.__module__ = __name__
            globals()[_name] = _value
        elif _name.startswith("GRID_SAMPLE"):
            globals()[_name] = _value


def assert_int_or_pair(arg, arg_name, message):
    """Raise AssertionError(message.format(arg_name)) unless `arg` is a number or has two elements.

    Example:
        >>> F.assert_int_or_pair((1, 2), "size", "expected an int or a pair for {}")
    """
    if not (isinstance(arg, int) or len(arg) == 2):
        raise AssertionError(message.format(arg_name))


del _name, _names, _owner, _part, _value
