"""The thread pool: the same bits for any number of threads, use after fork, and numbers of threads."""

import multiprocessing
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

import rustorch as torch
from rustorch.nn import functional as F

LINUX = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
FORK = pytest.mark.skipif(not hasattr(os, "fork"), reason="the system has no fork")


@pytest.fixture(autouse=True)
def number_of_threads():
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


def workers():
    """How many of the pool's threads this process has, besides the caller."""
    names = [Path(f"/proc/self/task/{t}/comm").read_text(encoding="ascii") for t in os.listdir("/proc/self/task")]
    return sum(name.startswith("rustorch-") for name in names)


def reaches(n):
    """Does the number of workers come to `n`? A thread that has just started does not have its name yet."""
    end = time.monotonic() + 5
    while workers() != n and time.monotonic() < end:
        pass
    return workers() == n


def use():
    """Something that runs on the pool; its bits."""
    x = torch.arange(1 << 18, dtype=torch.float32)
    return (x.sin() @ x.cos()).item()


# ---- the same bits


def r(*shape, dtype=torch.float32):
    return torch.randn(shape, dtype=dtype)


def grads(f, *inputs):
    """Value and gradients of f for a fixed random cotangent."""
    inputs = [t.requires_grad_() if t.is_floating_point() else t for t in inputs]
    y = f(*inputs)
    return y.detach(), *torch.autograd.grad(y, [t for t in inputs if t.requires_grad], torch.randn_like(y))


def index(n, high):
    return torch.randint(0, high, (n,))


def losses():
    x, y = r(5003, 17), r(5003, 17)
    return [
        f(x, y) for f in (F.mse_loss, F.l1_loss, F.smooth_l1_loss, F.huber_loss, F.binary_cross_entropy_with_logits)
    ]


def randoms():
    n = 300_001
    return [
        torch.rand(n), torch.randn(n), torch.randint(0, 99, (n,)), torch.randperm(n), torch.empty(n).exponential_(),
        torch.bernoulli(torch.rand(n)), torch.multinomial(torch.rand(10_001), 2000), F.dropout(torch.ones(n), 0.3),
    ]  # fmt: skip


def normal_layers():
    x = r(31, 18, 13, 11)
    bn = torch.nn.BatchNorm2d(18)
    y = bn(x.requires_grad_())
    y.square().mean().backward()
    return [y.detach(), x.grad, bn.weight.grad, bn.bias.grad, bn.running_mean, bn.running_var]


CASES = {
    "pointwise": lambda: r(700_003).sin().exp().mul(3).add(r(700_003)),
    "pointwise, broadcast and strided": lambda: (r(1001, 1) * r(777) + r(777, 1001).t())[::2, 1::3].tanh(),
    "copy": lambda: r(511, 33, 67).permute(2, 0, 1).contiguous(),
    "cast": lambda: r(700_003).to(torch.float16).to(torch.float64),
    "sum": lambda: [r(1_000_003).sum(), r(1003, 1009).sum(0), r(1003, 1009).sum(1), r(101, 103, 107).sum((0, 2))],
    "sum of halves": lambda: [r(1_000_003).bfloat16().sum(), r(1003, 1009).half().mean(0)],
    "mean, prod, norm": lambda: [r(999_983).mean(), r(1000, 1009).mul(1e-3).add(1).prod(0), r(999_983).norm(), r(999, 1001).norm(3, 1)],
    "var, std": lambda: [r(999_983).var(), r(1003, 1009).std(0), *torch.var_mean(r(1003, 1009), 1)],
    "min, max, arg": lambda: [r(999_983).argmax(), *r(1003, 1009).max(0), *r(1003, 1009).min(1), *r(1003, 1009).aminmax(dim=0)],
    "logsumexp": lambda: [r(1003, 1009).logsumexp(0), r(1003, 1009).logsumexp(1)],
    "any, all, count": lambda: [(r(999_983) > 5).any(), (r(1003, 1009) > -3).all(0), torch.count_nonzero(r(999_983) > 0)],
    "scans": lambda: [r(1_000_003).cumsum(0), r(1003, 1009).cumsum(0), r(1003, 1009).cumprod(1), *r(999_983).cummax(0), r(200_003).logcumsumexp(0)],
    "softmax": lambda: grads(lambda x: x.softmax(1), r(1003, 501)) + grads(lambda x: x.log_softmax(0), r(1003, 501)),
    "matmul": lambda: [r(517, 311) @ r(311, 419), r(1003, 777) @ r(777), r(1, 1003) @ r(1003, 511), r(37, 65, 129) @ r(37, 129, 33)],
    "matmul, double": lambda: [r(311, 517, dtype=torch.float64).t() @ r(311, 419, dtype=torch.float64), r(255, 257).half() @ r(257, 63).half()],
    "dot, outer": lambda: [torch.dot(r(999_983), r(999_983)), torch.outer(r(1003), r(1009))],
    "linear": lambda: grads(F.linear, r(513, 301), r(203, 301), r(203)),
    "einsum": lambda: torch.einsum("bij,bkj->bik", r(17, 101, 63), r(17, 99, 63)),
    "conv1d": lambda: grads(lambda x, w, b: F.conv1d(x, w, b, padding=2), r(9, 7, 1003), r(11, 7, 5), r(11)),
    "conv2d": lambda: grads(lambda x, w, b: F.conv2d(x, w, b, padding=1), r(7, 13, 31, 29), r(19, 13, 3, 3), r(19)),
    "conv2d, stride and groups": lambda: grads(lambda x, w: F.conv2d(x, w, stride=2, groups=3, dilation=2), r(5, 12, 65, 63), r(18, 4, 3, 3)),
    "conv_transpose2d": lambda: grads(lambda x, w: F.conv_transpose2d(x, w, stride=2), r(5, 12, 21, 23), r(12, 7, 3, 3)),
    "pooling": lambda: [*grads(lambda x: F.max_pool2d(x, 3, 2), r(13, 17, 41, 43)), *grads(lambda x: F.avg_pool2d(x, 2), r(13, 17, 41, 43)), *grads(lambda x: F.adaptive_avg_pool2d(x, (5, 7)), r(13, 17, 41, 43))],
    "layer norm": lambda: grads(lambda x, w, b: F.layer_norm(x, (257,), w, b), r(1501, 257), r(257), r(257)),
    "group norm": lambda: grads(lambda x, w, b: F.group_norm(x, 3, w, b), r(19, 12, 31, 17), r(12), r(12)),
    "batch norm": normal_layers,
    "interpolate": lambda: grads(lambda x: F.interpolate(x, scale_factor=2.5, mode="bilinear"), r(7, 5, 43, 41)),
    "embedding": lambda: grads(lambda w: F.embedding(index(60_001, 1003), w), r(1003, 19)),
    "index": lambda: grads(lambda x: x[index(100_003, 5003)], r(5003, 7)) + grads(lambda x: x.index_select(1, index(2001, 53)), r(301, 53)),
    "gather, take": lambda: grads(lambda x: x.gather(0, index(300_007, 5003)), r(5003)) + grads(lambda x: x.take(index(200_003, 9009)), r(9009)),
    "scatter_add": lambda: [r(1009).scatter_add(0, index(400_009, 1009), r(400_009)), r(503, 67).scatter_add(1, torch.randint(0, 67, (503, 301)), r(503, 301))],
    "scatter_reduce": lambda: [r(1009).scatter_reduce(0, index(300_007, 1009), r(300_007), how) for how in ("sum", "mean", "prod", "amax")],
    "index_add, index_put": lambda: [r(1009, 9).index_add(0, index(50_021, 1009), r(50_021, 9)), r(1009).index_put((index(300_007, 1009),), r(300_007), accumulate=True)],
    "masks": lambda: [r(999_983)[r(999_983) > 0], (r(1003, 1009) > 1).nonzero(), r(999_983).masked_fill(r(999_983) > 0, 2.0)],
    "sort": lambda: [*r(500_009).sort(), *r(1003, 501).sort(1), *r(1003, 501).sort(0, descending=True), torch.randint(0, 50, (300_007,)).argsort(stable=True)],
    "topk, median": lambda: [*r(500_009).topk(1001), *r(1003, 501).topk(7, 0), r(500_009).median(), *r(1003, 501).kthvalue(9, 0)],
    "unique, bincount, histc": lambda: [*torch.unique(index(300_007, 999), return_inverse=True, return_counts=True), torch.bincount(index(300_007, 999), r(300_007).abs()), torch.histc(r(999_983), 51)],
    "searchsorted": lambda: torch.searchsorted(r(5003).sort()[0], r(400_009)),
    "cat, stack, pad, roll": lambda: [torch.cat([r(301, 503), r(203, 503)]), torch.stack([r(500, 501)] * 3, 1), F.pad(r(501, 503), (3, 4, 5, 6)), r(501, 503).roll((3, -5), (0, 1))],
    "losses": losses,
    "cross entropy": lambda: grads(lambda x: F.cross_entropy(x, index(5003, 101), weight=torch.rand(101), label_smoothing=0.1), r(5003, 101)),
    "attention": lambda: grads(F.scaled_dot_product_attention, r(3, 5, 129, 33), r(3, 5, 131, 33), r(3, 5, 131, 33)),
    "cdist": lambda: torch.cdist(r(701, 33), r(503, 33)),
    "random": randoms,
}  # fmt: skip


def bits(case, threads):
    torch.set_num_threads(threads)
    torch.manual_seed(7)
    out = CASES[case]()
    out = [out] if isinstance(out, torch.Tensor) else list(out)
    return [t.detach().contiguous().view(-1).view(torch.uint8) if t.numel() else t for t in out]


@pytest.mark.parametrize("case", CASES)
def test_number_of_threads_changes_no_bit(case):
    alone = bits(case, 1)
    for threads in (4, 2, 4):
        for a, b in zip(alone, bits(case, threads), strict=True):
            assert torch.equal(a, b), f"{threads} threads give other bits than one"


# ---- numbers of threads


@LINUX
@pytest.mark.parametrize("n", [4, 1, 7, 2])
def test_set_num_threads_makes_as_many_threads_whatever_the_processors(n):
    torch.set_num_threads(n)
    use()
    assert torch.get_num_threads() == n
    # A pool of one is the caller alone, who leaves an older pool asleep.
    assert n == 1 or reaches(n - 1)


def python(code, **environment):
    """Standard output of a program that has imported torch."""
    code = "import os, sys\nimport rustorch as torch\n" + code
    environment = {**os.environ, **environment}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_omp_num_threads_is_honoured():
    assert python("print(torch.get_num_threads())", OMP_NUM_THREADS="1") == "1"
    available = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    assert int(python("print(torch.get_num_threads())", OMP_NUM_THREADS="64")) <= available


@pytest.mark.parametrize("n", [0, -1])
def test_less_than_one_thread_is_an_error(n):
    with pytest.raises(RuntimeError, match="set_num_threads expects a positive integer"):
        torch.set_num_threads(n)


# ---- fork


def answer(queue, depth):
    """In a child: uses the pool, forks again `depth` times, and answers."""
    results = [use()]
    if depth:
        inner = multiprocessing.get_context("fork").Queue()
        child = multiprocessing.get_context("fork").Process(target=answer, args=(inner, depth - 1))
        child.start()
        results += inner.get(timeout=20)
        child.join(20)
        results.append(use())
    queue.put(results)


@FORK
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_pool_works_in_forked_children_and_theirs_and_in_the_parent():
    torch.set_num_threads(3)
    before = use()
    context = multiprocessing.get_context("fork")
    queue = context.Queue()
    children = [context.Process(target=answer, args=(queue, 2)) for _ in range(2)]
    for child in children:
        child.start()
    for _ in children:
        assert queue.get(timeout=100) == [before] * 5
    for child in children:
        child.join(20)
        assert child.exitcode == 0
    assert use() == before


@FORK
def test_fork_while_other_threads_compute():
    code = """
import threading, time
torch.set_num_threads(4)
stop = threading.Event()
def work():
    while not stop.is_set():
        (torch.rand(300_000).sort()[0] @ torch.rand(300_000)).item()
        w = torch.rand(60_000, requires_grad=True)
        w.exp().sum().backward()
torch.rand(3, requires_grad=True).exp().sum().backward()  # Imports what is imported late: Python's locks break, too.
threads = [threading.Thread(target=work) for _ in range(2)]
for t in threads: t.start()
for _ in range(15):
    pid = os.fork()
    if pid == 0:
        try:
            ok = torch.ones(1 << 18).sum().item() == 1 << 18 and torch.rand(100_000).cumsum(0)[-1] > 0
            w = torch.ones(60_000, requires_grad=True)
            (w * 2).sum().backward()
            os._exit(0 if ok and (w.grad == 2).all() else 1)
        except BaseException:
            os._exit(2)
    for _ in range(1000):
        done, status = os.waitpid(pid, os.WNOHANG)
        if done: break
        time.sleep(0.01)
    else:
        os.kill(pid, 9); os._exit(3)
    assert status == 0, status
stop.set()
for t in threads: t.join()
print("ok")
"""
    assert python(code, PYTHONWARNINGS="ignore") == "ok"


@FORK
def test_random_state_is_copied_by_fork():
    code = """
torch.manual_seed(5)
read, write = os.pipe()
if os.fork() == 0:
    os.write(write, repr(torch.rand(1000).sum().item()).encode())
    os._exit(0)
mine = torch.rand(1000).sum().item()
print(float(os.read(read, 100)) == mine)
"""
    assert python(code, PYTHONWARNINGS="ignore") == "True"


@FORK
def test_fork_while_another_thread_draws_from_a_generator_of_its_own():
    code = """
import threading, time
own = torch.Generator()
stop = threading.Event()
def work():
    while not stop.is_set():
        torch.rand(3_000_000, generator=own)
thread = threading.Thread(target=work)
thread.start()
for _ in range(10):
    time.sleep(0.01)
    pid = os.fork()
    if pid == 0:
        torch.rand(3, generator=own)
        os._exit(0)
    for _ in range(500):
        done, status = os.waitpid(pid, os.WNOHANG)
        if done: break
        time.sleep(0.01)
    else:
        os.kill(pid, 9); os._exit(3)
    assert status == 0, status
stop.set()
thread.join()
print("ok")
"""
    assert python(code, PYTHONWARNINGS="ignore") == "ok"
