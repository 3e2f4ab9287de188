"""`torch._foreach_add` and its kin: a method of Tensor on every entry of a list.

Further arguments are lists, with one entry for each tensor, or one value for all. Functions that change the tensors in
place return the list, the others a tuple.

Example:
    >>> torch._foreach_mul([torch.ones(1), torch.ones(2)], [2, 3])
    (tensor([2.]), tensor([3., 3.]))
"""

from itertools import repeat

import rustorch
from rustorch import Tensor

_NAMES = (
    "abs acos add addcdiv addcmul asin atan ceil clamp_max clamp_min cos cosh div erf erfc exp expm1 floor frac lerp "
    "lgamma log log10 log1p log2 mul neg pow reciprocal round rsqrt sigmoid sign sin sinh sqrt sub tan tanh trunc"
)
_WITH_VALUE = ("addcdiv", "addcmul")


def _column(count, arg, fill):
    """One entry of an argument for each tensor."""
    if isinstance(arg, Tensor) and fill and arg.dim() == 1:
        arg = arg.tolist()
    if not isinstance(arg, (list, tuple)):
        return repeat(arg)
    if len(arg) != count:
        raise RuntimeError(f"Tensor lists must have the same number of tensors, got {count} and {len(arg)}")
    return arg


def _foreach(name, method, in_place=False):
    with_value = name.rstrip("_") in _WITH_VALUE

    def foreach(self, *args, **kwargs):
        count = len(self) if isinstance(self, (list, tuple)) else len(args[0])
        if not count:
            raise RuntimeError("Tensor list must have at least one tensor.")
        rows = zip(*(_column(count, arg, with_value and i == 3) for i, arg in enumerate((self, *args))))
        if with_value and len(args) == 3:
            results = [method(x, a, b, value=value, **kwargs) for x, a, b, value in rows]
        else:
            results = [method(*row, **kwargs) for row in rows]
        return self if in_place else tuple(results)

    foreach.__name__ = foreach.__qualname__ = f"_foreach_{name}"
    return foreach


def _norm(self, ord=2, dtype=None):
    return rustorch.linalg.vector_norm(self, ord, dtype=dtype)


def _powsum(self, ord=2, dtype=None):
    return self.abs().pow(ord).sum(dtype=dtype)


_METHODS = {
    **{name: getattr(rustorch, name) for name in _NAMES.split()},
    **{f"{name}_": getattr(Tensor, f"{name}_") for name in _NAMES.split()},
    **{"maximum": Tensor.clamp_min, "maximum_": Tensor.clamp_min_},
    **{"minimum": Tensor.clamp_max, "minimum_": Tensor.clamp_max_},
    **{"clone": Tensor.clone, "copy_": Tensor.copy_, "zero_": Tensor.zero_},
    **{"max": Tensor.max, "mm": Tensor.mm, "norm": _norm, "powsum": _powsum},
}
for _name, _method in _METHODS.items():
    globals()[f"_foreach_{_name}"] = _foreach(_name, _method, _name.endswith("_"))
