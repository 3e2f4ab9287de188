"""Transforms: values, inverses, Jacobians, shapes, equality and caches, against torch and against autograd."""

import copy
import math
import pickle

import pytest
from distribution_table import Maker

import rustorch
from rustorch.distributions import transforms
from rustorch.distributions.transforms import (
    AffineTransform,
    CatTransform,
    ComposeTransform,
    CorrCholeskyTransform,
    ExpTransform,
    IndependentTransform,
    PowerTransform,
    ReshapeTransform,
    SigmoidTransform,
    StackTransform,
    StickBreakingTransform,
    TanhTransform,
    Transform,
    identity_transform,
)

# The transform, in either library, and the shape of x, with numbers in (0, 1.5).
TRANSFORMS = {
    "abs": (lambda d, t: d.AbsTransform(), (5,)),
    "affine": (lambda d, t: d.AffineTransform(1.0, -2.0), (5,)),
    "affine of tensors": (lambda d, t: d.AffineTransform(t([1.0, 2.0]), t([-2.0, 0.5])), (3, 2)),
    "affine of events": (lambda d, t: d.AffineTransform(1.0, t([-2.0, 0.5]), event_dim=1), (3, 2)),
    "affine of events, number": (lambda d, t: d.AffineTransform(1.0, -2.0, event_dim=1), (3, 2)),
    "cat": (lambda d, t: d.CatTransform([d.ExpTransform(), d.transforms.identity_transform], 0, [2, 3]), (5,)),
    "cat along the batch": (lambda d, t: d.CatTransform([d.ExpTransform(), d.SigmoidTransform()], -1, [1, 2]), (2, 3)),
    "cat of events": (
        lambda d, t: d.CatTransform(
            [d.IndependentTransform(d.SigmoidTransform(), 1), d.IndependentTransform(d.ExpTransform(), 1)], 0, [1, 2]
        ),
        (3, 2),
    ),
    "compose": (lambda d, t: d.ComposeTransform([d.AffineTransform(t(1.0), t(2.0)), d.ExpTransform()]), (5,)),
    "compose of events": (lambda d, t: d.ComposeTransform([d.ExpTransform(), d.StickBreakingTransform()]), (2, 3)),
    "compose of none": (lambda d, t: d.transforms.identity_transform, (5,)),
    "correlation": (lambda d, t: d.CorrCholeskyTransform(), (2, 6)),
    "distribution": (lambda d, t: d.CumulativeDistributionTransform(d.Normal(t(0.5), t(2.0))), (5,)),
    "exp": (lambda d, t: d.ExpTransform(), (5,)),
    "independent": (lambda d, t: d.IndependentTransform(d.ExpTransform(), 1), (2, 3)),
    "inverse": (lambda d, t: d.SigmoidTransform().inv, (5,)),
    "inverse of composed": (
        lambda d, t: d.ComposeTransform([d.AffineTransform(-1.0, 2.0), d.ExpTransform()]).inv,
        (5,),
    ),
    "lower cholesky": (lambda d, t: d.LowerCholeskyTransform(), (2, 3, 3)),
    "positive definite": (lambda d, t: d.PositiveDefiniteTransform(), (2, 3, 3)),
    "power": (lambda d, t: d.PowerTransform(t([2.0, -0.5])), (3, 2)),
    "power of a number": (lambda d, t: d.PowerTransform(3.0), (5,)),
    "reshape": (lambda d, t: d.ReshapeTransform((2, 3), (3, 2)), (4, 2, 3)),
    "sigmoid": (lambda d, t: d.SigmoidTransform(), (5,)),
    "softmax": (lambda d, t: d.SoftmaxTransform(), (2, 3)),
    "softplus": (lambda d, t: d.SoftplusTransform(), (5,)),
    "stack": (lambda d, t: d.StackTransform([d.ExpTransform(), d.SigmoidTransform()], 1), (3, 2)),
    "stick breaking": (lambda d, t: d.StickBreakingTransform(), (2, 3)),
    "tanh": (lambda d, t: d.TanhTransform(), (5,)),
}


def pair(oracle, name):
    make, shape = TRANSFORMS[name]
    x = rustorch.linspace(0.05, 0.95, math.prod(shape), dtype=rustorch.float64).reshape(shape)
    transforms = [make(T.distributions, Maker(T)) for T in (rustorch, oracle)]
    return *transforms, x, oracle.from_numpy(x.numpy().copy())


def outcome(function, *args):
    """What a call gives, or the class of what it raises."""
    try:
        return function(*args)
    except (NotImplementedError, ValueError) as error:
        return type(error)


@pytest.mark.parametrize("name", TRANSFORMS)
def test_transform(name, oracle, assert_same):
    ours, theirs, x, u = pair(oracle, name)
    y, v = ours(x), theirs(u)
    assert_same(y, v, rtol=1e-10)
    assert_same(ours.inv(y), theirs.inv(v), rtol=1e-9, atol=1e-12)
    assert_same(
        outcome(ours.log_abs_det_jacobian, x, y), outcome(theirs.log_abs_det_jacobian, u, v), rtol=1e-9, atol=1e-12
    )
    assert repr(ours) == repr(theirs)
    assert repr(ours.inv) == repr(theirs.inv)
    assert ours.bijective == theirs.bijective
    for attribute in ("event_dim", "sign"):
        actual, expected = (outcome(getattr, t, attribute) for t in (ours, theirs))
        assert_same(actual, expected)
    for attribute in ("domain", "codomain"):
        assert repr(getattr(ours, attribute)) == repr(getattr(theirs, attribute))
    assert tuple(ours.forward_shape(x.shape)) == tuple(theirs.forward_shape(u.shape))
    assert tuple(ours.inverse_shape(y.shape)) == tuple(theirs.inverse_shape(v.shape))


JACOBIANS = sorted(TRANSFORMS.keys() - {"abs", "lower cholesky", "positive definite", "softmax"})


@pytest.mark.parametrize("name", JACOBIANS)
def test_log_jacobian_is_that_of_autograd(name):
    make, shape = TRANSFORMS[name]
    transform = make(rustorch.distributions, Maker(rustorch))
    x = rustorch.linspace(0.05, 0.95, math.prod(shape), dtype=rustorch.float64).reshape(shape)
    y = transform(x)
    jacobian = rustorch.func.jacrev(transform)(x).reshape(y.numel(), x.numel())
    if name == "correlation":
        # What a row holds below the diagonal is free; the two matrices of the batch one after the other.
        free = rustorch.ones(2, 4, 4).tril(-1).flatten().bool()
        jacobian = jacobian[free]
    elif name in ("compose of events", "stick breaking"):
        # The last part follows from the others.
        kept = rustorch.ones_like(y, dtype=rustorch.bool)
        kept[..., -1] = False
        jacobian = jacobian[kept.flatten()]
    expected = rustorch.linalg.slogdet(jacobian).logabsdet
    assert transform.log_abs_det_jacobian(x, y).sum().allclose(expected)


@pytest.mark.parametrize("name", TRANSFORMS)
def test_equality_and_copies(name):
    make, shape = TRANSFORMS[name]
    first, second = (make(rustorch.distributions, Maker(rustorch)) for _ in range(2))
    by_value = isinstance(first, AffineTransform | PowerTransform | transforms._base._Plain)
    assert first == first
    if by_value:
        assert first == second
    assert first != object()
    x = rustorch.full(shape, 0.5, dtype=rustorch.float64)
    assert copy.deepcopy(first)(x).equal(first(x))
    assert pickle.loads(pickle.dumps(first))(x).equal(first(x))


def test_different_parameters_are_different_transforms():
    assert AffineTransform(0.0, 1.0) != AffineTransform(0.0, 2.0)
    assert AffineTransform(0.0, 1.0) == AffineTransform(rustorch.tensor(0.0), 1.0)
    assert PowerTransform(2.0) != PowerTransform(3.0)
    assert ExpTransform() != SigmoidTransform()
    assert ExpTransform().inv == ExpTransform().inv != SigmoidTransform().inv
    assert ComposeTransform([ExpTransform()]) == ComposeTransform([ExpTransform()]) != ComposeTransform([])


@pytest.mark.parametrize("name", TRANSFORMS)
def test_cache_gives_back_the_x_of_the_latest_y(name):
    make, shape = TRANSFORMS[name]
    plain = make(rustorch.distributions, Maker(rustorch))
    cached = plain.with_cache()
    assert type(cached) is type(plain)
    assert cached.with_cache() is cached and plain.with_cache(0) is plain
    x = rustorch.full(shape, 0.5, dtype=rustorch.float64)
    y = cached(x)
    assert y.equal(plain(x))
    if not isinstance(plain, ComposeTransform) or plain.parts:
        assert cached.inv(y) is x
    assert cached.inv.inv is cached


def test_cached_values_follow_the_latest_call():
    calls = []

    class Counted(Transform):
        def _call(self, x):
            calls.append(x)
            return x + 1

        def _inverse(self, y):
            calls.append(y)
            return y - 1

    t = Counted(cache_size=1)
    x = rustorch.tensor(1.0)
    assert t(x) is t(x) and len(calls) == 1
    y = rustorch.tensor(5.0)
    assert t.inv(y).item() == 4.0 and t.inv(y) is t.inv(y) and len(calls) == 2
    assert t(t.inv(y)) is y
    assert t(x).item() == 2.0 and len(calls) == 3


def test_transform_without_names_of_arguments_cannot_change_its_cache():
    class Own(Transform):
        def __init__(self, argument):
            super().__init__()

    with pytest.raises(NotImplementedError, match="with_cache is not implemented"):
        Own(1).with_cache()

    class Shift(AffineTransform):
        def __init__(self, by):
            super().__init__(by, 1.0)

    assert type(Shift(2.0).with_cache()) is AffineTransform and Shift(2.0).with_cache() == Shift(2.0)


def test_saturated_transforms_stay_finite():
    x = rustorch.tensor([-1000.0, 1000.0])
    y = SigmoidTransform()(x)
    assert (y > 0).all() and (y < 1).all()
    assert SigmoidTransform().inv(rustorch.tensor([0.0, 1.0])).isfinite().all()
    assert StickBreakingTransform()(x).log().isfinite().all()
    assert TanhTransform().log_abs_det_jacobian(x, x.tanh()).isfinite().all()
    assert CorrCholeskyTransform()(rustorch.tensor([50.0])).isfinite().all()


Z = rustorch.zeros
ERRORS = {
    "cache size": (lambda: ExpTransform(cache_size=2), ValueError, "cache_size must be 0 or 1"),
    "independent": (lambda: IndependentTransform(ExpTransform(), 2)(Z(3)), ValueError, "Too few dimensions on input"),
    "inverse": (lambda: IndependentTransform(ExpTransform(), 2).inv(Z(3)), ValueError, "Too few dimensions on input"),
    "reshape": (lambda: ReshapeTransform((2,), (3,)), ValueError, "different numbers of elements"),
    "reshape forward": (lambda: ReshapeTransform((2, 2), (4,)).forward_shape((3,)), ValueError, "Too few dimensions"),
    "reshape other": (
        lambda: ReshapeTransform((2, 2), (4,)).forward_shape(rustorch.Size((3, 3))),
        ValueError,
        "Shape mismatch",
    ),
    "sticks": (lambda: StickBreakingTransform().forward_shape(()), ValueError, "Too few dimensions on input"),
    "triangle": (lambda: CorrCholeskyTransform().forward_shape((4,)), ValueError, "not a flattened lower-diagonal"),
    "square": (lambda: CorrCholeskyTransform().inverse_shape((4, 3)), ValueError, "Input is not square"),
    "numbers of a triangle": (lambda: CorrCholeskyTransform()(Z(4)), ValueError, "cannot be expressed as the lower"),
    "event_dim": (lambda: CorrCholeskyTransform().event_dim, ValueError, "use either .domain.event_dim or"),
    "cat of what": (lambda: CatTransform([1]), AssertionError, "All elements of tseq must be Transform instances"),
    "cat of how long": (
        lambda: CatTransform([ExpTransform()], lengths=[1, 2]),
        AssertionError,
        "must match transforms",
    ),
    "cat of what size": (lambda: CatTransform([ExpTransform()])(Z(3)), AssertionError, r"x.size\(0\) = 3 must equal"),
    "cat along what": (
        lambda: CatTransform([ExpTransform()], 1)(Z(3)),
        AssertionError,
        "dim 1 out of range for tensor",
    ),
    "stack of what": (lambda: StackTransform([1]), AssertionError, "All elements of tseq must be Transform instances"),
    "stack of what size": (lambda: StackTransform([ExpTransform()])(Z(3)), AssertionError, r"len\(transforms\) 1"),
    "stack along what": (
        lambda: StackTransform([ExpTransform()], 1).log_abs_det_jacobian(Z(3), Z(3)),
        AssertionError,
        "dim 1 out of range for x",
    ),
    "no sign": (lambda: StickBreakingTransform().sign, NotImplementedError, None),
    "no jacobian": (lambda: transforms.AbsTransform().log_abs_det_jacobian(Z(1), Z(1)), NotImplementedError, None),
}


@pytest.mark.parametrize("name", ERRORS)
def test_errors(name):
    call, kind, match = ERRORS[name]
    with pytest.raises(kind, match=match):
        call()


def test_names_are_torchs(oracle):
    assert set(transforms.__all__) == set(oracle.distributions.transforms.__all__)
    assert identity_transform.parts == []
