"""Convolutions on the GPU beside the same on the CPU: tiles and their borders, groups, strides, and gradients."""

import pytest

import rustorch as torch
from rustorch.nn import functional as F

# input, weight, and what the convolution is called with
CASES = [
    ((2, 3, 40), (5, 3, 3), {"padding": 1}),
    ((2, 70, 30), (66, 70, 3), {"stride": 2}),
    ((2, 3, 17, 19), (8, 3, 3, 3), {"padding": 1}),
    ((1, 16, 9, 9), (70, 16, 3, 3), {"stride": 2, "padding": 1, "dilation": 2}),
    ((2, 8, 12, 10), (8, 1, 3, 3), {"groups": 8, "padding": 1, "stride": (1, 2)}),
    ((2, 4, 12, 10), (8, 1, 3, 5), {"groups": 4, "padding": (0, 2)}),
    ((2, 24, 7, 6), (20, 12, 2, 3), {"groups": 2, "dilation": (1, 2)}),
    ((2, 9, 8, 8), (16, 9, 1, 1), {}),
    ((2, 9, 8, 8), (16, 9, 1, 1), {"stride": 3}),
    ((1, 6, 6, 7, 8), (10, 6, 3, 2, 3), {"padding": (1, 0, 2), "stride": (1, 2, 3)}),
    ((1, 3, 13, 13), (8, 3, 2, 2), {"stride": 5, "padding": 2}),
    ((1, 6, 9, 9), (6, 6, 3, 3), {"stride": 2, "dilation": 4, "padding": 4}),
]
NAMES = {3: "conv1d", 4: "conv2d", 5: "conv3d"}


def on_both(f, tensors, assert_same, tol=1e-4):
    """Compares results and first gradients."""
    results = []
    for place in (torch.Tensor.cpu, torch.Tensor.gpu):
        xs = [place(t.detach()).requires_grad_() for t in tensors]
        y = f(*xs)
        torch.manual_seed(1)
        g = place(torch.randn(y.shape))
        results.append([y, *torch.autograd.grad(y, xs, g)])
    for here, there in zip(*results, strict=True):
        scale = max(1.0, here.detach().abs().max().item()) if here.numel() else 1.0
        assert_same(there.detach().cpu() / scale, here.detach() / scale, rtol=tol, atol=tol / 10)


@pytest.mark.parametrize(("x", "w", "how"), CASES)
@pytest.mark.parametrize("bias", [False, True])
def test_convolutions_and_gradients(x, w, how, bias, assert_same):
    torch.manual_seed(0)
    tensors = [torch.randn(x), torch.randn(w)] + ([torch.randn(w[0])] if bias else [])
    on_both(lambda *t: getattr(F, NAMES[len(x)])(*t, **how), tensors, assert_same)


@pytest.mark.parametrize(("x", "w", "how"), CASES)
def test_transposed_convolutions_and_gradients(x, w, how, assert_same):
    torch.manual_seed(0)
    x = (x[0], w[0], *x[2:])
    how = {k: v for k, v in how.items() if k != "padding"}
    tensors = [torch.randn(x), torch.randn(w), torch.randn(w[1] * how.get("groups", 1))]
    on_both(lambda *t: getattr(F, NAMES[len(x)].replace("conv", "conv_transpose"))(*t, **how), tensors, assert_same)


def test_gradient_of_the_weight_from_many_positions(assert_same):
    torch.manual_seed(0)
    on_both(lambda x, w: F.conv2d(x, w, padding=1), [torch.randn(4, 5, 24, 25), torch.randn(7, 5, 3, 3)], assert_same)
    x, w = torch.randn(4, 5, 24, 25).gpu(), torch.randn(7, 5, 3, 3).gpu().requires_grad_()
    first, again = [torch.autograd.grad(F.conv2d(x, w).square().sum(), w)[0].cpu() for _ in range(2)]
    assert first.tolist() == again.tolist()


def test_operands_that_are_not_contiguous(assert_same):
    torch.manual_seed(0)
    x, w = torch.randn(2, 9, 11, 6).permute(0, 3, 1, 2), torch.randn(3, 3, 6, 70).permute(3, 2, 0, 1)
    assert_same(F.conv2d(x.gpu(), w.gpu()).cpu(), F.conv2d(x, w), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("x", [(0, 3, 5, 5), (2, 3, 5, 5)])
def test_convolutions_of_nothing(x, assert_same):
    x, w, b = torch.randn(x), torch.randn(4, 3, 3, 3), torch.randn(4)
    on_both(F.conv2d, [x, w, b], assert_same)


def test_second_gradients_and_halves(assert_same):
    torch.manual_seed(0)
    found = []
    for place in (torch.Tensor.cpu, torch.Tensor.gpu):
        x, w = place(torch.ones(1, 2, 6, 6)).requires_grad_(), place(torch.ones(3, 2, 3, 3)).requires_grad_()
        (dx,) = torch.autograd.grad(F.conv2d(x, w).square().sum(), x, create_graph=True)
        found.append(torch.autograd.grad(dx.square().sum(), w)[0].cpu())
    assert_same(found[1], found[0], rtol=1e-4)
    x, w = torch.randn(1, 3, 8, 8).half(), torch.randn(4, 3, 3, 3).half()
    assert_same(F.conv2d(x.gpu(), w.gpu()).cpu(), F.conv2d(x, w), rtol=4e-3, atol=4e-3)
