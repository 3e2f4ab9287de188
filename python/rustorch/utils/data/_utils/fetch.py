"""Fetchers in the form that older programs use."""

from rustorch.utils.data.fetch import make_fetcher


class _BaseDatasetFetcher:
    """`fetch(indices)` gives the batch."""

    def __init__(self, dataset, auto_collation, collate_fn, drop_last):
        self.dataset = dataset
        self.auto_collation = auto_collation
        self.collate_fn = collate_fn
        self.drop_last = drop_last
        self.fetch = make_fetcher(dataset, auto_collation, collate_fn, drop_last)


class _MapDatasetFetcher(_BaseDatasetFetcher):
    """For datasets with indices."""


class _IterableDatasetFetcher(_BaseDatasetFetcher):
    """For streams."""
