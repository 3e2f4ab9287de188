"""Categorical distributions whose samples are one-hot vectors."""

import rustorch
from rustorch.distributions import constraints
from rustorch.distributions._probs_or_logits import OfCategorical
from rustorch.distributions.categorical import Categorical
from rustorch.distributions.distribution import Distribution
from rustorch.distributions.utils import _NO_DIMS
from rustorch.nn.functional import one_hot

__all__ = ["OneHotCategorical", "OneHotCategoricalStraightThrough"]


class OneHotCategorical(OfCategorical, Distribution):
    """One of n categories, as a vector of one 1 among 0.

    Args:
        probs (Tensor, None): not negative; divided by their sum.
        logits (Tensor, None): logarithms of probabilities up to a constant, instead.
        validate_args (bool, None): see `Distribution`.
    Shape:  probs and logits `(*batch, n)`, events `(n,)`.
    Raises:  ValueError: unless one of probs and logits is given.
    Example:
        >>> torch.distributions.OneHotCategorical(torch.tensor([0.0, 1.0])).sample()
        tensor([0., 1.])
    """

    arg_constraints = {"probs": constraints.simplex, "logits": constraints.real_vector}
    support = constraints.one_hot
    has_enumerate_support = True
    _batched = ("_categorical",)

    def __init__(self, probs=None, logits=None, validate_args=None):
        super().__init__(Categorical(probs, logits), validate_args)

    @property
    def mean(self):
        return self.probs

    @property
    def mode(self):
        return self._one_hot(self._categorical.mode)

    @property
    def variance(self):
        return self.probs * (1 - self.probs)

    def _one_hot(self, index):
        return one_hot(index, self._categorical._num_events).to(self.probs)

    def sample(self, sample_shape=_NO_DIMS):
        return self._one_hot(self._categorical.sample(rustorch.Size(sample_shape)))

    def log_prob(self, value):
        if self._validate_args:
            self._validate_sample(value)
        return self._categorical.log_prob(value.max(-1)[1])

    def entropy(self):
        return self._categorical.entropy()

    def enumerate_support(self, expand=True):
        n = self.event_shape[0]
        values = rustorch.eye(n, dtype=self._param.dtype, device=self._param.device)
        values = values.view((n,) + (1,) * len(self.batch_shape) + (n,))
        return values.expand((n,) + self.batch_shape + (n,)) if expand else values


class OneHotCategoricalStraightThrough(OneHotCategorical):
    """A `OneHotCategorical` whose samples pass gradients on to the probabilities, as if they were these.

    Args and Shape:  as of `OneHotCategorical`.
    Example:
        >>> logits = torch.zeros(2, requires_grad=True)
        >>> d = torch.distributions.OneHotCategoricalStraightThrough(logits=logits)
        >>> (d.rsample() * torch.tensor([1.0, 3.0])).sum().backward()
        >>> logits.grad
        tensor([-0.5000,  0.5000])

    Source: Bengio, Léonard & Courville 2013, Estimating or propagating gradients through stochastic neurons for
    conditional computation, arXiv:1308.3432.
    """

    has_rsample = True

    def rsample(self, sample_shape=_NO_DIMS):
        samples = self.sample(sample_shape)
        return samples + (self.probs - self.probs.detach())
