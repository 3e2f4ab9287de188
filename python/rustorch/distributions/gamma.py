"""The gamma distribution."""

import rustorch
from rustorch.distributions import constraints
from rustorch.distributions.exp_family import ExponentialFamily
from rustorch.distributions.utils import _NO_DIMS, broadcast_all

__all__ = ["Gamma"]


def _standard_gamma(concentration):
    return rustorch._standard_gamma(concentration)


class Gamma(ExponentialFamily):
    """The gamma distribution, of density proportional to `x^(concentration - 1) exp(-rate x)`.

    Args:
        concentration (float or Tensor): alpha, positive.
        rate (float or Tensor): beta, the reciprocal of the scale, positive.
        validate_args (bool, None): see `Distribution`.
    Example:
        >>> torch.distributions.Gamma(3.0, 2.0).mean
        tensor(1.5000)
    """

    arg_constraints = {"concentration": constraints.positive, "rate": constraints.positive}
    support = constraints.nonnegative
    has_rsample = True
    _mean_carrier_measure = 0
    _batched = ("concentration", "rate")

    def __init__(self, concentration, rate, validate_args=None):
        self.concentration, self.rate = broadcast_all(concentration, rate)
        super().__init__(self.concentration.size(), validate_args=validate_args)

    @property
    def mean(self):
        return self.concentration / self.rate

    @property
    def mode(self):
        return ((self.concentration - 1) / self.rate).clamp(min=0)

    @property
    def variance(self):
        return self.concentration / self.rate.pow(2)

    def rsample(self, sample_shape=_NO_DIMS):
        shape = self._extended_shape(sample_shape)
        value = _standard_gamma(self.concentration.expand(shape)) / self.rate.expand(shape)
        # Small concentrations underflow to 0, which has no logarithm; the gradient is to pass all the same.
        value.detach().clamp_(min=rustorch.finfo(value.dtype).tiny)
        return value

    def log_prob(self, value):
        value = rustorch.as_tensor(value, dtype=self.rate.dtype, device=self.rate.device)
        if self._validate_args:
            self._validate_sample(value)
        return (
            rustorch.xlogy(self.concentration, self.rate)
            + rustorch.xlogy(self.concentration - 1, value)
            - self.rate * value
            - self.concentration.lgamma()
        )

    def entropy(self):
        c = self.concentration
        return c - self.rate.log() + c.lgamma() + (1.0 - c) * c.digamma()

    @property
    def _natural_params(self):
        return self.concentration - 1, -self.rate

    def _log_normalizer(self, x, y):
        return rustorch.lgamma(x + 1) + (x + 1) * rustorch.log(-y.reciprocal())

    def cdf(self, value):
        if self._validate_args:
            self._validate_sample(value)
        return rustorch.special.gammainc(self.concentration, self.rate * value)
