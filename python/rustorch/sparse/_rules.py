"""What operations do with sparse tensors, by name. An operation without a rule raises.

Rules are written with dense operations on indices and values, which brings derivatives of any order.
"""

import functools

import rustorch
from rustorch import _C
from rustorch._C import Tensor
from rustorch.sparse import _arithmetic, _products, _reductions, _resize, _structure
from rustorch.sparse._in_place import check_out, check_unrecorded, same_layout, write_out
from rustorch.sparse._structure import distinct
from rustorch.sparse._tensor import SparseTensor, refuse

# Functions of one element that keep 0: they are applied to the values.
_KEEPING_ZERO = [
    "abs",
    "absolute",
    "arcsin",
    "arcsinh",
    "arctan",
    "arctanh",
    "asin",
    "asinh",
    "atan",
    "atanh",
    "ceil",
    "conj_physical",
    "deg2rad",
    "erf",
    "erfinv",
    "expm1",
    "fix",
    "floor",
    "frac",
    "isinf",
    "isnan",
    "isneginf",
    "isposinf",
    "log1p",
    "nan_to_num",
    "rad2deg",
    "relu",
    "round",
    "sgn",
    "sign",
    "signbit",
    "sin",
    "sinh",
    "sqrt",
    "square",
    "tan",
    "tanh",
    "trunc",
]
# Those that also add up: they need no distinct coordinates.
_LINEAR = [
    "bfloat16",
    "bool",
    "byte",
    "cdouble",
    "cfloat",
    "char",
    "double",
    "float",
    "half",
    "int",
    "long",
    "neg",
    "negative",
    "positive",
    "real",
    "short",
]


def _on_values(name, linear):
    method = getattr(Tensor, name)

    def rule(x, *args, **kwargs):
        x = x if linear and name != "bool" else distinct(x)
        return _C._sparse_with_values(x, method(_C._sparse_values(x), *args, **kwargs))

    return rule


def _in_place(name):
    method = getattr(Tensor, name)

    def rule(x, *args, **kwargs):
        check_unrecorded(name, x, *args)
        fresh = distinct(x.detach())
        method(fresh._values(), *args, **kwargs)
        _C._sparse_replace(x, fresh)
        return x

    return rule


# ---- copies


def _clone(x, *, memory_format=None):
    layout, indices, plain, _, coalesced = _C._sparse_parts(x)
    plain = None if plain is None else plain.clone()
    return _C._sparse_build(layout, indices.clone(), plain, _C._sparse_values(x).clone(), tuple(x.shape), coalesced)


def _to(x, *args, **kwargs):
    args = [a if not isinstance(a, SparseTensor) else a._values() for a in args]
    if not isinstance(x, SparseTensor):
        return x.to(*args, **kwargs)
    values = _C._sparse_values(x)
    moved = values.to(*args, **kwargs)
    if moved is values:
        return x
    if moved.is_meta and not values.is_meta:
        # Without data nobody could say which entries there are.
        return _zeros_like(x, dtype=moved.dtype, device="meta")
    layout, indices, plain, _, coalesced = _C._sparse_parts(x)
    indices, plain = (t if t is None else t.to(moved.device) for t in (indices, plain))
    return _C._sparse_build(layout, indices, plain, moved, tuple(x.shape), coalesced)


def _tensor(x, *, dtype=None, device=None, requires_grad=False, pin_memory=False):
    return _to(_clone(x.detach()), dtype=dtype, device=device).requires_grad_(requires_grad)


def _to_device(device):
    return lambda x, *args, **kwargs: _to(x, device)


def _copy_(x, source, non_blocking=False):
    if not isinstance(x, SparseTensor):
        return x.copy_(source.to_dense())
    check_unrecorded("copy_", x, source)
    if not isinstance(source, SparseTensor):
        raise RuntimeError(
            "copy_() between dense and sparse Tensors is not implemented!\n"
            "  copy_: expected a sparse source, but got a dense one. Convert it with to_sparse()."
        )
    copied = _to(_clone(source.detach()), x.dtype)
    _C._sparse_replace(x, same_layout(copied, x))
    return x


def _zero_(x):
    check_unrecorded("zero_", x)
    return _C._sparse_replace(x, _zeros_like(x)) or x


def _zeros_like(x, *, dtype=None, layout=None, device=None, pin_memory=False, requires_grad=False, memory_format=None):
    if layout is rustorch.strided:
        return rustorch.zeros(x.shape, dtype=dtype or x.dtype, device=device or x.device, requires_grad=requires_grad)
    name, indices, plain, values, _ = _C._sparse_parts(x)
    none = values[:0].detach().to(dtype=dtype or x.dtype, device=device or x.device)
    if plain is None:
        made = _C._sparse_build(name, indices[:, :0].to(none.device), None, none, tuple(x.shape), True)
    else:
        starts = rustorch.zeros_like(indices, device=none.device)
        made = _C._sparse_build(name, starts, plain[:0].to(none.device), none, tuple(x.shape), False)
    return made.requires_grad_(requires_grad)


# ---- comparisons


def _equal(a, b):
    if not isinstance(a, SparseTensor) or not isinstance(b, SparseTensor) or a.shape != b.shape:
        return False
    left, right = distinct(a), distinct(b)
    same = left.layout is right.layout and left._nnz() == right._nnz()
    parts = zip(_C._sparse_parts(left)[1:4], _C._sparse_parts(right)[1:4])
    return same and all(x is y is None or rustorch.equal(x, y) for x, y in parts)


def _dense(x):
    return x.to_dense() if isinstance(x, SparseTensor) else x


def _allclose(a, b, rtol=1e-05, atol=1e-08, equal_nan=False):
    return rustorch.allclose(_dense(a), _dense(b), rtol, atol, equal_nan)


def _any(x):
    return x._values().any()


RULES = {
    **{name: _on_values(name, False) for name in _KEEPING_ZERO},
    **{name: _on_values(name, True) for name in _LINEAR},
    **{f"{name}_": _in_place(f"{name}_") for name in _KEEPING_ZERO + ["neg"] if hasattr(Tensor, f"{name}_")},
    "__add__": _arithmetic.add,
    "__matmul__": _products.matmul,
    "__mul__": _arithmetic.mul,
    "__rmatmul__": lambda a, b: _products.matmul(b, a),
    "__sub__": _arithmetic.sub,
    "__truediv__": _arithmetic.div,
    "_fused_adagrad_": lambda *args, **kwargs: False,
    "_fused_adam_": lambda *args, **kwargs: False,
    "_fused_rmsprop_": lambda *args, **kwargs: False,
    "_fused_sgd_": lambda *args, **kwargs: False,
    "as_tensor": lambda x, dtype=None, device=None: _to(x, dtype=dtype, device=device),
    "tensor": _tensor,
    "add": _arithmetic.add,
    "add_": _arithmetic.add_,
    "addmm": _products.addmm,
    "allclose": _allclose,
    "any": _any,
    "bmm": _products.bmm,
    "cat": _structure.cat,
    "clone": _clone,
    "column_stack": _structure.column_stack,
    "concat": _structure.cat,
    "concatenate": _structure.cat,
    "conj": _products.conj,
    "contiguous": lambda x, **kwargs: x,
    "copy_": _copy_,
    "cpu": _to_device("cpu"),
    "cuda": _to_device("cuda"),
    "div": _arithmetic.div,
    "div_": _arithmetic.div_,
    "divide": _arithmetic.div,
    "dstack": _structure.dstack,
    "empty_like": _zeros_like,
    "equal": _equal,
    "float_power": lambda x, e: _arithmetic.pow(_to(x, rustorch.float64), e),
    "floor_divide": lambda a, b: _arithmetic.div(a, b, rounding_mode="floor"),
    "__floordiv__": lambda a, b: _arithmetic.div(a, b, rounding_mode="floor"),
    "hstack": _structure.hstack,
    "index_select": _structure.index_select,
    "linalg_vector_norm": _reductions.norm,
    "linear": _products.linear,
    "matmul": _products.matmul,
    "mm": _products.mm,
    "mul": _arithmetic.mul,
    "mul_": _arithmetic.mul_,
    "multiply": _arithmetic.mul,
    "mv": _products.mv,
    "narrow": _structure.narrow,
    "norm": _reductions.norm,
    "permute": _structure.permute,
    "pow": _arithmetic.pow,
    "flatten": _structure.reshape,
    "reshape": _structure.reshape,
    "resize_as_": _resize.resize_as_,
    "row_stack": _structure.vstack,
    "select": _structure.select,
    "stack": _structure.stack,
    "sub": _arithmetic.sub,
    "sub_": _arithmetic.sub_,
    "subtract": _arithmetic.sub,
    "sum": _reductions.sum,
    "swapaxes": _structure.transpose,
    "swapaxes_": _resize.transpose_,
    "swapdims": _structure.transpose,
    "swapdims_": _resize.transpose_,
    "t": _structure.t,
    "t_": _resize.t_,
    "to": _to,
    "transpose": _structure.transpose,
    "transpose_": _resize.transpose_,
    "true_divide": _arithmetic.div,
    "type_as": lambda x, other: _to(x, other.dtype) if isinstance(x, SparseTensor) else x.to(other.dtype),
    "unbind": _structure.unbind,
    "unsqueeze": _structure.unsqueeze,
    "vstack": _structure.vstack,
    "zero_": _zero_,
    "zeros_like": _zeros_like,
}


# What takes out=, as torch's.
_WITH_OUT = {
    *set(_KEEPING_ZERO) - {"isinf", "isnan", "relu"},
    *("add", "addmm", "bmm", "div", "divide", "float_power", "floor_divide", "matmul", "mm", "mul", "multiply"),
    *("neg", "negative", "pow", "sub", "subtract", "true_divide"),
}

# What concerns the handle and its place in the graph alone.
_OF_ANY_TENSOR = set(
    [
        "__len__",
        "detach",
        "detach_",
        "dim",
        "element_size",
        "is_complex",
        "is_conj",
        "is_floating_point",
        "is_inference",
        "is_neg",
        "is_same_size",
        "is_set_to",
        "is_signed",
        "ndimension",
        "nelement",
        "numel",
        "requires_grad_",
        "retain_grad",
        "size",
        "storage_offset",
        "stride",
    ]
)
_ATTRIBUTES = set(
    [
        "_base",
        "_version",
        "data",
        "dtype",
        "grad",
        "grad_fn",
        "is_leaf",
        "is_mkldnn",
        "is_mps",
        "is_nested",
        "is_quantized",
        "is_vulkan",
        "is_xpu",
        "itemsize",
        "name",
        "ndim",
        "output_nr",
        "requires_grad",
        "retains_grad",
        "shape",
    ]
)


def call(function, args, kwargs):
    """What an operation gives that a sparse tensor was given to."""
    name, rule = _rule_for(function)
    if not kwargs:
        return rule(*args)
    out = kwargs.get("out")
    if out is not None and name not in _WITH_OUT:
        raise NotImplementedError(
            f"{name}: expected no out beside a sparse tensor, but got one. Assign the result instead."
        )
    # Keywords are torch's: those of arguments with a position become positions.
    from rustorch.func._rules import positional

    kwargs = {key: value for key, value in kwargs.items() if key != "out"}
    args, kwargs = positional(name.rstrip("_") if name in RULES else name, args, kwargs)
    check_out(name, out, args)
    return write_out(name, out, rule(*args, **kwargs))


@functools.lru_cache(1024)
def _rule_for(function):
    """The name of an operation, and what it does with sparse tensors."""
    name = getattr(function, "__name__", str(function))
    if name in ("__get__", "__set__", "__delete__"):
        attribute = function.__self__.__name__
        if attribute not in _ATTRIBUTES:
            raise refuse(attribute)
        return name, _natively(function)
    if name in _OF_ANY_TENSOR:
        return name, _natively(function)
    # A function written in Python does with a sparse tensor what it does with any.
    rule = RULES.get(name) or getattr(function, "__wrapped__", None)
    if rule is None:
        raise refuse(name)
    return name, rule


def _natively(function):
    return lambda *args, **kwargs: _C._disabled_torch_function_impl(function, (), args, kwargs)
