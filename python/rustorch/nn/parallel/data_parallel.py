"""DataParallel for one device."""

from rustorch.nn.modules.module import Module

__all__ = ["DataParallel", "data_parallel"]


class DataParallel(Module):
    """Split each batch over the GPUs of one process; without GPUs to split over, the module is called as it is.

    Args:
        module (Module): kept as the child `module`, which prefixes the keys of state_dict.
        device_ids (list, None), output_device (None): at most one device.
        dim (int, 0): the batch dimension.
    Example:
        >>> net = nn.DataParallel(nn.Linear(2, 3))
        >>> net(torch.ones(4, 2)).shape, list(net.state_dict())
        (torch.Size([4, 3]), ['module.weight', 'module.bias'])
    """

    def __init__(self, module, device_ids=None, output_device=None, dim=0):
        super().__init__()
        if device_ids is not None and len(device_ids) > 1:
            raise ValueError(
                f"DataParallel: expected at most 1 device, but got {len(device_ids)}. Use one process for each device."
            )
        self.dim = dim
        self.module = module
        self.device_ids = [] if device_ids is None else list(device_ids)
        self.output_device = output_device

    def forward(self, *inputs, **kwargs):
        return self.module(*inputs, **kwargs)


def data_parallel(module, inputs, device_ids=None, output_device=None, dim=0, module_kwargs=None):
    """Call `module` once, as DataParallel does."""
    inputs = inputs if isinstance(inputs, tuple) else (inputs,)
    return DataParallel(module, device_ids, output_device, dim)(*inputs, **(module_kwargs or {}))
