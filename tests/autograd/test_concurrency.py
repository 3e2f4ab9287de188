"""Several Python threads at once: no update is lost, and no lock is held while Python code runs."""

import threading
import time

import pytest

import rustorch as torch
from rustorch.autograd import graph

PATIENCE = 15  # seconds, far more than anything here takes


def together(n, f):
    """Runs f(0) to f(n - 1) in threads of their own; fails if one raises or does not end."""
    errors = []

    def run(i):
        try:
            f(i)
        except BaseException as e:
            errors.append(e)

    threads = [threading.Thread(target=run, args=(i,), daemon=True) for i in range(n)]
    for t in threads:
        t.start()
    for t in threads:
        t.join(PATIENCE)
        assert not t.is_alive(), "a thread hangs"
    if errors:
        raise errors[0]


def elsewhere(f):
    """Runs f in another thread while this one waits."""
    together(1, lambda _: f())


@pytest.mark.parametrize(("size", "steps"), [(1, 100), (1000, 50), (100_000, 10)])
def test_backward_in_threads_loses_no_update_of_a_shared_leaf(size, steps):
    w = torch.ones(size, requires_grad=True)

    def work(_):
        for _ in range(steps):
            (w * 2).sum().backward()

    together(6, work)
    assert (w.grad == 12 * steps).all()


@pytest.mark.filterwarnings("ignore:Using backward.. with create_graph=True")
def test_recorded_backward_in_threads_loses_no_update():
    w = torch.ones(50_000, requires_grad=True)

    def work(_):
        for _ in range(8):
            (w * 2).sum().backward(create_graph=True)

    together(4, work)
    assert (w.grad == 64).all()
    w.grad = None


def test_backward_in_threads_through_one_graph():
    w = torch.linspace(0.5, 1, 40_000, requires_grad=True)
    y = (w.exp().sin() * w).sum()
    (once,) = torch.autograd.grad(y, w, retain_graph=True)
    together(5, lambda _: [y.backward(retain_graph=True) for _ in range(8)])
    assert torch.allclose(w.grad, once * 40, rtol=1e-5)


def test_modules_train_in_threads_side_by_side():
    def train(seed):
        g = torch.Generator().manual_seed(seed)
        model = torch.nn.Sequential(torch.nn.Linear(4, 32), torch.nn.Tanh(), torch.nn.Linear(32, 1))
        with torch.no_grad():
            for p in model.parameters():
                p.copy_(torch.randn(p.shape, generator=g) * 0.3)
        x = torch.randn(64, 4, generator=g)
        optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
        for _ in range(20):
            optimizer.zero_grad()
            loss = model(x).square().mean()
            loss.backward()
            optimizer.step()
        return loss.item()

    results = {}
    together(4, lambda i: results.update({i: train(i)}))
    assert results == {i: train(i) for i in range(4)}


def test_hooks_come_and_go_while_other_threads_run_backward():
    w = torch.ones(10, requires_grad=True)
    calls = []
    w.register_hook(calls.append)
    w.register_post_accumulate_grad_hook(lambda p: time.sleep(0))

    def work(_):
        for _ in range(40):
            handle = w.register_hook(lambda g: time.sleep(0))
            y = w * 2
            y.register_hook(lambda g: g * 1)
            y.grad_fn.register_hook(lambda gi, go: None)
            y.sum().backward()
            handle.remove()

    together(5, work)
    assert (w.grad == 400).all()
    assert len(calls) == 200


def test_functions_run_in_threads():
    class Double(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x * 2

        @staticmethod
        def backward(ctx, grad):
            time.sleep(0)
            (x,) = ctx.saved_tensors
            return grad * 2 * (x == x)

    w = torch.ones(50_000, requires_grad=True)
    together(5, lambda _: [Double.apply(Double.apply(w)).sum().backward() for _ in range(10)])
    assert (w.grad == 200).all()


def test_grad_mode_is_the_threads_own():
    seen = {}

    def work(i):
        seen[i] = torch.is_grad_enabled(), torch.is_inference_mode_enabled()
        with torch.set_grad_enabled(i % 2 == 0):
            time.sleep(0.002)
            assert torch.is_grad_enabled() == (i % 2 == 0)

    with torch.no_grad(), torch.inference_mode():
        together(4, work)
        assert not torch.is_grad_enabled()
    assert set(seen.values()) == {(True, False)}


def test_hook_may_wait_for_a_backward_in_another_thread_on_the_same_leaf():
    w = torch.ones(50_000, requires_grad=True)
    waits = []

    def wait(_=None):
        if threading.current_thread() is main and not waits:
            waits.append(1)
            elsewhere(lambda: (w * 1).sum().backward())

    main = threading.current_thread()
    w.register_hook(wait)
    w.register_post_accumulate_grad_hook(wait)
    y = w * 1
    y.register_hook(wait)
    y.grad_fn.register_prehook(wait)
    y.grad_fn.register_hook(lambda gi, go: wait())
    for n in range(5):
        waits.clear()
        y.sum().backward(retain_graph=True)
        assert len(waits) == 1
        assert (w.grad == 2 * n + 2).all()


@pytest.mark.filterwarnings("ignore:Using backward.. with create_graph=True")
def test_saved_tensor_hooks_may_wait_for_another_threads_backward():
    w = torch.ones(50_000, requires_grad=True)
    waits = []

    def wait(t):
        waits.append(1)
        elsewhere(lambda: (w * 1).sum().backward())
        return t

    with graph.saved_tensors_hooks(wait, wait):
        z = (w * w).sum()
        z.backward(retain_graph=True)
        packs = len(waits)
        assert packs == 4
        z.backward(create_graph=True)
    assert len(waits) > packs
    assert (w.grad == 4 + len(waits)).all()
    w.grad = None


def test_finalizers_may_run_operations_wherever_objects_die():
    runs = []

    class Last:
        def __del__(self):
            w = torch.ones(3, requires_grad=True)
            with graph.saved_tensors_hooks(lambda t: t, lambda t: t):
                (w.exp() * 2).sum().backward()
            (torch.ones(40_000) + 1).sum()
            runs.append(1)

    def dying_everywhere():
        w = torch.ones(10, requires_grad=True)
        for _ in range(20):
            last = Last()
            y = w.exp()
            y.register_hook(lambda g, last=last: None)
            w.register_hook(lambda g, last=last: None).remove()
            y.grad_fn.metadata["last"] = Last()
            y.last = last
            with graph.saved_tensors_hooks(lambda t, last=last: (t, last), lambda p, last=last: p[0]):
                z = y.sin()
            w.grad = torch.ones(10)
            w.grad.last = Last()
            w.grad = None
            del last, y
            z.sum().backward()
            del z

    together(3, lambda _: dying_everywhere())
    assert len(runs) == 3 * 20 * 3


def test_torch_function_runs_without_locks():
    class Slow(torch.Tensor):
        @classmethod
        def __torch_function__(cls, func, types, args=(), kwargs=None):
            elsewhere(lambda: torch.ones(40_000) + 1)
            return super().__torch_function__(func, types, args, kwargs or {})

    x = torch.ones(40_000).as_subclass(Slow)
    for _ in range(3):
        x = x + 1
    assert type(x) is Slow
    together(3, lambda _: torch.add(x, x))


def test_gradient_may_be_read_while_another_thread_accumulates():
    w = torch.ones(100_000, requires_grad=True)
    over = threading.Event()

    def work(i):
        if i == 0:
            while not over.is_set():
                g = w.grad
                assert g is None or g.shape == w.shape
                w.grad = None
        else:
            try:
                for _ in range(60):
                    (w * 2).sum().backward()
            finally:
                over.set()

    together(3, work)


def test_random_streams_are_safe_to_share():
    g = torch.Generator()

    def work(_):
        for _ in range(20):
            x = torch.rand(40_000, generator=g)
            assert ((x >= 0) & (x < 1)).all()
            torch.randn(100)
            g.manual_seed(3)

    together(4, work)


def test_handles_may_be_replaced_while_others_read_them():
    x = torch.zeros(10)

    def work(i):
        for k in range(300):
            if i == 0:
                x.resize_(10 + k)
            elif i == 1:
                x.data = torch.zeros(10 + k)
            else:
                assert x.shape[0] >= 10
                x.clone()

    together(4, work)
