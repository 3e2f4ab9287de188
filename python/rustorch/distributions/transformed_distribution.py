"""Distributions of transformed samples."""

import rustorch
from rustorch.distributions import constraints
from rustorch.distributions.distribution import Distribution
from rustorch.distributions.independent import Independent
from rustorch.distributions.transforms import ComposeTransform, Transform
from rustorch.distributions.utils import _NO_DIMS, _sum_rightmost

__all__ = ["TransformedDistribution"]


class TransformedDistribution(Distribution):
    """`Y = t(X)` for X of a distribution: `log p(y) = log p(x) - log |det dy/dx|` at `x = t.inv(y)`.

    Args:
        base_distribution (Distribution): of X.
        transforms (Transform or list of Transform): the first is applied first.
        validate_args (bool, None): see `Distribution`.
    Raises:  ValueError: if they are no transforms, or X has fewer dims than they need.
    Example:
        >>> from rustorch.distributions import ExpTransform, Normal, TransformedDistribution
        >>> d = TransformedDistribution(Normal(0.0, 1.0), ExpTransform())
        >>> d.log_prob(torch.tensor(1.0)), torch.distributions.LogNormal(0.0, 1.0).log_prob(torch.tensor(1.0))
        (tensor(-0.9189), tensor(-0.9189))
    """

    arg_constraints = {}
    _batched = ()
    _kept = ("transforms",)

    def __init__(self, base_distribution, transforms, validate_args=None):
        if isinstance(transforms, Transform):
            transforms = [transforms]
        elif not isinstance(transforms, list):
            raise ValueError(f"transforms must be a Transform or list, but was {transforms}\n  Put them into a list.")
        elif not all(isinstance(t, Transform) for t in transforms):
            raise ValueError(
                "transforms must be a Transform or a list of Transforms\n"
                f"  TransformedDistribution: expected transforms, but got {[type(t).__name__ for t in transforms]}. "
                "Take those of torch.distributions.transforms."
            )
        self.transforms = transforms
        base_event_dim = len(base_distribution.event_shape)
        shape = base_distribution.batch_shape + base_distribution.event_shape
        transform = ComposeTransform(transforms)
        event_dim = transform.domain.event_dim
        if len(shape) < event_dim:
            raise ValueError(
                f"base_distribution needs to have shape with size at least {event_dim}, but got {shape}.\n"
                "  TransformedDistribution: expand the distribution first."
            )
        forward_shape = transform.forward_shape(shape)
        # The parameters of a transform may have a larger batch than the distribution.
        expanded = transform.inverse_shape(forward_shape)
        if shape != expanded:
            base_distribution = base_distribution.expand(expanded[: len(expanded) - base_event_dim])
        if event_dim > base_event_dim:
            base_distribution = Independent(base_distribution, event_dim - base_event_dim)
        self.base_dist = base_distribution
        codomain_dim = transform.codomain.event_dim
        cut = len(forward_shape) - max(codomain_dim, base_event_dim + codomain_dim - event_dim)
        super().__init__(forward_shape[:cut], forward_shape[cut:], validate_args=validate_args)

    def expand(self, batch_shape, _instance=None):
        new = super().expand(batch_shape, _instance)
        new.transforms = self.transforms
        shape = new._batch_shape + self._event_shape
        for transform in reversed(self.transforms):
            shape = transform.inverse_shape(shape)
        new.base_dist = self.base_dist.expand(shape[: len(shape) - len(self.base_dist.event_shape)])
        return new

    @constraints.dependent_property(is_discrete=False)
    def support(self):
        if not self.transforms:
            return self.base_dist.support
        support = self.transforms[-1].codomain
        more = len(self.event_shape) - support.event_dim
        return constraints.independent(support, more) if more > 0 else support

    @property
    def has_rsample(self):
        return self.base_dist.has_rsample

    def _forward(self, x):
        for transform in self.transforms:
            x = transform(x)
        return x

    def sample(self, sample_shape=_NO_DIMS):
        with rustorch.no_grad():
            return self._forward(self.base_dist.sample(sample_shape))

    def rsample(self, sample_shape=_NO_DIMS):
        return self._forward(self.base_dist.rsample(sample_shape))

    def log_prob(self, value):
        if self._validate_args:
            self._validate_sample(value)
        event_dim = len(self.event_shape)
        log_jacobian = 0.0
        y = value
        for transform in reversed(self.transforms):
            x = transform.inv(y)
            event_dim += transform.domain.event_dim - transform.codomain.event_dim
            log_jacobian = log_jacobian + _sum_rightmost(
                transform.log_abs_det_jacobian(x, y), event_dim - transform.domain.event_dim
            )
            y = x
        return _sum_rightmost(self.base_dist.log_prob(y), event_dim - len(self.base_dist.event_shape)) - log_jacobian

    def _monotonize_cdf(self, value):
        """Probabilities from the other end where the transforms fall."""
        sign = 1
        for transform in self.transforms:
            sign = sign * transform.sign
        if isinstance(sign, int) and sign == 1:
            return value
        return sign * (value - 0.5) + 0.5

    def cdf(self, value):
        for transform in reversed(self.transforms):
            value = transform.inv(value)
        if self._validate_args:
            self.base_dist._validate_sample(value)
        return self._monotonize_cdf(self.base_dist.cdf(value))

    def icdf(self, value):
        return self._forward(self.base_dist.icdf(self._monotonize_cdf(value)))
