"""What code written with torch's script compiler in mind imports: nothing is compiled here."""

from collections.abc import Callable as Callable
from typing import Any as Any
from typing import Dict as Dict  # noqa: UP035
from typing import Final as Final
from typing import List as List  # noqa: UP035
from typing import Optional as Optional
from typing import Tuple as Tuple  # noqa: UP035
from typing import Union as Union

from rustorch.jit import export as export
from rustorch.jit import ignore as ignore
from rustorch.jit import is_scripting as is_scripting
from rustorch.jit import unused as unused


def boolean_dispatch(arg_name, arg_index, default, if_true, if_false, module_name=None, func_name=None):
    """A function that calls one of two, as an argument of it is true or false.

    Args:
        arg_name, arg_index: keyword and position of that argument.
        default (bool): what it is where it is not given.
        if_true, if_false (callable): take the same arguments; one of them has the docstring.
        module_name, func_name (str, None): of the result.
    """

    def fn(*args, **kwargs):
        flag = kwargs.get(arg_name, args[arg_index] if arg_index < len(args) else default)
        return (if_true if flag else if_false)(*args, **kwargs)

    if if_true.__doc__ is not None and if_false.__doc__ is not None:
        raise RuntimeError("only one function can have a docstring")
    fn.__doc__ = if_true.__doc__ or if_false.__doc__
    fn.__module__ = module_name or fn.__module__
    fn.__name__ = func_name or fn.__name__
    return fn
