"""Hostile calls of every row of the table, as lines of Python that both libraries can run.

A call starts from a tame line (`tame.txt`, one a row), or from guesses by type where there is none, and has one or more
arguments replaced by hostile ones of any type. The choice depends on the row's name and a seed alone.
"""

import random
import zlib
from pathlib import Path

DTYPES = ["bool", "uint8", "uint16", "uint32", "uint64", "int8", "int16", "int32", "int64"]
DTYPES += ["float16", "bfloat16", "float32", "float64", "complex64", "complex128"]

TAME = {
    "Tensor": [
        "T(2, 3)",
        "T(3)",
        "T(3, 3)",
        "T(2, 3, 4)",
        "T(1, 2, 5, 5)",
        "T(2, 2, 6)",
        "T()",
        "T(2, 3, dtype='int64')",
        "T(3, dtype='int64')",
        "T(2, 3, dtype='bool')",
        "T(1, 2, 4, 4, 4)",
        "T(6)",
        "T(2, 2, 3, 3)",
        "T(2)",
    ],
    "Operand": ["T(2, 3)", "T(3)", "2", "1.5"],
    "TensorList": ["[T(2, 3), T(2, 3)]", "[T(3)]", "(T(2, 3), T(2, 3, dtype='float64'))", "[T(3, 3), T(3, 3)]"],
    "OptionalTensorList": ["[None, T(2, dtype='int64')]", "[T(2, dtype='int64')]"],
    "Scalar": ["1", "2.5", "0", "True"],
    "ScalarList": ["[1.0, 2.0]"],
    "Int": ["1", "0", "2", "-1", "3"],
    "IntList": ["[1]", "[0, 1]", "[2, 3]", "[1, 1]", "2", "[3]", "[2, 2]", "[0]", "[1, 1, 1]", "[]"],
    "Float": ["0.5", "1.0", "2.0", "0.0", "1"],
    "FloatList": ["[1.0, 2.0]", "[2.0]", "[0.5, 0.5]"],
    "Bool": ["True", "False"],
    "Str": ["'mean'", "'none'", "'ij'", "'right'", "'linear'", "'i,j->ij'", "'constant'"],
    "DType": ["torch.float64", "torch.float32", "torch.int64", "None"],
    "Device": ["'cpu'", "None", "torch.device('meta')"],
    "Layout": ["torch.strided", "None"],
    "MemoryFormat": ["torch.contiguous_format", "torch.preserve_format", "None"],
    "Generator": ["None", "torch.Generator().manual_seed(1)"],
}

TENSORS = [
    *(f"T(2, 3, dtype='{d}')" for d in DTYPES),
    *(f"T(3, dtype='{d}')" for d in DTYPES),
    "T()", "T(1)", "T(0)", "T(0, 3)", "T(2, 0)", "T(2, 0, 3)", "T(5, 7)", "T(4)", "T(1, 1, 1, 1, 1, 1)",
    "T(dtype='int64')", "T(0, dtype='int64')", "T(dtype='bool')", "T(0, dtype='bool')", "T(5, dtype='bool')",
    "T(2, 2, dtype='bool')", "T(2, 3, 4)", "T(2, 3, 4, 5)", "T(1, 2, 4, 4)", "T(1, 2, 3, 4, 5)",
    "T(3, 2).t()", "T(3, 1).expand(3, 4)", "T(1).expand(2, 3)", "overlapping()", "T(6)[::2]", "T(2, 6)[:, ::2]", "T(5).flip(0)",
    "torch.tensor([0, 1, 99])", "torch.tensor([-1, 0, 1])", "torch.tensor([-99, 0, 1])", "torch.tensor([2**63 - 1, -2**63, 0])",
    "torch.tensor([[0, 7, 1], [2, -9, 0]])", "torch.tensor([2**40])", "torch.tensor(-5)", "torch.tensor(2**62)",
    "torch.tensor([0.0, nan, inf])", "torch.tensor([-inf, inf, -0.0])", "torch.tensor(nan)", "torch.tensor([1e38, -1e38, 3e38])",
    "torch.tensor([[nan, inf, -inf], [1e300, -1e300, 0.0]], dtype=torch.float64)",
    "T(2, 3, grad=True)", "T(3, grad=True)", "T(2, 3, grad=True) * 1", "T(2, 3, grad=True).detach()", "inferred()",
    "T(2, 3, device='meta')", "T(3, device='meta')", "torch.empty(2**40, device='meta')", "torch.empty(2**30, 2**30, device='meta')",
    "torch.empty(0, 2**62)", "torch.empty(2**40, 0, 2**40)", "T(1).as_strided((1, 1), (2**62, 2**62))", "T(1).expand(0, 2**62)",
    "T(*[1] * 25)", "T(*[1] * 64)", "T(*[1] * 65)", "nn.Parameter(T(2, 3))", "T(2, 3, dtype='complex64').conj()",
    "torch.tensor([[1.0, 2.0], [3.0, 4.0]])[1:, 1:]", "torch.empty(0)", "T(2, 3).unsqueeze(0)", "T(3).view(3, 1)",
]  # fmt: skip

# What may stand in any place: mostly of the wrong type.
ANY = [
    "None", "'x'", "''", "b'x'", "1", "0", "-1", "1.5", "True", "1j", "nan", "inf", "[]", "()", "{}", "set()", "[1]", "[1.5]", "[None]", "['x']",
    "object()", "Evil()", "EvilFunction()", "Evil", "Indexable()", "Subint(1)", "torch", "torch.float32", "torch.device('cpu')", "torch.strided",
    "np.float32(1)", "np.int64(1)", "np.bool_(True)", "np.uint8(3)", "np.complex64(1j)", "np.float64('nan')", "np.array([1, 2])", "np.array(1.0)",
    "np.array(['x', None], dtype=object)", "np.zeros((2, 3), 'f4')", "loop()", "(i for i in [1, 2])", "range(2)", "iter([1])", "Shrinking()", "lambda: 1",
    "torch.Size([2, 3])", "torch.Generator()", "10**30", "-10**30", "2**63", "2**64", "T(2, 3)", "T()", "[T(2, 3)]", "[[1, 2], [3, 4]]", "'\\ud800'",
]  # fmt: skip

INTS = [
    "-1", "-2", "-3", "-4", "-5", "0", "1", "2", "3", "4", "5", "7", "64", "65", "100", "-100", "2**31 - 1", "2**31", "-2**31", "-2**31 - 1", "2**32",
    "2**40", "2**62", "2**63 - 1", "-2**63", "2**63", "-2**63 - 1", "2**64", "True", "np.int64(1)", "np.int8(-1)", "T(dtype='int64')", "Indexable()",
    "1.0", "np.float64(1)", "torch.tensor(1.0)", "torch.tensor([1])", "torch.tensor(True)", "None", "'1'", "Subint(1)",
]  # fmt: skip

FLOATS = [
    "0.0", "-0.0", "1.0", "-1.0", "0.5", "2.0", "-0.5", "1.5", "nan", "inf", "-inf", "1e308", "1e-308", "-1e308", "1e40", "5e-324", "1", "0", "-1", "2**62",
    "2**63", "2**64", "10**30", "-10**400", "10**400", "True", "1j", "complex(nan, inf)", "np.float32(0.5)", "np.float16('inf')", "torch.tensor(0.5)",
    "torch.tensor([0.5])", "None", "'0.5'",
]  # fmt: skip

POOLS = {
    "Tensor": TENSORS,
    "Operand": TENSORS + FLOATS,
    "TensorList": [
        "[]", "()", "[T(2, 3)]", "[T(2, 3), T(3)]", "[T(2, 3), T(2, 3, dtype='int64')]", "[T(2, 3), None]", "[T(2, 3), 1]", "[T(2, 3), T(2, 3, device='meta')]",
        "[T(0)]", "[T()]", "[T(), T()]", "[T(0, 3), T(2, 3)]", "[T(2, 3)] * 300", "(T(2, 3),) * 2", "T(2, 3)", "T(0, 3)", "[[T(2)], [T(2)]]", "loop()",
        "[T(2, 3), T(2, 3, grad=True)]", "[T(*[1] * 65)] * 2", "[torch.empty(2**40, 2**20, device='meta')] * 9", "[T(3, 1).expand(3, 4)] * 2",
        "[torch.tensor([0, 99])]", "[T(3, dtype='complex64'), T(3)]", "iter([T(2)])", "[T(0), T(2, 3)]",
        "[T(2, 3), T(2, 4)]", "[T(3, 3), T(3, 4), T(5, 5)]", "[T(1).expand(0, 2**62)] * 4",
    ],
    "OptionalTensorList": [
        "[]", "[None]", "[None, None, None]", "[T(2, dtype='bool')]", "[T(3, dtype='bool')]", "[torch.tensor([99])]", "[torch.tensor([-9])]", "[T(2)]",
        "[T(2, dtype='int32'), T(3, dtype='int64')]", "[T(2, 2, dtype='bool')]", "[1]", "None", "[T(dtype='int64'), None]",
    ],
    "Scalar": FLOATS + INTS,
    "ScalarList": ["[]", "[nan]", "[1, 2, 3]", "[None]", "[1j]", "1"],
    "Int": INTS,
    "IntList": [
        "[]", "()", "[0]", "[1]", "[-1]", "[-2]", "[2]", "[0, 0]", "[0, -1]", "[1, 0]", "[1, 2]", "[2, 3]", "[3, 2]", "[6]", "[-1, -1]", "[-1, 2]", "[0, 1, 2]", "[0, 0, 0]",
        "[5]", "[9]", "[-9]", "[2**31]", "[2**62]", "[2**63 - 1]", "[-2**63]", "[2**63]", "[2**62, 2**62]", "[2**31, 2**31, 2**31]", "[2**62, 0]", "[0, 2**62]", "[0, -1, 2**40]",
        "[2**33, 2**31]", "[1] * 65", "[1] * 64", "[0] * 65", "range(2)", "torch.Size([2])", "np.array([1])", "[np.int64(1)]", "[T(dtype='int64')]", "[1.0]", "[True]", "['1']", "[None]",
        "Shrinking()", "loop()", "(1, 2, 3, 4)", "[1, 1, 1, 1, 1]", "[2, 2, 2]", "[-1, 0, 0]", "[-3, -3]", "[-3, -3, -3, -3]", "[100, 100]", "[2**40, 2**40]", *INTS,
    ],
    "Float": FLOATS,
    "FloatList": ["[]", "[nan]", "[inf, inf]", "[0.0]", "[-1.0]", "[1, 2, 3, 4]", "[None]", "['x']", "1.0", "[1e308]", "[T()]", "[1j]", "[10**400]", "[2.0, 2.0]"],
    "Bool": ["True", "False", "1", "0", "None", "'x'", "np.bool_(True)", "T()", "torch.tensor(True)", "1.5", "[]", "Evil()"],
    "Str": ["''", "'x'", "'MEAN'", "'sum'", "'mean'", "'none'", "'\\ud800'", "'a' * 10000", "'\\0'", "b'mean'", "None", "1", "'...'", "'ij,jk->ik'", "'i->'", "'->'", "'ii->i'", "'i,'", "',,,'", "'...i->...'"],
    "DType": [*(f"torch.{d}" for d in DTYPES), "None", "float", "int", "bool", "complex", "'float32'", "np.float32", "1", "str", "T().dtype"],
    "Device": ["'cpu'", "'meta'", "'cuda'", "'x'", "'cpu:0'", "'cpu:9'", "'cpu:-1'", "'cuda:99999999999'", "''", "0", "-1", "None", "torch.device('meta')", "1.5", "2**40"],
    "Layout": ["torch.strided", "torch.sparse_coo", "None", "'strided'", "1"],
    "MemoryFormat": ["torch.contiguous_format", "torch.preserve_format", "torch.channels_last", "torch.channels_last_3d", "None", "'x'", "1"],
    "Generator": ["None", "torch.Generator()", "1", "'x'", "torch.Generator", "torch.default_generator"],
}  # fmt: skip

OUTS = [
    "T(2, 3)", "T(0)", "T()", "T(3)", "T(2, 3, dtype='int64')", "T(2, 3, dtype='bool')", "T(2, 3, dtype='complex64')", "T(2, 3, grad=True)", "T(3, 1).expand(3, 4)", "T(1).expand(2, 3)",
    "overlapping()", "T(2, 3, device='meta')", "inferred()", "None", "1", "[T(2, 3)]", "(T(2, 3), T(2, 3))", "(T(0), T(0))", "(T(0), T(0, dtype='int64'))", "()", "'x'", "T(3, 2).t()", "Evil()",
    "[T(0), 1]", "loop()", "(T(0), T(0), T(0))", "T(6)[::2]", "T(2, 3, dtype='float64')", "T(0, dtype='int64')",
]  # fmt: skip


def kind(p):
    """The pool of a parameter: its type without the length of lists."""
    return p["type"].split("(")[0]


def tame_lines():
    """Row number and name to a tame list of arguments, from the file."""
    lines = Path(__file__).with_name("tame.txt").read_text(encoding="utf-8").splitlines()
    return dict(line.split(" => ") for line in lines if not line.startswith("#"))


def tame_args(row, tame):
    """The tame arguments of a row: None leaves the default."""
    args = split_args(tame[key(row)])
    return [None if a == "_" else a for a in args] + [None] * (len(row["params"]) - len(args))


def split_args(text):
    """The top-level arguments of `text`."""
    parts, depth, start, quoted = [], 0, 0, False
    for i, c in enumerate(text):
        quoted ^= c == "'"
        depth += (c in "([{") - (c in ")]}")
        if c == "," and depth == 0 and not quoted:
            parts.append(text[start:i].strip())
            start = i + 1
    return [p for p in [*parts, text[start:].strip()] if p]


def spelled(row, args):
    """(positional, keyword) arguments: None in `args` leaves the default."""
    positional, keywords, skipped = [], [], False
    for p, a in zip(row["params"], args):
        if a is None:
            skipped = True
        elif p["keyword_only"] or skipped:
            keywords.append(f"{'input' if p['name'] == 'self' else p['name']}={a}")
        else:
            positional.append(a)
    return positional, keywords


def places(row, torch):
    """Where the row can be called: (prefix, method, in place, out)."""
    found = []
    forms = row["forms"].split()
    out = "o" in forms
    name = row["name"]
    if "f" in forms:
        found.append((f"torch.{name}", False, out))
    if "m" in forms:
        found.append((name, True, False))
    if "i" in forms and "n" not in forms:
        found.append((f"{name}_", True, False))
    if "s" in forms and hasattr(torch.special, name.removeprefix("special_")):
        found.append((f"torch.special.{name.removeprefix('special_')}", False, out))
    if "l" in forms:
        found.append((f"torch.linalg.{name.removeprefix('linalg_')}", False, out))
    if "t" in forms:
        found.append((f"torch.fft.{name.removeprefix('fft_')}", False, out))
    if "n" in forms:
        found.append((f"torch._C._nn.{name}", False, out))
        if hasattr(torch.nn.functional, name):
            found.append((f"F.{name}", False, False))
    if "p" in forms:
        found.append((f"torch._C._private.{name}", False, out))
    return found


def key(row):
    """The row's name with its place among the overloads."""
    return row["text"].split(" -> ")[0].replace(" => ", " ")


def guess(row, rng, required_only=False):
    """Tame arguments by type."""
    args = []
    for p in row["params"]:
        optional = p["default"] is not None or p["optional"]
        args.append(None if optional and (required_only or rng.random() < 0.7) else rng.choice(TAME[kind(p)]))
    return args


def line(place, row, args, out=None):
    """The call as code."""
    prefix, method, _ = place
    positional, keywords = spelled(row, args)
    if out is not None:
        keywords.append(f"out={out}")
    if method:
        if not positional:
            return None
        first, *positional = positional
        if not first.startswith(("T(", "torch.", "nn.", "overlapping", "inferred", "emptied", "behind")):
            return f"torch.Tensor.{prefix}({', '.join([first, *positional, *keywords])})"
        return f"({first}).{prefix}({', '.join([*positional, *keywords])})"
    return f"{prefix}({', '.join([*positional, *keywords])})"


def hostile(p, rng):
    """A hostile value for a parameter: of its type three times in four."""
    return rng.choice(POOLS[kind(p)] if rng.random() < 0.75 else ANY)


def of_row(row, torch, count, seed, tame):
    """`count` hostile lines for one row, each with whether a single argument is to blame, which makes the error one."""
    rng = random.Random(zlib.crc32(f"{row['text']} {seed}".encode()))
    spots = places(row, torch)
    params = row["params"]
    start = tame.get(key(row))
    lines = {}
    while spots and len(lines) < count:
        if start is not None:
            args = tame_args(row, tame)
        else:
            args = guess(row, rng)
        place = rng.choice(spots)
        out = rng.choice(OUTS) if place[2] and rng.random() < 0.15 else None
        dice = rng.random()
        changes = 1 if dice < 0.8 else 2 if dice < 0.9 else len(params)
        if out is not None:
            changes = rng.choice([0, 0, 0, 1])
        if changes:
            for i in rng.sample(range(len(params)), min(changes, len(params))):
                args[i] = hostile(params[i], rng)
        code = line(place, row, args, out)
        if rng.random() < 0.03 and code:
            code = code[:-1] + f", {rng.choice(['1', 'foo=1', 'None', 'T(2, 3)'])})"
            changes = 2
        # Arguments used twice: the same tensor as input and output.
        if out is not None and rng.random() < 0.2:
            first = args[0]
            if first and first.startswith("T("):
                code = f"x = {first}; " + line(
                    place, row, ["x", *args[1:]], rng.choice(["x", "x[1:]", "x.t()", "x.view(-1)"])
                )
        if code and code not in lines:
            lines[code] = (
                changes + (out is not None) <= 1 and start is not None and not row["name"].startswith("_fused")
            )
        elif not params:
            break
    return lines.items()


def table(torch, count, seed=0, only=None):
    """(line, is one argument to blame?) for all rows."""
    tame = tame_lines()
    return [
        pair
        for row in torch._C._schemas()
        if only is None or only(row["name"])
        for pair in of_row(row, torch, count, seed, tame)
    ]
