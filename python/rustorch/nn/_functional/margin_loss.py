"""Losses with a margin, and those for several labels."""

import rustorch
from rustorch._C import _nn
from rustorch.nn import _reduction
from rustorch.nn._functional.loss import _reduce
from rustorch.overrides import handle_torch_function, has_torch_function_variadic


def margin_ranking_loss(input1, input2, target, margin=0, size_average=None, reduce=None, reduction="mean"):
    """`max(0, -t * (x1 - x2) + margin)`, t = 1 if x1 should rank higher, else -1.

    Args:
        input1 (Tensor), input2 (Tensor), target (Tensor): of one shape, or broadcast; targets are 1 and -1.
        margin (float, 0)
        size_average, reduce: deprecated, use reduction.
        reduction (str, 'mean'): 'none', 'mean' or 'sum'.
    Example:
        >>> F.margin_ranking_loss(torch.tensor([1.0, 1.0]), torch.tensor([0.0, 2.0]), torch.tensor([1, 1]), margin=0.5)
        tensor(0.7500)
    """
    if has_torch_function_variadic(input1, input2, target):
        return handle_torch_function(
            margin_ranking_loss,
            (input1, input2, target),
            input1,
            input2,
            target,
            margin=margin,
            size_average=size_average,
            reduce=reduce,
            reduction=reduction,
        )
    number = _reduction.choose(size_average, reduce, reduction)
    if input1.dim() != input2.dim() or input1.dim() != target.dim():
        raise RuntimeError(
            "margin_ranking_loss : All input tensors should have same dimension but got sizes: "
            f"input1: {input1.size()}, input2: {input2.size()}, target: {target.size()} "
        )
    return rustorch.margin_ranking_loss(input1, input2, target, margin, number)


def hinge_embedding_loss(input, target, margin=1.0, size_average=None, reduce=None, reduction="mean"):
    """`x` where the target is 1, `max(0, margin - x)` where it is -1.

    Args:
        input (Tensor): distances.
        target (Tensor): 1 and -1.
        margin (float, 1)
        size_average, reduce: deprecated, use reduction.
        reduction (str, 'mean'): 'none', 'mean' or 'sum'.
    Example:
        >>> F.hinge_embedding_loss(torch.tensor([0.5, 0.25]), torch.tensor([1, -1]))
        tensor(0.6250)
    """
    if has_torch_function_variadic(input, target):
        return handle_torch_function(
            hinge_embedding_loss,
            (input, target),
            input,
            target,
            margin=margin,
            size_average=size_average,
            reduce=reduce,
            reduction=reduction,
        )
    number = _reduction.choose(size_average, reduce, reduction)
    return rustorch.hinge_embedding_loss(input, target, margin, number)


def multilabel_margin_loss(input, target, size_average=None, reduce=None, reduction="mean"):
    """Mean hinge `max(0, 1 - (x[t] - x[i]))` over target classes t and other classes i; targets end at the first -1.

    Args:
        input (Tensor): scores of the classes.
        target (Tensor): int64 classes.
        size_average, reduce: deprecated, use reduction.
        reduction (str, 'mean'): 'none', 'mean' or 'sum'.
    Shape:  input and target (N, C) or (C).
    Example:
        >>> F.multilabel_margin_loss(torch.tensor([[0.1, 0.2, 0.4, 0.8]]), torch.tensor([[3, 0, -1, 1]]))
        tensor(0.8500)
    """
    if has_torch_function_variadic(input, target):
        return handle_torch_function(
            multilabel_margin_loss,
            (input, target),
            input,
            target,
            size_average=size_average,
            reduce=reduce,
            reduction=reduction,
        )
    return _nn.multilabel_margin_loss(input, target, _reduction.choose(size_average, reduce, reduction))


def soft_margin_loss(input, target, size_average=None, reduce=None, reduction="mean"):
    """`log(1 + exp(-t * x))` for targets 1 and -1.

    Args:
        input (Tensor): scores.
        target (Tensor): 1 and -1.
        size_average, reduce: deprecated, use reduction.
        reduction (str, 'mean'): 'none', 'mean' or 'sum'.
    Example:
        >>> F.soft_margin_loss(torch.tensor([0.0, 2.0]), torch.tensor([1.0, -1.0]))
        tensor(1.4100)
    """
    if has_torch_function_variadic(input, target):
        return handle_torch_function(
            soft_margin_loss,
            (input, target),
            input,
            target,
            size_average=size_average,
            reduce=reduce,
            reduction=reduction,
        )
    return _nn.soft_margin_loss(input, target, _reduction.choose(size_average, reduce, reduction))


def multilabel_soft_margin_loss(input, target, weight=None, size_average=None, reduce=None, reduction="mean"):
    """Mean over the classes of the binary cross entropy between sigmoid(x) and targets 0 and 1.

    Args:
        input (Tensor): scores of the classes.
        target (Tensor): 0 and 1.
        weight (Tensor, None): of the classes (C).
        size_average, reduce: deprecated, use reduction.
        reduction (str, 'mean'): 'none', 'mean' or 'sum'.
    Shape:  input and target (N, C) or (C).
    Example:
        >>> F.multilabel_soft_margin_loss(torch.tensor([[0.0, 2.0]]), torch.tensor([[1.0, 0.0]]))
        tensor(1.4100)
    """
    if has_torch_function_variadic(input, target, weight):
        return handle_torch_function(
            multilabel_soft_margin_loss,
            (input, target, weight),
            input,
            target,
            weight=weight,
            size_average=size_average,
            reduce=reduce,
            reduction=reduction,
        )
    if size_average is not None or reduce is not None:
        reduction = _reduction.legacy_get_string(size_average, reduce)
    loss = -(target * _nn.log_sigmoid(input) + (1 - target) * _nn.log_sigmoid(-input))
    if weight is not None:
        loss = loss * weight
    # By number: a 0-d input has no dimension -1 to take the size of.
    classes = input.dim() - 1
    loss = loss.sum(dim=classes) / input.size(classes)
    return _reduce(loss, reduction, f"{reduction} is not valid")


def cosine_embedding_loss(input1, input2, target, margin=0, size_average=None, reduce=None, reduction="mean"):
    """`1 - cos(x1, x2)` where the target is 1, `max(0, cos(x1, x2) - margin)` where it is -1.

    Args:
        input1 (Tensor), input2 (Tensor): vectors.
        target (Tensor): 1 and -1.
        margin (float, 0): in [-1, 1].
        size_average, reduce: deprecated, use reduction.
        reduction (str, 'mean'): 'none', 'mean' or 'sum'.
    Shape:  inputs (N, D) or (D), target (N) or ().
    Example:
        >>> x, y = torch.tensor([[1.0, 0.0], [1.0, 0.0]]), torch.tensor([[0.0, 1.0], [1.0, 0.0]])
        >>> F.cosine_embedding_loss(x, y, torch.tensor([1, -1]), reduction="none")
        tensor([1., 1.])
    """
    if has_torch_function_variadic(input1, input2, target):
        return handle_torch_function(
            cosine_embedding_loss,
            (input1, input2, target),
            input1,
            input2,
            target,
            margin=margin,
            size_average=size_average,
            reduce=reduce,
            reduction=reduction,
        )
    number = _reduction.choose(size_average, reduce, reduction)
    return rustorch.cosine_embedding_loss(input1, input2, target, margin, number)


def multi_margin_loss(input, target, p=1, margin=1.0, weight=None, size_average=None, reduce=None, reduction="mean"):
    """Mean over the classes i of `max(0, margin - x[t] + x[i]) ** p` for target class t.

    Args:
        p (int, 1): 1 or 2.
        weight (Tensor, None): a factor for each class.
    Example:
        >>> F.multi_margin_loss(torch.tensor([[0.1, 0.2, 0.4]]), torch.tensor([2]))
        tensor(0.5000)
    """
    if has_torch_function_variadic(input, target, weight):
        return handle_torch_function(
            multi_margin_loss,
            (input, target, weight),
            input,
            target,
            p=p,
            margin=margin,
            weight=weight,
            size_average=size_average,
            reduce=reduce,
            reduction=reduction,
        )
    number = _reduction.choose(size_average, reduce, reduction)
    if p not in (1, 2):
        raise ValueError("only p == 1 and p == 2 supported")
    if weight is not None and weight.dim() != 1:
        raise ValueError("weight must be one-dimensional")
    return _nn.multi_margin_loss(input, target, p, margin, weight, number)


def triplet_margin_loss(
    anchor,
    positive,
    negative,
    margin=1.0,
    p=2,
    eps=1e-6,
    swap=False,
    size_average=None,
    reduce=None,
    reduction="mean",
):
    """`max(0, d(anchor, positive) - d(anchor, negative) + margin)` with the p-norm distance d.

    Args:  swap (bool, False): use d(positive, negative) where it is the smaller distance to the negative.
    Example:
        >>> anchor, near, far = torch.zeros(1, 2), torch.tensor([[0.0, 1.0]]), torch.tensor([[1.5, 0.0]])
        >>> round(F.triplet_margin_loss(anchor, near, far).item(), 3)
        0.5
    """
    if has_torch_function_variadic(anchor, positive, negative):
        return handle_torch_function(
            triplet_margin_loss,
            (anchor, positive, negative),
            anchor,
            positive,
            negative,
            margin=margin,
            p=p,
            eps=eps,
            swap=swap,
            size_average=size_average,
            reduce=reduce,
            reduction=reduction,
        )
    number = _reduction.choose(size_average, reduce, reduction)
    if margin <= 0:
        raise ValueError(f"margin must be greater than 0, got {margin}")
    return rustorch.triplet_margin_loss(anchor, positive, negative, margin, p, eps, swap, number)


def triplet_margin_with_distance_loss(
    anchor, positive, negative, *, distance_function=None, margin=1.0, swap=False, reduction="mean"
):
    """`triplet_margin_loss` with a distance of your own.

    Args:  distance_function (callable, pairwise_distance): maps two batches to a vector of distances.
    Example:
        >>> anchor, near, far = torch.zeros(1, 2), torch.tensor([[0.0, 1.0]]), torch.tensor([[1.5, 0.0]])
        >>> F.triplet_margin_with_distance_loss(anchor, near, far, distance_function=lambda x, y: (x - y).abs().sum(1))
        tensor(0.5000)
    """
    if has_torch_function_variadic(anchor, positive, negative):
        return handle_torch_function(
            triplet_margin_with_distance_loss,
            (anchor, positive, negative),
            anchor,
            positive,
            negative,
            distance_function=distance_function,
            margin=margin,
            swap=swap,
            reduction=reduction,
        )
    if reduction not in ("mean", "sum", "none"):
        raise ValueError(f"{reduction} is not a valid value for reduction")
    if margin <= 0:
        raise ValueError(f"margin must be greater than 0, got {margin}")
    if not anchor.ndim == positive.ndim == negative.ndim:
        raise RuntimeError(
            "The anchor, positive, and negative tensors are expected to have the same number of dimensions, but got: "
            f"anchor {anchor.ndim}D, positive {positive.ndim}D, and negative {negative.ndim}D inputs"
        )
    distance = rustorch.pairwise_distance if distance_function is None else distance_function
    to_positive = distance(anchor, positive)
    to_negative = distance(anchor, negative)
    if swap:
        to_negative = rustorch.minimum(to_negative, distance(positive, negative))
    return _reduce((margin + to_positive - to_negative).clamp_min(0), reduction, "")
