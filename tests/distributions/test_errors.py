"""Wrong parameters and values: torch's classes and sentences, which ours begin with."""

import math
import subprocess
import sys

import pytest
from distribution_table import Maker

import rustorch
from rustorch.distributions import (
    Bernoulli,
    Beta,
    Binomial,
    Categorical,
    Dirichlet,
    Distribution,
    Gamma,
    Independent,
    MixtureSameFamily,
    Normal,
    OneHotCategorical,
    Uniform,
)

# The call, in either library; T is the module, D its distributions, t makes a float32 tensor.
ERRORS = {
    "Bernoulli of nothing": lambda T, D, t: D.Bernoulli(),
    "Bernoulli of both": lambda T, D, t: D.Bernoulli(0.5, 0.5),
    "Bernoulli beyond 1": lambda T, D, t: D.Bernoulli(t([0.5, 1.5])),
    "Bernoulli of text": lambda T, D, t: D.Bernoulli("0.5"),
    "Bernoulli of NaN": lambda T, D, t: D.Bernoulli(logits=t([0.5, math.nan])),
    "Bernoulli of half a 1": lambda T, D, t: D.Bernoulli(0.5).log_prob(t(0.5)),
    "Beta of a negative": lambda T, D, t: D.Beta(t([1.0, -1.0]), 1.0),
    "Beta beyond 1": lambda T, D, t: D.Beta(1.0, 1.0).log_prob(t(2.0)),
    "Binomial of half a trial": lambda T, D, t: D.Binomial(t(1.5), t(0.5)),
    "Binomial of both": lambda T, D, t: D.Binomial(1, t(0.5), t(0.5)),
    "Binomial beyond the count": lambda T, D, t: D.Binomial(3, t(0.5)).log_prob(t(4.0)),
    "Binomial support": lambda T, D, t: D.Binomial(t([1.0, 2.0]), t(0.5)).enumerate_support(),
    "Binomial entropy": lambda T, D, t: D.Binomial(t([1.0, 2.0]), t(0.5)).entropy(),
    "Categorical of nothing": lambda T, D, t: D.Categorical(),
    "Categorical of a number": lambda T, D, t: D.Categorical(t(0.5)),
    "Categorical of a logit": lambda T, D, t: D.Categorical(logits=t(0.5)),
    "Categorical of a negative": lambda T, D, t: D.Categorical(t([1.5, -0.5])),
    "Categorical of NaN": lambda T, D, t: D.Categorical(logits=t([0.0, math.nan])),
    "Categorical beyond": lambda T, D, t: D.Categorical(t([0.5, 0.5])).log_prob(t(2.0)),
    "Cauchy": lambda T, D, t: D.Cauchy(0.0, 0.0),
    "Chi2": lambda T, D, t: D.Chi2(t(-1.0)),
    "ContinuousBernoulli": lambda T, D, t: D.ContinuousBernoulli(t([1.5]), validate_args=True),
    "Dirichlet of a number": lambda T, D, t: D.Dirichlet(t(1.0)),
    "Dirichlet of zero": lambda T, D, t: D.Dirichlet(t([[1.0, 0.0]])),
    "Dirichlet off the simplex": lambda T, D, t: D.Dirichlet(t([1.0, 1.0])).log_prob(t([0.5, 0.6])),
    "Dirichlet of other events": lambda T, D, t: D.Dirichlet(t([1.0, 1.0])).log_prob(t([0.5, 0.2, 0.3])),
    "Exponential": lambda T, D, t: D.Exponential(t([1.0, -2.0])),
    "FisherSnedecor": lambda T, D, t: D.FisherSnedecor(1.0, -2.0),
    "Gamma": lambda T, D, t: D.Gamma(1.0, t([[0.0]])),
    "Gamma of a negative": lambda T, D, t: D.Gamma(1.0, 1.0).log_prob(t(-1.0)),
    "GeneralizedPareto": lambda T, D, t: D.GeneralizedPareto(0.0, -1.0, 0.5),
    "GeneralizedPareto below": lambda T, D, t: D.GeneralizedPareto(0.0, 1.0, -0.5).log_prob(t(3.0)),
    "Geometric": lambda T, D, t: D.Geometric(t([0.0, 0.5])),
    "Gumbel": lambda T, D, t: D.Gumbel(0.0, -1.0),
    "HalfNormal": lambda T, D, t: D.HalfNormal(-1.0),
    "HalfCauchy": lambda T, D, t: D.HalfCauchy(1.0).cdf(t(-1.0)),
    "Independent": lambda T, D, t: D.Independent(D.Normal(0.0, 1.0), 1),
    "Independent support": lambda T, D, t: D.Independent(D.Bernoulli(t([0.5])), 1).enumerate_support(),
    "InverseGamma": lambda T, D, t: D.InverseGamma(-1.0, 1.0),
    "Kumaraswamy": lambda T, D, t: D.Kumaraswamy(-1.0, 1.0),
    "LKJCholesky of one": lambda T, D, t: D.LKJCholesky(1),
    "LKJCholesky": lambda T, D, t: D.LKJCholesky(2, t(-3.0)),
    "LogNormal": lambda T, D, t: D.LogNormal(0.0, 1.0).log_prob(t(-1.0)),
    "LowRank of a number": lambda T, D, t: D.LowRankMultivariateNormal(t(0.0), t([[1.0]]), t([1.0])),
    "LowRank of a vector": lambda T, D, t: D.LowRankMultivariateNormal(t([0.0]), t([1.0]), t([1.0])),
    "LowRank of other rows": lambda T, D, t: D.LowRankMultivariateNormal(t([0.0]), t([[1.0], [1.0]]), t([1.0])),
    "LowRank of another diagonal": lambda T, D, t: D.LowRankMultivariateNormal(t([0.0]), t([[1.0]]), t([1.0, 1.0])),
    "LowRank of other batches": lambda T, D, t: D.LowRankMultivariateNormal(
        t([[0.0]] * 2), t([[[1.0]]] * 3), t([[1.0]] * 2)
    ),
    "Mixture of what": lambda T, D, t: D.MixtureSameFamily(D.Normal(0.0, 1.0), D.Normal(t([0.0]), 1.0)),
    "Mixture of no components": lambda T, D, t: D.MixtureSameFamily(D.Categorical(t([1.0])), 1.0),
    "Mixture of others": lambda T, D, t: D.MixtureSameFamily(D.Categorical(t([1.0, 1.0])), D.Normal(t([0.0] * 3), 1.0)),
    "Mixture of other batches": lambda T, D, t: D.MixtureSameFamily(
        D.Categorical(t([[1.0]] * 2)), D.Normal(t([[0.0]] * 3), 1.0)
    ),
    "Multinomial of counts": lambda T, D, t: D.Multinomial(t([1.0]), t([1.0])),
    "Multinomial": lambda T, D, t: D.Multinomial(2, t([0.5, 0.5])).log_prob(t([2.0, 1.0])),
    "MultivariateNormal of a number": lambda T, D, t: D.MultivariateNormal(t(0.0), t([[1.0]])),
    "MultivariateNormal of nothing": lambda T, D, t: D.MultivariateNormal(t([0.0])),
    "MultivariateNormal of both": lambda T, D, t: D.MultivariateNormal(t([0.0]), t([[1.0]]), t([[1.0]])),
    "MultivariateNormal, covariance": lambda T, D, t: D.MultivariateNormal(t([0.0]), t([1.0])),
    "MultivariateNormal, precision": lambda T, D, t: D.MultivariateNormal(t([0.0]), precision_matrix=t([1.0])),
    "MultivariateNormal, scale_tril": lambda T, D, t: D.MultivariateNormal(t([0.0]), scale_tril=t([1.0])),
    "MultivariateNormal, negative": lambda T, D, t: D.MultivariateNormal(t([0.0]), t([[-1.0]])),
    "MultivariateNormal, triangle": lambda T, D, t: D.MultivariateNormal(t([0.0] * 2), scale_tril=t([[1.0, 1.0]] * 2)),
    "NegativeBinomial": lambda T, D, t: D.NegativeBinomial(-1.0, t(0.5)),
    "NegativeBinomial of 1": lambda T, D, t: D.NegativeBinomial(1.0, t(1.0)),
    "Normal": lambda T, D, t: D.Normal(0.0, -1.0),
    "Normal of NaN": lambda T, D, t: D.Normal(t([math.nan, 0.0]), 1.0),
    "Normal of lists": lambda T, D, t: D.Normal([0.0], 1.0),
    "Normal of other shapes": lambda T, D, t: D.Normal(t([0.0, 1.0]), t([1.0, 1.0, 1.0])),
    "value that is none": lambda T, D, t: D.Normal(0.0, 1.0).log_prob(0.0),
    "value of another batch": lambda T, D, t: D.Normal(t([0.0, 1.0]), 1.0).log_prob(t([0.0, 1.0, 2.0])),
    "value of NaN": lambda T, D, t: D.Normal(0.0, 1.0).log_prob(t(math.nan)),
    "OneHotCategorical": lambda T, D, t: D.OneHotCategorical(t([0.5, 0.5])).log_prob(t([1.0, 1.0])),
    "Pareto": lambda T, D, t: D.Pareto(1.0, 1.0).log_prob(t(0.5)),
    "Poisson": lambda T, D, t: D.Poisson(-1.0),
    "Poisson of a half": lambda T, D, t: D.Poisson(1.0).log_prob(t(0.5)),
    "RelaxedBernoulli": lambda T, D, t: D.RelaxedBernoulli(t(1.0)),
    "RelaxedOneHotCategorical": lambda T, D, t: D.RelaxedOneHotCategorical(t(1.0), t([0.5]), t([0.5])),
    "StudentT": lambda T, D, t: D.StudentT(0.0),
    "Transformed by what": lambda T, D, t: D.TransformedDistribution(D.Normal(0.0, 1.0), [1]),
    "Transformed by no list": lambda T, D, t: D.TransformedDistribution(D.Normal(0.0, 1.0), 1),
    "Transformed of few dims": lambda T, D, t: D.TransformedDistribution(
        D.Normal(0.0, 1.0), D.StickBreakingTransform()
    ),
    "Uniform": lambda T, D, t: D.Uniform(1.0, 0.0),
    "Uniform outside": lambda T, D, t: D.Uniform(0.0, 1.0).log_prob(t(2.0)),
    "VonMises": lambda T, D, t: D.VonMises(t(0.0), t(0.0)),
    "Weibull": lambda T, D, t: D.Weibull(1.0, -1.0),
    "Wishart of nothing": lambda T, D, t: D.Wishart(t(2.0)),
    "Wishart of a vector": lambda T, D, t: D.Wishart(t(2.0), t([1.0])),
    "Wishart of few": lambda T, D, t: D.Wishart(t(1.0), T.eye(2)),
    "no mode": lambda T, D, t: D.MixtureSameFamily(D.Categorical(t([1.0])), D.Normal(t([0.0]), 1.0)).mode,
    "no mean": lambda T, D, t: D.TransformedDistribution(D.Normal(0.0, 1.0), D.ExpTransform()).mean,
    "no cdf": lambda T, D, t: D.Beta(1.0, 1.0).cdf(t(0.5)),
    "no rsample": lambda T, D, t: D.Bernoulli(0.5).rsample(),
    "default of checks": lambda T, D, t: D.Distribution.set_default_validate_args(2),
    "lower triangle": lambda T, D, t: D.utils.tril_matrix_to_vec(T.eye(2), 3),
}


def raised(T, call):
    with pytest.raises(Exception) as info:
        call(T, T.distributions, Maker(T, "float32"))
    return type(info.value).__name__, str(info.value).replace("rustorch", "torch")


@pytest.mark.parametrize("name", ERRORS)
def test_error_begins_as_torchs(name, oracle):
    actual, expected = raised(rustorch, ERRORS[name]), raised(oracle, ERRORS[name])
    assert actual[0] == expected[0]
    assert actual[1].startswith(expected[1])


def test_errors_say_what_was_expected_and_given_and_what_helps():
    with pytest.raises(
        ValueError, match=r"(?s)Expected parameter scale .*GreaterThan\(lower_bound=0.0\).*Correct them"
    ):
        Normal(0.0, -1.0)
    with pytest.raises(ValueError, match=r"Bernoulli: expected one of them, but got both\. Leave out one\."):
        Bernoulli(0.5, logits=0.0)
    with pytest.raises(ValueError, match=r"expected a shape that broadcasts with \(2,\), but got \(3,\)"):
        Normal(rustorch.zeros(2), 1.0).log_prob(rustorch.zeros(3))


def test_checks_can_be_left_out():
    assert Normal(0.0, -1.0, validate_args=False).scale == -1
    assert Bernoulli(0.5, validate_args=False).log_prob(rustorch.tensor(0.25)).isfinite()
    assert Uniform(0.0, 1.0, validate_args=False).log_prob(rustorch.tensor(2.0)).item() == -math.inf
    expanded = Normal(0.0, 1.0, validate_args=False).expand((2,))
    assert expanded.log_prob(rustorch.tensor(math.nan)).isnan().all()


def test_default_of_checks_holds_for_all():
    Distribution.set_default_validate_args(False)
    try:
        assert Gamma(-1.0, 1.0).concentration == -1
        with pytest.raises(ValueError, match="Expected parameter concentration"):
            Gamma(-1.0, 1.0, validate_args=True)
    finally:
        Distribution.set_default_validate_args(True)
    with pytest.raises(ValueError, match="Expected parameter concentration"):
        Gamma(-1.0, 1.0)


def test_checks_are_off_in_optimised_python():
    code = "from rustorch.distributions import Normal; print(Normal(0.0, -1.0))"
    done = subprocess.run([sys.executable, "-OO", "-c", code], capture_output=True, text=True)
    assert done.stdout == "Normal(loc: 0.0, scale: -1.0)\n", done.stderr


def test_computed_parameters_are_not_checked():
    # The logits of impossible categories are -inf, the probabilities of logits round.
    assert OneHotCategorical(rustorch.tensor([1.0, 0.0])).logits.isfinite().all()
    assert Categorical(logits=rustorch.randn(1000)).probs.sum().allclose(rustorch.tensor(1.0))


def test_class_without_constraints_warns():
    class Own(Distribution):
        def sample(self, sample_shape=()):
            return rustorch.zeros(sample_shape)

    with pytest.warns(UserWarning, match="does not define `arg_constraints`"):
        own = Own()
    with pytest.warns(UserWarning, match="does not define `support`"):
        own._validate_sample(rustorch.zeros(2))
    with pytest.raises(NotImplementedError):
        own.expand((2,))
    for method in (own.log_prob, own.cdf, own.icdf):
        with pytest.raises(NotImplementedError):
            method(rustorch.zeros(2))


def test_subclass_with_its_own_constructor_needs_its_own_expand():
    class Centred(Normal):
        def __init__(self, scale):
            super().__init__(0.0, scale)

    with pytest.raises(NotImplementedError, match="Subclass Centred of Normal that defines a custom __init__"):
        Centred(1.0).expand((2,))

    class Expands(Centred):
        def expand(self, batch_shape, _instance=None):
            return super().expand(batch_shape, self._get_checked_instance(Expands, _instance))

    assert type(Expands(1.0).expand((2,))) is Expands and Expands(1.0).expand((2,)).batch_shape == (2,)


def test_old_name_of_samples_warns():
    with pytest.warns(FutureWarning, match="will be deprecated"):
        assert Beta(1.0, 1.0).sample_n(3).shape == (3,)


def test_distributions_print_their_parameters():
    mixture = MixtureSameFamily(Categorical(rustorch.ones(2)), Normal(rustorch.zeros(2), 1.0))
    assert repr(mixture).startswith("MixtureSameFamily(\n  Categorical(probs: torch.Size([2]), logits")
    assert repr(Independent(Normal(rustorch.zeros(2), 1.0), 1)).startswith("Independent(Normal(loc: torch.Size([2])")
    assert repr(Binomial(3, rustorch.tensor(0.5))) == "Binomial(total_count: 3.0, probs: 0.5)"
    assert repr(Dirichlet(rustorch.ones(2))) == "Dirichlet(concentration: torch.Size([2]))"
