"""The former name of tensors that take part in a graph."""

import rustorch

__all__ = ["Variable", "VariableMeta"]


class VariableMeta(type):
    """Makes every tensor an instance of `Variable`."""

    def __instancecheck__(cls, other):
        return isinstance(other, rustorch.Tensor)


class Variable(metaclass=VariableMeta):
    """`Variable(tensor, requires_grad=False)` is `tensor.detach()` with that flag; every tensor is a Variable.

    Example:
        >>> x = torch.autograd.Variable(torch.ones(1), requires_grad=True)
        >>> type(x) is torch.Tensor, isinstance(x, torch.autograd.Variable)
        (True, True)
    """

    def __new__(cls, data=None, requires_grad=False, volatile=False):
        if data is None:
            data = rustorch.empty(0)
        if not isinstance(data, rustorch.Tensor):
            raise TypeError(f"Variable data has to be a tensor, but got {type(data).__name__}")
        return data.detach().requires_grad_(bool(requires_grad))


class _Engine:
    """The engine that runs backward passes."""

    @staticmethod
    def queue_callback(callback):
        """Call `callback()` when the pass that is running has ended."""
        rustorch._C._queue_callback(callback)

    @staticmethod
    def run_backward(*args, **kwargs):
        return rustorch._C._run_backward(*args, **kwargs)


Variable._execution_engine = _Engine()
