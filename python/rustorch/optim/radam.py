"""RAdam: Adam that waits until the variance of its step size is known."""

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

__all__ = ["RAdam", "radam"]


class RAdam(_Plain):
    """RAdam: momentum steps at first, then Adam's, scaled by the rectification term of the paper.

    Args:
        params (iterable): parameters, named parameters or parameter groups.
        lr (float or Tensor, 1e-3): learning rate, at least 0.
        betas (pair of floats, (0.9, 0.999)): decay of the means of `g` and `g^2` per step.
        eps (float, 1e-8): keeps the denominator from 0.
        weight_decay (float, 0): `weight_decay * p` is added to the gradient.
        decoupled_weight_decay (bool, False): shrink the parameters instead, as AdamW does.
        foreach, capturable: kept for compatibility; capturable is refused on the CPU.
        maximize (bool, False): ascend instead of descending.
        differentiable (bool, False): record the step itself for autograd.
    Raises:  ValueError: if lr, eps, weight_decay or a beta is out of range, or there are no parameters.
    Example:
        >>> w = torch.ones(2, requires_grad=True)
        >>> optimizer = torch.optim.RAdam([w], lr=0.1)
        >>> for _ in range(3):
        ...     optimizer.zero_grad()
        ...     (w**2).sum().backward()
        ...     optimizer.step()
        >>> w
        tensor([0.4623, 0.4623], requires_grad=True)

    Source: Liu et al. 2019, arXiv:1908.03265, algorithm 2.
    """

    _entries = _Entries("exp_avg", "exp_avg_sq", "step")

    _late_options = _Plain._late_options | {"decoupled_weight_decay": False}

    def __init__(
        self,
        params,
        lr=1e-3,
        betas=(0.9, 0.999),
        eps=1e-8,
        weight_decay=0,
        decoupled_weight_decay=False,
        *,
        foreach=None,
        maximize=False,
        capturable=False,
        differentiable=False,
    ):
        super().__init__(
            params,
            _checked(
                lr=lr,
                betas=betas,
                eps=eps,
                weight_decay=weight_decay,
                maximize=maximize,
                foreach=foreach,
                capturable=capturable,
                decoupled_weight_decay=decoupled_weight_decay,
                differentiable=differentiable,
            ),
        )

    def _init_state(self, group, p, state):
        state["step"] = _new_step()
        state["exp_avg"] = _zeros(p)
        state["exp_avg_sq"] = _zeros(p)

    def _update(self, group, *lists):
        beta1, beta2 = group["betas"]
        keys = ("lr", "eps", "weight_decay", "decoupled_weight_decay", "maximize", "differentiable", "capturable")
        radam(*lists, beta1=beta1, beta2=beta2, **{key: group[key] for key in keys})


def radam(
    params,
    grads,
    exp_avgs,
    exp_avg_sqs,
    state_steps,
    decoupled_weight_decay=False,
    foreach=None,
    differentiable=False,
    capturable=False,
    has_complex=False,
    maximize=False,
    *,
    beta1,
    beta2,
    lr,
    weight_decay,
    eps,
):
    """One step of `RAdam` on lists of tensors."""
    _check_steps(state_steps)
    _check_capturable(params, capturable)
    lr = _number(lr)
    rho_inf = 2 / (1 - beta2) - 1
    for p, grad, m, v, step in zip(params, grads, exp_avgs, exp_avg_sqs, state_steps):
        if maximize:
            grad = -grad
        if p.is_complex():
            p, grad, m, v = _as_real(p, grad, m, v)
        step += 1
        t = _get_value(step)
        if weight_decay != 0:
            if decoupled_weight_decay:
                p.mul_(1 - lr * weight_decay)
            else:
                grad = grad.add(p, alpha=weight_decay)
        m.lerp_(grad, 1 - beta1)
        v.mul_(beta2).addcmul_(grad, grad, value=1 - beta2)
        correction2 = 1 - beta2**t
        update = m / (1 - beta1**t) * lr
        rho = rho_inf - 2 * t * beta2**t / correction2
        if rho > 5.0:  # Below, the variance of the adaptive rate is not finite (equation 5 needs rho > 4).
            rectify = ((rho - 4) * (rho - 2) * rho_inf / ((rho_inf - 4) * (rho_inf - 2) * rho)) ** 0.5
            root = v.sqrt()
            root = root.add(eps) if differentiable else root.add_(eps)
            update = update * (correction2**0.5 / root) * rectify
        p.add_(update, alpha=-1.0)


_single_tensor_radam = _multi_tensor_radam = _single_tensor(radam, lists=5)
