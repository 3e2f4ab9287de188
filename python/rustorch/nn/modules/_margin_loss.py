"""Losses of margins and of pairs; their public place is nn.modules.loss."""

from rustorch.nn import functional as F
from rustorch.nn.modules._loss_base import _Loss, _WeightedLoss
from rustorch.nn.modules.distance import PairwiseDistance

__all__ = [
    "CosineEmbeddingLoss",
    "HingeEmbeddingLoss",
    "MarginRankingLoss",
    "MultiLabelMarginLoss",
    "MultiLabelSoftMarginLoss",
    "MultiMarginLoss",
    "SoftMarginLoss",
    "TripletMarginLoss",
    "TripletMarginWithDistanceLoss",
]


class HingeEmbeddingLoss(_Loss):
    """`x` where the target is 1, `max(0, margin - x)` where it is -1.

    Args:
        margin (float, 1)
        reduction (str, 'mean'): 'none', 'mean' or 'sum'.
    Example:
        >>> nn.HingeEmbeddingLoss()(torch.tensor([0.5, 0.25]), torch.tensor([1, -1]))
        tensor(0.6250)
    """

    __constants__ = ["margin", "reduction"]

    def __init__(self, margin=1.0, size_average=None, reduce=None, reduction="mean"):
        super().__init__(size_average, reduce, reduction)
        self.margin = margin

    def forward(self, input, target):
        return F.hinge_embedding_loss(input, target, margin=self.margin, reduction=self.reduction)


class CosineEmbeddingLoss(_Loss):
    """`1 - cos(x1, x2)` where the target is 1, `max(0, cos(x1, x2) - margin)` where it is -1.

    Args:
        margin (float, 0): in [-1, 1].
        reduction (str, 'mean'): 'none', 'mean' or 'sum'.
    Example:
        >>> x, y = torch.tensor([[1.0, 0.0], [1.0, 0.0]]), torch.tensor([[0.0, 1.0], [1.0, 0.0]])
        >>> nn.CosineEmbeddingLoss(reduction="none")(x, y, torch.tensor([1, -1]))
        tensor([1., 1.])
    """

    __constants__ = ["margin", "reduction"]

    def __init__(self, margin=0.0, size_average=None, reduce=None, reduction="mean"):
        super().__init__(size_average, reduce, reduction)
        self.margin = margin

    def forward(self, input1, input2, target):
        return F.cosine_embedding_loss(input1, input2, target, margin=self.margin, reduction=self.reduction)


class MarginRankingLoss(_Loss):
    """`max(0, -t * (x1 - x2) + margin)`, t = 1 if x1 should rank higher, else -1.

    Args:
        margin (float, 0)
        reduction (str, 'mean'): 'none', 'mean' or 'sum'.
    Example:
        >>> nn.MarginRankingLoss(margin=0.5)(torch.tensor([1.0, 1.0]), torch.tensor([0.0, 2.0]), torch.tensor([1, 1]))
        tensor(0.7500)
    """

    __constants__ = ["margin", "reduction"]

    def __init__(self, margin=0.0, size_average=None, reduce=None, reduction="mean"):
        super().__init__(size_average, reduce, reduction)
        self.margin = margin

    def forward(self, input1, input2, target):
        return F.margin_ranking_loss(input1, input2, target, margin=self.margin, reduction=self.reduction)


class MultiLabelMarginLoss(_Loss):
    """Hinge loss between the target classes and all others; the list of targets ends at the first -1.

    Args:  reduction (str, 'mean'): 'none', 'mean' or 'sum'.
    Example:
        >>> nn.MultiLabelMarginLoss()(torch.tensor([[0.1, 0.2, 0.4, 0.8]]), torch.tensor([[3, 0, -1, 1]]))
        tensor(0.8500)
    """

    __constants__ = ["reduction"]

    def forward(self, input, target):
        return F.multilabel_margin_loss(input, target, reduction=self.reduction)


class SoftMarginLoss(_Loss):
    """`log(1 + exp(-t * x))` for targets 1 and -1.

    Args:  reduction (str, 'mean'): 'none', 'mean' or 'sum'.
    Example:
        >>> nn.SoftMarginLoss()(torch.tensor([0.0, 2.0]), torch.tensor([1.0, -1.0]))
        tensor(1.4100)
    """

    __constants__ = ["reduction"]

    def forward(self, input, target):
        return F.soft_margin_loss(input, target, reduction=self.reduction)


class MultiLabelSoftMarginLoss(_WeightedLoss):
    """Mean over the classes of the binary cross entropy of sigmoid(x).

    Args:
        weight (Tensor, None): a factor for each class.
        reduction (str, 'mean'): 'none', 'mean' or 'sum'.
    Example:
        >>> nn.MultiLabelSoftMarginLoss()(torch.tensor([[0.0, 2.0]]), torch.tensor([[1.0, 0.0]]))
        tensor(1.4100)
    """

    __constants__ = ["reduction"]

    def forward(self, input, target):
        return F.multilabel_soft_margin_loss(input, target, weight=self.weight, reduction=self.reduction)


class MultiMarginLoss(_WeightedLoss):
    """Mean over the classes i of `max(0, margin - x[t] + x[i]) ** p` for target class t.

    Args:
        p (int, 1): 1 or 2.
        margin (float, 1)
        weight (Tensor, None): a factor for each class.
        reduction (str, 'mean'): 'none', 'mean' or 'sum'.
    Example:
        >>> nn.MultiMarginLoss()(torch.tensor([[0.1, 0.2, 0.4]]), torch.tensor([2]))
        tensor(0.5000)
    """

    __constants__ = ["margin", "p", "reduction"]

    def __init__(self, p=1, margin=1.0, weight=None, size_average=None, reduce=None, reduction="mean"):
        super().__init__(weight, size_average, reduce, reduction)
        if p not in (1, 2):
            raise ValueError("only p == 1 and p == 2 supported")
        if weight is not None and weight.dim() != 1:
            raise ValueError(f"MultiMarginLoss: expected weight to be None or 1D tensor, got {weight.dim()}D instead")
        self.p = p
        self.margin = margin

    def forward(self, input, target):
        return F.multi_margin_loss(
            input, target, p=self.p, margin=self.margin, weight=self.weight, reduction=self.reduction
        )


def _check_margin(name, margin):
    if margin <= 0:
        raise ValueError(f"{name}: expected margin to be greater than 0, got {margin} instead")


class TripletMarginLoss(_Loss):
    """`max(0, d(anchor, positive) - d(anchor, negative) + margin)` with the p-norm distance d.

    Args:
        margin (float, 1), p (float, 2), eps (float, 1e-6)
        swap (bool, False): use d(positive, negative) where it is smaller.
        reduction (str, 'mean'): 'none', 'mean' or 'sum'.
    Example:
        >>> anchor, near, far = torch.zeros(1, 2), torch.tensor([[0.0, 1.0]]), torch.tensor([[1.5, 0.0]])
        >>> round(nn.TripletMarginLoss(margin=1.0)(anchor, near, far).item(), 3)
        0.5
    """

    __constants__ = ["eps", "margin", "p", "reduction", "swap"]

    def __init__(self, margin=1.0, p=2.0, eps=1e-6, swap=False, size_average=None, reduce=None, reduction="mean"):
        super().__init__(size_average, reduce, reduction)
        _check_margin("TripletMarginLoss", margin)
        self.margin = margin
        self.p = p
        self.eps = eps
        self.swap = swap

    def forward(self, anchor, positive, negative):
        return F.triplet_margin_loss(
            anchor,
            positive,
            negative,
            margin=self.margin,
            p=self.p,
            eps=self.eps,
            swap=self.swap,
            reduction=self.reduction,
        )


class TripletMarginWithDistanceLoss(_Loss):
    """TripletMarginLoss with a distance of your own.

    Args:
        distance_function (callable, PairwiseDistance()): maps two batches to a vector of distances.
        margin (float, 1)
        swap (bool, False): use the distance from positive to negative where it is smaller.
        reduction (str, 'mean'): 'none', 'mean' or 'sum'.
    Example:
        >>> def distance(x, y):
        ...     return (x - y).abs().sum(1)
        >>> anchor, near, far = torch.zeros(1, 2), torch.tensor([[0.0, 1.0]]), torch.tensor([[1.5, 0.0]])
        >>> nn.TripletMarginWithDistanceLoss(distance_function=distance)(anchor, near, far)
        tensor(0.5000)
    """

    __constants__ = ["margin", "reduction", "swap"]

    def __init__(self, *, distance_function=None, margin=1.0, swap=False, reduction="mean"):
        super().__init__(reduction=reduction)
        _check_margin("TripletMarginWithDistanceLoss", margin)
        self.distance_function = PairwiseDistance() if distance_function is None else distance_function
        self.margin = margin
        self.swap = swap

    def forward(self, anchor, positive, negative):
        return F.triplet_margin_with_distance_loss(
            anchor,
            positive,
            negative,
            distance_function=self.distance_function,
            margin=self.margin,
            swap=self.swap,
            reduction=self.reduction,
        )
