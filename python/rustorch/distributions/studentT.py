"""Student's t distribution."""

import math

import rustorch
from rustorch.distributions import constraints
from rustorch.distributions.chi2 import Chi2
from rustorch.distributions.distribution import Distribution
from rustorch.distributions.utils import _NO_DIMS, _standard_normal, broadcast_all

__all__ = ["StudentT"]


class StudentT(Distribution):
    """Student's t distribution, of density proportional to `(1 + z^2 / df)^(-(df + 1) / 2)`, `z = (x - loc) / scale`.

    Args:
        df (float or Tensor): degrees of freedom, positive; the mean needs more than 1, the variance more than 2.
        loc (float or Tensor, 0.0): the mode.
        scale (float or Tensor, 1.0): positive.
        validate_args (bool, None): see `Distribution`.
    Example:
        >>> torch.distributions.StudentT(4.0).variance
        tensor(2.)
    """

    arg_constraints = {"df": constraints.positive, "loc": constraints.real, "scale": constraints.positive}
    support = constraints.real
    has_rsample = True
    _batched = ("df", "loc", "scale", "_chi2")

    def __init__(self, df, loc=0.0, scale=1.0, validate_args=None):
        self.df, self.loc, self.scale = broadcast_all(df, loc, scale)
        self._chi2 = Chi2(self.df)
        super().__init__(self.df.size(), validate_args=validate_args)

    @property
    def mean(self):
        return rustorch.where(self.df <= 1, rustorch.nan, self.loc)

    @property
    def mode(self):
        return self.loc

    @property
    def variance(self):
        finite = self.df > 2
        df = rustorch.where(finite, self.df, 3.0)
        variance = rustorch.where(finite, self.scale.pow(2) * df / (df - 2), rustorch.inf)
        return rustorch.where(self.df <= 1, rustorch.nan, variance)

    def rsample(self, sample_shape=_NO_DIMS):
        # X / sqrt(Z / df) with X normal and Z chi-squared
        x = _standard_normal(self._extended_shape(sample_shape), dtype=self.df.dtype, device=self.df.device)
        z = self._chi2.rsample(sample_shape)
        return self.loc + self.scale * (x * rustorch.rsqrt(z / self.df))

    def log_prob(self, value):
        if self._validate_args:
            self._validate_sample(value)
        y = (value - self.loc) / self.scale
        df = self.df
        normalizer = (
            self.scale.log()
            + 0.5 * df.log()
            + 0.5 * math.log(math.pi)
            + rustorch.lgamma(0.5 * df)
            - rustorch.lgamma(0.5 * (df + 1.0))
        )
        return -0.5 * (df + 1.0) * rustorch.log1p(y**2.0 / df) - normalizer

    def entropy(self):
        df, half, above = self.df, 0.5 * self.df, 0.5 * (self.df + 1)
        log_beta = half.lgamma() + math.lgamma(0.5) - above.lgamma()
        return self.scale.log() + above * (above.digamma() - half.digamma()) + 0.5 * df.log() + log_beta
