"""Inputs of one thousand or one million elements for every operation of the table: what every_op.py times.

A row is the names of operations and a function from `Inputs` to a call's arguments. An operation may have several rows,
told apart by a label: a reduction of everything and along each dim. Element by element operations are not listed; they
get the numbers that the first sample of their row in tests/optable asks for, at full size.
"""

import math

# Operations without a call that both libraries know.
NO_CALL = {
    **dict.fromkeys(
        ("_fused_sgd_", "_fused_adam_", "_fused_rmsprop_", "_fused_adagrad_", "_rnn_layer", "_rnn_layer_backward"),
        "a contract of rustorch alone; side_by_side.py times optimiser steps and recurrent layers",
    ),
    "_fft_c2c": "timed as fft_fft",
    "_fft_r2c": "timed as fft_rfft",
    "_fft_c2r": "timed as fft_irfft",
}


class Inputs:
    """Makes equal tensors in either library T; n is the wanted number of elements, side that of rows of a square."""

    def __init__(self, T, n):
        T.manual_seed(0)
        self.T, self.n, self.side = T, n, math.isqrt(n)

    def x(self, *shape, low=-2.5, high=2.5):
        """float32 in [low, high); by default n of them in one dim."""
        return self.T.rand(shape or (self.n,)) * (high - low) + low

    def p(self, *shape):
        """float32 in [0.1, 0.9)."""
        return self.x(*shape, low=0.1, high=0.9)

    def square(self, **options):
        return self.x(self.side, self.side, **options)

    def rows(self, width, **options):
        """A matrix of n elements in rows of a width."""
        return self.x(self.n // width, width, **options)

    def ints(self, below, *shape):
        return self.T.randint(0, below, shape or (self.n,))

    def mask(self, *shape):
        return self.x(*shape) > 0

    def z(self, *shape):
        """complex64, by default n of them."""
        return self.T.complex(self.x(*shape), self.x(*shape))

    def capped(self, most):
        return min(self.side, most)

    def regular(self, most=1000):
        """A well-conditioned square matrix of at most so many rows."""
        k = self.capped(most)
        return self.x(k, k, low=-0.5, high=0.5) + self.T.eye(k) * math.sqrt(k)

    def spd(self, most=1000):
        """A symmetric positive definite matrix of at most so many rows."""
        a = self.regular(most)
        return a @ a.t() / len(a) + self.T.eye(len(a))

    def lu(self, most=1000):
        """(factor, pivots) of a regular matrix."""
        return self.T.linalg.lu_factor(self.regular(most))

    def images(self, channels=16):
        """(N, channels, H, W) with about n elements; square images, 4 of them or more when n is large."""
        size = 8 if self.n < 100_000 else 64
        return self.x(max(1, self.n // (channels * size * size)), channels, size, size)

    def volumes(self, channels=4):
        size = 6 if self.n < 100_000 else 32
        return self.x(max(1, self.n // (channels * size**3)), channels, size, size, size)

    def lines(self, channels=16):
        """(N, channels, L) with about n elements."""
        length = 32 if self.n < 100_000 else 1024
        return self.x(max(1, self.n // (channels * length)), channels, length)


def c(*args, **kwargs):
    return args, kwargs


ROWS = []


def row(names, build, label=""):
    ROWS.extend((name, label, build) for name in names.split())


def over_dims(names, build, all_of_it=True):
    """A row for the whole matrix, if that has a meaning, and one for each dim."""
    if all_of_it:
        row(names, lambda m: c(build(m)), "all")
    row(names, lambda m: c(build(m), 0), "dim=0")
    row(names, lambda m: c(build(m), 1), "dim=1")


square = Inputs.square
# Element by element, where the sample does not say all.
row("bitwise_not", lambda m: c(m.ints(1000)))
row("bitwise_and bitwise_or bitwise_xor gcd lcm", lambda m: c(m.ints(1000), m.ints(1000)))
row("bitwise_left_shift bitwise_right_shift", lambda m: c(m.ints(1000), m.ints(8)))
row("logical_and logical_or logical_xor", lambda m: c(m.mask(), m.mask()))
row("conj conj_physical resolve_conj resolve_neg angle", lambda m: c(m.z()), "complex")
row("angle", lambda m: c(m.x()))
row("mvlgamma", lambda m: c(m.x(low=3, high=6), 2))
row("polygamma", lambda m: c(1, m.x(low=0.5, high=4)))
row("special_airy_ai", lambda m: c(m.x()))
row("_standard_gamma_grad", lambda m: c(m.x(low=0.5, high=4), m.x(low=0.5, high=4)))
row(
    "_dirichlet_grad",
    lambda m: c(m.x(low=0.1, high=0.9), m.x(low=0.5, high=4), m.x(low=5, high=9)),
)
row("glu", lambda m: c(m.rows(100)))
row("prelu", lambda m: c(m.images(), m.x(16)))
row("rrelu", lambda m: c(m.x()))
row("rrelu", lambda m: c(m.x(), 0.1, 0.3, True), "training")
row("allclose equal", lambda m: (lambda x: c(x, x.clone()))(m.x()))
row("where", lambda m: c(m.mask(), m.x(), m.x()))
row("masked_fill", lambda m: c(m.x(), m.mask(), 1.5))
row("clamp", lambda m: c(m.x(), -1, 1), "numbers")
row("add mul sub div maximum", lambda m: c(m.square(), m.x(m.side)), "row")
row("add mul sub div", lambda m: c(m.square(), m.x(m.side, 1)), "column")
row("add mul div pow eq lt", lambda m: c(m.x(low=0.5), 1.5), "number")
row("add mul", lambda m: c(m.square(), m.square().t()), "transposed")
row("add mul floor_divide remainder eq lt", lambda m: c(m.ints(1000), m.ints(1000) + 1), "int64")
row("pow", lambda m: c(m.x(), 2), "square")
row("threshold", lambda m: c(m.x(), 0.5, 7))

# Reductions.
over_dims("sum nansum mean nanmean prod var std var_mean std_mean argmax argmin max min amax amin", square)
over_dims("any", lambda m: m.square() > 3)
over_dims("all", lambda m: m.square() < 3)
over_dims("count_nonzero", lambda m: m.mask(m.side, m.side))
row("sum", lambda m: c(m.ints(1000)), "int64")
row("hash_tensor", lambda m: c(m.x()), "all")
row("aminmax", lambda m: c(m.square()), "all")
row("aminmax", lambda m: c(m.square(), dim=0), "dim=0")
row("aminmax", lambda m: c(m.square(), dim=1), "dim=1")
over_dims("logsumexp", square, all_of_it=False)
row("cov corrcoef", lambda m: c(m.x(10, m.n // 10)))
row("linalg_vector_norm", lambda m: c(m.square()), "all")
row("linalg_vector_norm", lambda m: c(m.square(), 2, 0), "dim=0")
row("linalg_vector_norm", lambda m: c(m.square(), 2, 1), "dim=1")
row("linalg_vector_norm", lambda m: c(m.square(), 1), "1-norm")
row("renorm", lambda m: c(m.square(), 2, 0, 1.5))
row("dist", lambda m: c(m.x(), m.x()))
row("cdist", lambda m: c(m.x(m.side, 32), m.x(m.side, 32)), "side x 32")
row("cdist", lambda m: c(m.x(m.side, 32), m.x(m.side, 32), 1.0), "side x 32, p=1")
row("pdist", lambda m: c(m.x(m.side, 32)), "side x 32")
over_dims("cumsum cumprod logcumsumexp cummax cummin", square, all_of_it=False)
row("diff trapezoid trapz cumulative_trapezoid", lambda m: c(m.square()))
row("sort argsort msort", lambda m: c(m.x()))
row("sort argsort", lambda m: c(m.square(), 1), "dim=1")
row("sort", lambda m: c(m.square(), 0), "dim=0")
row("sort", lambda m: c(m.ints(1000)), "int64")
row("topk", lambda m: c(m.x(), 10), "10")
row("topk", lambda m: c(m.square(), 10), "10, dim=1")
row("kthvalue", lambda m: c(m.x(), m.n // 3))
row("kthvalue", lambda m: c(m.square(), m.side // 3), "dim=1")
row("median nanmedian", lambda m: c(m.x()))
row("median nanmedian", lambda m: c(m.square(), 1), "dim=1")
row("mode", lambda m: c(m.ints(100, m.side, m.side)))
row("quantile nanquantile", lambda m: c(m.x(), 0.3))
row("quantile", lambda m: c(m.square(), 0.3, 1), "dim=1")
row("unique", lambda m: c(m.ints(m.n // 10)))
row("unique", lambda m: c(m.ints(m.n // 10), True, True, True), "inverse, counts")
row("unique", lambda m: c(m.ints(3, m.n // 4, 4), dim=0), "dim=0")
row("unique_consecutive", lambda m: c(m.ints(3)))
row("_unique2", lambda m: c(m.ints(m.n // 10)))
row("unique_dim", lambda m: c(m.ints(3, m.n // 4, 4), 0))
row("searchsorted", lambda m: c(m.x(1000).sort()[0], m.x()))
row("bucketize", lambda m: c(m.x(), m.x(1000).sort()[0]))
row("bincount", lambda m: c(m.ints(1000)))
row("histc", lambda m: c(m.x(), 100, -2, 2))
row("nonzero argwhere", lambda m: c(m.mask(m.side, m.side)))
row("nonzero_static", lambda m: c(m.mask(m.side, m.side), size=m.n // 2))
row("isin", lambda m: c(m.ints(1000), m.ints(2000, 100)))

# Views and their copies.
row("as_strided as_strided_copy", lambda m: c(m.x(), (m.n // 4, 2), (2, 1), 1))
row("view reshape view_copy", lambda m: c(m.x(), (m.n // 10, 10)))
row("reshape", lambda m: c(m.square().t(), (-1,)), "transposed")
row("expand expand_copy broadcast_to", lambda m: c(m.x(m.side, 1), (m.side, m.side)))
row("permute permute_copy", lambda m: c(m.x(m.n // 100, 10, 10), (2, 0, 1)))
row("transpose swapaxes swapdims transpose_copy", lambda m: c(m.square(), 0, 1))
row("t t_copy adjoint", lambda m: c(m.square()))
row("adjoint", lambda m: c(m.z(m.side, m.side)), "complex")
row("select select_copy", lambda m: c(m.square(), 0, 1))
row("narrow narrow_copy", lambda m: c(m.square(), 1, 1, m.side // 2))
row("unsqueeze unsqueeze_copy", lambda m: c(m.square(), 0))
row("squeeze squeeze_copy", lambda m: c(m.x(1, m.n, 1)))
row("diagonal diagonal_copy linalg_diagonal", lambda m: c(m.square()))
row("unfold unfold_copy", lambda m: c(m.x(), 0, 3, 2))
row("flatten ravel", lambda m: c(m.square()))
row("flatten", lambda m: c(m.square().t()), "transposed")
row("movedim moveaxis", lambda m: c(m.square(), 0, 1))
row("view_as reshape_as", lambda m: c(m.x(m.side * m.side), m.square()))
row("expand_as", lambda m: c(m.x(m.side, 1), m.square()))
row("view_as_real real imag", lambda m: c(m.z()))
row("view_as_complex", lambda m: c(m.x(m.n // 2, 2)))
row("unflatten", lambda m: c(m.x(), 0, (-1, 10)))
row("alias_copy clone", lambda m: c(m.square()))
row("clone contiguous", lambda m: c(m.square().t()), "transposed")
row("contiguous", lambda m: c(m.square()))
row("clone contiguous", lambda m: ((m.images(),), {"memory_format": m.T.channels_last}), "channels_last")
row("slice_copy", lambda m: c(m.square(), 0, 1, m.side, 2))
row("split split_copy unsafe_split", lambda m: c(m.square(), m.side // 4))
row("split_with_sizes split_with_sizes_copy unsafe_split_with_sizes", lambda m: c(m.square(), (1, m.side - 1), 1))
row("chunk unsafe_chunk tensor_split hsplit vsplit", lambda m: c(m.x(m.side, m.side // 4 * 4)[: m.side // 4 * 4], 4))
row("dsplit", lambda m: c(m.x(m.n // 100, 10, 10), 2))
row("unbind unbind_copy", lambda m: c(m.x(10, m.n // 10)))
row("cat hstack vstack dstack column_stack", lambda m: c([m.x(m.side, m.side // 2) for _ in range(2)]))
row("cat", lambda m: c([m.x(m.side, m.side // 2) for _ in range(2)], 1), "dim=1")
row("stack", lambda m: c([m.x(m.n // 10) for _ in range(10)]))
row("stack", lambda m: c([m.x(m.n // 10) for _ in range(10)], 1), "dim=1")
row("block_diag", lambda m: c([m.x(m.side // 4, m.side // 4) for _ in range(4)]))
row("broadcast_tensors", lambda m: c([m.x(m.side, 1), m.x(m.side)]))
row("repeat tile", lambda m: c(m.x(m.side // 2, m.side // 2), (2, 2)))
row("repeat_interleave", lambda m: c(m.x(m.n // 4), 4))
row("repeat_interleave", lambda m: c(m.x(m.n // 4), m.ints(9, m.n // 4)), "tensor")
row("flip", lambda m: c(m.square(), (0, 1)))
row("flip", lambda m: c(m.x(), (0,)), "line")
row("fliplr flipud rot90", lambda m: c(m.square()))
row("roll", lambda m: c(m.square(), (1, -1), (0, 1)))
row("roll", lambda m: c(m.x(), 5), "line")
row("tril triu", lambda m: c(m.square()))
row("diag diag_embed diagflat", lambda m: c(m.x(m.side)))
row("diag", lambda m: c(m.square()), "of matrix")
row("diagonal_scatter", lambda m: c(m.square(), m.x(m.side)))
row("select_scatter", lambda m: c(m.square(), m.x(m.side), 0, 1))
row("slice_scatter", lambda m: c(m.square(), m.x(m.side // 2, m.side), 0, 0, m.side // 2))
row("as_strided_scatter", lambda m: c(m.x(), m.x(m.n // 4, 2), (m.n // 4, 2), (2, 1)))
row("to", lambda m: c(m.x(), m.T.float64))
row("type_as", lambda m: c(m.x(), m.T.zeros(1, dtype=m.T.float64)))
row("cpu", lambda m: c(m.x()))
row("double cdouble half bfloat16 cfloat long int short char byte bool", lambda m: c(m.x(low=0, high=100)))
row("float", lambda m: c(m.ints(100)))
row("float", lambda m: c(m.x().bfloat16()), "bfloat16")
row("float", lambda m: c(m.x().half()), "float16")
row("copy_", lambda m: c(m.square(), m.square()))
row("copy_", lambda m: c(m.square(), m.square().t()), "transposed")

# Indices.
row("gather", lambda m: c(m.square(), 0, m.ints(m.side, m.side, m.side)), "dim=0")
row("gather", lambda m: c(m.square(), 1, m.ints(m.side, m.side, m.side)), "dim=1")
row("index_select", lambda m: c(m.square(), 0, m.ints(m.side, m.side)), "dim=0")
row("index_select", lambda m: c(m.square(), 1, m.ints(m.side, m.side)), "dim=1")
row("take", lambda m: c(m.x(), m.ints(m.n)))
row("take_along_dim", lambda m: c(m.square(), m.ints(m.side, m.side, m.side), 1))
row("masked_select", lambda m: c(m.x(), m.mask()))
row("embedding", lambda m: c(m.x(1000, 64), m.ints(1000, m.n // 64)))
row("embedding_dense_backward", lambda m: c(m.rows(64), m.ints(1000, m.n // 64), 1000, -1, False))
row("scatter", lambda m: c(m.square(), 1, m.ints(m.side, m.side, m.side), m.square()))
row("scatter_add", lambda m: c(m.square(), 0, m.ints(m.side, m.side, m.side), m.square()), "dim=0")
row("scatter_add", lambda m: c(m.square(), 1, m.ints(m.side, m.side, m.side), m.square()), "dim=1")
row("scatter_add", lambda m: c(m.x(1000), 0, m.ints(1000), m.x()), "line")
row("scatter_reduce", lambda m: c(m.square(), 1, m.ints(m.side, m.side, m.side), m.square(), "amax"))
row("index_add", lambda m: c(m.square(), 0, m.ints(m.side, m.side), m.square()), "dim=0")
row("index_add", lambda m: c(m.square(), 1, m.ints(m.side, m.side), m.square()), "dim=1")
row("index_reduce", lambda m: c(m.square(), 0, m.ints(m.side, m.side), m.square(), "amax"))
row("index_copy", lambda m: c(m.square(), 0, m.T.arange(m.side), m.square()))
row("index_fill", lambda m: c(m.square(), 0, m.ints(m.side, m.side // 2), 1.5))
row("put", lambda m: c(m.x(), m.T.arange(m.n // 2), m.x(m.n // 2)))
row("put", lambda m: c(m.x(), m.ints(m.n), m.x(), True), "accumulate")
row("masked_scatter", lambda m: c(m.x(), m.mask(), m.x()))
row("index_put index_put_", lambda m: c(m.square(), (m.ints(m.side), m.ints(m.side)), m.x()), "pairs")
row("index_put", lambda m: c(m.square(), (m.ints(m.side, m.side),), m.square(), True), "rows, accumulate")
row("index_put", lambda m: c(m.x(), (m.mask(),), m.T.tensor(1.0)), "mask")

# Making tensors.
row("empty zeros ones rand randn randperm arange", lambda m: c(m.n))
row("empty_strided", lambda m: c((m.side, m.side), (1, m.side)))
row("empty_permuted", lambda m: c((m.side, m.side), (1, 0)))
row("empty_like zeros_like ones_like rand_like randn_like", lambda m: c(m.x()))
row("new_empty new_zeros new_ones", lambda m: c(m.x(1), (m.n,)))
row("new_empty_strided", lambda m: c(m.x(1), (m.n,), (1,)))
row("full", lambda m: c((m.n,), 1.5))
row("full_like fill fill_", lambda m: c(m.x(), 1.5))
row("new_full", lambda m: c(m.x(1), (m.n,), 1.5))
row("arange", lambda m: c(0.0, float(m.n), 1.0), "float32")
row("range", lambda m: c(1, m.n))
row("linspace logspace", lambda m: c(0, 1, m.n))
row("eye", lambda m: c(m.side))
row("scalar_tensor", lambda m: c(1.5))
row("vander linalg_vander", lambda m: c(m.x(m.n // 10), N=10))
row("tril_indices triu_indices", lambda m: c(m.side, m.side))
row("hann_window hamming_window blackman_window bartlett_window kaiser_window", lambda m: c(m.n))
row("zero_", lambda m: c(m.x()))
row("is_nonzero", lambda m: c(m.x(1)))
row("randint", lambda m: c(1000, (m.n,)))
row("randint_like", lambda m: c(m.x(), 1000))
row("normal", lambda m: c(m.x(), m.p()))
row("bernoulli", lambda m: c(m.p()))
row("uniform_ normal_ bernoulli_ random_ exponential_ cauchy_ log_normal_", lambda m: c(m.x()))
row("geometric_", lambda m: c(m.x(), 0.3))
row("multinomial", lambda m: c(m.p(), m.n // 10, True))
row("multinomial", lambda m: c(m.p(), m.n // 10), "without replacement")
row("poisson _standard_gamma", lambda m: c(m.x(low=0.1, high=20)))
row("_sample_dirichlet", lambda m: c(m.rows(10, low=0.1, high=5)))
row("binomial", lambda m: c(m.x(low=1, high=9).floor(), m.p()))
row("native_dropout dropout dropout_ alpha_dropout alpha_dropout_", lambda m: c(m.x(), 0.4, True))
row("feature_dropout feature_dropout_ feature_alpha_dropout feature_alpha_dropout_", lambda m: c(m.images(), 0.4, True))
