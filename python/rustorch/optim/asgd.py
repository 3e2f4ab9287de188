"""Averaged stochastic gradient descent."""

import rustorch
from rustorch.optim._third_party import _single_tensor
from rustorch.optim.optimizer import (
    _as_real,
    _check_capturable,
    _checked,
    _Entries,
    _get_scalar_dtype,
    _get_value,
    _number,
    _Plain,
    _zeros,
)

__all__ = ["ASGD", "asgd"]


class ASGD(_Plain):
    """Averaged SGD: `p -= eta * (g + lambd * p)`, and from step `t0` on a running mean of the parameters.

    Args:
        params (iterable): parameters, named parameters or parameter groups.
        lr (float or Tensor, 1e-2): learning rate, at least 0.
        lambd (float, 1e-4): decay term.
        alpha (float, 0.75): power of the decay of eta: `lr / (1 + lambd * lr * t)^alpha`.
        t0 (float, 1e6): step at which averaging starts.
        weight_decay (float, 0): `weight_decay * p` is added to the gradient.
        foreach, capturable: kept for compatibility; capturable is refused on the CPU.
        maximize (bool, False): ascend instead of descending.
        differentiable (bool, False): record the step itself for autograd.
    Raises:  ValueError: if lr or weight_decay is out of range, or there are no parameters.
    Example:
        >>> w = torch.ones(2, requires_grad=True)
        >>> optimizer = torch.optim.ASGD([w], lr=0.1)
        >>> for _ in range(3):
        ...     optimizer.zero_grad()
        ...     (w**2).sum().backward()
        ...     optimizer.step()
        >>> w
        tensor([0.5120, 0.5120], requires_grad=True)

    Source: Polyak & Juditsky 1992, Acceleration of stochastic approximation by averaging.
    """

    _entries = _Entries("ax", "mu", "eta", "step")
    _group_entries = ("mu", "ax", "eta", "step")

    def __init__(
        self,
        params,
        lr=1e-2,
        lambd=1e-4,
        alpha=0.75,
        t0=1e6,
        weight_decay=0,
        foreach=None,
        maximize=False,
        differentiable=False,
        capturable=False,
    ):
        super().__init__(
            params,
            _checked(
                lr=lr,
                lambd=lambd,
                alpha=alpha,
                t0=t0,
                weight_decay=weight_decay,
                foreach=foreach,
                maximize=maximize,
                differentiable=differentiable,
                capturable=capturable,
            ),
        )

    def __setstate__(self, state):
        super().__setstate__(state)
        for group in self.param_groups:
            for p in group["params"]:
                entry = self.state.get(p, {})
                for key in ("eta", "mu"):
                    if key in entry and not isinstance(entry[key], rustorch.Tensor):
                        entry[key] = rustorch.tensor(entry[key], dtype=_get_scalar_dtype(), device=p.device)

    def _init_state(self, group, p, state):
        for key, start in (("step", 0.0), ("eta", _number(group["lr"])), ("mu", 1.0)):
            state[key] = rustorch.tensor(start, device=p.device, dtype=_get_scalar_dtype())
        state["ax"] = _zeros(p)

    def _update(self, group, *lists):
        keys = ("lambd", "lr", "t0", "alpha", "weight_decay", "maximize", "differentiable", "capturable")
        asgd(*lists, **{key: group[key] for key in keys})


def asgd(
    params,
    grads,
    axs,
    mus,
    etas,
    state_steps,
    foreach=None,
    maximize=False,
    differentiable=False,
    capturable=False,
    has_complex=False,
    *,
    lambd,
    lr,
    t0,
    alpha,
    weight_decay,
):
    """One step of `ASGD` on lists of tensors."""
    _check_capturable(params, capturable)
    lr = _number(lr)
    for p, grad, ax, mu, eta, step in zip(params, grads, axs, mus, etas, state_steps):
        if maximize:
            grad = -grad
        if p.is_complex():
            p, grad, ax = _as_real(p, grad, ax)
        step += 1
        t = _get_value(step)
        if weight_decay != 0:
            grad = grad.add(p, alpha=weight_decay)
        rate = _get_value(eta)
        p.mul_(1 - lambd * rate)
        p.add_(grad, alpha=-rate)
        if _get_value(mu) != 1:
            ax.add_(p.sub(ax).mul_(mu))
        else:
            ax.copy_(p)
        with rustorch.no_grad():
            eta.fill_(lr / (1 + lambd * lr * t) ** alpha)
            mu.fill_(1 / max(1, t - t0))


_single_tensor_asgd = _multi_tensor_asgd = _single_tensor(asgd, lists=6)
