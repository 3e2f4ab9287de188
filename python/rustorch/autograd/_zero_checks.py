"""Checks that gradients of zero, and missing ones, give gradients of zero."""

import rustorch
from rustorch.autograd._differences import differentiable, is_strided, varied
from rustorch.autograd.gradcheck import GradcheckError


def check_zero_grad(outputs, inputs, masked):
    """Gradients of zero must give gradients of zero, of the right kind."""
    targets = [inputs[i] for i in varied(inputs)]
    if not outputs:
        return
    zeros = [rustorch.zeros_like(o, memory_format=rustorch.contiguous_format) for o in outputs]
    for grad, t in zip(rustorch.autograd.grad(outputs, targets, zeros, allow_unused=True), targets):
        if grad is None:
            continue
        if not is_strided(grad):
            if grad.layout != t.layout:
                raise GradcheckError(f"grad is incorrect layout ({grad.layout} is not {t.layout})")
            kind = str(grad.layout).replace("torch.", "").replace("_coo", "")
            for what, got, expected in (
                ("sparse_dim", grad.sparse_dim(), t.sparse_dim()),
                ("dense_dim", grad.dense_dim(), t.dense_dim()),
            ):
                if got != expected:
                    raise GradcheckError(f"grad is {kind} tensor, but has incorrect {what} {got}, expected {expected}")
            grad, t = grad.to_dense(), t.to_dense()
        zero = rustorch.allclose(grad, rustorch.zeros_like(grad)) if masked else bool((grad == 0).all())
        if not zero:
            raise GradcheckError("backward not multiplied by grad_output")
        for what, fits in (
            ("type", grad.dtype == t.dtype),
            ("device", grad.device == t.device),
            ("size", grad.size() == t.size()),
        ):
            if not fits:
                raise GradcheckError(f"grad is incorrect {what}")


_missing_grad = None


def _without_grad(t):
    """`t` through a node that hands on no gradient."""
    global _missing_grad
    if _missing_grad is None:

        class MissingGrad(rustorch.autograd.Function):
            @staticmethod
            def forward(ctx, x):
                return x.detach()

            @staticmethod
            def backward(ctx, grad):
                return None

        _missing_grad = MissingGrad
    return _missing_grad.apply(t)


def check_undefined(func, inputs):
    """Missing gradients of outputs must be taken for zeros: of all outputs at once, then of each alone."""
    targets = [inputs[i] for i in varied(inputs)]
    count = len(differentiable(func(*inputs)))
    if not count:
        return
    choices = [set(range(count))]
    if count > 1:
        choices += [{i} for i in range(count)]
    for missing in choices:
        outputs = [_without_grad(o) if i in missing else o for i, o in enumerate(differentiable(func(*inputs)))]
        zeros = [rustorch.zeros_like(o, memory_format=rustorch.contiguous_format) for o in outputs]
        try:
            grads = rustorch.autograd.grad(outputs, targets, zeros, allow_unused=True)
        except RuntimeError as error:
            raise GradcheckError("Expected backward function to handle undefined output grads.") from error
        if any(grad is not None and not (grad == 0).all() for grad in grads):
            raise GradcheckError(
                "Expected all input grads to be undefined or zero when all output grads are undefined or zero."
            )
