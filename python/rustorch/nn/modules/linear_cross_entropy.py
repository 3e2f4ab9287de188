"""Cross entropy of the scores of a linear layer, a part of the batch at a time."""

import rustorch
from rustorch._C import _nn
from rustorch.autograd import Function

__all__ = []


class _ChunkedNLL(Function):
    """`-weight[t] * log_softmax(x @ w.T + b)[t]` for every row; the scores are computed again in the backward pass."""

    @staticmethod
    def forward(ctx, input, linear_weight, linear_bias, factors, target, chunk, acc_dtype):
        ctx.save_for_backward(input, linear_weight, linear_bias, factors, target)
        ctx.chunk, ctx.acc_dtype = chunk, acc_dtype
        losses = [
            -scores.log_softmax(-1).gather(1, t.unsqueeze(1)).squeeze(1) * f
            for scores, _, t, f in _chunks(ctx, input, linear_weight, linear_bias, factors, target)
        ]
        return rustorch.cat(losses)

    @staticmethod
    def backward(ctx, grad):
        input, linear_weight, linear_bias, factors, target = ctx.saved_tensors
        acc = ctx.acc_dtype
        weight = linear_weight.to(acc)
        need_input, need_weight, need_bias = ctx.needs_input_grad[:3]
        grad_input = []
        grad_weight = rustorch.zeros_like(weight) if need_weight else None
        grad_bias = rustorch.zeros_like(linear_bias, dtype=acc) if need_bias else None
        start = 0
        for scores, x, t, f in _chunks(ctx, input, linear_weight, linear_bias, factors, target):
            # d loss / d scores = (softmax - one_hot(t)) * f * grad
            d = scores.softmax(-1)
            rows = f * grad[start : start + len(t)].to(acc)
            start += len(t)
            d.scatter_add_(1, t.unsqueeze(1), rustorch.full_like(rows, -1.0).unsqueeze(1))
            d = d * rows.unsqueeze(1)
            if need_input:
                grad_input.append((d @ weight).to(input.dtype))
            if need_weight:
                grad_weight += d.t() @ x
            if need_bias:
                grad_bias += d.sum(0)
        return (
            rustorch.cat(grad_input) if need_input else None,
            grad_weight.to(linear_weight.dtype) if need_weight else None,
            grad_bias.to(linear_bias.dtype) if need_bias else None,
            None,
            None,
            None,
            None,
        )


def _chunks(ctx, input, linear_weight, linear_bias, factors, target):
    """(scores, input, target, factors) of one part of the batch after the other, in the dtype of the sums."""
    acc = ctx.acc_dtype
    weight = linear_weight.to(acc)
    bias = None if linear_bias is None else linear_bias.to(acc)
    for start in range(0, input.size(0), ctx.chunk):
        part = slice(start, start + ctx.chunk)
        x = input[part].to(acc)
        yield _nn.linear(x, weight, bias), x, target[part], factors[part]


def chunked_loss(input, linear_weight, target, linear_bias, weight, reduction, ignore_index, options):
    """The loss of `linear_cross_entropy` for class targets, without label smoothing."""
    is_batched = input.dim() == 2
    if not is_batched:
        input, target = input.unsqueeze(0), target.unsqueeze(0)
    acc = options._sum_dtype(input.dtype)
    chunk = options._chunk_size(input.size(0), input.size(1), linear_weight.size(0), input.dtype)
    ignored = target == ignore_index
    target = target.masked_fill(ignored, 0)
    factors = rustorch.ones_like(target, dtype=acc) if weight is None else weight.to(acc).index_select(0, target)
    factors = factors.masked_fill(ignored, 0)
    losses = _ChunkedNLL.apply(input, linear_weight, linear_bias, factors, target, chunk, acc)
    if reduction == "none":
        return (losses if is_batched else losses.squeeze(0)).to(input.dtype)
    loss = losses.sum()
    return (loss / factors.sum() if reduction == "mean" else loss).to(input.dtype)
