"""Changing the memory format of convolution weights."""

import rustorch

__all__ = ["convert_conv2d_weight_memory_format", "convert_conv3d_weight_memory_format"]


def _convert(module, kinds, memory_format):
    for child in module.modules():
        if isinstance(child, kinds):
            data = child.weight.detach().clone(memory_format=memory_format)
            # A weight with a kernel of one pixel has both formats at once; resize_ settles its strides.
            child.weight.data = data.resize_(data.size(), memory_format=memory_format)
    return module


def convert_conv2d_weight_memory_format(module, memory_format):
    """Give the weights of all 2-d convolutions in `module` a memory format, such as channels_last.

    Example:
        >>> net = torch.nn.utils.convert_conv2d_weight_memory_format(nn.Conv2d(2, 3, 2), torch.channels_last)
        >>> net.weight.is_contiguous(memory_format=torch.channels_last)
        True
    """
    nn = rustorch.nn
    return _convert(module, (nn.Conv2d, nn.ConvTranspose2d), memory_format)


def convert_conv3d_weight_memory_format(module, memory_format):
    """Give the weights of all 3-d convolutions in `module` a memory format, such as channels_last_3d.

    Example:
        >>> net = torch.nn.utils.convert_conv3d_weight_memory_format(nn.Conv3d(2, 3, 2), torch.channels_last_3d)
        >>> net.weight.is_contiguous(memory_format=torch.channels_last_3d)
        True
    """
    nn = rustorch.nn
    return _convert(module, (nn.Conv3d, nn.ConvTranspose3d), memory_format)
