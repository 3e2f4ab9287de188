"""Linear algebra: the main namespace and the extension."""

import itertools

import numpy as np
import pytest
from array_api.support import COMPLEX, FLOATS, NUMERIC, agree, array, dtypes_promote, strict, xp

BATCHES = [(), (2,), (0,), (2, 1)]


def definite(x):
    return x @ np.swapaxes(x.conj(), -1, -2) + np.eye(x.shape[-1], dtype=x.dtype)


def test_products_promote():
    for a, b in itertools.product(NUMERIC, NUMERIC):
        if dtypes_promote(a, b):
            agree("matmul", array(a, (2, 3)), array(b, (3, 2)))
            agree("tensordot", array(a, (2, 3)), array(b, (3, 2)), axes=1)
            agree("vecdot", array(a, (2, 3)), array(b, (3,)))
            agree("linalg.outer", array(a, (2,)), array(b, (3,)))
            agree("linalg.cross", array(a, (2, 3)), array(b, (3,)))


@pytest.mark.parametrize("dtype", NUMERIC)
def test_shapes_of_products(dtype):
    for a, b in (((3,), (3,)), ((2, 3), (3,)), ((3,), (3, 2)), ((2, 2, 3), (3, 2)), ((2, 1, 2, 3), (3, 3, 2))):
        agree("matmul", array(dtype, a), array(dtype, b))
    for a, b in (((0,), (0,)), ((0, 2), (2, 3)), ((2, 0), (0, 3))):
        agree("matmul", array(dtype, a), array(dtype, b))
    for axes in (0, 1, 2, ((1,), (0,)), ((-1,), (-2,)), ((0, 1), (1, 0))):
        agree("tensordot", array(dtype, (3, 3)), array(dtype, (3, 3)), axes=axes)
    agree("tensordot", array(dtype, (0, 2)), array(dtype, (2, 3)), axes=1)
    agree("tensordot", array(dtype, ()), array(dtype, ()), axes=0)
    for a, b, axis in (((3,), (3,), -1), ((2, 3), (1, 3), -1), ((3, 2), (3, 1), -2), ((4, 3, 2), (3, 2), -2)):
        agree("vecdot", array(dtype, a), array(dtype, b), axis=axis)
        agree("linalg.cross", array(dtype, a), array(dtype, b), axis=axis)
    for offset in (0, 1, -2, 7):
        agree("linalg.trace", array(dtype, (2, 3, 4)), offset=offset)
        agree("linalg.diagonal", array(dtype, (2, 3, 4)), offset=offset)


def test_contracted_axes_do_not_broadcast():
    with pytest.raises(ValueError, match="expected axes of one size, but got 1 and 3"):
        xp.vecdot(xp.ones((2, 1)), xp.ones((2, 3)))
    with pytest.raises(ValueError, match="expected 3 elements along axis -1"):
        xp.linalg.cross(xp.ones((2, 1)), xp.ones((2, 3)))


@pytest.mark.parametrize("dtype", FLOATS + COMPLEX)
@pytest.mark.parametrize("batch", BATCHES)
def test_decompositions_and_norms(dtype, batch):
    for n, m in ((3, 3), (2, 4), (4, 2), (1, 1)):
        x = array(dtype, (*batch, n, m))
        agree("linalg.svdvals", x)
        agree("linalg.pinv", x)
        agree("linalg.pinv", x, rtol=0.1)
        agree("linalg.matrix_rank", x)
        for name, options in (("svd", "full_matrices"), ("qr", "mode")):
            for option in (True, False) if name == "svd" else ("complete", "reduced"):
                agree(f"linalg.{name}", x, values=False, **{options: option})
        for order, keepdims in itertools.product(("fro", "nuc", 1, -1, 2, -2, np.inf, -np.inf, None), (False, True)):
            agree("linalg.matrix_norm", x, ord=order, keepdims=keepdims)
        if 0 in batch:
            continue
        for order, axis in itertools.product((0, 1, -1, 2, -2, 3, 0.5, np.inf, -np.inf), (None, -1, 0, (0, 1), ())):
            for keepdims in (False, True):
                agree("linalg.vector_norm", x, ord=order, axis=axis, keepdims=keepdims)


@pytest.mark.parametrize("dtype", FLOATS + COMPLEX)
@pytest.mark.parametrize("batch", BATCHES)
def test_square_matrices(dtype, batch):
    for n in (3, 1, 0):
        x = definite(array(dtype, (*batch, n, n)) / 3)
        for name in ("det", "slogdet", "inv", "cholesky", "eigvalsh"):
            agree(f"linalg.{name}", x)
        agree("linalg.cholesky", x, upper=True)
        agree("linalg.eigh", x, values=False)
        for power in (-1, 0, 1, 3):
            agree("linalg.matrix_power", x / 4, power)
        for other, k in itertools.product(((), (1,), (3, 1, 1)), (0, 1, n, 4)):
            agree("linalg.solve", x, array(dtype, (*other, n, k)))
        agree("linalg.solve", x, array(dtype, (n,)))


def test_a_stack_of_square_matrices_is_not_taken_for_vectors():
    # torch reads an x2 of shape x1.shape[:-1] as a batch of vectors.
    agree("linalg.solve", definite(array("float64", (2, 2, 2))), array("float64", (2, 2)))
    agree("linalg.solve", definite(array("float64", (3, 2, 2))), array("float64", (3, 2, 2), seed=1))


def test_results_have_the_standards_names():
    x = np.eye(2)
    for name in ("eigh", "qr", "slogdet", "svd"):
        fields = getattr(strict.linalg, name)(strict.asarray(x))._fields
        assert getattr(xp.linalg, name)(xp.asarray(x))._fields == fields


def test_factors_give_the_matrix_again():
    x = xp.asarray(array("complex128", (2, 4, 3)))
    q, r = xp.linalg.qr(x)
    u, s, vh = xp.linalg.svd(x, full_matrices=False)
    for product in (q @ r, (u * s[:, None, :].to(u.dtype)) @ vh):
        assert product.allclose(x)
