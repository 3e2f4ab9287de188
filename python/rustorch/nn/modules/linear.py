"""Layers that multiply with a learned matrix."""

import math

import rustorch
from rustorch._C import _nn
from rustorch.nn import init
from rustorch.nn.modules.lazy import LazyModuleMixin
from rustorch.nn.modules.module import Module
from rustorch.nn.parameter import Parameter, UninitializedParameter

__all__ = ["Bilinear", "Identity", "LazyLinear", "Linear"]


class Identity(Module):
    """Return the input; arguments of the constructor are ignored, so that it can stand in for any layer.

    Example:
        >>> nn.Identity(54, unused=True)(torch.ones(2))
        tensor([1., 1.])
    """

    def __init__(self, *args, **kwargs):
        super().__init__()

    def forward(self, input):
        return input


class Linear(Module):
    """Compute `input @ weight.T + bias`.

    Args:
        in_features (int), out_features (int): sizes of the last dimension of input and output.
        bias (bool, True): whether there is a bias.
        device (device, None), dtype (dtype, None): of the parameters.
    Shape:  input (*, in_features), output (*, out_features).
    Attributes:
        weight (out_features, in_features): uniform in +-1/sqrt(in_features).
        bias (out_features): uniform in +-1/sqrt(in_features).
    Raises:  RuntimeError: if the last dim of the input is not in_features, or its dtype is not the weight's.
    Example:
        >>> nn.Linear(20, 30)(torch.randn(128, 20)).shape
        torch.Size([128, 30])
    """

    __constants__ = ["in_features", "out_features"]

    def __init__(self, in_features, out_features, bias=True, device=None, dtype=None):
        super().__init__()
        self.in_features = in_features
        self.out_features = out_features
        self.weight = Parameter(rustorch.empty((out_features, in_features), device=device, dtype=dtype))
        values = rustorch.empty(out_features, device=device, dtype=dtype) if bias else None
        self.register_parameter("bias", Parameter(values) if bias else None)
        self.reset_parameters()

    def reset_parameters(self):
        """Draw new values for all parameters."""
        # a = sqrt(5) gives weights in +-1/sqrt(in_features).
        init.kaiming_uniform_(self.weight, a=math.sqrt(5))
        if self.bias is not None:
            fan_in, _ = init._calculate_fan_in_and_fan_out(self.weight)
            bound = 1 / math.sqrt(fan_in) if fan_in > 0 else 0
            init.uniform_(self.bias, -bound, bound)

    def forward(self, input):
        # The table first: an attribute that only __getattr__ finds costs several dict lookups more.
        params = self._parameters
        weight = params.get("weight")
        if weight is None:  # parametrized
            weight = self.weight
        bias = params["bias"] if "bias" in params else self.bias
        return _nn.linear(input, weight, bias)

    def extra_repr(self):
        return f"in_features={self.in_features}, out_features={self.out_features}, bias={self.bias is not None}"


class NonDynamicallyQuantizableLinear(Linear):
    """The output projection of MultiheadAttention; a class of its own so that tools can tell it apart."""


class Bilinear(Module):
    """Compute `input1 @ weight[k] @ input2 + bias[k]` for every output feature k.

    Args:
        in1_features (int), in2_features (int), out_features (int): sizes of the last dimensions.
        bias (bool, True): whether there is a bias.
        device (device, None), dtype (dtype, None): of the parameters.
    Shape:  inputs (*, in1_features) and (*, in2_features), output (*, out_features).
    Attributes:
        weight (out_features, in1_features, in2_features), bias (out_features): uniform in +-1/sqrt(in1_features).
    Example:
        >>> nn.Bilinear(2, 3, 4)(torch.randn(5, 2), torch.randn(5, 3)).shape
        torch.Size([5, 4])
    """

    __constants__ = ["in1_features", "in2_features", "out_features"]

    def __init__(self, in1_features, in2_features, out_features, bias=True, device=None, dtype=None):
        super().__init__()
        self.in1_features = in1_features
        self.in2_features = in2_features
        self.out_features = out_features
        shape = (out_features, in1_features, in2_features)
        self.weight = Parameter(rustorch.empty(shape, device=device, dtype=dtype))
        values = rustorch.empty(out_features, device=device, dtype=dtype) if bias else None
        self.register_parameter("bias", Parameter(values) if bias else None)
        self.reset_parameters()

    def reset_parameters(self):
        """Draw new values for all parameters."""
        if self.in1_features <= 0:
            raise ValueError(f"in1_features must be > 0, but got (in1_features={self.in1_features})")
        bound = 1 / math.sqrt(self.weight.size(1))
        init.uniform_(self.weight, -bound, bound)
        if self.bias is not None:
            init.uniform_(self.bias, -bound, bound)

    def forward(self, input1, input2):
        return rustorch.bilinear(input1, input2, self.weight, self.bias)

    def extra_repr(self):
        return (
            f"in1_features={self.in1_features}, in2_features={self.in2_features}, "
            f"out_features={self.out_features}, bias={self.bias is not None}"
        )


class LazyLinear(LazyModuleMixin, Linear):
    """A Linear whose in_features the first input gives; it becomes a Linear then.

    Args:
        out_features (int): size of the last dimension of the output.
        bias (bool, True): whether there is a bias.
        device (device, None), dtype (dtype, None): of the parameters.
    Example:
        >>> layer = nn.LazyLinear(3)
        >>> layer(torch.randn(2, 5)).shape, layer
        (torch.Size([2, 3]), Linear(in_features=5, out_features=3, bias=True))
    """

    cls_to_become = Linear

    def __init__(self, out_features, bias=True, device=None, dtype=None):
        # Without features there is nothing to allocate or draw yet.
        super().__init__(0, 0, False)
        self.weight = UninitializedParameter(device=device, dtype=dtype)
        self.out_features = out_features
        if bias:
            self.bias = UninitializedParameter(device=device, dtype=dtype)

    def reset_parameters(self):
        if not self.has_uninitialized_params() and self.in_features != 0:
            super().reset_parameters()

    def initialize_parameters(self, input):
        features = input.shape[-1]
        if self.has_uninitialized_params():
            with rustorch.no_grad():
                self.in_features = features
                self.weight.materialize((self.out_features, features))
                if self.bias is not None:
                    self.bias.materialize((self.out_features,))
                self.reset_parameters()
        if self.in_features == 0:
            # The parameters came from a state_dict, their shape is known already.
            if features != self.weight.shape[-1]:
                raise AssertionError(
                    f"The in_features inferred from input: {features} is not equal to in_features from self.weight: "
                    f"{self.weight.shape[-1]}"
                )
            self.in_features = features
