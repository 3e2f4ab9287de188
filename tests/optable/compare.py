"""Calls in both libraries and what differs between their results, said in words for one message per test."""

import math
from collections.abc import Iterable

import numpy as np
import pytest
from conftest import to_numpy, tolerance

import rustorch

# torch has no derivative, or trips over itself.
NO_DERIVATIVE = (
    "automatic differentiation for outputs with complex dtype",
    "derivative for",
    "is not differentiable with respect to",
    "has been modified by an inplace operation",
)
MOST = 12  # differences that a message shows


def outcome(function, args, kwargs):
    """(result, None) or (None, exception)."""
    try:
        return function(*args, **kwargs), None
    except Exception as e:
        return None, e


def kind(error) -> str:
    return type(error).__name__


def first_line(error) -> str:
    return str(error).split("\n", 1)[0]


def difference(actual, expected, tol=None, strides=True, signs=False) -> str | None:
    """What differs between a result of rustorch and one of torch (or of rustorch), or None.

    tol is (rtol, atol), by default that of the dtype. `signs` tells 0 from -0.
    """
    if isinstance(expected, tuple | list):
        if not isinstance(actual, tuple | list) or len(actual) != len(expected):
            return f"got {type(actual).__name__}, expected {len(expected)} results"
        found = [difference(a, e, tol, strides, signs) for a, e in zip(actual, expected, strict=True)]
        return next((f"result {i}: {f}" for i, f in enumerate(found) if f), None)
    if expected is None or actual is None:
        return None if actual is expected else f"got {actual}, expected {expected}"
    if not hasattr(expected, "dtype"):
        same = actual == expected or (isinstance(expected, float) and math.isnan(actual) and math.isnan(expected))
        return None if same else f"got {actual!r}, expected {expected!r}"
    if not hasattr(actual, "dtype"):
        return f"got {type(actual).__name__}, expected a tensor"
    if (a := str(actual.dtype)) != (e := str(expected.dtype)):
        return f"dtype {a}, expected {e}"
    if (a := tuple(actual.shape)) != (e := tuple(expected.shape)):
        return f"shape {a}, expected {e}"
    if strides and expected.numel() and (a := strides_of(actual)) != (e := strides_of(expected)):
        return f"strides {a}, expected {e}"
    rtol, atol = tol or tolerance(expected.dtype)
    a, e = to_numpy(actual), to_numpy(expected)
    if a.dtype.kind in "biu" and tol is None:
        wrong = a != e
    else:
        with np.errstate(all="ignore"):
            wrong = ~np.isclose(
                a.astype(float) if a.dtype.kind in "biu" else a, e, rtol=rtol, atol=atol, equal_nan=True
            )
            if signs and a.dtype.kind == "f":
                wrong |= (e == 0) & (np.signbit(a) != np.signbit(e))
    if not wrong.any():
        return None
    at = tuple(int(i[0]) for i in np.nonzero(np.atleast_1d(wrong)))
    at = at if a.ndim else ()
    return f"at {list(at)} {a[at]!r}, expected {e[at]!r} ({int(wrong.sum())} of {wrong.size} differ)"


def strides_of(x):
    """Strides of dims that have any effect."""
    return tuple(s for n, s in zip(x.shape, x.stride(), strict=True) if n > 1)


def report(failures: Iterable[str]):
    """Fails with the first failures of a test, if there are any."""
    failures = list(failures)
    if failures:
        more = [f"... and {len(failures) - MOST} more"] if len(failures) > MOST else []
        pytest.fail("\n".join([f"{len(failures)} differences", *failures[:MOST], *more]), pytrace=False)


def call(T, case, sample, dtype, layout="contiguous"):
    """The outcome of an operation on a sample, from the same state of random numbers."""
    T.manual_seed(0)
    args, kwargs = sample.make(T, dtype, layout)
    return outcome(case.function(T), args, kwargs)


def against(oracle, case, sample, dtype, layout="contiguous") -> str | None:
    """What differs between both libraries, or None; None too where torch refuses and we do so with the same class."""
    expected = call(oracle, case, sample, dtype, layout)
    actual = call(rustorch, case, sample, dtype, layout)
    if isinstance(actual[1], NotImplementedError) and expected[1] is None and min(a.numel for a in sample.tensors) < 2:
        return None  # torch looks for a kernel only where there is something to do; samples with elements tell
    if case.look and actual[1] is None and expected[1] is None:
        actual, expected = [
            (case.look(*sample.make(T, dtype, layout)[0], r), None)
            for T, (r, _) in ((rustorch, actual), (oracle, expected))
        ]
    strides = "stride" not in case.skip and (layout == "contiguous" or "other strides" not in case.skip)
    return outcomes_differ(actual, expected, case, case.tol.get(dtype), strides)


def outcomes_differ(actual, expected, case, tol=None, strides=None, signs=False) -> str | None:
    """What differs between the outcomes of a case's calls in rustorch and torch, which may refuse for other reasons."""
    (result, error), (wanted, refusal) = actual, expected
    if error is None and "more dtypes" in case.skip and "not implemented for" in str(refusal):
        return None
    if error is None and any(text in str(refusal) for text in NO_DERIVATIVE):
        return None
    if error is not None and refusal is not None and "can't be cast" in str(error):
        return None  # of two reasons to refuse we may name the other
    if error is None and "Unsupported memory format" in str(refusal):
        return None
    if error is None and str(refusal).startswith(("view size is not compatible", "Expected X.is_contiguous")):
        return None  # torch wants its caller to copy where we do
    if "ComplexHalf" in str(refusal) or str(getattr(wanted, "dtype", "")) == "torch.complex32":
        return None  # no dtype of ours
    if error is not None and str(refusal).startswith("output with shape"):
        return None  # of two reasons to refuse we may name the other
    if error is None and refusal is None:
        return difference(result, wanted, tol, "stride" not in case.skip if strides is None else strides, signs)
    if error is None:
        return f"accepted, but torch raises {kind(refusal)}: {first_line(refusal)}"
    if refusal is None:
        return f"raises {kind(error)}: {first_line(error)}"
    if not isinstance(error, type(refusal)) and kind(error) != kind(refusal):
        return f"{kind(error)}: {first_line(error)}, expected {kind(refusal)}: {first_line(refusal)}"
    return None
