"""Comparing results with expectations, with messages that say where they differ."""

import cmath
import warnings
from collections.abc import Mapping, Sequence

import rustorch
from rustorch import Tensor

# rtol and atol by dtype; 0 for others.
_TOLERANCES = {
    "float16": (1e-3, 1e-5),
    "bfloat16": (1.6e-2, 1e-5),
    "float32": (1.3e-6, 1e-5),
    "float64": (1e-7, 1e-7),
    "complex32": (1e-3, 1e-5),
    "complex64": (1.3e-6, 1e-5),
    "complex128": (1e-7, 1e-7),
}


class _Mismatch(Exception):
    """A difference, on its way to the caller: class, text, and the item it was found at."""

    def __init__(self, kind, text, path=()):
        super().__init__(text)
        self.kind, self.text, self.path = kind, text, path

    def error(self, msg):
        if isinstance(msg, str):
            return self.kind(msg)
        text = self.text
        if self.path:
            text += f"\n\nThe failure occurred for item {''.join(f'[{item!r}]' for item in self.path)}"
        return self.kind(msg(text) if callable(msg) else text)


class _Options:
    """The arguments of `assert_close`."""

    def __init__(self, **options):
        self.__dict__.update(options)

    def tolerances(self, dtypes, path):
        if (self.rtol is None) != (self.atol is None):
            missing = "rtol" if self.rtol is None else "atol"
            raise _Mismatch(
                ValueError,
                f"Both 'rtol' and 'atol' must be either specified or omitted, but got no {missing}.",
                path,
            )
        return default_tolerances(*dtypes) if self.rtol is None else (self.rtol, self.atol)


def default_tolerances(*inputs, dtype_precisions=None):
    """The larger rtol and atol of the dtypes of tensors, or of dtypes themselves."""
    pairs = []
    for value in inputs:
        dtype = value.dtype if isinstance(value, Tensor) else value
        if not isinstance(dtype, rustorch.dtype):
            raise TypeError(f"Expected a torch.Tensor or a torch.dtype, but got {type(value)} instead.")
        if dtype_precisions:
            pairs.append(dtype_precisions.get(dtype, (0.0, 0.0)))
        else:
            pairs.append(_TOLERANCES.get(str(dtype).split(".")[-1], (0.0, 0.0)))
    return max(r for r, _ in pairs), max(a for _, a in pairs)


def assert_close(
    actual,
    expected,
    *,
    allow_subclasses=True,
    rtol=None,
    atol=None,
    equal_nan=False,
    check_device=True,
    check_dtype=True,
    check_layout=True,
    check_stride=False,
    msg=None,
):
    """Raise unless `|actual - expected| <= atol + rtol * |expected|` everywhere.

    Args:
        actual, expected: tensors, what `as_tensor` takes, numbers, bools, None, or sequences and mappings of these.
        allow_subclasses (bool, True): accept types that are related but not the same.
        rtol, atol (float, None): both or none; by dtype if None, the larger of the two sides.
        equal_nan (bool, False): two NaN are equal.
        check_device, check_dtype, check_layout (bool, True), check_stride (bool, False): these must agree too.
        msg (str or callable, None): the text of the error, or a function of the text made here.
    Raises: AssertionError: with the number of mismatches and the largest differences.
    """
    __tracebackhide__ = True
    options = _Options(
        allow_subclasses=allow_subclasses,
        rtol=rtol,
        atol=atol,
        equal_nan=equal_nan,
        check_device=check_device,
        check_dtype=check_dtype,
        check_layout=check_layout,
        check_stride=check_stride,
    )
    try:
        # Faults of structure come before differences of values.
        comparisons = list(_pairs(actual, expected, options, ()))
    except _Mismatch as fault:
        raise fault.error(None) from None
    for compare in comparisons:
        try:
            compare()
        except _Mismatch as fault:
            raise fault.error(msg) from None


def assert_allclose(actual, expected, rtol=None, atol=None, equal_nan=True, msg=""):
    """`assert_close` with the wider tolerances of old; kept for compatibility."""
    warnings.warn(
        "`torch.testing.assert_allclose()` is deprecated since 1.12 and will be removed in a future release. "
        "Please use `torch.testing.assert_close()` instead.",
        FutureWarning,
        stacklevel=2,
    )
    if not isinstance(actual, Tensor):
        actual = rustorch.tensor(actual)
    if not isinstance(expected, Tensor):
        expected = rustorch.tensor(expected, dtype=actual.dtype)
    if rtol is None and atol is None:
        wide = {rustorch.float16: (1e-3, 1e-3), rustorch.float32: (1e-4, 1e-5), rustorch.float64: (1e-5, 1e-8)}
        rtol, atol = default_tolerances(actual, expected, dtype_precisions=wide)
    assert_close(actual, expected, rtol=rtol, atol=atol, equal_nan=equal_nan, check_dtype=False, msg=msg or None)


# ---- structure


def _is_sequence(value):
    return isinstance(value, Sequence) and not isinstance(value, str)


def _plain_number(value):
    """Python's own number for one of NumPy's."""
    return value.item() if type(value).__module__ == "numpy" and getattr(value, "ndim", 1) == 0 else value


def _pairs(actual, expected, options, path):
    """A function for each pair of leaves; calling it raises if they differ."""
    if _is_sequence(actual) and _is_sequence(expected):
        if len(actual) != len(expected):
            raise _Mismatch(
                AssertionError, f"The length of the sequences mismatch: {len(actual)} != {len(expected)}", path
            )
        for i in range(len(actual)):
            yield from _pairs(actual[i], expected[i], options, (*path, i))
    elif isinstance(actual, Mapping) and isinstance(expected, Mapping):
        mine, theirs = set(actual), set(expected)
        if mine != theirs:
            raise _Mismatch(
                AssertionError,
                "The keys of the mappings do not match:\n"
                f"Missing keys in the actual mapping: {sorted(theirs - mine)}\n"
                f"Additional keys in the actual mapping: {sorted(mine - theirs)}",
                path,
            )
        try:
            keys = sorted(mine)
        except TypeError:
            keys = list(actual)
        for key in keys:
            yield from _pairs(actual[key], expected[key], options, (*path, key))
    else:
        yield _leaf(actual, expected, options, path)


def _leaf(actual, expected, options, path):
    if actual is None or expected is None:
        return lambda: _check(actual is expected, lambda: f"None mismatch: {actual} is not {expected}", path)
    a, b = _plain_number(actual), _plain_number(expected)
    if isinstance(a, bool) and isinstance(b, bool):
        return lambda: _check(a is b, lambda: f"Booleans mismatch: {a} is not {b}", path)
    if isinstance(a, (int, float, complex)) and isinstance(b, (int, float, complex)):
        tolerances = options.tolerances([_number_dtype(a), _number_dtype(b)], path)
        return lambda: _compare_numbers(a, b, tolerances, options, path)
    tensors = _as_tensors(actual, expected, options)
    if tensors is None:
        raise _Mismatch(
            TypeError,
            f"No comparison pair was able to handle inputs of type {type(actual)} and {type(expected)}.",
            path,
        )
    tolerances = options.tolerances([t.dtype for t in tensors], path)
    return lambda: _compare_tensors(*tensors, tolerances, options, path)


def _check(fine, text, path):
    if not fine:
        raise _Mismatch(AssertionError, text(), path)


def _number_dtype(value):
    kinds = {complex: rustorch.complex128, float: rustorch.float64}
    return next((dtype for kind, dtype in kinds.items() if isinstance(value, kind)), rustorch.int64)


def _as_tensors(actual, expected, options):
    """Both sides as tensors, None if they are not comparable as such."""
    if not (isinstance(actual, type(expected)) or isinstance(expected, type(actual))):
        return None
    if not options.allow_subclasses and type(actual) is not type(expected):
        return None
    try:
        return [t if isinstance(t, Tensor) else rustorch.as_tensor(t) for t in (actual, expected)]
    except Exception:
        return None


# ---- values


def _difference_text(name, difference, index, tolerance, exact):
    where = f"{name.title()} difference: {difference}"
    if index is not None:
        where = f"Greatest {name} difference: {difference} at index {index}"
    return where + ("" if exact else f" (up to {tolerance} allowed)")


def _text(identifier, extra, absolute, relative, rtol, atol):
    """`absolute` and `relative` are pairs (difference, index or None)."""
    exact = rtol == 0 and atol == 0
    return (
        f"{identifier} are not {'equal' if exact else 'close'}!\n\n{extra}\n"
        f"{_difference_text('absolute', *absolute, atol, exact)}\n"
        f"{_difference_text('relative', *relative, rtol, exact)}"
    )


def _scalar_text(actual, expected, rtol, atol, identifier="Scalars"):
    absolute = abs(actual - expected)
    relative = float("inf") if expected == 0 else absolute / abs(expected)
    extra = f"Expected {expected} but got {actual}."
    return _text(identifier, extra, (absolute, None), (relative, None), rtol, atol)


def _compare_numbers(actual, expected, tolerances, options, path):
    rtol, atol = tolerances
    if options.check_dtype and type(actual) is not type(expected):
        raise _Mismatch(AssertionError, f"The (d)types do not match: {type(actual)} != {type(expected)}.", path)
    if actual == expected or (options.equal_nan and cmath.isnan(actual) and cmath.isnan(expected)):
        return
    difference = abs(actual - expected)
    if cmath.isfinite(difference) and difference <= atol + rtol * abs(expected):
        return
    raise _Mismatch(AssertionError, _scalar_text(actual, expected, rtol, atol), path)


def _compare_tensors(actual, expected, tolerances, options, path):
    def same(name, a, b):
        _check(a == b, lambda: f"The values for attribute '{name}' do not match: {a} != {b}.", path)

    same("shape", actual.shape, expected.shape)
    if actual.layout != expected.layout:
        if options.check_layout:
            same("layout", actual.layout, expected.layout)
    elif actual.layout == rustorch.strided and options.check_stride:
        same("stride()", actual.stride(), expected.stride())
    if options.check_device:
        same("device", actual.device, expected.device)
    if options.check_dtype:
        same("dtype", actual.dtype, expected.dtype)
    if "meta" in (actual.device.type, expected.device.type):
        return
    _compare_values(*_alike(actual, expected), tolerances, options, path)


def _alike(actual, expected):
    """Both on one device, of one dtype and layout."""
    if actual.device != expected.device:
        actual, expected = actual.cpu(), expected.cpu()
    if actual.dtype != expected.dtype:
        wide = [_signed(t.dtype) for t in (actual, expected)]
        dtype = rustorch.promote_types(*wide)
        actual, expected = actual.to(dtype), expected.to(dtype)
    if actual.layout != expected.layout:
        actual, expected = (t if t.layout == rustorch.strided else t.to_dense() for t in (actual, expected))
    return actual, expected


def _signed(dtype):
    # Wide unsigned dtypes take no part in promotion.
    return rustorch.int64 if str(dtype) in ("torch.uint16", "torch.uint32", "torch.uint64") else dtype


_COMPRESSED = {
    "torch.sparse_csr": ("CSR", "crow_indices", "col_indices"),
    "torch.sparse_csc": ("CSC", "ccol_indices", "row_indices"),
    "torch.sparse_bsr": ("BSR", "crow_indices", "col_indices"),
    "torch.sparse_bsc": ("BSC", "ccol_indices", "row_indices"),
}


def _compare_values(actual, expected, tolerances, options, path):
    rtol, atol = tolerances
    if actual.layout == rustorch.strided:
        if actual.dtype.is_floating_point and actual.dtype.itemsize == 1 and (rtol or atol):
            raise _Mismatch(
                AssertionError,
                f"Rtol={rtol} and atol={atol} are not supported for bitwise comparison of low dimensional floats. "
                "Please use rtol=0.0 and atol=0.0.",
                path,
            )
        return _compare_strided(actual, expected, rtol, atol, options.equal_nan, path)
    if actual.is_sparse:
        kind = "COO"
        _check(
            actual.sparse_dim() == expected.sparse_dim(),
            lambda: (
                "The number of sparse dimensions in sparse COO tensors does not match: "
                f"{actual.sparse_dim()} != {expected.sparse_dim()}"
            ),
            path,
        )
        indices = [("indices", actual._indices(), expected._indices())]
        values = actual._values(), expected._values()
    else:
        kind, *names = _COMPRESSED[str(actual.layout)]
        indices = [(name, getattr(actual, name)(), getattr(expected, name)()) for name in names]
        values = actual.values(), expected.values()
    _check(
        actual._nnz() == expected._nnz(),
        lambda: (
            f"The number of specified values in sparse {kind} tensors does not match: "
            f"{actual._nnz()} != {expected._nnz()}"
        ),
        path,
    )
    for name, mine, theirs in indices:
        mine, theirs = _alike(mine, theirs)
        _compare_strided(mine, theirs, 0, 0, False, path, f"Sparse {kind} {name}")
    return _compare_strided(*values, rtol, atol, options.equal_nan, path, f"Sparse {kind} values")


def _compare_strided(actual, expected, rtol, atol, equal_nan, path, identifier=None):
    matches = rustorch.isclose(actual, expected, rtol=rtol, atol=atol, equal_nan=equal_nan)
    if bool(matches.all()):
        return
    if actual.dim() == 0:
        text = _scalar_text(actual.item(), expected.item(), rtol, atol, identifier or "Scalars")
    else:
        text = _tensor_text(actual, expected, matches, rtol, atol, identifier or "Tensor-likes")
    raise _Mismatch(AssertionError, text, path)


def _index(flat, shape):
    index = []
    for size in reversed(shape):
        flat, rest = divmod(flat, size)
        index.append(rest)
    return tuple(reversed(index))


def _tensor_text(actual, expected, matches, rtol, atol, identifier):
    total = matches.numel()
    wrong = total - int(matches.sum())
    extra = f"Mismatched elements: {wrong} / {total} ({wrong / total:.1%})"
    if actual.dtype.is_floating_point and actual.dtype.itemsize == 1:
        first = tuple((~matches).nonzero()[0].tolist())
        return f"{identifier} are not 'equal'!\n\n{extra}\nThe first mismatched element is at index {first}."
    a, b, fine = actual.detach().flatten(), expected.detach().flatten(), matches.flatten()
    if not (a.is_floating_point() or a.is_complex()):
        # Differences of unsigned integers wrap, and bools have none.
        a, b = a.to(rustorch.int64), b.to(rustorch.int64)
    absolute = (a - b).abs()
    absolute[fine] = 0
    relative = absolute / b.abs()
    relative[fine] = 0
    greatest = []
    for differences in (absolute, relative):
        value, place = differences.max(0)
        greatest.append((value.item(), _index(int(place), matches.shape)))
    return _text(identifier, extra, *greatest, rtol, atol)
