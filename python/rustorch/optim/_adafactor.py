"""Adafactor: second moments of matrices kept as a row and a column."""

import rustorch
from rustorch import Tensor
from rustorch.optim.optimizer import _check_steps, _Entries, _new_step, _number, _Plain, _zeros

__all__ = ["Adafactor", "adafactor"]


class Adafactor(_Plain):
    """Adafactor: `v` of a matrix is estimated from running means over its rows and over its columns.

    Args:
        params (iterable): parameters, named parameters or parameter groups.
        lr (float or Tensor, 1e-2): upper bound of the relative step size `1 / sqrt(t)`.
        beta2_decay (float, -0.8): the means keep `1 - t^beta2_decay` of their value in step t; at most 0.
        eps (pair, (None, 1e-3)): smallest second moment (None: the machine epsilon), smallest parameter scale.
        d (float, 1.0): largest root mean square of an update, at least 1.
        weight_decay (float, 0.0): the parameters shrink by `lr * weight_decay`.
        foreach (bool, None): kept for compatibility.
        maximize (bool, False): ascend instead of descending.
    Raises:  ValueError: if one of the numbers is out of range.
        RuntimeError: for complex parameters and sparse gradients.
    Example:
        >>> w = torch.ones(2, 2, requires_grad=True)
        >>> optimizer = torch.optim.Adafactor([w], lr=0.1)
        >>> (w**2).sum().backward()
        >>> optimizer.step()
        >>> w, sorted(optimizer.state[w])
        (tensor([[0.9000, 0.9000],
                [0.9000, 0.9000]], requires_grad=True), ['col_var', 'row_var', 'step'])

    Source: Shazeer & Stern 2018, arXiv:1804.04235.
    """

    def __init__(
        self,
        params,
        lr=1e-2,
        beta2_decay=-0.8,
        eps=(None, 1e-3),
        d=1.0,
        weight_decay=0.0,
        *,
        foreach=None,
        maximize=False,
    ):
        if isinstance(lr, Tensor) and lr.numel() != 1:
            raise ValueError("Tensor lr must be 1-element")
        for fine, text in (
            (lr >= 0.0, f"Learning rate should be >= 0 but is: {lr}"),
            (beta2_decay <= 0.0, f"beta2_decay should be <= 0 but is: {beta2_decay}"),
            (eps[0] is None or eps[0] >= 0.0, f"epsilon1 should be >= 0 but is: {eps[0]}"),
            (eps[1] >= 0.0, f"epsilon2 should be >= 0 but is: {eps[1]}"),
            (d >= 1.0, f"Clipping threshold d should be >= 1 but is: {d}"),
            (weight_decay >= 0.0, f"weight_decay should be >= 0 but is: {weight_decay}"),
        ):
            if not fine:
                raise ValueError(text)
        defaults = {
            "lr": lr,
            "beta2_decay": beta2_decay,
            "eps": eps,
            "d": d,
            "weight_decay": weight_decay,
            "foreach": foreach,
            "maximize": maximize,
        }
        super().__init__(params, defaults)

    _entries = _Entries("step")

    def _init_state(self, group, p, state):
        if p.is_complex():
            raise RuntimeError("Adafactor does not support complex parameters")
        grad = p.grad
        state["step"] = _new_step()
        if grad.dim() > 1:
            state["row_var"] = grad.new_zeros([*grad.shape[:-1], 1])
            state["col_var"] = grad.new_zeros([*grad.shape[:-2], 1, grad.shape[-1]])
        else:
            state["variance"] = _zeros(grad)

    def _init_group(self, group, params_with_grad, grads, row_vars, col_vars, variances, state_steps):
        """Append to each list; a parameter has None for a variance that its shape does not need."""
        params, new_grads, steps = self._gather(group, self._entries)
        self._refuse_sparse(new_grads)
        params_with_grad += params
        grads += new_grads
        state_steps += steps
        for entries, name in ((row_vars, "row_var"), (col_vars, "col_var"), (variances, "variance")):
            entries += [self.state[p].get(name) for p in params]
        return False

    def _update(self, group, params, grads, steps):
        lists = [], [], [], [], [], []
        self._init_group(group, *lists)
        eps1, eps2 = group["eps"]
        keys = ("d", "lr", "beta2_decay", "weight_decay", "maximize")
        adafactor(*lists, eps1=eps1, eps2=eps2, **{key: group[key] for key in keys})


def adafactor(
    params,
    grads,
    row_vars,
    col_vars,
    variances,
    state_steps,
    foreach=None,
    grad_scale=None,
    found_inf=None,
    has_complex=False,
    *,
    d,
    lr,
    beta2_decay,
    weight_decay,
    eps1,
    eps2,
    maximize,
):
    """One step of `Adafactor` on lists of tensors; matrices use the first two lists of state, the rest the third."""
    _check_steps(state_steps)
    lr = _number(lr)
    for p, grad, rows, cols, variance, step in zip(params, grads, row_vars, col_vars, variances, state_steps):
        if maximize:
            grad = -grad
        smallest = rustorch.finfo(p.dtype).eps if eps1 is None else eps1
        step += 1
        t = step.item()
        fresh = t**beta2_decay
        rate = max(eps2, p.norm(2).item() / p.numel() ** 0.5) * min(lr, 1 / t**0.5)
        if weight_decay != 0:
            p.mul_(1 - lr * weight_decay)
        if grad.dim() > 1:
            rows.lerp_(grad.norm(dim=-1, keepdim=True).square_().div_(grad.size(-1)), fresh)
            cols.lerp_(grad.norm(dim=-2, keepdim=True).square_().div_(grad.size(-2)), fresh)
            estimate = (rows @ cols).div_(rows.mean(dim=-2, keepdim=True).clamp_(min=smallest))
        else:
            variance.lerp_(grad * grad, fresh)
            estimate = variance.clone()
        update = estimate.clamp_(min=smallest * smallest).rsqrt_().mul_(grad)
        clip = max(1.0, update.norm(2).item() / (update.numel() ** 0.5 * d))
        p.add_(update, alpha=-rate / clip)
