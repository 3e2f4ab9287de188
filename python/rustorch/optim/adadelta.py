"""Adadelta: a step size from the ratio of two running means."""

from rustorch.optim._third_party import _single_tensor
from rustorch.optim.optimizer import (
    _as_real,
    _check_capturable,
    _check_steps,
    _checked,
    _Entries,
    _new_step,
    _number,
    _Plain,
    _zeros,
)

__all__ = ["Adadelta", "adadelta"]


class Adadelta(_Plain):
    """Adadelta: steps `d = sqrt(u + eps) / sqrt(v + eps) * g`, with running means `v` of `g^2` and `u` of `d^2`.

    Args:
        params (iterable): parameters, named parameters or parameter groups.
        lr (float or Tensor, 1.0): factor of the step.
        rho (float, 0.9): decay of both means per step, in [0, 1].
        eps (float, 1e-6): keeps both roots from 0.
        weight_decay (float, 0): `weight_decay * p` is added to the gradient.
        foreach, capturable: kept for compatibility; capturable is refused on the CPU.
        maximize (bool, False): ascend instead of descending.
        differentiable (bool, False): record the step itself for autograd.
    Raises:  ValueError: if lr, eps or weight_decay is negative, or rho outside of [0, 1].
    Example:
        >>> w = torch.ones(2, requires_grad=True)
        >>> optimizer = torch.optim.Adadelta([w], lr=10.0)
        >>> for _ in range(3):
        ...     optimizer.zero_grad()
        ...     (w**2).sum().backward()
        ...     optimizer.step()
        >>> w
        tensor([0.9046, 0.9046], requires_grad=True)

    Source: Zeiler 2012, arXiv:1212.5701.
    """

    _entries = _Entries("square_avg", "acc_delta", "step")

    def __init__(
        self,
        params,
        lr=1.0,
        rho=0.9,
        eps=1e-6,
        weight_decay=0,
        foreach=None,
        *,
        capturable=False,
        maximize=False,
        differentiable=False,
    ):
        if not 0.0 <= rho <= 1.0:
            raise ValueError(f"Invalid rho value: {rho}")
        super().__init__(
            params,
            _checked(
                lr=lr,
                rho=rho,
                eps=eps,
                weight_decay=weight_decay,
                maximize=maximize,
                capturable=capturable,
                foreach=foreach,
                differentiable=differentiable,
            ),
        )

    def _init_state(self, group, p, state):
        state["step"] = _new_step()
        state["square_avg"] = _zeros(p)
        state["acc_delta"] = _zeros(p)

    def _update(self, group, *lists):
        keys = ("lr", "rho", "eps", "weight_decay", "maximize", "differentiable", "capturable")
        adadelta(*lists, **{key: group[key] for key in keys})


def adadelta(
    params,
    grads,
    square_avgs,
    acc_deltas,
    state_steps,
    capturable=False,
    foreach=None,
    differentiable=False,
    has_complex=False,
    *,
    lr,
    rho,
    eps,
    weight_decay,
    maximize,
):
    """One step of `Adadelta` on lists of tensors."""
    _check_steps(state_steps)
    _check_capturable(params, capturable)
    lr = _number(lr)
    for p, grad, square, acc, step in zip(params, grads, square_avgs, acc_deltas, state_steps):
        step += 1
        if maximize:
            grad = -grad
        if weight_decay != 0:
            grad = grad.add(p, alpha=weight_decay)
        if p.is_complex():
            p, grad, square, acc = _as_real(p, grad, square, acc)
        square.mul_(rho).addcmul_(grad, grad, value=1 - rho)
        delta = acc.add(eps).sqrt_()
        if differentiable:
            delta = delta.clone()
        delta.div_(square.add(eps).sqrt_()).mul_(grad)
        acc.mul_(rho).addcmul_(delta, delta, value=1 - rho)
        p.add_(delta, alpha=-lr)


_single_tensor_adadelta = _multi_tensor_adadelta = _single_tensor(adadelta, lists=5)
