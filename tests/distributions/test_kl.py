"""Divergences: every pair against torch, and against means over samples; which function is taken for a pair."""

import math

import pytest
from conftest import to_numpy
from distribution_table import Maker

import rustorch
from rustorch.distributions import (
    Beta,
    Chi2,
    ContinuousBernoulli,
    Distribution,
    Exponential,
    ExpTransform,
    Gamma,
    Gumbel,
    Independent,
    Laplace,
    LogNormal,
    LowRankMultivariateNormal,
    MultivariateNormal,
    Normal,
    Pareto,
    Poisson,
    TransformedDistribution,
    Uniform,
    Wishart,
    kl,
    kl_divergence,
    register_kl,
)

# Two of each class, for p and for q; supports of q that hold p's, and some that do not.
FAMILIES = {
    "Bernoulli": [lambda D, t: D.Bernoulli(t([0.2, 0.7, 0.0, 1.0])), lambda D, t: D.Bernoulli(t([0.3, 0.5, 0.5, 0.4]))],
    "Beta": [
        lambda D, t: D.Beta(t([0.5, 2.0, 3.0]), t([1.5, 2.5, 0.7])),
        lambda D, t: D.Beta(t([1.5, 3.0, 0.3]), t([0.5, 1.5, 2.7])),
    ],
    "Binomial": [lambda D, t: D.Binomial(5, t([0.2, 0.7])), lambda D, t: D.Binomial(t([5.0, 4.0]), t([0.3, 0.5]))],
    "Categorical": [
        lambda D, t: D.Categorical(t([[0.2, 0.8, 0.0], [0.3, 0.3, 0.4]])),
        lambda D, t: D.Categorical(t([0.5, 0.2, 0.3])),
    ],
    "Cauchy": [lambda D, t: D.Cauchy(t([0.5, -1.0]), t([1.0, 2.0])), lambda D, t: D.Cauchy(t(0.0), t(1.5))],
    "ContinuousBernoulli": [
        lambda D, t: D.ContinuousBernoulli(t([0.2, 0.5, 0.9])),
        lambda D, t: D.ContinuousBernoulli(t([0.3, 0.4, 0.5])),
    ],
    "Dirichlet": [
        lambda D, t: D.Dirichlet(t([[0.5, 2.0, 3.0], [0.3, 0.2, 0.4]])),
        lambda D, t: D.Dirichlet(t([1.0, 1.5, 2.0])),
    ],
    "Exponential": [lambda D, t: D.Exponential(t([0.5, 2.0, 1.0])), lambda D, t: D.Exponential(t([1.5, 0.3, 1.0]))],
    "ExponentialFamily": [
        lambda D, t: D.Wishart(t(4.0), covariance_matrix=t([[2.0, 0.5], [0.5, 1.0]])),
        lambda D, t: D.Wishart(t(3.0), covariance_matrix=t([[1.0, 0.1], [0.1, 3.0]])),
    ],
    "Gamma": [
        lambda D, t: D.Gamma(t([0.5, 2.0, 3.0]), t([1.5, 2.5, 0.7])),
        lambda D, t: D.Gamma(t([1.5, 3.0, 0.3]), t([0.5, 1.5, 2.7])),
    ],
    "Geometric": [lambda D, t: D.Geometric(t([0.2, 0.7])), lambda D, t: D.Geometric(t([0.3, 0.5]))],
    "Gumbel": [
        lambda D, t: D.Gumbel(t([0.5, -1.0, 0.0]), t([1.0, 2.0, 0.5])),
        lambda D, t: D.Gumbel(t([0.0, 1.0, 0.0]), t([1.5, 2.5, 1.0])),
    ],
    "HalfNormal": [lambda D, t: D.HalfNormal(t([1.0, 2.0])), lambda D, t: D.HalfNormal(t([0.5, 3.0]))],
    "Independent": [
        lambda D, t: D.Independent(D.Normal(t([[0.5, -1.0]]), t([[1.0, 2.0]])), 1),
        lambda D, t: D.Independent(D.Normal(t([[0.0, 1.0]]), t([[1.5, 2.5]])), 1),
    ],
    "Laplace": [
        lambda D, t: D.Laplace(t([0.5, -1.0, 0.0]), t([1.0, 2.0, 0.5])),
        lambda D, t: D.Laplace(t([0.0, 1.0, 0.0]), t([1.5, 2.5, 1.0])),
    ],
    "LowRankMultivariateNormal": [
        lambda D, t: D.LowRankMultivariateNormal(t([[0.0, 1.0], [1.0, 2.0]]), t([[1.0], [0.5]]), t([1.0, 2.0])),
        lambda D, t: D.LowRankMultivariateNormal(t([0.5, 1.0]), t([[0.3], [0.7]]), t([1.5, 0.5])),
    ],
    "MultivariateNormal": [
        lambda D, t: D.MultivariateNormal(t([[0.0, 1.0], [1.0, 2.0]]), t([[2.0, 0.5], [0.5, 1.0]])),
        lambda D, t: D.MultivariateNormal(t([0.5, 1.0]), t([[[1.0, 0.3], [0.3, 2.0]], [[1.0, 0.0], [0.0, 1.0]]])),
    ],
    "Normal": [
        lambda D, t: D.Normal(t([0.5, -1.0, 0.0]), t([1.0, 2.0, 0.5])),
        lambda D, t: D.Normal(t([0.0, 1.0, 0.0]), t([1.5, 2.5, 1.0])),
    ],
    "OneHotCategorical": [
        lambda D, t: D.OneHotCategorical(t([[0.2, 0.8, 0.0], [0.3, 0.3, 0.4]])),
        lambda D, t: D.OneHotCategorical(t([0.5, 0.2, 0.3])),
    ],
    "Pareto": [
        lambda D, t: D.Pareto(t([1.0, 0.5, 2.0]), t([0.5, 1.5, 3.0])),
        lambda D, t: D.Pareto(t([0.5, 1.0, 2.0]), t([1.5, 0.5, 2.0])),
    ],
    "Poisson": [lambda D, t: D.Poisson(t([0.5, 4.0, 30.0, 1.0])), lambda D, t: D.Poisson(t([1.5, 3.0, 20.0, 1.0]))],
    "TransformedDistribution": [
        lambda D, t: D.LogNormal(t([0.5, -1.0]), t([1.0, 2.0])),
        lambda D, t: D.LogNormal(t([0.0, 1.0]), t([1.5, 2.5])),
    ],
    "Uniform": [
        lambda D, t: D.Uniform(t([0.25, -1.0, 0.5]), t([0.75, 2.0, 3.0])),
        lambda D, t: D.Uniform(t([-1.0, 0.1, 0.0]), t([2.0, 0.5, 1.0])),
    ],
}
PAIRS = sorted((p.__name__, q.__name__) for p, q in kl._KL_REGISTRY)


def divergence(T, names):
    """A divergence, and the parameters of both."""
    t = Maker(T, requires_grad=True)
    p, q = FAMILIES[names[0]][0](T.distributions, t), FAMILIES[names[1]][1](T.distributions, t)
    return T.distributions.kl_divergence(p, q), t.made


def test_pairs_are_torchs(oracle):
    assert sorted((p.__name__, q.__name__) for p, q in oracle.distributions.kl._KL_REGISTRY) == PAIRS


@pytest.mark.parametrize("names", PAIRS, ids="-".join)
def test_divergence_and_its_gradient(names, oracle, assert_same):
    (actual, ours), (expected, theirs) = divergence(rustorch, names), divergence(oracle, names)
    assert_same(actual, expected, rtol=1e-9, atol=1e-11)
    finite = to_numpy(expected).ravel()
    finite = [i for i, x in enumerate(finite) if math.isfinite(x)]
    if not expected.requires_grad or not finite:
        return
    grads = rustorch.autograd.grad(actual.flatten()[finite].sum(), ours, allow_unused=True, materialize_grads=True)
    references = oracle.autograd.grad(
        expected.flatten()[finite].sum(), theirs, allow_unused=True, materialize_grads=True
    )
    assert_same([g.nan_to_num(0.0) for g in grads], [g.nan_to_num(0.0) for g in references], rtol=1e-7, atol=1e-9)


@pytest.fixture
def unchecked():
    """Lets q score what it does not support."""
    Distribution.set_default_validate_args(False)
    yield
    Distribution.set_default_validate_args(True)


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize("names", PAIRS, ids="-".join)
def test_divergence_is_the_mean_of_the_difference_of_log_probabilities(names):
    t = Maker(rustorch)
    p, q = (FAMILIES[name][i](rustorch.distributions, t) for i, name in enumerate(names))
    divergence = kl_divergence(p, q)
    if divergence.isinf().all():
        return
    x = p.sample((4000,))
    difference = p.log_prob(x) - q.log_prob(x)
    mean, error = difference.mean(0), difference.std(0) / 4000**0.5
    known = divergence.isfinite() & mean.isfinite() & ~heavy(p, divergence)
    mean, error, divergence = (y.expand(known.shape)[known] for y in (mean, error, divergence))
    assert ((mean - divergence).abs() <= 6 * error + 1e-6).all()


def heavy(p, divergence):
    """Where the mean over samples has no variance, or hardly."""
    if isinstance(p, Pareto):
        return p.alpha < 3
    return rustorch.zeros_like(divergence, dtype=rustorch.bool)


@pytest.mark.parametrize("name", sorted(FAMILIES))
def test_divergence_from_itself_is_zero(name):
    p = FAMILIES[name][1](rustorch.distributions, Maker(rustorch))
    zero = kl_divergence(p, p)
    assert zero.shape == p.batch_shape
    assert zero.abs().max() < 1e-12


def test_divergence_is_infinite_where_q_lacks_support():
    q = Uniform(0.0, 1.0)
    for p in (
        Normal(0.0, 1.0),
        Laplace(0.0, 1.0),
        Gumbel(0.0, 1.0),
        Exponential(1.0),
        Gamma(1.0, 1.0),
        Pareto(1.0, 1.0),
    ):
        assert kl_divergence(p, q).item() == math.inf
    assert kl_divergence(Uniform(-1.0, 1.0), Exponential(1.0)).item() == math.inf
    assert (
        kl_divergence(Poisson(rustorch.tensor([1.0, 2.0])), rustorch.distributions.Bernoulli(0.5)).tolist()
        == [math.inf] * 2
    )


def test_exponential_families_use_the_log_normaliser():
    class Own(Normal):
        pass

    p, q = Own(0.0, 1.0), Own(1.0, 2.0)
    bregman = kl._KL_REGISTRY[rustorch.distributions.ExponentialFamily, rustorch.distributions.ExponentialFamily]
    assert bregman(p, q).allclose(kl_divergence(Normal(0.0, 1.0), Normal(1.0, 2.0)))
    with pytest.raises(NotImplementedError, match="cross KL-divergence between different exponential families"):
        kl_divergence(Poisson(1.0), Exponential(1.0))


def test_subclass_takes_the_divergence_of_its_family():
    p, q = Chi2(rustorch.tensor(3.0)), Chi2(rustorch.tensor(4.0))
    assert kl_divergence(p, q).item() == kl_divergence(Gamma(1.5, 0.5), Gamma(2.0, 0.5)).item()


def test_transforms_do_not_change_the_divergence():
    normals = Normal(0.0, 1.0), Normal(1.0, 2.0)
    ours = [TransformedDistribution(d, [ExpTransform()]) for d in normals]
    assert kl_divergence(*ours) == kl_divergence(*normals) == kl_divergence(LogNormal(0.0, 1.0), LogNormal(1.0, 2.0))
    with pytest.raises(NotImplementedError, match="expected equal transforms"):
        kl_divergence(ours[0], TransformedDistribution(normals[0], [ExpTransform(), ExpTransform()]))


def test_event_dims_must_agree():
    normal = Normal(rustorch.zeros(2, 2), 1.0)
    with pytest.raises(NotImplementedError, match="reinterpreted_batch_ndims"):
        kl_divergence(Independent(normal, 1), Independent(normal, 2))
    full = [MultivariateNormal(rustorch.zeros(n), rustorch.eye(n)) for n in (2, 3)]
    low = [LowRankMultivariateNormal(rustorch.zeros(n), rustorch.ones(n, 1), rustorch.ones(n)) for n in (2, 3)]
    with pytest.raises(ValueError, match="two Multivariate Normals with different event shapes"):
        kl_divergence(*full)
    with pytest.raises(ValueError, match="two Low Rank Multivariate Normals with different event shapes"):
        kl_divergence(*low)
    with pytest.raises(ValueError, match=r"two \(Low Rank\) Multivariate Normals with different event shapes"):
        kl_divergence(full[0], low[1])


@pytest.fixture
def registry():
    """Puts the registry back."""
    before = dict(kl._KL_REGISTRY)
    yield
    kl._KL_REGISTRY.clear()
    kl._KL_REGISTRY.update(before)
    kl._KL_MEMOIZE.clear()


@pytest.mark.usefixtures("registry")
def test_most_specific_pair_is_taken_and_ties_warn():
    class P(Normal):
        pass

    class Q(Normal):
        pass

    p, q = P(0.0, 1.0), Q(0.0, 1.0)
    register_kl(P, Normal)(lambda p, q: "left")
    assert kl_divergence(p, q) == "left"
    register_kl(Normal, Q)(lambda p, q: "right")
    with pytest.warns(RuntimeWarning, match=r"Ambiguous kl_divergence\(P, Q\). Please register_kl\(P, Q\)"):
        assert kl_divergence(p, q) == "left"
    register_kl(P, Q)(lambda p, q: "both")
    assert kl_divergence(p, q) == "both"


@pytest.mark.usefixtures("registry")
def test_classes_beside_distribution_may_be_registered():
    class Root:
        """As the root of a library's own distributions."""

    class Leaf(Root):
        pass

    register_kl(Normal, Root)(lambda p, q: "root")
    assert kl_divergence(Normal(0.0, 1.0), Leaf()) == "root"


def test_what_is_not_registered_raises():
    class Own(Distribution):
        arg_constraints = {}

    with pytest.raises(NotImplementedError, match=r"No KL\(p \|\| q\) is implemented for p type Own and q type Beta"):
        kl_divergence(Own(), Beta(1.0, 1.0))
    with pytest.raises(TypeError, match="Expected type_q to be a Distribution subclass but got 3"):
        register_kl(Beta, 3)


def test_families_of_wishart_and_continuous_bernoulli_have_both_roads():
    eye = rustorch.eye(2)
    p, q = (Wishart(rustorch.tensor(df), eye * df) for df in (3.0, 4.0))
    assert kl_divergence(p, q) > 0
    p, q = ContinuousBernoulli(0.3), ContinuousBernoulli(0.6)
    bregman = kl._KL_REGISTRY[rustorch.distributions.ExponentialFamily, rustorch.distributions.ExponentialFamily]
    assert bregman(p, q).allclose(kl_divergence(p, q), atol=1e-5)
