"""Cycles through tensors and graphs are garbage like any other; what is still in use is not."""

import gc
import resource
import threading
import weakref

import pytest

import rustorch as torch
from rustorch import nn
from rustorch.autograd import graph


class Token:
    """Something that a weak reference can watch."""


class Sub(torch.Tensor):
    pass


class Keep(torch.autograd.Function):
    """Doubles, and leaves its ctx to whoever asks."""

    @staticmethod
    def forward(ctx, x, seen):
        seen.append(ctx)
        return x * 2

    @staticmethod
    def backward(ctx, grad):
        return grad * 2, None


class Save(Keep):
    @staticmethod
    def forward(ctx, x, seen):
        seen.append(ctx)
        ctx.save_for_backward(x)
        return x * 2


def leaf(n=3):
    return torch.ones(n, requires_grad=True)


def holding(*things):
    """A hook that keeps things alive and changes nothing."""
    return lambda *grads: things and None


def kept(x):
    """(output, ctx) of a function."""
    seen = []
    y = Keep.apply(x, seen)
    return y, seen.pop()


def through_tensor_hook(token):
    x = leaf()
    x.register_hook(holding(x, token))


def through_hook_of_result(token):
    y = leaf() * 2
    y.register_hook(holding(y, token))


def through_hook_of_leaf_below(token):
    x = leaf()
    y = x.exp() + 1
    x.register_hook(holding(y, token))


def through_post_accumulate_hook(token):
    x = leaf()
    x.register_post_accumulate_grad_hook(holding(x, token))


def through_node_hook(token):
    y = leaf().exp()
    y.grad_fn.register_hook(holding(y, token))


def through_node_prehook(token):
    y = leaf().exp()
    y.grad_fn.register_prehook(holding(y, token))


def through_node_object(token):
    node = leaf().exp().grad_fn
    node.register_hook(holding(node, token))


def through_node_metadata(token):
    node = leaf().exp().grad_fn
    node.metadata["self"] = (node, token)


def through_node_below(token):
    y = leaf().exp()
    z = (y * 2).sum()
    y.grad_fn.register_hook(holding(z, token))


def through_accumulator_hook(token):
    y = leaf() * 2
    y.grad_fn.next_functions[0][0].register_hook(holding(y, token))


def through_ctx(token):
    y, ctx = kept(leaf())
    ctx.token, ctx.output = token, y


def through_ctx_below(token):
    y, ctx = kept(leaf())
    ctx.token, ctx.output = token, (y.sin() + y.cos()).sum()


def through_two_ctx(token):
    y, first = kept(leaf())
    z, second = kept(y)
    first.later, second.token = z, token


def through_ctx_seen_through_view(token):
    y, ctx = kept(leaf(4))
    ctx.token, ctx.output = token, y.view(2, 2)[0]


def through_saved_for_backward(token):
    seen = []
    x = leaf()
    Save.apply(x, seen)
    ctx = seen.pop()
    x.register_hook(holding(ctx, token))


def through_saved_by_operation(token):
    x = leaf()
    y = x.detach().clone().requires_grad_()
    z = x * y  # Keeps both.
    y.register_hook(holding(z, token))


def through_copy_slices(token):
    y, ctx = kept(leaf())
    y[:1].mul_(2)
    ctx.token, ctx.output = token, y


def through_saved_tensors_hooks(token):
    cell = []
    with graph.saved_tensors_hooks(lambda t: (t, cell, token), lambda packed: packed[0]):
        cell.append(leaf().exp())


def through_attribute(token):
    x = torch.ones(3)
    x.me, x.token = x, token


def through_attribute_of_result(token):
    y = leaf() * 2
    y.me, y.token = y, token


def through_attribute_of_gradient(token):
    x = leaf()
    x.sum().backward()
    x.grad.owner, x.grad.token = x, token


def through_subclass(token):
    x = Sub([1.0, 2.0])
    x.me, x.token = x, token


def through_subclass_hook(token):
    x = torch.ones(3).as_subclass(Sub).requires_grad_()
    x.register_hook(holding(x, token))


def through_parameter(token):
    p = nn.Parameter(torch.ones(3))
    p.me, p.token = p, token


def through_handle(token):
    x = leaf()

    def hook(g):
        assert handle
        assert token
        assert x is not None

    handle = x.register_hook(hook)


def through_module(token):
    m = nn.Linear(2, 2)
    m.token = token
    m.handles = [p.register_hook(lambda g: (m, g)[1]) for p in m.parameters()]
    m.register_forward_hook(lambda *args: (m, None)[1])


def through_new_data(token):
    x = leaf()
    x.register_hook(holding(x, token))
    x.data = torch.zeros(5)


CYCLES = [f for name, f in sorted(globals().items()) if name.startswith("through_")]


@pytest.mark.parametrize("cycle", CYCLES)
def test_cycle_is_collected(cycle):
    token = Token()
    watch = weakref.ref(token)
    gc.collect()
    gc.disable()
    try:
        cycle(token)
        del token
        assert watch() is not None, "a cycle keeps itself until the collector comes"
        gc.collect()
        assert watch() is None
    finally:
        gc.enable()


def test_self_reference_in_dict_of_tensor_and_its_subclass_ends_with_the_object():
    for make in (lambda: torch.ones(3), lambda: Sub([1.0]), lambda: nn.Parameter(torch.ones(2)), lambda: leaf() * 2):
        x = make()
        x.me = x
        watch = weakref.ref(x)
        del x
        gc.collect()
        assert watch() is None


# ---- what is in use stays


def test_hooks_of_a_tensor_that_only_the_graph_holds_stay():
    calls = []

    def start():
        x = leaf()
        x.register_hook(lambda g: calls.append(x))
        return (x * 2).sum()

    out = start()
    gc.collect()
    out.backward()
    gc.collect()
    assert len(calls) == 1
    assert calls[0].grad.tolist() == [2.0, 2.0, 2.0]


def test_ctx_that_only_the_graph_holds_stays():
    y, ctx = kept(leaf())
    ctx.me = ctx
    watch = weakref.ref(ctx)
    z = y.sum()
    del y, ctx
    gc.collect()
    assert watch() is not None
    z.backward()
    del z
    gc.collect()
    assert watch() is None


def test_garbage_that_shares_a_graph_with_a_living_tensor_takes_nothing_away():
    calls = []
    x = leaf()
    y = x * 2
    y.register_hook(lambda g: calls.append(g))
    z = y.sum()
    y.me = y  # A garbage cycle from here on; its node is z's, too.
    del y
    gc.collect()
    z.backward()
    assert len(calls) == 1
    assert x.grad.tolist() == [2.0, 2.0, 2.0]


def test_object_revived_by_a_finalizer_is_whole():
    revived = []

    class Phoenix:
        def __init__(self, tensor):
            self.tensor, self.me = tensor, self

        def __del__(self):
            revived.append(self.tensor)

    def burn():
        x = leaf()
        x.register_hook(lambda g: (x, g)[1])
        Phoenix(x)

    burn()
    gc.collect()
    (y,) = revived
    (y * 3).sum().backward()
    assert y.grad.tolist() == [3.0, 3.0, 3.0]


@pytest.fixture
def only_new_garbage():
    """Keeps what all tests before have left out of collections, which are then quick."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


def test_backward_in_a_thread_survives_collections(only_new_garbage):
    # The thread asks for the interpreter at each hook, and gets it when a collection is over.
    calls = []
    x = leaf(1000)
    y = x
    for _ in range(200):
        y = y * 1.0
        y.register_hook(lambda g: calls.append(1))
        y.retain_grad()
    loss = y.sum()
    del y
    thread = threading.Thread(target=loss.backward)
    thread.start()
    while thread.is_alive():
        gc.collect()
    thread.join()
    assert len(calls) == 200


@pytest.fixture
def eager_collector(only_new_garbage):
    before = gc.get_threshold()
    gc.set_threshold(1)
    yield
    gc.set_threshold(*before)


def test_programs_run_under_an_eager_collector(eager_collector):
    torch.manual_seed(0)
    conv = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten())
    model = nn.Sequential(conv, nn.Linear(18, 8), nn.LayerNorm(8), nn.GELU(), nn.Dropout(0.1), nn.Linear(8, 3))
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    x, y = torch.randn(4, 1, 8, 8), torch.tensor([0, 1, 2, 0])
    for p in model.parameters():
        p.register_hook(lambda g, p=p: (p, g)[1])
    losses = []
    for _ in range(5):
        optimizer.zero_grad()
        hidden = model(x)
        hidden.register_hook(lambda g, hidden=hidden: None)
        seen = []
        out = Save.apply(hidden, seen)
        seen[0].output = out
        loss = nn.functional.cross_entropy(out, y)
        with graph.saved_tensors_hooks(lambda t, seen=seen: (t, seen), lambda packed: packed[0]):
            loss = loss + sum((p * p).sum() for p in model.parameters()) * 1e-3
        grads = torch.autograd.grad(loss, list(model.parameters()), create_graph=True)
        total = loss + sum(g.square().sum() for g in grads) * 1e-3
        total.backward()
        optimizer.step()
        view = out.detach().clone().requires_grad_() * 1
        view[0].mul_(2)
        view[1:].add_(1)
        view.sum().backward()
        losses.append(loss.item())
    assert losses[-1] < losses[0]


# ---- memory stays flat


def plain(model, x):
    model(x).square().mean().backward()


def second_order(model, x):
    params = list(model.parameters())
    grads = torch.autograd.grad(model(x).square().mean(), params, create_graph=True)
    sum(g.square().sum() for g in grads).backward()


def recorded_backward(model, x):
    model(x).square().mean().backward(create_graph=True)
    for p in model.parameters():
        p.grad = None


def with_hooks(model, x):
    hidden = model(x)
    hidden.register_hook(lambda g: (hidden, g * 1)[1])
    handles = [p.register_hook(lambda g, p=p: None) for p in model.parameters()]
    handles += [p.register_post_accumulate_grad_hook(lambda p: None) for p in model.parameters()]
    hidden.grad_fn.register_hook(lambda gi, go: None)
    hidden.square().mean().backward()
    for h in handles:
        h.remove()


def with_functions(model, x):
    seen = []
    out = Save.apply(model(x), seen)
    seen[0].output = out
    out.square().mean().backward()


def in_place_views(model, x):
    y = model(x) * 1
    y[0].mul_(2)
    y.view(-1)[1:3].add_(1)
    y.t().relu_()
    y.square().mean().backward()


def with_checkpoint(model, x):
    torch.utils.checkpoint.checkpoint(model, x, use_reentrant=False).square().mean().backward()


def resident():
    """Bytes in memory."""
    with open("/proc/self/statm", encoding="ascii") as f:
        return int(f.read().split()[1]) * resource.getpagesize()


@pytest.mark.filterwarnings("ignore:Using backward.. with create_graph=True")
@pytest.mark.parametrize(
    "step", [plain, second_order, recorded_backward, with_hooks, with_functions, in_place_views, with_checkpoint]
)
def test_memory_stays_flat_over_a_thousand_steps(step):
    model = nn.Sequential(nn.Linear(16, 16), nn.Tanh(), nn.Linear(16, 16))
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-3)
    x = torch.randn(16, 16)

    def run(steps):
        for _ in range(steps):
            optimizer.zero_grad()
            step(model, x)
            optimizer.step()
        gc.collect()
        return resident(), len(gc.get_objects())

    run(100)
    before, objects = run(100)
    grown = []
    for _ in range(3):
        after, more = run(1000)
        grown.append(after - before)
        before = after
    # A leaked tensor of a step takes a kilobyte, so 1000 steps would show as several hundred, each time; what the
    # process's allocators take once (a thread's arena, a cache) shows in one round.
    assert min(grown) < 400_000
    assert abs(more - objects) < 100
