"""Training with sparse gradients: optimisers, clipping, saving."""

import copy
import pickle

import pytest

import rustorch

# torch says that it does not look at indices.
pytestmark = pytest.mark.filterwarnings("ignore:Sparse")

INDEX = [[1, 2, 2], [4, 0, 1]]
OPTIMIZERS = {
    "SGD": {"lr": 0.1},
    "SGD with momentum": {"lr": 0.1, "momentum": 0.9},
    "SGD with nesterov": {"lr": 0.1, "momentum": 0.9, "nesterov": True},
    "SparseAdam": {"lr": 0.1},
    "Adagrad": {"lr": 0.1},
}


def train(T, name, sparse, steps=4):
    weight = T.arange(15.0).reshape(5, 3).sin()
    table = T.nn.Embedding(5, 3, sparse=sparse, _weight=weight)
    optimizer = getattr(T.optim, name.split()[0])(table.parameters(), **OPTIMIZERS[name])
    for _ in range(steps):
        optimizer.zero_grad()
        (table(T.tensor(INDEX)) ** 2).sum().backward()
        optimizer.step()
    return table.weight.detach()


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_steps_are_torchs(oracle, name, assert_same):
    assert_same(train(rustorch, name, True), train(oracle, name, True), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", [n for n in OPTIMIZERS if n != "SparseAdam"])
def test_steps_are_those_of_dense_gradients(name, assert_same):
    # Every row but one is read, and that one has a gradient of 0.
    assert_same(train(rustorch, name, True), train(rustorch, name, False), rtol=1e-5, atol=1e-6)


def test_an_optimizer_without_sparse_gradients_says_which_has_them():
    table = rustorch.nn.Embedding(5, 3, sparse=True)
    table(rustorch.tensor(INDEX)).sum().backward()
    with pytest.raises(RuntimeError, match="SparseAdam"):
        rustorch.optim.Adam(table.parameters()).step()


def test_gradients_are_clipped_by_their_norm():
    norms = []
    for sparse in (False, True):
        table = rustorch.nn.Embedding(5, 3, sparse=sparse, _weight=rustorch.arange(15.0).reshape(5, 3))
        (table(rustorch.tensor(INDEX)) ** 2).sum().backward()
        norms.append(rustorch.nn.utils.clip_grad_norm_(table.parameters(), 0.5))
        assert table.weight.grad.to_dense().norm().item() == pytest.approx(0.5, rel=1e-4)
    assert norms[0].item() == pytest.approx(norms[1].item())


def test_zero_grad_empties_a_sparse_gradient_in_place():
    table = rustorch.nn.Embedding(5, 3, sparse=True)
    table(rustorch.tensor(INDEX)).sum().backward()
    grad = table.weight.grad
    table.zero_grad(set_to_none=False)
    assert table.weight.grad is grad and grad._nnz() == 0


def made():
    s = rustorch.sparse_coo_tensor([[0, 1], [2, 0]], [1.5, 2.0], (2, 3))
    return [s, s.coalesce(), s.to_sparse_csr(), s.to_sparse_csc(), s.detach().requires_grad_()]


@pytest.mark.parametrize("copier", [copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))])
def test_copies_keep_layout_and_values(copier):
    for s in made():
        c = copier(s)
        assert c.layout is s.layout and rustorch.equal(c, s)
        assert c.requires_grad == s.requires_grad
        if s.is_sparse:
            assert c.is_coalesced() == s.is_coalesced()
        c.detach()._values().zero_()
        assert s._values().sum() == 3.5


@pytest.mark.gpu
def test_a_graph_convolution_trains_on_the_device(device):
    edges = rustorch.tensor([[0, 1, 1, 2, 3], [1, 0, 2, 1, 3]])
    graph = rustorch.sparse_coo_tensor(edges, rustorch.full((5,), 0.5), (4, 4)).to(device)
    x = rustorch.arange(12.0).reshape(4, 3).cos().to(device)
    weight = rustorch.full((3, 2), 0.1, device=device, requires_grad=True)
    losses = []
    for _ in range(5):
        loss = ((rustorch.sparse.mm(graph, x @ weight) - 1) ** 2).mean()
        (gradient,) = rustorch.autograd.grad(loss, weight)
        with rustorch.no_grad():
            weight -= 0.2 * gradient
        losses.append(loss.item())
    dense = graph.cpu().to_dense()
    assert losses[-1] < losses[0]
    assert rustorch.allclose(rustorch.sparse.mm(graph, x).cpu(), dense @ x.cpu(), atol=1e-6)


@pytest.mark.gpu
def test_embeddings_train_on_the_device(device):
    table = rustorch.nn.Embedding(5, 3, sparse=True, _weight=rustorch.arange(15.0).reshape(5, 3).sin()).to(device)
    optimizer = rustorch.optim.SparseAdam(table.parameters(), lr=0.1)
    for _ in range(3):
        optimizer.zero_grad()
        (table(rustorch.tensor(INDEX, device=device)) ** 2).sum().backward()
        optimizer.step()
    assert rustorch.allclose(table.weight.detach().cpu(), train(rustorch, "SparseAdam", True, 3), atol=1e-5)
