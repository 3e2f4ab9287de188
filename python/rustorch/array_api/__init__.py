"""The Python array API standard 2024.12 on tensors of rustorch.

Its names, signatures and dtype rules; the arrays are ordinary tensors, and gradients flow through. Programs written for
the standard get this namespace from `Tensor.__array_namespace__()`.

Example:
    >>> from rustorch import array_api as xp
    >>> x = xp.reshape(xp.arange(6, dtype=xp.uint8), (2, 3))
    >>> xp.sum(x, axis=(0, 1))
    tensor(15, dtype=torch.uint64)
    >>> x.__array_namespace__() is xp
    True

Note:  Functions follow the standard where torch differs: arrays without dims take part in promotion, unsigned sums are
    unsigned, `sign` keeps NaN. Operators and methods of tensors are torch's.
Source:  data-apis.org/array-api/2024.12
"""

from importlib.util import find_spec as _find_spec
from math import e as e, inf as inf, nan as nan, pi as pi

from rustorch import (
    bool as bool,
    complex64 as complex64,
    complex128 as complex128,
    float32 as float32,
    float64 as float64,
    int8 as int8,
    int16 as int16,
    int32 as int32,
    int64 as int64,
    uint8 as uint8,
    uint16 as uint16,
    uint32 as uint32,
    uint64 as uint64,
)
from rustorch.array_api import linalg as linalg
from rustorch.array_api._creation import *
from rustorch.array_api._data_types import *
from rustorch.array_api._elementwise import *
from rustorch.array_api._indexing import *
from rustorch.array_api._info import *
from rustorch.array_api._linear_algebra import *
from rustorch.array_api._manipulation import *
from rustorch.array_api._searching import *
from rustorch.array_api._sets import *
from rustorch.array_api._sorting import *
from rustorch.array_api._statistics import *
from rustorch.array_api._utility import *

# An extension that is not complete has to be absent.
if _find_spec("rustorch.fft") is not None:
    from rustorch.array_api import _fft as fft

__array_api_version__ = "2024.12"
newaxis = None

_VERSIONS = ("2021.12", "2022.12", "2023.12", "2024.12")
