"""Names that optimisers written outside of torch import from `torch.optim.optimizer`."""

import functools
from collections.abc import Callable, Iterable
from typing import Any

import rustorch
from rustorch import Tensor

ParamsT = Iterable[Tensor] | Iterable[dict[str, Any]] | Iterable[tuple[str, Tensor]]
Args = tuple[Any, ...]
Kwargs = dict[str, Any]
StateDict = dict[str, Any]
DeviceDtypeDict = dict[tuple[Any, Any] | None, Tensor]
GlobalOptimizerPreHook = Callable[..., Any]
GlobalOptimizerPostHook = Callable[..., None]

_params_doc = "params (iterable): parameters, named parameters or dicts that define parameter groups"
_foreach_doc = "foreach (bool, optional): accepted; the result does not depend on it"
_fused_doc = "fused (bool, optional): False keeps to the step written in Python; the result is the same"
_capturable_doc = "capturable (bool, optional): accepted; steps on the CPU are never captured"
_differentiable_doc = "differentiable (bool, optional): record the step itself for autograd"
_maximize_doc = "maximize (bool, optional): ascend instead of descending"


def _use_grad_for_differentiable(func):
    """Decorates a `step` so that it is recorded just where the optimiser's default `differentiable` says so."""

    @functools.wraps(func)
    def step(self, *args, **kwargs):
        with rustorch.set_grad_enabled(self.defaults.get("differentiable", False)):
            return func(self, *args, **kwargs)

    return step


def _default_to_fused_or_foreach(params, differentiable, use_fused=False):
    """(fused, foreach) where the user has not chosen: foreach is never faster on the CPU."""
    if differentiable:
        return False, False
    return bool(use_fused) and all(p is None or p.is_floating_point() for p in params), False


def _stack_if_compiling(x):
    return x


def _view_as_real(params, *state_and_grads):
    """Replace complex entries of parallel lists, in place, by views as pairs of reals."""
    for i, p in enumerate(params):
        if rustorch.is_complex(p):
            params[i] = rustorch.view_as_real(p)
            for entries in state_and_grads:
                entries[i] = rustorch.view_as_real(entries[i])


def _disable_dynamo_if_unsupported(single_tensor_fn=None):
    """Decorates a function as it is: nothing is compiled here."""
    return lambda func: func


def _get_foreach_kernels_supported_devices():
    return ["cpu"]


def _get_capturable_supported_devices(supports_xla=True):
    return []
