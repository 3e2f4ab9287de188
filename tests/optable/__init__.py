"""The table of op cases: one row per operation of rustorch, from which the tests in tests/ops are drawn.

A row gives inputs and says what does not hold for its operation; everything else is derived from the signature in
`rustorch._C._schemas()` and from torch. Families share generators of inputs, so that most rows are a line.
"""

from optable import create, indexing, linear, nn, pointwise, reduce, solve, views
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
    for family in (pointwise, reduce, views, indexing, create, linear, nn, solve)
    for case in family.CASES
]
CASES = skipping(
    CASES,
    "other strides",
    "the result keeps the input's order of dims where torch's is contiguous",
    """roll masked_fill log_sigmoid rrelu pow float_power mvlgamma renorm tril triu scatter scatter_add scatter_reduce index_add index_reduce
    index_copy index_put masked_scatter bernoulli chain_matmul constant_pad_nd pad""",
)
CASES = skipping(
    CASES,
    "other strides",
    "the result is contiguous where torch's keeps the input's order of dims",
    """avg_pool3d max_pool3d max_pool3d_with_indices sort msort diagonal_scatter select_scatter slice_scatter addr conv2d conv_transpose2d convolution reflection_pad2d
    replication_pad2d reflection_pad3d replication_pad3d channel_shuffle native_channel_shuffle""",
)
CASES = skipping(CASES, "meta", "a mask's shape is data", "index_put index_put_")
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
