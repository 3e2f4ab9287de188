"""NumPy in and out without a copy, its arguments and errors, ufuncs on tensors, arrays with tensors."""

import gc
import weakref

import numpy as np
import pytest
from conftest import DTYPES

import rustorch as torch


@pytest.mark.parametrize("dtype", DTYPES)
def test_every_dtype_out_and_in(agree, dtype):
    made = f"x = torch.tensor([[1, 0, 2], [3, 4, 5]]).to(torch.{dtype})\n"
    agree(made + "x.numpy()")
    agree(made + "x.t().numpy(), x[:, ::2].numpy(), x[0, 0].numpy(), x[:0].numpy()")
    agree(made + "torch.from_numpy(x.numpy()), torch.from_numpy(x.t().numpy()), torch.from_numpy(x[:, ::2].numpy())")
    agree(made + "np.asarray(x), np.array(x), np.asarray(x, dtype=np.float64), np.array(x, dtype=np.int8, copy=True)")
    agree(made + "x.numpy().dtype, x.__array__(), x.__array__(np.float32)")


@pytest.mark.parametrize(
    "program",
    [
        "x = torch.ones(3)\na = x.numpy()\na[0] = 5\nx",
        "x = torch.ones(3)\na = x.numpy()\nx[0] = 5\na",
        "a = np.ones(3)\nx = torch.from_numpy(a)\na[0] = 5\nx",
        "a = np.ones(3)\nx = torch.from_numpy(a)\nx[0] = 5\na",
        "a = np.ones(3)\nx = torch.from_numpy(a)\nb = x.numpy()\nb is a, np.shares_memory(a, b)",
        "x = torch.ones(2, 2)\na = np.asarray(x)\na[0, 0] = 3\nx",
        "x = torch.ones(2, 2)\na = np.array(x)\na[0, 0] = 3\nx",
        "torch.ones(2, requires_grad=True).numpy()",
        "torch.ones(2, requires_grad=True).numpy(force=True)",
        "np.asarray(torch.ones(2, requires_grad=True))",
        "with torch.no_grad(): a = torch.ones(2, requires_grad=True).numpy()\na",
        "with torch.no_grad(): a = np.asarray(torch.ones(2, requires_grad=True))\na",
        "torch.ones(2, device='meta').numpy()",
        "(torch.ones(2, requires_grad=True) * 2).detach().numpy()",
        "torch.from_numpy(np.arange(3)[::-1])",
        "torch.from_numpy(np.array([1, 2], dtype='>i4'))",
        "torch.from_numpy(np.array([None]))",
        "torch.from_numpy(np.array(['a']))",
        "torch.from_numpy([1, 2])",
        "torch.from_numpy(3)",
        "torch.from_numpy(np.float32(3))",
        "torch.from_numpy(np.array(3))",
        "torch.from_numpy(np.zeros(2, dtype='datetime64[s]'))",
        "torch.from_numpy(np.zeros(2, dtype=[('a', 'i4')]))",
        "torch.from_numpy(np.zeros(2, dtype='S3'))",
        "torch.from_numpy(np.zeros(2, dtype=np.longdouble))",
        "torch.from_numpy(np.zeros(2, dtype=np.clongdouble))",
        "torch.from_numpy(np.broadcast_to(np.ones(1), (3,)))",
        "torch.from_numpy(np.ma.array([1, 2]))",
        "a = np.ones(3)\na.flags.writeable = False\ntorch.from_numpy(a)",
        "a = np.ones(3)\na.flags.writeable = False\ntorch.as_tensor(a)",
        "a = np.ones(3)\na.flags.writeable = False\ntorch.tensor(a).tolist()",
        "a = np.zeros(3, dtype=[('a', 'i1'), ('b', 'i4')])['b']\ntorch.from_numpy(a)",
        "a = np.arange(6, dtype=np.int32).reshape(2, 3)\ntorch.from_numpy(a.T), torch.from_numpy(a[:, ::2])",
        # ufuncs and operators of both.
        "np.sin(torch.zeros(2))",
        "np.add(torch.ones(2), 1)",
        "np.add(torch.ones(2), torch.ones(2))",
        "np.add(np.ones(2), torch.ones(2))",
        "np.exp(torch.ones(2, requires_grad=True))",
        "np.multiply(torch.ones(2), np.ones(2))",
        "np.isnan(torch.ones(2))",
        "np.ones(2) + torch.ones(2)",
        "torch.ones(2) + np.ones(2)",
        "np.ones(2) * torch.ones(2)",
        "torch.ones(2) - np.ones(2, dtype=np.float32)",
        "np.float32(2) * torch.ones(2)",
        "torch.ones(2) * np.float64(2)",
        "np.int64(2) + torch.ones(2)",
        "np.float64(2) - torch.ones(2)",
        "np.float64(2) / torch.ones(2)",
        "np.float64(2) ** torch.ones(2)",
        "np.float64(2) < torch.ones(2)",
        "np.ones(2) == torch.ones(2)",
        "torch.ones(2) == np.ones(2)",
        "np.ones(2) > torch.zeros(2)",
        "np.float32(2) * torch.ones(2, dtype=torch.int64)",
        "np.concatenate([torch.ones(2), torch.ones(2)])",
        "np.stack([torch.ones(2), torch.ones(2)])",
        "np.vstack([torch.ones(2), np.ones(2)])",
        "np.where(torch.ones(2) > 0, 1, 2)",
        "np.dot(torch.ones(2), torch.ones(2))",
        "np.ones((2, 2)) @ torch.ones(2, 2)",
        "torch.ones(2, 2) @ np.ones((2, 2))",
        "np.array([torch.tensor(1.), torch.tensor(2.)])",
        "np.array([torch.ones(2), torch.ones(2)])",
        "np.array(torch.tensor(3))",
        "np.allclose(torch.ones(2), np.ones(2))",
        "np.isclose(torch.ones(2), 1)",
        "np.testing.assert_allclose(torch.ones(2), [1, 1])",
        "np.shape(torch.ones(2, 3))",
        "np.ndim(torch.ones(2, 3))",
        "np.zeros(3)[torch.tensor(1)]",
        "np.arange(3)[torch.tensor([0, 2])]",
        "np.arange(3)[torch.tensor([True, False, True])]",
        "a = np.zeros(3)\na[torch.tensor(1)] = 5\na",
        "a = np.zeros(3)\na[:] = torch.ones(3)\na",
        "np.full(torch.tensor(2), 1)",
        "np.zeros(torch.Size([2, 3]))",
        "np.reshape(np.arange(6), torch.Size([2, 3]))",
        "float(np.asarray(torch.tensor(2.)))",
        "np.float64(torch.tensor(2.))",
        "np.linspace(torch.tensor(0.), torch.tensor(1.), 3)",
        "np.random.default_rng(0).permutation(torch.arange(3)).shape",
        "np.ones(2).__iadd__(torch.ones(2))",
        "a = np.ones(2)\na += torch.ones(2)\na",
        "x = torch.ones(2)\nx += np.ones(2)\nx",
        "np.sqrt(torch.tensor([4.]), out=np.zeros(1, dtype=np.float32))",
        "np.cumsum(torch.ones(3)), np.argmax(torch.ones(3)), np.argsort(torch.ones(3))",
        "np.matmul(torch.ones(2, 2), torch.ones(2, 2))",
        "np.reshape(torch.ones(2, 2), (4,)), np.transpose(torch.ones(2, 3))",
        "np.repeat(torch.ones(2), 2), np.take(torch.ones(3), [0, 1])",
        "np.clip(torch.ones(2), 0, 1), np.round(torch.ones(2)), np.abs(-torch.ones(2))",
        "np.modf(torch.ones(2)), np.divmod(torch.ones(2), torch.ones(2)), np.frexp(torch.ones(2))",
        "np.add.reduce(torch.ones(3)), np.minimum.reduce(torch.ones(2, 2)), np.add.outer(torch.ones(2), torch.ones(2))",
        "np.maximum(torch.ones(2), np.zeros(2)), np.hypot(torch.ones(2), np.zeros(2))",
        "np.logical_not(torch.ones(2, dtype=torch.bool))",
        "np.outer(torch.ones(2), torch.ones(2)), np.einsum('i,i', torch.ones(2), torch.ones(2))",
        "np.linalg.norm(torch.ones(4)), np.linalg.inv(torch.eye(2))",
        "np.real(torch.ones(2) * 1j), np.conj(torch.ones(2) * 1j)",
        "np.ones_like(torch.ones(2)), np.full_like(torch.ones(2), 2), np.copy(torch.ones(2))",
        "np.unique(torch.ones(2)), np.searchsorted(np.ones(2), torch.ones(1))",
        "torch.ones(2).__array_wrap__(np.ones(2)), torch.ones(2).__array_wrap__(np.ones(2) > 0), torch.ones(2).__array_wrap__(np.array(1.0))",
        "torch.ones(2).__array__(), torch.ones(2).__array__('f8'), torch.ones(2).__array_priority__",
        "torch.add(torch.ones(2), np.ones(2))",
        "torch.ones(2).add(np.float64(2))",
        "torch.ones(np.int64(2), np.int32(3)).shape",
        "torch.zeros(3)[np.int64(1)]",
        "torch.ones(2, 3).sum(np.int64(0))",
        "torch.ones(4).reshape(np.int64(2), np.int64(2)).shape",
        "torch.ones(4).view(np.int64(2), -1).shape",
        "torch.full((2,), np.float32(2.5))",
        "torch.tensor(np.float32(2.5)).dtype",
        "torch.arange(np.int64(3))",
        "torch.clamp(torch.ones(2), max=np.float32(.5))",
        "torch.ones(2).fill_(np.float32(2))",
    ],
)
def test_programs(agree, program):
    agree(program)


def test_the_array_keeps_the_memory_of_its_tensor():
    a = torch.arange(1000.0).numpy()
    gc.collect()
    junk = [torch.full((1000,), -1.0) for _ in range(10)]
    assert a.sum() == 499500
    del junk


def test_the_tensor_keeps_its_array_and_lets_it_go():
    class Array(np.ndarray):
        pass

    a = np.arange(10.0).view(Array)
    seen = weakref.ref(a)
    x = torch.from_numpy(a)
    y = x[2:]
    del a, x
    gc.collect()
    assert y.tolist() == list(range(2, 10))
    del y
    gc.collect()
    assert seen() is None


def test_numpy_is_imported_when_first_needed():
    import subprocess
    import sys

    code = "import sys, rustorch; rustorch.ones(3) + 1; repr(rustorch.ones(2)); sys.exit('numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_one_array_under_two_tensors_of_other_layouts_is_read_by_the_layout_of_each():
    for n in (5, 100_000):
        array = np.arange(1, n + 1, dtype=np.float32)
        first, out = torch.from_numpy(array[:1].copy()), torch.from_numpy(array)
        aliased = torch.from_numpy(array[:1]).expand(n)
        torch.mul(aliased, 1.0, out=out)
        assert out.equal(first.expand(n))
