"""Reading and writing by indices and masks."""

from optable.case import OpCase, S, fix, given, index, mask, more_dtypes, t


def row(name, *samples, **options):
    return OpCase(name, samples, **options)


def unique(*values):
    """Indices none of which is there twice, in every layout."""
    return given(list(values), "int64", grad=False, fixed=True)


# Positions (2, 3) for dim 0 and (2, 4) for dim 1 of a (3, 4), where each target is hit once.
ROWS, COLUMNS = unique([0, 2, 1], [2, 0, 0]), unique([3, 0, 1, 2], [0, 2, 1, 3])

# torch rounds to the half type after every addition.
ADDED = {"float16": (5e-3, 2e-3), "bfloat16": (5e-2, 2e-2)}

ROWS_OF = [
    row("gather", S(t(3, 4), 0, index(2, 3, below=3)), S(t(3, 4), -1, index(3, 6, below=4)), S(t(), 0, index(below=1)), S(t(5), 0, index(0, below=1))),
    row("index_select", S(t(3, 4), 0, index(5, below=3)), S(t(3, 4), -1, index(2, below=4)), S(t(), 0, index(1, below=1)), S(t(3, 4), 0, index(0, below=1))),
    row("take", S(t(3, 4), index(2, 3, below=12)), S(t(3), index(below=3)), S(t(), index(2, below=1))),
    row("take_along_dim", S(t(3, 4), index(3, 2, below=4), 1), S(t(3, 4), index(1, 4, below=3), 0), S(t(3, 4), index(5, below=12))),
    row("masked_select", S(t(3, 4), mask(3, 4)), S(t(3, 4), mask(4)), S(t(), mask(2)), skip={"meta": "the result's shape depends on the data"}),
    row("embedding", S(t(5, 3), index(2, 2, below=5)), S(t(5, 3, rough=True), index(6, below=5), padding_idx=2), S(t(5, 3, rough=True), index(6, below=5), 1, True)),
    row("embedding_dense_backward", S(t(6, 3), index(6, below=5), 5, -1, False), S(fix(6, 3, grad=False), index(6, below=5), 5, 2, True),
        ref=lambda T: T.ops.aten.embedding_dense_backward),
    row("scatter", S(t(3, 4), 0, ROWS, t(2, 3)), S(t(3, 4), 1, COLUMNS, t(2, 4)), S(t(3, 4), 1, COLUMNS, 7.5), S(t(3, 4), 1, COLUMNS, 2),
        S(t(), 0, index(below=1), t())),
    row("scatter_add", S(t(3, 4), 0, ROWS, t(2, 3)), S(t(3, 4), 1, index(3, 6, below=4), t(3, 6)), S(t(5), 0, index(0, below=1), t(0)), tol=ADDED),
    row("scatter_reduce", *(S(t(3, 4), 1, index(3, 6, below=4), t(3, 6), r, include_self=i) for r in ("sum", "prod", "mean", "amax", "amin") for i in (True, False)), tol=ADDED),
    row("index_add", S(t(3, 4), 0, index(5, below=3), t(5, 4)), S(t(3, 4), -1, index(2, below=4), t(3, 2), alpha=2)),
    row("index_reduce", *(S(t(3, 4), 1, index(6, below=4), t(3, 6), r, include_self=i) for r in ("prod", "mean", "amax", "amin") for i in (True, False))),
    row("index_copy", S(t(3, 4), 0, unique(2, 0), t(2, 4)), S(t(3, 4), -1, unique(1, 3), t(3, 2)), S(t(), 0, unique(0), t())),
    row("index_fill", S(t(3, 4), 0, index(2, below=3), 1.5), S(t(3, 4), -1, index(2, below=4), t()), S(t(), 0, unique(0), 2)),
    row("put", S(t(3, 4), unique(5, 0, 11), t(3)), S(t(3, 4), index(4, below=12), t(4), True)),
    row("masked_scatter", S(t(3, 4), mask(3, 4), t(12)), S(t(3, 4), mask(4), t(20))),
    *(row(name, S(t(3, 4, fixed=True), (unique(0, 2), unique(1, 3)), t(2)), S(t(3, 4, fixed=True), (index(5, below=3),), t(5, 4), True), S(t(3, 4, fixed=True), (mask(3, 4),), t())) for name in ("index_put", "index_put_")),
]  # fmt: skip

CASES = more_dtypes(ROWS_OF, "scatter_reduce index_reduce")
