"""The continuous Bernoulli distribution."""

import math

import rustorch
from rustorch.distributions import constraints
from rustorch.distributions._probs_or_logits import ProbsOrLogits
from rustorch.distributions.exp_family import ExponentialFamily
from rustorch.distributions.utils import _NO_DIMS, _all_true, broadcast_all, clamp_probs, lazy_property, logits_to_probs
from rustorch.nn.functional import binary_cross_entropy_with_logits

__all__ = ["ContinuousBernoulli"]


class ContinuousBernoulli(ProbsOrLogits, ExponentialFamily):
    """Numbers in [0, 1], of density proportional to `probs^x (1 - probs)^(1 - x)`.

    Args:
        probs (float or Tensor, None): the parameter, in (0, 1); neither probability nor mean.
        logits (float or Tensor, None): its log-odds, instead.
        lims (tuple of float, (0.499, 0.501)): between them Taylor series take the place of formulas that cancel.
        validate_args (bool, None): see `Distribution`.
    Raises:  ValueError: unless one of probs and logits is given.
    Example:
        >>> torch.distributions.ContinuousBernoulli(0.5).log_prob(torch.tensor([0.1, 0.9])).exp()
        tensor([1., 1.])

    Source: Loaiza-Ganem & Cunningham 2019, The continuous Bernoulli, arXiv:1907.06845.
    """

    arg_constraints = {"probs": constraints.unit_interval, "logits": constraints.real}
    support = constraints.unit_interval
    _mean_carrier_measure = 0
    has_rsample = True
    _batched = ("probs", "logits", "_param")
    _kept = ("_lims",)

    def __init__(self, probs=None, logits=None, lims=(0.499, 0.501), validate_args=None):
        self._take(probs, logits)
        if probs is not None:
            # Before they are clamped, after which they would always be valid.
            if validate_args and not _all_true(self.arg_constraints["probs"].check(self.probs)):
                raise ValueError(
                    "The parameter probs has invalid values\n"
                    f"  ContinuousBernoulli: expected numbers in (0, 1), but got\n{self.probs}\nCorrect them."
                )
            self._param = self.probs = clamp_probs(self.probs)
        self._lims = lims
        super().__init__(self._param.size(), validate_args=validate_args)

    @lazy_property
    def probs(self):
        """The parameter in (0, 1)."""
        return clamp_probs(logits_to_probs(self.logits, is_binary=True))

    def _outside_unstable_region(self):
        return (self.probs <= self._lims[0]) | (self.probs > self._lims[1])

    def _cut_probs(self):
        """The parameter, moved out of the region where formulas cancel."""
        return rustorch.where(self._outside_unstable_region(), self.probs, self._lims[0])

    def _either(self, formula, taylor):
        return rustorch.where(self._outside_unstable_region(), formula, taylor)

    def _cont_bern_log_norm(self):
        """The logarithm of the density's factor, `2 artanh(1 - 2 p) / (1 - 2 p)`."""
        p = self._cut_probs()
        below = rustorch.where(p <= 0.5, p, 0.0)
        above = rustorch.where(p >= 0.5, p, 1.0)
        log_norm = (rustorch.log1p(-p) - p.log()).abs().log() - rustorch.where(
            p <= 0.5, rustorch.log1p(-2.0 * below), rustorch.log(2.0 * above - 1.0)
        )
        x = (self.probs - 0.5).pow(2)
        return self._either(log_norm, math.log(2.0) + (4.0 / 3.0 + 104.0 / 45.0 * x) * x)

    @property
    def mean(self):
        p = self._cut_probs()
        x = self.probs - 0.5
        mean = p / (2.0 * p - 1.0) + 1.0 / (rustorch.log1p(-p) - p.log())
        return self._either(mean, 0.5 + (1.0 / 3.0 + 16.0 / 45.0 * x.pow(2)) * x)

    @property
    def variance(self):
        p = self._cut_probs()
        x = (self.probs - 0.5).pow(2)
        variance = p * (p - 1.0) / (1.0 - 2.0 * p).pow(2) + 1.0 / (rustorch.log1p(-p) - p.log()).pow(2)
        return self._either(variance, 1.0 / 12.0 - (1.0 / 15.0 - 128.0 / 945.0 * x) * x)

    def sample(self, sample_shape=_NO_DIMS):
        with rustorch.no_grad():
            return self.rsample(sample_shape)

    def rsample(self, sample_shape=_NO_DIMS):
        shape = self._extended_shape(sample_shape)
        return self.icdf(rustorch.rand(shape, dtype=self.probs.dtype, device=self.probs.device))

    def log_prob(self, value):
        if self._validate_args:
            self._validate_sample(value)
        logits, value = broadcast_all(self.logits, value)
        return -binary_cross_entropy_with_logits(logits, value, reduction="none") + self._cont_bern_log_norm()

    def cdf(self, value):
        if self._validate_args:
            self._validate_sample(value)
        p = self._cut_probs()
        cdf = (p.pow(value) * (1.0 - p).pow(1.0 - value) + p - 1.0) / (2.0 * p - 1.0)
        cdf = self._either(cdf, value)
        return rustorch.where(value <= 0.0, 0.0, rustorch.where(value >= 1.0, 1.0, cdf))

    def icdf(self, value):
        p = self._cut_probs()
        quantile = (rustorch.log1p(-p + value * (2.0 * p - 1.0)) - rustorch.log1p(-p)) / (p.log() - rustorch.log1p(-p))
        return self._either(quantile, value)

    def entropy(self):
        log0, log1 = rustorch.log1p(-self.probs), self.probs.log()
        return self.mean * (log0 - log1) - self._cont_bern_log_norm() - log0

    @property
    def _natural_params(self):
        return (self.logits,)

    def _log_normalizer(self, x):
        low, high = (lim - 0.5 for lim in self._lims)
        outside = (x <= low) | (x > high)
        cut = rustorch.where(outside, x, low)
        log_norm = rustorch.expm1(cut).abs().log() - cut.abs().log()
        return rustorch.where(outside, log_norm, 0.5 * x + x.pow(2) / 24.0 - x.pow(4) / 2880.0)
