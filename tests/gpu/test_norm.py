"""Normalisations on the GPU beside the same on the CPU: several workgroups, cut lines, every layout, gradients."""

import pytest

import rustorch as torch
from rustorch import nn
from rustorch.nn import functional as F


def both(f, *inputs):
    """What `f` gives of tensors of each device, and the gradients by those that want one."""
    out = []
    for device in ("gpu", "cpu"):
        here = [None if x is None else x.detach().to(device).requires_grad_(x.requires_grad) for x in inputs]
        y = f(*here)
        torch.manual_seed(1)
        g = torch.randn(y.shape).to(device)
        grads = torch.autograd.grad(y, [x for x in here if x is not None and x.requires_grad], g)
        out.append([t.detach().cpu() for t in (y, *grads)])
    return zip(*out, strict=True)


def parameters(n, affine=True):
    return [torch.randn(n).requires_grad_() if affine else None for _ in range(2)]


@pytest.mark.parametrize("affine", [True, False])
@pytest.mark.parametrize(
    ("rows", "n"), [(1, 1), (3, 5), (7, 32), (300, 33), (5, 300), (2000, 40), (3, 20_000), (0, 4), (1500, 3)]
)
def test_layer_norm(rows, n, affine, assert_same):
    torch.manual_seed(0)
    x = (3 * torch.randn(rows, n) + 10).requires_grad_()
    w, b = parameters(n, affine)
    for there, here in both(lambda x, w, b: F.layer_norm(x, (n,), w, b), x, w, b):
        assert_same(there, here, 2e-5, 1e-4 if rows > 1000 else 2e-5)
    for there, here in both(lambda x, w: F.rms_norm(x, (n,), w), x, w):
        assert_same(there, here, 2e-5, 1e-4 if rows > 1000 else 2e-5)


@pytest.mark.parametrize("groups", [1, 2, 6])
@pytest.mark.parametrize("shape", [(1, 6, 2), (2, 6, 5), (3, 6, 7, 11), (2, 6, 40, 50), (70, 6, 3)])
def test_group_norm(shape, groups, assert_same):
    torch.manual_seed(0)
    x = (torch.randn(shape) - 5).requires_grad_()
    w, b = parameters(6)
    for there, here in both(lambda x, w, b: F.group_norm(x, groups, w, b), x, w, b):
        assert_same(there, here, 2e-5, 5e-5)


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("affine", [True, False])
@pytest.mark.parametrize("shape", [(4, 5), (2000, 7), (2, 5, 3), (3, 4, 9, 10), (2, 3, 100, 110), (9, 40, 20)])
def test_batch_norm(shape, affine, training, assert_same):
    torch.manual_seed(0)
    c = shape[1]
    x = (2 * torch.randn(shape) + 7).requires_grad_()
    w, b = parameters(c, affine)
    mean, var = torch.randn(c), torch.rand(c) + 0.5
    kept = []

    def f(x, w, b):
        running = mean.to(x.device, copy=True), var.to(x.device, copy=True)
        y = F.batch_norm(x, *running, w, b, training)
        kept.append([t.cpu() for t in running])
        return y

    for there, here in both(f, x, w, b):
        assert_same(there, here, 3e-5, 1e-4)
    for there, here in zip(*kept, strict=True):
        assert_same(there, here, 1e-5, 1e-6)


def test_variance_far_from_zero(assert_same):
    torch.manual_seed(0)
    x = torch.randn(40, 500) + 10_000
    assert_same(F.layer_norm(x.gpu(), (500,)).cpu(), F.layer_norm(x, (500,)), 1e-3, 2e-3)
    y = torch.full((5, 700), 1234.5678)
    assert_same(F.layer_norm(y.gpu(), (700,)).cpu(), torch.zeros(5, 700), 0, 1e-1)


@pytest.mark.parametrize(
    "module",
    [
        lambda: nn.BatchNorm2d(6),
        lambda: nn.InstanceNorm2d(6, affine=True),
        lambda: nn.InstanceNorm2d(6, track_running_stats=True),
        lambda: nn.GroupNorm(3, 6),
    ],
)
@pytest.mark.parametrize("layout", [lambda x: x, lambda x: x.to(memory_format=torch.channels_last), lambda x: x.mT])
def test_modules_and_layouts(module, layout, assert_same):
    torch.manual_seed(0)
    x = torch.randn(4, 6, 8, 8)
    here, there = module(), module()
    there.load_state_dict(here.state_dict())
    for m in (here, there):
        if hasattr(m, "num_batches_tracked"):
            m.num_batches_tracked = None
    there.to("gpu")
    for _ in range(2):
        assert_same(there(layout(x.gpu())).detach().cpu(), here(layout(x)).detach(), 1e-5, 1e-5)
    for a, b in zip(there.buffers(), here.buffers(), strict=True):
        assert_same(a.cpu(), b, 1e-5, 1e-6)
    there.eval()
    here.eval()
    assert_same(there(layout(x.gpu())).detach().cpu(), here(layout(x)).detach(), 1e-5, 1e-5)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_half_precision(dtype, assert_same):
    torch.manual_seed(0)
    x = torch.randn(30, 100).to(getattr(torch, dtype)).requires_grad_()
    w, b = (t.detach().to(x.dtype).requires_grad_() for t in parameters(100))
    for there, here in both(lambda x, w, b: F.layer_norm(x, (100,), w, b), x, w, b):
        assert there.dtype == here.dtype
        assert_same(there, here, 2e-2, 2e-2)


def test_nan_stays_in_its_row(assert_same):
    x = torch.randn(4, 50)
    x[1, 3] = float("nan")
    x[2, 4] = float("inf")
    assert_same(F.layer_norm(x.gpu(), (50,)).cpu(), F.layer_norm(x, (50,)), 1e-5, 1e-5)
    y = x.reshape(2, 2, 50)
    assert_same(
        F.batch_norm(y.gpu(), None, None, training=True).cpu(), F.batch_norm(y, None, None, training=True), 1e-5, 1e-5
    )


def test_second_derivatives(assert_same):
    def run(x, w):
        y = F.layer_norm(x, (6,), w)
        (g,) = torch.autograd.grad(y.square().sum(), x, create_graph=True)
        return torch.autograd.grad(g.square().sum(), (x, w))

    torch.manual_seed(0)
    x, w = torch.randn(5, 6), torch.randn(6)
    there = run(x.gpu().requires_grad_(), w.gpu().requires_grad_())
    here = run(x.requires_grad_(), w.requires_grad_())
    for a, b in zip(there, here, strict=True):
        assert_same(a.cpu(), b, 1e-3, 1e-4)


def test_the_same_bits_twice():
    torch.manual_seed(0)
    x = torch.randn(3, 4, 90, 100).gpu().requires_grad_()
    w, b = (t.detach().gpu().requires_grad_() for t in parameters(4))
    runs = []
    for _ in range(2):
        y = F.batch_norm(x, None, None, w, b, training=True)
        runs.append([t.detach().cpu() for t in (y, *torch.autograd.grad(y.square().sum(), (x, w, b)))])
    for first, second in zip(*runs, strict=True):
        assert torch.equal(first, second)
