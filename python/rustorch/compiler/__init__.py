"""torch.compiler's interface without a compiler: functions run as they are."""

__all__ = [
    "allow_in_graph",
    "assume_constant_result",
    "compile",
    "cudagraph_mark_step_begin",
    "disable",
    "is_compiling",
    "is_dynamo_compiling",
    "is_exporting",
    "list_backends",
    "reset",
    "set_stance",
    "substitute_in_graph",
    "wrap_numpy",
]


def compile(model=None, *, fullgraph=False, dynamic=None, backend="inductor", mode=None, options=None, disable=False):
    """The function or module itself: operations are compiled already. Also a decorator, with or without arguments.

    Example:
        >>> @torch.compile(mode="max-autotune")
        ... def f(x):
        ...     return x + 1
    """
    if model is None:
        return lambda function: compile(function)
    if not callable(model):
        raise AssertionError(f"A callable function is expected, but {type(model)} is provided.")
    return model


def disable(fn=None, recursive=True, *, reason=None):
    """The function itself; also a decorator."""
    return fn if fn is not None else lambda function: function


def allow_in_graph(fn):
    """The function itself."""
    return fn


def assume_constant_result(fn):
    """The function itself."""
    return fn


def wrap_numpy(fn):
    """The function itself."""
    return fn


def substitute_in_graph(original_fn, **kwargs):
    """A decorator that gives back what it gets."""
    return lambda function: function


def is_compiling():
    """False: nothing is compiled."""
    return False


def is_dynamo_compiling():
    """False: nothing is compiled."""
    return False


def is_exporting():
    """False: nothing is exported."""
    return False


def reset():
    """Nothing: there is no cache of compiled code."""


def cudagraph_mark_step_begin():
    """Nothing: there are no CUDA graphs."""


def list_backends(exclude_tags=()):
    """An empty list: there are no compilers."""
    return []


class set_stance:
    """Accepted and without effect, as a call, decorator or `with` block."""

    def __init__(self, stance="default", **kwargs):
        self.stance = stance

    def __call__(self, fn):
        return fn

    def __enter__(self):
        return None

    def __exit__(self, *args):
        return False
