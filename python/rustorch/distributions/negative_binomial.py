"""The negative binomial distribution."""

import rustorch
from rustorch.distributions import constraints
from rustorch.distributions._probs_or_logits import ProbsOrLogits
from rustorch.distributions.distribution import Distribution
from rustorch.distributions.gamma import Gamma
from rustorch.distributions.utils import _NO_DIMS, lazy_property
from rustorch.nn.functional import logsigmoid

__all__ = ["NegativeBinomial"]


class NegativeBinomial(ProbsOrLogits, Distribution):
    """The number of successes before `total_count` failures.

    Args:
        total_count (float or Tensor): how many failures, at least 0; any real number.
        probs (Tensor, None): the probability of a success, in [0, 1).
        logits (Tensor, None): its log-odds, instead.
        validate_args (bool, None): see `Distribution`.
    Raises:  ValueError: unless one of probs and logits is given.
    Example:
        >>> torch.distributions.NegativeBinomial(2.0, torch.tensor(0.5)).mean
        tensor(2.)
    """

    arg_constraints = {
        "total_count": constraints.greater_than_eq(0),
        "probs": constraints.half_open_interval(0.0, 1.0),
        "logits": constraints.real,
    }
    support = constraints.nonnegative_integer
    _batched = ("total_count", "probs", "logits", "_param")

    def __init__(self, total_count, probs=None, logits=None, validate_args=None):
        self._take(probs, logits, total_count)
        super().__init__(self._param.size(), validate_args=validate_args)

    @property
    def mean(self):
        return self.total_count * rustorch.exp(self.logits)

    @property
    def mode(self):
        return ((self.total_count - 1) * self.logits.exp()).floor().clamp(min=0.0)

    @property
    def variance(self):
        return self.mean / rustorch.sigmoid(-self.logits)

    @lazy_property
    def _gamma(self):
        # Not validated, since total_count may be 0.
        return Gamma(concentration=self.total_count, rate=rustorch.exp(-self.logits), validate_args=False)

    def sample(self, sample_shape=_NO_DIMS):
        with rustorch.no_grad():
            return rustorch.poisson(self._gamma.sample(sample_shape=sample_shape))

    def log_prob(self, value):
        if self._validate_args:
            self._validate_sample(value)
        n = self.total_count
        log_ways = rustorch.lgamma(n + value) - rustorch.lgamma(1.0 + value) - rustorch.lgamma(n)
        # No failures to wait for, and no success: certain, though lgamma(0) is infinite.
        log_ways = log_ways.masked_fill(n + value == 0.0, 0.0)
        return n * logsigmoid(-self.logits) + value * logsigmoid(self.logits) + log_ways
