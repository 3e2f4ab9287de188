"""Calling a module with other parameters than its own."""

import contextlib
import warnings

import rustorch
from rustorch import Tensor

__all__ = ["functional_call"]

_MISSING = object()


def _owner(module, name):
    """The submodule that holds a dotted name, and the last part of the name."""
    path, _, attr = name.rpartition(".")
    for part in path.split(".") if path else ():
        if not hasattr(module, part):
            raise AttributeError(f"{module._get_name()} has no attribute `{part}`")
        module = getattr(module, part)
        if not isinstance(module, rustorch.nn.Module):
            raise TypeError(f"submodule `{path}`: {module} is not an instance of torch.nn.Module")
    return module, attr


def _swap(module, name, value):
    """Put `value` in place of a tensor and return the old one; either may be missing."""
    if value is not _MISSING and value is not None and not isinstance(value, Tensor):
        raise TypeError(f"{value} is not an instance of torch.Tensor")
    for table in (module._parameters, module._buffers):
        if name in table:
            old = table[name]
            if value is _MISSING:
                del table[name]
            else:
                table[name] = value
            return old
    old = getattr(module, name, _MISSING)
    if old is not _MISSING and old is not None and not isinstance(old, Tensor):
        raise TypeError(f"attribute `{name}`: {old} is not an instance of torch.Tensor")
    if value is not _MISSING:
        setattr(module, name, value)
    elif old is not _MISSING:
        delattr(module, name)
    return old


def _swap_all(module, values):
    """Swap in a dict of tensors by dotted name; return the old ones. On an error everything is as it was."""
    old = {}
    try:
        for name, value in values.items():
            old[name] = _swap(*_owner(module, name), value)
    except Exception:
        for name, value in old.items():
            _swap(*_owner(module, name), value)
        raise
    return old


def _tie(module, values):
    """Add the other names of tensors that are registered under several names."""
    names_of = {}
    for members in (
        module.named_parameters(remove_duplicate=False),
        module.named_buffers(remove_duplicate=False),
    ):
        for name, tensor in members:
            names_of.setdefault(tensor, set()).add(name)
    tied = dict(values)
    for names in names_of.values():
        given = names & values.keys()
        if len(names) < 2 or not given:
            continue
        if len({id(values[name]) for name in given}) != 1:
            raise ValueError(
                f"functional_call got multiple values for keys {sorted(names)}, which are tied. "
                "Consider using tie_weights=False"
            )
        tied.update(dict.fromkeys(names, values[next(iter(given))]))
    return tied


def _check_keys(module, values):
    own = {name for name, _ in module.named_parameters(remove_duplicate=False)}
    own |= {name for name, _ in module.named_buffers(remove_duplicate=False)}
    problems = []
    for kind, names in (("Unexpected", values.keys() - own), ("Missing", own - values.keys())):
        if names:
            problems.append(f"{kind} key(s): {', '.join(map(repr, sorted(names)))}.")
    if problems:
        details = "\n\t".join(problems)
        raise RuntimeError(f"Error(s) in reparametrizing for {module._get_name()}:\n\t{details}")


@contextlib.contextmanager
def _reparametrize_module(module, parameters_and_buffers, tie_weights=False, strict=False, stack_weights=False):
    """Inside the block the module has other tensors; changes it makes to them are put into the dict afterwards."""
    values = _tie(module, parameters_and_buffers) if tie_weights else parameters_and_buffers
    if strict:
        _check_keys(module, values)
    old = _swap_all(module, values)
    try:
        yield
    finally:
        if stack_weights:
            old = dict(reversed(old.items()))
        used = _swap_all(module, old)
        parameters_and_buffers.update({k: used[k] for k in parameters_and_buffers if used[k] is not _MISSING})


def _functional_call(module, parameters_and_buffers, args=None, kwargs=None, *, tie_weights=True, strict=False):
    if isinstance(module, rustorch.nn.DataParallel):
        raise RuntimeError("The stateless API can't be used with nn.DataParallel module")
    args = () if args is None else args if isinstance(args, tuple) else (args,)
    with _reparametrize_module(module, parameters_and_buffers, tie_weights=tie_weights, strict=strict):
        return module(*args, **(kwargs or {}))


def functional_call(module, parameters_and_buffers, args=None, kwargs=None, *, tie_weights=True, strict=False):
    """Deprecated: use `rustorch.func.functional_call`.

    Args:
        parameters_and_buffers (dict): tensors by dotted name, used instead of the module's.
        args (tuple or one argument, None), kwargs (dict, None): arguments of the call.
        tie_weights (bool, True): use a tensor for all names of a shared parameter.
        strict (bool, False): the dict has exactly the names of the module.
    Example:
        >>> import warnings
        >>> layer = nn.Linear(1, 1)
        >>> zeros = {"weight": torch.zeros(1, 1), "bias": torch.ones(1)}
        >>> with warnings.catch_warnings(action="ignore"):
        ...     y = torch.nn.utils.stateless.functional_call(layer, zeros, (torch.ones(1),))
        >>> y
        tensor([1.])
    """
    warnings.warn(
        "`torch.nn.utils.stateless.functional_call` is deprecated as of PyTorch 2.0 and will be removed in a future "
        "version of PyTorch. Please use `torch.func.functional_call` instead which is a drop-in replacement.",
        FutureWarning,
        stacklevel=2,
    )
    return _functional_call(module, parameters_and_buffers, args, kwargs, tie_weights=tie_weights, strict=strict)
