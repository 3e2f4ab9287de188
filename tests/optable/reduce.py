"""Reductions, scans, sorting, searching and counting."""

from optable.case import OpCase, S, attr, fix, given, index, mask, more_dtypes, t

NAN, INF = float("nan"), float("inf")
# No rows or columns that are alike, so that a wrong dim shows; with ties, with NaN, with no elements.
ALONG = (S(t(3, 4), 0), S(t(3, 4), -1), S(t(2, 3, 4), 1), S(t(3, 4), 1, True), S(t(), 0), S(t(0, 3), 1), S(t(3, 0), 0))


def over(name, *more, low=-2.5, high=2.5, **options):
    """A reduction of everything, or over one or several dims."""
    u = lambda *shape: t(*shape, low=low, high=high)
    samples = (
        S(u(3, 4)),
        S(u(201)),
        S(u()),
        S(u(0, 3)),
        S(u(3, 4), 0),
        S(u(3, 4), -1),
        S(u(2, 3, 4), (0, 2)),
        S(u(3, 4), dim=1, keepdim=True),
        S(u(2, 3, 4), (-1, 0), True),
        S(u(0, 3), 1),
        S(u(3, 0), 0),
        S(u(), 0),
        S(u(2, 70, 3), 1),
    )
    return OpCase(name, (*samples, *more), **options)


def along(name, *more, **options):
    """A function along one dim."""
    return OpCase(name, (*ALONG, *more), **options)


def each(row, names, *args, **options):
    return [row(name, *args, **options) for name in names.split()]


SUMS = [
    over("sum", S(t(3, 4), dtype=attr("float64")), S(t(3, 4), ()), S(t(3, 4), None)),
    over("nansum", S(given([[1.0, NAN, 2.0], [NAN, NAN, 1.0]]), 1)),
    over("mean", S(t(3, 4), dtype=attr("float64"))),
    over("nanmean", S(given([[1.0, NAN, 2.0], [NAN, 3.0, 1.0]]), 1)),
    OpCase("prod", (S(t(3, 4)), S(t()), S(t(0)), S(t(3, 4), 0), S(t(3, 4), 1, True), S(given([[0.0, 2, 3], [0, 0, 4]]), 1),
                    S(t(3, 4), dtype=attr("float64")))),
    *each(over, "any all", S(t(3, 4), ()), grad=0),
    over("count_nonzero", grad=0).but(samples=(S(t(3, 4)), S(t(3, 4), 0), S(t(2, 3, 4), (0, 2)), S(t()), S(t(0, 3), 1))),
    OpCase("logsumexp", (S(t(3, 4), 0), S(t(3, 4), (0, 1)), S(t(3, 4), -1, True), S(t(), 0), S(t(0, 3), 1), S(given([[-INF, -INF], [INF, 1.0]], grad=False), 1))),
    *(OpCase(name, (S(t(3, 4)), S(t(201)), S(t()), *ALONG, S(given([[1.0, NAN, 2.0], [3.0, 3.0, 1.0]]), 1),
                    S(t(3, 4), t(3, 4)), S(t(3, 1), t(4)))) for name in ("max", "min")),
    *(OpCase(name, (S(t(3, 4)), S(t(201)), S(t()), S(t(3, 4), 0), S(t(2, 3, 4), (0, 2), True), S(t(3, 0), 0),
                    S(given([[1.0, 3.0, 3.0], [2.0, 2.0, 2.0]], grad=False), 1))) for name in ("amax", "amin")),
    OpCase("aminmax", (S(t(3, 4)), S(t(3, 4), dim=0), S(t(3, 4), dim=-1, keepdim=True), S(t()))),
    *(OpCase(name, (S(t(3, 4)), S(t(201)), S(t()), *ALONG, S(given([[1.0, 3.0, 3.0], [2.0, 2.0, 2.0]]), 1)), grad=0)
      for name in ("argmax", "argmin")),
    *each(over, "var std", S(t(3, 4), False), S(t(3, 4), 0, False), S(t(3, 4), 1, correction=0), S(t(3, 4), correction=2.5),
          S(t(3, 1), 1)),
    *each(over, "var_mean std_mean", S(t(3, 4), False), S(t(3, 4), 0, False), S(t(3, 4), 1, correction=0)),
    OpCase("cov", (S(t(3, 4)), S(t(5)), S(t(3, 4), correction=0), S(t(3, 4), fweights=index(4, below=5)),
                   S(t(3, 4), aweights=t(4, low=0.1, high=2)))),
    OpCase("corrcoef", (S(t(3, 4)), S(t(5, fixed=True)))),
]  # fmt: skip

NORMS = [
    OpCase("linalg_vector_norm", (
        S(t(3, 4)), S(t(3, 4), 1), S(t(3, 4), 3, 1), S(t(3, 4), INF, (0,), True), S(t(3, 4), -INF, 1), S(t(3, 4), 0.5),
        S(t(3, 4), 0, 1), S(t()), S(t(3, 0), 2, 1), S(t(3, 4), 2, dtype=attr("float64")), S(given([[0.0, 0], [3, 4]]), 2, 1),
    )),
    OpCase("renorm", (S(t(3, 4), 2, 0, 1.5), S(t(2, 3, 2), 1, 1, 2.0), S(t(3, 4), INF, 1, 1.0))),
    OpCase("dist", (S(t(3, 4), t(3, 4)), S(t(3, 4), t(4), 1), S(t(3), t(3), INF), S(t(3), t(3), 3), S(t(3, grad=False), t(3, grad=False), 0))),
    OpCase("cdist", (S(t(3, 4), t(2, 4)), S(t(2, 3, 2), t(4, 2), 1.0), S(t(3, 2), t(2, 2), INF), S(t(3, 2), t(2, 2), 3.0),
                     S(fix(30, 2, dtype="float64"), fix(30, 2, dtype="float64")), S(t(0, 2), t(3, 2)))),
    OpCase("pdist", (S(t(4, 3)), S(t(4, 3), 1), S(t(3, 2), INF), S(t(3, 2), 3), S(t(1, 3)))),
]  # fmt: skip

SCANS = [
    *(OpCase(name, (S(t(3, 4), 0), S(t(3, 4), -1), S(t(40), 0), S(t(2, 3, 2), 1), S(t(), 0), S(t(0, 3), 0),
                    S(fix(3, dtype="float64"), 0, dtype=attr("float64")))) for name in ("cumsum", "cumprod")),
    OpCase("logcumsumexp", (S(t(3, 4), 0), S(t(3, 4), -1), S(t(40), 0), S(t(), 0), S(t(0, 3), 0))),
    *(OpCase(name, (S(t(3, 4), 0), S(t(3, 4), -1), S(t(40), 0), S(t(), 0), S(given([1.0, 3.0, 3.0, NAN, 2.0]), 0)))
      for name in ("cummax", "cummin")),
    OpCase("diff", (S(t(3, 4)), S(t(3, 4), 2, 0), S(t(3, 4), prepend=t(3, 1), append=t(3, 2)), S(t(3), 5))),
    *(OpCase(name, (S(t(3, 4)), S(t(3, 4), dx=0.5, dim=0), S(t(3, 4), t(4)), S(t(3, 4), t(3, 4), dim=0)))
      for name in ("trapezoid", "trapz", "cumulative_trapezoid")),
]  # fmt: skip

# Which of equal elements comes first is free unless `stable` is asked for.
VALUES = {"look": lambda *a: a[-1][0]}
ORDERED = {"look": lambda x, *a: x.take_along_dim(a[-1], a[0] if len(a) > 1 else -1) if x.ndim else a[-1]}
SORTS = [
    OpCase("sort", (S(t(3, 4)), S(t(3, 4), 0, True), S(t(201)), S(t()), S(t(0, 3)), S(t(3, 0)), S(t(7, 2), dim=0, stable=True),
                    S(given([3.0, NAN, -0.0, INF, 0.0, 3.0]), stable=True, descending=True)), **VALUES),
    OpCase("argsort", (S(t(3, 4)), S(t(3, 4), 0, True), S(t(201)), S(t()), S(t(7), dim=0, stable=True)), grad=0, **ORDERED),
    OpCase("msort", (S(t(3, 4)), S(t(201)), S(t(2, 3, 2)))),
    OpCase("topk", (S(t(3, 4), 2), S(t(3, 4), 2, 0, False), S(t(201), 20), S(t(3, 4), 0), S(t(), 1)), **VALUES),
    OpCase("kthvalue", (S(t(3, 4), 2), S(t(3, 4), 3, 0, True), S(t(201), 20), S(t(), 1)), **VALUES),
    *(OpCase(name, (S(t(3, 5)), S(t(3, 5, fixed=True), 0), S(t(3, 4), 1, True), S(t()), S(t(201)), S(given([[1.0, NAN, 2.0], [3.0, 1.0, 2.0]]), 1)))
      for name in ("median", "nanmedian")),
    OpCase("mode", (S(t(3, 5)), S(t(3, 5), 0), S(given([[1.0, 3, 1, 3], [2, 2, 0, 1]]), 1, True), S(t()))),
    *(OpCase(name, (S(t(3, 5), 0.3), S(t(3, 5), 0.5, 1), S(t(3, 5), t(2, low=0.1, high=0.9), 0, True), S(t(3, 5), 0.3, interpolation="lower"),
                    S(t(3, 5), 0.3, interpolation="higher"), S(t(3, 5), 0.3, interpolation="nearest"), S(t(3, 5), 0.3, interpolation="midpoint"),
                    S(given([[1.0, NAN, 2.0], [3.0, 1.0, 2.0]]), 0.4, 1)))
      for name in ("quantile", "nanquantile")),
]  # fmt: skip

REPEATED = [[2.0, 1.0, 2.0], [0.0, 1.0, 2.0], [2.0, 1.0, 2.0]]
DATA = {"meta": "the result's shape depends on the data"}
OWN_STRIDES = {"stride": "row by row, where torch's result is a turned view"}
COUNTS = [
    OpCase("unique", (S(given(REPEATED)), S(given(REPEATED), True, True, True), S(given(REPEATED), dim=0), S(t(0)),
                      S(given(REPEATED), return_counts=True, dim=1)), grad=0, skip=DATA | OWN_STRIDES),
    OpCase("unique_consecutive", (S(given([2.0, 2, 1, 1, 2])), S(given([2.0, 2, 1, 1, 2]), True, True), S(given(REPEATED), dim=0)),
           grad=0, skip=DATA),
    OpCase("_unique2", (S(given(REPEATED)), S(given(REPEATED), True, True, True)), grad=0, skip=DATA),
    over("hash_tensor", grad=0).but(samples=(S(t(3, 4)), S(t(3, 4), 0), S(t(2, 3, 4), (0, 2), keepdim=True), S(t()))),
    OpCase("unique_dim", ref=lambda T: T.ops.aten.unique_dim, samples=(S(given(REPEATED), 0), S(given(REPEATED), 1, True, True, True)), grad=0, skip=DATA | OWN_STRIDES),
    OpCase("searchsorted", (S(given([1.0, 3, 5, 7]), t(2, 3, low=0, high=8)), S(given([1.0, 3, 5, 7]), t(3), right=True),
                            S(given([1.0, 3, 5]), 3.0), S(given([1.0, 3, 5]), t(3), side="right", out_int32=True),
                            S(given([[1.0, 3, 5], [0, 1, 2]]), t(2, 4))), grad=0),
    OpCase("bucketize", (S(t(2, 3, low=0, high=8), given([1.0, 3, 5, 7])), S(3, given([1.0, 3, 5]), right=True),
                         S(t(3), given([1.0, 3, 5]), out_int32=True)), grad=0),
    OpCase("bincount", (S(index(20, below=5)), S(index(6, below=3), minlength=7), S(index(6, below=3), t(6))), grad=0, skip=DATA),
    OpCase("histc", (S(fix(40)), S(fix(40, dtype="float64"), 7), S(t(40), 5, -1, 1), S(t(0), 3)), grad=0),
    OpCase("nonzero_static", (S(t(3, 4), size=3), S(t(3), size=5, fill_value=7)), grad=0),
    OpCase("argwhere", (S(mask(3, 4)), S(t(5)), S(t())), grad=0, skip=DATA | OWN_STRIDES),
    OpCase("nonzero", (S(mask(3, 4)), S(t(5)), S(t()), S(mask(3, 4), as_tuple=True), S(mask(0, 4))), grad=0,
           skip=DATA | OWN_STRIDES | {"out": "a tuple has no destination"}),
    OpCase("isin", (S(given(REPEATED), given([1.0, 0])), S(given(REPEATED), 2), S(2, given(REPEATED)), S(given(REPEATED), given([1.0]), invert=True),
                    S(given([1.0, 5.0, 2.0], fixed=True), given([2.0, 7.0], fixed=True), assume_unique=True)), grad=0),
]  # fmt: skip

CASES = more_dtypes([*SUMS, *NORMS, *SCANS, *SORTS, *COUNTS], "searchsorted bucketize pdist")
