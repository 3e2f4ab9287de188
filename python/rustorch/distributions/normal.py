"""The normal distribution."""

import math

import rustorch
from rustorch.distributions._location import LocationScale
from rustorch.distributions.exp_family import ExponentialFamily
from rustorch.distributions.utils import _NO_DIMS, _standard_normal

__all__ = ["Normal"]


class Normal(LocationScale, ExponentialFamily):
    """The normal distribution, of density `exp(-((x - loc) / scale)^2 / 2) / (scale sqrt(2 pi))`.

    Args:
        loc (float or Tensor): the mean.
        scale (float or Tensor): the standard deviation, positive.
        validate_args (bool, None): see `Distribution`.
    Example:
        >>> torch.distributions.Normal(0.0, 1.0).cdf(torch.tensor([0.0, 1.96]))
        tensor([0.5000, 0.9750])
    """

    _mean_carrier_measure = 0
    _batched = ("loc", "scale")

    @property
    def stddev(self):
        return self.scale

    @property
    def variance(self):
        return self.stddev.pow(2)

    def sample(self, sample_shape=_NO_DIMS):
        shape = self._extended_shape(sample_shape)
        with rustorch.no_grad():
            return rustorch.normal(self.loc.expand(shape), self.scale.expand(shape))

    def rsample(self, sample_shape=_NO_DIMS):
        shape = self._extended_shape(sample_shape)
        return self.loc + _standard_normal(shape, dtype=self.loc.dtype, device=self.loc.device) * self.scale

    def log_prob(self, value):
        if self._validate_args:
            self._validate_sample(value)
        return -((value - self.loc) ** 2) / (2 * self.scale**2) - self.scale.log() - math.log(math.sqrt(2 * math.pi))

    def cdf(self, value):
        if self._validate_args:
            self._validate_sample(value)
        return 0.5 * (1 + rustorch.erf((value - self.loc) * self.scale.reciprocal() / math.sqrt(2)))

    def icdf(self, value):
        return self.loc + self.scale * rustorch.erfinv(2 * value - 1) * math.sqrt(2)

    def entropy(self):
        return 0.5 + 0.5 * math.log(2 * math.pi) + rustorch.log(self.scale)

    @property
    def _natural_params(self):
        return self.loc / self.scale.pow(2), -0.5 * self.scale.pow(2).reciprocal()

    def _log_normalizer(self, x, y):
        return -0.25 * x.pow(2) / y + 0.5 * rustorch.log(-math.pi / y)
