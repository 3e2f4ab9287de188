"""Bernoulli distributions with samples between 0 and 1, through which gradients pass."""

import rustorch
from rustorch.distributions import constraints
from rustorch.distributions._probs_or_logits import ProbsOrLogits, Relaxed
from rustorch.distributions.distribution import Distribution
from rustorch.distributions.transformed_distribution import TransformedDistribution
from rustorch.distributions.transforms import SigmoidTransform
from rustorch.distributions.utils import _NO_DIMS, broadcast_all, clamp_probs

__all__ = ["LogitRelaxedBernoulli", "RelaxedBernoulli"]


class LogitRelaxedBernoulli(ProbsOrLogits, Distribution):
    """The log-odds of a `RelaxedBernoulli`: `(logits + L) / temperature` for a logistic number L.

    Args:
        temperature (Tensor): positive; towards 0 samples are far from 0.
        probs (float or Tensor, None): the probability of 1, in [0, 1].
        logits (float or Tensor, None): its log-odds, instead.
        validate_args (bool, None): see `Distribution`.
    Raises:  ValueError: unless one of probs and logits is given.
    Example:
        >>> from rustorch.distributions.relaxed_bernoulli import LogitRelaxedBernoulli
        >>> LogitRelaxedBernoulli(torch.tensor(0.5), 0.5).log_prob(torch.tensor(0.0))
        tensor(-2.0794)

    Source: Maddison, Mnih & Teh 2016, The concrete distribution, arXiv:1611.00712; Jang, Gu & Poole 2016, Categorical
    reparameterization with Gumbel-softmax, arXiv:1611.01144.
    """

    arg_constraints = {"probs": constraints.unit_interval, "logits": constraints.real}
    support = constraints.real
    _batched = ("probs", "logits", "_param")
    _kept = ("temperature",)

    def __init__(self, temperature, probs=None, logits=None, validate_args=None):
        self.temperature = temperature
        self._take(probs, logits)
        super().__init__(self._param.size(), validate_args=validate_args)

    def rsample(self, sample_shape=_NO_DIMS):
        shape = self._extended_shape(sample_shape)
        p = clamp_probs(self.probs.expand(shape))
        u = clamp_probs(rustorch.rand(shape, dtype=p.dtype, device=p.device))
        return (u.log() - (-u).log1p() + p.log() - (-p).log1p()) / self.temperature

    def log_prob(self, value):
        if self._validate_args:
            self._validate_sample(value)
        logits, value = broadcast_all(self.logits, value)
        difference = logits - value * self.temperature
        return self.temperature.log() + difference - 2 * difference.exp().log1p()


class RelaxedBernoulli(Relaxed, TransformedDistribution):
    """A Bernoulli distribution relaxed to (0, 1), so that gradients pass through its samples.

    Args:
        temperature (Tensor): positive; towards 0 samples are near 0 or 1.
        probs (float or Tensor, None): the probability of 1, in [0, 1].
        logits (float or Tensor, None): its log-odds, instead.
        validate_args (bool, None): see `Distribution`.
    Raises:  ValueError: unless one of probs and logits is given.
    Example:
        >>> d = torch.distributions.RelaxedBernoulli(torch.tensor(2.0), torch.tensor([0.1, 0.9]))
        >>> d.rsample((5,)).shape
        torch.Size([5, 2])

    Source: as of `LogitRelaxedBernoulli`.
    """

    arg_constraints = {"probs": constraints.unit_interval, "logits": constraints.real}
    support = constraints.unit_interval
    _batched = ()

    def __init__(self, temperature, probs=None, logits=None, validate_args=None):
        base = LogitRelaxedBernoulli(temperature, probs, logits)
        super().__init__(base, SigmoidTransform(), validate_args=validate_args)
