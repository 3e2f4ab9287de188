"""DataLoader: batches of a dataset, made in this process or in workers."""

import itertools
import math
import os
import sys
import types
import warnings
import weakref

from rustorch._utils import ExceptionWrapper
from rustorch.utils.data import worker as _worker
from rustorch.utils.data.collate import default_collate, default_convert
from rustorch.utils.data.dataset import IterableDataset
from rustorch.utils.data.fetch import make_fetcher
from rustorch.utils.data.sampler import BatchSampler, RandomSampler, Sampler, SequentialSampler, _draw_seed
from rustorch.utils.data.worker import get_worker_info

__all__ = ["DataLoader", "default_collate", "default_convert", "get_worker_info"]


class _DatasetKind:
    Map = 0
    Iterable = 1


class _InfiniteConstantSampler(Sampler):
    """The indices of a dataset that has none."""

    def __iter__(self):
        return itertools.repeat(None)


class DataLoader:
    """An iterable over the batches of a dataset.

    Args:
        dataset (Dataset): with indices, or an `IterableDataset`.
        batch_size (int, 1): samples per batch; None hands out the samples themselves.
        shuffle (bool, None): a new random order in each pass.
        sampler (iterable, None): the order of the indices, instead of `shuffle`.
        batch_sampler (iterable, None): lists of indices, instead of the four options before and `drop_last`.
        num_workers (int, 0): processes that make batches ahead of time; 0: this process makes them when asked.
        collate_fn (callable, None): from a list of samples to a batch.
        pin_memory (bool, False): kept for compatibility.
        drop_last (bool, False): leave out a last batch that is not full.
        timeout (float, 0): seconds to wait for a worker; 0: no limit.
        worker_init_fn (callable, None): called with the number of the worker at its start.
        multiprocessing_context (str or context, None): how workers are started.
        generator (Generator, None): of the order and of the workers' seeds.
        prefetch_factor (int, None): batches that each worker makes ahead, 2 if None.
        persistent_workers (bool, False): keep the workers from one pass to the next.
        in_order (bool, True): hand out batches in the order of the sampler, not as workers finish them.
    Raises:  ValueError: if options contradict each other: `shuffle` and `sampler`, `batch_sampler` and `batch_size`,
            `num_workers=0` and `prefetch_factor`, an iterable dataset and an order.
        RuntimeError: in the loop, if a worker dies or takes longer than `timeout`.
    Example:
        >>> data = torch.utils.data.TensorDataset(torch.arange(5.0), torch.arange(5) % 2)
        >>> for x, y in torch.utils.data.DataLoader(data, batch_size=2):
        ...     print(x, y)
        tensor([0., 1.]) tensor([0, 1])
        tensor([2., 3.]) tensor([0, 1])
        tensor([4.]) tensor([0])
        >>> loader = torch.utils.data.DataLoader(data, batch_size=2, shuffle=True, drop_last=True)
        >>> len(loader), sum(len(x) for x, _ in loader)
        (2, 4)
    """

    __class_getitem__ = classmethod(types.GenericAlias)
    _iterator = None
    __initialized = False

    def __init__(
        self,
        dataset,
        batch_size=1,
        shuffle=None,
        sampler=None,
        batch_sampler=None,
        num_workers=0,
        collate_fn=None,
        pin_memory=False,
        drop_last=False,
        timeout=0,
        worker_init_fn=None,
        multiprocessing_context=None,
        generator=None,
        *,
        prefetch_factor=None,
        persistent_workers=False,
        pin_memory_device="",
        in_order=True,
    ):
        if num_workers < 0:
            raise ValueError("num_workers option should be non-negative; use num_workers=0 to disable multiprocessing.")
        if timeout < 0:
            raise ValueError("timeout option should be non-negative")
        if num_workers == 0 and prefetch_factor is not None:
            raise ValueError(
                "prefetch_factor option could only be specified in multiprocessing."
                "let num_workers > 0 to enable multiprocessing, otherwise set prefetch_factor to None."
            )
        if num_workers > 0 and prefetch_factor is None:
            prefetch_factor = 2
        elif prefetch_factor is not None and prefetch_factor < 0:
            raise ValueError("prefetch_factor option should be non-negative")
        if persistent_workers and num_workers == 0:
            raise ValueError("persistent_workers option needs num_workers > 0")
        self.dataset = dataset
        self.num_workers = num_workers
        self.prefetch_factor = prefetch_factor
        self.pin_memory = pin_memory
        self.pin_memory_device = pin_memory_device
        self.timeout = timeout
        self.worker_init_fn = worker_init_fn
        self.multiprocessing_context = multiprocessing_context
        self.in_order = in_order
        if isinstance(dataset, IterableDataset):
            self._dataset_kind = _DatasetKind.Iterable
            refused = (("shuffle", shuffle or None), ("sampler", sampler), ("batch_sampler", batch_sampler))
            for name, value in refused:
                if value is not None:
                    raise ValueError(
                        f"DataLoader with IterableDataset: expected unspecified {name} option, but got {name}={value}"
                    )
        else:
            self._dataset_kind = _DatasetKind.Map
        if sampler is not None and shuffle:
            raise ValueError("sampler option is mutually exclusive with shuffle")
        if batch_sampler is not None:
            if batch_size != 1 or shuffle or sampler is not None or drop_last:
                raise ValueError(
                    "batch_sampler option is mutually exclusive with batch_size, shuffle, sampler, and drop_last"
                )
            batch_size, drop_last = None, False
        elif batch_size is None and drop_last:
            raise ValueError("batch_size=None option disables auto-batching and is mutually exclusive with drop_last")
        if sampler is None:
            if self._dataset_kind == _DatasetKind.Iterable:
                sampler = _InfiniteConstantSampler()
            elif shuffle:
                sampler = RandomSampler(dataset, generator=generator)
            else:
                sampler = SequentialSampler(dataset)
        if batch_size is not None and batch_sampler is None:
            batch_sampler = BatchSampler(sampler, batch_size, drop_last)
        self.batch_size = batch_size
        self.drop_last = drop_last
        self.sampler = sampler
        self.batch_sampler = batch_sampler
        self.generator = generator
        if collate_fn is None:
            collate_fn = default_collate if self._auto_collation else default_convert
        self.collate_fn = collate_fn
        self.persistent_workers = persistent_workers
        self.__initialized = True
        self._IterableDataset_len_called = None
        self.check_worker_number_rationality()

    @property
    def multiprocessing_context(self):
        return self.__multiprocessing_context

    @multiprocessing_context.setter
    def multiprocessing_context(self, context):
        if context is not None:
            if self.num_workers == 0:
                raise ValueError(
                    "multiprocessing_context can only be used with multi-process loading (num_workers > 0), but got "
                    f"num_workers={self.num_workers}"
                )
            import multiprocessing

            if isinstance(context, str):
                methods = multiprocessing.get_all_start_methods()
                if context not in methods:
                    raise ValueError(
                        f"multiprocessing_context option should specify a valid start method in {methods!r}, but got "
                        f"multiprocessing_context={context!r}"
                    )
                context = multiprocessing.get_context(context)
            if not isinstance(context, multiprocessing.context.BaseContext):
                raise TypeError(
                    "multiprocessing_context option should be a valid context object or a string specifying the start "
                    f"method, but got multiprocessing_context={context}"
                )
        self.__multiprocessing_context = context

    def __setattr__(self, attr, val):
        fixed = ("batch_size", "batch_sampler", "sampler", "drop_last", "dataset", "persistent_workers")
        if self.__initialized and attr in fixed:
            raise ValueError(f"{attr} attribute should not be set after {self.__class__.__name__} is initialized")
        super().__setattr__(attr, val)

    def _get_iterator(self):
        if self.num_workers == 0:
            return _SingleProcessDataLoaderIter(self)
        self.check_worker_number_rationality()
        return _MultiProcessingDataLoaderIter(self)

    def __iter__(self):
        if not (self.persistent_workers and self.num_workers > 0):
            return self._get_iterator()
        if self._iterator is None:
            self._iterator = self._get_iterator()
        else:
            self._iterator._reset(self)
        return self._iterator

    @property
    def _auto_collation(self):
        return self.batch_sampler is not None

    @property
    def _index_sampler(self):
        return self.batch_sampler if self._auto_collation else self.sampler

    def __len__(self):
        if self._dataset_kind == _DatasetKind.Map:
            return len(self._index_sampler)
        # What an iterable dataset says may be wrong: iterators compare it with what comes.
        length = self._IterableDataset_len_called = len(self.dataset)
        if self.batch_size is not None:
            length = length // self.batch_size if self.drop_last else math.ceil(length / self.batch_size)
        return length

    def check_worker_number_rationality(self):
        """Warn if there are more workers than cores."""
        if not self.num_workers:
            return
        affinity = getattr(os, "sched_getaffinity", None)
        cores = len(affinity(0)) if affinity else os.cpu_count()
        if cores is None:
            limit = "DataLoader is not able to compute a suggested max number of worker in current system."
        elif self.num_workers > cores:
            note = "" if affinity else " (`cpuset` is not taken into account)"
            limit = (
                f"Our suggested max number of worker in current system is {cores}{note}, which is smaller than what "
                "this DataLoader is going to create."
            )
        else:
            return
        warnings.warn(
            f"This DataLoader will create {self.num_workers} worker processes in total. {limit} Please be aware that "
            "excessive worker creation might get DataLoader running slow or even freeze, lower the worker number to "
            "avoid potential slowness/freeze if necessary.",
            stacklevel=3,
        )


class _BaseDataLoaderIter:
    """One pass over the data."""

    def __init__(self, loader):
        self._loader = loader
        self._dataset = loader.dataset
        self._dataset_kind = loader._dataset_kind
        self._index_sampler = loader._index_sampler
        self._num_workers = loader.num_workers
        if loader.pin_memory:
            warnings.warn(
                "'pin_memory' argument is set as true but no accelerator is found, then device pinned memory won't be "
                "used.",
                stacklevel=4,
            )
        self._sampler_iter = iter(self._index_sampler)
        self._base_seed = _draw_seed(loader.generator)
        self._expected = loader._IterableDataset_len_called
        self._num_yielded = 0

    def __iter__(self):
        return self

    def _next_data(self):
        raise NotImplementedError

    def __next__(self):
        data = self._next_data()
        self._num_yielded += 1
        if self._expected is not None and self._num_yielded > self._expected:
            self._warn_length()
        return data

    def _warn_length(self):
        text = (
            f"Length of IterableDataset {self._dataset} was reported to be {self._expected}(when accessing "
            f"len(dataloader)), but {self._num_yielded} samples have been fetched. "
        )
        if self._num_workers > 0:
            text += (
                "For multiprocessing data-loading, this could be caused by not properly configuring the "
                "IterableDataset replica at each worker. Please see "
                "https://pytorch.org/docs/stable/data.html#torch.utils.data.IterableDataset for examples."
            )
        warnings.warn(text, stacklevel=3)

    def __len__(self):
        return len(self._index_sampler)

    def __getstate__(self):
        raise NotImplementedError(f"{type(self).__name__} cannot be pickled")


class _SingleProcessDataLoaderIter(_BaseDataLoaderIter):
    """Makes each batch when it is asked for."""

    def __init__(self, loader):
        super().__init__(loader)
        if loader.timeout != 0:
            raise AssertionError("_SingleProcessDataLoaderIter requires timeout == 0")
        self._fetch = make_fetcher(self._dataset, loader._auto_collation, loader.collate_fn, loader.drop_last)

    def _next_data(self):
        return self._fetch(next(self._sampler_iter))


class _MultiProcessingDataLoaderIter(_BaseDataLoaderIter):
    """Hands tasks to workers in turn and puts their answers in order.

    Task k goes to a worker through that worker's pipe, all answers come back through one queue. `_prefetch` tasks per
    worker are under way; answers that come early wait in `_waiting`.
    """

    def __init__(self, loader):
        super().__init__(loader)
        self._prefetch = loader.prefetch_factor
        if self._prefetch <= 0:
            raise AssertionError("prefetch_factor must be greater than 0 for MultiProcessingDataLoaderIter")
        self._timeout = loader.timeout
        self._in_order = loader.in_order
        self._persistent_workers = loader.persistent_workers
        context = loader.multiprocessing_context
        if context is None:
            import multiprocessing

            context = multiprocessing.get_context()
        if "numpy" in sys.modules:
            # Workers seed it: loaded here, forked ones need not load it each for themselves.
            import numpy.random  # noqa: F401
        self._results = context.Queue()
        self._done = context.Event()
        self._workers = []
        self._pipes = []
        # Not __del__: the garbage collector may close the pipes of an iterator before it gets to that.
        self._dismissal = weakref.finalize(
            self, _dismiss, os.getpid(), self._workers, self._pipes, self._results, self._done
        )
        for i in range(self._num_workers):
            # A plain pipe: workers answer through a queue that never blocks, so they always come back to read it.
            # A queue would not do here: the garbage collector may end its thread before the last message is out.
            reader, writer = context.Pipe(duplex=False)
            process = context.Process(
                target=_worker.worker_loop,
                args=(
                    self._dataset,
                    reader,
                    self._results,
                    self._done,
                    loader._auto_collation,
                    loader.collate_fn,
                    loader.drop_last,
                    self._base_seed,
                    loader.worker_init_fn,
                    i,
                    self._num_workers,
                ),
                daemon=True,
            )
            process.start()
            reader.close()
            self._pipes.append(writer)
            self._workers.append(process)
        self._start_pass()

    def _reset(self, loader):
        """Begin another pass with the same workers."""
        if not self._dismissal.alive:
            raise RuntimeError("DataLoader: the persistent workers have been shut down. Make a new loader.")
        self._sampler_iter = iter(self._index_sampler)
        self._expected = loader._IterableDataset_len_called
        self._num_yielded = 0
        for i in range(self._num_workers):
            self._tell(i, _worker.Resume())
        # Answers of a pass that was left early come before the marks.
        missing = self._num_workers
        while missing:
            missing -= isinstance(self._receive()[0], _worker.Resume)
        self._start_pass()

    def _start_pass(self):
        self._sent = self._next = 0
        self._owner = {}  # task -> worker, until its answer arrives
        self._waiting = {}
        self._active = [True] * self._num_workers
        self._load = [0] * self._num_workers
        self._turn = itertools.cycle(range(self._num_workers))
        for _ in range(self._prefetch * self._num_workers):
            self._send()

    def _send(self):
        """Give the next indices to the next worker that still takes part."""
        active = sum(self._active)
        if not active:
            return
        try:
            index = next(self._sampler_iter)
        except StopIteration:
            return
        share = self._prefetch * self._num_workers // active
        for i in itertools.islice(self._turn, self._num_workers):
            if self._active[i] and (self._in_order or self._load[i] < share):
                break
        else:
            return
        self._tell(i, (self._sent, index))
        self._owner[self._sent] = i
        self._load[i] += 1
        self._sent += 1

    def _tell(self, i, message):
        try:
            self._pipes[i].send(message)
        except OSError:
            self._workers[i].join(timeout=1.0)
            self._check_alive()
            raise

    def _receive(self):
        """The next answer of any worker, as (task, worker, data)."""
        from pickle import loads
        from queue import Empty

        while True:
            try:
                return loads(self._results.get(timeout=self._timeout or _worker.CHECK_INTERVAL))
            except Empty:
                self._check_alive()
                if self._timeout:
                    raise RuntimeError(f"DataLoader timed out after {self._timeout} seconds") from None
            except Exception:
                # An answer that a worker left half sent is best explained by its death, which may take a moment.
                self._workers[0].join(timeout=1.0)
                self._check_alive()
                raise

    def _check_alive(self):
        dead = [w for i, w in enumerate(self._workers) if self._active[i] and not w.is_alive()]
        if dead:
            pids = ", ".join(str(w.pid) for w in dead)
            self._shutdown_workers()
            raise RuntimeError(f"DataLoader worker (pid(s) {pids}) exited unexpectedly")

    def _next_data(self):
        while True:
            # Tasks of a worker whose stream has ended get no answer.
            while self._next < self._sent and self._next not in self._waiting and self._next not in self._owner:
                self._next += 1
            if self._next in self._waiting:
                data = self._waiting.pop(self._next)
                self._next += 1
                return self._hand_out(data)
            if not self._owner:
                if not self._persistent_workers:
                    self._shutdown_workers()
                raise StopIteration
            task, i, data = self._receive()
            if isinstance(task, _worker.Resume):
                continue
            self._load[i] -= 1
            del self._owner[task]
            if isinstance(data, _worker.StreamEnd):
                self._active[i] = False
                self._owner = {k: w for k, w in self._owner.items() if w != i}
                self._send()
            elif task == self._next or not self._in_order:
                self._next += task == self._next
                return self._hand_out(data)
            else:
                self._waiting[task] = data

    def _hand_out(self, data):
        self._send()
        if isinstance(data, ExceptionWrapper):
            data.reraise()
        return data

    def _shutdown_workers(self):
        self._dismissal()


def _dismiss(owner, workers, pipes, results, done):
    """End the workers of an iterator that is done or gone."""
    if os.getpid() != owner:
        # A forked process may drop its copy of an iterator: the workers are not its own.
        return
    done.set()
    for pipe in pipes:
        try:
            # A full pipe must not hold us up: a worker with tasks left looks at `done` anyway.
            os.set_blocking(pipe.fileno(), False)
            pipe.send(None)
        except OSError:
            pass
    for process in workers:
        process.join(timeout=_worker.CHECK_INTERVAL)
        if process.is_alive():
            process.terminate()
            process.join()
    for pipe in pipes:
        pipe.close()
    results.close()
