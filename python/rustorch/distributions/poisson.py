"""The Poisson distribution."""

import rustorch
from rustorch.distributions import constraints
from rustorch.distributions.exp_family import ExponentialFamily
from rustorch.distributions.utils import _NO_DIMS, broadcast_all

__all__ = ["Poisson"]


class Poisson(ExponentialFamily):
    """Counts of rare events: k with the probability `rate^k exp(-rate) / k!`.

    Args:
        rate (float or Tensor): the mean, at least 0.
        validate_args (bool, None): see `Distribution`.
    Example:
        >>> torch.distributions.Poisson(1.0).log_prob(torch.tensor([0.0, 1.0, 2.0]))
        tensor([-1.0000, -1.0000, -1.6931])
    """

    arg_constraints = {"rate": constraints.nonnegative}
    support = constraints.nonnegative_integer
    _batched = ("rate",)

    def __init__(self, rate, validate_args=None):
        (self.rate,) = broadcast_all(rate)
        super().__init__(self.rate.size(), validate_args=validate_args)

    @property
    def mean(self):
        return self.rate

    @property
    def mode(self):
        return self.rate.floor()

    @property
    def variance(self):
        return self.rate

    def sample(self, sample_shape=_NO_DIMS):
        with rustorch.no_grad():
            return rustorch.poisson(self.rate.expand(self._extended_shape(sample_shape)))

    def log_prob(self, value):
        if self._validate_args:
            self._validate_sample(value)
        rate, value = broadcast_all(self.rate, value)
        return value.xlogy(rate) - rate - (value + 1).lgamma()

    @property
    def _natural_params(self):
        return (self.rate.log(),)

    def _log_normalizer(self, x):
        return rustorch.exp(x)
