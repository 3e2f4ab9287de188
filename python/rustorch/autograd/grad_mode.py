"""Whether operations are recorded: context managers that are decorators too."""

import functools
import sys
import warnings

import rustorch
from rustorch import _C

__all__ = ["enable_grad", "inference_mode", "no_grad", "set_grad_enabled", "set_multithreading_enabled"]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_CO_GENERATOR = 0x20  # inspect.CO_GENERATOR; importing inspect would cost more than this package


def _is_generator_function(func):
    while isinstance(func, functools.partial):
        func = func.func
    func = getattr(func, "__func__", func)
    code = getattr(func, "__code__", None)
    return bool(code and code.co_flags & _CO_GENERATOR)


def _wrap_generator(make_context, func):
    """`func` with the context around each piece of its body, and not around what runs between the pieces."""

    @functools.wraps(func)
    def generator(*args, **kwargs):
        gen = func(*args, **kwargs)
        resume, value = gen.send, None
        try:
            while True:
                with make_context():
                    result = resume(value)
                try:
                    value = yield result
                    resume = gen.send
                except GeneratorExit:
                    with make_context():
                        gen.close()
                    raise
                except BaseException:
                    value = sys.exc_info()[1]
                    resume = gen.throw
        except StopIteration as end:
            return end.value

    return generator


class _DecoratorContextManager:
    """A context manager that decorates functions and generator functions: each call enters a fresh one."""

    def __call__(self, orig_func):
        func = orig_func
        if isinstance(orig_func, type):
            warnings.warn(
                "Decorating classes is deprecated and will be disabled in future versions. You should only decorate "
                "functions or methods. To preserve the current behavior of class decoration, you can directly decorate "
                "the `__init__` method and nothing else.",
                FutureWarning,
                stacklevel=2,
            )

            def func(*args, **kwargs):
                return orig_func(*args, **kwargs)

        make_context = self.clone
        if _is_generator_function(func):
            return _wrap_generator(make_context, func)

        @functools.wraps(func)
        def decorated(*args, **kwargs):
            with make_context():
                return func(*args, **kwargs)

        return decorated

    def __enter__(self):
        raise NotImplementedError

    def __exit__(self, exc_type, exc_value, traceback):
        raise NotImplementedError

    def clone(self):
        """A new manager with the same settings."""
        return type(self)()


class _NoParamDecoratorContextManager(_DecoratorContextManager):
    """One without settings: it also decorates without brackets."""

    def __new__(cls, orig_func=None) -> "Any":
        if orig_func is None:
            return super().__new__(cls)
        return cls()(orig_func)


class no_grad(_NoParamDecoratorContextManager):
    """Do not record operations: results do not require gradients.

    Example:
        >>> x = torch.ones(1, requires_grad=True)
        >>> with torch.no_grad():
        ...     y = x * 2
        >>> y.requires_grad
        False
    """

    def __enter__(self):
        self.prev = _C.is_grad_enabled()
        _C._set_grad_enabled(False)

    def __exit__(self, exc_type, exc_value, traceback):
        _C._set_grad_enabled(self.prev)


class enable_grad(_NoParamDecoratorContextManager):
    """Record operations, also within `no_grad`.

    Example:
        >>> x = torch.ones(1, requires_grad=True)
        >>> with torch.no_grad(), torch.enable_grad():
        ...     y = x * 2
        >>> y.requires_grad
        True
    """

    def __enter__(self):
        self.prev = _C.is_grad_enabled()
        _C._set_grad_enabled(True)

    def __exit__(self, exc_type, exc_value, traceback):
        _C._set_grad_enabled(self.prev)


class set_grad_enabled(_DecoratorContextManager):
    """Record operations or not; as a plain call it takes effect at once and stays.

    Args: mode (bool): True to record.
    Example:
        >>> x = torch.ones(1, requires_grad=True)
        >>> with torch.set_grad_enabled(False):
        ...     y = x * 2
        >>> y.requires_grad
        False
    """

    def __init__(self, mode):
        if not isinstance(mode, bool):
            raise TypeError(
                f"set_grad_enabled(): argument 'enabled' (position 1) must be bool, not {type(mode).__name__}"
            )
        self.prev = _C.is_grad_enabled()
        self.mode = mode
        _C._set_grad_enabled(mode)

    def __call__(self, orig_func):
        # Used as a decorator, building it must not have switched anything.
        _C._set_grad_enabled(self.prev)
        return super().__call__(orig_func)

    def __enter__(self):
        _C._set_grad_enabled(self.mode)

    def __exit__(self, exc_type, exc_value, traceback):
        _C._set_grad_enabled(self.prev)

    def __str__(self):
        return f"{rustorch.typename(self)}(mode={self.mode})"

    __repr__ = __str__

    def clone(self):
        return type(self)(self.mode)


class inference_mode(_DecoratorContextManager):
    """Neither record operations nor count versions; results can never take part in a graph.

    Args: mode (bool, True): False leaves the mode within this block.
    Example:
        >>> with torch.inference_mode():
        ...     x = torch.ones(1)
        >>> x.is_inference(), x.requires_grad
        (True, False)
    """

    def __new__(cls, mode=True) -> "Any":
        if isinstance(mode, bool):
            return super().__new__(cls)
        return cls()(mode)

    def __init__(self, mode=True):
        self.mode = mode

    def __enter__(self):
        self._prev = _C.is_inference_mode_enabled(), _C.is_grad_enabled()
        _C._set_inference_mode(self.mode)
        _C._set_grad_enabled(not self.mode)

    def __exit__(self, exc_type, exc_value, traceback):
        inference, grad = self._prev
        _C._set_inference_mode(inference)
        _C._set_grad_enabled(grad)

    def clone(self):
        return type(self)(self.mode)


_multithreading = True


def is_multithreading_enabled():
    """What `set_multithreading_enabled` last set."""
    return _multithreading


class set_multithreading_enabled(_DecoratorContextManager):
    """Kept for compatibility: a backward pass runs on the thread that asks for it in any case.

    Args: mode (bool): what `is_multithreading_enabled` says.
    Example:
        >>> with torch.autograd.set_multithreading_enabled(False):
        ...     torch.ones(1, requires_grad=True).sum().backward()
    """

    def __init__(self, mode):
        global _multithreading
        self.prev = _multithreading
        self.mode = _multithreading = mode

    def __enter__(self):
        pass

    def __exit__(self, exc_type, exc_value, traceback):
        global _multithreading
        _multithreading = self.prev

    def clone(self):
        return type(self)(self.mode)
