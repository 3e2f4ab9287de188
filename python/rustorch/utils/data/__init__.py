"""Datasets, samplers, and the loader that makes batches of them."""

from rustorch.utils.data import _utils as _utils
from rustorch.utils.data.collate import default_collate as default_collate
from rustorch.utils.data.collate import default_convert as default_convert
from rustorch.utils.data.dataloader import DataLoader as DataLoader
from rustorch.utils.data.dataloader import _DatasetKind as _DatasetKind
from rustorch.utils.data.dataset import ChainDataset as ChainDataset
from rustorch.utils.data.dataset import ConcatDataset as ConcatDataset
from rustorch.utils.data.dataset import Dataset as Dataset
from rustorch.utils.data.dataset import IterableDataset as IterableDataset
from rustorch.utils.data.dataset import StackDataset as StackDataset
from rustorch.utils.data.dataset import Subset as Subset
from rustorch.utils.data.dataset import TensorDataset as TensorDataset
from rustorch.utils.data.dataset import random_split as random_split
from rustorch.utils.data.distributed import DistributedSampler as DistributedSampler
from rustorch.utils.data.sampler import BatchSampler as BatchSampler
from rustorch.utils.data.sampler import RandomSampler as RandomSampler
from rustorch.utils.data.sampler import Sampler as Sampler
from rustorch.utils.data.sampler import SequentialSampler as SequentialSampler
from rustorch.utils.data.sampler import SubsetRandomSampler as SubsetRandomSampler
from rustorch.utils.data.sampler import WeightedRandomSampler as WeightedRandomSampler
from rustorch.utils.data.worker import get_worker_info as get_worker_info

__all__ = [
    "BatchSampler",
    "ChainDataset",
    "ConcatDataset",
    "DataLoader",
    "Dataset",
    "DistributedSampler",
    "IterableDataset",
    "RandomSampler",
    "Sampler",
    "SequentialSampler",
    "StackDataset",
    "Subset",
    "SubsetRandomSampler",
    "TensorDataset",
    "WeightedRandomSampler",
    "default_collate",
    "default_convert",
    "get_worker_info",
    "random_split",
]
