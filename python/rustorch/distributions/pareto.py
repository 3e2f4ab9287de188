"""The Pareto distribution."""

from rustorch.distributions import constraints
from rustorch.distributions.exponential import Exponential
from rustorch.distributions.transformed_distribution import TransformedDistribution
from rustorch.distributions.transforms import AffineTransform, ExpTransform
from rustorch.distributions.utils import broadcast_all

__all__ = ["Pareto"]


class Pareto(TransformedDistribution):
    """The Pareto distribution (of type 1): `P(X > x) = (scale / x)^alpha` from scale on.

    Args:
        scale (float or Tensor): the least value, positive.
        alpha (float or Tensor): the tail's power, positive; the mean needs more than 1, the variance more than 2.
        validate_args (bool, None): see `Distribution`.
    Example:
        >>> torch.distributions.Pareto(1.0, 2.0).mean
        tensor(2.)
    """

    arg_constraints = {"alpha": constraints.positive, "scale": constraints.positive}
    _batched = ("scale", "alpha")

    def __init__(self, scale, alpha, validate_args=None):
        self.scale, self.alpha = broadcast_all(scale, alpha)
        transforms = [ExpTransform(), AffineTransform(loc=0, scale=self.scale)]
        super().__init__(Exponential(self.alpha, validate_args=validate_args), transforms, validate_args=validate_args)

    @property
    def mean(self):
        # Infinite up to 1.
        a = self.alpha.clamp(min=1)
        return a * self.scale / (a - 1)

    @property
    def mode(self):
        return self.scale

    @property
    def variance(self):
        # Infinite up to 2.
        a = self.alpha.clamp(min=2)
        return self.scale.pow(2) * a / ((a - 1).pow(2) * (a - 2))

    @constraints.dependent_property(is_discrete=False, event_dim=0)
    def support(self):
        return constraints.greater_than_eq(self.scale)

    def entropy(self):
        return (self.scale / self.alpha).log() + (1 + self.alpha.reciprocal())
