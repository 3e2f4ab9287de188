"""copy, deepcopy and pickle of tensors, parameters, subclasses and whole modules."""

import copy
import io
import pickle

import pytest
from conftest import DTYPES

import rustorch as torch
from rustorch import nn

PROTOCOLS = range(pickle.HIGHEST_PROTOCOL + 1)


class Tagged(torch.Tensor):
    """A subclass with an attribute."""


class Slotted(torch.Tensor):
    """A subclass with a slot."""

    __slots__ = ("mark",)


def same(x, y):
    assert type(x) is type(y)
    assert x.dtype is y.dtype
    assert x.shape == y.shape
    assert x.stride() == y.stride()
    assert x.requires_grad == y.requires_grad
    assert x.tolist() == y.tolist()


WAYS = [copy.deepcopy] + [lambda x, p=p: pickle.loads(pickle.dumps(x, p)) for p in PROTOCOLS]


@pytest.mark.parametrize("way", WAYS)
def test_tensors_of_every_kind(way):
    tensors = [torch.tensor([1, 0, 2]).to(getattr(torch, d)) for d in DTYPES]
    tensors += [
        torch.ones(2, 3).t(),
        torch.arange(6.0)[::2],
        torch.tensor(3),
        torch.zeros(0, 2),
        torch.ones(1).expand(3),
        torch.ones(2, requires_grad=True),
    ]
    tensors += [
        nn.Parameter(torch.ones(2)),
        nn.Parameter(torch.ones(2), requires_grad=False),
        nn.Buffer(torch.ones(2)),
        torch.ones(2).as_subclass(Tagged),
    ]
    for x in tensors:
        y = way(x)
        same(x, y)
        assert y is not x
        assert y.data_ptr() != x.data_ptr() or x.numel() == 0


@pytest.mark.parametrize("way", WAYS)
def test_views_keep_sharing(way):
    base = torch.arange(6.0)
    x, y, z = way([base, base[1:3], base.view(2, 3)])
    y[0] = 77
    assert x.tolist() == [0, 77, 2, 3, 4, 5]
    assert z[0, 1] == 77
    assert base[1] == 1


@pytest.mark.parametrize("way", WAYS)
def test_the_same_tensor_stays_one(way):
    x = torch.ones(2)
    a, b = way((x, x))
    assert a is b


@pytest.mark.parametrize("way", [copy.copy, *WAYS])
def test_attributes_come_along(way):
    # torch makes a deep copy of a parameter of its data alone.
    parameters = () if way is copy.deepcopy else (nn.Parameter(torch.ones(2)),)
    for x in (torch.ones(2), torch.ones(2).as_subclass(Tagged), *parameters):
        x.mine = {"a": [1]}
        y = way(x)
        assert y.mine == {"a": [1]}
        assert type(y) is type(x)
    x = torch.ones(2).as_subclass(Slotted)
    x.mark = 5
    assert way(x).mark == 5


def test_copy_shares_memory_and_deepcopy_does_not():
    x = torch.ones(3)
    y, z = copy.copy(x), copy.deepcopy(x)
    x[0] = 5
    assert y.tolist() == [5, 1, 1]
    assert z.tolist() == [1, 1, 1]
    assert y is not x


def test_deepcopy_takes_the_gradient_along():
    x = torch.ones(2, requires_grad=True)
    (x * 3).sum().backward()
    y = copy.deepcopy(x)
    assert y.grad.tolist() == [3, 3]
    assert y.grad is not x.grad
    assert y.is_leaf


def test_errors_and_warnings(agree):
    agree("import copy\nx = torch.ones(2, requires_grad=True) * 2\ncopy.deepcopy(x)")
    agree("import copy\nx = torch.ones(2, requires_grad=True) * 2\ncopy.copy(x)")
    agree(
        "import pickle\nx = torch.ones(2, requires_grad=True) * 2\ny = pickle.loads(pickle.dumps(x))\ny.is_leaf, y.requires_grad"
    )
    agree("import pickle\nx = torch.ones(2, requires_grad=True)\nx.register_hook(print)\npickle.loads(pickle.dumps(x))")
    agree("import pickle\nx = torch.ones(2, device='meta')\npickle.loads(pickle.dumps(x))")
    agree("import copy\nx = torch.ones(2, device='meta')\ncopy.deepcopy(x)")
    agree("import copy\nx = torch.ones(2, 3).t()\ncopy.deepcopy(x), copy.copy(x)")


@pytest.mark.parametrize("way", WAYS)
def test_storages(way):
    x = torch.arange(4.0)
    s = way(x.untyped_storage())
    assert s.nbytes() == 16
    assert bytes(s.tolist()) == bytes(x.untyped_storage().tolist())


class Net(nn.Module):
    """A module with everything that is pickled: parameters, buffers, tied weights, plain attributes."""

    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.ReLU(), nn.Dropout(0.5), nn.Linear(4, 2))
        self.tied = self.net[0].weight
        self.register_buffer("seen", torch.zeros(1))
        self.register_buffer("temporary", torch.ones(1), persistent=False)
        self.notes = {"epochs": 3}
        self.maybe = None

    def forward(self, x):
        return self.net(x)


@pytest.mark.parametrize("way", WAYS)
def test_whole_modules(way):
    net = Net().eval()
    x = torch.randn(5, 3)
    other = way(net)
    assert other(x).tolist() == net(x).tolist()
    assert other.tied is other.net[0].weight
    assert other.tied is not net.tied
    assert other.notes == {"epochs": 3}
    assert not other.training
    assert repr(other) == repr(net)
    assert [n for n, _ in other.named_buffers()] == [n for n, _ in net.named_buffers()]
    assert all(type(p) is nn.Parameter and p.requires_grad for p in other.parameters())


@pytest.mark.parametrize(
    "module",
    [
        nn.LSTM(2, 3),
        nn.Embedding(4, 2),
        nn.Conv2d(1, 2, 3),
        nn.MultiheadAttention(4, 2),
        nn.ModuleList([nn.Linear(1, 1)]),
        nn.ParameterDict({"a": nn.Parameter(torch.ones(1))}),
    ],
)
@pytest.mark.parametrize("way", WAYS)
def test_modules_of_every_kind(way, module):
    other = way(module)
    mine, theirs = module.state_dict(), other.state_dict()
    assert list(mine) == list(theirs)
    for name in mine:
        assert mine[name].tolist() == theirs[name].tolist()


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_optimizer_state(protocol):
    p = nn.Parameter(torch.ones(2))
    optimizer = torch.optim.Adam([p])
    p.sum().backward()
    optimizer.step()
    state = pickle.loads(pickle.dumps(optimizer.state_dict(), protocol))
    other = torch.optim.Adam([nn.Parameter(torch.ones(2))])
    other.load_state_dict(state)
    assert other.state_dict()["state"][0]["exp_avg"].tolist() == optimizer.state_dict()["state"][0]["exp_avg"].tolist()
    pickle.loads(pickle.dumps(optimizer, protocol))


@pytest.mark.parametrize("way", WAYS)
def test_generators(way):
    g = torch.Generator()
    g.manual_seed(7)
    torch.rand(3, generator=g)
    h = way(g)
    assert torch.rand(20, generator=h).tolist() == torch.rand(20, generator=g).tolist()


def test_pickles_name_public_places():
    text = io.BytesIO()
    pickle.dump(torch.ones(2), text)
    assert b"rustorch" in text.getvalue()


def test_setstate_is_for_leaves(agree):
    agree("x = torch.ones(2, requires_grad=True) * 2\nx.__setstate__({})")
