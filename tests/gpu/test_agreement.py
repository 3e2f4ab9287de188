"""Every operation of the table on GPU tensors: it agrees with the CPU, or it says that it has no kernel."""

import pytest
from optable import BY_NAME
from optable.compare import difference, outcome, report

import rustorch as torch

pytestmark = pytest.mark.filterwarnings("ignore")

# What has kernels of its own: these must not be refused for float32.
SUPPORTED = [
    *("abs", "add", "addcdiv", "addcmul", "bitwise_and", "bitwise_not", "bitwise_or", "ceil", "clamp", "clone"),
    *(
        "copysign",
        "cos",
        "div",
        "elu",
        "eq",
        "erf",
        "exp",
        "expm1",
        "fill",
        "floor",
        "gelu",
        "hardsigmoid",
        "hardswish",
    ),
    *(
        "isfinite",
        "isinf",
        "isnan",
        "leaky_relu",
        "lerp",
        "log",
        "log1p",
        "logical_and",
        "logical_not",
        "lt",
        "maximum",
    ),
    *("minimum", "mish", "mul", "nan_to_num", "ne", "neg", "pow", "reciprocal", "relu", "round", "rsqrt", "rsub"),
    *("sigmoid", "sign", "silu", "sin", "softplus", "sqrt", "square", "sub", "tanh", "threshold", "trunc", "where"),
]
# Random numbers differ between devices, and what is not initialised may hold anything.
NO_VALUES = {"empty", "empty_like", "empty_strided", "new_empty", "new_empty_strided", "resize", "empty_permuted"}


def moved(x):
    if isinstance(x, torch.Tensor):
        return x.gpu()
    if isinstance(x, list | tuple):
        return type(x)(map(moved, x))
    return x


def back(x):
    if isinstance(x, torch.Tensor):
        return x.cpu()
    if isinstance(x, list | tuple):
        return [back(y) for y in x]
    return x


def refused(error):
    return isinstance(error, NotImplementedError) or (
        isinstance(error, TypeError) and "GPUs compute with" in str(error)
    )


def looser(x):
    dtype = {torch.float16: (4e-3, 2e-4), torch.bfloat16: (2e-2, 2e-3)}
    first = x[0] if isinstance(x, list | tuple) and x else x
    return dtype.get(getattr(first, "dtype", None), (1e-4, 1e-5))


@pytest.mark.parametrize("case", BY_NAME.values(), ids=repr)
def test_operations_agree_with_the_cpu_or_are_refused(case):
    failures, worked = [], False
    for sample in case.samples:
        for dtype in ("float32", "int32", "bool", "float16"):
            try:
                args, kwargs = sample.make(torch, dtype)
                there = moved(args), {k: moved(v) for k, v in kwargs.items()}
            except (NotImplementedError, TypeError):
                continue
            torch.manual_seed(0)
            expected, error = outcome(case.function(torch), args, kwargs)
            torch.manual_seed(0)
            actual, gpu_error = outcome(case.function(torch), *there)
            if gpu_error is not None:
                if not refused(gpu_error) and type(gpu_error) is not type(error):
                    failures.append(f"{sample} {dtype}: raises {gpu_error!r}")
                continue
            actual = back(actual)
            if error is not None:
                failures.append(f"{sample} {dtype}: gives {actual}, where the CPU raises {error!r}")
            elif case.name not in NO_VALUES and "random" not in case.skip:
                worked = True
                if found := difference(actual, back(expected), looser(actual), strides=False):
                    failures.append(f"{sample} {dtype}: {found}")
    if case.name in SUPPORTED and not worked:
        failures.append("every dtype is refused")
    report(failures)
