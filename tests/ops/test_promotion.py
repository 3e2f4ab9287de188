"""The dtype of a result for all pairs of dtypes, with and without dims, and with Python numbers."""

import itertools

import pytest
from optable import ALL, wanted
from optable.case import HALVES, Arg
from optable.compare import outcome, outcomes_differ, report

import rustorch as torch

pytestmark = pytest.mark.filterwarnings("ignore")
# torch does not round a 0-d operand to the half type in which it computes.
HALF = (2e-2, 2e-2)
CASES = [case for case in wanted("promotion") if case.special >= 2]


@pytest.mark.parametrize("case", CASES, ids=repr)
def test_pairs_of_dtypes(case, oracle):
    model = case.samples[0].tensors
    failures = []
    for dtypes in itertools.product(ALL, repeat=2):
        for shapes in (((3,), (3,)), ((3,), ()), ((), (3,))):
            results = []
            for T in (torch, oracle):
                rest = (((3,), dtypes[0]),) * (case.special - 2)
                args = [
                    Arg(shape, m.low, m.high).make(T, dtype, seed)
                    for seed, (m, (shape, dtype)) in enumerate(zip(model, (*zip(shapes, dtypes), *rest), strict=True))
                ]
                results.append(outcome(case.function(T), args, case.kwargs))
            usual = case.mixed if case.mixed and len(set(dtypes)) > 1 else case.tol.get(dtypes[0])
            if found := outcomes_differ(*results, case, tol=HALF if set(dtypes) & set(HALVES) else usual):
                failures.append(f"{dtypes} {shapes}: {found}")
    report(failures)


@pytest.mark.parametrize("case", [case for case in CASES if case.special == 2 and "numbers" not in case.skip], ids=repr)
def test_numbers(case, oracle):
    failures = []
    for dtype, number, shape in itertools.product(ALL, (True, 2, 1.5, 2j), ((3,), ())):
        for order in (1, -1):
            results = []
            for T in (torch, oracle):
                args = [case.samples[0].tensors[0].make(T, dtype, 0).reshape(-1)[:3], number]
                args[0] = args[0] if shape else args[0][0]
                results.append(outcome(case.function(T), args[::order], case.kwargs))
            if found := outcomes_differ(*results, case, tol=case.tol.get(dtype)):
                failures.append(f"{dtype} {list(shape)}, {number!r}{' reversed' if order < 0 else ''}: {found}")
    report(failures)
