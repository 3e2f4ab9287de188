"""What operations do with sparse tensors, by name. An operation without a rule raises.

Rules are written with dense operations on indices and values, which brings derivatives of any order.
"""

import rustorch
from rustorch import _C
from rustorch._C import Tensor
from rustorch.sparse import _products, _reductions, _structure
from rustorch.sparse._create import compress
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
        x = x if linear and name != "bool" else _distinct(x)
        return _C._sparse_with_values(x, method(_C._sparse_values(x), *args, **kwargs))

    return rule


def _in_place(name):
    method = getattr(Tensor, name)

    def rule(x, *args, **kwargs):
        _check_unrecorded(name, x, *args)
        distinct = _distinct(x.detach())
        method(distinct._values(), *args, **kwargs)
        _C._sparse_replace(x, distinct)
        return x

    return rule


def _check_unrecorded(name, *operands):
    if rustorch.is_grad_enabled() and any(isinstance(x, Tensor) and x.requires_grad for x in operands):
        raise RuntimeError(
            f"{name}: expected tensors that require no grad beside a sparse one that changes in place, but got one that "
            f"does. Use {name.rstrip('_')}()."
        )


def _put(x, result):
    """Puts the parts of a result in the place of those of `x`."""
    if not rustorch.can_cast(result.dtype, x.dtype):
        raise RuntimeError(
            f"result type {_name(result.dtype)} can't be cast to the desired output type {_name(x.dtype)}\n"
            f"  expected a result of dtype {x.dtype}, but got {result.dtype}. Convert the tensor first."
        )
    result = result.detach()
    result = result if result.dtype is x.dtype else _to(result, x.dtype)
    _C._sparse_replace(x, _same_layout(_C._sparse_to_coo(result), x))
    return x


def _name(dtype):
    return rustorch._legacy.type_name(dtype).removeprefix("torch.").removesuffix("Tensor")


def _touched(x):
    """`x`, whose values were changed: counts the change."""
    _C._sparse_replace(x, x)
    return x


def _distinct(x):
    return _C._sparse_coalesce(x) if x.is_sparse else x


def _is_number(x):
    return not isinstance(x, Tensor) or (not isinstance(x, SparseTensor) and x.dim() == 0)


def _same_layout(result, x):
    return result if x.is_sparse else compress(result, str(x.layout).removeprefix("torch."))


# ---- arithmetic


def _mul(a, b):
    if not isinstance(a, SparseTensor):
        a, b = b, a
    if _is_number(b):
        return _C._sparse_with_values(a, _C._sparse_values(a) * b)
    if not isinstance(b, SparseTensor):
        # A dense tensor is read at the places of the sparse one.
        if b.dim() > a.dim():
            raise RuntimeError(
                f"mul: expected a dense tensor that broadcasts to the sparse one's shape {list(a.shape)}, but got "
                f"{list(b.shape)}. Use to_dense() first."
            )
        at = b.expand(a.shape)
        return _C._sparse_with_values(a, _C._sparse_values(a) * _C._sparse_at_places(at, a))
    if a.shape != b.shape:
        raise RuntimeError(
            f"mul(sparse, sparse): expected tensors of one shape, but got {list(a.shape)} and {list(b.shape)}. "
            "Check the shapes."
        )
    left, right = _C._sparse_coalesce(a), _C._sparse_coalesce(b)
    pattern = _C._sparse_with_values(right, rustorch.ones_like(right._values(), dtype=rustorch.bool))
    both = _C._sparse_at_places(pattern, left)
    both = (both.flatten(1).any(1) if both.dim() > 1 else both).nonzero()[:, 0]
    values = _C._sparse_values(left) * _C._sparse_at_places(right, left)
    indices = left._indices()[:, both]
    product = _structure.build(indices, values.index_select(0, both), a.shape, True)
    return _same_layout(product, a)


def _mul_(a, b):
    if not isinstance(a, SparseTensor):
        return a.mul_(b.to_dense())
    _check_unrecorded("mul_", a, b)
    if _is_number(b):
        a._values().mul_(b)
        return _touched(a)
    return _put(a, _mul(a, b))


def _check_divisor(a, b):
    if not isinstance(a, SparseTensor) or not _is_number(b):
        shape = list(b.shape) if isinstance(b, Tensor) else []
        raise RuntimeError(
            f"Sparse division requires a scalar or zero-dim dense tensor divisor (got shape {shape} for divisor)\n"
            f"  div: expected a sparse tensor divided by a number, but got a divisor of shape {shape}. Multiply by its "
            "reciprocal, or use to_dense()."
        )


def _div(a, b, *, rounding_mode=None):
    _check_divisor(a, b)
    a = a if rounding_mode is None else _distinct(a)
    return _C._sparse_with_values(a, rustorch.div(_C._sparse_values(a), b, rounding_mode=rounding_mode))


def _div_(a, b, *, rounding_mode=None):
    _check_divisor(a, b)
    _check_unrecorded("div_", a, b)
    a._values().div_(b, rounding_mode=rounding_mode)
    return _touched(a)


def _add(a, b, *, alpha=1):
    alpha = alpha.to_dense().item() if isinstance(alpha, SparseTensor) else alpha
    if not (isinstance(a, SparseTensor) or isinstance(b, SparseTensor)):
        return rustorch.add(a, b, alpha=alpha)
    if not isinstance(a, SparseTensor):
        if not isinstance(a, Tensor):
            a, b = b, a
        else:
            return _add_to_dense(a, b, alpha)
    if not isinstance(b, SparseTensor):
        if isinstance(b, Tensor) and not a.is_sparse and b.shape == a.shape:
            return rustorch.add(a.to_dense(), b, alpha=alpha)
        raise RuntimeError(
            "add(sparse, dense) is not supported. Use add(dense, sparse) instead.\n"
            "  add: expected two sparse tensors, or a dense one on the left, but got a sparse one on the left. Turn "
            "them round."
        )
    if a.shape != b.shape or a.sparse_dim() != b.sparse_dim():
        raise RuntimeError(
            f"add: expected sizes of 'self' and 'other' to match, but {list(a.shape)} != {list(b.shape)}\n"
            f"  add: expected sparse tensors of one shape, but got {list(a.shape)} and {list(b.shape)}. Check them."
        )
    (at, x, first), (bt, y, second) = _structure.coo(a), _structure.coo(b)
    dtype = rustorch.promote_types(x.dtype, y.dtype)
    if dtype is rustorch.bool and alpha != 1:
        raise RuntimeError(
            "Subtraction, the `-` operator, with two bool tensors is not supported. Use the `^` or `logical_xor()` "
            "operator instead.\n  sub: expected numbers, but got truth values. Convert them with .int()."
        )
    values = rustorch.cat([x.to(dtype), (y if alpha == 1 else y * alpha).to(dtype)])
    total = _structure.build(rustorch.cat([at, bt], 1), values, a.shape)
    if not a.is_sparse:
        return _same_layout(total, a)
    return total.coalesce() if first and second else total


def _places(x):
    """Where entries lie in the flattened dims with coordinates, and the values."""
    indices, values, _ = _structure.coo(x)
    places = indices[0]
    for d in range(1, indices.size(0)):
        places = places * x.size(d) + indices[d]
    return places, values


def _add_to_dense(a, b, alpha):
    dtype = rustorch.promote_types(a.dtype, b.dtype)
    if a.shape != b.shape or b.sparse_dim() == 0 or a.dtype is not dtype or dtype is rustorch.bool:
        return rustorch.add(a, b.to_dense(), alpha=alpha)
    # One dense tensor, not two.
    places, values = _places(b)
    flat = a.reshape(-1, *a.shape[b.sparse_dim() :])
    return flat.index_add(0, places, values.to(dtype), alpha=alpha).reshape(a.shape)


def _sub(a, b, *, alpha=1):
    return _add(a, b, alpha=-alpha)


def _add_(a, b, *, alpha=1):
    if isinstance(a, SparseTensor):
        _check_unrecorded("add_", a, b)
        return _put(a, _add(a, b, alpha=alpha))
    if a.shape != b.shape or not a.is_contiguous() or b._values().dtype is not a.dtype:
        return a.add_(b.to_dense(), alpha=alpha)
    if b.sparse_dim() == 0 or (a.requires_grad and a.is_leaf):
        # The dense form has the words for a leaf.
        return a.add_(b.to_dense(), alpha=alpha)
    # Only the rows that are named are touched.
    places, values = _places(b)
    a.view(-1, *a.shape[b.sparse_dim() :]).index_add_(0, places, values, alpha=alpha)
    return a


def _sub_(a, b, *, alpha=1):
    return _add_(a, b, alpha=-alpha)


def _pow(x, exponent):
    if not isinstance(x, SparseTensor) or not _is_number(exponent) or exponent <= 0:
        raise RuntimeError("pow: expected a sparse tensor and a positive number, but got others. Use to_dense() first.")
    x = _distinct(x)
    return _C._sparse_with_values(x, _C._sparse_values(x) ** exponent)


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
    _check_unrecorded("copy_", x, source)
    if not isinstance(source, SparseTensor):
        raise RuntimeError(
            "copy_() between dense and sparse Tensors is not implemented!\n"
            "  copy_: expected a sparse source, but got a dense one. Convert it with to_sparse()."
        )
    copied = _to(_clone(source.detach()), x.dtype)
    _C._sparse_replace(x, _same_layout(_C._sparse_to_coo(copied), x))
    return x


def _zero_(x):
    _check_unrecorded("zero_", x)
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
    left, right = _distinct(a), _distinct(b)
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
    "__add__": _add,
    "__matmul__": _products.matmul,
    "__mul__": _mul,
    "__rmatmul__": lambda a, b: _products.matmul(b, a),
    "__sub__": _sub,
    "__truediv__": _div,
    "_fused_adagrad_": lambda *args, **kwargs: False,
    "_fused_adam_": lambda *args, **kwargs: False,
    "_fused_rmsprop_": lambda *args, **kwargs: False,
    "_fused_sgd_": lambda *args, **kwargs: False,
    "as_tensor": lambda x, dtype=None, device=None: _to(x, dtype=dtype, device=device),
    "tensor": _tensor,
    "add": _add,
    "add_": _add_,
    "addmm": _products.addmm,
    "allclose": _allclose,
    "any": _any,
    "bmm": _products.bmm,
    "cat": _structure.cat,
    "clone": _clone,
    "concat": _structure.cat,
    "concatenate": _structure.cat,
    "conj": _products.conj,
    "contiguous": lambda x, **kwargs: x,
    "copy_": _copy_,
    "cpu": _to_device("cpu"),
    "cuda": _to_device("cuda"),
    "div": _div,
    "div_": _div_,
    "divide": _div,
    "empty_like": _zeros_like,
    "equal": _equal,
    "float_power": lambda x, e: _pow(_to(x, rustorch.float64), e),
    "floor_divide": lambda a, b: _div(a, b, rounding_mode="floor"),
    "__floordiv__": lambda a, b: _div(a, b, rounding_mode="floor"),
    "index_select": _structure.index_select,
    "linalg_vector_norm": _reductions.norm,
    "linear": _products.linear,
    "matmul": _products.matmul,
    "mm": _products.mm,
    "mul": _mul,
    "mul_": _mul_,
    "multiply": _mul,
    "mv": _products.mv,
    "narrow": _structure.narrow,
    "norm": _reductions.norm,
    "permute": _structure.permute,
    "pow": _pow,
    "flatten": _structure.reshape,
    "reshape": _structure.reshape,
    "select": _structure.select,
    "stack": _structure.stack,
    "sub": _sub,
    "sub_": _sub_,
    "subtract": _sub,
    "sum": _reductions.sum,
    "swapaxes": _structure.transpose,
    "swapdims": _structure.transpose,
    "t": _structure.t,
    "to": _to,
    "transpose": _structure.transpose,
    "true_divide": _div,
    "type_as": lambda x, other: _to(x, other.dtype) if isinstance(x, SparseTensor) else x.to(other.dtype),
    "unbind": _structure.unbind,
    "unsqueeze": _structure.unsqueeze,
    "zero_": _zero_,
    "zeros_like": _zeros_like,
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
    name = getattr(function, "__name__", str(function))
    rule = _rule_for(function, name)
    if not kwargs:
        return rule(*args)
    if kwargs.get("out") is not None:
        raise NotImplementedError(
            f"{name}: expected no out beside a sparse tensor, but got one. Assign the result instead."
        )
    # Keywords are torch's: those of arguments with a position become positions.
    from rustorch.func._rules import positional

    args, kwargs = positional(name.rstrip("_") if name in RULES else name, args, kwargs)
    kwargs.pop("out", None)
    return rule(*args, **kwargs)


def _rule_for(function, name):
    if name in ("__get__", "__set__", "__delete__"):
        name = function.__self__.__name__
        if name not in _ATTRIBUTES:
            raise refuse(name)
        return _natively(function)
    if name in _OF_ANY_TENSOR:
        return _natively(function)
    # A function written in Python does with a sparse tensor what it does with any.
    rule = RULES.get(name) or getattr(function, "__wrapped__", None)
    if rule is None:
        raise refuse(name)
    return rule


def _natively(function):
    def call(*args, **kwargs):
        with _C.DisableTorchFunctionSubclass():
            return function(*args, **kwargs)

    return call
