"""Inputs of products, decompositions, layers, losses and transforms; see op_inputs.py, which has the rest."""

from op_inputs import c, row

# Products of matrices.
row("mm matmul linalg_matmul inner", lambda m: c(m.square(), m.square()))
row("matmul", lambda m: c(m.x(8, m.n // 256, 32), m.x(32, 32)), "8 x n x 32, 32 x 32")
row("matmul mv", lambda m: c(m.square(), m.x(m.side)), "vector")
row("chain_matmul linalg_multi_dot", lambda m: c([m.square(), m.x(m.side, 32), m.x(32, m.side)]))
row("bmm", lambda m: c(m.x(m.n // 1024 + 1, 32, 32), m.x(m.n // 1024 + 1, 32, 32)), "32 x 32")
row("linear", lambda m: c(m.rows(32), m.x(64, 32), m.x(64)), "32 to 64")
row("linear", lambda m: c(m.square(), m.square(), m.x(m.side)), "square")
row("addmm", lambda m: c(m.x(m.side), m.square(), m.square()))
row("addmv", lambda m: c(m.x(m.side), m.square(), m.x(m.side)))
row("addbmm", lambda m: c(m.x(32, 32), m.x(m.n // 1024 + 1, 32, 32), m.x(m.n // 1024 + 1, 32, 32)))
row("baddbmm", lambda m: (lambda b: c(m.x(b, 32, 32), m.x(b, 32, 32), m.x(b, 32, 32)))(m.n // 1024 + 1))
row("addr", lambda m: c(m.square(), m.x(m.side), m.x(m.side)))
row("dot vdot", lambda m: c(m.x(), m.x()))
row("outer ger", lambda m: c(m.x(m.side), m.x(m.side)))
row("kron", lambda m: c(m.x(m.side // 10, m.side // 10), m.x(10, 10)))
row("tensordot", lambda m: c(m.square(), m.square(), (1,), (0,)))
row("bilinear", lambda m: c(m.rows(32), m.rows(32), m.x(16, 32, 32), m.x(16)), "32 x 32 to 16")
row("einsum", lambda m: c("ij,jk->ik", [m.square(), m.square()]), "ij,jk->ik")
row("einsum", lambda m: c("bij,bj->bi", [m.x(m.n // 1024 + 1, 32, 32), m.x(m.n // 1024 + 1, 32)]), "bij,bj->bi")
row("linalg_vecdot", lambda m: c(m.square(), m.square()))

# Decompositions and what is solved with them.
row("cholesky linalg_cholesky linalg_cholesky_ex", lambda m: c(m.spd()))
row("cholesky_inverse", lambda m: c(m.T.linalg.cholesky(m.spd())))
row("cholesky_solve", lambda m: (lambda a: c(m.x(len(a), 10), m.T.linalg.cholesky(a)))(m.spd()))
row("det linalg_det logdet slogdet linalg_slogdet inverse linalg_inv linalg_inv_ex", lambda m: c(m.spd()))
row("linalg_lu_factor linalg_lu_factor_ex _lu_with_info linalg_lu", lambda m: c(m.regular()))
row(
    "pinverse linalg_pinv linalg_cond linalg_matrix_rank linalg_svdvals", lambda m: c(m.regular(200)), "up to 200 x 200"
)
row("linalg_matrix_exp matrix_exp", lambda m: c(m.regular(300) / 10), "up to 300 x 300")
row("trace", lambda m: c(m.square()))
row("linalg_ldl_factor linalg_ldl_factor_ex", lambda m: c(m.spd()))
row(
    "linalg_ldl_solve",
    lambda m: (lambda f: c(f[0], f[1], m.x(len(f[0]), 10)))(m.T.linalg.ldl_factor(m.spd(300))),
    "up to 300 x 300",
)
row("linalg_solve linalg_solve_ex", lambda m: (lambda a: c(a, m.x(len(a), 10)))(m.regular()))
row("linalg_lstsq", lambda m: c(m.x(m.n // 10, 10), m.x(m.n // 10, 1)), "n / 10 x 10")
row("linalg_lu_solve", lambda m: (lambda f: c(*f, m.x(len(f[0]), 10)))(m.lu()))
row("lu_solve", lambda m: (lambda f: c(m.x(len(f[0]), 10), *f))(m.lu()))
row("lu_unpack", lambda m: c(*m.lu()))
row("linalg_solve_triangular", lambda m: c(m.regular().tril(), m.x(m.side, 10), upper=False))
row("triangular_solve", lambda m: c(m.x(m.side, 10), m.regular().tril(), upper=False))
row("linalg_eigvalsh linalg_eigh", lambda m: c(m.spd(200)), "up to 200 x 200")
row("linalg_eigvals linalg_eig", lambda m: c(m.regular(100)), "up to 100 x 100")
row("linalg_svd svd", lambda m: c(m.regular(200)), "up to 200 x 200")
row("linalg_qr qr geqrf", lambda m: c(m.regular(300)), "up to 300 x 300")
row("linalg_qr", lambda m: c(m.x(m.n // 10, 10)), "n / 10 x 10")
row("linalg_householder_product orgqr", lambda m: c(*m.T.geqrf(m.regular(300))), "up to 300 x 300")
row("ormqr", lambda m: (lambda f: c(*f, m.x(len(f[0]), 10)))(m.T.geqrf(m.regular(300))), "up to 300 x 300")
row("linalg_matrix_power matrix_power", lambda m: c(m.regular(300) / 10, 3), "up to 300 x 300")
row("linalg_matrix_norm linalg_norm", lambda m: c(m.square(), "fro"))
row("linalg_matrix_norm", lambda m: c(m.square(), 1), "1-norm")
row("linalg_norm", lambda m: c(m.x(), 3), "3-norm")
row("linalg_tensorinv", lambda m: (lambda a, k: c(a.reshape(k, len(a) // k, len(a))))(m.regular(300), 1), "300 x 300")
row("linalg_tensorsolve", lambda m: (lambda a: c(a, m.x(len(a))))(m.regular(300)), "up to 300 x 300")
row("cross linalg_cross", lambda m: c(m.rows(3), m.rows(3)))
row("deg2rad rad2deg isreal frexp", lambda m: c(m.x()))
row("fill_diagonal_", lambda m: c(m.square(), 1.5))
row("sum_to_size", lambda m: c(m.square(), (m.side,)))
row("norm_except_dim", lambda m: c(m.square()))
row("_weight_norm", lambda m: c(m.square(), m.x(m.side, 1)))
row("one_hot", lambda m: c(m.ints(10, m.n // 10), 10))
row("pad_sequence", lambda m: c([m.x(m.n // 20), m.x(m.n // 40)] * 10))
row("embedding_bag", lambda m: c(m.x(1000, 64), m.ints(1000, m.n // 64), m.T.arange(0, m.n // 64, 5)))
row("embedding_renorm_", lambda m: c(m.rows(64), m.ints(m.n // 64, m.n // 128), 1.0, 2.0))
row(
    """special_chebyshev_polynomial_t special_chebyshev_polynomial_u special_chebyshev_polynomial_v
    special_chebyshev_polynomial_w special_hermite_polynomial_h special_hermite_polynomial_he
    special_laguerre_polynomial_l special_legendre_polynomial_p special_shifted_chebyshev_polynomial_t
    special_shifted_chebyshev_polynomial_u special_shifted_chebyshev_polynomial_v
    special_shifted_chebyshev_polynomial_w""",
    lambda m: c(m.x(low=-0.9, high=0.9), m.ints(10).float()),
)

# Softmax and losses. Reductions: 0 none, 1 mean, 2 sum.
row("softmax log_softmax", lambda m: c(m.square(), 1))
row("softmax log_softmax", lambda m: c(m.square(), 0), "dim=0")
row("softmax", lambda m: c(m.rows(10), 1), "10 classes")
row("_softmax _log_softmax", lambda m: c(m.square(), 1, False))
row(
    "_softmax_backward_data _log_softmax_backward_data",
    lambda m: c(m.square(), m.square().softmax(1), 1, m.T.float32),
)
row("nll_loss", lambda m: c(m.rows(100), m.ints(100, m.n // 100), reduction=1))
row("nll_loss2d", lambda m: c(m.x(m.n // 1000, 10, 10, 10), m.ints(10, m.n // 1000, 10, 10), reduction=1))
row("nll_loss_nd", lambda m: c(m.x(m.n // 1000, 10, 10, 10), m.ints(10, m.n // 1000, 10, 10), reduction=1))
row("cross_entropy_loss", lambda m: c(m.rows(100), m.ints(100, m.n // 100), reduction=1))
row("cross_entropy_loss", lambda m: c(m.rows(100), m.rows(100).softmax(1), reduction=1), "probabilities")
row(
    "cross_entropy_loss",
    lambda m: c(m.rows(100), m.ints(100, m.n // 100), reduction=1, label_smoothing=0.1),
    "smoothed",
)
row("mse_loss l1_loss smooth_l1_loss huber_loss kl_div", lambda m: c(m.x(), m.p(), reduction=1))
row("mse_loss", lambda m: c(m.x(), m.p(), reduction=0), "each")
row("binary_cross_entropy", lambda m: c(m.p(), m.p(), reduction=1))
row("binary_cross_entropy_with_logits", lambda m: c(m.x(), m.p(), reduction=1))
row("soft_margin_loss", lambda m: c(m.x(), m.x().sign(), reduction=1))
row("poisson_nll_loss", lambda m: c(m.x(), m.p(), True, False, 1e-8, 1))
row("margin_ranking_loss", lambda m: c(m.x(), m.x(), m.x().sign(), 0.5, 1))
row("hinge_embedding_loss", lambda m: c(m.x(), m.x().sign(), 1.0, 1))
row("cosine_embedding_loss", lambda m: c(m.square(), m.square(), m.x(m.side).sign(), 0.2, 1))
row("triplet_margin_loss", lambda m: c(m.square(), m.square(), m.square(), reduction=1))
row("pairwise_distance cosine_similarity", lambda m: c(m.square(), m.square()))
row("multi_margin_loss", lambda m: c(m.rows(100), m.ints(100, m.n // 100), reduction=1))
row("multilabel_margin_loss", lambda m: c(m.rows(10), m.ints(10, m.n // 10, 10), reduction=1))
row("multilabel_margin_loss_forward", lambda m: c(m.rows(10), m.ints(10, m.n // 10, 10), 1))


def speech(m):
    """Log-probabilities (T, N, 20) and targets of half as many letters."""
    length = min(100, m.n // 20)
    samples = m.n // (20 * length)
    labels = m.ints(19, samples, length // 2) + 1
    return m.x(length, samples, 20).log_softmax(-1), labels, (length,) * samples, (length // 2,) * samples


row("ctc_loss", lambda m: c(*speech(m), 0, 1))
row("_ctc_loss", lambda m: c(*speech(m)))

# Norms.
row("layer_norm", lambda m: c(m.square(), (m.side,), m.x(m.side), m.x(m.side)))
row("layer_norm", lambda m: c(m.rows(64), (64,), m.x(64), m.x(64)), "64 wide")
row("native_layer_norm", lambda m: c(m.square(), (m.side,), m.x(m.side), m.x(m.side), 1e-5))
row("rms_norm", lambda m: c(m.square(), (m.side,), m.x(m.side)))
row("group_norm", lambda m: c(m.images(), 4, m.x(16), m.x(16)))
row(
    "native_group_norm",
    lambda m: (lambda x: c(x, m.x(16), m.x(16), x.shape[0], 16, x.shape[2] * x.shape[3], 4, 1e-5))(m.images()),
)
row("batch_norm", lambda m: c(m.images(), m.x(16), m.x(16), None, None, True, 0.1, 1e-5, False), "training")
row("batch_norm", lambda m: c(m.images(), m.x(16), m.x(16), m.x(16), m.p(16), False, 0.1, 1e-5, False), "evaluation")
row("batch_norm", lambda m: c(m.rows(50), m.x(50), m.x(50), None, None, True, 0.1, 1e-5, False), "rows of 50")
row("native_batch_norm", lambda m: c(m.images(), m.x(16), m.x(16), None, None, True, 0.1, 1e-5))
row("instance_norm", lambda m: c(m.images(), m.x(16), m.x(16), None, None, True, 0.1, 1e-5, False))

# Convolutions; 3 along each dim, 16 channels to 16 (volumes: 4 to 4).
row("convolution", lambda m: c(m.images(), m.x(16, 16, 3, 3), m.x(16), (1, 1), (1, 1), (1, 1), False, (0, 0), 1))
row("conv_tbc", lambda m: c(m.x(m.n // 64, 4, 16), m.x(3, 16, 16), m.x(16), 1))
row("conv1d", lambda m: c(m.lines(), m.x(16, 16, 3), m.x(16), 1, 1))
row("conv2d", lambda m: c(m.images(), m.x(16, 16, 3, 3), m.x(16), 1, 1))
row("conv2d", lambda m: c(m.images(), m.x(16, 1, 3, 3), None, 1, 1, 1, 16), "depthwise")
row("conv2d", lambda m: c(m.images(), m.x(32, 16, 1, 1)), "1 x 1")
row("conv2d", lambda m: c(m.images(3), m.x(16, 3, 7, 7), None, 2, 3), "7 x 7 of 3 channels")
row("conv3d", lambda m: c(m.volumes(), m.x(4, 4, 3, 3, 3), m.x(4), 1, 1))
row("conv_transpose1d", lambda m: c(m.lines(), m.x(16, 16, 3), m.x(16), 2, 1))
row("conv_transpose2d", lambda m: c(m.images(), m.x(16, 16, 3, 3), m.x(16), 2, 1))
row("conv_transpose3d", lambda m: c(m.volumes(), m.x(4, 4, 3, 3, 3), m.x(4), 2, 1))

# Padding and rearranging.
row("pad constant_pad_nd", lambda m: c(m.square(), (1, 2)))
row("pad", lambda m: c(m.images(), (1, 1, 1, 1), "reflect"), "reflect")
row("pad", lambda m: c(m.images(), (1, 1, 1, 1), "circular"), "circular")
row("reflection_pad1d replication_pad1d", lambda m: c(m.lines(), (1, 2)))
row("reflection_pad2d replication_pad2d", lambda m: c(m.images(), (1, 2, 1, 2)))
row("reflection_pad3d replication_pad3d", lambda m: c(m.volumes(), (1, 2, 1, 2, 1, 2)))
row("im2col", lambda m: c(m.images(), (3, 3), (1, 1), (1, 1), (1, 1)))
row(
    "col2im",
    lambda m: (lambda k: c(m.x(1, 9 * 16, k * k), (k, k), (3, 3), (1, 1), (1, 1), (1, 1)))(8 if m.n < 10_000 else 80),
)
row("pixel_shuffle", lambda m: c(m.images(), 2))
row("pixel_unshuffle", lambda m: c(m.images(), 2))
row("channel_shuffle native_channel_shuffle", lambda m: c(m.images(), 4))

# Pools.
row("avg_pool1d max_pool1d max_pool1d_with_indices", lambda m: c(m.lines(), 2))
row("avg_pool2d max_pool2d max_pool2d_with_indices", lambda m: c(m.images(), 2))
row("avg_pool2d max_pool2d_with_indices", lambda m: c(m.images(), 3, 2, 1), "3, stride 2")
row("avg_pool3d max_pool3d max_pool3d_with_indices", lambda m: c(m.volumes(), 2))
row("adaptive_avg_pool1d adaptive_max_pool1d", lambda m: c(m.lines(), 7))
row("adaptive_avg_pool2d adaptive_max_pool2d", lambda m: c(m.images(), (7, 7)))
row("adaptive_avg_pool2d", lambda m: c(m.images(), (1, 1)), "to 1 x 1")
row("adaptive_avg_pool3d adaptive_max_pool3d", lambda m: c(m.volumes(), (3, 3, 3)))


def pooled(m, x, dims):
    """(values, their places) of a max pool of 2."""
    return getattr(m.T.nn.functional, f"max_pool{dims}d")(x, 2, return_indices=True)


row("max_unpool2d", lambda m: (lambda x: c(*pooled(m, x, 2), x.shape[2:]))(m.images()))
row("max_unpool3d", lambda m: (lambda x: c(*pooled(m, x, 3), x.shape[2:], (2, 2, 2), (0, 0, 0)))(m.volumes()))
row(
    "fractional_max_pool2d",
    lambda m: (lambda x: c(x, (2, 2), (x.shape[2] // 2,) * 2, m.p(len(x), 16, 2)))(m.images()),
)
row(
    "fractional_max_pool3d",
    lambda m: (lambda x: c(x, (2, 2, 2), (x.shape[2] // 2,) * 3, m.p(len(x), 4, 3)))(m.volumes()),
)

# Resampling by 2.
row("upsample_nearest1d _upsample_nearest_exact1d", lambda m: c(m.lines(), None, (2.0,)))
row("upsample_nearest2d _upsample_nearest_exact2d", lambda m: c(m.images(), None, (2.0, 2.0)))
row("upsample_nearest3d _upsample_nearest_exact3d", lambda m: c(m.volumes(), None, (2.0, 2.0, 2.0)))
row("upsample_linear1d", lambda m: c(m.lines(), None, False, (2.0,)))
row("upsample_bilinear2d upsample_bicubic2d", lambda m: c(m.images(), None, False, (2.0, 2.0)))
row("upsample_trilinear3d", lambda m: c(m.volumes(), None, False, (2.0, 2.0, 2.0)))
row(
    "_upsample_bilinear2d_aa _upsample_bicubic2d_aa _upsample_lanczos2d_aa",
    lambda m: (lambda x: c(x, [x.shape[2] // 2] * 2, False, None))(m.images()),
)


def places(m, x, dims):
    return m.x(len(x), *x.shape[2:], dims, low=-1.1, high=1.1)


row("grid_sampler grid_sampler_2d", lambda m: (lambda x: c(x, places(m, x, 2), 0, 0, False))(m.images()))
row("grid_sampler_2d", lambda m: (lambda x: c(x, places(m, x, 2), 1, 0, False))(m.images()), "nearest")
row("grid_sampler_3d", lambda m: (lambda x: c(x, places(m, x, 3), 0, 0, False))(m.volumes()))
row("affine_grid_generator", lambda m: c(m.x(m.n // 512, 2, 3), (m.n // 512, 1, 16, 16), False))


def heads(m):
    """(N, 4, L, 32)"""
    length = 8 if m.n < 100_000 else 256
    return m.x(max(1, m.n // (4 * length * 32)), 4, length, 32)


row("scaled_dot_product_attention _scaled_dot_product_attention_math", lambda m: c(heads(m), heads(m), heads(m)))
row("scaled_dot_product_attention", lambda m: c(heads(m), heads(m), heads(m), is_causal=True), "causal")

# Transforms.
row("fft_fft fft_ifft", lambda m: c(m.z()))
row("fft_fft", lambda m: c(m.z(m.side, m.side)), "dim=1")
row("fft_fft", lambda m: c(m.z(m.side, m.side), None, 0), "dim=0")
row("fft_fft fft_rfft fft_ihfft", lambda m: c(m.x()), "real")
row("fft_irfft fft_hfft", lambda m: c(m.z(m.n // 2 + 1)))
row("fft_fftn fft_ifftn fft_fft2 fft_ifft2 fft_irfftn fft_irfft2 fft_hfftn fft_hfft2", lambda m: c(m.z(m.side, m.side)))
row("fft_rfftn fft_ihfftn fft_rfft2 fft_ihfft2", lambda m: c(m.square()))
row("fft_fftfreq fft_rfftfreq", lambda m: c(m.n))
row("fft_fftshift fft_ifftshift", lambda m: c(m.square()))
row("stft", lambda m: c(m.x(), 128, window=m.T.ones(128), return_complex=True))
row("istft", lambda m: c(m.z(65, m.n // 65), 128, window=m.T.ones(128)))
