"""The shortcut for batches of tensors: the same as the general way, or not taken."""

import numpy
import pytest

import rustorch as torch
from rustorch.utils import data
from rustorch.utils.data import collate
from rustorch.utils.data._rows import pick_rows


def pairs(n=10):
    return data.TensorDataset(torch.arange(n * 1.0), torch.arange(n))


def outcome(batches):
    try:
        return [[part.tolist() if isinstance(part, torch.Tensor) else part for part in batch] for batch in batches]
    except Exception as error:
        return type(error), str(error)


def both_ways(dataset, size=2):
    fast = outcome(data.DataLoader(dataset, size))
    # Another function than `default_collate` itself takes the general way.
    general = outcome(data.DataLoader(dataset, size, collate_fn=lambda batch: data.default_collate(batch)))
    return fast, general


INDICES = {
    "in range": [3, 1, 1],
    "negative": [-1, -2, 3],
    "too large": [10],
    "too negative": [-11],
    "huge": [2**70],
    "float": [1.5],
    "bool": [True, False],
    "none": [None],
    "dict": {0: 5, 1: 6},
    "nested": [[1, 2], [3, 4]],
    "slices": [slice(0, 2), slice(2, 4)],
    "tuple": (4, 2),
    "range": range(3, 0, -1),
    "tensor": torch.tensor([3, -1, 2]),
    "bytes": torch.tensor([1, 0], dtype=torch.uint8),
    "matrix": torch.tensor([[1, 2], [3, 4]]),
    "array": numpy.array([3, -1, 2]),
    "array of floats": numpy.array([3.0]),
    "array of unsigned": numpy.array([3, 1], dtype=numpy.uint32),
    "numpy ints": [numpy.int64(2), numpy.int64(0)],
}


@pytest.mark.parametrize("indices", INDICES.values(), ids=INDICES.keys())
def test_subset_picks_as_the_general_way_does(indices):
    fast, general = both_ways(data.Subset(pairs(), indices))
    assert fast == general
    fast, general = both_ways(data.Subset(data.Subset(pairs(), range(9, -1, -1)), indices))
    assert fast == general


def test_negative_indices_count_from_the_end():
    loader = data.DataLoader(data.Subset(pairs(), [-1, -2, 3]), 2)
    assert outcome(loader) == [[[9.0, 8.0], [9, 8]], [[3.0], [3]]]


@pytest.mark.parametrize("sampler", [[[0, 1], [-1]], [[True, 0]], [[]], [[1.5]], [[11]], [(2, 1)]])
def test_batch_samplers_of_the_user(sampler):
    general = data.DataLoader(pairs(), batch_sampler=sampler, collate_fn=lambda b: data.default_collate(b))
    assert outcome(data.DataLoader(pairs(), batch_sampler=sampler)) == outcome(general)


def test_tensors_replaced_during_a_pass_count_at_once():
    dataset = pairs(4)
    batches = iter(data.DataLoader(dataset, 2))
    next(batches)
    dataset.tensors = (torch.full((4,), 7.0), dataset.tensors[1])
    assert next(batches)[0].tolist() == [7.0, 7.0]


def test_indices_changed_during_a_pass_count_at_once():
    part = data.Subset(pairs(), [0, 1, 2, 3])
    batches = iter(data.DataLoader(part, 2))
    next(batches)
    part.indices[2:] = [8, 9]
    assert next(batches)[0].tolist() == [8.0, 9.0]


def test_patched_methods_are_called(monkeypatch):
    monkeypatch.setattr(data.TensorDataset, "__getitem__", lambda self, i: ("patched", i))
    assert outcome(data.DataLoader(pairs(), 2))[0] == [("patched", "patched"), [0, 1]]
    assert outcome(data.DataLoader(data.Subset(pairs(), [4, 5]), 2))[0] == [("patched", "patched"), [4, 5]]
    monkeypatch.setattr(data.Subset, "__getitems__", lambda self, indices: [7.0] * len(indices))
    assert next(iter(data.DataLoader(data.Subset(pairs(), [4, 5]), 2))).tolist() == [7.0, 7.0]


def test_methods_of_an_instance_are_called():
    dataset, part = pairs(), data.Subset(pairs(), [4, 5])
    dataset.__getitems__ = part.__getitems__ = lambda indices: [5.0 for _ in indices]
    assert next(iter(data.DataLoader(dataset, 2))).tolist() == [5.0, 5.0]
    assert next(iter(data.DataLoader(part, 2))).tolist() == [5.0, 5.0]


def test_table_of_collate_functions_counts(monkeypatch):
    monkeypatch.setitem(collate.default_collate_fn_map, torch.Tensor, lambda batch, *, collate_fn_map=None: len(batch))
    assert outcome(data.DataLoader(pairs(), 4))[0] == [4, 4]


def test_meta_tensors_keep_their_device():
    dataset = data.TensorDataset(torch.ones(2, 3, device="meta"))
    (batch,) = next(iter(data.DataLoader(dataset)))
    assert batch.shape == (1, 3) and batch.is_meta


def test_graph_of_a_batch_is_that_of_the_general_way():
    dataset = data.TensorDataset(torch.ones(4, 2, requires_grad=True))
    (batch,) = next(iter(data.DataLoader(dataset, 2)))
    assert type(batch.grad_fn).__name__ == "StackBackward0"


def test_shortcut_is_taken_for_plain_rows():
    part = data.Subset(data.Subset(pairs(), [5, 6, 7]), (2, 0))
    assert [t.tolist() for t in pick_rows(part, [0, 1])] == [[7.0, 5.0], [7, 5]]
    assert [t.tolist() for t in pick_rows(data.Subset(pairs(), torch.tensor([5, 6])), [1])] == [[6.0], [6]]
    assert pick_rows(data.ConcatDataset([pairs()]), [0]) is None
