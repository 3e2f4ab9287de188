"""DLPack in and out: with NumPy and with torch as partners, both kinds of capsule, arguments, errors, lifetime."""

import gc
import weakref

import numpy as np
import pytest
from conftest import DTYPES

import rustorch as torch
from rustorch.utils.dlpack import from_dlpack, to_dlpack

LAYOUTS = [
    lambda x: x,
    lambda x: x.t(),
    lambda x: x[:, ::2],
    lambda x: x[1, 1],
    lambda x: x[:0],
    lambda x: x[:1].expand(3, 4),
    lambda x: x[1:],
]


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("dtype", DTYPES)
def test_round_trips(oracle, dtype, layout):
    mine = layout(torch.arange(12).to(getattr(torch, dtype)).reshape(3, 4))
    theirs = oracle.from_dlpack(mine)
    assert str(theirs.dtype) == str(mine.dtype)
    assert theirs.tolist() == mine.tolist()
    assert theirs.stride() == mine.stride() or mine.numel() < 2
    back = torch.from_dlpack(theirs)
    assert back.dtype is mine.dtype
    assert back.tolist() == mine.tolist()
    if mine.numel():
        assert back.data_ptr() == mine.data_ptr() == theirs.data_ptr()
    own = torch.from_dlpack(mine)
    assert own.tolist() == mine.tolist()


@pytest.mark.parametrize("dtype", [d for d in DTYPES if d != "bfloat16"])
def test_numpy_as_partner(dtype):
    x = torch.arange(6).to(getattr(torch, dtype)).reshape(2, 3)
    a = np.from_dlpack(x)
    assert a.tolist() == x.tolist()
    assert a.__array_interface__["data"][0] == x.data_ptr()
    b = np.arange(6).astype(dtype).reshape(2, 3).T
    y = torch.from_dlpack(b)
    assert y.tolist() == b.tolist()
    y[0, 0] = 1
    assert b[0, 0] == 1


def test_writes_are_seen_on_both_sides(oracle):
    x = torch.zeros(3)
    y = oracle.from_dlpack(x)
    y[1] = 5
    assert x.tolist() == [0, 5, 0]
    z = torch.from_dlpack(y)
    z.add_(1)
    assert y.tolist() == [1, 6, 1]


def test_capsules_of_both_kinds(oracle):
    x = torch.arange(3.0)
    assert '"dltensor"' in repr(x.__dlpack__())
    assert '"dltensor"' in repr(to_dlpack(x))
    assert '"dltensor_versioned"' in repr(x.__dlpack__(max_version=(1, 0)))
    assert '"dltensor"' in repr(x.__dlpack__(max_version=(0, 8)))
    for capsule in (
        x.__dlpack__(),
        x.__dlpack__(max_version=(1, 1)),
        oracle.arange(3.0).__dlpack__(),
        oracle.arange(3.0).__dlpack__(max_version=(1, 0)),
    ):
        assert from_dlpack(capsule).tolist() == [0, 1, 2]
        assert "used_dltensor" in repr(capsule)
        with pytest.raises(RuntimeError, match="from_dlpack received an invalid capsule"):
            from_dlpack(capsule)
    assert oracle.from_dlpack(x.__dlpack__()).tolist() == [0, 1, 2]
    assert oracle.from_dlpack(x.__dlpack__(max_version=(1, 0))).tolist() == [0, 1, 2]


def test_device(agree):
    agree("tuple(map(int, torch.ones(2).__dlpack_device__()))")
    agree("torch.ones(2, device='meta').__dlpack_device__()")


@pytest.mark.parametrize(
    "program",
    [
        "torch.ones(2, requires_grad=True).__dlpack__()",
        "torch.ones(2, device='meta').__dlpack__()",
        "type(torch.utils.dlpack.to_dlpack(torch.ones(2, requires_grad=True))).__name__",
        "torch.from_dlpack(3)",
        "torch.from_dlpack(None)",
        "torch.from_dlpack([1])",
        "torch.ones(2).__dlpack__(stream=1)",
        "torch.ones(2).__dlpack__(stream='a')",
        "type(torch.ones(2).__dlpack__(stream=None)).__name__",
        "type(torch.ones(2).__dlpack__(dl_device=(1, 0))).__name__",
        "type(torch.ones(2).__dlpack__(copy=False)).__name__",
        "x = torch.ones(2)\ny = torch.from_dlpack(x.__dlpack__(copy=True))\ny[0] = 5\nx, y",
        "x = torch.ones(2)\ny = torch.from_dlpack(x)\ny[0] = 5\nx, y",
        "x = torch.ones(2)\ny = torch.from_dlpack(x, copy=True)\ny[0] = 5\nx, y",
        "x = torch.ones(2)\ny = torch.from_dlpack(x, copy=False)\ny[0] = 5\nx, y",
        "torch.from_dlpack(torch.ones(2), device='cpu')",
        "torch.from_dlpack(np.ones(2), device='cpu', copy=True)",
        "torch.from_dlpack(torch.nn.Parameter(torch.ones(2)))",
        "torch.from_dlpack(torch.nn.Parameter(torch.ones(2)).detach())",
        "torch.utils.dlpack.from_dlpack(np.arange(3))",
    ],
)
def test_programs(agree, program):
    agree(program)


def test_a_capsule_that_nobody_takes_lets_its_tensor_go():
    x = torch.ones(1000)
    storage = weakref.ref(x.untyped_storage())
    capsule = x.__dlpack__()
    del x
    gc.collect()
    del capsule
    gc.collect()
    assert storage() is None


def test_both_sides_keep_the_memory(oracle):
    y = oracle.from_dlpack(torch.arange(1000.0))
    gc.collect()
    junk = [torch.full((1000,), -1.0) for _ in range(20)]
    assert y.sum() == 499500
    z = torch.from_dlpack(oracle.arange(1000.0))
    gc.collect()
    junk += [oracle.full((1000,), -1.0) for _ in range(20)]
    assert z.sum() == 499500
    w = torch.from_dlpack(np.arange(1000.0))[10:]
    gc.collect()
    assert w[0] == 10


def test_an_exported_array_lets_go_when_the_tensor_dies():
    class Array(np.ndarray):
        pass

    a = np.arange(3.0).view(Array)
    seen = weakref.ref(a)
    x = torch.from_dlpack(a)
    del a
    gc.collect()
    assert seen() is not None
    del x
    gc.collect()
    assert seen() is None


def test_any_object_with_the_protocol():
    class Export:
        def __init__(self, x, device=(1, 0)):
            self.x, self.device, self.asked = x, device, None

        def __dlpack_device__(self):
            return self.device

        def __dlpack__(self, **kwargs):
            self.asked = kwargs
            return self.x.__dlpack__(**kwargs)

    e = Export(torch.arange(3))
    assert torch.from_dlpack(e).tolist() == [0, 1, 2]
    assert e.asked["max_version"] >= (1, 0)

    class Old(Export):
        def __dlpack__(self, stream=None):
            return self.x.__dlpack__()

    assert torch.from_dlpack(Old(torch.arange(3))).tolist() == [0, 1, 2]
    with pytest.raises((RuntimeError, ValueError, BufferError)):
        torch.from_dlpack(Export(torch.arange(3), device=(2, 0)))


def test_memory_that_its_owner_wants_unchanged_is_warned_about(agree):
    a = np.ones(2)
    a.flags.writeable = False
    # `agree` repeats warnings that come once a process.
    with pytest.warns(UserWarning, match="not writable"):
        assert torch.from_dlpack(a).tolist() == [1, 1]
