"""Activation checkpoints: same gradients, same random numbers, errors for parts that change."""

import pytest

import rustorch as torch
from rustorch.utils.checkpoint import (
    CheckpointError,
    checkpoint,
    checkpoint_sequential,
    set_checkpoint_early_stop,
)

BOTH = pytest.mark.parametrize("reentrant", [False, True])


def leaf(*values):
    return torch.tensor(values, dtype=torch.float64, requires_grad=True)


def part(x):
    return (x.exp() * x).sin()


@BOTH
def test_gradients_are_those_without_checkpoint(reentrant):
    x, y = leaf(0.3, 0.7), leaf(0.3, 0.7)
    checkpoint(part, x, use_reentrant=reentrant).sum().backward()
    part(y).sum().backward()
    assert torch.equal(x.grad, y.grad)


@BOTH
def test_part_runs_twice_and_dropout_agrees(reentrant):
    x = torch.ones(1000, requires_grad=True)
    masks = []

    def drop(x):
        y = torch.nn.functional.dropout(x * 1, 0.5)
        masks.append(y.detach().clone())
        return y * y

    torch.manual_seed(3)
    out = checkpoint(drop, x, use_reentrant=reentrant)
    after = torch.rand(2)
    out.sum().backward()
    assert len(masks) == 2
    assert torch.equal(masks[0], masks[1])
    assert torch.equal(x.grad, 2 * masks[0] * masks[0])
    torch.manual_seed(3)
    torch.nn.functional.dropout(x, 0.5)
    assert torch.equal(after, torch.rand(2))


@BOTH
def test_several_inputs_outputs_and_other_arguments(reentrant):
    x, y = leaf(2.0), leaf(3.0)
    a, b = checkpoint(lambda x, k, y: (x * y * k, y * y), x, 5, y, use_reentrant=reentrant)
    (a + b).sum().backward()
    assert [x.grad.item(), y.grad.item()] == [15.0, 16.0]


def test_keywords_containers_and_grad_without_reentrance():
    x = leaf(2.0)
    out = checkpoint(lambda d, scale: d["x"] ** 2 * scale, {"x": x}, scale=3, use_reentrant=False)
    assert torch.autograd.grad(out.sum(), x)[0].item() == 12.0


def test_nested_checkpoints():
    x = leaf(0.5)

    def outer(x):
        return checkpoint(part, x * 2, use_reentrant=False) * x

    checkpoint(outer, x, use_reentrant=False).sum().backward()
    y = leaf(0.5)
    (part(y * 2) * y).sum().backward()
    assert torch.equal(x.grad, y.grad)


def test_retained_graph_runs_the_part_for_each_pass():
    x = leaf(0.5)
    runs = []

    def counted(x):
        runs.append(1)
        return x.exp()

    out = checkpoint(counted, x, use_reentrant=False).sum()
    out.backward(retain_graph=True)
    out.backward()
    assert len(runs) == 3


def test_second_run_stops_early():
    x = leaf(0.5)
    tails = []

    def tailed(x):
        y = x.exp()
        tails.append(1)
        return y + 1

    checkpoint(tailed, x, use_reentrant=False).sum().backward()
    assert len(tails) == 1
    with set_checkpoint_early_stop(False):
        out = checkpoint(tailed, x, use_reentrant=False)
    out.sum().backward()
    assert len(tails) == 3


@pytest.mark.parametrize("debug", [False, True])
def test_part_that_changes_is_an_error(debug):
    x = leaf(0.5, 0.6)
    calls = []

    def other_shape(x):
        calls.append(1)
        return (x[: len(calls)].exp() * 2).sum()

    def other_number(x):
        calls.append(1)
        return x.exp().exp() if len(calls) == 1 else x * 2

    out = checkpoint(other_shape, x, use_reentrant=False, debug=debug)
    with pytest.raises(CheckpointError, match="have different metadata"):
        out.backward()
    calls.clear()
    out = checkpoint(other_number, x, use_reentrant=False, debug=debug).sum()
    with pytest.raises(CheckpointError, match="A different number of tensors was saved"):
        out.backward()


def test_contexts_surround_both_runs():
    seen = []

    class Mark:
        def __init__(self, name):
            self.name = name

        def __enter__(self):
            seen.append(self.name)

        def __exit__(self, *args):
            pass

    x = leaf(0.5)
    checkpoint(part, x, use_reentrant=False, context_fn=lambda: (Mark("first"), Mark("second"))).sum().backward()
    assert seen == ["first", "second"]


def test_options_are_checked():
    x = leaf(0.5)
    with pytest.warns(UserWarning, match="use_reentrant parameter should be passed explicitly"):
        checkpoint(part, x)
    with pytest.raises(ValueError, match="Unexpected keyword arguments: k"):
        checkpoint(part, x, use_reentrant=True, k=1)
    with pytest.raises(ValueError, match="determinism_check should be one of"):
        checkpoint(part, x, use_reentrant=False, determinism_check="some")
    with pytest.warns(UserWarning, match="None of the inputs have requires_grad=True"):
        checkpoint(part, x.detach(), use_reentrant=True)
    out = checkpoint(part, x, use_reentrant=True)
    with pytest.raises(RuntimeError, match=r"incompatible with .grad"):
        torch.autograd.grad(out.sum(), x)


@BOTH
def test_sequential_in_segments(reentrant):
    torch.manual_seed(0)
    model = torch.nn.Sequential(*[torch.nn.Linear(3, 3) for _ in range(5)])
    x = torch.ones(2, 3, requires_grad=True)
    checkpoint_sequential(model, 2, x, use_reentrant=reentrant).sum().backward()
    got = [p.grad.clone() for p in model.parameters()]
    model.zero_grad()
    model(x).sum().backward()
    for a, b in zip(got, model.parameters()):
        assert torch.equal(a, b.grad)


def test_without_grad_mode_nothing_is_recorded():
    x = leaf(0.5)
    with torch.no_grad():
        assert not checkpoint(part, x, use_reentrant=False).requires_grad
