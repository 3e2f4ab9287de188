"""Sizes that no machine has memory for are errors, never the end of the process, and harm no tensor."""

import subprocess
import sys

import pytest

import rustorch as torch
from rustorch import nn
from rustorch.nn import functional as F

HUGE = 2**45  # elements: more bytes than an address space of 47 bits has
ONE = torch.ones(1)


def wide():
    """A view of one element with as many elements as no memory holds."""
    return ONE.expand(HUGE)


def column(n=2**24):
    return torch.ones(1, 1).expand(n, 1)


TOO_LARGE = {
    "empty": lambda: torch.empty(HUGE),
    "zeros": lambda: torch.zeros(HUGE),
    "ones": lambda: torch.ones(HUGE),
    "full": lambda: torch.full((HUGE,), 3.0),
    "rand": lambda: torch.rand(HUGE),
    "randn": lambda: torch.randn(HUGE),
    "randint": lambda: torch.randint(0, 5, (HUGE,)),
    "randperm": lambda: torch.randperm(HUGE),
    "normal": lambda: torch.normal(0.0, 1.0, (HUGE,)),
    "arange": lambda: torch.arange(HUGE),
    "arange of floats": lambda: torch.arange(0, 1e15),
    "linspace": lambda: torch.linspace(0, 1, HUGE),
    "logspace": lambda: torch.logspace(0, 1, HUGE),
    "eye": lambda: torch.eye(2**24),
    "empty_strided": lambda: torch.empty_strided((2**20,), (2**40,)),
    "empty_like": lambda: torch.empty_like(wide()),
    "rand_like": lambda: torch.rand_like(wide()),
    "new_zeros": lambda: ONE.new_zeros(HUGE),
    "new_full": lambda: ONE.new_full((HUGE,), 1),
    "legacy constructor": lambda: torch.FloatTensor(HUGE),
    "storage": lambda: torch.UntypedStorage(2**50),
    "resize_": lambda: torch.ones(2).resize_(HUGE),
    "storage resize_": lambda: torch.ones(2).untyped_storage().resize_(2**50),
    "contiguous": lambda: wide().contiguous(),
    "clone": lambda: wide().clone(),
    "cast": lambda: wide().double(),
    "add": lambda: wide() + 1,
    "mul": lambda: wide() * wide(),
    "repeat": lambda: ONE.repeat(HUGE),
    "repeat_interleave": lambda: torch.ones(3).repeat_interleave(HUGE),
    "tile": lambda: torch.tile(torch.ones(3), (HUGE,)),
    "cat": lambda: torch.cat([wide(), wide()]),
    "stack": lambda: torch.stack([wide(), wide()]),
    "matmul": lambda: column() @ column().t(),
    "outer": lambda: torch.outer(ONE.expand(2**24), ONE.expand(2**24)),
    "einsum": lambda: torch.einsum("i,j->ij", ONE.expand(2**24), ONE.expand(2**24)),
    "diag": lambda: torch.diag(ONE.expand(2**24)),
    "cdist": lambda: torch.cdist(column(), column()),
    "pdist": lambda: torch.pdist(column(2**25)),
    "sort": lambda: wide().sort(),
    "unique": lambda: wide().unique(),
    "median": lambda: wide().median(),
    "kthvalue": lambda: wide().kthvalue(2),
    "cumsum": lambda: wide().cumsum(0),
    "softmax": lambda: wide().softmax(0),
    "flip": lambda: wide().flip(0),
    "bincount": lambda: torch.bincount(torch.tensor([HUGE])),
    "histc": lambda: torch.histc(torch.ones(3), bins=HUGE),
    "searchsorted": lambda: torch.searchsorted(torch.ones(3), wide()),
    "multinomial": lambda: torch.multinomial(torch.ones(3), HUGE, replacement=True),
    "bernoulli": lambda: torch.bernoulli(wide()),
    "tril_indices": lambda: torch.tril_indices(2**24, 2**24),
    "triu_indices of a matrix too large to walk": lambda: torch.triu_indices(2**28, 2**28),
    "pad": lambda: F.pad(torch.ones(3), (0, HUGE)),
    "interpolate": lambda: F.interpolate(torch.ones(1, 1, 2), size=HUGE),
    "adaptive_avg_pool1d": lambda: F.adaptive_avg_pool1d(torch.ones(1, 1, 3), HUGE),
    "split": lambda: wide().split(1),
    "unbind": lambda: wide().unbind(),
    "chunk": lambda: wide().chunk(HUGE),
    "tensor_split": lambda: wide().tensor_split(HUGE),
    "attention": lambda: F.scaled_dot_product_attention(*[ONE.expand(1, 2**24, 1)] * 3, dropout_p=0.5),
    "hann_window": lambda: torch.hann_window(HUGE),
    "Embedding": lambda: nn.Embedding(HUGE, 3),
    "Linear": lambda: nn.Linear(2**30, 2**30),
}

OVERFLOWING = {
    "empty": lambda: torch.empty(2**62, 4),
    "zeros": lambda: torch.zeros(2**62, 4),
    "largest": lambda: torch.empty(2**63 - 1),
    "bytes": lambda: torch.empty(2**61),
    "three dims": lambda: torch.empty(2**31, 2**31, 2**31),
    "meta": lambda: torch.empty(2**62, 4, device="meta"),
    "legacy constructor": lambda: torch.FloatTensor(2**62, 4),
    "eye": lambda: torch.eye(2**40),
    "new_ones": lambda: ONE.new_ones((2**62, 4)),
    "resize_": lambda: torch.ones(2).resize_(2**62, 4),
    "repeat": lambda: ONE.repeat(2**62, 4),
    "repeat_interleave": lambda: torch.ones(3).repeat_interleave(2**62),
    "cat": lambda: torch.cat([ONE.expand(2**62)] * 4),
    "expand": lambda: ONE.expand(2**62, 4),
    "broadcast_to": lambda: torch.broadcast_to(ONE, (2**62, 4)),
    "as_strided": lambda: ONE.as_strided((2**62, 4), (0, 0)),
    "broadcast by an operation": lambda: torch.ones(1, 1).expand(2**40, 1) + torch.ones(1, 1).expand(1, 2**40),
    "pad": lambda: F.pad(torch.ones(3), (2**62, 2**62)),
    "conv1d": lambda: F.conv1d(torch.ones(1, 1, 3), torch.ones(1, 1, 1), padding=2**62),
    "interpolate": lambda: F.interpolate(torch.ones(1, 1, 2), scale_factor=1e18),
    "interpolate in two dims": lambda: F.interpolate(torch.ones(1, 1, 2, 2), size=(2**31, 2**31)),
    "unfold": lambda: F.unfold(torch.ones(1, 1, 3, 3), 1, padding=2**31),
    "tril_indices": lambda: torch.tril_indices(2**62, 2**62),
    "arange": lambda: torch.arange(-(2**63), 2**63 - 1),
}


@pytest.mark.parametrize("name", TOO_LARGE)
def test_memory_that_does_not_exist_is_a_runtime_error(name):
    with pytest.raises(RuntimeError, match="can't allocate memory"):
        TOO_LARGE[name]()
    assert ONE.tolist() == [1.0]


@pytest.mark.parametrize("name", OVERFLOWING)
def test_sizes_that_overflow_are_a_runtime_error(name):
    with pytest.raises(RuntimeError) as caught:
        OVERFLOWING[name]()
    assert "internal error" not in str(caught.value)


def test_list_that_does_not_fit_is_a_memory_error():
    with pytest.raises(MemoryError):
        wide().tolist()


def test_factor_whose_square_overflows_is_a_value_error():
    with pytest.raises(ValueError, match="upscale factor is too large"):
        F.pixel_shuffle(torch.ones(1, 1, 1, 1), 2**40)


def test_failed_resize_leaves_the_tensor_as_it_was():
    x = torch.tensor([1.0, 2.0])
    address = x.data_ptr()
    with pytest.raises(RuntimeError, match="can't allocate memory"):
        x.resize_(HUGE)
    assert x.tolist() == [1.0, 2.0]
    assert x.data_ptr() == address
    assert x.untyped_storage().nbytes() == 8


def test_failure_in_backward_leaves_graph_and_leaves_usable():
    x = torch.ones(1, requires_grad=True)
    y = x.expand(HUGE)[5]  # Its gradient is HUGE zeros but for one.
    with pytest.raises(RuntimeError, match="can't allocate memory"):
        (y * x).sum().backward(retain_graph=True)
    assert x.grad is None
    (x * 2).sum().backward()
    assert x.grad.tolist() == [2.0]


def test_number_of_triangle_elements(oracle):
    for rows in range(5):
        for cols in range(5):
            for diagonal in range(-6, 7):
                for name in ("tril_indices", "triu_indices"):
                    ours, theirs = (getattr(m, name)(rows, cols, diagonal) for m in (torch, oracle))
                    assert ours.tolist() == theirs.tolist()


LIMITED = """
import os, resource, sys, warnings
warnings.simplefilter("ignore")
import rustorch as torch
from rustorch.nn import functional as F
torch.set_num_threads(2)
n = 1 << 20
x, i, g = torch.rand(n), torch.randint(0, 1 << 18, (n,)), torch.rand(1 << 18, 4)
m, square = x > 0.5, x.view(1024, 1024)
before = [t.clone() for t in (x, i, g)]
(x.sin().sort()[0] @ x).item()  # The pool's stacks are there before the limit is.
cases = [
    lambda: x.sort(), lambda: x.unique(), lambda: x.unique(return_inverse=True), lambda: g.unique(dim=0),
    lambda: x.unique_consecutive(return_inverse=True, return_counts=True), lambda: x.median(), lambda: x.kthvalue(5),
    lambda: x.mode(), lambda: x.nonzero(), lambda: x[m], lambda: x[i], lambda: x.gather(0, i), lambda: x.cumsum(0),
    lambda: x.exp(), lambda: x.topk(n // 2), lambda: torch.zeros(1 << 18).index_add(0, i, x),
    lambda: torch.zeros(1 << 18).scatter_reduce(0, i, x, "mean"), lambda: torch.bincount(i, x),
    lambda: torch.histc(x, bins=1 << 18), lambda: torch.multinomial(x, n // 4), lambda: torch.randperm(n),
    lambda: x.put(i, x, accumulate=True), lambda: x.index_put((i,), x, accumulate=True), lambda: square @ square,
    lambda: F.conv1d(x.view(1, 1, -1), x[:9].view(1, 1, 9)), lambda: F.interpolate(x.view(1, 1, -1), size=2 * n),
    lambda: F.embedding(i, torch.zeros(1 << 18, 2).requires_grad_()).sum().backward(),
    lambda: square.sort(0), lambda: square.std(0), lambda: square.argmax(0),
    lambda: square.median(0), lambda: x.masked_scatter(m, x), lambda: torch.pdist(g[:2048]),
    lambda: x.clone().requires_grad_().sort()[0].sum().backward(), lambda: x.quantile(0.5), lambda: x.argsort(),
]
refused = 0
for extra in (2, 3, 5, 10, 20, 40):
    pages = int(open("/proc/self/statm").read().split()[0])
    resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + (extra << 20), resource.RLIM_INFINITY))
    for case in cases:
        try:
            case()
        except (RuntimeError, MemoryError) as e:
            assert type(e) is MemoryError or "can't allocate memory" in str(e), e
            refused += 1
resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
assert refused > len(cases)
for t, b in zip((x, i, g), before):
    assert torch.equal(t, b)
assert torch.equal(x.sort()[0], before[0].sort()[0])
print("alive")
"""


@pytest.mark.skipif(sys.platform != "linux", reason="limits the address space")
def test_process_survives_a_limit_on_its_memory():
    done = subprocess.run([sys.executable, "-c", LIMITED], capture_output=True, text=True, timeout=110)
    assert done.stdout.strip() == "alive", done.stderr[-3000:]
