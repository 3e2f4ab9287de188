"""Losses."""

import math
import warnings

import rustorch
from rustorch._C import _nn
from rustorch.nn import _reduction
from rustorch.overrides import handle_torch_function, has_torch_function_variadic


def _warn_sizes(input, target):
    if target.size() != input.size():
        warnings.warn(
            f"Using a target size ({target.size()}) that is different to the input size ({input.size()}). This will "
            "likely lead to incorrect results due to broadcasting. Please ensure they have the same size.",
            stacklevel=3,
        )


def _reduce(loss, reduction, error):
    if reduction == "mean":
        return loss.mean()
    if reduction == "sum":
        return loss.sum()
    if reduction == "none":
        return loss
    raise ValueError(error)


def _weighted(errors, weight, input, reduction, divide_by_weight):
    """Reduce errors that are weighted element by element."""
    if weight.size() != input.size():
        raise ValueError("Weights and input must have the same size.")
    if reduction == "mean" and divide_by_weight:
        return (errors * weight).sum() / weight.sum()
    error = f"Invalid reduction mode: {reduction}. Expected one of 'none', 'mean', 'sum'."
    return _reduce(errors * weight, reduction, error)


def l1_loss(input, target, size_average=None, reduce=None, reduction="mean", weight=None):
    """Mean absolute difference; with `weight` the weighted mean.

    Args:
        input (Tensor), target (Tensor): of shapes that broadcast; a warning says where they differ.
        weight (Tensor, None): of the elements.
        size_average, reduce: deprecated, use reduction.
        reduction (str, 'mean'): 'none', 'mean' or 'sum'.
    Example:
        >>> F.l1_loss(torch.tensor([1.0, 2.0]), torch.tensor([1.0, 4.0]))
        tensor(1.)
    """
    if has_torch_function_variadic(input, target):
        return handle_torch_function(
            l1_loss,
            (input, target, weight),
            input,
            target,
            size_average=size_average,
            reduce=reduce,
            reduction=reduction,
        )
    _warn_sizes(input, target)
    if size_average is not None or reduce is not None:
        reduction = _reduction.legacy_get_string(size_average, reduce)
    x, y = rustorch.broadcast_tensors(input, target)
    if weight is not None:
        return _weighted((x - y).abs(), weight, input, reduction, divide_by_weight=True)
    return _nn.l1_loss(x, y, _reduction.get_enum(reduction))


def mse_loss(input, target, size_average=None, reduce=None, reduction="mean", weight=None):
    """Mean squared difference; with `weight` the weighted mean.

    Args:
        input (Tensor), target (Tensor): of shapes that broadcast; a warning says where they differ.
        weight (Tensor, None): of the elements.
        size_average, reduce: deprecated, use reduction.
        reduction (str, 'mean'): 'none', 'mean' or 'sum'.
    Example:
        >>> F.mse_loss(torch.tensor([1.0, 2.0]), torch.tensor([1.0, 4.0]))
        tensor(2.)
        >>> F.mse_loss(torch.tensor([1.0, 2.0]), torch.tensor([1.0, 4.0]), reduction="sum")
        tensor(4.)
    """
    if has_torch_function_variadic(input, target, weight):
        return handle_torch_function(
            mse_loss,
            (input, target, weight),
            input,
            target,
            size_average=size_average,
            reduce=reduce,
            reduction=reduction,
            weight=weight,
        )
    if size_average is not None or reduce is not None:
        reduction = _reduction.legacy_get_string(size_average, reduce)
    if target.size() == input.size():
        x, y = input, target
    else:
        _warn_sizes(input, target)
        x, y = rustorch.broadcast_tensors(input, target)
    if weight is not None:
        return _weighted((x - y).pow(2), weight, input, reduction, divide_by_weight=True)
    return _nn.mse_loss(x, y, _reduction.get_enum(reduction))


def smooth_l1_loss(input, target, size_average=None, reduce=None, reduction="mean", beta=1.0):
    """`0.5 * d^2 / beta` where |d| < beta, else `|d| - 0.5 * beta`, d the difference.

    Args:
        input (Tensor), target (Tensor): of shapes that broadcast; a warning says where they differ.
        beta (float, 1): where the square ends; 0 gives l1_loss.
        size_average, reduce: deprecated, use reduction.
        reduction (str, 'mean'): 'none', 'mean' or 'sum'.
    Raises:  RuntimeError: if beta is negative.
    Example:
        >>> F.smooth_l1_loss(torch.tensor([1.0, 2.0]), torch.tensor([1.0, 4.0]))
        tensor(0.7500)
    """
    if has_torch_function_variadic(input, target):
        return handle_torch_function(
            smooth_l1_loss,
            (input, target),
            input,
            target,
            size_average=size_average,
            reduce=reduce,
            reduction=reduction,
            beta=beta,
        )
    _warn_sizes(input, target)
    number = _reduction.choose(size_average, reduce, reduction)
    x, y = rustorch.broadcast_tensors(input, target)
    return _nn.l1_loss(x, y, number) if beta == 0.0 else _nn.smooth_l1_loss(x, y, number, beta)


def huber_loss(input, target, reduction="mean", delta=1.0, weight=None):
    """`0.5 * d^2` where |d| <= delta, else `delta * (|d| - 0.5 * delta)`, d the difference.

    Args:
        input (Tensor), target (Tensor): of shapes that broadcast; a warning says where they differ.
        delta (float, 1): where the square ends; above 0.
        weight (Tensor, None): of the elements.
        size_average, reduce: deprecated, use reduction.
        reduction (str, 'mean'): 'none', 'mean' or 'sum'.
    Raises:  RuntimeError: if delta is not positive.
    Example:
        >>> F.huber_loss(torch.tensor([1.0, 2.0]), torch.tensor([1.0, 4.0]), delta=0.5)
        tensor(0.4375)
    """
    if has_torch_function_variadic(input, target, weight):
        return handle_torch_function(
            huber_loss, (input, target, weight), input, target, reduction=reduction, delta=delta, weight=weight
        )
    _warn_sizes(input, target)
    x, y = rustorch.broadcast_tensors(input, target)
    if weight is None:
        return _nn.huber_loss(x, y, _reduction.get_enum(reduction), delta)
    errors = _nn.huber_loss(x, y, _reduction.get_enum("none"), delta)
    return _weighted(errors, weight, input, reduction, divide_by_weight=False)


def nll_loss(input, target, weight=None, size_average=None, ignore_index=-100, reduce=None, reduction="mean"):
    """Negative log likelihood: `-weight[t] * input[t]` for target class t, from log-probabilities.

    Args:
        input (Tensor): log-probabilities.
        target (Tensor): int64 classes.
        weight (Tensor, None): of the classes (C).
        ignore_index (int, -100): class that adds nothing.
        size_average, reduce: deprecated, use reduction.
        reduction (str, 'mean'): 'none', 'mean' or 'sum'.

    Shape:  input (N, C) or (N, C, d1, ...), target (N) or (N, d1, ...) with classes.
    Raises:  RuntimeError: if shapes do not fit, or classes are neither int64 nor uint8.
        IndexError: for a class out of range.
    Example:
        >>> log_probs = torch.tensor([[0.5, 0.5], [0.25, 0.75]]).log()
        >>> F.nll_loss(log_probs, torch.tensor([0, 1]))
        tensor(0.4904)
    """
    if has_torch_function_variadic(input, target, weight):
        return handle_torch_function(
            nll_loss,
            (input, target, weight),
            input,
            target,
            weight=weight,
            size_average=size_average,
            ignore_index=ignore_index,
            reduce=reduce,
            reduction=reduction,
        )
    number = _reduction.choose(size_average, reduce, reduction)
    return _nn.nll_loss_nd(input, target, weight, number, ignore_index)


def cross_entropy(
    input,
    target,
    weight=None,
    size_average=None,
    ignore_index=-100,
    reduce=None,
    reduction="mean",
    label_smoothing=0.0,
):
    """Cross entropy between unnormalised scores and a target distribution.

    Args:
        weight (Tensor, None): a factor for each class.
        ignore_index (int, -100): targets of this class are left out.
        label_smoothing (float, 0): share of the target spread evenly over all classes, in [0, 1].
    Shape:  input (N, C) or (N, C, d1, ...), target classes (N) or (N, d1, ...), or probabilities like input.
    Raises:  RuntimeError: if shapes do not fit, or label_smoothing is not in [0, 1].
        IndexError: for a class out of range.
    Example:
        >>> scores = torch.tensor([[2.0, 0.0], [0.0, 0.0]])
        >>> F.cross_entropy(scores, torch.tensor([0, 1]))
        tensor(0.4100)
        >>> F.cross_entropy(scores, torch.tensor([[1.0, 0.0], [0.5, 0.5]]))
        tensor(0.4100)
    """
    if has_torch_function_variadic(input, target, weight):
        return handle_torch_function(
            cross_entropy,
            (input, target, weight),
            input,
            target,
            weight=weight,
            size_average=size_average,
            ignore_index=ignore_index,
            reduce=reduce,
            reduction=reduction,
            label_smoothing=label_smoothing,
        )
    number = _reduction.choose(size_average, reduce, reduction)
    return _nn.cross_entropy_loss(input, target, weight, number, ignore_index, label_smoothing)


def linear_cross_entropy(
    input,
    linear_weight,
    target,
    *,
    linear_bias=None,
    weight=None,
    reduction="mean",
    ignore_index=None,
    label_smoothing=0.0,
    options=None,
):
    """`cross_entropy(linear(input, linear_weight, linear_bias), target)`.

    Args:
        ignore_index (int, None): targets of this class are left out; -100 if None.
        options (LinearCrossEntropyOptions, None): compute the scores a part of the batch at a time.
    Shape:  input (N, in) or (in), linear_weight (C, *, in), linear_bias (C, *), target as for cross_entropy.
    Example:
        >>> x, w = torch.ones(2, 3), torch.zeros(4, 3)
        >>> F.linear_cross_entropy(x, w, torch.tensor([0, 3]))
        tensor(1.3863)
    """
    if has_torch_function_variadic(input, linear_weight, target, linear_bias, weight):
        return handle_torch_function(
            linear_cross_entropy,
            (input, linear_weight, target, linear_bias, weight),
            input,
            linear_weight,
            target,
            linear_bias=linear_bias,
            weight=weight,
            reduction=reduction,
            ignore_index=ignore_index,
            label_smoothing=label_smoothing,
            options=options,
        )
    if input.dim() not in (1, 2):
        raise RuntimeError(f"expected input with dimensionality 1 or 2, got {input.dim()}")
    if linear_weight.dim() < 2:
        raise RuntimeError(f"expected linear_weight with dimensionality at least 2, got {linear_weight.dim()}")
    *batch, in_features = input.shape
    num_classes, *out_features, weight_features = linear_weight.shape
    if in_features != weight_features:
        raise RuntimeError(
            "expected equal input and linear_weight last dimensions (in_features), got "
            f"{in_features} and {weight_features}, respectively"
        )
    rows = (num_classes, *out_features)
    if linear_bias is not None and tuple(linear_bias.shape) != rows:
        raise RuntimeError(f"expected linear_bias shape {rows}, got {tuple(linear_bias.shape)}")
    if out_features and not batch:
        raise RuntimeError(
            f"K-dimensional loss defined by linear_weight shape {tuple(linear_weight.shape)} requires batched input, "
            f"(N, {in_features}), got unbatched input with shape {tuple(input.shape)}"
        )
    if tuple(target.shape) == (*batch, *rows) and ignore_index is not None:
        raise RuntimeError("ignore_index cannot be specified when target contains probabilities")
    ignore_index = -100 if ignore_index is None else ignore_index
    chunked = (
        reduction in ("mean", "sum", "none")
        and label_smoothing == 0.0
        and target.dtype == rustorch.int64
        and not out_features
    )
    if options is not None and not chunked:
        warnings.warn(
            "linear_cross_entropy: ``options`` ignored; chunked path needs reduction in {'mean','sum','none'}, "
            "label_smoothing == 0, target.dtype == int64, out_features == (). "
            f"Got reduction={reduction!r}, label_smoothing={label_smoothing}, target.dtype={target.dtype}, "
            f"out_features={tuple(out_features)}.",
            stacklevel=2,
        )
    if options is not None and chunked:
        from rustorch.nn.modules.linear_cross_entropy import chunked_loss

        return chunked_loss(input, linear_weight, target, linear_bias, weight, reduction, ignore_index, options)
    flat = math.prod(rows)
    logits = _nn.linear(
        input,
        linear_weight.reshape(flat, in_features),
        None if linear_bias is None else linear_bias.reshape(flat),
    ).reshape(*batch, *rows)
    return cross_entropy(
        logits,
        target,
        weight=weight,
        reduction=reduction,
        ignore_index=ignore_index,
        label_smoothing=label_smoothing,
    )


def binary_cross_entropy(input, target, weight=None, size_average=None, reduce=None, reduction="mean"):
    """`-(t * log(p) + (1 - t) * log(1 - p))` for probabilities p and targets t of the same shape.

    Args:
        input (Tensor): probabilities.
        target (Tensor): in [0, 1].
        weight (Tensor, None): of the elements; broadcast.
        size_average, reduce: deprecated, use reduction.
        reduction (str, 'mean'): 'none', 'mean' or 'sum'.
    Shape:  input and target the same.
    Raises:  ValueError: if the shapes differ.
        RuntimeError: for a probability outside of [0, 1].
    Example:
        >>> F.binary_cross_entropy(torch.tensor([0.5, 0.25]), torch.tensor([1.0, 0.0]))
        tensor(0.4904)
    """
    if has_torch_function_variadic(input, target, weight):
        return handle_torch_function(
            binary_cross_entropy,
            (input, target, weight),
            input,
            target,
            weight=weight,
            size_average=size_average,
            reduce=reduce,
            reduction=reduction,
        )
    number = _reduction.choose(size_average, reduce, reduction)
    if target.size() != input.size():
        raise ValueError(
            f"Using a target size ({target.size()}) that is different to the input size ({input.size()}) is "
            "deprecated. Please ensure they have the same size."
        )
    if weight is not None:
        weight = weight.expand(rustorch.broadcast_shapes(target.size(), weight.size()))
    return _nn.binary_cross_entropy(input, target, weight, number)


def binary_cross_entropy_with_logits(
    input, target, weight=None, size_average=None, reduce=None, reduction="mean", pos_weight=None
):
    """`binary_cross_entropy(sigmoid(input), target)` without overflow.

    Args:  pos_weight (Tensor, None): a factor for positive targets, broadcast over the classes.
    Raises:  ValueError: if the shapes of input and target differ.
    Example:
        >>> F.binary_cross_entropy_with_logits(torch.tensor([0.0, 2.0]), torch.tensor([1.0, 1.0]))
        tensor(0.4100)
    """
    if has_torch_function_variadic(input, target, weight, pos_weight):
        return handle_torch_function(
            binary_cross_entropy_with_logits,
            (input, target, weight, pos_weight),
            input,
            target,
            weight=weight,
            size_average=size_average,
            reduce=reduce,
            reduction=reduction,
            pos_weight=pos_weight,
        )
    number = _reduction.choose(size_average, reduce, reduction)
    if target.size() != input.size():
        raise ValueError(f"Target size ({target.size()}) must be the same as input size ({input.size()})")
    return rustorch.binary_cross_entropy_with_logits(input, target, weight, pos_weight, number)


def kl_div(input, target, size_average=None, reduce=None, reduction="mean", log_target=False):
    """Kullback-Leibler divergence `target * (log(target) - input)`, the input given as log-probabilities.

    Args:
        reduction (str, 'mean'): 'batchmean' divides by the batch size and is the divergence in the strict sense.
        log_target (bool, False): the target is given as log-probabilities too.
    Example:
        >>> p, q = torch.tensor([[0.5, 0.5]]), torch.tensor([[0.25, 0.75]])
        >>> F.kl_div(q.log(), p, reduction="batchmean")
        tensor(0.1438)
    """
    if has_torch_function_variadic(input, target):
        return handle_torch_function(
            kl_div,
            (input, target),
            input,
            target,
            size_average=size_average,
            reduce=reduce,
            reduction=reduction,
            log_target=log_target,
        )
    legacy = size_average is not None or reduce is not None
    if legacy:
        number = _reduction.legacy_get_enum(size_average, reduce)
    else:
        if reduction == "mean":
            warnings.warn(
                "reduction: 'mean' divides the total loss by both the batch size and the support size."
                "'batchmean' divides only by the batch size, and aligns with the KL div math definition."
                "'mean' will be changed to behave the same as 'batchmean' in the next major release.",
                stacklevel=2,
            )
        number = _reduction.get_enum("sum" if reduction == "batchmean" else reduction)
    loss = rustorch.kl_div(input, target, number, log_target=log_target)
    return loss / input.size(0) if reduction == "batchmean" and input.dim() != 0 else loss


def poisson_nll_loss(
    input, target, log_input=True, full=False, size_average=None, eps=1e-8, reduce=None, reduction="mean"
):
    """Negative log likelihood of Poisson counts: `exp(x) - t * x`, or `x - t * log(x + eps)` if not `log_input`.

    Args:  full (bool, False): add the Stirling approximation of log(t!).
    Example:
        >>> F.poisson_nll_loss(torch.tensor([0.0, 1.0]), torch.tensor([1.0, 2.0]))
        tensor(0.8591)
    """
    if has_torch_function_variadic(input, target):
        return handle_torch_function(
            poisson_nll_loss,
            (input, target),
            input,
            target,
            log_input=log_input,
            full=full,
            size_average=size_average,
            eps=eps,
            reduce=reduce,
            reduction=reduction,
        )
    if size_average is not None or reduce is not None:
        reduction = _reduction.legacy_get_string(size_average, reduce)
    if reduction not in ("none", "mean", "sum"):
        raise ValueError(f"{reduction} is not a valid value for reduction")
    return rustorch.poisson_nll_loss(input, target, log_input, full, eps, _reduction.get_enum(reduction))


def gaussian_nll_loss(input, target, var, full=False, eps=1e-6, reduction="mean"):
    """Negative log likelihood of a normal distribution: `0.5 * (log(var) + (x - t)^2 / var)`.

    Args:
        var (Tensor or float): variances, of the input's shape, without its last dimension, or with one dimension 1.
        full (bool, False): add 0.5 * log(2 pi).
        eps (float, 1e-6): lower limit of var.
    Example:
        >>> F.gaussian_nll_loss(torch.tensor([0.0, 1.0]), torch.tensor([1.0, 1.0]), torch.tensor([1.0, 4.0]))
        tensor(0.5966)
    """
    if has_torch_function_variadic(input, target, var):
        return handle_torch_function(
            gaussian_nll_loss, (input, target, var), input, target, var, full=full, eps=eps, reduction=reduction
        )
    if isinstance(var, float):
        if var < 0:
            raise ValueError("var has negative entry/entries")
        var = var * rustorch.ones_like(input)
    elif (var < 0).any():
        raise ValueError("var has negative entry/entries")
    if var.size() != input.size():
        if input.size()[:-1] == var.size():
            var = var.unsqueeze(-1)
        elif input.ndim != var.ndim or sum(v for n, v in zip(input.size(), var.size()) if n != v) != 1:
            raise ValueError("var is of incorrect size")
    if reduction not in ("none", "mean", "sum"):
        raise ValueError(f"{reduction} is not valid")
    var = var.clone()
    with rustorch.no_grad():
        var.clamp_(min=eps)
    loss = 0.5 * (var.log() + (input - target) ** 2 / var)
    if full:
        loss += 0.5 * math.log(2 * math.pi)
    return _reduce(loss, reduction, "")


def ctc_loss(log_probs, targets, input_lengths, target_lengths, blank=0, reduction="mean", zero_infinity=False):
    """Connectionist temporal classification loss.

    Args:
        blank (int, 0): the class that stands for no label.
        zero_infinity (bool, False): use 0 for targets longer than their input.
    Shape:  log_probs (T, N, C) or (T, C), targets (N, S) or (sum of target_lengths), lengths (N) or ().
    Example:
        >>> _ = torch.manual_seed(0)
        >>> log_probs = torch.randn(6, 1, 4).log_softmax(2)
        >>> F.ctc_loss(log_probs, torch.tensor([[1, 2, 3]]), torch.tensor([6]), torch.tensor([3])).shape
        torch.Size([])
    """
    if has_torch_function_variadic(log_probs, targets, input_lengths, target_lengths):
        return handle_torch_function(
            ctc_loss,
            (log_probs, targets, input_lengths, target_lengths),
            log_probs,
            targets,
            input_lengths,
            target_lengths,
            blank=blank,
            reduction=reduction,
            zero_infinity=zero_infinity,
        )
    number = _reduction.get_enum(reduction)
    return rustorch.ctc_loss(log_probs, targets, input_lengths, target_lengths, blank, number, zero_infinity)
