"""Sparse tensors where they meet the rest: changes in place, hooks, modes, keywords, meta tensors, odd operands."""

import copy
import pickle

import pytest

import rustorch as torch
from rustorch.nn import functional as F
from rustorch.utils.checkpoint import checkpoint

INDICES = [[0, 1, 1], [2, 0, 2]]


def sparse(requires_grad=False):
    return torch.sparse_coo_tensor(INDICES, [3.0, 4.0, 5.0], (2, 3), requires_grad=requires_grad)


def test_coalescing_needs_data():
    with pytest.raises(NotImplementedError, match="expected data"):
        torch._C._sparse_coalesce(
            torch.sparse_coo_tensor(torch.zeros(1, 2, device="meta"), torch.ones(2, device="meta"), (3,))
        )
    assert sparse().to("meta").coalesce().is_meta


def test_places_are_compared_by_all_their_indices():
    crow = torch.tensor([0, 1, 2])
    a = torch.sparse_csr_tensor(crow, torch.tensor([0, 1]), torch.tensor([1.0, 2.0]), (2, 2))
    b = torch.sparse_csr_tensor(crow, torch.tensor([1, 0]), torch.tensor([10.0, 20.0]), (2, 2))
    assert not b.sparse_mask(a).to_dense().any()
    i = torch.tensor([[0, 1], [0, 1]])
    q = torch.sparse_coo_tensor(i.t(), [10.0, 20.0], (2, 2))
    p = torch.sparse_coo_tensor(i, [1.0, 2.0], (2, 2), is_coalesced=True)
    assert q.sparse_mask(p).to_dense().tolist() == (q.to_dense() * torch.eye(2)).tolist()
    twice = torch.tensor([[0, 0], [1, 1]])
    v = torch.ones(2, requires_grad=True)
    s = torch.sparse_coo_tensor(twice, v, (2, 2))
    (g,) = torch.autograd.grad(s, v, torch.sparse_coo_tensor(twice, torch.ones(2), (2, 2)))
    assert g.tolist() == [2, 2]


def test_integers_keep_their_dtype_and_digits():
    s = torch.sparse_coo_tensor([[0, 1]], torch.tensor([2**24 + 1, 3]), (2,))
    assert (s * torch.sparse_coo_tensor([[0, 1]], torch.tensor([1, 1]), (2,))).to_dense().tolist() == [2**24 + 1, 3]
    b = torch.sparse_coo_tensor([[0, 1]], torch.tensor([True, True]), (2,))
    assert (b * b).dtype is torch.bool
    with pytest.raises(RuntimeError, match="can't be cast"):
        s.add_(torch.sparse_coo_tensor([[0]], [0.5], (2,)))
    repeated = torch.sparse_coo_tensor([[0, 0]], [0.6, 0.6], (1,))
    assert repeated.int().to_dense().tolist() == repeated.to(torch.int32).to_dense().tolist() == [0]


@pytest.mark.parametrize("size", [(5, 8), (400, 500), (40,), (5, 8, 2)])
@pytest.mark.parametrize("counts", [(20, 15), (1, 20), (0, 7), (7, 0), (0, 0)])
def test_coalesced_tensors_meet_place_by_place(size, counts):
    """Whether lists of places are looked up in a table or searched, which their lengths decide."""
    torch.manual_seed(0)
    n = torch.Size(size[:2]).numel()

    def coalesced(count):
        places = torch.randperm(n // 10 if n > 1000 else n)[:count]
        where = torch.stack(torch.unravel_index(places, size[:2]))
        return torch.sparse_coo_tensor(where, torch.randn(count, *size[2:]), size).coalesce()

    a, b = (coalesced(count) for count in counts)
    for result, dense in (
        (a + b, a.to_dense() + b.to_dense()),
        (a - b, a.to_dense() - b.to_dense()),
        (torch.add(a, b, alpha=2), a.to_dense() + 2 * b.to_dense()),
        (a * b, a.to_dense() * b.to_dense()),
    ):
        assert result.is_coalesced()
        assert torch.equal(result.to_dense(), dense)
        again = torch.sparse_coo_tensor(result.indices(), result.values(), size).coalesce()
        assert torch.equal(again.indices(), result.indices())


def test_a_product_of_other_sparse_dims_is_that_of_the_elements():
    s = sparse()
    rows = torch.sparse_coo_tensor([[1]], [[1.0, 2.0, 3.0]], (2, 3))
    assert (s * rows).to_dense().tolist() == (rows * s).to_dense().tolist() == [[0, 0, 0], [4, 0, 15]]


def test_out_is_given_back_and_shares_no_memory():
    s, out = sparse(), torch.sparse_coo_tensor(size=(1, 1))
    assert torch.conj_physical(s, out=out) is out
    out.mul_(2)
    assert (s.sum(), out.sum(), out.shape) == (12, 24, (2, 3))
    dense = torch.empty(2, 1)
    assert torch.mm(s, torch.ones(3, 1), out=dense) is dense
    with pytest.raises(TypeError, match="must be Tensor, not int"):
        torch.add(s, s, out=3)


def test_another_size_in_place_is_that_of_the_object_alone():
    s = sparse()
    before, version = s.detach(), s._version
    assert s.t_() is s
    assert (s.shape, before.shape) == ((3, 2), (2, 3))
    assert s.to_dense().tolist() == before.to_dense().t().tolist()
    assert s._version != version
    s.sparse_resize_((4, 2), 2, 0)
    assert (s + s).shape == (4, 2)
    wide = torch.sparse_coo_tensor([[1]], [[1.0, 2.0]], (2, 2)).sparse_resize_((3, 3), 1, 1)
    assert wide.to_dense().tolist() == [[0, 0, 0], [1, 2, 0], [0, 0, 0]]


def test_another_size_between_forward_and_backward_is_noticed():
    s = sparse(True)
    y = torch.sparse.mm(s, torch.ones(3, 1))
    with torch.no_grad():
        s.sparse_resize_((5, 5), 2, 0)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        y.sum().backward()


def test_a_change_between_forward_and_backward_is_noticed():
    s = sparse(True)
    y = torch.sparse.mm(s, torch.ones(3, 1))
    with torch.no_grad():
        s.copy_(torch.sparse_coo_tensor([[0], [0]], [1.0], (2, 3)))
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        y.sum().backward()
    for change in (lambda s: s.mul_(2), lambda s: s.div_(2), lambda s: s.add_(s), lambda s: s.zero_()):
        s = sparse()
        before = s._version
        change(s)
        assert s._version > before


def test_changes_in_place_lose_no_history():
    for change in (
        lambda s: s.add_(sparse(True)),
        lambda s: s.copy_(sparse(True)),
        lambda s: s.mul_(torch.tensor(2.0, requires_grad=True)),
    ):
        with pytest.raises(RuntimeError, match="require no grad"):
            change(sparse())
    v = torch.ones(3, requires_grad=True)
    torch.sparse_coo_tensor(INDICES, v, (2, 3), requires_grad=True).to_dense().sum().backward()
    assert v.grad.tolist() == [1, 1, 1]


def test_retained_gradients_are_kept():
    s = sparse(True)
    y = s * 2
    y.retain_grad()
    y.to_dense().sum().backward()
    assert y.grad.to_dense().tolist() == [[0, 0, 1], [1, 0, 1]]


@pytest.mark.filterwarnings("ignore:To copy construct")
def test_copies_of_data_are_sparse():
    assert torch.equal(torch.tensor(sparse()), sparse())
    assert torch.as_tensor(sparse(), dtype=torch.float64).dtype is torch.float64
    assert torch.ones(2).new_tensor(sparse()).is_sparse


def test_what_goes_past_the_class_is_refused():
    class Sub(torch.Tensor):
        pass

    with pytest.raises(NotImplementedError, match="to_dense"):
        sparse().as_subclass(Sub) * 2
    with torch._C.DisableTorchFunctionSubclass(), pytest.raises(NotImplementedError, match="to_dense"):
        torch.add(sparse(), sparse())


@pytest.mark.parametrize("change", [lambda w: w * 2, lambda w: -w, lambda w: w.exp(), lambda w: w + torch.ones(2)])
def test_sparse_gradients_go_on_through_dense_operations(change):
    grads = []
    for kind in (False, True):
        w = torch.arange(8.0).reshape(4, 2).requires_grad_()
        F.embedding(torch.tensor([1, 3]), change(w), sparse=kind).sum().backward()
        grads.append(w.grad)
    assert torch.equal(*grads)


def test_checkpoints_and_saved_tensor_hooks_take_sparse_tensors():
    w = torch.ones(3, 2, requires_grad=True)
    grads = []
    for run in (lambda f, s: f(s), lambda f, s: checkpoint(f, s, use_reentrant=False)):
        s = sparse(True)
        run(lambda s: torch.sparse.mm(s, w).sin(), s).sum().backward()
        grads.append(s.grad)
    assert torch.equal(*grads)
    with torch.autograd.graph.saved_tensors_hooks(lambda x: x, lambda x: x):
        y = torch.sparse.mm(sparse(True), w)
    y.sum().backward()


def test_products_work_in_inference_mode():
    with torch.inference_mode():
        assert (sparse() @ torch.ones(3, 1)).tolist() == [[3], [9]]


def test_layouts_last():
    c = torch.eye(3).to_sparse_csr().detach().requires_grad_()
    for _ in range(2):
        c.to_dense().sum().backward()
    assert c.grad.layout is torch.sparse_csr and c.grad.values().tolist() == [2, 2, 2]
    csc = torch.eye(3).to_sparse_csc()
    csc.copy_(torch.eye(3).to_sparse_csr() * 2)
    assert csc.layout is torch.sparse_csc and csc.to_dense()[1, 1] == 2


def test_empty_ones_and_vectors():
    e = torch.sparse_coo_tensor((2, 3))
    assert (e * e)._nnz() == 0 and e.to_dense().sum() == 0
    assert (e @ torch.ones(3, 1)).tolist() == [[0], [0]]
    assert (sparse()[0] @ torch.ones(3, 2)).tolist() == [3, 3]
    assert (torch.ones(2, 3) @ sparse()[0]).tolist() == [3, 3]
    assert torch.sparse.mm(torch.ones(2, 2), torch.ones(2, 2)).tolist() == [[2, 2], [2, 2]]
    far = torch.sparse_coo_tensor([[0, 5]], [1.0, 2.0], (2**40,))
    assert far.index_select(0, torch.tensor([5, 0])).to_dense().tolist() == [2, 1]


def test_keywords_are_torchs():
    s = sparse()
    assert torch.equal(torch.abs(input=s), s)
    assert torch.mm(input=s, mat2=torch.ones(3, 1)).tolist() == [[3], [9]]
    assert torch.equal(s.add(other=s, alpha=2), s * 3)
    assert torch.equal(s.sum(axis=0), torch.sum(input=s, dim=0))
    with pytest.raises(NotImplementedError, match="no out"):
        torch.sum(s, 0, out=sparse())
    turned = sparse()
    assert turned.transpose_(dim0=0, dim1=1) is turned
    assert turned.swapaxes_(axis0=0, axis1=1).shape == (2, 3)


@pytest.mark.parametrize(
    "call",
    [
        lambda s: s.unsqueeze(5),
        lambda s: torch.stack([s], 9),
        lambda s: s.sum((0, 0)),
        lambda s: s @ None,
        lambda s: s @ 2,
        lambda s: s.index_select(0, [0]),
        lambda s: torch.sparse_coo_tensor([[0, 1]], torch.eye(2).to_sparse(), (2, 2)),
        lambda s: torch.ones(5, 2, 3) * s,
        lambda s: torch.func.vmap(lambda d: d.sparse_mask(s).to_dense())(torch.ones(4, 2, 3)),
    ],
)
def test_odd_operands_are_refused(call):
    with pytest.raises((RuntimeError, TypeError, IndexError)):
        call(sparse())


def test_products_with_each_of_a_batch():
    d = torch.arange(24.0).reshape(4, 3, 2)
    want = torch.stack([sparse() @ x for x in d])
    assert torch.equal(torch.vmap(lambda x: torch.sparse.mm(sparse(), x))(d), want)


def test_sums_keep_the_dtype_where_torchs_do():
    s = torch.sparse_coo_tensor([[0, 1]], torch.tensor([1, 2], dtype=torch.int32), (2,))
    assert torch.sparse.sum(s).dtype is torch.int32
    assert torch.sum(s).dtype is torch.int64


def test_copies_of_parameters_are_parameters():
    p = torch.nn.Parameter(sparse())
    p.grad = sparse()
    for c in (copy.deepcopy(p), pickle.loads(pickle.dumps(p))):
        assert isinstance(c, torch.nn.Parameter) and c.requires_grad
    assert torch.equal(copy.deepcopy(p).grad, p.grad)
