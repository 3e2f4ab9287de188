"""`backward` and `grad`: arguments, checks, errors; grad modes as contexts and decorators."""

import pytest

import rustorch as torch


def leaf(*values):
    return torch.tensor(values, dtype=torch.float64, requires_grad=True)


def test_backward_adds_to_grad():
    x = leaf(1.0, 2.0)
    (x * x).sum().backward()
    torch.autograd.backward((x * 3).sum())
    assert x.grad.tolist() == [5.0, 7.0]


def test_backward_takes_gradients_and_a_choice_of_inputs():
    x, y = leaf(1.0, 2.0), leaf(3.0, 4.0)
    torch.autograd.backward([x * y], [torch.tensor([1.0, 10.0], dtype=torch.float64)], inputs=[x])
    assert x.grad.tolist() == [3.0, 40.0]
    assert y.grad is None


def test_gradients_add_up_in_any_layout():
    x = torch.ones(3, 2, requires_grad=True)
    x.grad = torch.ones(2, 6).t()[::2]
    kept = x.grad
    (x * torch.arange(6.0).view(3, 2)).sum().backward()
    assert x.grad is kept
    assert x.grad.tolist() == [[1, 2], [3, 4], [5, 6]]


def test_grad_leaves_grad_alone_and_gives_dicts_for_dicts():
    x, y = leaf(2.0), leaf(5.0)
    out = torch.autograd.grad((x * y).sum(), {"a": x, "b": y})
    assert {k: v.item() for k, v in out.items()} == {"a": 5.0, "b": 2.0}
    assert x.grad is None


def test_create_graph_allows_second_derivatives():
    x = leaf(3.0)
    (g,) = torch.autograd.grad((x**3).sum(), x, create_graph=True)
    (h,) = torch.autograd.grad(g.sum(), x)
    assert [g.item(), h.item()] == [27.0, 18.0]


def test_unused_inputs_are_errors_none_or_zeros():
    x, y = leaf(1.0), leaf(2.0)
    with pytest.raises(RuntimeError, match="appears to not have been used in the graph"):
        torch.autograd.grad(x.sum(), [x, y])
    assert torch.autograd.grad(x.sum(), [x, y], allow_unused=True)[1] is None
    assert torch.autograd.grad(x.sum(), [x, y], materialize_grads=True)[1].tolist() == [0.0]
    with pytest.raises(ValueError, match="Expected allow_unused to be True or not passed"):
        torch.autograd.grad(x.sum(), [x, y], materialize_grads=True, allow_unused=False)


def test_batched_gradients_are_rows_of_the_jacobian():
    x = leaf(1.0, 2.0, 3.0)
    (j,) = torch.autograd.grad(x * x, x, torch.eye(3, dtype=torch.float64), is_grads_batched=True)
    assert j.tolist() == [[2.0, 0.0, 0.0], [0.0, 4.0, 0.0], [0.0, 0.0, 6.0]]


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (lambda x: (x * 2).backward(), RuntimeError, "grad can be implicitly created only for scalar outputs"),
        (
            lambda x: torch.autograd.backward(x * 2, torch.ones(3, dtype=torch.float64)),
            RuntimeError,
            r"Mismatch in shape: grad_output\[0\] has a shape of torch.Size\(\[3\]\) and output\[0\] has a shape of",
        ),
        (lambda x: torch.autograd.backward(x * 2, [1.0]), TypeError, "either Tensors or None, but got float"),
        (lambda x: torch.autograd.grad(x.sum(), []), RuntimeError, r"`inputs` argument to `grad\(\)` cannot be empty"),
        (lambda x: torch.autograd.backward(x.sum(), inputs=[]), RuntimeError, "cannot be empty"),
        (lambda x: torch.ones(1).sum().backward(), RuntimeError, "does not require grad and does not have a grad_fn"),
    ],
)
def test_wrong_calls_name_the_fault(call, error, text):
    with pytest.raises(error, match=text):
        call(leaf(1.0, 2.0))


def test_second_backward_needs_retain_graph():
    x = leaf(1.0)
    y = (x * x).sum()
    y.backward(retain_graph=True)
    y.backward()
    with pytest.raises(RuntimeError, match="second time"):
        y.backward()


def test_no_grad_as_context_decorator_and_generator():
    x = leaf(1.0)
    with torch.no_grad():
        assert not (x * 2).requires_grad
        with torch.enable_grad():
            assert (x * 2).requires_grad
    assert (x * 2).requires_grad

    @torch.no_grad()
    def plain():
        return torch.is_grad_enabled()

    @torch.no_grad
    def bare():
        return torch.is_grad_enabled()

    @torch.no_grad()
    def pieces():
        got = yield torch.is_grad_enabled()
        try:
            yield got, torch.is_grad_enabled()
        except ValueError:
            yield "caught", torch.is_grad_enabled()
        return "end"

    assert plain() is False
    assert bare() is False
    gen = pieces()
    assert next(gen) is False
    assert torch.is_grad_enabled()
    assert gen.send(7) == (7, False)
    assert gen.throw(ValueError()) == ("caught", False)
    with pytest.raises(StopIteration, match="end"):
        next(gen)


def test_grad_mode_survives_an_exception():
    with pytest.raises(KeyError), torch.no_grad():
        raise KeyError
    assert torch.is_grad_enabled()


def test_set_grad_enabled_as_a_call_a_context_and_a_decorator():
    torch.set_grad_enabled(False)
    try:
        assert not torch.is_grad_enabled()
    finally:
        torch.set_grad_enabled(True)
    with torch.set_grad_enabled(False):
        assert not torch.is_grad_enabled()

    @torch.set_grad_enabled(False)
    def off():
        return torch.is_grad_enabled()

    assert torch.is_grad_enabled()
    assert off() is False
    assert repr(torch.autograd.set_grad_enabled(True)).endswith("(mode=True)")


def test_decorating_a_class_warns_and_works():
    with pytest.warns(FutureWarning, match="Decorating classes is deprecated"):

        @torch.autograd.no_grad()
        class Thing:
            def __init__(self):
                self.mode = torch.is_grad_enabled()

    assert Thing().mode is False


def test_inference_tensors_stay_out_of_graphs():
    x = leaf(1.0)
    with torch.inference_mode():
        y = x * 2
        assert torch.is_inference_mode_enabled()
        assert not torch.is_grad_enabled()
    assert y.is_inference()
    assert not torch.is_inference_mode_enabled()
    assert torch.is_grad_enabled()
    with pytest.raises(RuntimeError, match="Inference tensors cannot be saved for backward"):
        y * x


@pytest.mark.filterwarnings("ignore:Error detected in")
def test_anomaly_mode_finds_nan():
    x = leaf(-1.0)
    with pytest.warns(UserWarning, match="Anomaly Detection has been enabled"):
        anomaly = torch.autograd.detect_anomaly()
    with anomaly:
        y = (x.sqrt() * 0).sum()
        with pytest.raises(RuntimeError, match="returned nan values in its 0th output"):
            y.backward()
    assert not torch.is_anomaly_enabled()


def test_variable_is_the_former_name_of_tensors():
    x = leaf(1.0)
    v = torch.autograd.Variable(x)
    assert isinstance(x, torch.autograd.Variable)
    assert not v.requires_grad
    assert v.data_ptr() == x.data_ptr()


def test_a_gradient_that_overlaps_what_it_is_added_to_is_refused():
    x, shared = torch.zeros(5000, requires_grad=True), torch.arange(5001.0)
    x.grad = shared[1:]
    with pytest.raises(RuntimeError, match="single memory location"):
        x.backward(shared[:-1])
    assert shared.equal(torch.arange(5001.0))
