"""Distances between rows on the GPU against the CPU's."""

import pytest

import rustorch as torch


@pytest.mark.parametrize("p", [0, 0.5, 1, 1.5, 2, 3, float("inf")])
@pytest.mark.parametrize(
    "shapes", [((5, 7), (9, 7)), ((2, 30, 40), (3, 1, 11, 40)), ((4, 0), (3, 0)), ((0, 3), (2, 3))]
)
@pytest.mark.parametrize("mode", ["donot_use_mm_for_euclid_dist", "use_mm_for_euclid_dist_if_necessary"])
def test_cdist(p, shapes, mode):
    torch.manual_seed(0)
    x, y = (torch.randn(s) for s in shapes)
    x[..., :1, :2] = 0
    a, b = torch.cdist(x.gpu(), y.gpu(), p=p, compute_mode=mode), torch.cdist(x, y, p=p, compute_mode=mode)
    assert a.is_gpu and a.shape == b.shape
    assert torch.allclose(a.cpu(), b, rtol=1e-4, atol=1e-4 if mode.startswith("use") else 1e-6)
    assert torch.equal(torch.cdist(x.gpu(), y.gpu(), p=p, compute_mode=mode).cpu(), a.cpu())


@pytest.mark.parametrize("p", [1, 2, 3])
def test_gradients(p):
    torch.manual_seed(0)
    xs = torch.randn(6, 5), torch.randn(4, 5)
    here = [x.clone().requires_grad_() for x in xs]
    there = [x.gpu().requires_grad_() for x in xs]
    g = torch.randn(6, 4)
    expected = torch.autograd.grad(torch.cdist(*here, p=p), here, g)
    for a, b in zip(torch.autograd.grad(torch.cdist(*there, p=p), there, g.gpu()), expected, strict=True):
        assert torch.allclose(a.cpu(), b, rtol=1e-4, atol=1e-5)


def test_special_values_and_layouts():
    nan, inf = float("nan"), float("inf")
    x = torch.tensor([[0.0, 1.0], [nan, 2.0], [inf, 0.0]])
    for p in (0, 1, 2, inf):
        a, b = torch.cdist(x.gpu(), x.gpu(), p=p), torch.cdist(x, x, p=p)
        assert torch.allclose(a.cpu(), b, equal_nan=True)
    y = torch.randn(8, 5)
    assert torch.allclose(torch.cdist(y.gpu().t(), y.gpu().t()).cpu(), torch.cdist(y.t(), y.t()), atol=1e-5)
