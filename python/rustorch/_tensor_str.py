"""Tensors as text, as `print` and `repr` show them.

At most about `threshold` elements are read: of larger tensors only the corners, `edgeitems` along each side.
"""

import math

import rustorch

__all__ = ["get_printoptions", "printoptions", "set_printoptions"]


class _PrintOptions:
    """The options in force; see `set_printoptions`."""

    __slots__ = ("edgeitems", "linewidth", "precision", "sci_mode", "threshold")

    def __init__(self):
        self.precision = 4
        self.threshold = 1000
        self.edgeitems = 3
        self.linewidth = 80
        self.sci_mode = None


PRINT_OPTS = _PrintOptions()

_PROFILES = {
    "default": {"precision": 4, "threshold": 1000, "edgeitems": 3, "linewidth": 80},
    "short": {"precision": 2, "threshold": 1000, "edgeitems": 2, "linewidth": 80},
    "full": {"precision": 4, "threshold": math.inf, "edgeitems": 3, "linewidth": 80},
}


def set_printoptions(precision=None, threshold=None, edgeitems=None, linewidth=None, profile=None, sci_mode=None):
    """Set how tensors are printed; what is None stays, but for `sci_mode`.

    Args:
        precision (int, 4): digits after the point.
        threshold (int, 1000): elements from which only the corners are shown.
        edgeitems (int, 3): elements shown at each end of a dim.
        linewidth (int, 80): characters per line.
        profile (str, None): 'default', 'short' or 'full', before the other options.
        sci_mode (bool, None): scientific notation; None: where the values ask for it.
    """
    chosen = dict(_PROFILES.get(profile, {}))
    given = {"precision": precision, "threshold": threshold, "edgeitems": edgeitems, "linewidth": linewidth}
    chosen.update({name: value for name, value in given.items() if value is not None})
    for name, value in chosen.items():
        setattr(PRINT_OPTS, name, value)
    PRINT_OPTS.sci_mode = sci_mode


def get_printoptions():
    """The options in force, as a dict of the arguments of `set_printoptions`."""
    return {
        name: getattr(PRINT_OPTS, name) for name in ("precision", "threshold", "edgeitems", "linewidth", "sci_mode")
    }


class printoptions:
    """`set_printoptions(**kwargs)` for the length of a `with` block."""

    def __init__(self, **kwargs):
        self._kwargs = kwargs

    def __enter__(self):
        self._old = get_printoptions()
        set_printoptions(**self._kwargs)

    def __exit__(self, *exc):
        set_printoptions(**self._old)


# ---- elements


class _Formatter:
    """How the real numbers of one tensor are written: notation, and the width that lines them up."""

    def __init__(self, values, is_float):
        self.is_float = is_float
        self.sci = False
        self.whole = True  # all values are integers
        self.width = 1
        if not is_float:
            self.width = max((len(str(v)) for v in values), default=1)
            return
        values = [v for v in values if v != 0 and math.isfinite(v)]
        if not values:
            return
        sizes = [abs(v) for v in values]
        smallest, largest = min(sizes), max(sizes)
        self.whole = all(v.is_integer() for v in values)
        if PRINT_OPTS.sci_mode is None:
            self.sci = largest / smallest > 1000.0 or largest > 1.0e8 or smallest < 1.0e-4
        else:
            self.sci = PRINT_OPTS.sci_mode
        # Values that are not finite may be wider: they get no padding of their own.
        self.width = max(1, max(len(self._plain(v)) for v in values))

    def _plain(self, value):
        if self.sci:
            return f"{value:.{PRINT_OPTS.precision}e}"
        if self.whole:
            return f"{value:.0f}." if math.isfinite(value) else f"{value:.0f}"
        return f"{value:.{PRINT_OPTS.precision}f}"

    def __call__(self, value):
        return (self._plain(value) if self.is_float else str(value)).rjust(self.width)


def _complex_text(value, real, imag):
    second = (imag(value.imag) + "j").lstrip()
    return real(value.real) + ("" if second[0] in "+-" else "+") + second


def _shown(t, cut):
    """The elements that are shown, as nested lists."""
    edge = PRINT_OPTS.edgeitems
    if not cut or t.numel() <= 2 * edge:
        return t.tolist()
    n = t.size(0)
    if t.dim() == 1:
        return t.tolist() if n <= 2 * edge else t[:edge].tolist() + t[n - edge :].tolist()
    rows = range(n) if n <= 2 * edge else [*range(edge), *range(n - edge, n)]
    return [_shown(t[i], cut) for i in rows]


def _flat(nested, dim):
    for _ in range(dim - 1):
        nested = [v for row in nested for v in row]
    return nested if dim else [nested]


def _nested_text(nested, shape, indent, cut, element, per_line):
    """Brackets and line breaks around `nested`, whose full shape is `shape`."""
    edge = PRINT_OPTS.edgeitems
    hidden = cut and shape[0] > 2 * edge
    if len(shape) == 1:
        words = [element(v) for v in nested]
        if hidden:
            words.insert(edge, " ...")
        lines = [", ".join(words[i : i + per_line]) for i in range(0, len(words), per_line)]
        return "[" + (",\n" + " " * (indent + 1)).join(lines) + "]"
    parts = [_nested_text(row, shape[1:], indent + 1, cut, element, per_line) for row in nested]
    if hidden:
        parts.insert(edge, "...")
    return "[" + ("," + "\n" * (len(shape) - 1) + " " * (indent + 1)).join(parts) + "]"


def _tensor_str(self, indent):
    """The elements of a strided tensor in brackets, with `indent` characters before them on the first line."""
    if self.numel() == 0:
        return "[]"
    dtype, dim = self.dtype, self.dim()
    cut = self.numel() > PRINT_OPTS.threshold
    if cut and not PRINT_OPTS.edgeitems and dim:
        return "[...]"
    if dtype.is_floating_point and dtype.itemsize == 1:
        self = self.to(rustorch.float32)
    nested = _shown(self, cut)
    values = _flat(nested, dim)
    if dtype.is_complex:
        real = _Formatter([v.real for v in values], True)
        imag = _Formatter([v.imag for v in values], True)
        width = real.width + imag.width + 3

        def element(v):
            return _complex_text(v, real, imag)
    else:
        element = _Formatter(values, dtype.is_floating_point)
        width = element.width + 2
    if dim == 0:
        return element(nested)

    # Each level of brackets takes one column more.
    per_line = max(1, (PRINT_OPTS.linewidth - indent - dim + 1) // width)
    return _nested_text(nested, tuple(self.shape), indent, cut, element, per_line)


# ---- the whole text


def _add_suffixes(tensor_str, suffixes, indent, force_newline):
    """`tensor_str` with the suffixes and the closing bracket; what does not fit goes to a new line."""
    parts = [tensor_str]
    used = len(tensor_str) - tensor_str.rfind("\n") + 1
    for suffix in suffixes:
        if force_newline or used + len(suffix) + 2 > PRINT_OPTS.linewidth:
            parts.append(",\n" + " " * indent + suffix)
            used = indent + len(suffix)
            force_newline = False
        else:
            parts.append(", " + suffix)
            used += len(suffix) + 2
    return "".join(parts) + ")"


def _member(name, t, indent, is_meta):
    """`name=tensor(...)` for one of the tensors that a sparse tensor consists of."""
    prefix = f"{name}=tensor("
    text = "..." if is_meta else _tensor_str(t, indent + len(prefix))
    if is_meta or t.numel() == 0:
        text += f", size={tuple(t.shape)}"
    return prefix + text + ")"


_COMPRESSED = {
    "torch.sparse_csr": ("crow_indices", "col_indices"),
    "torch.sparse_bsr": ("crow_indices", "col_indices"),
    "torch.sparse_csc": ("ccol_indices", "row_indices"),
    "torch.sparse_bsc": ("ccol_indices", "row_indices"),
}


def _sparse_str(t, indent):
    """The members of a sparse tensor, or None of a strided one."""
    if t.is_sparse:
        members = [("indices", t._indices()), ("values", t._values())]
    elif str(t.layout) in _COMPRESSED:
        members = [(name, getattr(t, name)()) for name in _COMPRESSED[str(t.layout)]] + [("values", t.values())]
    else:
        return None
    return (",\n" + " " * indent).join(_member(name, m.detach(), indent, t.is_meta) for name, m in members)


def _has_default_dtype(dtype):
    default = rustorch.get_default_dtype()
    default_complex = rustorch.complex128 if default == rustorch.float64 else rustorch.complex64
    return dtype in (default, default_complex, rustorch.int64, rustorch.bool)


def _str(self, *, tensor_contents=None):
    """The text of a tensor: contents, then device, size, dtype, layout and gradient where they are not obvious."""
    plain = type(self) in (rustorch.Tensor, rustorch.nn.Parameter) or self.layout != rustorch.strided
    prefix = "tensor(" if plain else f"{type(self).__name__}("
    indent = len(prefix)
    t = self.detach()
    suffixes = []
    size = f"size={tuple(t.shape)}"
    contents = tensor_contents
    if t.device.type != "cpu":
        suffixes.append(f"device='{t.device}'")
    if t.is_gpu:
        t = t.cpu()
    strided = t.layout == rustorch.strided
    sparse = None if strided else _sparse_str(t, indent)
    if sparse is not None:
        suffixes.append(size)
        if not t.is_meta:
            suffixes.append(f"nnz={t._nnz()}")
        if not _has_default_dtype(t.dtype):
            suffixes.append(f"dtype={t.dtype}")
        contents = sparse if contents is None else contents
    elif t.is_meta:
        suffixes.append(size)
        if t.dtype != rustorch.get_default_dtype():
            suffixes.append(f"dtype={t.dtype}")
        contents = "..." if contents is None else contents
    elif t.numel() == 0:
        if t.dim() != 1:
            suffixes.append(size)
        if t.dtype != rustorch.get_default_dtype():
            suffixes.append(f"dtype={t.dtype}")
        contents = "[]" if contents is None else contents
    else:
        if not PRINT_OPTS.edgeitems:
            suffixes.append(size)
        if not _has_default_dtype(t.dtype):
            suffixes.append(f"dtype={t.dtype}")
        if contents is None:
            contents = _tensor_str(t if strided else t.to_dense(), indent)
    if not strided:
        suffixes.append(f"layout={t.layout}")
    suffixes += _grad_suffix(self)
    text = _add_suffixes(prefix + contents, suffixes, indent, force_newline=t.is_sparse)
    if isinstance(self, rustorch.nn.Parameter) and not plain:
        text = f"Parameter({text})"
    return text


def _grad_suffix(t):
    try:
        node = t.grad_fn
    except RuntimeError:
        # A view that was changed in place in a way that has no derivative.
        return ["grad_fn=<Invalid>"]
    if node is not None:
        return [f"grad_fn=<{node.name().rsplit('::', 1)[-1]}>"]
    return ["requires_grad=True"] if t.requires_grad else []
