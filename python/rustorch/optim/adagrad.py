"""Adagrad: steps divided by the root of the sum of all squared gradients."""

import rustorch
from rustorch.optim import _fused
from rustorch.optim._third_party import _single_tensor
from rustorch.optim.optimizer import (
    _as_real,
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
)

__all__ = ["Adagrad", "adagrad"]


class Adagrad(_Plain):
    """Adagrad: `s += g^2`, `p -= lr / (1 + (t - 1) * lr_decay) * g / (sqrt(s) + eps)` in step t.

    Args:
        params (iterable): parameters, named parameters or parameter groups.
        lr (float or Tensor, 1e-2): learning rate, at least 0.
        lr_decay (float, 0): how fast the learning rate falls.
        weight_decay (float, 0): `weight_decay * p` is added to the gradient.
        initial_accumulator_value (float, 0): where the sums of squares start.
        eps (float, 1e-10): keeps the denominator from 0.
        foreach, fused (bool, None): `fused=False` keeps to the step written in Python; the results are the same.
        maximize (bool, False): ascend instead of descending.
        differentiable (bool, False): record the step itself for autograd.
    Raises:  ValueError: if one of the numbers is negative.
    Example:
        >>> w = torch.ones(2, requires_grad=True)
        >>> optimizer = torch.optim.Adagrad([w], lr=0.1)
        >>> for _ in range(3):
        ...     optimizer.zero_grad()
        ...     (w**2).sum().backward()
        ...     optimizer.step()
        >>> w
        tensor([0.7805, 0.7805], requires_grad=True)

    Note: sparse gradients update only the rows they name.
    Source: Duchi, Hazan & Singer 2011, Adaptive subgradient methods for online learning.
    """

    _entries = _Entries("sum", "step")
    _takes_sparse = True
    _late_options = _Plain._late_options | {"fused": None}

    def __init__(
        self,
        params,
        lr=1e-2,
        lr_decay=0,
        weight_decay=0,
        initial_accumulator_value=0,
        eps=1e-10,
        foreach=None,
        *,
        maximize=False,
        differentiable=False,
        fused=None,
    ):
        _check_lr(lr)
        _check_non_negative(
            lr_decay=lr_decay,
            weight_decay=weight_decay,
            initial_accumulator_value=initial_accumulator_value,
            epsilon=eps,
        )
        defaults = {
            "lr": lr,
            "lr_decay": lr_decay,
            "eps": eps,
            "weight_decay": weight_decay,
            "initial_accumulator_value": initial_accumulator_value,
            "foreach": foreach,
            "maximize": maximize,
            "differentiable": differentiable,
            "fused": fused,
        }
        super().__init__(params, defaults)
        _check_fused_options(fused, foreach, differentiable)
        for group in self.param_groups:
            for p in group["params"]:
                self._init_state(group, p, self.state[p])

    def share_memory(self):
        """Move the sums to shared memory, for training from several processes."""
        for group in self.param_groups:
            for p in group["params"]:
                self.state[p]["sum"].share_memory_()

    def _init_state(self, group, p, state):
        start = self.defaults["initial_accumulator_value"]
        state["step"] = _new_step(0.0, group["fused"])
        state["sum"] = rustorch.full_like(
            p, complex(start, start) if p.is_complex() else start, memory_format=rustorch.preserve_format
        )

    def _check_group(self, group, params, grads):
        if group["fused"]:
            _check_fused_params(params)

    def _init_group(self, group, params_with_grad, grads, *lists):
        """Append to each list; returns whether a gradient is sparse, and whether a parameter is complex."""
        complex_found = super()._init_group(group, params_with_grad, grads, *lists)
        return any(grad.is_sparse for grad in grads), complex_found

    def step(self, closure=None):
        loss = _closure_loss(closure)
        for group in self.param_groups:
            params, grads, sums, steps = self._gather(group, self._entries)
            options = {
                "lr": _number(group["lr"]),
                "lr_decay": group["lr_decay"],
                "weight_decay": group["weight_decay"],
                "eps": group["eps"],
                "maximize": group["maximize"],
            }
            if group["fused"] is not False and not group["differentiable"]:
                if _fused.adagrad_(params, grads, sums, steps, **options):
                    continue
            self._check_group(group, params, grads)
            with rustorch.set_grad_enabled(group["differentiable"]):
                adagrad(params, grads, sums, steps, differentiable=group["differentiable"], **options)
        return loss


def adagrad(
    params,
    grads,
    state_sums,
    state_steps,
    fused=None,
    grad_scale=None,
    found_inf=None,
    has_sparse_grad=None,
    foreach=None,
    differentiable=False,
    has_complex=False,
    *,
    lr,
    weight_decay,
    lr_decay,
    eps,
    maximize,
):
    """One step of `Adagrad` on lists of tensors; `state_steps` are 0-d tensors."""
    _check_steps(state_steps)
    for p, grad, total, step in zip(params, grads, state_sums, state_steps):
        step += 1
        if maximize:
            grad = -grad
        if weight_decay != 0:
            if grad.is_sparse:
                raise RuntimeError("weight_decay option is not compatible with sparse gradients")
            grad = grad.add(p, alpha=weight_decay)
        rate = lr / (1 + (_get_value(step) - 1) * lr_decay)
        if grad.is_sparse:
            _sparse_update(p, grad.coalesce(), total, rate, eps)
            continue
        if p.is_complex():
            p, grad, total = _as_real(p, grad, total)
        total.addcmul_(grad, grad, value=1)
        root = total.sqrt() + eps if differentiable else total.sqrt().add_(eps)
        p.addcdiv_(grad, root, value=-rate)


def _sparse_update(p, grad, total, rate, eps):
    indices, values, size = grad._indices(), grad._values(), grad.size()
    total.add_(rustorch.sparse_coo_tensor(indices, values.pow(2), size))
    root = total.sparse_mask(grad)._values().sqrt_().add_(eps)
    p.add_(rustorch.sparse_coo_tensor(indices, values / root, size), alpha=-rate)


_single_tensor_adagrad = _multi_tensor_adagrad = _fused_adagrad = _single_tensor(adagrad, lists=4)
