"""Dropout layers: they act in training only."""

from rustorch.nn import functional as F
from rustorch.nn.modules.module import Module

__all__ = ["AlphaDropout", "Dropout", "Dropout1d", "Dropout2d", "Dropout3d", "FeatureAlphaDropout"]


class _DropoutNd(Module):
    __constants__ = ["inplace", "p"]

    def __init__(self, p=0.5, inplace=False):
        super().__init__()
        if p < 0 or p > 1:
            raise ValueError(f"dropout probability has to be between 0 and 1, but got {p}")
        self.p = p
        self.inplace = inplace

    def extra_repr(self):
        return f"p={self.p}, inplace={self.inplace}"


class Dropout(_DropoutNd):
    """Set elements to zero with chance `p` and scale the others by 1 / (1 - p).

    Args:
        p (float, 0.5): chance to drop an element, in [0, 1].
        inplace (bool, False): overwrite the input.
    Example:
        >>> _ = torch.manual_seed(0)
        >>> layer = nn.Dropout(0.5)
        >>> layer(torch.ones(6))
        tensor([0., 0., 2., 0., 0., 0.])
        >>> layer.eval()(torch.ones(2))
        tensor([1., 1.])

    Source: Hinton et al. 2012, arXiv:1207.0580.
    """

    def forward(self, input):
        return F.dropout(input, self.p, self.training, self.inplace)


class Dropout1d(_DropoutNd):
    """Dropout of whole channels of (N, C, L) or (C, L).

    Args:
        p (float, 0.5): chance to drop a channel.
        inplace (bool, False): overwrite the input.
    Example:
        >>> x = nn.Dropout1d(0.5)(torch.ones(4, 3, 8))
        >>> sorted(set(x.sum(2).flatten().tolist()) - {0.0, 16.0})
        []
    """

    def forward(self, input):
        return F.dropout1d(input, self.p, self.training, self.inplace)


class Dropout2d(_DropoutNd):
    """Dropout of whole channels of (N, C, H, W).

    Args:
        p (float, 0.5): chance to drop a channel.
        inplace (bool, False): overwrite the input.
    Example:
        >>> x = nn.Dropout2d(0.5)(torch.ones(4, 3, 2, 2))
        >>> sorted(set(x.sum((2, 3)).flatten().tolist()) - {0.0, 8.0})
        []
    """

    def forward(self, input):
        return F.dropout2d(input, self.p, self.training, self.inplace)


class Dropout3d(_DropoutNd):
    """Dropout of whole channels of (N, C, D, H, W) or (C, D, H, W).

    Args:
        p (float, 0.5): chance to drop a channel.
        inplace (bool, False): overwrite the input.
    Example:
        >>> nn.Dropout3d(0.5).eval()(torch.ones(1, 1, 1, 1, 2))
        tensor([[[[[1., 1.]]]]])
    """

    def forward(self, input):
        return F.dropout3d(input, self.p, self.training, self.inplace)


class AlphaDropout(_DropoutNd):
    """Dropout that keeps mean 0 and variance 1, for use with SELU.

    Args:
        p (float, 0.5): chance to drop an element.
        inplace (bool, False): kept for its place in the signature.
    Example:
        >>> x = nn.AlphaDropout(0.2)(torch.randn(10000))
        >>> bool(x.mean().abs() < 0.1), bool((x.std() - 1).abs() < 0.1)
        (True, True)
    """

    def forward(self, input):
        return F.alpha_dropout(input, self.p, self.training)


class FeatureAlphaDropout(_DropoutNd):
    """AlphaDropout of whole channels of (N, C, *).

    Args:
        p (float, 0.5): chance to drop a channel.
        inplace (bool, False): kept for its place in the signature.
    Example:
        >>> nn.FeatureAlphaDropout(0.2)(torch.randn(2, 3, 4)).shape
        torch.Size([2, 3, 4])
    """

    def forward(self, input):
        return F.feature_alpha_dropout(input, self.p, self.training)
