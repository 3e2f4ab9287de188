"""What optimisers written outside of torch import from `torch.optim.optimizer`, or call on themselves."""

import functools
from collections.abc import Callable, Iterable
from typing import Any

import rustorch
from rustorch import Tensor
from rustorch.utils._foreach_utils import (
    _get_foreach_kernels_supported_devices as _get_foreach_kernels_supported_devices,
)
from rustorch.utils._foreach_utils import (
    _get_fused_kernels_supported_devices as _get_fused_kernels_supported_devices,
)
from rustorch.utils._foreach_utils import (
    _group_tensors_by_device_and_dtype as _group_tensors_by_device_and_dtype,
)

ParamsT = Iterable[Tensor] | Iterable[dict[str, Any]] | Iterable[tuple[str, Tensor]]
Args = tuple[Any, ...]
Kwargs = dict[str, Any]
StateDict = dict[str, Any]
DeviceDict = dict[Any, Tensor]
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


def _get_capturable_supported_devices(supports_xla=True):
    return []


def _device_dtype_check_for_fused(p, cuda_unsupported=False):
    """Raises: RuntimeError: if `p` is not of a floating point dtype."""
    if not p.is_floating_point():
        raise RuntimeError(
            "`fused=True` requires all the params to be floating point Tensors of supported devices: "
            f"['cpu'] but {p.dtype} and {p.device.type}"
        )


def _single_tensor(function, lists):
    """A functional step in the form `(*lists, grad_scale, found_inf, *, options)` of torch's private ones."""

    @functools.wraps(function)
    def step(*args, grad_scale=None, found_inf=None, **options):
        for scale in (grad_scale, found_inf, *args[lists:]):
            if scale is not None:
                raise AssertionError("Expected grad_scale and found_inf to be None")
        function(*args[:lists], **options)

    return step


class ForSubclasses:
    """Methods of `Optimizer` for classes derived from it: steps of their own, copied from torch's."""

    OptimizerPreHook = OptimizerPostHook = Callable[..., Any]
    _group_entries = None  # names of the state entries in the order of the lists, where `_entries` has another

    def _init_group(self, group, params_with_grad, grads, *lists):
        """Append to each list what one step works on: parameters with a gradient, gradients, entries of their state.

        An empty state is filled first. The lists of entries are in the order of torch's method of this class; those
        that no option needs stay empty.
        Returns: whether a parameter is complex.
        """
        names = self._group_entries or self._entries.names
        params, new_grads, *_ = self._gather(group, self._entries)
        params_with_grad += params
        grads += new_grads
        self._check_group(group, params, new_grads)
        for entries, name in zip(lists, names, strict=True):
            entries += [self.state[p][name] for p in params if name in self.state[p]]
        return any(p.is_complex() for p in params)

    def _check_group(self, group, params, grads):
        self._refuse_sparse(grads)

    def _cuda_graph_capture_health_check(self):
        """Nothing: steps on the CPU are never captured."""

    _accelerator_graph_capture_health_check = _optimizer_step_code = _cuda_graph_capture_health_check

    @staticmethod
    def _group_tensors_by_device_and_dtype(tensorlistlist, with_indices=False):
        """{(device, dtype): ([parts of the parallel lists], indices)}, by the tensors of the first list."""
        return _group_tensors_by_device_and_dtype(tensorlistlist, with_indices)
