"""NAdam: Adam with Nesterov momentum."""

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

__all__ = ["NAdam", "nadam"]


class NAdam(_Plain):
    """NAdam: Adam whose first moment looks one step ahead, with momentum `mu_t = beta1 * (1 - 0.96^(t psi) / 2)`.

    Args:
        params (iterable): parameters, named parameters or parameter groups.
        lr (float or Tensor, 2e-3): learning rate, at least 0.
        betas (pair of floats, (0.9, 0.999)): decay of the means of `g` and `g^2` per step.
        eps (float, 1e-8): keeps the denominator from 0.
        weight_decay (float, 0): `weight_decay * p` is added to the gradient.
        momentum_decay (float, 4e-3): psi above.
        decoupled_weight_decay (bool, False): shrink the parameters instead, as AdamW does.
        foreach, capturable: kept for compatibility; capturable is refused on the CPU.
        maximize (bool, False): ascend instead of descending.
        differentiable (bool, False): record the step itself for autograd.
    Raises:  ValueError: if lr, eps, weight_decay or a beta is out of range, or there are no parameters.
    Example:
        >>> w = torch.ones(2, requires_grad=True)
        >>> optimizer = torch.optim.NAdam([w], lr=0.1)
        >>> for _ in range(3):
        ...     optimizer.zero_grad()
        ...     (w**2).sum().backward()
        ...     optimizer.step()
        >>> w
        tensor([0.7527, 0.7527], requires_grad=True)

    Source: Dozat 2016, Incorporating Nesterov momentum into Adam.
    """

    _entries = _Entries("exp_avg", "exp_avg_sq", "mu_product", "step")

    _late_options = _Plain._late_options | {"decoupled_weight_decay": False}

    def __init__(
        self,
        params,
        lr=2e-3,
        betas=(0.9, 0.999),
        eps=1e-8,
        weight_decay=0,
        momentum_decay=4e-3,
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
                momentum_decay=momentum_decay,
                decoupled_weight_decay=decoupled_weight_decay,
                maximize=maximize,
                foreach=foreach,
                capturable=capturable,
                differentiable=differentiable,
            ),
        )

    def _init_state(self, group, p, state):
        state["step"] = _new_step()
        state["mu_product"] = _new_step(1.0)
        state["exp_avg"] = _zeros(p)
        state["exp_avg_sq"] = _zeros(p)

    def _update(self, group, *lists):
        beta1, beta2 = group["betas"]
        keys = ("lr", "eps", "weight_decay", "momentum_decay", "decoupled_weight_decay")
        keys += ("maximize", "differentiable", "capturable")
        nadam(*lists, beta1=beta1, beta2=beta2, **{key: group[key] for key in keys})


def nadam(
    params,
    grads,
    exp_avgs,
    exp_avg_sqs,
    mu_products,
    state_steps,
    decoupled_weight_decay=False,
    foreach=None,
    capturable=False,
    differentiable=False,
    has_complex=False,
    maximize=False,
    *,
    beta1,
    beta2,
    lr,
    weight_decay,
    momentum_decay,
    eps,
):
    """One step of `NAdam` on lists of tensors."""
    _check_steps(state_steps)
    _check_capturable(params, capturable)
    lr = _number(lr)
    for p, grad, m, v, product, step in zip(params, grads, exp_avgs, exp_avg_sqs, mu_products, state_steps):
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
        mu = beta1 * (1.0 - 0.5 * 0.96 ** (t * momentum_decay))
        mu_next = beta1 * (1.0 - 0.5 * 0.96 ** ((t + 1) * momentum_decay))
        product *= mu
        m.lerp_(grad, 1 - beta1)
        v.mul_(beta2).addcmul_(grad, grad, value=1 - beta2)
        denom = v.div(1 - beta2**t).sqrt()
        denom = denom.add(eps) if differentiable else denom.add_(eps)
        so_far = _get_value(product)
        p.addcdiv_(grad, denom, value=-lr * (1.0 - mu) / (1.0 - so_far))
        p.addcdiv_(m.clone() if differentiable else m, denom, value=-lr * mu_next / (1.0 - so_far * mu_next))


_single_tensor_nadam = _multi_tensor_nadam = _single_tensor(nadam, lists=6)
