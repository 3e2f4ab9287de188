"""Parts of gradient checks under the names that older programs call."""

import warnings

import rustorch
from rustorch.autograd import _differences


def _check_grad_out(grad_out, name):
    if grad_out != 1.0:
        raise ValueError(f"Expected grad_out to be 1.0. {name} no longer supports values of grad_out != 1.0.")
    warnings.warn(
        f"`{name}` was part of PyTorch's private API and not meant to be exposed. We are deprecating it and it will be "
        "removed in a future version of PyTorch. If you have a specific use for this or feature request for this to be "
        "a stable API, please file us an issue at https://github.com/pytorch/pytorch/issues/new",
        FutureWarning,
        stacklevel=3,
    )


def get_numerical_jacobian(fn, inputs, target=None, eps=1e-3, grad_out=1.0):
    """Finite differences of the first output of `fn(inputs)`.

    Args:
        fn (callable): takes the tuple of inputs.
        inputs (sequence of Tensor): those that require grad are varied, in place.
        target (None): the inputs; others cannot be named.
        eps (float, 1e-3): size of the variation.
    Returns: for each varied input a matrix (elements of the input, of the output).
    """
    _check_grad_out(grad_out, "get_numerical_jacobian")
    if target is not None and [*target] != [*inputs]:
        raise ValueError("get_numerical_jacobian: expected target to be the inputs, but got others. Leave it out.")
    return tuple(outputs[0] for outputs in _differences.numerical_jacobians(lambda *x: fn(x), tuple(inputs), eps))


def get_analytical_jacobian(inputs, output, nondet_tol=0.0, grad_out=1.0):
    """The derivative of `output` by backward passes, one for each of its elements, each made twice.

    Returns: (matrices as of `get_numerical_jacobian`, whether both passes agree, True, True).
    """
    _check_grad_out(grad_out, "get_analytical_jacobian")
    if output.is_complex():
        raise ValueError(
            "Expected output to be non-complex. get_analytical_jacobian no longer supports functions that return "
            "complex outputs."
        )
    varied = [x for x in inputs if isinstance(x, rustorch.Tensor) and x.requires_grad]
    first, second = ([x.new_zeros(x.numel(), output.numel()) for x in varied] for _ in range(2))
    for matrices in (first, second):
        for j, start in enumerate(rustorch.eye(output.numel(), dtype=output.dtype)):
            grads = rustorch.autograd.grad(
                output, varied, start.view(output.shape), retain_graph=True, allow_unused=True
            )
            for matrix, grad in zip(matrices, grads):
                if grad is not None:
                    matrix[:, j] = grad.reshape(-1)
    same = all(rustorch.allclose(a, b, rtol=0, atol=nondet_tol) for a, b in zip(first, second))
    return tuple(first), same, True, True
