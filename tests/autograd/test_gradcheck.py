"""gradcheck finds wrong derivatives of every kind, and passes right ones."""

import pytest

import rustorch as torch
from rustorch.autograd import gradcheck, gradgradcheck
from rustorch.autograd.gradcheck import GradcheckError


def randn(*shape, dtype=torch.float64):
    return torch.randn(*shape, dtype=dtype, generator=torch.Generator().manual_seed(1)).requires_grad_()


def with_backward(wrong):
    """The square, with `wrong(grad, x)` for its derivative."""

    class Square(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x * x

        @staticmethod
        def backward(ctx, grad):
            return wrong(grad, *ctx.saved_tensors)

    return Square.apply


@pytest.mark.parametrize("fast", [False, True])
@pytest.mark.parametrize(
    ("func", "inputs"),
    [
        (lambda x: x.exp(), (randn(3, 2),)),
        (lambda x, y: (x @ y, (x * 2).sum()), (randn(2, 3), randn(3, 2))),
        (lambda x: x * (1 + 2j), (randn(3, dtype=torch.complex128),)),
        (lambda x: x.abs(), (randn(3, dtype=torch.complex128),)),
        (lambda x: torch.complex(x, x * x), (randn(3),)),
        (lambda x, k: x**k, (randn(3), 3)),
        (lambda x: x.sum(), (randn(()),)),
    ],
)
def test_right_derivatives_pass(func, inputs, fast):
    assert gradcheck(func, inputs, fast_mode=fast)
    assert gradgradcheck(func, inputs, fast_mode=fast)


@pytest.mark.parametrize("fast", [False, True])
@pytest.mark.parametrize(
    ("wrong", "text"),
    [
        (lambda g, x: g * x * 2.1, "Jacobian mismatch for output 0 with respect to input 0"),
        (lambda g, x: 2 * x, "Jacobian mismatch|not multiplied by grad_output"),
        (lambda g, x: g * x * 2 + torch.rand(()) * 1e-3, "not reentrant|mismatch"),
    ],
)
def test_wrong_derivatives_are_found(wrong, text, fast):
    with pytest.raises((GradcheckError, RuntimeError), match=text):
        gradcheck(with_backward(wrong), randn(3), fast_mode=fast, check_grad_dtypes=True)


def test_fault_returns_false_on_request():
    assert gradcheck(with_backward(lambda g, x: g), randn(3), raise_exception=False) is False


def test_complex_faults_name_the_part():
    class Conj(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x * 1j

        @staticmethod
        def backward(ctx, grad):
            return grad * 1j  # should be conjugated

    with pytest.raises(GradcheckError, match="While considering the imaginary part of complex outputs only"):
        gradcheck(Conj.apply, randn(2, dtype=torch.complex128))


def test_missing_gradients_must_be_handled():
    class Two(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.set_materialize_grads(False)
            return x * 1, x * 2

        @staticmethod
        def backward(ctx, a, b):
            if a is None and b is None:
                raise RuntimeError("no gradient")
            return (0 if a is None else a) + (0 if b is None else 2 * b)

    with pytest.raises(GradcheckError, match="Expected backward function to handle undefined output grads"):
        gradcheck(Two.apply, randn(2))
    assert gradcheck(Two.apply, randn(2), check_undefined_grad=False)


def test_arguments_are_checked():
    with pytest.raises(ValueError, match="at least one input tensor to require gradient"):
        gradcheck(lambda x: x, torch.ones(1, dtype=torch.float64))
    with pytest.warns(UserWarning, match="is not a double precision"):
        gradcheck(lambda x: x * 1, torch.ones(1, requires_grad=True), eps=1e-2, atol=1e-2)
    with pytest.raises(RuntimeError, match="stride 0"):
        gradcheck(lambda x: x * 1, torch.ones(1, dtype=torch.float64).expand(2).requires_grad_())


def test_function_without_differentiable_output():
    assert gradcheck(lambda x: (x > 0).double(), randn(3))
    with pytest.raises(GradcheckError, match="Numerical gradient for function expected to be zero"):
        gradcheck(lambda x: x.detach() * 2, randn(3))


def test_inputs_are_left_as_they_were():
    x = randn(3)
    before = x.detach().clone()
    gradcheck(lambda x: x.exp(), x)
    assert torch.equal(x, before)
    assert x.grad is None


def test_messages_are_torchs(oracle):
    ref = oracle

    class Wrong(ref.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x * 2

        @staticmethod
        def backward(ctx, g):
            return g * 3

    class Mine(torch.autograd.Function):
        forward = Wrong.forward
        backward = Wrong.backward

    texts = []
    for lib, fn in ((ref, Wrong.apply), (torch, Mine.apply)):
        x = lib.ones(2, dtype=lib.float64).requires_grad_()
        with pytest.raises(RuntimeError) as info:
            lib.autograd.gradcheck(fn, x)
        texts.append(str(info.value))
    assert texts[0] == texts[1]
