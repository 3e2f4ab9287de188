"""Divergences between families.

All are the cross-entropy, the mean under p of `-log q(x)`, less the entropy of p. A family q needs few means for that, such
as that of x, of `log x` or of `exp(t x)`, and these are written once for each p.
"""

import math

import rustorch
from rustorch.distributions._kl_families import _infinite_where
from rustorch.distributions.bernoulli import Bernoulli
from rustorch.distributions.beta import Beta
from rustorch.distributions.binomial import Binomial
from rustorch.distributions.continuous_bernoulli import ContinuousBernoulli
from rustorch.distributions.exponential import Exponential
from rustorch.distributions.gamma import Gamma
from rustorch.distributions.gumbel import Gumbel
from rustorch.distributions.kl import register_kl
from rustorch.distributions.laplace import Laplace
from rustorch.distributions.normal import Normal
from rustorch.distributions.pareto import Pareto
from rustorch.distributions.poisson import Poisson
from rustorch.distributions.uniform import Uniform
from rustorch.distributions.utils import euler_constant


def _mean_log_of_uniform(low, high):
    return (rustorch.xlogy(high, high) - rustorch.xlogy(low, low)) / (high - low) - 1


# The mean of log x.
_MEAN_LOG = {
    Beta: lambda p: p.concentration1.digamma() - (p.concentration1 + p.concentration0).digamma(),
    Exponential: lambda p: -euler_constant - p.rate.log(),
    Gamma: lambda p: p.concentration.digamma() - p.rate.log(),
    Pareto: lambda p: p.scale.log() + p.alpha.reciprocal(),
    Uniform: lambda p: _mean_log_of_uniform(p.low, p.high),
}


def _log_laplace_of_uniform(p, s):
    # From the lower end, where the integrand is largest, so that nothing overflows.
    width = s * (p.high - p.low)
    return -s * p.low + (-rustorch.expm1(-width) / width).log()


# The logarithm of the mean of exp(-s x), for positive s.
_LOG_LAPLACE = {
    Exponential: lambda p, s: -rustorch.log1p(s / p.rate),
    Gamma: lambda p, s: -p.concentration * rustorch.log1p(s / p.rate),
    Gumbel: lambda p, s: (1 + s * p.scale).lgamma() - s * p.loc,
    Normal: lambda p, s: 0.5 * (s * p.scale).pow(2) - s * p.loc,
    Uniform: _log_laplace_of_uniform,
}


def _mean(table, p, *args):
    """The entry of a table for p, or for the family that p's class derives from."""
    return next(table[kind] for kind in type(p).__mro__ if kind in table)(p, *args)


def _register(families, q):
    def decorator(fun):
        for p in families:
            register_kl(p, q)(fun)
        return fun

    return decorator


@_register([Beta, ContinuousBernoulli, Exponential, Gamma, Gumbel, Laplace, Pareto, Uniform], Normal)
def _kl_normal(p, q):
    squares = (p.variance + (p.mean - q.loc).pow(2)) / q.scale.pow(2)
    return 0.5 * (math.log(2 * math.pi) + squares) + q.scale.log() - p.entropy()


@_register([Beta, ContinuousBernoulli, Gamma, Pareto], Exponential)
def _kl_exponential(p, q):
    return q.rate * p.mean - q.rate.log() - p.entropy()


@_register([Beta, Exponential, Pareto], Gamma)
def _kl_gamma(p, q):
    mean_log = _mean(_MEAN_LOG, p)
    normalizer = q.concentration.lgamma() - q.concentration * q.rate.log()
    return normalizer - (q.concentration - 1) * mean_log + q.rate * p.mean - p.entropy()


@_register([Uniform], Exponential)
def _kl_uniform_exponential(p, q):
    return _infinite_where(p.low < 0, _kl_exponential(p, q))


@_register([Uniform], Gamma)
def _kl_uniform_gamma(p, q):
    return _infinite_where(p.low < 0, _kl_gamma(p, q))


@_register([Exponential, Gamma, Gumbel, Normal, Uniform], Gumbel)
def _kl_gumbel(p, q):
    log_mean_exp = q.loc / q.scale + _mean(_LOG_LAPLACE, p, q.scale.reciprocal())
    return (p.mean - q.loc) / q.scale + log_mean_exp.exp() + q.scale.log() - p.entropy()


@_register([Beta, ContinuousBernoulli], ContinuousBernoulli)
def _kl_continuous_bernoulli(p, q):
    return -p.mean * q.logits - rustorch.log1p(-q.probs) - q._cont_bern_log_norm() - p.entropy()


@_register([Uniform], ContinuousBernoulli)
def _kl_uniform_continuous_bernoulli(p, q):
    # As in torch, infinite already where the ends agree.
    return _infinite_where((p.high >= 1) | (p.low <= 0), _kl_continuous_bernoulli(p, q))


@_register([Beta], Uniform)
def _kl_beta_uniform(p, q):
    return _infinite_where((q.low > 0) | (q.high < 1), (q.high - q.low).log() - p.entropy())


@_register([ContinuousBernoulli], Uniform)
def _kl_continuous_bernoulli_uniform(p, q):
    # As in torch, infinite already where the ends agree.
    return _infinite_where((q.low >= 0) | (q.high <= 1), (q.high - q.low).log() - p.entropy())


@_register([Uniform], Beta)
def _kl_uniform_beta(p, q):
    # log(1 - x) under p is log x under the mirrored p.
    mean_log, mean_log_rest = _mean_log_of_uniform(p.low, p.high), _mean_log_of_uniform(1 - p.high, 1 - p.low)
    a, b = q.concentration1, q.concentration0
    kl = q._log_normalizer(a, b) - (a - 1) * mean_log - (b - 1) * mean_log_rest - p.entropy()
    return _infinite_where((p.high > 1) | (p.low < 0), kl)


@_register([Uniform], Pareto)
def _kl_uniform_pareto(p, q):
    mean_log = _mean_log_of_uniform(p.low, p.high)
    kl = (q.alpha + 1) * mean_log - q.alpha.log() - q.alpha * q.scale.log() - p.entropy()
    return _infinite_where(p.low < q.scale, kl)


@_register([Normal], Laplace)
def _kl_normal_laplace(p, q):
    z = (p.loc - q.loc) / p.scale
    # The mean of a folded normal distribution.
    distance = p.scale * (math.sqrt(2 / math.pi) * rustorch.exp(-0.5 * z.pow(2)) + z * rustorch.erf(math.sqrt(0.5) * z))
    return rustorch.log(2 * q.scale) + distance / q.scale - p.entropy()


@_register([Bernoulli], Poisson)
def _kl_bernoulli_poisson(p, q):
    return q.rate - p.probs * q.rate.log() - p.entropy()


def _kl_infinite(p, q):
    """q lacks a part of p's support."""
    return rustorch.full_like(p.mean, rustorch.inf)


_BOUNDED_BELOW = (Beta, ContinuousBernoulli, Exponential, Gamma, Pareto, Uniform)
for _p, _qs in {
    Beta: (Pareto,),
    ContinuousBernoulli: (Pareto,),
    Exponential: (Beta, ContinuousBernoulli, Pareto, Uniform),
    Gamma: (Beta, ContinuousBernoulli, Pareto, Uniform),
    Gumbel: _BOUNDED_BELOW,
    Laplace: _BOUNDED_BELOW,
    Normal: _BOUNDED_BELOW,
    Pareto: (Beta, ContinuousBernoulli, Uniform),
    Poisson: (Bernoulli, Binomial),
}.items():
    for _q in _qs:
        register_kl(_p, _q)(_kl_infinite)
