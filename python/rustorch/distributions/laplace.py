"""The Laplace distribution."""

import rustorch
from rustorch.distributions._location import LocationScale
from rustorch.distributions.distribution import Distribution
from rustorch.distributions.utils import _NO_DIMS

__all__ = ["Laplace"]


class Laplace(LocationScale, Distribution):
    """The Laplace (double exponential) distribution, of density `exp(-|x - loc| / scale) / (2 scale)`.

    Args:
        loc (float or Tensor): the mean.
        scale (float or Tensor): the mean distance from it, positive.
        validate_args (bool, None): see `Distribution`.
    Example:
        >>> torch.distributions.Laplace(0.0, 1.0).log_prob(torch.tensor([0.0, -1.0]))
        tensor([-0.6931, -1.6931])
    """

    _batched = ("loc", "scale")

    @property
    def variance(self):
        return 2 * self.scale.pow(2)

    @property
    def stddev(self):
        return (2**0.5) * self.scale

    def rsample(self, sample_shape=_NO_DIMS):
        # In (-1, 1): -1 itself would give infinity.
        eps = rustorch.finfo(self.loc.dtype).eps
        u = self.loc.new_empty(self._extended_shape(sample_shape)).uniform_(eps - 1, 1)
        return self.loc - self.scale * u.sign() * rustorch.log1p(-u.abs())

    def log_prob(self, value):
        if self._validate_args:
            self._validate_sample(value)
        return -rustorch.log(2 * self.scale) - rustorch.abs(value - self.loc) / self.scale

    def cdf(self, value):
        if self._validate_args:
            self._validate_sample(value)
        shift = value - self.loc
        return 0.5 - 0.5 * shift.sign() * rustorch.expm1(-shift.abs() / self.scale)

    def icdf(self, value):
        u = value - 0.5
        return self.loc - self.scale * u.sign() * rustorch.log1p(-2 * u.abs())

    def entropy(self):
        return 1 + rustorch.log(2 * self.scale)
