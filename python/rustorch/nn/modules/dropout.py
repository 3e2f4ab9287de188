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
    Source: Hinton et al. 2012, arXiv:1207.0580.
    """

    def forward(self, input):
        return F.dropout(input, self.p, self.training, self.inplace)


class Dropout1d(_DropoutNd):
    """Dropout of whole channels of (N, C, L) or (C, L).

    Args:
        p (float, 0.5): chance to drop a channel.
        inplace (bool, False): overwrite the input.
    """

    def forward(self, input):
        return F.dropout1d(input, self.p, self.training, self.inplace)


class Dropout2d(_DropoutNd):
    """Dropout of whole channels of (N, C, H, W).

    Args:
        p (float, 0.5): chance to drop a channel.
        inplace (bool, False): overwrite the input.
    """

    def forward(self, input):
        return F.dropout2d(input, self.p, self.training, self.inplace)


class Dropout3d(_DropoutNd):
    """Dropout of whole channels of (N, C, D, H, W) or (C, D, H, W).

    Args:
        p (float, 0.5): chance to drop a channel.
        inplace (bool, False): overwrite the input.
    """

    def forward(self, input):
        return F.dropout3d(input, self.p, self.training, self.inplace)


class AlphaDropout(_DropoutNd):
    """Dropout that keeps mean 0 and variance 1, for use with SELU.

    Args:
        p (float, 0.5): chance to drop an element.
        inplace (bool, False): kept for its place in the signature.
    """

    def forward(self, input):
        return F.alpha_dropout(input, self.p, self.training)


class FeatureAlphaDropout(_DropoutNd):
    """AlphaDropout of whole channels of (N, C, *).

    Args:
        p (float, 0.5): chance to drop a channel.
        inplace (bool, False): kept for its place in the signature.
    """

    def forward(self, input):
        return F.feature_alpha_dropout(input, self.p, self.training)
