"""Constraints and the transforms onto their regions: what is valid, texts, and who is registered for what."""

import math

import pytest
from distribution_table import Maker

import rustorch
from rustorch.distributions import biject_to, constraints, transform_to
from rustorch.distributions.constraint_registry import ConstraintRegistry

INF, NAN = math.inf, math.nan
NUMBERS = [-INF, -1.5, -1.0, 0.0, 0.25, 0.5, 1.0, 2.0, 3.0, INF, NAN]
VECTORS = [[0.5, 0.5], [0.2, 0.7], [1.0, 0.0], [1.0, 1.0], [-0.5, 1.5], [2.0, 1.0], [NAN, 0.0]]
MATRICES = [
    [[1.0, 0.0], [0.0, 1.0]],
    [[1.0, 0.0], [0.6, 0.8]],
    [[2.0, 0.5], [0.5, 1.0]],
    [[1.0, 2.0], [2.0, 1.0]],
    [[0.0, 0.0], [0.0, 1.0]],
    [[1.0, 0.5], [0.0, 1.0]],
    [[-1.0, 0.0], [0.0, 1.0]],
]
RECTANGLES = [[[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]]

# The constraint, in either library, and what is checked.
CONSTRAINTS = {
    "boolean": (lambda c, t: c.boolean, NUMBERS),
    "real": (lambda c, t: c.real, NUMBERS),
    "positive": (lambda c, t: c.positive, NUMBERS),
    "nonnegative": (lambda c, t: c.nonnegative, NUMBERS),
    "nonnegative_integer": (lambda c, t: c.nonnegative_integer, NUMBERS),
    "positive_integer": (lambda c, t: c.positive_integer, NUMBERS),
    "unit_interval": (lambda c, t: c.unit_interval, NUMBERS),
    "greater_than": (lambda c, t: c.greater_than(-1.0), NUMBERS),
    "greater_than_eq": (lambda c, t: c.greater_than_eq(-1.0), NUMBERS),
    "less_than": (lambda c, t: c.less_than(2.0), NUMBERS),
    "interval": (lambda c, t: c.interval(-1.0, 2.0), NUMBERS),
    "interval of tensors": (lambda c, t: c.interval(t([0.0] * 11), t([2.0] * 11)), NUMBERS),
    "half_open_interval": (lambda c, t: c.half_open_interval(-1.0, 2.0), NUMBERS),
    "integer_interval": (lambda c, t: c.integer_interval(-1, 2), NUMBERS),
    "integer_less_than": (lambda c, t: c._IntegerLessThan(2), NUMBERS),
    "real_vector": (lambda c, t: c.real_vector, VECTORS),
    "independent": (lambda c, t: c.independent(c.positive, 1), VECTORS),
    "independent of all": (lambda c, t: c.independent(c.positive, 2), MATRICES),
    "one_hot": (lambda c, t: c.one_hot, VECTORS),
    "simplex": (lambda c, t: c.simplex, VECTORS),
    "multinomial": (lambda c, t: c.multinomial(2), VECTORS),
    "mixture": (lambda c, t: c.MixtureSameFamilyConstraint(c.interval(t([0.0, 1.0]), t([2.0, 2.5]))), NUMBERS),
    "lower_triangular": (lambda c, t: c.lower_triangular, MATRICES),
    "lower_cholesky": (lambda c, t: c.lower_cholesky, MATRICES),
    "corr_cholesky": (lambda c, t: c.corr_cholesky, MATRICES),
    "square": (lambda c, t: c.square, MATRICES),
    "square, not": (lambda c, t: c.square, RECTANGLES),
    "symmetric": (lambda c, t: c.symmetric, MATRICES),
    "symmetric, not square": (lambda c, t: c.symmetric, RECTANGLES),
    "positive_definite": (lambda c, t: c.positive_definite, MATRICES[:3] + MATRICES[4:5]),
    "positive_definite, not symmetric": (lambda c, t: c.positive_definite, MATRICES),
    "positive_semidefinite": (lambda c, t: c.positive_semidefinite, MATRICES[:1] + MATRICES[2:5]),
    "cat": (lambda c, t: c.cat([c.positive, c.real], 0, [4, 7]), NUMBERS),
    "stack": (lambda c, t: c.stack([c.positive, c.real], -1), VECTORS),
}


@pytest.mark.parametrize("name", CONSTRAINTS)
def test_constraint(name, oracle):
    make, values = CONSTRAINTS[name]
    ours, theirs = (make(T.distributions.constraints, Maker(T)) for T in (rustorch, oracle))
    checked = ours.check(rustorch.tensor(values, dtype=rustorch.float64))
    assert checked.dtype == rustorch.bool
    assert checked.tolist() == theirs.check(oracle.tensor(values, dtype=oracle.float64)).tolist()
    assert repr(ours) == repr(theirs)
    assert (ours.is_discrete, ours.event_dim) == (theirs.is_discrete, theirs.event_dim)


def test_names_are_torchs(oracle):
    assert set(constraints.__all__) == set(oracle.distributions.constraints.__all__)


def test_dependent_constraints_know_what_they_are_told():
    dependent = constraints.dependent(is_discrete=True)
    assert dependent.is_discrete
    with pytest.raises(NotImplementedError, match=r".event_dim cannot be determined statically"):
        dependent.event_dim
    with pytest.raises(NotImplementedError, match=r".is_discrete cannot be determined statically"):
        constraints.dependent.is_discrete
    assert dependent(event_dim=1).event_dim == 1
    with pytest.raises(ValueError, match="Cannot determine validity of dependent constraint"):
        dependent.check(rustorch.zeros(2))
    assert constraints.is_dependent(rustorch.distributions.Uniform.support)
    assert not constraints.is_dependent(constraints.real)


def test_dependent_property_is_a_constraint_of_the_class():
    class Own:
        @constraints.dependent_property(is_discrete=False, event_dim=1)
        def support(self):
            return constraints.simplex

    assert Own.support.event_dim == 1 and not Own.support.is_discrete
    assert Own().support is constraints.simplex


ERRORS = {
    "too few dims": (
        lambda c: c.independent(c.real, 2).check(rustorch.zeros(3)),
        ValueError,
        "Expected value.dim.. >= 2 but got 1",
    ),
    "mixture": (
        lambda c: c.MixtureSameFamilyConstraint(c.simplex).check(rustorch.tensor(1.0)),
        IndexError,
        "Dimension out of range",
    ),
    "independent of what": (lambda c: c.independent(1, 1), AssertionError, "must be a Constraint, got int"),
    "independent of how many": (lambda c: c.independent(c.real, 1.0), AssertionError, "must be an int, got float"),
    "independent of less": (lambda c: c.independent(c.real, -1), AssertionError, "must be >= 0, got -1"),
    "cat of what": (lambda c: c.cat([1]), AssertionError, "All elements of cseq must be Constraint instances"),
    "cat of how long": (lambda c: c.cat([c.real], lengths=[1, 2]), AssertionError, r"lengths \(2\) must match cseq"),
    "stack along what": (
        lambda c: c.stack([c.real], 1).check(rustorch.zeros(1)),
        AssertionError,
        "dim 1 out of range for value with 1 dimensions",
    ),
    "cannot transform": (lambda c: biject_to(c.boolean), NotImplementedError, "Cannot transform _Boolean constraints"),
    "register what": (
        lambda c: biject_to.register(1, 2),
        TypeError,
        "Expected constraint to be either a Constraint subclass or instance, but got 1",
    ),
}


@pytest.mark.parametrize("name", ERRORS)
def test_errors(name):
    call, kind, match = ERRORS[name]
    with pytest.raises(kind, match=match):
        call(constraints)


# Shapes of what is transformed.
REGIONS = {
    "real": (lambda c, t: c.real, (5,)),
    "positive": (lambda c, t: c.positive, (5,)),
    "nonnegative": (lambda c, t: c.nonnegative, (5,)),
    "greater_than": (lambda c, t: c.greater_than(-1.0), (5,)),
    "greater_than_eq": (lambda c, t: c.greater_than_eq(t([-1.0, 2.0])), (3, 2)),
    "less_than": (lambda c, t: c.less_than(2.0), (5,)),
    "unit_interval": (lambda c, t: c.unit_interval, (5,)),
    "interval": (lambda c, t: c.interval(-1.0, 2.0), (5,)),
    "half_open_interval": (lambda c, t: c.half_open_interval(t(-1.0), t(2.0)), (5,)),
    "simplex": (lambda c, t: c.simplex, (2, 3)),
    "real_vector": (lambda c, t: c.real_vector, (2, 3)),
    "independent": (lambda c, t: c.independent(c.positive, 1), (2, 3)),
    "lower_cholesky": (lambda c, t: c.lower_cholesky, (2, 3, 3)),
    "corr_cholesky": (lambda c, t: c.corr_cholesky, (2, 3)),
    "positive_definite": (lambda c, t: c.positive_definite, (2, 3, 3)),
    "positive_semidefinite": (lambda c, t: c.positive_semidefinite, (2, 3, 3)),
    "cat": (lambda c, t: c.cat([c.positive, c.real], 0, [2, 3]), (5,)),
    "stack": (lambda c, t: c.stack([c.positive, c.unit_interval], -1), (5, 2)),
}


@pytest.mark.parametrize("registry", ["biject_to", "transform_to"])
@pytest.mark.parametrize("name", REGIONS)
def test_transform_of_a_region(name, registry, oracle, assert_same):
    make, shape = REGIONS[name]
    ours, theirs = (make(T.distributions.constraints, Maker(T)) for T in (rustorch, oracle))
    try:
        reference = getattr(oracle.distributions, registry)(theirs)
    except NotImplementedError:
        with pytest.raises(NotImplementedError, match="Cannot transform"):
            getattr(rustorch.distributions, registry)(ours)
        return
    transform = getattr(rustorch.distributions, registry)(ours)
    assert repr(transform) == repr(reference)
    assert transform.bijective == reference.bijective
    assert repr(transform.codomain) == repr(reference.codomain)
    x = rustorch.linspace(-2, 2, math.prod(shape), dtype=rustorch.float64).reshape(shape)
    y = transform(x)
    assert ours.check(y).all()
    assert_same(y, reference(oracle.from_numpy(x.numpy())), rtol=1e-9, atol=1e-12)
    assert transform(transform.inv(y)).allclose(y)
    if transform.bijective:
        assert transform.inv(y).allclose(x)


def test_registry_of_ones_own():
    registry = ConstraintRegistry()

    class Own(constraints.Constraint):
        pass

    assert registry.register(Own, lambda constraint: "made") is not None
    assert registry(Own()) == "made"
    with pytest.raises(NotImplementedError, match="Cannot transform _Real constraints"):
        registry(constraints.real)
    assert isinstance(transform_to, ConstraintRegistry)
