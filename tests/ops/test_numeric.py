"""Windows, differences, histograms, masked reductions and small operations against torch."""

import pytest


def values(torch, *shape, dtype="float64"):
    """Numbers without ties or zeros, of both signs."""
    n = torch.Size(shape).numel()
    return (torch.arange(n, dtype=torch.float64) * 7 % 11 - 4.75).reshape(shape).to(getattr(torch, dtype)) / 3


def both(oracle, assert_same, call, **tolerances):
    import rustorch

    assert_same(call(rustorch), call(oracle), **tolerances)


def test_polygamma_half_way_between_poles_is_what_is_left_of_large_terms():
    import rustorch

    x = rustorch.tensor([-0.5, -1.5, -2.5, -8.5], dtype=rustorch.float64)
    for order in (2, 10, 20):
        # Even derivatives of the cotangent vanish there, so that both sides of 1/2 are alike.
        assert rustorch.allclose(rustorch.polygamma(order, x), rustorch.polygamma(order, 1 - x), rtol=1e-13, atol=0)


WINDOWS = ["bartlett_window", "blackman_window", "hamming_window", "hann_window", "kaiser_window"]


@pytest.mark.parametrize("length", [0, 1, 2, 7, 32])
@pytest.mark.parametrize("periodic", [True, False])
@pytest.mark.parametrize("name", WINDOWS)
def test_windows(name, periodic, length, oracle, assert_same):
    for dtype in ("float32", "float64"):
        both(
            oracle,
            assert_same,
            lambda t, dtype=dtype: getattr(t, name)(length, periodic, dtype=getattr(t, dtype)),
            atol=2e-7 if dtype == "float32" else 1e-14,
        )


SIGNAL = {
    "bartlett": {},
    "blackman": {},
    "cosine": {},
    "exponential": {"tau": 2.5},
    "gaussian": {"std": 1.5},
    "general_cosine": {"a": [0.5, 0.3, 0.2]},
    "general_hamming": {"alpha": 0.6},
    "hamming": {},
    "hann": {},
    "kaiser": {"beta": 5.0},
    "nuttall": {},
}


@pytest.mark.parametrize("sym", [True, False])
@pytest.mark.parametrize("name", SIGNAL)
def test_signal_windows(name, sym, oracle, assert_same):
    for length in (0, 1, 2, 9):
        both(
            oracle,
            assert_same,
            lambda t, n=length: getattr(t.signal.windows, name)(n, sym=sym, dtype=t.float64, **SIGNAL[name]),
            atol=1e-14,
        )


POLYNOMIALS = [
    *(f"{shifted}chebyshev_polynomial_{kind}" for shifted in ("", "shifted_") for kind in "tuvw"),
    *("hermite_polynomial_h", "hermite_polynomial_he", "laguerre_polynomial_l", "legendre_polynomial_p"),
]


@pytest.mark.parametrize("name", POLYNOMIALS)
def test_polynomials(name, oracle, assert_same):
    def call(t):
        x = t.linspace(-1.5, 1.5, 31, dtype=t.float64)
        f = getattr(t.special, name)
        degrees = t.arange(-1, 12).unsqueeze(1)
        return f(x, degrees), f(x, 9), f(0.3, degrees.double()), f(x.detach().requires_grad_(), 2).requires_grad

    both(oracle, assert_same, call, rtol=1e-9, atol=1e-9)


SMALL = {
    "deg2rad": lambda t: t.deg2rad(values(t, 5)),
    "rad2deg of integers": lambda t: t.rad2deg(t.arange(4)),
    "trace": lambda t: values(t, 3, 4).trace(),
    "trace of integers": lambda t: t.arange(6).view(2, 3).trace(),
    "cross": lambda t: t.cross(values(t, 2, 3), values(t, 2, 3) + 1, dim=1),
    "cross broadcast": lambda t: t.cross(values(t, 1, 3), values(t, 2, 3) + 1, dim=-1),
    "cross first dim": lambda t: t.cross(values(t, 3, 2), values(t, 3, 2) + 1, dim=0),
    "frexp": lambda t: tuple(t.frexp(t.tensor([0.0, -1.0, 3.5, 1e-310, float("inf")], dtype=t.float64))),
    "frexp of half": lambda t: tuple(t.frexp(t.tensor([6e-8, 2.5], dtype=t.float16))),
    "isreal": lambda t: t.isreal(t.tensor([1 + 0j, 1 + 2j])),
    "isreal of reals": lambda t: t.isreal(t.arange(2)),
    "sum_to_size": lambda t: values(t, 2, 3, 4).sum_to_size(3, 1),
    "fill_diagonal_": lambda t: t.zeros(4, 3).fill_diagonal_(2.0),
    "fill_diagonal_ of a tall one": lambda t: t.zeros(7, 2).fill_diagonal_(2.0, wrap=True),
    "fill_diagonal_ of a cube": lambda t: t.zeros(3, 3, 3).fill_diagonal_(1.0),
    "sgn of complex": lambda t: t.sgn(t.tensor([3 + 4j, 0j, -2j])),
    "square of bool": lambda t: t.square(t.tensor([True, False])),
    "polygamma method": lambda t: (values(t, 3).abs() + 1).polygamma(1) - t.polygamma(1, values(t, 3).abs() + 1),
    "where method": lambda t: values(t, 3).where(values(t, 3) > 0, t.zeros(3, dtype=t.float64)),
    "number by tensor": lambda t: 3.0 / values(t, 4, dtype="float32"),
    "gradient": lambda t: t.gradient(values(t, 4, 5)),
    "gradient with spacing": lambda t: t.gradient(values(t, 4, 5), spacing=[2.0, 0.5], edge_order=2),
    "gradient at coordinates": lambda t: t.gradient(
        values(t, 4), spacing=(t.tensor([0.0, 1, 3, 4], dtype=t.float64),), edge_order=2
    ),
    "histogram": lambda t: tuple(t.histogram(values(t, 20), 4)),
    "histogram with edges": lambda t: tuple(t.histogram(values(t, 9), values(t, 4).sort()[0], density=True)),
    "histogram with weights": lambda t: tuple(values(t, 9).histogram(3, range=(-1.0, 1.0), weight=values(t, 9))),
    "histogramdd": lambda t: t.histogramdd(values(t, 10, 2), [2, 3])[0],
    "circular padding with a cut": lambda t: t.nn.functional.pad(values(t, 1, 2, 5), (-2, 2), "circular"),
    "fractional pool": lambda t: t.nn.functional.fractional_max_pool2d(
        values(t, 1, 16, 16, dtype="float32"), 1, output_size=8, _random_samples=t.tensor([[[0.1, 0.8]]])
    ),
    "arange of int64 from floats": lambda t: t.arange(1.0, 5.000001, 2.0, dtype=t.int64),
    "multi_margin_loss of one": lambda t: t.nn.functional.multi_margin_loss(
        values(t, 4), t.tensor([1]), reduction="none"
    ),
}


@pytest.mark.parametrize("name", SMALL)
def test_small_operations(name, oracle, assert_same):
    both(oracle, assert_same, SMALL[name])


GRADIENTS = {
    "trace": lambda t, x: x.trace(),
    "cross": lambda t, x: t.cross(x, x.flip(0) + 1, dim=1),
    "deg2rad": lambda t, x: t.deg2rad(x),
    "frexp": lambda t, x: t.frexp(x)[0],
    "sum_to_size": lambda t, x: x.sum_to_size(1, 3),
    "gradient": lambda t, x: t.gradient(x)[0],
    "reflection": lambda t, x: t.nn.functional.pad(x, (1, 2), "reflect"),
    "replication": lambda t, x: t.nn.functional.pad(x, (1, 2), "replicate"),
    "masked mean": lambda t, x: t.masked.mean(x, 1, mask=x > 0),
    "masked softmax": lambda t, x: t.masked.softmax(x, 1, mask=x > -2),
    "abs of complex": lambda t, x: (x * (1 + 2j)).abs(),
    "angle of complex": lambda t, x: (x * (1 + 2j)).angle() * x,
    "polar": lambda t, x: t.polar(x.abs(), x).real,
    "special i1": lambda t, x: t.special.i1(x - x.detach()),
}


@pytest.mark.parametrize("name", GRADIENTS)
def test_gradients_of_first_and_second_order(name, oracle, assert_same):
    def call(t):
        x = values(t, 3, 3).requires_grad_()
        y = GRADIENTS[name](t, x)
        (g,) = t.autograd.grad((y * y).sum(), x, create_graph=True)
        return g.detach(), t.autograd.grad((g * g).sum(), x)[0]

    both(oracle, assert_same, call, rtol=1e-8, atol=1e-10)


def test_results_of_linear_derivatives_take_part_in_the_next(agree_on_flags):
    agree_on_flags("max_pool1d", lambda t, x: t.nn.functional.max_pool1d(x, 2))
    agree_on_flags("avg_pool2d", lambda t, x: t.nn.functional.avg_pool2d(x.unsqueeze(0), 2))
    agree_on_flags("replicate", lambda t, x: t.nn.functional.pad(x, (1, 1), "replicate"))
    agree_on_flags("nll_loss", lambda t, x: t.nn.functional.nll_loss(x[0], t.tensor([0, 1, 0, 1])))


@pytest.fixture
def agree_on_flags(oracle):
    import rustorch

    def check(name, f):
        found = []
        for t in (rustorch, oracle):
            x = values(t, 1, 4, 6).requires_grad_()
            (g,) = t.autograd.grad(f(t, x).sum(), x, create_graph=True)
            (h,) = t.autograd.grad(g.sum(), x)
            found.append((g.requires_grad, h.abs().sum().item()))
        assert found[0] == found[1], name

    return check


REDUCTIONS = ["sum", "prod", "amax", "amin", "mean", "var", "std", "logsumexp", "norm"]


@pytest.mark.parametrize("name", REDUCTIONS)
def test_masked_reductions(name, oracle, assert_same):
    def call(t):
        x = values(t, 3, 4)
        f = getattr(t.masked, name)
        mask = (x > 0) & (t.arange(3).unsqueeze(1) > 0)  # nothing is left of the first row
        return f(x, dim=1, mask=mask), f(x, dim=(0, 1), mask=mask, keepdim=True), f(x, dim=0)

    both(oracle, assert_same, call)


@pytest.mark.parametrize("name", ["softmax", "log_softmax", "softmin", "cumsum", "cumprod", "argmax", "argmin"])
def test_masked_along_a_dim(name, oracle, assert_same):
    def call(t):
        x = values(t, 3, 4)
        return getattr(t.masked, name)(x, 1, mask=x > -1)

    both(oracle, assert_same, call)


FAULTS = {
    "negative window": lambda t: t.hann_window(-1),
    "negative signal window": lambda t: t.signal.windows.hann(-1),
    "no deviation": lambda t: t.signal.windows.gaussian(3, std=0.0),
    "gradient of bytes": lambda t: t.gradient(t.ones(3, dtype=t.uint8)),
    "gradient of one": lambda t: t.gradient(t.ones(1)),
    "gradient order": lambda t: t.gradient(t.ones(3), edge_order=3),
    "no bins": lambda t: t.histogram(t.ones(3), 0),
    "histogram of integers": lambda t: t.histogram(t.arange(3), 2),
    "reversed range": lambda t: t.histogram(t.ones(3), 2, range=(1.0, 0.0)),
    "trace of a vector": lambda t: t.ones(3).trace(),
    "cross of twos": lambda t: t.cross(t.ones(2), t.ones(2), dim=0),
    "frexp of integers": lambda t: t.frexp(t.arange(3)),
    "fill_diagonal_ of a vector": lambda t: t.ones(3).fill_diagonal_(1),
    "sum_to_size": lambda t: t.ones(3, 2).sum_to_size(2, 2),
    "overlapping operands": lambda t: (lambda x: x[1:].add_(x[:-1]))(t.ones(4)),
}


@pytest.mark.parametrize("name", FAULTS)
def test_faults(name, oracle):
    import rustorch

    seen = []
    for t in (rustorch, oracle):
        with pytest.raises(Exception) as caught:
            FAULTS[name](t)
        seen.append((caught.type, str(caught.value).split("\n")[0]))
    assert seen[0] == seen[1]


def test_polynomials_of_mixed_degrees_are_those_of_each():
    import rustorch

    x = rustorch.linspace(-1.5, 1.5, 44, dtype=rustorch.float64)
    n = rustorch.tensor(
        [-3.0, -0.5, 0.0, 0.9, 1.0, 2.0, 7.0, 9.0, 70.0, 600.0, float("nan")], dtype=rustorch.float64
    ).repeat(4)
    for name in ("chebyshev_polynomial_t", "chebyshev_polynomial_w", "hermite_polynomial_h", "laguerre_polynomial_l"):
        f = getattr(rustorch.special, name)
        each = rustorch.stack([f(x[i], n[i]) for i in range(44)])
        assert rustorch.equal(f(x, n).nan_to_num(1e300), each.nan_to_num(1e300)), name
