"""Pools and their gradients on the GPU beside the same on the CPU."""

import pytest

import rustorch as torch
from rustorch.nn import functional as F


def compare(f, x, assert_same, rtol=1e-5, atol=1e-6):
    out = []
    for device in ("gpu", "cpu"):
        here = x.detach().to(device).requires_grad_()
        y = f(here)
        y, index = y if isinstance(y, tuple) else (y, None)
        torch.manual_seed(1)
        g = torch.randn(y.shape).to(device)
        out.append([y.detach().cpu(), torch.autograd.grad(y, here, g)[0].cpu()])
        if index is not None:
            out[-1].append(index.cpu())
    for there, here in zip(*out, strict=True):
        assert_same(there, here, rtol, atol)


INPUTS = {1: (2, 3, 57), 2: (2, 3, 29, 31), 3: (1, 2, 9, 10, 11)}
WINDOWS = [
    {"kernel_size": 2},
    {"kernel_size": 3, "stride": 2, "padding": 1},
    {"kernel_size": 3, "stride": 1, "padding": 1},
    {"kernel_size": 2, "stride": 3},
    {"kernel_size": 3, "stride": 2, "padding": 1, "ceil_mode": True},
    {"kernel_size": 5, "stride": 4, "ceil_mode": True},
]


@pytest.mark.parametrize("nd", [1, 2, 3])
@pytest.mark.parametrize("window", [*WINDOWS, {"kernel_size": 3, "dilation": 2, "padding": 1}], ids=repr)
def test_max_pool(nd, window, assert_same):
    torch.manual_seed(0)
    f = getattr(F, f"max_pool{nd}d")
    compare(lambda x: f(x, return_indices=True, **window), torch.randn(INPUTS[nd]), assert_same)
    # Of equal values the first wins.
    compare(lambda x: f(x, return_indices=True, **window), torch.randint(0, 3, INPUTS[nd]).float(), assert_same)
    x = torch.randn(INPUTS[nd])
    assert_same(f(x.gpu(), **window).cpu(), f(x, **window))


@pytest.mark.parametrize("nd", [1, 2, 3])
@pytest.mark.parametrize("window", WINDOWS, ids=repr)
@pytest.mark.parametrize("include", [True, False])
def test_avg_pool(nd, window, include, assert_same):
    torch.manual_seed(0)
    f = getattr(F, f"avg_pool{nd}d")
    x = torch.randn(INPUTS[nd])
    compare(lambda x: f(x, count_include_pad=include, **window), x, assert_same)
    if nd > 1:
        compare(lambda x: f(x, divisor_override=3, **window), x, assert_same)


@pytest.mark.parametrize("nd", [1, 2, 3])
@pytest.mark.parametrize("size", [1, 3, 7, 13])
def test_adaptive_pools(nd, size, assert_same):
    torch.manual_seed(0)
    x = torch.randn(INPUTS[nd])
    compare(lambda x: getattr(F, f"adaptive_avg_pool{nd}d")(x, size), x, assert_same)
    compare(lambda x: getattr(F, f"adaptive_max_pool{nd}d")(x, size, return_indices=True), x, assert_same)


def test_other_layouts_and_kinds(assert_same):
    torch.manual_seed(0)
    x = torch.randn(2, 4, 12, 14)
    last = x.to(memory_format=torch.channels_last)
    y = F.max_pool2d(last.gpu(), 2)
    assert y.is_contiguous(memory_format=torch.channels_last)
    assert_same(y.cpu(), F.max_pool2d(last, 2))
    compare(lambda x: F.avg_pool2d(x.mT, 3), x, assert_same)
    compare(lambda x: F.lp_pool2d(x, 2, 3), x.abs() + 0.1, assert_same, 1e-4, 1e-5)
    compare(lambda x: F.max_pool2d(x, 3), x[0], assert_same)
    assert_same(F.max_pool2d(x.half().gpu(), 2).cpu(), F.max_pool2d(x.half(), 2))
    assert F.max_pool2d(x[:0].gpu(), 2).shape == (0, 4, 6, 7)


def test_nan_and_infinities(assert_same):
    x = torch.randn(1, 2, 9, 9)
    x[0, 0, 3, 3] = x[0, 1, 0, 0] = float("nan")
    x[0, 1, 3:] = -float("inf")
    for window in ({"kernel_size": 3, "stride": 2, "padding": 1}, {"kernel_size": 2}):
        for a, b in zip(
            F.max_pool2d(x.gpu(), return_indices=True, **window),
            F.max_pool2d(x, return_indices=True, **window),
            strict=True,
        ):
            assert_same(a.cpu(), b)
        assert_same(F.avg_pool2d(x.gpu(), **window).cpu(), F.avg_pool2d(x, **window), 1e-5, 1e-6)


def test_the_same_bits_twice():
    x = torch.randn(2, 3, 40, 40).gpu().requires_grad_()
    for f in (F.max_pool2d, F.avg_pool2d):
        runs = [torch.autograd.grad(f(x, 3, 1, 1).square().sum(), x)[0].cpu() for _ in range(2)]
        assert torch.equal(*runs)
