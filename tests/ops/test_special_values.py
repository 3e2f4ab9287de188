"""NaN, infinities, zeros of both signs, subnormals and the extremes of integers, through every pointwise operation."""

import pytest
from optable import FLOATS, INTS, wanted
from optable.compare import outcome, outcomes_differ, report

import rustorch as torch

pytestmark = pytest.mark.filterwarnings("ignore")

CASES = [case for case in wanted("special") if case.special]
NAN, INF = float("nan"), float("inf")
# Groups that a row may exclude with `skip={"at nan": why}`, or for gradients alone with "grad at nan".
REALS = {
    "nan": (NAN,),
    "inf": (INF, -INF),
    "0": (0.0,),
    "-0": (-0.0,),
    "subnormal": (1e-42, -1e-42),
    "large": (3e38, -3e38),
    "usual": (1.0, -1.0, 0.5, -2.5),
}


def special(T, dtype, left_out):
    """The special values of a dtype, but for some groups; subnormal and large are so in float32."""
    if dtype in FLOATS:
        values = [v for group, vs in REALS.items() if group not in left_out for v in vs]
        return T.tensor(values, dtype=T.float64).to(getattr(T, dtype))
    info = T.iinfo(getattr(T, dtype))
    groups = {
        "smallest": (info.min,),
        "extreme": (info.min + 1, info.max - 1, info.max),
        "usual": (-1, 0, 1, 2, 3, 7),
    }
    values = {v for group, vs in groups.items() if group not in left_out for v in vs if v >= info.min}
    return T.tensor(sorted(values), dtype=getattr(T, dtype))


def left_out(case, prefix):
    return {key.removeprefix(prefix) for key in case.skip if key.startswith(prefix)}


def combinations(T, dtype, n, left_out=()):
    """All n-tuples of special values, as n tensors."""
    x = special(T, dtype, left_out)
    return [c.reshape(-1) for c in T.meshgrid(*[x] * n, indexing="ij")]


@pytest.mark.parametrize("case", CASES, ids=repr)
def test_values(case, oracle):
    failures = []
    for dtype in (*FLOATS, *INTS):
        results = []
        for T in (torch, oracle):
            args = combinations(T, dtype, case.special, left_out(case, "at "))
            results.append(outcome(case.function(T), args, case.kwargs))
        if found := outcomes_differ(*results, case, tol=case.tol.get(dtype), signs="sign of zero" not in case.skip):
            failures.append(f"{dtype}{inputs(found, args)}: {found}")
    report(failures)


def inputs(found, args):
    """The arguments at the place that a difference names."""
    if "at [" not in found:
        return ""
    at = int(found.split("at [", 1)[1].split("]", 1)[0])
    return f" {tuple(x[at].item() for x in args)}"


def slopes(T, case, dtype):
    """Gradients of the sum, by all inputs."""
    excluded = left_out(case, "at ") | left_out(case, "grad at ")
    xs = [x.requires_grad_() for x in combinations(T, dtype, case.special, excluded)]
    y = case.function(T)(*xs, **case.kwargs)
    return (*T.autograd.grad(y.sum(), xs, allow_unused=True), xs)


@pytest.mark.parametrize("case", [c for c in wanted("special grad") if c.special and c.grad], ids=repr)
def test_gradients(case, oracle):
    failures = []
    for dtype in ("float32", "float64"):
        results = [outcome(slopes, (T, case, dtype), {}) for T in (torch, oracle)]
        if found := outcomes_differ(*results, case, tol=case.tol.get(dtype), strides=False):
            failures.append(f"{dtype}{inputs(found, results[0][0][-1]) if results[0][0] else ''}: {found}")
    report(failures)
