"""Interpolation on the GPU beside the same on the CPU, and its gradient."""

import pytest

import rustorch as torch
from rustorch.nn import functional as F

CASES = [
    ((2, 3, 50), {"size": 77, "mode": "linear"}),
    ((2, 3, 50), {"size": 20, "mode": "nearest"}),
    ((1, 4, 9, 11), {"scale_factor": 2, "mode": "bilinear"}),
    ((1, 4, 9, 11), {"size": (5, 23), "mode": "bilinear", "align_corners": True}),
    ((1, 4, 30, 31), {"size": (7, 9), "mode": "bilinear", "antialias": True}),
    ((1, 2, 9, 11), {"scale_factor": 1.7, "mode": "bicubic"}),
    ((1, 2, 9, 11), {"scale_factor": (3, 0.5), "mode": "nearest-exact"}),
    ((1, 2, 4, 5, 6), {"size": (7, 3, 9), "mode": "trilinear"}),
    ((1, 2, 4, 5, 6), {"scale_factor": 2, "mode": "nearest"}),
]


@pytest.mark.parametrize(("shape", "how"), CASES)
def test_interpolation_and_gradients(shape, how, assert_same):
    torch.manual_seed(0)
    x = torch.randn(shape)
    found = []
    for place in (torch.Tensor.cpu, torch.Tensor.gpu, torch.Tensor.gpu):
        t = place(x).requires_grad_()
        y = F.interpolate(t, **how)
        torch.manual_seed(1)
        found.append([y.detach().cpu(), torch.autograd.grad(y, t, place(torch.randn(y.shape)))[0].cpu()])
    for here, there, again in zip(*found, strict=True):
        assert_same(there, here, rtol=1e-5, atol=1e-5)
        assert there.tolist() == again.tolist()


def test_images_that_are_not_contiguous_and_halves(assert_same):
    torch.manual_seed(0)
    x = torch.randn(1, 9, 11, 4).permute(0, 3, 1, 2)
    f = lambda t: F.interpolate(t, scale_factor=2, mode="bilinear")
    assert_same(f(x.gpu()).cpu(), f(x), rtol=1e-5, atol=1e-6)
    assert_same(f(x.half().gpu()).cpu(), f(x.half()), rtol=2e-3, atol=1e-3)
