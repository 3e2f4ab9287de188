"""DataLoader: batches, random order, collation, worker processes."""

import collections
import importlib
import os
import random
import time
import warnings

import numpy as np
import pytest

import rustorch as torch
from rustorch.utils import data

Point = collections.namedtuple("Point", "x y")


def pairs(n=10, lib=torch):
    return lib.utils.data.TensorDataset(lib.arange(n * 2.0).reshape(n, 2), lib.arange(n))


class Rows(data.Dataset):
    """What a TensorDataset holds, without its shortcut."""

    def __init__(self, n=10):
        self.inner = pairs(n)

    def __len__(self):
        return len(self.inner)

    def __getitem__(self, i):
        return self.inner[i]


class Faulty(data.Dataset):
    def __init__(self, error):
        self.error = error

    def __len__(self):
        return 4

    def __getitem__(self, i):
        if i == 2:
            raise self.error
        return i


class Exits(Faulty):
    def __getitem__(self, i):
        if i == 2:
            os._exit(3)
        return i


class Lambdas(Faulty):
    """Its samples cannot be pickled."""

    def __getitem__(self, i):
        return lambda: i


class Shares(data.IterableDataset):
    def __iter__(self):
        info = data.get_worker_info()
        return iter(range(info.id, 10, info.num_workers) if info else range(10))


class Draws(data.Dataset):
    def __len__(self):
        return 6

    def __getitem__(self, i):
        return torch.rand(()), random.random(), data.get_worker_info().seed


def values(loader):
    return [[t.tolist() for t in batch] for batch in loader]


def loader(*args, **kwargs):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # more workers than this machine has cores
        return data.DataLoader(*args, **kwargs)


@pytest.mark.parametrize("options", [{}, {"shuffle": True}, {"drop_last": True}, {"shuffle": True, "drop_last": True}])
def test_shortcut_for_tensors_equals_the_general_way(options):
    torch.manual_seed(1)
    fast = data.DataLoader(pairs(), 3, **options)
    a = [values(fast), values(fast), torch.rand(2).tolist()]
    torch.manual_seed(1)
    slow = data.DataLoader(Rows(), 3, **options)
    assert a == [values(slow), values(slow), torch.rand(2).tolist()]


@pytest.mark.parametrize("drop_last", [False, True])
@pytest.mark.parametrize("size", [3, 5])
def test_shortcut_leaves_a_shared_generator_where_the_general_way_does(size, drop_last):
    after = []
    for dataset in (pairs(), Rows()):
        g = torch.Generator().manual_seed(2)
        order = values(data.DataLoader(dataset, size, shuffle=True, generator=g, drop_last=drop_last))
        after.append((order, torch.rand(2, generator=g).tolist()))
    assert after[0] == after[1]


@pytest.mark.parametrize("dataset", [pairs, Rows])
def test_order_equals_torchs(dataset, oracle):
    ref = oracle
    torch.manual_seed(7)
    mine = values(data.DataLoader(dataset(), 4, shuffle=True)), torch.rand(3).tolist()
    ref.manual_seed(7)
    theirs = values(ref.utils.data.DataLoader(pairs(lib=ref), 4, shuffle=True)), ref.rand(3).tolist()
    assert mine == theirs


def test_subset_shortcut_gives_the_chosen_rows():
    part = data.Subset(pairs(), [8, 2, 5])
    assert values(data.DataLoader(part, 2)) == [[[[16.0, 17.0], [4.0, 5.0]], [8, 2]], [[[10.0, 11.0]], [5]]]


def test_batches_are_copies():
    dataset = pairs()
    x, _ = next(iter(data.DataLoader(dataset, 4)))
    x.zero_()
    assert dataset.tensors[0][1].tolist() == [2.0, 3.0]


def test_collate_keeps_containers_and_turns_numbers_into_tensors():
    samples = [{"a": 1, "b": [1.5, "s"], "p": Point(torch.ones(2), True)} for _ in range(2)]
    batch = data.default_collate(samples)
    assert batch["a"].tolist() == [1, 1]
    assert batch["a"].dtype == torch.int64
    assert batch["b"][0].dtype == torch.float64
    assert batch["b"][1] == ("s", "s")
    assert isinstance(batch["p"], Point)
    assert batch["p"].x.shape == (2, 2)
    assert batch["p"].y.dtype == torch.bool
    with pytest.raises(RuntimeError, match="each element in list of batch should be of equal size"):
        data.default_collate([[1], [1, 2]])
    with pytest.raises(TypeError, match="batch must contain tensors, numpy arrays, numbers, dicts or lists"):
        data.default_collate([object()])


def test_collate_takes_numpy():
    batch = data.default_collate([(np.ones(2, np.float32), np.int64(3)), (np.zeros(2, np.float32), np.int64(4))])
    assert batch[0].tolist() == [[1.0, 1.0], [0.0, 0.0]]
    assert batch[0].dtype == torch.float32
    assert batch[1].tolist() == [3, 4]
    with pytest.raises(TypeError, match="found <U1"):
        data.default_collate([np.array("a"), np.array("b")])


def test_without_batching_samples_are_converted():
    out = list(data.DataLoader([{"a": (1, 2)}], batch_size=None))
    assert out == [{"a": [1, 2]}]


def test_iterable_dataset_in_batches():
    assert [b.tolist() for b in data.DataLoader(Shares(), 4)] == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]
    assert [b.tolist() for b in data.DataLoader(Shares(), 4, drop_last=True)] == [[0, 1, 2, 3], [4, 5, 6, 7]]


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"num_workers": -1}, "num_workers option should be non-negative"),
        ({"prefetch_factor": 2}, "prefetch_factor option could only be specified in multiprocessing"),
        ({"persistent_workers": True}, "persistent_workers option needs num_workers > 0"),
        ({"shuffle": True, "sampler": [0]}, "sampler option is mutually exclusive with shuffle"),
        ({"batch_sampler": [[0]], "batch_size": 2}, "batch_sampler option is mutually exclusive"),
        ({"batch_size": None, "drop_last": True}, "batch_size=None option disables auto-batching"),
        ({"batch_size": 0}, "batch_size should be a positive integer value"),
    ],
)
def test_contradicting_options_are_refused(options, text):
    with pytest.raises(ValueError, match=text):
        data.DataLoader(pairs(), **options)
    with pytest.raises(ValueError, match="dataset attribute should not be set after DataLoader is initialized"):
        data.DataLoader(pairs()).dataset = []


@pytest.mark.parametrize("workers", [1, 2])
def test_workers_keep_the_order_of_one_process(workers):
    torch.manual_seed(1)
    alone = values(data.DataLoader(pairs(), 3, shuffle=True))
    torch.manual_seed(1)
    assert values(loader(pairs(), 3, shuffle=True, num_workers=workers)) == alone


def test_persistent_workers_serve_every_pass():
    many = loader(pairs(), 3, num_workers=2, persistent_workers=True)
    whole = values(many)
    assert values(many) == whole
    next(iter(many))  # left early
    assert values(many) == whole
    del many


def test_workers_share_a_stream():
    out = sorted(i for b in loader(Shares(), 2, num_workers=2) for i in b.tolist())
    assert out == list(range(10))


def test_out_of_order_gives_the_same_batches():
    out = loader(pairs(), 2, num_workers=2, in_order=False)
    assert sorted(values(out)) == values(data.DataLoader(pairs(), 2))


def test_worker_seeds_follow_the_seed_of_the_process():
    def draw():
        torch.manual_seed(3)
        return [[t.tolist() for t in b] for b in loader(Draws(), 2, num_workers=2)]

    first = draw()
    assert draw() == first
    seeds = [b[2][0] for b in first]
    assert seeds[1] == seeds[0] + 1
    assert len({x for b in first for x in b[0]}) == 6


@pytest.mark.parametrize("error", [ValueError("broken sample"), KeyError("name")])
def test_error_in_a_worker_reaches_the_loop(error):
    with pytest.raises(type(error), match=r"(?s)in DataLoader worker process 0.*Original Traceback"):
        list(loader(Faulty(error), 1, num_workers=1))


def test_sample_that_cannot_be_pickled_is_an_error_not_a_hang():
    with pytest.raises(Exception, match="in DataLoader worker process"):
        list(loader(Lambdas(None), batch_size=None, num_workers=1, collate_fn=same))


def same(x):
    return x


def test_death_of_a_worker_is_noticed(monkeypatch):
    from rustorch.utils.data import worker

    monkeypatch.setattr(worker, "CHECK_INTERVAL", 0.2)
    with pytest.raises(RuntimeError, match="exited unexpectedly"):
        list(loader(Exits(None), 1, num_workers=1))


def test_worker_init_fn_runs_in_the_worker():
    out = list(loader([0], batch_size=None, num_workers=1, worker_init_fn=leave_mark, collate_fn=read_mark))
    assert out == ["0"]
    assert "WORKER_MARK" not in os.environ


# At the top of the module, where processes that are not forks find them.


def leave_mark(i):
    os.environ["WORKER_MARK"] = str(i)


def read_mark(_):
    return os.environ["WORKER_MARK"]


def test_timeout_names_the_seconds():
    with pytest.raises(RuntimeError, match=r"DataLoader timed out after 0.2 seconds"):
        list(loader([0], batch_size=None, num_workers=1, timeout=0.2, collate_fn=wait))


def wait(_):
    time.sleep(2)


def test_numpy_seeds_of_workers_equal_torchs(oracle):
    ref = importlib.import_module("torch.utils.data._utils.worker")
    base, me = 0x123456789ABCDEF, 3
    entropy = [me, base & 0xFFFFFFFF, base >> 32, 0]
    assert np.random.SeedSequence(entropy).generate_state(4).tolist() == ref._generate_state(base, me)
