"""The multinomial distribution."""

import rustorch
from rustorch.distributions import constraints
from rustorch.distributions._probs_or_logits import OfCategorical
from rustorch.distributions.binomial import Binomial
from rustorch.distributions.categorical import Categorical
from rustorch.distributions.distribution import Distribution
from rustorch.distributions.utils import _NO_DIMS, broadcast_all

__all__ = ["Multinomial"]


class Multinomial(OfCategorical, Distribution):
    """How often each of n categories comes in `total_count` draws.

    Args:
        total_count (int, 1): how many draws.
        probs (Tensor, None): not negative; divided by their sum.
        logits (Tensor, None): logarithms of probabilities up to a constant, instead.
        validate_args (bool, None): see `Distribution`.
    Shape:  probs and logits `(*batch, n)`, events `(n,)`.
    Raises:
        ValueError: unless one of probs and logits is given.
        NotImplementedError: if total_count is no int.
    Example:
        >>> torch.distributions.Multinomial(4, torch.tensor([1.0, 3.0])).mean
        tensor([1., 3.])
    """

    arg_constraints = {"probs": constraints.simplex, "logits": constraints.real_vector}
    _batched = ("_categorical", "_binomial")
    _kept = ("total_count",)

    def __init__(self, total_count=1, probs=None, logits=None, validate_args=None):
        if not isinstance(total_count, int):
            raise NotImplementedError(
                "inhomogeneous total_count is not supported\n"
                f"  Multinomial: expected one int, but got {type(total_count).__name__}. Make a distribution for each."
            )
        self.total_count = total_count
        categorical = Categorical(probs, logits)
        self._binomial = Binomial(total_count, probs=categorical.probs)
        super().__init__(categorical, validate_args)

    @property
    def mean(self):
        return self.probs * self.total_count

    @property
    def variance(self):
        return self.total_count * self.probs * (1 - self.probs)

    @constraints.dependent_property(is_discrete=True, event_dim=1)
    def support(self):
        return constraints.multinomial(self.total_count)

    def sample(self, sample_shape=_NO_DIMS):
        sample_shape = rustorch.Size(sample_shape)
        drawn = self._categorical.sample((self.total_count, *sample_shape)).movedim(0, -1)  # (*, *batch, draws)
        counts = drawn.new_zeros(self._extended_shape(sample_shape))
        counts.scatter_add_(-1, drawn, rustorch.ones_like(drawn))
        return counts.type_as(self.probs)

    def entropy(self):
        n = rustorch.tensor(self.total_count)
        # Of the ordered draws, less what the order says: its part is a mean over the count of each category.
        counts = self._binomial.enumerate_support(expand=False)[1:]
        known = (rustorch.exp(self._binomial.log_prob(counts)) * rustorch.lgamma(counts + 1)).sum([0, -1])
        return n * self._categorical.entropy() - rustorch.lgamma(n + 1) + known

    def log_prob(self, value):
        if self._validate_args:
            self._validate_sample(value)
        logits, value = broadcast_all(self.logits, value)
        # An impossible category that never came: 0 * -inf would be NaN.
        logits = rustorch.where((value == 0) & (logits == -rustorch.inf), 0.0, logits)
        log_ways = rustorch.lgamma(value.sum(-1) + 1) - rustorch.lgamma(value + 1).sum(-1)
        return log_ways + (logits * value).sum(-1)
