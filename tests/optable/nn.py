"""What layers and losses are made of: softmax, losses, norms, convolution, padding, pooling, resampling, attention."""

import functools

from optable.case import OpCase, S, attr, fix, given, index, mask, more_dtypes, t

INF = float("inf")


def row(name, *samples, **options):
    return OpCase(name, samples, **options)


def same(names, *samples, **options):
    return [row(name, *samples, **options) for name in names.split()]


SOFTMAX = [
    *same(
        "softmax log_softmax",
        S(t(3, 4), 0),
        S(t(3, 4), -1),
        S(t(2, 3, 2), 1),
        S(t(2, 70), 1),
        S(t(), 0),
        S(t(0, 3), 1),
        S(t(3), 0, dtype=attr("float64")),
        S(given([[INF, 1.0], [-INF, -INF]], grad=False), 1),
    ),
    *same("_softmax _log_softmax", S(t(3, 4), 0, False), S(t(3, 4), -1, False)),
    *same(
        "_softmax_backward_data _log_softmax_backward_data",
        S(fix(2, 3), fix(2, 3), 1, attr("float32")),
        S(fix(2, 3, dtype="float64"), fix(2, 3, dtype="float64"), 1, attr("float64")),
    ),
]

REDUCTIONS = (0, 1, 2)
# Where torch rounds to the half type between the steps of a function.
STEPWISE = {"float16": (5e-3, 2e-3), "bfloat16": (5e-2, 2e-2)}
BYTES = {"uint8": (0, 1)}  # torch rounds after every dim
PROB = functools.partial(t, low=0.05, high=0.95)


def pairs(name, left=t, right=t, *more, **options):
    """A loss of input and target of one shape, in every reduction."""
    return row(
        name,
        *(S(left(2, 3), right(2, 3), reduction=r) for r in REDUCTIONS),
        S(left(), right(), reduction=1),
        S(left(0, 2), right(0, 2), reduction=2),
        *more,
        **options,
    )


def classes(*shape, n=4, ignored=()):
    """Targets below n; the first of them may be ignored."""
    return index(*shape, below=n)


LOSSES = [
    row("nll_loss", *(S(t(3, 4), classes(3), reduction=r) for r in REDUCTIONS), S(t(4), classes(), reduction=1), S(t(3, 4), classes(3), t(4, low=0.1, grad=False), 1),
        S(t(3, 4), given([1, -100, 3], "int64", grad=False), reduction=1), S(t(3, 4), classes(3), reduction=1, ignore_index=2)),
    row("nll_loss2d", *(S(t(2, 3, 2, 2), classes(2, 2, 2, n=3), reduction=r) for r in REDUCTIONS)),
    row("nll_loss_nd", S(t(3, 4), classes(3), reduction=1), S(t(2, 3, 2), classes(2, 2, n=3), reduction=1), S(t(2, 3, 2, 2), classes(2, 2, 2, n=3), reduction=2)),
    row("cross_entropy_loss", *(S(t(3, 4), classes(3), reduction=r) for r in REDUCTIONS), S(t(4), classes(), reduction=1), S(t(2, 3, 2), classes(2, 2, n=3), reduction=1),
        S(t(3, 4), classes(3), t(4, low=0.1, grad=False), 1), S(t(3, 4), PROB(3, 4), reduction=1), S(t(3, 4), classes(3), reduction=1, label_smoothing=0.1),
        S(t(3, 4), given([1, -100, 3], "int64", grad=False), reduction=1, label_smoothing=0.2)),
    pairs("mse_loss"),
    pairs("l1_loss"),
    pairs("smooth_l1_loss", t, t, S(t(2, 3), t(2, 3), 1, beta=0.5)),
    pairs("huber_loss", t, t, S(t(2, 3), t(2, 3), 1, delta=0.5)),
    pairs("binary_cross_entropy", PROB, PROB, S(PROB(2, 3), PROB(2, 3), t(3, low=0.1, grad=False), 1), skip={"out": "torch does not resize there"}),
    pairs("binary_cross_entropy_with_logits", t, PROB, S(fix(2, 3, dtype="float64"), fix(2, 3, dtype="float64", low=0.1, high=0.9), fix(3, dtype="float64", low=0.1, grad=False), fix(3, dtype="float64", low=0.1, grad=False), 1)),
    pairs("kl_div", t, PROB, S(t(2, 3), t(2, 3), 1, log_target=True)),
    pairs("soft_margin_loss", t, functools.partial(t, grad=False)),
    row("poisson_nll_loss", S(fix(2, 3), PROB(2, 3, dtype="float32"), True, False, 1e-8, 1), S(PROB(2, 3, dtype="float32"), fix(2, 3, low=1.5, high=4), False, True, 1e-8, 2),
        S(fix(2, 3), PROB(2, 3, dtype="float32"), True, False, 1e-8, 0), S(fix(2, 3, dtype="float64"), PROB(2, 3, dtype="float64"), True, True, 1e-8, 1)),
    row("margin_ranking_loss", S(t(3), t(3), given([1.0, -1, 1], "float32", grad=False), 0.0, 1), S(t(3), t(3), given([1.0, -1, 1], "float32", grad=False), 0.5, 0)),
    row("hinge_embedding_loss", S(fix(3, dtype="float64"), given([1.0, -1, 1], "float32", grad=False), 1.0, 1), S(fix(3, dtype="float64"), given([1.0, -1, 1], "float32", grad=False), 0.5, 0)),
    row("cosine_embedding_loss", S(t(2, 3), t(2, 3), given([1.0, -1], "float32", grad=False), 0.0, 1), S(t(2, 3), t(2, 3), given([1.0, -1], "float32", grad=False), 0.2, 0)),
    row("triplet_margin_loss", S(t(2, 3), t(2, 3), t(2, 3), reduction=1), S(t(2, 3), t(2, 3), t(2, 3), 2.0, 1.0, swap=True, reduction=0), tol=STEPWISE),
    row("pairwise_distance", S(t(2, 3), t(2, 3)), S(t(2, 3), t(2, 3), 1.0, keepdim=True), S(t(3), t(3), 3.0)),
    row("cosine_similarity", S(t(2, 3), t(2, 3)), S(t(2, 3), t(3), 0), S(t(2, 3), t(2, 3), dim=-1)),
    row("multi_margin_loss", *(S(t(3, 4), classes(3), reduction=r) for r in REDUCTIONS), S(t(4), classes(), reduction=1), S(t(3, 4), classes(3), 2, 0.5, t(4, low=0.1, grad=False), 1)),
    row("multilabel_margin_loss", *(S(t(2, 4), given([[1, 0, -1, 2], [3, -1, 0, 0]], "int64", grad=False), reduction=r) for r in REDUCTIONS)),
    row("multilabel_margin_loss_forward", S(t(2, 4), given([[1, 0, -1, 2], [3, -1, 0, 0]], "int64", grad=False), 1),
        ref=lambda T: T.ops.aten.multilabel_margin_loss_forward),
    # The derivative is that by the logits of which the log-probabilities are the softmax.
    row("ctc_loss", S(t(5, 2, 3, rough=True), given([[1, 2], [2, 2]], "int64", grad=False), (5, 4), (2, 1), 0, 1), S(t(5, 3, rough=True), given([1, 2], "int64", grad=False), (5,), (2,), 0, 1),
        S(t(5, 2, 3, rough=True), given([1, 2, 1], "int64", grad=False, fixed=True), given([5, 4], "int64", grad=False), given([2, 1], "int64", grad=False), 0, 2),
        skip={"meta": "lengths are data", "grad": "differences show the derivative by log-probabilities", "gradgrad": "as in torch, the derivative is not differentiable"}),
    row("_ctc_loss", S(t(5, 2, 3, rough=True), given([[1, 2], [2, 2]], "int64", grad=False), (5, 4), (2, 1)), look=lambda *a: a[-1][0], skip=dict.fromkeys(("grad", "gradgrad"), "as ctc_loss")),
]  # fmt: skip

CHANNELS = functools.partial(t, low=0.3, high=2)
NORMS = [
    row("layer_norm", S(t(2, 3), (3,)), S(t(2, 3), (3,), t(3), t(3)), S(t(2, 3, 2), (3, 2), t(3, 2)), S(t(0, 3), (3,), t(3), t(3))),
    row("native_layer_norm", S(t(2, 3), (3,), t(3), t(3), 1e-5), S(t(2, 3), (3,), None, None, 1e-5)),
    row("rms_norm", S(t(2, 3), (3,)), S(t(2, 3), (3,), t(3)), S(t(2, 3, 2), (3, 2), t(3, 2), 1e-3)),
    row("group_norm", S(t(2, 4, 2), 2), S(t(2, 4, 2), 2, t(4), t(4)), S(t(2, 4), 4), tol={"float32": (1e-4, 5e-5)}),  # two values of almost no variance
    row("native_group_norm", S(t(2, 4, 2), t(4), t(4), 2, 4, 2, 2, 1e-5), S(t(2, 4, 2), None, None, 2, 4, 2, 2, 1e-5), skip={"torch's grad": "its statistics have no derivative of their own"}),
    row("batch_norm", S(t(3, 2), t(2), t(2), None, None, True, 0.1, 1e-5, False), S(t(2, 2, 3), None, None, None, None, True, 0.1, 1e-5, False),
          S(t(3, 2), t(2), t(2), t(2, grad=False), CHANNELS(2, grad=False), False, 0.1, 1e-5, False)),
    row("native_batch_norm", S(t(3, 2), t(2), t(2), None, None, True, 0.1, 1e-5), S(t(3, 2), t(2), t(2), t(2, grad=False), CHANNELS(2, grad=False), True, 0.1, 1e-5),
        look=lambda *a: a[-1][0]),  # the statistics of half types are float32
    row("instance_norm", *(S(t(2, 2, 3), t(2), t(2), None, None, True, 0.1, 1e-5, False), S(t(2, 2, 3), None, None, None, None, True, 0.1, 1e-5, False)), tol=STEPWISE),
]  # fmt: skip

CONVOLUTIONS = [
    row("convolution", S(t(1, 2, 5), t(3, 2, 3), t(3), (1,), (1,), (1,), False, (0,), 1), S(t(1, 2, 4), t(2, 1, 3), None, (2,), (1,), (1,), True, (1,), 2),
        S(t(1, 1, 4, 4), t(1, 1, 3, 3), None, (1, 1), (0, 0), (1, 1), False, (0, 0), 1)),
    row("conv_tbc", S(t(4, 2, 2), t(3, 2, 3), t(3)), S(t(4, 2, 2), t(3, 2, 3), t(3), 1), tol=STEPWISE, skip={"stride": "a turned view of conv1d"}),
    row("conv1d", S(t(1, 2, 5), t(3, 2, 3), t(3)), S(t(2, 2, 5), t(2, 1, 3), None, 2, 1, 1, 2), S(t(2, 5), t(3, 2, 3), padding="same"), S(t(1, 2, 7), t(3, 2, 3), dilation=2)),
    row("conv2d", S(t(1, 2, 4, 3), t(2, 2, 3, 2), t(2)), S(t(1, 2, 4, 4), t(2, 1, 3, 3), None, 2, 1, 1, 2), S(t(1, 4, 4), t(1, 1, 2, 2), padding="same"),
        S(t(2, 3, 9, 8), t(4, 3, 3, 3), t(4), padding=1), S(t(0, 2, 4, 4), t(2, 2, 3, 3)),
        S(t(2, 1, 2, 2), t(14, 1, 3, 3), None, 1, 1), tol={"float32": (1e-5, 5e-6)}),  # sums of 27 products in another order
    row("conv3d", S(t(1, 1, 3, 3, 3), t(1, 1, 2, 2, 2), t(1)), S(t(1, 2, 3, 3, 3), t(2, 1, 2, 2, 2), None, 2, 1, 1, 2), S(t(1, 3, 3, 3), t(1, 1, 2, 2, 2), padding="valid")),
    row("conv_transpose1d", S(t(1, 2, 4), t(2, 3, 3), t(3)), S(t(1, 2, 4), t(2, 1, 3), None, 2, 1, 1, 2)),
    row("conv_transpose2d", S(t(1, 2, 3, 3), t(2, 2, 2, 2), t(2)), S(t(1, 2, 3, 3), t(2, 1, 3, 3), None, 2, 1, 1, 2), S(t(1, 1, 3, 3), t(1, 1, 2, 2), dilation=2), tol=STEPWISE),
    row("conv_transpose3d", S(t(1, 1, 2, 2, 2), t(1, 1, 2, 2, 2), t(1)), S(t(1, 2, 2, 2, 2), t(2, 1, 2, 2, 2), None, 2, 1, 1, 2), tol=STEPWISE),
]  # fmt: skip

PADS = [
    row("pad", S(t(2, 3), (1, 2)), S(t(2, 3), (1, -1, 2, 0), "constant", 1.5), S(t(1, 2, 4), (1, 2), "reflect"), S(t(1, 2, 4), (1, 2), "replicate"), S(t(1, 2, 4), (1, 2), "circular")),
    row("constant_pad_nd", S(t(2, 3), (1, 2)), S(t(2, 3), (1, -1, 2, 0), 1.5), S(t(0, 3), (1, 1))),
    *same("reflection_pad1d replication_pad1d", S(t(2, 4), (1, 2)), S(t(1, 2, 4), (3, 0))),
    *same("reflection_pad2d replication_pad2d", S(t(1, 3, 4), (1, 2, 1, 0)), S(t(1, 2, 3, 4), (2, 1, 0, 2))),
    *same("reflection_pad3d replication_pad3d", S(t(1, 2, 2, 3), (1, 2, 1, 0, 1, 1)), S(t(1, 1, 2, 3, 2), (1, 0, 0, 2, 1, 1))),
    row("im2col", S(t(1, 2, 4, 3), (2, 2), (1, 1), (0, 0), (1, 1)), S(t(1, 4, 4), (2, 3), (1, 1), (1, 1), (2, 1))),
    row("col2im", S(t(1, 4, 6), (3, 4), (2, 2), (1, 1), (0, 0), (1, 1)), S(t(4, 6), (3, 4), (2, 2), (1, 1), (0, 0), (1, 1))),
    row("pixel_shuffle", S(t(1, 4, 2, 2), 2), S(t(4, 1, 3), 2)),
    row("pixel_unshuffle", S(t(1, 1, 4, 2), 2), S(t(1, 2, 2), 2)),
    *same("channel_shuffle native_channel_shuffle", S(t(1, 4, 2, 2), 2), S(t(2, 6, 1, 2), 3)),
]  # fmt: skip

POOLS = [
    row("avg_pool1d", S(t(1, 2, 6), 2), S(t(2, 7), 3, 2, 1, True, False)),
    row("avg_pool2d", S(t(1, 2, 4, 4), 2), S(t(2, 5, 5), (3, 2), (2, 1), 1, True, False), S(t(1, 1, 4, 4), 2, divisor_override=3)),
    row("avg_pool3d", S(t(1, 1, 2, 4, 2), 2), S(t(1, 3, 3, 3), 2, 1, 1, False, False)),
    *same("max_pool1d max_pool1d_with_indices", S(t(1, 2, 6), 2), S(t(2, 7), 3, 2, 1, 1, True), S(t(2, 7), 2, 1, 0, 2)),
    *same("max_pool2d max_pool2d_with_indices", S(t(1, 2, 4, 4), 2), S(t(2, 5, 5), (3, 2), (2, 1), 1, 1, True), S(t(1, 1, 5, 5), 2, 1, 0, 2)),
    *same("max_pool3d max_pool3d_with_indices", S(t(1, 1, 2, 4, 2), 2), S(t(1, 3, 3, 3), 2, 1, 1)),
    *same("adaptive_avg_pool1d adaptive_max_pool1d", S(t(1, 2, 5), 3), S(fix(2, 4), 1)),
    *same("adaptive_avg_pool2d adaptive_max_pool2d", S(t(1, 2, 3, 4), (2, 3)), S(fix(2, 4, 3), (1, 1))),
    *same("adaptive_avg_pool3d adaptive_max_pool3d", S(t(1, 1, 2, 3, 4), (2, 2, 3)), S(fix(1, 2, 3, 2), (1, 1, 1))),
    row("max_unpool2d", S(t(1, 1, 2, 2), given([[[[0, 3], [8, 15]]]], "int64", grad=False, fixed=True), (4, 4))),
    row("max_unpool3d", S(t(1, 1, 1, 2, 2), given([[[[[0, 3], [8, 15]]]]], "int64", grad=False, fixed=True), (1, 4, 4), (1, 2, 2), (0, 0, 0))),
    row("fractional_max_pool2d", *(S(fix(1, 2, 5, 5, dtype=d), (2, 2), (3, 3), PROB(1, 2, 2, grad=False, dtype=d)) for d in ("float32", "float64"))),
    row("fractional_max_pool3d", *(S(fix(1, 1, 4, 4, 4, dtype=d), (2, 2, 2), (2, 2, 2), PROB(1, 1, 3, grad=False, dtype=d)) for d in ("float32", "float64"))),
]  # fmt: skip

RESAMPLING = [
    *same("upsample_nearest1d _upsample_nearest_exact1d", S(t(1, 2, 3), (7,), None), S(t(1, 2, 5), None, (0.7,))),
    *same("upsample_nearest2d _upsample_nearest_exact2d", S(t(1, 2, 3, 2), (5, 3), None), S(t(1, 1, 4, 4), None, (0.7, 1.5))),
    *same("upsample_nearest3d _upsample_nearest_exact3d", S(t(1, 1, 2, 3, 2), (3, 2, 4), None), S(t(1, 1, 2, 2, 2), None, (1.5, 2.0, 1.5))),
    row("upsample_linear1d", S(t(1, 2, 3), (7,), False, None), S(t(1, 2, 5), None, True, (0.7,))),
    *same("upsample_bilinear2d upsample_bicubic2d", S(t(1, 2, 3, 2), (5, 3), False, None), S(t(1, 1, 4, 4), None, True, (0.7, 1.5)), tol=STEPWISE | BYTES),
    row("upsample_trilinear3d", S(t(1, 1, 2, 3, 2), (3, 2, 4), False, None), S(t(1, 1, 2, 2, 2), None, True, (1.5, 2.0, 1.5)), tol=STEPWISE),
    *same("_upsample_bilinear2d_aa _upsample_bicubic2d_aa _upsample_lanczos2d_aa", S(t(1, 2, 4, 3), (2, 2), False, None), S(t(1, 1, 4, 4), (6, 3), False, None), tol=BYTES),
    *same("grid_sampler grid_sampler_2d", *(S(t(1, 1, 3, 4), t(1, 2, 2, 2, low=-1.2, high=1.2), m, p, a) for m in (0, 1) for p in (0, 1, 2) for a in (True, False))),
    row("grid_sampler_3d", *(S(t(1, 1, 2, 2, 3), t(1, 1, 2, 1, 3, low=-1.2, high=1.2), m, p, False) for m in (0, 1) for p in (0, 1, 2)), tol=STEPWISE),
    row("affine_grid_generator", S(fix(1, 2, 3, dtype="float64"), (1, 1, 2, 3), False), S(fix(2, 3, 4), (2, 1, 2, 1, 2), True)),
]  # fmt: skip

ATTENTION = [
    row("scaled_dot_product_attention", S(t(1, 2, 3), t(1, 3, 3), t(1, 3, 2)), S(t(1, 3, 2), t(1, 3, 2), t(1, 3, 2), is_causal=True),
        S(t(1, 2, 3), t(1, 3, 3), t(1, 3, 2), mask(2, 3)), S(t(1, 2, 3), t(1, 3, 3), t(1, 3, 2), t(2, 3), scale=0.5),
        S(t(1, 1, 16, 2), t(1, 1, 17, 2), t(1, 1, 17, 3)), S(t(1, 1, 17, 2), t(1, 1, 17, 2), t(1, 1, 17, 2), is_causal=True)),
    row("_scaled_dot_product_attention_math", S(t(1, 2, 3), t(1, 3, 3), t(1, 3, 2)), S(t(1, 3, 2), t(1, 3, 2), t(1, 3, 2), is_causal=True)),
]  # fmt: skip

OWN = "rustorch's own contract, tested in tests/optim/test_algorithms.py"
FUSED = [
    row(name, grad=0, skip={"value": OWN})
    for name in ("_fused_sgd_", "_fused_adam_", "_fused_rmsprop_", "_fused_adagrad_")
]

RECURRENT = [
    row(name, grad=0, skip={"value": "rustorch's own contract, tested in tests/nn/test_recurrent.py"})
    for name in ("_rnn_layer", "_rnn_layer_backward")
]

CASES = more_dtypes(
    [*SOFTMAX, *LOSSES, *NORMS, *CONVOLUTIONS, *PADS, *POOLS, *RESAMPLING, *ATTENTION, *FUSED, *RECURRENT],
    """mse_loss multi_margin_loss multilabel_margin_loss multilabel_margin_loss_forward ctc_loss
    _ctc_loss convolution conv1d conv2d conv3d conv_transpose1d conv_transpose2d conv_transpose3d conv_tbc pad
    reflection_pad1d replication_pad1d reflection_pad2d replication_pad2d reflection_pad3d replication_pad3d im2col col2im
    avg_pool1d avg_pool2d avg_pool3d max_pool1d max_unpool2d max_unpool3d upsample_linear1d upsample_trilinear3d
    _upsample_bilinear2d_aa _upsample_bicubic2d_aa _upsample_lanczos2d_aa grid_sampler grid_sampler_2d grid_sampler_3d""",
)
