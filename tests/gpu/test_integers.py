"""Whole numbers of 64 bits and below, and functions of floats, on the GPU: as on the CPU."""

import pytest

import rustorch as torch

EDGES = [0, 1, -1, 2, 3, -3, 7, 100, -100, 2**31 - 1, 2**31, -(2**31), -(2**31) - 1, 2**32, 2**33 + 5, -(2**40) + 3]
EDGES += [2**62 + 12345, -(2**62), 2**63 - 1, -(2**63), 6700417 * 641, 123456789012]
INTEGERS = ["int64", "int32", "int16", "int8", "uint8"]
TWO = ["add", "sub", "mul", "eq", "ne", "lt", "le", "gt", "ge", "maximum", "minimum", "bitwise_and", "bitwise_or"]
TWO += ["bitwise_xor", "bitwise_left_shift", "bitwise_right_shift", "gcd", "logical_and", "logical_xor", "fmax"]
ONE = ["neg", "abs", "sign", "square", "bitwise_not", "logical_not", "isnan", "signbit", "floor"]


def pairs(dtype):
    x = torch.tensor(EDGES).to(getattr(torch, dtype))
    n = len(EDGES)
    return x[:, None].expand(n, n), x[None].expand(n, n)


@pytest.mark.parametrize("name", TWO)
@pytest.mark.parametrize("dtype", ["int64", "int8", "uint8"])
def test_functions_of_two_integers(name, dtype, assert_same):
    a, b = pairs(dtype)
    f = getattr(torch, name)
    if name == "gcd" and dtype == "int8":
        a, b = a.clamp(min=-127), b.clamp(min=-127)
    assert_same(f(a.gpu(), b.gpu()).cpu(), f(a, b))


@pytest.mark.parametrize("name", ONE)
@pytest.mark.parametrize("dtype", INTEGERS)
def test_functions_of_an_integer(name, dtype, assert_same):
    x, f = pairs(dtype)[0], getattr(torch, name)
    assert_same(f(x.gpu()).cpu(), f(x))


@pytest.mark.parametrize("name", ["floor_divide", "remainder", "fmod"])
@pytest.mark.parametrize("dtype", INTEGERS)
def test_division(name, dtype, assert_same):
    a, b = pairs(dtype)
    b = torch.where(b == 0, torch.tensor(7, dtype=b.dtype), b)
    a = torch.where(b == -1, torch.tensor(5, dtype=b.dtype), a)
    f = getattr(torch, name)
    assert_same(f(a.gpu(), b.gpu()).cpu(), f(a, b))
    assert (f(a.gpu(), torch.zeros_like(b).gpu()) == 0).all()


def test_numbers_and_bounds_of_64_bits(assert_same):
    x = torch.tensor(EDGES)
    for f in (
        lambda x: x + 2**40,
        lambda x: x.clamp(-5, 2**40),
        lambda x: x.add(x, alpha=2**33 + 1),
        lambda x: x**5,
        lambda x: torch.where(x > 0, x, -x),
        lambda x: x.float(),
        lambda x: x.int(),
        lambda x: x.bool(),
        lambda x: x.clone().mul_(3),
    ):
        assert_same(f(x.gpu()).cpu(), f(x), rtol=0, atol=0)
    x = torch.tensor([0.5, -0.5, 1.9, -1.9, 3e9, -3e9, 1e15, 9e18, -9e18, float("nan"), float("inf"), 1e-30, 16777217])
    assert_same(x.gpu().long().cpu(), x.long())


@pytest.mark.parametrize("name", ["sum", "prod", "amin", "amax", "any", "all", "count_nonzero"])
@pytest.mark.parametrize("dtype", [*INTEGERS, "bool", "float32"])
def test_reductions(name, dtype, assert_same):
    f = getattr(torch, name)
    x = torch.randint(-3, 4, (37, 90)).to(getattr(torch, dtype))
    for dim in ((), (0,), (1,)):
        assert_same(f(x.gpu(), *dim).cpu(), f(x, *dim), rtol=1e-4)
    if dtype == "int64" and name in ("sum", "amin"):
        x = torch.randint(-(2**60), 2**60, (300, 70))
        assert_same(f(x.gpu()).cpu(), f(x))
        assert_same(f(x.gpu().t(), 1).cpu(), f(x.t(), 1))


SPECIAL = [0.0, -0.0, 1.0, -1.0, 0.5, 20.0, -20.0, 88.0, 1e-40, float("inf"), -float("inf"), float("nan")]
FUNCTIONS = [
    "sin",
    "cos",
    "tan",
    "asin",
    "acos",
    "atan",
    "sinh",
    "cosh",
    "asinh",
    "acosh",
    "atanh",
    "erfc",
    "sinc",
    "log",
]
FUNCTIONS += ["erfinv", "exp2", "log2", "log10", "frac", "special.entr", "special.ndtr", "special.log_ndtr", "logit"]
FUNCTIONS += ["special.ndtri", "digamma", "special.erfcx", "special.spherical_bessel_j0"]


def named(name):
    f = torch
    for part in name.split("."):
        f = getattr(f, part)
    return f


@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions_of_a_float(name, assert_same):
    torch.manual_seed(0)
    x = torch.cat([torch.randn(900) * s for s in (0.01, 0.3, 1, 4, 1e4)] + [torch.rand(500), torch.tensor(SPECIAL)])
    if name in ("sin", "cos", "tan"):
        x = torch.cat([x, torch.randn(500) * 1e20])
    if name == "special.erfcx":
        x = x.clamp(min=-4)
    if name in ("sinh", "cosh", "digamma"):
        x = x.clamp(min=-30)
    assert_same(named(name)(x.gpu()).cpu(), named(name)(x), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    "name",
    [
        *("atan2", "hypot", "logaddexp", "logaddexp2", "xlogy", "special.xlog1py", "heaviside", "nextafter", "fmod"),
        *("remainder", "floor_divide"),
    ],
)
def test_functions_of_two_floats(name, assert_same):
    torch.manual_seed(0)
    x = torch.cat([torch.randn(300) * s for s in (1e-3, 1, 1e4, 1e20)] + [torch.tensor(SPECIAL)])
    y = x[torch.randperm(x.numel())]
    f = named(name)
    assert_same(f(x.gpu(), y.gpu()).cpu(), f(x, y), rtol=1e-5, atol=1e-6)
