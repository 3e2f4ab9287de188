"""Jacobians, Hessians and their products."""

import pytest

import rustorch as torch
from rustorch.autograd import functional


def t(*values):
    return torch.tensor(values, dtype=torch.float64)


def cubes(x):
    return (x**3).sum()


def test_jacobian_of_a_tensor_and_of_tuples():
    j = functional.jacobian(lambda x: x * x, t(1.0, 2.0))
    assert j.tolist() == [[2.0, 0.0], [0.0, 4.0]]
    (a, b), (c, d) = functional.jacobian(lambda x, y: (x * y, x + 2 * y), (t(1.0), t(3.0)))
    assert [a.item(), b.item(), c.item(), d.item()] == [3.0, 1.0, 1.0, 2.0]
    assert functional.jacobian(lambda x: x * x, t(1.0, 2.0), vectorize=True).tolist() == j.tolist()


def test_jacobian_with_a_graph_and_in_strict_mode():
    x = t(2.0).requires_grad_()
    functional.jacobian(lambda x: x**3, x, create_graph=True).sum().backward()
    assert x.grad.item() == 12.0
    with pytest.raises(RuntimeError, match="Output 0 of the user-provided function does not require gradients"):
        functional.jacobian(lambda x: torch.ones(1), t(1.0), strict=True)
    with pytest.raises(RuntimeError, match=r"is independent of input 1. This is not allowed in strict mode"):
        functional.jacobian(lambda x, y: x * 2, (t(1.0), t(1.0)), strict=True)


def test_hessian():
    assert functional.hessian(cubes, t(1.0, 2.0)).tolist() == [[6.0, 0.0], [0.0, 12.0]]
    ((a, b), (c, d)) = functional.hessian(lambda x, y: (x * x * y).sum(), (t(2.0), t(3.0)))
    assert [a.item(), b.item(), c.item(), d.item()] == [6.0, 4.0, 4.0, 0.0]
    with pytest.raises(RuntimeError, match="should contain a single element"):
        functional.hessian(lambda x: x * x, t(1.0, 2.0))


def test_products_with_vectors():
    x, v = t(1.0, 2.0), t(1.0, 10.0)
    out, g = functional.vjp(lambda x: x**2, x, v)
    assert out.tolist() == [1.0, 4.0]
    assert g.tolist() == [2.0, 40.0]
    assert functional.jvp(lambda x: x**2, x, v)[1].tolist() == [2.0, 40.0]
    assert functional.vhp(cubes, x, v)[1].tolist() == [6.0, 120.0]
    assert functional.hvp(cubes, x, v)[1].tolist() == [6.0, 120.0]
    assert not functional.hvp(cubes, x, v)[1].requires_grad


def test_vectors_are_checked():
    with pytest.raises(RuntimeError, match=r"v has invalid size: should be torch.Size"):
        functional.vjp(lambda x: x**2, t(1.0, 2.0), t(1.0))
    with pytest.raises(RuntimeError, match="v can only be None if"):
        functional.vjp(lambda x: x**2, t(1.0, 2.0))
    with pytest.raises(TypeError, match="The inputs given to jvp must be either a Tensor or a tuple of Tensors"):
        functional.jvp(cubes, [1.0])


def test_independent_inputs_give_zeros():
    assert functional.vjp(lambda x, y: x.sum(), (t(1.0), t(2.0)))[1][1].tolist() == [0.0]
    with pytest.raises(RuntimeError, match="is independent of input 1"):
        functional.vjp(lambda x, y: x.sum(), (t(1.0), t(2.0)), strict=True)
