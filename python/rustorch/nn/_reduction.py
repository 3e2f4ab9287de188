"""The `reduction` argument of losses, and the two deprecated arguments it replaces."""

import warnings

_ENUM = {"none": 0, "mean": 1, "elementwise_mean": 1, "sum": 2}


def get_enum(reduction):
    """The number under which the core knows a reduction."""
    if reduction not in _ENUM:
        raise ValueError(f"{reduction} is not a valid value for reduction")
    if reduction == "elementwise_mean":
        warnings.warn("reduction='elementwise_mean' is deprecated. Please use reduction='mean' instead.", stacklevel=2)
    return _ENUM[reduction]


def legacy_get_string(size_average, reduce, emit_warning=True, stacklevel=3):
    """The reduction that the arguments size_average and reduce stand for."""
    if reduce is not None and not reduce:
        reduction = "none"
    else:
        reduction = "mean" if size_average is None or size_average else "sum"
    if emit_warning:
        warnings.warn(
            f"size_average and reduce args will be deprecated, please use reduction='{reduction}' instead.",
            stacklevel=stacklevel,
        )
    return reduction


def legacy_get_enum(size_average, reduce, emit_warning=True):
    """The number of the reduction that the arguments size_average and reduce stand for."""
    return get_enum(legacy_get_string(size_average, reduce, emit_warning, stacklevel=4))


def choose(size_average, reduce, reduction):
    """The number of `reduction`, unless one of the deprecated arguments is given."""
    if size_average is None and reduce is None:
        return get_enum(reduction)
    return get_enum(legacy_get_string(size_average, reduce, stacklevel=4))
