"""Building modules without filling their parameters."""

import rustorch

__all__ = ["skip_init"]


def skip_init(module_cls, *args, **kwargs):
    """Build a module whose parameters are allocated but not initialised.

    Args:  module_cls (type): a Module whose constructor takes `device`; the other arguments are passed on.
    Example:
        >>> nn.utils.skip_init(nn.Linear, 5, 1)
        Linear(in_features=5, out_features=1, bias=True)
    """
    from inspect import signature  # slow to import, and rarely needed

    if not issubclass(module_cls, rustorch.nn.Module):
        raise RuntimeError(f"Expected a Module; got {module_cls}")
    if "device" not in signature(module_cls).parameters:
        raise RuntimeError("Module must support a 'device' arg to skip initialization")
    device = kwargs.pop("device", "cpu")
    return module_cls(*args, device="meta", **kwargs).to_empty(device=device)
