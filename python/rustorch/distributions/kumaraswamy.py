"""The Kumaraswamy distribution."""

import rustorch
from rustorch.distributions import constraints
from rustorch.distributions.transformed_distribution import TransformedDistribution
from rustorch.distributions.transforms import AffineTransform, PowerTransform
from rustorch.distributions.uniform import Uniform
from rustorch.distributions.utils import broadcast_all, euler_constant

__all__ = ["Kumaraswamy"]


def _moments(a, b, n):
    """`E X^n = b B(1 + n / a, b)`."""
    c = 1 + n / a
    return b * rustorch.exp(c.lgamma() + b.lgamma() - (c + b).lgamma())


class Kumaraswamy(TransformedDistribution):
    """Numbers in [0, 1] with `P(X <= x) = 1 - (1 - x^concentration1)^concentration0`: much like Beta, but invertible.

    Args:
        concentration1 (float or Tensor): alpha, positive.
        concentration0 (float or Tensor): beta, positive.
        validate_args (bool, None): see `Distribution`.
    Example:
        >>> torch.distributions.Kumaraswamy(1.0, 3.0).mean
        tensor(0.2500)
    """

    arg_constraints = {"concentration1": constraints.positive, "concentration0": constraints.positive}
    support = constraints.unit_interval
    has_rsample = True
    _batched = ("concentration1", "concentration0")

    def __init__(self, concentration1, concentration0, validate_args=None):
        self.concentration1, self.concentration0 = broadcast_all(concentration1, concentration0)
        low, high = (rustorch.full_like(self.concentration0, end) for end in (0, 1))
        transforms = [
            PowerTransform(exponent=self.concentration0.reciprocal()),
            AffineTransform(loc=1.0, scale=-1.0),
            PowerTransform(exponent=self.concentration1.reciprocal()),
        ]
        super().__init__(Uniform(low, high, validate_args=validate_args), transforms, validate_args=validate_args)

    @property
    def mean(self):
        return _moments(self.concentration1, self.concentration0, 1)

    @property
    def mode(self):
        a, b = self.concentration1, self.concentration0
        log_mode = b.reciprocal() * (-b).log1p() - (-b * a).log1p()
        return rustorch.where((b < 1) | (a < 1), rustorch.nan, log_mode).exp()

    @property
    def variance(self):
        return _moments(self.concentration1, self.concentration0, 2) - self.mean.pow(2)

    def entropy(self):
        a, b = self.concentration1, self.concentration0
        harmonic = rustorch.digamma(b + 1) + euler_constant
        return (1 - b.reciprocal()) + (1 - a.reciprocal()) * harmonic - a.log() - b.log()
