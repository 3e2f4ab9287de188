"""First and second derivatives of linear algebra, real and complex, against differences."""

import pytest

import rustorch as torch
from rustorch.autograd import gradcheck, gradgradcheck


def hermitian(x):
    return x + x.mH


def shifted(x):
    """Positive definite."""
    return x @ x.mH + torch.eye(x.shape[-1], dtype=x.dtype)


def triangle(x):
    return x.tril() + 2 * torch.eye(x.shape[-1], dtype=x.dtype)


# Shapes of the inputs, and the function. What has a free phase is made free of it.
CASES = {
    "qr": ([(4, 3)], lambda a: torch.linalg.qr(a)),
    "qr, square": ([(3, 3)], lambda a: torch.linalg.qr(a, mode="complete")),
    "qr, wide": ([(2, 3, 4)], lambda a: torch.linalg.qr(a)),
    "r of a wide matrix": ([(3, 4)], lambda a: torch.linalg.qr(a).R),
    "q of a wide matrix": ([(3, 4)], lambda a: torch.linalg.qr(a).Q),
    "householder_product": ([(4, 3), (2,)], torch.linalg.householder_product),
    "ormqr": ([(4, 3), (3,), (4, 2)], lambda a, t, c: torch.ormqr(a, t, c, transpose=True)),
    "solve": ([(2, 3, 3), (3, 2)], torch.linalg.solve),
    "solve from the right": ([(3, 3), (2, 3)], lambda a, b: torch.linalg.solve(a, b, left=False)),
    "inv": ([(2, 3, 3)], torch.linalg.inv),
    "lu_factor": ([(3, 3)], lambda a: torch.linalg.lu_factor(a).LU),
    "lu": ([(2, 3, 3)], lambda a: torch.linalg.lu(a)[1:]),
    "lu, tall": ([(4, 3)], lambda a: torch.linalg.lu(a)[1:]),
    "lu, wide": ([(3, 4)], lambda a: torch.linalg.lu(a)[1:]),
    "lu_solve": ([(3, 3), (3, 2)], lambda a, b: torch.linalg.lu_solve(*torch.linalg.lu_factor(a), b)),
    "lu_solve, adjoint": (
        [(3, 3), (3, 2)],
        lambda a, b: torch.linalg.lu_solve(*torch.linalg.lu_factor(a), b, adjoint=True),
    ),
    "lu_solve for b alone": (
        [(3, 2)],
        lambda b: torch.linalg.lu_solve(*torch.linalg.lu_factor(2 * torch.eye(3, dtype=b.dtype) + 1), b),
    ),
    "det": ([(2, 3, 3)], torch.linalg.det),
    "slogdet": ([(3, 3)], torch.linalg.slogdet),
    "solve_triangular": ([(3, 3), (2, 3, 2)], lambda a, b: torch.linalg.solve_triangular(triangle(a), b, upper=False)),
    "solve_triangular, unit, right": (
        [(3, 3), (2, 3)],
        lambda a, b: torch.linalg.solve_triangular(a, b, upper=True, left=False, unitriangular=True),
    ),
    "triangular_solve": ([(3, 2), (3, 3)], lambda b, a: torch.triangular_solve(b, triangle(a), upper=False)[0]),
    "cholesky": ([(2, 3, 3)], lambda a: torch.linalg.cholesky(shifted(a))),
    "cholesky, upper": ([(3, 3)], lambda a: torch.linalg.cholesky(shifted(a), upper=True)),
    "cholesky_solve": ([(3, 2), (3, 3)], lambda b, a: torch.cholesky_solve(b, triangle(a))),
    "cholesky_inverse": ([(3, 3)], lambda a: torch.cholesky_inverse(triangle(a))),
    "matrix_exp": ([(2, 3, 3)], torch.linalg.matrix_exp),
    "matrix_power": ([(3, 3)], lambda a: torch.linalg.matrix_power(a, -2)),
    "multi_dot": ([(3,), (3, 2), (2, 2)], lambda *ts: torch.linalg.multi_dot(ts)),
    "eigvalsh": ([(2, 3, 3)], lambda a: torch.linalg.eigvalsh(hermitian(a))),
    "eigh": ([(3, 3)], lambda a: torch.linalg.eigh(hermitian(a)).eigenvectors.abs()),
    "eigvals": ([(3, 3)], lambda a: torch.linalg.eigvals(a).abs()),
    "eig": ([(3, 3)], lambda a: torch.linalg.eig(a).eigenvectors.abs()),
    "svdvals": ([(2, 4, 3)], torch.linalg.svdvals),
    "svd, tall": ([(4, 3)], lambda a: [x.abs() for x in torch.linalg.svd(a, full_matrices=False)]),
    "svd, wide": ([(3, 4)], lambda a: [x.abs() for x in torch.linalg.svd(a, full_matrices=False)]),
    "u v of an svd": ([(3, 3)], lambda a: (lambda u, s, vh: u @ vh)(*torch.linalg.svd(a))),
    "pinv": ([(2, 4, 3)], torch.linalg.pinv),
    "nuclear norm": ([(3, 4)], lambda a: torch.linalg.matrix_norm(a, "nuc")),
    "norm 2": ([(3, 4)], lambda a: torch.linalg.matrix_norm(a, 2)),
    "norm 1": ([(3, 4)], lambda a: torch.linalg.matrix_norm(a, 1)),
    "lstsq": ([(4, 3), (4, 2)], lambda a, b: torch.linalg.lstsq(a, b).solution),
    "cond": ([(3, 3)], torch.linalg.cond),
    "cross": ([(2, 3), (1, 3)], torch.linalg.cross),
    "vecdot": ([(2, 3), (3,)], torch.linalg.vecdot),
    "vander": ([(3,)], torch.linalg.vander),
}


@pytest.mark.parametrize("dtype", ["float64", "complex128"])
@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_derivatives(case, dtype, matrices):
    shapes, function = case
    inputs = tuple(matrices(torch, *s, dtype=dtype, seed=i).requires_grad_() for i, s in enumerate(shapes))
    assert gradcheck(function, inputs)
    assert gradgradcheck(function, inputs)


def test_det_has_a_derivative_where_it_is_zero():
    x = torch.tensor([[1.0, 2.0], [2.0, 4.0]], dtype=torch.float64, requires_grad=True)
    x.det().backward()
    assert torch.allclose(x.grad, torch.tensor([[4.0, -2.0], [-2.0, 1.0]], dtype=torch.float64))


def test_derivatives_that_do_not_exist():
    x = torch.rand(4, 3, requires_grad=True)
    with pytest.raises(RuntimeError, match="mode='complete' and nrows > ncols"):
        torch.linalg.qr(x, mode="complete").R.sum().backward()
    with pytest.raises(RuntimeError, match="Q, which is not computed when mode='r'"):
        torch.linalg.qr(x, mode="r").R.sum().backward()
    with pytest.raises(NotImplementedError, match="the derivative for 'geqrf' is not implemented"):
        torch.geqrf(x)[0].sum().backward()


@pytest.mark.parametrize(
    ("function", "text"),
    [
        (lambda a: torch.linalg.svd(a).U, "svd_backward: The singular vectors in the complex case"),
        (
            lambda a: torch.linalg.eigh(a + a.mH).eigenvectors,
            "linalg_eigh_backward: The eigenvectors in the complex case",
        ),
        (lambda a: torch.linalg.eig(a).eigenvectors, "linalg_eig_backward: The eigenvectors in the complex case"),
    ],
)
def test_losses_that_depend_on_a_phase_have_no_derivative(function, text, matrices):
    a = matrices(torch, 3, 3, dtype="complex128").requires_grad_()
    with pytest.raises(RuntimeError, match=text):
        function(a).real.sum().backward()


def test_gradients_agree_with_torch(oracle, matrices, assert_same):
    def run(T, dtype):
        a, b = (matrices(T, *s, dtype=dtype, seed=i).requires_grad_() for i, s in enumerate([(3, 3), (3, 2)]))
        x = T.linalg.solve(a, b)
        y = T.linalg.svdvals(a).sum() + T.linalg.slogdet(a).logabsdet + T.matrix_exp(a).abs().sum()
        (x.abs().sum() + y).backward()
        return a.grad, b.grad

    for dtype in ("float64", "complex128"):
        assert_same(run(torch, dtype), run(oracle, dtype), rtol=1e-8)


def test_gradients_of_casts_to_complex_are_real_without_a_warning():
    x = torch.ones(2, dtype=torch.float64, requires_grad=True)
    (x.to(torch.complex128) * (2 + 3j)).backward(torch.ones(2, dtype=torch.complex128))
    assert x.grad.tolist() == [2, 2]
