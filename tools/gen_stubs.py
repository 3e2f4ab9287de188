"""Writes the stubs _C.pyi and nn/functional.pyi and docs/reference/ops.md from the table of operations; --check compares instead.

The table (`rustorch._C._schemas()`) has one row per signature:

    name     torch's name
    forms    letters, of which `o` is read here: it takes out=
    places   [(place, name, in place?)]: all its names, place being "" for rustorch, Tensor, _nn, _linalg, ...
    text     torch's signature
    doc      what it does
    params   [{name, type, optional, default, keyword_only}], default as written or None
    returns  as written in the signature

The classes stand in stub_head.pyi; what neither that nor the table describes is read from the module.
"""

import argparse
import ast
import difflib
import inspect
import keyword
import sys
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
HEAD = ROOT / "tools" / "stub_head.pyi"
STUB = ROOT / "python" / "rustorch" / "_C.pyi"
FUNCTIONAL = ROOT / "python" / "rustorch" / "nn" / "functional.pyi"
OPS = ROOT / "docs" / "reference" / "ops.md"

ARGUMENT = {
    "Tensor": "Tensor",
    "TensorList": "Sequence[Tensor]",
    "OptionalTensorList": "Sequence[Tensor | None]",
    "Operand": "Tensor | _Number",
    "Scalar": "_Number",
    "ScalarList": "Sequence[_Number]",
    "Int": "_int",
    "IntList(0)": "Sequence[_int]",
    "Float": "_float",
    "FloatList": "Sequence[_float]",
    "Bool": "_bool",
    "Str": "_str",
    "DType": "_dtype",
    "Device": "_device",
    "Layout": "_layout",
    "MemoryFormat": "_memory_format",
    "Generator": "Generator",
}
RESULT = {
    "Tensor": "Tensor",
    "Tensor[]": "tuple[Tensor, ...]",
    "bool": "_bool",
    "int": "_int",
    "SymInt": "_int",
    "float": "_float",
    "Scalar": "_Number",
    "ScalarType": "_dtype",
    "int[]": "list[_int]",
    "": "None",
    "()": "None",
}
# Classes of constants, as the stub names them.
KINDS = {"dtype": "_dtype", "layout": "_layout", "memory_format": "_memory_format", "str": "_str"}
INTERNAL = {"__module__", "__dict__", "__weakref__", "__abstractmethods__"}
# Functions of nn.functional that give no single tensor.
SEVERAL = {"assert_int_or_pair", "multi_head_attention_forward"}
OPERATORS = {
    "add": "add",
    "sub": "sub",
    "mul": "mul",
    "truediv": "div",
    "floordiv": "floor_divide",
    "mod": "remainder",
    "pow": "pow",
    "and": "bitwise_and",
    "or": "bitwise_or",
    "xor": "bitwise_xor",
    "lshift": "bitwise_left_shift",
    "rshift": "bitwise_right_shift",
}
TITLES = {
    "": "rustorch",
    "Tensor": "Tensor",
    "_nn": "rustorch.nn.functional",
    "_linalg": "rustorch.linalg",
    "_special": "rustorch.special",
    "_fft": "rustorch.fft",
}


def argument(kind: str) -> str:
    # int[k] takes one int for all k.
    if kind.startswith("IntList(") and kind != "IntList(0)":
        return "_int | Sequence[_int]"
    return ARGUMENT[kind]


def strip_alias(kind: str) -> str:
    return kind.replace("(a!)", "").replace("(a)", "").strip()


class Results:
    """Python types of results; collects the named tuples that they need."""

    def __init__(self):
        self.named: dict[str, list[str]] = {}

    def __call__(self, text: str) -> str:
        text = strip_alias(text)
        if text in RESULT:
            return RESULT[text]
        parts = [p.strip().split(" ") for p in text.strip("()").split(",")]
        if all(len(p) == 2 for p in parts):
            names = [p[1] for p in parts]
            cls = "_" + "_".join(names)
            self.named[cls] = names
            return cls
        return f"tuple[{', '.join(RESULT[p[0]] for p in parts)}]"

    def classes(self) -> Iterable[str]:
        for cls, names in sorted(self.named.items()):
            yield f"class {cls}(NamedTuple):"
            yield from (f"    {name}: Tensor" for name in names)
            yield ""


def default(text: str) -> str:
    try:
        value = ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return "..."
    return "..." if isinstance(value, list | tuple | dict) else repr(value)


def parameter(p: dict, force_default: bool = False) -> str:
    name = "input" if p["name"] == "self" else p["name"]
    name += "_" * keyword.iskeyword(name)
    kind = argument(p["type"])
    given = p["default"]
    if p["optional"] or given == "None":
        kind += " | None"
    if given is not None:
        return f"{name}: {kind} = {default(given)}"
    return f"{name}: {kind}" + " = ..." * force_default


def signatures(row: dict, place: str, in_place: bool, results: Results) -> list[str]:
    """The parameter lists and result of one row at one place; two where a list of ints may be spelled out."""
    method = place == "Tensor"
    params = row["params"][1:] if method else row["params"]
    positional = [p for p in params if not p["keyword_only"]]
    tail, seen_default = [], False
    shown = []
    for p in positional:
        shown.append(parameter(p, force_default=seen_default))
        seen_default |= p["default"] is not None
    tail = [parameter(p) for p in params if p["keyword_only"]]
    if "o" in row["forms"].split() and not method and not in_place:
        single = strip_alias(row["returns"]) == "Tensor"
        tail.append(f"out: {'Tensor' if single else 'Sequence[Tensor]'} | None = None")
    result = results(row["returns"])
    if in_place and method:
        result = "Self"
    lead = ["self"] if method else []
    lists = [[*lead, *shown, *(["*", *tail] if tail else [])]]
    if len(positional) == 1 and positional[0]["type"].startswith("IntList("):
        lists.append([*lead, f"*{positional[0]['name']}: _int", *tail])
    return [f"({', '.join(parts)}) -> {result}" for parts in lists]


def writes(name: str, in_place: bool) -> bool:
    """Does a method of this name change its tensor, and return it?"""
    return in_place or (name.endswith("_") and not name.endswith("__"))


def collect(rows: list[dict], results: Results) -> dict[str, dict[str, list[str]]]:
    """{place: {name: [signature, ...]}}"""
    found: dict[str, dict[str, list[str]]] = {}
    for row in rows:
        for place, name, in_place in row["places"]:
            overloads = found.setdefault(place, {}).setdefault(name, [])
            shown = signatures(row, place, writes(name, in_place), results)
            overloads += [s for s in shown if s not in overloads]
    return found


def functions(table: dict[str, list[str]], indent: str, decorators: tuple[str, ...] = ()) -> Iterable[str]:
    for name, overloads in sorted(table.items()):
        for s in overloads:
            if len(overloads) > 1:
                yield f"{indent}@overload"
            yield from (f"{indent}{d}" for d in decorators)
            yield f"{indent}def {name}{s}: ..."


def loose(name: str, obj: object, indent: str) -> str:
    """A line for something that only the module knows: names of parameters, no types."""
    if isinstance(obj, property) or inspect.isgetsetdescriptor(obj):
        return f"{indent}{name}: Any"
    if inspect.isclass(obj) and obj.__name__ != name:
        return f"{indent}{name} = {obj.__name__}"
    if inspect.isclass(obj):
        bases = [b.__name__ for b in obj.__bases__ if b.__module__ == "builtins" and b is not object]
        base = f"({bases[0]})" if bases else ""
        members = {n: o for n, o in vars(obj).items() if n not in {*vars(object), *INTERNAL}}
        head = f"{indent}class {name}{base}:"
        if not members:
            return f"{head} ..."
        inner = indent + "    "
        lines = [loose(n, o, inner) for n, o in sorted(members.items())]
        if "__new__" in vars(obj):
            lines.insert(0, f"{inner}def __new__(cls, *args: Any, **kwargs: Any) -> Self: ...")
        return "\n".join([head, *lines])
    if not callable(obj) and not isinstance(obj, classmethod | staticmethod):
        return f"{indent}{name}: {KINDS.get(type(obj).__name__, 'Any')}"
    prefix = ""
    if isinstance(obj, classmethod | staticmethod):
        prefix = f"{indent}@{type(obj).__name__}\n"
        obj = obj.__func__
    try:
        parts = [
            str(p.replace(annotation=p.empty, default=p.empty))
            + ("=" + default(repr(p.default)) if p.default is not p.empty else "")
            for p in inspect.signature(obj).parameters.values()
        ]
        kinds = [p.kind for p in inspect.signature(obj).parameters.values()]
        if inspect.Parameter.POSITIONAL_ONLY in kinds:
            parts.insert(kinds.count(inspect.Parameter.POSITIONAL_ONLY), "/")
        if inspect.Parameter.KEYWORD_ONLY in kinds and inspect.Parameter.VAR_POSITIONAL not in kinds:
            parts.insert(kinds.index(inspect.Parameter.KEYWORD_ONLY) + ("/" in parts), "*")
    except (ValueError, TypeError):
        parts = ["self", "*args", "**kwargs"] if indent else ["*args", "**kwargs"]
    return f"{prefix}{indent}def {name}({', '.join(parts)}) -> Any: ..."


def defined(source: str, cls: str | None = None) -> set[str]:
    """Names that a piece of stub defines, at its top or in a class."""
    body = ast.parse(source).body
    if cls:
        body = next(n.body for n in body if isinstance(n, ast.ClassDef) and n.name == cls)
    names = set()
    for node in body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            names.add(node.target.id)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            names |= {(a.asname or a.name).split(".")[0] for a in node.names}
    return names


def stub(rows: list[dict], module: object | None = None) -> str:
    head, _, tensor = HEAD.read_text(encoding="utf-8").partition("#@class Tensor\n")
    results = Results()
    table = collect(rows, results)
    methods = {n: s for n, s in table.get("Tensor", {}).items() if n not in defined(tensor, "Tensor")}
    lines = ["# Generated by make gen. Do not edit.", head.strip(), "", *results.classes(), tensor.strip()]
    for op, method in OPERATORS.items():
        if method in methods:
            lines.append(f"    def __{op}__(self, other: Tensor | _Number, /) -> Tensor: ...")
            lines.append(f"    def __r{op}__(self, other: Tensor | _Number, /) -> Tensor: ...")
        if method + "_" in methods:
            lines.append(f"    def __i{op}__(self, other: Tensor | _Number, /) -> Self: ...")
    lines += functions(methods, "    ")
    if module is not None:
        known = defined("\n".join(lines), "Tensor") | set(vars(object)) | INTERNAL
        extra = {n: o for n, o in vars(module.Tensor).items() if n not in known}
        lines += [loose(n, o, "    ") for n, o in sorted(extra.items())]
    for place, names in sorted(table.items()):
        if place not in ("", "Tensor"):
            lines += ["", f"class {place}:", *functions(names, "    ", ("@staticmethod",))]
    lines += ["", *functions(table.get("", {}), "")]
    if module is not None:
        known = defined("\n".join(lines)) | {
            "__all__",
            "__doc__",
            "__name__",
            "__file__",
            "__loader__",
            "__spec__",
            "__package__",
            "__path__",
        }
        extra = {n: o for n, o in vars(module).items() if n not in known}
        lines += [loose(n, o, "") for n, o in sorted(extra.items())]
    return "\n".join(lines) + "\n"


def functional(rows: list[dict], core: object, module: object) -> str:
    """The stub of nn.functional: rows of the table, and functions written in Python by the names of their parameters."""
    results = Results()
    table = collect(rows, results)
    lines = []
    for name, obj in sorted(vars(module).items()):
        if name.startswith("_"):
            continue
        for place, owner in (("_nn", core._nn), ("", core)):
            if inspect.isbuiltin(obj) and getattr(owner, obj.__name__, None) is obj and obj.__name__ in table[place]:
                lines += functions({name: table[place][obj.__name__]}, "")
                break
        else:
            if inspect.isfunction(obj) and obj.__module__ == module.__name__:
                text = loose(name, obj, "")
                flagged = "return_indices" in text or name in SEVERAL
                lines.append(text if flagged else text.replace("-> Any", "-> Tensor"))
    imports = [
        "# Generated by make gen. Do not edit.",
        "from collections.abc import Sequence",
        "from typing import Any, NamedTuple, overload",
        "",
        "from rustorch._C import Generator, Tensor, _bool, _device, _dtype, _float, _int, _layout, _memory_format, _Number",
        "from rustorch._C import _str",
    ]
    return "\n".join([*imports, "", *results.classes(), *lines]) + "\n"


def reference(rows: list[dict]) -> str:
    lines = [
        "<!-- Generated by make gen. Do not edit. -->",
        "# Operations",
        "",
        "Signatures are torch's; `Operand` is a tensor or a number, and `self` is called `input` in functions.",
        "",
    ]
    grouped: dict[str, dict[str, list[dict]]] = {}
    for row in rows:
        for place, name, in_place in row["places"]:
            if place in TITLES and not in_place:
                grouped.setdefault(place, {}).setdefault(name, []).append(row)
    # A method that is a function too is described there.
    for name in grouped.get("", {}):
        grouped.get("Tensor", {}).pop(name, None)
    for place, title in TITLES.items():
        if not grouped.get(place):
            continue
        lines += [f"## {title}", ""]
        for name, group in sorted(grouped[place].items()):
            forms = set(" ".join(row["forms"] for row in group).split())
            also = ["method"] * ("m" in forms and place != "Tensor") + [f"in place `{name}_`"] * ("i" in forms)
            also += ["`out=`"] * ("o" in forms)
            lines += [f"### {name}", "", "```", *(row["text"] for row in group), "```", ""]
            docs = dict.fromkeys("\n".join(x.strip() for x in row["doc"].strip().splitlines()) for row in group)
            lines += ["\n\n".join(d for d in docs if d), ""]
            if also:
                lines += [f"Also: {', '.join(also)}.", ""]
    return "\n".join(lines).rstrip() + "\n"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="fail where a file would change")
    args = parser.parse_args()
    import rustorch

    rows = rustorch._C._schemas()
    status = 0
    written = [
        (STUB, stub(rows, rustorch._C)),
        (FUNCTIONAL, functional(rows, rustorch._C, rustorch.nn.functional)),
        (OPS, reference(rows)),
    ]
    for path, text in written:
        if path.suffix == ".pyi":
            ast.parse(text)
        old = path.read_text(encoding="utf-8") if path.exists() else ""
        if old == text:
            continue
        if args.check:
            name = str(path.relative_to(ROOT))
            diff = difflib.unified_diff(
                old.splitlines(), text.splitlines(), name, "what the table says", lineterm="", n=1
            )
            print(*list(diff)[:40], f"{name} is out of date: run `make gen`.", sep="\n", file=sys.stderr)
            status = 1
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8", newline="\n")
            print(f"wrote {path.relative_to(ROOT)}")
    return status


if __name__ == "__main__":
    sys.exit(main())
