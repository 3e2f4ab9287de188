"""The log-normal distribution."""

from rustorch.distributions import constraints
from rustorch.distributions.normal import Normal
from rustorch.distributions.transformed_distribution import TransformedDistribution
from rustorch.distributions.transforms import ExpTransform

__all__ = ["LogNormal"]


class LogNormal(TransformedDistribution):
    """`exp(X)` for X of `Normal(loc, scale)`.

    Args:
        loc (float or Tensor): the mean of the logarithm.
        scale (float or Tensor): the standard deviation of the logarithm, positive.
        validate_args (bool, None): see `Distribution`.
    Example:
        >>> torch.distributions.LogNormal(0.0, 1.0).cdf(torch.tensor(1.0))
        tensor(0.5000)
    """

    arg_constraints = {"loc": constraints.real, "scale": constraints.positive}
    support = constraints.positive
    has_rsample = True
    _batched = ()

    def __init__(self, loc, scale, validate_args=None):
        normal = Normal(loc, scale, validate_args=validate_args)
        super().__init__(normal, ExpTransform(), validate_args=validate_args)

    @property
    def loc(self):
        """The mean of the logarithm."""
        return self.base_dist.loc

    @property
    def scale(self):
        """The standard deviation of the logarithm."""
        return self.base_dist.scale

    @property
    def mean(self):
        return (self.loc + self.scale.pow(2) / 2).exp()

    @property
    def mode(self):
        return (self.loc - self.scale.square()).exp()

    @property
    def variance(self):
        square = self.scale.pow(2)
        return square.expm1() * (2 * self.loc + square).exp()

    def entropy(self):
        return self.base_dist.entropy() + self.loc
