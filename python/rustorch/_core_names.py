"""Names that programs look for in `torch._C`; the core defines what needs to be there."""

import sys

import rustorch
from rustorch import _C


def _infer_size(a, b):
    """The shape of two that are broadcast."""
    return rustorch.broadcast_shapes(a, b)


def _add_docstr(obj, doc):
    """`obj` with a docstring."""
    obj.__doc__ = doc
    return obj


def _log_api_usage_once(event):
    """Nothing is logged."""


def _get_tracing_state():
    """None: nothing is traced."""


_C.Size = rustorch.Size
_C.TensorBase = _C._TensorBase = rustorch.Tensor
_C._infer_size, _C._add_docstr = _infer_size, _add_docstr
_C._log_api_usage_once, _C._get_tracing_state = _log_api_usage_once, _get_tracing_state
_C.__path__ = []  # so that `from rustorch._C._nn import gelu` is an import
sys.modules[f"{_C.__name__}._nn"] = _C._nn
