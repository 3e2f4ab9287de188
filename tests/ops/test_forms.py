"""Method, in-place, `out=` and operator forms do what the function does, or are refused as torch refuses them."""

import itertools
import operator

import pytest
from conftest import tolerance
from optable import BY_NAME, schemas, wanted
from optable.case import Arg
from optable.compare import call, difference, outcome, outcomes_differ, report

import rustorch as torch

pytestmark = pytest.mark.filterwarnings("ignore")


def starts_with_tensor(sample):
    return bool(sample.args) and isinstance(sample.args[0], Arg)


def usable(case):
    """Samples with a dtype in which the operation works."""
    for sample in case.samples:
        for dtype in ("float32", "int64", "bool", "complex64"):
            result, error = call(torch, case, sample, dtype)
            if error is None:
                yield sample, dtype, result
                break


@pytest.mark.parametrize("case", [c for c in wanted("method") if {"f", "m"} <= c.forms], ids=repr)
def test_methods_equal_functions(case):
    failures = []
    for sample, dtype, expected in usable(case):
        if starts_with_tensor(sample):
            torch.manual_seed(0)
            args, kwargs = sample.make(torch, dtype)
            actual, error = outcome(case.method(torch), args, kwargs)
            if found := repr(error) if error else difference(actual, expected):
                failures.append(f"{sample} {dtype}: {found}")
    report(failures)


def in_place(T, case, sample, dtype):
    """What the in-place form leaves in its first argument, which it must also return."""
    T.manual_seed(0)
    (x, *args), kwargs = sample.make(T, dtype)
    name = case.name + "_"
    place = T.Tensor if "m" in case.forms else T if "f" in case.forms else T._C._nn
    function = getattr(place, name)
    before = x._version
    result = function(x, *args, **kwargs)
    assert result is x
    if T is torch and x.numel():
        # What was computed from the old contents, such as packed weights, must not be used any more.
        assert x._version > before
    return x


@pytest.mark.parametrize("case", [c for c in wanted("in place") if "i" in c.forms], ids=repr)
def test_in_place_agrees_with_torch(case, oracle):
    failures = []
    for sample, dtype in itertools.product(case.samples, ("float32", "int64", "bool", "complex64")):
        if starts_with_tensor(sample):
            results = [outcome(in_place, (T, case, sample, dtype), {}) for T in (torch, oracle)]
            if sample.numel < 2 and "can't be cast" in str(results[0][1]):
                continue  # torch looks at dtypes only where there is something to do
            if found := outcomes_differ(*results, case, tol=case.tol.get(dtype)):
                failures.append(f"{sample} {dtype}: {found}")
    report(failures)


def flat(result):
    return [result] if hasattr(result, "dtype") else list(result)


def fits(out, result):
    """Does a destination of another dtype hold the result, which that dtype can?"""
    pairs = list(zip(flat(out), flat(result), strict=True)) if out is not None else []
    return bool(pairs) and all(
        torch.can_cast(r.dtype, o.dtype) and not difference(o, r.to(o.dtype), strides=False) for o, r in pairs
    )


def result_dtype(result):
    """The dtype in which a result is computed, whatever it is written to."""
    return flat(result)[0].dtype


def destinations(T, like, kind):
    """Tensors to write to: as the result, of another dtype, of no elements, of a wrong shape, with strides."""
    dtype = T.int64 if kind == "integers" else T.float64 if kind == "doubles" else None
    make = {"empty": lambda r: (0,), "longer": lambda r: (*r.shape, 2)}.get(kind, lambda r: r.shape)
    outs = [T.zeros(tuple(make(r)), dtype=dtype or getattr(T, str(r.dtype)[6:])) for r in like]
    if kind == "strided":
        outs = [T.stack([o, o], o.ndim)[..., 0] for o in outs]
    return outs[0] if len(outs) == 1 else tuple(outs)


def written(T, case, sample, dtype, like, kind):
    """What a call with out= leaves in the destinations, which it must also return."""
    T.manual_seed(0)
    args, kwargs = sample.make(T, dtype)
    out = destinations(T, like, kind)
    before = [o._version for o in flat(out)]
    result = case.function(T)(*args, **kwargs, out=out)
    for a, b in zip(flat(result), flat(out), strict=True):
        assert a is b
    if T is torch:
        assert all(o._version > v for o, v in zip(flat(out), before, strict=True) if o.numel())
    return out


@pytest.mark.parametrize("case", [c for c in wanted("out") if "o" in c.forms], ids=repr)
def test_out_agrees_with_torch(case, oracle):
    failures = []
    for sample, dtype, result in usable(case):
        for kind in ("same", "empty", "longer", "integers", "doubles"):
            if kind != "same" and not all(r.numel() for r in flat(result)):
                continue
            results = [outcome(written, (T, case, sample, dtype, flat(result), kind), {}) for T in (torch, oracle)]
            (out, error), (_, refusal) = results
            if isinstance(refusal, TypeError) and not error:
                continue  # torch has an overload without out=
            if refusal and kind in ("integers", "doubles") and fits(out, result):
                continue  # some of torch's kernels cannot convert what they write; ours can
            if kind == "integers" and "can't be cast" in str(error):
                continue  # some of torch's compute in the destination's dtype, or refuse it with another class
            tol = case.tol.get(dtype) or tolerance(result_dtype(result))
            strides = not {"stride", "out strides"} & set(case.skip)
            if found := outcomes_differ(*results, case, tol=tol, strides=strides):
                failures.append(f"{sample} {dtype} {kind}: {found}")
    report(failures)


@pytest.mark.parametrize("case", [c for c in wanted("out") if "o" in c.forms], ids=repr)
def test_strided_destinations(case):
    # Some of torch's functions write as if every destination were contiguous: no oracle here.
    failures = []
    for sample, dtype, result in usable(case):
        out, error = outcome(written, (torch, case, sample, dtype, flat(result), "strided"), {})
        if isinstance(error, TypeError) and "out=Tensor" in str(error):
            continue  # an overload without out=, as in torch
        if found := repr(error) if error else difference(flat(out), flat(result), strides=False):
            failures.append(f"{sample} {dtype}: {found}")
    report(failures)


OPERATORS = {
    "add": "add", "sub": "sub", "mul": "mul", "true_divide": "truediv", "floor_divide": "floordiv", "remainder": "mod",
    "pow": "pow", "matmul": "matmul", "eq": "eq", "ne": "ne", "lt": "lt", "le": "le", "gt": "gt", "ge": "ge",
    "bitwise_and": "and_", "bitwise_or": "or_", "bitwise_xor": "xor", "bitwise_left_shift": "lshift",
    "bitwise_right_shift": "rshift", "neg": "neg", "bitwise_not": "invert", "abs": "abs", "positive": "pos",
}  # fmt: skip


@pytest.mark.parametrize("name", OPERATORS)
def test_operators_agree_with_torch(name, oracle):
    case, failures = BY_NAME[name], []
    function = getattr(operator, OPERATORS[name])
    augmented = getattr(operator, "i" + OPERATORS[name].rstrip("_"), None)
    for sample, dtype in itertools.product(case.samples, ("float32", "int64", "bool", "complex64")):
        if sample.kwargs or not sample.numel:
            continue
        for form in filter(None, (function, augmented)):
            for order in (1, -1):
                results = [outcome(form, sample.make(T, dtype)[0][::order], {}) for T in (torch, oracle)]
                if found := outcomes_differ(*results, case, tol=case.tol.get(dtype)):
                    failures.append(f"{form.__name__}{sample} {dtype} {'reversed' if order < 0 else ''}: {found}")
    report(failures)


def test_every_form_exists():
    missing = []
    for name, rows in schemas().items():
        forms = set(" ".join(row["forms"] for row in rows).split())
        places = {"f": torch, "m": torch.Tensor, "n": torch._C._nn, "l": torch.linalg, "s": torch.special}
        places["t"] = torch.fft
        prefix = {"l": "linalg_", "s": "special_", "t": "fft_"}
        for form in forms & set(places):
            public = name.removeprefix(prefix.get(form, ""))
            if not hasattr(places[form], public):
                missing.append(f"{places[form].__name__}.{public}")
    assert not missing
