"""Adamax: Adam with the infinity norm."""

import rustorch
from rustorch.optim._third_party import _single_tensor
from rustorch.optim.optimizer import (
    _as_real,
    _check_capturable,
    _check_steps,
    _checked,
    _Entries,
    _get_value,
    _new_step,
    _number,
    _Plain,
    _zeros,
)

__all__ = ["Adamax", "adamax"]


class Adamax(_Plain):
    """Adamax: `u = max(beta2 * u, |g| + eps)`, `p -= lr / (1 - beta1^t) * m / u` in step t.

    Args:
        params (iterable): parameters, named parameters or parameter groups.
        lr (float or Tensor, 2e-3): learning rate, at least 0.
        betas (pair of floats, (0.9, 0.999)): decay of the mean `m` and of the maximum `u` per step.
        eps (float, 1e-8): keeps `u` from 0.
        weight_decay (float, 0): `weight_decay * p` is added to the gradient.
        foreach, capturable: kept for compatibility; capturable is refused on the CPU.
        maximize (bool, False): ascend instead of descending.
        differentiable (bool, False): record the step itself for autograd.
    Raises:  ValueError: if lr, eps, weight_decay or a beta is out of range, or there are no parameters.
    Example:
        >>> w = torch.ones(2, requires_grad=True)
        >>> optimizer = torch.optim.Adamax([w], lr=0.1)
        >>> for _ in range(3):
        ...     optimizer.zero_grad()
        ...     (w**2).sum().backward()
        ...     optimizer.step()
        >>> w
        tensor([0.7155, 0.7155], requires_grad=True)

    Source: Kingma & Ba 2014, arXiv:1412.6980, section 7.1.
    """

    _entries = _Entries("exp_avg", "exp_inf", "step")

    def __init__(
        self,
        params,
        lr=2e-3,
        betas=(0.9, 0.999),
        eps=1e-8,
        weight_decay=0,
        foreach=None,
        *,
        maximize=False,
        differentiable=False,
        capturable=False,
    ):
        super().__init__(
            params,
            _checked(
                lr=lr,
                betas=betas,
                eps=eps,
                weight_decay=weight_decay,
                foreach=foreach,
                maximize=maximize,
                differentiable=differentiable,
                capturable=capturable,
            ),
        )

    def _init_state(self, group, p, state):
        state["step"] = _new_step()
        state["exp_avg"] = _zeros(p)
        state["exp_inf"] = _zeros(p)

    def _update(self, group, *lists):
        beta1, beta2 = group["betas"]
        keys = ("lr", "eps", "weight_decay", "maximize", "differentiable", "capturable")
        adamax(*lists, beta1=beta1, beta2=beta2, **{key: group[key] for key in keys})


def adamax(
    params,
    grads,
    exp_avgs,
    exp_infs,
    state_steps,
    foreach=None,
    maximize=False,
    differentiable=False,
    capturable=False,
    has_complex=False,
    *,
    eps,
    beta1,
    beta2,
    lr,
    weight_decay,
):
    """One step of `Adamax` on lists of tensors."""
    _check_steps(state_steps)
    _check_capturable(params, capturable)
    lr = _number(lr)
    for p, grad, m, u, step in zip(params, grads, exp_avgs, exp_infs, state_steps):
        step += 1
        if maximize:
            grad = -grad
        if weight_decay != 0:
            grad = grad.add(p, alpha=weight_decay)
        if p.is_complex():
            p, grad, m, u = _as_real(p, grad, m, u)
        m.lerp_(grad, 1 - beta1)
        size = grad.abs().add_(eps)
        if differentiable:
            u.copy_(rustorch.maximum(u.mul_(beta2).clone(), size))
        else:
            rustorch.maximum(u.mul_(beta2), size, out=u)
        p.addcdiv_(m, u, value=-lr / (1 - beta1 ** _get_value(step)))


_single_tensor_adamax = _multi_tensor_adamax = _single_tensor(adamax, lists=5)
