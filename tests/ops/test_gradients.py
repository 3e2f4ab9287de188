"""Derivatives of every operation: against differences, of both orders, and against torch."""

import itertools

import pytest
from optable import COMPLEX, FLOATS, Arg, wanted
from optable.compare import outcome, outcomes_differ, report

import rustorch as torch
from rustorch.autograd import gradcheck, gradgradcheck

pytestmark = pytest.mark.filterwarnings("ignore")
MOST = 24  # elements of samples that are differentiated by differences; where all have more, the smallest is
DTYPES = ("float64", "complex128")
SINGLE = ("float32", "complex64")


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


def called(T, case, args, kwargs):
    """The result; what an operation writes to is a copy, since a leaf cannot be written to."""
    if case.name.endswith("_"):
        args = [args[0].clone(), *args[1:]]
    return case.function(T)(*args, **kwargs)


def outputs(result):
    """The differentiable results."""
    result = result if isinstance(result, tuple | list) else (result,)
    return tuple(r for r in result if hasattr(r, "requires_grad") and r.requires_grad)


def smooth(sample):
    """Can a sample be differentiated by differences in double precision?"""
    asked = [a for a in sample.tensors if a.grad and a.dtype in (None, *FLOATS, *COMPLEX)]
    rough = any((a.values is not None if a.rough is None else a.rough) or a.dtype in SINGLE for a in asked)
    return sample.numel > 0 and not rough


def checked(case, check, call, dtypes=DTYPES):
    failures, done = [], 0
    usable = [sample for sample in case.samples if smooth(sample)]
    most = max(MOST, min((sample.numel for sample in usable), default=0))
    for sample, dtype in itertools.product(usable, dtypes):
        if sample.numel > most:
            continue
        xs, args, kwargs = leaves(torch, sample, dtype)

        def function(*given, args=args, kwargs=kwargs):
            torch.manual_seed(0)
            given = iter(given)
            return outputs(call(*put(args, given), **{k: put(v, given) for k, v in kwargs.items()}))

        result, error = outcome(function, xs, {})
        if error or not result:
            continue  # not for this dtype: test_gradients_agree_with_torch says whether rightly so
        if any(str(r.dtype) not in ("torch.float64", "torch.complex128") or not r.isfinite().all() for r in result):
            continue
        done += 1
        try:
            check(function, tuple(xs))
        except Exception as e:
            failures.append(f"{sample} {dtype}: {e}")
    if not done and dtypes is DTYPES:
        failures.append("no sample can be checked: give one in double precision, or say why there is none")
    report(failures)


def plain(case):
    return lambda *args, **kwargs: called(torch, case, args, kwargs)


@pytest.mark.parametrize("case", [c for c in wanted("grad") if c.grad], ids=repr)
def test_first_order(case):
    checked(case, gradcheck, plain(case))


@pytest.mark.parametrize("case", [c for c in wanted("gradgrad") if c.grad > 1], ids=repr)
def test_second_order(case):
    checked(case, gradgradcheck, plain(case))


def in_place(case):
    """The in-place form on a tensor that is no leaf."""
    place = torch.Tensor if "m" in case.forms else torch if "f" in case.forms else torch._C._nn
    return getattr(place, case.name + "_")


def on_result(case):
    return lambda x, *args, **kwargs: in_place(case)(x * 1, *args, **kwargs)


def on_view(case):
    def call(x, *args, **kwargs):
        base = torch.stack([x, x], x.ndim)
        in_place(case)(base[..., 1], *args, **kwargs)
        return base

    return call


@pytest.mark.parametrize("on", [on_result, on_view])
@pytest.mark.parametrize("case", [c for c in wanted("gradgrad") if c.grad > 1 and "i" in c.forms], ids=repr)
def test_second_order_in_place(case, on):
    checked(case, gradgradcheck, on(case), ("float64",))


def gradients(T, case, sample, dtype):
    """(which results can be differentiated, the gradients by all inputs)."""
    T.manual_seed(0)
    xs, args, kwargs = leaves(T, sample, dtype)
    result = called(T, case, args, kwargs)
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
