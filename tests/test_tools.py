"""The generator of stubs and reference, on rows that show each of its cases."""

import ast
import importlib.util
from pathlib import Path

import pytest

TOOLS = Path(__file__).resolve().parent.parent / "tools"


@pytest.fixture(scope="module")
def gen():
    spec = importlib.util.spec_from_file_location("gen_stubs", TOOLS / "gen_stubs.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def param(name, type, default=None, optional=False, keyword_only=False):
    return {"name": name, "type": type, "default": default, "optional": optional, "keyword_only": keyword_only}


def row(name, forms, params, returns="Tensor"):
    places = [
        (place, name, False) for form, place in [("f", ""), ("m", "Tensor"), ("n", "_nn")] if form in forms.split()
    ]
    places += [(place, name + "_", True) for place in ("", "Tensor") if "i" in forms.split()]
    about = {"name": name, "forms": forms, "places": places, "text": f"{name}(...)", "doc": "Doc."}
    return {**about, "params": params, "returns": returns}


X = param("self", "Tensor")
ROWS = [
    row("add", "f m i o", [X, param("other", "Operand"), param("alpha", "Scalar", "1", keyword_only=True)]),
    row("view", "m", [X, param("size", "IntList(0)")]),
    row("zeros", "f o", [param("size", "IntList(0)"), param("dtype", "DType", "None", True, True)]),
    row("max", "f m o", [X, param("dim", "Int"), param("keepdim", "Bool", "False")], "(Tensor values, Tensor indices)"),
    row("max", "f m", [X]),
    row("unbind", "f m", [X, param("dim", "Int", "0")], "Tensor[]"),
    row("random_", "m", [X, param("from", "Int"), param("to", "Int", "None", True)]),
    row("conv2d", "n", [X, param("stride", "IntList(2)", "1")]),
    row("equal", "f m", [X, param("other", "Tensor")], "bool"),
]


@pytest.mark.parametrize(
    "line",
    [
        "def add(input: Tensor, other: Tensor | _Number, *, alpha: _Number = 1, out: Tensor | None = None) -> Tensor: ...",
        "    def add_(self, other: Tensor | _Number, *, alpha: _Number = 1) -> Self: ...",
        "    def __radd__(self, other: Tensor | _Number, /) -> Tensor: ...",
        "    def view(self, size: Sequence[_int]) -> Tensor: ...",
        "    def view(self, *size: _int) -> Tensor: ...",
        "def zeros(*size: _int, dtype: _dtype | None = None, out: Tensor | None = None) -> Tensor: ...",
        "class _values_indices(NamedTuple):",
        "    def max(self, dim: _int, keepdim: _bool = False) -> _values_indices: ...",
        "    def max(self) -> Tensor: ...",
        "def unbind(input: Tensor, dim: _int = 0) -> tuple[Tensor, ...]: ...",
        "    def random_(self, from_: _int, to: _int | None = None) -> Self: ...",
        "class _nn:",
        "    def conv2d(input: Tensor, stride: _int | Sequence[_int] = 1) -> Tensor: ...",
        "def equal(input: Tensor, other: Tensor) -> _bool: ...",
    ],
)
def test_stub_has(gen, line):
    text = gen.stub(ROWS)
    ast.parse(text)
    assert line in text.splitlines()


def test_reference_describes_each_op_once(gen):
    text = gen.reference(ROWS)
    headings = [line for line in text.splitlines() if line.startswith("### ")]
    assert sorted(headings) == sorted(set(headings))
    assert "Also: method, in place `add_`, `out=`." in text


def test_names_of_the_module_get_a_line(gen):
    class Module:
        @staticmethod
        def outside_the_table(a, /, b=1, *, c):
            """Stands for a function of the module."""

        class Tensor:
            def numpy_like(self, dtype=None):
                """Stands for a method that Python attaches."""

    text = gen.stub(ROWS, Module)
    ast.parse(text)
    assert "    def numpy_like(self, dtype=None) -> Any: ..." in text
    assert "def outside_the_table(a, /, b=1, *, c) -> Any: ..." in text
