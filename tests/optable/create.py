"""Making tensors, with given values and with random numbers, which are torch's own streams."""

from optable.case import OpCase, S, attr, fix, t


def row(name, *samples, **options):
    options.setdefault("grad", 0)
    return OpCase(name, samples, **options)


F32, F64, I32 = attr("float32"), attr("float64"), attr("int32")
UNWRITTEN = {"value": "the memory is as found"}
UNWRITTEN |= {k: UNWRITTEN["value"] for k in ("layout", "out")}

FILLED = [
    row("empty", S((2, 3)), S(2, 3, dtype=F64), skip=UNWRITTEN),
    row("empty_strided", S((2, 3), (1, 2)), skip=UNWRITTEN),
    row("empty_permuted", S((2, 3, 4), (2, 0, 1)), skip=UNWRITTEN),
    row("empty_like", S(t(2, 3)), skip=UNWRITTEN),
    row("new_empty", S(t(2, 3), (4, 2)), skip=UNWRITTEN),
    row("new_empty_strided", S(t(2, 3), (4, 2), (1, 4)), skip=UNWRITTEN),
    *(row(n, S((2, 3)), S(2, 3), S((), dtype=F64), S((0, 3), dtype=I32)) for n in ("zeros", "ones")),
    row("full", S((2, 3), 1.5), S((2,), 3), S((2,), True), S((), 2j), S((2,), 1.5, dtype=I32)),
    *(
        row(n, S(t(2, 3)), S(t(2, 3), dtype=F64), S(t(1, 2, 3, 2), memory_format=attr("channels_last")))
        for n in ("zeros_like", "ones_like")
    ),
    row("full_like", S(t(2, 3), 1.5), S(t(2, 3), 2, dtype=F64)),
    *(row(n, S(t(2, 3), (4, 2)), S(t(2), 3, dtype=F64)) for n in ("new_zeros", "new_ones")),
    row("new_full", S(t(2, 3), (4, 2), 1.5), S(t(2), (3,), 2, dtype=F64)),
    row(
        "arange",
        S(5),
        S(2, 8, 3),
        S(1.0, 2.0, 0.25),
        S(5, 0, -1),
        S(3, dtype=F64),
        S(0),
        skip={"out": "torch takes a step of 0.25 for 0 among integers"},
    ),
    row(
        "range",
        S(1, 4),
        S(1.0, 2.0, 0.25),
        skip={"out": "torch dies of a step of 0.25 among integers"},
    ),
    row(
        "linspace",
        S(0, 1, 5),
        S(-2.0, 3.0, 7),
        S(3, 1, 1),
        S(0, 10, 4, dtype=attr("int64")),
        S(0, 1, 0),
        S(fix(values=1.0), 2, 4),
        skip={"meta": "an end that is a tensor is data"},
    ),
    row("logspace", S(0, 1, 5), S(-1.0, 2.0, 4, 2.0), S(0, 1, 0)),
    row("eye", S(3), S(2, 4), S(3, dtype=I32), S(0)),
    row("scalar_tensor", S(1.5), S(2), S(True), S(1, dtype=F64)),
    row("vander", S(t(4)), S(t(4), 3), S(t(4), 2, True), grad=2),
    row("tril_indices", S(3, 4), S(3, 3, -1), S(0, 2)),
    row("triu_indices", S(3, 4), S(3, 3, 1), S(2, 0)),
    *(
        row(n, S(6), S(7, False), S(1), S(0), S(6, dtype=F64))
        for n in ("hann_window", "hamming_window", "blackman_window", "bartlett_window", "kaiser_window")
    ),
    row("fill_", S(t(2, 3, fixed=True), 1.5), S(t(2, 3, fixed=True), t()), S(t(2, 3, fixed=True), True), grad=2),
    row("fill", S(t(2, 3), 1.5), S(t(2, 3), t()), S(t(2, 3), 3), grad=2),
    row("zero_", S(t(2, 3, fixed=True)), S(t()), grad=2),
    row("is_nonzero", S(t()), S(t(1)), S(t(1, 1)), skip={"meta": "a bool needs data"}),
]

# torch's derivatives of gamma and Dirichlet samples are approximations; tests/distributions has exact ones.
THREE_DIGITS = dict.fromkeys(("float16", "bfloat16", "float32", "float64"), (2e-3, 2e-3))
APPROXIMATE = {"torch's grad": "torch's derivative has three digits"}
BY_ROWS = dict.fromkeys(("layout", "transposed"), "torch lays the result out by rows")
DRAWN = dict.fromkeys(("grad", "gradgrad"), "what is drawn does not move with its parameters")
RANDOM = [
    *(row(n, S((2, 3)), S(17), S((40,), dtype=F64), S(0)) for n in ("rand", "randn")),
    row("randint", S(10, (2, 3)), S(-5, 5, (17,)), S(0, 2**40, (4,)), S(3, (2,), dtype=F32)),
    row("randperm", S(10), S(0), S(40, dtype=I32)),
    *(row(n, S(t(2, 3)), S(t(40)), S(t(2, 3), dtype=F64)) for n in ("rand_like", "randn_like")),
    row("randint_like", S(t(2, 3), 10), S(t(40), -5, 5)),
    row(
        "normal",
        S(0.5, 2.0, (3, 4)),
        S(t(3), t(3, low=0.1)),
        S(t(3), 2.0),
        S(1.0, t(3, low=0.1)),
        grad=2,
        skip=DRAWN | {"out": "torch does not resize there"},
    ),
    row("bernoulli", S(t(3, 4, low=0, high=1, fixed=True)), S(t(40), 0.3), grad=2, skip=DRAWN),
    row("uniform_", S(t(2, 3)), S(t(40), -1, 2), grad=2),
    row("normal_", S(t(2, 3)), S(t(40), 1, 0.5), grad=2),
    row("bernoulli_", S(t(2, 3)), S(t(40), 0.3), S(t(3), t(3, low=0, high=1)), grad=2, skip=DRAWN),
    row("random_", S(t(2, 3)), S(t(40), 100), S(t(40), -5, 5), grad=2),
    row("exponential_", S(t(2, 3)), S(t(40), 2.0), grad=2),
    row("cauchy_", S(t(2, 3)), S(t(40), 1.0, 2.0), grad=2),
    row("geometric_", S(t(2, 3), 0.5), S(t(40), 0.1), grad=2),
    row("log_normal_", S(t(2, 3)), S(t(40), 0.0, 1.0), grad=2),
    row("multinomial", S(t(5, low=0.1), 3), S(t(2, 5, low=0.1), 8, True)),
    row("poisson", S(t(3, 4, low=0.1, high=20)), grad=2, skip=DRAWN),
    row("binomial", S(t(4, low=1, high=9), t(4, low=0.1, high=0.9))),
    row("_standard_gamma", S(t(3, 4, low=0.1, high=5)), skip=DRAWN | APPROXIMATE),
    row("_standard_gamma_grad", S(t(3, 4, low=0.1, high=5), t(3, 4, low=0.1, high=5)), tol=THREE_DIGITS, skip=BY_ROWS),
    row(
        "_dirichlet_grad",
        S(t(3, 4, low=0.1, high=0.9), t(3, 4, low=0.5, high=5), t(3, 4, low=6, high=9)),
        tol=THREE_DIGITS,
        skip=BY_ROWS,
    ),
    row("_sample_dirichlet", S(t(3, 4, low=0.1, high=5))),
]

# In evaluation they give their argument back; of a lazy view, what it stands for.
PASSED_ON = {"lazy": "a resolved copy has other strides"}
DROPOUT = [
    row("native_dropout", S(fix(3, 4), 0.4, True), S(fix(3, 4, dtype="float64"), 0.4, False), grad=2),
    *(
        row(
            n,
            *(S(t(3, 4), 0.4, True), S(t(40), 0.4, False), S(t(3, 4), 0.0, True), S(t(3, 4), 1.0, True)),
            grad=2,
            skip=PASSED_ON,
        )
        for n in ("dropout", "dropout_", "alpha_dropout", "alpha_dropout_")
    ),
    *(
        row(n, S(t(3, 4, 2), 0.4, True), S(t(3, 4, 2), 0.4, False), grad=2, skip=PASSED_ON)
        for n in ("feature_dropout", "feature_dropout_", "feature_alpha_dropout", "feature_alpha_dropout_")
    ),
]

CASES = [*FILLED, *RANDOM, *DROPOUT]
