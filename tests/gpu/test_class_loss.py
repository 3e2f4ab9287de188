"""Losses for classes on the GPU beside the same on the CPU, with targets on the GPU."""

import pytest

import rustorch as torch
from rustorch.nn import functional as F

SHAPES = [(7,), (5, 3), (1, 40), (300, 33), (4, 2000), (2, 5, 7), (3, 40, 6, 9), (2, 3, 70, 11), (0, 4)]


def both(f, x, target, weight):
    out = []
    for device in ("gpu", "cpu"):
        here = x.detach().to(device).requires_grad_()
        y = f(here, target.to(device), None if weight is None else weight.to(device))
        g = torch.linspace(0.5, 2.0, max(y.numel(), 1))[: y.numel()].reshape(y.shape).to(device)
        out.append([y.detach().cpu(), torch.autograd.grad(y, here, g)[0].cpu()])
    return zip(*out, strict=True)


def problem(shape, ignore=None):
    torch.manual_seed(0)
    x = 3 * torch.randn(shape)
    c = shape[0] if len(shape) == 1 else shape[1]
    rows = () if len(shape) == 1 else (shape[0], *shape[2:])
    target = torch.randint(0, c, rows)
    if ignore is not None:
        target[target == c // 2] = ignore
    return x, target, torch.rand(c) + 0.1


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("weighted", [True, False])
@pytest.mark.parametrize("shape", SHAPES)
def test_cross_entropy(shape, weighted, reduction, assert_same):
    x, target, weight = problem(shape, ignore=-100)
    weight = weight if weighted else None
    for smoothing in (0.0, 0.2):

        def f(x, t, w, smoothing=smoothing):
            return F.cross_entropy(x, t, w, reduction=reduction, label_smoothing=smoothing)

        for there, here in both(f, x, target, weight):
            assert_same(there, here, 1e-5, 1e-6)


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("weighted", [True, False])
@pytest.mark.parametrize("shape", SHAPES)
def test_nll_loss(shape, weighted, reduction, assert_same):
    x, target, weight = problem(shape, ignore=2**40 if len(shape) > 2 else 1)
    weight = weight if weighted else None
    ignore = 2**40 if len(shape) > 2 else 1
    for there, here in both(
        lambda x, t, w: F.nll_loss(x, t, w, reduction=reduction, ignore_index=ignore), x, target, weight
    ):
        assert_same(there, here, 1e-5, 1e-6)


def test_layouts_and_dtypes(assert_same):
    x, target, _ = problem((40, 9))
    assert_same(F.cross_entropy(x.t().contiguous().gpu().t(), target.gpu()).cpu(), F.cross_entropy(x, target), 1e-5, 0)
    wide = target.repeat_interleave(2)[::2]
    assert_same(F.cross_entropy(x.gpu(), wide.gpu()[::1]).cpu(), F.cross_entropy(x, target), 1e-5, 0)
    assert_same(F.cross_entropy(x.gpu(), target.to(torch.uint8).gpu()).cpu(), F.cross_entropy(x, target), 1e-5, 0)
    half = F.cross_entropy(x.half().gpu(), target.gpu())
    assert half.dtype == torch.float16
    assert_same(half.cpu(), F.cross_entropy(x.half(), target), 2e-3, 0)


def test_infinities_and_nan(assert_same):
    inf = float("inf")
    x = torch.tensor([[1.0, -inf, 2.0], [-inf, -inf, -inf], [inf, 1.0, 0.0], [float("nan"), 0.0, 1.0], [0.0, 1.0, 2.0]])
    target = torch.tensor([1, 0, 0, 2, -100])
    for reduction in ("none", "mean"):
        here = F.cross_entropy(x, target, reduction=reduction)
        assert_same(F.cross_entropy(x.gpu(), target.gpu(), reduction=reduction).cpu(), here)
    x[3, 0] = x[1, 0] = x[1, 1] = x[1, 2] = 0.0
    y = x.gpu().requires_grad_()
    F.cross_entropy(y, target.gpu(), reduction="sum").backward()
    z = x.clone().requires_grad_()
    F.cross_entropy(z, target, reduction="sum").backward()
    assert_same(y.grad.cpu(), z.grad)


def test_nothing_counts():
    x, target = torch.randn(3, 4).gpu(), torch.full((3,), -100).gpu()
    assert F.cross_entropy(x, target).isnan().item()
    assert F.cross_entropy(x, target, reduction="sum").item() == 0.0


def test_second_derivatives(assert_same):
    def run(x, t):
        (g,) = torch.autograd.grad(F.nll_loss(F.log_softmax(x, 1), t), x, create_graph=True)
        return torch.autograd.grad(g.square().sum(), x)[0]

    x, target, _ = problem((6, 5))
    there = run(x.gpu().requires_grad_(), target.gpu())
    assert_same(there.cpu(), run(x.requires_grad_(), target), 1e-4, 1e-6)


@pytest.mark.parametrize("bad", [4, -1, 2**32 + 1, -(2**40)])
@pytest.mark.parametrize("loss", [F.cross_entropy, F.nll_loss])
def test_targets_that_are_no_classes_are_found(loss, bad):
    x, target = torch.randn(3, 4).gpu(), torch.tensor([0, bad, 2]).gpu()
    with pytest.raises(IndexError, match="Target is out of bounds"):
        loss(x, target).item()
    assert torch.ones(2, device="gpu").sum().item() == 2.0


def test_the_same_bits_twice():
    x, target, weight = problem((3, 40, 50, 9))
    runs = []
    for _ in range(2):
        y = x.gpu().requires_grad_()
        loss = F.cross_entropy(y, target.gpu(), weight.gpu(), label_smoothing=0.1)
        loss.backward()
        runs.append((loss.detach().cpu(), y.grad.cpu()))
    assert all(torch.equal(a, b) for a, b in zip(*runs, strict=True))
