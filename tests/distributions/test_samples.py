"""Distributions against themselves: moments of samples, densities and distribution functions, gradients, copies."""

import copy
import pickle

import pytest
from distribution_table import CASES, family, make

import rustorch
from rustorch.autograd import gradcheck
from rustorch.distributions import (
    Bernoulli,
    Categorical,
    ContinuousBernoulli,
    Exponential,
    ExponentialFamily,
    Gamma,
    Independent,
    MultivariateNormal,
    Normal,
    OneHotCategorical,
    TransformedDistribution,
    VonMises,
    Wishart,
    transforms,
)
from rustorch.distributions.relaxed_bernoulli import LogitRelaxedBernoulli
from rustorch.distributions.utils import (
    broadcast_all,
    lazy_property,
    probs_to_logits,
    tril_matrix_to_vec,
    vec_to_tril_matrix,
)

pytestmark = pytest.mark.filterwarnings("ignore:.*[Ss]ingular:UserWarning")
N = 20_000

# Where fourth moments are missing, so that variances of samples scatter.
HEAVY = {"FisherSnedecor", "GeneralizedPareto", "InverseGamma", "Pareto", "StudentT", "LogNormal"}


def having(*methods):
    """The cases with a closed form of all of these."""

    def has(name):
        d, _ = make(rustorch, name)
        try:
            for method in methods:
                value = getattr(d, method)
                if method in ("cdf", "icdf"):
                    value(rustorch.full(d.batch_shape + d.event_shape, 0.5, dtype=rustorch.float64))
                elif callable(value):
                    value()
        except (NotImplementedError, ValueError):
            return False
        return True

    return [name for name in CASES if has(name)]


@pytest.mark.parametrize("name", CASES)
def test_shapes_and_support_of_samples(name):
    d, _ = make(rustorch, name)
    x = d.sample((4, 3))
    assert x.shape == (4, 3, *d.batch_shape, *d.event_shape)
    assert d.support.check(x).all()
    assert d.log_prob(x).shape == (4, 3, *d.batch_shape)


@pytest.mark.parametrize("name", having("mean"))
def test_mean_of_samples(name):
    d, _ = make(rustorch, name)
    x = d.sample((N,)).double()
    mean, finite = d.mean, d.variance.isfinite()
    if family(name) == "VonMises":
        mean, x = rustorch.zeros_like(mean), (x - mean).sin()
    error = x.std(0) / N**0.5
    assert ((x.mean(0) - mean).abs() <= 6 * error + 1e-9)[finite].all()


@pytest.mark.parametrize("name", [n for n in having("variance") if family(n) not in HEAVY | {"VonMises"}])
def test_variance_of_samples(name):
    d, _ = make(rustorch, name)
    variance = d.variance
    squares = (d.sample((N,)).double() - d.mean).square()
    known = variance.isfinite()
    assert ((squares.mean(0) - variance).abs() <= 6 * squares.std(0) / N**0.5 + 1e-9)[known].all()


def test_circular_variance_of_samples():
    d = VonMises(rustorch.tensor(1.0), rustorch.tensor([0.5, 3.0]))
    assert (1 - (d.sample((N,)) - 1.0).cos().mean(0)).allclose(d.variance, atol=0.02)


@pytest.mark.parametrize("name", having("entropy"))
def test_entropy_is_the_mean_of_minus_the_log_probability(name):
    d, _ = make(rustorch, name)
    entropy = d.entropy()
    surprise = -d.log_prob(d.sample((N,)))
    assert entropy.shape == d.batch_shape
    assert ((surprise.mean(0) - entropy).abs() <= 6 * surprise.std(0) / N**0.5 + 1e-6).all()
    assert d.perplexity().allclose(entropy.exp())


@pytest.mark.parametrize("name", having("cdf", "icdf"))
def test_distribution_function_and_quantiles_are_inverse(name):
    d, _ = make(rustorch, name)
    u = rustorch.tensor([0.1, 0.4, 0.8], dtype=rustorch.float64).reshape(3, *(1,) * len(d.batch_shape))
    back = d.cdf(d.icdf(u))
    assert back.allclose(u.expand(back.shape))


@pytest.mark.parametrize("name", [n for n in having("cdf") if not make(rustorch, n)[0].support.is_discrete])
def test_density_is_the_derivative_of_the_distribution_function(name):
    d, _ = make(rustorch, name)
    x = d.sample((20,)).requires_grad_()
    (density,) = rustorch.autograd.grad(d.cdf(x).sum(), x)
    # Near 1/2 the distribution function of ContinuousBernoulli is taken for the uniform one.
    assert density.allclose(d.log_prob(x).exp(), rtol=2e-3 if "Continuous" in name else 1e-5, atol=1e-8)


@pytest.mark.parametrize("name", having("enumerate_support"))
def test_probabilities_of_the_support_sum_to_one(name):
    d, _ = make(rustorch, name)
    values = d.enumerate_support()
    assert values.shape[1:] == d.batch_shape + d.event_shape
    assert d.log_prob(values).exp().sum(0).allclose(rustorch.ones(d.batch_shape, dtype=rustorch.float64))
    short = d.enumerate_support(expand=False)
    assert short.shape == (len(values),) + (1,) * len(d.batch_shape) + d.event_shape
    assert short.expand(values.shape).equal(values)


# Of densities by parameters and value, with the value inside the support.
GRADIENTS = {
    "Beta": 0.3,
    "Cauchy": 0.3,
    "ContinuousBernoulli": 0.3,
    "Exponential": 0.3,
    "FisherSnedecor": 0.3,
    "Gamma": 0.3,
    "Gumbel": 0.3,
    "HalfNormal": 0.3,
    "Kumaraswamy": 0.3,
    "Laplace": 0.3,
    "LogNormal": 0.3,
    "MixtureSameFamily": 0.3,
    "Normal": 0.3,
    "Pareto": 5.0,
    "StudentT": 0.3,
    "VonMises": 0.3,
    "Weibull": 0.3,
}


@pytest.mark.parametrize("name", GRADIENTS)
def test_derivatives_of_log_probabilities_against_differences(name):
    _, params = make(rustorch, name, requires_grad=True)

    def log_prob(value, *params):
        given = iter(params)
        return CASES[name](rustorch.distributions, lambda _: next(given)).log_prob(value)

    value = rustorch.tensor(GRADIENTS[name], dtype=rustorch.float64, requires_grad=True)
    checks = rustorch.distributions.Distribution
    checks.set_default_validate_args(False)
    try:
        assert gradcheck(log_prob, [value, *params])
    finally:
        checks.set_default_validate_args(True)


@pytest.mark.parametrize("name", CASES)
def test_samples_have_no_graph_and_reparametrised_ones_do(name):
    d, params = make(rustorch, name, requires_grad=True)
    assert not d.sample((2,)).requires_grad
    if d.has_rsample and params:
        assert d.rsample((2,)).requires_grad
    if not d.has_rsample and family(name) not in ("MixtureSameFamily", "Independent"):
        with pytest.raises(NotImplementedError):
            d.rsample()


def test_score_function_moves_probability_to_the_rewarded_action():
    logits = rustorch.zeros(3, requires_grad=True)
    policy = Categorical(logits=logits)
    actions = policy.sample((3000,))
    (-policy.log_prob(actions) * (actions == 1)).mean().backward()
    assert logits.grad[1] < 0 < logits.grad[0]


def test_pathwise_gradient_of_a_normal():
    loc, scale = (rustorch.tensor(x, requires_grad=True) for x in (1.0, 2.0))
    x = Normal(loc, scale).rsample((5,))
    x.sum().backward()
    assert loc.grad == 5
    assert scale.grad.allclose(((x - 1) / 2).sum())


def test_gamma_samples_of_small_concentrations_are_positive():
    assert (Gamma(1e-3, 1.0).sample((1000,)) > 0).all()


def test_parameters_of_numbers_take_the_default_dtype():
    assert Normal(0.0, 1).sample().dtype == rustorch.float32
    rustorch.set_default_dtype(rustorch.float64)
    try:
        assert Normal(0.0, 1).sample().dtype == rustorch.float64
    finally:
        rustorch.set_default_dtype(rustorch.float32)
    half = rustorch.tensor(0.5, dtype=rustorch.float16)
    assert Normal(half, 1.0).scale.dtype == rustorch.float16
    assert Bernoulli(half).sample((2,)).dtype == rustorch.float16


@pytest.mark.parametrize("name", CASES)
def test_copies_draw_the_same(name):
    d, _ = make(rustorch, name)
    d.log_prob(d.sample())
    for same in (copy.copy(d), copy.deepcopy(d), pickle.loads(pickle.dumps(d))):
        rustorch.manual_seed(3)
        expected = d.sample()
        rustorch.manual_seed(3)
        assert same.sample().equal(expected)
        assert repr(same) == repr(d)


def test_expanded_parameters_are_views():
    d = Normal(rustorch.zeros(2), rustorch.ones(2))
    assert d.expand((3, 2)).loc.data_ptr() == d.loc.data_ptr()
    with pytest.raises(RuntimeError):
        d.expand((3,))


def test_logits_and_probabilities_are_computed_once_with_a_graph():
    probs = rustorch.tensor([0.2, 0.8], requires_grad=True)
    d = Bernoulli(probs)
    with rustorch.no_grad():
        logits = d.logits
    assert logits is d.logits and logits.requires_grad
    assert d.param_shape == (2,)
    assert isinstance(type(d).logits, property | lazy_property)


def test_relaxed_samples_approach_corners_when_cold():
    probs = rustorch.tensor([0.1, 0.9])
    cold = rustorch.distributions.RelaxedBernoulli(rustorch.tensor(1e-3), probs).sample((N,))
    assert ((cold < 0.01) | (cold > 0.99)).float().mean() > 0.98
    assert (cold > 0.5).float().mean(0).allclose(probs, atol=0.02)
    assert LogitRelaxedBernoulli(rustorch.tensor(1.0), probs).rsample((3,)).shape == (3, 2)


def test_straight_through_samples_are_one_hot_in_value():
    logits = rustorch.randn(4, requires_grad=True)
    d = rustorch.distributions.OneHotCategoricalStraightThrough(logits=logits)
    x = d.rsample((10,))
    assert rustorch.distributions.constraints.one_hot.check(x.round()).all() and x.requires_grad


def test_wider_batches_of_a_normal_score_as_each_alone():
    loc = rustorch.randn(3, 1, 2, dtype=rustorch.float64)
    root = rustorch.randn(4, 2, 2, dtype=rustorch.float64)
    covariance = root @ root.mT + rustorch.eye(2)
    d = MultivariateNormal(loc, covariance)
    x = d.sample((5,))
    assert d.batch_shape == (3, 4)
    scores = d.log_prob(x)
    for i in range(3):
        for j in range(4):
            alone = MultivariateNormal(loc[i, 0], covariance[j])
            assert scores[:, i, j].allclose(alone.log_prob(x[:, i, j]))
    assert d.log_prob(rustorch.zeros(2, dtype=rustorch.float64)).shape == (3, 4)


def test_forms_of_a_covariance_agree():
    covariance = rustorch.tensor([[2.0, 0.5], [0.5, 1.0]], dtype=rustorch.float64)
    loc = rustorch.zeros(2, dtype=rustorch.float64)
    forms = [
        MultivariateNormal(loc, covariance),
        MultivariateNormal(loc, precision_matrix=covariance.inverse()),
        MultivariateNormal(loc, scale_tril=rustorch.linalg.cholesky(covariance)),
    ]
    for d in forms:
        assert d.covariance_matrix.allclose(covariance)
        assert d.precision_matrix.allclose(covariance.inverse())
        assert d.scale_tril.allclose(forms[2].scale_tril)
        assert d.log_prob(loc + 1).allclose(forms[0].log_prob(loc + 1))


def test_wishart_samples_do_not_warn_when_sound():
    d = Wishart(rustorch.tensor(8.0), rustorch.eye(2))
    assert d.sample((20,)).shape == (20, 2, 2)


def test_entropy_of_the_log_normaliser_is_the_closed_form():
    for d in (Normal(0.3, 2.0), Exponential(3.0), Bernoulli(0.3), ContinuousBernoulli(0.3)):
        assert ExponentialFamily.entropy(d).allclose(d.entropy(), atol=1e-5)


def test_transform_of_events_makes_batch_dims_events():
    d = TransformedDistribution(Normal(rustorch.zeros(3, 2), 1.0), transforms.StickBreakingTransform())
    assert (d.batch_shape, d.event_shape) == ((3,), (3,))
    assert isinstance(d.base_dist, Independent)
    reshaped = TransformedDistribution(Normal(rustorch.zeros(3, 4), 1.0), transforms.ReshapeTransform((4,), (2, 2)))
    assert (reshaped.batch_shape, reshaped.event_shape) == ((3,), (2, 2))
    assert reshaped.log_prob(rustorch.zeros(3, 2, 2)).shape == (3,)


def test_copula_has_uniform_margins():
    normal = MultivariateNormal(rustorch.zeros(2), rustorch.tensor([[1.0, 0.9], [0.9, 1.0]]))
    to_uniform = transforms.CumulativeDistributionTransform(Normal(0.0, 1.0))
    copula = TransformedDistribution(normal, [to_uniform])
    x = copula.sample((N,))
    assert x.mean(0).allclose(rustorch.full((2,), 0.5), atol=0.02)
    assert x.var(0).allclose(rustorch.full((2,), 1 / 12), atol=0.01)
    assert copula.log_prob(x).isfinite().all()


def test_one_hot_samples_agree_with_categorical_ones():
    probs = rustorch.tensor([[0.2, 0.8], [0.5, 0.5]])
    rustorch.manual_seed(1)
    index = Categorical(probs).sample((5,))
    rustorch.manual_seed(1)
    assert OneHotCategorical(probs).sample((5,)).argmax(-1).equal(index)


def test_broadcasting_takes_the_first_tensors_dtype():
    a, b, c = broadcast_all(1, rustorch.zeros(2, dtype=rustorch.float64), True)
    assert {x.dtype for x in (a, b, c)} == {rustorch.float64} and a.shape == (2,)
    with pytest.raises(ValueError, match="Input arguments must all be instances of Number"):
        broadcast_all(1, None)


def test_logits_of_impossible_events_are_finite():
    assert probs_to_logits(rustorch.tensor([0.0, 1.0]), is_binary=True).isfinite().all()
    assert probs_to_logits(rustorch.tensor([0.0, 1.0])).isfinite().all()


@pytest.mark.parametrize("diag", [-2, -1, 0, 1])
def test_triangles_as_vectors_and_back(diag):
    matrix = rustorch.arange(1.0, 17.0).reshape(1, 4, 4).tril(diag)
    vector = tril_matrix_to_vec(matrix, diag)
    assert vec_to_tril_matrix(vector, diag).equal(matrix)
    assert vector.shape == (1, sum(min(max(row + diag + 1, 0), 4) for row in range(4)))


def test_distributions_of_each_sample_under_vmap_are_checked():
    loc, x = rustorch.tensor([0.0, 1.0]), rustorch.tensor([0.5, 0.5])
    scores = rustorch.vmap(lambda m, v: Normal(m, 1.0).log_prob(v))(loc, x)
    assert scores.allclose(Normal(loc, 1.0).log_prob(x))
    with pytest.raises(ValueError, match="Expected parameter scale"):
        rustorch.vmap(lambda scale: Normal(0.0, scale).entropy())(rustorch.tensor([1.0, -1.0]))
    matrices = rustorch.eye(2).expand(3, 2, 2)
    scores = rustorch.vmap(lambda m: MultivariateNormal(rustorch.zeros(2), m).log_prob(rustorch.zeros(2)))(matrices)
    assert scores.shape == (3,)


def test_second_derivatives_of_a_score():
    hessian = rustorch.func.hessian(lambda m: Normal(m, 2.0).log_prob(rustorch.tensor(0.0)).sum())(rustorch.ones(3))
    assert hessian.allclose(-rustorch.eye(3) / 4)
