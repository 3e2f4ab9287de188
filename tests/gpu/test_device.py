"""The GPU as a device: names, transfers, memory, what is refused, and loss."""

import copy
import gc
import os
import pickle

import numpy as np
import pytest

import rustorch as torch
from rustorch import nn


@pytest.mark.parametrize("name", ["gpu", "gpu:0", "wgpu"])
def test_names(name):
    x = torch.ones(2, 3, device=name)
    assert x.is_gpu and not x.is_cpu and not x.is_cuda
    assert str(x.device) == "gpu:0" and x.device.type == "gpu" and x.device.index == 0
    assert x.device == torch.device("gpu", 0) == torch.device("gpu:0")


def test_properties(gpu):
    assert torch.gpu.is_available() and torch.gpu.device_count() == 1 and torch.gpu.current_device() == 0
    assert torch.gpu.get_device_name() == gpu["name"] and gpu["max_binding"] >= 1 << 27
    assert gpu["name"] in [a["name"] for a in torch.gpu.adapters()]
    with torch.gpu.device("gpu:0"):
        torch.gpu.set_device(0)
    for wrong in (1, "gpu:1", "cpu"):
        with pytest.raises(RuntimeError, match="expected the one GPU"):
            torch.gpu.set_device(wrong)


ON_GPU = ["bool", "uint8", "int8", "int16", "int32", "int64", "float16", "bfloat16", "float32"]


@pytest.mark.parametrize("dtype", ON_GPU)
@pytest.mark.parametrize("shape", [(), (0,), (3, 0), (1,), (5,), (3, 4, 5), (1000, 33)])
def test_what_goes_there_comes_back(dtype, shape, assert_same):
    torch.manual_seed(0)
    x = (torch.randn(shape) * 50).to(getattr(torch, dtype))
    y = x.to("gpu")
    assert y.is_gpu and y.shape == x.shape and y.dtype == x.dtype
    assert_same(y.cpu(), x, rtol=0, atol=0)
    assert_same(x.gpu().to("cpu", torch.float64), x.double(), rtol=0, atol=0)
    assert y.to("gpu") is y and y.gpu() is y


@pytest.mark.parametrize(
    "view",
    [
        lambda x: x.t(),
        lambda x: x[1:, ::2],
        lambda x: x[2],
        lambda x: x.expand(2, *x.shape),
        lambda x: x[:, None, 1:3],
        lambda x: x.flatten()[3:9],
    ],
)
@pytest.mark.parametrize("dtype", ["float32", "int64", "float16", "uint8"])
def test_views(view, dtype, assert_same):
    x = torch.arange(24).reshape(4, 6).to(getattr(torch, dtype))
    assert_same(view(x.gpu()).cpu(), view(x), rtol=0, atol=0)
    assert_same(view(x).gpu().cpu(), view(x), rtol=0, atol=0)
    assert_same(view(x.gpu()).contiguous().cpu(), view(x), rtol=0, atol=0)


SPECIAL = [0.0, -0.0, 1.5, -2.5, 1e-42, 3e38, float("inf"), -float("inf"), float("nan"), 65519.0, 65520.0, 1e-8]


@pytest.mark.parametrize("to", ON_GPU)
@pytest.mark.parametrize("of", ON_GPU)
def test_casts(of, to, assert_same):
    if of == "float32" and to in ("float16", "bfloat16", "bool"):
        x = torch.tensor(SPECIAL)
    elif of in ("float16", "bfloat16", "float32") and to in ("uint8",):
        x = torch.tensor([0.0, 1.5, 200.25, 255.0]).to(getattr(torch, of))
    elif of == "bool":
        x = torch.tensor([True, False, True])
    else:
        values = [0, 1, 2, 100, 127] + ([] if of == "uint8" else [-1, -100, -128])
        x = torch.tensor(values).to(getattr(torch, of))
    try:
        y = x.gpu().to(getattr(torch, to))
    except NotImplementedError:
        assert to == "int64" and of in ("float16", "bfloat16", "float32")
        return
    assert_same(y.cpu(), x.to(getattr(torch, to)), rtol=0, atol=0)


def test_int64_beyond_32_bits(assert_same):
    x = torch.tensor([2**40 + 3, -(2**40), 2**31, -(2**31) - 1, 2**53 + 1, -1, 0])
    assert_same(x.gpu().cpu(), x)
    assert_same(x.gpu()[1:].contiguous().cpu(), x[1:])
    assert_same(x.gpu().int().cpu(), x.int())
    assert_same(x.gpu().float().cpu(), x.float(), rtol=2e-7, atol=0)
    assert_same(torch.full((3,), 2**40 + 5, device="gpu").cpu(), torch.full((3,), 2**40 + 5))


@pytest.mark.parametrize("dtype", ["float64", "complex64", "complex128", "uint16", "uint64"])
def test_dtypes_that_gpus_lack_are_refused_with_the_way_out(dtype):
    for make in (lambda d: torch.zeros(3, dtype=d, device="gpu"), lambda d: torch.zeros(3, dtype=d).gpu()):
        with pytest.raises(TypeError, match=r"expected a dtype that GPUs compute with, but got .*\.cpu\(\)"):
            make(getattr(torch, dtype))


def test_values_print_and_convert(gpu):
    x = torch.tensor([[1.5, 2.0], [-3.0, 4.25]], device="gpu")
    assert repr(x) == "tensor([[ 1.5000,  2.0000],\n        [-3.0000,  4.2500]], device='gpu:0')"
    assert x.tolist() == [[1.5, 2.0], [-3.0, 4.25]]
    assert x[1, 1].item() == 4.25 and float(x[0, 0]) == 1.5 and int(x[1, 0]) == -3 and bool(x[0, 0])
    assert x.numpy(force=True).tolist() == x.tolist()
    assert f"{x[0, 1]:.2f}" == "2.00"
    assert isinstance(x.data_ptr(), int) and x.data_ptr() == x.t().data_ptr() != x[1].data_ptr()


def test_other_libraries_see_no_memory():
    x = torch.ones(3, device="gpu")
    with pytest.raises(TypeError, match="can't convert gpu:0 device type tensor to numpy"):
        x.numpy()
    with pytest.raises(TypeError, match="can't convert gpu:0"):
        np.asarray(x)
    with pytest.raises((BufferError, RuntimeError, TypeError)):
        x.__dlpack__()


def test_fills_in_place_and_copies_across(assert_same):
    x = torch.zeros(3, 4, device="gpu")
    x.fill_(2.0)
    x[1] = 5
    x[:, 2].zero_()
    y = torch.zeros(3, 4)
    y.fill_(2.0)
    y[1] = 5
    y[:, 2].zero_()
    assert_same(x.cpu(), y)
    x.copy_(torch.arange(12).reshape(3, 4))
    assert_same(x.cpu(), torch.arange(12.0).reshape(3, 4))
    y.copy_(x.t().contiguous().t())
    assert_same(y, x.cpu())
    z = torch.zeros(2, 3, 4, dtype=torch.float64)
    z.copy_(x)
    assert_same(z, x.cpu().double().expand(2, 3, 4))
    assert x._version == 4


def test_devices_do_not_mix():
    x, y = torch.ones(3, device="gpu"), torch.ones(3)
    for call in (lambda: x + y, lambda: y * x, lambda: x.add_(y), lambda: torch.where(x > 0, x, y)):
        with pytest.raises(RuntimeError, match="same device"):
            call()
    # Numbers and 0-d tensors of the CPU go along.
    assert ((x + 2) * torch.tensor(3.0) - torch.tensor(1)).tolist() == [8.0] * 3


def test_what_has_no_kernel_says_so():
    x = torch.ones(3, 3, device="gpu")
    for call, name in (
        (lambda: torch.linalg.inv(x), "inv"),
        (lambda: torch.linalg.cholesky(x), "cholesky"),
    ):
        with pytest.raises(NotImplementedError, match=rf"{name}.*GPU[\s\S]*\.cpu\(\)"):
            call()


def test_modules_move_and_are_copied(assert_same):
    module = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4))
    before = [p.detach().clone() for p in module.parameters()]
    assert module.to("gpu") is module and all(p.is_gpu and p.is_leaf for p in module.parameters())
    assert all(b.is_gpu for b in module.buffers())
    other = copy.deepcopy(module)
    for p, q, b in zip(module.parameters(), other.cpu().parameters(), before, strict=True):
        assert_same(q.detach(), b)
        assert p.is_gpu
    state = module.state_dict()
    assert all(t.is_gpu for t in state.values())
    fresh = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4))
    fresh.load_state_dict(state)
    assert_same(fresh[0].weight.detach(), before[0])


def test_default_device():
    with torch.device("gpu"):
        assert torch.zeros(2).is_gpu and torch.tensor([1.0]).is_gpu
    assert torch.zeros(2).is_cpu


def test_memory_is_counted_and_kept():
    gc.collect()  # what cycles of earlier tests hold must not go while it is counted
    torch.gpu.synchronize()
    base = torch.gpu.memory_allocated()
    x = torch.empty(1 << 20, device="gpu")
    assert torch.gpu.memory_allocated() - base == 4 << 20
    assert torch.gpu.max_memory_allocated() >= base + (4 << 20)
    reserved = torch.gpu.memory_reserved()
    del x
    assert torch.gpu.memory_allocated() == base and torch.gpu.memory_reserved() == reserved
    torch.gpu.empty_cache()
    assert torch.gpu.memory_reserved() < reserved
    torch.gpu.reset_peak_memory_stats()
    assert torch.gpu.max_memory_allocated() == base


def test_a_limit_is_an_error_that_names_it_and_leaves_everything_usable(assert_same):
    x = torch.ones(1000, device="gpu")
    limit = torch.gpu.memory_stats()["limit"]
    torch.gpu.empty_cache()
    torch.gpu.set_memory_limit(torch.gpu.memory_reserved() + (1 << 20))
    try:
        with pytest.raises(torch.OutOfMemoryError, match="expected free GPU memory for 8388608 bytes"):
            torch.zeros(1 << 21, device="gpu")
        assert_same((x + 1).cpu(), torch.full((1000,), 2.0))
    finally:
        torch.gpu.set_memory_limit(limit)
    assert torch.zeros(1 << 21, device="gpu").shape == (1 << 21,)


def test_sizes_beyond_the_device_are_refused():
    with pytest.raises(torch.OutOfMemoryError):
        torch.empty(1 << 40, device="gpu")


def test_a_lost_device_gives_errors_and_starts_again(assert_same):
    x, here = torch.ones(5, device="gpu"), torch.arange(5.0)
    torch._C._gpu_destroy()
    try:
        for call in (lambda: x + 1, lambda: x.cpu(), lambda: torch.ones(3, device="gpu"), torch.gpu.synchronize):
            with pytest.raises(RuntimeError, match=r"lost[\s\S]*reset\(\)"):
                call()
        assert not torch.gpu.is_available()
        assert_same(here + 1, torch.arange(1.0, 6.0))
    finally:
        torch.gpu.reset()
    assert torch.gpu.is_available()
    assert_same((here.gpu() + 1).cpu(), here + 1)
    with pytest.raises(RuntimeError, match=r"before rustorch\.gpu\.reset"):
        x + 1


def test_tensors_are_pickled_with_their_device(assert_same):
    x = torch.arange(6.0).reshape(2, 3).gpu()
    y = pickle.loads(pickle.dumps(x[1:]))
    assert y.is_gpu and not y.requires_grad
    assert_same(y.cpu(), x[1:].cpu())
    w = pickle.loads(pickle.dumps(nn.Parameter(x)))
    assert w.is_gpu and isinstance(w, nn.Parameter) and w.requires_grad


def test_casts_that_32_bits_cannot_hold(assert_same):
    x = torch.tensor([1e10, -3e12])
    assert_same(x.gpu().long().cpu(), x.long())
    assert_same(x.gpu().to("cpu", torch.int64), x.long())
    assert torch.tensor([2**32, 0]).gpu().bool().tolist() == [True, False]
    y = torch.tensor([2, -3], dtype=torch.int32)
    assert_same(y.gpu().clamp(-(2**40), 2**40).cpu(), y)
    assert_same(y.gpu().add(y.gpu(), alpha=2**31 + 1).cpu(), y.add(y, alpha=2**31 + 1))


def test_other_dtypes_do_not_come_in_by_views():
    x = torch.zeros(4, device="gpu")
    with pytest.raises((TypeError, NotImplementedError)):
        x.view(torch.float64).fill_(1.0)
    with pytest.raises((TypeError, NotImplementedError)):
        x.view(torch.float64).sum()


def test_counts_beyond_32_bits_are_refused():
    x = torch.ones(1, device="gpu").expand(2**32 + 5)
    for call in (x.sum, lambda: x + 1):
        with pytest.raises((NotImplementedError, torch.OutOfMemoryError)):
            call()
    x = torch.full((1,), 255, dtype=torch.uint8, device="gpu").expand(9_000_000)
    assert x.sum().item() == 255 * 9_000_000


def test_powers_of_negative_numbers(assert_same):
    # Without -0: drivers may divide by 0 of either sign alike.
    x = torch.tensor([-1.0, -1.0, -2.0, -2.0, 0.5, -float("inf"), 0.0, 2.0])
    for p in (0.25, -0.5, 3.0, 2.0, -1.0, 0.0, float("inf")):
        a, b = (x.gpu() ** p).cpu(), x**p
        if p not in (0.25, -0.5):
            assert_same(a, b, 1e-5, 0)
        else:
            assert_same(a[:5], b[:5])


def test_numbers_of_the_cpu_get_their_gradient_there():
    p = torch.tensor(2.0, requires_grad=True)
    (torch.ones(3, device="gpu") * p).sum().backward()
    assert p.grad.is_cpu and p.grad.item() == 3.0


def test_reading_from_a_lost_device_is_an_error():
    s, b = torch.ones((), device="gpu"), torch.ones(3, device="gpu")
    torch._C._gpu_destroy()
    try:
        for call in (s.item, s.tolist, lambda: bool(s), lambda: float(s), lambda: f"{s}", lambda: repr(s)):
            with pytest.raises(RuntimeError, match="lost"):
                call()
    finally:
        torch.gpu.reset()
    x, w = torch.ones(2, 3, device="gpu"), torch.ones(3, 3, device="gpu")
    with pytest.raises(RuntimeError, match="reset"):
        nn.functional.linear(x, w, b)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_process_gets_an_error(capfd):
    x = torch.ones(3, device="gpu")
    child = os.fork()
    if child == 0:
        code = 1
        try:
            (x + 1).cpu()
        except RuntimeError as e:
            code = 0 if "forked" in str(e) else 2
        os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert (x + 1).tolist() == [2.0] * 3
