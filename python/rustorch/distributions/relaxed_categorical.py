"""Categorical distributions with samples inside the simplex, through which gradients pass."""

import rustorch
from rustorch.distributions import constraints
from rustorch.distributions._probs_or_logits import OfCategorical, Relaxed
from rustorch.distributions.categorical import Categorical
from rustorch.distributions.distribution import Distribution
from rustorch.distributions.transformed_distribution import TransformedDistribution
from rustorch.distributions.transforms import ExpTransform
from rustorch.distributions.utils import _NO_DIMS, broadcast_all, clamp_probs

__all__ = ["ExpRelaxedCategorical", "RelaxedOneHotCategorical"]


class ExpRelaxedCategorical(OfCategorical, Distribution):
    """The logarithm of a `RelaxedOneHotCategorical`: the log-softmax of `(logits + Gumbel numbers) / temperature`.

    Args:
        temperature (Tensor): positive; towards 0 samples are near 0 or far below.
        probs (Tensor, None): not negative; divided by their sum.
        logits (Tensor, None): logarithms of probabilities up to a constant, instead.
        validate_args (bool, None): see `Distribution`.
    Shape:  probs and logits `(*batch, n)`, events `(n,)`.
    Raises:  ValueError: unless one of probs and logits is given.
    Example:
        >>> from rustorch.distributions.relaxed_categorical import ExpRelaxedCategorical
        >>> ExpRelaxedCategorical(torch.tensor(1.0), torch.ones(3)).rsample((5,)).shape
        torch.Size([5, 3])

    Source: Maddison, Mnih & Teh 2016, The concrete distribution, arXiv:1611.00712, appendix C.3; Jang, Gu & Poole 2016,
    arXiv:1611.01144.
    """

    arg_constraints = {"probs": constraints.simplex, "logits": constraints.real_vector}
    support = constraints.real_vector  # The true support is the part of it with sum(exp(x)) = 1.
    has_rsample = True
    _batched = ("_categorical",)
    _kept = ("temperature",)

    def __init__(self, temperature, probs=None, logits=None, validate_args=None):
        self.temperature = temperature
        super().__init__(Categorical(probs, logits), validate_args)

    def rsample(self, sample_shape=_NO_DIMS):
        shape = self._extended_shape(sample_shape)
        u = clamp_probs(rustorch.rand(shape, dtype=self.logits.dtype, device=self.logits.device))
        scores = (self.logits - (-u.log()).log()) / self.temperature
        return scores - scores.logsumexp(dim=-1, keepdim=True)

    def log_prob(self, value):
        if self._validate_args:
            self._validate_sample(value)
        n = self._categorical._num_events
        logits, value = broadcast_all(self.logits, value)
        log_scale = rustorch.full_like(self.temperature, float(n)).lgamma() + (n - 1) * self.temperature.log()
        score = logits - value * self.temperature
        return (score - score.logsumexp(dim=-1, keepdim=True)).sum(-1) + log_scale


class RelaxedOneHotCategorical(Relaxed, TransformedDistribution):
    """A one-hot categorical distribution relaxed to the simplex, so that gradients pass through its samples.

    Args:
        temperature (Tensor): positive; towards 0 samples are near the corners.
        probs (Tensor, None): not negative; divided by their sum.
        logits (Tensor, None): logarithms of probabilities up to a constant, instead.
        validate_args (bool, None): see `Distribution`.
    Shape:  probs and logits `(*batch, n)`, events `(n,)`.
    Raises:  ValueError: unless one of probs and logits is given.
    Example:
        >>> d = torch.distributions.RelaxedOneHotCategorical(torch.tensor(2.0), torch.tensor([0.1, 0.2, 0.7]))
        >>> d.rsample((5,)).shape
        torch.Size([5, 3])

    Source: as of `ExpRelaxedCategorical`.
    """

    arg_constraints = {"probs": constraints.simplex, "logits": constraints.real_vector}
    support = constraints.simplex
    _batched = ()

    def __init__(self, temperature, probs=None, logits=None, validate_args=None):
        base = ExpRelaxedCategorical(temperature, probs, logits, validate_args=validate_args)
        super().__init__(base, ExpTransform(), validate_args=validate_args)
