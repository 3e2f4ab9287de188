"""The binomial distribution."""

import rustorch
from rustorch.distributions import constraints
from rustorch.distributions._probs_or_logits import ProbsOrLogits, whole_numbers
from rustorch.distributions.distribution import Distribution
from rustorch.distributions.utils import _NO_DIMS

__all__ = ["Binomial"]


def _clamp_by_zero(x):
    # max(x, 0), with the derivative 1/2 at 0, where logits start.
    return (x.clamp(min=0) + x - x.clamp(max=0)) / 2


class Binomial(ProbsOrLogits, Distribution):
    """The number of successes in `total_count` independent trials.

    Args:
        total_count (int or Tensor, 1): how many trials.
        probs (Tensor, None): the probability of a success, in [0, 1].
        logits (Tensor, None): its log-odds, instead.
        validate_args (bool, None): see `Distribution`.
    Raises:
        ValueError: unless one of probs and logits is given.
        NotImplementedError: from `entropy` and `enumerate_support` for different counts in a batch.
    Example:
        >>> torch.distributions.Binomial(2, torch.tensor(0.5)).log_prob(torch.tensor([0.0, 1.0, 2.0])).exp()
        tensor([0.2500, 0.5000, 0.2500])
    """

    arg_constraints = {
        "total_count": constraints.nonnegative_integer,
        "probs": constraints.unit_interval,
        "logits": constraints.real,
    }
    has_enumerate_support = True
    _batched = ("total_count", "probs", "logits", "_param")

    def __init__(self, total_count=1, probs=None, logits=None, validate_args=None):
        self._take(probs, logits, total_count)
        super().__init__(self._param.size(), validate_args=validate_args)

    @constraints.dependent_property(is_discrete=True, event_dim=0)
    def support(self):
        return constraints.integer_interval(0, self.total_count)

    @property
    def mean(self):
        return self.total_count * self.probs

    @property
    def mode(self):
        return ((self.total_count + 1) * self.probs).floor().clamp(max=self.total_count)

    @property
    def variance(self):
        return self.total_count * self.probs * (1 - self.probs)

    def sample(self, sample_shape=_NO_DIMS):
        shape = self._extended_shape(sample_shape)
        with rustorch.no_grad():
            return rustorch.binomial(self.total_count.expand(shape), self.probs.expand(shape))

    def log_prob(self, value):
        if self._validate_args:
            self._validate_sample(value)
        n, logits = self.total_count, self.logits
        # n log(1 + exp(logits)), without overflow.
        normalizer = n * _clamp_by_zero(logits) + n * rustorch.log1p(rustorch.exp(-rustorch.abs(logits)))
        log_ways = (n + 1).lgamma() - (value + 1).lgamma() - (n - value + 1).lgamma()
        return value * logits + log_ways - normalizer

    def _one_count(self, method):
        count = int(self.total_count.max())
        if self.total_count.min() != count:
            raise NotImplementedError(
                f"Inhomogeneous total count not supported by `{method}`.\n"
                f"  Binomial: expected one total_count, but got {int(self.total_count.min())} to {count}. "
                "Make a distribution for each."
            )
        return count

    def entropy(self):
        self._one_count("entropy")
        log_prob = self.log_prob(self.enumerate_support(False))
        return -(rustorch.exp(log_prob) * log_prob).sum(0)

    def enumerate_support(self, expand=True):
        return whole_numbers(self, 1 + self._one_count("enumerate_support"), expand, self._param.dtype)
