"""Reordering channels."""

from rustorch.nn import functional as F
from rustorch.nn.modules.module import Module

__all__ = ["ChannelShuffle"]


class ChannelShuffle(Module):
    """Interleave groups of channels: the first of each group, then the second of each, and so on.

    Args:  groups (int): divides the number of channels.
    Shape:  input (N, C, *), output the same.
    Example:
        >>> nn.ChannelShuffle(2)(torch.arange(4.0).view(1, 4, 1)).flatten()
        tensor([0., 2., 1., 3.])

    Source: Zhang et al. 2018, arXiv:1707.01083.
    """

    __constants__ = ["groups"]

    def __init__(self, groups):
        super().__init__()
        self.groups = groups

    def forward(self, input):
        return F.channel_shuffle(input, self.groups)

    def extra_repr(self):
        return f"groups={self.groups}"
