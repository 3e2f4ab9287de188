"""What runs in a worker process of a loader."""

import os
import random
import sys

import rustorch
from rustorch._utils import ExceptionWrapper
from rustorch.utils.data.fetch import make_fetcher

# Seconds between two looks at whether the process at the other end is still alive.
CHECK_INTERVAL = 5.0

_worker_info = None


class WorkerInfo:
    """Which worker this process is.

    Attributes:
        id (int): from 0 to num_workers - 1.
        num_workers (int): workers of the loader.
        seed (int): what the generators of this worker were seeded with.
        dataset (Dataset): the copy of the dataset in this process.
    """

    __slots__ = ("dataset", "id", "num_workers", "rng", "seed", "worker_method")

    def __init__(self, id, num_workers, seed, dataset, rng=None, worker_method="multiprocessing"):
        values = (("id", id), ("num_workers", num_workers), ("seed", seed), ("dataset", dataset))
        for name, value in (*values, ("rng", rng), ("worker_method", worker_method)):
            object.__setattr__(self, name, value)

    def __setattr__(self, name, value):
        raise AttributeError(f"cannot assign to field {name!r}")

    def __repr__(self):
        names = ("id", "num_workers", "seed", "dataset", "rng", "worker_method")
        return f"WorkerInfo({', '.join(f'{name}={getattr(self, name)!r}' for name in names)})"


def get_worker_info():
    """The `WorkerInfo` of this process; None outside the workers of a loader.

    Example:
        >>> torch.utils.data.get_worker_info() is None
        True
        >>> class Shares(torch.utils.data.IterableDataset):
        ...     def __iter__(self):
        ...         info = torch.utils.data.get_worker_info()
        ...         return iter(range(6) if info is None else range(info.id, 6, info.num_workers))
        >>> list(torch.utils.data.DataLoader(Shares(), batch_size=None))
        [0, 1, 2, 3, 4, 5]
    """
    return _worker_info


class StreamEnd:
    """Sent when the iterable dataset of a worker has no more samples."""


class Resume:
    """Sent to persistent workers at the start of each pass, and back."""


def _seed_all(base_seed, worker_id):
    seed = base_seed + worker_id
    random.seed(seed)
    rustorch.manual_seed(seed)
    numpy = sys.modules.get("numpy")
    if numpy is not None:
        # A plain base_seed + worker_id would make streams of neighbouring workers overlap after truncation to 32 bits.
        entropy = [worker_id, base_seed & 0xFFFFFFFF, base_seed >> 32, 0]
        numpy.random.seed(numpy.random.SeedSequence(entropy).generate_state(4))
    return seed


def worker_loop(dataset, tasks, results, done, auto_collation, collate_fn, drop_last, base_seed, init_fn, me, workers):
    """Answer tasks (number, indices) with (number, batch) until None arrives or the loader's process is gone."""
    global _worker_info
    from multiprocessing.reduction import ForkingPickler

    def answer(number, data):
        # Pickled here, not by the thread behind the queue: an error there would leave the loader waiting for ever.
        try:
            message = ForkingPickler.dumps((number, me, data))
        except Exception:
            message = ForkingPickler.dumps((number, me, ExceptionWrapper(where=f"in DataLoader worker process {me}")))
        results.put(bytes(message))

    parent = os.getppid()
    try:
        rustorch.set_num_threads(1)
        seed = _seed_all(base_seed, me)
        _worker_info = WorkerInfo(me, workers, seed, dataset)
        failure = fetch = None
        try:
            if init_fn is not None:
                init_fn(me)
            fetch = make_fetcher(dataset, auto_collation, collate_fn, drop_last)
        except Exception:
            failure = ExceptionWrapper(where=f"in DataLoader worker process {me}")
        ended = False
        while os.getppid() == parent:
            if not tasks.poll(CHECK_INTERVAL):
                continue
            task = tasks.recv()
            if task is None or done.is_set():
                break
            if isinstance(task, Resume):
                ended = False
                answer(task, None)
                try:
                    fetch = make_fetcher(dataset, auto_collation, collate_fn, drop_last)
                except Exception:
                    failure = ExceptionWrapper(where=f"in DataLoader worker process {me}")
                continue
            if ended:
                continue
            number, index = task
            if failure is not None:
                data, failure = failure, None
            else:
                try:
                    data = fetch(index)
                except StopIteration:
                    data, ended = StreamEnd(), True
                except Exception:
                    data = ExceptionWrapper(where=f"in DataLoader worker process {me}")
            answer(number, data)
            del data, task
    except (KeyboardInterrupt, EOFError):
        # The loader's process got it too and decides.
        pass
    if done.is_set():
        # Nobody reads what is still in the pipe: waiting for that would hang.
        results.cancel_join_thread()
        results.close()
