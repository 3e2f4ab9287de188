"""Adam, with its variants AMSGrad and decoupled weight decay."""

import rustorch
from rustorch import Tensor
from rustorch.optim import _fused
from rustorch.optim._third_party import _single_tensor
from rustorch.optim.optimizer import (
    _as_real,
    _check_betas,
    _check_capturable,
    _check_fused_options,
    _check_fused_params,
    _check_lr,
    _check_non_negative,
    _check_steps,
    _closure_loss,
    _Entries,
    _get_value,
    _new_step,
    _number,
    _Plain,
    _to_scalar,
    _zeros,
)

__all__ = ["Adam", "adam"]


class Adam(_Plain):
    """Adam: steps scaled by running means of the gradient `m` and of its square `v`.

    `p -= lr * m / (1 - beta1^t) / (sqrt(v / (1 - beta2^t)) + eps)` in step t.

    Args:
        params (iterable): parameters, named parameters or parameter groups.
        lr (float or Tensor, 1e-3): learning rate, at least 0.
        betas (pair of floats or Tensors, (0.9, 0.999)): decay of `m` and of `v` per step, in [0, 1).
        eps (float, 1e-8): keeps the denominator from 0.
        weight_decay (float, 0): `weight_decay * p` is added to the gradient.
        amsgrad (bool, False): use the largest `v` so far instead of `v`.
        foreach, fused (bool, None): `fused=False` keeps to the step written in Python; the results are the same.
        maximize (bool, False): ascend instead of descending.
        capturable (bool, False): kept for compatibility, refused on the CPU.
        differentiable (bool, False): record the step itself for autograd.
        decoupled_weight_decay (bool, False): shrink the parameters by `lr * weight_decay` instead (AdamW).
    Raises:  ValueError: if lr, eps, weight_decay or a beta is out of range, or there are no parameters.
        RuntimeError: for sparse gradients, or if `fused` is combined with `foreach` or `differentiable`.
    Example:
        >>> w = torch.ones(2, requires_grad=True)
        >>> optimizer = torch.optim.Adam([w], lr=0.1)
        >>> for _ in range(3):
        ...     optimizer.zero_grad()
        ...     (w**2).sum().backward()
        ...     optimizer.step()
        >>> w
        tensor([0.7016, 0.7016], requires_grad=True)

    Source: Kingma & Ba 2014, arXiv:1412.6980; Reddi et al. 2018, On the convergence of Adam and beyond.
    """

    _entries = _Entries("exp_avg", "exp_avg_sq", "step")
    _group_entries = ("exp_avg", "exp_avg_sq", "max_exp_avg_sq", "step")
    _entries_amsgrad = _Entries("exp_avg", "exp_avg_sq", "step", "max_exp_avg_sq")
    _late_options = _Plain._late_options | {"amsgrad": False, "decoupled_weight_decay": False, "fused": None}

    def __init__(
        self,
        params,
        lr=1e-3,
        betas=(0.9, 0.999),
        eps=1e-8,
        weight_decay=0,
        amsgrad=False,
        *,
        foreach=None,
        maximize=False,
        capturable=False,
        differentiable=False,
        fused=None,
        decoupled_weight_decay=False,
    ):
        if isinstance(lr, Tensor) and foreach and not capturable:
            raise ValueError("lr as a Tensor is not supported for capturable=False and foreach=True")
        _check_lr(lr)
        _check_non_negative(epsilon=eps)
        _check_betas(betas)
        _check_non_negative(weight_decay=weight_decay)
        if not (all(isinstance(b, float) for b in betas) or all(isinstance(b, Tensor) for b in betas)):
            raise ValueError("betas must be either both floats or both Tensors")
        for i, beta in enumerate(betas):
            if isinstance(beta, Tensor):
                if foreach and not capturable:
                    raise ValueError(f"betas[{i}] as a Tensor is not supported for capturable=False and foreach=True")
                if beta.numel() != 1:
                    raise ValueError(f"Tensor betas[{i}] must be 1-element")
        defaults = {
            "lr": lr,
            "betas": tuple(map(_to_scalar, betas)),
            "eps": eps,
            "weight_decay": weight_decay,
            "amsgrad": amsgrad,
            "maximize": maximize,
            "foreach": foreach,
            "capturable": capturable,
            "differentiable": differentiable,
            "fused": fused,
            "decoupled_weight_decay": decoupled_weight_decay,
        }
        super().__init__(params, defaults)
        _check_fused_options(fused, foreach, differentiable)

    def _sparse_message(self):
        return "Adam does not support sparse gradients, please consider SparseAdam instead"

    def _init_state(self, group, p, state):
        if group["fused"]:
            _check_fused_params([p])
        state["step"] = _new_step(0.0, group["fused"])
        state["exp_avg"] = _zeros(p)
        state["exp_avg_sq"] = _zeros(p)
        if group["amsgrad"]:
            state["max_exp_avg_sq"] = _zeros(p)

    def _check_group(self, group, params, grads):
        self._refuse_sparse(grads)
        if group["fused"]:
            _check_fused_params(params)
        if group["differentiable"] and any(self.state[p]["step"].requires_grad for p in params):
            raise RuntimeError("`requires_grad` is not supported for `step` in differentiable mode")
        if group["foreach"] and isinstance(group["lr"], Tensor) and not group["capturable"]:
            raise RuntimeError("lr as a Tensor is not supported for capturable=False and foreach=True")

    def step(self, closure=None):
        loss = _closure_loss(closure)
        for group in self.param_groups:
            amsgrad = group["amsgrad"]
            beta1, beta2 = group["betas"]
            lr = group["lr"]
            if amsgrad:
                params, grads, avgs, sqs, steps, tops = self._gather(group, self._entries_amsgrad)
            else:
                params, grads, avgs, sqs, steps = self._gather(group, self._entries)
                tops = ()
            if group["fused"] is not False and not group["differentiable"] and not group["capturable"]:
                done = _fused.adam_(
                    params,
                    grads,
                    avgs,
                    sqs,
                    tops,
                    steps,
                    lr=lr if type(lr) is float else _number(lr),
                    beta1=beta1 if type(beta1) is float else _number(beta1),
                    beta2=beta2 if type(beta2) is float else _number(beta2),
                    weight_decay=group["weight_decay"],
                    eps=group["eps"],
                    amsgrad=amsgrad,
                    maximize=group["maximize"],
                    decoupled=group["decoupled_weight_decay"],
                )
                if done:
                    continue
            self._check_group(group, params, grads)
            with rustorch.set_grad_enabled(group["differentiable"]):
                adam(
                    params,
                    grads,
                    avgs,
                    sqs,
                    tops,
                    steps,
                    capturable=group["capturable"],
                    differentiable=group["differentiable"],
                    decoupled_weight_decay=group["decoupled_weight_decay"],
                    amsgrad=amsgrad,
                    beta1=beta1,
                    beta2=beta2,
                    lr=lr,
                    weight_decay=group["weight_decay"],
                    eps=group["eps"],
                    maximize=group["maximize"],
                )
        return loss


def adam(
    params,
    grads,
    exp_avgs,
    exp_avg_sqs,
    max_exp_avg_sqs,
    state_steps,
    foreach=None,
    capturable=False,
    differentiable=False,
    fused=None,
    grad_scale=None,
    found_inf=None,
    has_complex=False,
    decoupled_weight_decay=False,
    *,
    amsgrad,
    beta1,
    beta2,
    lr,
    weight_decay,
    eps,
    maximize,
):
    """One step of `Adam` on lists of tensors; `state_steps` are 0-d tensors."""
    _check_steps(state_steps)
    _check_capturable(params, capturable)
    lr, beta1, beta2 = _to_scalar(lr), _to_scalar(beta1), _to_scalar(beta2)
    if not differentiable:
        lr, beta1, beta2 = _number(lr), _number(beta1), _number(beta2)
    for i, (p, grad, m, v, step) in enumerate(zip(params, grads, exp_avgs, exp_avg_sqs, state_steps)):
        if maximize:
            grad = -grad
        step += 1
        if isinstance(weight_decay, Tensor) and not decoupled_weight_decay:
            grad = grad.addcmul(p.clone(), weight_decay)
        elif weight_decay != 0:
            if decoupled_weight_decay:
                p.mul_(1 - lr * weight_decay)
            else:
                grad = grad.add(p, alpha=weight_decay)
        top = max_exp_avg_sqs[i] if amsgrad else None
        if p.is_complex():
            p, grad, m, v = _as_real(p, grad, m, v)
            top = rustorch.view_as_real(top) if amsgrad else None
        m.lerp_(grad, 1 - beta1)
        if isinstance(beta2, Tensor):
            v.lerp_(grad.square(), 1 - beta2)
        else:
            v.mul_(beta2).addcmul_(grad, grad, value=1 - beta2)
        if differentiable:
            _differentiable_update(p, m, v, top, step.clone(), lr, beta1, beta2, eps)
            continue
        t = _get_value(step)
        step_size = lr / (1 - beta1**t)
        correction = (1 - beta2**t) ** 0.5
        if amsgrad:
            rustorch.maximum(top, v, out=top)
            v = top
        denom = (v.sqrt() / correction).add_(eps)
        p.addcdiv_(m, denom, value=-step_size)


def _differentiable_update(p, m, v, top, step, lr, beta1, beta2, eps):
    """The last lines of `adam` with every scalar a tensor, so that autograd can follow them."""
    negative_step_size = -(lr / (1 - beta1**step))
    correction = (1 - beta2**step).sqrt()
    if top is not None:
        top.copy_(rustorch.maximum(top.clone(), v))
        v = top
    denom = (v.sqrt() / (correction * negative_step_size)).add_(eps / negative_step_size)
    p.addcdiv_(m.clone(), denom)


_single_tensor_adam = _multi_tensor_adam = _fused_adam = _single_tensor(adam, lists=6)
