"""The logistic-normal distribution."""

from rustorch.distributions import constraints
from rustorch.distributions.normal import Normal
from rustorch.distributions.transformed_distribution import TransformedDistribution
from rustorch.distributions.transforms import StickBreakingTransform

__all__ = ["LogisticNormal"]


class LogisticNormal(TransformedDistribution):
    """Points of the simplex: independent normal numbers through the `StickBreakingTransform`.

    Args:
        loc (float or Tensor): the means.
        scale (float or Tensor): the standard deviations, positive.
        validate_args (bool, None): see `Distribution`.
    Shape:  loc and scale `(*batch, n)`, events `(n + 1,)`.
    Example:
        >>> torch.distributions.LogisticNormal(torch.zeros(2), torch.ones(2)).sample().shape
        torch.Size([3])
    """

    arg_constraints = {"loc": constraints.real, "scale": constraints.positive}
    support = constraints.simplex
    has_rsample = True
    _batched = ()

    def __init__(self, loc, scale, validate_args=None):
        normal = Normal(loc, scale, validate_args=validate_args)
        if not normal.batch_shape:
            normal = normal.expand([1])
        super().__init__(normal, StickBreakingTransform(), validate_args=validate_args)

    @property
    def loc(self):
        """The means of the normal numbers."""
        return self.base_dist.base_dist.loc

    @property
    def scale(self):
        """The standard deviations of the normal numbers."""
        return self.base_dist.base_dist.scale
