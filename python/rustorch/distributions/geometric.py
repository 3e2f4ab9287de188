"""The geometric distribution."""

import rustorch
from rustorch.distributions import constraints
from rustorch.distributions._probs_or_logits import ProbsOrLogits
from rustorch.distributions.distribution import Distribution
from rustorch.distributions.utils import _NO_DIMS, _all_true, broadcast_all
from rustorch.nn.functional import binary_cross_entropy_with_logits

__all__ = ["Geometric"]


class Geometric(ProbsOrLogits, Distribution):
    """The number of failures before the first success: k with the probability `(1 - probs)^k probs`, k = 0, 1, ...

    Args:
        probs (float or Tensor, None): the probability of a success, in (0, 1].
        logits (float or Tensor, None): its log-odds, instead.
        validate_args (bool, None): see `Distribution`.
    Raises:  ValueError: unless one of probs and logits is given.
    Example:
        >>> torch.distributions.Geometric(0.5).log_prob(torch.tensor([0.0, 1.0, 2.0])).exp()
        tensor([0.5000, 0.2500, 0.1250])

    Note: `Tensor.geometric_` counts the trials, one more.
    """

    arg_constraints = {"probs": constraints.unit_interval, "logits": constraints.real}
    support = constraints.nonnegative_integer
    _batched = ("probs", "logits", "_param")

    def __init__(self, probs=None, logits=None, validate_args=None):
        self._take(probs, logits)
        super().__init__(self._param.size(), validate_args=validate_args)
        if self._validate_args and probs is not None:
            positive = self.probs > 0
            if not _all_true(positive):
                raise ValueError(
                    f"Expected parameter probs ({type(self.probs).__name__} of shape {tuple(self.probs.shape)}) "
                    f"of distribution {self!r} to be positive but found invalid values:\n{self.probs[~positive]}\n"
                    "Without a chance there is never a success: raise them above 0."
                )

    @property
    def mean(self):
        return 1.0 / self.probs - 1.0

    @property
    def mode(self):
        return rustorch.zeros_like(self.probs)

    @property
    def variance(self):
        return (1.0 / self.probs - 1.0) / self.probs

    def sample(self, sample_shape=_NO_DIMS):
        tiny = rustorch.finfo(self.probs.dtype).tiny
        with rustorch.no_grad():
            u = self.probs.new_empty(self._extended_shape(sample_shape)).uniform_(tiny, 1)
            return (u.log() / (-self.probs).log1p()).floor()

    def log_prob(self, value):
        if self._validate_args:
            self._validate_sample(value)
        value, probs = broadcast_all(value, self.probs)
        # 0 failures at the probability 1: 0 * log(0) would be NaN.
        failures = rustorch.where((probs == 1) & (value == 0), 0.0, probs)
        return value * (-failures).log1p() + self.probs.log()

    def entropy(self):
        return binary_cross_entropy_with_logits(self.logits, self.probs, reduction="none") / self.probs
