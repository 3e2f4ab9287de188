"""Functions that pickles refer to by name when they rebuild a Parameter."""

import copyreg


def _get_obj_state(obj):
    """The attributes a subclass or a user put on `obj`: None, a dict, or (dict, slots) as pickle has it."""
    state = getattr(obj, "__dict__", None) or None
    names = copyreg._slotnames(type(obj))
    slots = {name: getattr(obj, name) for name in names if hasattr(obj, name)}
    return (state, slots) if slots else state


def _set_obj_state(obj, state):
    attributes, slots = state if isinstance(state, tuple) else (state, None)
    for group in (attributes, slots):
        for name, value in (group or {}).items():
            setattr(obj, name, value)
    return obj


def _rebuild_parameter(data, requires_grad, backward_hooks):
    from rustorch.nn.parameter import Parameter

    param = Parameter(data, requires_grad)
    param._backward_hooks = backward_hooks
    return param


def _rebuild_parameter_with_state(data, requires_grad, backward_hooks, state):
    return _set_obj_state(_rebuild_parameter(data, requires_grad, backward_hooks), state)
