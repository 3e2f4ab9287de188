"""Calls of public functions that are no row of the table of operations: what docs/reference/compatibility.md tries in each dtype.

By the name below `torch`; methods as `Tensor.name`, with the tensor first. Descriptions are those of tests/optable.
"""

from optable.case import S, given, index, t

POLYNOMIALS = [
    *(f"{s}chebyshev_polynomial_{k}" for s in ("", "shifted_") for k in "tuvw"),
    *("hermite_polynomial_h", "hermite_polynomial_he", "laguerre_polynomial_l", "legendre_polynomial_p"),
]
F, POSITIVE = "nn.functional", dict(low=0.1, high=0.9)
LINE, IMAGE, VOLUME = t(1, 2, 4), t(1, 2, 4, 4), t(1, 2, 4, 4, 4)
POOLED = {1: LINE, 2: IMAGE, 3: VOLUME}
LABELS = index(3, below=4)


def functional():
    """{name: call} in nn.functional."""
    calls = {
        "affine_grid": S(t(1, 2, 3), [1, 1, 2, 2], align_corners=False),
        "batch_norm": S(t(3, 2), None, None, training=True),
        "cosine_embedding_loss": S(t(2, 3), t(2, 3), given([1, -1])),
        "cross_entropy": S(t(3, 4), LABELS),
        "ctc_loss": S(t(5, 2, 3), given([[1, 2], [2, 2]], "int64"), (5, 4), (2, 1)),
        "embedding": S(LABELS, t(4, 3)),
        "embedding_bag": S(index(2, 2, below=4), t(4, 3)),
        "feature_alpha_dropout": S(IMAGE),
        "fold": S(t(1, 4, 4), (3, 3), 2),
        "gaussian_nll_loss": S(t(2, 3), t(2, 3), t(2, 3, low=0.5)),
        "glu": S(t(2, 4)),
        "grid_sample": S(IMAGE, t(1, 2, 2, 2), align_corners=False),
        "group_norm": S(IMAGE, 2),
        "grouped_mm": S(t(2, 16, 16), t(2, 16, 16)),
        "gumbel_softmax": S(t(2, 3)),
        "instance_norm": S(IMAGE),
        "interpolate": S(IMAGE, scale_factor=2),
        "layer_norm": S(t(2, 3), (3,)),
        "linear_cross_entropy": S(t(3, 5), t(4, 5), LABELS),
        "local_response_norm": S(IMAGE, 2),
        "log_softmax": S(t(2, 3), 1),
        "margin_ranking_loss": S(t(3), t(3), given([1, -1, 1])),
        "multi_head_attention_forward": S(
            *(t(3, 1, 4), t(3, 1, 4), t(3, 1, 4), 4, 2, t(12, 4), t(12), None, None, False, 0.0, t(4, 4), t(4))
        ),
        "multi_margin_loss": S(t(3, 4), LABELS),
        "multilabel_margin_loss": S(t(1, 4), given([[1, 0, -1, 2]], "int64")),
        "multilabel_soft_margin_loss": S(t(2, 3), t(2, 3, **POSITIVE)),
        "nll_loss": S(t(3, 4), LABELS),
        "normalize": S(t(2, 3)),
        "pad": S(t(2, 3), (1, 1)),
        "rms_norm": S(t(2, 3), (3,)),
        "softmax": S(t(2, 3), 1),
        "softmin": S(t(2, 3), 1),
        "threshold": S(t(2, 3), 0, 1),
        "triplet_margin_loss": S(t(2, 3), t(2, 3), t(2, 3)),
        "triplet_margin_with_distance_loss": S(t(2, 3), t(2, 3), t(2, 3)),
        "unfold": S(IMAGE, 2),
        "upsample": S(IMAGE, scale_factor=2),
        "upsample_bilinear": S(IMAGE, scale_factor=2),
        "upsample_nearest": S(IMAGE, scale_factor=2),
    }
    one = """alpha_dropout celu dropout elu hardsigmoid hardswish hardtanh leaky_relu mish relu relu6 rrelu selu sigmoid
        silu softsign tanh tanhshrink"""
    two = """binary_cross_entropy binary_cross_entropy_with_logits hinge_embedding_loss huber_loss kl_div l1_loss mse_loss
        poisson_nll_loss smooth_l1_loss soft_margin_loss"""
    calls |= {name: S(t(2, 3)) for name in one.split()}
    calls |= {name: S(t(2, 3, **POSITIVE), t(2, 3, **POSITIVE)) for name in two.split()}
    for n, x in POOLED.items():
        calls |= {f"dropout{n}d": S(x), f"lp_pool{n}d": S(x, 2.0, 2), f"adaptive_avg_pool{n}d": S(x, 2)}
        calls |= {f"{kind}max_pool{n}d{i}": S(x, 2) for kind in ("", "adaptive_") for i in ("", "_with_indices")}
        calls[f"max_unpool{n}d"] = S(t(1, 1, *[2] * n), index(1, 1, *[2] * n, below=4), 2)
        if n > 1:
            calls |= {f"fractional_max_pool{n}d{i}": S(x, 2, output_size=2) for i in ("", "_with_indices")}
    return {f"{F}.{name}": call for name, call in calls.items()}


CALLS = functional() | {
    "as_tensor": S(t(2, 3)),
    "asarray": S(t(2, 3)),
    "atleast_1d": S(t()),
    "atleast_2d": S(t()),
    "atleast_3d": S(t()),
    "block_diag": S(t(2, 3), t(2)),
    "broadcast_tensors": S(t(2, 1), t(3)),
    "cartesian_prod": S(t(2), t(3)),
    "chain_matmul": S(t(2, 3), t(3, 2)),
    "combinations": S(t(4)),
    "detach": S(t(2, 3)),
    "einsum": S("ij,jk->ik", t(2, 3), t(3, 2)),
    "gradient": S(t(4)),
    "histogram": S(t(4), 3),
    "histogramdd": S(t(4, 2), [2, 2]),
    "lu": S(t(3, 3)),
    "meshgrid": S(t(2), t(3), indexing="ij"),
    "norm": S(t(2, 3)),
    "pca_lowrank": S(t(4, 3), 2),
    "svd_lowrank": S(t(4, 3), 2),
    "tensordot": S(t(2, 3), t(3, 2), 1),
    "to_dlpack": S(t(2, 3)),
    "unravel_index": S(index(3, below=6), (2, 3)),
    "Tensor.__getitem__": S(t(2, 3), 0),
    "Tensor.__setitem__": S(t(2, 3), 0, 1),
    "Tensor.as_strided_": S(t(4), (2, 2), (2, 1)),
    "Tensor.data_ptr": S(t(2)),
    "Tensor.detach": S(t(2, 3)),
    "Tensor.histogram": S(t(4), 3),
    "Tensor.item": S(t()),
    "Tensor.lu": S(t(3, 3)),
    "Tensor.new_tensor": S(t(2), [1, 0]),
    "Tensor.norm": S(t(2, 3)),
    "Tensor.resize_": S(t(2, 3), (3, 3)),
    "Tensor.set_": S(t(2, 3), t(4)),
    "Tensor.tolist": S(t(2, 3)),
    "Tensor.type": S(t(2, 3)),
}
# The operation whose row in gpu.md speaks for a function.
MADE_OF = {
    f"{F}.affine_grid": "affine_grid_generator",
    f"{F}.cross_entropy": "cross_entropy_loss",
    f"{F}.fold": "col2im",
    f"{F}.grid_sample": "grid_sampler",
    f"{F}.unfold": "im2col",
    f"{F}.interpolate": "upsample_nearest2d",
    f"{F}.upsample": "upsample_nearest2d",
    f"{F}.upsample_nearest": "upsample_nearest2d",
    f"{F}.upsample_bilinear": "upsample_bilinear2d",
    **{f"{F}.max_pool{n}d{i}": f"max_pool{n}d_with_indices" for n in POOLED for i in ("", "_with_indices")},
    **{f"{F}.dropout{n}d": "feature_dropout" for n in POOLED},
}

MIXED = "mixes with the signed integers, where torch refuses"
SAME_FUNCTION = "gives the function or module back; nothing is compiled"
# By names below `torch`, split by spaces.
REMARKS = {
    "uint16 uint32 uint64": MIXED,
    "from_dlpack from_numpy": "warns where memory is read-only",
    "frombuffer": "memory that is not aligned to the dtype is refused",
    "use_deterministic_algorithms": "accepted; every result is deterministic",
    "set_num_threads": "changes no bit of a result",
    "compile": SAME_FUNCTION,
    "ctc_loss nn.functional.ctc_loss": "labels and lengths that do not exist are errors",
    "embedding_bag nn.functional.embedding_bag": "`scale_grad_by_freq` and `include_last_offset` do what they say; second derivative",
    "nn.functional.grid_sample": "a place that is NaN or infinite reads NaN outside of zeros",
    "logcumsumexp Tensor.logcumsumexp": "gradient in float64",
    "layer_norm nn.functional.layer_norm": "over one element: gradient 0 for the weight",
    "Tensor.add_": "halves: alpha is not rounded first",
    "Tensor.__array__": "has NumPy 2's `copy`",
    "Tensor.cuda Tensor.is_cuda": "refused, and False: there is no device `cuda`",
    " ".join(f"special.{n}" for n in POLYNOMIALS): "NaN from degree 2^24 on",
}
