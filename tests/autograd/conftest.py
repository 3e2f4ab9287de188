"""The fixture `agree`: a program run on rustorch and on torch must tell the same story."""

import re
import warnings

import pytest

import rustorch

_ADDRESS = re.compile(r"0x[0-9a-f]+")


def _plain(value):
    """A value as something to compare: tensors as dtype, shape, values and whether they require grad."""
    if hasattr(value, "requires_grad") and hasattr(value, "detach"):
        flags = [name for name in ("requires_grad", "is_leaf") if getattr(value, name)]
        kind = type(value).__name__
        values = value.detach().resolve_conj().tolist()
        return (kind, str(value.dtype), tuple(value.shape), _rounded(values), *flags)
    if isinstance(value, tuple | list):
        return tuple(_plain(v) for v in value)
    if isinstance(value, dict):
        return {k: _plain(v) for k, v in value.items()}
    if isinstance(value, float | complex):
        return _rounded(value)
    if value is None or isinstance(value, bool | int | str):
        return _ADDRESS.sub("0x", value).replace("rustorch", "torch") if isinstance(value, str) else value
    if isinstance(value, type):
        return value.__name__
    return _ADDRESS.sub("0x", repr(value)).replace("rustorch", "torch")


def _rounded(value):
    if isinstance(value, list):
        return tuple(_rounded(v) for v in value)
    if isinstance(value, complex):
        return _rounded(value.real), _rounded(value.imag)
    # repr, so that NaN equals NaN.
    return repr(float(f"{value:.5g}") + 0.0) if isinstance(value, float) else value


def _first_line(message):
    """The first line of an error or warning, without what torch appends about its own C++ source."""
    line = str(message).split("\n")[0].split(" (Triggered internally")[0]
    return _ADDRESS.sub("0x", line).replace("rustorch", "torch")


class Story:
    """What a program found: `see(label, value)`, where a callable is called and its error is a finding too."""

    def __init__(self):
        self.entries = {}

    def __call__(self, label, value):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            try:
                found = _plain(value() if callable(value) else value)
            except Exception as error:
                first = _first_line(error)
                found = (type(error).__name__, first)
        # torch loads its forward mode on first use, and warns about itself in doing so.
        about = [w for w in caught if "torch.jit" not in str(w.message)]
        texts = [(w.category.__name__, _first_line(w.message)) for w in about]
        assert label not in self.entries, f"the label {label!r} is used twice"
        self.entries[label] = (found, *texts)


def _run(program, library):
    see = Story()
    library.manual_seed(0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        program(library, see)
    return see.entries


@pytest.fixture(name="agree")
def agree_fixture(oracle):
    """`agree(program)` runs `program(torch, see)` on both libraries and compares what `see` was told."""

    def agree(program):
        ours, theirs = _run(program, rustorch), _run(program, oracle)
        assert theirs, "the program told nothing"
        lines = []
        for label in dict.fromkeys([*theirs, *ours]):
            a, b = ours.get(label, "(nothing)"), theirs.get(label, "(nothing)")
            if a != b:
                lines.append(f"{label}:\n   rustorch: {a}\n   torch:    {b}")
        assert not lines, "\n".join(lines)

    return agree
