"""Bags of rows of an embedding table on the GPU: as on the CPU."""

import pytest

import rustorch as torch
from rustorch.nn import functional as F

MODES = ("sum", "mean", "max")


def both(mode, bags, device, dtype=torch.float32, **options):
    """The results of a call, and the gradients by the table and by the factors of a sum."""
    torch.manual_seed(0)
    n, offsets = bags
    table = torch.randn(6, 5, dtype=dtype).to(device).requires_grad_()
    factors = torch.randn(n, dtype=dtype).to(device).requires_grad_() if mode == "sum" else None
    indices, offsets = torch.randint(0, 6, (n,)).to(device), torch.tensor(offsets).to(device)
    mode = MODES.index(mode)
    y = torch.embedding_bag(table, indices, offsets, mode=mode, per_sample_weights=factors, **options)
    inputs = [table] if factors is None else [table, factors]
    weights = torch.arange(y[0].numel()).reshape(y[0].shape).to(dtype).to(device)
    return [*y, *torch.autograd.grad(y[0], inputs, weights / 7)]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("bags", [(9, [0, 0, 3, 3, 7, 9]), (0, [0, 0]), (700, [0, 5, 300, 700]), (4, [0])])
@pytest.mark.parametrize("include_last_offset", [False, True])
@pytest.mark.parametrize("padding_idx", [None, 2, -1])
def test_bags(mode, bags, include_last_offset, padding_idx, assert_same):
    options = {"include_last_offset": include_last_offset, "padding_idx": padding_idx}
    here, there = both(mode, bags, "cpu", **options), both(mode, bags, "gpu", **options)
    for a, b in zip(there, here, strict=True):
        assert_same(a.cpu(), b, rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_bags_of_halves(mode, dtype, assert_same):
    bags = (9, [0, 0, 3, 7])
    for a, b in zip(both(mode, bags, "gpu", dtype), both(mode, bags, "cpu", dtype), strict=True):
        assert_same(a.cpu().float(), b.float(), rtol=2e-2, atol=2e-2)


def test_tables_of_more_columns_than_a_workgroup_and_views(assert_same):
    torch.manual_seed(0)
    table, i = torch.randn(300, 40), torch.randint(0, 40, (3, 50))
    for mode in MODES:
        y = F.embedding_bag(i.gpu(), table.gpu().t(), mode=mode, scale_grad_by_freq=mode != "max")
        assert_same(y.cpu(), F.embedding_bag(i, table.t(), mode=mode), rtol=1e-4, atol=1e-4)


def test_nan_is_largest_if_it_comes_first():
    table = torch.tensor([[1.0], [float("nan")], [3.0]])
    i, o = torch.tensor([0, 1, 2, 1, 2]), torch.tensor([0, 3])
    for device in ("cpu", "gpu"):
        y = F.embedding_bag(i.to(device), table.to(device), o.to(device), mode="max")
        assert str(y.tolist()) == "[[3.0], [nan]]"


@pytest.mark.parametrize(
    ("indices", "offsets"),
    [([0, 9], [0]), ([0, -1], [0]), ([1, 1], [0, 3]), ([1, 1], [1]), ([1, 1], [0, 2, 1]), ([1, 1], [0, -2])],
)
def test_what_is_out_of_range_is_raised(indices, offsets):
    torch.embedding_bag(torch.ones(3, 2).gpu(), torch.tensor(indices).gpu(), torch.tensor(offsets).gpu())
    with pytest.raises(RuntimeError, match="not in the valid range"):
        torch.gpu.synchronize()


def test_the_same_bits_twice():
    once, again = (both("sum", (700, [0, 5, 300]), "gpu", padding_idx=1) for _ in range(2))
    assert all(torch.equal(a.cpu(), b.cpu()) for a, b in zip(once, again, strict=True))


def test_rows_are_kept_short(assert_same):
    torch.manual_seed(0)
    table, i = torch.randn(9, 5), torch.tensor([[1, 3, 3], [0, 8, 1]])
    for dtype in (torch.float32, torch.float16):
        here, there = table.to(dtype), table.to(dtype).gpu()
        a, b = (F.embedding_bag(x.to(t.device), t, max_norm=1.5) for x, t in ((i, here), (i, there)))
        tolerance = {"rtol": 4e-3, "atol": 1e-3} if dtype == torch.float16 else {"rtol": 1e-5, "atol": 1e-6}
        assert_same(there.cpu(), here, **tolerance)
        assert_same(b.cpu(), a, **tolerance)


def test_long_bags_and_busy_rows_are_added_up_in_pieces():
    n = 70001
    torch.manual_seed(0)
    table, keys, offsets = torch.rand(4, 3), torch.randint(4, (n,)), torch.tensor([0, 5, 2000, 69000])
    keys[3000:40000] = 2
    weights = torch.rand(n)

    def run(place, mode, factors):
        t, f = (place(x).clone().requires_grad_() for x in (table, weights))
        kwargs = {"mode": mode, "padding_idx": 1, "per_sample_weights": f if factors else None}
        y = F.embedding_bag(keys.to(t.device), t, offsets.to(t.device), **kwargs)
        y.sum().backward()
        return [y.detach(), t.grad, *([f.grad] if factors else [])]

    for mode, factors in (("sum", False), ("sum", True), ("mean", False), ("max", False)):
        # In double precision: one sum after the other loses digits on the CPU.
        here, there = run(torch.Tensor.double, mode, factors), run(torch.Tensor.gpu, mode, factors)
        for a, b in zip(here, there, strict=True):
            assert torch.allclose(b.cpu().double(), a, rtol=1e-5), (mode, factors)


def test_a_bag_without_a_table_has_no_gradient():
    for device in ("cpu", "gpu"):
        table = torch.empty(0, 3, device=device, requires_grad=True)
        none = torch.empty(0, dtype=torch.int64, device=device)
        y = F.embedding_bag(none, table, torch.zeros(1, dtype=torch.int64, device=device), mode="max")
        y.sum().backward()
        assert y.tolist() == [[0, 0, 0]] and table.grad.shape == (0, 3)
