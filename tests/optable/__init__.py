"""The table of op cases: one row per operation of rustorch, from which the tests in tests/ops are drawn.

A row gives inputs and says what does not hold for its operation; everything else is derived from the signature in
`rustorch._C._schemas()` and from torch. Families share generators of inputs, so that most rows are a line.
"""

from optable import create, fft, indexing, linear, nn, pointwise, reduce, solve, views
from optable.case import (
    ALL,
    BOOL,
    COMPLEX,
    DOUBLES,
    FLOATS,
    INTS,
    LAYOUTS,
    WIDE,
    Arg,
    Bad,
    OpCase,
    Sample,
    schemas,
    skipping,
)
from optable.errors import ERRORS

CASES = [
    case.but(family=family.__name__.removeprefix("optable."))
    for family in (pointwise, reduce, views, indexing, create, linear, nn, solve, fft)
    for case in family.CASES
]
CASES = skipping(
    CASES,
    "other strides",
    "torch's result has the gaps of a strided input, ours is dense",
    "diagonal_scatter select_scatter slice_scatter",
)
CASES = skipping(CASES, "other strides", "the result is contiguous, so that view() takes it", "addr _weight_norm")
CASES = skipping(CASES, "meta", "a mask's shape is data", "index_put index_put_")
ERRORS = ERRORS | fft.ERRORS
CASES = [case.but(errors=tuple(ERRORS.get(case.name, ()))) for case in CASES]
BY_NAME = {case.name: case for case in CASES}


def wanted(aspect: str) -> list[OpCase]:
    """All cases but those whose row says why the aspect does not hold."""
    return [case for case in CASES if aspect not in case.skip]


__all__ = [
    "ALL",
    "BOOL",
    "BY_NAME",
    "CASES",
    "COMPLEX",
    "DOUBLES",
    "FLOATS",
    "INTS",
    "LAYOUTS",
    "WIDE",
    "Arg",
    "Bad",
    "OpCase",
    "Sample",
    "schemas",
    "wanted",
]
