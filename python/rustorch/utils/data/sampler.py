"""Samplers: the order in which a loader visits the samples of a dataset."""

import itertools
import types

import rustorch

__all__ = [
    "BatchSampler",
    "RandomSampler",
    "Sampler",
    "SequentialSampler",
    "SubsetRandomSampler",
    "WeightedRandomSampler",
]


class Sampler:
    """Base of the samplers: `__iter__` yields indices, or lists of them for batches; `__len__` is optional.

    Example:
        >>> class Backwards(torch.utils.data.Sampler):
        ...     def __init__(self, data):
        ...         self.data = data
        ...     def __iter__(self):
        ...         return iter(range(len(self.data) - 1, -1, -1))
        ...     def __len__(self):
        ...         return len(self.data)
        >>> list(torch.utils.data.DataLoader("abc", batch_size=None, sampler=Backwards("abc")))
        ['c', 'b', 'a']
    """

    __class_getitem__ = classmethod(types.GenericAlias)

    def __iter__(self):
        raise NotImplementedError


class SequentialSampler(Sampler):
    """0, 1, 2, ...

    Args:
        data_source (Dataset): only its length matters.
    Example:
        >>> list(torch.utils.data.SequentialSampler("abc"))
        [0, 1, 2]
    """

    def __init__(self, data_source):
        self.data_source = data_source

    def __iter__(self):
        return iter(range(len(self.data_source)))

    def __len__(self):
        return len(self.data_source)


class RandomSampler(Sampler):
    """Indices in random order.

    Args:
        data_source (Dataset): only its length matters.
        replacement (bool, False): draw each index anew.
        num_samples (int, None): how many to draw; the length if None. Without replacement, further permutations follow.
        generator (Generator, None): of the draws; a new one, seeded by the default generator, for each pass if None.
    Raises:  TypeError: if `replacement` is not a bool. ValueError: if `num_samples` is not a positive int.
    Example:
        >>> sampler = torch.utils.data.RandomSampler(range(4), generator=torch.Generator().manual_seed(0))
        >>> list(sampler), len(sampler)
        ([0, 1, 3, 2], 4)
    """

    def __init__(self, data_source, replacement=False, num_samples=None, generator=None):
        self.data_source = data_source
        self.replacement = replacement
        self._num_samples = num_samples
        self.generator = generator
        if not isinstance(replacement, bool):
            raise TypeError(f"replacement should be a boolean value, but got replacement={replacement}")
        if not isinstance(self.num_samples, int) or self.num_samples <= 0:
            raise ValueError(f"num_samples should be a positive integer value, but got num_samples={self.num_samples}")

    @property
    def num_samples(self):
        return len(self.data_source) if self._num_samples is None else self._num_samples

    def __iter__(self):
        n = len(self.data_source)
        generator = self.generator
        if generator is None:
            generator = rustorch.Generator()
            generator.manual_seed(_draw_seed(None))
        if self.replacement:
            # Blocks of 32, as the reference draws them, so that the generator is read in the same portions.
            blocks = [32] * (self.num_samples // 32) + [self.num_samples % 32]
            for size in blocks:
                yield from rustorch.randint(high=n, size=(size,), dtype=rustorch.int64, generator=generator).tolist()
        else:
            for _ in range(self.num_samples // n):
                yield from rustorch.randperm(n, generator=generator).tolist()
            yield from rustorch.randperm(n, generator=generator).tolist()[: self.num_samples % n]

    def __len__(self):
        return self.num_samples


def _draw_seed(generator):
    return int(rustorch.empty((), dtype=rustorch.int64).random_(generator=generator).item())


class SubsetRandomSampler(Sampler):
    """Given indices in random order.

    Args:
        indices (sequence): what is put in a new order in each pass.
        generator (Generator, None): of the order.
    Example:
        >>> sorted(torch.utils.data.SubsetRandomSampler([5, 7, 9]))
        [5, 7, 9]
    """

    def __init__(self, indices, generator=None):
        self.indices = indices
        self.generator = generator

    def __iter__(self):
        for i in rustorch.randperm(len(self.indices), generator=self.generator).tolist():
            yield self.indices[i]

    def __len__(self):
        return len(self.indices)


class WeightedRandomSampler(Sampler):
    """Indices drawn with given weights.

    Args:
        weights (sequence of floats): one for each index; they need not add up to 1.
        num_samples (int): how many to draw.
        replacement (bool, True): an index may come more than once.
        generator (Generator, None): of the draws.
    Raises:  ValueError: if the weights are not a vector, or `num_samples` is not a positive int.
    Example:
        >>> list(torch.utils.data.WeightedRandomSampler([0.0, 0.0, 1.0], num_samples=3))
        [2, 2, 2]
    """

    def __init__(self, weights, num_samples, replacement=True, generator=None):
        if not isinstance(num_samples, int) or isinstance(num_samples, bool) or num_samples <= 0:
            raise ValueError(f"num_samples should be a positive integer value, but got num_samples={num_samples}")
        if not isinstance(replacement, bool):
            raise ValueError(f"replacement should be a boolean value, but got replacement={replacement}")
        weights = rustorch.as_tensor(weights, dtype=rustorch.double)
        if weights.dim() != 1:
            raise ValueError(f"weights should be a 1d sequence but given weights have shape {tuple(weights.shape)}")
        self.weights = weights
        self.num_samples = num_samples
        self.replacement = replacement
        self.generator = generator

    def __iter__(self):
        drawn = rustorch.multinomial(self.weights, self.num_samples, self.replacement, generator=self.generator)
        yield from drawn.tolist()

    def __len__(self):
        return self.num_samples


class BatchSampler(Sampler):
    """The indices of another sampler in lists of `batch_size`.

    Args:
        sampler (iterable): yields indices.
        batch_size (int): indices per batch.
        drop_last (bool): leave out a last batch that is not full.
    Raises:  ValueError: if `batch_size` is not a positive int or `drop_last` not a bool.
    Example:
        >>> list(torch.utils.data.BatchSampler(range(7), batch_size=3, drop_last=False))
        [[0, 1, 2], [3, 4, 5], [6]]
    """

    def __init__(self, sampler, batch_size, drop_last):
        if not isinstance(batch_size, int) or isinstance(batch_size, bool) or batch_size <= 0:
            raise ValueError(f"batch_size should be a positive integer value, but got batch_size={batch_size}")
        if not isinstance(drop_last, bool):
            raise ValueError(f"drop_last should be a boolean value, but got drop_last={drop_last}")
        self.sampler = sampler
        self.batch_size = batch_size
        self.drop_last = drop_last

    def __iter__(self):
        indices = iter(self.sampler)
        while batch := list(itertools.islice(indices, self.batch_size)):
            if self.drop_last and len(batch) < self.batch_size:
                return
            yield batch

    def __len__(self):
        whole, rest = divmod(len(self.sampler), self.batch_size)
        return whole + (rest > 0 and not self.drop_last)
