"""Softmax and its kin; their public place is nn.modules.activation."""

from rustorch.nn import functional as F
from rustorch.nn.modules.module import Module


class _AlongDim(Module):
    """A function along one dimension."""

    __constants__ = ["dim"]

    def __init__(self, dim=None):
        super().__init__()
        self.dim = dim

    def __setstate__(self, state):
        super().__setstate__(state)
        self.__dict__.setdefault("dim", None)

    def extra_repr(self):
        return f"dim={self.dim}"


class Softmax(_AlongDim):
    """`exp(x) / sum(exp(x))` along `dim`.

    Args:  dim (int, None): give it; the implicit choice is deprecated.
    Example:
        >>> nn.Softmax(dim=1)(torch.tensor([[0.0, 0.0], [0.0, 100.0]]))
        tensor([[5.0000e-01, 5.0000e-01],
                [3.7835e-44, 1.0000e+00]])
    """

    def forward(self, input):
        return F.softmax(input, self.dim, _stacklevel=5)


class Softmin(_AlongDim):
    """`softmax(-x)` along `dim`.

    Args:  dim (int, None): give it; the implicit choice is deprecated.
    Example:
        >>> nn.Softmin(dim=0)(torch.tensor([1.0, 1.0, 101.0]))
        tensor([5.0000e-01, 5.0000e-01, 1.9618e-44])
    """

    def forward(self, input):
        return F.softmin(input, self.dim, _stacklevel=5)


class LogSoftmax(_AlongDim):
    """`log(softmax(x))` along `dim`.

    Args:  dim (int, None): give it; the implicit choice is deprecated.
    Example:
        >>> nn.LogSoftmax(dim=1)(torch.zeros(1, 4))
        tensor([[-1.3863, -1.3863, -1.3863, -1.3863]])
    """

    def forward(self, input):
        return F.log_softmax(input, self.dim, _stacklevel=5)


class Softmax2d(Module):
    """Softmax over the channels of (N, C, H, W) or (C, H, W).

    Example:
        >>> nn.Softmax2d()(torch.zeros(1, 2, 1, 3)).shape
        torch.Size([1, 2, 1, 3])
        >>> nn.Softmax2d()(torch.zeros(2, 1, 1)).flatten()
        tensor([0.5000, 0.5000])
    """

    def forward(self, input):
        if input.dim() not in (3, 4):
            raise ValueError(f"Softmax2d: expected input to be 3D or 4D, got {input.dim()}D instead")
        return F.softmax(input, -3, _stacklevel=5)
