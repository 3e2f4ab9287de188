"""The generalised Pareto distribution."""

import rustorch
from rustorch.distributions import constraints
from rustorch.distributions.distribution import Distribution
from rustorch.distributions.utils import _NO_DIMS, broadcast_all

__all__ = ["GeneralizedPareto"]


class GeneralizedPareto(Distribution):
    """What exceeds a high threshold: `P(X > x) = (1 + concentration z)^(-1 / concentration)`, `z = (x - loc) / scale`.

    Args:
        loc (float or Tensor): the threshold.
        scale (float or Tensor): positive.
        concentration (float or Tensor): the tail's weight; 0 is an exponential tail, less than 0 a bounded one.
        validate_args (bool, None): see `Distribution`.
    Example:
        >>> torch.distributions.GeneralizedPareto(0.0, 1.0, 0.5).mean
        tensor(2.)
    """

    arg_constraints = {"loc": constraints.real, "scale": constraints.positive, "concentration": constraints.real}
    has_rsample = True
    _batched = ("loc", "scale", "concentration")

    def __init__(self, loc, scale, concentration, validate_args=None):
        self.loc, self.scale, self.concentration = broadcast_all(loc, scale, concentration)
        super().__init__(self.loc.size(), validate_args=validate_args)

    def rsample(self, sample_shape=_NO_DIMS):
        shape = self._extended_shape(sample_shape)
        return self.icdf(rustorch.rand(shape, dtype=self.loc.dtype, device=self.loc.device))

    def _exponential(self):
        """Where the tail is exponential, and a concentration that is not 0 there."""
        zero = rustorch.isclose(self.concentration, rustorch.zeros_like(self.concentration))
        return zero, rustorch.where(zero, 1.0, self.concentration)

    def _z(self, x):
        return (x - self.loc) / self.scale

    def log_prob(self, value):
        if self._validate_args:
            self._validate_sample(value)
        z = self._z(value)
        exponential, c = self._exponential()
        y = 1 / c + rustorch.ones_like(z)
        # At the concentration -1 the density is constant: 0 times the infinite logarithm at its end.
        power = rustorch.where(y == 0, y, y * rustorch.log1p(c * z))
        return -self.scale.log() - rustorch.where(exponential, z, power)

    def log_survival_function(self, value):
        """The logarithm of the probability of more than value."""
        if self._validate_args:
            self._validate_sample(value)
        z = self._z(value)
        exponential, c = self._exponential()
        return rustorch.where(exponential, -z, -rustorch.log1p(c * z) / c)

    def log_cdf(self, value):
        """The logarithm of the probability of at most value."""
        return rustorch.log1p(-rustorch.exp(self.log_survival_function(value)))

    def cdf(self, value):
        return rustorch.exp(self.log_cdf(value))

    def icdf(self, value):
        exponential, c = self._exponential()
        log_tail = rustorch.log1p(-value)
        return rustorch.where(
            exponential,
            self.loc - self.scale * log_tail,
            self.loc + self.scale / c * rustorch.expm1(-c * log_tail),
        )

    def _moment(self, bound, moment):
        """A moment that exists for concentrations below a bound."""
        exists = self.concentration < bound
        return rustorch.where(exists, moment(rustorch.where(exists, self.concentration, bound / 2)), rustorch.nan)

    @property
    def mean(self):
        return self._moment(1, lambda c: self.loc + self.scale / (1 - c))

    @property
    def variance(self):
        return self._moment(0.5, lambda c: self.scale**2 / ((1 - c) ** 2 * (1 - 2 * c)))

    def entropy(self):
        return self.scale.log() + self.concentration + 1

    @property
    def mode(self):
        return self.loc

    @constraints.dependent_property(is_discrete=False, event_dim=0)
    def support(self):
        end = self.loc - self.scale / self.concentration
        return constraints.interval(self.loc, rustorch.where(self.concentration < 0, end, rustorch.inf))
