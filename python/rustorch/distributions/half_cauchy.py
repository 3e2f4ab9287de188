"""The half-Cauchy distribution."""

import rustorch
from rustorch.distributions._half import Half
from rustorch.distributions.cauchy import Cauchy

__all__ = ["HalfCauchy"]


class HalfCauchy(Half):
    """`|X|` for X of `Cauchy(0, scale)`.

    Args:
        scale (float or Tensor): the median, positive.
        validate_args (bool, None): see `Distribution`.
    Example:
        >>> torch.distributions.HalfCauchy(2.0).cdf(torch.tensor(2.0))
        tensor(0.5000)
    """

    _whole = Cauchy

    @property
    def mean(self):
        return self._full(rustorch.inf, self.scale)

    @property
    def variance(self):
        return self.base_dist.variance

    def log_prob(self, value):
        return super().log_prob(rustorch.as_tensor(value, dtype=self.scale.dtype, device=self.scale.device))
