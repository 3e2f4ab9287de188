"""rustorch: tensors, autograd and neural networks with PyTorch's names, on a Rust core.

Example:
    >>> import rustorch as torch
    >>> x = torch.ones(3, requires_grad=True)
    >>> (x * x).sum().backward()
    >>> x.grad
    tensor([2., 2., 2.])
"""

import builtins as _builtins
import math as _math

from rustorch import _C
from rustorch._size import Size as Size
from rustorch import return_types as return_types

_C._set_classes(Size, return_types._make)

for _name in _C._function_names:
    globals()[_name] = getattr(_C, _name)

from rustorch._C import *  # noqa: E402, F403
from rustorch._C import (  # noqa: E402
    DisableTorchFunction as DisableTorchFunction,
    DisableTorchFunctionSubclass as DisableTorchFunctionSubclass,
    OutOfMemoryError as OutOfMemoryError,
    Tensor as Tensor,
    device as device,
    dtype as dtype,
    layout as layout,
    memory_format as memory_format,
)

__version__ = "0.1.0"

inf, nan, pi, e = _math.inf, _math.nan, _math.pi, _math.e
newaxis = None
float = float32  # noqa: F405
double = float64  # noqa: F405
half = float16  # noqa: F405
short, int, long = int16, int32, int64  # noqa: F405
cfloat, cdouble = complex64, complex128  # noqa: F405

from rustorch import _tensor as _tensor  # noqa: E402
from rustorch import storage as storage  # noqa: E402
from rustorch._legacy import set_default_tensor_type as set_default_tensor_type  # noqa: E402
from rustorch._legacy import classes as _classes  # noqa: E402
from rustorch.storage import TypedStorage as TypedStorage, UntypedStorage as UntypedStorage  # noqa: E402
from rustorch._tensor_str import set_printoptions as set_printoptions  # noqa: E402
from rustorch.functional import *  # noqa: E402, F403
from rustorch.random import (  # noqa: E402
    Generator as Generator,
    default_generator as default_generator,
    fork_rng as fork_rng,
    get_rng_state as get_rng_state,
    initial_seed as initial_seed,
    manual_seed as manual_seed,
    seed as seed,
    set_rng_state as set_rng_state,
)
from rustorch import autograd as autograd  # noqa: E402
from rustorch.autograd.grad_mode import (  # noqa: E402
    enable_grad as enable_grad,
    inference_mode as inference_mode,
    no_grad as no_grad,
    set_grad_enabled as set_grad_enabled,
)
from rustorch import overrides as overrides  # noqa: E402
from rustorch import nn as nn  # noqa: E402
from rustorch import optim as optim  # noqa: E402
from rustorch import utils as utils  # noqa: E402

globals().update(_classes)
_C._set_parameter_type(nn.Parameter)

_LAZY = {"testing", "linalg", "special", "fft", "types"}


def __getattr__(name):
    if name in _LAZY:
        import importlib

        return importlib.import_module(f"rustorch.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
