"""Kernels that work in whole vectors, at the sizes where vectors end and with NaN and infinities in the rest."""

import math

import pytest

import rustorch as torch

INF, NAN = math.inf, math.nan
WIDTHS = [1, 2, 15, 16, 17, 31, 33, 48, 63, 64, 65, 100]


def same(mine, theirs, rtol=1e-5, atol=1e-6):
    import numpy as np

    assert str(mine.dtype).split(".")[1] == str(theirs.dtype).split(".")[1]
    np.testing.assert_allclose(mine.detach().numpy(), theirs.detach().numpy(), rtol=rtol, atol=atol)


def pair(T, x, **options):
    return torch.tensor(x.tolist(), **options), x


def noise(T, *shape, seed=0, dtype=None):
    g = T.Generator().manual_seed(seed)
    return T.randn(*shape, generator=g, dtype=dtype or T.float64)


@pytest.mark.parametrize("n", WIDTHS)
@pytest.mark.parametrize("name", ["softmax", "log_softmax"])
def test_softmax_of_rows_of_any_width(oracle, name, n):
    x = noise(oracle, 5, n) * 4
    x[1, n // 2] = -INF
    x[2, n - 1] = INF
    x[3, n - 1] = NAN
    x[4] = -INF
    g = noise(oracle, 5, n, seed=1)
    for dtype in ("float32", "float64"):
        got, want = [], []
        for T, out in ((torch, got), (oracle, want)):
            d = getattr(T, dtype)
            leaf = T.tensor(x.tolist(), dtype=d, requires_grad=True)
            y = getattr(T, name)(leaf, 1)
            y.backward(T.tensor(g.tolist(), dtype=d))
            out += [y, leaf.grad]
        for a, b in zip(got, want, strict=True):
            same(a, b)


@pytest.mark.parametrize("n", WIDTHS)
def test_losses_and_log_sums_of_rows_of_any_width(oracle, n):
    x = noise(oracle, 4, n, dtype=oracle.float32) * 3
    x[2] = -INF
    mine, _ = pair(oracle, x)
    target = [0, n - 1, n // 2, 0]
    F, G = torch.nn.functional, oracle.nn.functional
    same(torch.logsumexp(mine, 1), oracle.logsumexp(x, 1))
    same(
        F.cross_entropy(mine, torch.tensor(target), reduction="none"),
        G.cross_entropy(x, oracle.tensor(target), reduction="none"),
    )


@pytest.mark.parametrize("s", [(), (1,), (3,), (5, 7)])
def test_nll_loss_of_samples_that_tasks_cut_apart(oracle, s):
    n = 40000 // max(1, math.prod(s))
    x = noise(oracle, n, 3, *s, dtype=oracle.float32)
    target = oracle.arange(n * math.prod(s)).reshape(n, *s) % 4 - 1
    weight = [0.5, 1.0, 2.0]
    for reduction in ("none", "mean", "sum"):
        same(
            torch.nn.functional.nll_loss(
                torch.from_numpy(x.numpy()),
                torch.from_numpy(target.numpy()),
                torch.tensor(weight),
                ignore_index=-1,
                reduction=reduction,
            ),
            oracle.nn.functional.nll_loss(x, target, oracle.tensor(weight), ignore_index=-1, reduction=reduction),
            rtol=1e-4,
        )


@pytest.mark.parametrize("n", [32767, 32768, 33001, 100003])
def test_whole_reductions_find_what_lies_anywhere(oracle, n):
    x = noise(oracle, n, dtype=oracle.float32)
    for at, value in [(n - 1, 50.0), (n // 2, -60.0), (7, 70.0)]:
        x[at] = value
        mine = torch.from_numpy(x.numpy())
        for f in ("amax", "amin", "max", "min", "nansum"):
            same(getattr(mine, f)(), getattr(x, f)(), rtol=1e-4, atol=1e-3)
        for p in (0, 1, 2, INF, -INF):
            same(torch.linalg.vector_norm(mine, p), oracle.linalg.vector_norm(x, p), rtol=1e-4)
    x[n - 2] = NAN
    mine = torch.from_numpy(x.numpy())
    assert mine.amax().isnan() and mine.min().isnan() and not mine.nansum().isnan()


def test_products_over_very_many_columns(oracle):
    x = noise(oracle, 10, 100_000)
    mine = torch.from_numpy(x.numpy())
    same(mine @ mine.T, x @ x.T, rtol=1e-9)
    same(torch.cov(mine), oracle.cov(x), rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("d", [1, 15, 16, 17, 64, 81, 1100])
@pytest.mark.parametrize("mode", ["sum", "mean", "max"])
def test_bags_of_rows_of_any_width(oracle, mode, d):
    table = noise(oracle, 20, d, dtype=oracle.float32)
    keys, offsets = [3, 19, 0, 3, 3, 7, 2, 2, 11, 5, 6], [0, 2, 2, 9]
    for dtype in ("float32", "float64", "bfloat16"):
        for padding in (None, 3):
            out = []
            for T in (torch, oracle):
                weight = T.tensor(table.tolist(), dtype=getattr(T, dtype))
                out.append(
                    T.nn.functional.embedding_bag(
                        T.tensor(keys), weight, T.tensor(offsets), mode=mode, padding_idx=padding
                    )
                )
            same(out[0].float(), out[1].float(), rtol=1e-2 if dtype == "bfloat16" else 1e-5)
    if mode == "sum":
        factors = noise(oracle, len(keys), dtype=oracle.float32)
        same(
            torch.nn.functional.embedding_bag(
                torch.tensor(keys),
                torch.tensor(table.tolist()),
                torch.tensor(offsets),
                mode="sum",
                per_sample_weights=torch.tensor(factors.tolist()),
            ),
            oracle.nn.functional.embedding_bag(
                oracle.tensor(keys), table, oracle.tensor(offsets), mode="sum", per_sample_weights=factors
            ),
        )


@pytest.mark.parametrize("n", [0, 1, 15, 16, 100, 1000])
@pytest.mark.parametrize("to", ["int8", "int16", "uint8"])
def test_floats_become_small_integers_at_any_length(oracle, n, to):
    x = noise(oracle, n, dtype=oracle.float32) * 100
    same(torch.tensor(x.tolist(), dtype=torch.float32).to(getattr(torch, to)), x.to(getattr(oracle, to)), 0, 0)


@pytest.mark.parametrize("n", [0, 1, 2, 3, 255, 256, 257, 1000])
@pytest.mark.parametrize("dtype", ["float32", "float64", "float16", "int64", "complex64"])
def test_spacings_of_any_length_have_the_bits_of_torch(oracle, n, dtype):
    a, b = (-3.7, 11.3) if "int" not in dtype else (-5, 900)
    same(
        torch.linspace(a, b, n, dtype=getattr(torch, dtype)),
        oracle.linspace(a, b, n, dtype=getattr(oracle, dtype)),
        rtol=1e-6 if dtype != "float16" else 0,
        atol=1e-6,
    )


@pytest.mark.parametrize("zero_infinity", [False, True])
def test_ctc_of_samples_of_all_lengths(oracle, zero_infinity):
    t, n, c = 12, 7, 6
    logits = noise(oracle, t, n, c)
    # Equal neighbours, no label, too many labels for the steps, one label, a label that is never said.
    labels = [[1, 1, 2, 2], [], [1, 2, 3, 4, 5, 1, 2], [3], [5, 4, 5], [2, 2], [1]]
    steps = [12, 12, 4, 1, 9, 2, 0]
    for dtype in ("float32", "float64"):
        got = []
        for T in (torch, oracle):
            p = T.tensor(logits.tolist(), dtype=getattr(T, dtype)).log_softmax(2).detach().requires_grad_()
            flat = T.tensor([k for label in labels for k in label])
            loss = T.nn.functional.ctc_loss(
                p, flat, steps, [len(label) for label in labels], reduction="none", zero_infinity=zero_infinity
            )
            (loss * T.arange(1, n + 1, dtype=p.dtype)).sum().backward()
            got += [loss, p.grad]
        same(got[0], got[2], rtol=1e-4)
        same(got[1], got[3], rtol=1e-3, atol=1e-5)


def test_ctc_with_an_impossible_class_has_the_gradient_of_torch(oracle):
    p = noise(oracle, 6, 1, 4).log_softmax(2)
    p[3, 0, 2] = -INF
    got = []
    for T in (torch, oracle):
        q = T.tensor(p.tolist(), requires_grad=True)
        T.nn.functional.ctc_loss(q, T.tensor([[1, 3]]), (6,), (2,), reduction="sum").backward()
        got.append(q.grad)
    same(got[0], got[1], rtol=1e-4)


@pytest.mark.parametrize("shape", [(), (0,), (1,), (37,), (6, 7), (2, 3, 4)])
def test_runs_of_equal_elements(oracle, shape):
    n = math.prod(shape)
    x = (oracle.arange(n) * 7 % 5 // 2).reshape(shape)
    for dtype in ("int64", "float32", "bool", "float16"):
        for turn in (False, True):
            out = []
            for T in (torch, oracle):
                y = T.tensor(x.tolist(), dtype=T.int64).reshape(shape).to(getattr(T, dtype))
                if turn and len(shape) > 1:
                    y = y.transpose(0, 1)
                out.append(T.unique_consecutive(y, return_inverse=True, return_counts=True))
            for a, b in zip(*out, strict=True):
                same(a, b)
    mine = torch.unique_consecutive(torch.tensor([NAN, NAN, 1.0]), return_counts=True)
    assert mine[1].tolist() == [1, 1, 1]


@pytest.mark.parametrize("shape", [(1, 5), (3, 33), (4, 64), (9, 100), (13, 17), (70, 3)])
@pytest.mark.parametrize("dim", [0, 1])
def test_running_sums_and_extremes_of_any_number_of_rows(oracle, shape, dim):
    x = noise(oracle, *shape, dtype=oracle.float32)
    x[0, -1] = NAN
    for turn in (False, True):
        mine, theirs = torch.tensor(x.tolist()), x
        if turn:
            mine, theirs = mine.T, theirs.T
        same(mine.cumsum(dim), theirs.cumsum(dim))
        for f in ("cummin", "cummax"):
            for a, b in zip(getattr(mine, f)(dim), getattr(theirs, f)(dim), strict=True):
                same(a, b)


@pytest.mark.parametrize(("kernel", "stride", "padding"), [(2, 2, 0), (3, 2, 1), (3, 1, 1), (3, 3, 0), (5, 4, 2)])
def test_average_pools_of_short_and_long_rows(oracle, kernel, stride, padding):
    for width in (5, 8, 300):
        for inside in (False, True):
            x = noise(oracle, 2, 9, width, dtype=oracle.float32)
            got = []
            for T in (torch, oracle):
                leaf = T.tensor(x.tolist(), requires_grad=True)
                y = T.nn.functional.avg_pool2d(leaf, kernel, stride, padding, count_include_pad=inside)
                y.square().sum().backward()
                got += [y, leaf.grad]
            same(got[0], got[2])
            same(got[1], got[3])


def test_methods_with_nothing_to_do_return_their_tensor():
    x = torch.rand(3, 4)
    assert x.contiguous() is x and x.float() is x and x.T.contiguous() is not x.T
    assert x.double() is not x and x.double().dtype == torch.float64

    class Sub(torch.Tensor):
        @classmethod
        def __torch_function__(cls, function, types, args=(), kwargs=None):
            return function.__name__

    assert torch.rand(3).as_subclass(Sub).contiguous() == "contiguous"
    with pytest.raises(TypeError):
        x.contiguous(1)


def test_pieces_of_unsafe_splits_change_in_place_and_join_their_gradients(oracle):
    for T in (torch, oracle):
        x = T.arange(10.0).requires_grad_()
        a, b, c = (x * 1).unsafe_split(4)
        assert a.grad_fn.name() == "UnsafeSplitBackward0" and not a._is_view()
        a.mul_(3)
        (a.sum() + c.square().sum()).backward()
        assert x.grad.tolist() == [3, 3, 3, 3, 0, 0, 0, 0, 16, 18]
        assert (b == T.arange(4.0, 8.0)).all()


SWEEPS = {
    "erfinv": (-0.999999, 0.999999),
    "erfc": (-4.0, 10.0),
    "atanh": (-0.9999, 0.9999),
    "lgamma": (-12.3, 40.0),
    "i0": (-30.0, 30.0),
    "special.i0e": (-30.0, 60.0),
    "special.i1": (-30.0, 30.0),
    "special.i1e": (-30.0, 60.0),
    "special.ndtri": (1e-6, 1.0 - 1e-6),
    "special.bessel_j0": (-50.0, 50.0),
    "special.bessel_j1": (-50.0, 50.0),
    "special.bessel_y0": (0.01, 50.0),
    "special.bessel_y1": (0.01, 50.0),
    "special.modified_bessel_k0": (0.01, 40.0),
    "special.modified_bessel_k1": (0.01, 40.0),
    "special.scaled_modified_bessel_k0": (0.01, 40.0),
    "special.scaled_modified_bessel_k1": (0.01, 40.0),
    "special.spherical_bessel_j0": (-40.0, 40.0),
    "special.digamma": (0.1, 40.0),
}


def named(T, name):
    for part in name.split("."):
        T = getattr(T, part)
    return T


@pytest.mark.parametrize("name", SWEEPS)
def test_special_functions_are_close_all_over_their_range(oracle, name):
    low, high = SWEEPS[name]
    x = oracle.linspace(low, high, 20_011, dtype=oracle.float32)
    single, double = torch.from_numpy(x.numpy()), torch.from_numpy(x.double().numpy())
    # torch's Bessel functions of the first two kinds are good for 6 digits alone.
    rough = "bessel_j" in name or "bessel_y" in name
    mine, exact = named(torch, name)(double), named(oracle, name)(x.double())
    same(mine, exact, *(1e-4, 1e-6) if rough else (1e-11, 1e-12))
    same(named(torch, name)(single).double(), mine, rtol=1e-6, atol=1e-30)


def test_trigamma_on_both_sides_of_zero(oracle):
    x = oracle.linspace(-9.97, 30.0, 5003, dtype=oracle.float64)
    same(torch.polygamma(1, torch.from_numpy(x.numpy())), oracle.polygamma(1, x), rtol=1e-9)
    y = torch.polygamma(1, torch.tensor([0.0, -2.0, INF, NAN, 1e-30]))
    assert y[0] == INF and y[1] == INF and y[2] == 0 and y[3].isnan()


@pytest.mark.parametrize("name", ["erfinv", "erfc", "lgamma", "i0", "special.i0e", "special.i1", "special.i1e",
                                  "special.ndtri", "special.bessel_j0", "special.bessel_j1", "special.bessel_y0",
                                  "special.bessel_y1", "special.modified_bessel_k0", "special.modified_bessel_k1",
                                  "special.scaled_modified_bessel_k0", "special.scaled_modified_bessel_k1",
                                  "special.spherical_bessel_j0", "atanh"])  # fmt: skip
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_special_functions_at_the_ends_of_their_range(oracle, name, dtype):
    x = [0.0, -0.0, 1.0, -1.0, 0.5, 8.0, 2.0, INF, -INF, NAN, 1e-30, -1e-30, -3.0, 1e30, 1e-40]
    mine = named(torch, name)(torch.tensor(x, dtype=getattr(torch, dtype)))
    theirs = named(oracle, name)(oracle.tensor(x, dtype=getattr(oracle, dtype)))
    for at, a, b in zip(x, mine.tolist(), theirs.tolist(), strict=True):
        # torch has NaN for some limits.
        if math.isinf(at) and math.isnan(b):
            continue
        assert a == pytest.approx(b, rel=2e-6, abs=1e-6, nan_ok=True), (at, a, b)


def test_gradients_of_logit(oracle):
    x = [0.1, 0.5, 0.95, 0.0, 1.0, -0.5, 1.5]
    for eps in (None, 0.2):
        got = []
        for T in (torch, oracle):
            leaf = T.tensor(x, dtype=T.float64, requires_grad=True)
            (first,) = T.autograd.grad(T.logit(leaf, eps).sum(), leaf, create_graph=True)
            (second,) = T.autograd.grad(first.nansum(), leaf)
            got.append((first, second))
        same(got[0][0], got[1][0])
        same(got[0][1][:3], got[1][1][:3])


@pytest.mark.parametrize("shape", [(3, 3), (2, 5), (5, 2), (0, 3)])
def test_gradients_of_the_trace(shape):
    x = torch.rand(*shape, dtype=torch.float64, requires_grad=True)
    x.trace().backward()
    assert (x.grad == torch.eye(*shape, dtype=torch.float64)).all()
    assert torch.autograd.gradgradcheck(lambda x: x.trace().square(), x)


@pytest.mark.parametrize(
    "weights",
    [
        lambda T: T.ones(1),
        lambda T: T.arange(7.0),
        lambda T: T.rand(3, 1000, dtype=T.float64),
        lambda T: T.rand(2000) ** 20,
        lambda T: T.cat([T.zeros(500), T.ones(3), T.zeros(500), T.ones(1) * 1e6, T.zeros(20)]),
        lambda T: T.tensor([1.0, 3e38, 3e38, 1.0]).repeat(30),
    ],
    ids=["one", "few", "rows", "skewed", "gaps", "overflow"],
)
def test_draws_by_weight_are_torchs(oracle, weights):
    draws = []
    for T in (torch, oracle):
        T.manual_seed(3)
        w = weights(T)
        draws.append([T.multinomial(w, n, True) for n in (1, 50, 3000)])
    for mine, theirs in zip(*draws, strict=True):
        assert mine.tolist() == theirs.tolist()


@pytest.mark.parametrize("dtype", ["bool", "int8", "bfloat16", "float32", "int64", "complex128"])
def test_fills_reach_all_elements_and_no_other(dtype):
    for n in (0, 1, 1000, 70_001, 300_000):
        for value in (0, 1):
            x = torch.full((n + 2,), 1 - value, dtype=getattr(torch, dtype))
            x[1 : n + 1].fill_(value)
            assert (x[1 : n + 1] == value).all() and (x[[0, n + 1]] == 1 - value).all()
    x = torch.zeros(300, 400, dtype=getattr(torch, dtype))
    x[:, 3:257].fill_(1)
    assert x[:, 3:257].all() and not x[:, :3].any() and not x[:, 257:].any()


def test_a_gradient_of_zeros_has_memory_of_its_own_once_it_is_kept():
    x = torch.randn(5, 3, requires_grad=True)
    x.sgn().sum().backward()
    x.grad[0, 0] = 4.0
    assert x.grad.sum() == 4 and x.grad.is_contiguous()
    (g,) = torch.autograd.grad((x.sgn() * x).sum(), x)
    assert torch.equal(g, x.sgn())
