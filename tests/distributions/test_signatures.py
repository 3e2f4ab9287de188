"""Names, arguments and defaults are torch's."""

import importlib
import inspect
import pkgutil

import pytest

import rustorch.distributions

MODULES = sorted(m.name for m in pkgutil.iter_modules(rustorch.distributions.__path__) if not m.name.startswith("_"))


def arguments(function):
    """Names, kinds and defaults; shapes as tuples."""
    given = inspect.signature(function).parameters.values()
    return [(p.name, p.kind, tuple(p.default) if isinstance(p.default, tuple) else p.default) for p in given]


def test_modules_are_torchs(oracle):
    assert [m.name for m in pkgutil.iter_modules(oracle.distributions.__path__)] == MODULES


@pytest.mark.parametrize("name", MODULES)
def test_module(name, oracle):
    ours, theirs = (importlib.import_module(f"{T.__name__}.distributions.{name}") for T in (rustorch, oracle))
    for public in theirs.__all__ if hasattr(theirs, "__all__") else []:
        mine, reference = getattr(ours, public), getattr(theirs, public)
        if inspect.isfunction(reference):
            assert arguments(mine) == arguments(reference), public
        if inspect.isclass(reference) and reference.__module__ == theirs.__name__:
            for attribute, value in vars(reference).items():
                if attribute == "__init__" or not attribute.startswith("_"):
                    assert hasattr(mine, attribute), (public, attribute)
                    if inspect.isfunction(value):
                        assert arguments(getattr(mine, attribute)) == arguments(value), (public, attribute)
