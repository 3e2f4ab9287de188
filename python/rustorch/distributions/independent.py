"""Dims of the batch as dims of the event."""

import types

from rustorch.distributions import constraints
from rustorch.distributions.distribution import Distribution
from rustorch.distributions.utils import _NO_DIMS, _sum_rightmost

__all__ = ["Independent"]


class Independent(Distribution):
    """A distribution whose last batch dims are dims of the event, so that `log_prob` sums over them.

    Args:
        base_distribution (Distribution): the distribution.
        reinterpreted_batch_ndims (int): how many dims.
        validate_args (bool, None): see `Distribution`.
    Raises:  ValueError: if the batch has fewer dims.
    Example:
        >>> from rustorch.distributions import Independent, Normal
        >>> d = Independent(Normal(torch.zeros(3), 1.0), 1)  # as a MultivariateNormal with a diagonal covariance
        >>> d.batch_shape, d.event_shape, d.log_prob(torch.zeros(3))
        (torch.Size([]), torch.Size([3]), tensor(-2.7568))
    """

    arg_constraints = {}
    _batched = ("base_dist",)
    _kept = ("reinterpreted_batch_ndims",)
    __class_getitem__ = classmethod(types.GenericAlias)

    def __init__(self, base_distribution, reinterpreted_batch_ndims, validate_args=None):
        batch_shape, n = base_distribution.batch_shape, reinterpreted_batch_ndims
        if n > len(batch_shape):
            raise ValueError(
                "Expected reinterpreted_batch_ndims <= len(base_distribution.batch_shape), "
                f"actual {n} vs {len(batch_shape)}\n"
                f"  Independent: expected at most {len(batch_shape)} dims for the batch {tuple(batch_shape)}, "
                f"but got {n}. Expand the distribution first, or pass fewer."
            )
        self.base_dist = base_distribution
        self.reinterpreted_batch_ndims = n
        cut = len(batch_shape) - n
        event_shape = batch_shape[cut:] + base_distribution.event_shape
        super().__init__(batch_shape[:cut], event_shape, validate_args=validate_args)

    @property
    def has_rsample(self):
        return self.base_dist.has_rsample

    @property
    def has_enumerate_support(self):
        return self.reinterpreted_batch_ndims == 0 and self.base_dist.has_enumerate_support

    @constraints.dependent_property
    def support(self):
        support, n = self.base_dist.support, self.reinterpreted_batch_ndims
        return constraints.independent(support, n) if n else support

    @property
    def mean(self):
        return self.base_dist.mean

    @property
    def mode(self):
        return self.base_dist.mode

    @property
    def variance(self):
        return self.base_dist.variance

    def sample(self, sample_shape=_NO_DIMS):
        return self.base_dist.sample(sample_shape)

    def rsample(self, sample_shape=_NO_DIMS):
        return self.base_dist.rsample(sample_shape)

    def log_prob(self, value):
        return _sum_rightmost(self.base_dist.log_prob(value), self.reinterpreted_batch_ndims)

    def entropy(self):
        return _sum_rightmost(self.base_dist.entropy(), self.reinterpreted_batch_ndims)

    def enumerate_support(self, expand=True):
        if self.reinterpreted_batch_ndims > 0:
            raise NotImplementedError(
                "Enumeration over cartesian product is not implemented\n"
                f"  Independent: expected no dims of the batch in the event, but got {self.reinterpreted_batch_ndims}. "
                "Enumerate .base_dist and combine its values."
            )
        return self.base_dist.enumerate_support(expand=expand)

    def __repr__(self):
        return f"{self.__class__.__name__}({self.base_dist}, {self.reinterpreted_batch_ndims})"
