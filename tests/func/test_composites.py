"""Functions written in Python, and modules: a batch gives what its samples give, without falling back to a loop."""

import pytest

import rustorch as T
from rustorch import nn
from rustorch.func import _rules, vmap
from rustorch.nn import functional as F

B = 3


def r(*shape):
    return T.randn(B, *shape)


def classes(*shape, n=4):
    return T.randint(0, n, (B, *shape))


WEIGHT = T.tensor([1.0, 2.0, 0.5, 1.5])

# name: (function, batched arguments)
CALLS = {
    "softmax": (lambda x: F.softmax(x, -1), [r(2, 3)]),
    "log_softmax": (lambda x: F.log_softmax(x, 0), [r(2, 3)]),
    "relu": (F.relu, [r(2)]),
    "relu in place": (lambda x: F.relu(x.clone(), inplace=True), [r(2)]),
    "sigmoid": (F.sigmoid, [r(2)]),
    "silu": (F.silu, [r(2)]),
    "leaky_relu": (F.leaky_relu, [r(2)]),
    "normalize": (lambda x: F.normalize(x, dim=0), [r(3, 2)]),
    "pad": (lambda x: F.pad(x, (1, 2), value=3.0), [r(2, 3)]),
    "pad that reflects": (lambda x: F.pad(x, (1, 1, 2, 0), mode="reflect"), [r(2, 3, 4)]),
    "pad images": (lambda x: F.pad(x, (1, 1, 2, 0), mode="circular"), [r(2, 1, 3, 4)]),
    "interpolate": (lambda x: F.interpolate(x, scale_factor=2.0, mode="bilinear"), [r(1, 2, 3, 3)]),
    "interpolate nearest": (lambda x: F.interpolate(x, size=(4, 5)), [r(1, 2, 3, 3)]),
    "one_hot": (lambda x: F.one_hot(x, 4), [classes(5)]),
    "cross_entropy": (F.cross_entropy, [r(5, 4), classes(5)]),
    "cross_entropy of one": (F.cross_entropy, [r(4), classes()]),
    "cross_entropy by probabilities": (F.cross_entropy, [r(5, 4), r(5, 4).softmax(-1)]),
    "cross_entropy weighted": (lambda x, y: F.cross_entropy(x, y, WEIGHT, ignore_index=1), [r(5, 4), classes(5)]),
    "cross_entropy smoothed": (
        lambda x, y: F.cross_entropy(x, y, WEIGHT, label_smoothing=0.2),
        [r(5, 4, 2), classes(5, 2)],
    ),
    "cross_entropy with weights for each": (
        lambda x, y, w: F.cross_entropy(x, y, w.abs(), ignore_index=1),
        [r(5, 4), classes(5), r(4)],
    ),
    "nll_loss": (lambda x, y: F.nll_loss(x, y, reduction="sum"), [r(5, 4), classes(5)]),
    "nll_loss by element": (lambda x, y: F.nll_loss(x, y, reduction="none", ignore_index=2), [r(5, 4), classes(5)]),
    "mse_loss": (F.mse_loss, [r(2, 3), r(2, 3)]),
    "l1_loss": (lambda x, y: F.l1_loss(x, y, reduction="sum"), [r(2, 3), r(2, 3)]),
    "smooth_l1_loss": (F.smooth_l1_loss, [r(2, 3), r(2, 3)]),
    "kl_div": (lambda x, y: F.kl_div(x, y, reduction="batchmean", log_target=True), [r(2, 3), r(2, 3)]),
    "bce": (F.binary_cross_entropy, [r(2, 3).sigmoid(), r(2, 3).sigmoid()]),
    "bce_with_logits": (F.binary_cross_entropy_with_logits, [r(2, 3), r(2, 3).sigmoid()]),
    "cosine_similarity": (lambda x, y: F.cosine_similarity(x, y, dim=-1), [r(2, 3), r(2, 3)]),
    "layer_norm": (lambda x, w, b: F.layer_norm(x, (3,), w, b), [r(2, 3), r(3), r(3)]),
    "rms_norm": (lambda x, w: F.rms_norm(x, (3,), w), [r(2, 3), r(3)]),
    "group_norm": (lambda x, w, b: F.group_norm(x, 2, w, b), [r(2, 4, 3), r(4), r(4)]),
    "batch_norm": (lambda x, w: F.batch_norm(x, None, None, w, training=True), [r(4, 2, 3), r(2)]),
    "batch_norm that keeps": (
        lambda x, m, v: F.batch_norm(x, m, v),
        [r(4, 2, 3), r(2), r(2).exp()],
    ),
    "instance_norm": (lambda x: F.instance_norm(x), [r(2, 3, 4)]),
    "attention": (F.scaled_dot_product_attention, [r(2, 5, 4), r(2, 6, 4), r(2, 6, 4)]),
    "attention of the past": (
        lambda q, k, v: F.scaled_dot_product_attention(q, k, v, is_causal=True),
        [r(5, 4), r(5, 4), r(5, 4)],
    ),
    "attention with a mask": (
        lambda q, k, m: F.scaled_dot_product_attention(q, k, k, attn_mask=m),
        [r(2, 5, 4), r(2, 6, 4), r(2, 5, 6)],
    ),
    "conv2d": (lambda x, w, b: F.conv2d(x, w, b, padding=1), [r(2, 3, 5, 5), r(4, 3, 3, 3), r(4)]),
    "conv2d in groups": (lambda x, w: F.conv2d(x, w, groups=2, stride=2), [r(2, 4, 5, 5), r(6, 2, 3, 3)]),
    "conv1d of one": (lambda x, w: F.conv1d(x, w), [r(3, 7), r(4, 3, 3)]),
    "conv_transpose2d": (lambda x, w, b: F.conv_transpose2d(x, w, b, stride=2), [r(2, 3, 4, 4), r(3, 4, 3, 3), r(4)]),
    "max_pool2d": (lambda x: F.max_pool2d(x, 2), [r(2, 4, 4)]),
    "max_pool2d with indices": (lambda x: F.max_pool2d(x, 2, return_indices=True), [r(1, 2, 4, 4)]),
    "adaptive_avg_pool2d": (lambda x: F.adaptive_avg_pool2d(x, (2, 3)), [r(1, 2, 4, 5)]),
    "avg_pool2d": (lambda x: F.avg_pool2d(x, 2), [r(1, 2, 4, 4)]),
    "grid_sample": (lambda x, g: F.grid_sample(x, g, align_corners=False), [r(2, 1, 4, 4), r(2, 3, 3, 2).tanh()]),
    "affine_grid": (lambda t: F.affine_grid(t, (2, 1, 3, 4), align_corners=False), [r(2, 2, 3)]),
    "unfold": (lambda x: F.unfold(x, 2), [r(2, 3, 4, 4)]),
    "embedding": (lambda i, w: F.embedding(i, w, padding_idx=0), [classes(2, 3), r(4, 5)]),
    "norm": (lambda x: (x.norm(), x.norm(1, 0), T.norm(x, dim=-1, keepdim=True)), [r(2, 3)]),
    "linalg.norm": (lambda x: (T.linalg.norm(x), T.linalg.norm(x, "nuc"), T.linalg.norm(x, dim=0)), [r(2, 3)]),
    "einsum": (lambda x, y: T.einsum("bij,bjk->ik", x, y), [r(2, 3, 4), r(2, 4, 5)]),
    "einsum implicit": (lambda x, y: T.einsum("...i, ij", x, y), [r(2, 3), r(3, 4)]),
    "meshgrid": (lambda x, y: T.meshgrid(x, y, indexing="xy"), [r(2), r(3)]),
    "tensordot": (lambda x, y: T.tensordot(x, y, ([0, 1], [1, 0])), [r(2, 3, 4), r(3, 2, 5)]),
    "block_diag": (T.block_diag, [r(2, 3), r(1, 2)]),
    "cartesian_prod": (T.cartesian_prod, [r(2), r(3)]),
    "atleast_1d": (T.atleast_1d, [r()]),
    "atleast_2d": (T.atleast_2d, [r(2)]),
    "atleast_3d": (lambda x, y: T.atleast_3d(x, y), [r(2), r(2, 3)]),
    "tensor of numbers": (lambda x: T.tensor([x[0], 1.0, x[1]]), [r(2)]),
    "as_tensor": (lambda x: T.as_tensor(x, dtype=T.float64), [r(2)]),
    "new_tensor": (lambda x: x.new_tensor([1.0, 2.0]) + x, [r(2)]),
    "full of a number": (lambda x: T.full((2,), x), [r()]),
    "operators": (
        lambda x, n: (1 - x, 2 / x, x**2, 2**x, x // 2, x % 2, -x, +x, abs(x), n & 1, ~n),
        [r(2), classes(2)],
    ),
    "comparisons": (lambda x, y: (x == y, x != 0, x < y, 0 <= x, x > y, x >= y), [r(2), r(2)]),
    "in place": (lambda x, y: x.clone().mul_(2).add_(y, alpha=3).clamp_(min=0).sub_(y[0]), [r(2), r(2)]),
    "views in place": (lambda x: x.clone().unsqueeze_(0).transpose_(0, 1).squeeze_(1), [r(2)]),
    "iteration": (lambda x: sum(row * i for i, row in enumerate(x)), [r(3, 2)]),
    "shapes": (lambda x: x.reshape(x.shape[0], -1)[:, : x.size(1)] * x.dim() * len(x) * x.numel(), [r(2, 3)]),
}
# Arguments by name, of operations whose rules know them by place.
CALLS |= {
    "matmul by name": (lambda x, y: T.matmul(input=x, other=y), [r(2, 3), r(3, 2)]),
    "linear by name": (lambda x, w: F.linear(input=x, weight=w), [r(2, 3), r(4, 3)]),
    "conv2d by name": (lambda x, w: F.conv2d(x, weight=w, padding=1, groups=2), [r(2, 4, 5, 5), r(6, 2, 3, 3)]),
    "sum by name": (lambda x: T.sum(input=x, dim=1, keepdim=True), [r(2, 3)]),
    "sum by NumPy's names": (lambda x: x.sum(axis=0, keepdims=True) + T.add(x=x, x2=x), [r(2, 3)]),
    "max by name": (lambda x: tuple(T.max(input=x, dim=0)), [r(2, 3)]),
    "std by name": (lambda x: (x.std(unbiased=False), x.std(dim=0, correction=0), x.var(dim=(0, 1))), [r(2, 3)]),
    "cat by name": (lambda x, y: T.cat(tensors=(x, y), dim=-1), [r(2, 3), r(2, 1)]),
    "stack by name": (lambda x, y: T.stack(tensors=[x, y], dim=-1), [r(2, 3), r(2, 3)]),
    "where by name": (lambda x, y: T.where(condition=x > 0, input=x, other=y), [r(2, 3), r(2, 3)]),
    "gather by name": (lambda x, i: T.gather(input=x, dim=0, index=i), [r(4, 2), classes(1, 2)]),
    "scatter by name": (lambda x, i: x.scatter(dim=0, index=i, value=2.0), [r(4, 2), classes(1, 2)]),
    "index_select by name": (lambda x, i: T.index_select(input=x, dim=0, index=i), [r(4, 2), classes(3)]),
    "permute by name": (lambda x: (T.permute(input=x, dims=(1, 0)), x.transpose(dim0=0, dim1=1)), [r(2, 3)]),
    "views by name": (
        lambda x: (
            x.reshape(shape=(3, 2)),
            x.flatten(start_dim=0),
            x.unsqueeze(dim=1),
            x.narrow(dim=1, start=1, length=2),
        ),
        [r(2, 3)],
    ),
    "split by name": (lambda x: (*x.split(split_size=1, dim=1), *T.chunk(input=x, chunks=2, dim=0)), [r(2, 3)]),
    "sort by name": (
        lambda x: (*x.sort(dim=0, descending=True), *x.topk(k=2, dim=1), x.argsort(stable=True)),
        [r(2, 3)],
    ),
    "softmax by name": (lambda x: (T.softmax(input=x, dim=0), x.cumsum(dim=1), x.flip(dims=(0,))), [r(2, 3)]),
    "addmm by name": (lambda x, y: T.addmm(input=x, mat1=x, mat2=y, beta=2, alpha=3), [r(3, 3), r(3, 3)]),
    "masked_fill by name": (lambda x: x.masked_fill(mask=x > 0, value=1.0), [r(2, 3)]),
    "expand by name": (lambda x: (x.expand(size=(4, 2, 3)), x.repeat(repeats=(2, 1)), x.tile(dims=(2,))), [r(2, 3)]),
    "roll by name": (
        lambda x: (x.roll(shifts=1, dims=0), T.tril(input=x, diagonal=1), x.diagonal(dim1=1, dim2=0)),
        [r(2, 3)],
    ),
}
INDEXING = {
    "number": (lambda x: x[1], [r(3, 4)]),
    "slice": (lambda x: x[:, 1:3], [r(3, 4)]),
    "new dim": (lambda x: x[None, ..., 0], [r(3, 4)]),
    "shared indices": (lambda x: x[T.tensor([0, 2])], [r(3, 4)]),
    "shared indices behind": (lambda x: x[:, T.tensor([[0, 2]])], [r(3, 4, 2)]),
    "shared indices apart": (lambda x: x[T.tensor([0, 2]), :, T.tensor([1, 1])], [r(3, 4, 2)]),
    "shared mask": (lambda x: x[T.tensor([True, False, True])], [r(3, 4)]),
    "a list": (lambda x: x[[0, 2]], [r(3, 4)]),
    "own indices": (lambda x, i: x[i], [r(4, 2), classes(3)]),
    "own indices behind": (lambda x, i: x[:, i, None], [r(2, 4, 2), classes(3)]),
    "own indices apart": (lambda x, i: x[i, :, i], [r(4, 2, 4), classes(3)]),
    "own and shared": (lambda x, i: x[i, T.tensor([0, 1, 1])], [r(4, 2), classes(3)]),
    "own into shared": (lambda i: T.arange(8.0).reshape(2, 4)[:, i], [classes(3)]),
    "own number": (lambda x, i: x[i, 1], [r(4, 2), classes()]),
}


@pytest.mark.parametrize("name", [*CALLS, *INDEXING])
def test_batch(name):
    function, batch = {**CALLS, **INDEXING}[name]
    # Warnings are errors: an operation that runs sample by sample would say so.
    _rules._slow.clear()
    actual = vmap(function)(*batch)
    expected = [function(*[x[i] for x in batch]) for i in range(B)]
    if isinstance(actual, T.Tensor):
        T.testing.assert_close(actual, T.stack(expected))
        return
    for a, column in zip(actual, zip(*expected, strict=True), strict=True):
        T.testing.assert_close(a, T.stack(column))


WRITES = {
    "number": (lambda x, v: x.__setitem__(0, v[0]), [r(3, 2), r(2)]),
    "slice": (lambda x, v: x.__setitem__((slice(1, 3), 0), v), [r(3, 2), r(2)]),
    "one for all": (lambda x, v: x.__setitem__(slice(None), 0.0), [r(3, 2), r(2)]),
    "shared indices": (lambda x, v: x.__setitem__(T.tensor([2, 0]), v), [r(3, 2), r(2)]),
    "shared indices behind": (lambda x, v: x.__setitem__((slice(None), T.tensor([1, 0])), v), [r(3, 2), r(3, 2)]),
    "own indices": (lambda x, v, i: x.__setitem__(i, v), [r(4, 2), r(1, 2), T.tensor([[1, 2], [0, 3], [2, 1]])]),
    "own indices, one value": (lambda x, v, i: x.__setitem__((i, 0), 5.0), [r(4, 2), r(2), classes(1)]),
    "shared mask": (lambda x, v: x.__setitem__(T.tensor([True, False, True]), v[0]), [r(3, 2), r(2)]),
    "copy_": (lambda x, v: x[1].copy_(v), [r(3, 2), r(2)]),
    "augmented": (lambda x, v: x[0].add_(v), [r(3, 2), r(2)]),
    "index_add_": (lambda x, v: x.index_add_(0, T.tensor([0, 0]), v), [r(3, 2), r(2, 2)]),
    "scatter_": (lambda x, v, i: x.scatter_(0, i, v), [r(4, 2), r(1, 2), classes(1, 2)]),
    "masked_fill_": (lambda x, v: x.masked_fill_(x > 0, 2.0), [r(3, 2), r(2)]),
    "index_put_": (lambda x, v, i: x.index_put_((i,), v, accumulate=True), [r(4, 2), r(3, 2), classes(3)]),
}


@pytest.mark.parametrize("name", WRITES)
def test_write(name):
    write, batch = WRITES[name]

    def function(x, *others):
        x = x.clone()
        write(x, *others)
        return x

    expected = T.stack([function(*[x[i] for x in batch]) for i in range(B)])
    T.testing.assert_close(vmap(function)(*batch), expected)


def test_a_write_reaches_the_tensor_that_vmap_was_given():
    x = T.zeros(3, 2)
    vmap(lambda a, b: a.add_(b))(x, T.arange(6.0).reshape(3, 2))
    assert x.tolist() == [[0.0, 1.0], [2.0, 3.0], [4.0, 5.0]]


MODULES = {
    "MultiheadAttention": (nn.MultiheadAttention(4, 2, batch_first=True), lambda m, x: m(x, x, x)[0], (2, 5, 4)),
    "TransformerEncoderLayer": (nn.TransformerEncoderLayer(4, 2, 8, dropout=0.0), lambda m, x: m(x), (5, 2, 4)),
    "LSTM": (nn.LSTM(4, 3, num_layers=2), lambda m, x: m(x)[0], (5, 2, 4)),
    "GRU": (nn.GRU(4, 3, bidirectional=True), lambda m, x: m(x)[0], (5, 2, 4)),
    "convolutions": (
        nn.Sequential(
            nn.Conv2d(1, 2, 3), nn.GroupNorm(1, 2), nn.GELU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(8, 2)
        ),
        lambda m, x: m(x),
        (2, 1, 6, 6),
    ),
    "Embedding": (nn.Embedding(4, 3), lambda m, x: m(x.abs().long() % 4), (5,)),
}


@pytest.mark.parametrize("name", MODULES)
def test_module(name):
    module, call, shape = MODULES[name]
    x = r(*shape)
    actual = vmap(lambda row: call(module, row))(x)
    T.testing.assert_close(actual, T.stack([call(module, row) for row in x]))
