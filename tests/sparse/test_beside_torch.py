"""Sparse tensors beside torch: layouts, values and error classes of one expression after another."""

import warnings

import pytest

import rustorch

# torch says that it does not look at indices.
pytestmark = pytest.mark.filterwarnings("ignore:Sparse")

INDICES = [[0, 1, 1, 0], [2, 0, 2, 2]]
VALUES = [1.5, -2.0, 2.5, 4.0]

# s: COO with a coordinate that is there twice; k: coalesced; c: CSR; h: COO with a dense dim; d: dense (2, 3);
# o: another COO matrix; e: COO without values; T: torch.
EXPRESSIONS = """
s.coalesce()
s.to_dense()
s.is_coalesced()
k.indices()
k.values()
k.is_coalesced()
s._indices()
s._values()
s._nnz()
s.sparse_dim()
s.dense_dim()
h.sparse_dim()
h.dense_dim()
h.to_dense()
h.coalesce()
d.sparse_dim()
d.dense_dim()
d.to_dense()
d.to_sparse()
d.to_sparse(1)
d.to_sparse_csr()
d.to_sparse_csc()
d.to_sparse(layout=T.sparse_csr)
s.to_sparse_csr()
s.to_sparse_csc()
c.to_sparse()
c.to_sparse_csc()
c.crow_indices()
c.col_indices()
c.values()
c.to_sparse_csc().ccol_indices()
c.to_sparse_csc().row_indices()
c.sparse_dim()
c.dense_dim()
s.is_sparse
c.is_sparse
c.is_sparse_csr
s.layout
c.layout
s.device
s.dtype
s.shape
s.size(1)
s.dim()
s.numel()
len(s)
s.element_size()
s.requires_grad
s.is_leaf
s.is_contiguous()
s.stride()
s.type()
repr(s)
repr(k)
repr(c)
repr(h)
repr(s.double())
repr(s.requires_grad_())
repr(T.sparse_coo_tensor(size=(2, 0)))
T.is_tensor(s)
isinstance(s, T.Tensor)
s.double()
s.half()
s.long()
s.to(T.float64)
s.cpu()
s.clone()
s.detach()
T.as_tensor(s)
T.zeros_like(s)
T.empty_like(s)
T.zeros_like(c)
s + s
k + k
s - k
c + c
d + s
d + c
d - s
T.add(d, s, alpha=2)
T.add(s, s, alpha=2)
T.sub(s, s, alpha=2)
s * 2
2 * s
c * 2
s * d
d * s
k * k
T.copysign(T.ones(3), (T.sparse_coo_tensor([[0, 1]], [-0.0, -0.0], (9,), is_coalesced=True) + T.sparse_coo_tensor([[1, 2]], [-0.0, -0.0], (9,), is_coalesced=True))._values())
k + k.double()
k.long() + k
h + h.coalesce()
h.coalesce() + h.coalesce()
h.coalesce() * h.coalesce()
k * d.to_sparse()
c * c
c * d
s / 2
s // 2
s ** 2
-s
s.neg()
s.abs()
s.sign()
s.relu()
s.abs().sqrt()
T.sin(s)
s.isnan()
s.square()
c.relu()
c.to_sparse_csc().to_sparse()
c + s.t().t().abs().to_sparse_csr()
T.add(c, k.sin().to_sparse_csr(), alpha=-1)
c * s.abs().to_sparse_csr()
c + T.sparse_csr_tensor([0, 2, 3], [1, 0, 2], V[:3], (2, 3))
s.pow(2)
s.add_(s)
s.mul_(2)
s.div_(2)
s.zero_()
s.copy_(k)
k.abs_()
d.add_(s)
d.add_(s, alpha=2)
d.add_(h.to_dense().sum(2).to_sparse())
d.sub_(s)
s.sum()
s.sum(0)
s.sum((0, 1))
h.sum(2)
h.sum(0)
c.sum()
T.sparse.sum(s)
T.sparse.sum(s, 0)
T.sparse.sum(h, (0, 2))
s.norm()
s.norm(1)
s.any()
T.sparse.softmax(s, 1)
T.sparse.softmax(s, 0)
T.sparse.softmax(h, 2)
T.sparse.softmax(s[0], 0)
T.sparse.log_softmax(s[0], 0)
T.sparse.softmax(s.unsqueeze(1), 0)
T.sparse.softmax(T.sparse_coo_tensor([[0, 0, 90], [50, 80, 3]], V[:3], (100, 100)), 1)
T.sparse.softmax(T.sparse_coo_tensor([[0, 0, 90], [50, 80, 80]], V[:3], (100, 100)), 0)
T.sparse.log_softmax(s, 1)
T.softmax(k.to_dense(), 1)
s.t()
s.T
s.transpose(0, 1)
s.permute(1, 0)
h.transpose(0, 1)
c.t()
s.unsqueeze(0)
s.unsqueeze(-1)
h.unsqueeze(3)
T.cat([s, s])
T.cat([s, s], 1)
T.cat([h, h], 2)
T.vstack([s, k])
T.vstack((s[0], k[1]))
T.row_stack([s, k])
T.hstack([s, k])
T.hstack([s[0], k[1], s[0]])
T.hstack([h, h])
T.dstack([s, k])
T.dstack([s[0], k[1]])
T.dstack([h, h])
T.column_stack([s, k])
T.vstack(tensors=[s, s])
T.atleast_1d(s[0])
T.atleast_2d(s[0])
T.atleast_2d(s[0], s)
T.atleast_3d(s)
T.atleast_3d(s[0])
T.stack([s, s])
T.stack([s, s], 2)
s.select(0, 1)
s[0]
s[0, 2]
s[:, 1]
h[0]
h[0, 2]
list(s)
s.unbind()
s.index_select(0, T.tensor([1]))
s.index_select(1, T.tensor([2, 0, 2]))
h.index_select(2, T.tensor([1]))
s @ d.t()
s.mm(d.t())
d @ s.t()
T.mm(d, s.t())
d.t() @ s
s @ s.t()
T.sparse.mm(s, s.t())
T.sparse.mm(c, d.t())
T.sparse.mm(c, d.t(), "sum")
T.sparse.mm(c, d.t(), "mean")
T.sparse.mm(c, d.t(), "amax")
T.sparse.mm(c, d.t(), "amin")
T.matmul(s, T.ones(3))
s.mv(T.ones(3))
s.long() @ d.t().long()
c @ d.t()
c @ T.ones(3)
c @ c.t().to_sparse_csr()
T.addmm(T.ones(2, 2), s, d.t())
T.addmm(T.ones(2, 2), s, d.t(), beta=0.5, alpha=2)
T.sparse.addmm(T.ones(2, 2), s, d.t())
T.spmm(s, d.t())
T.smm(s, d.t()).to_dense()
T.hspmm(s, d.t())
T.hsmm(s, d.t())
T.dsmm(s, d.t())
T.saddmm(T.eye(2).to_sparse(), s, d.t())
T.sspaddmm(T.eye(2).to_sparse(), s, d.t())
T.bmm(s.unsqueeze(0), d.t()[None])
T.sparse.sampled_addmm(c, d, T.ones(3, 3))
T.sparse.sampled_addmm(c, d, T.ones(3, 3), beta=0.5, alpha=2.0)
T.nn.functional.linear(d, c)
s.sparse_mask(k)
d.sparse_mask(k)
d.sparse_mask(s.coalesce())
T.sparse.spdiags(T.arange(6.0).reshape(2, 3), T.tensor([0, 1]), (3, 3))
T.sparse.FloatTensor(T.tensor(I), T.tensor(V), (2, 3))
T.sparse.FloatTensor(2, 3)
T.sparse_coo_tensor(I, V)
T.sparse_coo_tensor(I, V, dtype=T.float64)
T.sparse_coo_tensor(size=(2, 3))
T.sparse_coo_tensor((2, 3))
T.sparse_csr_tensor([0, 1, 3], [2, 0, 2], V[:3])
T.sparse_csc_tensor([0, 1, 3], [2, 0, 2], V[:3])
T.sparse_compressed_tensor([0, 1, 3], [2, 0, 2], V[:3], (2, 3), layout=T.sparse_csr)
s.grad_fn
T.add(s, k, out=k)
T.add(k, k, alpha=2, out=o)
T.add(k, k, out=T.sparse_coo_tensor(size=(4,)))
T.add(k, k.double(), out=o)
T.sub(k, s, out=o)
T.mul(k, k, out=o)
T.mul(s, 2, out=s)
T.mul(k, d, out=o)
T.div(s, 2, out=o)
T.floor_divide(k, 2, out=o)
T.pow(k, 2, out=o)
T.float_power(k, 2, out=o.double())
T.abs(s, out=o)
T.neg(s, out=o)
T.sin(k, out=o)
T.sgn(k, out=o)
T.conj_physical(k, out=o)
T.isposinf(k, out=o.bool())
T.add(d, s, out=T.empty(2, 3))
T.add(d, s, out=T.empty(2, 3, dtype=T.float64))
T.add(input=s, other=k, out=o)
T.mm(s, d.t(), out=T.empty(2, 2))
T.mm(s, d.t(), out=T.empty(0))
T.mm(c, d.t(), out=T.empty(2, 2))
T.mm(c, c.t().to_sparse_csr(), out=T.zeros(2, 2).to_sparse_csr())
T.matmul(s, d.t(), out=T.empty(2, 2))
T.addmm(T.ones(2, 2), s, d.t(), alpha=2, out=T.empty(2, 2))
T.bmm(s.unsqueeze(0), d.t()[None], out=T.empty(1, 2, 2))
T.add(c, c, out=c)
T.mul(c, c, out=T.zeros(2, 3).to_sparse_csr())
T.hspmm(s, d.t(), out=T.sparse_coo_tensor(size=(2, 2)))
T.sspaddmm(T.eye(2).to_sparse(), s, d.t(), out=o)
T.sparse.sampled_addmm(c, d, T.ones(3, 3), out=T.zeros(2, 3).to_sparse_csr())
s.t_()
k.t_()._indices()
k.t_().is_coalesced()
s[0].t_()
s.transpose_(0, 1)
s.transpose_(-1, 0).shape
s.transpose_(1, 1).is_coalesced()
h.transpose_(0, 1)
s.swapaxes_(0, 1)
s.swapdims_(0, 1)
s.sparse_resize_((3, 4), 2, 0)
k.sparse_resize_((2, 5), 2, 0).is_coalesced()
k.sparse_resize_((2, 5), 2, 0).indices()
h.sparse_resize_((4, 3, 2), 2, 1)
e.sparse_resize_((2, 3), 1, 1)
e.sparse_resize_((5, 2, 3), 1, 2)._values()
e.sparse_resize_((1, 1), 2, 0)
e.sparse_resize_((3,), 0, 1)._values()
k.sparse_resize_and_clear_((2, 3, 4), 1, 2)
k.sparse_resize_and_clear_((2, 3, 4), 1, 2)._values()
s.sparse_resize_and_clear_((5, 5), 2, 0).is_coalesced()
k.sparse_resize_and_clear_((), 0, 0)
s.resize_as_(T.sparse_coo_tensor((4, 4)))
d.resize_as_(s)
""".strip().splitlines()

REFUSED = """
d.coalesce()
d.indices()
d.values()
d._nnz()
d.is_coalesced()
d.crow_indices()
s.indices()
s.values()
c.coalesce()
c.indices()
s.data_ptr()
s.untyped_storage()
s.numpy()
s.item()
s.nbytes
bool(s)
s + 1
s + d
s - d
s == s
s / d
s.exp()
s.sigmoid()
s.mean()
s.max()
s.max(0)
s.reshape(3, 2)
s.view(3, 2)
s.flatten()
s.nonzero()
s.fill_(0)
s.trace()
s.diagonal()
s.dot(s)
T.softmax(s, 1)
T.ones_like(s)
T.rand_like(s)
s @ d
s.mm(d)
s.mv(d)
T.cat([s, d])
T.cat([s, T.sparse_coo_tensor((2, 1))])
T.cat([s, s[0]])
T.cat([s, d.to_sparse(1)])
T.cat([s, s], 2)
T.vstack([s, d])
T.hstack([s, s[0]])
T.atleast_1d(T.sparse_coo_tensor(size=()))
T.add(k, k, out=d)
T.add(d, k, out=o)
T.add(d, d, out=o)
T.add(k, k, out=o.long())
T.add(k, k, out=c)
T.add(c, c, out=o)
T.add(k, d, out=d)
T.add(k, k, out=T.sparse_coo_tensor([[0]], [7.0], (2,)))
T.add(k, k, out=T.sparse_coo_tensor([[0], [0]], [7.0], (2, 4)))
T.add(k.requires_grad_(), k, out=o)
T.add(k, k, out=o.requires_grad_())
T.mul(k, k, out=d)
T.div(k, 2, out=d)
T.div(k.long(), 2, out=o.long())
T.abs(k, out=d)
T.sin(k, out=o.long())
T.float_power(k, 2, out=o)
T.mm(s, d.t(), out=o)
T.mm(s, d.t(), out=T.empty(2, 2, dtype=T.float64))
T.sum(s, 0, out=T.empty(3))
T.mv(s, T.ones(3), out=T.empty(2))
T.cat([s, s], out=o)
T.vstack([s, s], out=o)
T.index_select(s, 0, T.tensor([0]), out=o)
T.norm(s, out=T.empty(()))
s.transpose_(0, 2)
h.transpose_(1, 2)
h.t_()
T.sparse_coo_tensor((2, 3, 4)).t_()
c.t_()
c.transpose_(0, 1)
s.requires_grad_().t_()
s.sparse_resize_((1, 3), 2, 0)
s.sparse_resize_((2, 3), 1, 1)
s.sparse_resize_((2, 3, 4), 2, 1)
s.sparse_resize_((2, 3), 2, 1)
s.sparse_resize_((2, -3), 2, 0)
s.sparse_resize_((2, 3.5), 2, 0)
h.sparse_resize_((2, 3, 1), 2, 1)
e.sparse_resize_((3, -1), 2, 0)
s.requires_grad_().sparse_resize_((3, 4), 2, 0)
s.sparse_resize_and_clear_((1,), 1, 1)
s.sparse_resize_and_clear_((-1,), 1, 0)
s.requires_grad_().sparse_resize_and_clear_((3, 4), 2, 0)
c.sparse_resize_((3, 4), 2, 0)
d.sparse_resize_((3, 4), 2, 0)
d.sparse_resize_and_clear_((3, 4), 2, 0)
s.resize_((3, 4))
s.resize_as_(d)
T.sparse_coo_tensor(I, V[:2], (2, 3))
T.sparse_coo_tensor(I[0], V, (2, 3))
T.sparse_coo_tensor(I, V, (2, 3, 4))
s[2]
s[0, 0, 0]
""".strip().splitlines()


def evaluate(T, expression):
    s = T.sparse_coo_tensor(INDICES, VALUES, (2, 3))
    names = {
        "T": T,
        "I": INDICES,
        "V": VALUES,
        "s": s,
        "k": s.coalesce(),
        "c": s.to_sparse_csr(),
        "h": T.sparse_coo_tensor(INDICES, T.arange(8.0).reshape(4, 2), (2, 3, 2)),
        "o": T.sparse_coo_tensor([[0], [0]], [7.0], (2, 2)),
        "e": T.sparse_coo_tensor((2, 3)),
        "d": T.tensor([[1.0, -2.0, 0.0], [0.0, 3.0, 4.0]]),
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return eval(expression, names)


def stored(T, x):
    """Layout and how many elements are kept, equal coordinates counted once."""
    if x.layout is T.strided:
        return "strided", None
    return str(x.layout), x.detach().coalesce()._nnz() if x.layout is T.sparse_coo else x._nnz()


def compare(torch, mine, theirs, assert_same):
    if isinstance(theirs, torch.Tensor):
        assert stored(rustorch, mine) == stored(torch, theirs)
        assert_same(mine.to_dense(), theirs.to_dense())
    elif isinstance(theirs, list) or type(theirs) is tuple:
        assert len(mine) == len(theirs)
        for a, b in zip(mine, theirs, strict=True):
            compare(torch, a, b, assert_same)
    else:
        assert str(mine) == str(theirs)


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_gives_what_torch_gives(oracle, expression, assert_same):
    compare(oracle, evaluate(rustorch, expression), evaluate(oracle, expression), assert_same)


@pytest.mark.parametrize("expression", REFUSED)
def test_refuses_what_torch_refuses(oracle, expression):
    with pytest.raises(Exception) as theirs:
        evaluate(oracle, expression)
    with pytest.raises(type(theirs.value)):
        evaluate(rustorch, expression)
