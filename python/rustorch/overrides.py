"""The `__torch_function__` protocol: how tensor subclasses and modes take part in calls written in Python."""

import contextlib
import functools
import types
import warnings

import rustorch
from rustorch import _C

has_torch_function = _C._has_torch_function
has_torch_function_unary = _C._has_torch_function_unary
has_torch_function_variadic = _C._has_torch_function_variadic

__all__ = [
    "BaseTorchFunctionMode",
    "TorchFunctionMode",
    "enable_reentrant_dispatch",
    "get_ignored_functions",
    "get_overridable_functions",
    "handle_torch_function",
    "has_torch_function",
    "has_torch_function_unary",
    "has_torch_function_variadic",
    "is_tensor_like",
    "is_tensor_method_or_property",
    "resolve_name",
    "wrap_torch_function",
]


def _overloaded_args(relevant_args):
    """One argument per overriding type, a subclass ahead of its base, otherwise from left to right."""
    if not _C._is_torch_function_enabled():
        return []
    chosen, seen = [], set()
    for arg in relevant_args:
        kind = type(arg)
        method = getattr(kind, "__torch_function__", None)
        if method is None or method is _C._disabled_torch_function_impl or kind in seen:
            continue
        seen.add(kind)
        place = next((i for i, other in enumerate(chosen) if issubclass(kind, type(other))), len(chosen))
        chosen.insert(place, arg)
    return chosen


def handle_torch_function(public_api, relevant_args, *args, **kwargs):
    """Let the modes in force, then the overriding arguments, answer a call of `public_api`.

    Args:
        public_api (callable): the function the user called.
        relevant_args (iterable): the arguments that may override it.
        args, kwargs: the arguments of the call.
    Raises:  TypeError: if every override returns NotImplemented.
    """
    overloaded = _overloaded_args(relevant_args)
    kinds = tuple(type(arg) for arg in overloaded)
    if _C._len_torch_function_stack():
        with _pop_mode_temporarily() as mode:
            result = mode.__torch_function__(public_api, kinds, args, kwargs)
        if result is not NotImplemented:
            return result
    for arg in overloaded:
        method = arg.__torch_function__
        if getattr(method, "__self__", None) is arg:
            warnings.warn(
                "Defining your `__torch_function__ as a plain method is deprecated and will be an error in future, "
                "please define it as a classmethod.",
                DeprecationWarning,
                stacklevel=2,
            )
        result = method(public_api, kinds, args, kwargs)
        if result is not NotImplemented:
            return result
    text = (
        f"no implementation found for '{public_api.__module__}.{public_api.__name__}' on types that implement "
        f"__torch_function__: {list(kinds)}"
    )
    if _C._len_torch_function_stack():
        text += f" nor in mode {_get_current_function_mode()}"
    raise TypeError(text)


def wrap_torch_function(dispatcher):
    """Decorate a function of your own so that its arguments may override it.

    Args:  dispatcher (callable): returns, for the same arguments, those that may override.
    """

    def decorate(func):
        @functools.wraps(func)
        def wrapped(*args, **kwargs):
            relevant = dispatcher(*args, **kwargs)
            if has_torch_function(relevant):
                return handle_torch_function(wrapped, relevant, *args, **kwargs)
            return func(*args, **kwargs)

        return wrapped

    return decorate


def is_tensor_like(inp):
    """True for a tensor and for any object whose type has `__torch_function__`."""
    return type(inp) is rustorch.Tensor or hasattr(inp, "__torch_function__")


class TorchFunctionMode:
    """Answers every overridable call made inside its `with` block, whatever the arguments.

    Subclasses define `__torch_function__(self, func, types, args=(), kwargs=None)`; inside it the next outer mode
    is in force, so `func(*args, **kwargs)` does not recurse.

    Example:
        >>> class Count(TorchFunctionMode):
        ...     n = 0
        ...     def __torch_function__(self, func, types, args=(), kwargs=None):
        ...         Count.n += 1
        ...         return func(*args, **(kwargs or {}))
        >>> with Count():
        ...     _ = rustorch.ones(2) + 1
    """

    def __init__(self):
        pass

    def __torch_function__(self, func, types, args=(), kwargs=None):
        raise NotImplementedError

    def __enter__(self):
        _push_mode(self)
        return self

    def __exit__(self, exc_type, exc_val, exc_tb):
        _pop_mode()

    @classmethod
    def push(cls, *args, **kwargs):
        warnings.warn("`Mode.push()` is no longer necessary and can be replaced with just `with Mode()`", stacklevel=2)
        return cls(*args, **kwargs)


class BaseTorchFunctionMode(TorchFunctionMode):
    """A mode that passes every call on unchanged: a base to build on."""

    def __torch_function__(self, func, types, args=(), kwargs=None):
        return func(*args, **(kwargs or {}))


def _get_current_function_mode_stack():
    return [_C._get_function_stack_at(i) for i in range(_C._len_torch_function_stack())]


def _get_current_function_mode():
    depth = _C._len_torch_function_stack()
    return _C._get_function_stack_at(depth - 1) if depth else None


def _push_mode(mode):
    _C._push_on_torch_function_stack(mode)


def _pop_mode():
    return _C._pop_torch_function_stack()


@contextlib.contextmanager
def _pop_mode_temporarily():
    mode = _pop_mode()
    try:
        yield mode
    finally:
        _push_mode(mode)


@functools.cache
@contextlib.contextmanager
def enable_reentrant_dispatch():
    """A context that changes nothing: calls from within a call are always dispatched."""
    yield


def get_ignored_functions():
    """Public functions that never look for `__torch_function__`, mostly because they take no tensor."""
    names = (
        "typename is_tensor is_storage set_default_dtype get_default_dtype set_printoptions manual_seed initial_seed "
        "seed get_rng_state set_rng_state set_num_threads get_num_threads arange bartlett_window blackman_window empty "
        "empty_strided eye fft from_file from_numpy frombuffer full hamming_window hann_window linspace logspace ones "
        "rand randint randn randperm range save load scalar_tensor sparse_coo_tensor tril_indices triu_indices zeros "
        "tensor as_tensor is_grad_enabled set_grad_enabled no_grad enable_grad inference_mode compile vmap "
        "use_deterministic_algorithms are_deterministic_algorithms_enabled"
    )
    return {getattr(rustorch, name) for name in names.split() if callable(getattr(rustorch, name, None))}


@functools.cache
def _public_functions():
    """Overridable functions by namespace, and the printable name of every function."""
    overridable, names = {}, {}
    spaces = [("torch", rustorch), ("torch.nn.functional", rustorch.nn.functional), ("torch.nn.init", rustorch.nn.init)]
    spaces += [("torch.Tensor", rustorch.Tensor)]
    spaces += [(f"torch.{n}", getattr(rustorch, n)) for n in ("linalg", "fft", "special") if hasattr(rustorch, n)]
    ignored = get_ignored_functions()
    for label, space in spaces:
        methods = space is rustorch.Tensor
        for name in dir(space):
            func = getattr(space, name, None)
            if func is None or isinstance(func, types.ModuleType):
                continue
            if methods:
                if getattr(object, name, None) == func or name == "__weakref__":
                    continue
                if not callable(func) and hasattr(func, "__get__"):
                    names[func.__get__] = f"{label}.{name}.__get__"
                    names[func.__set__] = f"{label}.{name}.__set__"
                    overridable.setdefault(space, []).append(func.__get__)
                    continue
            if not callable(func) or (name.startswith("__") and not methods):
                continue
            names[func] = f"{label}.{name}"
            private = name.startswith("_") or name.endswith("_") or not name[0].islower()
            if methods or not (private or isinstance(func, type) or func in ignored):
                overridable.setdefault(space, []).append(func)
    return overridable, names


def get_overridable_functions():
    """Map each public namespace to the list of its functions that look for `__torch_function__`."""
    return _public_functions()[0]


def resolve_name(f):
    """The public name of a function given to `__torch_function__`, or None if it has none."""
    return _public_functions()[1].get(f)


@functools.cache
def get_testing_overrides():
    """Map every overridable function to a function that takes the same arguments and returns -1."""
    return {func: lambda *args, **kwargs: -1 for funcs in get_overridable_functions().values() for func in funcs}


@functools.cache
def get_default_nowrap_functions():
    """Functions whose results a subclass's default `__torch_function__` leaves as they are."""
    from rustorch._tensor import _PLAIN

    return set(_PLAIN)


def is_tensor_method_or_property(func):
    """True if `func`, as given to `__torch_function__`, is a method or property of Tensor."""
    return func in get_overridable_functions().get(rustorch.Tensor, ()) or func.__name__ == "__get__"
