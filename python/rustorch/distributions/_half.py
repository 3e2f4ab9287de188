"""Distributions of the absolute value of what is symmetric around 0."""

import math

import rustorch
from rustorch.distributions import constraints
from rustorch.distributions.transformed_distribution import TransformedDistribution
from rustorch.distributions.transforms import AbsTransform


class Half(TransformedDistribution):
    """`|X|` for X of the family `_whole` around 0."""

    arg_constraints = {"scale": constraints.positive}
    support = constraints.nonnegative
    has_rsample = True
    _batched = ()

    def __init__(self, scale, validate_args=None):
        super().__init__(self._whole(0, scale, validate_args=False), AbsTransform(), validate_args=validate_args)

    @property
    def scale(self):
        """The scale of the whole distribution."""
        return self.base_dist.scale

    @property
    def mode(self):
        return rustorch.zeros_like(self.scale)

    def log_prob(self, value):
        if self._validate_args:
            self._validate_sample(value)
        return rustorch.where(value >= 0, self.base_dist.log_prob(value) + math.log(2), -rustorch.inf)

    def cdf(self, value):
        if self._validate_args:
            self._validate_sample(value)
        return 2 * self.base_dist.cdf(value) - 1

    def icdf(self, prob):
        return self.base_dist.icdf((prob + 1) / 2)

    def entropy(self):
        return self.base_dist.entropy() - math.log(2)
