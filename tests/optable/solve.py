"""Linear algebra beyond products, and what came with it: values here, the rest in the area's own tests."""

from optable.case import OpCase, S, fix, given, index, t

WHY = "this family has its tests of its own; here are values"
SKIP = dict.fromkeys(
    ("layout", "out", "in place", "meta", "grad", "gradgrad", "torch's grad", "special", "method"), WHY
)
SKIP |= {
    "stride": "LAPACK's results are column by column",
    "more dtypes": "one kernel serves all dtypes; torch's lacks some",
}
SPD = given([[4.0, 1.0, 0.5], [1.0, 3.0, 0.2], [0.5, 0.2, 2.0]], "float64")
SQUARE = given([[4.0, 1.0, 0.5], [-1.0, 3.0, 0.2], [0.5, -2.0, 2.0]], "float64")
LOWER = given([[2.0, 0.0, 0.0], [1.0, 3.0, 0.0], [0.5, 0.2, 1.5]], "float64")
RIGHT = fix(3, 2, dtype="float64")
TALL = fix(4, 3, dtype="float64")


def row(name, *samples, **options):
    return OpCase(name, samples, skip=SKIP, **options)


def same(names, *samples, **options):
    return [row(name, *samples, **options) for name in names.split()]


FIRST = {"look": lambda *a: a[-1][0]}
# Which vectors span a space is free up to sign: their products are not.
SPECTRUM = {"look": lambda *a: a[-1][1].abs()}

CASES = [
    *same("cholesky linalg_cholesky cholesky_inverse", S(SPD)),
    row("linalg_cholesky_ex", S(SPD), **FIRST),
    row("cholesky_solve", S(RIGHT, LOWER)),
    *same("det linalg_det logdet slogdet linalg_slogdet inverse linalg_inv pinverse linalg_pinv", S(SPD), S(SQUARE)),
    *same("linalg_matrix_exp matrix_exp linalg_cond linalg_matrix_rank trace", S(SQUARE)),
    *same("linalg_inv_ex linalg_lu_factor linalg_lu_factor_ex _lu_with_info", S(SQUARE), **FIRST),
    row("linalg_lu", S(SQUARE)),
    *same("linalg_ldl_factor linalg_ldl_factor_ex", S(SPD), **FIRST),
    row("linalg_ldl_solve", S(LOWER, given([1, 2, 3], "int32"), RIGHT)),
    row("linalg_solve", S(SQUARE, RIGHT)),
    row("linalg_solve_ex", S(SQUARE, RIGHT), **FIRST),
    row("linalg_lstsq", S(TALL, fix(4, 2, dtype="float64")), **FIRST),
    row("linalg_lu_solve", S(LOWER, given([1, 2, 3], "int32"), RIGHT)),
    row("lu_solve", S(RIGHT, LOWER, given([1, 2, 3], "int32"))),
    row("lu_unpack", S(SQUARE, given([2, 3, 3], "int32"))),
    row("linalg_solve_triangular", S(LOWER, RIGHT, upper=False)),
    row("triangular_solve", S(RIGHT, LOWER, upper=False), **FIRST),
    *same("linalg_eigvalsh linalg_svdvals", S(SPD)),
    row("linalg_eigvals", S(SPD), look=lambda *a: a[-1].real.sort()[0]),
    row("linalg_eig", S(SPD), look=lambda *a: a[-1][0].real.sort()[0]),
    row("linalg_eigh", S(SPD), **FIRST),
    *same("linalg_svd svd", S(TALL), look=lambda *a: a[-1][1]),
    *same("linalg_qr qr", S(TALL), **SPECTRUM),
    row("geqrf", S(TALL), look=lambda *a: a[-1][0].triu().abs()),
    *same("linalg_householder_product orgqr", S(TALL, fix(3, dtype="float64"))),
    row("ormqr", S(TALL, fix(3, dtype="float64"), fix(4, 2, dtype="float64"))),
    row("linalg_matmul", S(t(2, 3), t(3, 2)), S(t(2, 3), t(3))),
    row("linalg_multi_dot", S([t(2, 3), t(3, 4), t(4, 2)])),
    *same("linalg_matrix_power matrix_power", S(SQUARE, 3), S(SQUARE, -1), S(SQUARE, 0)),
    row("linalg_matrix_norm", S(SQUARE, "fro"), S(SQUARE, "nuc"), S(SQUARE, 1), S(SQUARE, -2)),
    row("linalg_norm", S(SQUARE), S(SQUARE, "fro"), S(fix(5, dtype="float64"), 3)),
    row("linalg_tensorinv", S(fix(2, 2, 2, 2, dtype="float64"))),
    row("linalg_tensorsolve", S(SQUARE, fix(3, dtype="float64"))),
    row("linalg_vander", S(fix(4)), S(fix(4), N=3)),
    *same("linalg_vecdot", S(t(2, 3), t(2, 3)), S(t(2, 3), t(2, 3), dim=0)),
    row("linalg_diagonal", S(t(3, 4)), S(t(2, 3, 3), offset=1)),
    row("cross", S(fix(2, 3), fix(2, 3)), S(fix(3, 2), fix(3, 2), 0)),
    row("linalg_cross", S(fix(2, 3), fix(2, 3)), S(fix(3, 2), fix(3, 2), dim=0)),
    *same("deg2rad rad2deg", S(t(2, 3)), S(t())),
    row("isreal", S(t(2, 3))),
    row("frexp", S(t(2, 3)), S(given([0.0, 1.0, -3.5]))),
    row("fill_diagonal_", S(t(3, 3), 1.5), S(t(7, 3), 2, True)),
    row("sum_to_size", S(fix(2, 3), (1, 3)), S(fix(2, 3), (3,))),
    row("norm_except_dim", S(fix(3, 4)), S(fix(3, 4), 2, 1)),
    row("_weight_norm", S(fix(3, 4), fix(3, 1)), S(fix(3, 4), fix(1, 4), 1)),
    row("one_hot", S(index(3, below=4)), S(index(2, 3, below=4), 5)),
    row("pad_sequence", S([t(2), t(3)]), S([fix(2, 2), fix(1, 2)], True, 1.5)),
    row("embedding_bag", S(fix(5, 3), index(6, below=5), given([0, 2], "int64")), **FIRST),
    row("embedding_renorm_", S(fix(5, 3), index(3, below=5), 1.0, 2.0)),
    *(row(f"special_{name}", S(fix(2, 3, dtype="float64", low=-0.9, high=0.9), given([[0.0, 1, 2], [3, 4, 5]], "float64")))
      for name in ["chebyshev_polynomial_t", "chebyshev_polynomial_u", "chebyshev_polynomial_v", "chebyshev_polynomial_w", "hermite_polynomial_h", "hermite_polynomial_he", "laguerre_polynomial_l", "legendre_polynomial_p", "shifted_chebyshev_polynomial_t", "shifted_chebyshev_polynomial_u", "shifted_chebyshev_polynomial_v", "shifted_chebyshev_polynomial_w"]),
]  # fmt: skip
