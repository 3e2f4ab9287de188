"""Elementary functions of complex numbers: accuracy in both parts, branch cuts, infinities and zeros."""

import math

import numpy as np
import pytest

import rustorch as torch

inf, nan = math.inf, math.nan
EXACT = {
    **{name: name for name in ("acos", "acosh", "asin", "asinh", "atan", "atanh", "cos", "cosh", "exp", "log", "sin")},
    **{name: name for name in ("sinh", "sqrt", "tan", "tanh")},
    "log1p": lambda m, z: m.log(1 + z),
    "reciprocal": lambda m, z: 1 / z,
    "rsqrt": lambda m, z: 1 / m.sqrt(z),
}
# Real parts, or imaginary ones, of which exponentials neither overflow nor lose all bits of the angle.
BOUNDED = {name: (700, 1e15) for name in ("cosh", "exp", "sinh", "tanh")} | {
    name: (1e15, 700) for name in ("cos", "sin", "tan")
}


def parts(n, rng):
    """Numbers near 0, near 1, subnormal, huge and tiny."""
    sign = rng.choice([-1.0, 1.0], n)
    kinds = [
        rng.standard_normal(n) * 3,
        sign * 10.0 ** rng.uniform(-300, 300, n),
        sign * 10.0 ** rng.uniform(-12, 12, n),
        1 + rng.standard_normal(n) * 10.0 ** rng.uniform(-17, -1, n),
        rng.choice([5e-324, -3e-310, 1e-308, 1.0, -1.0, 0.5, -2.0], n),
    ]
    return np.choose(rng.integers(0, len(kinds), n), kinds)


@pytest.mark.parametrize("dtype", ["complex64", "complex128"])
@pytest.mark.parametrize("name", EXACT)
def test_both_parts_are_accurate(name, dtype):
    mpmath = pytest.importorskip("mpmath")
    info, n = np.finfo(dtype), 150
    rng = np.random.default_rng(7)
    limit = BOUNDED.get(name, (1e300, 1e300))
    # No zeros: a cut's sides are another test's.
    re, im = (np.clip(parts(n, rng), -min(b, 1e37), min(b, 1e37)) for b in limit)
    if dtype == "complex64":
        re, im = (np.where(abs(p) < 1e-30, 1e-30, p) for p in (re, im))
    z = (re + 1j * im).astype(dtype)
    assert np.all(z.real != 0) and np.all(z.imag != 0)
    found = getattr(torch, name)(torch.from_numpy(z)).numpy()
    exact = EXACT[name]
    with mpmath.workprec(2300):
        for x, y in zip(z, found):
            w = mpmath.mpc(float(x.real), float(x.imag))
            w = exact(mpmath, w) if callable(exact) else getattr(mpmath, exact)(w)
            for got, part in ((y.real, w.real), (y.imag, w.imag)):
                unit = max(abs(part) * float(info.eps), float(info.smallest_subnormal))
                top = abs(part) > float(info.max) and abs(got) >= info.max
                # Of subnormal parts the roots on the way may have lost bits.
                allowed = 4 if abs(part) > 4 * float(info.smallest_normal) else 1e3
                assert top or abs(mpmath.mpf(float(got)) - part) <= allowed * unit, (x, y, complex(w))


@pytest.mark.parametrize("dtype", [torch.complex64, torch.complex128])
def test_the_sign_of_a_zero_chooses_the_side_of_a_cut(dtype):
    def at(name, re, im):
        return getattr(torch, name)(torch.tensor([complex(re, im)], dtype=dtype)).item()

    for side in (0.0, -0.0):
        sign = math.copysign(1.0, side)
        assert at("asinh", side, -3.0).real == pytest.approx(sign * 1.762747174)
        assert at("asinh", side, 3.0) == pytest.approx(complex(sign * 1.762747174, math.pi / 2))
        assert at("acos", 2.0, side) == pytest.approx(complex(0, -sign * 1.316957897))
        assert at("asin", 2.0, side) == pytest.approx(complex(math.pi / 2, sign * 1.316957897))
        assert at("acosh", -2.0, side) == pytest.approx(complex(1.316957897, sign * math.pi))
        assert at("atanh", 2.0, side) == pytest.approx(complex(0.5493061443, sign * math.pi / 2))
        assert at("atan", side, 2.0) == pytest.approx(complex(sign * math.pi / 2, 0.5493061443))
        assert at("sqrt", -4.0, side) == pytest.approx(complex(0, sign * 2))
        assert at("log", -1.0, side) == pytest.approx(complex(0, sign * math.pi))
        assert at("log1p", -2.0, side) == pytest.approx(complex(0, sign * math.pi))


def same(a, b):
    return all((math.isnan(x) and math.isnan(y)) or str(x) == str(y) for x, y in ((a.real, b.real), (a.imag, b.imag)))


@pytest.mark.parametrize("dtype", [torch.complex64, torch.complex128])
def test_limits_that_numpy_does_not_tell(dtype):
    table = [
        ("reciprocal", complex(inf, 1), complex(0, -0.0)),
        ("reciprocal", complex(-inf, -inf), complex(-0.0, 0)),
        ("reciprocal", complex(inf, nan), complex(0, math.copysign(0, -nan))),
        ("reciprocal", 0j, complex(nan, nan)),
        ("rsqrt", complex(inf, 0), complex(0, -0.0)),
        ("sigmoid", complex(inf, nan), 1 + 0j),
        ("sigmoid", complex(-inf, 0), 0j),
        ("sigmoid", complex(-1000, 2), complex(-0.0, 0)),
        ("sigmoid", complex(1000, 2), 1 + 0j),
        ("expm1", complex(-inf, nan), complex(-1, 0)),
        ("expm1", complex(inf, 0.0), complex(inf, 0.0)),
        ("expm1", complex(0.0, -0.0), complex(0.0, -0.0)),
        ("log1p", complex(-0.0, 0.0), complex(-0.0, 0.0)),
        ("log1p", complex(-1, 0), complex(-inf, 0)),
        ("log1p", complex(nan, inf), complex(inf, nan)),
        ("exp2", complex(-inf, nan), complex(0, 0)),
    ]
    for name, x, expected in table:
        found = getattr(torch, name)(torch.tensor([x], dtype=dtype)).item()
        if name != "reciprocal" or x != 0:
            assert same(found, expected) or found == expected, (name, x, found, expected)


def test_differences_of_one_survive_near_the_unit_circle():
    mpmath = pytest.importorskip("mpmath")
    z = torch.tensor([0.6 + 0.8j, 1 + 1e-9j, 0.8 - 0.6000000000000001j, -0.28 + 0.96j], dtype=torch.complex128)
    with mpmath.workprec(400):
        for x, y in zip(z.tolist(), z.log().tolist()):
            assert y.real == pytest.approx(float(mpmath.log(mpmath.mpc(x)).real), rel=1e-15)
        for x, y in zip(z.tolist(), (z - 1).log1p().tolist()):
            assert y.real == pytest.approx(float(mpmath.log(1 + mpmath.mpc(x - 1)).real), rel=1e-14)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_polar_takes_any_angle(dtype):
    angles = torch.tensor([0.0, -0.0, 1.0, -2.5, 3e5, 1e12, -4e30, inf, nan], dtype=getattr(torch, dtype)).repeat(9)
    z = torch.polar(torch.full_like(angles, 2.0), angles)
    for angle, got in zip(angles.tolist(), z.tolist()):
        if not math.isfinite(angle):
            assert math.isnan(got.real) and math.isnan(got.imag)
            continue
        eps = torch.finfo(angles.dtype).eps
        assert got.real == pytest.approx(2 * math.cos(angle), rel=eps, abs=eps)
        assert got.imag == pytest.approx(2 * math.sin(angle), rel=eps, abs=eps)
