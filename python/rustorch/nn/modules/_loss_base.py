"""What all losses share."""

from rustorch.nn import _reduction
from rustorch.nn.modules.module import Module


class _Loss(Module):
    """A loss with a reduction.

    Args:
        size_average, reduce: deprecated, use reduction.
        reduction (str, 'mean'): 'none', 'mean' or 'sum' over all elements.
    """

    def __init__(self, size_average=None, reduce=None, reduction="mean"):
        super().__init__()
        if size_average is not None or reduce is not None:
            reduction = _reduction.legacy_get_string(size_average, reduce)
        self.reduction = reduction


class _WeightedLoss(_Loss):
    """A loss with a factor for each class, kept as a buffer."""

    def __init__(self, weight=None, size_average=None, reduce=None, reduction="mean"):
        super().__init__(size_average, reduce, reduction)
        self.register_buffer("weight", weight)
