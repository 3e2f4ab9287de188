"""Gradients of gamma and Dirichlet samples by their shape: closed forms, distribution functions, far ends, torch."""

import math

import pytest

import rustorch
from rustorch.distributions import Beta, Dirichlet, Gamma

dirichlet_grad, standard_gamma_grad = rustorch._dirichlet_grad, rustorch._standard_gamma_grad

DOUBLE = {"dtype": rustorch.float64}


@pytest.mark.parametrize("a", [0.01, 0.3, 1.0, 7.0, 150.0, 5000.0])
def test_gamma_samples_keep_their_quantile(a):
    concentration = rustorch.full((50,), a, **DOUBLE)
    x = rustorch._standard_gamma(concentration)
    h = 1e-5 * concentration
    slope = h * standard_gamma_grad(concentration, x)
    above, below = (rustorch.special.gammainc(concentration + s * h, x + s * slope) for s in (1, -1))
    # The quantile is a probability: what is left is of third order in h, or rounding of gammainc.
    assert (above - below).abs().max() < 1e-9 * max(1.0, a**0.5)


def test_exponential_samples_have_a_closed_form_by_their_rate_alone():
    concentration = rustorch.ones(5, **DOUBLE, requires_grad=True)
    rate = rustorch.full((5,), 2.0, **DOUBLE, requires_grad=True)
    x = Gamma(concentration, rate).rsample()
    x.sum().backward()
    assert rate.grad.allclose(-x / 2)
    assert (concentration.grad > 0).all()


@pytest.mark.parametrize("a", [0.02, 0.5, 1.0, 3.0, 40.0])
def test_beta_samples_with_a_unit_concentration_have_closed_forms(a):
    # x = u^(1 / a) for b = 1, and 1 - x likewise for a = 1.
    for of_first in (True, False):
        shape = rustorch.full((200,), a, **DOUBLE, requires_grad=True)
        one = rustorch.ones(200, **DOUBLE)
        x = (Beta(shape, one) if of_first else Beta(one, shape)).rsample()
        (grad,) = rustorch.autograd.grad(x.sum(), shape)
        side = x.detach() if of_first else 1 - x.detach()
        expected = -rustorch.xlogy(side, side) / a
        # 1 - x has lost digits where x is near 1.
        assert grad.allclose(expected if of_first else -expected, rtol=1e-9, atol=1e-14 if of_first else 1e-11)


def test_gradients_of_a_dirichlet_sample_stay_in_the_simplex():
    concentration = rustorch.tensor([[0.3, 2.0, 5.0], [0.01, 0.02, 0.03], [900.0, 50.0, 400.0]], **DOUBLE)
    jacobian = rustorch.zeros(3, 3, 3, **DOUBLE)
    concentration.requires_grad_()
    x = Dirichlet(concentration).rsample()
    for i in range(3):
        (jacobian[:, i],) = rustorch.autograd.grad(x[:, i].sum(), concentration, retain_graph=True)
    assert jacobian.sum(1).abs().max() < 1e-12
    # More of one concentration draws towards its corner.
    assert (jacobian.diagonal(dim1=-2, dim2=-1) >= 0).all()


def test_means_of_gradients_are_gradients_of_means():
    for make, params in ((Gamma, (2.0, 3.0)), (Beta, (0.5, 1.5))):
        params = [rustorch.tensor(p, requires_grad=True, **DOUBLE) for p in params]
        d = make(*params)
        expected = rustorch.autograd.grad(d.mean, params)
        copies = [p.detach().expand(4000).clone().requires_grad_() for p in params]
        grads = rustorch.autograd.grad(make(*copies).rsample().sum(), copies)
        for grad, mean in zip(grads, expected):
            assert (grad.mean() - mean).abs() < 6 * grad.std() / 4000**0.5


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_derivatives_are_torchs(dtype, oracle):
    a = [0.005, 0.05, 0.5, 0.9, 1.5, 8.0, 60.0, 700.0]
    ours, theirs = (T.tensor(a, dtype=getattr(T, dtype)).repeat(50) for T in (rustorch, oracle))
    x = oracle._standard_gamma(theirs)
    reference = oracle._standard_gamma_grad(theirs, x)
    actual = standard_gamma_grad(ours, rustorch.tensor(x.tolist(), dtype=ours.dtype))
    assert actual.dtype == ours.dtype
    assert actual.allclose(rustorch.tensor(reference.tolist(), dtype=ours.dtype), rtol=2e-3, atol=1e-30)
    total = [0.6, 5.0, 2.0, 40.0, 1.6, 9.0, 1000.0, 900.0]
    totals = oracle.tensor(total, dtype=theirs.dtype).repeat(50)
    x = oracle.distributions.Beta(theirs, totals - theirs).sample()
    # At the very ends torch's series and ours start from different roundings of 1 - x.
    x = x.clamp(1e-30, 1 - 1e-5)
    reference = oracle._dirichlet_grad(x, theirs, totals)
    given = [rustorch.tensor(v.tolist(), dtype=ours.dtype) for v in (x, theirs, totals)]
    assert dirichlet_grad(*given).allclose(rustorch.tensor(reference.tolist(), dtype=ours.dtype), rtol=2e-3, atol=1e-30)


def test_ends_of_the_range_do_not_hang():
    zero, one = rustorch.zeros(1), rustorch.ones(1)
    assert standard_gamma_grad(one, zero).item() == 0
    assert dirichlet_grad(zero, one, one + 1).item() == 0
    assert dirichlet_grad(one, one, one + 1).isfinite().all()
    for odd in (math.inf, math.nan):
        assert standard_gamma_grad(one, rustorch.tensor([odd])).isnan().all()
        assert dirichlet_grad(rustorch.tensor([odd]), one, one + 1).isnan().all()


def test_second_derivative_by_the_shape_is_refused():
    a = rustorch.tensor(2.0, requires_grad=True)
    (first,) = rustorch.autograd.grad(Gamma(a, 1.0).rsample(), a, create_graph=True)
    with pytest.raises(NotImplementedError, match="the derivative for '_standard_gamma_grad' is not implemented"):
        first.backward()
    # By the rate there is one.
    rate = rustorch.tensor(3.0, requires_grad=True)
    x = Gamma(2.0, rate).rsample()
    (first,) = rustorch.autograd.grad(x, rate, create_graph=True)
    (second,) = rustorch.autograd.grad(first, rate)
    assert second.allclose(2 * x.detach() / 9)


def test_forward_mode_of_a_gamma_sample():
    a = rustorch.tensor([1.0, 2.0])
    x, tangent = rustorch.func.jvp(lambda a: Gamma(a, 1.0).rsample(), (a,), (rustorch.ones(2),))
    assert tangent.allclose(standard_gamma_grad(a, x))


def test_gradients_of_each_sample_under_vmap():
    rustorch.manual_seed(0)
    each = rustorch.vmap(rustorch.func.grad(lambda a: Gamma(a, 1.0).rsample()), randomness="different")
    a = rustorch.tensor([1.0, 2.0])
    grads = each(a)
    rustorch.manual_seed(0)
    assert grads.allclose(standard_gamma_grad(a, rustorch._standard_gamma(a)))
    draw = rustorch.vmap(lambda a: Dirichlet(a).rsample((2,)), randomness="different")
    concentration = rustorch.ones(4, 3, requires_grad=True)
    x = draw(concentration)
    assert x.shape == (4, 2, 3) and draw(concentration.detach()).shape == (4, 2, 3)
    x.square().sum().backward()
    assert concentration.grad.isfinite().all() and concentration.grad.any()
