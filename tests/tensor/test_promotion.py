"""Casts between all dtypes, and the dtype of operations on every pair of operands."""

import itertools

import pytest
from conftest import DTYPES

import rustorch as torch

PAIRS = list(itertools.product(DTYPES, DTYPES))
# The last line is undefined in C for integers, and so is left out there.
VALUES = "[0, 1, -1, 2, 127, 128, -128, 255, 256, 65535, 2**31 - 1, -2**31, 2**40]"
FLOATS = "[0.0, -0.0, 0.5, -0.5, 1.5, 2.5, -1.9, 100.25, 1e-7, 65504.0, 3e38, float('inf'), float('nan')]"


@pytest.mark.parametrize(("source", "target"), PAIRS)
def test_casts(agree, source, target):
    integers = f"x = torch.tensor({VALUES}, dtype=torch.int64).to(torch.{source})\n"
    # A float beyond an integer type's range converts as the processor likes.
    small = "x = torch.tensor([0, 1, 2, 3, 100, 127]).to(torch.{})\n"
    real = source.startswith(("float", "bfloat"))
    made = small.format(source) if not source.startswith(("bool", "int", "uint")) else integers
    agree(made + f"x.to(torch.{target}), x.type(torch.{target}), x.to(torch.{target}, copy=True)")
    if real and target.startswith(("float", "bfloat", "complex", "bool")):
        agree(f"torch.tensor({FLOATS}, dtype=torch.{source}).to(torch.{target})")
    if real:
        agree(f"torch.tensor([0.5, 1.5, 2.75, 99.9], dtype=torch.{source}).to(torch.{target})")
    if source.startswith("complex"):
        agree(f"torch.tensor([1.5 + 2j, 3j, 0j], dtype=torch.{source}).to(torch.{target})")
    agree(f"x = torch.ones(3, dtype=torch.{source})\nx.to(torch.{target}) is x, x.type(torch.{target}) is x")


@pytest.mark.parametrize(
    "method",
    ["bool", "byte", "char", "short", "int", "long", "half", "bfloat16", "float", "double", "cfloat", "cdouble"],
)
def test_cast_methods(agree, method):
    for dtype in ("bool", "int32", "float32", "complex64"):
        agree(
            f"x = torch.tensor([0, 1, 2], dtype=torch.{dtype})\nx.{method}(), x.{method}(memory_format=torch.preserve_format)"
        )


@pytest.mark.parametrize(("a", "b"), PAIRS)
def test_promotion(agree, a, b):
    if "float16" in (a, b) and "complex" in a + b:
        pytest.skip("complex32 is none of our dtypes")
    agree(f"torch.promote_types(torch.{a}, torch.{b})")
    agree(f"torch.can_cast(torch.{a}, torch.{b})")
    for m, n in itertools.product(("2", ""), repeat=2):
        made = f"x, y = torch.ones({m or '()'}, dtype=torch.{a}), torch.ones({n or '()'}, dtype=torch.{b})\n"
        agree(made + "torch.result_type(x, y)")
        if "uint" in (a + b).replace("uint8", ""):
            continue
        agree(made + "x + y, x * y")
        agree(made + "x / y")
        agree(made + "x == y")
        agree(made + "torch.where(torch.tensor(True), x, y).dtype")
        if m:
            agree(made + "x += y\nx")
            agree(made + "x /= y\nx")
            agree(made + "x.copy_(y)")
            if m == n:
                agree(made + "torch.add(y, y, out=x)")
    if "uint" in (a + b).replace("uint8", ""):
        return
    agree(f"torch.cat([torch.ones(1, dtype=torch.{a}), torch.zeros(1, dtype=torch.{b})])")
    agree(f"torch.stack([torch.ones(1, dtype=torch.{a}), torch.zeros(1, dtype=torch.{b})])")


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    "number",
    [
        "True",
        "2",
        "2.5",
        "1j",
        "-1",
        "np.float32(2.5)",
        "np.int64(2)",
    ],
)
def test_promotion_with_numbers(agree, dtype, number):
    if number == "1j" and dtype == "float16":
        pytest.skip("complex32 is none of our dtypes")
    for shape in ("2", "()"):
        made = f"x = torch.ones({shape}, dtype=torch.{dtype})\n"
        agree(made + f"torch.result_type(x, {number}), torch.result_type({number}, x)")
        if dtype.startswith("uint") and dtype != "uint8":
            continue
        if "np" not in number:
            agree(made + f"{number} + x, x * {number}")
            agree(made + f"x / {number}, {number} / x")
        agree(made + f"x + {number}")
        agree(made + f"x += {number}\nx")
        agree(made + f"x *= {number}\nx")
        agree(made + f"x == {number}, x != {number}")
        if number != "1j":
            if dtype != "bool":
                agree(made + f"x ** {number}")
            agree(made + f"x > {number}")
            if dtype != "bool":
                agree(made + f"torch.clamp(x, {number})", message=False)
            if "complex" not in dtype:
                agree(made + f"torch.maximum(x, torch.tensor({number}))", message=False)


@pytest.mark.parametrize("dtype", [d for d in DTYPES if d not in ("uint16", "uint32", "uint64")])
def test_dtype_of_functions(agree, dtype):
    made = f"x = torch.ones(2, 3, dtype=torch.{dtype})\n"
    for call in (
        "x.sum()",
        "x.mean()",
        "x.prod()",
        "x.cumsum(0)",
        "x.sum(dtype=torch.float64)",
        "x.exp()",
        "x.sqrt()",
        "-x",
    ):
        agree(made + call, message=False)
    for call in (
        "x.max()",
        "x.any()",
        "x.all()",
        "x.std()",
        "x.floor()",
        "x.sigmoid()",
        "x.sign()",
        "x.reciprocal()",
    ):
        agree(made + call, message=False)
    for call in (
        "x // 1",
        "x % 2",
        "x & x",
        "x << 1",
        "x.logical_not()",
        "x.isnan()",
        "x.clamp(0, 1)",
        "x @ x.t()",
        "x.round()",
        "x.neg()",
    ):
        agree(made + call, message=False)


def test_result_type_errors(agree):
    agree("torch.result_type(1, 2)")
    agree("torch.result_type(1.0, 2j), torch.result_type(True, 1)")
    agree("torch.result_type('a', 1)")
    agree("torch.promote_types(torch.int8, 'a')")
    agree("torch.can_cast(1, 2)")


def test_out_is_refused_for_a_dtype_that_cannot_hold_the_result():
    out = torch.zeros(2, dtype=torch.int32)
    with pytest.raises(RuntimeError, match="result type Float can't be cast to the desired output type Int"):
        torch.add(torch.ones(2), 1, out=out)
    assert out.tolist() == [0, 0]
