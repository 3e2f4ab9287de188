"""The Bernoulli distribution."""

import rustorch
from rustorch.distributions import constraints
from rustorch.distributions._probs_or_logits import ProbsOrLogits, whole_numbers
from rustorch.distributions.exp_family import ExponentialFamily
from rustorch.distributions.utils import _NO_DIMS, broadcast_all
from rustorch.nn.functional import binary_cross_entropy_with_logits

__all__ = ["Bernoulli"]


class Bernoulli(ProbsOrLogits, ExponentialFamily):
    """1 with the probability `probs`, else 0.

    Args:
        probs (float or Tensor, None): the probability of 1, in [0, 1].
        logits (float or Tensor, None): its log-odds, instead.
        validate_args (bool, None): see `Distribution`.
    Raises:  ValueError: unless one of probs and logits is given.
    Example:
        >>> torch.distributions.Bernoulli(0.25).log_prob(torch.tensor([0.0, 1.0])).exp()
        tensor([0.7500, 0.2500])
    """

    arg_constraints = {"probs": constraints.unit_interval, "logits": constraints.real}
    support = constraints.boolean
    has_enumerate_support = True
    _mean_carrier_measure = 0
    _batched = ("probs", "logits", "_param")

    def __init__(self, probs=None, logits=None, validate_args=None):
        self._take(probs, logits)
        super().__init__(self._param.size(), validate_args=validate_args)

    @property
    def mean(self):
        return self.probs

    @property
    def mode(self):
        mode = (self.probs >= 0.5).to(self.probs)
        mode[self.probs == 0.5] = rustorch.nan
        return mode

    @property
    def variance(self):
        return self.probs * (1 - self.probs)

    def sample(self, sample_shape=_NO_DIMS):
        with rustorch.no_grad():
            return rustorch.bernoulli(self.probs.expand(self._extended_shape(sample_shape)))

    def log_prob(self, value):
        if self._validate_args:
            self._validate_sample(value)
        logits, value = broadcast_all(self.logits, value)
        return -binary_cross_entropy_with_logits(logits, value, reduction="none")

    def entropy(self):
        return binary_cross_entropy_with_logits(self.logits, self.probs, reduction="none")

    def enumerate_support(self, expand=True):
        return whole_numbers(self, 2, expand, self._param.dtype)

    @property
    def _natural_params(self):
        return (rustorch.logit(self.probs),)

    def _log_normalizer(self, x):
        return rustorch.log1p(rustorch.exp(x))
