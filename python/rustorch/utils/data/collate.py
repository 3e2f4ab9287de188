"""Joining samples into a batch."""

import copy
import re
from collections.abc import Mapping, MutableMapping, MutableSequence, Sequence

import rustorch
from rustorch import Tensor

__all__ = ["collate", "default_collate", "default_collate_fn_map", "default_convert"]

default_collate_err_msg_format = (
    "default_collate: batch must contain tensors, numpy arrays, numbers, dicts or lists; found {}"
)

np_str_obj_array_pattern = re.compile(r"[SaUO]")


def _is_text_array(value):
    return value.dtype.kind in "SUO"


def default_convert(data):
    """NumPy arrays and numbers in `data` as tensors; containers are rebuilt, everything else stays.

    Args:
        data (object): a sample.
    Example:
        >>> import numpy
        >>> torch.utils.data.default_convert({"x": numpy.ones(2), "name": "a"})
        {'x': tensor([1., 1.], dtype=torch.float64), 'name': 'a'}
    """
    kind = type(data)
    if isinstance(data, Tensor):
        return data
    if kind.__module__ == "numpy" and kind.__name__ not in ("str_", "string_", "bytes_"):
        if kind.__name__ == "ndarray" and _is_text_array(data):
            return data
        return rustorch.as_tensor(data)
    if isinstance(data, Mapping):
        return _like_mapping(data, {key: default_convert(value) for key, value in data.items()})
    if isinstance(data, tuple):
        parts = [default_convert(d) for d in data]
        return kind(*parts) if hasattr(data, "_fields") else parts
    if isinstance(data, Sequence) and not isinstance(data, (str, bytes)):
        return _like_sequence(data, [default_convert(d) for d in data])
    return data


def _like_mapping(model, values):
    """A mapping of the type of `model`; a dict if the type cannot be built that way."""
    try:
        if isinstance(model, MutableMapping):
            # A copy keeps what the type carries besides its items, such as a default factory.
            clone = copy.copy(model)
            clone.update(values)
            return clone
        return type(model)(values)
    except TypeError:
        return values


def _like_sequence(model, values):
    """A sequence of the type of `model`; a list if the type cannot be built that way."""
    if type(model) is list:
        return values
    try:
        if isinstance(model, MutableSequence):
            clone = copy.copy(model)
            for i, value in enumerate(values):
                clone[i] = value
            return clone
        return type(model)(values)
    except TypeError:
        return values


def collate(batch, *, collate_fn_map=None):
    """A batch from a list of samples, by the type of the first one.

    Args:
        batch (list): samples of one kind.
        collate_fn_map (dict, None): type, or tuple of types, -> function(batch, *, collate_fn_map). Exact types come
            first, then the first entry that the sample is an instance of; containers are taken apart.
    Example:
        >>> joined = {str: lambda batch, **_: "+".join(batch)}
        >>> torch.utils.data._utils.collate.collate([("ab",), ("c",)], collate_fn_map=joined)
        ['ab+c']
    """
    elem = batch[0]
    kind = type(elem)
    if collate_fn_map is not None:
        if kind in collate_fn_map:
            return collate_fn_map[kind](batch, collate_fn_map=collate_fn_map)
        for entry, function in collate_fn_map.items():
            if isinstance(elem, entry):
                return function(batch, collate_fn_map=collate_fn_map)
    if isinstance(elem, Mapping):
        return _like_mapping(
            elem, {key: collate([d[key] for d in batch], collate_fn_map=collate_fn_map) for key in elem}
        )
    if isinstance(elem, tuple) and hasattr(elem, "_fields"):
        return kind(*(collate(column, collate_fn_map=collate_fn_map) for column in zip(*batch)))
    if isinstance(elem, Sequence):
        if any(len(sample) != len(elem) for sample in batch):
            raise RuntimeError("each element in list of batch should be of equal size")
        columns = [collate(column, collate_fn_map=collate_fn_map) for column in zip(*batch)]
        return columns if isinstance(elem, tuple) else _like_sequence(elem, columns)
    raise TypeError(default_collate_err_msg_format.format(kind))


def collate_tensor_fn(batch, *, collate_fn_map=None):
    """Tensors of one shape stacked along a new first dim."""
    elem = batch[0]
    if elem.is_nested:
        raise RuntimeError(
            "Batches of nested tensors are not currently supported by the default collate_fn; please provide a custom "
            "collate_fn to handle them appropriately."
        )
    if elem.layout is not rustorch.strided:
        raise RuntimeError(
            "Batches of sparse tensors are not currently supported by the default collate_fn; please provide a custom "
            "collate_fn to handle them appropriately."
        )
    return rustorch.stack(batch, 0)


def collate_numpy_array_fn(batch, *, collate_fn_map=None):
    """NumPy arrays stacked."""
    if _is_text_array(batch[0]):
        raise TypeError(default_collate_err_msg_format.format(batch[0].dtype))
    return rustorch.stack([rustorch.as_tensor(array) for array in batch], 0)


def collate_numpy_scalar_fn(batch, *, collate_fn_map=None):
    """NumPy numbers as a vector."""
    return rustorch.as_tensor(batch)


def _collate_numpy(batch, *, collate_fn_map=None):
    is_array = type(batch[0]).__name__ in ("ndarray", "memmap")
    return (collate_numpy_array_fn if is_array else collate_numpy_scalar_fn)(batch)


def collate_float_fn(batch, *, collate_fn_map=None):
    """Floats as a float64 vector."""
    return rustorch.tensor(batch, dtype=rustorch.float64)


def collate_int_fn(batch, *, collate_fn_map=None):
    """Ints as an int64 vector, bools as a bool vector."""
    return rustorch.tensor(batch)


def collate_str_fn(batch, *, collate_fn_map=None):
    """Texts as the list they are in."""
    return batch


class _NumpyMeta(type):
    def __instancecheck__(cls, value):
        kind = type(value)
        return kind.__module__ == "numpy" and kind.__name__ != "str_" and kind.__name__ != "bytes_"


class _Numpy(metaclass=_NumpyMeta):
    """Stands for NumPy's arrays and numbers in the table, without importing NumPy."""


default_collate_fn_map = {
    Tensor: collate_tensor_fn,
    _Numpy: _collate_numpy,
    float: collate_float_fn,
    int: collate_int_fn,
    str: collate_str_fn,
    bytes: collate_str_fn,
}


def default_collate(batch):
    """Samples joined along a new first dim: tensors are stacked, numbers become tensors, containers keep their form.

    Example:
        >>> default_collate([(torch.tensor([1.0, 2.0]), 3), (torch.tensor([4.0, 5.0]), 6)])
        [tensor([[1., 2.],
                [4., 5.]]), tensor([3, 6])]
    """
    return collate(batch, collate_fn_map=default_collate_fn_map)
