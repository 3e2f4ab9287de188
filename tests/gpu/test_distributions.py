"""Distributions with parameters on the GPU: samples stay there, and score as on the CPU."""

import pytest
from distribution_table import CASES

import rustorch as torch

# Triangular solvers and factorisations of matrices have no kernel there.
OF_MATRICES = {name for name in CASES if "MultivariateNormal" in name or "Wishart" in name}


def both(name):
    """The distribution on the CPU and on the GPU."""
    return [
        CASES[name](torch.distributions, lambda v, place=place: torch.tensor(v, dtype=torch.float32, device=place))
        for place in ("cpu", "gpu")
    ]


@pytest.mark.parametrize("name", sorted(CASES.keys() - OF_MATRICES - {"Normal of numbers"}))
def test_distribution(name):
    here, there = both(name)
    x = there.sample((200,))
    assert x.device.type == "gpu"
    assert x.shape == (200, *here.batch_shape, *here.event_shape)
    assert here.support.check(x.cpu()).all()
    assert there.log_prob(x).cpu().allclose(here.log_prob(x.cpu()), rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize(
    "name", ["Normal", "Laplace", "Gumbel", "Weibull", "RelaxedOneHotCategorical", "Gamma", "Beta", "StudentT"]
)
def test_gradient_of_samples(name):
    made = []

    def parameter(value):
        made.append(torch.tensor(value, device="gpu", requires_grad=True))
        return made[-1]

    CASES[name](torch.distributions, parameter).rsample((10,)).square().sum().backward()
    assert all(p.grad.device.type == "gpu" and p.grad.cpu().isfinite().all() for p in made)


def test_divergence():
    p, q = (torch.distributions.Normal(torch.tensor(x, device="gpu"), 1.0) for x in (0.0, 1.0))
    assert torch.distributions.kl_divergence(p, q).cpu() == 0.5
