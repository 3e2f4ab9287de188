"""The module of a device type."""

import rustorch


def get_device_module(device=None):
    """The module of a device type: `rustorch.cpu`, `rustorch.cuda` and so on.

    Args:  device (device or str, None): the CPU if None, as there is no accelerator.
    """
    if isinstance(device, rustorch.device):
        kind = device.type
    elif isinstance(device, str):
        kind = rustorch.device(device).type
    elif device is None:
        kind = "cpu"
    else:
        raise RuntimeError(
            f"Invalid value of device '{device}', expect torch.device, str, or None. Use torch.device('cpu')."
        )
    try:
        return getattr(rustorch, kind)
    except AttributeError:
        raise RuntimeError(
            f"Device '{kind}' does not have a corresponding module registered as 'torch.{kind}'."
        ) from None
