"""Probability distributions: samples, densities, moments, entropies and divergences, with gradients to the parameters.

Example:
    >>> from rustorch.distributions import Categorical, Normal, kl_divergence
    >>> policy = Categorical(logits=torch.zeros(3, requires_grad=True))
    >>> action = policy.sample()
    >>> loss = -policy.log_prob(action)  # times the reward: the score function (REINFORCE)
    >>> loss
    tensor(1.0986, grad_fn=<NegBackward0>)
    >>> kl_divergence(Normal(0.0, 1.0), Normal(0.0, 2.0))
    tensor(0.3181)
"""

from rustorch.distributions import constraints as constraints, transforms as transforms
from rustorch.distributions.bernoulli import Bernoulli as Bernoulli
from rustorch.distributions.beta import Beta as Beta
from rustorch.distributions.binomial import Binomial as Binomial
from rustorch.distributions.categorical import Categorical as Categorical
from rustorch.distributions.cauchy import Cauchy as Cauchy
from rustorch.distributions.chi2 import Chi2 as Chi2
from rustorch.distributions.constraint_registry import biject_to as biject_to, transform_to as transform_to
from rustorch.distributions.continuous_bernoulli import ContinuousBernoulli as ContinuousBernoulli
from rustorch.distributions.dirichlet import Dirichlet as Dirichlet
from rustorch.distributions.distribution import Distribution as Distribution
from rustorch.distributions.exp_family import ExponentialFamily as ExponentialFamily
from rustorch.distributions.exponential import Exponential as Exponential
from rustorch.distributions.fishersnedecor import FisherSnedecor as FisherSnedecor
from rustorch.distributions.gamma import Gamma as Gamma
from rustorch.distributions.generalized_pareto import GeneralizedPareto as GeneralizedPareto
from rustorch.distributions.geometric import Geometric as Geometric
from rustorch.distributions.gumbel import Gumbel as Gumbel
from rustorch.distributions.half_cauchy import HalfCauchy as HalfCauchy
from rustorch.distributions.half_normal import HalfNormal as HalfNormal
from rustorch.distributions.independent import Independent as Independent
from rustorch.distributions.inverse_gamma import InverseGamma as InverseGamma
from rustorch.distributions.kl import kl_divergence as kl_divergence, register_kl as register_kl
from rustorch.distributions.kumaraswamy import Kumaraswamy as Kumaraswamy
from rustorch.distributions.laplace import Laplace as Laplace
from rustorch.distributions.lkj_cholesky import LKJCholesky as LKJCholesky
from rustorch.distributions.log_normal import LogNormal as LogNormal
from rustorch.distributions.logistic_normal import LogisticNormal as LogisticNormal
from rustorch.distributions.lowrank_multivariate_normal import LowRankMultivariateNormal as LowRankMultivariateNormal
from rustorch.distributions.mixture_same_family import MixtureSameFamily as MixtureSameFamily
from rustorch.distributions.multinomial import Multinomial as Multinomial
from rustorch.distributions.multivariate_normal import MultivariateNormal as MultivariateNormal
from rustorch.distributions.negative_binomial import NegativeBinomial as NegativeBinomial
from rustorch.distributions.normal import Normal as Normal
from rustorch.distributions.one_hot_categorical import (
    OneHotCategorical as OneHotCategorical,
    OneHotCategoricalStraightThrough as OneHotCategoricalStraightThrough,
)
from rustorch.distributions.pareto import Pareto as Pareto
from rustorch.distributions.poisson import Poisson as Poisson
from rustorch.distributions.relaxed_bernoulli import RelaxedBernoulli as RelaxedBernoulli
from rustorch.distributions.relaxed_categorical import RelaxedOneHotCategorical as RelaxedOneHotCategorical
from rustorch.distributions.studentT import StudentT as StudentT
from rustorch.distributions.transformed_distribution import TransformedDistribution as TransformedDistribution
from rustorch.distributions.transforms import *
from rustorch.distributions.uniform import Uniform as Uniform
from rustorch.distributions.von_mises import VonMises as VonMises
from rustorch.distributions.weibull import Weibull as Weibull
from rustorch.distributions.wishart import Wishart as Wishart

__all__ = [
    "Bernoulli",
    "Beta",
    "Binomial",
    "Categorical",
    "Cauchy",
    "Chi2",
    "ContinuousBernoulli",
    "Dirichlet",
    "Distribution",
    "Exponential",
    "ExponentialFamily",
    "FisherSnedecor",
    "Gamma",
    "GeneralizedPareto",
    "Geometric",
    "Gumbel",
    "HalfCauchy",
    "HalfNormal",
    "Independent",
    "InverseGamma",
    "Kumaraswamy",
    "LKJCholesky",
    "Laplace",
    "LogNormal",
    "LogisticNormal",
    "LowRankMultivariateNormal",
    "MixtureSameFamily",
    "Multinomial",
    "MultivariateNormal",
    "NegativeBinomial",
    "Normal",
    "OneHotCategorical",
    "OneHotCategoricalStraightThrough",
    "Pareto",
    "Poisson",
    "RelaxedBernoulli",
    "RelaxedOneHotCategorical",
    "StudentT",
    "TransformedDistribution",
    "Uniform",
    "VonMises",
    "Weibull",
    "Wishart",
    "biject_to",
    "kl_divergence",
    "register_kl",
    "transform_to",
]
__all__ += transforms.__all__
