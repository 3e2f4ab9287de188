"""Packed weights: inference keeps a copy of a parameter in the order that kernels read, which no write can make stale."""

import copy
import ctypes
import gc
import threading

import numpy as np
import pytest

import rustorch as torch
from rustorch import nn
from rustorch.backends import cpu
from rustorch.nn import functional as F

# One for each kernel that packs: (a way to use a weight, the weight's shape, the input's shape).
USES = {
    "linear": (F.linear, (96, 80), (40, 80)),
    "linear of 3 dims": (F.linear, (96, 80), (4, 10, 80)),
    "linear with several blocks": (F.linear, (2100, 800), (20, 800)),
    "mm": (lambda x, w: x @ w, (300, 200), (40, 300)),
    "mm with the transpose": (lambda x, w: x @ w.t(), (96, 80), (40, 80)),
    "addmm": (lambda x, w: torch.addmm(x[:, :1], x, w, beta=0.5, alpha=2), (300, 200), (40, 300)),
    "conv1d": (F.conv1d, (32, 16, 3), (2, 16, 70)),
    "conv2d": (lambda x, w: F.conv2d(x, w, padding=1, stride=2), (40, 8, 3, 3), (2, 8, 20, 20)),
    "conv2d in groups": (lambda x, w: F.conv2d(x, w, groups=2), (40, 4, 3, 3), (2, 8, 20, 20)),
    "conv3d": (F.conv3d, (20, 4, 2, 2, 2), (1, 4, 6, 7, 8)),
}


@pytest.fixture(autouse=True)
def limit():
    """Every test starts with the usual limit, and leaves it; no module of an earlier test goes while copies are counted."""
    before = cpu.get_packed_weights_limit()
    gc.collect()
    gc.disable()
    yield
    gc.enable()
    cpu.set_packed_weights_limit(before)


def weight(shape, dtype=None):
    return nn.Parameter(torch.randn(shape, dtype=dtype))


def kept_by(f):
    """What `f` gives, and by how many bytes the packed weights grew."""
    before = cpu.packed_weights_nbytes()
    result = f()
    return result, cpu.packed_weights_nbytes() - before


def same_bits(a, b):
    return a.shape == b.shape and a.dtype == b.dtype and bool((a == b).all())


@pytest.mark.parametrize("mode", ["no_grad", "inference_mode", "frozen"])
@pytest.mark.parametrize("use", USES.values(), ids=USES)
def test_a_copy_is_kept_from_the_second_use_on_and_has_the_same_results(use, mode):
    f, shape, x = use
    w, x = weight(shape), torch.randn(x)
    expected = f(x, w.detach().clone())
    if mode == "frozen":
        w.requires_grad_(False)
    with getattr(torch, mode)() if mode != "frozen" else torch.enable_grad():
        y, grown = kept_by(lambda: f(x, w))
        assert same_bits(y, expected) and grown == 0
        y, grown = kept_by(lambda: f(x, w))
        assert same_bits(y, expected) and grown >= w.nbytes
        y, grown = kept_by(lambda: f(x, w))
        assert same_bits(y, expected) and grown == 0
        y, grown = kept_by(lambda: f(x[:1].expand(x.shape), w))
        assert same_bits(y[0], expected[0]) and grown == 0


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16, torch.float16, torch.complex64])
def test_products_of_other_dtypes(dtype):
    w, x = weight((96, 80), dtype), torch.randn(40, 80, dtype=dtype)
    with torch.no_grad():
        results, grown = kept_by(lambda: [F.linear(x, w) for _ in range(3)])
    assert grown >= w.nbytes
    assert all(same_bits(y, F.linear(x, w.detach().clone())) for y in results)


def test_nothing_is_kept_in_training_or_for_what_is_no_parameter():
    w, plain, x = weight((96, 80)), torch.randn(96, 80), torch.randn(40, 80)
    assert kept_by(lambda: [F.linear(x, w) for _ in range(3)])[1] == 0
    assert kept_by(lambda: [F.linear(x, plain) for _ in range(3)])[1] == 0


def test_few_rows_read_the_weight_itself():
    w, x = weight((96, 80)), torch.randn(4, 80)
    with torch.no_grad():
        assert kept_by(lambda: [F.linear(x, w) for _ in range(3)])[1] == 0


def test_a_copy_goes_with_its_parameter():
    x = torch.randn(40, 80)

    def short_lived():
        layer = nn.Linear(80, 96)
        with torch.no_grad():
            assert kept_by(lambda: [layer(x) for _ in range(3)])[1] > 0

    assert kept_by(short_lived)[1] == 0


def through_a_pointer(w):
    (ctypes.c_float * w.numel()).from_address(w.data_ptr())[:] = [0.5] * w.numel()


def through_a_slice_of_the_storage(w):
    w.untyped_storage()[:64].fill_(0)


def through_a_typed_storage(w):
    w.untyped_storage()[3] = 64


def through_a_byte_view(w):
    memoryview(w.untyped_storage())[:4] = b"\x00\x00\x80\x3f"


def through_an_optimizer(w, **kwargs):
    w.grad = torch.ones_like(w)
    torch.optim.SGD([w], lr=0.5, **kwargs).step()


def through_a_state_dict(w):
    module = nn.Module()
    module.w = w
    module.load_state_dict({"w": torch.ones_like(w)})


def with_the_counter_kept(w):
    before = w._version
    w.add_(1)
    torch._C._set_version(w, before)


def swapped(w):
    torch.utils.swap_tensors(w, nn.Parameter(torch.ones_like(w)))


def resized(w):
    # A larger storage lies elsewhere, with the same elements.
    w.requires_grad_(False).resize_(200, 80).resize_(96, 80)
    w.mul_(2)


WRITES = {
    "add_": lambda w: w.add_(1),
    "copy_": lambda w: w.copy_(torch.ones_like(w)),
    "fill_": lambda w: w.fill_(2),
    "zero_": lambda w: w.zero_(),
    "an index": lambda w: w.__setitem__((3, 4), 7.0),
    "a mask": lambda w: w.__setitem__(w > 0, 7.0),
    "a row": lambda w: w[3].mul_(2),
    "the transpose": lambda w: w.t().mul_(2),
    "detach": lambda w: w.detach().mul_(2),
    "data": lambda w: w.data.mul_(2),
    "an index of data": lambda w: w.data.__setitem__(0, 1.0),
    "out=": lambda w: torch.add(w.detach(), 1, out=w.detach()),
    "foreach": lambda w: torch._foreach_add_([w], 1.0),
    "normal_": lambda w: nn.init.normal_(w),
    "uniform_": lambda w: w.uniform_(),
    "index_add_": lambda w: w.index_add_(0, torch.tensor([1]), torch.ones(1, 80)),
    "scatter_": lambda w: w.scatter_(0, torch.zeros(1, 80, dtype=torch.int64), 9.0),
    "masked_fill_": lambda w: w.masked_fill_(w > 0, 1.0),
    "renorm_": lambda w: w.renorm_(2, 0, 0.1),
    "an embedding's norm": lambda w: F.embedding(torch.tensor([0, 1]), w, max_norm=0.1),
    "SGD": through_an_optimizer,
    "SGD one by one": lambda w: through_an_optimizer(w, foreach=False),
    "Adam": lambda w: (setattr(w, "grad", torch.ones_like(w)), torch.optim.Adam([w], lr=0.5).step()),
    "load_state_dict": through_a_state_dict,
    "other data": lambda w: setattr(w, "data", torch.ones_like(w)),
    "set_": lambda w: w.requires_grad_(False).set_(torch.ones(96, 80)),
    "resize_": resized,
    "a preserved counter": with_the_counter_kept,
    "swap_tensors": swapped,
    "share_memory_": lambda w: w.share_memory_().mul_(2),
    "its storage": lambda w: w.untyped_storage().fill_(0),
    "a copy of a storage": lambda w: w.untyped_storage().copy_(torch.ones_like(w).untyped_storage()),
    "a part of its storage": through_a_slice_of_the_storage,
    "a byte of its storage": through_a_typed_storage,
    "bytes of its storage": through_a_byte_view,
    "another tensor on its storage": lambda w: torch.empty(0).set_(w.untyped_storage()).fill_(3),
    "a pointer": through_a_pointer,
}


@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES)
def test_no_write_leaves_a_stale_copy(write):
    w, x = weight((96, 80)), torch.randn(40, 80)
    with torch.no_grad():
        results, grown = kept_by(lambda: [F.linear(x, w) for _ in range(3)])
        assert grown > 0
        write(w)
        for _ in range(4):
            y = F.linear(x, w)
            assert same_bits(y, F.linear(x, w.detach().clone())) and not same_bits(y, results[0])


EXPORTS = {
    "numpy of a frozen one": lambda w: w.requires_grad_(False).numpy(),
    "detach().numpy()": lambda w: w.detach().numpy(),
    "asarray": lambda w: np.asarray(w.detach()),
    "a view's numpy": lambda w: w[:3].detach().numpy(),
    "DLPack": lambda w: np.from_dlpack(w.detach()),
    "the storage's bytes": lambda w: np.frombuffer(w.untyped_storage(), np.float32),
    "another storage": lambda w: torch.empty(0).set_(w.untyped_storage()).numpy(),
}


@pytest.mark.parametrize("packed_before", [False, True])
@pytest.mark.parametrize("export", EXPORTS.values(), ids=EXPORTS)
def test_memory_that_numpy_can_write_to_is_never_packed(export, packed_before):
    w, x = weight((96, 80)), torch.randn(40, 80)
    with torch.no_grad():
        if packed_before:
            assert kept_by(lambda: [F.linear(x, w) for _ in range(3)])[1] > 0
        array = export(w)
        for i in range(4):
            array.reshape(-1)[i] = i
            assert same_bits(F.linear(x, w), F.linear(x, w.detach().clone()))
        assert kept_by(lambda: [F.linear(x, w) for _ in range(3)])[1] == 0


def test_arrays_of_numpy_are_never_packed():
    array, x = np.ones((96, 80), np.float32), torch.randn(40, 80)
    w = nn.Parameter(torch.from_numpy(array))
    with torch.no_grad():
        assert kept_by(lambda: [F.linear(x, w) for _ in range(3)])[1] == 0


def test_training_between_evaluations():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(3, 32, 3), nn.ReLU(), nn.Flatten(), nn.Linear(32 * 36, 64))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    x = torch.randn(20, 3, 8, 8)

    def evaluated():
        model.eval()
        with torch.no_grad():
            ys = [model(x) for _ in range(3)]
            assert all(same_bits(y, copy.deepcopy(model)(x)) for y in ys)

    for _ in range(2):
        evaluated()
        model.train()
        model(x).square().mean().backward()
        _, grown = kept_by(optimizer.step)
        # The step changed the weights, and their copies went at once.
        assert grown < 0
    evaluated()


def test_a_parameter_that_is_used_in_two_ways_keeps_one_copy_and_is_right():
    w, x = weight((256, 256)), torch.randn(40, 256)
    a, b = F.linear(x, w.detach().clone()), x @ w.detach().clone()
    with torch.no_grad():
        for _ in range(4):
            assert same_bits(F.linear(x, w), a) and same_bits(x @ w, b)
        for _ in range(3):
            assert same_bits(F.linear(x, w), a)
        _, grown = kept_by(lambda: [x @ w for _ in range(3)])
    # The copy made way for the one that was wanted twice in a row.
    assert grown == 0


def test_images_of_other_sizes_between_are_right():
    layer = nn.Conv2d(8, 40, 3)
    plain = copy.deepcopy(layer)
    with torch.no_grad():
        for size in (20, 20, 20, 9, 20, 33, 33, 33, 20):
            x = torch.randn(2, 8, size, size)
            assert same_bits(layer(x), F.conv2d(x, plain.weight.detach().clone(), plain.bias))


def test_the_limit_bounds_all_copies_together():
    held = cpu.packed_weights_nbytes()
    layers = [nn.Linear(256, 256, bias=False) for _ in range(4)]
    x = torch.randn(40, 256)
    room = 2 * layers[0].weight.nbytes
    cpu.set_packed_weights_limit(held + room)
    with torch.no_grad():
        results, grown = kept_by(lambda: [[layer(x) for _ in range(3)] for layer in layers])
    assert grown == room
    for layer, ys in zip(layers, results, strict=True):
        assert all(same_bits(y, F.linear(x, layer.weight.detach().clone())) for y in ys)


def test_a_limit_of_0_keeps_nothing():
    cpu.set_packed_weights_limit(0)
    w, x = weight((96, 80)), torch.randn(40, 80)
    with torch.no_grad():
        assert kept_by(lambda: [F.linear(x, w) for _ in range(3)])[1] == 0


@pytest.mark.parametrize("limit", [-1, 2**64])
def test_impossible_limits_are_refused(limit):
    with pytest.raises(OverflowError):
        cpu.set_packed_weights_limit(limit)
    with pytest.raises(TypeError):
        cpu.set_packed_weights_limit("much")


def test_a_copy_of_a_module_has_contents_of_its_own():
    layer, x = nn.Linear(80, 96), torch.randn(40, 80)
    with torch.no_grad():
        before = [layer(x) for _ in range(3)][0]
        other = copy.deepcopy(layer)
        other.weight.zero_()
        assert not same_bits(other(x), before) and same_bits(layer(x), before)


def test_sizes_at_the_edges_of_blocks():
    torch.manual_seed(1)
    with torch.no_grad():
        for n, k in [(17, 33), (31, 700), (1025, 65), (2049, 40), (33, 1600), (4100, 20)]:
            w = weight((n, k))
            for m in (17, 63, 256, 1025):
                x = torch.randn(m, k)
                plain = F.linear(x, w.detach().clone())
                assert all(same_bits(F.linear(x, w), plain) for _ in range(3)), (m, n, k)


def test_threads_that_use_a_weight_in_two_ways_get_their_own_results():
    w, x = weight((700, 700)), torch.randn(40, 700)
    with torch.no_grad():
        expected = F.linear(x, w.clone()), x @ w.clone()
    wrong = []

    def use(i):
        with torch.no_grad():
            for _ in range(60):
                y = F.linear(x, w) if i else x @ w
                if not same_bits(y, expected[1 - i]):
                    wrong.append(i)
                w.data[0, 0] = w[0, 0].item()  # the same value, but a change: both are packed anew

    threads = [threading.Thread(target=use, args=(i,)) for i in (0, 1)]
    [t.start() for t in threads]
    [t.join() for t in threads]
    assert not wrong
