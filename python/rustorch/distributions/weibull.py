"""The Weibull distribution."""

import rustorch
from rustorch.distributions import constraints
from rustorch.distributions.exponential import Exponential
from rustorch.distributions.transformed_distribution import TransformedDistribution
from rustorch.distributions.transforms import AffineTransform, PowerTransform
from rustorch.distributions.utils import broadcast_all, euler_constant

__all__ = ["Weibull"]


class Weibull(TransformedDistribution):
    """Times to failure: `P(X > x) = exp(-(x / scale)^concentration)`.

    Args:
        scale (float or Tensor): positive.
        concentration (float or Tensor): positive; more than 1 for failures that grow likelier with age.
        validate_args (bool, None): see `Distribution`.
    Example:
        >>> torch.distributions.Weibull(2.0, 1.0).mean
        tensor(2.)
    """

    arg_constraints = {"scale": constraints.positive, "concentration": constraints.positive}
    support = constraints.positive
    _batched = ("scale", "concentration", "concentration_reciprocal")

    def __init__(self, scale, concentration, validate_args=None):
        self.scale, self.concentration = broadcast_all(scale, concentration)
        self.concentration_reciprocal = self.concentration.reciprocal()
        base = Exponential(rustorch.ones_like(self.scale), validate_args=validate_args)
        transforms = [
            PowerTransform(exponent=self.concentration_reciprocal),
            AffineTransform(loc=0, scale=self.scale),
        ]
        super().__init__(base, transforms, validate_args=validate_args)

    def _log_moment(self, n):
        """`log E (X / scale)^n`."""
        return rustorch.lgamma(1 + n * self.concentration_reciprocal)

    @property
    def mean(self):
        return self.scale * self._log_moment(1).exp()

    @property
    def mode(self):
        c = self.concentration
        return self.scale * ((c - 1) / c) ** c.reciprocal()

    @property
    def variance(self):
        return self.scale.pow(2) * (self._log_moment(2).exp() - rustorch.exp(2 * self._log_moment(1)))

    def entropy(self):
        r = self.concentration_reciprocal
        return euler_constant * (1 - r) + rustorch.log(self.scale * r) + 1
