"""Modules as functions: other parameters, ensembles, gradients for each sample, learning to learn."""

import pytest

import rustorch as T
from rustorch import nn
from rustorch.func import (
    functional_call,
    grad,
    grad_and_value,
    replace_all_batch_norm_modules_,
    stack_module_state,
    vmap,
)
from rustorch.nn import functional as F


def network():
    return nn.Sequential(nn.Conv2d(1, 3, 3), nn.ReLU(), nn.Flatten(), nn.Linear(48, 2))


def state(module):
    return {name: p.detach() for name, p in module.named_parameters()}


IMAGES = (5, 1, 6, 6)


def test_functional_call_leaves_the_module_as_it_was():
    layer = nn.Linear(2, 1)
    before = state(layer)["weight"].clone()
    zeros = {"weight": T.zeros(1, 2), "bias": T.ones(1)}
    assert functional_call(layer, zeros, (T.ones(2),)).tolist() == [1.0]
    assert functional_call(layer, ({"weight": T.zeros(1, 2)}, {"bias": T.ones(1)}), T.ones(2)).tolist() == [1.0]
    assert layer.weight.equal(before)


@pytest.mark.parametrize(
    ("given", "text"),
    [
        (({"weight": 1}, {"weight": 2}), "appeared in multiple dictionaries"),
        ((1,), "Expected all elements of parameter_and_buffer_dicts to be dictionaries"),
        (1, "Expected parameter_and_buffer_dicts to be a dict, or a list/tuple of dicts"),
    ],
)
def test_functional_call_refuses(given, text):
    with pytest.raises(ValueError, match=text):
        functional_call(nn.Linear(2, 1), given, (T.ones(2),))


def test_buffers_that_the_call_writes_to_are_those_given():
    norm = nn.BatchNorm1d(2)
    buffers = {name: b.clone() for name, b in norm.named_buffers()}
    functional_call(norm, (state(norm), buffers), (T.ones(4, 2),))
    assert (buffers["num_batches_tracked"], norm.num_batches_tracked) == (1, 0)
    assert buffers["running_mean"].all() and not norm.running_mean.any()


def test_gradients_for_each_sample():
    module, x, y = network(), T.randn(*IMAGES), T.tensor([0, 1, 0, 1, 1])
    params = state(module)

    def loss(params, x, y):
        return F.cross_entropy(functional_call(module, params, (x.unsqueeze(0),)), y.unsqueeze(0))

    found, values = vmap(grad_and_value(loss), in_dims=(None, 0, 0))(params, x, y)
    for i in range(5):
        module.zero_grad()
        one = F.cross_entropy(module(x[i : i + 1]), y[i : i + 1])
        one.backward()
        T.testing.assert_close(values[i], one.detach())
        for name, p in module.named_parameters():
            T.testing.assert_close(found[name][i], p.grad, atol=1e-5, rtol=1e-4)


def test_an_ensemble():
    modules, x = [network() for _ in range(3)], T.randn(*IMAGES)
    params, buffers = stack_module_state(modules)
    assert all(p.requires_grad and p.is_leaf and p.shape[0] == 3 for p in params.values())

    def call(params, buffers, x):
        return functional_call(modules[0], (params, buffers), (x,))

    shared = vmap(call, in_dims=(0, 0, None))(params, buffers, x)
    T.testing.assert_close(shared, T.stack([m(x) for m in modules]), atol=1e-5, rtol=1e-4)
    apart = vmap(call)(params, buffers, T.stack([x, -x, 2 * x]))
    expected = [m(s * x) for m, s in zip(modules, (1, -1, 2), strict=True)]
    T.testing.assert_close(apart, T.stack(expected), atol=1e-5, rtol=1e-4)
    # The ensemble trains as its members do.
    shared.sum().backward()
    modules[1](x).sum().backward()
    T.testing.assert_close(params["0.weight"].grad[1], modules[1][0].weight.grad, atol=1e-4, rtol=1e-4)


def test_gradients_for_each_sample_of_each_member():
    modules, x = [network() for _ in range(2)], T.randn(*IMAGES)
    params, _ = stack_module_state(modules)

    def loss(params, x):
        return functional_call(modules[0], params, (x.unsqueeze(0),)).pow(2).sum()

    found = vmap(vmap(grad(loss), in_dims=(None, 0)), in_dims=(0, None))(params, x)
    one = grad(loss)(state(modules[1]), x[3])
    T.testing.assert_close(found["3.weight"].detach()[1, 3], one["3.weight"], atol=1e-4, rtol=1e-4)


def test_learning_to_learn():
    module = nn.Sequential(nn.Linear(1, 8), nn.Tanh(), nn.Linear(8, 1)).double()
    params = state(module)
    xs = T.linspace(-1, 1, 20, dtype=T.float64).reshape(4, 5, 1)
    ys = xs.sin() * T.arange(1.0, 5, dtype=T.float64).reshape(4, 1, 1)

    def loss(params, x, y):
        return F.mse_loss(functional_call(module, params, (x,)), y)

    def adapted(params, x, y):
        slope = grad(loss)(params, x, y)
        return loss({name: p - 0.1 * slope[name] for name, p in params.items()}, x, y)

    def batched(params):
        return vmap(adapted, in_dims=(None, 0, 0))(params, xs, ys).mean()

    def looped(params):
        return T.stack([adapted(params, x, y) for x, y in zip(xs, ys, strict=True)]).mean()

    found, expected = grad(batched)(params), grad(looped)(params)
    step = {name: T.randn_like(p) * 1e-6 for name, p in params.items()}
    slope = sum((found[name] * step[name]).sum() for name in params)
    ahead, behind = ({n: p + s * step[n] for n, p in params.items()} for s in (1, -1))
    T.testing.assert_close((batched(ahead) - batched(behind)) / 2, slope, rtol=1e-4, atol=1e-12)
    for name in params:
        T.testing.assert_close(found[name], expected[name])


def test_stack_module_state_refuses():
    one, other = nn.Linear(2, 1), nn.Linear(2, 1)
    with pytest.raises(RuntimeError, match="at least one model, got 0"):
        stack_module_state([])
    with pytest.raises(RuntimeError, match="the same class"):
        stack_module_state([one, nn.ReLU()])
    with pytest.raises(RuntimeError, match="same training/eval mode"):
        stack_module_state([one, nn.Linear(2, 1).eval()])
    other.weight.requires_grad_(False)
    with pytest.raises(RuntimeError, match=r"Expected weight from each model to have the same .requires_grad"):
        stack_module_state([one, other])


def test_batch_norm_needs_statistics_of_the_batch():
    norm, x = nn.Sequential(nn.BatchNorm2d(3)), T.randn(4, 2, 3, 5, 5)
    with pytest.raises(RuntimeError, match="one that all samples share"):
        vmap(norm)(x)
    assert replace_all_batch_norm_modules_(norm) is norm
    T.testing.assert_close(vmap(norm)(x), T.stack([norm(row) for row in x]))
