"""Chains of pointwise operations as one kernel: fewer calls, the same numbers."""

import numpy as np
import pytest

import rustorch as torch


@pytest.fixture
def fused():
    before = torch.gpu.set_fusion(True)
    yield
    torch.gpu.set_fusion(before)


def calls(function):
    """The kernels that a function makes the GPU run."""
    torch.gpu.synchronize()
    with torch.gpu.profile() as p:
        function()
        torch.gpu.synchronize()
    return [kernel for kernel, _ in p.calls]


def test_a_chain_is_one_kernel(fused):
    x, row = torch.randn(20, 300).gpu(), torch.randn(300).gpu()
    results = []

    def chain():
        results.append(torch.tanh(x * 2.0 + row).exp() - x)

    assert calls(chain) == ["fused"]
    expected = torch.tanh(x.cpu() * 2.0 + row.cpu()).exp() - x.cpu()
    assert torch.allclose(results[0].cpu(), expected, atol=1e-5)


def test_without_it_every_operation_is_a_kernel():
    x = torch.randn(20, 300).gpu()
    assert torch.gpu.set_fusion(False) is False
    assert calls(lambda: (x * 2.0).exp() - x) == ["pointwise"] * 3


def test_what_is_held_is_written_and_what_is_not_is_lost(fused):
    x = torch.randn(1000).gpu()
    y = x + 1
    z = y * 2
    w = (z - 3).abs()
    del z
    assert torch.allclose(w.cpu(), ((x.cpu() + 1) * 2 - 3).abs(), atol=1e-5)
    assert torch.allclose(y.cpu(), x.cpu() + 1)


def test_writes_in_place_and_views_keep_their_order(fused):
    base = torch.arange(12.0).reshape(3, 4)

    def program(x):
        y = x.clone()
        y.add_(1).mul_(2)
        z = y.t() + 0.5  # another layout of what was just written
        y.sub_(z.t())
        y[0] = 7.0
        row = y[1] * 3
        y.mul_(row)
        return [x * 1, y, z, row, y.sum(), (y + z.t()).relu()]

    for a, b in zip(program(base.gpu()), program(base), strict=True):
        assert torch.allclose(a.cpu(), b, atol=1e-5)


def test_random_chains_agree_with_the_cpu(fused):
    rng = np.random.default_rng(0)
    unary = [
        torch.tanh,
        torch.sin,
        torch.sigmoid,
        torch.relu,
        torch.neg,
        lambda t: t * 0.5,
        lambda t: 1 - t,
        lambda t: t.clone(),
    ]
    binary = [torch.add, torch.sub, torch.mul, torch.maximum, lambda a, b: torch.add(a, b, alpha=0.25)]
    for _ in range(30):
        shapes = [(4, 5), (5,), (4, 1), (1, 5)]
        start = [torch.from_numpy(rng.standard_normal(s, dtype=np.float32)) for s in shapes]
        here, there = list(start), [t.gpu() for t in start]
        for _ in range(int(rng.integers(3, 40))):
            kind, i, j, f = rng.integers(0, 8), *rng.integers(0, len(here), 2), rng.integers(0, 100)
            for values in (here, there):
                if kind < 3:
                    values.append(unary[f % len(unary)](values[i]))
                elif kind < 6:
                    values.append(binary[f % len(binary)](values[i], values[j]))
                elif kind == 6 and values[i].shape == (4, 5):
                    values[i] = values[i].mul_(0.5).add_(values[j])
                elif len(values) > 6:
                    del values[i]
        for a, b in zip(there, here, strict=True):
            assert torch.allclose(a.cpu(), b, rtol=1e-4, atol=1e-5)


def test_training_agrees_with_and_without(fused):
    def losses(on):
        torch.gpu.set_fusion(on)
        torch.manual_seed(0)
        model = torch.nn.Sequential(torch.nn.Linear(8, 16), torch.nn.GELU(), torch.nn.Linear(16, 1)).to("gpu")
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
        x = torch.randn(32, 8).gpu()
        y = x.cpu().sum(1, keepdim=True).gpu()
        found = []
        for _ in range(20):
            loss = ((model(x) - y) ** 2).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            found.append(loss.item())
        return found

    assert np.allclose(losses(True), losses(False), rtol=1e-3)


def test_a_reduction_closes_a_chain(fused):
    x, row = torch.randn(20, 300).gpu(), torch.randn(300).gpu()
    for reduce in (torch.sum, lambda t: t.mean(1), lambda t: t.amax(0), lambda t: t.norm(dim=1)):
        results = []

        def chain(reduce=reduce, results=results):
            results.append(reduce((x * 2 - row).abs()))

        assert calls(chain) == ["reduce"]
        expected = reduce((x.cpu() * 2 - row.cpu()).abs())
        assert torch.allclose(results[0].cpu(), expected, rtol=1e-5, atol=1e-4)
    y = x + 1
    total, expected = y.sum(), x.cpu() + 1
    assert torch.equal(y.cpu(), expected)
    assert torch.allclose(total.cpu(), expected.sum(), atol=1e-3)
    assert torch.allclose((x * 3).t().sum(1).cpu(), (x.cpu() * 3).sum(0), atol=1e-3)
    large = torch.ones(50_000).gpu()
    assert (large * 2 + 1).sum().item() == 150_000


def test_a_closing_reduction_may_get_the_memory_of_what_is_gone(fused):
    x, row = torch.arange(10.0).gpu(), torch.ones(10).gpu()
    torch.gpu.synchronize()
    y = x + row
    del x
    total = y.sum()
    assert total.item() == 55.0 and y.tolist() == [i + 1.0 for i in range(10)]


ACTIVATIONS = [
    torch.relu,
    torch.tanh,
    torch.nn.functional.gelu,
    lambda y: torch.nn.functional.leaky_relu(y, 0.1),
    lambda y: y.relu_(),
]


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("rows", [3, 70])
def test_a_product_computes_the_activation_behind_it(fused, activation, rows):
    layer, x = torch.nn.Linear(40, 65), torch.randn(rows, 40)
    there, results = torch.nn.Linear(40, 65).gpu(), []
    there.load_state_dict(layer.state_dict())
    x_there = x.gpu()
    with torch.no_grad():
        kernels = calls(lambda: results.append(activation(there(x_there))))
        assert kernels == ["matmul_skinny" if rows == 3 else "matmul"]
        assert torch.allclose(results[0].cpu(), activation(layer(x)), atol=1e-5)


def test_a_product_that_is_held_is_written(fused):
    a, b = torch.randn(20, 30).gpu(), torch.randn(30, 40).gpu()
    y = a @ b
    z = y.tanh()
    expected = a.cpu() @ b.cpu()
    assert torch.allclose(z.cpu(), expected.tanh(), atol=1e-5) and torch.allclose(y.cpu(), expected, atol=1e-5)
    # Read twice, in another layout, or with another tensor: more than an activation.
    y = a @ b
    z = y.relu() * y
    w = (a @ b).t() + 1
    v = (a @ b) + z
    del y
    assert torch.allclose(z.cpu(), expected.relu() * expected, atol=1e-5)
    assert torch.allclose(w.cpu(), expected.t() + 1, atol=1e-5)
    assert torch.allclose(v.cpu(), expected + z.cpu(), atol=1e-5)


def test_a_product_is_read_before_its_factors_are_overwritten(fused):
    x = torch.randn(64, 64)
    expected = x
    y = x.gpu()
    for _ in range(4):  # each result lies in the memory of what was just dropped
        y = (y @ y * 0.1).relu_()
        expected = (expected @ expected * 0.1).relu()
        y = (y @ y).relu()
        expected = (expected @ expected).relu()
    assert torch.allclose(y.cpu(), expected, rtol=1e-4, atol=1e-5)


def test_training_with_fusion_is_training(fused):
    def losses(place):
        torch.manual_seed(0)
        model = torch.nn.Sequential(
            torch.nn.Linear(12, 32), torch.nn.ReLU(), torch.nn.Linear(32, 4), torch.nn.Sigmoid()
        )
        model, x, y = place(model), place(torch.randn(16, 12)), place(torch.rand(16, 4))
        optimizer, found = torch.optim.SGD(model.parameters(), 0.5), []
        for _ in range(5):
            optimizer.zero_grad()
            loss = (model(x) - y).square().mean()
            loss.backward()
            optimizer.step()
            found.append(loss.item())
        return found

    assert losses(lambda t: t.gpu()) == pytest.approx(losses(lambda t: t), rel=1e-4)


def test_a_profile_has_the_calls_that_waited_when_it_ended(fused):
    a, b = torch.ones(3, 4).gpu(), torch.ones(4, 5).gpu()
    torch.gpu.synchronize()
    results = []
    with torch.gpu.profile() as first:
        results.append((a @ b).relu())
    with torch.gpu.profile() as second:
        results.append(results[0] + 1)
    assert [k for k, _ in first.calls] == ["matmul_skinny"] and [k for k, _ in second.calls] == ["fused"]
