"""Graphs of any depth: no recursion in backward, nor when they are freed."""

import gc
import math
import subprocess
import sys

import pytest

import rustorch as torch
from rustorch.utils.checkpoint import checkpoint

DEEP = 200_000


class Identity(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x.clone()

    @staticmethod
    def backward(ctx, grad):
        (x,) = ctx.saved_tensors
        assert x.requires_grad
        return grad


class Remember(Identity):
    """Keeps its input as an attribute, which the engine does not know."""

    @staticmethod
    def forward(ctx, x):
        ctx.x = x
        return x.clone()

    @staticmethod
    def backward(ctx, grad):
        return grad


def leaf(*shape):
    return torch.ones(shape, requires_grad=True)


def repeated(step, x, n=DEEP):
    for _ in range(n):
        x = step(x)
    return x


def test_operations():
    x = leaf(1)
    repeated(lambda y: y + 1, x).backward()
    assert x.grad.item() == 1


def test_operations_that_save_inputs_freed_without_backward():
    y = repeated(torch.sin, leaf(1))
    del y


def test_operations_that_save_outputs():
    x = leaf(1)
    repeated(torch.relu, x).backward()
    assert x.grad.item() == 1


def test_views():
    x = leaf(2, 3)
    repeated(lambda y: y.t(), x).sum().backward()
    assert (x.grad == 1).all()


def test_views_that_follow_their_base():
    x = leaf(2)
    y = x * 1
    v = repeated(lambda v: v.view(2), y)
    v.mul_(3)
    y.sum().backward()
    assert x.grad.tolist() == [3.0, 3.0]


def test_writes_into_views():
    x = leaf(2)
    y = x * 1
    for _ in range(DEEP // 4):
        y[:1].add_(1)
    y.sum().backward()
    assert x.grad.tolist() == [1.0, 1.0]


def test_writes_in_place():
    x = leaf(2)
    y = x * 1
    for _ in range(DEEP):
        y.add_(1)
    y.sum().backward()
    assert x.grad.tolist() == [1.0, 1.0]


@pytest.mark.parametrize("function", [Identity, Remember])
def test_functions_written_in_python(function):
    x = leaf(1)
    y = repeated(function.apply, x, DEEP // 4)
    y.backward()
    assert x.grad.item() == 1
    y = repeated(function.apply, x, DEEP // 4)
    del y


def test_recorded_backward():
    x = torch.full((1,), 0.5, dtype=torch.float64, requires_grad=True)
    n = DEEP // 8
    y = repeated(torch.sin, x, n)
    (g,) = torch.autograd.grad(y, x, create_graph=True)
    g.backward()
    # Of the n-fold sine, the derivatives by hand, from the inside out.
    v, d, dd = x.item(), 1.0, 0.0
    for _ in range(n):
        v, d, dd = math.sin(v), math.cos(v) * d, math.cos(v) * dd - math.sin(v) * d * d
    assert g.item() == pytest.approx(d, rel=1e-9)
    assert x.grad.item() == pytest.approx(dd, rel=1e-9)


def test_retained_gradients():
    x = leaf(1)

    def step(y):
        y = y * 1
        y.retain_grad()
        return y

    repeated(step, x, DEEP // 4).backward()
    assert x.grad.item() == 1


def test_gradients_of_gradients_as_a_chain():
    last = leaf(1)
    for _ in range(DEEP):
        x = leaf(1)
        x.grad = last
        last = x
    del x, last


@pytest.mark.parametrize("how", ["attribute", "hook", "post-accumulate hook"])
def test_tensors_that_hold_each_other(how):
    last = leaf(1)
    for _ in range(DEEP // 4):
        x = leaf(1)
        if how == "attribute":
            x.last = last
        elif how == "hook":
            x.register_hook(lambda g, last=last: None)
        else:
            x.register_post_accumulate_grad_hook(lambda p, last=last: None)
        last = x
    del x, last


def test_collector_walks_deep_graphs():
    x = leaf(1)
    x.register_hook(lambda g: None)
    y = repeated(torch.sin, x)
    gc.collect()
    y.backward()
    gc.collect()


def test_wide_graph():
    x = leaf(1)
    torch.stack([x * 2 for _ in range(DEEP // 4)]).sum().backward()
    assert x.grad.item() == DEEP // 2


@pytest.mark.filterwarnings("ignore:None of the inputs have requires_grad")
@pytest.mark.parametrize("reentrant", [False, True])
def test_checkpoints_in_checkpoints(reentrant):
    def nested(x, depth, wrap):
        return (x * 1.5).sin() if depth == 0 else wrap(x * 1.1, depth - 1).sin()

    def checkpointed(x, depth):
        return checkpoint(nested, x, depth, checkpointed, use_reentrant=reentrant)

    def direct(x, depth):
        return nested(x, depth, direct)

    x, y = (torch.full((1,), 0.3, dtype=torch.float64, requires_grad=True) for _ in range(2))
    checkpointed(x, 100).backward()
    direct(y, 100).backward()
    assert torch.equal(x.grad, y.grad)


def test_backward_in_backward_a_thousand_deep():
    code = """
import sys
import rustorch as torch
sys.setrecursionlimit(100_000)
class Nest(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, n):
        ctx.n = n
        return x.clone()
    @staticmethod
    def backward(ctx, grad):
        if ctx.n:
            with torch.enable_grad():
                inner = torch.ones(1, requires_grad=True)
                Nest.apply(inner, ctx.n - 1).backward()
            assert inner.grad.item() == 1
        return grad, None
x = torch.ones(1, requires_grad=True)
Nest.apply(x, 1000).backward()
print(x.grad.item())
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=100)
    assert done.stdout.strip() == "1.0", done.stderr[-2000:]


def test_backward_in_backward_sees_the_callers_modes():
    seen = []

    class Mode(torch.overrides.TorchFunctionMode):
        def __torch_function__(self, func, types, args=(), kwargs=None):
            seen.append(getattr(func, "__name__", None))
            return func(*args, **(kwargs or {}))

    class Nest(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x, depth, end):
            ctx.depth, ctx.end = depth, end
            return x.clone()

        @staticmethod
        def backward(ctx, grad):
            inner = torch.ones(1, device="cpu", requires_grad=True)
            with torch.enable_grad():
                if ctx.depth:
                    root = Nest.apply(inner, ctx.depth - 1, ctx.end)
                    # Not through a function that modes take over: they are off while they handle one.
                    torch._C._run_backward((root,), (inner.detach(),), False, False, (), True, True)
                else:
                    ctx.end()
            return grad, None, None

    def run(end):
        x = torch.ones(1, requires_grad=True)
        y = Nest.apply(x, 100, end)
        return lambda: torch._C._run_backward((y,), (torch.ones(1, device="cpu"),), False, False, (), True, True)

    def ends_with(text):
        def end():
            raise KeyError(text)

        return end

    found = []
    start = run(lambda: found.append(torch.ones(2).device.type))
    with torch.device("meta"):
        start()
    assert found == ["meta"]

    start = run(lambda: torch.ones(2).exp())
    with Mode():
        start()
    assert "exp" in seen

    packed = []
    start = run(lambda: torch.ones(2, requires_grad=True).exp())
    with torch.autograd.graph.saved_tensors_hooks(lambda t: packed.append(t) or t, lambda t: t):
        start()
    assert any(t.tolist() == torch.ones(2).exp().tolist() for t in packed)

    with pytest.raises(KeyError, match="deep"):
        run(ends_with("deep"))()
    with pytest.raises(torch.OutOfMemoryError):
        run(lambda: torch.empty(1 << 60, dtype=torch.uint8))()
