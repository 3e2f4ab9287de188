"""dtype, finfo, iinfo, Size, device, layout, memory_format and the defaults agree with torch."""

import copy
import pickle

import pytest
from conftest import DTYPES

import rustorch as torch


@pytest.mark.parametrize("dtype", DTYPES)
def test_dtype_attributes(agree, dtype):
    d = f"d = torch.{dtype}\n"
    agree(d + "d, str(d), repr(d), d.is_floating_point, d.is_complex, d.is_signed, d.itemsize, d.to_real()")
    agree(
        d
        + "d == d, d != d, d == torch.int16, hash(d) == hash(d), d is torch.zeros(1, dtype=d).dtype, d == 'a', bool(d)"
    )
    agree(d + "type(d), isinstance(d, torch.dtype), d in {d: 1}")
    agree(d + "d.nonsense")
    agree(d + "d.itemsize = 3")


def test_dtype_is_not_made_or_ordered(agree):
    agree("torch.dtype()")
    agree("torch.int8 < torch.int16")
    agree("class A(torch.dtype): pass")


@pytest.mark.parametrize(
    "alias", ["half", "float", "double", "short", "int", "long", "cfloat", "cdouble", "chalf", "bits8", "quint8"]
)
def test_dtype_aliases(agree, alias):
    if hasattr(torch, alias):
        agree(f"torch.{alias}, torch.{alias} is getattr(torch, str(torch.{alias}).split('.')[1])")


@pytest.mark.parametrize("dtype", DTYPES)
def test_finfo_and_iinfo(agree, dtype):
    names = ["bits", "eps", "max", "min", "tiny", "smallest_normal", "resolution", "dtype"]
    for kind in ("finfo", "iinfo"):
        agree(f"i = torch.{kind}(torch.{dtype})\nrepr(i), str(i), [getattr(i, n, None) for n in {names}]")
    agree(f"torch.finfo(torch.{dtype}) == torch.finfo(torch.{dtype})")


def test_finfo_arguments(agree):
    agree("torch.finfo().dtype, torch.finfo().bits")
    agree("torch.finfo(type=torch.float16).max")
    agree("torch.iinfo()")
    agree("torch.iinfo('int8')")
    agree("torch.finfo(3)")


@pytest.mark.parametrize(
    "program",
    [
        *(
            "torch.Size([2, 3])",
            "torch.Size()",
            "torch.Size((2,))",
            "torch.Size(range(3))",
            "torch.Size([2.0])",
            "torch.Size(['a'])",
        ),
        *(
            "torch.Size(3)",
            "torch.Size([2, 3]).numel()",
            "torch.Size([]).numel()",
            "torch.Size([2, 0]).numel()",
            "torch.Size([1, 2, 3])[1:]",
        ),
        *(
            "torch.Size([1, 2, 3])[-1]",
            "torch.Size([1, 2, 3])[::-1]",
            "torch.Size([1]) + torch.Size([2])",
            "torch.Size([1]) + (2,)",
        ),
        *(
            "(2,) + torch.Size([1])",
            "torch.Size([1]) * 3",
            "3 * torch.Size([1])",
            "torch.Size([1, 2]) == (1, 2)",
            "(1, 2) == torch.Size([1, 2])",
        ),
        *(
            "torch.Size([1, 2]) == [1, 2]",
            "hash(torch.Size([1, 2])) == hash((1, 2))",
            "torch.Size([1, 2]).count(1)",
            "torch.Size([1, 2]).index(2)",
        ),
        *(
            "a, b = torch.Size([1, 2])\na, b",
            "tuple(torch.Size([1, 2]))",
            "list(torch.Size([1, 2]))",
            "len(torch.Size([1, 2]))",
            "1 in torch.Size([1])",
        ),
        *(
            "isinstance(torch.Size([1]), tuple)",
            "str(torch.Size([1]))",
            "repr(torch.Size([]))",
            "torch.Size([1]) < torch.Size([2])",
            "max(torch.Size([1, 4]))",
        ),
        *(
            "torch.Size([-1])",
            "torch.Size([1]) + [2]",
            "torch.Size([1]) + 2",
        ),
        *(
            "torch.zeros(2, 3).shape + (1,)",
            "torch.zeros(2, 3).size()[:1]",
            "torch.zeros(torch.Size([2]))",
            "torch.Size([2**70])",
            "torch.Size([[1]])",
        ),
        *(
            "torch.Size(torch.tensor([1, 2]))",
            "torch.zeros(2, 3).shape == torch.Size([2, 3])",
            "f'{torch.Size([1])}'",
            "torch.Size([1]).__reduce__()[1]",
        ),
        "torch.Size([4]) * 0",
    ],
)
def test_size(agree, program):
    agree(program)


DEVICES = [
    "'cpu'",
    "'cuda'",
    "'cuda:1'",
    "'cpu:0'",
    "'meta'",
    "'mps'",
    "'xpu:3'",
    "'cpu', 0",
    "'cuda', 2",
    "'cpu', None",
    "torch.device('cpu')",
]
DEVICES += [
    "type='cpu'",
    "type='cuda', index=1",
    "'cpu', index=0",
    "device='cuda:0'",
    "'CPU'",
    "'cpu:'",
    "'cpu:a'",
    "'cpu:-1'",
    "'cuda:00'",
]
DEVICES += [
    "'cpu:1:2'",
    "'nonsense'",
    "'cuda:1', 2",
    "1.5",
    "None",
    "",
    "'cpu', 'a'",
    "'cpu', -1",
    "torch.device('cuda:1'), 2",
    "'hpu'",
    "'vulkan'",
]


@pytest.mark.parametrize("args", DEVICES)
def test_device(agree, args):
    agree(
        f"d = torch.device({args})\nd, str(d), d.type, d.index, d == torch.device({args}), hash(d) == hash(torch.device({args}))"
    )


def test_device_compares_and_is_frozen(agree):
    agree("torch.device('cpu') == torch.device('cpu:0'), torch.device('cpu') != torch.device('cuda')")
    agree(
        "torch.device('cpu') == 'cpu', {torch.device('cpu'): 1}[torch.device('cpu')], torch.device('cpu') in [torch.device('meta')]"
    )
    agree("torch.device('cpu').type = 'cuda'")
    agree("torch.device('cpu').index = 1")
    agree("type(torch.device('cpu')), bool(torch.device('cpu'))")


def test_device_as_a_context(agree):
    agree(
        "with torch.device('meta'):\n    x = torch.ones(2)\n    with torch.device('cpu'):\n        y = torch.ones(2)\n    z = torch.empty(3)\nx, y, z, torch.ones(1)"
    )
    agree(
        "with torch.device('meta'):\n    made = [f(2, 3) for f in (torch.zeros, torch.ones, torch.empty, torch.rand, torch.randn)]\nmade"
    )
    agree(
        "with torch.device('meta'):\n    made = [torch.arange(3), torch.eye(2), torch.full((2,), 1.), torch.linspace(0, 1, 3), torch.tensor([1.]), torch.randperm(3)]\nmade"
    )
    agree(
        "x = torch.ones(2)\nwith torch.device('meta'):\n    made = [torch.zeros_like(x), x.new_zeros(2), torch.as_tensor([1.]), x + 1, torch.ones(2, device='cpu')]\nmade"
    )
    agree("with torch.device('meta'):\n    d = torch.get_default_device()\nd, torch.get_default_device()")
    agree("try:\n    with torch.device('meta'):\n        raise KeyError\nexcept KeyError:\n    pass\ntorch.ones(1)")


def test_default_device(agree):
    agree(
        "torch.set_default_device('meta')\ntry:\n    x, d = torch.ones(2), torch.get_default_device()\nfinally:\n    torch.set_default_device(None)\nx, d, torch.ones(1)"
    )
    agree("torch.set_default_device(torch.device('cpu'))\nx = torch.ones(2)\ntorch.set_default_device(None)\nx")
    agree("torch.set_default_device('nonsense')")


@pytest.mark.parametrize("dtype", DTYPES)
def test_default_dtype(agree, dtype):
    agree(
        f"torch.set_default_dtype(torch.{dtype})\ntry:\n    x = torch.get_default_dtype(), torch.tensor(1.), torch.zeros(2), torch.ones(2, dtype=torch.int32) / 3\n"
        "    x += torch.arange(3.), torch.linspace(0, 1, 3), torch.eye(2), torch.full((2,), 1.5), torch.tensor([1]) * 0.5, torch.tensor([])\n"
        "    y = torch.Tensor([1.5]), torch.ones(2).mean(), torch.tensor([1, 2]).float(), repr(torch.tensor([1.5])), repr(torch.tensor([1.5], dtype=torch.float32))\n"
        "finally:\n    torch.set_default_dtype(torch.float32)\nx, y"
    )


def test_default_dtype_errors(agree):
    agree("torch.set_default_dtype('float32')")
    agree("torch.set_default_dtype(None)")
    agree("torch.set_default_dtype(float)")


@pytest.mark.parametrize(
    "name", ["strided", "sparse_coo", "contiguous_format", "preserve_format", "channels_last", "channels_last_3d"]
)
def test_layouts_and_formats(agree, name):
    agree(f"x = torch.{name}\nx, str(x), type(x), x == x, hash(x) == hash(x), x is torch.{name}")


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_pickled_and_copied(protocol):
    things = [getattr(torch, d) for d in DTYPES] + [torch.strided, torch.channels_last, torch.FloatTensor, torch.Tensor]
    for x in things:
        assert pickle.loads(pickle.dumps(x, protocol)) is x
        assert copy.deepcopy(x) is x
    for x in [torch.Size([2, 3]), torch.device("cpu"), torch.device("cuda:1")]:
        y = pickle.loads(pickle.dumps(x, protocol))
        assert y == x
        assert type(y) is type(x)
        assert copy.deepcopy(x) == x == copy.copy(x)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_default_complex_dtype_follows(agree, dtype):
    agree(
        f"torch.set_default_dtype(torch.{dtype})\ntry:\n    x = torch.tensor(1j), torch.tensor([1]) + 1j, torch.full((2,), 1j)\n"
        "finally:\n    torch.set_default_dtype(torch.float32)\nx"
    )
