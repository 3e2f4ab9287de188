"""Every distribution against torch: what it says of itself, densities, moments, samples bit by bit, gradients."""

import warnings

import numpy as np
import pytest
from conftest import to_numpy
from distribution_table import CASES, OF_GAMMA, family, make

import rustorch

MOMENTS = ("mean", "mode", "variance", "stddev")
ABOUT = ("batch_shape", "event_shape", "has_rsample", "has_enumerate_support")

# Low df of Wishart, and torch's false alarm of singular samples.
pytestmark = pytest.mark.filterwarnings("ignore:.*[Ss]ingular:UserWarning")

# The stream is torch's, but the last bits of logarithms, powers or products of matrices on the way are ours.
ROUNDED = {
    *("ContinuousBernoulli", "GeneralizedPareto", "Gumbel", "InverseGamma", "Kumaraswamy", "LKJCholesky", "Laplace"),
    *("LogNormal", "LogisticNormal", "LowRankMultivariateNormal", "MultivariateNormal", "Pareto", "RelaxedBernoulli"),
    *("RelaxedOneHotCategorical", "TransformedDistribution", "VonMises", "Weibull", "Wishart"),
}


def outcome(function, *args):
    """What a call gives, or the class of what it raises."""
    try:
        return function(*args)
    except (NotImplementedError, ValueError, RuntimeError) as error:
        return type(error)


def of(T, x):
    """A tensor of one library in the other."""
    return T.from_numpy(np.ascontiguousarray(to_numpy(x)).copy()) if x.dim() else T.tensor(to_numpy(x)[()])


def pair(oracle, name, **options):
    return make(rustorch, name, **options), make(oracle, name, **options)


@pytest.mark.parametrize("name", CASES)
def test_shapes_and_texts(name, oracle):
    (ours, _), (theirs, _) = pair(oracle, name)
    assert [str(getattr(ours, x)) for x in ABOUT] == [str(getattr(theirs, x)) for x in ABOUT]
    assert repr(ours) == repr(theirs)
    assert repr(ours.arg_constraints) == repr(theirs.arg_constraints)
    assert repr(ours.support) == repr(theirs.support)
    assert ours.support.event_dim == theirs.support.event_dim
    assert ours.support.is_discrete == theirs.support.is_discrete


@pytest.mark.parametrize("attribute", MOMENTS)
@pytest.mark.parametrize("name", CASES)
def test_moments(name, attribute, oracle, assert_same):
    (ours, _), (theirs, _) = pair(oracle, name)
    assert_same(outcome(getattr, ours, attribute), outcome(getattr, theirs, attribute), rtol=1e-9)


@pytest.mark.parametrize("method", ["entropy", "perplexity", "enumerate_support"])
@pytest.mark.parametrize("name", CASES)
def test_entropy_and_support(name, method, oracle, assert_same):
    (ours, _), (theirs, _) = pair(oracle, name)
    assert_same(outcome(getattr(ours, method)), outcome(getattr(theirs, method)), rtol=1e-9)


@pytest.mark.parametrize("method", ["log_prob", "cdf"])
@pytest.mark.parametrize("name", CASES)
def test_probabilities_and_their_gradients(name, method, oracle, assert_same):
    # torch's GeneralizedPareto compares with a float32 zero, and cannot in double precision.
    double = name != "GeneralizedPareto"
    options = {"dtype": "float64" if double else "float32", "requires_grad": True}
    (ours, our_params), (theirs, their_params) = pair(oracle, name, **options)
    value = theirs.sample((5,))
    expected = outcome(getattr(theirs, method), value)
    x, y = of(rustorch, value), value.clone()
    if value.is_floating_point() and not theirs.support.is_discrete:
        x.requires_grad_(), y.requires_grad_()
        expected = outcome(getattr(theirs, method), y)
    actual = outcome(getattr(ours, method), x)
    assert_same(actual, expected, **({"rtol": 1e-8, "atol": 1e-10} if double else {"rtol": 1e-5}))
    if hasattr(expected, "grad_fn") and expected.requires_grad:
        by = [p for p in zip([*our_params, x], [*their_params, y]) if p[1].requires_grad]
        grads = outcome(gradients, rustorch, actual, [p[0] for p in by])
        references = outcome(gradients, oracle, expected, [p[1] for p in by])
        assert_same(grads, references, **({"rtol": 1e-7, "atol": 1e-9} if double else {"rtol": 1e-4}))


def gradients(T, y, by):
    """Of the sum of y; zeros where it does not depend."""
    return T.autograd.grad(y.sum(), by, allow_unused=True, materialize_grads=True)


@pytest.mark.parametrize("name", CASES)
def test_quantiles(name, oracle, assert_same):
    (ours, _), (theirs, _) = pair(oracle, name)
    at = [[0.05], [0.5], [0.9]]
    probabilities = (rustorch.tensor(at, dtype=rustorch.float64), oracle.tensor(at, dtype=oracle.float64))
    assert_same(outcome(ours.icdf, probabilities[0]), outcome(theirs.icdf, probabilities[1]), rtol=1e-9)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", CASES)
def test_samples_have_the_same_bits(name, dtype, oracle):
    (ours, _), (theirs, _) = pair(oracle, name, dtype=dtype)
    exact = family(name) not in ROUNDED
    for shape in [(), (3,), (2, 40)]:
        rustorch.manual_seed(7), oracle.manual_seed(7)
        actual, expected = ours.sample(shape), theirs.sample(shape)
        assert str(actual.dtype) == str(expected.dtype)
        assert actual.shape == expected.shape
        assert not actual.requires_grad
        if exact:
            np.testing.assert_array_equal(to_numpy(actual), to_numpy(expected))
        else:
            tolerance = {"rtol": 3e-6, "atol": 1e-6} if dtype == "float32" else {"rtol": 1e-12}
            np.testing.assert_allclose(to_numpy(actual), to_numpy(expected), **tolerance)
        assert to_numpy(rustorch.rand(3)).tolist() == to_numpy(oracle.rand(3)).tolist()


@pytest.mark.parametrize("name", CASES)
def test_gradients_of_samples(name, oracle, assert_same):
    (ours, our_params), (theirs, their_params) = pair(oracle, name, requires_grad=True)
    if not theirs.has_rsample:
        return
    rustorch.manual_seed(7), oracle.manual_seed(7)
    # With more than one sample, torch's Wishart writes into what its own backward pass needs.
    shape = () if family(name) == "Wishart" else (5,)
    actual, expected = ours.rsample(shape), theirs.rsample(shape)
    assert_same(actual, expected, rtol=1e-9)
    if expected.requires_grad:
        grads = gradients(rustorch, actual.square(), our_params)
        rtol = 2e-3 if family(name) in OF_GAMMA else 1e-7
        assert_same(grads, gradients(oracle, expected.square(), their_params), rtol=rtol)


@pytest.mark.parametrize("name", CASES)
def test_expanded_distributions(name, oracle, assert_same):
    (ours, _), (theirs, _) = pair(oracle, name, dtype="float32")
    shape = (3, *theirs.batch_shape)
    ours, theirs = ours.expand(shape), theirs.expand(shape)
    assert type(ours).__name__ == type(theirs).__name__
    assert tuple(ours.batch_shape) == tuple(theirs.batch_shape)
    assert tuple(ours.event_shape) == tuple(theirs.event_shape)
    rustorch.manual_seed(7), oracle.manual_seed(7)
    actual, expected = ours.sample((2,)), theirs.sample((2,))
    assert_same(actual, expected)
    assert_same(ours.log_prob(of(rustorch, expected)), theirs.log_prob(expected), rtol=2e-4, atol=2e-5)
    assert_same(outcome(getattr, ours, "mean"), outcome(getattr, theirs, "mean"))
    # Once more, from the expanded one.
    assert tuple(ours.expand((2, *shape)).sample().shape) == (2, *shape, *theirs.event_shape)
    with warnings.catch_warnings():
        warnings.simplefilter("error", DeprecationWarning)
        assert ours._validate_args == theirs._validate_args
