"""Batches of tensors without a step per sample."""

from array import array

import rustorch
from rustorch import _C
from rustorch.utils.data import collate
from rustorch.utils.data.dataset import Subset, TensorDataset

_ROW = TensorDataset.__getitem__
_SAMPLES = Subset.__getitems__
_ENTRIES = len(collate.default_collate_fn_map)


def pick_rows(dataset, indices):
    """What `default_collate` makes of these samples of a `TensorDataset`, or of a `Subset` of one.

    None where that may differ from the general way: whatever a program may have changed (methods, tensors, indices,
    the table of collate functions) is looked at for each batch, as the general way does.
    """
    while type(dataset) is Subset:
        if getattr(dataset.__getitems__, "__func__", None) is not _SAMPLES:
            return None
        indices = _chosen(dataset.indices, indices)
        dataset = dataset.dataset
    if type(dataset) is not TensorDataset or type(dataset.tensors) is not tuple or not dataset.tensors:
        return None
    if (
        TensorDataset.__getitem__ is not _ROW
        or getattr(dataset, "__getitems__", None)
        or _C._len_torch_function_stack()
    ):
        return None
    table = collate.default_collate_fn_map
    if len(table) != _ENTRIES or table.get(rustorch.Tensor) is not collate.collate_tensor_fn:
        return None
    # Not bools, which are masks, nor tensors: an index of another type may pick something else than a row.
    if not indices or set(map(type, indices)) != {int} or not all(map(_has_plain_rows, dataset.tensors)):
        return None
    try:
        # A buffer is read three times as fast as a list.
        rows = rustorch.frombuffer(array("q", indices), dtype=rustorch.int64)
        return [t.index_select(0, rows) for t in dataset.tensors]
    except (IndexError, OverflowError):
        # Negative or out of range: the general way takes the former and words the error of the latter.
        return None


def _has_plain_rows(tensor):
    return (
        type(tensor) is rustorch.Tensor
        and tensor.is_cpu
        and not tensor.requires_grad
        and tensor.layout is rustorch.strided
        and tensor.dim() > 0
    )


def _chosen(rows, indices):
    """`rows[i]` for each of the indices; None for an owner of rows that might do more than look them up."""
    kind = type(rows)
    if indices is None:
        return None
    if kind in (list, tuple, range):
        return [rows[i] for i in indices]
    vector = kind is rustorch.Tensor or (kind.__module__ == "numpy" and kind.__name__ == "ndarray")
    # Other integers are left out: unsigned bytes are masks.
    if vector and rows.ndim == 1 and str(rows.dtype).endswith(("int64", "int32")) and "u" not in str(rows.dtype):
        return [rows[i].item() for i in indices]
    return None
