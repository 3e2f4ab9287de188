"""Divergences within a family, and of distributions made of others."""

import rustorch
from rustorch.distributions.bernoulli import Bernoulli
from rustorch.distributions.beta import Beta
from rustorch.distributions.binomial import Binomial
from rustorch.distributions.categorical import Categorical
from rustorch.distributions.cauchy import Cauchy
from rustorch.distributions.dirichlet import Dirichlet
from rustorch.distributions.exp_family import ExponentialFamily
from rustorch.distributions.exponential import Exponential
from rustorch.distributions.gamma import Gamma
from rustorch.distributions.geometric import Geometric
from rustorch.distributions.half_normal import HalfNormal
from rustorch.distributions.independent import Independent
from rustorch.distributions.kl import kl_divergence, register_kl
from rustorch.distributions.laplace import Laplace
from rustorch.distributions.normal import Normal
from rustorch.distributions.one_hot_categorical import OneHotCategorical
from rustorch.distributions.pareto import Pareto
from rustorch.distributions.poisson import Poisson
from rustorch.distributions.transformed_distribution import TransformedDistribution
from rustorch.distributions.uniform import Uniform
from rustorch.distributions.utils import _sum_rightmost
from rustorch.nn.functional import softplus


def _infinite_where(condition, divergence):
    return rustorch.where(condition, rustorch.inf, divergence)


@register_kl(ExponentialFamily, ExponentialFamily)
def _kl_bregman(p, q):
    """The Bregman divergence of the log-normaliser: `F(q) - F(p) - (q - p) grad F(p)`, over natural parameters."""
    if type(p) is not type(q):
        raise NotImplementedError(
            "The cross KL-divergence between different exponential families cannot be computed using Bregman "
            f"divergences\n  kl_divergence: expected one family, but got {type(p).__name__} and {type(q).__name__}. "
            "Register the pair by @register_kl."
        )
    params, normalizer, statistics = p._mean_statistics()
    result = q._log_normalizer(*q._natural_params) - normalizer
    for theta_p, theta_q, mean in zip(params, q._natural_params, statistics):
        result = result - _sum_rightmost((theta_q - theta_p) * mean, len(q.event_shape))
    return result


@register_kl(Bernoulli, Bernoulli)
def _kl_bernoulli(p, q):
    # -log(probs) is softplus(-logits), which keeps the digits of probabilities near 0 and 1.
    one = p.probs * (softplus(-q.logits) - softplus(-p.logits))
    one = rustorch.where(p.probs == 0, 0.0, _infinite_where(q.probs == 0, one))
    zero = (1 - p.probs) * (softplus(q.logits) - softplus(p.logits))
    return one + rustorch.where(p.probs == 1, 0.0, _infinite_where(q.probs == 1, zero))


@register_kl(Binomial, Binomial)
def _kl_binomial(p, q):
    if (p.total_count < q.total_count).any():
        raise NotImplementedError(
            "KL between Binomials where q.total_count > p.total_count is not implemented\n"
            "  kl_divergence: expected equal counts, but got more for q. Make them equal."
        )
    kl = p.total_count * (p.probs * (p.logits - q.logits) + (-p.probs).log1p() - (-q.probs).log1p())
    return _infinite_where(p.total_count > q.total_count, kl)


@register_kl(Categorical, Categorical)
def _kl_categorical(p, q):
    kl = p.probs * (p.logits - q.logits)
    return rustorch.where(p.probs == 0, 0.0, _infinite_where(q.probs == 0, kl)).sum(-1)


@register_kl(OneHotCategorical, OneHotCategorical)
def _kl_one_hot(p, q):
    return _kl_categorical(p._categorical, q._categorical)


@register_kl(Cauchy, Cauchy)
def _kl_cauchy(p, q):
    # Source: Chyzak & Nielsen 2019, arXiv:1905.10965.
    return ((p.scale + q.scale).pow(2) + (p.loc - q.loc).pow(2)).log() - (4 * p.scale * q.scale).log()


@register_kl(Dirichlet, Dirichlet)
def _kl_dirichlet(p, q):
    a, b = p.concentration, q.concentration
    mean_log = a.digamma() - a.sum(-1, True).digamma()
    return q._log_normalizer(b) - p._log_normalizer(a) + ((a - b) * mean_log).sum(-1)


@register_kl(Beta, Beta)
def _kl_beta(p, q):
    return _kl_dirichlet(p._dirichlet, q._dirichlet)


@register_kl(Exponential, Exponential)
def _kl_exponential(p, q):
    ratio = q.rate / p.rate
    return ratio - 1 - ratio.log()


@register_kl(Gamma, Gamma)
def _kl_gamma(p, q):
    a, b = p.concentration, q.concentration
    return b * (p.rate / q.rate).log() + b.lgamma() - a.lgamma() + (a - b) * a.digamma() + (q.rate - p.rate) * p.mean


@register_kl(Geometric, Geometric)
def _kl_geometric(p, q):
    return -p.entropy() - rustorch.log1p(-q.probs) / p.probs - q.logits


@register_kl(Normal, Normal)
def _kl_normal(p, q):
    ratio = (p.scale / q.scale).pow(2)
    return 0.5 * (ratio + ((p.loc - q.loc) / q.scale).pow(2) - 1 - ratio.log())


@register_kl(HalfNormal, HalfNormal)
def _kl_half_normal(p, q):
    return _kl_normal(p.base_dist, q.base_dist)


@register_kl(Laplace, Laplace)
def _kl_laplace(p, q):
    ratio, distance = p.scale / q.scale, (p.loc - q.loc).abs()
    return distance / q.scale + ratio * rustorch.exp(-distance / p.scale) - 1 - ratio.log()


@register_kl(Pareto, Pareto)
def _kl_pareto(p, q):
    ratio = q.alpha / p.alpha
    kl = q.alpha * (p.scale / q.scale).log() - ratio.log() + ratio - 1
    return _infinite_where(p.scale < q.scale, kl)


@register_kl(Poisson, Poisson)
def _kl_poisson(p, q):
    return p.rate * (p.rate.log() - q.rate.log()) - (p.rate - q.rate)


@register_kl(Uniform, Uniform)
def _kl_uniform(p, q):
    kl = ((q.high - q.low) / (p.high - p.low)).log()
    return _infinite_where((q.low > p.low) | (q.high < p.high), kl)


@register_kl(Independent, Independent)
def _kl_independent(p, q):
    if p.reinterpreted_batch_ndims != q.reinterpreted_batch_ndims:
        raise NotImplementedError(
            "kl_divergence: expected as many reinterpreted_batch_ndims in both, but got "
            f"{p.reinterpreted_batch_ndims} and {q.reinterpreted_batch_ndims}. Make them equal."
        )
    return _sum_rightmost(kl_divergence(p.base_dist, q.base_dist), p.reinterpreted_batch_ndims)


@register_kl(TransformedDistribution, TransformedDistribution)
def _kl_transformed(p, q):
    # A bijection changes no divergence.
    if p.transforms != q.transforms or p.event_shape != q.event_shape:
        raise NotImplementedError(
            "kl_divergence: expected equal transforms and event shapes, but got "
            f"{p.transforms} to {tuple(p.event_shape)} and {q.transforms} to {tuple(q.event_shape)}. Make them equal."
        )
    return kl_divergence(p.base_dist, q.base_dist)
