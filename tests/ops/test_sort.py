"""Sorting, selection, distinct elements, searching and counting: against torch, gradients, known values, errors."""

import math

import pytest

import rustorch as torch
from rustorch.autograd import gradcheck, gradgradcheck

INF, NAN = math.inf, math.nan


def data(T, *shape, dtype=None):
    n = math.prod(shape)
    return ((T.arange(n) * 7919 % 10007).reshape(shape) - 5000).to(dtype or T.float64) / 64


def coarse(T, *shape):
    """Integers of which many are equal."""
    return T.arange(math.prod(shape)).reshape(shape) * 7919 % 11


def odd(T):
    return T.tensor([3.0, NAN, -0.0, INF, 0.0, -INF, NAN, -2.0])


CASES = {
    "sort": lambda T: data(T, 4, 50).sort(),
    "sort of a turned view, downwards": lambda T: data(T, 50, 4).t().sort(descending=True),
    "sort along the first dim": lambda T: coarse(T, 30, 5).sort(dim=0, stable=True),
    "stable sort downwards": lambda T: coarse(T, 60).sort(stable=True, descending=True),
    "sort of NaN and zeros": lambda T: odd(T).sort(stable=True),
    "sort of NaN downwards": lambda T: odd(T).sort(stable=True, descending=True),
    "sort of bools": lambda T: (coarse(T, 40) > 4).sort(stable=True),
    "long sort": lambda T: data(T, 200000).sort(stable=True),
    "sort of halves": lambda T: data(T, 3000).half().sort(stable=True),
    "sort of nothing": lambda T: T.empty(3, 0).sort(),
    "sort of a 0-d tensor": lambda T: T.tensor(2).sort(),
    "argsort": lambda T: coarse(T, 3, 20).argsort(dim=1, stable=True),
    "msort": lambda T: data(T, 20, 3).msort(),
    "topk": lambda T: data(T, 4, 900).topk(7),
    "topk, smallest, first dim": lambda T: data(T, 90, 4).topk(3, 0, largest=False),
    "topk with NaN": lambda T: odd(T).topk(3).values,
    "topk of nothing": lambda T: data(T, 4, 5).topk(0),
    "kthvalue": lambda T: data(T, 6, 31).kthvalue(4, 0, keepdim=True),
    "median": lambda T: data(T, 5, 30).median(1),
    "median with NaN": lambda T: odd(T).median(),
    "nanmedian": lambda T: odd(T).nanmedian(),
    "nanmedian of NaN": lambda T: T.full((3,), NAN).nanmedian(0),
    "mode": lambda T: coarse(T, 4, 15).mode(),
    "mode along the first dim": lambda T: coarse(T, 15, 4).mode(0, keepdim=True),
    "quantile": lambda T: data(T, 4, 9).quantile(T.tensor([0.0, 0.3, 1.0], dtype=T.float64), 1),
    "quantile of all, keepdim": lambda T: data(T, 4, 9).quantile(0.77, keepdim=True),
    "quantile with NaN": lambda T: T.stack([odd(T), data(T, 8).float()]).quantile(0.5, dim=1),
    "quantile, nearest to even": lambda T: T.arange(4.0).quantile(
        T.tensor([0.5 / 3, 0.5, 2.5 / 3]), interpolation="nearest"
    ),
    "quantile, midpoint": lambda T: data(T, 9).quantile(0.4, interpolation="midpoint"),
    "nanquantile": lambda T: T.tensor([[1.0, NAN, 3.0], [NAN, NAN, NAN]]).nanquantile(0.25, dim=1, keepdim=True),
    "unique": lambda T: coarse(T, 3, 9).unique(return_inverse=True, return_counts=True),
    "unique of NaN": lambda T: odd(T).unique(),
    "unique rows": lambda T: (coarse(T, 20, 2) % 3).unique(dim=0, return_inverse=True, return_counts=True),
    "unique columns": lambda T: (coarse(T, 2, 20) % 3).unique(dim=1),
    "unique_consecutive": lambda T: T.tensor([2, 2, 1, 1, 1, 2]).unique_consecutive(True, True),
    "unique_consecutive rows": lambda T: T.tensor([[1, 2], [1, 2], [0, 2], [1, 2]]).unique_consecutive(
        return_counts=True, dim=0
    ),
    "searchsorted": lambda T: T.searchsorted(T.arange(0, 40, 3), coarse(T, 3, 9) * 3),
    "searchsorted by rows": lambda T: T.searchsorted(data(T, 3, 9).sort().values, data(T, 3, 4), right=True),
    "searchsorted with sorter": lambda T: T.searchsorted(
        T.tensor([5, 1, 3]), T.tensor([3, 4, 9]), sorter=T.tensor([1, 2, 0]), side="right"
    ),
    "searchsorted of NaN": lambda T: T.searchsorted(T.tensor([1.0, 2.0, 3.0]), T.tensor([NAN, INF, -INF])),
    "bucketize": lambda T: T.bucketize(coarse(T, 9), T.tensor([2.5, 5.0]), out_int32=True),
    "bucketize a number": lambda T: T.bucketize(3, T.tensor([1, 3, 5]), right=True),
    "bincount": lambda T: coarse(T, 50).bincount(minlength=15),
    "bincount with weights": lambda T: coarse(T, 50).bincount(data(T, 50)),
    "bincount of nothing": lambda T: T.bincount(T.empty(0, dtype=T.int64), minlength=3),
    "histc": lambda T: data(T, 5, 40).histc(7),
    "histc with bounds": lambda T: data(T, 200).histc(5, min=-10, max=10),
    "isin": lambda T: T.isin(coarse(T, 4, 5), T.tensor([[3, 7], [0, 3]])),
    "isin, inverted, with NaN": lambda T: T.isin(odd(T), T.tensor([NAN, 0.0]), invert=True),
    "isin of nothing": lambda T: T.isin(coarse(T, 4), T.empty(0)),
    "isin a number": lambda T: T.isin(coarse(T, 9), 3),
    "nonzero": lambda T: (coarse(T, 4, 5) > 6).nonzero(),
    "nonzero as tuple": lambda T: (coarse(T, 4, 5) > 6).nonzero(as_tuple=True),
    "nonzero of a 0-d tensor": lambda T: T.tensor(5).nonzero(as_tuple=True),
    "argwhere": lambda T: T.argwhere(coarse(T, 3, 3) % 2),
    "nonzero_static": lambda T: T.nonzero_static(T.tensor([0, 4, 0, 2]), size=3, fill_value=9),
}


@pytest.mark.filterwarnings("ignore:.*searchsorted:UserWarning")
@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_agrees_with_torch(case, oracle, assert_same):
    assert_same(case(torch), case(oracle))


DIFFERENTIABLE = {
    "sort": lambda x: x.sort(1, descending=True).values,
    "msort": lambda x: x.msort(),
    "topk": lambda x: x.topk(2, 0).values,
    "kthvalue": lambda x: x.kthvalue(2).values,
    "median": lambda x: x.median(),
    "median along a dim": lambda x: x.median(0, keepdim=True).values,
    "nanmedian": lambda x: x.nanmedian(1).values,
    "mode": lambda x: x.mode(0).values,
    "quantile": lambda x: x.quantile(torch.tensor([0.2, 0.9], dtype=x.dtype), dim=1),
    "nanquantile": lambda x: x.nanquantile(0.6),
}


@pytest.mark.parametrize("function", DIFFERENTIABLE.values(), ids=DIFFERENTIABLE)
def test_derivatives(function):
    x = torch.tensor([[0.7, -1.3, 2.1], [-0.6, 1.9, 0.2]], dtype=torch.float64, requires_grad=True)
    assert gradcheck(function, (x,))
    assert gradgradcheck(function, (x,))


def test_quantile_has_a_derivative_by_q():
    q = torch.tensor([0.3, 0.6], dtype=torch.float64, requires_grad=True)
    x = torch.tensor([1.0, 5.0, 2.0, 9.0], dtype=torch.float64)
    x.quantile(q).sum().backward()
    # Between sorted elements the slope is their distance times n - 1.
    assert q.grad.tolist() == pytest.approx([3 * (2 - 1), 3 * (5 - 2)])


def test_every_sort_is_stable():
    x = coarse(torch, 5000)
    values, indices = x.sort()
    same = values[1:] == values[:-1]
    assert bool((indices[1:] > indices[:-1])[same].all())


def test_the_mode_is_the_smallest_of_the_most_frequent_and_its_last_index():
    values, indices = torch.tensor([[3, 1, 3, 1, 2], [4, 4, 4, 0, 0]]).mode()
    assert values.tolist() == [1, 4]
    assert indices.tolist() == [3, 2]


def test_selection_takes_the_first_of_equals():
    assert torch.tensor([1, 7, 7, 7]).topk(2).indices.tolist() == [1, 2]
    assert torch.tensor([5, 5, 1]).kthvalue(2).indices.item() == 0


def test_node_names():
    x = torch.rand(3, 4, requires_grad=True)
    named = {
        "SortBackward0": x.sort().values,
        "TopkBackward0": x.topk(2).values,
        "KthvalueBackward0": x.kthvalue(1).values,
        "MedianBackward0": x.median(),
        "MedianBackward1": x.median(0).values,
        "NanmedianBackward1": x.nanmedian(0).values,
        "ModeBackward0": x.mode().values,
    }
    for name, y in named.items():
        assert y.grad_fn.name() == name


ERRORS = [
    (lambda x: x.topk(4), RuntimeError, "selected index k out of range"),
    (lambda x: x.kthvalue(0), RuntimeError, "selected number k out of range for dimension 1"),
    (lambda x: x.sort(2), IndexError, "Dimension out of range"),
    (lambda x: torch.complex(x, x).sort(), RuntimeError, "Sort does not support complex dtypes on CPU"),
    (lambda x: (x > 0).median(), NotImplementedError, "not implemented for 'Bool'"),
    (lambda x: torch.empty(0, 3).mode(0), IndexError, r"mode\(\): Expected reduction dim 0 to have non-zero size"),
    (lambda x: x.quantile(1.5), RuntimeError, r"q must be in the range \[0, 1\] but got 1.5"),
    (lambda x: x.half().quantile(0.5), RuntimeError, "must be either float or double dtype"),
    (lambda x: x.quantile(0.5, interpolation="cubic"), RuntimeError, "interpolation must be one of"),
    (lambda x: torch.searchsorted(x, x[0]), RuntimeError, "boundaries tensor should be 1 dimension"),
    (lambda x: torch.searchsorted(x, x, right=True, side="left"), RuntimeError, "can't be set to opposites"),
    (lambda x: torch.searchsorted(x[0], x, sorter=torch.tensor([0, 1, 3])), RuntimeError, "sorter index out of range"),
    (lambda x: torch.bincount(torch.tensor([1, -1])), RuntimeError, "1-d non-negative integral inputs"),
    (lambda x: x.histc(0), RuntimeError, "bins must be > 0"),
    (lambda x: torch.empty(0, 3, 2).unique(dim=1), RuntimeError, "There are 0 sized dimensions"),
]


@pytest.mark.parametrize(("call", "error", "text"), ERRORS)
def test_errors(call, error, text):
    with pytest.raises(error, match=text):
        call(torch.ones(2, 3))
