"""The Gumbel distribution."""

import math

import rustorch
from rustorch.distributions import constraints
from rustorch.distributions.transformed_distribution import TransformedDistribution
from rustorch.distributions.transforms import AffineTransform, ExpTransform
from rustorch.distributions.uniform import Uniform
from rustorch.distributions.utils import broadcast_all, euler_constant

__all__ = ["Gumbel"]


class Gumbel(TransformedDistribution):
    """The Gumbel distribution of maxima, of density `exp(-z - exp(-z)) / scale`, `z = (x - loc) / scale`.

    Args:
        loc (float or Tensor): the mode.
        scale (float or Tensor): positive.
        validate_args (bool, None): see `Distribution`.
    Example:
        >>> torch.distributions.Gumbel(0.0, 1.0).mean  # Euler's constant
        tensor(0.5772)
    """

    arg_constraints = {"loc": constraints.real, "scale": constraints.positive}
    support = constraints.real
    _batched = ("loc", "scale")

    def __init__(self, loc, scale, validate_args=None):
        self.loc, self.scale = broadcast_all(loc, scale)
        finfo = rustorch.finfo(self.loc.dtype)
        low, high = (rustorch.full_like(self.loc, end) for end in (finfo.tiny, 1 - finfo.eps))
        # -log(-log(u)), shifted and scaled.
        transforms = [
            ExpTransform().inv,
            AffineTransform(loc=0, scale=-rustorch.ones_like(self.scale)),
            ExpTransform().inv,
            AffineTransform(loc=self.loc, scale=-self.scale),
        ]
        super().__init__(Uniform(low, high, validate_args=validate_args), transforms, validate_args=validate_args)

    def log_prob(self, value):
        # By the formula: the way back through the transforms loses digits.
        if self._validate_args:
            self._validate_sample(value)
        y = (self.loc - value) / self.scale
        return (y - y.exp()) - self.scale.log()

    @property
    def mean(self):
        return self.loc + self.scale * euler_constant

    @property
    def mode(self):
        return self.loc

    @property
    def stddev(self):
        return (math.pi / math.sqrt(6)) * self.scale

    @property
    def variance(self):
        return self.stddev.pow(2)

    def entropy(self):
        return self.scale.log() + (1 + euler_constant)
