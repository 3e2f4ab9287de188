"""The Cauchy distribution."""

import math

import rustorch
from rustorch.distributions._location import LocationScale
from rustorch.distributions.distribution import Distribution
from rustorch.distributions.utils import _NO_DIMS

__all__ = ["Cauchy"]


class Cauchy(LocationScale, Distribution):
    """The Cauchy (Lorentz) distribution, of density `1 / (pi scale (1 + ((x - loc) / scale)^2))`; it has no mean.

    Args:
        loc (float or Tensor): the median.
        scale (float or Tensor): half the width at half the height, positive.
        validate_args (bool, None): see `Distribution`.
    Example:
        >>> torch.distributions.Cauchy(0.0, 1.0).cdf(torch.tensor([-1.0, 0.0, 1.0]))
        tensor([0.2500, 0.5000, 0.7500])
    """

    _batched = ("loc", "scale")

    @property
    def mean(self):
        return self._full(rustorch.nan, self.loc)

    @property
    def variance(self):
        return self._full(rustorch.inf, self.loc)

    def rsample(self, sample_shape=_NO_DIMS):
        shape = self._extended_shape(sample_shape)
        return self.loc + self.loc.new_empty(shape).cauchy_() * self.scale

    def log_prob(self, value):
        if self._validate_args:
            self._validate_sample(value)
        return -math.log(math.pi) - self.scale.log() - (((value - self.loc) / self.scale) ** 2).log1p()

    def cdf(self, value):
        if self._validate_args:
            self._validate_sample(value)
        return rustorch.atan((value - self.loc) / self.scale) / math.pi + 0.5

    def icdf(self, value):
        return rustorch.tan(math.pi * (value - 0.5)) * self.scale + self.loc

    def entropy(self):
        return math.log(4 * math.pi) + self.scale.log()
