"""Derivatives through sparse tensors, of first and second order, and gradients that are sparse."""

import pytest

import rustorch as torch
from rustorch.autograd import gradcheck, gradgradcheck

INDICES = torch.tensor([[0, 1, 1, 0], [2, 0, 2, 2]])


def data(*shape):
    return torch.arange(1.0, torch.Size(shape).numel() + 1, dtype=torch.float64).reshape(shape).sin()


def sparse(v):
    return torch.sparse_coo_tensor(INDICES, v, (2, 3))


FUNCTIONS = {
    "construction": lambda v: sparse(v).to_dense(),
    "coalesce": lambda v: sparse(v).coalesce().values(),
    "compressed rows": lambda v: sparse(v).to_sparse_csr().to_dense(),
    "compressed columns": lambda v: sparse(v).to_sparse_csc().values(),
    "a compressed tensor's values": lambda v: torch.sparse_csr_tensor([0, 2, 4], [0, 2, 1, 2], v, (2, 3)).to_dense(),
    "sum of sparse tensors": lambda v: (sparse(v) + sparse(v * v)).to_dense(),
    "sum of coalesced tensors": lambda v: (
        torch.sub(sparse(v).coalesce(), sparse(v * v).t().t().coalesce(), alpha=3)
        + torch.sparse_coo_tensor([[0, 1], [0, 2]], v[:2], (2, 3)).coalesce()
    ).to_dense(),
    "sum with a dense tensor": lambda v: torch.add(v.sum() * data(2, 3), sparse(v), alpha=2),
    "product of sparse tensors": lambda v: (
        sparse(v) * torch.sparse_coo_tensor(INDICES[:, :2], v[:2], (2, 3))
    ).to_dense(),
    "product of few values in many places": lambda v: (
        torch.sparse_coo_tensor([[1, 70, 800, 801]], v, (1000,))
        * torch.sparse_coo_tensor([[2, 70, 801]], v[1:], (1000,))
    ).values(),
    "product with a dense tensor": lambda v: (sparse(v) * (v.sum() * data(2, 3))).to_dense(),
    "product with a number": lambda v: (sparse(v) * 3 / 2).to_dense(),
    "functions of elements": lambda v: (sparse(v.abs()).sqrt() + sparse(v).sin()).to_dense(),
    "powers": lambda v: (sparse(v) ** 2).to_dense(),
    "matrix times matrix": lambda v: sparse(v) @ (v.sum() * data(3, 2)),
    "matrix by rows times matrix": lambda v: sparse(v).to_sparse_csr() @ (v.sum() * data(3, 2)),
    "matrix times sparse matrix": lambda v: (v[0] * data(4, 2)) @ sparse(v),
    "sparse times sparse": lambda v: (sparse(v) @ sparse(v).t()).to_dense(),
    "matrix times vector": lambda v: sparse(v).mv(v[:3]),
    "addmm": lambda v: torch.addmm(v[:2].reshape(2, 1), sparse(v), data(3, 1), beta=0.5, alpha=2),
    "sampled products": lambda v: torch.sparse.sampled_addmm(
        sparse(v).to_sparse_csr(), v.reshape(2, 2), v[0] * data(2, 3)
    ).values(),
    "mean of products": lambda v: torch.sparse.mm(sparse(v).to_sparse_csr(), v[0] * data(3, 2), "mean"),
    "sum over a dim": lambda v: sparse(v).sum(0).to_dense(),
    "sum": lambda v: sparse(v).sum(),
    "norm": lambda v: sparse(v).norm(),
    "softmax": lambda v: torch.sparse.softmax(sparse(v), 1).to_dense(),
    "log_softmax": lambda v: torch.sparse.log_softmax(sparse(v), 1).to_dense(),
    "joined": lambda v: torch.cat([sparse(v), sparse(v.sin())], 1).to_dense(),
    "turned": lambda v: sparse(v).t().to_dense(),
    "selected": lambda v: sparse(v)[1].to_dense(),
    "chosen": lambda v: sparse(v).index_select(1, torch.tensor([2, 0, 2])).to_dense(),
    "masked": lambda v: (v.sum() * data(2, 3)).sparse_mask(sparse(v.detach())).to_dense(),
    "masked by a sparse tensor": lambda v: sparse(v).sparse_mask(sparse(v.detach()).coalesce()).to_dense(),
    "from a dense tensor": lambda v: v.reshape(2, 2).to_sparse().to_dense(),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_derivatives_are_those_of_finite_differences(name):
    v = data(4).requires_grad_()
    assert gradcheck(FUNCTIONS[name], (v,))
    assert gradgradcheck(FUNCTIONS[name], (v,))


def test_a_sparse_leaf_gets_a_sparse_gradient_at_its_places():
    s = sparse(data(4)).requires_grad_()
    d = data(3, 2).requires_grad_()
    y = torch.sparse.mm(s, d)
    (y * y).sum().backward()
    assert s.grad.layout is torch.sparse_coo
    want = (2 * y @ d.t()).detach()
    assert torch.allclose(s.grad.to_dense(), want * (s.detach().to_dense() != 0))
    first = s.grad.to_dense()
    y = torch.sparse.mm(s, d)
    (y * y).sum().backward()
    assert torch.allclose(s.grad.to_dense(), 2 * first)


def table(*shape):
    return torch.nn.Parameter(data(*shape))


@pytest.mark.parametrize("padding", [None, 1])
def test_an_embedding_gives_the_rows_that_were_read(padding):
    index = torch.tensor([[1, 2, 2], [4, 0, 1]])
    tables = [table(5, 3), table(5, 3)]
    for weight, kind in zip(tables, (False, True)):
        rows = torch.nn.functional.embedding(index, weight, padding, sparse=kind)
        (rows**2).sum().backward()
    dense, kept = (t.grad for t in tables)
    assert kept.is_sparse
    assert kept._nnz() == (6 if padding is None else 4)
    assert torch.equal(kept.to_dense(), dense)


@pytest.mark.parametrize("mode", ["sum", "mean"])
def test_bags_give_the_rows_that_were_read(mode):
    index = torch.tensor([[1, 2, 2], [4, 0, 1]])
    tables = [table(5, 3), table(5, 3)]
    for weight, kind in zip(tables, (False, True)):
        bags = torch.nn.functional.embedding_bag(index, weight, mode=mode, sparse=kind)
        (bags**2).sum().backward()
    assert tables[1].grad.is_sparse
    assert torch.allclose(tables[1].grad.to_dense(), tables[0].grad)


def test_gather_gives_the_elements_that_were_read():
    index = torch.tensor([[0, 2], [1, 1]])
    grads = []
    for kind in (False, True):
        x = data(2, 3).requires_grad_()
        (x.gather(1, index, sparse_grad=kind) ** 2).sum().backward()
        grads.append(x.grad)
    assert grads[1].is_sparse
    assert torch.equal(grads[1].to_dense(), grads[0])


def test_dense_and_sparse_gradients_of_one_table_add_up():
    index = torch.tensor([1, 2])
    for order in (lambda a, b: a + b, lambda a, b: b + a):
        weight = table(3, 2)
        read = torch.nn.functional.embedding(index, weight, sparse=True)
        order(read.sum(), (weight * 2).sum()).backward()
        assert weight.grad.layout is torch.strided
        assert weight.grad.tolist() == [[2, 2], [3, 3], [3, 3]]
    # What is there already is sparse, then dense.
    weight = table(3, 2)
    torch.nn.functional.embedding(index, weight, sparse=True).sum().backward()
    assert weight.grad.is_sparse
    weight.sum().backward()
    assert weight.grad.tolist() == [[1, 1], [2, 2], [2, 2]]
    torch.nn.functional.embedding(index, weight, sparse=True).sum().backward()
    assert weight.grad.tolist() == [[1, 1], [3, 3], [3, 3]]


def test_a_gradient_does_not_share_memory_with_what_it_came_from():
    values = torch.ones(2, 3, requires_grad=True)
    s = torch.sparse_coo_tensor([[0, 1]], values, (2, 3)).detach().requires_grad_()
    upstream = torch.sparse_coo_tensor([[0, 1]], torch.ones(2, 3), (2, 3))
    s.backward(upstream)
    s.grad._values().zero_()
    assert upstream._values().sum() == 6


def test_hooks_see_the_sparse_gradient_and_may_replace_it():
    weight = table(4, 2)
    seen = []
    weight.register_hook(lambda g: seen.append(g.layout) or g * 2)
    torch.nn.functional.embedding(torch.tensor([3]), weight, sparse=True).sum().backward()
    assert seen == [torch.sparse_coo]
    assert weight.grad.to_dense()[3].tolist() == [2, 2]


def test_grad_gives_sparse_gradients():
    weight = table(4, 2)
    y = torch.nn.functional.embedding(torch.tensor([3, 3]), weight, sparse=True).sum()
    (g,) = torch.autograd.grad(y, weight)
    assert g.is_sparse and g.coalesce().indices().tolist() == [[3]]


def test_a_gradient_of_another_shape_is_refused():
    class Wrong(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x * 1

        @staticmethod
        def backward(ctx, g):
            return torch.sparse_coo_tensor([[0], [0]], [1.0], (9, 9))

    x = torch.ones(2, 2, requires_grad=True)
    with pytest.raises(RuntimeError, match="invalid gradient"):
        Wrong.apply(x).sum().backward()


def test_scale_by_frequency_excludes_sparse():
    weight = table(4, 2)
    y = torch.nn.functional.embedding(torch.tensor([3]), weight, scale_grad_by_freq=True, sparse=True)
    with pytest.raises(RuntimeError, match="scale_grad_by_freq not supported with sparse gradients"):
        y.sum().backward()
