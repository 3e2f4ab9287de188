"""Nodes, edges, hooks on several tensors, hooks on saved tensors."""

import pytest

import rustorch as torch
from rustorch.autograd import graph


def leaf(*values):
    return torch.tensor(values, dtype=torch.float64, requires_grad=True)


def test_saved_tensors_pass_through_the_hooks():
    x = leaf(3.0)
    packed = []

    def pack(t):
        packed.append(t.item())
        return t.item()

    with graph.saved_tensors_hooks(pack, lambda v: torch.tensor([v * 10], dtype=torch.float64)):
        y = x * x
    y.sum().backward()
    assert packed == [3.0, 3.0]
    assert x.grad.item() == 60.0


def test_save_on_cpu_changes_no_gradient():
    x = leaf(3.0)
    with graph.save_on_cpu():
        y = x.exp() * x
    y.sum().backward()
    assert torch.allclose(x.grad, (x.exp() * (1 + x)).detach())


@pytest.mark.parametrize(
    "function",
    [
        lambda x: torch.nn.functional.layer_norm(x, (1000,)),
        lambda x: torch.softmax(x, 0),
        lambda x: x.view(10, 100) @ x.view(100, 10),
        lambda x: x.index_select(0, torch.arange(1000)),
    ],
)
def test_unpacked_tensors_must_be_like_the_saved_ones(function):
    x = torch.ones(1000, requires_grad=True)
    with torch.autograd.graph.saved_tensors_hooks(lambda t: t, lambda t: torch.ones(3)):
        y = function(x)
    with pytest.raises(RuntimeError, match=r"unpack_hook: expected a tensor of the saved one's shape"):
        y.sum().backward()


def test_unpacked_tensors_are_laid_out_as_the_saved_ones_were():
    x = torch.randn(4, 6, dtype=torch.float64, requires_grad=True)
    for change in (lambda t: t.mT.contiguous().mT, lambda t: torch.stack([t, t], -1)[..., 0], lambda t: t.float()):
        with torch.autograd.graph.saved_tensors_hooks(lambda t: t, change):
            y = torch.nn.functional.layer_norm(torch.softmax(x, 1), (6,))
        (g,) = torch.autograd.grad(y.square().sum(), x)
        (expected,) = torch.autograd.grad(torch.nn.functional.layer_norm(torch.softmax(x, 1), (6,)).square().sum(), x)
        assert torch.allclose(g, expected, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize(
    "function", [lambda x: x.softmax(0), lambda x: torch.nn.functional.layer_norm(x, x.shape), lambda x: x[x > 0]]
)
def test_nodes_called_by_themselves_check_their_gradients(function):
    x = torch.ones(1000, requires_grad=True)
    node = function(x).grad_fn
    with pytest.raises(RuntimeError, match=r"invalid gradient at index 0 - got \[3\] but expected shape"):
        node(torch.ones(3))
    with pytest.raises(RuntimeError, match="expected device cpu but got meta"):
        node(torch.ones(1000, device="meta"))
    assert torch.equal(node(torch.ones(1, dtype=torch.float64)), node(torch.ones(1000)))


def test_edges_name_an_output():
    x = torch.ones(2, requires_grad=True)
    y = x * 2
    with pytest.raises(RuntimeError, match="expected an output number below 1"):
        torch.autograd.grad(y.sum(), torch.autograd.graph.GradientEdge(y.grad_fn, 1))


def test_disabled_hooks_raise_the_message():
    with (
        graph.disable_saved_tensors_hooks("not here"),
        pytest.raises(RuntimeError, match="not here"),
        graph.saved_tensors_hooks(lambda t: t, lambda t: t),
    ):
        pass
    with graph.saved_tensors_hooks(lambda t: t, lambda t: t):
        pass


def test_saved_tensors_may_change_within_the_context():
    x = leaf(2.0)
    with graph.allow_mutation_on_saved_tensors():
        y = x * 1
        z = y.exp()
        w = y * y
        y.zero_()
        z.zero_()
        w.sum().backward()
    assert x.grad.item() == 4.0


def test_hook_on_all_gradients_runs_once_per_pass():
    a, b, c = leaf(1.0), leaf(2.0), leaf(3.0)
    seen = []
    handle = graph.register_multi_grad_hook([a, b, c], lambda grads: seen.append([g is not None for g in grads]))
    (a * b).sum().backward()
    (a * b * c).sum().backward()
    assert seen == [[True, True, False], [True, True, True]]
    handle.remove()
    (a * b).sum().backward()
    assert len(seen) == 2


def test_hook_on_any_gradient_runs_for_the_first():
    a, b = leaf(1.0), leaf(2.0)
    seen = []
    graph.register_multi_grad_hook([a, b], lambda g: seen.append(g.item()), mode="any")
    (a * b).sum().backward()
    assert len(seen) == 1
    with pytest.raises(ValueError, match="Expects mode to be one of"):
        graph.register_multi_grad_hook([a], print, mode="some")


def test_gradient_edge_stands_for_its_tensor():
    x = leaf(2.0)
    y = x * 3
    edge = graph.get_gradient_edge(y)
    z = (y * y).sum()
    assert torch.autograd.grad(z, edge, retain_graph=True)[0].tolist() == [12.0]
    assert torch.autograd.grad(z, graph.get_gradient_edge(x))[0].tolist() == [36.0]
    with pytest.raises(RuntimeError, match="not possible to get the gradient edge"):
        graph.get_gradient_edge(torch.ones(1))


def test_increment_version_is_noticed_by_backward():
    x = leaf(2.0)
    y = x * 1
    z = y.exp() * y
    graph.increment_version(y)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        z.sum().backward()


def test_grad_fn_is_a_node():
    x = leaf(1.0)
    node = (x * 2).grad_fn
    assert isinstance(node, graph.Node)
    assert node.name() == "MulBackward0"
