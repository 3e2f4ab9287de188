"""Special functions in float32 against the CPU's in float64: dense sweeps of their ranges, and what limits, poles and NaN give."""

import math

import pytest

import rustorch as torch

special = torch.special
INF, NAN = math.inf, math.nan
EDGES = [NAN, INF, -INF, 0.0, -0.0, 1.0, -1.0, 2.0, -2.0, -2.5, 3.0, 10.0, 1e-7, -1e-7, 1e-20, 1e10, 1e30, 3e38, -3e38]


def powers_of_ten(low, high, n):
    return torch.pow(10.0, torch.linspace(low, high, n, dtype=torch.float64)).float()


def grid(*axes):
    return [x.reshape(-1) for x in torch.meshgrid(*axes, indexing="ij")]


def check(function, inputs, rtol, atol=0.0):
    """Both devices give the same: infinities and NaN at the same places, and numbers within the tolerances."""
    inputs = [x.float() for x in inputs]
    actual = function(*(x.gpu() for x in inputs)).cpu()
    exact = function(*(x.double() for x in inputs))
    rounded = exact.float()
    same = (actual == rounded) | (actual.isnan() & rounded.isnan())
    # Numbers too small for float32's normal ones may be 0.
    near = (actual.double() - exact).abs() <= atol + rtol * exact.abs() + 2.4e-38
    wrong = ~(same | (near & rounded.isfinite()))
    found = [[x[wrong][0].item() for x in (*inputs, actual, exact)] if wrong.any() else []]
    assert not wrong.any(), f"{wrong.sum().item()} of {wrong.numel()}, the first (inputs, GPU, CPU): {found[0]}"


RIGHT = torch.cat([powers_of_ten(-30, 36, 1500), torch.linspace(0.01, 20, 1999)])
BOTH = torch.cat([torch.tensor(EDGES), torch.linspace(-95, 95, 1901), torch.linspace(-12, 12, 1201), RIGHT])


def test_lgamma_keeps_its_digits_up_to_its_zeros_at_1_and_2():
    check(torch.lgamma, [torch.cat([RIGHT, torch.linspace(0.9, 2.2, 1301)])], 1e-6)


def test_lgamma_left_of_0_and_at_its_poles():
    check(torch.lgamma, [torch.cat([torch.tensor(EDGES), torch.linspace(-30, 0, 3001), -RIGHT[:1000]])], 2e-6, 1e-6)


@pytest.mark.parametrize("name", ["i0e", "i1e", "modified_bessel_i0", "modified_bessel_i1"])
def test_modified_bessel_functions_of_the_first_kind(name):
    check(getattr(special, name), [BOTH], 2e-6)


@pytest.mark.parametrize(
    "name", ["modified_bessel_k0", "modified_bessel_k1", "scaled_modified_bessel_k0", "scaled_modified_bessel_k1"]
)
def test_modified_bessel_functions_of_the_second_kind(name):
    check(getattr(special, name), [BOTH], 2e-6)


@pytest.mark.parametrize("name", ["bessel_j0", "bessel_j1", "bessel_y0", "bessel_y1"])
def test_bessel_functions_at_arguments_of_any_size(name):
    function = getattr(special, name)
    check(function, [BOTH], 2e-6, 3e-7)
    # In units of the amplitude, which falls.
    check(lambda x: function(x) * x.sqrt(), [powers_of_ten(0.5, 38, 2000)], 0, 4e-7)


def test_zeta_over_exponents_and_starts():
    check(special.zeta, grid(1 + powers_of_ten(-4, 1.8, 60), powers_of_ten(-3, 5, 60)), 1e-5)
    check(
        special.zeta,
        grid(torch.tensor([INF, NAN, -1.0, 0.5, 1.0, 2.0, 3.0, 2.5]), torch.tensor(EDGES[:-6])),
        1e-5,
        1e-5,
    )


def test_zeta_left_of_0():
    check(special.zeta, grid(torch.arange(2.0, 8.0), torch.linspace(-6.3, 0.0, 200)), 1e-5, 1e-5)


@pytest.mark.parametrize("order", [1, 2, 5, 20])
def test_polygamma_by_order(order):
    x = torch.cat(
        [torch.tensor([NAN, INF, -INF, 0.0, -1.0, -3.0]), powers_of_ten(-2, 6, 800), torch.linspace(0.1, 30, 800)]
    )
    check(lambda x: torch.polygamma(order, x), [x], 5e-6)


def test_polygamma_half_way_between_poles_is_what_is_left_of_large_terms():
    x = torch.tensor([-0.5, -1.5, -2.5, -6.5])
    for order in (4, 20):
        check(lambda x, order=order: torch.polygamma(order, x), [x], 1e-5)


def test_polygamma_of_orders_beyond_32_bits_is_infinite():
    assert torch.polygamma(2**40, torch.tensor([0.5]).gpu()).item() == INF


SHAPES = torch.cat([powers_of_ten(-20, 3, 70), torch.tensor([0.0, 19.9, 20.1, 1e5, 1e9])])


@pytest.mark.parametrize("function", [torch.igamma, torch.igammac])
def test_incomplete_gamma_functions_from_tail_to_tail(function):
    atol = 1e-13  # 1 - igamma has no more digits in double precision
    shape, x = grid(SHAPES, torch.cat([powers_of_ten(-20, 3, 70), torch.tensor([0.0, INF, NAN])]))
    check(function, [shape, x], 5e-5, atol)
    # Around the mean, as many standard deviations away as leave something.
    shape, z = grid(powers_of_ten(-1, 9, 60), torch.linspace(-6, 6, 61))
    check(function, [shape, (shape + z * shape.sqrt()).clamp(min=0)], 1e-5, atol)
    check(function, [torch.tensor([INF, INF, 2.0, -1.0, NAN]), torch.tensor([2.0, INF, INF, 2.0, 1.0])], 0)


POLYNOMIALS = [
    *(f"{kind}chebyshev_polynomial_{letter}" for kind in ("", "shifted_") for letter in "tuvw"),
    *("hermite_polynomial_h", "hermite_polynomial_he", "laguerre_polynomial_l", "legendre_polynomial_p"),
]


@pytest.mark.parametrize("name", POLYNOMIALS)
def test_polynomials_of_low_degrees(name):
    # Between zeros they are as large as their degree makes them: of the fifth at 2.5 a thousand.
    x, n = grid(torch.cat([torch.tensor([NAN, -1.0, 1.0]), torch.linspace(-2.5, 2.5, 301)]), torch.arange(-1.0, 6.0))
    check(getattr(special, name), [x, n], 5e-6, 1e-4 if "hermite" in name else 1e-5)


@pytest.mark.parametrize("letter", "tuvw")
def test_chebyshev_polynomials_of_high_degrees_keep_their_angle(letter):
    x, n = grid(
        torch.cat([torch.tensor([-1.0, 1.0]), torch.linspace(-0.95, 0.95, 191)]), torch.tensor([9.0, 40.0, 101.0])
    )
    check(getattr(special, f"chebyshev_polynomial_{letter}"), [x, n], 0, 2e-4)
    # Beyond 1 they grow as fast as their degree says.
    check(
        getattr(special, f"chebyshev_polynomial_{letter}"),
        grid(torch.linspace(-2.5, 2.5, 51)[[*range(15), *range(36, 51)]], torch.tensor([9.0, 20.0])),
        2e-5,
    )


def test_frexp_takes_any_number_apart():
    x = torch.cat([torch.tensor(EDGES), RIGHT, -RIGHT])
    for actual, expected in zip(torch.frexp(x.gpu()), torch.frexp(x), strict=True):
        assert actual.dtype == expected.dtype
        assert torch.equal(actual.cpu().nan_to_num(7.0), expected.nan_to_num(7.0))


def test_chains_and_the_reductions_that_end_them_have_the_functions_they_call():
    x = torch.linspace(0.5, 6, 300)
    before = torch.gpu.set_fusion(True)
    try:
        y = torch.lgamma(x.gpu() * 2) + 1
        assert torch.allclose(y.cpu(), torch.lgamma(x * 2) + 1, rtol=1e-6)
        total = (special.i0e(x.gpu()) * 3).sum()
        assert torch.allclose(total.cpu(), (special.i0e(x) * 3).sum())
    finally:
        torch.gpu.set_fusion(before)


def test_airy():
    x = torch.cat([torch.linspace(-4, 1, 300), torch.linspace(1, 12, 200), torch.linspace(-20, -4, 200)])
    x = torch.cat([x, torch.tensor([200.0, float("inf"), -float("inf"), float("nan")])])
    assert torch.allclose(
        torch.special.airy_ai(x.gpu()).cpu(), torch.special.airy_ai(x), rtol=3e-5, atol=2e-6, equal_nan=True
    )


def test_derivatives_of_gamma_and_dirichlet_samples():
    a = torch.tensor([0.01, 0.3, 1.0, 4.0, 40.0, 900.0]).repeat_interleave(4)
    x = a * torch.tensor([0.3, 0.95, 1.2, 2.0]).repeat(6)
    got, want = torch._standard_gamma_grad(a.gpu(), x.gpu()).cpu(), torch._standard_gamma_grad(a, x)
    assert torch.allclose(got, want, rtol=1e-4)
    total = a + torch.tensor([0.5, 1.0, 3.0, 20.0]).repeat(6)
    x = (a / total * torch.tensor([0.2, 0.9, 1.05, 1.2]).repeat(6)).clamp(max=0.999)
    got = torch._dirichlet_grad(x.gpu(), a.gpu(), total.gpu()).cpu()
    assert torch.allclose(got, torch._dirichlet_grad(x, a, total), rtol=3e-4)
