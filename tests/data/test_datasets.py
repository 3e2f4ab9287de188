"""Datasets and samplers."""

import pytest

import rustorch as torch
from rustorch.utils import data


def pairs(n=7):
    return data.TensorDataset(torch.arange(n * 2.0).reshape(n, 2), torch.arange(n))


class Count(data.IterableDataset):
    def __init__(self, start, end):
        self.start, self.end = start, end

    def __iter__(self):
        return iter(range(self.start, self.end))

    def __len__(self):
        return self.end - self.start


def test_tensor_dataset_gives_rows():
    x, y = pairs()[3]
    assert x.tolist() == [6.0, 7.0]
    assert y.item() == 3
    with pytest.raises(AssertionError, match="Size mismatch between tensors"):
        data.TensorDataset(torch.ones(2), torch.ones(3))


def test_concat_finds_the_member_and_takes_negative_indices():
    both = pairs(3) + pairs(4)
    assert isinstance(both, data.ConcatDataset)
    assert len(both) == 7
    assert both[3][1].item() == 0
    assert both[-1][1].item() == 3
    assert both.cumulative_sizes == [3, 7]
    with pytest.raises(ValueError, match="absolute value of index"):
        both[-8]


def test_chain_reads_streams_in_turn():
    chain = Count(0, 2) + Count(5, 7)
    assert list(chain) == [0, 1, 5, 6]
    assert len(chain) == 4


def test_stream_without_iter_cannot_be_made():
    with pytest.raises(TypeError, match="Can't instantiate abstract class IterableDataset"):
        data.IterableDataset()


def test_old_spelling_of_cumulative_sizes_warns():
    with pytest.warns(FutureWarning, match="`cummulative_sizes` attribute is renamed to `cumulative_sizes`"):
        assert (pairs(3) + pairs(4)).cummulative_sizes == [3, 7]


def test_distributed_sampler_needs_a_place_among_others():
    with pytest.raises(RuntimeError, match="Requires distributed package to be available"):
        data.DistributedSampler(pairs())


def test_stack_makes_tuples_or_dicts():
    assert data.StackDataset([1, 2], [3, 4])[1] == (2, 4)
    named = data.StackDataset(a=[1, 2], b=[3, 4])
    assert named[0] == {"a": 1, "b": 3}
    assert named.__getitems__([1, 0]) == [{"a": 2, "b": 4}, {"a": 1, "b": 3}]
    with pytest.raises(ValueError, match="Size mismatch between datasets"):
        data.StackDataset([1], [1, 2])


def test_subset_maps_indices_and_refuses_half_an_override():
    part = data.Subset([10, 11, 12, 13], [3, 1])
    assert [part[0], part[1], len(part)] == [13, 11, 2]
    assert part.__getitems__([1, 0]) == [11, 13]

    class Half(data.Subset):
        def __getitem__(self, i):
            return -super().__getitem__(i)

    with pytest.raises(NotImplementedError, match="overrides __getitem__ but not __getitems__"):
        Half([1, 2], [0])


def test_random_split_covers_everything_once():
    parts = data.random_split(range(10), [0.25, 0.25, 0.5], generator=torch.Generator().manual_seed(1))
    assert [len(p) for p in parts] == [3, 2, 5]
    assert sorted(i for p in parts for i in p) == list(range(10))
    with pytest.raises(ValueError, match="Sum of input lengths does not equal"):
        data.random_split(range(10), [3, 3])


def test_batch_sampler_keeps_or_drops_the_rest():
    assert list(data.BatchSampler(range(5), 2, False)) == [[0, 1], [2, 3], [4]]
    assert list(data.BatchSampler(range(5), 2, True)) == [[0, 1], [2, 3]]
    assert len(data.BatchSampler(range(5), 2, False)) == 3
    with pytest.raises(ValueError, match="batch_size should be a positive integer value"):
        data.BatchSampler(range(5), 0, False)


def test_random_sampler_is_a_permutation_and_follows_the_seed():
    torch.manual_seed(5)
    first = list(data.RandomSampler(range(20)))
    torch.manual_seed(5)
    assert list(data.RandomSampler(range(20))) == first
    assert sorted(first) == list(range(20))
    assert len(list(data.RandomSampler(range(3), num_samples=8))) == 8


def test_weighted_sampler_leaves_out_weight_zero():
    drawn = list(data.WeightedRandomSampler([0.0, 1.0, 0.0, 2.0], 50))
    assert set(drawn) <= {1, 3}
    with pytest.raises(ValueError, match="weights should be a 1d sequence"):
        data.WeightedRandomSampler([[1.0]], 1)


@pytest.mark.parametrize("drop_last", [False, True])
def test_distributed_shares_are_equal_and_disjoint(drop_last):
    shares = [list(data.DistributedSampler(range(10), 3, r, drop_last=drop_last)) for r in range(3)]
    assert {len(s) for s in shares} == {3 if drop_last else 4}
    seen = [i for s in shares for i in s]
    assert len(set(seen)) == (9 if drop_last else 10)


def test_distributed_order_changes_with_the_epoch():
    s = data.DistributedSampler(range(50), 1, 0)
    first = list(s)
    s.set_epoch(1)
    assert list(s) != first
    s.set_epoch(0)
    assert list(s) == first
