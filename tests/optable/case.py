"""What a row of the table is made of: descriptions of inputs that either library can make, and the row itself."""

import functools
import itertools
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

BOOL = ("bool",)
INTS = ("uint8", "int8", "int16", "int32", "int64")
WIDE = ("uint16", "uint32", "uint64")
HALVES = ("float16", "bfloat16")
DOUBLES = ("float32", "float64")
FLOATS = HALVES + DOUBLES
COMPLEX = ("complex64", "complex128")
ALL = BOOL + INTS + FLOATS + COMPLEX

LAYOUTS = ("transposed", "stepped", "offset", "expanded", "channels_last", "lazy")


@dataclass(frozen=True)
class Arg:
    """A tensor to be made: distinct, well spread numbers in [low, high], or the given values.

    dtype is a name, None for the dtype under test. `grad` says whether derivatives by it are asked for, `fixed` that
    it stays contiguous: an expanded index would repeat itself, for one. `rough`: differences do not show the derivative;
    given values are mostly chosen for being special, so they are rough unless it is False.
    """

    shape: tuple[int, ...]
    low: float = -2.5
    high: float = 2.5
    dtype: str | None = None
    grad: bool = True
    values: Any = None
    fixed: bool = False
    rough: bool | None = None

    @property
    def numel(self) -> int:
        return math.prod(self.shape)

    def make(self, T, dtype: str, seed: int, layout: str = "contiguous"):
        name = self.dtype or dtype
        of = getattr(T, name)
        if self.values is not None:
            x = T.tensor(self.values).to(of).reshape(self.shape)
        elif name in COMPLEX:
            x = T.complex(self._floats(T, seed), self._floats(T, seed + 5)).to(of)
        elif name == "bool":
            x = self._floats(T, seed) > (self.low + self.high) / 2
        elif name in FLOATS:
            x = self._floats(T, seed).to(of)
        else:
            x = self._floats(T, seed).round()
            x = (x.abs() if name.startswith("u") else x).to(of)
        return x if self.fixed else laid_out(T, x, layout)

    def _floats(self, T, seed):
        # Cubes modulo the prime 10007 are distinct, and so are their differences, as good as.
        span = self.high - self.low
        values = [
            self.low + span * ((i * 7919 + seed * 1237 + 1) ** 3 % 10007 + 0.5) / 10007 for i in range(self.numel)
        ]
        return T.tensor(values, dtype=T.float64).reshape(self.shape)


def laid_out(T, x, layout: str):
    """The same values in other strides; expanded repeats the first slice of each dim but the last. Lazy ones are views that
    read as the conjugates or negatives of what is stored."""
    if layout == "lazy":
        if x.is_complex():
            return x.conj_physical().conj()
        return T.complex(x, -x).conj().imag if x.dtype in (T.float32, T.float64) else x
    if layout == "contiguous" or (x.ndim == 0 and layout != "offset"):
        return x
    if layout == "transposed":
        return x.transpose(0, -1).clone(memory_format=T.contiguous_format).transpose(0, -1)
    if layout == "stepped":
        return T.stack([x, x], x.ndim)[..., 0]
    if layout == "offset":
        return T.cat([x.reshape(-1)[:1], x.reshape(-1)])[min(1, x.numel()) :].view(x.shape)
    if layout == "expanded":
        return x[:1].expand(x.shape) if x.shape[0] else x
    assert layout == "channels_last"
    return x.contiguous(memory_format=T.channels_last) if x.ndim == 4 else x


@dataclass(frozen=True)
class attr:
    """An attribute of the library as an argument: a dtype, a memory format."""

    name: str


@dataclass(frozen=True)
class Sample:
    """Arguments of a call, with descriptions where tensors stand."""

    args: tuple
    kwargs: Mapping[str, Any] = field(default_factory=dict)

    def make(self, T, dtype: str, layout: str = "contiguous"):
        """(args, kwargs) with tensors in a dtype and layout; equal for both libraries."""
        seeds = itertools.count()

        def real(x):
            if isinstance(x, Arg):
                return x.make(T, dtype, next(seeds), layout)
            if isinstance(x, attr):
                return getattr(T, x.name)
            if isinstance(x, tuple | list):
                return type(x)(map(real, x))
            return x

        return tuple(map(real, self.args)), {k: real(v) for k, v in self.kwargs.items()}

    @functools.cached_property
    def tensors(self) -> tuple[Arg, ...]:
        """All descriptions of tensors, in the order in which `make` makes them."""

        def walk(x):
            if isinstance(x, Arg):
                yield x
            elif isinstance(x, tuple | list):
                for y in x:
                    yield from walk(y)

        return tuple(walk([*self.args, *self.kwargs.values()]))

    @property
    def numel(self) -> int:
        return sum(a.numel for a in self.tensors)

    def __repr__(self):
        parts = [short(a) for a in self.args] + [f"{k}={short(v)}" for k, v in self.kwargs.items()]
        return f"({', '.join(parts)})"


def short(x):
    if isinstance(x, Arg):
        return f"{x.dtype or 't'}{list(x.shape)}"
    if isinstance(x, tuple | list):
        return "[" + ", ".join(map(short, x)) + "]"
    return x.name if isinstance(x, attr) else repr(x)


@dataclass(frozen=True)
class Bad:
    """A call that fails: its arguments, the error's class and our whole text, whose first line is torch's.

    `why` says why the first line or the class is ours instead.
    """

    error: type
    text: str
    args: tuple
    kwargs: Mapping[str, Any]
    why: str = ""


@dataclass(frozen=True)
class OpCase:
    """One operation: `name` as in the table of operations.

    samples   inputs, first the most usual one
    special   number of leading tensors which are also run over all pairs of special values (0, NaN, extremes, ...)
    grad      orders of derivatives that exist: 2 stands for any, 0 for none
    errors    calls that fail
    skip      aspect -> why it does not hold: value, stride, layout (or one of LAYOUTS), special, grad, gradgrad, meta, ...
    tol       dtype -> (rtol, atol) where rounding is worse than the dtype's usual tolerance; the row says why
    mixed     (rtol, atol) where operands of two dtypes round worse than those of one; the row says why
    look      what of a result is compared, from (arguments, result), where the rest is free
    ref       torch's counterpart where it is not the function of the same name
    kwargs    arguments of the runs over special values
    family    the module that holds the row
    """

    name: str
    samples: tuple[Sample, ...]
    special: int = 0
    grad: int = 2
    errors: tuple[Bad, ...] = ()
    skip: Mapping[str, str] = field(default_factory=dict)
    tol: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    mixed: tuple[float, float] | None = None
    look: Callable | None = None
    ref: Callable | None = None
    kwargs: Mapping[str, Any] = field(default_factory=dict)
    family: str = ""

    def __repr__(self):
        return self.name

    @functools.cached_property
    def forms(self) -> frozenset[str]:
        return frozenset(itertools.chain.from_iterable(row["forms"].split() for row in schemas()[self.name]))

    def function(self, T):
        """The function of rustorch or torch that the row is about."""
        if self.ref is not None and T.__name__ == "torch":
            return self.ref(T)
        for form in self.forms:
            if form in PLACES and hasattr(place := PLACES[form](T), self.name):
                return getattr(place, self.name)
        return self.method(T)

    def method(self, T):
        return functools.partial(call_method, self.name)

    def but(self, **changes):
        return replace(self, **changes)


def call_method(name, x, *args, **kwargs):
    return getattr(x, name)(*args, **kwargs)


# Where the forms of the table put a function; both libraries use the same places but for the private one.
PLACES = {
    "f": lambda T: T,
    "n": lambda T: T._C._nn,
    "l": lambda T: T._C._linalg,
    "s": lambda T: T._C._special,
    "t": lambda T: T._C._fft,
    "p": lambda T: T._VF if T.__name__ == "torch" else T._C._private,
}


@functools.cache
def schemas() -> dict[str, list[dict]]:
    """The rows of rustorch's table of operations by name."""
    import rustorch

    rows: dict[str, list[dict]] = {}
    for row in rustorch._C._schemas():
        rows.setdefault(row["name"], []).append(row)
    return rows


def skipping(cases, aspect: str, why: str, names: str):
    """The cases, of which the named ones skip an aspect for one reason."""
    named = set(names.split())
    return [case.but(skip={**case.skip, aspect: why}) if case.name in named else case for case in cases]


def more_dtypes(cases, names: str):
    """The cases, of which the named ones serve dtypes for which torch has no kernel."""
    return skipping(cases, "more dtypes", "one kernel serves all dtypes; torch's lacks some", names)


def t(*shape, low=-2.5, high=2.5, **options) -> Arg:
    """A tensor in the dtype under test."""
    return Arg(shape, low, high, **options)


def fix(*shape, dtype="float32", **options) -> Arg:
    """A tensor whose dtype stays."""
    return Arg(shape, dtype=dtype, **options)


def index(*shape, below: int, **options) -> Arg:
    """Indices in [0, below)."""
    return Arg(shape, -0.49, below - 0.51, "int64", grad=False, **options)


def given(values, dtype=None, **options) -> Arg:
    """The given numbers, a nested list."""
    shape, inner = [], values
    while isinstance(inner, list):
        shape.append(len(inner))
        inner = inner[0] if inner else None
    return Arg(tuple(shape), values=values, dtype=dtype, **options)


def mask(*shape) -> Arg:
    """About as many true as false."""
    return Arg(shape, dtype="bool", grad=False)


def S(*args, **kwargs) -> Sample:
    return Sample(args, kwargs)


def bad(error: type, text: str, *args, why: str = "", **kwargs) -> Bad:
    return Bad(error, text, args, kwargs, why)
