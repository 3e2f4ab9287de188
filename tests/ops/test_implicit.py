"""How gamma and Dirichlet samples move with their parameters, against other ways to the same derivative."""

import pytest

import rustorch as torch

SHAPES = [1e-3, 0.05, 0.7, 1.0, 3.0, 40.0, 3000.0]


@pytest.mark.parametrize("a", SHAPES)
def test_gamma_samples_keep_their_quantile(a):
    """`dF/da + f dx/da = 0`, with the derivative of F by differences."""
    a = torch.tensor(a, dtype=torch.float64)
    x = a * torch.tensor([0.2, 0.9, 1.0, 1.1, 1.7, 4.0], dtype=torch.float64)
    h = 1e-4 * a.minimum(a.sqrt())
    # Differences of the smaller part of the distribution function.
    low = (torch.igamma(a + h, x) - torch.igamma(a - h, x)) / (2 * h)
    high = (torch.igammac(a + h, x) - torch.igammac(a - h, x)) / (2 * h)
    density = torch.exp((a - 1) * x.log() - x - torch.lgamma(a))
    keep = density > 1e-200
    want = torch.where(x > a, high, -low) / density
    got = torch._standard_gamma_grad(a.expand_as(x), x)
    torch.testing.assert_close(got[keep], want[keep], rtol=3e-5, atol=1e-9)


@pytest.mark.parametrize("a", [1e-9, 1e-12])
def test_gamma_samples_of_tiny_shapes_keep_their_digits(a):
    """F(x) is `1 - a E1(x)` but for squares of a, and f(x) is `a exp(-x) / x`."""
    e1 = 0.21938393439552029  # the exponential integral at 1
    got = torch._standard_gamma_grad(torch.tensor(a, dtype=torch.float64), torch.tensor(1.0, dtype=torch.float64))
    assert got.item() * a == pytest.approx(e1 * torch.e, rel=1e-8)


@pytest.mark.parametrize("a", SHAPES)
def test_beta_samples_with_a_closed_form(a):
    """F(x) = x^a for the shapes a and 1."""
    x = torch.tensor([1e-6, 0.1, 0.5, 0.9, 1 - 1e-6], dtype=torch.float64)
    a = torch.tensor(a, dtype=torch.float64).expand_as(x)
    want = -x * x.log() / a / (1 - x)
    torch.testing.assert_close(torch._dirichlet_grad(x, a, a + 1), want, rtol=1e-9, atol=0)


def test_both_sides_of_the_mean_join():
    a = torch.tensor([2.5, 2.5], dtype=torch.float64)
    x = torch.tensor([2.5 - 1e-9, 2.5 + 1e-9], dtype=torch.float64)
    low, high = torch._standard_gamma_grad(a, x).tolist()
    assert low == pytest.approx(high, rel=1e-8)
    low, high = torch._dirichlet_grad(x / 10, a, 4 * a).tolist()
    assert low == pytest.approx(high, rel=1e-8)


def test_single_precision_has_its_digits():
    a = torch.tensor([0.002, 0.06, 0.4, 1.0, 2.5, 9.0, 130.0, 5000.0])[:, None, None]
    b = torch.tensor([0.003, 0.2, 0.9, 1.0, 3.5, 70.0, 2000.0])[:, None]
    x = a * torch.tensor([0.05, 0.3, 0.8, 0.99, 1.01, 1.2, 2.0, 6.0])
    got = torch._standard_gamma_grad(a.expand_as(x), x)
    want = torch._standard_gamma_grad(a.expand_as(x).double(), x.double())
    torch.testing.assert_close(got, want.float(), rtol=3e-7, atol=1e-30)
    x = torch.tensor([1e-6, 0.01, 0.2, 0.5, 0.77, 0.99]).expand(8, 7, 6)
    a, total = a.expand_as(x), (a + b).expand_as(x)
    got = torch._dirichlet_grad(x, a, total)
    want = torch._dirichlet_grad(x.double(), a.double(), total.double())
    torch.testing.assert_close(got, want.float(), rtol=1e-6, atol=1e-30)


def test_elements_do_not_depend_on_their_neighbours():
    a = torch.tensor([0.01, 0.7, 3.0, 50.0]).repeat_interleave(8)
    x = torch.tensor([0.1, 0.5, 0.9, 1.1, 2.0, 4.0, 9.0, 60.0]).repeat(4)
    whole = torch._standard_gamma_grad(a, x)
    assert all(torch.equal(whole[i], torch._standard_gamma_grad(a[i], x[i])) for i in range(32))
    x = x / 61
    whole = torch._dirichlet_grad(x, a, a + 0.4)
    assert all(torch.equal(whole[i], torch._dirichlet_grad(x[i], a[i], a[i] + 0.4)) for i in range(32))


def test_edges_are_finite():
    assert torch._standard_gamma_grad(torch.ones(1), torch.zeros(1)).tolist() == [0]
    x = torch.tensor([0.0, 1.0])
    assert torch._dirichlet_grad(x, torch.ones(2), torch.full((2,), 2.0)).tolist() == [0, 0]
    assert torch._standard_gamma_grad(torch.ones(1), torch.tensor([float("nan")])).isnan().all()


def test_gamma_samples_have_a_gradient():
    a = torch.tensor([0.5, 2.0, 7.0], dtype=torch.float64, requires_grad=True)
    x = torch._standard_gamma(a)
    x.sum().backward()
    assert torch.equal(a.grad, torch._standard_gamma_grad(a.detach(), x.detach()))
