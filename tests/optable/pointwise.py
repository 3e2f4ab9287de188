"""Operations element by element."""

from optable.case import OpCase, S, given, mask, more_dtypes, t


def unary(name, low=-2.5, high=2.5, *more, **options):
    """One tensor with elements in [low, high]; `more` are further samples."""
    u = lambda *shape: t(*shape, low=low, high=high)
    options.setdefault("special", 1)
    return OpCase(name, (S(u(2, 3)), S(u(67)), S(u()), S(u(2, 0, 3)), *more), **options)


def binary(name, low=-2.5, high=2.5, *more, low2=None, high2=None, scalars=(2, 1.5), by_first=True, **options):
    """Two tensors that broadcast, and numbers where the signature takes them; the second in [low2, high2]."""
    low2, high2 = low if low2 is None else low2, high if high2 is None else high2
    u = lambda *shape: t(*shape, low=low, high=high, grad=by_first)
    v = lambda *shape: t(*shape, low=low2, high=high2)
    samples = [
        S(u(2, 3), v(2, 3)),
        S(u(67), v(67)),
        S(u(2, 3), v(3)),
        S(u(2, 1), v(3)),
        S(u(), v(3)),
        S(u(3), v()),
        S(u(0, 3), v(3)),
        *(S(u(2, 3), k) for k in scalars),
    ]
    options.setdefault("special", 2)
    return OpCase(name, (*samples, *more), **options)


def ternary(name, *more, **options):
    """Three tensors that broadcast."""
    options.setdefault("special", 3)
    samples = (S(t(2, 3), t(2, 3), t(2, 3)), S(t(67), t(67), t(67)), S(t(3), t(2, 1), t(1, 3)), S(t(), t(3), t()))
    return OpCase(name, (*samples, *more), **options)


def each(row, names, *args, **options):
    """The same row for several names."""
    return [row(name, *args, **options) for name in names.split()]


LIMITS = "the limit, where torch has infinity times 0"
ODD = "an odd function, of -0 too"
SIDE = "the two sides of a pole"
EARLY = "torch answers before it looks at NaN"
VECTORS = "torch's vectorised and scalar kernels disagree there"


SERIES = {"float64": (2e-9, 1e-11)}  # torch's trigamma errs by 1.5e-9
ANGLES = {"at inf": LIMITS, "at extreme": "torch reduces large angles badly"}
UNARY = [
    *each(unary, "neg abs sgn square exp exp2 expm1 sin cos tan atan sinh cosh tanh asinh erf erfc sigmoid sinc"),
    *each(unary, "sqrt rsqrt log log2 log10 lgamma", 0.1, 4),
    unary("digamma", 0.1, 4, tol=SERIES, skip={"special grad": SIDE}),
    unary("log1p", -0.9, 3),
    unary("reciprocal", 0.5, 4),
    *each(unary, "asin acos atanh erfinv", -0.9, 0.9),
    unary("acosh", 1.1, 4),
    unary("sign"),
    *each(unary, "floor ceil trunc frac"),
    *each(unary, "isnan isinf isfinite isposinf isneginf signbit logical_not", grad=0),
    unary("bitwise_not", grad=0),
    unary("positive", skip={"lazy": "a resolved copy has other strides"}),
    unary("round", -2.5, 2.5, S(t(7), decimals=1), S(t(7), decimals=-1)),
    unary(
        "logit",
        0.1,
        0.9,
        S(t(7, low=-0.2, high=1.2), 0.1),
        skip={"grad at -0": SIDE},
        tol={"float16": (5e-3, 1e-3), "bfloat16": (5e-2, 5e-3)},
    ),  # torch rounds to half between two steps
    unary(
        "nan_to_num", -2.5, 2.5, S(given([float("nan"), float("inf"), -float("inf"), 1.0], grad=False), 1.0, 2.0, -3.0)
    ),
    unary("angle"),
    unary("conj"),
    unary("conj_physical"),
    unary("resolve_conj"),
    unary("resolve_neg"),
    unary("mvlgamma", 3, 6, kwargs={"p": 2}, skip={"grad at -0": SIDE}).but(
        samples=(S(t(2, 3, low=3, high=6), 2), S(t(5, low=3, high=6), p=3))
    ),
    OpCase(
        "polygamma",
        (S(1, t(2, 3, low=0.5, high=4)), S(2, t(5, low=0.5, high=4)), S(0, t(5, low=0.5, high=4))),
        tol=SERIES,
    ),
    unary("i0", skip={"at inf": LIMITS, "at large": LIMITS}),
    unary("special_i0e"),
    *each(
        unary,
        "special_i1 special_i1e",
        skip={
            "at inf": LIMITS,
            "at large": LIMITS,
            "sign of zero": ODD,
            "grad at nan": "torch takes NaN for 0",
            "grad at subnormal": LIMITS,
        },
    ),
    unary("special_erfcx", skip={"grad at large": LIMITS}),
    unary("special_log_ndtr", skip={"grad at large": LIMITS}),
    unary("special_ndtr", tol={"float16": (5e-2, 1e-3)}),  # torch rounds to half between two steps
    unary("special_entr", 0.1, 3),
    unary("special_ndtri", 0.1, 0.9),
    unary(
        "special_airy_ai",
        -6,
        4,
        grad=0,
        skip=ANGLES | {f"at {what}": ANGLES["at extreme"] for what in ("smallest", "large")},
        tol={"float32": (1e-4, 1e-5), "float64": (1e-4, 3e-6)},
    ),  # torch errs by 2e-6
    *each(unary, "special_bessel_j0 special_bessel_j1", grad=0, skip=ANGLES | {"at smallest": ANGLES["at extreme"]}),
    unary("special_modified_bessel_i0", grad=0, skip={"at inf": LIMITS}),
    unary("special_modified_bessel_i1", grad=0, skip={"at inf": LIMITS, "sign of zero": ODD}),
    unary("special_spherical_bessel_j0", grad=0),
    *each(
        unary, "special_bessel_y0 special_bessel_y1", 0.5, 4, grad=0, skip=ANGLES, tol={"float64": (1e-8, 1e-9)}
    ),  # torch errs by 5e-10
    unary("special_modified_bessel_k0", 0.5, 4, grad=0),
    *each(unary, "special_modified_bessel_k1 special_scaled_modified_bessel_k0", 0.5, 4, grad=0),
    unary("special_scaled_modified_bessel_k1", 0.5, 4, grad=0),
]

ACTIVATIONS = [
    unary("log_sigmoid", skip={"sign of zero": VECTORS}),
    *each(unary, "relu mish silu"),
    *each(unary, "selu hardswish", skip={"grad at nan": VECTORS}),
    unary("relu6", skip={"sign of zero": VECTORS, "grad at nan": VECTORS}),
    unary("hardsigmoid", tol={"float64": (1e-7, 1e-12)}),  # torch's 1/6 is a float32
    unary(
        "gelu",
        -2.5,
        2.5,
        S(t(2, 3), approximate="tanh"),
        skip={
            "at inf": LIMITS,
            "at large": "torch overflows on the way",
            "sign of zero": VECTORS,
            "out": "torch leaves a strided destination unwritten",
        },
    ),
    unary("elu", -2.5, 2.5, S(t(2, 3), 0.7, 1.3, 0.9), skip={"grad at nan": VECTORS}),
    # torch's 1 / alpha is a float32.
    unary("celu", -2.5, 2.5, S(t(2, 3), 0.7), skip={"grad at nan": VECTORS}, tol={"float64": (1e-7, 1e-8)}),
    unary("softplus", -2.5, 2.5, S(t(2, 3), 2, 1)),
    unary("leaky_relu", -2.5, 2.5, S(t(2, 3), 0.2), S(t(2, 3), negative_slope=-0.2)),
    unary("hardtanh", -2.5, 2.5, S(t(2, 3), -0.5, 1.5), skip={"grad at nan": VECTORS}),
    unary("softshrink", -2.5, 2.5, S(t(2, 3), 1.2), skip={"sign of zero": VECTORS, "grad at nan": VECTORS}),
    unary("hardshrink", -2.5, 2.5, S(t(2, 3), 1.2), skip={"grad at nan": VECTORS}),
    OpCase("threshold", (S(t(2, 3), 0.5, 7), S(t(67), 0, 1), S(t(), 0.1, 0.2))),
    OpCase("glu", (S(t(2, 4)), S(t(4, 3), 0), S(t(2, 6, 2), 1), S(t(0, 4)))),
    OpCase("prelu", (S(t(2, 3), t(1)), S(t(2, 3, 2), t(3)), S(t(5), t(1)), S(t(), t()))),
    OpCase("rrelu", (S(t(2, 3)), S(t(67), 0.1, 0.4), S(t(2, 3), training=True))),
]

NO_DATA = {"meta": "a bool needs data"}
BINARY = [
    *each(binary, "add sub", -2.5, 2.5, S(t(2, 3), t(3), alpha=2), scalars=(2, 1.5, True, 2j)),
    binary("rsub", -2.5, 2.5, S(t(2, 3), t(3), alpha=2)),
    binary("mul", scalars=(2, 1.5, True, 2j)),
    binary(
        "div",
        -2.5,
        2.5,
        *(S(t(9), t(9, low=0.6, high=4), rounding_mode=m) for m in ("floor", "trunc")),
        low2=0.6,
        high2=4,
    ),
    binary("true_divide", -2.5, 2.5, low2=0.6, high2=4),
    binary("floor_divide", -6, 6, low2=0.6, high2=4, grad=0),
    *each(binary, "remainder fmod", -6, 6, low2=0.6, high2=4, skip={"at subnormal": VECTORS, "at large": VECTORS}),
    binary(
        "pow",
        0.2,
        3,
        S(2, t(2, 3)),
        S(t(2, 3), 0),
        S(t(2, 3), -1),
        S(t(2, 3, low=0.2), 0.5),
        S(t(2, 3), 3),
        skip={"numbers": "torch takes bool ** True for a copy"},
    ),
    binary("float_power", 0.2, 3, S(2, t(2, 3))),
    *each(binary, "eq ne lt le gt ge", grad=0),
    *each(binary, "logical_and logical_or logical_xor", scalars=(), grad=0),
    *each(binary, "bitwise_and bitwise_or bitwise_xor", scalars=(1, True), grad=0),
    *each(binary, "bitwise_left_shift bitwise_right_shift", low2=0, high2=3, scalars=(1,), grad=0),
    *each(binary, "maximum minimum atan2 hypot logaddexp", scalars=()),
    binary("logaddexp2", scalars=(), skip={"sign of zero": VECTORS}),
    *each(binary, "fmax fmin", scalars=(), skip={"sign of zero": "IEEE 754 leaves open which zero is greater"}),
    binary("nextafter", scalars=()),
    binary(
        "gcd",
        scalars=(),
        grad=0,
        skip={"at smallest": "its absolute value is no int; torch answers with a negative divisor"},
    ),
    binary("lcm", scalars=(), grad=0, skip={"special": "torch dies of a division of the smallest integer by -1"}),
    binary("heaviside", scalars=(), grad=0),
    # The power is computed in the exponent's dtype, as in torch, and may be float32 where the result is not.
    binary(
        "ldexp",
        mixed=(1e-6, 1e-6),
        low2=-2,
        high2=3,
        scalars=(),
        skip={"grad at large": LIMITS},
    ),
    binary("copysign"),
    *each(binary, "xlogy special_xlog1py", 0.2, 3),
    binary("special_zeta", 1.5, 4, by_first=False, skip={"at nan": EARLY, "at inf": LIMITS, "at large": LIMITS}),
    *each(
        binary,
        "igamma igammac",
        0.3,
        4,
        scalars=(),
        by_first=False,
        skip={"at nan": EARLY, "at subnormal": LIMITS},
    ),
    binary("clamp_min", scalars=(0.5, 1)),
    binary("clamp_max", scalars=(0.5, 1)),
    OpCase(
        "isclose", (S(t(2, 3), t(2, 3)), S(given([1.0, 2.0]), given([1.0 + 1e-6, 3.0])), S(t(3), t(3), 1.0)), grad=0
    ),
    OpCase(
        "allclose", skip=NO_DATA, samples=(S(t(2, 3), t(2, 3)), S(given([1.0, 2.0]), given([1.0 + 1e-6, 2.0]))), grad=0
    ),
    OpCase(
        "equal",
        skip=NO_DATA,
        samples=(S(t(2, 3), t(2, 3)), S(given([1.0, 2.0]), given([1.0, 2.0])), S(t(2), t(3))),
        grad=0,
    ),
    OpCase("complex", (S(t(2, 3), t(2, 3)), S(t(2, 1), t(3)), S(t(), t()))),
    OpCase("polar", (S(t(2, 3, low=0.2), t(2, 3)), S(t(2, 1, low=0.2), t(3)))),
]

TERNARY = [
    ternary("addcmul", S(t(3), t(3), t(3), value=2)),
    ternary("addcdiv", S(t(3), t(3), t(3), value=2)).but(samples=(
        S(t(2, 3), t(2, 3), t(2, 3, low=0.6)), S(t(3), t(2, 1), t(1, 3, low=0.6)), S(t(3), t(3), t(3, low=0.6), value=2),
    )),
    ternary("lerp", S(t(2, 3), t(3), 0.3), S(t(3), t(3), 0.8)),
    OpCase("clamp", special=3, samples=(S(t(2, 3), t(2, 3), t(2, 3)), S(t(67), t(67), t(67)), S(t(2, 3), t(2, 1), t(1, 3)), S(t(2, 3), -0.5, 1), S(t(2, 3), min=0), S(t(2, 3), max=0.5), S(t(3), t(3)), S(t(3), max=t(3)))),
    OpCase("where", skip={"out": "torch takes numbers only without it", "method": "the method takes the condition second"}, samples=(
        S(mask(2, 3), t(2, 3), t(2, 3)), S(mask(67), t(67), t(67)), S(mask(2, 1), t(3), t()), S(mask(3), t(3), 2.0),
        S(mask(3), 1, t(3)), S(mask(3), 1.5, 2), S(mask(0, 3), t(3), t(3)),
    )),
    OpCase("masked_fill", (S(t(2, 3), mask(2, 3), 1.5), S(t(2, 3), mask(3), t()), S(t(3), mask(2, 1), 2))),
]  # fmt: skip

CASES = more_dtypes(
    [*UNARY, *ACTIVATIONS, *BINARY, *TERNARY],
    """special_erfcx special_log_ndtr special_ndtri special_airy_ai special_zeta rrelu special_bessel_j0 special_bessel_j1 special_bessel_y0
    special_bessel_y1 special_modified_bessel_i0 special_modified_bessel_i1 special_modified_bessel_k0
    special_modified_bessel_k1 special_scaled_modified_bessel_k0 special_scaled_modified_bessel_k1
    special_spherical_bessel_j0 clamp_min clamp_max ldexp""",
)
