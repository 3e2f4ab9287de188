"""The share of one process of several in the indices of a dataset."""

import math

import rustorch
from rustorch.utils.data.sampler import Sampler

__all__ = ["DistributedSampler"]


class DistributedSampler(Sampler):
    """Every `num_replicas`-th index from `rank` on, of an order that all processes share.

    Args:
        dataset (Dataset): only its length matters.
        num_replicas, rank (int, None): number of processes and this one; from `rustorch.distributed` if None.
        shuffle (bool, True): permute the indices, anew in each epoch: see `set_epoch`.
        seed (int, 0): of the permutation; the same in all processes.
        drop_last (bool, False): leave out the tail instead of repeating indices to make the shares equal.
    Example:
        >>> sampler = torch.utils.data.DistributedSampler(range(5), num_replicas=2, rank=1, shuffle=False)
        >>> list(sampler), len(sampler)
        ([1, 3, 0], 3)
    """

    def __init__(self, dataset, num_replicas=None, rank=None, shuffle=True, seed=0, drop_last=False):
        if num_replicas is None or rank is None:
            distributed = getattr(rustorch, "distributed", None)
            if distributed is None or not distributed.is_available():
                raise RuntimeError("Requires distributed package to be available")
            num_replicas = distributed.get_world_size() if num_replicas is None else num_replicas
            rank = distributed.get_rank() if rank is None else rank
        if rank >= num_replicas or rank < 0:
            raise ValueError(f"Invalid rank {rank}, rank should be in the interval [0, {num_replicas - 1}]")
        self.dataset = dataset
        self.num_replicas = num_replicas
        self.rank = rank
        self.epoch = 0
        self.drop_last = drop_last
        total = len(dataset)
        if drop_last and total % num_replicas != 0:
            self.num_samples = math.ceil((total - num_replicas) / num_replicas)
        else:
            self.num_samples = math.ceil(total / num_replicas)
        self.total_size = self.num_samples * num_replicas
        self.shuffle = shuffle
        self.seed = seed

    def __iter__(self):
        total = len(self.dataset)
        if self.shuffle:
            generator = rustorch.Generator()
            generator.manual_seed(self.seed + self.epoch)
            indices = rustorch.randperm(total, generator=generator).tolist()
        else:
            indices = list(range(total))
        if self.total_size > len(indices):
            indices *= math.ceil(self.total_size / len(indices))
        return iter(indices[self.rank : self.total_size : self.num_replicas])

    def __len__(self):
        return self.num_samples

    def set_epoch(self, epoch):
        """Choose the permutation: call it before each epoch, or the order stays the same."""
        self.epoch = epoch
