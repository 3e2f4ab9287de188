"""Losses as layers; their formulas stand at the functions of nn.functional."""

import math
import warnings

from rustorch.nn import functional as F
from rustorch.nn.modules import _loss_base, _margin_loss
from rustorch.nn.modules._loss_base import _Loss, _WeightedLoss
from rustorch.nn.modules._margin_loss import (
    CosineEmbeddingLoss,
    HingeEmbeddingLoss,
    MarginRankingLoss,
    MultiLabelMarginLoss,
    MultiLabelSoftMarginLoss,
    MultiMarginLoss,
    SoftMarginLoss,
    TripletMarginLoss,
    TripletMarginWithDistanceLoss,
)
from rustorch.nn.modules.linear import Linear

__all__ = [
    "BCELoss",
    "BCEWithLogitsLoss",
    "CTCLoss",
    "CosineEmbeddingLoss",
    "CrossEntropyLoss",
    "GaussianNLLLoss",
    "HingeEmbeddingLoss",
    "HuberLoss",
    "KLDivLoss",
    "L1Loss",
    "LinearCrossEntropyLoss",
    "MSELoss",
    "MarginRankingLoss",
    "MultiLabelMarginLoss",
    "MultiLabelSoftMarginLoss",
    "MultiMarginLoss",
    "NLLLoss",
    "NLLLoss2d",
    "PoissonNLLLoss",
    "SmoothL1Loss",
    "SoftMarginLoss",
    "TripletMarginLoss",
    "TripletMarginWithDistanceLoss",
]


class L1Loss(_Loss):
    """Mean absolute difference.

    Args:  reduction (str, 'mean'): 'none', 'mean' or 'sum'.
    Shape:  input (*), target (*), output () or (*).
    Example:
        >>> nn.L1Loss()(torch.tensor([1.0, 2.0]), torch.tensor([1.0, 4.0]))
        tensor(1.)
    """

    __constants__ = ["reduction"]

    def forward(self, input, target):
        return F.l1_loss(input, target, reduction=self.reduction)


class MSELoss(_Loss):
    """Mean squared difference.

    Args:  reduction (str, 'mean'): 'none', 'mean' or 'sum'.
    Shape:  input (*), target (*), output () or (*).
    Example:
        >>> nn.MSELoss()(torch.tensor([1.0, 2.0]), torch.tensor([1.0, 4.0]))
        tensor(2.)
        >>> nn.MSELoss(reduction="none")(torch.tensor([1.0, 2.0]), torch.tensor([1.0, 4.0]))
        tensor([0., 4.])
    """

    __constants__ = ["reduction"]

    def forward(self, input, target):
        return F.mse_loss(input, target, reduction=self.reduction)


class SmoothL1Loss(_Loss):
    """Squared below `beta`, absolute above.

    Args:
        reduction (str, 'mean'): 'none', 'mean' or 'sum'.
        beta (float, 1): where it changes.
    Example:
        >>> nn.SmoothL1Loss(beta=1.0)(torch.tensor([1.0, 2.0]), torch.tensor([1.0, 4.0]))
        tensor(0.7500)
    """

    __constants__ = ["reduction"]

    def __init__(self, size_average=None, reduce=None, reduction="mean", beta=1.0):
        super().__init__(size_average, reduce, reduction)
        self.beta = beta

    def forward(self, input, target):
        return F.smooth_l1_loss(input, target, reduction=self.reduction, beta=self.beta)


class HuberLoss(_Loss):
    """Squared up to `delta`, linear beyond.

    Args:
        reduction (str, 'mean'): 'none', 'mean' or 'sum'.
        delta (float, 1): where it changes.
    Example:
        >>> nn.HuberLoss(delta=0.5)(torch.tensor([1.0, 2.0]), torch.tensor([1.0, 4.0]))
        tensor(0.4375)
    """

    __constants__ = ["delta", "reduction"]

    def __init__(self, reduction="mean", delta=1.0):
        if not isinstance(delta, (float, int)):
            raise TypeError(f"delta must be a float or int, got: {type(delta)}")
        super().__init__(reduction=reduction)
        self.delta = delta

    def forward(self, input, target):
        return F.huber_loss(input, target, reduction=self.reduction, delta=self.delta)


class NLLLoss(_WeightedLoss):
    """Negative log likelihood of classes, from log-probabilities.

    Args:
        weight (Tensor, None): a factor for each class.
        ignore_index (int, -100): targets of this class are left out.
        reduction (str, 'mean'): 'none', 'mean' (weighted) or 'sum'.
    Shape:  input (N, C) or (N, C, d1, ...), target (N) or (N, d1, ...).
    Example:
        >>> log_probs = torch.tensor([[0.5, 0.5], [0.25, 0.75]]).log()
        >>> nn.NLLLoss()(log_probs, torch.tensor([0, 1]))
        tensor(0.4904)
    """

    __constants__ = ["ignore_index", "reduction"]

    def __init__(self, weight=None, size_average=None, ignore_index=-100, reduce=None, reduction="mean"):
        super().__init__(weight, size_average, reduce, reduction)
        self.ignore_index = ignore_index

    def forward(self, input, target):
        return F.nll_loss(input, target, weight=self.weight, ignore_index=self.ignore_index, reduction=self.reduction)


class NLLLoss2d(NLLLoss):
    """Deprecated: use NLLLoss.

    Example:
        >>> import warnings
        >>> with warnings.catch_warnings(action="ignore"):
        ...     loss = nn.NLLLoss2d()
        >>> loss(torch.zeros(1, 2, 3, 3), torch.zeros(1, 3, 3, dtype=torch.int64))
        tensor(0.)
    """

    def __init__(self, weight=None, size_average=None, ignore_index=-100, reduce=None, reduction="mean"):
        warnings.warn(
            "`NLLLoss2d` has been deprecated. Please use `NLLLoss` instead as a drop-in replacement and see "
            "https://pytorch.org/docs/main/nn.html#torch.nn.NLLLoss for more details.",
            FutureWarning,
            stacklevel=2,
        )
        super().__init__(weight, size_average, ignore_index, reduce, reduction)


class CrossEntropyLoss(_WeightedLoss):
    """Cross entropy between unnormalised scores and classes or class probabilities.

    Args:
        weight (Tensor, None): a factor for each class.
        ignore_index (int, -100): targets of this class are left out.
        reduction (str, 'mean'): 'none', 'mean' (weighted) or 'sum'.
        label_smoothing (float, 0): share of the target spread evenly over all classes, in [0, 1].
    Shape:  input (N, C) or (N, C, d1, ...), target classes (N) or (N, d1, ...), or probabilities like input.
    Raises:  RuntimeError: if shapes do not fit, or classes given as numbers are neither int64 nor uint8.
        IndexError: for a class out of range.
    Example:
        >>> loss = nn.CrossEntropyLoss()(torch.zeros(2, 4), torch.tensor([0, 3]))
        >>> round(loss.item(), 4)
        1.3863
    """

    __constants__ = ["ignore_index", "label_smoothing", "reduction"]

    def __init__(
        self,
        weight=None,
        size_average=None,
        ignore_index=-100,
        reduce=None,
        reduction="mean",
        label_smoothing=0.0,
    ):
        super().__init__(weight, size_average, reduce, reduction)
        self.ignore_index = ignore_index
        self.label_smoothing = label_smoothing

    def forward(self, input, target):
        return F.cross_entropy(
            input,
            target,
            weight=self.weight,
            ignore_index=self.ignore_index,
            reduction=self.reduction,
            label_smoothing=self.label_smoothing,
        )


class LinearCrossEntropyLoss(_WeightedLoss):
    """A Linear followed by the cross entropy of its scores.

    Args:
        in_features (int), num_classes (int)
        out_features (tuple, ()): further dimensions of the scores, each position a prediction of its own.
        bias (bool, False): whether the Linear has a bias.
        device (device, None), dtype (dtype, None): of the parameters.
        reduction, weight, ignore_index, label_smoothing: as for CrossEntropyLoss.
        options (LinearCrossEntropyOptions, None): compute the scores a part of the batch at a time.
    Shape:  input (N, in_features) or (in_features), target as for CrossEntropyLoss.
    Example:
        >>> loss = nn.LinearCrossEntropyLoss(8, 10)
        >>> loss(torch.randn(4, 8), torch.tensor([1, 2, 3, 4])).shape
        torch.Size([])
    """

    __constants__ = ["ignore_index", "label_smoothing", "num_classes", "out_features", "reduction"]

    def __init__(
        self,
        in_features,
        num_classes,
        *,
        out_features=(),
        bias=False,
        device=None,
        dtype=None,
        reduction="mean",
        weight=None,
        ignore_index=None,
        label_smoothing=0.0,
        options=None,
    ):
        if weight is not None and weight.shape != (num_classes,):
            raise RuntimeError(f"expected weight shape to be {(num_classes,)}, got {tuple(weight.shape)}")
        if label_smoothing < 0 or label_smoothing > 1.0:
            raise RuntimeError(f"expected label_smoothing to be in range [0, 1], got {label_smoothing}")
        super().__init__(weight=weight, reduction=reduction)
        self.num_classes = num_classes
        self.out_features = out_features
        self.ignore_index = ignore_index
        self.label_smoothing = label_smoothing
        rows = num_classes * math.prod(out_features)
        self.linear = Linear(in_features, rows, bias=bias, device=device, dtype=dtype)
        self.options = options

    def forward(self, input, target):
        rows = (self.num_classes, *self.out_features)
        bias = self.linear.bias
        return F.linear_cross_entropy(
            input,
            self.linear.weight.reshape(*rows, self.linear.in_features),
            target,
            linear_bias=None if bias is None else bias.reshape(rows),
            weight=self.weight,
            reduction=self.reduction,
            ignore_index=self.ignore_index,
            label_smoothing=self.label_smoothing,
            options=self.options,
        )

    def extra_repr(self):
        return (
            f"in_features={self.linear.in_features}, num_classes={self.num_classes}, "
            f"out_features={self.out_features}, bias={self.linear.bias is not None}, reduction={self.reduction}, "
            f"ignore_index={self.ignore_index}, label_smoothing={self.label_smoothing}, options={self.options}"
        )


class BCELoss(_WeightedLoss):
    """Binary cross entropy of probabilities.

    Args:
        weight (Tensor, None): a factor for each element of a batch.
        reduction (str, 'mean'): 'none', 'mean' or 'sum'.
    Shape:  input (*) in [0, 1], target (*) in [0, 1].
    Example:
        >>> nn.BCELoss()(torch.tensor([0.5, 0.25]), torch.tensor([1.0, 0.0]))
        tensor(0.4904)
    """

    __constants__ = ["reduction"]

    def forward(self, input, target):
        return F.binary_cross_entropy(input, target, weight=self.weight, reduction=self.reduction)


class BCEWithLogitsLoss(_Loss):
    """Binary cross entropy of sigmoid(x), without overflow.

    Args:
        weight (Tensor, None): a factor for each element of a batch.
        reduction (str, 'mean'): 'none', 'mean' or 'sum'.
        pos_weight (Tensor, None): a factor for positive targets of each class.
    Shape:  input (*), target (*) in [0, 1].
    Example:
        >>> nn.BCEWithLogitsLoss()(torch.tensor([0.0, 2.0]), torch.tensor([1.0, 1.0]))
        tensor(0.4100)
        >>> nn.BCEWithLogitsLoss(pos_weight=torch.tensor(3.0))(torch.tensor([0.0]), torch.tensor([1.0]))
        tensor(2.0794)
    """

    def __init__(self, weight=None, size_average=None, reduce=None, reduction="mean", pos_weight=None):
        super().__init__(size_average, reduce, reduction)
        self.register_buffer("weight", weight)
        self.register_buffer("pos_weight", pos_weight)

    def forward(self, input, target):
        return F.binary_cross_entropy_with_logits(
            input, target, self.weight, pos_weight=self.pos_weight, reduction=self.reduction
        )


class KLDivLoss(_Loss):
    """Kullback-Leibler divergence from log-probabilities to a target distribution.

    Args:
        reduction (str, 'mean'): 'none', 'batchmean' (the divergence in the strict sense), 'mean' or 'sum'.
        log_target (bool, False): the target is given as log-probabilities too.
    Example:
        >>> p, q = torch.tensor([[0.5, 0.5]]), torch.tensor([[0.25, 0.75]])
        >>> nn.KLDivLoss(reduction="batchmean")(q.log(), p)
        tensor(0.1438)
    """

    __constants__ = ["reduction"]

    def __init__(self, size_average=None, reduce=None, reduction="mean", log_target=False):
        super().__init__(size_average, reduce, reduction)
        self.log_target = log_target

    def forward(self, input, target):
        return F.kl_div(input, target, reduction=self.reduction, log_target=self.log_target)


class PoissonNLLLoss(_Loss):
    """Negative log likelihood of counts under a Poisson distribution.

    Args:
        log_input (bool, True): the input is the logarithm of the rate.
        full (bool, False): add the Stirling term.
        eps (float, 1e-8): added to the rate before the logarithm, if not log_input.
        reduction (str, 'mean'): 'none', 'mean' or 'sum'.
    Example:
        >>> nn.PoissonNLLLoss()(torch.tensor([0.0, 1.0]), torch.tensor([1.0, 2.0]))
        tensor(0.8591)
    """

    __constants__ = ["eps", "full", "log_input", "reduction"]

    def __init__(self, log_input=True, full=False, size_average=None, eps=1e-8, reduce=None, reduction="mean"):
        super().__init__(size_average, reduce, reduction)
        self.log_input = log_input
        self.full = full
        self.eps = eps

    def forward(self, log_input, target):
        return F.poisson_nll_loss(
            log_input,
            target,
            log_input=self.log_input,
            full=self.full,
            eps=self.eps,
            reduction=self.reduction,
        )


class GaussianNLLLoss(_Loss):
    """Negative log likelihood under normal distributions with given variances.

    Args:
        full (bool, False): add the constant term.
        eps (float, 1e-6): lower limit of the variances.
        reduction (str, 'mean'): 'none', 'mean' or 'sum'.
    Example:
        >>> nn.GaussianNLLLoss()(torch.tensor([0.0, 1.0]), torch.tensor([1.0, 1.0]), torch.tensor([1.0, 4.0]))
        tensor(0.5966)
    """

    __constants__ = ["eps", "full", "reduction"]

    def __init__(self, *, full=False, eps=1e-6, reduction="mean"):
        super().__init__(None, None, reduction)
        self.full = full
        self.eps = eps

    def forward(self, input, target, var):
        return F.gaussian_nll_loss(input, target, var, full=self.full, eps=self.eps, reduction=self.reduction)


class CTCLoss(_Loss):
    """Connectionist temporal classification: the likelihood of a label sequence over all alignments.

    Args:
        blank (int, 0): the class that stands for no label.
        reduction (str, 'mean'): 'none', 'mean' (of losses divided by target lengths) or 'sum'.
        zero_infinity (bool, False): use 0 for targets longer than their input.
    Shape:  log_probs (T, N, C) or (T, C), targets (N, S) or (sum of target_lengths), lengths (N) or ().
    Example:
        >>> _ = torch.manual_seed(0)
        >>> log_probs = torch.randn(6, 1, 4).log_softmax(2)
        >>> loss = nn.CTCLoss()(log_probs, torch.tensor([[1, 2, 3]]), torch.tensor([6]), torch.tensor([3]))
        >>> loss.shape, bool(loss > 0)
        (torch.Size([]), True)
    """

    __constants__ = ["blank", "reduction"]

    def __init__(self, blank=0, reduction="mean", zero_infinity=False):
        super().__init__(reduction=reduction)
        self.blank = blank
        self.zero_infinity = zero_infinity

    def forward(self, log_probs, targets, input_lengths, target_lengths):
        return F.ctc_loss(
            log_probs, targets, input_lengths, target_lengths, self.blank, self.reduction, self.zero_infinity
        )


# Pickles name the place that is public.
for _part in (_loss_base, _margin_loss):
    for _value in vars(_part).values():
        if isinstance(_value, type) and _value.__module__ == _part.__name__:
            _value.__module__ = __name__
