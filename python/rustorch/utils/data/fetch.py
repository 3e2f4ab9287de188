"""Fetchers: from the indices of a batch to the batch."""

import itertools

from rustorch.utils.data._rows import pick_rows
from rustorch.utils.data.collate import default_collate
from rustorch.utils.data.dataset import IterableDataset, Subset, TensorDataset


def make_fetcher(dataset, auto_collation, collate_fn, drop_last):
    """A function from what the index sampler yields to a batch."""
    if isinstance(dataset, IterableDataset):
        return _Stream(dataset, auto_collation, collate_fn, drop_last)
    if not auto_collation:
        return lambda index: collate_fn(dataset[index])
    if collate_fn is default_collate and type(dataset) in (TensorDataset, Subset):
        return lambda indices: pick_rows(dataset, indices) or _collated(dataset, indices, collate_fn)
    return lambda indices: _collated(dataset, indices, collate_fn)


def _collated(dataset, indices, collate_fn):
    batched = getattr(dataset, "__getitems__", None)
    return collate_fn(batched(indices) if batched else [dataset[i] for i in indices])


class _Stream:
    """Takes as many samples of an iterable dataset as there are indices."""

    def __init__(self, dataset, auto_collation, collate_fn, drop_last):
        self.samples = iter(dataset)
        self.auto_collation = auto_collation
        self.collate_fn = collate_fn
        self.drop_last = drop_last
        self.ended = False

    def __call__(self, indices):
        if self.ended:
            raise StopIteration
        if not self.auto_collation:
            return self.collate_fn(next(self.samples))
        batch = list(itertools.islice(self.samples, len(indices)))
        self.ended = len(batch) < len(indices)
        if not batch or (self.ended and self.drop_last):
            raise StopIteration
        return self.collate_fn(batch)
