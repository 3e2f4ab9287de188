"""Functions with a derivative of their own."""

import pytest

import rustorch as torch
from rustorch.autograd.function import once_differentiable


def leaf(*values):
    return torch.tensor(values, dtype=torch.float64, requires_grad=True)


class Cube(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x**3

    @staticmethod
    def backward(ctx, grad):
        (x,) = ctx.saved_tensors
        return grad * 3 * x**2


class Scale(torch.autograd.Function):
    """With a setup_context and a default argument."""

    @staticmethod
    def forward(x, factor=2.0):
        return x * factor

    @staticmethod
    def setup_context(ctx, inputs, output):
        _, ctx.factor = inputs

    @staticmethod
    def backward(ctx, grad):
        return grad * ctx.factor, None


class Sorted(torch.autograd.Function):
    """Two outputs, one of them without a derivative."""

    @staticmethod
    def forward(ctx, x):
        values, order = x.sort()
        ctx.mark_non_differentiable(order)
        ctx.save_for_backward(order)
        return values, order

    @staticmethod
    def backward(ctx, grad, _):
        (order,) = ctx.saved_tensors
        out = torch.zeros_like(grad)
        out[order] = grad
        return out


class AddOne(torch.autograd.Function):
    """In place."""

    @staticmethod
    def forward(ctx, x):
        x.add_(1)
        ctx.mark_dirty(x)
        return x

    @staticmethod
    def backward(ctx, grad):
        return grad


def test_derivatives_of_first_and_second_order():
    x = leaf(2.0, -1.0)
    y = Cube.apply(x)
    assert type(y.grad_fn).__name__ == "CubeBackward"
    assert y.grad_fn.name() == "CubeBackward"
    (g,) = torch.autograd.grad(y.sum(), x, create_graph=True)
    (h,) = torch.autograd.grad(g.sum(), x)
    assert g.tolist() == [12.0, 3.0]
    assert h.tolist() == [12.0, -6.0]
    assert torch.autograd.gradcheck(Cube.apply, x)
    assert torch.autograd.gradgradcheck(Cube.apply, x)


def test_setup_context_sees_defaults():
    x = leaf(1.0)
    (g,) = torch.autograd.grad(Scale.apply(x).sum(), x)
    (k,) = torch.autograd.grad(Scale.apply(x, 5.0).sum(), x)
    assert [g.item(), k.item()] == [2.0, 5.0]


def test_output_without_derivative():
    x = leaf(3.0, 1.0, 2.0)
    values, order = Sorted.apply(x)
    assert not order.requires_grad
    (values * torch.tensor([1.0, 2.0, 3.0], dtype=torch.float64)).sum().backward()
    assert x.grad.tolist() == [3.0, 1.0, 2.0]


def test_in_place_function_rebases_history():
    x = leaf(1.0)
    y = x * 2
    z = AddOne.apply(y)
    assert z is y
    assert y.tolist() == [3.0]
    y.sum().backward()
    assert x.grad.tolist() == [2.0]


def test_needs_input_grad_and_missing_gradients():
    seen = {}

    class Pair(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x, y, flag):
            ctx.set_materialize_grads(flag)
            return x * 2, y * 3

        @staticmethod
        def backward(ctx, gx, gy):
            seen["needs"], seen["gy"] = ctx.needs_input_grad, gy
            return gx * 2, None if gy is None else gy * 3, None

    x, y = leaf(1.0), torch.ones(1, dtype=torch.float64)
    Pair.apply(x, y, True)[0].sum().backward()
    assert seen["needs"] == (True, False, False)
    assert seen["gy"].tolist() == [0.0]
    Pair.apply(x, y, False)[0].sum().backward()
    assert seen["gy"] is None


def test_once_differentiable_refuses_a_second_derivative():
    class Once(Cube):
        @staticmethod
        @once_differentiable
        def backward(ctx, grad):
            (x,) = ctx.saved_tensors
            return grad * 3 * x**2

    x = leaf(2.0)
    (g,) = torch.autograd.grad(Once.apply(x).sum(), x)
    assert g.item() == 12.0
    start = torch.ones(1, dtype=torch.float64, requires_grad=True)
    (g,) = torch.autograd.grad(Once.apply(x), x, start, create_graph=True)
    with pytest.raises(RuntimeError, match="differentiate twice a function that was marked with @once_differentiable"):
        g.sum().backward()


def test_saved_tensor_changed_in_place_is_noticed():
    x = leaf(2.0)
    y = x * 1
    z = Cube.apply(y)
    y.add_(1)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        z.sum().backward()


def test_missing_methods_and_old_style_calls_say_so():
    class Nothing(torch.autograd.Function):
        pass

    class Both(Cube):
        @staticmethod
        def vjp(ctx, grad):
            return grad

    with pytest.raises(NotImplementedError, match="must implement the forward function"):
        Nothing.apply(leaf(1.0))
    with pytest.raises(RuntimeError, match="Implementing both 'backward' and 'vjp'"):
        Both.apply(leaf(1.0)).sum().backward()
    with pytest.warns(DeprecationWarning, match="should not be instantiated"):
        old = Cube()
    with pytest.raises(RuntimeError, match="Legacy autograd function"):
        old(leaf(1.0))


def test_wrong_number_of_gradients_is_an_error():
    class Short(Cube):
        @staticmethod
        def backward(ctx, grad):
            return grad, grad

    with pytest.raises(RuntimeError, match="returned an incorrect number of gradients"):
        Short.apply(leaf(1.0)).sum().backward()


def test_what_forward_has_said_can_be_read_on_ctx():
    seen = {}

    class Double(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            seen["before"] = (ctx.to_save, ctx.saved_for_forward, ctx.dirty_tensors, ctx.non_differentiable)
            sign = x > 0
            ctx.save_for_backward(x)
            ctx.mark_non_differentiable(sign)
            seen["after"] = (len(ctx.to_save), len(ctx.non_differentiable))
            return x * 2, sign

        @staticmethod
        def backward(ctx, grad, _):
            ctx.maybe_clear_saved_tensors()
            return grad * 2

    y, _ = Double.apply(torch.ones(2, requires_grad=True))
    y.sum().backward()
    assert seen == {"before": (None, None, None, None), "after": (1, 1)}
    # Kept there, they would keep tensors alive that backward frees.
    assert y.grad_fn.to_save is None
