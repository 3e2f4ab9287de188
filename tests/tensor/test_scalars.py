"""What Python asks of a tensor: item, tolist, len, iteration, conversions, hash, format, contains."""

import pytest
from conftest import DTYPES

import rustorch as torch

MADE = [
    *(
        "torch.tensor(3)",
        "torch.tensor(2.5)",
        "torch.tensor(True)",
        "torch.tensor(False)",
        "torch.tensor(1j)",
        "torch.tensor(2 + 0j)",
        "torch.tensor([4])",
        "torch.tensor([[2.5]])",
    ),
    *(
        "torch.tensor([])",
        "torch.tensor([1, 2])",
        "torch.tensor([[1., 2.], [3., 4.]])",
        "torch.zeros(0, 2)",
        "torch.zeros(2, 0)",
        "torch.tensor(float('nan'))",
        "torch.tensor(float('inf'))",
    ),
    *(
        "torch.tensor(-0.0)",
        "torch.tensor(2**62)",
        "torch.tensor(1.5, requires_grad=True)",
        "torch.tensor([True, False])",
        "torch.ones(2, device='meta')",
        "torch.tensor(0., device='meta')",
    ),
]
ASKED = [
    *(
        "x.item()",
        "x.tolist()",
        "len(x)",
        "list(x)",
        "bool(x)",
        "int(x)",
        "float(x)",
        "complex(x)",
        "x.__index__()",
        "[1, 2, 3, 4, 5][x]",
        "f'{x}'",
        "f'{x:.2f}'",
        "f'{x:>10}'",
        "'%d' % x",
        "'%.1f' % x",
    ),
    *(
        "str(x)",
        "format(x, '')",
        "1 in x",
        "x in x",
        "'a' in x",
        "None in x",
        "[1] in x",
        "hash(x) == hash(x)",
        "x is x",
        "not x",
        "x and 1",
        "range(x)",
        "round(x)",
        "round(x, 1)",
        "divmod(x, 2)",
    ),
    *(
        "reversed(x)",
        "min(x)",
        "sum(x)",
        "sorted(x)",
        "max(x, 2)",
        "x == None",
        "x != None",
        "x == 'a'",
        "x < 'a'",
        "x == [1]",
        "x + 'a'",
        "'a' + x",
        "x + None",
        "x @ 2",
        "__import__('math').sqrt(x)",
        "__import__('operator').index(x)",
    ),
    *(
        "{x: 1}[x]",
        "x.is_nonzero()",
        "x.dim(), x.ndim, x.numel(), x.nelement(), x.element_size(), x.itemsize, x.nbytes",
        "x.size(0)",
        "x.size(5)",
        "x.size(-1)",
        "x.stride(), x.stride(0)",
        "x ** 2",
    ),
    *(
        "x.size(dim=0)",
        "x.is_floating_point(), x.is_complex(), x.is_signed(), x.is_conj(), x.is_neg(), x.is_inference()",
        "x.nonsense",
        "x()",
        "a, b = x\na, b",
        "[*x]",
        "x.__len__()",
        "np.float64(x)",
        "int.__add__(1, 2)",
    ),
    *(
        "x % 2",
        "-x",
        "x.bool()",
        "x if x else 0",
        "str(x.dtype), x.layout, x.device, x.is_cpu, x.is_cuda, x.is_meta, x.is_sparse",
    ),
]


@pytest.mark.parametrize("made", MADE)
@pytest.mark.parametrize("asked", ASKED)
def test_python_protocols(agree, made, asked):
    agree(f"x = {made}\n{asked}")


@pytest.mark.parametrize("dtype", DTYPES)
def test_python_types_of_elements(agree, dtype):
    for value in ("0", "1", "100"):
        agree(
            f"x = torch.tensor({value}, dtype=torch.{dtype})\nx.item(), x.tolist(), x.reshape(1, 1).tolist(), type(x.item())"
        )
        agree(f"x = torch.tensor({value}, dtype=torch.{dtype})\nint(x), float(x), complex(x), bool(x)")
        agree(f"x = torch.tensor({value}, dtype=torch.{dtype})\nx.__index__()")
        agree(f"x = torch.tensor({value}, dtype=torch.{dtype})\nformat(x, '.3'), f'{{x}}'")


def test_big_integers_keep_their_value(agree):
    agree("x = torch.tensor(2**64 - 1, dtype=torch.uint64)\nx, x.item(), x.tolist(), [*x.reshape(1)]")
    agree("x = torch.tensor(-1).to(torch.uint64)\nx.item(), x.tolist()")
    agree("x = torch.tensor(2**63 - 1)\nx.item(), int(x), float(x)")


def test_dir_names_methods_and_attributes():
    x = torch.ones(2)
    x.mine = 3
    names = dir(x)
    assert names == sorted(names)
    assert {"mine", "add_", "shape", "grad", "backward"} <= set(names)


def test_the_largest_integer_is_a_float():
    assert float(torch.tensor(2**64 - 1, dtype=torch.uint64)) == 2.0**64
