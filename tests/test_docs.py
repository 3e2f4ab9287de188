"""The examples in docstrings, README and docs run and print what they say; links, paths and commands in them exist."""

import doctest
import importlib
import importlib.util
import pkgutil
import re
import types
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PAGES = [*sorted(ROOT.glob("*.md")), ROOT / "benches" / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
# `python gpu` marks what needs a GPU.
BLOCK = re.compile(r"^```python( gpu)?\n(.*?)^```", re.DOTALL | re.MULTILINE)
FLAGS = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS


def module_names():
    """The package and all its modules."""
    spec = importlib.util.find_spec("rustorch")
    folders = spec.submodule_search_locations if spec else []
    return ["rustorch", *sorted(m.name for m in walk(folders or [], "rustorch."))]


def walk(folders, prefix):
    # By files: pkgutil.walk_packages would import every package to look into it.
    for m in pkgutil.iter_modules(folders, prefix):
        if m.name.rpartition(".")[2] == "_C":
            continue
        yield m
        if m.ispkg:
            yield from walk([str(Path(f) / m.name.rpartition(".")[2]) for f in folders], m.name + ".")


@pytest.mark.parametrize("name", module_names())
def test_docstrings(name):
    import rustorch as torch

    module = importlib.import_module(name)
    names = {"torch": torch, "rustorch": torch, "nn": torch.nn, "F": torch.nn.functional}
    result = doctest.testmod(module, extraglobs=names, optionflags=FLAGS)
    assert result.failed == 0


def blocks():
    for page in PAGES:
        for found in BLOCK.finditer(page.read_text(encoding="utf-8")):
            line = page.read_text(encoding="utf-8")[: found.start()].count("\n") + 1
            yield pytest.param(found.group(2), bool(found.group(1)), id=f"{page.relative_to(ROOT)}:{line}")


@pytest.mark.parametrize(("code", "needs_gpu"), list(blocks()))
def test_page(code, needs_gpu, tmp_path, monkeypatch):
    import rustorch as torch

    if needs_gpu and not torch.gpu.is_available():
        pytest.skip("there is no GPU")

    monkeypatch.chdir(tmp_path)
    if ">>>" not in code:
        exec(compile(code, "page", "exec"), {"__name__": "page"})
        return
    test = doctest.DocTestParser().get_doctest(code, {"torch": torch}, "page", None, 0)
    assert doctest.DocTestRunner(optionflags=FLAGS).run(test).failed == 0


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_links_of_a_page_lead_to_files(page):
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    links = re.findall(r"\]\((?!https?:|#|mailto:)([^)#]+)[^)]*\)", text)
    assert [link for link in links if not (page.parent / link).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_paths_and_commands_of_a_page_exist(page):
    text = page.read_text(encoding="utf-8")
    # `src/ops/<family>.rs` and `benches/*.rs` stand for several files.
    named = set(
        re.findall(r"\b(?:src|python|tests|tools|docs|examples|benches)/[\w/.-]*\w", re.sub(r"\S*[<*]\S*", "", text))
    )
    assert sorted(n for n in named if not any((folder / n).exists() for folder in (ROOT, page.parent))) == []
    verbs = set(re.findall(r"^([a-z-]+):.*## ", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    told = re.findall(r"`make ([a-z-]+)[`=]|^ +make ([a-z-]+)", text, re.MULTILINE)
    assert {a or b for a, b in told} <= verbs


def is_there(name):
    """Whether rustorch has an attribute or a module `name`, with dots."""
    found = importlib.import_module("rustorch")
    for part in name.split("."):
        if not hasattr(found, part):
            place = f"{found.__name__}.{part}"
            # Some modules are attributes only once they are imported.
            if not hasattr(found, "__path__") or importlib.util.find_spec(place) is None:
                return False
            found = importlib.import_module(place)
        else:
            found = getattr(found, part)
    return True


def test_what_the_page_calls_missing_is_missing_and_its_substitutes_are_there():
    text = (ROOT / "docs" / "coming-from-torch.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (.*) \| (.*) \|$", text.split("## Not there yet")[1].split("\n## ")[0], re.MULTILINE)
    assert len(rows) > 3
    missing = re.findall(r"`([\w.]+)`", " ".join(re.sub(r", which.*", "", left) for left, _ in rows))
    assert [name for name in missing if is_there(name)] == []
    assert (
        is_there("nn.utils.stateless.functional_call") and is_there("autograd.functional") and is_there("embedding_bag")
    )


# Modules of which every public class and function shows how it is used.
SHOWN = [
    *("optim", "optim.lr_scheduler", "optim.swa_utils", "utils.data", "utils.checkpoint"),
    *("autograd", "autograd.functional", "autograd.graph", "autograd.forward_ad", "func"),
    *("distributions", "distributions.transforms", "distributions.utils"),
    *(
        "nn",
        "nn.init",
        "nn.utils",
        "nn.utils.parametrizations",
        "nn.utils.parametrize",
        "nn.utils.prune",
        "nn.utils.rnn",
    ),
]
# Old names that only warn and call the present ones, and a type that only results have.
UNSHOWN = {
    *("nn.utils.clip_grad_norm", "autograd.forward_ad.UnpackedDualTensor"),
    *(f"nn.init.{name}" for name in ("constant", "dirac", "eye", "normal", "orthogonal", "sparse", "uniform")),
    *(f"nn.init.{kind}_{name}" for kind in ("kaiming", "xavier") for name in ("normal", "uniform")),
}


@pytest.mark.parametrize("place", SHOWN)
def test_every_public_name_has_an_example(place):
    module = importlib.import_module(f"rustorch.{place}")
    names = getattr(module, "__all__", None) or [name for name in vars(module) if not name.startswith("_")]
    values = {name: getattr(module, name) for name in names if f"{place}.{name}" not in UNSHOWN}
    described = {
        # Of a class the docstring of its own: an inherited one describes another.
        name: (vars(value).get("__doc__") if isinstance(value, type) else value.__doc__) or ""
        for name, value in values.items()
        if callable(value) and getattr(value, "__module__", "").startswith("rustorch")
    }
    assert len(described) > 2
    assert [name for name, text in described.items() if ">>> " not in text] == []


@pytest.mark.parametrize("place", ["optim", "optim.lr_scheduler"])
def test_optimisers_and_schedules_describe_their_arguments(place):
    module = importlib.import_module(f"rustorch.{place}")
    classes = [value for value in (getattr(module, name) for name in module.__all__) if isinstance(value, type)]
    assert [cls.__name__ for cls in classes if "Args:" not in cls.__doc__] == []


def test_every_function_of_nn_written_in_python_has_an_example():
    module = importlib.import_module("rustorch.nn.functional")
    functions = {
        name: value
        for name, value in vars(module).items()
        if isinstance(value, types.FunctionType) and value.__module__ == module.__name__ and not name.startswith("_")
    }
    assert len(functions) > 80
    assert [name for name, value in functions.items() if ">>> " not in (value.__doc__ or "")] == []
