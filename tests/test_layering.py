"""The one-way road of CONTRIBUTING.md: which module of the crate may name which."""

import re
from pathlib import Path

import pytest

SRC = Path(__file__).resolve().parent.parent / "src"

ROAD = {
    "error": set(),
    "config": set(),
    "heap": set(),
    "tensor": {"error"},
    "schema": {"tensor", "error"},
    "cpu": {"tensor", "error", "config"},
    "gpu": {"tensor", "error", "config"},
    "autograd": {"tensor", "error"},
    "dispatch": {"cpu", "gpu", "tensor", "error"},
    "ops": {"schema", "dispatch", "autograd", "tensor", "error"},
    "io": {"ops", "tensor", "error", "config"},
    "data": {"ops", "tensor", "error", "config"},
    "python": {"io", "data", "ops", "schema", "dispatch", "autograd", "cpu", "gpu", "tensor", "error", "config"},
}

# (from, path): why it may leave the road.
EXCEPTIONS = {
    ("dispatch", "autograd::mode"): "what is allocated in inference mode is marked as such where it is allocated",
}

# Comments and strings name paths without using them.
NOT_CODE = re.compile(r'//[^\n]*|/\*.*?\*/|r#".*?"#|"(?:[^"\\]|\\.)*"', re.DOTALL)
PATH = re.compile(r"\bcrate::(?:\{([^;]*?)\};|(\w+)(!)?(?:::(\w+))?)")
MACRO = re.compile(r"#\[macro_export\]\s*macro_rules!\s*(\w+)")


def modules():
    return sorted({p.stem if p.is_file() else p.name for p in SRC.iterdir() if p.suffix in ("", ".rs")} - {"lib"})


def files(module):
    return [p for p in (SRC / f"{module}.rs", *(SRC / module).rglob("*.rs")) if p.is_file()]


def macros():
    return {name for p in SRC.rglob("*.rs") for name in MACRO.findall(p.read_text(encoding="utf-8"))}


def targets(text):
    """(module, rest or None, is a macro call?) for each path that starts at the crate's root."""
    for found in PATH.finditer(NOT_CODE.sub(" ", text)):
        group, name, bang, rest = found.groups()
        if group is None:
            yield name, rest, bool(bang)
            continue
        # `use crate::{a, b::{c, d}};`: names at depth 0.
        depth, start = 0, 0
        for i, c in enumerate(group + ","):
            depth += (c == "{") - (c == "}")
            if c == "," and depth == 0:
                piece = group[start:i].strip()
                if piece:
                    parts = re.split(r"\s*::\s*|\s+", piece)
                    yield parts[0], parts[1] if len(parts) > 1 else None, False
                start = i + 1


def uses(module):
    """{(module, rest): file} for what a module names outside itself, macros left out."""
    exported = macros()
    own = set(modules())
    found = {}
    for path in files(module):
        for name, rest, bang in targets(path.read_text(encoding="utf-8")):
            # `crate::ops!` is a macro and `use crate::ops;` may bring in both: a module only where a path goes on.
            if bang or name == module or (name in exported and (rest is None or name not in own)):
                continue
            found.setdefault((name, rest), path.relative_to(SRC))
    return found


def test_every_module_has_its_place_on_the_road():
    # src/bin holds programs, which use the crate from outside.
    assert set(modules()) - {"bin"} <= set(ROAD)


@pytest.mark.parametrize("module", [m for m in modules() if m in ROAD])
def test_module_names_only_what_it_may(module):
    wrong = [
        f"{path}: crate::{name}{'::' + rest if rest else ''}"
        for (name, rest), path in uses(module).items()
        if name not in ROAD[module] and (module, f"{name}::{rest}") not in EXCEPTIONS
    ]
    assert not wrong, f"{module} may name {sorted(ROAD[module])} only"


@pytest.mark.parametrize("exception", EXCEPTIONS)
def test_exceptions_are_still_needed(exception):
    module, path = exception
    if module in modules():
        assert path in {f"{name}::{rest}" for name, rest in uses(module)}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("use crate::error::Result;", [("error", "Result", False)]),
        ("use crate::{cpu, tensor::{DType, Tensor}};", [("cpu", None, False), ("tensor", "{DType,", False)]),
        ("// crate::ops\nlet x = crate::fail!(Runtime);", [("fail", None, True)]),
        ('let s = "crate::ops";', []),
        ("pub(in crate::cpu) fn f() {}", [("cpu", None, False)]),
    ],
)
def test_reader_of_paths(text, expected):
    found = list(targets(text))
    assert [(a, c) for a, _, c in found] == [(a, c) for a, _, c in expected]


@pytest.mark.parametrize("module", sorted(set(modules()) - {"python"}))
def test_only_the_bindings_name_pyo3(module):
    assert not [p for p in files(module) if re.search(r"\bpyo3\b", NOT_CODE.sub(" ", p.read_text(encoding="utf-8")))]
