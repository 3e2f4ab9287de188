"""Resilient backpropagation: the sign of the gradient with a step size of its own for each element."""

import rustorch
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

__all__ = ["Rprop", "rprop"]


class Rprop(_Plain):
    """Rprop: step sizes grow while the gradient keeps its sign and shrink when it changes.

    Args:
        params (iterable): parameters, named parameters or parameter groups.
        lr (float or Tensor, 1e-2): first step size of every element.
        etas (pair of floats, (0.5, 1.2)): factors on a change of sign and on none.
        step_sizes (pair of floats, (1e-6, 50)): smallest and largest step size.
        capturable, foreach: kept for compatibility; capturable is refused on the CPU.
        maximize (bool, False): ascend instead of descending.
        differentiable (bool, False): record the step itself for autograd.
    Raises:  ValueError: unless lr >= 0 and 0 < etas[0] < 1 < etas[1].
    Example:
        >>> w = torch.ones(2, requires_grad=True)
        >>> optimizer = torch.optim.Rprop([w], lr=0.1)
        >>> for _ in range(3):
        ...     optimizer.zero_grad()
        ...     (w**2).sum().backward()
        ...     optimizer.step()
        >>> w
        tensor([0.6360, 0.6360], requires_grad=True)

    Source: Riedmiller & Braun 1993, A direct adaptive method for faster backpropagation learning.
    """

    _entries = _Entries("prev", "step_size", "step")

    def __init__(
        self,
        params,
        lr=1e-2,
        etas=(0.5, 1.2),
        step_sizes=(1e-6, 50),
        *,
        capturable=False,
        foreach=None,
        maximize=False,
        differentiable=False,
    ):
        if not 0.0 < etas[0] < 1.0 < etas[1]:
            raise ValueError(f"Invalid eta values: {etas[0]}, {etas[1]}")
        super().__init__(
            params,
            _checked(
                lr=lr,
                etas=etas,
                step_sizes=step_sizes,
                foreach=foreach,
                maximize=maximize,
                differentiable=differentiable,
                capturable=capturable,
            ),
        )

    def _init_state(self, group, p, state):
        lr = _number(group["lr"])
        state["step"] = _new_step()
        state["prev"] = _zeros(p)
        state["step_size"] = rustorch.full_like(p.grad, complex(lr, lr) if p.is_complex() else lr)

    def _update(self, group, *lists):
        etaminus, etaplus = group["etas"]
        smallest, largest = group["step_sizes"]
        rprop(
            *lists,
            step_size_min=smallest,
            step_size_max=largest,
            etaminus=etaminus,
            etaplus=etaplus,
            maximize=group["maximize"],
            differentiable=group["differentiable"],
            capturable=group["capturable"],
        )


def rprop(
    params,
    grads,
    prevs,
    step_sizes,
    state_steps,
    foreach=None,
    capturable=False,
    maximize=False,
    differentiable=False,
    has_complex=False,
    *,
    step_size_min,
    step_size_max,
    etaminus,
    etaplus,
):
    """One step of `Rprop` on lists of tensors."""
    _check_steps(state_steps)
    _check_capturable(params, capturable)
    for p, grad, prev, size, step in zip(params, grads, prevs, step_sizes, state_steps):
        step += 1
        if maximize:
            grad = -grad
        if p.is_complex():
            p, grad, prev, size = _as_real(p, grad, prev, size)
        agree = grad.mul(prev.clone() if differentiable else prev).sign()
        factor = agree.masked_fill(agree.gt(0), etaplus).masked_fill(agree.lt(0), etaminus)
        size.mul_(factor.masked_fill(agree.eq(0), 1)).clamp_(step_size_min, step_size_max)
        # An element whose gradient changed its sign stays where it is for one step.
        grad = grad.masked_fill(agree.lt(0), 0)
        p.addcmul_(grad.sign(), size, value=-1)
        prev.copy_(grad)


_single_tensor_rprop = _multi_tensor_rprop = _single_tensor(rprop, lists=5)
