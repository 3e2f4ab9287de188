"""`out=` and in-place forms: results land in the given tensor, which is resized, refused or warned about as in torch."""

import pytest

CALLS = [
    *(
        "torch.add(a, b, out=o)",
        "torch.mul(a, 2, out=o)",
        "torch.exp(a, out=o)",
        "torch.clamp(a, 0, 1, out=o)",
        "torch.sum(a, 0, out=o)",
        "torch.mean(a, 1, out=o)",
        "torch.matmul(a, b.t(), out=o)",
        "torch.mm(a, b.t(), out=o)",
    ),
    *(
        "torch.cat([a, b], out=o)",
        "torch.stack([a, b], out=o)",
        "torch.cumsum(a, 0, out=o)",
        "torch.where(a > 2, a, b, out=o)",
        "torch.gather(a, 0, torch.zeros(1, 3, dtype=torch.int64), out=o)",
    ),
    *(
        "torch.softmax(a, 0, out=o)",
        "torch.pow(a, 2, out=o)",
        "torch.neg(a, out=o)",
    ),
    *(
        "torch.masked_select(a, a > 2, out=o)",
        "torch.take(a, torch.tensor([0, 5]), out=o)",
        "torch.bmm(a[None], b.t()[None], out=o)",
        "torch.maximum(a, b, out=o)",
        "torch.prod(a, 0, out=o)",
    ),
]
OUTS = [
    "torch.empty(0)",
    "torch.zeros(2, 3)",
    "torch.zeros(3, 2).t()",
    "torch.zeros(7)",
    "torch.zeros(1, 3).expand(2, 3)",
    "torch.zeros(2, 3, requires_grad=True)",
    "None",
]


AB = "a, b = torch.arange(6.).reshape(2, 3), torch.ones(2, 3)\n"


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("out", OUTS)
def test_out(agree, call, out):
    # torch warns after it refused, or not at all, where an output must not require grad.
    agree(AB + f"o = {out}\ny = {call}\ny is o, y", message="requires_grad" not in out)


@pytest.mark.parametrize(
    "call",
    [
        "torch.zeros(2, 3, out=o)",
        "torch.arange(6, out=o)",
        "torch.eye(2, out=o)",
        "torch.full((2, 3), 2., out=o)",
        "torch.linspace(0, 1, 6, out=o)",
    ],
)
def test_creation_into_an_empty_tensor(agree, call):
    agree(f"o = torch.empty(0)\ny = {call}\ny is o, y")


@pytest.mark.parametrize(
    "call",
    [
        "torch.add(a, b, out=o)",
        "torch.mul(a, 2, out=o)",
        "torch.sub(a, b, out=o)",
        "torch.maximum(a, b, out=o)",
    ],
)
@pytest.mark.parametrize("dtype", ["float64", "float16", "int64", "bool", "complex64"])
def test_out_of_another_dtype(agree, call, dtype):
    agree(AB + f"o = torch.zeros(2, 3, dtype=torch.{dtype})\ny = {call}\ny is o, y", message=call[6] not in "m")


@pytest.mark.parametrize(
    "program",
    [
        "v, i = torch.empty(0), torch.empty(0, dtype=torch.int64)\nr = torch.max(x, 0, out=(v, i))\nr.values is v, v, i, type(r).__name__",
        "v, i = torch.empty(5), torch.empty(5, dtype=torch.int64)\ntorch.sort(x, out=(v, i))\nv, i",
        "v, i = torch.empty(0), torch.empty(0)\ntorch.max(x, 0, out=(v, i))",
        "torch.add(x, 1, out=x)",
        "torch.add(x[0], 1, out=x[1])\nx",
        "torch.add(x[:, :2], 1, out=x[:, 1:])\nx",
        "y = torch.arange(6.)\ntorch.add(y[:-1], 1, out=y[1:])",
        "y = torch.arange(6.)\ntorch.add(y[:3], y[3:], out=y[:3])\ny",
        "torch.mm(x[:, :2], x[:, :2], out=x[:, :2])\nx",
        "torch.cumsum(x, 0, out=x)",
        "torch.mul(x, x, out=x.t())",
        "y = torch.arange(6.)\ny[1:] += y[:-1]\ny",
        "y = torch.arange(6.)\ny.copy_(y.flip(0))\ny",
        "y = torch.arange(6.)\ny[::2] += y[1::2]\ny",
        "y = torch.arange(9.).view(3, 3)\ny += y.t()\ny",
        "y = torch.arange(9.).view(3, 3)\ny.copy_(y.t())\ny",
        "y = torch.zeros(3).expand(2, 3)\ny += 1",
        "y = torch.zeros(3).expand(2, 3)\ny.zero_()",
        "y = torch.zeros(3).expand(2, 3)\ny.fill_(3)\ny",
        "y = torch.zeros(1).expand(3)\ny.copy_(torch.ones(3))",
        "y = torch.zeros(3).expand(2, 3)\ny.exp_()",
        "y = torch.zeros(3, 0).expand(3, 0)\ny.add_(1)",
        "y = torch.ones(4)\ny.add_(y)",
        "y = torch.ones(4)\ny[:2].add_(y[2:])\ny",
        "y = torch.ones(2)\ny += torch.ones(3, 2)",
        "y = torch.ones(3)\ny += torch.ones(2)",
        "y = torch.ones(2, 1)\ny += torch.ones(3)",
        "y = torch.tensor(1.)\ny += torch.ones(1)",
        "y = torch.ones(2, dtype=torch.int64)\ny += 1.5",
        "y = torch.ones(2, dtype=torch.int64)\ny /= 2",
        "y = torch.ones(2, dtype=torch.bool)\ny += 1",
        "y = torch.ones(2, dtype=torch.int32)\ny += 1j",
        "y = torch.ones(2)\ny += 1j",
        "y = torch.ones(2, dtype=torch.int8)\ny += torch.tensor([1000])\ny",
        "y = torch.ones(2, dtype=torch.int64)\ny.exp_()",
        "y = torch.ones(2, dtype=torch.int64)\ny.sqrt()",
        "y = torch.ones(2)\ny @= torch.ones(2, 2)",
        "y = torch.ones(2, dtype=torch.uint8)\ny -= 2\ny",
        "y = torch.ones(2, dtype=torch.int64)\ny //= 2\ny",
        "y = torch.ones(2, dtype=torch.int64)\ny **= 2\ny",
        "y = torch.ones(2, dtype=torch.int64)\ny **= -1",
        "y = torch.ones(2)\ny |= 1",
        "y = torch.ones(2, requires_grad=True)\ny += 1",
        "y = torch.ones(2, requires_grad=True)\nwith torch.no_grad():\n    y += 1\ny",
        "y = torch.ones(2, requires_grad=True)\ntorch.add(y, 1, out=torch.empty(2))",
        "y = torch.ones(2, requires_grad=True)\nwith torch.no_grad():\n    torch.add(y, 1, out=y)\ny",
    ],
)
def test_in_place_and_out(agree, program):
    agree("x = torch.arange(9.).reshape(3, 3)\n" + program)


NAMES = [
    "abs",
    "add",
    "sub",
    "mul",
    "div",
    "neg",
    "exp",
    "log",
    "sqrt",
    "sin",
    "cos",
    "tanh",
    "sigmoid",
    "relu",
    "clamp",
    "floor",
    "ceil",
    "round",
    "trunc",
    "sign",
    "reciprocal",
    "rsqrt",
    "square",
    "erf",
    "pow",
    "fmod",
    "remainder",
]
EXTRA = {"add": "2", "sub": "2", "mul": "2", "div": "2", "clamp": "0, 2", "pow": "2", "fmod": "2", "remainder": "2"}


@pytest.mark.parametrize("name", NAMES)
def test_in_place_forms_return_the_tensor_itself(agree, name):
    agree(
        f"x = torch.tensor([[0.5, 1.5], [2.5, 3.5]])\nv = x.t()\ny = x.{name}_({EXTRA.get(name, '')})\ny is x, x, v, x._version"
    )
    agree(f"x = torch.tensor([[0.5, 1.5], [2.5, 3.5]])[:, 1]\ny = x.{name}_({EXTRA.get(name, '')})\ny is x, x, x._base")
