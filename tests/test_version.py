"""Comparisons of the version, as programs make them."""

import pickle

import pytest

import rustorch as torch
from rustorch.torch_version import TorchVersion


def test_own_version_compares_as_the_torch_it_follows():
    assert torch.__version__ >= (1, 8) and torch.__version__ >= "1.6" and torch.__version__ < "2.14"
    assert torch.__version__ >= "2.13" and torch.__version__ <= (2, 13, 0) and torch.__version__ == "2.13.0"
    assert not torch.__version__ < "2.13.0" and not torch.__version__ > (2, 13)
    assert torch.version.__version__ >= "1.8" and TorchVersion(torch.__version__) >= (1, 13)


def test_own_version_prints_as_itself():
    text = str(torch._C._version)
    assert f"{torch.__version__}" == text and torch.__version__ == text
    assert (torch.__version__ != text) is False
    assert repr(torch.__version__) == repr(text) and {text: 1}[torch.__version__] == 1
    assert pickle.loads(pickle.dumps(torch.__version__)) == text


PAIRS = [
    "1.9",
    "1.10",
    "1.10.0",
    "1.10.0a0",
    "1.10.0rc1",
    "1.10.0.dev2",
    "1.10.1",
    "2",
    (1, 10),
    (1, 10, 1),
    (2,),
    "parrot",
]


@pytest.mark.parametrize("other", PAIRS, ids=str)
@pytest.mark.parametrize("own", ["1.10.0", "1.10.0a0", "1.9.1"])
def test_order_is_torchs(oracle, own, other):
    ref = oracle.torch_version
    for name in ("__lt__", "__le__", "__gt__", "__ge__", "__eq__"):
        assert getattr(TorchVersion(own), name)(other) == getattr(ref.TorchVersion(own), name)(other), name


def test_packaging_versions_compare():
    packaging = pytest.importorskip("packaging.version")
    assert torch.__version__ > packaging.Version("2.1") and TorchVersion("1.10.0a0") < packaging.Version("1.10")


def test_what_is_no_version_compares_as_text():
    assert TorchVersion("1.0") != 3 and TorchVersion("1.0") is not None
    with pytest.raises(TypeError):
        assert TorchVersion("1.0") < 3
