"""RMSprop: steps divided by the root of a running mean of squared gradients."""

import rustorch
from rustorch.optim import _fused
from rustorch.optim._third_party import _single_tensor
from rustorch.optim.optimizer import (
    _as_real,
    _check_capturable,
    _check_non_negative,
    _check_steps,
    _checked,
    _closure_loss,
    _Entries,
    _new_step,
    _number,
    _Plain,
    _zeros,
)

__all__ = ["RMSprop", "rmsprop"]


class RMSprop(_Plain):
    """RMSprop: `v = alpha * v + (1 - alpha) * g^2`, `p -= lr * g / (sqrt(v) + eps)`.

    Args:
        params (iterable): parameters, named parameters or parameter groups.
        lr (float or Tensor, 1e-2): learning rate, at least 0.
        alpha (float, 0.99): decay of the mean of squares per step.
        eps (float, 1e-8): keeps the denominator from 0; added to the root.
        weight_decay (float, 0): `weight_decay * p` is added to the gradient.
        momentum (float, 0): share of the last step that is kept.
        centered (bool, False): divide by the root of the variance instead of the mean of squares.
        capturable (bool, False): kept for compatibility, refused on the CPU.
        foreach (bool, None): kept for compatibility.
        maximize (bool, False): ascend instead of descending.
        differentiable (bool, False): record the step itself for autograd.
    Raises:  ValueError: if lr, alpha, eps, momentum or weight_decay is negative.
    Example:
        >>> w = torch.ones(2, requires_grad=True)
        >>> optimizer = torch.optim.RMSprop([w], lr=0.1)
        >>> for _ in range(3):
        ...     optimizer.zero_grad()
        ...     (w**2).sum().backward()
        ...     optimizer.step()
        >>> w
        tensor([3.0331e-12, 3.0331e-12], requires_grad=True)

    Source: Hinton, lecture 6 of Neural networks for machine learning; centered: Graves 2013, arXiv:1308.0850.
    """

    _entries = _Entries("square_avg", "step")
    _group_entries = ("square_avg", "momentum_buffer", "grad_avg", "step")
    _late_options = _Plain._late_options | {"momentum": 0, "centered": False}

    def __init__(
        self,
        params,
        lr=1e-2,
        alpha=0.99,
        eps=1e-8,
        weight_decay=0,
        momentum=0,
        centered=False,
        capturable=False,
        foreach=None,
        maximize=False,
        differentiable=False,
    ):
        _check_non_negative(alpha=alpha)
        super().__init__(
            params,
            _checked(
                lr=lr,
                momentum=momentum,
                alpha=alpha,
                eps=eps,
                centered=centered,
                weight_decay=weight_decay,
                capturable=capturable,
                foreach=foreach,
                maximize=maximize,
                differentiable=differentiable,
            ),
        )

    def _init_state(self, group, p, state):
        state["step"] = _new_step()
        state["square_avg"] = _zeros(p)
        if group["momentum"] > 0:
            state["momentum_buffer"] = _zeros(p)
        if group["centered"]:
            state["grad_avg"] = _zeros(p)

    def step(self, closure=None):
        loss = _closure_loss(closure)
        for group in self.param_groups:
            params, grads, squares, steps = self._gather(group, self._entries)
            means = buffers = []
            if group["centered"]:
                means = [self.state[p]["grad_avg"] for p in params]
            if group["momentum"] > 0:
                buffers = [self.state[p]["momentum_buffer"] for p in params]
            options = {
                "lr": group["lr"],
                "alpha": group["alpha"],
                "eps": group["eps"],
                "weight_decay": group["weight_decay"],
                "momentum": group["momentum"],
                "centered": group["centered"],
                "maximize": group["maximize"],
            }
            if not group["differentiable"] and not group["capturable"]:
                options["lr"] = _number(options["lr"])
                if _fused.rmsprop_(params, grads, squares, means, buffers, steps, **options):
                    continue
            self._refuse_sparse(grads)
            with rustorch.set_grad_enabled(group["differentiable"]):
                rmsprop(
                    params,
                    grads,
                    squares,
                    means,
                    buffers,
                    steps,
                    differentiable=group["differentiable"],
                    capturable=group["capturable"],
                    **options,
                )
        return loss


def rmsprop(
    params,
    grads,
    square_avgs,
    grad_avgs,
    momentum_buffer_list,
    state_steps,
    foreach=None,
    maximize=False,
    differentiable=False,
    capturable=False,
    has_complex=False,
    *,
    lr,
    alpha,
    eps,
    weight_decay,
    momentum,
    centered,
):
    """One step of `RMSprop` on lists of tensors; lists that no option needs may be empty."""
    _check_steps(state_steps)
    _check_capturable(params, capturable)
    lr = _number(lr)
    for i, (p, grad, square, step) in enumerate(zip(params, grads, square_avgs, state_steps)):
        mean = grad_avgs[i] if centered else None
        buf = momentum_buffer_list[i] if momentum > 0 else None
        step += 1
        if maximize:
            grad = -grad
        if weight_decay != 0:
            grad = grad.add(p, alpha=weight_decay)
        if p.is_complex():
            p, grad, square = _as_real(p, grad, square)
            mean = rustorch.view_as_real(mean) if centered else None
            buf = rustorch.view_as_real(buf) if momentum > 0 else None
        square.mul_(alpha).addcmul_(grad, grad, value=1 - alpha)
        if centered:
            mean.lerp_(grad, 1 - alpha)
            root = square.addcmul(mean, mean, value=-1).sqrt_()
        else:
            root = square.sqrt()
        root = root.add(eps) if differentiable else root.add_(eps)
        if momentum > 0:
            buf.mul_(momentum).addcdiv_(grad, root)
            p.add_(buf, alpha=-lr)
        else:
            p.addcdiv_(grad, root, value=-lr)


_single_tensor_rmsprop = _multi_tensor_rmsprop = _single_tensor(rmsprop, lists=6)
