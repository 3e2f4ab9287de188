"""Names for the types of arguments, for annotations."""

import builtins
import os
from collections.abc import Sequence
from typing import Any, Union

import rustorch
from rustorch import strided as strided

__all__ = ["Device", "FileLike", "Number", "Storage"]

Tensor = rustorch.Tensor
TensorOrTensors = rustorch.Tensor | Sequence[rustorch.Tensor]
_TensorOrTensors = TensorOrTensors
_int, _float, _bool, _complex = builtins.int, builtins.float, builtins.bool, builtins.complex
_size = Union[rustorch.Size, list[_int], tuple[_int, ...]]  # noqa: UP007
_symsize = _size
_dtype, _layout, _device = rustorch.dtype, rustorch.layout, rustorch.device
_dispatchkey = str
Number = _int | _float | _bool
_Number = (_int, _float, _bool)
Device = _device | str | _int | None
FileLike = str | os.PathLike | Any
Storage = rustorch.UntypedStorage | rustorch.TypedStorage
IntLikeType, FloatLikeType, BoolLikeType = _int, _float, _bool
