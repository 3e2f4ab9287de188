"""Data loading, activation checkpoints, hooks and other helpers; each is imported at first use."""

_MODULES = ("_mode_utils", "_pytree", "checkpoint", "data", "deterministic", "dlpack", "hooks")


def __getattr__(name):
    if name in _MODULES:
        import importlib

        return importlib.import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def set_module(obj, mod):
    """Set the module that `obj` says it comes from."""
    if not isinstance(mod, str):
        raise TypeError("The mod argument should be a string")
    obj.__module__ = mod


_POISONED = (
    "Trying to execute AccumulateGrad node that was poisoned by swap_tensors this can happen when you try to run backward "
    "on a tensor that was swapped. For a module m with `torch.__future__.set_swap_module_params_on_conversion(True)` you "
    "should not change the device or dtype of the module (e.g. `m.cpu()` or `m.half()`) between running forward and "
    "backward. To resolve this, please only change the device/dtype before running forward (or after both forward and "
    "backward)."
)


def _refuse_backward(grad_outputs):
    raise RuntimeError(_POISONED)


def swap_tensors(t1, t2):
    """Let two tensors exchange their contents, classes and attributes while both stay the same objects.

    Raises:  RuntimeError: if something holds a weak reference to one of them, if a graph has saved one, or if their
        classes have different slots.
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
    from rustorch.autograd.graph import get_gradient_edge

    for name, tensor in (("t1", t1), ("t2", t2)):
        if weakref.getweakrefs(tensor):
            raise RuntimeError(f"Cannot swap {name} because it has weakref associated with it")
    slots = set(copyreg._slotnames(type(t1)))
    if slots != set(copyreg._slotnames(type(t2))):
        raise RuntimeError("Cannot swap t1 and t2 if they have different slots")
    for name, tensor in (("t1", t1), ("t2", t2)):
        count = tensor._use_count()
        # The node of a leaf holds it. A graph that leads there would add to the wrong object; without one, the node goes
        # away again.
        node = get_gradient_edge(tensor).node if tensor.is_leaf and tensor.requires_grad else None
        if tensor._use_count() > 1 + (node is not None):
            raise RuntimeError(
                f"Expected use_count of {name} to be 1 or 2 with an AccumulateGrad node but got {count} make sure you are "
                "not holding references to the tensor in other places."
            )
        if node is not None:
            node.register_prehook(_refuse_backward)
    for name in ("__class__", "__dict__", *slots):
        old = [(t, getattr(t, name)) for t in (t1, t2) if hasattr(t, name)]
        for t, _ in old if name in slots else ():
            delattr(t, name)
        for t, value in old:
            setattr(t2 if t is t1 else t1, name, value)
    _C._swap_tensor_impl(t1, t2)
