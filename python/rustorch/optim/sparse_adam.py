"""Adam for sparse gradients: only the rows that a gradient names are updated."""

import math

import rustorch
from rustorch import Tensor
from rustorch.optim.optimizer import Optimizer, _check_betas, _closure_loss, _Entries, _number, _zeros

__all__ = ["SparseAdam", "sparse_adam"]


class SparseAdam(Optimizer):
    """Masked Adam: moments and parameters change only where the sparse gradient has entries.

    Args:
        params (iterable): dense parameters, named parameters or parameter groups.
        lr (float or Tensor, 1e-3): learning rate, above 0.
        betas (pair of floats, (0.9, 0.999)): decay of the means of `g` and `g^2` per step.
        eps (float, 1e-8): keeps the denominator from 0.
        maximize (bool, False): ascend instead of descending.
    Raises:  ValueError: if a number is out of range, or parameters are sparse or complex.
        RuntimeError: for dense gradients.
    Example:
        >>> table = torch.zeros(3, 2, requires_grad=True)
        >>> optimizer = torch.optim.SparseAdam([table], lr=0.1)
        >>> optimizer.defaults["betas"]
        (0.9, 0.999)
    """

    _entries = _Entries("exp_avg", "exp_avg_sq")
    _takes_sparse = True

    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, maximize=False):
        if isinstance(lr, Tensor) and lr.numel() != 1:
            raise ValueError("Tensor lr must be 1-element")
        if not lr > 0.0:
            raise ValueError(f"Invalid learning rate: {lr}")
        if not eps > 0.0:
            raise ValueError(f"Invalid epsilon value: {eps}")
        _check_betas(betas)
        super().__init__(params, {"lr": lr, "betas": betas, "eps": eps, "maximize": maximize})
        places = [(p, [i, j]) for i, group in enumerate(self.param_groups) for j, p in enumerate(group["params"])]
        if found := [place for p, place in places if p.is_sparse]:
            raise ValueError(f"Sparse params at indices {found}: SparseAdam requires dense parameter tensors")
        if found := [place for p, place in places if p.is_complex()]:
            raise ValueError(f"Complex params at indices {found}: SparseAdam does not support complex parameters")

    def _init_state(self, group, p, state):
        state["step"] = 0
        state["exp_avg"] = _zeros(p)
        state["exp_avg_sq"] = _zeros(p)

    def step(self, closure=None):
        loss = _closure_loss(closure)
        for group in self.param_groups:
            if any(p.grad is not None and not p.grad.is_sparse for p in group["params"]):
                raise RuntimeError("SparseAdam does not support dense gradients, please consider Adam instead")
            params, grads, means, squares = self._gather(group, self._entries)
            beta1, beta2 = group["betas"]
            with rustorch.no_grad():
                for p in params:
                    self.state[p]["step"] += 1
                sparse_adam(
                    params,
                    grads,
                    means,
                    squares,
                    [self.state[p]["step"] for p in params],
                    eps=group["eps"],
                    beta1=beta1,
                    beta2=beta2,
                    lr=group["lr"],
                    maximize=group.get("maximize", False),
                )
        return loss


def sparse_adam(params, grads, exp_avgs, exp_avg_sqs, state_steps, *, eps, beta1, beta2, lr, maximize):
    """One step of `SparseAdam` on lists of tensors; `state_steps` are numbers that count this step already."""
    for p, grad, m, v, step in zip(params, grads, exp_avgs, exp_avg_sqs, state_steps):
        grad = (-grad if maximize else grad).coalesce()
        _update(p, grad, m, v, step, _number(lr), beta1, beta2, eps)


def _update(p, grad, m, v, t, lr, beta1, beta2, eps):
    indices, values, size = grad._indices(), grad._values(), grad.size()
    if values.numel() == 0:
        return

    def sparse(x):
        return rustorch.sparse_coo_tensor(indices, x, size)

    old_m, old_v = m.sparse_mask(grad)._values(), v.sparse_mask(grad)._values()
    add_m = values.sub(old_m).mul_(1 - beta1)
    add_v = values.pow(2).sub_(old_v).mul_(1 - beta2)
    m.add_(sparse(add_m))
    v.add_(sparse(add_v))
    denom = add_v.add_(old_v).sqrt_().add_(eps)
    step_size = lr * math.sqrt(1 - beta2**t) / (1 - beta1**t)
    p.add_(sparse(-step_size * add_m.add_(old_m).div_(denom)))
