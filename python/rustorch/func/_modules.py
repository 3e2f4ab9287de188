"""Modules as functions of their parameters, and ensembles of modules."""

from collections import Counter
from collections.abc import Sequence

import rustorch
from rustorch import nn
from rustorch.nn.utils.stateless import _functional_call


def functional_call(module, parameter_and_buffer_dicts, args=None, kwargs=None, *, tie_weights=True, strict=False):
    """The output of a module with other parameters and buffers than its own, which it keeps.

    Args:
        module (Module): what is called.
        parameter_and_buffer_dicts (dict, or sequence of dicts): tensors by dotted name; others are the module's.
        args (tuple or one argument, None), kwargs (dict, None): arguments of the call.
        tie_weights (bool, True): use a tensor for all names of a shared parameter.
        strict (bool, False): the names are exactly those of the module.
    Raises:  ValueError: if two of the dicts have a name in common.
    Example:
        >>> layer = nn.Linear(2, 1)
        >>> zeros = {"weight": torch.zeros(1, 2), "bias": torch.ones(1)}
        >>> torch.func.functional_call(layer, zeros, (torch.ones(2),))
        tensor([1.])

    Note:  buffers that the call writes to are the given ones.
    """
    given = parameter_and_buffer_dicts
    if isinstance(given, Sequence) and not isinstance(given, dict):
        if not all(isinstance(d, dict) for d in given):
            raise ValueError("Expected all elements of parameter_and_buffer_dicts to be dictionaries")
        counts = Counter(key for d in given for key in d)
        repeated = [key for key, n in counts.items() if n > 1]
        if repeated:
            raise ValueError(f"{repeated} appeared in multiple dictionaries; behavior of functional call is ambiguous")
        given = {key: value for d in given for key, value in d.items()}
    elif not isinstance(given, dict):
        raise ValueError(
            "Expected parameter_and_buffer_dicts to be a dict, or a list/tuple of dicts, but got "
            f"{type(parameter_and_buffer_dicts)}"
        )
    return _functional_call(module, given, args, kwargs, tie_weights=tie_weights, strict=strict)


def stack_module_state(models):
    """Parameters and buffers of several modules of one class, stacked: what an ensemble maps over.

    Args:  models (sequence of Module): modules of the same class and mode.
    Returns:  (parameters, buffers), dicts by name of tensors with a leading dim for the modules.
    Raises:  RuntimeError: if there is no module, or they differ in class, mode or what requires grad.
    Example:
        >>> layers = [nn.Linear(2, 1) for _ in range(3)]
        >>> params, buffers = torch.func.stack_module_state(layers)
        >>> def call(params, x):
        ...     return torch.func.functional_call(layers[0], params, (x,))
        >>> torch.func.vmap(call, in_dims=(0, None))(params, torch.ones(5, 2)).shape
        torch.Size([3, 5, 1])
    """
    if len(models) == 0:
        raise RuntimeError("stack_module_state: Expected at least one model, got 0.")
    if len({m.training for m in models}) > 1:
        raise RuntimeError("stack_module_state: Expected all models to have the same training/eval mode.")
    if len({type(m) for m in models}) > 1:
        raise RuntimeError("stack_module_state: Expected all models to be of the same class.")
    return _stacked([dict(m.named_parameters()) for m in models]), _stacked([dict(m.named_buffers()) for m in models])


def _stacked(states):
    return {name: _leaf([state[name] for state in states], name) for name in states[0]}


def _leaf(tensors, name):
    if len({t.requires_grad for t in tensors}) > 1:
        raise RuntimeError(f"Expected {name} from each model to have the same .requires_grad")
    stacked = rustorch.stack(tensors)
    return stacked.detach().requires_grad_() if tensors[0].requires_grad else stacked


def replace_all_batch_norm_modules_(root):
    """Let all BatchNorm modules in `root` use the statistics of the batch alone; returns `root`.

    Their running statistics cannot be updated inside `vmap`, where each sample would write another value.

    Example:
        >>> net = torch.func.replace_all_batch_norm_modules_(nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3)))
        >>> net[1].running_mean is None
        True
    """
    for module in root.modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm) and module.track_running_stats:
            module.running_mean = module.running_var = module.num_batches_tracked = None
            module.track_running_stats = False
    return root


def functionalize(func, *, remove="mutations"):
    """`func` itself: what it computes does not depend on whether it writes in place.

    Args:  remove (str, 'mutations'): 'mutations' or 'mutations_and_views'.
    Example:
        >>> torch.func.functionalize(lambda x: x.clone().add_(1))(torch.zeros(2))
        tensor([1., 1.])

    Note:  torch rewrites the calls in place for programs that are traced; there is no tracing here.
    """
    import functools

    if remove not in ("mutations", "mutations_and_views"):
        raise RuntimeError(
            f"functionalize(f, remove='mutations'): received invalid argument for remove={remove}. Valid options are:\n"
            "     remove='mutations': all inplace and out= operators will be removed from the program\n"
            "     remove='mutations_and_views': In addition to the above, all aliasing operators will be replaced"
        )

    @functools.wraps(func)
    def wrapper(*args, **kwargs):
        return func(*args, **kwargs)

    return wrapper


def debug_unwrap(tensor, *, recurse=True):
    """The tensor of all samples behind a batched one; other tensors unchanged.

    Args:  recurse (bool, True): go down through nested vmaps.
    Example:
        >>> seen = []
        >>> _ = torch.func.vmap(lambda x: (seen.append(torch.func.debug_unwrap(x).shape), x)[1])(torch.ones(2, 3))
        >>> seen
        [torch.Size([2, 3])]
    """
    from rustorch.func._levels import Batched

    while isinstance(tensor, Batched):
        tensor = tensor._value
        if not recurse:
            break
    return tensor
