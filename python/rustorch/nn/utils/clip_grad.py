"""Limiting gradients."""

import functools
import types
import warnings

import rustorch
from rustorch import Tensor

__all__ = ["clip_grad_norm", "clip_grad_norm_", "clip_grad_value_"]


def _no_grad(func):
    @functools.wraps(func)
    def without_grad(*args, **kwargs):
        with rustorch.no_grad():
            return func(*args, **kwargs)

    return without_grad


def _by_device_and_dtype(tensors):
    """Lists of tensors that a foreach function takes together, in the order of the first of each."""
    groups = {}
    for tensor in tensors:
        groups.setdefault((tensor.device, tensor.dtype), []).append(tensor)
    return groups


def _as_list(tensors):
    return [tensors] if isinstance(tensors, Tensor) else list(tensors)


def _use_foreach(tensors, device, foreach):
    """Whether to take the tensors together; None decides by what the device is good at."""
    plain = all(type(t) in (Tensor, rustorch.nn.Parameter) and t.layout == rustorch.strided for t in tensors)
    if foreach is None:
        return plain
    if foreach and device.type == "meta":
        raise RuntimeError(f"foreach=True was passed, but can't use the foreach API on {device.type} tensors")
    return foreach


@_no_grad
def _get_total_norm(tensors, norm_type=2.0, error_if_nonfinite=False, foreach=None):
    """The norm of all elements of some tensors, as if they were one vector.

    Args:
        norm_type (float, 2): the p of the norm; infinity is the largest absolute value.
        error_if_nonfinite (bool, False): raise RuntimeError if the norm is inf or NaN.
        foreach (bool, None): use one call for many tensors.
    Returns:  a 0-d Tensor.
    Example:
        >>> torch.nn.utils.get_total_norm([torch.tensor([3.0]), torch.tensor([4.0])])
        tensor(5.)
    """
    tensors = _as_list(tensors)
    norm_type = float(norm_type)
    if not tensors:
        return rustorch.tensor(0.0)
    norms = []
    for (device, _), group in _by_device_and_dtype(tensors).items():
        if _use_foreach(group, device, foreach):
            norms.extend(rustorch._foreach_norm(group, norm_type))
        else:
            norms.extend(rustorch.linalg.vector_norm(t, norm_type) for t in group)
    first = tensors[0].device
    total = rustorch.linalg.vector_norm(rustorch.stack([norm.to(first) for norm in norms]), norm_type)
    if error_if_nonfinite and not bool(total.isfinite()):
        raise RuntimeError(
            f"The total norm of order {norm_type} for gradients from `parameters` is non-finite, so it cannot be "
            "clipped. To disable this error and scale the gradients by the non-finite norm anyway, set "
            "`error_if_nonfinite=False`"
        )
    return total


@_no_grad
def _clip_grads_with_norm_(parameters, max_norm, total_norm, foreach=None):
    """Scale gradients by max_norm / (total_norm + 1e-6), in place, if that is less than 1.

    Args:
        parameters (Tensor or iterable of Tensor): those without a gradient are left out.
        max_norm (float), total_norm (Tensor): usually from get_total_norm.
        foreach (bool, None): use one call for many tensors.
    Example:
        >>> w = torch.zeros(2, requires_grad=True)
        >>> w.grad = torch.tensor([3.0, 4.0])
        >>> torch.nn.utils.clip_grads_with_norm_([w], 1.0, torch.tensor(5.0))
        >>> w.grad
        tensor([0.6000, 0.8000])
    """
    grads = [p.grad for p in _as_list(parameters) if p.grad is not None]
    if not grads:
        return
    # Without a branch on the value: no need to wait for a device.
    factor = (float(max_norm) / (total_norm + 1e-6)).clamp(max=1.0)
    for (device, _), group in _by_device_and_dtype(grads).items():
        own = factor.to(device)
        if _use_foreach(group, device, foreach):
            rustorch._foreach_mul_(group, own)
        else:
            for grad in group:
                grad.mul_(own)


@_no_grad
def clip_grad_norm_(parameters, max_norm, norm_type=2.0, error_if_nonfinite=False, foreach=None):
    """Scale all gradients together, in place, so that their norm is at most `max_norm`.

    Args:
        parameters (Tensor or iterable of Tensor): those without a gradient are left out.
        max_norm (float): the largest norm.
        norm_type (float, 2): the p of the norm; infinity is the largest absolute value.
        error_if_nonfinite (bool, False): raise RuntimeError if the norm is inf or NaN.
        foreach (bool, None): use one call for many tensors.
    Returns:  the norm before, a 0-d Tensor.
    Example:
        >>> p = nn.Parameter(torch.zeros(2))
        >>> p.grad = torch.tensor([3.0, 4.0])
        >>> nn.utils.clip_grad_norm_([p], 1.0)
        tensor(5.)
    """
    is_generator = isinstance(parameters, types.GeneratorType)
    parameters = _as_list(parameters)
    if is_generator and not parameters:
        warnings.warn("`parameters` is an empty generator, no gradient clipping will occur.", stacklevel=3)
    grads = [p.grad for p in parameters if p.grad is not None]
    total_norm = _get_total_norm(grads, norm_type, error_if_nonfinite, foreach)
    _clip_grads_with_norm_(parameters, max_norm, total_norm, foreach)
    return total_norm


def clip_grad_norm(parameters, max_norm, norm_type=2.0, error_if_nonfinite=False, foreach=None):
    """Deprecated: use `clip_grad_norm_`."""
    warnings.warn(
        "`torch.nn.utils.clip_grad_norm` is now deprecated in favor of `torch.nn.utils.clip_grad_norm_`.",
        FutureWarning,
        stacklevel=2,
    )
    return clip_grad_norm_(parameters, max_norm, norm_type, error_if_nonfinite, foreach)


@_no_grad
def clip_grad_value_(parameters, clip_value, foreach=None):
    """Limit every element of all gradients to [-clip_value, clip_value], in place.

    Args:
        parameters (Tensor or iterable of Tensor): those without a gradient are left out.
        clip_value (float)
        foreach (bool, None): use one call for many tensors.
    Example:
        >>> w = torch.zeros(2, requires_grad=True)
        >>> w.grad = torch.tensor([-3.0, 0.5])
        >>> torch.nn.utils.clip_grad_value_([w], 1.0)
        >>> w.grad
        tensor([-1.0000,  0.5000])
    """
    limit = float(clip_value)
    grads = [p.grad for p in _as_list(parameters) if p.grad is not None]
    for (device, _), group in _by_device_and_dtype(grads).items():
        if _use_foreach(group, device, foreach):
            rustorch._foreach_clamp_min_(group, -limit)
            rustorch._foreach_clamp_max_(group, limit)
        else:
            for grad in group:
                grad.clamp_(min=-limit, max=limit)
