"""The half-normal distribution."""

import math

from rustorch.distributions._half import Half
from rustorch.distributions.normal import Normal

__all__ = ["HalfNormal"]


class HalfNormal(Half):
    """`|X|` for X of `Normal(0, scale)`.

    Args:
        scale (float or Tensor): the standard deviation of X, positive.
        validate_args (bool, None): see `Distribution`.
    Example:
        >>> torch.distributions.HalfNormal(1.0).mean  # sqrt(2 / pi)
        tensor(0.7979)
    """

    _whole = Normal

    @property
    def mean(self):
        return self.scale * math.sqrt(2 / math.pi)

    @property
    def variance(self):
        return self.scale.pow(2) * (1 - 2 / math.pi)
