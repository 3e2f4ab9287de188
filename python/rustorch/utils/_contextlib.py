"""Context managers that decorate functions."""

from rustorch.autograd.grad_mode import _DecoratorContextManager as _DecoratorContextManager
from rustorch.autograd.grad_mode import _NoParamDecoratorContextManager as _NoParamDecoratorContextManager


class _Repeated(_DecoratorContextManager):
    def __init__(self, make_context):
        self.clone = make_context


def context_decorator(ctx, func):
    """`func` with a context around each call, and around each piece of a generator.

    Args:
        ctx (context manager or callable): a manager that can be entered often, or what makes one.
        func (callable): a function, not a class.
    """
    if callable(ctx) and hasattr(ctx, "__enter__"):
        raise AssertionError(
            f"Passed in {ctx} is both callable and also a valid context manager (has __enter__), making it ambiguous "
            "which interface to use.  If you intended to pass a context manager factory, rewrite your call as "
            "context_decorator(lambda: ctx()); if you intended to pass a context manager directly, rewrite your call "
            "as context_decorator(lambda: ctx)"
        )
    if isinstance(func, type):
        raise RuntimeError(
            "Cannot decorate classes; it is ambiguous whether or not only the constructor or all methods should have "
            "the context manager applied; additionally, decorating a class at definition-site will prevent use of the "
            "identifier as a conventional type.  To specify which methods to decorate, decorate each of them "
            "individually."
        )
    return _Repeated(ctx if callable(ctx) else lambda: ctx)(func)
