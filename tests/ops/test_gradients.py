"""Derivatives of every operation: against differences, of both orders, and against torch."""

import itertools

import pytest
from optable import Arg, wanted
from optable.compare import outcome, outcomes_differ, report

import rustorch as torch
from rustorch.autograd import gradcheck, gradgradcheck

pytestmark = pytest.mark.filterwarnings("ignore")
MOST = 24  # elements of a sample that is differentiated by differences
DTYPES = ("float64", "complex128")


def leaves(T, sample, dtype):
    """(inputs to differentiate by, a call of the rest with them)."""
    args, kwargs = sample.make(T, dtype)
    asked = iter(sample.tensors)
    xs = []

    def lift(x):
        if isinstance(x, tuple | list):
            return type(x)(map(lift, x))
        if not isinstance(x, T.Tensor):
            return x
        if next(asked).grad and (x.is_floating_point() or x.is_complex()):
            xs.append(x.requires_grad_())
        return x

    args = [lift(a) for a in args]
    kwargs = {k: lift(v) for k, v in kwargs.items()}
    return xs, args, kwargs


def put(x, given):
    """The structure x with its differentiable tensors taken from an iterator."""
    if isinstance(x, tuple | list):
        return type(x)(put(y, given) for y in x)
    return next(given) if isinstance(x, torch.Tensor) and x.requires_grad else x


def outputs(result):
    """The differentiable results."""
    result = result if isinstance(result, tuple | list) else (result,)
    return tuple(r for r in result if hasattr(r, "requires_grad") and r.requires_grad)


def smooth(sample):
    """Can a sample be differentiated by differences in double precision, in reasonable time?"""
    asked = [a for a in sample.tensors if a.grad]
    rough = any(a.rough or a.values is not None or a.dtype in ("float32", "complex64") for a in asked)
    return 0 < sample.numel <= MOST and not rough


def checked(case, check):
    failures = []
    for sample, dtype in itertools.product(case.samples, DTYPES):
        if not smooth(sample):
            continue
        xs, args, kwargs = leaves(torch, sample, dtype)

        def function(*given, args=args, kwargs=kwargs):
            torch.manual_seed(0)
            given = iter(given)
            return outputs(case.function(torch)(*put(args, given), **{k: put(v, given) for k, v in kwargs.items()}))

        result, error = outcome(function, xs, {})
        if error or not result:
            continue  # not for this dtype: test_gradients_agree_with_torch says whether rightly so
        if any(str(r.dtype) not in ("torch.float64", "torch.complex128") or not r.isfinite().all() for r in result):
            continue
        try:
            check(function, tuple(xs))
        except Exception as e:
            failures.append(f"{sample} {dtype}: {e}")
    report(failures)


@pytest.mark.parametrize("case", [c for c in wanted("grad") if c.grad], ids=repr)
def test_first_order(case):
    checked(case, gradcheck)


@pytest.mark.parametrize("case", [c for c in wanted("gradgrad") if c.grad > 1], ids=repr)
def test_second_order(case):
    checked(case, gradgradcheck)


def gradients(T, case, sample, dtype):
    """(which results can be differentiated, the gradients by all inputs)."""
    T.manual_seed(0)
    xs, args, kwargs = leaves(T, sample, dtype)
    result = case.function(T)(*args, **kwargs)
    ys = outputs(result)
    if not ys:
        return [False], []
    weights = [Arg(tuple(y.shape)).make(T, str(y.dtype)[6:], i) for i, y in enumerate(ys)]
    flags = [getattr(r, "requires_grad", False) for r in (result if isinstance(result, tuple | list) else [result])]
    return flags, list(T.autograd.grad(ys, xs, weights, allow_unused=True, materialize_grads=True))


@pytest.mark.parametrize("case", wanted("torch's grad"), ids=repr)
def test_gradients_agree_with_torch(case, oracle):
    failures = []
    for sample, dtype in itertools.product(case.samples, ("float32", "float64", "complex128")):
        (actual, error), (expected, refusal) = [
            outcome(gradients, (T, case, sample, dtype), {}) for T in (torch, oracle)
        ]
        if found := outcomes_differ((actual, error), (expected, refusal), case, case.tol.get(dtype), strides=False):
            failures.append(f"{sample} {dtype}: {found}")
        if not refusal and not case.grad and any(expected[0]):
            failures.append(f"{sample} {dtype}: the row says that there is no derivative, torch has one")
    report(failures)
