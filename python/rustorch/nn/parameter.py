"""Parameters and buffers: the tensors a Module recognises when they are assigned to it."""

from collections import OrderedDict

import rustorch
from rustorch import _C, Tensor
from rustorch._utils import _get_obj_state, _rebuild_parameter, _rebuild_parameter_with_state

__all__ = [
    "Buffer",
    "Parameter",
    "UninitializedBuffer",
    "UninitializedParameter",
    "UninitializedTensorMixin",
    "is_lazy",
]


class _ParameterMeta(type(Tensor)):
    """Lets a tensor subclass that was turned into a parameter count as one."""

    def __instancecheck__(self, instance):
        if super().__instancecheck__(instance):
            return True
        return self is Parameter and isinstance(instance, Tensor) and getattr(instance, "_is_param", False)


class Parameter(Tensor, metaclass=_ParameterMeta):
    """A tensor that becomes a parameter of the Module it is assigned to.

    Args:
        data (Tensor, an empty tensor): shares its memory with the parameter.
        requires_grad (bool, True): whether backward passes fill `.grad`, also under `no_grad`.
    Example:
        >>> w = nn.Parameter(torch.zeros(2, 3))
        >>> w.requires_grad, w.is_leaf
        (True, True)
    """

    def __new__(cls, data=None, requires_grad=True):
        if data is None:
            data = rustorch.empty(0)
        if type(data) is Tensor or type(data) is Parameter:
            return Tensor._make_subclass(cls, data, requires_grad)
        # A subclass of Tensor keeps its class and is only marked.
        param = data.detach().requires_grad_(requires_grad)
        if type(param) is not type(data):
            raise RuntimeError(
                f"Creating a Parameter from an instance of type {type(data).__name__} requires that detach() returns "
                f"an instance of the same type, but return type {type(param).__name__} was found instead. To use the "
                "type as a Parameter, please correct the detach() semantics defined by its __torch_dispatch__() "
                "implementation."
            )
        param._is_param = True
        return param

    def __deepcopy__(self, memo):
        if id(self) not in memo:
            data = self.data.clone(memory_format=rustorch.preserve_format)
            memo[id(self)] = type(self)(data, self.requires_grad)
        return memo[id(self)]

    def __repr__(self):
        return "Parameter containing:\n" + super().__repr__()

    def __reduce_ex__(self, proto):
        # Hooks are left out: they are rarely picklable, and a loaded parameter starts without a graph.
        rustorch.utils.hooks.warn_if_has_hooks(self)
        parts = (self.data, self.requires_grad, OrderedDict())
        state = _get_obj_state(self)
        return (_rebuild_parameter_with_state, (*parts, state)) if state else (_rebuild_parameter, parts)

    __torch_function__ = _C._disabled_torch_function_impl


# Calls on plain parameters skip the look for overrides.
_C._set_parameter_type(Parameter)


class UninitializedTensorMixin:
    """What parameters and buffers of lazy modules share: no shape until `materialize` gives them one."""

    _allowed_names = frozenset(
        (
            *("__hash__", "copy_", "get_device", "is_complex", "is_floating_point", "size"),
            *("char", "cpu", "cuda", "double", "float", "half", "int", "long", "short", "to"),
        )
    )

    def materialize(self, shape, device=None, dtype=None):
        """Allocate the data (uninitialised) and become an ordinary parameter or buffer.

        Args:
            shape (tuple): the shape of the data.
            device (device, None), dtype (dtype, None): by default those the object was built with.
        """
        data = self.data
        self.data = rustorch.empty(
            shape, device=data.device if device is None else device, dtype=data.dtype if dtype is None else dtype
        )
        self.__class__ = self.cls_to_become

    @property
    def shape(self):
        raise RuntimeError(
            "Can't access the shape of an uninitialized parameter or buffer. This error usually happens in "
            "`load_state_dict` when trying to load an uninitialized parameter into an initialized one. Call `forward` "
            "to initialize the parameters before accessing their attributes."
        )

    def share_memory_(self):
        raise RuntimeError(
            "Can't share memory on an uninitialized parameter or buffer. Call `forward` to initialize the parameters "
            "before calling `module.share_memory()`."
        )

    def __repr__(self):
        return f"<{type(self).__name__}>"

    def __reduce_ex__(self, proto):
        return (type(self), (self.requires_grad,))

    @classmethod
    def __torch_function__(cls, func, types, args=(), kwargs=None):
        # Property accessors arrive as method-wrappers; functions of Tensor are told by their name.
        if type(func).__name__ == "method-wrapper" or getattr(func, "__name__", "") in cls._allowed_names:
            return super().__torch_function__(func, types, args, kwargs or {})
        raise ValueError(
            f"Attempted to use an uninitialized parameter in {func}. This error happens when you are using a "
            f"`LazyModule` or explicitly manipulating `torch.nn.parameter.{cls.__name__}` objects. When using "
            "LazyModules Call `forward` with a dummy batch to initialize the parameters before calling torch functions"
        )


def is_lazy(param):
    """True for a parameter or buffer that has no shape yet."""
    return isinstance(param, UninitializedTensorMixin)


class UninitializedParameter(UninitializedTensorMixin, Parameter):
    """A parameter of a lazy module, whose shape the first forward pass gives.

    Args:
        requires_grad (bool, True): kept by the materialised parameter.
        device (device, None), dtype (dtype, None): the defaults of `materialize`.
    Example:
        >>> w = nn.UninitializedParameter()
        >>> w.materialize((2, 3))
        >>> type(w).__name__, w.shape
        ('Parameter', torch.Size([2, 3]))
    """

    cls_to_become = Parameter

    def __new__(cls, requires_grad=True, device=None, dtype=None):
        return Tensor._make_subclass(cls, rustorch.empty(0, device=device, dtype=dtype), requires_grad)

    def __deepcopy__(self, memo):
        if id(self) not in memo:
            memo[id(self)] = type(self)(self.requires_grad, self.data.device, self.data.dtype)
        return memo[id(self)]


class _BufferMeta(type(Tensor)):
    def __instancecheck__(self, instance):
        if super().__instancecheck__(instance):
            return True
        return self is Buffer and isinstance(instance, Tensor) and getattr(instance, "_is_buffer", False)


class Buffer(Tensor, metaclass=_BufferMeta):
    """A tensor that becomes a buffer of the Module it is assigned to: state that is not trained.

    Args:
        data (Tensor, an empty tensor): shares its memory with the buffer.
        persistent (bool, True): whether `state_dict` contains it.
    Example:
        >>> class Net(nn.Module):
        ...     def __init__(self):
        ...         super().__init__()
        ...         self.mean = nn.Buffer(torch.zeros(2))
        >>> list(Net().state_dict())
        ['mean']
    """

    def __new__(cls, data=None, *, persistent=True):
        if data is None:
            data = rustorch.empty(0)
        buffer = data.detach().requires_grad_(data.requires_grad)
        buffer.persistent = persistent
        buffer._is_buffer = True
        return buffer

    __torch_function__ = _C._disabled_torch_function_impl


class UninitializedBuffer(UninitializedTensorMixin, Tensor):
    """A buffer of a lazy module, whose shape the first forward pass gives.

    Args:
        requires_grad (bool, False): kept by the materialised buffer.
        device (device, None), dtype (dtype, None): the defaults of `materialize`.
        persistent (bool, True): whether `state_dict` contains it.
    Example:
        >>> w = nn.UninitializedBuffer()
        >>> w.materialize((2, 3))
        >>> type(w).__name__, w.shape
        ('Tensor', torch.Size([2, 3]))
    """

    cls_to_become = Tensor

    def __new__(cls, requires_grad=False, device=None, dtype=None, persistent=True):
        buffer = Tensor._make_subclass(cls, rustorch.empty(0, device=device, dtype=dtype), requires_grad)
        buffer.persistent = persistent
        buffer._is_buffer = True
        return buffer
