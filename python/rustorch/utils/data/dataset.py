"""Datasets: things with samples, by index or one after the other."""

import bisect
import itertools
import math
import types
import warnings
from collections.abc import Iterable

import rustorch

__all__ = [
    "ChainDataset",
    "ConcatDataset",
    "Dataset",
    "IterableDataset",
    "StackDataset",
    "Subset",
    "TensorDataset",
    "random_split",
]


class Dataset:
    """Base of datasets with indices: `__getitem__`, and `__len__` for the samplers.

    A dataset may also have `__getitems__(indices)`, which returns a whole batch of samples as a list.

    Example:
        >>> class Squares(torch.utils.data.Dataset):
        ...     def __len__(self):
        ...         return 5
        ...     def __getitem__(self, i):
        ...         return i, i * i
        >>> Squares()[3], len(Squares() + Squares())
        ((3, 9), 10)
        >>> next(iter(torch.utils.data.DataLoader(Squares(), batch_size=3)))
        [tensor([0, 1, 2]), tensor([0, 1, 4])]
    """

    __class_getitem__ = classmethod(types.GenericAlias)

    def __getitem__(self, index):
        raise NotImplementedError("Subclasses of Dataset should implement __getitem__.")

    def __add__(self, other):
        return ConcatDataset([self, other])


class IterableDataset(Dataset, Iterable):
    """Base of datasets that are streams: subclasses define `__iter__`.

    Each worker process gets a copy of the dataset: `get_worker_info()` tells a copy which share is its own.

    Example:
        >>> class Countdown(torch.utils.data.IterableDataset):
        ...     def __iter__(self):
        ...         return iter(range(5, 0, -1))
        >>> list(torch.utils.data.DataLoader(Countdown(), batch_size=2))
        [tensor([5, 4]), tensor([3, 2]), tensor([1])]
    """

    def __add__(self, other):
        return ChainDataset([self, other])


class TensorDataset(Dataset):
    """Tensors of the same first size; sample i is the tuple of their rows i.

    Args:
        tensors (Tensor): one or more.
    Raises:  AssertionError: if their first sizes differ.
    Example:
        >>> data = torch.utils.data.TensorDataset(torch.arange(6.0).view(3, 2), torch.tensor([0, 1, 0]))
        >>> data[1], len(data)
        ((tensor([2., 3.]), tensor(1)), 3)
    """

    def __init__(self, *tensors):
        if any(tensors[0].size(0) != tensor.size(0) for tensor in tensors):
            raise AssertionError("Size mismatch between tensors")
        self.tensors = tensors

    def __getitem__(self, index):
        return tuple(tensor[index] for tensor in self.tensors)

    def __len__(self):
        return self.tensors[0].size(0)


class StackDataset(Dataset):
    """Datasets of the same length side by side: a sample is a tuple, or with keywords a dict, of theirs.

    Args:
        args or kwargs (Dataset): datasets, or anything with indices and a length.
    Raises:  ValueError: if lengths differ, both kinds of arguments are given, or none.
    Example:
        >>> data = torch.utils.data.StackDataset(image=["a", "b"], label=[0, 1])
        >>> data[1]
        {'image': 'b', 'label': 1}
        >>> torch.utils.data.StackDataset(["a", "b"], [0, 1])[1]
        ('b', 1)
    """

    def __init__(self, *args, **kwargs):
        if args and kwargs:
            raise ValueError(
                "Supported either ``tuple``- (via ``args``) or"
                "``dict``- (via ``kwargs``) like input/output, but both types are given."
            )
        if not (args or kwargs):
            raise ValueError("At least one dataset should be passed")
        self.datasets = args or kwargs
        members = self._members()
        self._length = len(members[0])
        if any(len(dataset) != self._length for dataset in members):
            raise ValueError("Size mismatch between datasets")

    def _members(self):
        return list(self.datasets.values()) if isinstance(self.datasets, dict) else list(self.datasets)

    def _assemble(self, values):
        return dict(zip(self.datasets, values)) if isinstance(self.datasets, dict) else tuple(values)

    def __getitem__(self, index):
        return self._assemble([dataset[index] for dataset in self._members()])

    def __getitems__(self, indices):
        columns = []
        for dataset in self._members():
            items = _items(dataset, indices)
            if len(items) != len(indices):
                raise ValueError(f"Nested dataset's output size mismatch. Expected {len(indices)}, got {len(items)}")
            columns.append(items)
        return [self._assemble(values) for values in zip(*columns)]

    def __len__(self):
        return self._length


def _items(dataset, indices):
    """The samples at `indices` as a list."""
    batched = getattr(dataset, "__getitems__", None)
    return batched(indices) if callable(batched) else [dataset[i] for i in indices]


class ConcatDataset(Dataset):
    """Datasets one after the other.

    Args:
        datasets (iterable of Dataset): at least one, none of them iterable ones.

    Attributes: cumulative_sizes (list of int): where each of them ends.
    Raises:  AssertionError: if there are none, or iterable ones among them.
        ValueError: for a negative index out of range.
    Example:
        >>> data = torch.utils.data.ConcatDataset([["a", "b"], ["c"]])
        >>> data[2], data[-3], len(data), data.cumulative_sizes
        ('c', 'a', 3, [2, 3])
    """

    @staticmethod
    def cumsum(sequence):
        return list(itertools.accumulate(len(member) for member in sequence))

    def __init__(self, datasets):
        self.datasets = list(datasets)
        if not self.datasets:
            raise AssertionError("datasets should not be an empty iterable")
        if any(isinstance(member, IterableDataset) for member in self.datasets):
            raise AssertionError("ConcatDataset does not support IterableDataset")
        self.cumulative_sizes = self.cumsum(self.datasets)

    @property
    def cummulative_sizes(self):
        """Deprecated spelling of `cumulative_sizes`."""
        warnings.warn(
            "`cummulative_sizes` attribute is renamed to `cumulative_sizes`", category=FutureWarning, stacklevel=2
        )
        return self.cumulative_sizes

    def __len__(self):
        return self.cumulative_sizes[-1]

    def __getitem__(self, idx):
        if idx < 0:
            if -idx > len(self):
                raise ValueError("absolute value of index should not exceed dataset length")
            idx += len(self)
        member = bisect.bisect_right(self.cumulative_sizes, idx)
        start = self.cumulative_sizes[member - 1] if member else 0
        return self.datasets[member][idx - start]


class ChainDataset(IterableDataset):
    """Iterable datasets one after the other.

    Args:
        datasets (iterable of IterableDataset): read in turn.
    Example:
        >>> class Count(torch.utils.data.IterableDataset):
        ...     def __iter__(self):
        ...         return iter(range(2))
        >>> list(torch.utils.data.ChainDataset([Count(), Count()]))
        [0, 1, 0, 1]
    """

    def __init__(self, datasets):
        self.datasets = datasets

    def _checked(self):
        for member in self.datasets:
            if not isinstance(member, IterableDataset):
                raise AssertionError("ChainDataset only supports IterableDataset")
            yield member

    def __iter__(self):
        for member in self._checked():
            yield from member

    def __len__(self):
        return sum(len(member) for member in self._checked())


class Subset(Dataset):
    """The samples of `dataset` at `indices`.

    Args:
        dataset (Dataset): with indices.
        indices (sequence): the index in `dataset` of each sample.
    Raises:  NotImplementedError: in a subclass that overrides `__getitem__` but not `__getitems__`.
    Example:
        >>> part = torch.utils.data.Subset(["a", "b", "c", "d"], [3, 0])
        >>> part[0], len(part)
        ('d', 2)
    """

    def __init__(self, dataset, indices):
        self.dataset = dataset
        self.indices = indices
        cls = type(self)
        if cls.__getitem__ is not Subset.__getitem__ and cls.__getitems__ is Subset.__getitems__:
            raise NotImplementedError(
                f"{cls.__name__} overrides __getitem__ but not __getitems__. When subclassing Subset and overriding "
                "__getitem__, you must also override __getitems__ to ensure DataLoader works correctly with your "
                "custom logic. A simple implementation:\n\ndef __getitems__(self, indices):\n"
                "    return [self.__getitem__(idx) for idx in indices]"
            )

    def __getitem__(self, idx):
        if isinstance(idx, list):
            return self.dataset[[self.indices[i] for i in idx]]
        return self.dataset[self.indices[idx]]

    def __getitems__(self, indices):
        return _items(self.dataset, [self.indices[i] for i in indices])

    def __len__(self):
        return len(self.indices)


def random_split(dataset, lengths, generator=None):
    """Subsets of random samples without overlap.

    Args:
        dataset (Dataset): to be split.
        lengths (sequence): sizes that add up to `len(dataset)`, or shares that add up to 1; what rounding leaves over
            goes to the subsets in turn.
        generator (Generator, None): of the permutation.
    Returns: list of `Subset`.
    Raises:  ValueError: if the sizes do not add up to the dataset's, or a share is not in [0, 1].
    Example:
        >>> parts = torch.utils.data.random_split(range(10), [0.7, 0.3], torch.Generator().manual_seed(0))
        >>> [len(part) for part in parts], sorted([*parts[0], *parts[1]]) == list(range(10))
        ([7, 3], True)
    """
    total = len(dataset)
    if math.isclose(sum(lengths), 1) and sum(lengths) <= 1:
        for i, share in enumerate(lengths):
            if share < 0 or share > 1:
                raise ValueError(f"Fraction at index {i} is not between 0 and 1")
        lengths = [math.floor(total * share) for share in lengths]
        for i in range(total - sum(lengths)):
            lengths[i % len(lengths)] += 1
        for i, length in enumerate(lengths):
            if length == 0:
                warnings.warn(
                    f"Length of split at index {i} is 0. This might result in an empty dataset.", stacklevel=2
                )
    if sum(lengths) != total:
        raise ValueError("Sum of input lengths does not equal the length of the input dataset!")
    order = rustorch.randperm(total, generator=generator).tolist()
    return [Subset(dataset, order[end - size : end]) for end, size in zip(itertools.accumulate(lengths), lengths)]
