"""Wrong input of linear algebra: torch's classes and sentences; results that are asked for in odd places."""

import pytest

import rustorch as torch

LinAlgError = torch.linalg.LinAlgError
Z, E = torch.zeros, torch.eye
NAN = float("nan")
SINGULAR = "The diagonal element 1 is zero, the inversion could not be completed because the input matrix is singular"
MINOR = "not positive-definite \\(the leading minor of order 1 is not positive-definite\\)"

ERRORS = {
    "qr of a vector": (lambda: torch.linalg.qr(Z(3)), RuntimeError, "The input tensor A must have at least 2 dim"),
    "qr of integers": (lambda: torch.linalg.qr(Z(3, 3).int()), RuntimeError, "Expected a floating point or complex"),
    "qr of halves": (lambda: torch.linalg.qr(Z(3, 3).half()), NotImplementedError, '"geqrf_cpu" not implemented'),
    "qr mode": (lambda: torch.linalg.qr(Z(3, 3), "x"), RuntimeError, "qr received unrecognized mode 'x'"),
    "too few rows": (lambda: torch.orgqr(Z(2, 3), Z(1)), RuntimeError, "must be greater than or equal to input.shape"),
    "ormqr": (lambda: torch.ormqr(Z(3, 2), Z(2), Z(4, 4)), RuntimeError, "must be equal to input.shape"),
    "solve": (lambda: torch.linalg.solve(Z(3, 3), Z(3)), LinAlgError, "^torch.linalg.solve: The solver failed"),
    "solve in a batch": (
        lambda: torch.linalg.solve(Z(2, 3, 3), Z(2, 3)),
        LinAlgError,
        r"\(Batch element 0\): The solver",
    ),
    "solve, shapes": (
        lambda: torch.linalg.solve(Z(3, 3), Z(4, 3)),
        RuntimeError,
        r"Incompatible shapes of A and B for the equation AX = B \(3x3 and 4x3\)",
    ),
    "solve, batches": (
        lambda: torch.linalg.solve(E(3).expand(2, 3, 3), Z(3, 3, 4)),
        RuntimeError,
        "must match the size",
    ),
    "solve, dtypes": (lambda: torch.linalg.solve(E(3), Z(3).double()), RuntimeError, "to have the same dtype"),
    "inv": (lambda: torch.linalg.inv(Z(3, 3)), LinAlgError, f"^linalg.inv: {SINGULAR}"),
    "inv of a batch": (lambda: Z(2, 3, 3).inverse(), LinAlgError, rf"^linalg.inv: \(Batch element 0\): {SINGULAR}"),
    "inv of a wide matrix": (lambda: torch.linalg.inv(Z(3, 2)), RuntimeError, "but they are 3 by 2 matrices"),
    "inv_ex": (lambda: torch.linalg.inv_ex(Z(3, 3), check_errors=True), LinAlgError, f"^linalg.inv_ex: {SINGULAR}"),
    "lu_factor": (lambda: torch.linalg.lu_factor(torch.ones(3, 3)), RuntimeError, r"U\[2,2\] is zero and using it"),
    "lu without pivots": (lambda: torch.linalg.lu(E(3), pivot=False), RuntimeError, "without pivoting is not"),
    "lu_solve, pivots": (
        lambda: torch.linalg.lu_solve(E(3), torch.tensor([9, 1, 1]).int(), E(3)),
        RuntimeError,
        "smaller or equal to LU.size",
    ),
    "lu_solve, no pivots": (
        lambda: torch.linalg.lu_solve(E(3), Z(3).int(), E(3)),
        RuntimeError,
        "greater or equal to 1",
    ),
    "lu_unpack": (lambda: torch.lu_unpack(E(3), Z(3).int()), RuntimeError, "must be between 1 and LU.size"),
    "det": (lambda: torch.det(Z(3, 2)), RuntimeError, "linalg.det: A must be batches of square matrices"),
    "solve_triangular": (
        lambda: torch.linalg.solve_triangular(Z(3, 3), Z(3, 4), upper=True, left=False),
        RuntimeError,
        "for the equation XA = B",
    ),
    "triangular_solve": (
        lambda: torch.triangular_solve(Z(4, 3), E(3)),
        RuntimeError,
        "Incompatible matrix sizes for tri",
    ),
    "cholesky": (lambda: torch.linalg.cholesky(-E(3)), LinAlgError, f"^linalg.cholesky: The factorization.*{MINOR}"),
    "cholesky of NaN": (lambda: torch.cholesky(E(3) * NAN), LinAlgError, f"^cholesky: The factorization.*{MINOR}"),
    "cholesky_solve": (lambda: torch.cholesky_solve(Z(3, 3), Z(2, 2)), RuntimeError, "each b matrix is 3 by 3"),
    "cholesky_inverse": (lambda: torch.cholesky_inverse(Z(3, 3)), LinAlgError, f"^cholesky_inverse: {SINGULAR}"),
    "matrix_exp": (lambda: torch.matrix_exp(Z(3, 2)), RuntimeError, "linalg.matrix_exp: A must be batches of square"),
    "matrix_power": (lambda: torch.linalg.matrix_power(Z(3, 3), -2), LinAlgError, f"^linalg.inv: {SINGULAR}"),
    "multi_dot": (lambda: torch.linalg.multi_dot([Z(3)]), RuntimeError, "expected at least 2 tensors but got 1"),
    "multi_dot, shapes": (lambda: torch.linalg.multi_dot([Z(3, 3), Z(2, 3)]), RuntimeError, "cannot be multiplied"),
    "eigh": (lambda: torch.linalg.eigh(E(3) * NAN), LinAlgError, "linalg.eigh: The algorithm failed to converge"),
    "eigh, triangle": (lambda: torch.linalg.eigh(E(3), "X"), RuntimeError, "Expected UPLO argument to be 'L' or 'U'"),
    "eig": (lambda: torch.linalg.eig(E(3) * NAN), RuntimeError, "should not contain infs or NaNs"),
    "svd": (lambda: torch.linalg.svd(E(3) * NAN), LinAlgError, "linalg.svd: The algorithm failed to converge"),
    "svd, driver": (lambda: torch.linalg.svd(E(3), driver="gesvd"), RuntimeError, "is only supported on CUDA"),
    "pinv": (lambda: torch.linalg.pinv(Z(3)), RuntimeError, r"linalg.pinv\(Float\{\[3\]\}\): expected a tensor"),
    "cond": (lambda: torch.linalg.cond(E(3), 3), RuntimeError, "linalg.cond got an invalid norm type: 3"),
    "matrix_norm": (lambda: torch.linalg.matrix_norm(E(3), "x"), RuntimeError, "Order x not supported"),
    "matrix_norm, dims": (lambda: torch.linalg.matrix_norm(E(3), dim=(0, 0)), RuntimeError, "dims must be different"),
    "norm": (lambda: torch.linalg.norm(Z(3, 3, 3), 2), RuntimeError, "the input must be 1D or 2D. Got 3D"),
    "lstsq": (lambda: torch.linalg.lstsq(Z(5, 3), Z(4, 2)), RuntimeError, "should match other.size"),
    "cross": (lambda: torch.linalg.cross(Z(5, 2), Z(5, 2)), RuntimeError, "must have length 3. Got 2 and 2"),
    "old cross": (lambda: torch.cross(Z(4, 2), Z(4, 2)), RuntimeError, "no dimension of size 3 in input"),
    "vander": (lambda: torch.linalg.vander(torch.tensor(3)), RuntimeError, "N must be greater than 1"),
    "tensorinv": (lambda: torch.linalg.tensorinv(E(4), 0), RuntimeError, "Expected a strictly positive integer"),
    "tensorsolve": (lambda: torch.linalg.tensorsolve(Z(2, 3), Z(2)), RuntimeError, "to satisfy the requirement prod"),
}


@pytest.mark.parametrize(("call", "error", "text"), ERRORS.values(), ids=ERRORS)
def test_errors(call, error, text):
    with pytest.raises(error, match=text) as caught:
        call()
    assert type(caught.value) is error
    assert "expected" in str(caught.value)


def test_the_error_of_singular_matrices_is_a_runtime_error():
    assert issubclass(LinAlgError, RuntimeError)
    assert LinAlgError.__name__ == "_LinAlgError"


def test_info_says_what_the_error_would():
    assert torch.linalg.inv_ex(torch.ones(2, 3, 3)).info.tolist() == [2, 2]
    assert torch.linalg.cholesky_ex(torch.diag(torch.tensor([1.0, -1.0]))).info.item() == 2
    assert torch.linalg.lu_factor_ex(Z(3, 3)).info.item() == 1


def test_results_have_names_and_go_where_out_says():
    a = torch.rand(4, 3)
    r = torch.linalg.qr(a)
    assert r.Q is r[0] and type(r).__name__ == "linalg_qr"
    out = (torch.empty(0), torch.empty(0))
    q, _ = torch.linalg.qr(a, out=out)
    assert q is out[0] and torch.equal(out[1], r.R)
    x = torch.empty(3, 3)
    assert torch.linalg.inv(torch.eye(3) * 2, out=x) is x and x[0, 0] == 0.5
    with pytest.raises(RuntimeError, match="can't be cast"):
        torch.linalg.inv(torch.eye(3, dtype=torch.complex64), out=x)


def test_shapes_on_the_meta_device():
    a = torch.empty(2, 5, 3, device="meta")
    assert [x.shape for x in torch.linalg.qr(a)] == [(2, 5, 3), (2, 3, 3)]
    assert [x.shape for x in torch.linalg.svd(a)] == [(2, 5, 5), (2, 3), (2, 3, 3)]
    square = a[:, :3]
    for f in (torch.linalg.inv, torch.matrix_exp, torch.linalg.cholesky):
        assert f(square).shape == (2, 3, 3) and f(square).is_meta
    assert torch.linalg.solve(square, square).shape == (2, 3, 3)
    assert torch.linalg.det(square).shape == (2,)


def test_the_number_of_threads_changes_no_bit(matrices):
    a = matrices(torch, 6, 100, 100, dtype="float32")
    threads = torch.get_num_threads()

    def run():
        values = torch.linalg.svdvals(a)
        return torch.cat([t.flatten() for t in (*torch.linalg.qr(a), torch.linalg.inv(a), torch.matrix_exp(a), values)])

    try:
        torch.set_num_threads(1)
        one = run()
        torch.set_num_threads(3)
        assert torch.equal(run(), one)
    finally:
        torch.set_num_threads(threads)


def test_orthogonal_initialisation_is_that_of_torch(oracle, assert_same):
    for shape in [(5, 5), (7, 3), (3, 7), (64, 9, 3, 3), (80, 40)]:
        torch.manual_seed(3), oracle.manual_seed(3)
        ours, theirs = torch.empty(shape), oracle.empty(shape)
        assert_same(torch.nn.init.orthogonal_(ours), oracle.nn.init.orthogonal_(theirs), rtol=1e-4, atol=1e-5)
