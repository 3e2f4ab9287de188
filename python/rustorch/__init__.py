"""rustorch: tensors, autograd and neural networks with PyTorch's names, on a Rust core.

Example:
    >>> import rustorch as torch
    >>> x = torch.ones(3, requires_grad=True)
    >>> (x * x).sum().backward()
    >>> x.grad
    tensor([2., 2., 2.])
"""

import math as _math

from rustorch import _C
from rustorch import return_types as return_types
from rustorch._size import Size as Size

_C._set_classes(Size, return_types._make)

from rustorch._C import *  # noqa: E402
from rustorch._C import (  # noqa: E402
    DisableTorchFunction as DisableTorchFunction,
    DisableTorchFunctionSubclass as DisableTorchFunctionSubclass,
    OutOfMemoryError as OutOfMemoryError,
    Tensor as Tensor,
    UntypedStorage as UntypedStorage,
    device as device,
    dtype as dtype,
    layout as layout,
    memory_format as memory_format,
)

for _name in _C._function_names:
    globals()[_name] = getattr(_C, _name)

from rustorch.torch_version import __version__ as __version__  # noqa: E402

inf, nan, pi, e = _math.inf, _math.nan, _math.pi, _math.e
newaxis = None
float = float32  # noqa: F405
double = float64  # noqa: F405
half = float16  # noqa: F405
short, int, long = int16, int32, int64  # noqa: F405
cfloat, cdouble = complex64, complex128  # noqa: F405
legacy_contiguous_format = contiguous_format  # noqa: F405

from rustorch import _core_names as _core_names, _tensor as _tensor, overrides as overrides, storage as storage  # noqa: E402
from rustorch._legacy import classes as _classes, set_default_tensor_type as set_default_tensor_type  # noqa: E402
from rustorch._interop import *  # noqa: E402
from rustorch._lowrank import pca_lowrank as pca_lowrank, svd_lowrank as svd_lowrank  # noqa: E402
from rustorch._switches import *  # noqa: E402
from rustorch._tensor_str import set_printoptions as set_printoptions  # noqa: E402
from rustorch._type_info import finfo as finfo, iinfo as iinfo  # noqa: E402
from rustorch.autograd.grad_mode import (  # noqa: E402
    enable_grad as enable_grad,
    inference_mode as inference_mode,
    no_grad as no_grad,
    set_grad_enabled as set_grad_enabled,
)
from rustorch.compiler import compile as compile  # noqa: E402
from rustorch.functional import *  # noqa: E402
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
from rustorch.storage import TypedStorage as TypedStorage  # noqa: E402

globals().update(_classes)
globals().update(storage.classes)
has_cuda = has_mps = has_mkl = has_mkldnn = has_openmp = False
has_lapack = True


class AcceleratorError(RuntimeError):
    """An error of an accelerator; never raised, as there is none."""


class SymInt:
    """torch's symbolic integer: sizes are always plain ints here, so that nothing is an instance."""


class SymFloat:
    """torch's symbolic float; nothing is an instance."""


class SymBool:
    """torch's symbolic bool; nothing is an instance."""


# Loaded when first named, so that importing the package stays quick.
_MODULES = {
    *("__config__", "_dynamo", "accelerator", "amp", "array_api", "autograd", "backends", "compiler", "cpu", "cuda"),
    *(
        "distributed",
        "distributions",
        "export",
        "fft",
        "func",
        "futures",
        "fx",
        "gpu",
        "interop",
        "jit",
        "linalg",
        "masked",
        "mps",
        "mtia",
    ),
    *("multiprocessing", "nested", "nn", "onnx", "optim", "profiler", "quasirandom", "random", "serialization"),
    *("signal", "sparse", "special", "testing", "types", "utils", "version", "xpu"),
}
# Names of modules that are not loaded above.
_NAMES = {
    "Event": "_streams",
    "Stream": "_streams",
    "anomaly_mode": "autograd",
    "autocast": "amp",
    "dsmm": "sparse",
    "from_dlpack": "utils.dlpack",
    "get_device_module": "_devices",
    "hsmm": "sparse",
    "hspmm": "sparse",
    "load": "serialization",
    "saddmm": "sparse",
    "save": "serialization",
    "smm": "sparse",
    "sparse_compressed_tensor": "sparse",
    "sparse_coo_tensor": "sparse",
    "sparse_csc_tensor": "sparse",
    "sparse_csr_tensor": "sparse",
    "spmm": "sparse",
    "sspaddmm": "sparse",
    "to_dlpack": "utils.dlpack",
    "vmap": "func",
}


def _load(name):
    from importlib import import_module

    # torch holds itself, and some programs say torch.torch.
    if name == "torch":
        return import_module(__name__)
    if name in _MODULES:
        place = f"{__package__}.{name}"
    elif name in _NAMES:
        place = f"{__package__}.{_NAMES[name]}"
    elif name.startswith("_foreach_"):
        place = f"{__package__}._foreach"
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        module = import_module(place)
    except ModuleNotFoundError as error:
        if error.name != place:
            raise
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}") from None
    value = module if name in _MODULES else getattr(module, name)
    globals()[name] = value
    return value


# Type checkers read the names instead, so that they see their types and report those that do not exist.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from rustorch import (
        __config__ as __config__,
        accelerator as accelerator,
        array_api as array_api,
        autograd as autograd,
        backends as backends,
        compiler as compiler,
        cpu as cpu,
        cuda as cuda,
        distributions as distributions,
        fft as fft,
        func as func,
        gpu as gpu,
        interop as interop,
        jit as jit,
        linalg as linalg,
        mps as mps,
        mtia as mtia,
        nn as nn,
        optim as optim,
        random as random,
        sparse as sparse,
        special as special,
        testing as testing,
        types as types,
        utils as utils,
        version as version,
        xpu as xpu,
    )
    from rustorch._streams import Event as Event, Stream as Stream
    from rustorch.func import vmap as vmap
    from rustorch.sparse import (
        dsmm as dsmm,
        hsmm as hsmm,
        hspmm as hspmm,
        saddmm as saddmm,
        smm as smm,
        sparse_compressed_tensor as sparse_compressed_tensor,
        sparse_coo_tensor as sparse_coo_tensor,
        sparse_csc_tensor as sparse_csc_tensor,
        sparse_csr_tensor as sparse_csr_tensor,
        spmm as spmm,
        sspaddmm as sspaddmm,
    )
    from rustorch.utils.dlpack import from_dlpack as from_dlpack, to_dlpack as to_dlpack
else:
    __getattr__ = _load


def __dir__():
    return sorted({*globals(), *_MODULES, *_NAMES})
