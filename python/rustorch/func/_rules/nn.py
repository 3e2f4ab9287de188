"""Norms, losses and attention."""

import functools

import rustorch
from rustorch import Tensor
from rustorch.func._rules import check_written, name_of, one_by_one, rule
from rustorch.func._rules.index import indexed
from rustorch.func._rules.pointwise import rank_of
from rustorch.func._rules.reduce import shifted


@functools.cache
def _parameters(name):
    (row,) = [row for row in rustorch._C._schemas() if row["name"] == name][:1]
    return [p["name"] for p in row["params"]]


def _bound(name, args, kwargs):
    """The arguments of an operation by name."""
    first, *_ = _parameters(name)
    given = dict(zip(_parameters(name), args, strict=False)) | kwargs
    return {first if key == "input" else key: value for key, value in given.items()}


_NONE, _MEAN, _SUM = range(3)


@rule(
    "mse_loss l1_loss smooth_l1_loss huber_loss binary_cross_entropy binary_cross_entropy_with_logits kl_div "
    "soft_margin_loss poisson_nll_loss margin_ranking_loss hinge_embedding_loss"
)
def pointwise_loss(func, level, *args, **kwargs):
    given = _bound(name_of(func)[0], args, kwargs)
    reduction = given.get("reduction", _MEAN)
    rank = rank_of([v for v in given.values() if isinstance(v, Tensor)])
    ready = {k: level.aligned(v, rank) if isinstance(v, Tensor) else v for k, v in given.items()}
    first, *_ = _parameters(name_of(func)[0])
    if "target" in given and given["target"].shape == given[first].shape:
        ready |= {k: level.full(given[k]) for k in (first, "target")}
    loss = level.wrap(func(ready.pop(first), **{**ready, "reduction": _NONE}))
    return loss if reduction == _NONE else loss.mean() if reduction == _MEAN else loss.sum()


def _merged(level, x, one):
    """The batch of `x` joined to the images in it, which `one` says there is just one of."""
    return level.full(x) if one else level.full(x).flatten(0, 1)


@rule("nll_loss nll_loss2d nll_loss_nd cross_entropy_loss")
def class_loss(func, level, *args, **kwargs):
    name, _ = name_of(func)
    given = _bound(name, args, kwargs)
    x, target = given.pop("self"), given.pop("target")
    weight, reduction, ignored = given.get("weight"), given.get("reduction", _MEAN), given.get("ignore_index", -100)
    apart = weight is not None and level.has(weight)
    plain = not target.is_floating_point() and not given.get("label_smoothing", 0.0)
    if weight is not None and plain:
        # As in torch, this loss is not differentiated by the weights.
        weight = weight.detach()
    if apart and not plain:
        return one_by_one(func, level, name, False, (x, target), given)
    one = x.dim() == 1
    if apart:
        given["weight"] = None
    loss = func(_merged(level, x, one), _merged(level, target, one), **{**given, "reduction": _NONE})
    loss = level.wrap(loss if one else loss.unflatten(0, (level.size, x.shape[0])))
    if target.is_floating_point():
        return loss if reduction == _NONE else loss.sum() / (max(loss.numel(), 1) if reduction == _MEAN else 1)
    weights = target != ignored
    if weight is not None:
        weights = indexed(Tensor.__getitem__, weight, (rustorch.where(weights, target, 0),)) * weights
        loss = loss * weights if apart else loss
    return loss if reduction == _NONE else loss.sum() / (weights.sum() if reduction == _MEAN else 1)


def _differs(level, *parts):
    return any(p is not None and level.has(p) for p in parts)


def _scaled(level, x, made, weight, bias=None):
    """What a norm made of `x` without them, times the weight and plus the bias."""
    made = level.wrap(made) if level.has(x) else made
    made = made if weight is None else made * weight
    return made if bias is None else made + bias


@rule("layer_norm")
def layer_norm(func, level, x, shape, weight=None, bias=None, *args, **kwargs):
    if _differs(level, weight, bias):
        return _scaled(level, x, func(level.value(x), shape, None, None, *args, **kwargs), weight, bias)
    return level.wrap(func(x._value, shape, weight, bias, *args, **kwargs))


@rule("rms_norm")
def rms_norm(func, level, x, shape, weight=None, *args, **kwargs):
    if _differs(level, weight):
        return _scaled(level, x, func(level.value(x), shape, None, *args, **kwargs), weight)
    return level.wrap(func(x._value, shape, weight, *args, **kwargs))


@rule("group_norm")
def group_norm(func, level, x, groups, weight=None, bias=None, *args, **kwargs):
    images = x._value.flatten(0, 1) if level.has(x) else x

    def normal(*affine):
        made = func(images, groups, *affine, *args, **kwargs)
        return made.unflatten(0, (level.size, x.shape[0])) if level.has(x) else made

    if _differs(level, weight, bias):
        per_channel = (None if p is None else p.reshape(-1, *[1] * (x.dim() - 2)) for p in (weight, bias))
        return _scaled(level, x, normal(None, None), *per_channel)
    return level.wrap(normal(weight, bias))


@rule("batch_norm")
def batch_norm(func, level, x, weight, bias, mean, var, training, *args, **kwargs):
    if training:
        for statistic in (mean, var):
            if statistic is not None:
                check_written(level, "batch_norm", statistic, x)
    # The channels of all samples side by side: (n, batch * c, *)
    joined = level.full(x).transpose(0, 1).flatten(1, 2)
    parts = [p if p is None else level.full(p).flatten(0, 1) for p in (weight, bias, mean, var)]
    made = func(joined, *parts, training, *args, **kwargs)
    return level.wrap(made.unflatten(1, (level.size, x.shape[1])).transpose(0, 1))


@rule("instance_norm")
def instance_norm(func, level, x, weight, bias, mean, var, use_input_stats, *args, **kwargs):
    for statistic in (mean, var):
        if statistic is not None and use_input_stats:
            check_written(level, "instance_norm", statistic, x)
    joined = level.full(x).transpose(0, 1).flatten(1, 2)
    parts = [p if p is None else level.full(p).flatten(0, 1) for p in (weight, bias, mean, var)]
    made = func(joined, *parts, use_input_stats, *args, **kwargs)
    return level.wrap(made.unflatten(1, (level.size, x.shape[1])).transpose(0, 1))


@rule("norm_except_dim")
def norm_except_dim(func, level, v, pow=2, dim=0):
    if dim == -1:
        return v.norm(pow)
    return rustorch.linalg.vector_norm(v, pow, [d for d in range(v.dim()) if d != dim], keepdim=True)


@rule("_weight_norm")
def weight_norm(func, level, v, g, dim=0):
    return v * (g / norm_except_dim(func, level, v, 2, dim))


@rule("cosine_similarity")
def cosine_similarity(func, level, x1, x2, dim=1, eps=1e-8):
    rank = max(x1.dim(), x2.dim())
    x1, x2 = (level.aligned(x, rank) for x in (x1, x2))
    return level.wrap(func(x1, x2, shifted(dim, rank), eps))


@rule("pairwise_distance")
def pairwise_distance(func, level, x1, x2, *args, **kwargs):
    rank = max(x1.dim(), x2.dim())
    return level.wrap(func(level.aligned(x1, rank), level.aligned(x2, rank), *args, **kwargs))


@rule("scaled_dot_product_attention")
def attention(func, level, query, key, value, attn_mask=None, dropout_p=0.0, is_causal=False, **kwargs):
    if dropout_p > 0:
        return _attention_with_dropout(level, query, key, value, attn_mask, dropout_p, is_causal, **kwargs)
    rank = max(query.dim(), key.dim(), value.dim())
    query, key, value = (level.aligned(level.wrap(level.full(x)), rank) for x in (query, key, value))
    if attn_mask is not None:
        attn_mask = level.aligned(attn_mask, rank)
    return level.wrap(func(query, key, value, attn_mask, dropout_p, is_causal, **kwargs))


def _attention_with_dropout(level, query, key, value, mask, p, is_causal, scale=None, enable_gqa=False):
    if enable_gqa:
        copies = query.shape[-3] // key.shape[-3]
        key, value = (x.repeat_interleave(copies, -3) for x in (key, value))
    scores = query @ key.transpose(-2, -1) * (query.shape[-1] ** -0.5 if scale is None else scale)
    if is_causal:
        mask = rustorch.ones(scores.shape[-2:], dtype=rustorch.bool, device=scores.device).tril()
    if mask is not None:
        scores = scores.masked_fill(mask.logical_not(), -rustorch.inf) if mask.dtype == rustorch.bool else scores + mask
    from rustorch.func._rules.random import dropout

    return dropout(rustorch.dropout, level, scores.softmax(-1), p, True) @ value
