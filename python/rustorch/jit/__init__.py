"""torch.jit's interface without a compiler: functions and modules run as the Python that they are.

`script` and `trace` give back what they get, so results are the same; there is no graph to look at or to save.
"""

import rustorch

__all__ = [
    "Final",
    "ScriptFunction",
    "ScriptModule",
    "annotate",
    "export",
    "fork",
    "freeze",
    "ignore",
    "is_scripting",
    "is_tracing",
    "isinstance",
    "load",
    "optimize_for_inference",
    "save",
    "script",
    "script_if_tracing",
    "script_method",
    "trace",
    "unused",
    "wait",
]

from typing import Final as Final


def __getattr__(name):
    # nn is loaded when it is needed.
    if name == "ScriptModule":
        from rustorch.jit._module import ScriptModule

        return ScriptModule
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


class ScriptFunction:
    """The class of torch's scripted functions; `script` returns plain functions here."""


def script(obj, optimize=None, _frames_up=0, _rcb=None, example_inputs=None):
    """The function, class or module itself."""
    return obj


def trace(func, example_inputs=None, *args, **kwargs):
    """The function or module itself; the example inputs are not run."""
    return func


trace_module = trace


def freeze(mod, preserved_attrs=None, optimize_numerics=True):
    """The module itself, which must be in evaluation mode."""
    if mod.training:
        raise RuntimeError(
            "Freezing is currently only implemented for modules in eval mode. Please call .eval() on your module before "
            "freezing."
        )
    return mod


def optimize_for_inference(mod, other_methods=None):
    """The module itself."""
    return mod


def _decorator(fn=None, **kwargs):
    if callable(fn):
        return fn
    return lambda function: function


ignore = unused = export = script_method = script_if_tracing = interface = _overload = _overload_method = _decorator


def annotate(the_type, the_value):
    """The value."""
    return the_value


def isinstance(obj, target_type):
    """Is `obj` of this type? Parameters of generic types are not looked at."""
    import builtins
    import typing

    return builtins.isinstance(obj, typing.get_origin(target_type) or target_type)


def is_scripting():
    """False: nothing is compiled."""
    return False


def is_tracing():
    """False: nothing is traced."""
    return False


def fork(func, *args, **kwargs):
    """Calls at once; `wait` gives the result."""
    return func(*args, **kwargs)


def wait(future):
    """The result of `fork`."""
    return future


def save(m, f, _extra_files=None):
    """Raises NotImplementedError: there is no program to save."""
    raise NotImplementedError(
        "jit.save: expected a compiled program, but modules stay Python here. Save model.state_dict() with torch.save()."
    )


def load(f, map_location=None, _extra_files=None, _restore_shapes=False):
    """Raises NotImplementedError: TorchScript programs cannot run."""
    raise NotImplementedError(
        "jit.load: expected a file of tensors, but TorchScript programs cannot run here. Load a state_dict with "
        "torch.load() into the Python model."
    )


def set_fusion_strategy(strategy):
    """An empty list: there is nothing to fuse."""
    return []
