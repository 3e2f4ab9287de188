"""Muon: momentum steps with orthogonalised update matrices."""

import math

import rustorch
from rustorch import Tensor
from rustorch.optim.optimizer import _Entries, _number, _Plain, _zeros

__all__ = ["Muon", "muon"]

# Coefficients of the quintic iteration, and the number of its steps, from Jordan's report.
_COEFFICIENTS = (3.4445, -4.7750, 2.0315)
_STEPS = 5


class Muon(_Plain):
    """Muon: the momentum matrix is replaced by a nearby orthogonal one, found by Newton-Schulz iterations.

    Args:
        params (iterable): matrices; other parameters belong to another optimiser.
        lr (float or Tensor, 1e-3): learning rate, at least 0.
        weight_decay (float, 0.1): the parameters shrink by `lr * weight_decay`.
        momentum (float, 0.95): decay of the mean of gradients per step.
        nesterov (bool, True): orthogonalise `lerp(g, buf, momentum)` instead of `buf`.
        ns_coefficients (three floats): a, b, c of `a X + b (X X^T) X + c (X X^T)^2 X`.
        eps (float, 1e-7): smallest norm to divide by.
        ns_steps (int, 5): iterations, below 100.
        adjust_lr_fn (str, None): 'original' (also None) or 'match_rms_adamw': how the shape scales the rate.
    Raises:  ValueError: if a parameter is not a matrix, or a number is out of range.
    Example:
        >>> w = torch.eye(2).requires_grad_()
        >>> optimizer = torch.optim.Muon([w], lr=0.1)
        >>> (w**2).sum().backward()
        >>> optimizer.step()
        >>> w.shape, list(optimizer.state[w])
        (torch.Size([2, 2]), ['momentum_buffer'])

    Source: Jordan 2024, Muon; Liu et al. 2025, arXiv:2502.16982.
    """

    _entries = _Entries("momentum_buffer")

    def __init__(
        self,
        params,
        lr=1e-3,
        weight_decay=0.1,
        momentum=0.95,
        nesterov=True,
        ns_coefficients=_COEFFICIENTS,
        eps=1e-7,
        ns_steps=_STEPS,
        adjust_lr_fn=None,
    ):
        if isinstance(lr, Tensor) and lr.numel() != 1:
            raise ValueError("Tensor lr must be 1-element")
        if not lr >= 0.0:
            raise ValueError(f"Learning rate should be >= 0 but is: {lr}")
        if not momentum >= 0.0:
            raise ValueError(f"momentum should be >= 0 but is: {momentum}")
        if not weight_decay >= 0.0:
            raise ValueError(f"weight decay should be >= 0 but is: {weight_decay}")
        if adjust_lr_fn not in (None, "original", "match_rms_adamw"):
            raise ValueError(f"Adjust learning rate function {adjust_lr_fn} is not supported")
        defaults = {
            "lr": lr,
            "weight_decay": weight_decay,
            "momentum": momentum,
            "nesterov": nesterov,
            "ns_coefficients": ns_coefficients,
            "eps": eps,
            "ns_steps": ns_steps,
            "adjust_lr_fn": adjust_lr_fn,
        }
        super().__init__(params, defaults)
        for group in self.param_groups:
            for p in group["params"]:
                if p.ndim != 2:
                    raise ValueError(
                        f"Muon only supports 2D parameters whereas we found a parameter with size: {p.size()}"
                    )

    def _init_state(self, group, p, state):
        if p.is_complex():
            raise RuntimeError("Muon does not support complex parameters")
        state["momentum_buffer"] = _zeros(p.grad)

    def _update(self, group, params, grads, buffers):
        muon(params, grads, buffers, has_complex=False, **{k: v for k, v in group.items() if k in self.defaults})


def muon(
    params,
    grads,
    muon_momentum_bufs,
    *,
    foreach=None,
    lr,
    weight_decay,
    momentum,
    nesterov,
    ns_coefficients,
    ns_steps,
    eps,
    adjust_lr_fn,
    has_complex,
):
    """One step of `Muon` on lists of matrices."""
    if foreach:
        raise RuntimeError("Foreach is not supported for Muon yet")
    if has_complex:
        raise ValueError("Complex parameters are not supported")
    lr = _number(lr)
    for p, grad, buf in zip(params, grads, muon_momentum_bufs):
        if grad.ndim != 2:
            raise ValueError("Param gradient must be a 2D matrix")
        buf.lerp_(grad, 1 - momentum)
        update = _orthogonalise(grad.lerp(buf, momentum) if nesterov else buf, ns_coefficients, ns_steps, eps)
        p.mul_(1 - lr * weight_decay)
        p.add_(update, alpha=-lr * _shape_factor(adjust_lr_fn, *p.shape))


def _shape_factor(adjust_lr_fn, rows, cols):
    if adjust_lr_fn == "match_rms_adamw":
        return 0.2 * math.sqrt(max(rows, cols))
    return math.sqrt(max(1, rows / cols))


def _orthogonalise(matrix, coefficients, steps, eps):
    """A bfloat16 matrix near the orthogonal factor of `matrix`."""
    if steps >= 100:
        raise ValueError("Number of steps must be less than 100 for computational efficiency")
    if len(coefficients) != 3:
        raise ValueError("Coefficients must be a tuple of exactly 3 values")
    a, b, c = coefficients
    tall = matrix.size(0) > matrix.size(1)
    x = matrix.bfloat16()
    x = x.T if tall else x  # (m, n) with m <= n keeps the Gram matrix small
    x = x / x.norm().clamp(min=eps)
    for _ in range(steps):
        gram = x @ x.T  # (m, m)
        x = rustorch.addmm(x, rustorch.addmm(gram, gram, gram, beta=b, alpha=c), x, beta=a)
    return x.T if tall else x
