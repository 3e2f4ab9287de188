"""Changing the dtype, device or memory of all tensors of a module tree."""

import warnings

import rustorch
from rustorch import __future__
from rustorch._C import _nn
from rustorch.nn.parameter import Parameter


def _can_exchange_data(old, new):
    """Whether `old.data = new` keeps `old` usable: both dense, and both with or without memory behind them."""
    return (
        old.layout == new.layout
        and old.is_meta == new.is_meta
        and not __future__.get_overwrite_module_params_on_conversion()
    )


class _ModuleConversion:
    """The conversion methods of Module."""

    def _apply(self, fn, recurse=True):
        """Replace every parameter, its gradient and every buffer by `fn` of it; parameters stay the same objects
        where their data can be exchanged."""
        if recurse:
            for module in self.children():
                module._apply(fn)
        for name, param in self._parameters.items():
            if param is not None:
                self._apply_to_parameter(name, param, fn)
        for name, buffer in self._buffers.items():
            if buffer is not None:
                self._buffers[name] = fn(buffer)
        return self

    def _apply_to_parameter(self, name, param, fn):
        swap = __future__.get_swap_module_params_on_conversion()
        with rustorch.no_grad():
            applied = fn(param)
        grad = param.grad
        kept = param
        if swap:
            param.grad = None
            try:
                rustorch.utils.swap_tensors(param, Parameter(applied, requires_grad=param.requires_grad))
            except Exception as error:
                param.grad = grad
                raise RuntimeError(f"_apply(): Couldn't swap {self._get_name()}.{name}") from error
        elif _can_exchange_data(param, applied):
            param.data = applied
        else:
            kept = Parameter(applied, param.requires_grad)
            self._parameters[name] = kept
        if grad is None:
            return
        with rustorch.no_grad():
            grad_applied = fn(grad)
        if swap:
            grad_applied.requires_grad_(grad.requires_grad)
            try:
                rustorch.utils.swap_tensors(grad, grad_applied)
            except Exception as error:
                raise RuntimeError(f"_apply(): Couldn't swap {self._get_name()}.{name}.grad") from error
            kept.grad = grad
        elif kept is param and _can_exchange_data(grad, grad_applied):
            # The gradient stays the same object; taken out first, as its dtype has to be the parameter's when it is put.
            kept.grad = None
            grad.data = grad_applied
            kept.grad = grad
        else:
            kept.grad = grad_applied.requires_grad_(grad.requires_grad)

    def to(self, *args, **kwargs):
        """Move and convert parameters and buffers in place; only floating point and complex ones change dtype.

        Called as `to(device=None, dtype=None, non_blocking=False)`, `to(dtype, non_blocking=False)`,
        `to(tensor, non_blocking=False)` or `to(memory_format=channels_last)`.

        Example:
            >>> nn.Linear(2, 3).to(torch.float64).weight.dtype
            torch.float64
        """
        device, dtype, non_blocking, memory_format = _nn._parse_to(*args, **kwargs)
        if dtype is not None:
            if not (dtype.is_floating_point or dtype.is_complex):
                raise TypeError(
                    f"nn.Module.to only accepts floating point or complex dtypes, but got desired dtype={dtype}"
                )
            if dtype.is_complex:
                warnings.warn(
                    "Complex modules are a new feature under active development whose design may change, and some "
                    "modules might not work as expected when using complex tensors as parameters or buffers. Please "
                    "file an issue at https://github.com/pytorch/pytorch/issues/new?template=bug-report.yml if a "
                    "complex module does not work as expected.",
                    stacklevel=2,
                )

        def convert(t):
            wanted = dtype if t.is_floating_point() or t.is_complex() else None
            try:
                if memory_format is not None and t.dim() in (4, 5):
                    return t.to(device, wanted, non_blocking, memory_format=memory_format)
                return t.to(device, wanted, non_blocking)
            except NotImplementedError as error:
                text = "Cannot copy out of meta tensor; no data!"
                if not str(error).startswith(text):
                    raise
                raise NotImplementedError(
                    f"{text} Please use torch.nn.Module.to_empty() instead of torch.nn.Module.to() when moving "
                    "module from meta to a different device."
                ) from None

        return self._apply(convert)

    def to_empty(self, *, device, recurse=True):
        """Move parameters and buffers to `device` without copying their values."""
        return self._apply(lambda t: rustorch.empty_like(t, device=device), recurse=recurse)

    def type(self, dst_type):
        """Convert all parameters and buffers to `dst_type`."""
        return self._apply(lambda t: t.type(dst_type))

    def float(self):
        """Convert floating point parameters and buffers to float32."""
        return self._apply(lambda t: t.float() if t.is_floating_point() else t)

    def double(self):
        """Convert floating point parameters and buffers to float64."""
        return self._apply(lambda t: t.double() if t.is_floating_point() else t)

    def half(self):
        """Convert floating point parameters and buffers to float16."""
        return self._apply(lambda t: t.half() if t.is_floating_point() else t)

    def bfloat16(self):
        """Convert floating point parameters and buffers to bfloat16."""
        return self._apply(lambda t: t.bfloat16() if t.is_floating_point() else t)

    def cpu(self):
        """Move parameters and buffers to the CPU."""
        return self._apply(lambda t: t.cpu())

    def gpu(self):
        """Move parameters and buffers to the GPU."""
        return self._apply(lambda t: t.gpu())

    def cuda(self, device=None):
        """Move parameters and buffers to a CUDA device."""
        return self._apply(lambda t: t.cuda(device))

    def ipu(self, device=None):
        """Move parameters and buffers to an IPU."""
        return self._apply(lambda t: t.ipu(device))

    def xpu(self, device=None):
        """Move parameters and buffers to an XPU."""
        return self._apply(lambda t: t.xpu(device))

    def mtia(self, device=None):
        """Move parameters and buffers to an MTIA device."""
        return self._apply(lambda t: t.mtia(device))

    def share_memory(self):
        """Move parameters and buffers into shared memory."""
        return self._apply(lambda t: t.share_memory_())
