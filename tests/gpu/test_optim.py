"""Fused optimizer steps on the GPU beside the same on the CPU."""

import pytest

import rustorch as torch
from rustorch import nn
from rustorch.nn import functional as F

CASES = {
    "sgd": lambda p: torch.optim.SGD(p, lr=0.1),
    "sgd_decay": lambda p: torch.optim.SGD(p, lr=0.1, weight_decay=0.1, maximize=True),
    "sgd_momentum": lambda p: torch.optim.SGD(p, lr=0.05, momentum=0.9, dampening=0.1),
    "sgd_nesterov": lambda p: torch.optim.SGD(p, lr=0.05, momentum=0.9, nesterov=True, weight_decay=0.01),
    "adam": lambda p: torch.optim.Adam(p, lr=0.01),
    "adam_amsgrad": lambda p: torch.optim.Adam(p, lr=0.01, amsgrad=True, weight_decay=0.1),
    "adamw": lambda p: torch.optim.AdamW(p, lr=0.01, weight_decay=0.1),
    "adamw_maximize": lambda p: torch.optim.AdamW(p, lr=0.01, maximize=True),
    "rmsprop": lambda p: torch.optim.RMSprop(p, lr=0.01),
    "rmsprop_centered": lambda p: torch.optim.RMSprop(p, lr=0.01, centered=True, weight_decay=0.1),
    "rmsprop_momentum": lambda p: torch.optim.RMSprop(p, lr=0.01, momentum=0.9),
    "rmsprop_both": lambda p: torch.optim.RMSprop(p, lr=0.01, momentum=0.9, centered=True),
    "adagrad": lambda p: torch.optim.Adagrad(p, lr=0.1, lr_decay=0.1, weight_decay=0.1),
}


def trained(make, device, steps=10):
    torch.manual_seed(0)
    parameters = [torch.randn(shape).to(device).requires_grad_() for shape in ((3,), (40, 50), (), (0, 2), (2, 3, 4))]
    # One whose elements lie in another order.
    parameters.append(torch.randn(5, 6).to(device).t().requires_grad_())
    opt = make(parameters)
    for step in range(steps):
        for i, p in enumerate(parameters):
            torch.manual_seed(100 * step + i)
            p.grad = torch.randn(p.shape).to(device)
        opt.step()
    return [p.detach().cpu() for p in parameters]


@pytest.mark.parametrize("name", CASES)
def test_steps(name, assert_same):
    there = trained(CASES[name], "gpu")
    for a, b in zip(there, trained(CASES[name], "cpu"), strict=True):
        assert_same(a, b, 2e-5, 2e-5)
    assert all(torch.equal(a, b) for a, b in zip(there, trained(CASES[name], "gpu"), strict=True))


def test_the_fused_step_is_taken():
    p, g = torch.ones(3, device="gpu"), torch.ones(3, device="gpu")
    from rustorch.optim import _fused

    options = {"lr": 0.5, "momentum": 0.0, "dampening": 0.0, "weight_decay": 0.0, "nesterov": False, "maximize": False}
    version = p._version
    assert _fused.sgd_([p], [g], [], **options)
    assert p.tolist() == [0.5] * 3 and p._version == version + 1
    # Not where a parameter is written twice.
    assert not _fused.sgd_([p, p], [g, g], [], **options)
    flat = torch.ones(8, device="gpu")
    assert _fused.sgd_([flat[:4], flat[4:]], [torch.ones(4, device="gpu")] * 2, [], **options)
    assert not _fused.sgd_([flat[:5], flat[4:]], [torch.ones(5, device="gpu"), flat[:4]], [], **options)
    assert flat.tolist() == [0.5] * 8


@pytest.mark.parametrize("fused", [None, True])
@pytest.mark.parametrize("name", ["sgd_momentum", "adamw", "rmsprop", "adagrad"])
def test_a_classifier_trains(name, fused):
    losses = {}
    for device in ("gpu", "cpu"):
        torch.manual_seed(0)
        model = nn.Sequential(nn.Linear(8, 32), nn.LayerNorm(32), nn.ReLU(), nn.Linear(32, 4)).to(device)
        x, y = torch.randn(64, 8).to(device), torch.randint(0, 4, (64,)).to(device)
        opt = CASES[name](model.parameters())
        for group in opt.param_groups:
            group["fused"] = fused
        losses[device] = []
        for _ in range(10):
            opt.zero_grad()
            loss = F.cross_entropy(model(x), y)
            loss.backward()
            opt.step()
            losses[device].append(loss.detach())
    there, here = ([loss.item() for loss in losses[d]] for d in ("gpu", "cpu"))
    assert here[-1] < here[0]
    assert there == pytest.approx(here, rel=1e-3)
