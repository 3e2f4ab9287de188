"""`agree`: one program, run on rustorch and on torch, must do the same."""

import ast
import math
import re
import warnings

import numpy as np
import pytest

import rustorch

# What torch says about itself, and of what it cannot do.
NOT_OURS = (
    "Converting a tensor with requires_grad=True to a scalar",
    "__array__ implementation doesn't accept a copy keyword",
    "__array_wrap__ must accept context and return_scalar arguments",
    "Creating a tensor from a list of numpy.ndarrays is extremely slow",
    "TypedStorage is deprecated",
    "torch.set_default_tensor_type() is deprecated",
    "torch.asarray: unspecified requires_grad now defaults to obj.requires_grad",
)


def run(torch, program, **names):
    """The value of the program's last line, or the exception that it raised; and the warnings on the way."""
    tree = ast.parse(program)
    names = {"torch": torch, "np": np, **names}
    last = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            exec(compile(tree, "<program>", "exec"), names)
            value = eval(compile(ast.Expression(last.value), "<program>", "eval"), names) if last else None
        except Exception as error:
            value = error
    # torch says from which line of its source it warns.
    said = [
        (w.category.__name__, re.sub(r" \(Triggered internally at .*|\n.*", "", str(w.message), flags=re.DOTALL))
        for w in caught
        if not str(w.message).startswith(NOT_OURS)
    ]
    return value, said


class Number(float):
    """A float that equals what differs by rounding alone; NaN equals NaN, and signs of zero count."""

    def __new__(cls, value, rtol):
        self = super().__new__(cls, value)
        self.rtol = rtol
        return self

    def __eq__(self, other):
        if math.isnan(self) or math.isnan(other):
            return math.isnan(self) and math.isnan(other)
        return math.isclose(self, other, rel_tol=self.rtol) and math.copysign(1, self) == math.copysign(1, other)

    __hash__ = None


RTOL = {"torch.float16": 2e-3, "torch.bfloat16": 1.6e-2, "torch.float32": 2e-6, "torch.complex64": 2e-6}


def values(x, rtol):
    if isinstance(x, list):
        return [values(v, rtol) for v in x]
    if isinstance(x, complex):
        # The sign of a part that is 0 depends on how torch's loop is vectorised.
        return [values(part + 0.0 if part else 0.0, rtol) for part in (x.real, x.imag)]
    return Number(x, rtol) if isinstance(x, float) else x


def described(x):
    """What can be seen of a value, in terms that both libraries share."""
    if isinstance(x, type):
        return x.__name__
    if isinstance(x, Exception):
        return type(x).__name__, str(x).strip().split("\n")[0].replace("rustorch", "torch")
    if hasattr(x, "untyped_storage"):
        seen = [type(x).__name__, str(x.dtype), tuple(x.shape), x.stride(), str(x.device)]
        # Where an empty view starts is nowhere.
        seen += [x.requires_grad, x.grad_fn and x.grad_fn.name(), x.numel() and x.storage_offset()]
        data = None if x.is_meta else values(x.detach().resolve_conj().tolist(), RTOL.get(str(x.dtype), 1e-14))
        return *seen, data
    if isinstance(x, dict):
        return {k: described(v) for k, v in x.items()}
    if isinstance(x, tuple | list):
        return type(x).__name__, [described(v) for v in x]
    if isinstance(x, np.ndarray):
        return "array", str(x.dtype), x.shape, x.size and x.strides, x.flags.writeable, repr(x.tolist())
    return type(x).__name__, repr(x).replace("rustorch", "torch")


@pytest.fixture
def agree(oracle):
    """Fails unless a program gives the same value, error (class and first line) and warnings on both libraries.

    With `message=False` the text of errors and the warnings may differ.
    """

    def check(program, message=True, **names):
        mine, theirs = run(rustorch, program, **names), run(oracle, program, **names)
        a, b = described(mine[0]), described(theirs[0])
        if not message and isinstance(mine[0], Exception) and isinstance(theirs[0], Exception):
            a, b = a[0], b[0]
        assert a == b, f"\n{program}\nrustorch: {mine[0]!r}\ntorch: {theirs[0]!r}"
        if message:
            assert mine[1] == theirs[1], f"\n{program}\nwarnings of rustorch: {mine[1]}\nof torch: {theirs[1]}"

    # Warnings that come once a process are asked for every time.
    before = oracle.is_warn_always_enabled(), rustorch.is_warn_always_enabled()
    oracle.set_warn_always(True)
    rustorch.set_warn_always(True)
    yield check
    oracle.set_warn_always(before[0])
    rustorch.set_warn_always(before[1])
