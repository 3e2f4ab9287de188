"""Operations that make the GPU run each kernel, with what NumPy computes for them."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

import rustorch as torch
from rustorch.nn import functional as F


@dataclass
class Case:
    """One operation: its kernels, the shapes of its normal inputs (or inputs themselves), what it is here and in NumPy."""

    kernels: tuple
    inputs: tuple
    function: Callable
    expected: Callable

    def arrays(self):
        rng = np.random.default_rng(0)
        return [rng.standard_normal(x, dtype=np.float32) if isinstance(x, tuple) else x for x in self.inputs]


def gradient(function, of=0):
    """The gradient of a function's result, weighted by the last array, by the argument `of`."""

    def run(*arrays):
        inputs = list(arrays[:-1])
        inputs[of] = inputs[of].requires_grad_()
        return torch.autograd.grad(function(*inputs), inputs[of], arrays[-1])[0].contiguous()

    return run


def softmax(x, axis=-1):
    e = np.exp(x - x.max(axis, keepdims=True))
    return e / e.sum(axis, keepdims=True)


def softmax_gradient(x, g):
    y = softmax(x, 1)
    return y * (g - (g * y).sum(1, keepdims=True))


def normalised(x, axes):
    return (x - x.mean(axes, keepdims=True)) / np.sqrt(x.var(axes, keepdims=True) + 1e-5)


def norm_gradient(x, g, axes):
    h, r = normalised(x, axes), 1 / np.sqrt(x.var(axes, keepdims=True) + 1e-5)
    return r * (g - g.mean(axes, keepdims=True) - h * (g * h).mean(axes, keepdims=True))


def windows(x, k):
    """All k x k windows of the last two dims."""
    return np.lib.stride_tricks.sliding_window_view(x, (k, k), (-2, -1))


def conv(x, w):
    return np.einsum("nchwij,ocij->nohw", windows(x, w.shape[-1]), w, optimize=True)


def conv_weight(x, g):
    return np.einsum(
        "nchwij,nohw->ocij",
        np.lib.stride_tricks.sliding_window_view(x, g.shape[-2:], (-2, -1)).transpose(0, 1, 4, 5, 2, 3),
        g,
    )


def attention(q, k, v):
    return softmax(q @ k.swapaxes(-1, -2) / math.sqrt(q.shape[-1])) @ v


def attention_by_query(q, k, v, g):
    scale = 1 / math.sqrt(q.shape[-1])
    p = softmax(q @ k.swapaxes(-1, -2) * scale)
    dp = g @ v.swapaxes(-1, -2)
    return p * (dp - (dp * p).sum(-1, keepdims=True)) @ k * scale


def philox(counter, key):
    """Philox4x32-10 (Salmon et al., SC 2011)."""
    mask = (1 << 32) - 1
    c, k = list(counter), list(key)
    for _ in range(10):
        p, q = 0xD2511F53 * c[0], 0xCD9E8D57 * c[2]
        c = [q >> 32 ^ c[1] ^ k[0], q & mask, p >> 32 ^ c[3] ^ k[1], p & mask]
        k = [(k[0] + 0x9E3779B9) & mask, (k[1] + 0xBB67AE85) & mask]
    return c


def words(n, seed=7):
    """The first words that a generator with this seed gives."""
    return np.array([w for i in range(-(-n // 4)) for w in philox([i, 0, 0, 0], [seed, 0])][:n], dtype=np.uint64)


def seeded(function):
    def run(*arrays):
        torch.gpu.manual_seed(7)
        return function(*arrays)

    return run


def uniform(n):
    return ((words(n) >> 8).astype(np.float32) * np.float32(2**-24)).astype(np.float32)


def upsampled(x):
    return x.repeat(2, -1).repeat(2, -2)


TARGETS = np.array([2, 0, 4, 1, 3, 3], dtype=np.int64)
ROWS = np.arange(6)
SORTED = np.sort(np.random.default_rng(1).standard_normal(50).astype(np.float32))
WHOLE = np.random.default_rng(2).integers(-5, 6, (3, 40))


def cross_entropy(x):
    return np.array(-np.log(softmax(x))[ROWS, TARGETS].mean(), dtype=np.float32)


def recurrent(x, h, wx, wh):
    """A layer with tanh and no biases; the hidden states."""
    state, out = h[0], []
    for step in x:
        state = np.tanh(step @ wx.T + state @ wh.T)
        out.append(state)
    return np.stack(out)


def recurrent_here(x, h, wx, wh):
    layer = torch.nn.RNN(x.shape[-1], h.shape[-1], bias=False).to("gpu")
    with torch.no_grad():
        layer.weight_ih_l0.copy_(wx)
        layer.weight_hh_l0.copy_(wh)
        return layer(x, h)[0]


def fused(function):
    def run(*args):
        before = torch.gpu.set_fusion(True)
        z = function(*args)
        torch.gpu.synchronize()
        torch.gpu.set_fusion(before)
        return z

    return run


def adam_step(x, g):
    x = x.clone().requires_grad_()
    x.grad = g
    torch.optim.Adam([x], lr=0.1, fused=True).step()
    return x.detach()


def index_added(x, i, y):
    z = x.copy()
    np.add.at(z, i, y)
    return z


def ctc(p):
    """The loss of one sample (t, 1, c) with the labels LABELS and the blank 0."""
    states = [0, *(k for label in LABELS for k in (label, 0))]
    a = np.full(len(states), -np.inf)
    a[:2] = p[0, 0, states[:2]]
    for step in p[1:, 0]:
        one, two = np.roll(a, 1), np.roll(a, 2)
        one[0] = two[:2] = -np.inf
        two[[s for s in range(2, len(states)) if states[s] in (0, states[s - 2])]] = -np.inf
        a = np.logaddexp(np.logaddexp(a, one), two) + step[states]
    return -np.logaddexp(a[-1], a[-2])


def ctc_gradient(p, g):
    """As of log-probabilities of a softmax: themselves less the posterior, which is what the loss falls by."""
    p, step = p.astype(np.float64), 1e-5
    slopes = np.zeros_like(p)
    for e in np.ndindex(p.shape):
        d = np.zeros_like(p)
        d[e] = step
        slopes[e] = (ctc(p + d) - ctc(p - d)) / (2 * step)
    return (np.exp(p) + slopes) * g


def ctc_here(p):
    return F.ctc_loss(p, torch.tensor([LABELS]).gpu(), (len(p),), (len(LABELS),), reduction="sum")


def few_events(rates):
    """Poisson samples of rates below 10: as many uniforms as their product stays above e^-rate."""
    found = []
    for i, rate in enumerate(rates):
        draws = (w for t in range(64) for w in philox([i, 0, t, 0], [7, 0]))
        product, k = np.float32(1), -1
        while k < 0 or product > np.exp(-rate):
            product *= np.float32(next(draws)) * np.float32(2.0**-32) + np.float32(2.0**-33)
            k += 1
        found.append(k)
    return np.array(found, dtype=np.float32)


MANY = np.random.default_rng(3).integers(0, 6, 20_000)
FEW = np.array([5, 0, 5, 2], dtype=np.int64)


LABELS = [2, 2, 1]
BAGS = np.array([0, 2, 2], dtype=np.int64)


LARGE = 1100  # rows from which on products of such a k take the largest tiles


CASES = {
    "add": Case(("pointwise",), ((7, 300), (300, 7)), lambda x, y: x + y.t(), lambda x, y: x + y.T),
    "gelu": Case(
        ("pointwise",),
        ((5, 33),),
        lambda x: F.gelu(x, approximate="tanh"),
        lambda x: 0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3))),
    ),
    "lgamma": Case(
        ("pointwise",), ((5, 33),), lambda x: torch.lgamma(x * 3), lambda x: np.vectorize(math.lgamma)(x * 3)
    ),
    "cast": Case(("pointwise",), ((3, 17),), lambda x: (x * 40).to(torch.int8), lambda x: (x * 40).astype(np.int8)),
    "int64": Case(("pointwise",), (WHOLE, WHOLE), lambda x, y: x * y - 3, lambda x, y: x * y - 3),
    "sum": Case(("reduce",), ((3, 5000),), lambda x: x.sum(1), lambda x: x.sum(1)),
    "amax": Case(("reduce",), ((40, 30, 5),), lambda x: x.amax((0, 2)), lambda x: x.max((0, 2))),
    "matmul": Case(("matmul",), ((70, 33), (90, 33)), lambda x, y: x @ y.t(), lambda x, y: x @ y.T),
    "matmul_skinny": Case(("matmul_skinny",), ((3, 70), (70, 90)), lambda x, y: x @ y, lambda x, y: x @ y),
    "matmul_parts": Case(
        ("matmul_parts",), ((20, 3000), (3000, 20)), lambda x, y: x @ y * 0.02, lambda x, y: x @ y * 0.02
    ),
    "matmul_large": Case(("matmul_large",), ((LARGE, 12), (12, LARGE)), lambda x, y: x @ y, lambda x, y: x @ y),
    "matmul_whole": Case(
        ("matmul_whole",),
        (WHOLE * 2**40 + 3, WHOLE.T.copy()[:, [0, 1, 2] * 4]),
        lambda x, y: torch.cat([x, x, x]) @ y,
        lambda x, y: np.concatenate([x, x, x]) @ y,
    ),
    "matmul_of_few_integers": Case(
        ("matmul_skinny",), (WHOLE.astype(np.int32), WHOLE.T.astype(np.int32)), lambda x, y: x @ y, lambda x, y: x @ y
    ),
    "softmax": Case(("softmax",), ((6, 700),), lambda x: torch.softmax(x, 1), lambda x: softmax(x, 1)),
    "softmax_across": Case(("softmax",), ((6, 5, 7),), lambda x: torch.softmax(x, 1), lambda x: softmax(x, 1)),
    "softmax_gradient": Case(
        ("softmax",), ((6, 70), (6, 70)), gradient(lambda x: torch.softmax(x, 1)), softmax_gradient
    ),
    "logsumexp": Case(("logsumexp",), ((4, 90),), lambda x: torch.logsumexp(x, 1), lambda x: np.log(np.exp(x).sum(1))),
    "layer_norm": Case(("norm",), ((5, 70),), lambda x: F.layer_norm(x, (70,)), lambda x: normalised(x, 1)),
    "layer_norm_gradient": Case(
        ("norm",), ((5, 70), (5, 70)), gradient(lambda x: F.layer_norm(x, (70,))), lambda x, g: norm_gradient(x, g, 1)
    ),
    "layer_norm_weight": Case(
        ("norm_sums",),
        ((50, 7), (7,), (50, 7)),
        gradient(lambda x, w: F.layer_norm(x, (7,), w), of=1),
        lambda x, w, g: (g * normalised(x, 1)).sum(0),
    ),
    "batch_norm": Case(
        ("batch_norm", "moments"),
        ((6, 3, 5, 5),),
        lambda x: F.batch_norm(x, None, None, training=True),
        lambda x: normalised(x, (0, 2, 3)),
    ),
    "variance": Case(("moments",), ((4, 300),), lambda x: x.var(1), lambda x: x.var(1, ddof=1)),
    "cross_entropy": Case(
        ("cross_entropy",), ((6, 5), TARGETS), lambda x, t: F.cross_entropy(x, t), lambda x, t: cross_entropy(x)
    ),
    "nll_loss": Case(
        ("nll",),
        ((6, 5), TARGETS),
        lambda x, t: F.nll_loss(x, t, reduction="none"),
        lambda x, t: -x[ROWS, TARGETS],
    ),
    "conv2d": Case(("conv",), ((2, 3, 9, 8), (4, 3, 3, 3)), lambda x, w: F.conv2d(x, w), conv),
    "conv2d_weight": Case(
        ("conv_weight",),
        ((2, 3, 9, 8), (4, 3, 3, 3), (2, 4, 7, 6)),
        gradient(lambda x, w: F.conv2d(x, w), of=1),
        lambda x, w, g: conv_weight(x, g),
    ),
    "attention": Case(
        ("attention",),
        ((2, 2, 20, 8), (2, 2, 40, 8), (2, 2, 40, 8)),
        lambda q, k, v: F.scaled_dot_product_attention(q, k, v),
        attention,
    ),
    "attention_gradient": Case(
        ("attention", "attention_dots"),
        ((2, 2, 20, 8), (2, 2, 40, 8), (2, 2, 40, 8), (2, 2, 20, 8)),
        gradient(lambda q, k, v: F.scaled_dot_product_attention(q, k, v)),
        attention_by_query,
    ),
    "max_pool": Case(
        ("pool",),
        ((2, 3, 8, 8),),
        lambda x: F.max_pool2d(x, 2),
        lambda x: x.reshape(2, 3, 4, 2, 4, 2).max((3, 5)),
    ),
    "rnn": Case(("recurrent",), ((5, 3, 4), (1, 3, 6), (6, 4), (6, 6)), recurrent_here, recurrent),
    "fused": Case(
        ("fused",),
        ((9, 70), (70,)),
        fused(lambda x, y: torch.tanh(x * 2 + y) - x),
        lambda x, y: np.tanh(x * 2 + y) - x,
    ),
    "activation": Case(
        ("matmul",), ((20, 30), (30, 40)), fused(lambda x, y: (x @ y).tanh()), lambda x, y: np.tanh(x @ y)
    ),
    "adam": Case(("optim",), ((70,), (70,)), adam_step, lambda x, g: x - 0.1 * g / (np.abs(g) + 1e-8)),
    "cdist": Case(
        ("distance",),
        ((5, 7), (6, 7)),
        lambda x, y: torch.cdist(x, y, p=1.0),
        lambda x, y: np.abs(x[:, None] - y).sum(-1),
    ),
    "index_select": Case(("gather",), ((6, 5), FEW), lambda x, i: x.index_select(0, i), lambda x, i: x[i]),
    "index_add": Case(
        ("keys", "rank", "scatter"), ((6, 5), FEW, (4, 5)), lambda x, i, y: x.index_add(0, i, y), index_added
    ),
    "index_add_many": Case(
        ("radix_places", "scatter"),
        ((6, 1), MANY, (20_000, 1)),
        lambda x, i, y: x.index_add(0, i, y) * 0.01,
        lambda x, i, y: index_added(x.astype(np.float64), i, y) * 0.01,
    ),
    "nonzero": Case(("mask",), (WHOLE,), lambda x: (x > 2).nonzero(), lambda x: np.argwhere(x > 2)),
    "tril": Case(("triangle",), ((6, 5),), lambda x: torch.tril(x), lambda x: np.tril(x)),
    "upsample": Case(
        ("resample",), ((1, 2, 5, 6),), lambda x: F.interpolate(x, scale_factor=2, mode="nearest"), upsampled
    ),
    "embedding_bag": Case(
        ("embedding_bag",),
        (FEW, (6, 5), BAGS),
        lambda i, w, o: F.embedding_bag(i, w, o, mode="mean"),
        lambda i, w, o: np.stack([w[i[:2]].mean(0), np.zeros(5), w[i[2:]].mean(0)]),
    ),
    "ctc_loss": Case(("ctc",), ((6, 1, 4),), ctc_here, ctc),
    "ctc_gradient": Case(("ctc",), ((6, 1, 4), ()), gradient(ctc_here), ctc_gradient),
    "argmax_int64": Case(("arg_reduce",), (WHOLE * 2**33,), lambda x: x.argmax(1), lambda x: x.argmax(1)),
    "argmax": Case(("arg_reduce",), ((5, 90),), lambda x: x.argmax(1), lambda x: x.argmax(1)),
    "int64_sum": Case(("reduce",), (WHOLE,), lambda x: x.sum(1), lambda x: x.sum(1)),
    "int32_sum": Case(("whole",), (WHOLE.astype(np.int32),), lambda x: x.sum(1), lambda x: x.sum(1)),
    "cumsum": Case(("scan",), ((4, 300),), lambda x: x.cumsum(1), lambda x: x.cumsum(1)),
    "sort": Case(("sort", "ranked"), ((4, 300),), lambda x: x.sort(1)[0], lambda x: np.sort(x, 1)),
    "sort_long": Case(("radix", "ranked"), ((2, 3000),), lambda x: x.sort(1)[0], lambda x: np.sort(x, 1)),
    "searchsorted": Case(
        ("search",), (SORTED, (3, 7)), lambda s, v: torch.searchsorted(s, v), lambda s, v: np.searchsorted(s, v)
    ),
    "histc": Case(
        ("histogram",),
        ((500,),),
        lambda x: torch.histc(x, 10, -2, 2),
        lambda x: np.histogram(x, 10, (-2, 2))[0].astype(np.float32),
    ),
    "unique": Case(("unique",), (WHOLE,), lambda x: torch.unique(x), lambda x: np.unique(x)),
    "unique_rows": Case(("unique",), (WHOLE.T % 2,), lambda x: torch.unique(x, dim=0), lambda x: np.unique(x, axis=0)),
    "mode": Case(
        ("ranked",),
        (WHOLE,),
        lambda x: x.mode(1)[0],
        lambda x: np.array([np.bincount(row + 5).argmax() - 5 for row in x]),
    ),
    "rand": Case(("random",), (), seeded(lambda: torch.rand(50, device="gpu")), lambda: uniform(50)),
    "poisson": Case(
        ("rejection",), (np.linspace(0.1, 9, 50, dtype=np.float32),), seeded(lambda x: torch.poisson(x)), few_events
    ),
    "dropout": Case(
        ("dropout",),
        (np.ones(48, dtype=np.float32),),
        seeded(lambda x: F.dropout(x, 0.5)),
        lambda x: np.where(words(48) < 2**31, 2, 0).astype(np.float32),
    ),
    "multinomial": Case(
        ("multinomial",),
        (np.array([0.1, 0.0, 0.6, 0.3], dtype=np.float32),),
        seeded(lambda p: torch.multinomial(p, 20, replacement=True)),
        lambda p: np.searchsorted(p.cumsum(), uniform(20) * p.sum(), side="right"),
    ),
}
