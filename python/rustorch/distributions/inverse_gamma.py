"""The inverse gamma distribution."""

import rustorch
from rustorch.distributions import constraints
from rustorch.distributions.gamma import Gamma
from rustorch.distributions.transformed_distribution import TransformedDistribution
from rustorch.distributions.transforms import PowerTransform

__all__ = ["InverseGamma"]


class InverseGamma(TransformedDistribution):
    """`1 / X` for X of `Gamma(concentration, rate)`.

    Args:
        concentration (float or Tensor): alpha, positive; the mean needs more than 1, the variance more than 2.
        rate (float or Tensor): beta, positive.
        validate_args (bool, None): see `Distribution`.
    Example:
        >>> torch.distributions.InverseGamma(3.0, 4.0).mean
        tensor(2.)
    """

    arg_constraints = {"concentration": constraints.positive, "rate": constraints.positive}
    support = constraints.positive
    has_rsample = True
    _batched = ()

    def __init__(self, concentration, rate, validate_args=None):
        gamma = Gamma(concentration, rate, validate_args=validate_args)
        super().__init__(gamma, PowerTransform(-gamma.rate.new_ones(())), validate_args=validate_args)

    @property
    def concentration(self):
        """alpha."""
        return self.base_dist.concentration

    @property
    def rate(self):
        """beta."""
        return self.base_dist.rate

    @property
    def mean(self):
        return rustorch.where(self.concentration > 1, self.rate / (self.concentration - 1), rustorch.inf)

    @property
    def mode(self):
        return self.rate / (self.concentration + 1)

    @property
    def variance(self):
        variance = self.rate.square() / ((self.concentration - 1).square() * (self.concentration - 2))
        return rustorch.where(self.concentration > 2, variance, rustorch.inf)

    def entropy(self):
        c = self.concentration
        return c + self.rate.log() + c.lgamma() - (1 + c) * c.digamma()
