"""Stochastic gradient descent, with momentum and Nesterov's variant."""

from itertools import repeat
from operator import is_not

import rustorch
from rustorch import Tensor
from rustorch.optim import _fused
from rustorch.optim._third_party import _single_tensor
from rustorch.optim.optimizer import (
    Optimizer,
    _check_fused_options,
    _check_fused_params,
    _checked,
    _closure_loss,
    _number,
    _to_scalar,
)

__all__ = ["SGD", "sgd"]


class SGD(Optimizer):
    """Stochastic gradient descent: `buf = momentum * buf + (1 - dampening) * g`, `p -= lr * buf`.

    Args:
        params (iterable): parameters, named parameters or parameter groups.
        lr (float or Tensor, 1e-3): learning rate, at least 0.
        momentum (float, 0): share of the last step that is kept.
        dampening (float, 0): share of the gradient that does not enter the momentum buffer.
        weight_decay (float, 0): `weight_decay * p` is added to the gradient.
        nesterov (bool, False): step along `g + momentum * buf`.
        maximize (bool, False): ascend instead of descending.
        foreach, fused (bool, None): `fused=False` keeps to the step written in Python; the results are the same.
        differentiable (bool, False): record the step itself for autograd.
    Raises:  ValueError: if lr, momentum or weight_decay is negative, or `nesterov` lacks momentum.
    Example:
        >>> w = torch.ones(2, requires_grad=True)
        >>> optimizer = torch.optim.SGD([w], lr=0.1, momentum=0.9)
        >>> for _ in range(3):
        ...     optimizer.zero_grad()
        ...     (w**2).sum().backward()
        ...     optimizer.step()
        >>> w
        tensor([0.0620, 0.0620], requires_grad=True)

    Source: Sutskever et al. 2013, On the importance of initialization and momentum in deep learning.
    """

    _late_options = {"nesterov": False, "maximize": False, "foreach": None, "differentiable": False, "fused": False}

    def __init__(
        self,
        params,
        lr=1e-3,
        momentum=0,
        dampening=0,
        weight_decay=0,
        nesterov=False,
        *,
        maximize=False,
        foreach=None,
        differentiable=False,
        fused=None,
    ):
        options = _checked(
            lr=lr,
            momentum=momentum,
            dampening=dampening,
            weight_decay=weight_decay,
            nesterov=nesterov,
            maximize=maximize,
            foreach=foreach,
            differentiable=differentiable,
            fused=fused,
        )
        if nesterov and (momentum <= 0 or dampening != 0):
            raise ValueError("Nesterov momentum requires a momentum and zero dampening")
        super().__init__(params, options)
        _check_fused_options(fused, foreach, differentiable)

    def _init_group(self, group, params, grads, momentum_buffer_list):
        """Append to each list; the buffer of a parameter is None before its first step.

        Returns: whether a gradient is sparse.
        """
        found, found_grads = self._with_grad(group)
        params += found
        grads += found_grads
        if group["fused"]:
            _check_fused_params(found)
        if group["momentum"] != 0:
            momentum_buffer_list += [self.state[p].get("momentum_buffer") for p in found]
        return any(grad.is_sparse for grad in found_grads)

    def step(self, closure=None):
        loss = _closure_loss(closure)
        for group in self.param_groups:
            params, grads = self._with_grad(group)
            states = buffers = ()
            ready = True
            if group["momentum"] != 0:
                states = list(map(self.state.__getitem__, params))
                buffers = [state.get("momentum_buffer") for state in states]
                # The first step makes the buffers: that is left to the form written in Python.
                ready = all(map(is_not, buffers, repeat(None)))
            lr, decay = group["lr"], group["weight_decay"]
            if ready and group["fused"] is not False and not group["differentiable"]:
                done = _fused.sgd_(
                    params,
                    grads,
                    buffers,
                    lr=lr if type(lr) is float else _number(lr),
                    momentum=group["momentum"],
                    dampening=group["dampening"],
                    weight_decay=decay if type(decay) is float else _number(decay),
                    nesterov=group["nesterov"],
                    maximize=group["maximize"],
                )
                if done:
                    continue
            if group["fused"]:
                _check_fused_params(params)
            with rustorch.set_grad_enabled(group["differentiable"]):
                sgd(
                    params,
                    grads,
                    buffers,
                    weight_decay=decay,
                    momentum=group["momentum"],
                    lr=lr,
                    dampening=group["dampening"],
                    nesterov=group["nesterov"],
                    maximize=group["maximize"],
                )
            for state, buffer in zip(states, buffers):
                state["momentum_buffer"] = buffer
        return loss


def sgd(
    params,
    d_p_list,
    momentum_buffer_list,
    has_sparse_grad=False,
    foreach=None,
    fused=None,
    grad_scale=None,
    found_inf=None,
    *,
    weight_decay,
    momentum,
    lr,
    dampening,
    nesterov,
    maximize,
):
    """One step of `SGD` on lists of tensors; a None among the momentum buffers is filled in."""
    lr = _to_scalar(lr)
    for i, (p, grad) in enumerate(zip(params, d_p_list)):
        if maximize:
            grad = -grad
        if isinstance(weight_decay, Tensor) and weight_decay.requires_grad:
            grad = grad.addcmul(p.clone(), weight_decay)
        elif weight_decay != 0:
            grad = grad.add(p, alpha=_number(weight_decay))
        if momentum != 0:
            buf = momentum_buffer_list[i]
            if buf is None:
                buf = momentum_buffer_list[i] = grad.detach().clone()
            else:
                buf.mul_(momentum).add_(grad, alpha=1 - dampening)
            grad = grad.add(buf, alpha=momentum) if nesterov else buf
        if isinstance(lr, Tensor) and lr.requires_grad:
            p.addcmul_(grad, lr, value=-1)
        else:
            p.add_(grad, alpha=-_number(lr))


_single_tensor_sgd = _multi_tensor_sgd = _fused_sgd = _single_tensor(sgd, lists=3)
