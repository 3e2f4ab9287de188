"""All parameters as one vector."""

import rustorch
from rustorch import Tensor

__all__ = ["parameters_to_vector", "vector_to_parameters"]


def _check_param_device(param, old_param_device):
    """The device number of all parameters so far, -1 for the CPU; TypeError if `param` is elsewhere."""
    device = -1 if param.device.type == "cpu" else param.get_device()
    if old_param_device is not None and device != old_param_device:
        raise TypeError("Found two parameters on different devices, this is currently not supported.")
    return device


def parameters_to_vector(parameters):
    """Concatenate the flattened parameters.

    Example:
        >>> nn.utils.parameters_to_vector(nn.Linear(2, 3).parameters()).shape
        torch.Size([9])
    """
    device = None
    parts = []
    for param in parameters:
        device = _check_param_device(param, device)
        parts.append(param.view(-1))
    return rustorch.cat(parts)


def vector_to_parameters(vec, parameters):
    """Cut a vector, as parameters_to_vector makes it, into the data of the parameters; the memory is shared.

    Example:
        >>> w, b = torch.zeros(2, 2), torch.zeros(1)
        >>> torch.nn.utils.vector_to_parameters(torch.arange(5.0), [w, b])
        >>> w, b
        (tensor([[0., 1.],
                [2., 3.]]), tensor([4.]))
    """
    if not isinstance(vec, Tensor):
        raise TypeError(f"expected torch.Tensor, but got: {rustorch.typename(vec)}")
    device = None
    start = 0
    for param in parameters:
        device = _check_param_device(param, device)
        end = start + param.numel()
        param.data = vec[start:end].view_as(param).data
        start = end
