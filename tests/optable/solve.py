"""Linear algebra beyond products, and what came with it. tests/linalg has what a row cannot say."""

from optable.case import OpCase, S, fix, given, index, more_dtypes, skipping, t

SPD = given([[4.0, 1.0, 0.5], [1.0, 3.0, 0.2], [0.5, 0.2, 2.0]], "float64", rough=False)
SQUARE = given([[4.0, 1.0, 0.5], [-1.0, 3.0, 0.2], [0.5, -2.0, 2.0]], "float64", rough=False)
LOWER = given([[2.0, 0.0, 0.0], [1.0, 3.0, 0.0], [0.5, 0.2, 1.5]], "float64", rough=False)
RIGHT = fix(3, 2, dtype="float64")
TALL = fix(4, 3, dtype="float64")


def row(name, *samples, **options):
    return OpCase(name, samples, **options)


def same(names, *samples, **options):
    return [row(name, *samples, **options) for name in names.split()]


POLYNOMIALS = """
    special_chebyshev_polynomial_t special_chebyshev_polynomial_u special_chebyshev_polynomial_v
    special_chebyshev_polynomial_w special_hermite_polynomial_h special_hermite_polynomial_he
    special_laguerre_polynomial_l special_legendre_polynomial_p special_shifted_chebyshev_polynomial_t
    special_shifted_chebyshev_polynomial_u special_shifted_chebyshev_polynomial_v
    special_shifted_chebyshev_polynomial_w
"""
FIRST = {"look": lambda *a: a[-1][0]}
# Which vectors span a space is free up to sign: their products are not.
SPECTRUM = {"look": lambda *a: a[-1][1].abs()}
SIGNS = dict.fromkeys(("out", "torch's grad"), "the signs of vectors are free, and with them the results here")
SINGULAR = {"expanded": "equal rows make a matrix of which torch computes what it cannot"}
HALF = dict.fromkeys(("grad", "gradgrad"), "one triangle is read: tests/linalg/test_derivatives.py moves both")
PHASE = dict.fromkeys(("grad", "gradgrad"), "phases of vectors are free: tests/linalg/test_derivatives.py fixes them")
TRIANGLE = {"torch's grad": "torch's is not 0 where the factor is not read"}

CASES = [
    *same("cholesky linalg_cholesky", S(SPD), skip=HALF),
    row("cholesky_inverse", S(SPD), skip=TRIANGLE),
    row("linalg_cholesky_ex", S(SPD), skip=SINGULAR | HALF, **FIRST),
    row("cholesky_solve", S(RIGHT, LOWER), skip=TRIANGLE),
    *same("det linalg_det logdet slogdet linalg_slogdet inverse linalg_inv pinverse linalg_pinv", S(SPD), S(SQUARE)),
    *same("linalg_matrix_exp matrix_exp", S(SQUARE)),
    row("linalg_cond", S(SQUARE), skip=SINGULAR),
    row("linalg_matrix_rank", S(SQUARE), grad=0),
    row("trace", S(SQUARE)),
    *same("linalg_inv_ex linalg_lu_factor linalg_lu_factor_ex _lu_with_info", S(SQUARE), **FIRST),
    row("linalg_lu", S(SQUARE)),
    *same("linalg_ldl_factor linalg_ldl_factor_ex", S(SPD), grad=0, **FIRST),
    row("linalg_ldl_solve", S(LOWER, given([1, 2, 3], "int32"), RIGHT), grad=0, skip=SINGULAR),
    row("linalg_solve", S(SQUARE, RIGHT)),
    row("linalg_solve_ex", S(SQUARE, RIGHT), **FIRST),
    row("linalg_lstsq", S(TALL, fix(4, 2, dtype="float64")), **FIRST),
    row("linalg_lu_solve", S(LOWER, given([1, 2, 3], "int32"), RIGHT)),
    row("lu_solve", S(RIGHT, LOWER, given([1, 2, 3], "int32"))),
    row("lu_unpack", S(SQUARE, given([2, 3, 3], "int32"))),
    row("linalg_solve_triangular", S(LOWER, RIGHT, upper=False)),
    row("triangular_solve", S(RIGHT, LOWER, upper=False), **FIRST),
    row("linalg_eigvalsh", S(SPD), skip=HALF),
    row("linalg_svdvals", S(SPD)),
    row("linalg_eigvals", S(SPD), look=lambda *a: a[-1].real.sort()[0]),
    row("linalg_eig", S(SPD), skip=PHASE, look=lambda *a: a[-1][0].real.sort()[0]),
    row("linalg_eigh", S(SPD), skip=SIGNS | HALF, **FIRST),
    row("linalg_svd", S(TALL, False), look=lambda *a: a[-1][1], skip=SIGNS),
    row("svd", S(TALL), look=lambda *a: a[-1][1], skip=SIGNS),
    *same("linalg_qr qr", S(TALL), **SPECTRUM),
    row("geqrf", S(TALL), grad=0, look=lambda *a: a[-1][0].triu().abs()),
    *same("linalg_householder_product orgqr", S(TALL, fix(3, dtype="float64"))),
    row("ormqr", S(TALL, fix(3, dtype="float64"), fix(4, 2, dtype="float64"))),
    row("linalg_matmul", S(t(2, 3), t(3, 2)), S(t(2, 3), t(3))),
    row("linalg_multi_dot", S([t(2, 3), t(3, 4), t(4, 2)])),
    *same("linalg_matrix_power matrix_power", S(SQUARE, 3), S(SQUARE, -1), S(SQUARE, 0)),
    row("linalg_matrix_norm", S(SQUARE, "fro"), S(SQUARE, "nuc"), S(SQUARE, 1), S(SQUARE, -2)),
    row("linalg_norm", S(SQUARE), S(SQUARE, "fro"), S(fix(5, dtype="float64"), 3)),
    row("linalg_tensorinv", S(fix(2, 2, 2, 2, dtype="float64"))),
    row("linalg_tensorsolve", S(SQUARE, fix(3, dtype="float64"))),
    row("linalg_vander", S(t(4)), S(t(4), N=3)),
    *same("linalg_vecdot", S(t(2, 3), t(2, 3)), S(t(2, 3), t(2, 3), dim=0)),
    row("linalg_diagonal", S(t(3, 4)), S(t(2, 3, 3), offset=1)),
    row("cross", S(t(2, 3), t(2, 3)), S(t(3, 2), t(3, 2), 0)),
    row("linalg_cross", S(t(2, 3), t(2, 3)), S(t(3, 2), t(3, 2), dim=0)),
    *same("deg2rad rad2deg", S(t(2, 3)), S(t())),
    row("isreal", S(t(2, 3)), grad=0),
    row("frexp", S(t(2, 3)), S(given([0.0, 1.0, -3.5]))),
    row("fill_diagonal_", S(t(3, 3), 1.5), S(t(7, 3), 2, True)),
    row("sum_to_size", S(t(2, 3), (1, 3)), S(t(2, 3), (3,))),
    row("norm_except_dim", S(t(3, 4)), S(t(3, 4), 2, 1)),
    row("_weight_norm", S(t(3, 4), t(3, 1)), S(t(3, 4), t(1, 4), 1)),
    row("one_hot", S(index(3, below=4)), S(index(2, 3, below=4), 5), grad=0, skip={"meta": "the number of classes is data"}),
    row("pad_sequence", S([t(2), t(3)]), S([t(2, 2), t(1, 2)], True, 1.5)),
    row("embedding_bag", S(t(5, 3), index(6, below=5), given([0, 2], "int64")), **FIRST),
    row("embedding_renorm_", S(t(5, 3, fixed=True), index(3, below=5), 1.0, 2.0), grad=0),
    *(row(name, S(fix(2, 3, dtype="float64", low=-0.9, high=0.9), given([[0.0, 1, 2], [3, 4, 5]], "float64")), S(t(2, 3, low=-0.9, high=0.9), given([[0, 1, 2], [3, 4, 5]], "int64")), grad=0)
      for name in POLYNOMIALS.split()),
]  # fmt: skip
CASES = more_dtypes(CASES, f"_weight_norm {POLYNOMIALS}")
CASES = skipping(
    CASES,
    "stride",
    "row by row where LAPACK's results are column by column",
    "cholesky linalg_cholesky linalg_cholesky_ex linalg_householder_product linalg_lstsq linalg_qr orgqr ormqr qr",
)
CASES = skipping(
    CASES,
    "out strides",
    "a resized destination is filled row by row where torch's is column by column",
    """cholesky_inverse geqrf inverse linalg_eig linalg_inv linalg_inv_ex linalg_ldl_factor linalg_ldl_factor_ex
    linalg_ldl_solve linalg_lu_factor linalg_lu_factor_ex linalg_lu_solve linalg_solve linalg_solve_ex
    linalg_solve_triangular lu_solve triangular_solve""",
)
