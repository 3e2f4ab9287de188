"""All names of the standard are there, with its signatures."""

import inspect
import types

import pytest
from array_api.support import strict

import rustorch
from rustorch import array_api as xp
from rustorch.array_api import _fft

# What array-api-strict has besides the standard 2024.12: its own switches, and later functions.
OWN = {"ArrayAPIStrictFlags", "Device", "broadcast_shapes", "isin", "__version__"} | {
    f"{verb}_array_api_strict_flags" for verb in ("get", "set", "reset")
}


def names(namespace):
    return [name for name in namespace.__all__ if name not in {*OWN, "fft", "linalg"} or namespace is not strict]


def functions():
    for prefix, namespace in (("", strict), ("linalg.", strict.linalg), ("fft.", strict.fft)):
        for name in names(namespace):
            if isinstance(getattr(namespace, name), types.FunctionType):
                yield prefix + name


def find(name):
    place, _, last = name.rpartition(".")
    # The module of transforms is there before the namespace shows it.
    return getattr({"": xp, "linalg": xp.linalg, "fft": _fft}[place], last)


def test_every_name_is_there():
    assert [name for name in names(strict) if not hasattr(xp, name)] == []
    assert [name for name in names(strict.linalg) if not hasattr(xp.linalg, name)] == []


@pytest.mark.parametrize("name", list(functions()))
def test_signature_is_the_standards(name):
    place, _, last = name.rpartition(".")
    wanted = inspect.signature(getattr(getattr(strict, place) if place else strict, last)).parameters.values()
    # array-api-strict marks "not given" by a value of its own where the standard has None.
    defaults = [None if "UNDEF" in repr(p.default) else p.default for p in wanted]
    actual = inspect.signature(find(name)).parameters.values()
    assert [(p.name, p.kind) for p in actual] == [(p.name, p.kind) for p in wanted]
    assert [p.default for p in actual] == defaults


def test_functions_know_their_names():
    for name in functions():
        function = find(name)
        assert function.__name__ == name.rpartition(".")[2]
        assert function.__doc__


def test_extensions_are_whole_or_absent():
    assert hasattr(xp, "fft") == hasattr(rustorch, "fft")


def test_constants_are_python_numbers():
    assert (xp.e, xp.pi, xp.inf, xp.newaxis) == (strict.e, strict.pi, strict.inf, None)
    assert isinstance(xp.nan, float) and xp.nan != xp.nan


def test_importing_rustorch_leaves_it_alone():
    import subprocess
    import sys

    code = "import sys, rustorch; assert not [m for m in sys.modules if 'array_api' in m]; rustorch.array_api.sum"
    subprocess.run([sys.executable, "-c", code], check=True)
