"""Decompositions whose vectors are not unique: what they multiply to, and their order."""

import pytest

import rustorch as torch

DTYPES = ["float32", "float64", "complex64", "complex128"]


def close(a, b):
    bound = 1e-4 if a.dtype in (torch.float32, torch.complex64) else 1e-10
    return a.shape == b.shape and bool(((a - b).abs() < bound).all())


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(5, 3), (3, 5), (2, 4, 4), (30, 7), (140, 130)])
@pytest.mark.parametrize("full", [True, False])
def test_svd_multiplies_to_its_input(matrices, shape, dtype, full):
    a = matrices(torch, *shape, dtype=dtype)
    u, s, vh = torch.linalg.svd(a, full_matrices=full)
    m, n = shape[-2:]
    k = min(m, n)
    assert u.shape[-2:] == (m, m if full else k) and vh.shape[-2:] == (n if full else k, n)
    assert close((u[..., :k] * s.unsqueeze(-2)) @ vh[..., :k, :], a)
    for q in (u.mH @ u, vh @ vh.mH):
        assert close(q, torch.eye(q.shape[-1], dtype=q.dtype).expand_as(q))
    assert bool((s[..., 1:] <= s[..., :-1]).all())


def test_old_svd_returns_v_itself(matrices):
    a = matrices(torch, 5, 3)
    u, s, v = a.svd()
    assert close(u * s @ v.mT, a)
    u, _, v = a.svd(compute_uv=False)
    assert u.shape == (5, 5) and v.shape == (3, 3) and not u.any()


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(1, 1), (5, 5), (2, 4, 4), (31, 31), (2, 32, 32), (65, 65), (140, 140)])
def test_eigh_multiplies_to_its_input(positive, shape, dtype):
    a = positive(torch, *shape, dtype=dtype)
    values, vectors = torch.linalg.eigh(a)
    assert not values.is_complex()
    bound = 200 if shape[-1] > 50 else 1
    assert close((vectors * values.unsqueeze(-2)) @ vectors.mH / bound, a / bound)
    eye = torch.eye(shape[-1], dtype=a.dtype).expand(shape)
    assert close(vectors.mH @ vectors, eye)
    assert bool((values[..., 1:] >= values[..., :-1]).all())


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("kind", ["zero", "identity", "diagonal", "tridiagonal", "rank 1"])
def test_eigh_of_matrices_that_are_nearly_done(kind, dtype):
    n = 70
    line = torch.arange(1.0, n + 1, dtype=getattr(torch, dtype))
    eye = torch.eye(n, dtype=line.dtype)
    a = {
        "zero": lambda: eye * 0,
        "identity": lambda: eye,
        "diagonal": lambda: (line * 7 % 11).diag(),
        "tridiagonal": lambda: 2 * eye - eye.roll(1, 0).triu(1) - eye.roll(-1, 0).tril(-1),
        "rank 1": lambda: line.outer(line) / n**2,
    }[kind]()
    values, vectors = torch.linalg.eigh(a)
    size = max(values.abs().max().item(), 1e-30)
    assert close((vectors * values) @ vectors.T / size, a / size)
    assert close(vectors.T @ vectors, eye)
    assert close(values / size, torch.linalg.eigvalsh(a) / size)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n", [20, 40, 70])
@pytest.mark.parametrize("scale", [1e-30, 1e-15, 1e15, 1e30])
def test_eigenvalues_of_small_and_large_matrices(matrices, scale, n, dtype):
    a = matrices(torch, n, n, dtype=dtype)
    values, vectors = torch.linalg.eig(a * scale)
    assert close(a.to(vectors.dtype) @ vectors, vectors * (values / scale))
    sizes = (torch.linalg.eigvals(x).abs().sort().values for x in (a, a * scale))
    assert close(next(sizes), next(sizes) / scale)
    h = a + a.mH
    values, vectors = torch.linalg.eigh(h * scale)
    assert close((vectors * (values / scale)) @ vectors.mH, h)
    assert close(torch.linalg.eigvalsh(h * scale) / scale, torch.linalg.eigvalsh(h))
    u, s, vh = torch.linalg.svd(a * scale)
    assert close((u * (s / scale)) @ vh, a)
    assert close(torch.linalg.svdvals(a * scale) / scale, s / scale)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(1, 1), (5, 5), (2, 4, 4), (60, 60)])
def test_eig_multiplies_to_its_input(matrices, shape, dtype):
    a = matrices(torch, *shape, dtype=dtype)
    values, vectors = torch.linalg.eig(a)
    assert values.is_complex() and vectors.is_complex()
    assert close(a.to(vectors.dtype) @ vectors, vectors * values.unsqueeze(-2))
    assert close(torch.linalg.vector_norm(vectors, dim=-2), torch.ones(shape[:-1], dtype=a.real.dtype))


def test_eigenvalues_are_those_of_eig(matrices):
    a = matrices(torch, 6, 6)
    values, others = (x.abs().sort().values for x in (torch.linalg.eigvals(a), torch.linalg.eig(a).eigenvalues))
    assert close(values, others)
    rotation = torch.tensor([[0.0, -1.0], [1.0, 0.0]])
    assert sorted(torch.linalg.eigvals(rotation).imag.tolist()) == pytest.approx([-1, 1])


def test_the_diagonal_of_hermitian_matrices_counts_as_real(positive):
    a = positive(torch, 4, 4, dtype="complex128")
    skewed = a + 1j * torch.eye(4, dtype=torch.float64)
    assert close(torch.linalg.eigvalsh(skewed), torch.linalg.eigvalsh(a))
    assert close(torch.linalg.cholesky(skewed), torch.linalg.cholesky(a))


def test_one_triangle_is_read(positive):
    a = positive(torch, 4, 4, dtype="complex128")
    values = torch.linalg.eigvalsh(a)
    assert close(torch.linalg.eigh(a.tril()).eigenvalues, values)
    assert close(torch.linalg.eigh(a.triu(), UPLO="U").eigenvalues, values)


def test_low_rank_factors_are_those_of_torch(oracle, matrices, assert_same):
    for shape in [(9, 5), (5, 9), (2, 8, 6)]:
        for dtype in ("float64", "complex128"):
            torch.manual_seed(1), oracle.manual_seed(1)
            ours, theirs = (T.svd_lowrank(matrices(T, *shape, dtype=dtype), q=3) for T in (torch, oracle))
            assert_same(ours[1], theirs[1])
    x = matrices(torch, 30, 2) @ matrices(torch, 2, 6, seed=1) + 5
    u, s, v = torch.pca_lowrank(x, q=3)
    assert close(u * s @ v.mT, x - x.mean(0)) and s[2] < 1e-10
    assert torch.svd_lowrank(x, M=x.mean(0, keepdim=True))[1][2] < 1e-10
    with pytest.raises(ValueError, match="not greater than min"):
        torch.pca_lowrank(x, q=9)
