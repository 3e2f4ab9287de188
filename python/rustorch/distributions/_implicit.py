"""Derivatives of gamma and Dirichlet samples by their shape, while the quantile stays: `dx/da = -(dF/da) / p(x)`.

F, the distribution function, is its density p times a power series; differentiated term by term it gives the derivative to
the last digits, in about 8 sqrt(a) terms. Where the core has the operation, that is taken instead.

Source: Figurnov, Mohamed & Mnih 2018, Implicit reparameterization gradients, arXiv:1805.08498.
"""

import rustorch
from rustorch.autograd.function import Function

# So many terms are added between two looks at whether they still count.
_STRIDE = 8


def _wide(*tensors):
    """In double precision where the device has it, since the terms of both signs cancel in the tails."""
    return [x.double() if x.device.type == "cpu" else x.float() for x in tensors]


def _series(ratio, step, like, eps):
    """The sum of terms t_n, t_0 = 1, up to those below eps of it, and the sum of their derivatives.

    Args:
        ratio (callable): `t_n / t_(n - 1)` of n.
        step (callable): the derivative of its logarithm.
    """
    term, total = rustorch.ones_like(like), rustorch.ones_like(like)
    slope, derivative = rustorch.zeros_like(like), rustorch.zeros_like(like)
    n = 0
    # NaN and infinities compare false, so that they end it too.
    while (term > eps * total).any():
        for _ in range(_STRIDE):
            n += 1
            slope = slope + step(n)
            term = term * ratio(n)
            total = total + term
            derivative = derivative + term * slope
    return total, derivative


def _eps(dtype):
    """What terms may be left out for a result of a dtype, with digits to spare for what cancels."""
    return max(rustorch.finfo(dtype).eps * 1e-4, rustorch.finfo(rustorch.double).eps)


class _FirstOrder(Function):
    """A derivative that has none itself."""

    generate_vmap_rule = True

    @staticmethod
    def setup_context(ctx, inputs, output):
        pass

    @staticmethod
    def backward(ctx, grad_output):
        raise NotImplementedError(
            "the derivative for '_standard_gamma_grad' is not implemented.\n"
            "  rsample: expected to be differentiated once by the shape, but got a second derivative. Detach the first."
        )


class _StandardGammaGrad(_FirstOrder):
    @staticmethod
    def forward(a, x):
        dtype = x.dtype
        a, x = _wide(a, x)
        total, derivative = _series(lambda n: x / (a + n), lambda n: -1 / (a + n), x, _eps(dtype))
        # The logarithm of what stands before p falls by digamma(a + 1) and grows by log(x); x log(x) is 0 at 0.
        return (x * (total * (a + 1).digamma() - derivative) - total * rustorch.xlogy(x, x)).div(a).to(dtype)


class _DirichletGrad(_FirstOrder):
    @staticmethod
    def forward(x, a, total):
        dtype = x.dtype
        x, a, ab = _wide(x, a, total)
        b = ab - a
        low = x <= 0.5
        near, shape, of_low = rustorch.where(low, x, 1 - x), rustorch.where(low, a, b), low.to(x.dtype)
        # The derivative of (a + b)_n is the same for both ends, that of (a + 1)_n is for the lower one alone.
        sums, derivative = _series(
            lambda n: near * (ab + (n - 1)) / (shape + n),
            lambda n: 1 / (ab + (n - 1)) - of_low / (shape + n),
            x,
            _eps(dtype),
        )
        slope = ab.digamma() - rustorch.where(low, a + 1, a).digamma()
        derivative = x * (sums * slope + derivative) + sums * rustorch.xlogy(x, x)
        return rustorch.where(low, -derivative / a, derivative / b).to(dtype)


def standard_gamma_grad(a, x):
    """`dx/da` of a gamma sample x of rate 1: `F = p x / a sum(x^n / ((a + 1) ... (a + n)))`."""
    if hasattr(rustorch, "_standard_gamma_grad"):
        return rustorch._standard_gamma_grad(a, x)
    return _StandardGammaGrad.apply(a, x)


def dirichlet_grad(x, a, total):
    """`dx/da / (1 - x)` of a Beta sample x of concentrations a and `b = total - a`, with b fixed.

    From the nearer end: `F = p x (1 - x) / a sum(x^n (a + b)_n / (a + 1)_n)` for x up to 1/2, and
    `1 - F = p x (1 - x) / b sum((1 - x)^n (a + b)_n / (b + 1)_n)` above.
    """
    if hasattr(rustorch, "_dirichlet_grad"):
        return rustorch._dirichlet_grad(x, a, total)
    return _DirichletGrad.apply(x, a, total)


class StandardGamma(Function):
    """Gamma samples of rate 1 that gradients pass through."""

    generate_vmap_rule = True

    @staticmethod
    def forward(concentration):
        return rustorch._standard_gamma(concentration)

    @staticmethod
    def setup_context(ctx, inputs, output):
        ctx.save_for_backward(*inputs, output)

    @staticmethod
    def backward(ctx, grad_output):
        return grad_output * standard_gamma_grad(*ctx.saved_tensors)
