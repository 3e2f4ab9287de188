"""Steps on other parameters and another state than an optimiser's own."""

import contextlib
from collections import defaultdict

__all__ = ["swap_in_optimizer_params_and_state"]

_NAME = "swap_in_optimizer_params_and_state"


def _checked_groups(optimizer, parameters, state_dict):
    """Pairs (saved group, its parameters), once the dict is seen to fit the optimiser."""
    if not optimizer.state:
        raise RuntimeError(f"{_NAME} requires initialized optimizer state.")
    if not isinstance(state_dict, dict) or not isinstance(state_dict.get("state"), dict):
        raise RuntimeError(f"{_NAME} requires a DCP-style optimizer state_dict.")
    saved = state_dict.get("param_groups")
    if not isinstance(saved, list) or len(saved) != len(optimizer.param_groups):
        raise RuntimeError(
            f"{_NAME} requires as many param_groups as the optimizer has: {len(optimizer.param_groups)}."
        )
    left, pairs = list(parameters.values()), []
    for i, (group, other) in enumerate(zip(optimizer.param_groups, saved)):
        if group.keys() != other.keys():
            differing = sorted(group.keys() ^ other.keys())
            raise RuntimeError(
                f"{_NAME} requires the keys of group {i} to match the optimizer's; these differ: {differing}."
            )
        size = len(group["params"])
        if len(other["params"]) != size or len(left) < size:
            raise RuntimeError(
                f"{_NAME} requires the explicit parameter state to match optimizer.param_groups ordering."
            )
        pairs.append((other, left[:size]))
        left = left[size:]
    extra = state_dict["state"].keys() - {number for other, _ in pairs for number in other["params"]}
    if extra:
        raise RuntimeError(f"{_NAME} requires a state of the packed parameters alone; got extra keys {sorted(extra)}.")
    return pairs


@contextlib.contextmanager
def swap_in_optimizer_params_and_state(optimizer, swapin_parameters, swapin_optim_state):
    """Within the `with` block the optimiser works on other tensors, with another state and other options.

    Args:
        optimizer (Optimizer): has made a step, or loaded a state.
        swapin_parameters (dict): name -> tensor, in the order of the optimiser's parameters.
        swapin_optim_state (dict): as `state_dict()` gives it; its tensors are updated in place.
    Raises:  RuntimeError: if the dict or the number of parameters does not fit the optimiser.
    Example:
        >>> p, q = torch.ones(1), torch.full((1,), 5.0)
        >>> p.grad, q.grad = torch.ones(1), torch.ones(1)
        >>> optimizer = torch.optim.SGD([p], lr=0.5, momentum=0.9)
        >>> optimizer.step()
        >>> with torch.optim.swap_in_optimizer_params_and_state(optimizer, {"q": q}, optimizer.state_dict()):
        ...     optimizer.step()
        >>> p, q
        (tensor([0.5000]), tensor([4.0500]))
    """
    pairs = _checked_groups(optimizer, swapin_parameters, swapin_optim_state)
    own_state, own_groups = optimizer.state, [dict(group) for group in optimizer.param_groups]
    try:
        optimizer.state = defaultdict(dict)
        for group, (other, params) in zip(optimizer.param_groups, pairs):
            group.update(other, params=params)
            for p, number in zip(params, other["params"]):
                optimizer.state[p] = dict(swapin_optim_state["state"].get(number, {}))
        yield
    finally:
        for group, own in zip(optimizer.param_groups, own_groups):
            group.clear()
            group.update(own)
        optimizer.state = own_state
