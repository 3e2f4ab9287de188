"""Results of linear algebra against torch, in all dtypes: batches, empty matrices, all layouts, triangles, sides."""

import pytest

import rustorch as torch

# Each function takes a library and a maker of matrices (T, shape...).
CASES = {
    "qr": lambda T, m, p: T.linalg.qr(m(5, 3)),
    "qr, complete": lambda T, m, p: T.linalg.qr(m(2, 5, 3), mode="complete"),
    "qr, r": lambda T, m, p: T.linalg.qr(m(3, 5), mode="r"),
    "qr, wide batch": lambda T, m, p: T.linalg.qr(m(2, 3, 5)),
    "qr, blocks": lambda T, m, p: T.linalg.qr(m(90, 70)),
    "qr of a transpose": lambda T, m, p: T.linalg.qr(m(4, 6).mT),
    "qr of no rows": lambda T, m, p: T.linalg.qr(m(0, 3)),
    "qr of no columns, complete": lambda T, m, p: T.linalg.qr(m(3, 0), mode="complete"),
    "qr of zeros": lambda T, m, p: T.linalg.qr(m(3, 2) * 0),
    "old qr": lambda T, m, p: m(4, 3).qr(some=False),
    "geqrf": lambda T, m, p: T.geqrf(m(2, 5, 3)),
    "geqrf, blocks": lambda T, m, p: T.geqrf(m(40, 80)),
    "householder_product": lambda T, m, p: T.linalg.householder_product(*T.geqrf(m(2, 5, 3))),
    "householder_product of fewer reflections": lambda T, m, p: T.orgqr(m(5, 3), m(2)),
    "ormqr": lambda T, m, p: T.ormqr(*T.geqrf(m(5, 3)), m(5, 4)),
    "ormqr, transposed": lambda T, m, p: T.ormqr(*T.geqrf(m(2, 5, 3)), m(2, 5, 4), transpose=True),
    "householder_product, blocks": lambda T, m, p: T.linalg.householder_product(*T.geqrf(m(90, 70))),
    "ormqr, blocks": lambda T, m, p: T.ormqr(*T.geqrf(m(90, 70)), m(90, 3)),
    "ormqr, transposed, blocks": lambda T, m, p: T.ormqr(*T.geqrf(m(90, 70)), m(90, 3), transpose=True),
    "ormqr from the right, blocks": lambda T, m, p: T.ormqr(*T.geqrf(m(70, 40)), m(5, 70), left=False),
    "ormqr, transposed from the right": lambda T, m, p: T.ormqr(
        *T.geqrf(m(2, 5, 3)), m(2, 4, 5), left=False, transpose=True
    ),
    "qr, complete, blocks": lambda T, m, p: T.linalg.qr(m(70, 40), mode="complete"),
    "ormqr from the right": lambda T, m, p: T.ormqr(*T.geqrf(m(5, 3)), m(4, 5), left=False),
    "solve": lambda T, m, p: T.linalg.solve(m(4, 4), m(4, 2)),
    "solve for a vector": lambda T, m, p: T.linalg.solve(m(4, 4), m(4)),
    "solve for a batch of vectors": lambda T, m, p: T.linalg.solve(m(2, 4, 4), m(2, 4)),
    "solve from the right": lambda T, m, p: T.linalg.solve(m(3, 4, 4), m(5, 1, 2, 4), left=False),
    "solve, broadcast": lambda T, m, p: T.linalg.solve(m(4, 4), m(3, 4, 2)),
    "solve, blocks": lambda T, m, p: T.linalg.solve(m(70, 70) + 3 * T.eye(70, dtype=m(1).dtype), m(70, 33)),
    "solve of nothing": lambda T, m, p: T.linalg.solve(m(2, 0, 0), m(2, 0, 3)),
    "solve_ex": lambda T, m, p: T.linalg.solve_ex(m(2, 3, 3), m(2, 3, 2)),
    "lu_factor": lambda T, m, p: T.linalg.lu_factor(m(2, 4, 4)),
    "lu_factor, tall, blocks": lambda T, m, p: T.linalg.lu_factor(m(60, 37)),
    "lu_factor of one panel": lambda T, m, p: T.linalg.lu_factor(m(70, 29)),
    "lu_factor, wide, blocks": lambda T, m, p: T.linalg.lu_factor(m(45, 110)),
    "lu_factor_ex of a matrix without rank, blocks": lambda T, m, p: T.linalg.lu_factor_ex(
        T.nn.functional.pad(m(50, 40), (0, 0, 20, 0))[:50]
    ),
    "lu_factor_ex, wide": lambda T, m, p: T.linalg.lu_factor_ex(m(3, 5)),
    "lu_factor_ex of a singular matrix": lambda T, m, p: T.linalg.lu_factor_ex(m(2, 3, 3) * 0 + 1),
    "lu": lambda T, m, p: T.linalg.lu(m(2, 3, 5)),
    "lu, tall": lambda T, m, p: T.linalg.lu(m(5, 3)),
    "lu_solve": lambda T, m, p: T.linalg.lu_solve(*T.linalg.lu_factor(m(2, 4, 4)), m(2, 4, 3)),
    "lu_solve, adjoint": lambda T, m, p: T.linalg.lu_solve(*T.linalg.lu_factor(m(4, 4)), m(4, 3), adjoint=True),
    "lu_solve from the right": lambda T, m, p: T.linalg.lu_solve(*T.linalg.lu_factor(m(4, 4)), m(3, 4), left=False),
    "lu_solve, adjoint from the right": lambda T, m, p: T.linalg.lu_solve(
        *T.linalg.lu_factor(m(4, 4)), m(2, 3, 4), left=False, adjoint=True
    ),
    "old lu_solve": lambda T, m, p: m(4, 3).lu_solve(*T.linalg.lu_factor(m(4, 4))),
    "lu_unpack, data": lambda T, m, p: T.lu_unpack(*T.linalg.lu_factor(m(4, 4)), unpack_pivots=False),
    "lu_unpack, pivots": lambda T, m, p: T.lu_unpack(*T.linalg.lu_factor(m(4, 4)), unpack_data=False),
    "old lu": lambda T, m, p: T.lu(m(3, 3)),
    "old lu with infos": lambda T, m, p: m(2, 3, 3).lu(get_infos=True),
    "inv": lambda T, m, p: T.linalg.inv(m(2, 4, 4)),
    "inv of a transpose": lambda T, m, p: m(4, 4).mT.inverse(),
    "inv, blocks": lambda T, m, p: T.linalg.inv(m(2, 77, 77) + 3 * T.eye(77, dtype=m(1).dtype)),
    "inv at the edge of a block": lambda T, m, p: T.linalg.inv(m(25, 25) + 3 * T.eye(25, dtype=m(1).dtype)),
    "inv, stripes": lambda T, m, p: T.linalg.inv(m(200, 200) / 20 + 3 * T.eye(200, dtype=m(1).dtype)),
    "cholesky_inverse, stripes": lambda T, m, p: T.cholesky_inverse(T.linalg.cholesky(p(200, 200) + 9 * T.eye(200))),
    "cholesky_inverse, blocks": lambda T, m, p: T.cholesky_inverse(T.linalg.cholesky(p(77, 77))),
    "cholesky_inverse, upper, blocks": lambda T, m, p: T.cholesky_inverse(
        T.linalg.cholesky(p(50, 50), upper=True), upper=True
    ),
    "solve_triangular for many": lambda T, m, p: T.linalg.solve_triangular(
        m(60, 60) + 9 * T.eye(60, dtype=m(1).dtype), m(60, 37), upper=False
    ),
    "solve_triangular for five": lambda T, m, p: T.linalg.solve_triangular(
        m(20, 20) + 9 * T.eye(20, dtype=m(1).dtype), m(20, 5), upper=True, unitriangular=True
    ),
    "inv_ex": lambda T, m, p: T.linalg.inv_ex(m(3, 3)),
    "det": lambda T, m, p: m(2, 4, 4).det(),
    "det of a singular matrix": lambda T, m, p: T.linalg.det(m(3, 3) * 0 + 2),
    "det of nothing": lambda T, m, p: T.linalg.det(m(2, 0, 0)),
    "slogdet": lambda T, m, p: T.linalg.slogdet(m(2, 4, 4)),
    "slogdet of a singular matrix": lambda T, m, p: T.slogdet(m(3, 3) * 0),
    "logdet": lambda T, m, p: T.logdet(m(4, 4)),
    "solve_triangular": lambda T, m, p: T.linalg.solve_triangular(m(4, 4), m(4, 3), upper=True),
    "solve_triangular, lower, right": lambda T, m, p: T.linalg.solve_triangular(
        m(2, 4, 4), m(3, 4), upper=False, left=False
    ),
    "solve_triangular, unit": lambda T, m, p: T.linalg.solve_triangular(
        m(4, 4), m(4, 3), upper=True, unitriangular=True
    ),
    "solve_triangular, blocks": lambda T, m, p: T.linalg.solve_triangular(
        m(90, 90) / 90, m(90, 5).mT.contiguous().mT, upper=False, unitriangular=True
    ),
    "solve_triangular by zero": lambda T, m, p: T.linalg.solve_triangular(T.zeros(2, 2), T.ones(2, 1), upper=True),
    "triangular_solve": lambda T, m, p: m(4, 2).triangular_solve(m(4, 4)),
    "triangular_solve, transposed": lambda T, m, p: T.triangular_solve(
        m(4, 2), m(2, 4, 4), upper=False, transpose=True
    ),
    "cholesky": lambda T, m, p: T.linalg.cholesky(p(2, 4, 4)),
    "cholesky, upper": lambda T, m, p: T.linalg.cholesky(p(4, 4), upper=True),
    "cholesky reads one triangle": lambda T, m, p: T.linalg.cholesky(p(4, 4).tril()),
    "cholesky, upper, reads one triangle": lambda T, m, p: p(4, 4).triu().cholesky(upper=True),
    "cholesky, blocks": lambda T, m, p: T.linalg.cholesky(p(150, 150) + 9 * T.eye(150)),
    "cholesky_ex": lambda T, m, p: T.linalg.cholesky_ex(p(2, 3, 3)),
    "cholesky_solve": lambda T, m, p: m(4, 2).cholesky_solve(T.linalg.cholesky(p(3, 4, 4))),
    "cholesky_solve, upper": lambda T, m, p: T.cholesky_solve(m(4, 2), T.linalg.cholesky(p(4, 4), upper=True), True),
    "cholesky_inverse": lambda T, m, p: T.cholesky_inverse(T.linalg.cholesky(p(2, 4, 4))),
    "ldl_factor": lambda T, m, p: T.linalg.ldl_factor(m(2, 5, 5)),
    "ldl_factor_ex of a block of two": lambda T, m, p: T.linalg.ldl_factor_ex(m(5, 5) - T.diag(T.diag(m(5, 5)))),
    "ldl_factor_ex, Hermitian": lambda T, m, p: T.linalg.ldl_factor_ex(m(5, 5) + m(5, 5).mH, hermitian=True),
    "ldl_factor, panels": lambda T, m, p: T.linalg.ldl_factor(m(150, 150)),
    "ldl_factor, Hermitian, panels": lambda T, m, p: T.linalg.ldl_factor(m(90, 90) + m(90, 90).mH, hermitian=True),
    "ldl_factor_ex of blocks of two, panels": lambda T, m, p: T.linalg.ldl_factor_ex(m(110, 110).tril(-1)),
    "ldl_factor_ex of a matrix without rank, panels": lambda T, m, p: T.linalg.ldl_factor_ex(
        T.nn.functional.pad(m(80, 80), (10, 0, 10, 0))
    )[1:],
    "ldl_solve, panels": lambda T, m, p: T.linalg.ldl_solve(*T.linalg.ldl_factor(m(100, 100)), m(100, 7)),
    "ldl_solve": lambda T, m, p: T.linalg.ldl_solve(*T.linalg.ldl_factor(m(5, 5)), m(2, 5, 3)),
    "ldl_solve, Hermitian": lambda T, m, p: T.linalg.ldl_solve(
        *T.linalg.ldl_factor(m(5, 5) + m(5, 5).mH - 3 * T.eye(5), hermitian=True), m(5, 3), hermitian=True
    ),
    "matrix_exp": lambda T, m, p: T.matrix_exp(m(2, 4, 4)),
    "matrix_exp of large matrices": lambda T, m, p: T.linalg.matrix_exp(
        m(2, 4, 4) * T.tensor([1e-9, 7]).reshape(2, 1, 1)
    ),
    "matrix_exp of small ones": lambda T, m, p: [T.matrix_exp(m(3, 3) * s) for s in (1e-9, 1e-5, 1e-3, 0.02, 0.2, 0.5)],
    "matrix_exp of nothing": lambda T, m, p: T.matrix_exp(m(2, 0, 0)),
    "matrix_power": lambda T, m, p: [T.linalg.matrix_power(m(2, 3, 3), n) for n in (-3, -1, 0, 1, 2, 5)],
    "multi_dot": lambda T, m, p: T.linalg.multi_dot([m(3), m(3, 9), m(9, 2), m(2, 7)]),
    "multi_dot of two vectors": lambda T, m, p: T.linalg.multi_dot([m(3), m(3)]),
    "eigvalsh": lambda T, m, p: T.linalg.eigvalsh(p(2, 5, 5)),
    "eigvalsh, upper": lambda T, m, p: T.linalg.eigvalsh(p(5, 5).triu(), UPLO="U"),
    "eigvalsh of a diagonal and of zeros": lambda T, m, p: [T.linalg.eigvalsh(x) for x in (m(20).diag(), m(3, 3) * 0)],
    "eigvalsh of equal eigenvalues": lambda T, m, p: T.linalg.eigvalsh(m(20, 20) * 0 + 1),
    "eigvalsh of small and large numbers": lambda T, m, p: [T.linalg.eigvalsh(p(5, 5) * s) / s for s in (1e-30, 1e30)],
    "eigvalsh, divided": lambda T, m, p: T.linalg.eigvalsh(p(150, 150)),
    "svdvals": lambda T, m, p: T.linalg.svdvals(m(2, 5, 3)),
    "svdvals of a wide matrix": lambda T, m, p: T.linalg.svdvals(m(40, 90)),
    "svdvals without rank": lambda T, m, p: T.linalg.svdvals(m(40, 3) @ m(3, 40)),
    "svdvals of small and large numbers": lambda T, m, p: [
        T.linalg.svdvals(m(5, 5).abs() * s) / s for s in (1e-30, 1e30)
    ],
    "svdvals of nothing": lambda T, m, p: T.linalg.svd(m(0, 3)),
    "pinv": lambda T, m, p: T.linalg.pinv(m(2, 5, 3)),
    "pinv of a singular matrix": lambda T, m, p: T.linalg.pinv(m(3, 3) * 0 + 1),
    "pinv, Hermitian": lambda T, m, p: T.linalg.pinv(p(3, 3), hermitian=True),
    "pinv with a bound": lambda T, m, p: T.linalg.pinv(p(3, 3), rtol=0.3),
    "pinverse": lambda T, m, p: m(3, 5).pinverse(),
    "pinv of nothing": lambda T, m, p: T.linalg.pinv(m(0, 3)),
    "matrix_rank": lambda T, m, p: T.linalg.matrix_rank(T.stack([m(3, 3), m(3, 3) * 0 + 1, m(3, 3) * 0])),
    "matrix_rank with bounds": lambda T, m, p: T.linalg.matrix_rank(p(4, 4), atol=1.5, rtol=0.1, hermitian=True),
    "matrix_rank with a bound": lambda T, m, p: T.linalg.matrix_rank(p(4, 4), 1.5),
    "cond": lambda T, m, p: [T.linalg.cond(m(2, 3, 3), k) for k in (None, 1, -1, 2, -2, float("inf"), "fro", "nuc")],
    "cond of a singular matrix": lambda T, m, p: T.linalg.cond(m(3, 3) * 0, 1),
    "matrix_norm": lambda T, m, p: [
        T.linalg.matrix_norm(m(2, 3, 4), k) for k in ("fro", "nuc", 1, -1, 2, -2, float("inf"), -float("inf"))
    ],
    "matrix_norm, dims kept": lambda T, m, p: [
        T.linalg.matrix_norm(m(2, 3, 4), k, dim=(2, 0), keepdim=True) for k in ("fro", "nuc", 1, 2, float("inf"))
    ],
    "norm": lambda T, m, p: [T.linalg.norm(m(3, 4), k) for k in (None, "fro", "nuc", 1, 2, -float("inf"))],
    "norm of vectors": lambda T, m, p: [T.linalg.norm(m(3, 4), k, dim=1) for k in (None, 0, 1, 3)],
    "nuclear norm in torch.norm": lambda T, m, p: T.norm(m(3, 4), "nuc"),
    "lstsq, tall without rank": lambda T, m, p: T.linalg.lstsq(m(70, 3) @ m(3, 5), m(70, 2))[:3],
    "lstsq": lambda T, m, p: T.linalg.lstsq(m(2, 5, 3), m(2, 5, 2)),
    "lstsq, gelsd": lambda T, m, p: T.linalg.lstsq(m(5, 3), m(5, 2), driver="gelsd"),
    "lstsq, wide": lambda T, m, p: T.linalg.lstsq(m(3, 5), m(3, 2), driver="gelss").solution,
    "vander": lambda T, m, p: T.linalg.vander(m(2, 3), N=4),
    "vander of integers": lambda T, m, p: T.linalg.vander(T.arange(4)),
    "cross": lambda T, m, p: T.linalg.cross(m(4, 3), m(1, 3)),
    "old cross": lambda T, m, p: m(3, 4).cross(m(3, 4)),
    "vecdot": lambda T, m, p: T.linalg.vecdot(m(3, 4), m(4)),
    "diagonal": lambda T, m, p: T.linalg.diagonal(m(2, 3, 4), offset=1),
    "tensorinv": lambda T, m, p: T.linalg.tensorinv(m(2, 6, 3, 4) * T.arange(1, 5)),
    "tensorsolve": lambda T, m, p: T.linalg.tensorsolve(m(2, 6, 4, 3), m(2, 6)),
}


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("dtype", ["float32", "float64", "complex64", "complex128"])
@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_agrees_with_torch(case, dtype, oracle, assert_same, matrices, positive):
    def run(T):
        return case(T, lambda *s: matrices(T, *s, dtype=dtype), lambda *s: positive(T, *s, dtype=dtype))

    def resolved(x):
        # torch conjugates lazily, which its numpy() refuses.
        return [resolved(y) for y in x] if isinstance(x, list | tuple) else x.resolve_conj()

    small = dtype in ("float32", "complex64")
    assert_same(run(torch), resolved(run(oracle)), rtol=2e-3 if small else 1e-9, atol=2e-4 if small else 1e-10)
