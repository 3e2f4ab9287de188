"""Reading and writing by index, against torch: values, gradients, in-place forms, views, errors."""

import pytest

import rustorch as torch
from rustorch.autograd import gradcheck, gradgradcheck


def data(T, *shape, dtype=None, grad=False):
    n = 1
    for s in shape:
        n *= s
    x = ((T.arange(n) * 7919 % 31).reshape(shape) - 15).to(dtype or T.float64) / 4
    return x.requires_grad_() if grad else x


def ints(T, *shape, below):
    n = 1
    for s in shape:
        n *= s
    return (T.arange(n) * 104729 % 13 % below).reshape(shape)


CASES = {
    "gather": lambda T: data(T, 4, 5).gather(1, ints(T, 3, 7, below=5)),
    "gather int32 index": lambda T: data(T, 4, 5).gather(0, ints(T, 6, 5, below=4).int()),
    "gather of a view": lambda T: data(T, 5, 4, 3).transpose(0, 2)[:, ::2].gather(2, ints(T, 3, 2, 9, below=5)),
    "gather from a 0-d tensor": lambda T: T.tensor(2.5).gather(0, T.tensor([0, 0, 0])),
    "gather with a 0-d index": lambda T: data(T, 4).gather(0, T.tensor(2)),
    "gather nothing": lambda T: data(T, 4, 5).gather(0, T.zeros(0, 9, dtype=T.int64)),
    "scatter": lambda T: data(T, 4, 5).scatter(0, ints(T, 1, 4, below=4), data(T, 1, 5) + 9),
    "scatter value": lambda T: data(T, 4, 5).scatter(1, ints(T, 4, 3, below=5), 2.5),
    "scatter multiply": lambda T: data(T, 4, 5).scatter(1, ints(T, 4, 3, below=5), 2.5, reduce="multiply"),
    "scatter nothing": lambda T: data(T, 4).scatter(0, T.zeros(0, dtype=T.int64), data(T, 3)),
    "scatter_add": lambda T: data(T, 4, 5).scatter_add(0, ints(T, 6, 5, below=4), data(T, 6, 5)),
    "scatter_add bool": lambda T: (data(T, 4) > 0).scatter_add(0, ints(T, 9, below=4), data(T, 9) > 2),
    "scatter_reduce mean": lambda T: data(T, 4).scatter_reduce(0, ints(T, 9, below=4), data(T, 9), "mean"),
    "scatter_reduce amax": lambda T: data(T, 4).scatter_reduce(
        0, ints(T, 9, below=3), data(T, 9), "amax", include_self=False
    ),
    "index_select": lambda T: data(T, 4, 5, 3).index_select(1, T.tensor([4, 0, 0, 3])),
    "index_select of a 0-d tensor": lambda T: T.tensor(3.0).index_select(0, T.tensor([0])),
    "index_add alpha": lambda T: data(T, 4, 5).index_add(1, T.tensor([2, 2, 0]), data(T, 4, 3), alpha=-3),
    "index_add ints": lambda T: T.arange(6).index_add(0, T.tensor([5, 5]), T.tensor([3, 4]), alpha=2),
    "index_copy": lambda T: data(T, 4, 5).index_copy(0, T.tensor([3, 1]), data(T, 2, 5) * 7),
    "index_copy of a scalar": lambda T: data(T, 4).index_copy(0, T.tensor(2), T.tensor(9.0, dtype=T.float64)),
    "index_fill negative": lambda T: data(T, 4, 5).index_fill(1, T.tensor([-1, 0]), 3),
    "index_fill tensor": lambda T: data(T, 4, 5).index_fill(0, T.tensor([1]), T.tensor(8)),
    "index_reduce prod": lambda T: data(T, 4, 3).index_reduce(0, T.tensor([1, 1, 3]), data(T, 3, 3) + 1, "prod"),
    "take": lambda T: data(T, 4, 5).t().take(T.tensor([[0, -1], [7, -20]])),
    "put": lambda T: data(T, 4, 5).put(T.tensor([0, -1, 7]), data(T, 3) + 100),
    "put accumulate": lambda T: data(T, 4, 5).put(T.tensor([[2, 2], [2, -1]]), data(T, 2, 2), accumulate=True),
    "take_along_dim": lambda T: data(T, 4, 1, 3).take_along_dim(ints(T, 1, 5, 2, below=3), dim=2),
    "take_along_dim wraps": lambda T: data(T, 4, 3).take_along_dim(T.tensor([[-1, 5, 3]]), dim=0),
    "take_along_dim flat": lambda T: data(T, 4, 3).take_along_dim(T.tensor([[11, 5]])),
    "masked_select": lambda T: data(T, 4, 5).masked_select(data(T, 5) > 0),
    "masked_select of a scalar": lambda T: T.tensor(1.0).masked_select(T.tensor([True, False, True])),
    "masked_scatter": lambda T: data(T, 1, 5).masked_scatter(data(T, 4, 1) > 0, data(T, 40)),
    "embedding": lambda T: T.embedding(data(T, 7, 3), ints(T, 2, 4, below=7)),
    "embedding of nothing": lambda T: T.embedding(data(T, 7, 3), T.zeros(0, dtype=T.int32)),
}


@pytest.mark.filterwarnings("ignore:index_reduce")
@pytest.mark.parametrize("name", CASES)
def test_values(name, oracle, assert_same):
    assert_same(CASES[name](torch), CASES[name](oracle))


INPLACE = {
    "scatter_": lambda x, T: x.scatter_(0, ints(T, 2, 4, below=4), data(T, 2, 5) + 9),
    "scatter_ value": lambda x, T: x.scatter_(1, ints(T, 4, 2, below=5), -1.5),
    "scatter_add_": lambda x, T: x.scatter_add_(1, ints(T, 4, 6, below=5), data(T, 4, 6)),
    "scatter_reduce_": lambda x, T: x.scatter_reduce_(1, ints(T, 4, 6, below=5), data(T, 4, 6), "prod"),
    "index_add_": lambda x, T: x.index_add_(0, T.tensor([1, 1]), data(T, 2, 5), alpha=2),
    "index_copy_": lambda x, T: x.index_copy_(0, T.tensor([1, 3]), data(T, 2, 5)),
    "index_fill_": lambda x, T: x.index_fill_(0, T.tensor([1, 3]), 4.0),
    "index_reduce_": lambda x, T: x.index_reduce_(0, T.tensor([1, 3]), data(T, 2, 5), "amin"),
    "put_": lambda x, T: x.put_(T.tensor([3, 19]), data(T, 2)),
    "masked_scatter_": lambda x, T: x.masked_scatter_(data(T, 5) > 0, data(T, 30)),
    "index_put_": lambda x, T: x.index_put_((T.tensor([0, 1, 1]),), data(T, 3, 5), accumulate=True),
}


@pytest.mark.filterwarnings("ignore:index_reduce")
@pytest.mark.parametrize("name", INPLACE)
def test_in_place_with_history_and_through_views(name, oracle, assert_same):
    def run(T):
        leaf = data(T, 4, 5, grad=True)
        x = leaf * 2
        same = INPLACE[name](x, T)
        assert same is x
        whole = data(T, 5, 4, grad=True)
        base = whole * 3
        INPLACE[name](base.t(), T)
        (x * data(T, 4, 5)).sum().backward()
        (base * data(T, 5, 4)).sum().backward()
        return x.detach(), leaf.grad, base.detach(), whole.grad

    assert_same(run(torch), run(oracle))


@pytest.mark.parametrize(
    "function",
    [
        lambda x: x.gather(1, ints(torch, 4, 3, below=3)),
        lambda x: x.index_select(0, torch.tensor([3, 0, 0])),
        lambda x: x.take(torch.tensor([1, -1, 1])),
        lambda x: x.masked_select(torch.tensor([True, False, True])),
        lambda x: torch.embedding(x, torch.tensor([1, 3, 1]), padding_idx=2),
        lambda x: (x * x).scatter(0, ints(torch, 2, 3, below=4), x[:3]),
        lambda x: x.scatter_add(0, ints(torch, 3, 3, below=4), x[1:] * x[:3]),
        lambda x: x.scatter_reduce(0, torch.tensor([[0, 1, 2], [0, 1, 1]]), x[:2], "prod"),
        lambda x: x.scatter_reduce(0, torch.tensor([[0, 1, 2], [0, 1, 1]]), x[:2], "mean", include_self=False),
        lambda x: x.index_reduce(0, torch.tensor([0, 3, 3]), x[1:] + 1, "amax"),
        lambda x: x.index_copy(0, torch.tensor([2, 1]), x[:2] ** 2),
        lambda x: x.index_fill(0, torch.tensor([2, 1, 2]), x.sum() ** 2),
        lambda x: x.put(torch.tensor([2, 1]), x[0, :2] ** 2),
        lambda x: x.masked_scatter(torch.tensor([True, False, True]), x.flip(0) ** 2),
    ],
)
def test_derivatives(function):
    x = data(torch, 4, 3, grad=True)
    assert gradcheck(function, (x,))
    assert gradgradcheck(function, (x,))


def test_products_with_zeros_have_the_derivative_of_the_others(oracle, assert_same):
    def run(T):
        x = T.tensor([0.0, 2.0, 3.0], dtype=T.float64, requires_grad=True)
        s = T.tensor([0.0, 5.0, 0.0, 0.0, 7.0], dtype=T.float64, requires_grad=True)
        i = T.tensor([0, 0, 1, 2, 2])
        y = x.scatter_reduce(0, i, s, "prod")
        return (y, *T.autograd.grad(y.sum(), (x, s)))

    assert_same([t.detach() for t in run(torch)], [t.detach() for t in run(oracle)])


def test_a_source_larger_than_the_index_gets_zeros_elsewhere():
    src = data(torch, 4, 5, grad=True)
    torch.zeros(4, 5, dtype=torch.float64).scatter(0, torch.tensor([[1, 2]]), src).sum().backward()
    want = torch.zeros(4, 5, dtype=torch.float64)
    want[0, :2] = 1
    assert torch.equal(src.grad, want)


def test_embedding_gradient_options(oracle, assert_same):
    def run(T, **options):
        w = data(T, 5, 3, grad=True)
        i = T.tensor([[1, 2, 1], [4, 2, 1]])
        T.embedding(w, i, **options).mul(data(T, 2, 3, 3)).sum().backward()
        return w.grad

    for options in ({}, {"padding_idx": 2}, {"scale_grad_by_freq": True}):
        assert_same(run(torch, **options), run(oracle, **options))


ERRORS = {
    "gather dtype": lambda T: data(T, 3, 4).gather(0, T.zeros(1, 2)),
    "gather bounds": lambda T: data(T, 3, 4).gather(0, T.tensor([[5]])),
    "gather negative": lambda T: data(T, 3, 4).gather(0, T.tensor([[-1]])),
    "gather size": lambda T: data(T, 3, 4).gather(0, T.zeros(1, 9, dtype=T.int64)),
    "scatter dtype": lambda T: data(T, 3, 4).scatter(0, T.tensor([[0]]), T.zeros(3, 4)),
    "scatter size": lambda T: data(T, 3, 4).scatter_add(0, T.zeros(4, 2, dtype=T.int64), data(T, 3, 4)),
    "scatter complex": lambda T: T.zeros(3, 4).scatter(0, T.tensor([[0]]), 1j),
    "scatter reduce": lambda T: T.zeros(3, 4).scatter(0, T.tensor([[0]]), 1, reduce="min"),
    "scatter_reduce": lambda T: T.zeros(3).scatter_reduce(0, T.tensor([0]), T.zeros(3), "least"),
    "index_select dims": lambda T: T.zeros(3).index_select(0, T.tensor([[0]])),
    "index_select bounds": lambda T: T.zeros(3).index_select(0, T.tensor([3])),
    "index_add dtype": lambda T: T.zeros(3).index_add(0, T.tensor([0]), T.zeros(1, dtype=T.int64)),
    "index_add count": lambda T: T.zeros(3).index_add(0, T.tensor([0, 1]), T.zeros(1)),
    "index_copy slices": lambda T: T.zeros(3, 4).index_copy(0, T.tensor([0]), T.zeros(1, 3)),
    "index_copy bounds": lambda T: T.zeros(3, 4).index_copy(0, T.tensor([-1]), T.zeros(1, 4)),
    "index_fill dims": lambda T: T.zeros(3).index_fill(0, T.tensor([[0]]), 1),
    "index_fill complex": lambda T: T.zeros(3).index_fill(0, T.tensor([0]), 1j),
    "take bounds": lambda T: T.zeros(3).take(T.tensor([-4])),
    "take from nothing": lambda T: T.zeros(0).take(T.tensor([0])),
    "put count": lambda T: T.zeros(3).put(T.tensor([0, 1]), T.zeros(1)),
    "masked_select dtype": lambda T: T.zeros(3).masked_select(T.tensor([1, 0, 1])),
    "masked_scatter short": lambda T: T.zeros(3).masked_scatter(T.tensor([True, True, False]), T.zeros(1)),
    "embedding bounds": lambda T: T.embedding(T.zeros(3, 2), T.tensor([3])),
    "embedding dims": lambda T: T.embedding(T.zeros(3), T.tensor([1])),
    "in place on an expanded tensor": lambda T: T.zeros(1).expand(3).scatter_(0, T.tensor([0]), 1),
}


@pytest.mark.parametrize("name", ERRORS)
def test_errors_are_torch_s(name, oracle):
    with pytest.raises(Exception) as ours:
        ERRORS[name](torch)
    with pytest.raises(Exception) as theirs:
        ERRORS[name](oracle)
    assert ours.type.__name__ == theirs.type.__name__
    assert str(ours.value).splitlines()[0] == str(theirs.value).splitlines()[0]


def test_sums_do_not_depend_on_the_number_of_threads():
    x = torch.zeros(50, 300)
    i = ints(torch, 4000, below=13) * 3
    src = data(torch, 4000, 300, dtype=torch.float32)
    before = torch.get_num_threads()
    try:
        results = []
        for n in (1, 2, 5):
            torch.set_num_threads(n)
            results.append(x.index_add(0, i, src))
            results.append(x.scatter_add(0, i[:, None].expand(-1, 300), src))
    finally:
        torch.set_num_threads(before)
    assert all(torch.equal(results[0], r) for r in results[1:])


@pytest.mark.parametrize(
    "call",
    [
        "y.index_add_(0, i, y[:3])",
        "i.index_add_(0, i, i.clone())",
        "i.index_add_(0, i.clone(), i)",
        "y.index_copy_(0, i, y[:3])",
        "i.index_copy_(0, i, i.clone())",
        "i.index_fill_(0, i, 0)",
        "y.index_fill_(0, i, y[0])",
        "y.index_reduce_(0, i, y[:3], 'prod')",
        "y.index_put_((i,), y[0])",
        "y[i] = y[0]",
        "i.index_put_((i,), i.clone())",
        "y.scatter_(0, f, y)",
        "f.scatter_(0, f, f.clone())",
        "f.scatter_(0, f, 2)",
        "y.scatter_add_(0, f, y)",
        "y.scatter_reduce_(0, f, y, 'sum')",
        "y.put_(i, y[:3])",
        "i.put_(i, i.clone())",
        "y[1:].bernoulli_(y[:-1])",
        "y.bernoulli_(y)",
        "m[m] = False",
        "m.index_put_((m,), m[0])",
        "m[m[0]] = False",
        "y[y > 2] = y[5]",
        "y[::2].scatter_(0, f[:3], y[::2])",
    ],
)
def test_writes_by_index_read_no_part_of_their_result(oracle, call):
    results = []
    for lib in (oracle, torch):
        lib.manual_seed(0)
        names = {"y": lib.arange(6.0) / 8, "i": lib.tensor([2, 1, 0]), "f": lib.arange(6)}
        names["m"] = names["y"] > 0.2
        try:
            exec(call, names)
            results.append([names[n].tolist() for n in "yifm"])
        except RuntimeError as error:
            results.append(str(error).splitlines()[0])
    assert results[0] == results[1]


def test_strided_sources_that_overlap_are_read_first():
    x = torch.arange(6.0)
    x.index_copy_(0, torch.tensor([4, 2, 0]), x[::2])
    assert x.tolist() == [4, 1, 2, 3, 0, 5]
    y = torch.arange(6.0)
    y.scatter_(0, torch.tensor([1, 2, 3]), y[::2])
    assert y.tolist() == [0, 0, 2, 4, 4, 5]


def test_meta_tensors_have_shapes_only():
    x = torch.empty(4, 5, device="meta")
    assert x.gather(1, torch.empty(4, 2, dtype=torch.int64, device="meta")).shape == (4, 2)
    assert x.index_select(0, torch.empty(7, dtype=torch.int64, device="meta")).shape == (7, 5)
    assert x.scatter_add(0, torch.empty(2, 5, dtype=torch.int64, device="meta"), x).shape == (4, 5)
    with pytest.raises(NotImplementedError):
        x.masked_select(torch.empty(4, 5, dtype=torch.bool, device="meta"))
