"""Sequential, ModuleList, ModuleDict, ParameterList, ParameterDict."""

from collections import OrderedDict

import pytest

import rustorch as torch
from rustorch import nn


def layers(n):
    return [nn.Linear(i + 1, i + 2) for i in range(n)]


# ---- Sequential


def test_sequential_from_modules_and_from_a_dict():
    a, b, c = layers(3)
    assert nn.Sequential(a, b, c)(torch.ones(2, 1)).shape == (2, 4)
    named = nn.Sequential(OrderedDict(first=a, second=b))
    assert named.first is a and list(named._modules) == ["first", "second"]


def test_sequential_indexing():
    ls = layers(4)
    s = nn.Sequential(*ls)
    assert s[0] is ls[0] and s[-1] is ls[3] and len(s) == 4 and list(s) == ls
    assert isinstance(s[1:3], nn.Sequential) and list(s[1:3]._modules) == ["1", "2"]
    assert list(s[::2]) == ls[::2]
    s[1] = nn.ReLU()
    assert isinstance(s[1], nn.ReLU)
    with pytest.raises(IndexError, match=r"^index 4 is out of range$"):
        s[4]
    with pytest.raises(IndexError, match=r"^index -5 is out of range$"):
        s[-5]


def test_sequential_deletion_renumbers():
    ls = layers(4)
    s = nn.Sequential(*ls)
    del s[1]
    assert list(s._modules) == ["0", "1", "2"] and s[1] is ls[2]
    del s[:2]
    assert list(s) == [ls[3]] and list(s._modules) == ["0"]
    assert s.pop(0) is ls[3] and len(s) == 0


def test_sequential_growth():
    a, b, c, d = layers(4)
    s = nn.Sequential(a)
    assert s.append(c) is s and s.insert(1, b) is s and s.extend([d]) is s
    assert list(s) == [a, b, c, d]
    s.insert(-4, nn.ReLU())
    assert isinstance(s[0], nn.ReLU) and s[1] is a
    with pytest.raises(IndexError, match="Index out of range: 9"):
        s.insert(9, nn.ReLU())
    with pytest.raises(AssertionError, match="module should be of type"):
        s.insert(0, 3)


def test_sequential_arithmetic():
    a, b = nn.Sequential(nn.ReLU()), nn.Sequential(nn.Tanh())
    assert [type(m).__name__ for m in a + b] == ["ReLU", "Tanh"]
    assert len(a * 3) == 3 and len(2 * a) == 2 and (a * 2)[0] is a[0]
    a += b
    a *= 2
    assert [type(m).__name__ for m in a] == ["ReLU", "Tanh", "ReLU", "Tanh"]
    with pytest.raises(ValueError, match="add operator supports only objects of Sequential class, but <class 'int'>"):
        a + 1
    with pytest.raises(TypeError, match=r"unsupported operand type\(s\) for \*"):
        a * 1.5
    with pytest.raises(ValueError, match="Non-positive multiplication factor 0"):
        a * 0


# ---- ModuleList


def test_module_list():
    ls = layers(3)
    m = nn.ModuleList(ls)
    assert len(m) == 3 and m[-1] is ls[2] and isinstance(m[:2], nn.ModuleList)
    m.append(nn.ReLU()).extend([nn.Tanh()])
    m.insert(0, nn.GELU())
    assert [type(x).__name__ for x in m] == ["GELU", "Linear", "Linear", "Linear", "ReLU", "Tanh"]
    assert isinstance(m.pop(-1), nn.Tanh)
    del m[0], m[-1]
    assert list(m) == ls and list(m._modules) == ["0", "1", "2"]
    m[1] = nn.ReLU()
    m += [nn.Tanh()]
    assert len(m + [nn.ReLU()]) == 5 and len(m) == 4
    assert not [name for name in dir(m) if name.isdigit()]
    with pytest.raises(TypeError, match=r"ModuleList.extend should be called with an iterable, but got int"):
        m.extend(3)
    with pytest.raises(IndexError, match="index 9 is out of range"):
        m[9]
    with pytest.raises(NotImplementedError):
        m(1)


def test_module_list_repr_groups_equal_neighbours():
    m = nn.ModuleList([nn.ReLU(), nn.ReLU(), nn.Sequential(nn.Tanh()), nn.ReLU()])
    assert repr(m) == ("ModuleList(\n  (0-1): 2 x ReLU()\n  (2): Sequential(\n    (0): Tanh()\n  )\n  (3): ReLU()\n)")
    assert repr(nn.ModuleList()) == "ModuleList()"


# ---- ModuleDict


def test_module_dict():
    a, b = layers(2)
    m = nn.ModuleDict({"a": a})
    m["b"] = b
    m.update([["c", nn.ReLU()]])
    assert list(m) == ["a", "b", "c"] and "b" in m and len(m) == 3 and m["a"] is a
    assert list(m.keys()) == ["a", "b", "c"] and list(m.values())[1] is b and list(m.items())[0] == ("a", a)
    assert m.pop("a") is a
    del m["b"]
    m.clear()
    assert len(m) == 0
    m.update(nn.ModuleDict({"z": a}))
    assert m["z"] is a


@pytest.mark.parametrize(
    ("value", "kind", "text"),
    [
        (3, TypeError, "ModuleDict.update should be called with an iterable of key/value pairs, but got int"),
        ([3], TypeError, "ModuleDict update sequence element #0 should be Iterable; isint"),
        ([["a"]], ValueError, "ModuleDict update sequence element #0 has length 1; 2 is required"),
    ],
)
def test_module_dict_update_errors(value, kind, text):
    with pytest.raises(kind) as error:
        nn.ModuleDict().update(value)
    assert str(error.value) == text


# ---- ParameterList


def test_parameter_list():
    p = nn.ParameterList([nn.Parameter(torch.ones(2)), torch.ones(3)])
    assert len(p) == 2 and isinstance(p[1], nn.Parameter) and len(list(p.parameters())) == 2
    p.append("text")
    p.extend([nn.Parameter(torch.ones(1))])
    p += [torch.zeros(1)]
    assert p[2] == "text" and len(p) == 5 and isinstance(p[:2], nn.ParameterList) and len(p[:2]) == 2
    p[0] = torch.zeros(4)
    assert p[0].shape == (4,) and p[-1].item() == 0
    assert list(p.state_dict()) == ["0", "1", "3", "4"]
    with pytest.raises(TypeError, match=r"ParameterList.extend should be called with an iterable, but got"):
        p.extend(torch.ones(2))
    with pytest.raises(RuntimeError, match=r"^ParameterList should not be called.$"):
        p()
    with pytest.raises(IndexError):
        p[9]


def test_parameter_list_repr():
    p = nn.ParameterList([torch.ones(2, 3), "x"])
    assert repr(p) == (
        "ParameterList(\n    (0): Parameter containing: [torch.float32 of size 2x3]\n    (1): Object of type: str\n)"
    )


# ---- ParameterDict


def test_parameter_dict():
    p = nn.ParameterDict({"b": torch.ones(1), "a": torch.zeros(2)})
    assert list(p) == ["a", "b"]  # those of a plain dict are sorted
    p["c"] = 5
    assert isinstance(p["a"], nn.Parameter) and p["c"] == 5 and len(list(p.parameters())) == 2
    assert p.get("nope", 1) == 1 and "a" in p and list(reversed(p)) == ["c", "b", "a"]
    assert p.setdefault("c") == 5 and p.popitem() == ("c", 5) and p.pop("b").item() == 1
    assert list(p.fromkeys(["x", "y"], torch.ones(1))) == ["x", "y"]
    assert [k for k, _ in p.items()] == ["a"] and len(list(p.values())) == 1
    p.update([("z", torch.ones(1))])
    both = p | {"q": torch.ones(1)}
    assert isinstance(both, nn.ParameterDict) and list(both) == ["a", "z", "q"] and list(p) == ["a", "z"]
    p |= {"r": torch.ones(1)}
    assert "r" in p
    copied = p.copy()
    copied.clear()
    assert len(copied) == 0 and len(p) == 3


def test_parameter_dict_errors():
    p = nn.ParameterDict()
    with pytest.raises(TypeError, match="Index given to ParameterDict cannot be used as a key as it is not a string"):
        p[1] = torch.ones(1)
    with pytest.raises(TypeError, match=r"ParametersDict.update should be called with an iterable of key/value pairs"):
        p.update(3)
    with pytest.raises(RuntimeError, match=r"ParameterDict should not be called."):
        p(1)


def test_container_is_deprecated():
    with pytest.warns(FutureWarning, match="`nn.Container` is deprecated"):
        assert isinstance(nn.Container(a=nn.ReLU()).a, nn.ReLU)
