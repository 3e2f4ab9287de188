"""Data loading, activation checkpoints, hooks and other helpers; each is imported at first use."""

_MODULES = ("_mode_utils", "checkpoint", "data", "dlpack", "hooks", "serialization", "tensorboard")


def __getattr__(name):
    if name in _MODULES:
        import importlib

        return importlib.import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def swap_tensors(t1, t2):
    """Exchange two tensors with all they have: data, gradient, class and attributes. References see the other one.

    Raises:  RuntimeError: if one has weak references, other slots than the other, or is saved in a graph.
    Example:
        >>> import rustorch as torch
        >>> x, y = torch.zeros(1), torch.ones(2)
        >>> torch.utils.swap_tensors(x, y)
        >>> x
        tensor([1., 1.])
    """
    import copyreg
    import weakref

    from rustorch import _C

    for name, t in (("t1", t1), ("t2", t2)):
        if weakref.getweakrefs(t):
            raise RuntimeError(f"Cannot swap {name} because it has weakref associated with it")
    slots = set(copyreg._slotnames(t1.__class__))
    if slots != set(copyreg._slotnames(t2.__class__)):
        raise RuntimeError("Cannot swap t1 and t2 if they have different slots")
    for name, t in (("t1", t1), ("t2", t2)):
        if t._use_count() > 1:
            raise RuntimeError(
                f"Expected use_count of {name} to be 1 or 2 with an AccumulateGrad node but got {t._use_count()} make "
                "sure you are not holding references to the tensor in other places."
            )
    for name in ("__class__", "__dict__", *slots):
        values = [getattr(t, name) for t in (t1, t2) if hasattr(t, name)]
        if len(values) == 2:
            setattr(t1, name, values[1])
            setattr(t2, name, values[0])
        elif values:
            giver, taker = (t1, t2) if hasattr(t1, name) else (t2, t1)
            setattr(taker, name, values[0])
            delattr(giver, name)
    _C._swap_tensor_impls(t1, t2)


def set_module(obj, mod):
    """Set the module that `obj` says it comes from."""
    if not isinstance(mod, str):
        raise TypeError("The mod argument should be a string")
    obj.__module__ = mod
