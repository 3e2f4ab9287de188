"""Subclasses, `__torch_function__` from every entry point, modes, attributes and patched methods."""

import gc
import pickle
import weakref

import pytest

import rustorch as torch

LOGGED = """
log = []
class Log(torch.Tensor):
    @classmethod
    def __torch_function__(cls, func, types, args=(), kwargs=None):
        log.append((getattr(func, '__name__', '?'), [t.__name__ for t in types], len(args), sorted(kwargs or {})))
        return super().__torch_function__(func, types, args, kwargs or {})
x = torch.arange(6.).reshape(2, 3).as_subclass(Log)
del log[:]
"""
ENTRY = [
    *(
        "torch.add(x, 1)",
        "torch.add(x, other=1)",
        "x + 1",
        "1 + x",
        "x - 1",
        "1 - x",
        "x * x",
        "x / 2",
        "2 / x",
        "x // 2",
        "x % 2",
        "x ** 2",
        "2 ** x",
        "-x",
        "+x",
        "abs(x)",
        "x @ x.t()",
        "x == 1",
        "x != 1",
        "x < 1",
        "1 < x",
        "x & x if False else x > 0",
    ),
    *(
        "x += 1",
        "x *= 2",
        "x -= 1",
        "x /= 2",
        "x[0]",
        "x[0, 1:]",
        "x[0] = 5",
        "len(x)",
        "bool(x[0, 0])",
        "float(x[0, 0])",
        "int(x[0, 0])",
        "x.shape",
        "x.dtype",
        "x.device",
        "x.requires_grad",
        "x.grad",
        "x.T",
        "x.data",
        "x.is_leaf",
        "x.ndim",
        "x.grad_fn",
        "x.layout",
        "x.is_cuda",
    ),
    *(
        "x.requires_grad = True",
        "x.grad = None",
        "x.data = torch.ones(2, 3)",
        "x.size()",
        "x.size(0)",
        "x.stride()",
        "x.dim()",
        "x.numel()",
        "x.item",
        "x.tolist()",
        "x.sum()",
        "x.sum(0)",
        "x.sum(dim=0, keepdim=True)",
        "x.max(0)",
        "x.view(-1)",
        "x.reshape(3, 2)",
        "x.to(torch.float64)",
    ),
    *(
        "x.clone()",
        "x.detach()",
        "x.add_(1)",
        "x.numpy()",
        "x.contiguous()",
        "x.type()",
        "x.is_floating_point()",
        "x.unbind()",
        "x.new_zeros(2)",
        "x.requires_grad_()",
        "x.backward",
        "x.register_hook",
        "x.expand(2, 2, 3)",
        "x.permute(1, 0)",
        "x.float()",
        "x.copy_(x)",
        "x.fill_(1)",
    ),
    *(
        "torch.cat([x, x])",
        "torch.stack((x, torch.ones(2, 3)))",
        "torch.where(x > 1, x, 0)",
        "torch.sum(x)",
        "torch.nn.functional.relu(x)",
        "torch.nn.functional.softmax(x, dim=0)",
        "torch.nn.functional.linear(x, torch.ones(4, 3))",
        "torch.nn.functional.dropout(x, 0.)",
        "torch.nn.functional.mse_loss(x, x)",
    ),
    *(
        "torch.nn.functional.layer_norm(x, (3,))",
        "torch.nn.functional.pad(x, (1, 1))",
        "torch.nn.functional.cross_entropy(x, torch.tensor([0, 1]))",
        "torch.zeros_like(x)",
        "torch.rand_like(x).shape",
        "torch.empty_like(x).shape",
        "torch.equal(x, x)",
        "torch.allclose(x, x)",
    ),
    *(
        "torch.einsum('ij,ij->i', x, x)",
        "torch.broadcast_tensors(x, x)",
        "torch.meshgrid(x[0], x[1], indexing='ij')",
        "torch.tensordot(x, x.t(), 1)",
        "torch.chunk(x, 2)",
        "torch.as_tensor(x)",
        "torch.tensor([1.]) + x",
        "torch.ones(2, 3) * x",
    ),
    *(
        "f'{x[0, 0]}'",
        "list(x)",
        "5. in x",
        "x.add",
        "torch.is_tensor(x)",
        "isinstance(x, torch.Tensor)",
        "hash(x) == hash(x)",
        "x.as_subclass(torch.Tensor)",
        "x.unsqueeze(0)",
        "torch.Tensor.add(x, 1)",
        "torch.Tensor.mul(torch.ones(2, 3), x)",
        "x.topk(1)",
        "x.softmax(0)",
    ),
    *(
        "torch.is_floating_point(x)",
        "torch.numel(x)",
        "torch.promote_types(x.dtype, torch.int8)",
        "torch.autograd.grad",
        "torch.nn.functional.conv1d(x[None], torch.ones(1, 2, 1))",
        "torch.nn.init.zeros_(x)",
        "x.masked_fill(x > 1, 0)",
        "x.apply_(float)",
        "x.chunk(2)",
        "x.is_contiguous()",
        "x.storage_offset()",
        "x._version",
    ),
]


@pytest.mark.parametrize("call", ENTRY)
def test_every_entry_point_asks_the_subclass(agree, call):
    agree(
        LOGGED + f"y = None\ny = {call}\ny if not callable(y) else 0, log"
        if "=" not in call.replace("==", "").replace("!=", "") or "(" in call
        else LOGGED + f"{call}\nx, log"
    )


MODES = """
log = []
class Mode(torch.overrides.TorchFunctionMode):
    def __init__(self, tag=''):
        super().__init__()
        self.tag = tag
    def __torch_function__(self, func, types, args=(), kwargs=None):
        log.append(self.tag + getattr(func, '__name__', '?'))
        return func(*args, **(kwargs or {}))
x = torch.ones(2)
"""


@pytest.mark.parametrize(
    "program",
    [
        "with Mode():\n    torch.add(x, 1); x + 1; x.sum(); torch.ones(2); torch.tensor([1.]); x[0]; torch.zeros(1); torch.arange(3); x.shape\nlog",
        "with Mode('a'), Mode('b'):\n    torch.add(x, 1)\nlog",
        "with Mode():\n    torch.nn.functional.relu(x)\nlog",
        "with Mode('a'):\n    with torch._C.DisableTorchFunctionSubclass():\n        x + 1\nlog",
        "with Mode('a'):\n    with torch._C.DisableTorchFunction():\n        x + 1\nlog",
        "m = Mode('a')\nwith torch._C.DisableTorchFunctionSubclass():\n    m.__enter__()\nx + 1\nm.__exit__(None, None, None)\nx - 1\nlog",
        "m = Mode('a')\nwith torch._C.DisableTorchFunction():\n    m.__enter__()\nx + 1\nm.__exit__(None, None, None)\nx - 1\nlog",
        "try:\n    with Mode():\n        raise KeyError\nexcept KeyError:\n    pass\nx + 1\nlog",
        "m = Mode()\nwith m:\n    pass\nwith m as n:\n    x + 1\nn is m, log",
        "class Swap(torch.overrides.TorchFunctionMode):\n    def __torch_function__(self, func, types, args=(), kwargs=None):\n        if func is torch.add:\n            func = torch.mul\n        return func(*args, **(kwargs or {}))\nwith Swap():\n    y = torch.add(x, 5)\ny",
        "class No(torch.overrides.TorchFunctionMode):\n    def __torch_function__(self, func, types, args=(), kwargs=None):\n        return NotImplemented\nwith No():\n    torch.add(x, 1)",
        "with Mode():\n    torch.rand(2); torch.randn(2); torch.full((2,), 1.); torch.empty(2); torch.eye(2); torch.from_numpy(np.ones(2)); torch.as_tensor([1.])\nlog",
        "with Mode():\n    x.add_(1); x.requires_grad_(); x.grad; x.numel(); len(x); list(x); repr(x)\nlog",
        "with torch.overrides.BaseTorchFunctionMode():\n    y = x + 1\ny",
        "with Mode():\n    torch.set_default_dtype(torch.float32)\nlog",
        "with Mode():\n    torch.manual_seed(0)\nlog",
        "with Mode():\n    torch.nn.Linear(2, 2)\n'uniform_' in log, 'empty' in log",
    ],
)
def test_modes(agree, program):
    agree(MODES + program)


CLASSES = """
class A(torch.Tensor):
    pass
class B(A):
    pass
class Other(torch.Tensor):
    pass
x = torch.ones(2, 3)
a, b, o = x.as_subclass(A), x.as_subclass(B), x.as_subclass(Other)
"""


@pytest.mark.parametrize(
    "program",
    [
        "a + 1",
        "a + b",
        "b + a",
        "a + x",
        "x + a",
        "a + o",
        "torch.add(a, o)",
        "a[0]",
        "a.sum()",
        "a.max(0)",
        "a.T",
        "a.data",
        "a.grad",
        "a.clone()",
        "a.detach()",
        "a.to(torch.int8)",
        "a.unbind()",
        "a.split(1)",
        "a == a",
        "a.shape",
        "a.numpy()",
        "a.view(-1)",
        "a.add_(1)",
        "a += 1\na",
        "torch.stack([a, b])",
        "torch.cat([x, b])",
        "torch.zeros_like(b)",
        "a.new_zeros(2)",
        "a.new_tensor([1])",
        "torch.tensor(a)",
        "torch.as_tensor(a)",
        "torch.asarray(a)",
        "a.as_subclass(B)",
        "a.as_subclass(int)",
        "a.as_subclass(torch.Tensor)",
        "a.requires_grad_()",
        "y = a.clone().requires_grad_()\n(y * 2).sum().backward()\ny.grad",
        "A(2, 3).shape, type(A([1., 2.]))",
        "A([1., 2.])",
        "A(torch.ones(2))",
        "A()",
        "torch.Tensor._make_subclass(A, torch.ones(2))",
        "torch.Tensor._make_subclass(A, torch.ones(2), True)",
        "torch.Tensor._make_subclass(int, torch.ones(2))",
        "torch.Tensor._make_subclass(A, torch.ones(2, requires_grad=True) * 2)",
        "isinstance(a, A), isinstance(b, A), isinstance(a, B), isinstance(x, A), issubclass(A, torch.Tensor)",
        "repr(a), str(b), repr(a.sum()), repr(a.requires_grad_())",
        "class C(torch.Tensor):\n    @staticmethod\n    def __new__(cls, data, tag):\n        y = torch.Tensor._make_subclass(cls, torch.tensor(data))\n        y.tag = tag\n        return y\n    def __init__(self, data, tag):\n        self.seen = True\nc = C([1., 2.], 'hi')\nc, c.tag, c.seen, c + 1, hasattr(c + 1, 'tag')",
        "class P(torch.nn.Parameter):\n    pass\np = P(torch.ones(2))\np, isinstance(p, torch.nn.Parameter), p * 2",
        "p = torch.nn.Parameter(a)\np, type(p + 1), isinstance(p, torch.nn.Parameter)",
        "class D(torch.Tensor):\n    __torch_function__ = torch._C._disabled_torch_function_impl\nd = x.as_subclass(D)\nd + 1, d[0], d.clone(), repr(d)",
        "class N(torch.Tensor):\n    @classmethod\n    def __torch_function__(cls, func, types, args=(), kwargs=None):\n        return NotImplemented\nn = x.as_subclass(N)\ntorch.add(n, 1)",
        "class Foreign:\n    @classmethod\n    def __torch_function__(cls, func, types, args=(), kwargs=None):\n        return func.__name__, [t.__name__ for t in types]\nf = Foreign()\ntorch.add(f, 1), torch.sum(f, dim=0), torch.cat([f, x]), torch.nn.functional.relu(f), torch.add(x, f), torch.stack((f,)), x.add(f), x + f, torch.where(x > 0, f, f)",
        "class Foreign:\n    @classmethod\n    def __torch_function__(cls, func, types, args=(), kwargs=None):\n        return NotImplemented\ntorch.add(Foreign(), 1)",
        "class Foreign:\n    pass\ntorch.add(Foreign(), 1)",
        "with torch._C.DisableTorchFunctionSubclass():\n    y = a + 1\ny",
        "with torch._C.DisableTorchFunction():\n    y = a + 1\ny",
        "torch.Tensor.__torch_function__(torch.add, (A,), (a, 1))",
        "class M(torch.Tensor):\n    def total(self):\n        return self.sum()\n    @property\n    def twice(self):\n        return self * 2\nm = x.as_subclass(M)\nm.total(), m.twice, (m + 1).total()",
        "class M(torch.Tensor):\n    def __add__(self, other):\n        return 'mine'\nm = x.as_subclass(M)\nm + 1, 1 + m, m.add(1), torch.add(m, 1)",
        "class M(torch.Tensor):\n    def __getitem__(self, i):\n        return 'got', i\nm = x.as_subclass(M)\nm[0], m[0, 1:]",
        "class M(torch.Tensor):\n    @classmethod\n    def __torch_function__(cls, func, types, args=(), kwargs=None):\n        r = super().__torch_function__(func, types, args, kwargs)\n        return (func.__name__, r) if func is torch.Tensor.add else r\nm = x.as_subclass(M)\nm.add(1), m + 1",
        "hash(a) == hash(x)",
        "a.mine = 3\n(a + 1).mine",
        "a.mine = 3\na.mine, a.view(-1).__dict__, vars(a)",
    ],
)
def test_subclasses(agree, program):
    agree(CLASSES + program)


@pytest.mark.parametrize(
    "program",
    [
        "torch.overrides.is_tensor_like(torch.ones(1)), torch.overrides.is_tensor_like(1)",
        "torch.overrides.has_torch_function((torch.ones(1),)), torch.overrides.has_torch_function((torch.ones(1).as_subclass(A),)), torch.overrides.has_torch_function([1])",
        "torch.overrides.resolve_name(torch.add), torch.overrides.resolve_name(torch.Tensor.add), torch.overrides.resolve_name(torch.nn.functional.relu), torch.overrides.resolve_name(torch.Tensor.shape.__get__), torch.overrides.resolve_name(print)",
        "torch.overrides.is_tensor_method_or_property(torch.Tensor.add), torch.overrides.is_tensor_method_or_property(torch.add), torch.overrides.is_tensor_method_or_property(torch.Tensor.shape.__get__)",
        "torch.add in torch.overrides.get_overridable_functions()[torch], torch.Tensor.add in torch.overrides.get_overridable_functions()[torch.Tensor], torch.zeros in torch.overrides.get_ignored_functions()",
        "def f(x):\n    if torch.overrides.has_torch_function_unary(x):\n        return torch.overrides.handle_torch_function(f, (x,), x)\n    return 'plain'\nclass L(torch.Tensor):\n    @classmethod\n    def __torch_function__(cls, func, types, args=(), kwargs=None):\n        return 'asked', func is f\nf(torch.ones(1)), f(torch.ones(1).as_subclass(L))",
        "@torch.overrides.wrap_torch_function(lambda x: (x,))\ndef f(x):\n    return 'plain'\nf(torch.ones(1)), f(torch.ones(1).as_subclass(A))",
        "isinstance(torch.overrides.get_testing_overrides(), dict)",
    ],
)
def test_helpers(agree, program):
    agree(CLASSES + program)


@pytest.mark.parametrize(
    "program",
    [
        "x = torch.ones(2)\nx.tag = 'a'\nx.tag, x.__dict__, hasattr(x + 1, 'tag'), hasattr(x.view(-1), 'tag')",
        "x = torch.ones(2)\ndel x.tag",
        "x = torch.ones(2, requires_grad=True)\n(x * 2).sum().backward()\ng = x.grad\ng.tag = 3\nx.grad is g, x.grad.tag",
        "x = torch.ones(2, requires_grad=True)\n(x * 2).sum().backward()\nx.grad.tag = 3\n__import__('gc').collect()\nx.grad.tag",
        "x = torch.ones(2)\ny = x[0:1]\ny._base is x, y._base is y._base",
        "x = torch.ones(2, requires_grad=True)\ng = torch.ones(2)\nx.grad = g\nx.grad is g",
        "x = torch.ones(2, requires_grad=True)\nx.grad = torch.ones(2)\nx.grad.tag = 1\n(x * 2).sum().backward()\nx.grad.tag, x.grad",
        "x = torch.ones(2, requires_grad=True)\ny = x * 2\ny.grad_fn is y.grad_fn",
        "x = torch.ones(2)\nx.data is x.data, x.detach() is x.detach()",
        "x = torch.ones(2, requires_grad=True)\nx.grad = 3",
        "x = torch.ones(2, requires_grad=True)\nx.grad = torch.ones(3)",
        "x = torch.ones(2, requires_grad=True)\nx.grad = torch.ones(2).double()",
        "x = torch.ones(2, requires_grad=True)\nx.grad = x",
        "x = torch.ones(2)\nx.grad = torch.ones(2)\nx.grad, x.requires_grad",
        "x = torch.ones(2)\nx.data = 3",
        "x = torch.ones(2)\nx.data = torch.ones(3)\nx",
        "x = torch.ones(2, requires_grad=True)\nx.data = torch.zeros(3, 3)\nx, x.grad",
        "x = torch.ones(2, requires_grad=True)\nx.data = torch.zeros(2, dtype=torch.int64)",
        "x = torch.ones(2)\ny = torch.zeros(2)\nx.data = y\ny[0] = 7\nx, x.data_ptr() == y.data_ptr()",
        "x = torch.ones(2, requires_grad=True)\nx.data.add_(1)\nx",
        "x = torch.ones(3)\nx.requires_grad = 1",
        "x = torch.ones(3)\nx.requires_grad = True\nx",
        "torch.ones(2, dtype=torch.int8).requires_grad_()",
        "x = torch.ones(2, requires_grad=True) * 2\nx.requires_grad = False",
        "x = torch.ones(2)\nx.real, x.T, x.mT if x.ndim > 1 else 0",
        "torch.tensor([1 + 2j]).real, torch.tensor([1 + 2j]).imag",
        "torch.ones(2).imag",
        "x = torch.tensor([1 + 2j])\nx.real = 5\nx.imag = torch.tensor([7.])\nx",
        "x = torch.ones(2)\nx.name, x.output_nr, x._version, x.retains_grad, x.is_leaf",
        "x = torch.ones(2)\ny = torch.zeros(3)\ntorch.utils.swap_tensors(x, y)\nx, y",
        "x = torch.ones(2)\nx.tag = 1\ny = torch.nn.Parameter(torch.zeros(3))\ntorch.utils.swap_tensors(x, y)\nx, y, hasattr(x, 'tag'), y.tag",
        "x = torch.ones(2, requires_grad=True)\ny = x * 2\ntorch.utils.swap_tensors(x, torch.zeros(2))",
    ],
)
def test_attributes(agree, program):
    agree(program)


def test_methods_are_patched_on_the_class():
    original = torch.Tensor.add
    torch.Tensor.shout = lambda self: "hey"
    torch.Tensor.add = lambda self, other: "patched"
    try:
        assert torch.ones(1).shout() == "hey"
        assert torch.ones(1).add(1) == "patched"
        assert torch.nn.Parameter(torch.ones(1)).shout() == "hey"
        assert isinstance(torch.ones(1) + 1, torch.Tensor)
    finally:
        del torch.Tensor.shout
        torch.Tensor.add = original
    assert torch.ones(1).add(1) == 2


def test_operators_are_patched_on_the_class():
    original = torch.Tensor.__add__
    torch.Tensor.__add__ = lambda self, other: "patched"
    try:
        assert torch.ones(1) + 1 == "patched"
    finally:
        torch.Tensor.__add__ = original
    assert (torch.ones(1) + 1) == 2


def test_properties_are_patched_on_the_class():
    torch.Tensor.first = property(lambda self: self[0])
    try:
        assert torch.arange(3).first == 0
    finally:
        del torch.Tensor.first


def test_attributes_live_as_long_as_the_tensor():
    class Thing:
        pass

    x = torch.ones(1)
    x.thing = Thing()
    seen = weakref.ref(x.thing)
    gc.collect()
    assert seen() is not None
    del x
    gc.collect()
    assert seen() is None


@pytest.mark.parametrize("name", ["shape", "dtype", "device", "ndim", "is_cuda", "grad_fn", "is_leaf", "T"])
def test_attributes_that_cannot_be_set(agree, name):
    agree(f"x = torch.ones(2)\nx.{name} = 3", message=False)
    agree(f"x = torch.ones(2)\ndel x.{name}", message=False)


def test_private_attributes_that_libraries_read():
    x = torch.ones(2)
    assert (x._backward_hooks, x._grad, x._post_accumulate_grad_hooks) == (None, None, None)
    x.requires_grad_()
    handle = x.register_hook(lambda grad: grad)
    assert len(x._backward_hooks) == 1
    handle.remove()
    assert x._backward_hooks is None
    x._grad = torch.zeros(2)
    assert x.grad.tolist() == [0.0, 0.0]


def test_loaded_parameter_has_no_attributes_of_its_own():
    loaded = pickle.loads(pickle.dumps(torch.nn.Parameter(torch.ones(1))))
    assert loaded.__dict__ == {} and pickle.loads(pickle.dumps(torch.ones(1))).__dict__ == {}


def test_hash_is_the_identity():
    x = torch.ones(2)
    assert hash(x) == id(x) and {x: 1}[x] == 1


class Recorder(torch.Tensor):
    """Notes which functions ask it."""

    seen: list = []

    @classmethod
    def __torch_function__(cls, func, types, args=(), kwargs=None):
        cls.seen.append(func.__name__)
        return super().__torch_function__(func, types, args, kwargs or {})


@pytest.mark.parametrize(
    "key",
    [
        lambda s: s,
        lambda s: (slice(None), s),
        lambda s: (..., s),
        lambda s: [s],
        lambda s: (slice(None), [0, s[0]]),
    ],
)
@pytest.mark.filterwarnings("ignore:Using a non-tuple sequence")
def test_an_index_that_holds_a_subclass_is_asked(key):
    x, s = torch.arange(12.0).reshape(3, 4), torch.tensor([0, 1]).as_subclass(Recorder)
    key = key(s)
    Recorder.seen.clear()
    y = x[key]
    assert Recorder.seen == ["__getitem__"] and type(y) is Recorder
    x[key] = 0.0
    assert Recorder.seen == ["__getitem__", "__setitem__"]
    assert (x[key.tolist() if isinstance(key, torch.Tensor) else key] == 0).all()


def test_data_made_of_tensors_asks_their_classes_for_numbers():
    s = torch.tensor([3, 4]).as_subclass(Recorder)
    items = [s[0], s[1]]
    Recorder.seen.clear()
    assert torch.tensor(items).tolist() == [3, 4]
    assert Recorder.seen == ["__index__"] * 2
    Recorder.seen.clear()
    assert torch.tensor(items, dtype=torch.float64).tolist() == [3, 4]
    assert Recorder.seen == ["__float__"] * 2
    Recorder.seen.clear()
    assert type(torch.asarray(s)) is Recorder and type(torch.as_tensor(s)) is Recorder
    assert Recorder.seen == []
